"""Our message 1, written and read, against the vectors of `introduction` and `reintroduction`."""

from tests.protocol.vector_people import cards_of, door_of, grant_of, readers_of, told_peer, writer_of
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.envelope import Envelope, EnvelopeClass, open_sealed
from tocsin_protocol.introduce import answer, begin, prologue_of
from tocsin_protocol.reintroduce import Acquaintance, reintroduction_secret
from tocsin_protocol.types import ContactKey, Epoch, Hour, IdentityKey
from tocsin_protocol.wheel import Roots, direction_of

TTL_INDEX = 3
EPHEMERAL = b"\x0e" * 32


def run_introduce(vector: Vector) -> Fields:
    door = door_of(vector.input["door"])
    begun = begin(
        identity=writer_of(vector),
        door=door,
        contact_key=ContactKey(vector.raw("contact_key")),
        network=vector.network,
        born_hour=Hour(vector.input["born_hour"]),
        ttl_index=TTL_INDEX,
        text=vector.input["text"],
        depth=vector.input["depth"],
        grant=grant_of(vector),
        ephemeral=vector.raw("ephemeral"),
        nonce=vector.raw("nonce"),
    )
    handshake = begun.pending.handshake
    return {
        "prologue": prologue_of(vector.network, begun.envelope.header, door.responder).hex(),
        "message": open_sealed(network=vector.network, envelope=begun.envelope, key=door.key).hex(),
        "chaining_key": handshake.chaining_key.hex(),
        "handshake_hash": handshake.handshake_hash.hex(),
        "envelope": begun.envelope.encode().hex(),
        "topic": begun.topic,
    }


def run_read_introduction(vector: Vector) -> Fields:
    """What the table of tags does first, then ours."""
    door, envelope = door_of(vector.input["door"]), Envelope.parse(vector.raw("envelope"))
    if envelope.envelope_class is not EnvelopeClass.PAIR or envelope.tag != door.tag:
        return {"expect": "tag"}
    answered = answer(
        identities=readers_of(vector),
        door=door,
        network=vector.network,
        envelope=envelope,
        now=vector.now,
        depth=0,
        ephemeral=EPHEMERAL,
        seen=cards_of(vector.input["seen"]),
    )
    return {**told_peer(answered.peer), "chaining_key": answered.reply.seed.hex()}


def run_reintroduction(vector: Vector) -> Fields:
    """Seen from the responder, and from the initiator."""
    initiator = IdentityKey(vector.raw("initiator"))
    responder = IdentityKey(vector.raw("responder"))
    epoch = Epoch(vector.input["epoch"])
    secret = reintroduction_secret(Roots(generation=0, key=vector.raw("m"), wheel_key=bytes(32)))
    door = Acquaintance(own=responder, other=initiator, secret=secret).way_in(epoch)
    assert door == Acquaintance(own=initiator, other=responder, secret=secret).way_out(epoch)
    assert door is not None
    return {
        "reintro": secret.hex(),
        "direction": direction_of(initiator, responder),
        "tag": door.tag.hex(),
        "key": door.key.hex(),
        "psk": door.psk.hex(),
    }


OPERATIONS = {
    "introduce": run_introduce,
    "read-introduction": run_read_introduction,
    "reintroduction": run_reintroduction,
}


@vectors_of("introduction")
def test_introduction(vector: Vector) -> None:
    check(vector, OPERATIONS)


@vectors_of("reintroduction")
def test_reintroduction(vector: Vector) -> None:
    check(vector, OPERATIONS)
