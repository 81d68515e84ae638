"""Midnight, clocks that are wrong, keys that must be gone, and stores that were put back from a backup."""

import pytest
import trio
from trio.testing import MockClock

from tests.node.puppet import befriend_through, open_puppet
from tests.node.thief import stolen_tags
from tests.node.world import DAY_MS, MIDNIGHT_MS, Person, World, befriend, open_world
from tocsin.pairs import CannotSend
from tocsin.store.tables import Tables
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.limits import HOUR_MS, LOOKAHEAD_EPOCHS_MAX, WINDOW_SIZE

MINUTE_MS = 60_000
MINUTE_S = 60
HOUR_S = HOUR_MS / 1000
WEEK_S = 7 * 24 * 3_600
NEXT_MIDNIGHT_MS = MIDNIGHT_MS + DAY_MS


async def start_friends(world: World, *, skews: tuple[int, int] = (0, 0)) -> tuple[Person, Person, Person]:
    """A relay whose clock is right, and Alice and Bob, whose clocks are wrong by so many minutes."""
    relay = await world.start("relay")
    alice, bob = world.person("alice", "relay"), world.person("bob", "relay")
    for person, minutes in zip((alice, bob), skews, strict=True):
        person.clock.skew_ms = minutes * MINUTE_MS
        await person.start()
    await befriend(bob, alice)
    return relay, alice, bob


async def sleep_till(world: World, minutes: int) -> None:
    """So many minutes from midnight, by a clock that is right."""
    await trio.sleep(
        (NEXT_MIDNIGHT_MS - world.time.wall_ms) / 1000 + minutes * MINUTE_S - trio.current_time()
    )


async def pass_days(world: World, days: int) -> None:
    for _ in range(days):
        world.time.wall_ms += DAY_MS
        await trio.sleep(2 * MINUTE_S)


@pytest.mark.parametrize("skews", [(0, 0), (59, 0), (-59, 0), (0, 59), (0, -59), (29, -29)])
async def test_rings_cross_midnight(skews: tuple[int, int], autojump_clock: MockClock) -> None:
    async with open_world(wall_ms=NEXT_MIDNIGHT_MS - 3 * HOUR_MS) as world:
        _, alice, bob = await start_friends(world, skews=skews)
        for minutes in range(-70, 75, 8):
            await sleep_till(world, minutes)
            for sender, receiver in ((alice, bob), (bob, alice)):
                nid = await sender.ring(receiver.name, str(minutes))
                await receiver.until_received(nid)
        rung = [str(minutes) for minutes in range(-70, 75, 8)]
        assert await alice.titles() == rung
        assert await bob.titles() == rung
        assert not alice.node.counters
        assert not bob.node.counters


@pytest.mark.parametrize("minutes", [20, 61, 100, 300])
async def test_accepted_before_midnight_and_sent_after_it(minutes: int, autojump_clock: MockClock) -> None:
    async with open_world(wall_ms=NEXT_MIDNIGHT_MS - 3 * HOUR_MS) as world:
        relay, alice, bob = await start_friends(world)
        await sleep_till(world, -10)
        await relay.stop()
        await alice.until_peers(0)
        nid = await alice.ring("bob", "Good night", ttl_s=WEEK_S)
        await sleep_till(world, minutes)
        await relay.start()
        await bob.until_received(nid)
        await trio.sleep(3 * HOUR_S)
        assert await bob.received() == [nid]
        assert await bob.titles() == ["Good night"]


async def test_what_is_sealed_again_leaves_in_the_order_of_its_new_indices(autojump_clock: MockClock) -> None:
    """More than a window of old sends and as many new ones: out of order the receiver would lose some."""
    count = WINDOW_SIZE + 4
    async with open_world(wall_ms=NEXT_MIDNIGHT_MS - 3 * HOUR_MS) as world:
        relay, alice, bob = await start_friends(world)
        await sleep_till(world, -10)
        await relay.stop()
        await alice.until_peers(0)
        old = [await alice.ring("bob", "old", ttl_s=WEEK_S) for _ in range(count)]
        await sleep_till(world, 100)
        new = [await alice.ring("bob", "new", ttl_s=WEEK_S) for _ in range(count)]
        await relay.start()
        await bob.until_received(*old, *new)
        assert len(await bob.received()) == 2 * count


