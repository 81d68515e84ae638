"""Renewals that cross, when they are due, who is answered, and what becomes of the old generation."""

from dataclasses import replace

import pytest
from nacl.bindings import crypto_scalarmult_base

from tests.protocol.people import (
    DAY_MS,
    EPOCH,
    HIGH,
    NOON,
    Person,
    at,
    exchange,
    introduced,
    kinds,
    later,
    settled,
)
from tests.protocol.renewals import PUBLIC, controls, offer_of, says, why, with_open_offer
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Accept, Confirm, Offer
from tocsin_protocol.effects import Role, Why
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    ALIVE_MS,
    OLD_GENERATION_MS,
    OLD_GENERATIONS_MAX,
    RENEWAL_ANSWER_DELAY_MS,
    RENEWAL_MESSAGES,
    RENEWAL_MS,
)
from tocsin_protocol.renewal import Draw
from tocsin_protocol.types import Epoch, Now
from tocsin_protocol.wheel import Wheel

# Crossed offers


def crossed() -> tuple[Person, Person, Now]:
    """Both have an offer of generation 2 open, and neither has received the other's."""
    low, high, now = with_open_offer()
    high.receive(low.must_send(now), now)
    high.tick(now)
    assert offer_of(high).generation == offer_of(low).generation == 2
    return low, high, now


def test_of_two_crossed_offers_both_drop_the_one_of_the_higher_key() -> None:
    low, high, now = crossed()
    offer, dropped = offer_of(low), offer_of(high)
    now = exchange(now, low, high)
    assert (low.number, high.number) == (2, 2)
    assert low.session.pair.generations[2].role is Role.BEGAN
    answer = next(c for c in controls(tuple(high.log)) if isinstance(c, Accept) and c.generation == 2)
    assert answer.offer_digest == offer.digest
    assert not [c for c in controls(tuple(low.log)) if isinstance(c, Accept) and c.generation == 2]
    assert dropped.digest != offer.digest


def test_the_lower_key_repeats_its_offer_when_it_receives_the_other() -> None:
    low, high, now = crossed()
    now = later(now, RENEWAL_ANSWER_DELAY_MS[1])
    low.leave(now)
    (letter,) = high.leave(now)
    assert controls(low.receive(letter, now)) == [offer_of(low)]
    assert why(low.receive(says(high, offer_of(high), now), now)) is Why.CROSSED
    assert [c for c in controls(tuple(low.log)) if c == offer_of(low)] == [offer_of(low)] * 2
    exchange(now, low, high)
    assert (low.number, high.number) == (2, 2)


def test_an_answer_is_kept_while_an_own_offer_is_open_until_one_of_them_is_entered() -> None:
    """Low answered, the answer was lost and high's offer lapsed; then low offers itself."""
    low, high = introduced(began=HIGH)
    now = exchange(NOON, low, high, lost=Accept)
    for day in range(1, 8):
        now = at(EPOCH + day, hour=14)
        for person in (low, high):
            person.tick(now)
            person.leave(now)
        low.receive(high.must_send(now), now)
    assert "acceptance" in low.records.single
    assert offer_of(low).generation == 1
    old_root = low.records.roots[1]
    high.tick(now)
    answer = Accept.make(offer_of(low), PUBLIC, now.epoch)
    effects = low.receive(says(high, answer, now), now)
    assert why(effects) is None
    assert low.records.roots[1] != old_root
    assert "acceptance" not in low.records.single
    assert low.session.pair.generations[1].role is Role.BEGAN
    assert why(low.receive(says(high, Offer.make(1, PUBLIC), now), now)) is Why.ENTERED


def test_an_own_offer_is_given_up_when_the_answered_one_is_confirmed() -> None:
    """Low answered and sent a thousand messages before high's confirmation came."""
    low, high = introduced(began=HIGH)
    now = exchange(NOON, low, high, lost=Confirm)
    for _ in range(RENEWAL_MESSAGES):
        low.must_send(now)
    low.tick(now)
    assert offer_of(low).generation == 1
    assert why(high.receive(says(low, offer_of(low), now), now)) is Why.ENTERED
    effects = low.receive(high.must_send(now), now) or ()
    assert fx.DeleteOffering() in effects
    assert fx.Confirmed(number=1) in effects


# When, and why not


def test_a_renewal_is_due_after_a_week_when_both_are_alive() -> None:
    low, high, now = settled()
    confirmed = now
    for day in range(1, 7):
        now = later(confirmed, day * DAY_MS)
        for person in (low, high):
            assert controls(person.tick(now)) == []
        assert low.receive(high.must_send(now), now) is not None
    now = later(confirmed, RENEWAL_MS)
    assert [type(c) for c in controls(low.tick(now))] == [Offer]
    assert controls(high.tick(now)) == [], "high has heard nothing for a week"
    assert ALIVE_MS <= RENEWAL_MS


def test_a_renewal_is_due_after_a_thousand_messages() -> None:
    low, high, now = settled()
    messages = low.session.pair.generations[1].messages
    for _ in range(RENEWAL_MESSAGES - messages - 1):
        low.must_send(now)
    assert controls(low.tick(now)) == []
    low.receive(high.must_send(now), now)
    assert [type(c) for c in controls(low.tick(now))] == [Offer]


def test_a_contact_that_is_silent_is_not_offered_to_for_ever() -> None:
    low, _ = introduced()
    offered = 0
    for day in range(60):
        effects = low.tick(at(EPOCH + day, hour=13))
        offered += len(kinds(effects, fx.PutOffering))
    assert offered < 15
    assert low.session.pair.offering is None


