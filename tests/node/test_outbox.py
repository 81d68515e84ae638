"""From an accepted send to gossip: nothing lost, nothing twice, whatever happens between."""

import gc

import pytest
import trio
from trio.testing import MockClock

from tests.node.puppet import Puppet, befriend_through, open_puppet
from tests.node.world import (
    DAY_MS,
    MIDNIGHT_MS,
    HeldStamps,
    Person,
    World,
    befriend,
    open_world,
    until,
)
from tocsin import outbox
from tocsin.errors import StoreFailed
from tocsin.pairs import CannotSend
from tocsin.transport.sessions import SessionLimits
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import HOUR_MS, RECENT_MS, TITLE_SIZE_MAX, WINDOW_SIZE

RECENT_S = RECENT_MS / 1000
LATE_MS = MIDNIGHT_MS + DAY_MS - 10 * 60_000
"""Ten minutes to midnight."""


async def start_pair(world: World, puppet: Puppet) -> tuple[Person, Person]:
    """Alice, who will ring, and Bob; all that either sends ends at the puppet."""
    alice, bob = await world.start("alice", "puppet"), await world.start("bob", "puppet")
    await befriend_through(puppet, bob, alice)
    return alice, bob


async def start_friends(world: World) -> tuple[Person, Person, Person]:
    """A relay, and Alice and Bob who have met over it."""
    relay = await world.start("relay")
    alice, bob = await world.start("alice", "relay"), await world.start("bob", "relay")
    await befriend(bob, alice)
    return relay, alice, bob


def rings_kept_by(person: Person) -> list[str]:
    """The nids of what may still have to be sent; what introduces people is repeated for days."""
    return [send.nid.hex() for send in person.node.ledger.tables.sends.values() if send.nid]


async def until_idle(person: Person) -> None:
    """Until what waits has been taken, and was looked at once more."""
    await until(lambda: person.node.outbox.waiting == 0)
    await trio.sleep(1)


