"""What the driver makes of a transport: who is a neighbour, who was, and what is counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock

from tests.node.puppet import Puppet, open_puppet, strangers
from tests.node.world import TOPIC, Person, World, open_world, until
from tocsin.driver import GONE_MAX
from tocsin.ports import PeerBytes, PeerDown, PeerUp, Transport, TransportEvent
from tocsin_protocol.gossip.rpc import encode_entry, encode_frames
from tocsin_protocol.limits import HANDLE_SIZE_MAX, REJECTS_MAX
from tocsin_protocol.types import PeerId


class FullTransport:
    """Events as a test hands them in, and queues without room."""

    peer_id = PeerId("full")

    def __init__(self) -> None:
        self.tell, self._events = trio.open_memory_channel[TransportEvent](100)
        self.closed: list[tuple[PeerId, str]] = []

    def listen_addresses(self) -> tuple[str, ...]:
        return ("/full/1/p2p/full",)

    def events(self) -> AsyncIterator[TransportEvent]:
        return self._events

    async def connect(self, address: str) -> PeerId:
        await trio.lowlevel.checkpoint()
        return PeerId(address)

    def send(self, peer: PeerId, data: bytes) -> bool:
        return False

    def close_peer(self, peer: PeerId, why: str) -> None:
        self.closed.append((peer, why))


async def start_with(world: World, *transports: FullTransport) -> Person:
    """Each transport is opened when the one before has ended."""
    bob, waiting = world.person("bob"), iter(transports)

    @asynccontextmanager
    async def open_next() -> AsyncIterator[Transport]:
        yield next(waiting)

    bob.open_transport = open_next
    await bob.start()
    return bob


def up(name: str) -> PeerUp:
    return PeerUp(peer=PeerId(name), outbound=False, address=f"/full/{name}")


async def test_a_neighbour_is_one_from_up_to_down(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        full = FullTransport()
        bob = await start_with(world, full)
        await full.tell.send(up("a"))
        await full.tell.send(up("b"))
        await bob.until_peers(2)
        await full.tell.send(PeerDown(peer=PeerId("a"), why="left"))
        await bob.until_peers(1)
        assert bob.node.driver.peers == (up("b"),)
        assert bob.node.driver.last_gone == (PeerDown(peer=PeerId("a"), why="left"),)


async def test_only_the_latest_departures_are_kept(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        full = FullTransport()
        bob = await start_with(world, full)
        for number in range(GONE_MAX + 3):
            await full.tell.send(up(str(number)))
            await full.tell.send(PeerDown(peer=PeerId(str(number)), why="left"))
        await until(lambda: len(bob.node.driver.last_gone) == GONE_MAX)
        await until(lambda: bob.node.driver.last_gone[-1].peer == str(GONE_MAX + 2))
        assert bob.node.driver.last_gone[0].peer == "3"


async def test_somebody_who_was_never_up_may_go(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        full = FullTransport()
        bob = await start_with(world, full)
        await full.tell.send(PeerDown(peer=PeerId("never"), why="left"))
        await full.tell.send(PeerBytes(peer=PeerId("never"), data=b"\xff" * 9))
        await full.tell.send(up("a"))
        await bob.until_peers(1)
        assert full.closed == []


async def test_until_gone_waits_for_a_neighbour_and_for_nobody_else(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        full = FullTransport()
        bob = await start_with(world, full)
        await bob.node.driver.until_gone(PeerId("a"))
        await full.tell.send(up("a"))
        await bob.until_peers(1)
        began_s = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bob.node.driver.until_gone, PeerId("a"))
            await trio.sleep(30)
            await full.tell.send(PeerDown(peer=PeerId("a"), why="left"))
        assert trio.current_time() - began_s == 30


async def test_what_a_transport_refuses_is_counted(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        full = FullTransport()
        bob = await start_with(world, full)
        await full.tell.send(up("a"))
        await until(lambda: bob.node.counters["send refused"] == 1)


async def test_a_new_transport_starts_without_the_neighbours_of_the_old(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        first, second = FullTransport(), FullTransport()
        bob = await start_with(world, first, second)
        await first.tell.send(up("a"))
        await bob.until_peers(1)
        first.tell.close()
        await bob.until_peers(0)
        assert bob.node.driver.last_gone[-1].why == "transport restarted"
        await second.tell.send(up("a"))
        await bob.until_peers(1)
        assert bob.node.counters["restarted: transport"] == 1


async def show_all(puppet: Puppet, bob: Person, entries: list[bytes]) -> None:
    await puppet.connect(bob)
    puppet.write(bob, entries)


async def test_a_neighbour_that_forwards_what_nobody_may_is_closed(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        bob = await world.start("bob")
        entries = [encode_entry(TOPIC, b"%d" % number * 512) for number in range(REJECTS_MAX)]
        await show_all(puppet, bob, entries)
        await until(lambda: bob.node.counters["gossip rejected"] == REJECTS_MAX)
        await bob.until_peers(0)
        assert f"{REJECTS_MAX} messages rejected" in bob.node.driver.last_gone[-1].why


async def test_a_neighbour_that_writes_no_frames_is_closed(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        bob = await world.start("bob")
        await puppet.connect(bob)
        await bob.until_peers(1)
        assert puppet.transport.send(bob.peer_id, b"\xff\xff\xff\xff\x7f")
        await bob.until_peers(0)
        assert "a frame is too long" in bob.node.driver.last_gone[-1].why


async def test_a_repeated_envelope_is_counted(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        bob = await world.start("bob")
        (envelope,) = strangers(bob, 1)
        await show_all(puppet, bob, [encode_entry(TOPIC, envelope)] * 3)
        await until(lambda: bob.node.counters["gossip repeated"] == 2)


async def test_a_megabyte_at_once_leaves_others_their_turn(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        transport = FullTransport()
        bob = await start_with(world, transport)
        envelopes = strangers(world.person("eve"), 160)
        flood = b"".join(encode_frames([encode_entry(TOPIC, envelope) for envelope in envelopes]))
        assert len(flood) > HANDLE_SIZE_MAX
        await transport.tell.send(up("eve"))
        await transport.tell.send(PeerBytes(peer=PeerId("eve"), data=flood))
        await transport.tell.send(PeerBytes(peer=PeerId("eve"), data=flood))
        await until(lambda: bob.node.counters["gossip repeated"] == len(envelopes))
