"""The event log of every store: seqs without gaps, reading from any place, retention, and once is once."""

import pytest
import trio

from tests.node.store.stores import (
    EMPTY,
    KNOWN,
    StoreWorld,
    all_events,
    consumer,
    event,
    received,
)
from tocsin.ports import Store
from tocsin.store.changes import PutConsumer
from tocsin.store.records import Event


async def test_seqs_rise_by_one_whatever_lies_between(world: StoreWorld) -> None:
    store = await world.open()
    first = await store.commit([event("a"), KNOWN, event("b")])
    await store.commit([PutConsumer(consumer=consumer("c", 1))])
    store = await world.open()
    second = await store.commit([event("c")])
    assert [(e.seq, e.type) for e in (*first, *second)] == [(1, "a"), (2, "b"), (3, "c")]
    assert await all_events(store) == (*first, *second)
    assert (await store.load()).last_seq == 3


async def test_seqs_of_many_tasks_have_no_gap(store: Store) -> None:
    seqs: list[int] = []

    async def append(name: str) -> None:
        for _ in range(5):
            seqs.extend(e.seq for e in await store.commit([event(name), event(name)]))

    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(append, name)
    assert sorted(seqs) == list(range(1, 41))
    events = await all_events(store)
    assert [e.seq for e in events] == list(range(1, 41))
    assert all(events[i].type == events[i + 1].type for i in range(0, 40, 2))


async def test_events_are_read_from_any_place(store: Store) -> None:
    events = await store.commit([event(str(number)) for number in range(1, 8)])
    assert await store.events_after(0, 3) == events[:3]
    assert await store.events_after(3, 3) == events[3:6]
    assert await store.events_after(6, 3) == events[6:]
    assert await store.events_after(7, 3) == ()
    assert await store.events_after(1_000, 3) == ()
    assert await store.events_after(-5, 3) == events[:3]
    assert await store.events_after(2, 0) == ()


async def test_an_event_is_read_as_it_was_written(world: StoreWorld) -> None:
    data = {"text": "\x00 \u2028 \U0001f514", "most": 2**64 - 1, "list": [1, None, {"deep": True}], "": -1.5}
    written = event("received", time_ms=-1, nid="00", app="a\x00b", sender="ключ", thread="", data=data)
    store = await world.open()
    expected = Event(
        seq=1, time_ms=-1, type="received", nid="00", app="a\x00b", sender="ключ", thread="", data=data
    )
    assert await store.commit([written]) == (expected,)
    assert await (await world.open()).events_after(0, 1) == (expected,)


async def test_an_event_does_not_change_with_what_it_was_made_of(store: Store) -> None:
    data = {"title": "before"}
    await store.commit([event(data=data)])
    data["title"] = "after"
    assert [e.data["title"] for e in await all_events(store)] == ["before"]


@pytest.mark.parametrize(
    ("sender", "nid", "expected"),
    [("alice", "1", True), ("alice", "2", False), ("bob", "1", False), ("alice", "3", False)],
)
async def test_has_received(world: StoreWorld, sender: str, nid: str, expected: bool) -> None:
    store = await world.open()
    other_type = event("send.published", sender="alice", nid="3")
    await store.commit([received("alice", "1"), received("bob", "2"), other_type, other_type])
    assert await store.has_received(sender, nid) is expected
    assert await (await world.open()).has_received(sender, nid) is expected


async def test_the_same_id_of_two_senders_is_two_notifications(store: Store) -> None:
    await store.commit([received("alice", "1"), received("bob", "1"), received("alice", "2")])
    assert len(await all_events(store)) == 3


async def test_receptions_without_an_id_are_not_told_apart(store: Store) -> None:
    await store.commit([event(sender="alice"), event(sender="alice"), event(nid="1"), event(nid="1")])
    assert len(await all_events(store)) == 4


async def test_the_oldest_events_go_first(world: StoreWorld) -> None:
    store = await world.open(events_max=3)
    await store.commit([received("alice", "1"), event("b")])
    assert (await store.load()).first_seq == 1
    await store.commit([event("c"), event("d")])
    assert (await store.load()).first_seq == 2
    assert not await store.has_received("alice", "1")
    appended = await store.commit([event(str(number)) for number in range(5)])
    assert [e.seq for e in appended] == [5, 6, 7, 8, 9]
    store = await world.open(events_max=3)
    snapshot = await store.load()
    assert (snapshot.first_seq, snapshot.last_seq) == (7, 9)
    assert await store.events_after(0, 10) == appended[2:]
    assert await store.events_after(7, 1) == (appended[3],)


async def test_a_notification_that_was_forgotten_can_be_received_again(world: StoreWorld) -> None:
    store = await world.open(events_max=1)
    await store.commit([received("alice", "1"), event("b")])
    (again,) = await store.commit([received("alice", "1")])
    assert again.seq == 3


async def test_commits_without_events_forget_none(world: StoreWorld) -> None:
    store = await world.open(events_max=2)
    await store.commit([event("a"), event("b")])
    for _ in range(3):
        await store.commit([KNOWN])
    assert [e.type for e in await all_events(store)] == ["a", "b"]


async def test_a_new_log_begins_at_one(store: Store) -> None:
    assert await store.load() == EMPTY
    assert await all_events(store) == ()
    assert await store.commit([]) == ()
