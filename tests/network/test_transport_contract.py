"""What every transport promises, shown by the one in memory and the one over libp2p alike."""

from functools import partial

import pytest
import trio

from tests.network.nodes import (
    PATIENCE_S,
    Libp2pWorld,
    MemoryWorld,
    World,
    descriptors,
    eventually,
    join,
    open_node,
    tasks,
)
from tocsin.errors import ConnectFailed, ListenFailed
from tocsin.ports import Transport
from tocsin.transport.sessions import TOO_SLOW, SessionLimits
from tocsin_protocol.types import PeerId

SMALL = SessionLimits(queue_size_max=64 * 1024, events_max=1)
PATTERN = bytes(range(256)) * 1200


@pytest.fixture(params=[MemoryWorld, Libp2pWorld], ids=["memory", "libp2p"])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.param()
    return made


async def test_connecting_brings_both_up(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b:
        assert await a.transport.connect(b.address) == b.peer_id
        await a.until_ups(1)
        await b.until_ups(1)
        assert [(up.peer, up.outbound) for up in a.ups] == [(b.peer_id, True)]
        assert [(up.peer, up.outbound) for up in b.ups] == [(a.peer_id, False)]
        assert a.ups[0].address == b.address


@pytest.mark.parametrize("size", [1, 511, 32 * 1024, 32 * 1024 + 1, 300 * 1024])
async def test_bytes_arrive_complete_and_in_order(world: World, size: int) -> None:
    async with open_node(world) as a, open_node(world) as b:
        await join(a, b)
        assert a.transport.send(b.peer_id, PATTERN[:size])
        assert await b.until_received(a.peer_id, size) == PATTERN[:size]


async def test_many_small_sends_in_both_directions(world: World) -> None:
    expected = b"".join(n.to_bytes(4, "big") for n in range(2000))
    async with open_node(world) as a, open_node(world) as b:
        await join(a, b)
        for n in range(2000):
            assert a.transport.send(b.peer_id, n.to_bytes(4, "big"))
            assert b.transport.send(a.peer_id, n.to_bytes(4, "big"))
        assert await b.until_received(a.peer_id, len(expected)) == expected
        assert await a.until_received(b.peer_id, len(expected)) == expected


async def test_a_megabyte_in_both_directions_at_once(world: World) -> None:
    data = PATTERN * 4
    async with open_node(world) as a, open_node(world) as b:
        await join(a, b)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(a.send_all, b.peer_id, data)
            nursery.start_soon(b.send_all, a.peer_id, data)
            assert await b.until_received(a.peer_id, len(data)) == data
            assert await a.until_received(b.peer_id, len(data)) == data


async def test_closing_tells_why_here_and_that_there(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b:
        await join(a, b)
        a.transport.close_peer(b.peer_id, "enough")
        assert not a.transport.send(b.peer_id, b"too late")
        await a.until_downs(1)
        await b.until_downs(1)
        assert [(down.peer, down.why) for down in a.downs] == [(b.peer_id, "enough")]
        assert [down.peer for down in b.downs] == [a.peer_id]


async def test_reconnecting_after_a_close(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b:
        await join(a, b)
        b.transport.close_peer(a.peer_id, "for a moment")
        await a.until_downs(1)
        await a.transport.connect(b.address)
        await b.until(lambda: b.told == ["up", "down", "up"])
        assert a.told == ["up", "down", "up"]
        assert a.transport.send(b.peer_id, b"again")
        assert await b.until_received(a.peer_id, 5) == b"again"


async def test_nobody_there(world: World) -> None:
    async with open_node(world) as a:
        async with open_node(world) as b:
            address = b.address
        with pytest.raises(ConnectFailed, match="cannot connect to") as failed:
            await a.transport.connect(address)
        assert address in str(failed.value)
        assert "\n" not in str(failed.value)
        assert a.told == []


async def test_somebody_else_there(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b, open_node(world) as c:
        address = f"{b.address.partition('/p2p/')[0]}/p2p/{c.peer_id}"
        with pytest.raises(ConnectFailed, match="another node answers there"):
            await a.transport.connect(address)


async def test_addresses_that_cannot_be_dialled(world: World) -> None:
    async with open_node(world) as a:
        for address in (world.address.malformed, world.address.free, "", f"{world.address.free}/p2p/"):
            with pytest.raises(ConnectFailed, match="cannot connect to"):
                await a.transport.connect(address)
        with pytest.raises(ConnectFailed, match="own address"):
            await a.transport.connect(a.address)


async def test_connecting_twice_at_once_gives_one_session(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(a.transport.connect, b.address)
        await a.transport.connect(b.address)
        await a.until_ups(1)
        assert a.told == ["up"]


async def test_dialling_each_other_at_once_gives_one_session(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(a.transport.connect, b.address)
            nursery.start_soon(b.transport.connect, a.address)
        for here, there in ((a, b), (b, a)):
            await eventually(partial(here.transport.send, there.peer_id, b"!"))
            await there.until_received(here.peer_id, 1)
            await there.until(lambda: len(there.ups) - len(there.downs) == 1)  # noqa: B023 - used at once


async def test_sending_to_strangers_is_refused(world: World) -> None:
    async with open_node(world) as a:
        assert not a.transport.send(PeerId("nobody"), b"hello")
        a.transport.close_peer(PeerId("nobody"), "no matter")


async def test_a_full_queue_refuses_and_recovers(world: World) -> None:
    async with open_node(world, limits=SMALL) as a, open_node(world) as b:
        await join(a, b)
        assert not a.transport.send(b.peer_id, bytes(SMALL.queue_size_max + 1))
        assert a.transport.send(b.peer_id, PATTERN[: SMALL.queue_size_max])
        assert not a.transport.send(b.peer_id, b"+")
        await b.until_received(a.peer_id, SMALL.queue_size_max)
        assert a.transport.send(b.peer_id, b"+")
        assert (await b.until_received(a.peer_id, SMALL.queue_size_max + 1))[-1:] == b"+"


async def test_a_neighbour_that_does_not_read_stalls_only_itself(world: World) -> None:
    async with (
        open_node(world, limits=SMALL) as a,
        open_node(world, limits=SMALL, reading=False) as deaf,
        open_node(world) as c,
    ):
        await a.transport.connect(deaf.address)
        await a.transport.connect(c.address)
        sent = await fill(a.transport, deaf.peer_id)
        assert sent < 16 * 1024 * 1024
        await a.send_all(c.peer_id, PATTERN)
        assert await c.until_received(a.peer_id, len(PATTERN)) == PATTERN
        assert a.downs == []


async def test_a_queue_that_stays_full_closes_the_neighbour(world: World) -> None:
    limits = SessionLimits(queue_size_max=64 * 1024, queue_full_ms_max=100)
    async with open_node(world, limits=limits) as a, open_node(world, limits=SMALL, reading=False) as deaf:
        await a.transport.connect(deaf.address)
        while not a.downs:
            a.transport.send(deaf.peer_id, bytes(16 * 1024))
            await trio.lowlevel.checkpoint()
        assert a.downs[0].why == TOO_SLOW


async def test_leaving_closes_everything(world: World) -> None:
    async with open_node(world) as a:
        before = descriptors()
        async with open_node(world) as b:
            await join(a, b)
            assert a.transport.send(b.peer_id, b"hello")
            await b.until_received(a.peer_id, 5)
        await a.until_downs(1)
        assert descriptors() == before
        assert not a.transport.send(b.peer_id, b"hello")


async def test_what_the_block_raises_comes_out_as_it_is(world: World) -> None:
    with pytest.raises(ConnectFailed):
        async with world.open_transport() as transport:
            await transport.connect("nowhere")


async def test_an_address_in_use(world: World) -> None:
    async with open_node(world) as a:
        taken = a.address.partition("/p2p/")[0]
        with pytest.raises(ListenFailed, match=f"cannot listen on {taken}: .*in use"):
            async with world.open_transport(listen=taken):
                pytest.fail("two listen on one address")
    async with world.open_transport(listen=taken) as transport:
        assert transport.listen_addresses()[0].startswith(f"{taken}/p2p/")


async def test_a_malformed_listen_address(world: World) -> None:
    with pytest.raises(ListenFailed, match="cannot listen on"):
        async with world.open_transport(listen=world.address.malformed):
            pytest.fail("listens on a malformed address")


async def test_sixty_four_cycles_leave_nothing_behind(world: World) -> None:
    async with open_node(world) as a, open_node(world) as b:
        before = (tasks(), descriptors())
        for cycle in range(1, 65):
            await a.transport.connect(b.address)
            await b.until_ups(cycle)
            (a if cycle % 2 else b).transport.close_peer((b if cycle % 2 else a).peer_id, "next")
            await a.until_downs(cycle)
            await b.until_downs(cycle)
        await eventually(lambda: (tasks(), descriptors()) == before)


async def fill(transport: Transport, peer: PeerId) -> int:
    """Send until refused and until nothing moves any more; how many bytes were taken."""
    sent = refusals = 0
    with trio.fail_after(PATIENCE_S):
        while refusals < 200:
            if transport.send(peer, bytes(16 * 1024)):
                sent, refusals = sent + 16 * 1024, 0
            else:
                refusals += 1
                await trio.sleep(0.001)
    return sent
