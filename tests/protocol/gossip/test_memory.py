"""What the router remembers is bounded by number and by time, and forgets in the right order.

The router itself is not asked here, only the rooms it keeps things in.
"""

import pytest

from tests.protocol.gossip.world import TOPIC
from tocsin_protocol.gossip import seen
from tocsin_protocol.gossip.recent import Kept, Recent
from tocsin_protocol.gossip.seen import OURS, ExactBytes, SeenMids
from tocsin_protocol.limits import EXACT_MAX, RECENT_MAX, RECENT_MS
from tocsin_protocol.types import Hour, Mid, PeerId, Topic

ANN, BOB = PeerId("ann"), PeerId("bob")


def mid(number: int) -> Mid:
    return Mid(number.to_bytes(32, "big"))


def kept(number: int, *, since_ms: int = 0, holders: tuple[PeerId, ...] = ()) -> Kept:
    return Kept(
        mid=mid(number),
        topic=TOPIC,
        entry=b"%d" % number,
        ours=False,
        since_ms=since_ms,
        holders=set(holders),
    )


def entries(offered: list[Kept]) -> list[bytes]:
    return [one.entry for one in offered]


def test_an_id_is_known_as_long_as_it_could_be_accepted_again() -> None:
    """Accepted in hour 10 it may be born in 11, and is then accepted until 12 ends."""
    mids = SeenMids()
    mids.expire(Hour(10))
    mids.add(mid(1), ANN, Hour(10))
    mids.expire(Hour(12))
    assert mids.first(mid(1)) == ANN
    mids.expire(Hour(13))
    assert mids.first(mid(1)) is None
    assert len(mids) == 0


def test_only_the_hours_that_ended_are_dropped() -> None:
    mids = SeenMids()
    mids.add(mid(1), OURS, Hour(10))
    mids.add(mid(2), BOB, Hour(11))
    mids.expire(Hour(13))
    assert mids.first(mid(1)) is None
    assert mids.first(mid(2)) == BOB


def test_all_hours_together_fill_the_seen_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "SEEN_MIDS_MAX", 3)
    mids = SeenMids()
    for number in range(3):
        assert not mids.is_full
        mids.add(mid(number), ANN, Hour(number % 2))
    assert mids.is_full
    mids.expire(Hour(3))
    assert not mids.is_full


def test_exact_bytes_are_kept_for_two_generations() -> None:
    exact = ExactBytes()
    for number in range(3 * EXACT_MAX):
        exact.add(b"%d" % number, mid(number))
        assert len(exact) <= 2 * EXACT_MAX
    assert exact.find(b"0") is None
    assert exact.find(b"%d" % EXACT_MAX) == mid(EXACT_MAX)
    assert exact.find(b"%d" % (3 * EXACT_MAX - 1)) == mid(3 * EXACT_MAX - 1)


def test_recent_offers_each_neighbour_what_it_has_not_shown() -> None:
    recent = Recent()
    recent.keep(kept(1, holders=(ANN,)))
    recent.keep(kept(2))
    recent.add_holder(mid(2), BOB)
    recent.add_holder(mid(3), BOB)
    assert entries(recent.take_missing(BOB, {TOPIC}, 0)) == [b"1"]
    assert entries(recent.take_missing(ANN, {TOPIC}, 0)) == [b"2"]
    assert recent.take_missing(ANN, {TOPIC}, 0) == []


def test_recent_offers_only_the_topics_asked_for() -> None:
    recent = Recent()
    recent.keep(kept(1))
    assert recent.take_missing(ANN, {Topic("another")}, 0) == []


def test_a_neighbour_that_went_holds_nothing() -> None:
    recent = Recent()
    recent.keep(kept(1, holders=(ANN,)))
    recent.forget_holder(ANN)
    assert entries(recent.take_missing(ANN, {TOPIC}, 0)) == [b"1"]


def test_recent_forgets_by_time() -> None:
    recent = Recent()
    recent.keep(kept(1, since_ms=0))
    recent.keep(kept(2, since_ms=1))
    assert entries(recent.take_missing(ANN, {TOPIC}, RECENT_MS)) == [b"1", b"2"]
    assert entries(recent.take_missing(BOB, {TOPIC}, RECENT_MS + 1)) == [b"2"]
    assert recent.take_missing(BOB, {TOPIC}, RECENT_MS + 2) == []
    assert len(recent) == 0


def test_recent_forgets_by_number() -> None:
    recent = Recent()
    for number in range(RECENT_MAX + 3):
        recent.keep(kept(number))
    offered = entries(recent.take_missing(ANN, {TOPIC}, 0))
    assert len(offered) == len(recent) == RECENT_MAX
    assert offered[0] == b"3"


def test_what_is_kept_again_is_the_newest_and_keeps_its_holders() -> None:
    recent = Recent()
    recent.keep(kept(1, holders=(ANN,)))
    recent.keep(kept(2))
    recent.keep(kept(1, holders=(BOB,)))
    assert entries(recent.take_missing(PeerId("eve"), {TOPIC}, 0)) == [b"2", b"1"]
    assert entries(recent.take_missing(ANN, {TOPIC}, 0)) == [b"2"]
