"""What the tests of renewals share: control maps of a sender who may say anything, and open offers."""

from dataclasses import replace

from nacl.bindings import crypto_scalarmult_base

from tests.protocol.people import CONFIRMED_CLOCK, Letter, Person, later, settled
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Control, Offer
from tocsin_protocol.effects import Effect, Why
from tocsin_protocol.limits import HOUR_MS, RENEWAL_MS
from tocsin_protocol.types import Now
from tocsin_protocol.wheel import Q

SECRET, PUBLIC = b"\x05" * 32, crypto_scalarmult_base(b"\x05" * 32)
LOW_ORDER = bytes(32)


def says(sender: Person, control: Control, now: Now) -> Letter:
    """A control map of a sender who may say anything."""
    return replace(sender.must_send(now, Q.CONTROL), control=control)


def why(effects: tuple[Effect, ...] | None) -> Why | None:
    """Why a letter that opened was ignored; None when it was not."""
    assert effects is not None
    ignored = [effect for effect in effects if isinstance(effect, fx.Ignored)]
    return ignored[0].why if ignored else None


def controls(effects: tuple[Effect, ...] | None) -> list[Control]:
    return [effect.control for effect in effects or () if isinstance(effect, fx.Seal)]


def offer_of(person: Person) -> Offer:
    """The one that is open."""
    offering = person.session.pair.offering
    assert offering is not None
    return offering.offer


def with_open_offer() -> tuple[Person, Person, Now]:
    """The lower key's owner has an offer of generation 2 open that the other has not received."""
    low, high, now = settled()
    now = later(now, RENEWAL_MS - HOUR_MS)
    for person in (low, high):
        person.tick(now, CONFIRMED_CLOCK)
    low.receive(high.must_send(now), now)
    now = later(now, HOUR_MS)
    low.tick(now)
    assert offer_of(low).generation == 2
    return low, high, now
