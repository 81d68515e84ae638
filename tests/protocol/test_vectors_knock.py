"""Our knocks and our doorkeeper against the vectors of `knock`."""

from tests.protocol.vector_people import cards_of, grant_of, readers_of, told_peer, writer_of
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.doorkeeper import Doorkeeper
from tocsin_protocol.errors import Reason
from tocsin_protocol.identity import Address
from tocsin_protocol.inner_work import InnerWork
from tocsin_protocol.knock import KnockDraft, body_id, knock_psk
from tocsin_protocol.knock_events import (
    Discarded,
    KnockArrived,
    KnockInput,
    MeasureWork,
    StoreRequest,
    Terms,
    Why,
    WorkMeasured,
)
from tocsin_protocol.request import Request
from tocsin_protocol.types import EnvelopeBytes, Hour, IdentityKey, Tag

LAYERS = {
    Why.CLOSED: "kind",
    Why.SEEN: "tag",
    Why.EPHEMERAL: "tag",
    Why.BLOCKED: "card",
    Why.WORK: "stamp",
}


def run_inner_work(vector: Vector) -> Fields:
    identity_key = IdentityKey(vector.raw("identity_key"))
    work = InnerWork.on(vector.raw("static_hash"), identity_key, vector.raw("ephemeral"))
    return {"salt": work.salt.hex(), "zero_bits": work.zero_bits(vector.raw("nonce"))}


def run_knock(vector: Vector) -> Fields:
    given = vector.input
    address = Address.decode(given["address"], vector.network)
    draft = KnockDraft(
        identity=writer_of(vector),
        address=address,
        pin=given["pin"],
        network=vector.network,
        born_hour=Hour(given["born_hour"]),
        text=given["text"],
        depth=given["depth"],
        grant=grant_of(vector),
        ephemeral=vector.raw("ephemeral"),
        tag=Tag(vector.raw("tag")),
    )
    begun = draft.finish(None if given["inner_nonce"] is None else vector.raw("inner_nonce"))
    handshake = begun.pending.handshake
    return {
        "psk": knock_psk(address.identity_key, address.contact_key, given["pin"]).hex(),
        "static_hash": draft.work.static_hash.hex(),
        "body_id": body_id(begun.envelope.header, begun.envelope.body).hex(),
        "chaining_key": handshake.chaining_key.hex(),
        "handshake_hash": handshake.handshake_hash.hex(),
        "envelope": begun.envelope.encode().hex(),
    }


def run_knocks(vector: Vector) -> Fields:
    """Every knock is witnessed, and every measure is made at once."""
    given = vector.input
    keeper = Doorkeeper(
        network=vector.network,
        terms=Terms(identities=tuple(readers_of(vector)), policy=given["policy"], pin=given["pin"]),
        contacts=cards_of(given["contacts"]),
        blocked={IdentityKey(bytes.fromhex(key)) for key in given["blocked"]},
    )
    outcomes, requests = list[str](), list[Request]()
    for data in given["envelopes"]:
        arrived = KnockArrived(envelope=EnvelopeBytes(bytes.fromhex(data)), witnessed=True)
        outcomes.append(take_in(keeper, arrived, vector, requests))
    told = [told_request(request) for request in requests]
    return {"expect": outcomes[-1], "outcomes": outcomes, "requests": told}


def take_in(keeper: Doorkeeper, event: KnockInput, vector: Vector, requests: list[Request]) -> str:
    for effect in keeper.handle(event, vector.now):
        match effect:
            case Discarded(why=why):
                return why.value if isinstance(why, Reason) else LAYERS[why]
            case StoreRequest(request=request):
                requests.append(request)
                return "ok"
            case MeasureWork(body_id=measured, work=work, nonce=nonce):
                zero_bits = work.zero_bits(nonce)
                return take_in(keeper, WorkMeasured(body_id=measured, zero_bits=zero_bits), vector, requests)
            case _:
                pass
    raise AssertionError("nothing came of a knock")


def told_request(request: Request) -> Fields:
    restored = Request.decode(request.encode())
    assert restored.shown
    return {
        **told_peer(restored.peer),
        "own_rotation": restored.rotation,
        "from_contact": restored.from_contact,
        "body_id": restored.body_id.hex(),
        "mid": restored.mid.hex(),
    }


@vectors_of("knock")
def test_knock(vector: Vector) -> None:
    check(vector, {"inner-work": run_inner_work, "knock": run_knock, "knocks": run_knocks})
