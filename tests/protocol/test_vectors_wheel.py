"""Our generations, wheels, chains and turns against the vectors of `wheel`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import cbor, fields
from tocsin_protocol.control import Accept, Offer, read_control
from tocsin_protocol.renewal import transcript_of
from tocsin_protocol.types import Epoch, IdentityKey
from tocsin_protocol.wheel import (
    Q,
    Roots,
    Wheel,
    direction_of,
    first_chain,
    first_wheel,
    roots_of_introduction,
    roots_of_renewal,
    turn,
)


def run_generation_0(vector: Vector) -> Fields:
    roots = roots_of_introduction(vector.raw("k1"), vector.raw("k2"), vector.raw("handshake_hash"))
    assert roots.generation == 0
    return {"m": roots.key.hex(), "wheel_key": roots.wheel_key.hex()}


def run_generation_next(vector: Vector) -> Fields:
    offer = read_control(fields.as_map(cbor.decode(vector.raw("offer"))))
    accept = read_control(fields.as_map(cbor.decode(vector.raw("accept"))))
    assert isinstance(offer, Offer)
    assert isinstance(accept, Accept)
    transcript = transcript_of(offer, accept)
    roots = roots_of_renewal(
        key=vector.raw("m"),
        generation=vector.input["generation"],
        shared=vector.raw("shared"),
        transcript=transcript,
    )
    return {
        "offer_digest": offer.digest.hex(),
        "accept_digest": accept.digest.hex(),
        "th": transcript.hex(),
        "m": roots.key.hex(),
        "wheel_key": roots.wheel_key.hex(),
    }


def run_wheel(vector: Vector) -> Fields:
    direction = direction_of(IdentityKey(vector.raw("sender")), IdentityKey(vector.raw("receiver")))
    roots = Roots(generation=0, key=bytes(32), wheel_key=vector.raw("wheel_key"))
    first = first_wheel(roots, direction, Epoch(vector.input["first_epoch"]))
    wheel = first.at(Epoch(vector.input["epoch"]))
    return {"direction": direction, "first": first.key.hex(), "wheel": wheel.key.hex()}


def run_chain(vector: Vector) -> Fields:
    wheel = Wheel(epoch=Epoch(vector.input["epoch"]), key=vector.raw("wheel"))
    chain = first = first_chain(wheel, Q(vector.input["q"]), vector.input["device"])
    while chain.index < vector.input["index"]:
        chain, _ = chain.step()
    following, link = chain.step()
    return {
        "first": first.key.hex(),
        "chain": chain.key.hex(),
        "next": following.key.hex(),
        "message_key": link.key.hex(),
        "tag": link.tag.hex(),
        "nid": link.nid.hex(),
    }


def run_turn(vector: Vector) -> Fields:
    wheel = Wheel(epoch=Epoch(vector.input["epoch"]), key=vector.raw("wheel"))
    turned = turn(wheel, Epoch(vector.input["to"]))
    chains = [{"epoch": chain.epoch, "q": chain.q, "chain": chain.key.hex()} for chain in turned.chains]
    return {"epoch": turned.wheel.epoch, "wheel": turned.wheel.key.hex(), "chains": chains}


@vectors_of("wheel")
def test_wheel(vector: Vector) -> None:
    operations = {
        "generation-0": run_generation_0,
        "generation-next": run_generation_next,
        "wheel": run_wheel,
        "chain": run_chain,
        "turn": run_turn,
    }
    check(vector, operations)
