"""How two people come to share keys: message 1 through a door that both know, message 2, confirm.

It is not the handshake's arithmetic (`noise`), and it asks nobody: who is answered was decided before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tocsin_protocol import cbor, fields, hello, noise
from tocsin_protocol.envelope import Envelope, EnvelopeClass, header_of, kind_of, open_sealed, seal
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hashing import H
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Card, Identity
from tocsin_protocol.limits import (
    INTRODUCTION_ANSWER_DELAY_MS,
    INTRODUCTION_EPOCH_AGE_MAX,
    INTRODUCTION_REPEAT_HOURS,
    INTRODUCTION_REPLY_HOURS,
    MESSAGE_KEY_SIZE,
    TAG_SIZE,
)
from tocsin_protocol.network import Network
from tocsin_protocol.topics import home, shard_topic
from tocsin_protocol.types import ContactKey, Epoch, Hour, IdentityKey, MessageKey, Now, Tag, Topic, epoch_of
from tocsin_protocol.wheel import Roots, roots_of_introduction


class IntroductionKind(IntEnum):
    """What the initiator had in hand: an invite, only an address, or what an earlier introduction left."""

    INVITE = 0
    KNOCK = 1
    REINTRODUCTION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What both sides know before message 1, which is let in once and born in one of these hours.

    `initiator` is None when anybody may come who has the secret.
    """

    kind: IntroductionKind
    responder: IdentityKey
    initiator: IdentityKey | None
    tag: Tag
    key: MessageKey = field(repr=False)
    psk: bytes = field(repr=False)
    first_hour: Hour
    last_hour: Hour

    def is_open(self, hour: Hour) -> bool:
        return self.first_hour <= hour <= self.last_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """All that the initiator keeps; to be stored before message 1 leaves, until the reply window ends.

    It stays although a newer message 1 was made: the answer may be to this one.
    """

    kind: IntroductionKind
    identity_key: IdentityKey
    contact_key: ContactKey
    rotation: int
    born_hour: Hour
    handshake: noise.InitiatorState

    @property
    def reply_until_hour(self) -> Hour:
        return Hour(self.born_hour + INTRODUCTION_REPLY_HOURS)

    def reply_entry(self, epoch: Epoch) -> tuple[Tag, MessageKey]:
        """What message 2 carries if its envelope is born in this epoch."""
        return reply_entry(self.handshake.chaining_key, epoch)

    def encode(self) -> bytes:
        """One blob for a store; it holds secrets."""
        return cbor.encode(
            {
                0: self.identity_key,
                1: self.contact_key,
                2: self.born_hour,
                3: self.handshake.chaining_key,
                4: self.handshake.handshake_hash,
                5: self.handshake.ephemeral_secret,
                6: self.kind,
                7: self.rotation,
            }
        )

    @staticmethod
    def decode(data: bytes) -> "Pending":
        """What `encode` wrote; other bytes are a damaged store, so the fault is ours."""
        try:
            stored = fields.map_of(data)
            return Pending(
                kind=IntroductionKind(fields.require_uint(stored, 6, max(IntroductionKind))),
                identity_key=IdentityKey(fields.require(stored, 0, bytes)),
                contact_key=ContactKey(fields.require(stored, 1, bytes)),
                rotation=fields.require(stored, 7, int),
                born_hour=Hour(fields.require(stored, 2, int)),
                handshake=noise.InitiatorState(
                    chaining_key=fields.require(stored, 3, bytes),
                    handshake_hash=fields.require(stored, 4, bytes),
                    ephemeral_secret=fields.require(stored, 5, bytes),
                ),
            )
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"a stored introduction is damaged: {error.detail}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Message 1, unstamped, and where it goes once `pending` is stored."""

    pending: Pending
    envelope: Envelope
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Message 2 is made once: to repeat it, the same bytes go into a new envelope of that day's entry."""

    message2: bytes
    seed: bytes = field(repr=False)
    until_hour: Hour

    def entry(self, epoch: Epoch) -> tuple[Tag, MessageKey]:
        """The tag and key of an envelope born in this epoch that carries message 2."""
        return reply_entry(self.seed, epoch)

    def is_due(self, last_hour: Hour | None, now_hour: Hour) -> bool:
        """At once, then once a day while the initiator still listens for it and has proved nothing yet."""
        if now_hour > self.until_hour:
            return False
        return last_hour is None or now_hour - last_hour >= INTRODUCTION_REPEAT_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Who came, the answer to be stored, and where both wheels start: provisional until proven."""

    kind: IntroductionKind
    peer: Peer
    reply: Reply
    roots: Roots
    epoch: Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Who answered, and where both wheels start; nothing is sent before `epoch`."""

    kind: IntroductionKind
    peer: Peer
    roots: Roots
    epoch: Epoch


