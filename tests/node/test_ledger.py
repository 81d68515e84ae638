"""The ledger: believed only when durable, followed without a gap by many, acknowledged forwards only."""

from collections.abc import Sequence
from contextlib import aclosing

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.node.store.stores import KNOWN, contact, event, invite, received
from tocsin.errors import StoreFailed
from tocsin.ledger import EVENTS_PER_READ, Ledger
from tocsin.recognition import Recognition
from tocsin.store.changes import Change, DeleteInvite, PutInvite
from tocsin.store.memory import MemoryStore
from tocsin.store.records import Event
from tocsin.store.tables import Tables
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.types import Now

INVITE = invite(1)
NOW = Now(unix_ms=(INVITE.expires_hour - 1) * HOUR_MS, steady_ms=0)
EVERYTHING: Sequence[Change] = (KNOWN, PutInvite(invite=INVITE), event("a"), event("b"))


class SlowStore(MemoryStore):
    """Commits wait to be let go, and so do the answers to who has read; both fail when told to."""

    def __init__(self) -> None:
        super().__init__(boot_id="test")
        self.let_go = trio.Event()
        self.let_go.set()
        self.let_answer = trio.Event()
        self.let_answer.set()
        self.commit_fails = False
        self.reading_fails = False

    def hold(self) -> None:
        self.let_go = trio.Event()

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        await self.let_go.wait()
        if self.commit_fails:
            raise StoreFailed("the disk is full")
        return await super().commit(changes)

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        if self.reading_fails:
            raise StoreFailed("the disk is gone")
        events = await super().events_after(seq, limit)
        await self.let_answer.wait()
        return events


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
def ledger(store: SlowStore) -> Ledger:
    tables = Tables()
    recognition = Recognition(Identity.from_seed(Seed(bytes(32))), 0, tables)
    recognition.refresh(NOW)
    return Ledger(store, tables, recognition, 0)


def believed(ledger: Ledger) -> tuple[int, int, int, int]:
    tables = ledger.tables
    return len(tables.contacts), len(tables.invites), ledger.recognition.size, ledger.last_seq


NOTHING = (0, 0, 0, 0)


async def test_what_is_committed_is_believed(ledger: Ledger) -> None:
    events = await ledger.commit(EVERYTHING)
    assert [(e.seq, e.type) for e in events] == [(1, "a"), (2, "b")]
    assert believed(ledger) == (1, 1, 1, 2)
    await ledger.commit([DeleteInvite(id=1)])
    assert believed(ledger) == (1, 0, 0, 2)


async def test_nothing_is_believed_before_it_is_durable(ledger: Ledger, store: SlowStore) -> None:
    store.hold()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ledger.commit, EVERYTHING)
        await wait_all_tasks_blocked()
        assert believed(ledger) == NOTHING
        store.let_go.set()
    assert believed(ledger) == (1, 1, 1, 2)


async def test_what_failed_is_not_believed(ledger: Ledger, store: SlowStore) -> None:
    store.commit_fails = True
    with pytest.raises(StoreFailed):
        await ledger.commit(EVERYTHING)
    assert believed(ledger) == NOTHING
    store.commit_fails = False
    await ledger.commit([event("c")])
    assert believed(ledger) == (0, 0, 0, 1)


async def test_a_commit_that_has_begun_is_believed_even_when_cancelled(
    ledger: Ledger, store: SlowStore
) -> None:
    store.hold()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ledger.commit, EVERYTHING)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        store.let_go.set()
    assert believed(ledger) == (1, 1, 1, 2)
    assert (await store.load()).contacts == (contact(1),)


class Reader:
    """Follows from a seq on, and stops for ever at each seq it is told to stop at."""

    def __init__(self, ledger: Ledger, after: int, stops_at: int | None = None) -> None:
        self._ledger = ledger
        self._after = after
        self._stops_at = stops_at
        self.seqs: list[int] = []
        self.largest = 0

    async def read(self) -> None:
        async with aclosing(self._ledger.follow(self._after)) as batches:
            async for events in batches:
                self.seqs += [event.seq for event in events]
                self.largest = max(self.largest, len(events))
                if self._stops_at in self.seqs:
                    await trio.sleep_forever()


async def test_a_follower_hears_the_past_and_then_the_present(ledger: Ledger) -> None:
    count = 2 * EVENTS_PER_READ + 1
    await ledger.commit([event(str(number)) for number in range(count)])
    reader = Reader(ledger, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.read)
        await wait_all_tasks_blocked()
        assert reader.seqs == list(range(1, count + 1))
        assert reader.largest == EVENTS_PER_READ
        for _ in range(3):
            await ledger.commit([event("x"), event("y")])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert reader.seqs == list(range(1, count + 7))


