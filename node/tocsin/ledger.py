"""The one door to a profile's memory: a change is committed first and believed second.

It knows no rule about what may change; whoever holds `writing` has computed that from the tables.
"""

from collections.abc import AsyncGenerator, Sequence

import trio

from tocsin.ports import Store
from tocsin.recognition import Recognition
from tocsin.store.changes import Change, PutConsumer
from tocsin.store.records import Consumer, Event
from tocsin.store.tables import Tables

EVENTS_PER_READ = 256
CONSUMERS_MAX = 64
"""Named cursors a profile keeps; each is one row."""


class Ledger:
    """Tables, recogniser and followers all see a change only after it is durable."""

    def __init__(self, store: Store, tables: Tables, recognition: Recognition, last_seq: int) -> None:
        self.tables = tables
        self.recognition = recognition
        self.writing = trio.Lock()
        self._store = store
        self._last_seq = last_seq
        self._appended = trio.Event()

    @property
    def last_seq(self) -> int:
        return self._last_seq

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        """To be called by the holder of `writing`, with changes computed while holding it.

        Shielded: once the store has begun, this process must believe what the disk believes.
        """
        with trio.CancelScope(shield=True):
            events = await self._store.commit(changes)
            for change in changes:
                self.tables.apply(change)
                self.recognition.apply(change)
        if events:
            self._last_seq = events[-1].seq
            self._appended.set()
            self._appended = trio.Event()
        return events

    async def has_received(self, sender: str, nid: str) -> bool:
        return await self._store.has_received(sender, nid)

    async def follow(self, after: int) -> AsyncGenerator[tuple[Event, ...], None]:
        """All events after a seq, in order, for ever; a slow follower holds up nobody but itself.

        A seq that was never given, of a log that was lost, is taken for the last one.
        """
        after = max(0, min(after, self._last_seq))
        while True:
            appended = self._appended
            events = await self._store.events_after(after, EVENTS_PER_READ)
            if events:
                after = events[-1].seq
                yield events
            else:
                await appended.wait()

    def acknowledged(self, consumer: str) -> int | None:
        known = self.tables.consumers.get(consumer)
        return known.acked_seq if known else None

    async def acknowledge(self, consumer: str, seq: int) -> int:
        """Move a cursor forwards, never back; the seq that now stands."""
        async with self.writing:
            acked = max(min(seq, self._last_seq), self.acknowledged(consumer) or 0)
            await self.commit([PutConsumer(consumer=Consumer(name=consumer, acked_seq=acked))])
        return acked
