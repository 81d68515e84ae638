"""Targets for introductions: what a stranger, or somebody with an invite, can make us read.

Whatever a key must seal is sealed here around any bytes, since no search would find the seal.
"""

from dataclasses import dataclass
from functools import partial

from tests.fuzz import seeds
from tests.fuzz.target import HOUR, NETWORK, NOW, AnyTarget, Target, cut, is_refused
from tocsin_protocol import cbor, fields, hello, introduce, noise
from tocsin_protocol.envelope import header_of, seal
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hello import Key, Peer
from tocsin_protocol.identity import Card, Identity, Seed
from tocsin_protocol.introduce import Answered, Door, Finished, IntroductionKind, Pending, prologue_of
from tocsin_protocol.limits import (
    GRANT_INTRODUCTION_SIZE_MAX,
    HEADER_SIZE,
    INTRO_TEXT_SIZE_MAX,
    INTRODUCTION_EPOCH_AGE_MAX,
    MESSAGE_KEY_SIZE,
    PUBLIC_KEY_SIZE,
    SEAL_NONCE_SIZE,
    SEED_SIZE,
    TAG_SIZE,
)
from tocsin_protocol.network import DEPTH_MAX
from tocsin_protocol.notification_values import UNSAFE
from tocsin_protocol.types import Epoch, Hour, IdentityKey, MessageKey, Tag

US = Identity.from_seed(Seed(b"\x01" * SEED_SIZE))
THEM = Identity.from_seed(Seed(b"\x02" * SEED_SIZE))
NOBODY: dict[IdentityKey, Card] = {}
KNOWN = {THEM.identity_key: THEM.card}
EPHEMERALS = b"\x03" * 32, b"\x04" * 32
PROLOGUE_SIZE = len(NETWORK.nid16) + HEADER_SIZE + PUBLIC_KEY_SIZE
HASH_SIZE = noise.HASH_SIZE
SAID = (Reason.CBOR, Reason.PAYLOAD, Reason.CARD)
TAG = Tag(b"\x05" * TAG_SIZE)
GRANT = Grant(kinds=0b1011, per_day=20, expires_hour=Hour(HOUR + 900), apps=("org.example.mail", "chat"))


def door_for(initiator: IdentityKey | None) -> Door:
    return Door(
        kind=IntroductionKind.INVITE if initiator is None else IntroductionKind.REINTRODUCTION,
        responder=US.identity_key,
        initiator=initiator,
        tag=TAG,
        key=MessageKey(b"\x06" * MESSAGE_KEY_SIZE),
        psk=b"\x07" * noise.KEY_SIZE,
        first_hour=Hour(0),
        last_hour=Hour(HOUR + 24),
    )


DOORS = door_for(None), door_for(THEM.identity_key), door_for(US.identity_key)
HEADER = header_of(0, HOUR, TAG)


def message_1(payload: bytes) -> tuple[noise.InitiatorState, bytes]:
    return noise.initiate(
        prologue=prologue_of(NETWORK, HEADER, US.identity_key),
        responder_static=US.contact_key,
        psk=DOORS[0].psk,
        static_secret=THEM.contact_secret,
        ephemeral_secret=EPHEMERALS[0],
        payload=payload,
    )


def pending_of(handshake: noise.InitiatorState) -> Pending:
    return Pending(
        kind=IntroductionKind.INVITE,
        identity_key=US.identity_key,
        contact_key=US.contact_key,
        rotation=THEM.rotation.number,
        born_hour=HOUR,
        handshake=handshake,
    )


