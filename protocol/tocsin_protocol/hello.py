"""What messages 1 and 2 say of their sender: who it is, the proof, a few words, and what it grants.

It is not the handshake: the contact key that the card must be over comes from there, never from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from tocsin_protocol import cbor, fields
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Card, Identity, check_successor, verify_card
from tocsin_protocol.limits import GRANT_INTRODUCTION_SIZE_MAX, INTRO_TEXT_SIZE_MAX
from tocsin_protocol.network import DEPTH_MAX
from tocsin_protocol.notification_values import UNSAFE
from tocsin_protocol.types import ContactKey, Hour, IdentityKey


class Key(IntEnum):
    """The map keys inside messages 1 and 2; further ones are ignored."""

    IDENTITY_KEY = 0
    CARD_SIGNATURE = 1
    ROTATION = 2
    NOT_BEFORE_HOUR = 3
    TEXT = 4
    INNER_NONCE = 5
    DEPTH = 6
    GRANT = 7
    EPOCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who the other side proved to be; `text` is theirs, without what could turn a line around."""

    identity_key: IdentityKey
    card: Card
    depth: int
    text: str = ""
    grant: Grant | None = None

    @property
    def contact_key(self) -> ContactKey:
        return self.card.contact_key


def write_hello(identity: Identity, *, depth: int, text: str = "", grant: Grant | None) -> cbor.Map:
    """What we say of ourselves in either message; only message 1 has a text."""
    card = identity.card
    pairs: cbor.Map = {
        Key.IDENTITY_KEY: identity.identity_key,
        Key.CARD_SIGNATURE: card.sign(identity),
        Key.ROTATION: card.rotation,
        Key.NOT_BEFORE_HOUR: card.not_before_hour,
        Key.DEPTH: depth,
    }
    if len(text.encode(errors="surrogatepass")) > INTRO_TEXT_SIZE_MAX:
        raise LocalProtocolError(f"an introduction says at most {INTRO_TEXT_SIZE_MAX} bytes")
    if text:
        pairs[Key.TEXT] = text
    if grant is not None:
        pairs[Key.GRANT] = grant.to_map(GRANT_INTRODUCTION_SIZE_MAX)
    return pairs


def read_hello(
    pairs: cbor.Map,
    *,
    authenticated: ContactKey,
    reader: IdentityKey,
    now_hour: Hour,
    seen: Mapping[IdentityKey, Card],
) -> Peer:
    """The card counts for the key that the handshake authenticated, whatever else a message says.

    `seen` has the newest card of everybody we know. A message that breaks any rule is as good as none.
    """
    identity_key = IdentityKey(fields.require(pairs, Key.IDENTITY_KEY, bytes))
    card = Card(
        contact_key=authenticated,
        rotation=fields.require(pairs, Key.ROTATION, int),
        not_before_hour=Hour(fields.require(pairs, Key.NOT_BEFORE_HOUR, int)),
    )
    verify_card(card, identity_key, fields.require(pairs, Key.CARD_SIGNATURE, bytes), now_hour)
    check_successor(card, seen.get(identity_key))  # TOC-5 §2
    if identity_key == reader:
        raise RemoteProtocolError(Reason.CARD, "an introduction from oneself")
    text = fields.require_text(pairs, Key.TEXT, INTRO_TEXT_SIZE_MAX) if Key.TEXT in pairs else ""
    return Peer(
        identity_key=identity_key,
        card=card,
        depth=fields.require_uint(pairs, Key.DEPTH, DEPTH_MAX),
        text=UNSAFE.sub("", text),
        grant=fields.optional(pairs, Key.GRANT, _small_grant),
    )


def _small_grant(value: cbor.Value) -> Grant:
    return Grant.from_value(value, GRANT_INTRODUCTION_SIZE_MAX)