def test_while_nothing_can_be_sent_nothing_is_offered_or_answered() -> None:
    low, high, now = with_open_offer()
    letter = says(low, offer_of(low), now)
    high.session.apply([fx.PutWheel(number=1, side=side, wheel=wheel) for side, wheel in far_wheels(high)])
    assert why(high.receive(letter, now)) is Why.UNSENDABLE
    assert high.session.pair.next is None


def far_wheels(person: Person) -> list[tuple[fx.Side, Wheel]]:
    """As if the sending wheel had not been turned for days."""
    wheel = person.session.pair.wheels[1, fx.Side.SENDING]
    return [(fx.Side.SENDING, replace(wheel, epoch=Epoch(wheel.epoch - 5)))]


def test_the_same_offer_waits_too_while_nothing_can_be_sent() -> None:
    low, high, now = with_open_offer()
    high.receive(says(low, offer_of(low), now), now)
    letter = says(low, offer_of(low), now)
    high.session.apply([fx.PutWheel(number=1, side=side, wheel=wheel) for side, wheel in far_wheels(high)])
    assert why(high.receive(letter, now)) is Why.UNSENDABLE
    assert high.session.pair.acceptance is not None


def test_nothing_automatic_leaves_for_an_envelope_that_one_neighbour_showed() -> None:
    low, high, now = with_open_offer()
    offer = says(low, offer_of(low), now)
    assert why(high.receive(offer, now, witnessed=False)) is Why.UNWITNESSED
    assert high.session.pair.next is None
    now = exchange(now, low, high)
    assert high.number == 2, "the same offer came again, and two showed it"


def test_an_unwitnessed_answer_is_not_entered() -> None:
    low, high, now = with_open_offer()
    answer = Accept.make(offer_of(low), PUBLIC, now.epoch)
    assert why(low.receive(says(high, answer, now), now, witnessed=False)) is Why.UNWITNESSED
    assert low.session.pair.next is None


def test_an_unwitnessed_proof_confirms_but_is_answered_only_after_a_witnessed_one() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Confirm)
    effects = high.receive(low.must_send(now), now, witnessed=False)
    assert fx.Confirmed(number=1) in (effects or ())
    assert controls(effects) == []
    assert controls(high.tick(now)) == []
    assert controls(high.receive(low.must_send(now), now)) == [Confirm(generation=1)]
    assert controls(high.receive(low.must_send(now), now)) == []


def test_answers_wait_between_one_and_ten_minutes() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high)
    waits = []
    for person in (low, high):
        for effect in person.log:
            if isinstance(effect, fx.Seal) and effect.number == 1:
                generation = person.session.pair.generations[1]
                since = generation.entered_ms if generation.role is Role.BEGAN else generation.confirmed_ms
                assert since is not None
                waits.append(effect.not_before_ms - since)
    assert len(waits) == 2
    low_ms, high_ms = RENEWAL_ANSWER_DELAY_MS
    assert all(low_ms <= wait <= high_ms for wait in waits)
    assert now.unix_ms > NOON.unix_ms


def test_a_draw_is_whole() -> None:
    with pytest.raises(LocalProtocolError):
        Draw(secret=bytes(31), chance=bytes(8))
    with pytest.raises(LocalProtocolError):
        Draw(secret=bytes(32), chance=bytes(7))


# What becomes of the old generation


def test_the_old_generation_leaves_the_table_after_three_hours_and_then_only_catch_up_has_it() -> None:
    low, high, now = settled()
    confirmed_ms = high.session.pair.generations[1].confirmed_ms
    assert confirmed_ms is not None
    left = Now(unix_ms=confirmed_ms + OLD_GENERATION_MS, steady_ms=0)
    before = high.session.pair.live_streams(later(left, -1))
    after = high.session.pair.live_streams(left)
    assert {stream.generation for stream in before} == {0, 1}
    assert {stream.generation for stream in after} == {1}
    assert {stream.generation for stream in high.session.pair.streams(EPOCH)} == {0, 1}
    assert now.unix_ms < left.unix_ms
    assert low.number == 1


def test_a_letter_of_the_old_generation_still_opens_after_the_renewal() -> None:
    low, high = introduced()
    slow = low.must_send(NOON)
    now = exchange(NOON, low, high)
    assert (high.number, slow.number) == (1, 0)
    assert high.receive(slow, now) is not None
    assert high.number == 1


def test_the_last_key_of_an_old_generation_goes_with_its_last_epoch() -> None:
    low, high, _ = settled()
    for day in range(1, 9):
        now = at(EPOCH + day)
        low.tick(now)
        high.receive(low.must_send(now), now)
        high.tick(now)
        held = {stream.generation for stream in high.records.streams}
        assert (0 in held) == (0 in high.records.generations) == (day < 8)


def test_a_contact_that_renews_all_the_time_costs_a_few_generations() -> None:
    low, high, now = settled()
    for number in range(2, 12):
        secret = number.to_bytes(32, "big")
        offer = Offer.make(number, crypto_scalarmult_base(secret))
        offering = fx.Offering(offer=offer, secret=secret, made_ms=now.unix_ms, sent_ms=now.unix_ms)
        low.commit((fx.PutOffering(offering=offering),), now)
        (accept,) = controls(high.receive(says(low, offer, now), now))
        low.receive(says(high, accept, now), now)
        high.receive(low.must_send(now), now)
        low.receive(high.must_send(now), now)
    assert (low.number, high.number) == (11, 11)
    assert sorted(high.records.generations) == list(range(11 - OLD_GENERATIONS_MAX, 12))
    assert {stream.generation for stream in high.records.streams} == set(high.records.generations)
