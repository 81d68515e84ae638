"""What goes into the router and what comes out: two closed unions of frozen values.

A timer is an effect that comes back as an input; the router itself never waits.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tocsin_protocol.types import EnvelopeBytes, Mid, PeerId, Topic


class Verdict(Enum):
    """What a validator says of a message before anything of it is forwarded."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"


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
    """One length-prefixed RPC for one neighbour."""

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
    """Another neighbour showed an envelope that was delivered or published before."""

    peer: PeerId
    outbound: bool
    mid: Mid


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeer:
    peer: PeerId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something worth counting; `what` is one of a fixed set of words (`router.RECORDS`)."""

    peer: PeerId
    what: str


RouterEffect: TypeAlias = SendBytes | Deliver | Witness | ClosePeer | Record