def begin(
    *,
    identity: Identity,
    door: Door,
    contact_key: ContactKey,
    network: Network,
    born_hour: Hour,
    ttl_index: int,
    text: str,
    depth: int,
    grant: Grant | None = None,
    ephemeral: bytes,
    nonce: bytes,
) -> Begun:
    """Message 1 through a door, which travels like any notification to the responder's shard.

    `ephemeral` makes this one message: for another hour, text or door a new one must be drawn.
    """
    if door.responder == identity.identity_key:
        raise RemoteProtocolError(Reason.URI, "it is your own: give it to somebody else")
    if not door.is_open(born_hour):
        raise LocalProtocolError("message 1 is not made for an hour in which nobody waits for it")
    kind = kind_of(EnvelopeClass.PAIR, ttl_index)
    handshake, message1 = noise.initiate(
        prologue=prologue_of(network, header_of(kind, born_hour, door.tag), door.responder),
        responder_static=contact_key,
        psk=door.psk,
        static_secret=identity.contact_secret,
        ephemeral_secret=ephemeral,
        payload=cbor.encode(hello.write_hello(identity, depth=depth, text=text, grant=grant)),
    )
    envelope = seal(
        network=network,
        kind=kind,
        born_hour=born_hour,
        tag=door.tag,
        key=door.key,
        nonce=nonce,
        payload=message1,
    )
    pending = Pending(
        kind=door.kind,
        identity_key=door.responder,
        contact_key=contact_key,
        rotation=identity.rotation.number,
        born_hour=born_hour,
        handshake=handshake,
    )
    return Begun(pending=pending, envelope=envelope, topic=shard_topic(network, home(door.responder)))


def answer(
    *,
    identities: Sequence[Identity],
    door: Door,
    network: Network,
    envelope: Envelope,
    now: Now,
    depth: int,
    grant: Grant | None = None,
    ephemeral: bytes,
    seen: Mapping[IdentityKey, Card],
) -> Answered:
    """Reads message 1 and makes message 2; the door is used up only when this returns.

    `identities` are ours with every contact key still in use, newest first; `seen` as in `read_hello`.
    """
    if envelope.envelope_class is not EnvelopeClass.PAIR:
        raise RemoteProtocolError(Reason.KIND, "an introduction travels as one of a pair's envelopes")
    if not door.is_open(envelope.born_hour):  # TOC-5 §4.3
        raise RemoteProtocolError(Reason.HOUR, "it came too early or had expired")
    message1 = open_sealed(network=network, envelope=envelope, key=door.key)
    prologue = prologue_of(network, envelope.header, door.responder)
    identity, handshake, payload = _respond(identities, prologue, door.psk, message1)
    peer = hello.read_hello(
        fields.map_of(payload),
        authenticated=ContactKey(handshake.initiator_static),
        reader=door.responder,
        now_hour=now.hour,
        seen=seen,
    )
    if door.initiator not in {None, peer.identity_key}:  # TOC-5 §6
        raise RemoteProtocolError(Reason.CARD, "somebody else came than the one this was for")
    return reply_to(
        kind=door.kind,
        identity=identity,
        handshake=handshake,
        peer=peer,
        born_hour=envelope.born_hour,
        now=now,
        depth=depth,
        grant=grant,
        ephemeral=ephemeral,
    )


