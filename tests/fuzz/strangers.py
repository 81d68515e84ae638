"""Targets for knocks: anybody who has an address may send one, and a relay lets through what is stamped.

The doorkeeper is here whole: after its parsers it must not stumble over what they let pass either.
"""

from nacl.bindings import sodium_pad

from tests.fuzz import seeds
from tests.fuzz.handshakes import (
    EPHEMERALS,
    NOBODY,
    SAID,
    TAG,
    THEM,
    US,
    check_peer,
    choices_of,
    said_by,
    said_seeds,
)
from tests.fuzz.target import HOUR, NETWORK, NOW, AnyTarget, Target, cut
from tocsin_protocol import cbor, knock, noise
from tocsin_protocol.doorkeeper import Doorkeeper
from tocsin_protocol.envelope import KNOCK_KIND, UNSTAMPED, Envelope, header_of, message_id
from tocsin_protocol.errors import Reason
from tocsin_protocol.hello import Key, Peer
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.introduce import prologue_of
from tocsin_protocol.knock_events import (
    Discarded,
    KnockArrived,
    KnockEffect,
    KnockWitnessed,
    MeasureWork,
    RequestDecided,
    StoreRequest,
    Terms,
    WorkMeasured,
)
from tocsin_protocol.limits import KNOCK_PAYLOAD_SIZE, KNOCK_SIZE, PIN_DIGITS_MAX, SEED_SIZE
from tocsin_protocol.request import Request
from tocsin_protocol.topics import knock_topic
from tocsin_protocol.types import EnvelopeBytes

SENT = noise.send_static(
    prologue=prologue_of(NETWORK, header_of(KNOCK_KIND, HOUR, TAG), US.identity_key),
    responder_static=US.contact_key,
    psk=knock.knock_psk(US.identity_key, US.contact_key, ""),
    static_secret=THEM.contact_secret,
    ephemeral_secret=EPHEMERALS[0],
)
WITNESSED = 8


def padded_knock(data: bytes) -> bytes:
    """What is said, well padded, or else a block of any bytes."""
    chosen, payload = choices_of(data)
    if chosen.signed:
        said = said_by(THEM, payload)
        if len(said) < KNOCK_PAYLOAD_SIZE:
            return bytes(sodium_pad(said, KNOCK_PAYLOAD_SIZE))
    return cut(payload, KNOCK_PAYLOAD_SIZE)[0]


def knock_of(data: bytes) -> Envelope:
    body = SENT.finish(padded_knock(data))[1]
    return Envelope(kind=KNOCK_KIND, born_hour=HOUR, tag=TAG, body=body, stamp_nonce=UNSTAMPED)


def read_knock(data: bytes) -> tuple[cbor.Map, Peer, bytes | None]:
    static = knock.open_static(identity=US, pin="", network=NETWORK, envelope=knock_of(data))
    handshake, said = knock.open_payload(static)
    seen = choices_of(data)[0].seen
    peer, nonce = knock.read_knocker(said, handshake=handshake, reader=US.identity_key, now=NOW, seen=seen)
    return said, peer, nonce


def check_knock(data: bytes, read: tuple[cbor.Map, Peer, bytes | None]) -> None:
    said, peer, nonce = read
    check_peer(peer, THEM)
    assert nonce == said.get(Key.INNER_NONCE)
    assert sodium_pad(cbor.encode(said), KNOCK_PAYLOAD_SIZE) == padded_knock(data)


def read_arrival(data: bytes) -> list[KnockEffect]:
    """A knock at anybody's door, and whatever a doorkeeper is told about it afterwards."""
    seed, (flags, bits), pin, envelope = cut(data, SEED_SIZE, 2, PIN_DIGITS_MAX)
    digits = pin.rstrip(b"\0").decode("latin-1")
    me = Identity.from_seed(Seed(seed))
    terms = Terms(identities=(me,), policy=flags & 7, pin=digits if knock.PIN.fullmatch(digits) else "")
    keeper = Doorkeeper(network=NETWORK, terms=terms, contacts=NOBODY, blocked=set())
    arrived = KnockArrived(envelope=EnvelopeBytes(envelope), witnessed=bool(flags & WITNESSED))
    effects = keeper.handle(arrived, NOW)
    for effect in tuple(effects):
        if isinstance(effect, MeasureWork):
            effects += keeper.handle(WorkMeasured(body_id=effect.body_id, zero_bits=bits % 129), NOW)
    mid = message_id(NETWORK, knock_topic(NETWORK), envelope)
    effects += keeper.handle(KnockWitnessed(mid=mid), NOW)
    for effect in tuple(effects):
        if isinstance(effect, StoreRequest):
            effects += keeper.handle(RequestDecided(body_id=effect.request.body_id), NOW)
    return effects


def check_arrival(data: bytes, effects: list[KnockEffect]) -> None:
    """Whatever came is accounted for, and what is to be stored can be read again."""
    assert any(isinstance(effect, Discarded | StoreRequest) for effect in effects)
    for effect in effects:
        if isinstance(effect, StoreRequest):
            assert Request.decode(effect.request.encode()) == effect.request


def arrival_seeds() -> list[bytes]:
    """The knocks of the vectors, and those around what people say."""
    found = [
        bytes.fromhex(vector["seed"])
        + bytes((vector["policy"] | WITNESSED, 128))
        + vector.get("pin", "").encode().ljust(PIN_DIGITS_MAX, b"\0")
        + bytes.fromhex(envelope)
        for vector in seeds.inputs("knock", "knocks", "seed", "policy", "envelopes")
        for envelope in vector["envelopes"]
    ]
    door = b"\x01" * SEED_SIZE
    for seed in said_seeds():
        found += [
            door + bytes(flags) + bytes(PIN_DIGITS_MAX) + knock_of(seed).encode()
            for flags in ((1, 0), (7, 128))
        ]
    return found


TARGETS: dict[str, AnyTarget] = {
    "knock": Target(
        read=read_knock,
        check=check_knock,
        refusals=(*SAID, Reason.PADDING),
        seeds=said_seeds,
        size_max=1 + KNOCK_PAYLOAD_SIZE,
    ),
    "doorkeeper": Target(
        read=read_arrival,
        check=check_arrival,
        refusals=(),
        seeds=arrival_seeds,
        size_max=SEED_SIZE + 2 + PIN_DIGITS_MAX + KNOCK_SIZE,
    ),
}
