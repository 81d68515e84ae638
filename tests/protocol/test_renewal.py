"""Renewals: both sides end in the same next generation, whatever is lost, late, repeated or crossed."""

import hashlib
from dataclasses import replace

import pytest
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base

from tests.protocol.people import (
    CONFIRMED_CLOCK,
    DAY_MS,
    EPOCH,
    HIGH,
    LOW,
    MINUTE_MS,
    NO_EVIDENCE,
    NOON,
    Person,
    at,
    exchange,
    introduced,
    kinds,
    later,
    settled,
)
from tests.protocol.renewals import LOW_ORDER, PUBLIC, SECRET, controls, offer_of, says, why, with_open_offer
from tocsin_protocol import cbor
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Accept, Confirm, Offer, write_control
from tocsin_protocol.effects import Role, Why
from tocsin_protocol.identity import Identity
from tocsin_protocol.limits import (
    CLOCK_SKEW_MS_MAX,
    HOUR_MS,
    RENEWAL_ANSWER_DELAY_MS,
    RENEWAL_LAPSE_MS,
    RENEWAL_REPEAT_MS,
)
from tocsin_protocol.types import Epoch


def spelled_out(key: bytes, label: bytes, data: bytes, size: int) -> bytes:
    """KDF and H, written a second time."""
    return hashlib.blake2b(data, digest_size=size, key=key, person=label.ljust(16, b"\0")).digest()


# The whole way


def test_the_next_generation_is_made_from_the_last_one_two_ephemerals_and_all_that_was_said() -> None:
    low, high = introduced()
    root, offering = low.session.pair.roots[0], low.session.pair.offering
    assert offering is not None
    now = exchange(NOON, low, high)
    accept = next(c for e in high.log for c in controls((e,)) if isinstance(c, Accept))
    shared = crypto_scalarmult(offering.secret, accept.ephemeral)
    digests = [
        spelled_out(b"", b"tcn1/th", cbor.encode(write_control(said)), 32)
        for said in (offering.offer, accept)
    ]
    th = spelled_out(b"", b"tcn1/th", b"".join(digests), 32)
    both = spelled_out(root, b"tcn1/gen", (1).to_bytes(4, "big") + shared + bytes(32) + th, 64)
    assert low.session.pair.roots == high.session.pair.roots == {1: both[:32]}
    for sender, receiver in ((low, high), (high, low)):
        letter = sender.must_send(now)
        assert letter.number == 1
        assert receiver.receive(letter, now) is not None


@pytest.mark.parametrize("began", [LOW, HIGH])
def test_right_after_an_introduction_its_initiator_offers_and_nobody_else(began: Identity) -> None:
    low, high = introduced(began=began)
    first, second = (low, high) if began is LOW else (high, low)
    assert [type(c) for e in first.log for c in controls((e,))] == [Confirm, Offer]
    assert controls(tuple(second.log)) == []
    now = exchange(NOON, low, high)
    assert first.session.pair.generations[1].role is Role.BEGAN
    assert (low.number, high.number) == (1, 1)
    exchange(now, low, high)
    assert not kinds(second.log, fx.PutOffering)


def test_the_old_root_and_the_ephemeral_secret_are_deleted_with_the_confirmation() -> None:
    low, high, _ = settled()
    for person in (low, high):
        assert list(person.records.roots) == [1]
        assert "offering" not in person.records.single
        assert "acceptance" not in person.records.single
        effects = [type(effect) for effect in person.log]
        assert effects.index(fx.DeleteRoot) < person.log.index(fx.Confirmed(number=1))
        assert all(number == 1 for number, _ in person.records.wheels)
        assert all(number == 1 for number, _, _ in person.records.sending)


def test_until_the_answer_is_confirmed_its_maker_goes_on_in_the_old_generation() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=(Accept, Confirm))
    letter = high.must_send(now)
    assert letter.number == 0
    assert low.receive(letter, now) is not None
    assert high.session.pair.next is not None
    assert list(high.records.roots) == [0, 1]


# Losses


