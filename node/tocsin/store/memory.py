"""A store in plain dictionaries that obeys the same contract as the durable one.

It forgets everything when the process ends; tests of whole nodes use it.
"""

from collections.abc import Sequence

from tocsin.store.changes import AppendEvent, Change
from tocsin.store.records import Event, ReceivingStream, SendingChain, Snapshot, StoredWheel
from tocsin.store.tables import Tables


class MemoryStore:
    def __init__(self, *, boot_id: str) -> None:
        self._boot_id = boot_id
        self._tables = Tables()
        self._events: list[Event] = []

    async def load(self) -> Snapshot:
        tables = self._tables
        return Snapshot(
            boot_id=self._boot_id,
            first_seq=1,
            last_seq=len(self._events),
            contacts=tuple(tables.contacts.values()),
            wheels=tuple(StoredWheel(contact=c, side=s, wheel=w) for (c, s), w in tables.wheels.items()),
            sending=tuple(SendingChain(contact=key[0], chain=chain) for key, chain in tables.sending.items()),
            receiving=tuple(ReceivingStream(stream=i, state=s) for i, s in tables.receiving.items()),
            invites=tuple(tables.invites.values()),
            introductions=tuple(tables.introductions.values()),
            sends=tuple(tables.sends.values()),
            consumers=tuple(tables.consumers.values()),
        )

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        first = len(self._events)
        for change in changes:
            if isinstance(change, AppendEvent):
                self._append(change)
            else:
                self._tables.apply(change)
        return tuple(self._events[first:])

    def _append(self, change: AppendEvent) -> None:
        self._events.append(
            Event(
                seq=len(self._events) + 1,
                time_ms=change.time_ms,
                type=change.type,
                nid=change.nid,
                app=change.app,
                sender=change.sender,
                thread=change.thread,
                data=change.data,
            )
        )

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        return tuple(self._events[seq : seq + limit])

    async def has_received(self, sender: str, nid: str) -> bool:
        return any(e.type == "received" and e.sender == sender and e.nid == nid for e in self._events)

    async def scrub(self) -> None:
        """A replaced value is already gone."""

    async def aclose(self) -> None:
        """Nothing is held open."""
