"""When wheels turn and what that deletes, over midnight and with clocks that are wrong."""

import pytest

from tests.protocol.people import (
    BELIEVED,
    CONFIRMED_CLOCK,
    DAY_MS,
    EPOCH,
    HIGH,
    LOW,
    NO_EVIDENCE,
    NOON,
    Letter,
    Person,
    at,
    introduced,
    keys_of,
    kinds,
    later,
    settled,
)
from tocsin_protocol import effects as fx
from tocsin_protocol.effects import Side
from tocsin_protocol.evidence import Evidence
from tocsin_protocol.limits import CATCH_UP_EPOCHS, HOUR_MS, LOOKAHEAD_EPOCHS_MAX
from tocsin_protocol.recognise import StreamId
from tocsin_protocol.session import End, EpochLoaded, Session
from tocsin_protocol.types import Epoch, Hour
from tocsin_protocol.wheel import Q


def committed(person: Person, side: Side) -> Epoch:
    return person.session.pair.committed(person.number, side)


def stream_of(letter: Letter, q: Q = Q.RING) -> StreamId:
    return StreamId(contact=1, generation=letter.number, epoch=letter.epoch, q=q)


# Turning: by our clock, by an envelope that opened, by stores


def test_rule_one_our_clock_turns_both_sides_by_one_epoch_after_an_hour() -> None:
    low, _, _ = settled()
    midnight = at(EPOCH + 1, hour=0)
    assert low.tick(midnight, NO_EVIDENCE) == ()
    assert {committed(low, side) for side in Side} == {EPOCH}
    low.tick(midnight, BELIEVED)
    assert {committed(low, side) for side in Side} == {EPOCH + 1}
    assert low.tick(at(EPOCH + 3), BELIEVED) == ()
    low.tick(at(EPOCH + 3), CONFIRMED_CLOCK)
    assert {committed(low, side) for side in Side} == {EPOCH + 3}


def test_rule_two_an_envelope_that_opened_turns_their_side_only() -> None:
    low, high, _ = settled()
    tomorrow = at(EPOCH + 1, hour=0)
    low.tick(tomorrow)
    letter = low.must_send(tomorrow)
    assert high.receive(letter, tomorrow) is not None
    assert committed(high, Side.RECEIVING) == EPOCH + 1
    assert committed(high, Side.SENDING) == EPOCH


def test_rule_two_does_not_store_the_stream_again_in_which_the_envelope_opened() -> None:
    low, high, _ = settled()
    tomorrow = at(EPOCH + 1, hour=0)
    low.tick(tomorrow)
    effects = high.receive(low.must_send(tomorrow), tomorrow) or ()
    put = [e for e in effects if isinstance(e, fx.PutStream) and e.stream.epoch == EPOCH + 1]
    assert sorted((e.stream.generation, e.stream.q, e.state.opened) for e in put) == [
        (1, Q.RING, 1),
        (1, Q.CONTROL, 0),
    ]


def test_rule_three_stores_turn_over_several_epochs_and_keep_the_first_chain_of_each() -> None:
    low, high, _ = settled()
    now = at(EPOCH + 3)
    stores = Evidence(uptime_ms=0, stores=3, store_hours=(now.hour, now.hour, Hour(now.hour - 1)))
    effects = low.tick(now, stores)
    kept = {(e.stream.epoch - EPOCH, e.stream.q) for e in effects if isinstance(e, fx.PutStream)}
    assert kept == {(days, q) for days in (1, 2, 3) for q in Q}
    sent = [e.chain.epoch for e in effects if isinstance(e, fx.PutSending) and e.chain.index == 0]
    assert sent == [now.epoch] * 2
    for day in (1, 2):
        high.tick(at(EPOCH + day))
        letter = high.must_send(at(EPOCH + day))
        first = low.state_of(stream_of(letter)).chain
        assert letter.key in keys_of(first, 1)


def test_a_turn_deletes_what_it_leaves_in_the_same_transaction() -> None:
    low, _, now = settled()
    low.must_send(now)
    wheels = {side: low.session.pair.wheels[1, side] for side in Side}
    effects = low.tick(at(EPOCH + 1))
    put = {e.side: e.wheel for e in effects if isinstance(e, fx.PutWheel)}
    assert put == {side: wheel.at(Epoch(EPOCH + 2)) for side, wheel in wheels.items()}
    deleted = [e for e in effects if isinstance(e, fx.DeleteSending)]
    assert deleted == [fx.DeleteSending(number=1, epoch=EPOCH, q=q) for q in Q]
    assert {epoch for _, epoch, _ in low.records.sending} == {EPOCH + 1}


