"""What every store promises: all or nothing, in order, numbered without gaps, and there when opened again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest
import trio

from tests.node.store.stores import (
    EMPTY,
    KNOWN,
    READY,
    UNDER_REPLY,
    StoreWorld,
    all_events,
    consumer,
    contact,
    event,
    introduction,
    invite,
    key,
    link,
    received,
    receiving,
    send,
    sending,
    wheel,
)
from tocsin.ports import Store
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
from tocsin.store.records import ContactState, Purpose, Side
from tocsin_protocol.recognise import StreamId
from tocsin_protocol.types import EnvelopeBytes, Epoch
from tocsin_protocol.wheel import Q

ALICE = contact(1)
LINKS = (link(3), link(5))
STREAM = receiving(6, skipped=LINKS)
RENAMED = contact(1, name="Алиса ☎", state=ContactState.PROVISIONAL)
STAMPED = send(1, stamped=EnvelopeBytes(b"stamped" * 700), not_before_ms=9)

KEPT: dict[str, tuple[tuple[Change, ...], dict[str, Any]]] = {
    "contacts": ((PutContact(contact=contact(2)), KNOWN), {"contacts": (ALICE, contact(2))}),
    "a contact that changed": ((KNOWN, PutContact(contact=RENAMED)), {"contacts": (RENAMED,)}),
    "wheels": (
        (
            KNOWN,
            PutWheel(wheel=wheel(Side.SENDING, 7)),
            PutWheel(wheel=wheel(Side.RECEIVING, 7)),
            PutWheel(wheel=wheel(Side.SENDING, 8)),
        ),
        {"contacts": (ALICE,), "wheels": (wheel(Side.RECEIVING, 7), wheel(Side.SENDING, 8))},
    ),
    "sending chains": (
        (
            KNOWN,
            PutSendingChain(sending=sending(0)),
            PutSendingChain(sending=sending(0, q=Q.CONTROL)),
            PutSendingChain(sending=sending(0, epoch=6)),
            PutSendingChain(sending=sending(1)),
            DeleteSendingChain(contact=1, epoch=Epoch(6), q=Q.RING),
        ),
        {"contacts": (ALICE,), "sending": (sending(1), sending(0, q=Q.CONTROL))},
    ),
    "streams": (
        (
            KNOWN,
            PutStream(receiving=receiving(1, q=Q.CONTROL)),
            PutStream(receiving=receiving(4, skipped=(link(1), link(2), link(3)))),
            PutStream(receiving=STREAM),
            PutStream(receiving=receiving(2, epoch=8, skipped=(link(1),))),
            DeleteStream(stream=StreamId(contact=1, epoch=Epoch(8), q=Q.RING)),
        ),
        {"contacts": (ALICE,), "receiving": (STREAM, receiving(1, q=Q.CONTROL))},
    ),
    "a stream that begins again": (
        (
            KNOWN,
            PutStream(receiving=STREAM),
            DeleteStream(stream=STREAM.stream),
            PutStream(receiving=receiving(0)),
        ),
        {"contacts": (ALICE,), "receiving": (receiving(0),)},
    ),
    "invites": (
        (PutInvite(invite=invite(2)), PutInvite(invite=invite(1)), DeleteInvite(id=2)),
        {"invites": (invite(1),)},
    ),
    "introductions": (
        (
            PutIntroduction(introduction=introduction(1)),
            PutIntroduction(introduction=introduction(2)),
            PutIntroduction(introduction=introduction(2, pending=b"later")),
            DeleteIntroduction(id=1),
        ),
        {"introductions": (introduction(2, pending=b"later"),)},
    ),
    "sends of each sealing": (
        (
            PutSend(
                send=send(3, READY, contact=None, introduction=4, nid=None, purpose=Purpose.INTRODUCTION)
            ),
            PutSend(send=send(2, UNDER_REPLY, purpose=Purpose.REPLY)),
            PutSend(send=send(1)),
        ),
        {
            "sends": (
                send(1),
                send(2, UNDER_REPLY, purpose=Purpose.REPLY),
                send(3, READY, contact=None, introduction=4, nid=None, purpose=Purpose.INTRODUCTION),
            )
        },
    ),
    "a send that changed": (
        (PutSend(send=send(1)), PutSend(send=STAMPED), PutSend(send=send(2)), PutSend(send=send(2, READY))),
        {"sends": (STAMPED, send(2, READY))},
    ),
    "no send that left": ((PutSend(send=send(1)), DeleteSend(id=1)), {}),
    "consumers": (
        (
            PutConsumer(consumer=consumer("b", 0)),
            PutConsumer(consumer=consumer("a", 4)),
            PutConsumer(consumer=consumer("b", 1)),
        ),
        {"consumers": (consumer("a", 4), consumer("b", 1))},
    ),
    "an event": ((event(),), {"last_seq": 1}),
    "nothing": ((), {}),
    "nothing of what was never there": (
        (
            DeleteSendingChain(contact=1, epoch=Epoch(1), q=Q.RING),
            DeleteStream(stream=STREAM.stream),
            DeleteInvite(id=1),
            DeleteIntroduction(id=1),
            DeleteSend(id=1),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", KEPT)
async def test_what_is_committed_is_there_when_opened_again(world: StoreWorld, name: str) -> None:
    changes, expected = KEPT[name]
    store = await world.open()
    await store.commit(changes)
    assert await store.load() == replace(EMPTY, **expected)
    assert await (await world.open()).load() == replace(EMPTY, **expected)


def test_every_kind_of_change_is_tried() -> None:
    assert {type(change) for changes, _ in KEPT.values() for change in changes} == set(get_args(Change))


REFUSED: dict[str, Change] = {
    "a name that another contact has": PutContact(contact=contact(2, name=ALICE.name)),
    "an identity that another contact has": PutContact(
        contact=replace(contact(2), identity_key=ALICE.identity_key)
    ),
    "a wheel of nobody": PutWheel(wheel=wheel(Side.SENDING, 7, of=2)),
    "a chain to nobody": PutSendingChain(sending=sending(0, of=2)),
    "a stream from nobody": PutStream(receiving=receiving(0, of=2)),
    "a secret that another invite has": PutInvite(invite=invite(2, secret=key(("invite", 1)))),
    "a second reception of one notification": received("alice", "1"),
}
BEFORE: Sequence[Change] = (KNOWN, PutInvite(invite=invite(1)), received("alice", "1"))


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_change_takes_all_others_with_it(world: StoreWorld, name: str) -> None:
    store = await world.open()
    await store.commit(BEFORE)
    before, events = await store.load(), await all_events(store)
    with pytest.raises(ChangeRefused):
        await store.commit([PutSend(send=send(1)), DeleteInvite(id=7), event("x"), REFUSED[name], event("y")])
    assert (await store.load(), await all_events(store)) == (before, events)
    store = await world.open()
    assert (await store.load(), await all_events(store)) == (before, events)


async def test_an_event_that_is_not_json_takes_all_others_with_it(store: Store) -> None:
    with pytest.raises(TypeError):
        await store.commit([PutSend(send=send(1)), event("x"), event("y", data={"x": object()})])
    assert await store.load() == EMPTY
    assert await all_events(store) == ()


async def test_a_store_goes_on_after_a_refusal(store: Store) -> None:
    await store.commit(BEFORE)
    with pytest.raises(ChangeRefused):
        await store.commit([event("x"), REFUSED["a second reception of one notification"]])
    (next_event,) = await store.commit([event("z")])
    assert next_event.seq == 2
    assert await store.has_received("alice", "1")


async def test_a_contact_may_be_put_again_as_it_is(store: Store) -> None:
    await store.commit([KNOWN, PutInvite(invite=invite(1))])
    await store.commit([KNOWN, PutInvite(invite=invite(1))])
    assert (await store.load()).contacts == (ALICE,)


async def test_nothing_happens_when_cancelled_before_it_begins(store: Store) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.commit([event()])
    assert scope.cancelled_caught
    assert await all_events(store) == ()
