"""Subscriptions: where they begin, what they replay, what an acknowledgement moves, what is left out."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.node.api.client import connected
from tests.node.api.conftest import Served, serving
from tocsin.api.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, REFUSED
from tocsin.errors import StoreFailed
from tocsin.ledger import CONSUMERS_MAX


async def test_a_new_consumer_hears_what_comes_from_now_on(served: Served, autojump_clock: MockClock) -> None:
    before = served.last_seq
    async with connected(served.path) as client:
        answer = await client.ask("events.subscribe", consumer="app")
        assert answer == {"boot_id": served.bob.node.boot_id, "after": before}
        await served.append(2)
        assert await client.seqs(2) == [before + 1, before + 2]


async def test_an_event_shows_every_member(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app")
        await served.append(message="hello")
        assert await client.event() == {
            "seq": served.last_seq, "time": "2023-11-14T22:13:20.007Z", "type": "received",
            "nid": None, "app": None, "sender": None, "thread": None, "data": {"message": "hello"},
        }  # fmt: skip


async def test_a_ring_is_heard_with_who_rang(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", types=["received"])
        nid = await served.alice.ring("bob", "Hello", body="from Alice")
        event = await client.event()
    assert (event["nid"], event["sender"]) == (nid, served.alice.key)
    assert event["data"]["title"] == "Hello"


async def test_since_replays_in_order(served: Served, autojump_clock: MockClock) -> None:
    await served.append(300)
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", since=0)
        assert await client.seqs(served.last_seq) == list(range(1, served.last_seq + 1))


async def test_since_beyond_the_end_is_the_end(served: Served, autojump_clock: MockClock) -> None:
    """The log may have been lost: what comes next must not be skipped until it has as many."""
    for since in (served.last_seq + 1_000, 2**70):
        async with connected(served.path) as client:
            answer = await client.ask("events.subscribe", consumer="app", since=since)
            assert answer["after"] == served.last_seq
            await served.append()
            assert await client.seqs(1) == [served.last_seq]


async def test_only_what_was_acknowledged_is_not_replayed(served: Served, autojump_clock: MockClock) -> None:
    first = served.last_seq
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app")
        await served.append(3)
        assert await client.seqs(3) == [first + 1, first + 2, first + 3]
        assert await client.ask("events.ack", consumer="app", seq=first + 2) == {"acked": first + 2}
    async with connected(served.path) as client:
        answer = await client.ask("events.subscribe", consumer="app")
        assert answer["after"] == first + 2
        assert await client.seqs(1) == [first + 3]


async def test_an_acknowledgement_moves_forwards_and_not_beyond_the_end(
    served: Served, autojump_clock: MockClock
) -> None:
    await served.append(3)
    last = served.last_seq
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", since=0)
        for seq, stands in ((2, 2), (1, 2), (0, 2), (10**30, last)):
            assert await client.ask("events.ack", consumer="app", seq=seq) == {"acked": stands}


async def test_consumers_do_not_share_their_place(served: Served, autojump_clock: MockClock) -> None:
    await served.append(2)
    async with connected(served.path) as one, connected(served.path) as other:
        await one.ask("events.subscribe", consumer="one", since=0)
        await one.ask("events.ack", consumer="one", seq=served.last_seq)
        assert (await other.ask("events.subscribe", consumer="other", since=0))["after"] == 0
        assert await other.seqs(1) == [1]


async def test_a_place_survives_a_restart_of_the_node(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app")
        await served.append(2)
        await client.ask("events.ack", consumer="app", seq=served.last_seq - 1)
    await served.bob.restart()
    again = served.path.with_name("again.sock")
    async with serving(served.bob, again), connected(again) as client:
        await client.ask("events.subscribe", consumer="app")
        assert await client.seqs(1) == [served.last_seq]


async def test_only_the_types_asked_for_are_sent(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", types=["wanted", "also"])
        for kind in ("unwanted", "wanted", "unwanted", "also"):
            await served.append(type=kind)
        assert [(await client.event())["type"] for _ in range(2)] == ["wanted", "also"]


async def test_answers_come_between_events(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", since=0)
        await served.append(50)
        assert (await client.ask("node.status"))["last_seq"] == served.last_seq
        assert await client.seqs(served.last_seq) == list(range(1, served.last_seq + 1))


async def test_a_connection_has_one_subscription(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="one")
        code, message = await client.fail("events.subscribe", consumer="two")
        assert (code, message) == (INVALID_REQUEST, "one subscription a connection: open another one")
        assert (await client.fail("events.ack", consumer="two", seq=1))[0] == INVALID_PARAMS
        await served.append()
        assert await client.seqs(1) == [served.last_seq]


async def test_a_refused_subscription_may_be_tried_again(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        for name in ("", "x" * 65):
            code, message = await client.fail("events.subscribe", consumer=name)
            assert (code, message) == (INVALID_PARAMS, "a consumer's name has 1 to 64 characters")
        assert await client.ask("events.subscribe", consumer="x" * 64)


async def test_the_number_of_consumers_is_bounded(served: Served, autojump_clock: MockClock) -> None:
    for number in range(CONSUMERS_MAX):
        async with connected(served.path) as client:
            await client.ask("events.subscribe", consumer=f"app {number}")
    async with connected(served.path) as client:
        code, message = await client.fail("events.subscribe", consumer="one more")
        assert (code, message) == (
            INVALID_PARAMS,
            f"there are {CONSUMERS_MAX} consumers already: reuse a name",
        )
        assert await client.ask("events.subscribe", consumer="app 3")


async def test_what_comes_while_a_subscription_is_written_is_heard(
    served: Served, autojump_clock: MockClock
) -> None:
    """The new cursor's commit takes its time; an event that overtakes it belongs to the subscriber."""
    async with connected(served.path) as client:
        served.bob.store.delay_s = 1
        before = served.last_seq
        async with trio.open_nursery() as nursery:
            nursery.start_soon(served.append)
            await wait_all_tasks_blocked()
            await client.say("events.subscribe", consumer="app")
        answer = await client.hear()
        assert answer is not None
        assert answer["result"]["after"] == before
        assert await client.seqs(1) == [before + 1]


async def test_a_log_that_cannot_be_read_is_told(
    served: Served, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StoreFailed("the disk is gone: look for it")

    async with connected(served.path) as client:
        monkeypatch.setattr(served.bob.store, "events_after", fail)
        await client.ask("events.subscribe", consumer="app", since=0)
        answer = await client.hear()
    assert answer is not None
    assert answer["error"] == {"code": REFUSED, "message": "the disk is gone: look for it"}