def test_a_stream_of_an_uncommitted_epoch_is_stored_at_its_first_use_and_not_repeated_by_the_turn() -> None:
    low, high, _ = settled()
    tomorrow = at(EPOCH + 1, hour=0)
    low.tick(tomorrow, NO_EVIDENCE)
    before = [low.must_send(tomorrow) for _ in range(3)]
    assert committed(low, Side.SENDING) == EPOCH
    assert low.records.sending[1, Epoch(EPOCH + 1), Q.RING].chain.index == 8
    effects = low.tick(tomorrow, BELIEVED)
    assert [e.chain.q for e in effects if isinstance(e, fx.PutSending)] == [Q.CONTROL]
    after = [low.must_send(tomorrow) for _ in range(3)]
    assert len({letter.tag for letter in before + after}) == 6
    assert all(high.receive(letter, tomorrow) for letter in before + after)


def test_after_more_than_a_year_nothing_turns_opens_or_is_sent() -> None:
    low, _, _ = settled()
    now = at(EPOCH + LOOKAHEAD_EPOCHS_MAX + 1)
    effects = low.tick(now, CONFIRMED_CLOCK)
    assert not kinds(effects, fx.PutWheel, fx.PutStream, fx.DeleteStream)
    assert low.session.pair.live_streams(now) == ()
    assert low.send(now) is None
    almost = at(EPOCH + LOOKAHEAD_EPOCHS_MAX)
    assert len(low.session.pair.live_streams(almost)) == 2
    assert kinds(low.tick(almost, CONFIRMED_CLOCK), fx.PutWheel)


def test_a_clock_thirty_days_ahead_and_back_costs_nothing() -> None:
    low, high, now = settled()
    wrong = later(now, 30 * DAY_MS)
    for _ in range(3):
        low.tick(wrong, BELIEVED)
        assert low.send(wrong) is None
    assert {committed(low, side) for side in Side} == {EPOCH}
    assert low.receive(high.must_send(now), now) is not None
    assert high.receive(low.must_send(now), now) is not None


def test_a_reboot_with_a_wrong_clock_waits_an_hour_and_then_turns_one_epoch_at_most() -> None:
    low, high, _ = settled()
    low.crash()
    wrong = at(EPOCH + 1)
    low.tick(wrong, Evidence(uptime_ms=HOUR_MS - 1))
    assert {committed(low, side) for side in Side} == {EPOCH}
    low.tick(wrong, Evidence(uptime_ms=HOUR_MS))
    assert low.receive(high.must_send(NOON), NOON) is not None, "an epoch's keys outlive it by a week"


# The live set


@pytest.mark.parametrize("low_minutes", [-59, -45, -20, 0, 20, 59])
@pytest.mark.parametrize("high_minutes", [-59, -45, -20, 0, 20, 59])
def test_the_live_set_over_midnight_with_both_clocks_wrong(low_minutes: int, high_minutes: int) -> None:
    """Every envelope that relays and the receiver's clock let through is recognised."""
    low, high, _ = settled()
    low.skew_ms, high.skew_ms = low_minutes * 60_000, high_minutes * 60_000
    for minutes in range(-150, 150, 10):
        now = later(at(EPOCH + 1, hour=0), minutes * 60_000)
        for sender, receiver in ((low, high), (high, low)):
            sender.tick(now)
            letter = sender.send(now)
            assert letter is not None
            passed = abs(letter.born_hour - receiver.clock(now).hour) <= 1
            assert (receiver.receive(letter, now) is not None) is passed


def test_twenty_minutes_after_midnight_nothing_is_lost_to_a_receiver_that_is_slow() -> None:
    low, high, _ = settled()
    now = at(EPOCH + 1, hour=0, minute=20)
    for slow_minutes in (20, 45):
        high.skew_ms = -slow_minutes * 60_000
        low.tick(now)
        assert high.receive(low.must_send(now), now) is not None


