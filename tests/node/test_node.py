"""Three nodes and one notification, whatever stops, starts, dies or is cut off on the way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.node.world import FlakyStore, Person, World, befriend, open_world, until
from tocsin.contacts import UnknownContact
from tocsin.errors import ListenFailed
from tocsin.node import open_node
from tocsin.ports import Transport, TransportEvent
from tocsin.store.executor import InlineExecutor
from tocsin.store.sqlite import open_store
from tocsin_protocol.limits import RECENT_MS
from tocsin_protocol.notification import Notification, NotificationKind, Urgency
from tocsin_protocol.types import PeerId

BURST = 100


async def start_three(world: World) -> tuple[Person, Person, Person]:
    relay = await world.start("relay")
    return relay, await world.start("alice", "relay"), await world.start("bob", "relay")


async def start_friends(world: World) -> tuple[Person, Person, Person]:
    relay, alice, bob = await start_three(world)
    await befriend(bob, alice)
    return relay, alice, bob


async def test_a_notification_rings_once_and_says_what_it_said(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        content = Notification(
            kind=NotificationKind.ALERT,
            ts_ms=alice.node.now_ms(),
            app="org.example.oven",
            title="Dinner",
            subtitle="at eight",
            body="Bring bread.",
            urgency=Urgency.HIGH,
            thread="kitchen",
        )
        nid = (await alice.node.notify("bob", content)).hex()
        await bob.until_received(nid)
        await trio.sleep(600)
        (event,) = await bob.events("received")
        assert (event.nid, event.sender, event.app, event.thread) == (
            nid,
            alice.key,
            "org.example.oven",
            "kitchen",
        )
        assert event.data == {
            "contact": "alice",
            "kind": "alert",
            "title": "Dinner",
            "subtitle": "at eight",
            "message": "Bring bread.",
            "urgency": "high",
            "sent_ms": content.ts_ms,
            "body": True,
        }
        assert [e.nid for e in await alice.events("send.queued")] == [nid]
        assert await relay.store.events_after(0, 9) == ()


async def test_both_may_ring_and_each_is_told_of_the_other_once(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        for sender, receiver in ((alice, bob), (bob, alice)):
            await receiver.until_received(await sender.ring(receiver.name))
        for person, other in ((alice, bob), (bob, alice)):
            (added,) = await person.events("contact.added")
            assert (added.sender, added.data) == (other.key, {"contact": other.name})


async def test_a_burst_rings_each_once_in_order(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, bob = await start_friends(world)
        nids = [await alice.ring("bob", str(number)) for number in range(BURST)]
        await bob.until_received(*nids)
        await trio.sleep(120)
        assert await bob.received() == nids
        assert await bob.titles() == [str(number) for number in range(BURST)]


async def test_nobody_rings_a_stranger(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        _, alice, _ = await start_friends(world)
        with pytest.raises(UnknownContact, match="no contact is called 'carol': you know bob"):
            await alice.ring("carol")


@pytest.mark.parametrize("away", ["stopped", "cut off"])
async def test_who_was_away_for_a_moment_is_rung(away: str, autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice, bob = await start_friends(world)
        if away == "stopped":
            await bob.stop()
        else:
            world.cut(relay, bob)
            await bob.until_peers(0)
        nids = [await alice.ring("bob", f"Ring {number}") for number in range(3)]
        await trio.sleep(RECENT_MS / 1000 - 65)
        if away == "stopped":
            await bob.start()
        else:
            world.heal(relay, bob)
        await bob.until_received(*nids)
        await trio.sleep(120)
        assert await bob.received() == nids


@pytest.mark.parametrize("after_s", [0, 0.003, 0.006, 0.02, 0.5, 1.5, 5, 9, 12])
@pytest.mark.parametrize("name", ["relay", "alice", "bob"])
async def test_any_node_may_restart_while_two_meet(
    name: str, after_s: float, autojump_clock: MockClock
) -> None:
    async with open_world() as world:
        people = await start_three(world)
        _, alice, bob = people
        await alice.node.accept_invite(await bob.invite("alice"), "bob")
        await trio.sleep(after_s)
        await next(person for person in people if person.name == name).restart(after_s=20)
        await alice.until_knows("bob")
        await bob.until_knows("alice")
        await bob.until_received(await alice.ring("bob"))
        await alice.until_received(await bob.ring("alice"))


@pytest.mark.parametrize("after_s", [0, 0.003, 0.006, 0.008, 0.012, 0.02, 1])
@pytest.mark.parametrize("name", ["relay", "alice", "bob"])
async def test_any_node_may_restart_while_one_rings(
    name: str, after_s: float, autojump_clock: MockClock
) -> None:
    async with open_world() as world:
        people = await start_friends(world)
        _, alice, bob = people
        nids = [await alice.ring("bob") for _ in range(3)]
        await trio.sleep(after_s)
        await next(person for person in people if person.name == name).restart(after_s=20)
        await bob.until_received(*nids)
        await trio.sleep(120)
        assert sorted(filter(None, await bob.received())) == sorted(nids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """Whose power goes at which of their next commits, and whether that one was still written."""

    name: str
    commit: int
    written: bool

    async def strike(self, *people: Person) -> bool:
        """Wait for it, and for the power to come back; False when that many commits never came."""
        victim = next(person for person in people if person.name == self.name)
        number = victim.store.commits + self.commit
        victim.store.dies_after, victim.store.dies_before = (number, None) if self.written else (None, number)
        with trio.move_on_after(30):
            await victim.gone.wait()
        victim.store.dies_after = victim.store.dies_before = None
        struck = victim.gone.is_set()
        if struck:
            await victim.restart(after_s=20)
        return struck


async def meet(world: World, blackout: Blackout) -> bool:
    _, alice, bob = await start_three(world)
    await alice.node.accept_invite(await bob.invite("alice"), "bob")
    struck = await blackout.strike(alice, bob)
    await alice.until_knows("bob")
    await bob.until_knows("alice")
    for sender, receiver in ((alice, bob), (bob, alice)):
        await receiver.until_received(await sender.ring(receiver.name))
        assert len(await receiver.events("contact.added")) == 1
    return struck


async def ring(world: World, blackout: Blackout) -> bool:
    _, alice, bob = await start_friends(world)
    nids = [await alice.ring("bob") for _ in range(2)]
    struck = await blackout.strike(alice, bob)
    nids.append(await alice.ring("bob"))
    await bob.until_received(*nids)
    await trio.sleep(120)
    assert await bob.received() == nids
    return struck


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize(
    ("deed", "name", "commits"), [(meet, "alice", 3), (meet, "bob", 3), (ring, "alice", 2), (ring, "bob", 2)]
)
async def test_the_power_may_go_at_any_commit(
    deed: Callable[[World, Blackout], Awaitable[bool]],
    name: str,
    commits: int,
    written: bool,
    autojump_clock: MockClock,
) -> None:
    for commit in range(1, commits + 2):
        async with open_world(seed=commit) as world:
            struck = await deed(world, Blackout(name=name, commit=commit, written=written))
        assert struck == (commit <= commits)


async def open_disk(path: Path) -> FlakyStore:
    return FlakyStore(await open_store(path, executor=InlineExecutor(), boot_id="disk"))


async def test_all_of_it_on_disk(autojump_clock: MockClock, tmp_path: Path) -> None:
    """What is stored at each stage is read back as it was."""
    async with open_world() as world:
        await world.start("relay")
        people = world.person("alice", "relay"), world.person("bob", "relay")
        alice, bob = people

        async def reopen() -> None:
            for person in people:
                await person.stop()
                await person.store.aclose()
                person.store = await open_disk(tmp_path / person.name)
                await person.start()

        for person in people:
            person.store = await open_disk(tmp_path / person.name)
            await person.start()
        await alice.node.accept_invite(await bob.invite("alice"), "bob")
        await reopen()
        await until(lambda: bool(bob.node.contacts))
        await reopen()
        await alice.until_knows("bob")
        await reopen()
        await bob.until_knows("alice")
        nids = [await alice.ring("bob") for _ in range(3)]
        await reopen()
        await bob.until_received(*nids)
        await reopen()
        await trio.sleep(120)
        assert await bob.received() == nids
        for person in people:
            await person.stop()
            await person.store.aclose()


class DyingTransport:
    """Ends with an error at the first event after it was told to."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.dies = False

    @property
    def peer_id(self) -> PeerId:
        return self._transport.peer_id

    def listen_addresses(self) -> tuple[str, ...]:
        return self._transport.listen_addresses()

    async def events(self) -> AsyncIterator[TransportEvent]:
        async for event in self._transport.events():
            if self.dies:
                raise RuntimeError("a bug in the transport")
            yield event

    async def connect(self, address: str) -> PeerId:
        return await self._transport.connect(address)

    def send(self, peer: PeerId, data: bytes) -> bool:
        return self._transport.send(peer, data)

    def close_peer(self, peer: PeerId, why: str) -> None:
        self._transport.close_peer(peer, why)


