"""What goes into the doorkeeper and what comes out: two closed unions of frozen values.

A timer and a measure are effects that come back as inputs; the doorkeeper itself never waits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tocsin_protocol import knock
from tocsin_protocol.errors import LocalProtocolError, Reason
from tocsin_protocol.identity import Identity
from tocsin_protocol.inner_work import InnerWork
from tocsin_protocol.limits import CONTACT_KEYS_MAX, KNOCK_POLICY_MAX
from tocsin_protocol.request import Request
from tocsin_protocol.types import BodyId, EnvelopeBytes, Hour, IdentityKey, Mid


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What we ask of a knocker today, whatever an address of ours says; our contact keys newest first."""

    identities: tuple[Identity, ...]
    policy: int
    pin: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.identities) <= CONTACT_KEYS_MAX:
            raise LocalProtocolError(f"1 to {CONTACT_KEYS_MAX} contact keys open knocks")
        if not 0 <= self.policy <= KNOCK_POLICY_MAX:
            raise LocalProtocolError(f"knock policy {self.policy}: must be 0 to {KNOCK_POLICY_MAX}")
        for identity in self.identities:
            knock.knock_psk(identity.identity_key, identity.contact_key, self.pin)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnockArrived:
    """`witnessed`: enough neighbours have shown it already; if not, `KnockWitnessed` says so later."""

    envelope: EnvelopeBytes
    witnessed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KnockWitnessed:
    """By now enough neighbours have shown this knock."""

    mid: Mid


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkMeasured:
    """The outcome of a `MeasureWork`; each of them must have one, or no more will come."""

    body_id: BodyId
    zero_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDecided:
    """A person said yes or no, and it is done."""

    body_id: BodyId


@dataclass(frozen=True, slots=True, kw_only=True)
class KnockerBlocked:
    identity_key: IdentityKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsChanged:
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed: a `WakeAt` is due, or an hour is over."""


KnockInput: TypeAlias = (
    KnockArrived | KnockWitnessed | WorkMeasured | RequestDecided | KnockerBlocked | TermsChanged | Tick
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureWork:
    """Call `work.zero_bits(nonce)` where 5 ms harm nobody, and bring back what it gives."""

    body_id: BodyId
    work: InnerWork
    nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    steady_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRequest:
    """New or changed; a request that is `shown` is for a person's eyes from now on."""

    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRequest:
    body_id: BodyId


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberEphemeral:
    """So that a decided request is not asked again after a restart."""

    ephemeral: bytes
    until_hour: Hour


class Why(StrEnum):
    """Why a knock went no further, where its bytes alone are not the reason."""

    CLOSED = "we take no knocks"
    SEEN = "the same body came before"
    EPHEMERAL = "its ephemeral key made a message before"
    BUSY = "too many knocks this second"
    BLOCKED = "its sender is blocked"
    WORK = "too little inner work"
    CROWDED = "others paid more for their outer stamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """For statistics only: the sender never learns of it."""

    why: Why | Reason


KnockEffect: TypeAlias = MeasureWork | WakeAt | StoreRequest | DropRequest | RememberEphemeral | Discarded