@pytest.mark.parametrize(
    ("after", "expected"),
    [(0, [1, 2, 3, 4]), (2, [3, 4]), (3, [4]), (10, [4]), (2**70, [4]), (-(2**70), [1, 2, 3, 4])],
)
async def test_a_follower_begins_where_it_says(ledger: Ledger, after: int, expected: list[int]) -> None:
    """A seq that was never given is not waited for: the log it comes from is lost."""
    await ledger.commit([event("a"), event("b"), event("c")])
    reader = Reader(ledger, after)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.read)
        await wait_all_tasks_blocked()
        await ledger.commit([event("d")])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert reader.seqs == expected


async def test_one_slow_follower_delays_nobody(ledger: Ledger) -> None:
    readers = [Reader(ledger, 0) for _ in range(30)]
    slow = Reader(ledger, 0, stops_at=1)
    async with trio.open_nursery() as nursery:
        for reader in (slow, *readers):
            nursery.start_soon(reader.read)
        await wait_all_tasks_blocked()
        for seq in range(1, 6):
            await ledger.commit([event("x")])
            await wait_all_tasks_blocked()
            assert all(reader.seqs == list(range(1, seq + 1)) for reader in readers)
        nursery.cancel_scope.cancel()
    assert slow.seqs == [1]


async def test_followers_miss_nothing_while_commits_rush(ledger: Ledger, autojump_clock: MockClock) -> None:
    readers = [Reader(ledger, 0) for _ in range(5)]

    async def commit() -> None:
        for _ in range(20):
            async with ledger.writing:
                await ledger.commit([event("x")])

    async with trio.open_nursery() as nursery:
        for reader in readers:
            nursery.start_soon(reader.read)
        async with trio.open_nursery() as committing:
            for _ in range(5):
                committing.start_soon(commit)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert all(reader.seqs == list(range(1, 101)) for reader in readers)


async def test_an_event_that_comes_while_a_follower_reads_is_not_missed(
    ledger: Ledger, store: SlowStore
) -> None:
    store.let_answer = trio.Event()
    reader = Reader(ledger, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.read)
        await wait_all_tasks_blocked()
        await ledger.commit([event("x")])
        store.let_answer.set()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert reader.seqs == [1]


async def test_a_follower_that_cannot_read_is_told(ledger: Ledger, store: SlowStore) -> None:
    store.reading_fails = True
    async with aclosing(ledger.follow(0)) as batches:
        with pytest.raises(StoreFailed, match="the disk is gone"):
            await anext(batches)


async def test_a_commit_without_events_wakes_nobody(ledger: Ledger) -> None:
    reader = Reader(ledger, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.read)
        await wait_all_tasks_blocked()
        assert await ledger.commit([KNOWN]) == ()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert reader.seqs == []


async def test_a_cursor_moves_forwards_only(ledger: Ledger, store: SlowStore) -> None:
    await ledger.commit([event(str(number)) for number in range(5)])
    assert ledger.acknowledged("bell") is None
    asked_and_given = [(2, 2), (4, 4), (3, 4), (0, 4), (-1, 4), (6, 5), (2**70, 5), (1, 5)]
    given = [await ledger.acknowledge("bell", seq) for seq, _ in asked_and_given]
    assert given == [expected for _, expected in asked_and_given]
    assert ledger.acknowledged("bell") == 5
    assert [(c.name, c.acked_seq) for c in (await store.load()).consumers] == [("bell", 5)]


async def test_a_new_cursor_begins_at_nothing(ledger: Ledger) -> None:
    assert await ledger.acknowledge("bell", -3) == 0
    assert await ledger.acknowledge("horn", 7) == 0


async def test_cursors_are_apart(ledger: Ledger) -> None:
    await ledger.commit([event("a"), event("b")])
    await ledger.acknowledge("bell", 2)
    await ledger.acknowledge("horn", 1)
    assert (ledger.acknowledged("bell"), ledger.acknowledged("horn")) == (2, 1)


async def test_a_cursor_that_could_not_be_stored_stands_where_it_stood(
    ledger: Ledger, store: SlowStore
) -> None:
    await ledger.commit([event("a"), event("b")])
    await ledger.acknowledge("bell", 1)
    store.commit_fails = True
    with pytest.raises(StoreFailed):
        await ledger.acknowledge("bell", 2)
    assert ledger.acknowledged("bell") == 1


async def test_acknowledging_waits_for_whoever_writes(ledger: Ledger) -> None:
    async with trio.open_nursery() as nursery:
        async with ledger.writing:
            nursery.start_soon(ledger.acknowledge, "bell", 1)
            await wait_all_tasks_blocked()
            await ledger.commit([event("a")])
            assert ledger.acknowledged("bell") is None
        await wait_all_tasks_blocked()
    assert ledger.acknowledged("bell") == 1


async def test_what_was_received_is_asked_of_the_store(ledger: Ledger) -> None:
    await ledger.commit([received("alice", "1")])
    assert await ledger.has_received("alice", "1")
    assert not await ledger.has_received("alice", "2")
