"""Our sessions against the vectors of `renewal`: what an offer or an accept does to one."""

from tests.protocol.vector_sessions import CONTACT, Restored, draw_of, state_after
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import cbor, fields
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Accept, Control, Offer, read_control, write_control
from tocsin_protocol.effects import Acceptance, Effect, Offering, Role
from tocsin_protocol.recognise import StreamId
from tocsin_protocol.session import Opened
from tocsin_protocol.types import Epoch, IdentityKey
from tocsin_protocol.wheel import Q

REFUSED = "payload"


def control_of(data: bytes) -> Control:
    return read_control(fields.as_map(cbor.decode(data)))


def offer_of(data: bytes) -> Offer:
    control = control_of(data)
    assert isinstance(control, Offer)
    return control


def accept_of(data: bytes) -> Accept:
    control = control_of(data)
    assert isinstance(control, Accept)
    return control


def run_answer_offer(vector: Vector) -> Fields:
    given = vector.input
    current: int = given["generation"]
    restored = Restored(own=IdentityKey(vector.raw("own")), other=IdentityKey(vector.raw("other")))
    restored.put_generation(current, vector.raw("m"), vector.now.epoch, role=Role.BEGAN, confirmed_ms=0)
    if given["entered"] is not None:
        role = Role(given["entered"])
        restored.put_generation(current + 1, b"\x0e" * 32, vector.now.epoch, role=role, confirmed_ms=None)
    if given["own_offer"] is not None:
        restored.put(own_offer(given["own_offer"]))
    if given["accepted"] is not None:
        restored.put(accepted_before(given["accepted"]))
    number, epoch, index = given["position"]
    stream = StreamId(contact=CONTACT, generation=number, epoch=Epoch(epoch), q=Q.CONTROL)
    effects = open_control(vector, restored, stream, index, "offer")
    return told_answer(restored, effects, given["own_offer"], current + 1)


def told_answer(restored: Restored, effects: tuple[Effect, ...], own: Fields | None, number: int) -> Fields:
    session = restored.session
    session.apply(effects)
    offering = session.pair.offering
    left = None if own is None or offering is None else own["offer"]
    sealed = [effect.control for effect in effects if isinstance(effect, fx.Seal)]
    if any(isinstance(effect, fx.Ignored) for effect in effects):
        crossed = {} if own is None else {"repeats": bool(sealed), "own_offer": left}
        assert not any(isinstance(effect, fx.PutRoot) for effect in effects)
        return {"expect": REFUSED, **crossed}
    (accept,) = sealed
    assert isinstance(accept, Accept)
    return {
        "accept": cbor.encode(write_control(accept)).hex(),
        "own_offer": left,
        **told_generation(effects, number),
    }


def own_offer(told: Fields) -> Effect:
    sent_ms = told["sent"] * 1000
    offer = offer_of(bytes.fromhex(told["offer"]))
    secret = bytes.fromhex(told["secret"])
    return fx.PutOffering(offering=Offering(offer=offer, secret=secret, made_ms=sent_ms, sent_ms=sent_ms))


def accepted_before(told: Fields) -> Effect:
    generation, epoch, index = told["position"]
    accept = accept_of(bytes.fromhex(told["accept"]))
    digest = bytes.fromhex(told["offer_digest"])
    assert accept.offer_digest == digest
    position = (generation, Epoch(epoch), index)
    return fx.PutAcceptance(acceptance=Acceptance(offer_digest=digest, accept=accept, position=position))


def run_read_accept(vector: Vector) -> Fields:
    current: int = vector.input["generation"]
    offer = offer_of(vector.raw("offer"))
    restored = Restored()
    restored.put_generation(current, vector.raw("m"), vector.now.epoch, role=Role.BEGAN, confirmed_ms=0)
    made_ms = vector.now.unix_ms - 1
    offering = Offering(offer=offer, secret=vector.raw("secret"), made_ms=made_ms, sent_ms=made_ms)
    restored.put(fx.PutOffering(offering=offering))
    stream = StreamId(contact=CONTACT, generation=current, epoch=vector.now.epoch, q=Q.CONTROL)
    effects = open_control(vector, restored, stream, 0, "accept")
    if any(isinstance(effect, fx.Ignored) for effect in effects):
        assert not any(isinstance(effect, fx.PutRoot) for effect in effects)
        return {"expect": REFUSED}
    return told_generation(effects, offer.generation)


def open_control(
    vector: Vector, restored: Restored, stream: StreamId, index: int, name: str
) -> tuple[Effect, ...]:
    event = Opened(
        stream=stream,
        index=index,
        state=state_after(stream, index),
        born_hour=vector.now_hour,
        control=control_of(vector.raw(name)),
        witnessed=vector.input["witnessed"],
        draw=draw_of(bytes.fromhex(vector.input["secret"])),
    )
    return restored.handle(event, vector.now)


def told_generation(effects: tuple[Effect, ...], number: int) -> Fields:
    """Nothing when no generation was entered: then the answer was made before."""
    roots = [effect.key.hex() for effect in effects if isinstance(effect, fx.PutRoot)]
    begun = [
        effect.generation.epoch
        for effect in effects
        if isinstance(effect, fx.PutGeneration) and effect.generation.number == number
    ]
    return {"m": roots[0], "epoch": begun[0]} if roots else {}


@vectors_of("renewal")
def test_renewal(vector: Vector) -> None:
    check(vector, {"answer-offer": run_answer_offer, "read-accept": run_read_accept})
