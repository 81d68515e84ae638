"""The doorkeeper under attack: floods, copies and repeats cost a bounded amount of work and of memory."""

from dataclasses import replace

import pytest

from tests.protocol.introductions import HOUR, NOW
from tests.protocol.knocks import (
    WORKING,
    arrive,
    doorkeeper,
    draft,
    garbage,
    knock,
    later,
    measures,
    mid_of,
    request_of,
    requests_in,
    stamped,
    why,
    worked_knock,
)
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.errors import Reason
from tocsin_protocol.knock_events import (
    Discarded,
    DropRequest,
    RememberEphemeral,
    RequestDecided,
    StoreRequest,
    Tick,
    WakeAt,
    Why,
    WorkMeasured,
)
from tocsin_protocol.limits import (
    HOUR_MS,
    INNER_CHECKS_WAITING_MAX,
    KNOCK_DH_PER_S_MAX,
    KNOCK_EPHEMERALS_MAX,
    KNOCK_REQUESTS_MAX,
)
from tocsin_protocol.types import EnvelopeBytes, Hour

# One ephemeral, one message


def test_same_ephemeral_twice() -> None:
    """Whoever sends two texts under one ephemeral could let one inner work pay for many."""
    keeper = doorkeeper()
    one, two = knock(text="one"), knock(text="two")
    assert one[33:65] == two[33:65]
    assert why(arrive(keeper, one)) == []
    assert why(arrive(keeper, two)) == [Why.EPHEMERAL]


def test_the_same_ephemeral_is_noticed_while_its_work_is_measured_or_waits() -> None:
    keeper = doorkeeper(WORKING)
    firsts = [worked_knock(number) for number in range(1, 7)]
    for first in firsts:
        arrive(keeper, first)
    for number in (1, 6):
        again = stamped(draft(number, text="two").finish(bytes(8)).envelope)
        assert why(arrive(keeper, again)) == [Why.EPHEMERAL]


def test_a_copied_ephemeral_does_not_use_up_the_honest_one() -> None:
    """Front-running: what does not open is not remembered as its maker's."""
    keeper = doorkeeper()
    honest = Envelope.parse(knock())
    copy = stamped(replace(honest, body=honest.body[:32] + bytes(437)))
    assert why(arrive(keeper, copy)) == [Reason.NOISE]
    assert why(arrive(keeper, honest.encode())) == []


def test_a_decided_request_is_not_asked_again_after_a_restart() -> None:
    keeper = doorkeeper()
    (request,) = requests_in(arrive(keeper, knock()))
    remember, drop = keeper.handle(RequestDecided(body_id=request.body_id), NOW)
    assert drop == DropRequest(body_id=request.body_id)
    assert isinstance(remember, RememberEphemeral)
    assert keeper.handle(RequestDecided(body_id=request.body_id), NOW) == []
    restarted = doorkeeper(ephemerals=[(remember.ephemeral, remember.until_hour)])
    assert why(arrive(restarted, knock())) == [Why.EPHEMERAL]
    assert remember.until_hour == HOUR + 73


def test_an_open_request_is_not_asked_again_after_a_restart() -> None:
    request = request_of(knock())
    assert why(arrive(doorkeeper(requests=[request]), knock())) == [Why.EPHEMERAL]


def test_a_decided_ephemeral_is_forgotten_with_its_envelope() -> None:
    first = knock()[33:65]
    keeper = doorkeeper(ephemerals=[(first, HOUR)])
    assert keeper.handle(Tick(), NOW) == []
    assert why(arrive(keeper, knock())) == [Why.EPHEMERAL]
    keeper.handle(Tick(), later(HOUR_MS))
    assert why(arrive(keeper, knock())) == []


# Bounds


def test_1000_knocks_a_second_are_bounded_by_dh_operations(dh_done: list[bytes]) -> None:
    """Three times as many bodies as there may be operations; the honest knock gets in a second later."""
    keeper = doorkeeper()
    flood = [garbage(number) for number in range(1_200)]
    honest = knock()
    dh_done.clear()
    reasons = [reason for data in flood for reason in why(arrive(keeper, data))]
    assert len(dh_done) == KNOCK_DH_PER_S_MAX
    assert (reasons.count(Reason.NOISE), reasons.count(Why.BUSY)) == (1_000, 200)
    assert why(arrive(keeper, honest)) == [Why.BUSY]
    assert len(dh_done) == KNOCK_DH_PER_S_MAX
    assert why(arrive(keeper, honest, now=later(1_000))) == []


def test_a_knock_that_opens_in_the_last_operation_of_a_second_is_not_lost(dh_done: list[bytes]) -> None:
    keeper = doorkeeper()
    flood = [garbage(number) for number in range(KNOCK_DH_PER_S_MAX - 1)]
    honest = knock()
    dh_done.clear()
    for data in flood:
        arrive(keeper, data)
    assert why(arrive(keeper, honest)) == [Why.BUSY]
    assert len(dh_done) == KNOCK_DH_PER_S_MAX
    assert why(arrive(keeper, honest, now=later(1_000))) == []


