"""What a session asks its node to do: records to keep, keys to delete, control maps to send, news to tell.

It changes nothing by itself. All effects of one transition are one transaction, in their order.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TypeAlias

from tocsin_protocol.control import Accept, Control, Offer
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Card
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import Epoch
from tocsin_protocol.wheel import Chain, Link, Q, Wheel

Position: TypeAlias = tuple[int, Epoch, int]
"""(generation, epoch, index): the order in which the other side sealed its control envelopes."""


class Side(StrEnum):
    SENDING = "sending"
    RECEIVING = "receiving"


class Role(StrEnum):
    """Who began the handshake of a generation holds its keys last, and so may use them at once."""

    BEGAN = "began"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What is known of a generation beside its keys; both wheels start in `epoch`.

    `told_ms` is when we last sent a confirmation, `confirmed_ms` when something of theirs first opened.
    """

    number: int
    epoch: Epoch
    role: Role
    entered_ms: int
    told_ms: int | None = None
    confirmed_ms: int | None = None
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """Our open offer; it is repeated as the same bytes, and `secret` goes when it is over."""

    offer: Offer
    secret: bytes = field(repr=False)
    made_ms: int
    sent_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Our answer to an offer of theirs, which came at `position`; it is repeated as the same bytes."""

    offer_digest: bytes
    accept: Accept
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGeneration:
    generation: Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGeneration:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRoot:
    """M of a generation, from which the next one is made."""

    number: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRoot:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutWheel:
    """Takes the place of the side's wheel, whose key is thereby deleted."""

    number: int
    side: Side
    wheel: Wheel = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWheel:
    number: int
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSending:
    """The stored `next`, greater than every index used; the key of the earlier one is thereby deleted."""

    number: int
    chain: Chain = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSending:
    number: int
    epoch: Epoch
    q: Q


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStream:
    """Takes the place of the stream's earlier state: consumed and dropped keys go with it."""

    stream: StreamId
    state: StreamState = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStream:
    stream: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOffering:
    offering: Offering


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOffering:
    """With it the ephemeral secret: the generation was entered, or the offer given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAcceptance:
    acceptance: Acceptance


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAcceptance:
    """The generation was entered, so that nobody asks for the answer again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGrant:
    """What we let them send."""

    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class PutCard:
    """Their newest card, verified."""

    card: Card


Record: TypeAlias = (
    PutGeneration
    | DeleteGeneration
    | PutRoot
    | DeleteRoot
    | PutWheel
    | DeleteWheel
    | PutSending
    | DeleteSending
    | PutStream
    | DeleteStream
    | PutOffering
    | DeleteOffering
    | PutAcceptance
    | DeleteAcceptance
    | PutGrant
    | PutCard
)
"""What a store keeps; all `Put…` of a contact, in any order that a store likes, restore its session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """One index, taken for good: what is sealed under `link` belongs into an hour of `epoch`."""

    number: int
    epoch: Epoch
    q: Q
    link: Link = field(repr=False)
    following: Chain = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Send this control map under the index just reserved, not before this moment."""

    control: Control
    number: int
    epoch: Epoch
    link: Link = field(repr=False)
    not_before_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something of theirs opened under this generation: they are alive."""

    number: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """They hold this generation, which is the current one from here on."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What they let us send."""

    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWindows:
    """The grant of this epoch is used up: look ahead no further in these streams."""

    epoch: Epoch
    q: Q


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """What just opened is above the grant: to be recorded as such, and not shown."""

    stream: StreamId
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """This many messages of the stream never came, and its keys are now deleted."""

    stream: StreamId
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew:
    """Our clock is ahead of what others show by so much, or behind if negative."""

    ms: int


class Why(Enum):
    """Why a control map had no effect."""

    CARD = "the card is not one that may follow"
    EPOCH = "the answer starts too early or too late"
    KEY = "the ephemeral key has low order"
    NUMBER = "the number is not that of the next generation, or of the one it is sealed under"
    ENTERED = "the next generation is entered already"
    OLDER = "the offer was sealed before the one that was accepted"
    CROSSED = "ours is open too, and goes on"
    OTHER = "it answers no offer that is open"
    UNSENDABLE = "nothing can be sent now"
    UNWITNESSED = "one neighbour alone showed it"
    RATE = "it is above the grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The envelope was consumed, and its control map does nothing."""

    why: Why


News: TypeAlias = (
    Reserved | Seal | Heard | Confirmed | Granted | StopWindows | RateLimited | Missed | ClockSkew | Ignored
)
"""What no store keeps."""

Effect: TypeAlias = Record | News
