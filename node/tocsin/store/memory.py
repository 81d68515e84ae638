"""A store in plain dictionaries that obeys the same contract as the durable one.

It forgets everything when the process ends; tests of whole nodes use it.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
import trio

from tocsin.store.changes import (
    AppendEvent,
    Change,
    ChangeRefused,
    PutContact,
    PutInvite,
    PutSendingChain,
    PutStream,
    PutWheel,
)
from tocsin.store.records import EVENTS_MAX, Event, ReceivingStream, SendingChain, Snapshot, StoredWheel
from tocsin.store.tables import Tables

Key = TypeVar("Key", int, str)
Record = TypeVar("Record")


class MemoryStore:
    def __init__(self, *, boot_id: str, events_max: int = EVENTS_MAX) -> None:
        self._boot_id = boot_id
        self._events_max = events_max
        self._tables = Tables()
        self._events: list[Event] = []
        self._last_seq = 0

    @property
    def _first_seq(self) -> int:
        return self._last_seq - len(self._events) + 1

    async def load(self) -> Snapshot:
        await trio.lowlevel.checkpoint()
        return self._snapshot()

    def _snapshot(self) -> Snapshot:
        tables = self._tables
        return Snapshot(
            boot_id=self._boot_id,
            first_seq=self._first_seq,
            last_seq=self._last_seq,
            contacts=in_order(tables.contacts),
            wheels=tuple(
                StoredWheel(contact=c, side=s, wheel=w) for (c, s), w in sorted(tables.wheels.items())
            ),
            sending=tuple(
                SendingChain(contact=key[0], chain=chain) for key, chain in sorted(tables.sending.items())
            ),
            receiving=tuple(
                ReceivingStream(stream=stream, state=tables.receiving[stream])
                for stream in sorted(tables.receiving, key=lambda s: (s.contact, s.epoch, s.q))
            ),
            invites=in_order(tables.invites),
            introductions=in_order(tables.introductions),
            sends=in_order(tables.sends),
            consumers=in_order(tables.consumers),
        )

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        """Made on copies, which take the place of what they copied only when all went well."""
        await trio.lowlevel.checkpoint()
        tables, events = Tables.from_snapshot(self._snapshot()), list(self._events)
        for change in changes:
            refuse_contradiction(tables, events, change)
            if isinstance(change, AppendEvent):
                events.append(numbered(change, self._first_seq + len(events)))
            else:
                tables.apply(change)
        appended = tuple(events[len(self._events) :])
        self._last_seq += len(appended)
        self._tables, self._events = tables, events[-self._events_max :]
        return appended

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        await trio.lowlevel.checkpoint()
        first = max(0, seq + 1 - self._first_seq)
        return tuple(self._events[first : first + limit])

    async def has_received(self, sender: str, nid: str) -> bool:
        await trio.lowlevel.checkpoint()
        return was_received(self._events, sender, nid)

    async def scrub(self) -> None:
        """A replaced value is already gone."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Nothing is held open."""
        await trio.lowlevel.checkpoint()


def in_order(table: Mapping[Key, Record]) -> tuple[Record, ...]:
    return tuple(table[key] for key in sorted(table))


def numbered(change: AppendEvent, seq: int) -> Event:
    """With `data` as it would be read back, and out of reach of whoever keeps the change."""
    data = msgspec.json.decode(msgspec.json.encode(change.data), type=dict[str, object])
    return Event(
        seq=seq,
        time_ms=change.time_ms,
        type=change.type,
        nid=change.nid,
        app=change.app,
        sender=change.sender,
        thread=change.thread,
        data=data,
    )


def was_received(events: Sequence[Event], sender: str, nid: str) -> bool:
    return any(e.type == "received" and e.sender == sender and e.nid == nid for e in events)


def refuse_contradiction(tables: Tables, events: Sequence[Event], change: Change) -> None:
    """What the durable store's schema refuses: UNIQUE columns and references to contacts."""
    match change:
        case PutContact(contact=contact):
            refused = any(
                (other.name == contact.name or other.identity_key == contact.identity_key)
                and other.id != contact.id
                for other in tables.contacts.values()
            )
        case PutWheel(wheel=wheel):
            refused = wheel.contact not in tables.contacts
        case PutSendingChain(sending=sending):
            refused = sending.contact not in tables.contacts
        case PutStream(receiving=receiving):
            refused = receiving.stream.contact not in tables.contacts
        case PutInvite(invite=invite):
            refused = any(o.secret == invite.secret and o.id != invite.id for o in tables.invites.values())
        case AppendEvent(type="received", sender=str(sender), nid=str(nid)):
            refused = was_received(events, sender, nid)
        case _:
            refused = False
    if refused:
        raise ChangeRefused(f"{type(change).__name__} contradicts what is stored")