PENDING = pending_of(message_1(b"")[0])
ANSWERING, _ = noise.respond(
    prologue=prologue_of(NETWORK, HEADER, US.identity_key),
    psk=DOORS[0].psk,
    static_secret=US.contact_secret,
    message=message_1(b"")[1],
)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The first byte: whether what is said gets a good signature, and what the reader knew before."""

    signed: bool
    seen: dict[IdentityKey, Card]
    door: Door


def choices_of(data: bytes) -> tuple[Choices, bytes]:
    flags, rest = cut(data, 1)
    number = flags[0]
    chosen = Choices(
        signed=bool(number & 1), seen=KNOWN if number & 2 else NOBODY, door=DOORS[(number >> 2) % len(DOORS)]
    )
    return chosen, rest


def said_by(signer: Identity, payload: bytes) -> bytes:
    """The payload with this identity and its signature, when it has the numbers of a card."""
    try:
        pairs = fields.map_of(payload)
        rotation = fields.require(pairs, Key.ROTATION, int)
        hour = Hour(fields.require(pairs, Key.NOT_BEFORE_HOUR, int))
    except RemoteProtocolError:
        return payload
    card = Card(contact_key=signer.contact_key, rotation=rotation, not_before_hour=hour)
    if not card.is_well_formed:
        return payload
    return cbor.encode(
        {**pairs, Key.IDENTITY_KEY: signer.identity_key, Key.CARD_SIGNATURE: card.sign(signer)}
    )


def said_seeds() -> list[bytes]:
    """What honest people say, in every size, for each of the choices."""
    whole = hello.write_hello(THEM, depth=3, text="it is me: \u00e9\u2066\U0001f514", grant=GRANT)
    answer = hello.write_hello(US, depth=0, grant=None)
    said: list[cbor.Map] = [
        whole,
        {**whole, Key.INNER_NONCE: bytes(8)},
        {**answer, Key.EPOCH: NOW.epoch, 99: [b"new", {-1: None}]},
        {**answer, Key.EPOCH: Epoch(NOW.epoch + 1)},
        {**whole, Key.ROTATION: HOUR, Key.NOT_BEFORE_HOUR: HOUR + 2},
    ]
    payloads = [cbor.encode(each) for each in said]
    return [bytes((flags,)) + payload for flags in (0, 1, 3, 5, 9) for payload in (*payloads, b"")]


def check_peer(peer: Peer, signer: Identity) -> None:
    """It is who signed; what a person would be shown is short and cannot turn a line around."""
    assert (peer.identity_key, peer.contact_key) == (signer.identity_key, signer.contact_key)
    assert not UNSAFE.search(peer.text)
    assert len(peer.text.encode()) <= INTRO_TEXT_SIZE_MAX
    assert 0 <= peer.depth <= DEPTH_MAX
    if peer.grant is not None:
        small = GRANT_INTRODUCTION_SIZE_MAX
        assert Grant.from_value(peer.grant.to_map(small), small) == peer.grant


def read_hello(data: bytes) -> Peer:
    chosen, payload = choices_of(data)
    return hello.read_hello(
        fields.map_of(said_by(THEM, payload) if chosen.signed else payload),
        authenticated=THEM.contact_key,
        reader=US.identity_key,
        now_hour=HOUR,
        seen=chosen.seen,
    )


def check_hello(data: bytes, peer: Peer) -> None:
    check_peer(peer, THEM)


def read_first(data: bytes) -> tuple[Pending, Answered]:
    chosen, payload = choices_of(data)
    handshake, message = message_1(said_by(THEM, payload) if chosen.signed else payload)
    envelope = seal(
        network=NETWORK,
        kind=0,
        born_hour=HOUR,
        tag=TAG,
        key=chosen.door.key,
        nonce=bytes(SEAL_NONCE_SIZE),
        payload=message,
    )
    answered = introduce.answer(
        identities=[US],
        door=chosen.door,
        network=NETWORK,
        envelope=envelope,
        now=NOW,
        depth=1,
        grant=GRANT,
        ephemeral=EPHEMERALS[1],
        seen=chosen.seen,
    )
    return pending_of(handshake), answered


def check_first(data: bytes, read: tuple[Pending, Answered]) -> None:
    """The answer is one that who was answered can read, and both go on from the same keys."""
    pending, answered = read
    check_peer(answered.peer, THEM)
    finished = introduce.finish(
        identities=[THEM],
        pending=pending,
        payload=answered.reply.message2,
        born_hour=HOUR,
        now=NOW,
        seen=NOBODY,
    )
    assert (finished.roots, finished.epoch) == (answered.roots, answered.epoch)
    assert finished.peer.grant == GRANT


def read_second(data: bytes) -> Finished:
    chosen, payload = choices_of(data)
    message, _ = ANSWERING.write(
        said_by(US, payload) if chosen.signed else payload, ephemeral_secret=EPHEMERALS[1]
    )
    return introduce.finish(
        identities=[THEM], pending=PENDING, payload=message, born_hour=HOUR, now=NOW, seen=chosen.seen
    )


def check_second(data: bytes, finished: Finished) -> None:
    check_peer(finished.peer, US)
    assert 0 <= NOW.epoch - finished.epoch <= INTRODUCTION_EPOCH_AGE_MAX


def changed(data: bytes) -> bytes:
    """In its last bit, which is in a seal."""
    return data[:-1] + bytes((data[-1] ^ 1,))


def read_noise_first(data: bytes) -> noise.ResponderState:
    psk, secret, prologue, message = cut(data, noise.KEY_SIZE, noise.KEY_SIZE, PROLOGUE_SIZE)
    state, _ = noise.respond(prologue=prologue, psk=psk, static_secret=secret, message=message)
    return state


def check_noise_first(data: bytes, state: noise.ResponderState) -> None:
    """Whoever's message opened can be answered; with one bit changed it opens no more."""
    message, _ = state.write(b"yes", ephemeral_secret=EPHEMERALS[1])
    assert len(message) == 3 + noise.SECOND_MESSAGE_OVERHEAD_SIZE
    assert is_refused(Reason.NOISE, partial(read_noise_first, changed(data)))


