"""Sends that end while the outbox waits for something: the store, or the stamp that it has asked for."""

import pytest
import trio
from trio.testing import MockClock

from tests.node.puppet import befriend_through, open_puppet
from tests.node.world import DAY_MS, HeldStamps, Person, World, befriend, identity_of, open_world, until
from tocsin.store.changes import DeleteSend
from tocsin_protocol.limits import HOUR_MS

DAYS_S = 3 * 24 * 3_600


async def with_a_ring(world: World) -> tuple[Person, Person]:
    """A relay that is stopped, and Alice, in whose outbox a notification waits."""
    relay = await world.start("relay")
    alice, bob = await world.start("alice", "relay"), await world.start("bob", "relay")
    await befriend(bob, alice)
    await relay.stop()
    await alice.until_peers(0)
    await alice.ring("bob", ttl_s=DAYS_S)
    return relay, alice


async def with_an_introduction(world: World) -> tuple[Person, Person]:
    """A relay that does not run, and Alice, in whose outbox message 1 waits."""
    alice, bob = await world.start("alice", "relay"), await world.start("bob")
    await alice.node.accept_invite(await bob.invite(), "bob")
    return world.person("relay"), alice


async def end_while_waiting(world: World, relay: Person, alice: Person, *, ms: int) -> None:
    """Time passes, the outbox wants to write, and whoever writes first ends all sends."""
    ledger = alice.node.ledger
    async with ledger.writing:
        world.time.wall_ms += ms
        await relay.start()
        await until(lambda: ledger.writing.statistics().tasks_waiting > 0)
        await ledger.commit([DeleteSend(id=number) for number in list(ledger.tables.sends)])
    await trio.sleep(120)
    assert not ledger.tables.sends


async def test_what_has_ended_does_not_expire(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice = await with_a_ring(world)
        await end_while_waiting(world, relay, alice, ms=4 * DAY_MS)
        assert await alice.events("send.expired") == []


async def test_what_has_ended_is_not_sealed_again(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice = await with_a_ring(world)
        await end_while_waiting(world, relay, alice, ms=DAY_MS)


async def test_what_has_ended_is_not_made_again(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice = await with_an_introduction(world)
        await end_while_waiting(world, relay, alice, ms=3 * HOUR_MS)
        assert len(alice.node.ledger.tables.introductions) == 1


async def test_what_has_ended_is_not_published(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world, "other", listens=False) as other:
        relay, alice = await with_a_ring(world)
        async with open_puppet(world, "relay") as puppet:
            await until(lambda: not alice.node.outbox.waiting)
            await other.connect(alice)
            ledger = alice.node.ledger
            async with ledger.writing:
                other.show(alice, *puppet.heard_from(alice))
                await until(lambda: ledger.writing.statistics().tasks_waiting > 0)
                await ledger.commit([DeleteSend(id=number) for number in list(ledger.tables.sends)])
            await trio.sleep(120)
        assert await alice.events("send.published") == []
        assert relay.gone.is_set()


async def test_a_send_that_ends_while_its_stamp_is_searched_does_not_leave(autojump_clock: MockClock) -> None:
    """Both took an invite of the other: the introduction that the higher key began gives way."""
    async with open_world() as world, open_puppet(world) as puppet:
        low, high = sorted(("alice", "bob"), key=lambda name: identity_of(name).identity_key)
        lower, higher = await world.start(low, "puppet"), world.person(high, "puppet")
        higher.stamps = held = HeldStamps()
        await higher.start()
        await lower.node.accept_invite(await higher.invite(), "higher")
        (message1,) = await puppet.until_heard(1)
        await higher.node.accept_invite(await lower.invite(), "lower")
        await held.asked.wait()
        puppet.show(higher, message1)
        await until(lambda: bool(higher.node.contacts))
        held.let_go.set()
        await trio.sleep(20)
        (message2,) = puppet.heard_from(higher)
        puppet.show(lower, message2)
        await lower.until_knows("higher")


@pytest.mark.parametrize("hours", [3, 24])
async def test_a_stamp_that_took_too_long_is_not_used(hours: int, autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await world.start("alice", "puppet"), await world.start("bob", "puppet")
        await befriend_through(puppet, bob, alice)
        await alice.stop()
        alice.stamps = held = HeldStamps()
        await alice.start()
        nid = await alice.ring("bob", ttl_s=2 * 24 * 3_600)
        await held.asked.wait()
        world.time.wall_ms += hours * HOUR_MS
        held.let_go.set()
        await until(lambda: not alice.node.outbox.waiting)
        puppet.show(bob, *puppet.heard)
        await bob.until_received(nid)
        assert not alice.node.counters
