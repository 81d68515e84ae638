"""What the memory transport has beside the contract: latency on trio's clock, and networks that are cut."""

import pytest
import trio
from trio.testing import MockClock

from tests.network.nodes import CountingEntropy, MemoryWorld, join, open_node
from tocsin.errors import ConnectFailed
from tocsin.transport.memory import CUT, MemoryNetwork, open_memory_transport


def slow_world() -> MemoryWorld:
    world = MemoryWorld()
    world.network = MemoryNetwork(latency_ms=3_000, entropy=CountingEntropy())
    return world


async def test_bytes_take_the_latency(autojump_clock: MockClock) -> None:
    async with open_node(slow_world()) as a, open_node(slow_world()) as b:
        assert a.peer_id == b.peer_id  # another network, the same entropy
    world = slow_world()
    async with open_node(world) as a, open_node(world) as b:
        began = trio.current_time()
        await a.transport.connect(b.address)
        assert trio.current_time() - began == pytest.approx(6)
        began = trio.current_time()
        assert a.transport.send(b.peer_id, b"x" * 200_000)
        await b.until_received(a.peer_id, 200_000)
        assert trio.current_time() - began == pytest.approx(3)
        a.transport.close_peer(b.peer_id, "done")
        await b.until_downs(1)
        assert trio.current_time() - began == pytest.approx(6)


async def test_a_cut_ends_the_connection_until_it_heals(autojump_clock: MockClock) -> None:
    world = MemoryWorld()
    async with open_node(world) as a, open_node(world) as b, open_node(world) as c:
        await join(a, b)
        await a.transport.connect(c.address)
        world.network.cut(b.peer_id, a.peer_id)
        await a.until_downs(1)
        await b.until_downs(1)
        assert [(down.peer, down.why) for down in a.downs] == [(b.peer_id, CUT)]
        assert [(down.peer, down.why) for down in b.downs] == [(a.peer_id, CUT)]
        with pytest.raises(ConnectFailed, match="nobody answers there"):
            await a.transport.connect(b.address)
        assert a.transport.send(c.peer_id, b"still here")
        await c.until_received(a.peer_id, 10)
        world.network.heal(a.peer_id, b.peer_id)
        await b.transport.connect(a.address)
        assert b.told == ["up", "down", "up"]


async def test_a_cut_with_somebody_who_has_left(autojump_clock: MockClock) -> None:
    world = MemoryWorld()
    async with open_node(world) as a:
        async with open_node(world) as b:
            await join(a, b)
        world.network.cut(a.peer_id, b.peer_id)
        await a.until_downs(1)


async def test_numbers_are_given_and_names_are_kept() -> None:
    network = MemoryNetwork(latency_ms=0, entropy=CountingEntropy())
    async with (
        open_memory_transport(network, listen=["/memory/1", "/memory/0", "/memory/0"]) as a,
        open_memory_transport(network, listen=[]) as b,
    ):
        places = [address.partition("/p2p/")[0] for address in a.listen_addresses()]
        assert len(set(places)) == 3
        assert places[0] == "/memory/1"
        assert b.listen_addresses() == ()