def test_an_open_offer_is_repeated_twice_a_day_as_the_same_bytes_and_lapses_after_three_days() -> None:
    low, _ = introduced()
    offer, secret = offer_of(low), low.session.pair.offering
    sent = []
    for hours in range(1, 72):
        now = later(NOON, hours * HOUR_MS)
        sent += [(hours, c) for c in controls(low.tick(now)) if isinstance(c, Offer)]
    assert sent == [(hours, offer) for hours in range(12, 72, 12)]
    effects = low.tick(later(NOON, RENEWAL_LAPSE_MS))
    assert fx.DeleteOffering() in effects
    new = low.session.pair.offering
    assert new is not None
    assert secret is not None
    assert new.secret != secret.secret
    assert new.offer.digest != offer.digest


def test_after_a_lost_answer_the_same_offer_gets_the_same_bytes() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Accept)
    assert (low.session.pair.next, high.session.pair.generations[1].role) == (None, Role.ANSWERED)
    first = [c for c in controls(tuple(high.log)) if isinstance(c, Accept)]
    now = later(NOON, RENEWAL_REPEAT_MS)
    low.tick(now)
    exchange(now, low, high)
    answers = [c for c in controls(tuple(high.log)) if isinstance(c, Accept)]
    assert answers == first * 2
    assert (low.number, high.number) == (1, 1)


def test_a_lost_confirmation_is_made_up_for_by_whatever_comes_next() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Confirm)
    assert (low.number, high.number) == (0, 0)
    letter = low.must_send(now)
    assert letter.number == 1
    high.receive(letter, now)
    assert high.number == 1
    low.receive(high.must_send(now), now)
    assert low.number == 1


def test_a_confirmation_that_nobody_answers_is_repeated_at_doubling_pauses() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Confirm)
    told = []
    for hour in range(2, 24 * 6):
        now = later(NOON, hour * HOUR_MS)
        if Confirm(generation=1) in controls(low.tick(now)):
            told.append(hour)
        low.leave(now)
    assert told == [13, 26, 52, 104]
    now = later(NOON, 208 * HOUR_MS)
    for person in (low, high):
        person.tick(now, CONFIRMED_CLOCK)
    exchange(now, low, high)
    assert low.number == high.number == 1
    assert Confirm(generation=1) not in controls(low.tick(later(now, 15 * DAY_MS), CONFIRMED_CLOCK))


def test_an_answer_that_comes_after_the_offer_lapsed_is_ignored() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Accept)
    answer = next(c for c in controls(tuple(high.log)) if isinstance(c, Accept))
    assert low.tick(later(now, RENEWAL_LAPSE_MS), NO_EVIDENCE) == (fx.DeleteOffering(),)
    assert why(low.receive(says(high, answer, now), now)) is Why.OTHER
    assert low.session.pair.next is None


def test_an_answer_to_an_earlier_offer_does_not_fit_the_one_that_is_open() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Accept)
    answer = next(c for c in controls(tuple(high.log)) if isinstance(c, Accept))
    first = offer_of(low)
    for day in range(1, 4):
        now = at(EPOCH + day, hour=14)
        for person in (low, high):
            person.tick(now)
            person.leave(now)
    assert offer_of(low).digest != first.digest == answer.offer_digest
    assert why(low.receive(says(high, answer, now), now)) is Why.OTHER
    assert low.session.pair.next is None


def test_an_offer_made_by_a_clock_that_was_ahead_is_given_up_when_the_clock_is_put_right() -> None:
    low, high = introduced()
    offer = offer_of(low)
    assert low.tick(later(NOON, -CLOCK_SKEW_MS_MAX)) == ()
    right = later(NOON, -3 * HOUR_MS)
    assert fx.DeleteOffering() in low.tick(right)
    high.receive(low.must_send(right), right)
    low.receive(high.must_send(right), right)
    low.tick(right)
    assert offer_of(low).digest != offer.digest
    assert low.tick(right) == ()


# Offers that are not the one that was accepted