def reply_to(
    *,
    kind: IntroductionKind,
    identity: Identity,
    handshake: noise.ResponderState,
    peer: Peer,
    born_hour: Hour,
    now: Now,
    depth: int,
    grant: Grant | None,
    ephemeral: bytes,
) -> Answered:
    """Message 2 on a message 1 that was read and believed; to be called once for it."""
    if now.hour > born_hour + INTRODUCTION_REPLY_HOURS:
        raise LocalProtocolError("nobody listens for this answer any more")
    pairs = hello.write_hello(identity, depth=depth, grant=grant)
    pairs[hello.Key.EPOCH] = now.epoch
    message2, keys = handshake.write(cbor.encode(pairs), ephemeral_secret=ephemeral)
    reply = Reply(
        message2=message2,
        seed=handshake.chaining_key,
        until_hour=Hour(born_hour + INTRODUCTION_REPLY_HOURS),
    )
    roots = roots_of_introduction(keys.k1, keys.k2, keys.handshake_hash)
    return Answered(kind=kind, peer=peer, reply=reply, roots=roots, epoch=now.epoch)


def finish(
    *,
    identities: Sequence[Identity],
    pending: Pending,
    payload: bytes,
    born_hour: Hour,
    now: Now,
    seen: Mapping[IdentityKey, Card],
) -> Finished:
    """Reads message 2; `pending` is unchanged, so a bad one leaves everything as it was."""
    if born_hour > pending.reply_until_hour:
        raise RemoteProtocolError(Reason.HOUR, "the answer comes too late")
    identity = identity_of(identities, pending.rotation)
    opened, keys = pending.handshake.read(payload, static_secret=identity.contact_secret)
    pairs = fields.map_of(opened)
    peer = hello.read_hello(
        pairs,
        authenticated=pending.contact_key,
        reader=identity.identity_key,
        now_hour=now.hour,
        seen=seen,
    )
    if peer.identity_key != pending.identity_key:
        raise RemoteProtocolError(Reason.CARD, "somebody else answered than was asked")
    epoch = Epoch(fields.require(pairs, hello.Key.EPOCH, int))
    if not now.epoch - INTRODUCTION_EPOCH_AGE_MAX <= epoch <= epoch_of(born_hour):  # TOC-5 §3.3
        raise RemoteProtocolError(Reason.PAYLOAD, f"the answer starts in epoch {epoch}")
    roots = roots_of_introduction(keys.k1, keys.k2, keys.handshake_hash)
    return Finished(kind=pending.kind, peer=peer, roots=roots, epoch=epoch)


def reply_entry(reply_seed: bytes, epoch: Epoch) -> tuple[Tag, MessageKey]:
    """Both sides know the seed after message 1; a tag for all days would link them."""
    both = H("tcn1/reply", reply_seed + epoch.to_bytes(4, "big"), TAG_SIZE + MESSAGE_KEY_SIZE)  # TOC-5 §3.1
    return Tag(both[:TAG_SIZE]), MessageKey(both[TAG_SIZE:])


def answer_delay_ms(draw: bytes, bounds_ms: tuple[int, int] = INTRODUCTION_ANSWER_DELAY_MS) -> int:
    """How long an automatic answer waits; eight random bytes are even enough over a few thousand values."""
    low, high = bounds_ms
    return low + int.from_bytes(draw, "big") % (high - low + 1)


def prologue_of(network: Network, header: bytes, responder: IdentityKey) -> bytes:
    """The responder's identity is in it, so that a re-labelled invite does not open at its maker."""
    return network.nid16 + header + responder  # TOC-5 §1


def identity_of(identities: Sequence[Identity], rotation: int) -> Identity:
    """Ours with the contact key that a handshake was begun with."""
    for identity in identities:
        if identity.rotation.number == rotation:
            return identity
    raise LocalProtocolError(f"contact key {rotation} is not kept any more")


def _respond(
    identities: Sequence[Identity], prologue: bytes, psk: bytes, message1: bytes
) -> tuple[Identity, noise.ResponderState, bytes]:
    """With the newest contact key that opens it: the invite may be older than a rotation."""
    for identity in identities:
        try:
            opened = noise.read_static(
                prologue=prologue,
                psk=psk,
                static_secret=identity.contact_secret,
                static_public=identity.contact_key,
                message=message1,
            )
        except RemoteProtocolError:
            continue
        return identity, *opened.finish()
    raise RemoteProtocolError(Reason.NOISE, "no contact key of ours opens message 1")