def let_die(person: Person) -> list[DyingTransport]:
    """All transports that the person's node opens from now on."""
    opened: list[DyingTransport] = []
    open_real = partial(person.world.open_transport, person.name)

    @asynccontextmanager
    async def open_dying() -> AsyncIterator[Transport]:
        async with open_real() as transport:
            opened.append(DyingTransport(transport))
            yield opened[-1]

    person.open_transport = open_dying
    return opened


@pytest.mark.parametrize("name", ["relay", "alice", "bob"])
async def test_a_transport_that_dies_starts_again_and_the_peers_come_back(
    name: str, autojump_clock: MockClock
) -> None:
    async with open_world() as world:
        people = await start_friends(world)
        _, alice, bob = people
        victim = next(person for person in people if person.name == name)
        transports = let_die(victim)
        await victim.restart()
        await alice.until_peers(1)
        await bob.until_peers(1)
        transports[-1].dies = True
        nid = await alice.ring("bob")
        await until(lambda: victim.node.counters["restarted: transport"] == 1)
        assert victim.node.troubles == {"transport has died and is starting again: see the log"}
        await bob.until_received(nid)
        await until(lambda: not victim.node.troubles)
        assert len(transports) == 2
        await trio.sleep(120)
        assert await bob.received() == [nid]