def test_another_offer_replaces_the_answer_only_if_it_was_sealed_later() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=(Accept, Offer))
    early = says(low, Offer.make(1, PUBLIC), now)
    other = says(low, Offer.make(1, crypto_scalarmult_base(b"\x06" * 32)), now)
    latest = says(low, Offer.make(1, crypto_scalarmult_base(b"\x07" * 32)), now)
    assert why(high.receive(other, now)) is None
    accepted = high.session.pair.acceptance
    root = high.records.roots[1]
    assert why(high.receive(early, now)) is Why.OLDER
    assert (high.session.pair.acceptance, high.records.roots[1]) == (accepted, root)
    assert why(high.receive(latest, now)) is None
    assert high.session.pair.acceptance != accepted
    assert high.records.roots[1] != root
    assert high.session.pair.generations[1].confirmed_ms is None


def test_an_unconfirmed_answer_never_lapses_by_time() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Confirm)
    for day in range(1, 30):
        now = at(EPOCH + day)
        high.tick(now)
        low.tick(now)
    letter = low.must_send(now)
    assert letter.number == 1
    assert fx.Confirmed(number=1) in (high.receive(letter, now) or ())


@pytest.mark.parametrize("number", [0, 1, 3])
def test_offers_and_answers_for_another_number_than_the_next_are_ignored(number: int) -> None:
    low, high, now = settled()
    assert why(high.receive(says(low, Offer.make(number, PUBLIC), now), now)) is Why.NUMBER
    low, high, now = with_open_offer()
    forged = replace(Accept.make(offer_of(low), PUBLIC, EPOCH), generation=number)
    assert why(low.receive(says(high, forged, now), now)) is Why.NUMBER


def test_an_answer_to_an_offer_that_was_overtaken_is_ignored() -> None:
    low, high, now = settled()
    offer = Offer.make(1, PUBLIC)
    offering = fx.Offering(offer=offer, secret=SECRET, made_ms=now.unix_ms, sent_ms=now.unix_ms)
    low.commit((fx.PutOffering(offering=offering),), now)
    assert why(low.receive(says(high, Accept.make(offer, PUBLIC, EPOCH), now), now)) is Why.NUMBER


def test_a_replayed_offer_is_a_miss_and_one_that_was_overtaken_is_ignored() -> None:
    low, high = introduced()
    now = later(NOON, RENEWAL_ANSWER_DELAY_MS[1])
    letters = low.leave(now)
    for letter in letters:
        assert high.receive(letter, now) is not None
    offer = next(letter for letter in letters if isinstance(letter.control, Offer))
    assert high.receive(offer, now) is None
    now = exchange(now, low, high)
    assert high.number == 1
    again = says(low, offer.control, now) if offer.control else offer
    assert why(high.receive(again, now)) is Why.NUMBER


def test_a_key_of_low_order_is_no_offer_and_no_answer() -> None:
    low, high = introduced()
    now = exchange(NOON, low, high, lost=(Offer, Confirm), minutes=15)
    assert why(high.receive(says(low, Offer.make(1, LOW_ORDER), now), now)) is Why.KEY
    assert why(low.receive(says(high, Accept.make(offer_of(low), LOW_ORDER, EPOCH), now), now)) is Why.KEY
    assert low.session.pair.next is high.session.pair.next is None
    assert offer_of(low).generation == 1


@pytest.mark.parametrize(("days", "taken"), [(-8, False), (-7, True), (0, True), (1, True), (2, False)])
def test_an_answer_starts_at_most_seven_days_ago_and_at_most_tomorrow(days: int, taken: bool) -> None:
    low, high, now = with_open_offer()
    answer = Accept.make(offer_of(low), PUBLIC, Epoch(now.epoch + days))
    assert why(low.receive(says(high, answer, now), now)) is (None if taken else Why.EPOCH)
    assert (low.session.pair.next is not None) is taken


def test_who_has_not_reached_the_first_epoch_goes_on_in_the_old_generation() -> None:
    low, high, now = with_open_offer()
    tomorrow = Epoch(now.epoch + 1)
    answer = Accept.make(offer_of(low), PUBLIC, tomorrow)
    assert controls(low.receive(says(high, answer, now), now)) == []
    assert low.must_send(now).number == 1
    midnight = at(tomorrow, hour=0)
    assert controls(low.tick(midnight)) == [Confirm(generation=2)]
    assert low.must_send(midnight).number == 2


