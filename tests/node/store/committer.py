"""A process that commits batch after batch and says of each when it is durable, until it is killed."""

import sys
from itertools import count
from pathlib import Path

import trio

from tests.node.store.stores import consumer, contact, event, key, send, wheel
from tocsin.store.changes import Change, DeleteSend, PutConsumer, PutContact, PutSend, PutWheel
from tocsin.store.executor import ThreadExecutor
from tocsin.store.records import Side, Snapshot, UnderReply
from tocsin.store.sqlite import open_store

EVENTS_A_BATCH = 3
BATCHES_A_SCRUB = 7
PAYLOAD_SIZE = 9_000
"""Several pages, so that a half-written batch would show."""


def batch(number: int) -> list[Change]:
    """From number 1; each replaces, deletes and appends something of the one before."""
    large = UnderReply(secret=key(number), payload=key(number, 64) * (PAYLOAD_SIZE // 64))
    return [
        PutContact(contact=contact(1, name=f"batch {number}")),
        PutWheel(wheel=wheel(Side.SENDING, number)),
        *(event("batch", data={"batch": number, "part": part}) for part in range(EVENTS_A_BATCH)),
        DeleteSend(id=number - 1),
        PutSend(send=send(number, large)),
        PutConsumer(consumer=consumer("reader", number)),
    ]


def whole_batches(snapshot: Snapshot) -> int:
    """How many batches are in it; none of them may be there by half."""
    number = snapshot.last_seq // EVENTS_A_BATCH
    assert snapshot.last_seq == number * EVENTS_A_BATCH
    if number == 0:
        assert not snapshot.contacts
        return 0
    expected = {type(change): change for change in batch(number)}
    assert (PutContact(contact=snapshot.contacts[0]),) == (expected[PutContact],)
    assert [PutWheel(wheel=stored) for stored in snapshot.wheels] == [expected[PutWheel]]
    assert [PutSend(send=stored) for stored in snapshot.sends] == [expected[PutSend]]
    assert [PutConsumer(consumer=stored) for stored in snapshot.consumers] == [expected[PutConsumer]]
    return number


async def commit_for_ever(path: Path, first: int) -> None:
    store = await open_store(path, executor=ThreadExecutor(), boot_id="any")
    for number in count(first):
        await store.commit(batch(number))
        print(number, flush=True)
        if number % BATCHES_A_SCRUB == 0:
            await store.scrub()


if __name__ == "__main__":
    trio.run(commit_for_ever, Path(sys.argv[1]), int(sys.argv[2]))
