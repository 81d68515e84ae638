"""When a clock is believed: for turning a wheel, for sending, and when it is reported as wrong."""

import pytest

from tests.protocol.people import at, later
from tocsin_protocol.evidence import (
    Evidence,
    may_send,
    may_turn,
    sealing_epoch,
    skew_shown_by_envelope,
    skew_shown_by_stores,
)
from tocsin_protocol.limits import CLOCK_SKEW_MS_MAX, HOUR_MS, TURN_UPTIME_MS_MIN
from tocsin_protocol.types import Epoch, Hour

EPOCH = Epoch(20_000)
LONG, SHORT = TURN_UPTIME_MS_MIN, TURN_UPTIME_MS_MIN - 1


@pytest.mark.parametrize(
    ("ahead", "uptime_ms", "confirmed", "expected"),
    [
        (1, LONG, False, True),
        (1, SHORT, False, False),
        (2, LONG, False, False),
        (0, LONG, False, False),
        (-1, LONG, False, False),
        (1, 0, True, True),
        (30, 0, True, True),
        (0, 0, True, False),
        (-1, 0, True, False),
    ],
)
def test_the_clock_alone_turns_one_epoch_after_an_hour_or_any_if_confirmed(
    ahead: int, uptime_ms: int, confirmed: bool, expected: bool
) -> None:
    evidence = Evidence(uptime_ms=uptime_ms, confirmed=confirmed)
    assert may_turn(committed=EPOCH, now=at(EPOCH + ahead), evidence=evidence) is expected


@pytest.mark.parametrize(
    ("offsets", "stores", "uptime_ms", "expected"),
    [
        ((0, 0, 0), 3, 0, True),
        ((-1, 0, 1), 3, 0, True),
        ((0, 0, 2), 3, LONG, False),
        ((0, 0, -2), 3, LONG, False),
        ((0, 0, 0, 500, -500), 5, 0, True),
        ((0, 0), 3, LONG, False),
        ((0, 0), 2, LONG, True),
        ((0, 0), 2, SHORT, False),
        ((0,), 2, LONG, False),
        ((0, 9), 2, LONG, False),
        ((0,), 1, LONG, True),
        ((), 0, LONG, False),
    ],
)
def test_three_stores_or_all_that_there_are_turn_over_several_epochs(
    offsets: tuple[int, ...], stores: int, uptime_ms: int, expected: bool
) -> None:
    now = at(EPOCH + 5)
    hours = tuple(Hour(now.hour + offset) for offset in offsets)
    evidence = Evidence(uptime_ms=uptime_ms, stores=stores, store_hours=hours)
    assert may_turn(committed=EPOCH, now=now, evidence=evidence) is expected
    assert not may_turn(committed=now.epoch, now=now, evidence=evidence)


@pytest.mark.parametrize(("ahead", "expected"), [(-1, False), (0, True), (1, True), (2, False)])
def test_nothing_is_sent_while_the_clock_is_behind_or_far_ahead(ahead: int, expected: bool) -> None:
    now = at(EPOCH + ahead)
    assert may_send(committed=EPOCH, now=now) is expected
    assert sealing_epoch(committed=EPOCH, now=now) == (now.epoch if expected else None)


def test_a_clock_set_back_over_midnight_sends_while_relays_take_the_first_hour() -> None:
    assert sealing_epoch(committed=EPOCH, now=at(EPOCH - 1, hour=23)) == EPOCH
    assert sealing_epoch(committed=EPOCH, now=at(EPOCH - 1, hour=22)) is None


@pytest.mark.parametrize(
    ("offset_ms", "expected"),
    [
        (0, None),
        (-CLOCK_SKEW_MS_MAX, None),
        (-CLOCK_SKEW_MS_MAX - 1, -CLOCK_SKEW_MS_MAX - 1),
        (HOUR_MS + CLOCK_SKEW_MS_MAX, None),
        (HOUR_MS + CLOCK_SKEW_MS_MAX + 1, CLOCK_SKEW_MS_MAX + 1),
    ],
)
def test_a_clock_half_an_hour_from_most_stores_is_skewed(offset_ms: int, expected: int | None) -> None:
    hour = at(EPOCH).hour
    hours = (Hour(hour - 700), hour, hour, Hour(hour + 900))
    evidence = Evidence(uptime_ms=0, stores=4, store_hours=hours)
    assert skew_shown_by_stores(later(at(EPOCH), offset_ms), evidence) == expected
    assert skew_shown_by_stores(at(EPOCH), Evidence(uptime_ms=0)) is None


def test_an_envelope_from_the_future_shows_a_slow_clock_and_an_old_one_nothing() -> None:
    now = at(EPOCH, hour=12, minute=20)
    assert skew_shown_by_envelope(now, Hour(now.hour + 1)) == -40 * 60_000
    assert skew_shown_by_envelope(at(EPOCH, minute=35), Hour(now.hour + 1)) is None
    for ago in range(100):
        assert skew_shown_by_envelope(now, Hour(now.hour - ago)) is None