async def test_a_send_is_durable_before_it_is_sent(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.until_peers(0)
        nid = await alice.ring("bob", "Later")
        (queued,) = await alice.events("send.queued")
        assert (queued.nid, queued.data["contact"]) == (nid, "bob")
        assert rings_kept_by(alice) == [nid]
        await alice.restart(after_s=600)
        await relay.start()
        await bob.until_received(nid)
        await until_idle(alice)


@pytest.mark.parametrize("count", [1, 40])
async def test_what_waited_leaves_at_once_when_a_neighbour_comes(
    count: int, autojump_clock: MockClock
) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.until_peers(0)
        nids = [await alice.ring("bob", f"Ring {number}") for number in range(count)]
        await relay.start()
        await bob.until_peers(1)
        await alice.until_peers(1)
        await trio.sleep(2)
        assert await bob.received() == nids


async def test_a_neighbour_that_does_not_listen_takes_nothing(autojump_clock: MockClock) -> None:
    async with (
        open_world() as world,
        open_puppet(world) as puppet,
        open_puppet(world, "mute", listens=False) as mute,
    ):
        alice, _ = await start_pair(world, puppet)
        world.network.cut(alice.peer_id, puppet.transport.peer_id)
        await alice.until_peers(0)
        await mute.connect(alice)
        nids = [await alice.ring("bob", f"Ring {number}") for number in range(3)]
        await trio.sleep(300)
        assert alice.node.outbox.waiting >= 3
        mute.subscribe(alice.peer_id)
        await until_idle(alice)
        assert len(mute.heard) == len(nids) + 1, "the confirmation too, whose first taker is gone"


async def test_what_a_neighbour_took_away_with_it_is_offered_to_the_next(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        async with open_puppet(world) as puppet:
            alice, bob = await start_pair(world, puppet)
            nid = await alice.ring("bob")
            await puppet.until_heard(1)
            await until_idle(alice)
        await trio.sleep(2 * RECENT_S)
        async with open_puppet(world) as puppet:
            puppet_heard = await puppet.until_heard(1)
            await bob.until_peers(1)
            puppet.show(bob, *puppet_heard)
            await bob.until_received(nid)


async def test_what_does_not_fit_the_queue_of_a_neighbour_is_not_lost(autojump_clock: MockClock) -> None:
    count = 200
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.stop()
        limits = SessionLimits(queue_size_max=16 * 1024)
        alice.open_transport = lambda: world.open_transport("alice", limits)
        await alice.start()
        nids = [await alice.ring("bob", f"Ring {number}") for number in range(count)]
        await relay.start()
        await until(lambda: alice.node.counters["send refused"] > 0)
        for _ in range(10):
            await trio.sleep(60)
        assert await bob.received() == nids


async def test_what_was_taken_is_not_offered_again(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, _ = await start_pair(world, puppet)
        await alice.ring("bob")
        for _ in range(4):
            await trio.sleep(HOUR_MS / 1000)
        assert len(puppet.heard_from(alice)) == 1
        assert rings_kept_by(alice) == []
        assert [event.type for event in await alice.store.events_after(0, 9)] == [
            "contact.added",
            "send.queued",
        ]


async def test_published_means_that_a_neighbour_showed_it(autojump_clock: MockClock) -> None:
    async with (
        open_world() as world,
        open_puppet(world) as puppet,
        open_puppet(world, "other", listens=False) as other,
    ):
        alice, _ = await start_pair(world, puppet)
        await other.connect(alice)
        nid = await alice.ring("bob")
        (envelope,) = await puppet.until_heard(1)
        await trio.sleep(30)
        assert await alice.events("send.published") == []
        for _ in range(3):
            other.show(alice, envelope)
            await trio.sleep(1)
        (published,) = await alice.events("send.published")
        assert (published.nid, published.data) == (nid, {"contact": "bob"})
        assert rings_kept_by(alice) == []


async def test_published_is_told_though_the_store_failed_at_first(autojump_clock: MockClock) -> None:
    async with (
        open_world() as world,
        open_puppet(world) as puppet,
        open_puppet(world, "other", listens=False) as other,
    ):
        alice, _ = await start_pair(world, puppet)
        await other.connect(alice)
        nid = await alice.ring("bob")
        (envelope,) = await puppet.until_heard(1)
        alice.store.broken = True
        other.show(alice, envelope)
        await until(lambda: alice.node.counters["restarted: outbox"] > 0)
        assert alice.node.troubles
        alice.store.broken = False
        await until(lambda: not rings_kept_by(alice))
        assert [event.nid for event in await alice.events("send.published")] == [nid]
        assert len(puppet.heard) == 1


async def test_a_neighbour_that_shows_our_introduction_ends_nothing(autojump_clock: MockClock) -> None:
    async with (
        open_world() as world,
        open_puppet(world) as puppet,
        open_puppet(world, "other", listens=False) as other,
    ):
        alice, bob = await world.start("alice", "puppet"), await world.start("bob", "puppet")
        await other.connect(alice)
        await alice.node.accept_invite(await bob.invite("alice"), "bob")
        other.show(alice, *await puppet.until_heard(1))
        await trio.sleep(5)
        assert len(alice.node.ledger.tables.sends) == 1
        assert await alice.store.events_after(0, 9) == ()


@pytest.mark.parametrize("ttl_s", [0, 1, 60])
async def test_a_send_that_nobody_took_expires(ttl_s: int, autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.until_peers(0)
        nid = await alice.ring("bob", ttl_s=ttl_s)
        await trio.sleep(ttl_s + 120)
        (expired,) = await alice.events("send.expired")
        assert (expired.nid, expired.data) == (nid, {"contact": "bob"})
        assert rings_kept_by(alice) == []
        await relay.start()
        await trio.sleep(300)
        assert await bob.received() == []


async def test_a_notification_for_now_only_is_sent_now(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        await bob.until_received(await alice.ring("bob", ttl_s=0))


async def test_nothing_is_kept_of_a_send_that_has_ended(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world, listens=False) as mute:
        relay, alice, _ = await start_friends(world)
        await relay.stop()
        await mute.connect(alice)
        nid = await alice.ring("bob", ttl_s=0)
        await trio.sleep(120)
        assert [event.nid for event in await alice.events("send.expired")] == [nid]
        gc.collect()
        offered = [thing for thing in gc.get_objects() if isinstance(thing, outbox.Offered)]
        assert {entry.send for entry in offered} <= alice.node.ledger.tables.sends.keys()


async def test_a_restart_within_the_hour_shows_the_very_same_envelope(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        nid = await alice.ring("bob")
        (envelope,) = await puppet.until_heard(1)
        await alice.restart()
        await until(lambda: puppet.heard.count(envelope) == 2)
        puppet.show(bob, *puppet.heard)
        await trio.sleep(5)
        assert await bob.received() == [nid]


@pytest.mark.parametrize("hours", [3, 24])
async def test_a_restart_after_the_hour_sends_what_may_have_been_lost(
    hours: int, autojump_clock: MockClock
) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        nid = await alice.ring("bob", ttl_s=2 * 24 * 3_600)
        (first,) = await puppet.until_heard(1)
        puppet.show(bob, first)
        await bob.until_received(nid)
        await alice.stop()
        world.time.wall_ms += hours * HOUR_MS
        await alice.start()
        puppet.show(bob, *(await puppet.until_heard(3)))
        await trio.sleep(70)
        assert await bob.received() == [nid]


async def test_a_store_that_fails_refuses_the_send_and_uses_up_no_index(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        alice.store.broken = True
        for _ in range(WINDOW_SIZE + 1):
            with pytest.raises(StoreFailed, match="the disk is full"):
                await alice.ring("bob")
        alice.store.broken = False
        nid = await alice.ring("bob")
        await bob.until_received(nid)
        assert [event.nid for event in await alice.events("send.queued")] == [nid]


async def test_a_send_that_was_accepted_leaves_though_the_store_fails_then(
    autojump_clock: MockClock,
) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, _ = await start_pair(world, puppet)
        await alice.stop()
        alice.stamps = held = HeldStamps()
        await alice.start()
        nid = await alice.ring("bob")
        await held.asked.wait()
        alice.store.broken = True
        held.let_go.set()
        await until(lambda: alice.node.counters["restarted: outbox"] > 1)
        confirmation = puppet.heard.copy()
        assert len(confirmation) == 1
        assert rings_kept_by(alice) == [nid]
        alice.store.broken = False
        await puppet.until_heard(2)
        await until(lambda: not alice.node.troubles)


async def test_waiting_sends_have_a_limit(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.until_peers(0)
        monkeypatch.setattr(outbox, "SENDS_MAX", len(alice.node.ledger.tables.sends) + 3)
        nids = [await alice.ring("bob") for _ in range(3)]
        with pytest.raises(CannotSend, match="sends are waiting already: connect the node, or wait"):
            await alice.ring("bob")
        await relay.start()
        await bob.until_received(*nids)


async def test_what_cannot_be_said_is_refused_before_anything_is_stored(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        seq = alice.node.ledger.last_seq
        with pytest.raises(LocalProtocolError, match="title"):
            await alice.ring("bob", "x" * (TITLE_SIZE_MAX + 1))
        assert alice.node.ledger.last_seq == seq
        await bob.until_received(await alice.ring("bob", "x" * TITLE_SIZE_MAX))
