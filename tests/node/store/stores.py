"""Stores under test, each with a way to open it again, and one record of every kind to put into them."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from tocsin.ports import Store
from tocsin.store.changes import AppendEvent, PutContact
from tocsin.store.executor import Executor
from tocsin.store.memory import MemoryStore
from tocsin.store.records import (
    EVENTS_MAX,
    Consumer,
    Contact,
    ContactState,
    Event,
    Introduction,
    Purpose,
    Ready,
    ReceivingStream,
    Sealing,
    Send,
    SendingChain,
    Side,
    Snapshot,
    StoredInvite,
    StoredWheel,
    UnderKey,
    UnderReply,
)
from tocsin.store.sqlite import SqliteStore, open_store
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import (
    ContactKey,
    EnvelopeBytes,
    Epoch,
    Hour,
    IdentityKey,
    MessageKey,
    NotificationId,
    Tag,
    Topic,
)
from tocsin_protocol.wheel import Chain, Link, Q, Wheel

BOOT_ID = "first boot"
EMPTY = Snapshot(
    boot_id=BOOT_ID,
    first_seq=1,
    last_seq=0,
    contacts=(),
    wheels=(),
    sending=(),
    receiving=(),
    invites=(),
    introductions=(),
    sends=(),
    consumers=(),
)


class StoreWorld(Protocol):
    @property
    def store(self) -> Store:
        """The one that was opened last."""
        ...

    async def open(self, *, events_max: int = EVENTS_MAX) -> Store:
        """What was committed before is in it; the store that was open until now is closed."""
        ...

    async def aclose(self) -> None: ...


class MemoryWorld:
    """Its store is the only one that there is, so opening again is going on with it."""

    def __init__(self) -> None:
        self._store: MemoryStore | None = None

    @property
    def store(self) -> Store:
        assert self._store is not None
        return self._store

    async def open(self, *, events_max: int = EVENTS_MAX) -> Store:
        if self._store is None:
            self._store = MemoryStore(boot_id=BOOT_ID, events_max=events_max)
        return self._store

    async def aclose(self) -> None:
        if self._store is not None:
            await self._store.aclose()


class SqliteWorld:
    """Only the first boot id is ever believed; each store that it opens closes the one before."""

    def __init__(self, path: Path, executor: Executor) -> None:
        self._path = path
        self._executor = executor
        self._store: SqliteStore | None = None
        self._boot_id = BOOT_ID

    @property
    def store(self) -> Store:
        assert self._store is not None
        return self._store

    async def open(self, *, events_max: int = EVENTS_MAX) -> Store:
        await self.aclose()
        self._store = await open_store(
            self._path, executor=self._executor, boot_id=self._boot_id, events_max=events_max
        )
        self._boot_id = "a later boot"
        return self._store

    async def aclose(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            await store.aclose()


async def all_events(store: Store) -> tuple[Event, ...]:
    return await store.events_after(0, EVENTS_MAX)


def key(name: object, size: int = 32) -> bytes:
    """Bytes that are found again in a file, and never there by chance."""
    return blake2b(repr(name).encode(), digest_size=size).digest()


def contact(number: int, name: str | None = None, state: ContactState = ContactState.CONFIRMED) -> Contact:
    return Contact(
        id=number,
        identity_key=IdentityKey(key(f"identity {number}")),
        contact_key=ContactKey(key(f"contact {number}")),
        name=name or f"contact {number}",
        state=state,
        added_ms=1_700_000_000_000 + number,
    )


def wheel(side: Side, epoch: int, *, of: int = 1, secret: bytes | None = None) -> StoredWheel:
    held = Wheel(epoch=Epoch(epoch), key=secret or key(("wheel", of, side, epoch)))
    return StoredWheel(contact=of, side=side, wheel=held)


def chain(index: int, *, epoch: int = 7, q: Q = Q.RING, secret: bytes | None = None) -> Chain:
    return Chain(epoch=Epoch(epoch), q=q, index=index, key=secret or key(("chain", epoch, q, index)))


def sending(
    index: int, *, of: int = 1, epoch: int = 7, q: Q = Q.RING, secret: bytes | None = None
) -> SendingChain:
    return SendingChain(contact=of, chain=chain(index, epoch=epoch, q=q, secret=secret))


def link(index: int, secret: bytes | None = None) -> Link:
    return Link(
        index=index,
        key=MessageKey(secret or key(("link", index))),
        tag=Tag(key(("tag", index), 16)),
        nid=NotificationId(key(("nid", index), 16)),
    )


def receiving(
    index: int,
    *,
    skipped: Sequence[Link] = (),
    of: int = 1,
    epoch: int = 7,
    q: Q = Q.RING,
    secret: bytes | None = None,
) -> ReceivingStream:
    state = StreamState(chain=chain(index, epoch=epoch, q=q, secret=secret), skipped=tuple(skipped))
    return ReceivingStream(stream=StreamId(contact=of, epoch=Epoch(epoch), q=q), state=state)


def invite(number: int, secret: bytes | None = None) -> StoredInvite:
    return StoredInvite(
        id=number,
        secret=secret or key(("invite", number)),
        expires_hour=Hour(480_000),
        contact_name=f"guest {number}",
    )


def introduction(number: int, pending: bytes = b"\x00\xffstate") -> Introduction:
    return Introduction(
        id=number,
        contact_name="host ☎",
        identity_key=IdentityKey(key("host")),
        invite_text="tocsin:i/…",
        pending=pending,
        until_hour=Hour(480_720),
    )


UNDER_KEY = UnderKey(
    epoch=Epoch(7), tag=Tag(key("tag", 16)), key=MessageKey(key("mk")), payload=b"\x00payload"
)
UNDER_REPLY = UnderReply(secret=key("reply"), payload=b"")
READY = Ready(envelope=EnvelopeBytes(b"\xffenvelope"))


def send(number: int, sealing: Sealing = UNDER_KEY, **changed: Any) -> Send:
    plain = Send(
        id=number,
        contact=1,
        introduction=None,
        purpose=Purpose.NOTIFICATION,
        nid=NotificationId(key(("nid of", number), 16)),
        topic=Topic("/tocsin/1/test/0/0"),
        kind=3,
        sealing=sealing,
        stamped=None,
        created_ms=1,
        not_before_ms=2,
        expires_ms=3,
    )
    return replace(plain, **changed)


def event(type_: str = "received", **changed: Any) -> AppendEvent:
    plain = AppendEvent(
        time_ms=1_700_000_000_000, type=type_, nid=None, app=None, sender=None, thread=None, data={}
    )
    return replace(plain, **changed)


def received(sender: str, nid: str) -> AppendEvent:
    return event(sender=sender, nid=nid)


def consumer(name: str, acked_seq: int) -> Consumer:
    return Consumer(name=name, acked_seq=acked_seq)


KNOWN = PutContact(contact=contact(1))
"""Keys belong to a contact; most changes need this one before them."""