def test_an_hour_ahead_in_an_envelope_shows_a_slow_clock() -> None:
    low, high, now = settled()
    low.skew_ms = 59 * 60_000
    early = at(EPOCH, hour=13, minute=5)
    assert kinds(high.receive(low.must_send(early), early), fx.ClockSkew) == [fx.ClockSkew(ms=-55 * 60_000)]
    low.skew_ms = 0
    assert not kinds(high.receive(low.must_send(early), early), fx.ClockSkew)
    assert now.unix_ms < early.unix_ms


# Deleting


def test_receiving_keys_live_a_week_longer_than_their_day() -> None:
    low, high, _ = settled()
    for day in range(1, 12):
        now = at(EPOCH + day)
        low.tick(now)
        high.receive(low.must_send(now), now)
        high.tick(now)
        epochs = sorted({stream.epoch - EPOCH for stream in high.records.streams})
        assert epochs == list(range(max(0, day - CATCH_UP_EPOCHS + 1), day + 1))


def test_an_epoch_that_was_caught_up_with_is_deleted_at_once() -> None:
    low, high, _ = settled()
    now = at(EPOCH + 2)
    for person in (low, high):
        person.tick(now, CONFIRMED_CLOCK)
    high.handle(EpochLoaded(epoch=EPOCH), now)
    assert {stream.epoch for stream in high.records.streams} == {EPOCH + 1, EPOCH + 2}
    assert 0 not in high.records.generations
    assert high.handle(EpochLoaded(epoch=EPOCH), now) == ()


def test_today_is_never_closed_whatever_the_clock_says() -> None:
    low, high, _ = settled()
    assert high.handle(EpochLoaded(epoch=EPOCH), at(EPOCH)) == ()
    assert high.handle(EpochLoaded(epoch=EPOCH), at(EPOCH + 30)) == ()
    high.tick(at(EPOCH + 1, hour=0))
    assert high.handle(EpochLoaded(epoch=EPOCH), at(EPOCH + 1, hour=0)) == ()
    assert high.handle(EpochLoaded(epoch=EPOCH), at(EPOCH + 1, hour=1)) != ()
    assert low.number == 1
    assert (
        Session(contact=1, own=LOW.identity_key, other=HIGH.identity_key).handle(
            EpochLoaded(epoch=EPOCH), NOON
        )
        == ()
    )


def test_what_never_came_is_counted_and_told_when_its_keys_go() -> None:
    low, high, now = settled()
    letters = [low.must_send(now) for _ in range(6)]
    for letter in (letters[0], letters[2], letters[5]):
        high.receive(letter, now)
    high.receive(letters[1], now)
    for day in range(1, CATCH_UP_EPOCHS):
        assert not kinds(high.tick(at(EPOCH + day)), fx.Missed)
    effects = high.tick(at(EPOCH + CATCH_UP_EPOCHS))
    assert kinds(effects, fx.Missed) == [fx.Missed(stream=stream_of(letters[0]), count=2)]


def test_nobody_is_told_of_a_gap_in_what_does_not_ring() -> None:
    low, high, now = settled()
    low.must_send(now, Q.CONTROL)
    high.receive(low.must_send(now, Q.CONTROL), now)
    assert not kinds(high.tick(at(EPOCH + CATCH_UP_EPOCHS), CONFIRMED_CLOCK), fx.Missed)


def test_a_gap_is_still_known_after_a_restart() -> None:
    low, high, now = settled()
    low.must_send(now)
    high.receive(low.must_send(now), now)
    high.crash()
    high.tick(at(EPOCH + 2), CONFIRMED_CLOCK)
    effects = high.handle(EpochLoaded(epoch=EPOCH), at(EPOCH + 2))
    assert [effect.count for effect in effects if isinstance(effect, fx.Missed)] == [1]


@pytest.mark.parametrize("moment", ["introduced", "answered", "settled", "offering"])
def test_an_end_deletes_every_key(moment: str) -> None:
    low, high = introduced()
    now = NOON
    if moment == "answered":
        now = later(now, 600_000)
        for letter in low.leave(now):
            high.receive(letter, now)
    elif moment == "settled":
        low, high, now = settled()
    for person in (low, high):
        person.handle(End(), now)
        assert {type(record) for record in person.records.all()} <= {fx.PutGrant, fx.PutCard}
        assert person.send(now) is None
        assert person.tick(now) == ()
        assert person.recogniser.size == 0


def test_from_the_other_side_an_end_looks_like_being_offline() -> None:
    low, high, now = settled()
    letter = low.must_send(now)
    high.handle(End(), now)
    assert high.receive(letter, now) is None