async def test_an_address_in_use_ends_the_start_with_one_line(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        await world.start("bob")
        second = world.person("bob")
        with pytest.RaisesGroup(pytest.RaisesExc(ListenFailed, match="in use"), flatten_subgroups=True):
            async with open_node(second.parts()):
                await trio.sleep_forever()


async def test_an_address_that_is_lost_later_is_tried_again(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        relay, alice, _ = await start_friends(world)
        await alice.stop()
        transports = let_die(alice)
        await alice.start()
        await alice.until_peers(1)
        transports[-1].dies = True
        world.cut(relay, alice)
        await until(lambda: alice.node.counters["restarted: transport"] == 1)
        async with world.open_transport("alice"):
            await until(lambda: alice.node.counters["restarted: transport"] > 3)
        world.heal(relay, alice)
        await alice.until_peers(1)
        await until(lambda: not alice.node.troubles)


async def test_a_node_ends_with_the_block_that_opened_it(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        bob = world.person("bob")
        async with open_node(bob.parts()) as node:
            await node.online.wait()
        await bob.start()


async def test_a_node_knows_its_age_and_its_addresses(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        await trio.sleep(5)
        bob = await world.start("bob")
        await trio.sleep(7)
        assert bob.node.uptime_ms == 7_000
        assert bob.node.addresses == (f"/memory/bob/p2p/{bob.peer_id}",)
        assert bob.node.boot_id == "test"
        assert not bob.node.troubles
