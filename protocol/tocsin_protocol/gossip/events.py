"""What goes into the router and what comes out: two closed unions of frozen values.

A timer is an effect that comes back as an input; the router itself never waits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tocsin_protocol.types import EnvelopeBytes, Mid, PeerId, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConnected:
    """A neighbour can be written to; `outbound` says that we dialled it."""

    peer: PeerId
    outbound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerGone:
    peer: PeerId


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesReceived:
    """The next bytes of a neighbour's stream, cut anywhere."""

    peer: PeerId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """An envelope of our own, already stamped."""

    topic: Topic
    envelope: EnvelopeBytes


RouterInput: TypeAlias = PeerConnected | PeerGone | BytesReceived | Subscribe | Publish


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBytes:
    """One length-prefixed RPC for one neighbour, at most WRITE_SIZE_MAX long."""

    peer: PeerId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """An accepted envelope, the first time it was seen; `outbound` is the neighbour's direction."""

    peer: PeerId
    outbound: bool
    topic: Topic
    envelope: EnvelopeBytes
    mid: Mid


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A neighbour showed an envelope that was published here or that another one had shown first.

    It may come again for the same neighbour: who counts witnesses counts different names.
    """

    peer: PeerId
    outbound: bool
    mid: Mid


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Our own envelope was handed to `peers` neighbours in this call.

    Zero says that nobody was there; it then comes again with the neighbour that subscribes in time.
    """

    mid: Mid
    peers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeer:
    """The router has forgotten this neighbour already and ignores what it still sends."""

    peer: PeerId
    why: str


class Counted(StrEnum):
    """The fixed set of words under which a neighbour's messages and subscriptions are counted."""

    REJECTED = "rejected"
    """Whatever the clock says, these bytes are wrong; the neighbour should not have forwarded them."""
    AUTHORED = "authored"
    """Rejected unread: it names an author."""
    IGNORED = "ignored"
    """The check would not have it now; nobody is to blame."""
    ODD = "odd"
    """It has unknown fields, or not exactly one topic and one envelope."""
    FOREIGN = "foreign"
    """Valid, for a topic that we do not subscribe to."""
    REPEATED = "repeated"
    """The neighbour that showed this envelope first showed it once more."""
    OVERFLOW = "overflow"
    """Valid and new, but the seen cache is full until an hour ends."""
    TOPIC = "topic"
    """A subscription beyond the number or the length that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`count` things of one kind from one neighbour in this call: for counters, never to act upon."""

    peer: PeerId
    what: Counted
    count: int


RouterEffect: TypeAlias = SendBytes | Deliver | Witness | Published | ClosePeer | Record
