"""What only the transport over libp2p has: keys, ports, strangers of other kinds, and a readable log."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.utils.varint import read_varint_prefixed_bytes
from multiaddr import Multiaddr

from tests.network.nodes import LOOPBACK, PATIENCE_S, PROTOCOLS, Libp2pWorld, Node, join, open_node, watch
from tocsin.errors import ConnectFailed, ListenFailed
from tocsin.transport.libp2p import open_libp2p_transport
from tocsin.transport.sessions import REOPENED, SessionLimits
from tocsin_protocol.limits import LIBP2P_LOG_LINES_PER_MINUTE_MAX

SEED = bytes(range(32))


async def test_the_seed_is_the_peer_id() -> None:
    async with open_libp2p_transport(listen=[], protocols=PROTOCOLS, key_seed=SEED) as transport:
        assert transport.listen_addresses() == ()
        assert transport.peer_id == "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        ("/ip4/192.0.2.7/tcp/0", "not an address of this machine"),
        ("/ip4/127.0.0.1/udp/1/quic-v1", "write it as"),
        ("/ip4/::1/tcp/0", "write it as"),
        ("/ip4/127.0.0.1/tcp/70000", "write it as"),
        ("/dns4/localhost/tcp/0", "write it as"),
    ],
)
async def test_where_nobody_can_listen(listen: str, why: str) -> None:
    with pytest.raises(ListenFailed, match=why) as failed:
        async with open_libp2p_transport(listen=[LOOPBACK, listen], protocols=PROTOCOLS, key_seed=SEED):
            pytest.fail("listens")
    assert listen in str(failed.value)
    assert "\n" not in str(failed.value)


async def test_all_addresses_are_spelled_out() -> None:
    async with open_libp2p_transport(listen=["/ip4/0.0.0.0/tcp/0"], protocols=PROTOCOLS, key_seed=SEED) as a:
        assert a.listen_addresses()[0].startswith("/ip4/127.0.0.1/tcp/")
        assert not any("0.0.0.0" in address for address in a.listen_addresses())


async def test_a_host_that_speaks_other_protocols() -> None:
    async with open_node(Libp2pWorld()) as a:
        async with open_libp2p_transport(listen=[LOOPBACK], protocols=["/chat/1"], key_seed=SEED) as other:
            with pytest.raises(ConnectFailed, match=r"none of our protocols|no Tocsin node"):
                await a.transport.connect(other.listen_addresses()[0])
        assert a.told == []


async def test_something_that_is_no_libp2p_host() -> None:
    async with open_node(Libp2pWorld()) as a, trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

        async def greet(stream: trio.SocketStream) -> None:
            await stream.send_all(
                b"HTTP/1.1 400 Bad Request\r\nConnection: keep-alive\r\nContent-Length: 99999\r\n\r\n"
            )

        nursery.start_soon(trio.serve_listeners, greet, [listener])
        port = listener.socket.getsockname()[1]
        with pytest.raises(ConnectFailed, match="no Tocsin node"):
            await a.transport.connect(f"/ip4/127.0.0.1/tcp/{port}/p2p/{a.peer_id[:-1]}A")
        nursery.cancel_scope.cancel()


class Stock:
    """A host as py-libp2p makes it, that keeps what it is sent."""

    def __init__(self, host: IHost) -> None:
        self.host = host
        self.received = bytearray()

    async def keep(self, stream: INetStream) -> None:
        try:
            while True:
                self.received += await stream.read(65536)
        except StreamError:
            return


@asynccontextmanager
async def open_stock() -> AsyncIterator[Stock]:
    stock = Stock(new_host(listen_addrs=[Multiaddr(LOOPBACK)]))
    for name in PROTOCOLS:
        stock.host.set_stream_handler(TProtocol(name), stock.keep)
    async with stock.host.run([Multiaddr(LOOPBACK)]):
        yield stock
        await stock.host.close()


async def open_stream(stock: Stock, node: Node, *protocols: str) -> INetStream:
    info = info_from_p2p_addr(Multiaddr(node.address))
    await stock.host.connect(info)
    return await stock.host.new_stream(info.peer_id, [TProtocol(name) for name in protocols])


async def test_a_stock_host_is_a_neighbour() -> None:
    async with open_node(Libp2pWorld()) as a, open_stock() as stock:
        peer = await a.transport.connect(str(stock.host.get_addrs()[0]))
        stream = await open_stream(stock, a, *PROTOCOLS)
        await stream.write(b"from stock")
        assert await a.until_received(peer, 10) == b"from stock"
        assert a.transport.send(peer, b"to stock")
        with trio.fail_after(PATIENCE_S):
            while stock.received != b"to stock":  # noqa: ASYNC110 - the handler has no event
                await trio.sleep(0.001)


async def test_a_second_stream_replaces_the_first_and_begins_anew() -> None:
    async with open_node(Libp2pWorld()) as a, open_stock() as stock:
        first = await open_stream(stock, a, *PROTOCOLS)
        await first.write(b"half a fra")
        await a.until_ups(1)
        peer = a.ups[0].peer
        await a.until_received(peer, 10)
        second = await open_stream(stock, a, *PROTOCOLS)
        await second.write(b"whole")
        await a.until_received(peer, 15)
        assert a.told == ["up", "down", "up"]
        assert a.downs[0].why == REOPENED
        with pytest.raises(StreamError):
            await first.read(1)


async def test_a_reset_stream_does_not_end_the_neighbour() -> None:
    async with open_node(Libp2pWorld()) as a, open_stock() as stock:
        first = await open_stream(stock, a, *PROTOCOLS)
        await first.write(b"1")
        await a.until_ups(1)
        await a.until_received(a.ups[0].peer, 1)
        await first.reset()
        second = await open_stream(stock, a, *PROTOCOLS)
        await second.write(b"2")
        await a.until_received(a.ups[0].peer, 2)
        assert a.downs[0].why == REOPENED


async def test_identify_tells_nothing_private() -> None:
    async with open_node(Libp2pWorld()) as a, open_stock() as stock:
        stream = await open_stream(stock, a, "/ipfs/id/1.0.0")
        told = Identify.FromString(await read_varint_prefixed_bytes(stream))
        assert told.agent_version == "tocsin"
        assert list(told.listen_addrs) == []
        assert not told.signedPeerRecord
        assert list(told.protocols) == [*PROTOCOLS, "/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"]


async def test_ping_is_answered() -> None:
    async with open_node(Libp2pWorld()) as a, open_stock() as stock:
        stream = await open_stream(stock, a, "/ipfs/ping/1.0.0")
        for n in range(3):
            await stream.write(bytes([n]) * 32)
            assert await stream.read(32) == bytes([n]) * 32


async def test_a_peer_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_libp2p_transport(listen=[], protocols=PROTOCOLS, key_seed=SEED):
        (handler,) = logging.getLogger("libp2p").handlers
        for second in (*range(60, 120), 120):
            record = {"name": "libp2p.swarm", "levelno": logging.ERROR, "msg": "failed", "created": second}
            handler.handle(logging.makeLogRecord(record))
    first, *_, left_out, next_minute = (record.getMessage() for record in caplog.records)
    assert first == next_minute == "libp2p.swarm: failed"
    assert left_out == f"left out {60 - LIBP2P_LOG_LINES_PER_MINUTE_MAX} more lines of libp2p"
    assert len(caplog.records) == LIBP2P_LOG_LINES_PER_MINUTE_MAX + 2
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
async def test_over_ipv6() -> None:
    seeds = [bytes([n]) * 32 for n in (1, 2)]
    a, b = (open_libp2p_transport(listen=["/ip6/::1/tcp/0"], protocols=PROTOCOLS, key_seed=s) for s in seeds)
    async with a as here, b as there, watch(there) as node:
        assert await here.connect(node.address) == node.peer_id
        await node.until_ups(1)
        assert node.ups[0].address.startswith("/ip6/::1/tcp/")


async def test_somebody_who_says_nothing() -> None:
    world = Libp2pWorld()
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with open_node(world, limits=SessionLimits(connect_ms_max=50)) as a, open_node(world) as b:
        with pytest.raises(ConnectFailed, match="no answer"):
            await a.transport.connect(f"/ip4/127.0.0.1/tcp/{port}/p2p/{b.peer_id}")
    await listeners[0].aclose()


async def test_libp2p_leaves_the_root_logger_alone() -> None:
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    try:
        world = Libp2pWorld()
        async with open_node(world) as a, open_node(world) as b:
            await join(a, b)
        assert root.handlers == []
    finally:
        root.handlers = before
