"""What a profile remembers, as frozen values: contacts, keys, sends, events and consumers.

No record knows how it is stored, and none is changed: a new one takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import (
    ContactKey,
    EnvelopeBytes,
    Epoch,
    Hour,
    IdentityKey,
    MessageKey,
    NotificationId,
    Tag,
    Topic,
)
from tocsin_protocol.wheel import Chain, Wheel


class ContactState(StrEnum):
    PROVISIONAL = "provisional"
    """We answered their introduction; nothing of theirs has opened under the new keys yet."""
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    id: int
    identity_key: IdentityKey
    contact_key: ContactKey
    name: str
    state: ContactState
    added_ms: int


class Side(StrEnum):
    SENDING = "sending"
    RECEIVING = "receiving"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWheel:
    contact: int
    side: Side
    wheel: Wheel = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingChain:
    """The chain at the next unused index; whoever takes an index stores the one after it first."""

    contact: int
    chain: Chain = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivingStream:
    stream: StreamId
    state: StreamState = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInvite:
    """An invite that we gave away; `contact_name` is what its taker will be called here."""

    id: int
    secret: bytes = field(repr=False)
    expires_hour: Hour
    contact_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """An invite that we took: message 1 has left or will, message 2 has not come."""

    id: int
    contact_name: str
    identity_key: IdentityKey
    invite_text: str = field(repr=False)
    pending: bytes = field(repr=False)
    until_hour: Hour


class Purpose(StrEnum):
    NOTIFICATION = "notification"
    CONFIRM = "confirm"
    INTRODUCTION = "introduction"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderKey:
    """To be sealed under one message key, in an hour of its epoch."""

    epoch: Epoch
    tag: Tag
    key: MessageKey = field(repr=False)
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderReply:
    """Message 2: sealed under the reply entry of whatever epoch it leaves in."""

    secret: bytes = field(repr=False)
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Sealed when it was made; message 1 authenticates its own header."""

    envelope: EnvelopeBytes = field(repr=False)


Sealing: TypeAlias = UnderKey | UnderReply | Ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Something that must leave this node; `stamped` is its envelope once the stamp is found."""

    id: int
    contact: int | None
    introduction: int | None
    purpose: Purpose
    nid: NotificationId | None
    topic: Topic
    kind: int
    sealing: Sealing
    stamped: EnvelopeBytes | None = field(repr=False)
    created_ms: int
    not_before_ms: int
    expires_ms: int


EVENTS_MAX = 100_000
"""Retention by count: the oldest events go first, and `first_seq` says where the log begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One durable signal; `data` holds what is particular to its type."""

    seq: int
    time_ms: int
    type: str
    nid: str | None
    app: str | None
    sender: str | None
    thread: str | None
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    name: str
    acked_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything but the events, as it was when the store was opened."""

    boot_id: str
    first_seq: int
    last_seq: int
    contacts: tuple[Contact, ...]
    wheels: tuple[StoredWheel, ...]
    sending: tuple[SendingChain, ...]
    receiving: tuple[ReceivingStream, ...]
    invites: tuple[StoredInvite, ...]
    introductions: tuple[Introduction, ...]
    sends: tuple[Send, ...]
    consumers: tuple[Consumer, ...]