async def test_a_clock_days_ahead_may_not_send_until_a_person_confirms_it(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        world.time.wall_ms += 3 * DAY_MS
        await trio.sleep(2 * HOUR_S)
        with pytest.raises(CannotSend, match="tocsin run --trust-clock"):
            await alice.ring("bob")
        await alice.restart(clock_confirmed=True)
        await alice.until_peers(1)
        await bob.until_received(await alice.ring("bob"))


async def test_what_waits_for_a_clock_to_be_confirmed_is_not_lost(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.until_peers(0)
        nid = await alice.ring("bob", ttl_s=WEEK_S)
        world.time.wall_ms += 3 * DAY_MS
        await relay.start()
        await trio.sleep(10 * MINUTE_S)
        assert await bob.received() == []
        assert not alice.node.counters
        await alice.restart(clock_confirmed=True)
        await bob.until_received(nid)
        await trio.sleep(10 * MINUTE_S)
        assert await bob.received() == [nid]


async def test_a_clock_that_is_set_right_sends_what_the_wrong_one_could_not(
    autojump_clock: MockClock,
) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        await relay.stop()
        await alice.until_peers(0)
        nid = await alice.ring("bob", ttl_s=WEEK_S)
        alice.clock.skew_ms = 3 * DAY_MS
        await relay.start()
        await alice.until_peers(1)
        await trio.sleep(MINUTE_S)
        assert await bob.received() == []
        alice.clock.skew_ms = 0
        await bob.until_received(nid)


async def test_a_clock_that_was_set_back_may_not_send(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        await trio.sleep(13 * HOUR_S)
        world.time.wall_ms -= DAY_MS
        with pytest.raises(CannotSend):
            await alice.ring("bob")
        world.time.wall_ms += DAY_MS
        await bob.until_received(await alice.ring("bob"))


async def test_a_clock_that_is_wrong_for_an_hour_breaks_no_pair(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        await trio.sleep(2 * HOUR_S)
        for days in (30, -60, LOOKAHEAD_EPOCHS_MAX + 60, -LOOKAHEAD_EPOCHS_MAX - 30):
            world.time.wall_ms += days * DAY_MS
            await trio.sleep(HOUR_S)
        for sender, receiver in ((alice, bob), (bob, alice)):
            await receiver.until_received(await sender.ring(receiver.name))


async def test_after_more_than_a_year_a_node_starts_and_says_that_it_cannot_send(
    autojump_clock: MockClock,
) -> None:
    async with open_world() as world:
        _, alice, _ = await start_friends(world)
        await alice.stop()
        world.time.wall_ms += (LOOKAHEAD_EPOCHS_MAX + 2) * DAY_MS
        await alice.start(clock_confirmed=True)
        await trio.sleep(10 * MINUTE_S)
        assert not alice.node.troubles
        with pytest.raises(CannotSend):
            await alice.ring("bob")


async def tables_of(person: Person) -> Tables:
    """What is on the disk."""
    return Tables.from_snapshot(await person.store.load())


async def test_of_what_was_read_yesterday_no_key_is_left(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await world.start("alice", "puppet"), await world.start("bob", "puppet")
        await befriend_through(puppet, bob, alice)
        nids = [await alice.ring("bob") for _ in range(3)]
        envelopes = await puppet.until_heard(3)
        lost, *read = (Envelope.parse(envelope).tag for envelope in envelopes)
        puppet.show(bob, *envelopes[1:])
        await bob.until_received(*nids[1:])
        assert not {*read} & stolen_tags(await tables_of(bob))
        assert {*read} <= stolen_tags(await tables_of(alice))
        await trio.sleep(2 * HOUR_S)
        await pass_days(world, 1)
        assert not {lost, *read} & stolen_tags(await tables_of(alice))
        assert lost in stolen_tags(await tables_of(bob))
        await pass_days(world, 7)
        assert lost not in stolen_tags(await tables_of(bob))


async def test_a_daily_ring_leaves_no_key_behind_though_it_comes_before_our_own_turn(
    autojump_clock: MockClock,
) -> None:
    """Alice's clock is ahead, so that her ring turns the wheel each day before Bob's own clock does."""
    async with open_world(wall_ms=NEXT_MIDNIGHT_MS - 2 * HOUR_MS) as world:
        _, alice, bob = await start_friends(world, skews=(50, 0))
        await sleep_till(world, -20)
        for _ in range(10):
            await bob.until_received(await alice.ring("bob"))
            await trio.sleep(HOUR_S)
            world.time.wall_ms += DAY_MS - HOUR_MS
        oldest = min(stream.epoch for stream in (await tables_of(bob)).receiving)
        assert oldest >= bob.clock.now().epoch - 7


async def test_a_receivers_old_backup_rings_on(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        backup = bob.store.copy()
        for _ in range(WINDOW_SIZE - 1):
            await bob.until_received(await alice.ring("bob"))
        await bob.stop()
        bob.store = backup
        await trio.sleep(180)
        await bob.start()
        await bob.until_peers(1)
        nids = [await alice.ring("bob") for _ in range(3)]
        await bob.until_received(*nids)
        assert await bob.received() == nids


async def test_a_receivers_very_old_backup_rings_on_after_midnight(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        backup = bob.store.copy()
        for _ in range(WINDOW_SIZE):
            await bob.until_received(await alice.ring("bob"))
        await bob.stop()
        bob.store = backup
        await trio.sleep(180)
        await bob.start()
        await bob.until_peers(1)
        await alice.ring("bob", "unheard")
        await trio.sleep(13 * HOUR_S)
        nid = await alice.ring("bob")
        await bob.until_received(nid)
        assert await bob.received() == [nid]


async def test_a_senders_old_backup_rings_nothing_twice(autojump_clock: MockClock) -> None:
    """It takes indices anew, so as many of its next rings are unheard as were sent after the backup."""
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        backup = alice.store.copy()
        for _ in range(2):
            await bob.until_received(await alice.ring("bob", "before"))
        await alice.stop()
        alice.store = backup
        await alice.start()
        await alice.until_peers(1)
        for _ in range(2):
            await alice.ring("bob", "unheard")
        await bob.until_received(await alice.ring("bob", "after"))
        assert await bob.titles() == ["before", "before", "after"]