def test_an_answer_from_the_first_minutes_of_a_day_is_used_at_once() -> None:
    """The handshake runs over midnight: offered at 23:55, answered at 00:05, their clock or ours."""
    low, high = introduced(at(EPOCH, hour=23, minute=45))
    now = exchange(at(EPOCH, hour=23, minute=45), low, high, minutes=60)
    assert (low.number, high.number) == (1, 1)
    for sender, receiver in ((low, high), (high, low)):
        letter = sender.must_send(now)
        assert (letter.number, letter.epoch) == (1, EPOCH + 1)
        assert receiver.receive(letter, now) is not None


@pytest.mark.parametrize("skew_minutes", [-50, -20, 20, 50])
@pytest.mark.parametrize("began", [LOW, HIGH])
def test_a_handshake_over_midnight_between_clocks_that_differ(skew_minutes: int, began: Identity) -> None:
    now = at(EPOCH, hour=23, minute=30)
    low, high = Person(LOW, HIGH), Person(HIGH, LOW, skew_ms=skew_minutes * MINUTE_MS)
    epoch = min(now.epoch, high.clock(now).epoch)
    for person in (low, high):
        person.introduce(now, Role.BEGAN if person.me is began else Role.ANSWERED, epoch=epoch)
    for _ in range(4):
        now = exchange(now, low, high, minutes=30)
        for person in (low, high):
            person.tick(now)
        for sender, receiver in ((low, high), (high, low)):
            letter = sender.send(now)
            if letter is not None and letter.number > 0:
                assert receiver.receive(letter, now) is not None
    assert (low.number, high.number) == (1, 1)


def test_a_clock_set_back_behind_the_first_epoch_goes_on_in_the_old_generation() -> None:
    """As if high had answered by a clock a day ahead, which is put right before the confirmation comes."""
    low, high = introduced()
    now = exchange(NOON, low, high, minutes=10, lost=(Confirm, Accept))
    high.receive(says(low, offer_of(low), now), now)
    generation = replace(high.session.pair.generations[1], epoch=Epoch(EPOCH + 1))
    high.commit((fx.PutGeneration(generation=generation),), now)
    now = later(now, RENEWAL_ANSWER_DELAY_MS[1])
    for letter in high.leave(now):
        low.receive(letter, now)
    effects = high.receive(low.must_send(now), now)
    assert fx.Confirmed(number=1) in (effects or ())
    assert controls(effects) == []
    letter = high.must_send(now)
    assert (letter.number, high.number) == (0, 1)
    assert low.receive(letter, now) is not None
    tomorrow = at(EPOCH + 1)
    high.tick(tomorrow)
    assert high.must_send(tomorrow).number == 1
    assert {number for number, _ in high.records.wheels} == {1}


def test_an_offer_is_not_repeated_by_a_clock_that_is_not_believed() -> None:
    low, _ = introduced()
    sent_ms = low.session.pair.offering
    later_on = later(NOON, 2 * DAY_MS)
    assert controls(low.tick(later_on, NO_EVIDENCE)) == []
    assert low.session.pair.offering == sent_ms
    assert [type(c) for c in controls(low.tick(later_on, CONFIRMED_CLOCK))] == [Confirm, Offer]


def test_a_late_witness_of_an_old_generation_makes_nobody_confirm_it() -> None:
    """High never told that generation 1 had come, and then generation 2 came."""
    low, high = introduced()
    now = exchange(NOON, low, high, lost=Confirm)
    late = low.must_send(now)
    high.receive(low.must_send(now), now, witnessed=False)
    low.receive(high.must_send(now), now)
    offer = Offer.make(2, PUBLIC)
    offering = fx.Offering(offer=offer, secret=SECRET, made_ms=now.unix_ms, sent_ms=now.unix_ms)
    low.commit((fx.PutOffering(offering=offering),), now)
    answers = controls(high.receive(says(low, offer, now), now))
    assert [type(control) for control in answers] == [Accept, Confirm]
    low.receive(says(high, answers[0], now), now)
    high.receive(low.must_send(now), now, witnessed=False)
    assert high.number == 2
    assert controls(high.receive(late, now)) == []
