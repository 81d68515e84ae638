"""Two stores, one history: whatever is committed, the one in memory and the one on disk do the same."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.node.store.stores import (
    READY,
    UNDER_KEY,
    UNDER_REPLY,
    MemoryWorld,
    SqliteWorld,
    StoreWorld,
    all_events,
    consumer,
    contact,
    event,
    introduction,
    invite,
    key,
    link,
    receiving,
    send,
    sending,
    wheel,
)
from tocsin.store.changes import (
    Change,
    ChangeRefused,
    DeleteIntroduction,
    DeleteInvite,
    DeleteSend,
    DeleteSendingChain,
    DeleteStream,
    PutConsumer,
    PutContact,
    PutIntroduction,
    PutInvite,
    PutSend,
    PutSendingChain,
    PutStream,
    PutWheel,
)
from tocsin.store.executor import InlineExecutor
from tocsin.store.records import Event, Side, Snapshot
from tocsin_protocol.recognise import StreamId
from tocsin_protocol.types import EnvelopeBytes, Epoch
from tocsin_protocol.wheel import Q

EVENTS_KEPT = 6

ids = st.integers(1, 3)
epochs = st.integers(7, 8)
qs = st.sampled_from(Q)
names = st.sampled_from(["a", "b", "ж"])
nids = st.none() | st.sampled_from(["1", "2"])
links = st.lists(st.integers(0, 9), max_size=3, unique=True).map(
    lambda found: [link(i) for i in sorted(found)]
)
streams = st.builds(StreamId, contact=ids, epoch=epochs.map(Epoch), q=qs)
sends = st.builds(
    send,
    ids,
    st.sampled_from([UNDER_KEY, UNDER_REPLY, READY]),
    contact=st.none() | ids,
    stamped=st.none() | st.just(EnvelopeBytes(b"stamped")),
    expires_ms=st.integers(0, 2**62),
)
events = st.builds(
    event,
    st.sampled_from(["received", "send.queued"]),
    sender=st.none() | names,
    nid=nids,
    data=st.dictionaries(
        names, st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5), max_size=2
    ),
)
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(PutContact, contact=st.builds(contact, ids, names)),
    st.builds(PutWheel, wheel=st.builds(wheel, st.sampled_from(Side), epochs, of=ids)),
    st.builds(PutSendingChain, sending=st.builds(sending, st.integers(0, 9), of=ids, epoch=epochs, q=qs)),
    st.builds(DeleteSendingChain, contact=ids, epoch=epochs.map(Epoch), q=qs),
    st.builds(
        PutStream,
        receiving=st.builds(receiving, st.integers(0, 9), skipped=links, of=ids, epoch=epochs, q=qs),
    ),
    st.builds(DeleteStream, stream=streams),
    st.builds(PutInvite, invite=st.builds(invite, ids, ids.map(key))),
    st.builds(DeleteInvite, id=ids),
    st.builds(PutIntroduction, introduction=st.builds(introduction, ids, st.binary(max_size=4))),
    st.builds(DeleteIntroduction, id=ids),
    st.builds(PutSend, send=sends),
    st.builds(DeleteSend, id=ids),
    st.builds(PutConsumer, consumer=st.builds(consumer, names, st.integers(0, 2**62))),
    events,
)


@dataclass(frozen=True, slots=True)
class Scrub:
    """What was deleted goes from the disk, and nothing else."""


@dataclass(frozen=True, slots=True)
class Reopen:
    """The end of one process and the beginning of the next."""


Step: TypeAlias = tuple[Change, ...] | Scrub | Reopen
knowing = st.just(tuple(PutContact(contact=contact(number, name)) for number, name in ((1, "a"), (2, "b"))))
commits = st.lists(changes, max_size=4).map(tuple)
steps = st.lists(
    knowing | commits | commits | commits | st.builds(Scrub) | st.builds(Reopen), min_size=1, max_size=12
)


async def take(world: StoreWorld, step: Step) -> tuple[Event, ...] | type[ChangeRefused]:
    """What the store answers; the store that was opened last is the one that goes on."""
    store = await world.open(events_max=EVENTS_KEPT) if isinstance(step, Reopen) else world.store
    if isinstance(step, Scrub):
        await store.scrub()
    if not isinstance(step, tuple):
        return ()
    try:
        return await store.commit(step)
    except ChangeRefused as refused:
        return type(refused)


async def look_at(world: StoreWorld) -> tuple[Snapshot, tuple[Event, ...], list[bool]]:
    store = world.store
    known = [await store.has_received(sender, nid) for sender in "abж" for nid in "12"]
    return await store.load(), await all_events(store), known


@settings(max_examples=150)
@given(steps)
async def test_both_stores_tell_the_same_story(story: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        memory, disk = MemoryWorld(), SqliteWorld(Path(folder) / "tocsin.db", InlineExecutor())
        await memory.open(events_max=EVENTS_KEPT)
        await disk.open(events_max=EVENTS_KEPT)
        try:
            for step in story:
                assert await take(disk, step) == await take(memory, step)
                assert await look_at(disk) == await look_at(memory)
        finally:
            await disk.aclose()