def noise_first_seeds() -> list[bytes]:
    """Those with a prologue of the size that introductions have."""
    names = "psk", "static_secret", "prologue", "message"
    vectors = [
        [bytes.fromhex(vector[name]) for name in names]
        for vector in seeds.inputs("noise", "read-first", *names)
    ]
    return [b"".join(pieces) for pieces in vectors if len(pieces[2]) == PROLOGUE_SIZE]


def read_noise_second(data: bytes) -> bytes:
    sizes = HASH_SIZE, HASH_SIZE, noise.KEY_SIZE, noise.KEY_SIZE
    chaining_key, handshake_hash, ephemeral, secret, message = cut(data, *sizes)
    state = noise.InitiatorState(
        chaining_key=chaining_key, handshake_hash=handshake_hash, ephemeral_secret=ephemeral
    )
    return state.read(message, static_secret=secret)[0]


def check_noise_second(data: bytes, payload: bytes) -> None:
    assert is_refused(Reason.NOISE, partial(read_noise_second, changed(data)))


TARGETS: dict[str, AnyTarget] = {
    "hello": Target(read=read_hello, check=check_hello, refusals=SAID, seeds=said_seeds, size_max=1024),
    "message-1": Target(read=read_first, check=check_first, refusals=SAID, seeds=said_seeds, size_max=2048),
    "message-2": Target(read=read_second, check=check_second, refusals=SAID, seeds=said_seeds, size_max=2048),
    "noise-1": Target(
        read=read_noise_first,
        check=check_noise_first,
        refusals=(Reason.NOISE,),
        seeds=noise_first_seeds,
        size_max=1024,
    ),
    "noise-2": Target(
        read=read_noise_second,
        check=check_noise_second,
        refusals=(Reason.NOISE,),
        seeds=seeds.raw(
            "noise",
            "read-second",
            *("chaining_key", "handshake_hash", "ephemeral_secret", "static_secret", "message"),
        ),
        size_max=1024,
    ),
}
