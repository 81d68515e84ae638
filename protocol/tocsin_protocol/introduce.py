"""How two people who have only an invite between them come to share keys: message 1, message 2, confirm.

It is not the handshake's arithmetic (`noise`), and it asks nobody: who is answered was decided before.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from tocsin_protocol import base32, cbor, noise
from tocsin_protocol.envelope import Envelope, EnvelopeClass, header_of, kind_of, open_sealed, seal
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.identity import Card, Identity, uri_check, verify_card
from tocsin_protocol.limits import (
    INTRO_TEXT_SIZE_MAX,
    INTRODUCTION_EPOCH_AGE_MAX,
    INTRODUCTION_REPLY_HOURS,
    INVITE_SECRET_SIZE,
    MESSAGE_KEY_SIZE,
    PUBLIC_KEY_SIZE,
    TAG_SIZE,
    URI_CHECK_SIZE,
)
from tocsin_protocol.network import DEPTH_MAX, Network
from tocsin_protocol.topics import home, shard_topic
from tocsin_protocol.types import ContactKey, Epoch, Hour, IdentityKey, MessageKey, Now, Tag, Topic, epoch_of
from tocsin_protocol.wheel import Roots, roots_of_introduction

INVITE_SCHEME = "tocsin:invite/"
INVITE_VERSION = 1
INVITE_FLAGS = 0
INVITE_DEPTH_AT = 2 + 2 * PUBLIC_KEY_SIZE
INVITE_HOUR_AT = INVITE_DEPTH_AT + 1
INVITE_SECRET_AT = INVITE_HOUR_AT + 4
INVITE_PREFIX_SIZE = INVITE_SECRET_AT + INVITE_SECRET_SIZE
INVITE_SIZE = INVITE_PREFIX_SIZE + URI_CHECK_SIZE
HOUR_MAX = (1 << 32) - 1

Field = TypeVar("Field", int, bytes, str)


class Key(IntEnum):
    """The map keys inside messages 1 and 2; further ones are ignored."""

    IDENTITY_KEY = 0
    CARD_SIGNATURE = 1
    ROTATION = 2
    NOT_BEFORE_HOUR = 3
    TEXT = 4
    DEPTH = 6
    EPOCH = 8


class ControlOp(IntEnum):
    """What a control map asks for; its numbers are shared with renewals."""

    CONFIRM = 2


class ControlKey(IntEnum):
    OP = 0
    GENERATION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Given to one person by other means; whoever uses it first becomes a contact without being asked for."""

    identity_key: IdentityKey
    contact_key: ContactKey
    depth: int
    expires_hour: Hour
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.identity_key) != PUBLIC_KEY_SIZE or len(self.contact_key) != PUBLIC_KEY_SIZE:
            raise LocalProtocolError(f"a public key has {PUBLIC_KEY_SIZE} bytes")
        if len(self.secret) != INVITE_SECRET_SIZE:
            raise LocalProtocolError(f"an invite's secret has {INVITE_SECRET_SIZE} bytes")
        if not 0 <= self.depth <= DEPTH_MAX or not 0 <= self.expires_hour <= HOUR_MAX:
            raise LocalProtocolError(f"depth {self.depth} or hour {self.expires_hour} fits no invite")

    @property
    def tag(self) -> Tag:
        """One for all epochs: the initiator does not know in which one the invite will be read."""
        return Tag(H("tcn1/invtag", self.secret + b"\0", TAG_SIZE))

    @property
    def wrap_key(self) -> MessageKey:
        return MessageKey(H("tcn1/invkey", self.secret, MESSAGE_KEY_SIZE))

    @property
    def psk(self) -> bytes:
        return H("tcn1/invpsk", self.secret, noise.KEY_SIZE)

    def encode(self, network: Network) -> str:
        head = bytes((INVITE_VERSION, INVITE_FLAGS)) + self.identity_key + self.contact_key
        prefix = head + bytes((self.depth,)) + self.expires_hour.to_bytes(4, "big") + self.secret
        return INVITE_SCHEME + base32.encode(prefix + uri_check(network, prefix))

    @staticmethod
    def decode(text: str, network: Network, now_hour: Hour) -> "Invite":
        """An invite that can still be used; what is wrong with another one is said for a person."""
        scheme, rest = text[: len(INVITE_SCHEME)], text[len(INVITE_SCHEME) :]
        if not scheme.isascii() or scheme.lower() != INVITE_SCHEME:
            raise RemoteProtocolError(Reason.URI, f"an invite begins with {INVITE_SCHEME}")
        raw = base32.decode(rest, INVITE_SIZE)
        prefix, check = raw[:INVITE_PREFIX_SIZE], raw[INVITE_PREFIX_SIZE:]
        if check != uri_check(network, prefix):
            raise RemoteProtocolError(Reason.URI, "it is mistyped, or it belongs to another network")
        depth = prefix[INVITE_DEPTH_AT]
        if (prefix[0], prefix[1]) != (INVITE_VERSION, INVITE_FLAGS) or depth > DEPTH_MAX:
            raise RemoteProtocolError(Reason.URI, "it was made by a newer version")
        expires_hour = Hour(int.from_bytes(prefix[INVITE_HOUR_AT:INVITE_SECRET_AT], "big"))
        if now_hour > expires_hour:
            raise RemoteProtocolError(Reason.URI, "it has expired: ask for a new one")
        return Invite(
            identity_key=IdentityKey(prefix[2 : 2 + PUBLIC_KEY_SIZE]),
            contact_key=ContactKey(prefix[2 + PUBLIC_KEY_SIZE : INVITE_DEPTH_AT]),
            depth=depth,
            expires_hour=expires_hour,
            secret=prefix[INVITE_SECRET_AT:],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCard:
    """Who the other side proved to be; `text` is theirs, and to be cleaned before a person sees it."""

    identity_key: IdentityKey
    contact_key: ContactKey
    rotation: int
    not_before_hour: Hour
    depth: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """All that the initiator keeps; to be stored before message 1 leaves, until the reply window ends."""

    identity_key: IdentityKey
    contact_key: ContactKey
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
            }
        )

    @staticmethod
    def decode(data: bytes) -> "Pending":
        """What `encode` wrote; other bytes are a damaged store, so the fault is ours."""
        try:
            fields = _map_of(data)
            pending = Pending(
                identity_key=IdentityKey(_field(fields, 0, bytes)),
                contact_key=ContactKey(_field(fields, 1, bytes)),
                born_hour=Hour(_field(fields, 2, int)),
                handshake=noise.InitiatorState(
                    chaining_key=_field(fields, 3, bytes),
                    handshake_hash=_field(fields, 4, bytes),
                    ephemeral_secret=_field(fields, 5, bytes),
                ),
            )
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"a stored introduction is damaged: {error.detail}") from error
        return pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Message 1, unstamped, and where it goes once `pending` is stored."""

    pending: Pending
    envelope: Envelope
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Message 2 is made once: to repeat it, the same bytes go into a new envelope of that day's entry."""

    peer: PeerCard
    message2: bytes
    reply_seed: bytes = field(repr=False)
    roots: Roots
    epoch: Epoch

    def reply_entry(self, epoch: Epoch) -> tuple[Tag, MessageKey]:
        """The tag and key of an envelope born in this epoch that carries message 2."""
        return reply_entry(self.reply_seed, epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Who answered, and where both wheels start; nothing is sent before `epoch`."""

    peer: PeerCard
    roots: Roots
    epoch: Epoch


def begin(
    *,
    identity: Identity,
    card: Card,
    invite: Invite,
    network: Network,
    born_hour: Hour,
    ttl_index: int,
    text: str,
    depth: int,
    ephemeral: bytes,
    nonce: bytes,
) -> Begun:
    """Message 1 on an invite, which travels like any notification to the inviter's shard.

    `ephemeral` makes this one message: for another hour, text or invite a new one must be drawn.
    """
    if invite.identity_key == identity.identity_key:
        raise RemoteProtocolError(Reason.URI, "it is your own: give it to somebody else")
    if born_hour > invite.expires_hour:
        raise LocalProtocolError("an expired invite is not used")
    kind = kind_of(EnvelopeClass.PAIR, ttl_index)
    fields = _own_fields(identity, card, depth)
    if text:
        fields[Key.TEXT] = _short(text)
    handshake, message1 = noise.initiate(
        prologue=_prologue(network, header_of(kind, born_hour, invite.tag), invite.identity_key),
        responder_static=invite.contact_key,
        psk=invite.psk,
        static_secret=identity.contact_secret,
        ephemeral_secret=ephemeral,
        payload=cbor.encode(fields),
    )
    envelope = seal(
        network=network,
        kind=kind,
        born_hour=born_hour,
        tag=invite.tag,
        key=invite.wrap_key,
        nonce=nonce,
        payload=message1,
    )
    pending = Pending(
        identity_key=invite.identity_key,
        contact_key=invite.contact_key,
        born_hour=born_hour,
        handshake=handshake,
    )
    return Begun(pending=pending, envelope=envelope, topic=shard_topic(network, home(invite.identity_key)))


def answer(
    *,
    identity: Identity,
    card: Card,
    invite: Invite,
    network: Network,
    envelope: Envelope,
    now: Now,
    depth: int,
    ephemeral: bytes,
) -> Answered:
    """Reads message 1 and makes message 2; the invite is used up only when this returns."""
    if envelope.envelope_class is not EnvelopeClass.PAIR:
        raise RemoteProtocolError(Reason.KIND, "an introduction travels as one of a pair's envelopes")
    if envelope.born_hour > invite.expires_hour:
        raise RemoteProtocolError(Reason.HOUR, "the invite had expired")
    message1 = open_sealed(network=network, envelope=envelope, key=invite.wrap_key)
    handshake, payload = noise.respond(
        prologue=_prologue(network, envelope.header, identity.identity_key),
        psk=invite.psk,
        static_secret=identity.contact_secret,
        message=message1,
    )
    peer = _peer_of(_map_of(payload), ContactKey(handshake.initiator_static), now.hour)
    if peer.identity_key == identity.identity_key:
        raise RemoteProtocolError(Reason.CARD, "an introduction from oneself")
    fields = _own_fields(identity, card, depth)
    fields[Key.EPOCH] = now.epoch
    message2, keys = handshake.write(cbor.encode(fields), ephemeral_secret=ephemeral)
    return Answered(
        peer=peer,
        message2=message2,
        reply_seed=handshake.chaining_key,
        roots=roots_of_introduction(keys.k1, keys.k2, keys.handshake_hash),
        epoch=now.epoch,
    )


def finish(*, identity: Identity, pending: Pending, payload: bytes, born_hour: Hour, now: Now) -> Finished:
    """Reads message 2; `pending` is unchanged, so a bad one leaves everything as it was."""
    opened, keys = pending.handshake.read(payload, static_secret=identity.contact_secret)
    fields = _map_of(opened)
    peer = _peer_of(fields, pending.contact_key, now.hour)
    if peer.identity_key != pending.identity_key:
        raise RemoteProtocolError(Reason.CARD, "somebody else answered than was invited by")
    epoch = Epoch(_field(fields, Key.EPOCH, int))
    if not now.epoch - INTRODUCTION_EPOCH_AGE_MAX <= epoch <= epoch_of(born_hour):
        raise RemoteProtocolError(Reason.PAYLOAD, f"the answer starts in epoch {epoch}")
    roots = roots_of_introduction(keys.k1, keys.k2, keys.handshake_hash)
    return Finished(peer=peer, roots=roots, epoch=epoch)


def reply_entry(reply_seed: bytes, epoch: Epoch) -> tuple[Tag, MessageKey]:
    """Both sides know the seed after message 1; a tag for all days would link them."""
    both = H("tcn1/reply", reply_seed + epoch.to_bytes(4, "big"), TAG_SIZE + MESSAGE_KEY_SIZE)
    return Tag(both[:TAG_SIZE]), MessageKey(both[TAG_SIZE:])


def confirm_payload(generation: int) -> cbor.Map:
    """The control map that proves, by the key it is sealed under, that its sender has the generation."""
    return {ControlKey.OP: ControlOp.CONFIRM, ControlKey.GENERATION: generation}


def parse_confirm(control: cbor.Map) -> int:
    """The generation that a control map confirms; the caller compares it with that of the seal."""
    if _field(control, ControlKey.OP, int) != ControlOp.CONFIRM:
        raise RemoteProtocolError(Reason.PAYLOAD, "a control map that confirms nothing")
    return _field(control, ControlKey.GENERATION, int)


def _prologue(network: Network, header: bytes, responder: IdentityKey) -> bytes:
    """The responder's identity is in it, so that a re-labelled invite does not open at its maker."""
    return network.nid16 + header + responder


def _own_fields(identity: Identity, card: Card, depth: int) -> cbor.Map:
    if card.contact_key != identity.contact_key:
        raise LocalProtocolError("our own card is over another contact key than the one we use")
    return {
        Key.IDENTITY_KEY: identity.identity_key,
        Key.CARD_SIGNATURE: card.sign(identity),
        Key.ROTATION: card.rotation,
        Key.NOT_BEFORE_HOUR: card.not_before_hour,
        Key.DEPTH: depth,
    }


def _peer_of(fields: cbor.Map, authenticated: ContactKey, now_hour: Hour) -> PeerCard:
    """The card counts for the key that the handshake authenticated, whatever else a message says."""
    identity_key = IdentityKey(_field(fields, Key.IDENTITY_KEY, bytes))
    rotation = _field(fields, Key.ROTATION, int)
    not_before_hour = Hour(_field(fields, Key.NOT_BEFORE_HOUR, int))
    card = Card(contact_key=authenticated, rotation=rotation, not_before_hour=not_before_hour)
    verify_card(card, identity_key, _field(fields, Key.CARD_SIGNATURE, bytes), now_hour)
    depth = _field(fields, Key.DEPTH, int)
    text = _field(fields, Key.TEXT, str) if Key.TEXT in fields else ""
    if not 0 <= depth <= DEPTH_MAX or len(text.encode()) > INTRO_TEXT_SIZE_MAX:
        raise RemoteProtocolError(Reason.PAYLOAD, "the depth or the text is out of bounds")
    return PeerCard(
        identity_key=identity_key,
        contact_key=authenticated,
        rotation=rotation,
        not_before_hour=not_before_hour,
        depth=depth,
        text=text,
    )


def _short(text: str) -> str:
    if len(text.encode(errors="surrogatepass")) > INTRO_TEXT_SIZE_MAX:
        raise LocalProtocolError(f"an introduction says at most {INTRO_TEXT_SIZE_MAX} bytes")
    return text


def _map_of(data: bytes) -> cbor.Map:
    value = cbor.decode(data)
    if not isinstance(value, dict):
        raise RemoteProtocolError(Reason.PAYLOAD, "not a map")
    return value


def _field(fields: cbor.Map, key: int, kind: type[Field]) -> Field:
    value = fields.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RemoteProtocolError(Reason.PAYLOAD, f"field {key} is missing or of another type")
    return value