def test_bodies_that_came_before_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin_protocol.doorkeeper.KNOCK_BODIES_MAX", 3)
    keeper = doorkeeper()
    for number in range(4):
        arrive(keeper, garbage(number))
    assert [why(arrive(keeper, garbage(number))) for number in (1, 2, 3)] == [[Why.SEEN]] * 3
    assert why(arrive(keeper, garbage(0))) == [Reason.NOISE]


def test_at_most_4_works_are_measured_a_second_best_outer_stamp_first() -> None:
    keeper = doorkeeper(WORKING)
    knocks = [worked_knock(number) for number in range(1, 11)]
    mids = [mid_of(data) for data in knocks]
    effects = [effect for data in knocks for effect in arrive(keeper, data)]
    first = list(measures(effects))
    assert len(first) == 4
    for each in first:
        effects += keeper.handle(WorkMeasured(body_id=each.body_id, zero_bits=0), NOW)
    assert len(list(measures(effects))) == 4
    assert [effect for effect in effects if isinstance(effect, WakeAt)] == [WakeAt(steady_ms=1_000)]
    assert keeper.handle(Tick(), later(999)) == []
    second = list(measures(keeper.handle(Tick(), later(1_000))))
    assert len(second) == 4
    effects = [
        effect
        for each in second
        for effect in keeper.handle(WorkMeasured(body_id=each.body_id, zero_bits=4), later(1_001))
    ]
    measured_second = [request.mid for request in requests_in(effects)]
    assert measured_second == sorted(measured_second)
    assert [effect for effect in effects if isinstance(effect, WakeAt)] == [WakeAt(steady_ms=2_000)]
    third = list(measures(keeper.handle(Tick(), later(2_000))))
    assert len(third) == 2
    rest = set(mids) - set(mids[:4]) - set(measured_second)
    assert max(measured_second) < min(rest)


def test_no_more_are_measured_while_4_have_no_outcome() -> None:
    keeper = doorkeeper(WORKING)
    for number in range(1, 7):
        arrive(keeper, worked_knock(number))
    assert keeper.handle(Tick(), later(60_000)) == []


def test_the_waiting_list_is_bounded_and_the_worst_outer_stamp_leaves() -> None:
    keeper = doorkeeper(WORKING)
    knocks = [worked_knock(number) for number in range(1, INNER_CHECKS_WAITING_MAX + 6)]
    effects = [arrive(keeper, data) for data in knocks]
    assert [reason for each in effects for reason in why(each)] == [Why.CROWDED]
    waiting = [data for data, each in zip(knocks, effects, strict=True) if not list(measures(each))]
    evicted = max(waiting, key=mid_of)
    better = better_stamp(evicted, than=sorted(waiting, key=mid_of)[100])
    assert why(arrive(keeper, better, now=later(1))) == [Why.CROWDED]
    assert why(arrive(keeper, better, now=later(1))) == [Why.SEEN]


def better_stamp(data: bytes, than: bytes) -> EnvelopeBytes:
    """The same knock with more work in its outer stamp."""
    envelope = Envelope.parse(data)
    attempts = (stamped(envelope, start << 32) for start in range(1, 9_999))
    return next(attempt for attempt in attempts if mid_of(attempt) < mid_of(than))


def test_the_queue_has_20_places_and_the_worst_outer_stamp_leaves() -> None:
    keeper = doorkeeper()
    knocks = sorted((knock(number) for number in range(1, KNOCK_REQUESTS_MAX + 3)), key=mid_of)
    best, *middle, worse, worst = knocks
    for data in (*middle, worse):
        assert why(arrive(keeper, data)) == []
    assert arrive(keeper, worst) == [Discarded(why=Why.CROWDED)]
    drop, store = arrive(keeper, best)
    assert isinstance(store, StoreRequest)
    assert store.request.mid == mid_of(best)
    assert drop == DropRequest(body_id=request_of(worse).body_id)
    drop, store = arrive(keeper, better_stamp(worst, than=middle[-1]))
    assert drop == DropRequest(body_id=request_of(middle[-1]).body_id)
    assert isinstance(store, StoreRequest)
    assert store.request.body_id == request_of(worst).body_id


def test_decided_ephemerals_are_remembered_up_to_a_bound() -> None:
    old = [(number.to_bytes(32, "big"), Hour(HOUR + 1)) for number in range(KNOCK_EPHEMERALS_MAX)]
    first = knock(1)[33:65]
    keeper = doorkeeper(ephemerals=[(first, Hour(HOUR + 1)), *old[1:]])
    (request,) = requests_in(arrive(keeper, knock(2)))
    assert why(arrive(keeper, knock(1))) == [Why.EPHEMERAL]
    keeper.handle(RequestDecided(body_id=request.body_id), NOW)
    assert why(arrive(keeper, knock(1))) == []
    assert why(arrive(keeper, knock(2, start=1 << 32))) == [Why.SEEN]


def test_of_stored_ephemerals_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin_protocol.doorkeeper.KNOCK_EPHEMERALS_MAX", 2)
    stored = [(knock(number)[33:65], Hour(HOUR + 10 - number)) for number in (1, 2, 3)]
    keeper = doorkeeper(ephemerals=stored)
    assert [why(arrive(keeper, knock(number))) for number in (1, 2, 3)] == [[Why.EPHEMERAL]] * 2 + [[]]
