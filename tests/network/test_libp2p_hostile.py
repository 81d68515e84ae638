"""Attacks that end, fill or starve a libp2p host as it is shipped; each leaves this one serving others."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
import trio
from libp2p.io.exceptions import IOException

from tests.network.attacker import (
    DATA,
    PING,
    RST,
    SYN,
    WINDOW_UPDATE,
    Attacker,
    attack,
    frame,
    line,
    opening,
    raw_socket,
)
from tests.network.nodes import (
    LOOPBACK,
    PATIENCE_S,
    PROTOCOLS,
    Libp2pWorld,
    Node,
    descriptors,
    eventually,
    open_node,
    tasks,
    watch,
)
from tocsin.errors import ConnectFailed
from tocsin.transport import multistream
from tocsin.transport.bounded_yamux import FROZEN, Liveness
from tocsin.transport.libp2p import Libp2pLimits, open_libp2p_transport
from tocsin.transport.sessions import SessionLimits
from tocsin_protocol.limits import RECEIVE_BUFFER_SIZE_MAX, STREAMS_PER_CONNECTION_MAX

IDENTIFY = "/ipfs/id/1.0.0"
FLOOD_SIZE_MAX = RECEIVE_BUFFER_SIZE_MAX + 32 * 1024 * 1024
"""What a connection may buffer, and what the kernel has taken by then."""


@asynccontextmanager
async def open_victim(limits: Libp2pLimits | None = None, *, reading: bool = True) -> AsyncIterator[Node]:
    async with (
        open_libp2p_transport(
            listen=[LOOPBACK], protocols=PROTOCOLS, key_seed=b"v" * 32, limits=limits
        ) as transport,
        watch(transport, reading=reading) as node,
    ):
        yield node


async def assert_serves(victim: Node) -> None:
    async with open_node(Libp2pWorld()) as honest:
        await honest.transport.connect(victim.address)
        await victim.until(lambda: any(up.peer == honest.peer_id for up in victim.ups))
        assert victim.transport.send(honest.peer_id, b"still here")
        assert await honest.until_received(victim.peer_id, 10) == b"still here"


@pytest.mark.parametrize(
    "body",
    [
        b"\x03\xff\xfe\n",
        line(b"/multistream/1.0.0") + b"\x03\xff\xfe\n",
        b"\xff\xff\xff\xff\x0f" + b"x" * 1000,
        line(b"/multistream/1.0.0") + line(b"ls") * 40,
        line(b"/multistream/1.0.0") + line(b"/meshsub/1.1.0")[:-1] + b"x",
    ],
    ids=["not-utf8", "name-not-utf8", "endless-length", "guessing", "no-newline"],
)
async def test_a_stream_that_does_not_negotiate_is_reset_and_nothing_else(body: bytes) -> None:
    async with open_victim() as victim:
        async with attack(victim.address) as attacker:
            await attacker.open_stream(1, body)
            await attacker.until_reset(1)
            # The connection lives on: the next stream is answered.
            await attacker.open_stream(3, opening(IDENTIFY))
            with trio.fail_after(PATIENCE_S):
                while b"tocsin" not in (await attacker.read_frame())[3]:
                    pass
        await assert_serves(victim)


async def test_a_peer_that_offers_no_encryption_is_refused() -> None:
    async with open_victim() as victim:
        async with raw_socket(victim.address) as socket:
            await socket.write(opening("/plaintext/2.0.0"))
            answer = line(b"/multistream/1.0.0") + line(b"na")
            with trio.fail_after(PATIENCE_S):
                assert await socket.read(len(answer)) == answer
        await assert_serves(victim)


async def test_a_peer_that_offers_another_muxer_is_refused() -> None:
    async with open_victim() as victim:
        with pytest.raises(multistream.NotAgreed, match="none of our protocols"):
            async with attack(victim.address, muxer="/mplex/6.7.0"):
                pytest.fail("agreed")
        await assert_serves(victim)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01" * 400,
        b"\x03\xff\xfe\n",
        b"\xff" * 2000,
        opening("/noise") + b"\xff\xff" + b"n" * 100_000,
    ],
    ids=["tls", "not-utf8", "endless-length", "bad-noise"],
)
async def test_garbage_before_the_handshake(garbage: bytes) -> None:
    async with open_victim() as victim:
        async with raw_socket(victim.address) as socket:
            with trio.fail_after(PATIENCE_S), suppress(IOException):
                await socket.write(garbage)
                await socket.read(100_000)
                pytest.fail("got an answer")
        await assert_serves(victim)


@pytest.mark.parametrize("protocol", [PROTOCOLS[0], IDENTIFY])
async def test_a_flood_into_a_stream_nobody_reads_is_cut_off(protocol: str) -> None:
    async with open_victim(reading=False) as victim, attack(victim.address) as attacker:
        await attacker.open_stream(1, opening(protocol))
        assert await flood(attacker, [1]) < FLOOD_SIZE_MAX


async def test_floods_into_many_streams_count_together() -> None:
    async with open_victim(reading=False) as victim, attack(victim.address) as attacker:
        streams = range(1, 61, 2)
        for stream in streams:
            await attacker.open_stream(stream, b"")
        assert await flood(attacker, streams) < FLOOD_SIZE_MAX


async def test_too_many_streams_close_the_connection() -> None:
    async with open_victim() as victim:
        async with attack(victim.address) as attacker:
            for stream in range(1, 2 * STREAMS_PER_CONNECTION_MAX + 3, 2):
                await attacker.open_stream(stream, b"")
            await attacker.until_cut_off()
        await assert_serves(victim)


@pytest.mark.parametrize(
    "frames",
    [
        frame(9, 0, 1, 0),
        frame(DATA, 0, 7, 5, b"lost?") + frame(WINDOW_UPDATE, 0xFFFF, 0, 0xFFFFFFFF),
        frame(DATA, SYN | RST, 1, 0)
        + frame(DATA, SYN, 1, 0) * 3
        + frame(WINDOW_UPDATE, 0, 1, 0xFFFFFFFF) * 2,
        frame(DATA, 0, 1, 0x7FFFFFFF),
        frame(PING, SYN, 0, 7) * 1000,
        frame(3, 0, 0, 99),
    ],
    ids=["kind", "strangers", "duplicates", "huge", "pings", "go-away"],
)
async def test_frames_that_make_no_sense(frames: bytes) -> None:
    async with open_victim() as victim:
        async with attack(victim.address) as attacker:
            await attacker.connection.write(frames)
            await attacker.open_stream(1, opening(IDENTIFY))
        await assert_serves(victim)


async def test_connections_that_come_and_go_use_up_nothing() -> None:
    limits = Libp2pLimits(connections_max=4, connections_per_address_max=3)
    async with open_victim(limits) as victim:
        before = (tasks(), descriptors())
        for _ in range(12):
            async with attack(victim.address) as attacker:
                await attacker.open_stream(1, opening(IDENTIFY))
        await eventually(lambda: (tasks(), descriptors()) == before)
        await assert_serves(victim)


async def test_idle_sockets_of_one_address_leave_room_and_are_dropped() -> None:
    limits = Libp2pLimits(connections_per_address_max=3)
    async with open_victim(limits) as victim, open_node(Libp2pWorld()) as honest:
        async with raw_socket(victim.address), raw_socket(victim.address), raw_socket(victim.address):
            with pytest.raises(ConnectFailed):
                await honest.transport.connect(victim.address)
        await connect_patiently(honest, victim)


async def test_a_peer_without_our_streams_is_dropped() -> None:
    limits = Libp2pLimits(sessions=SessionLimits(connect_ms_max=100))
    async with open_victim(limits) as victim:
        async with attack(victim.address) as attacker:
            await attacker.until_cut_off()
        assert victim.told == []


async def test_a_silent_peer_is_dropped() -> None:
    limits = Libp2pLimits(liveness=Liveness(silence_ms_max=50, ping_answer_ms_max=50))
    async with open_victim(limits) as victim, attack(victim.address) as attacker:
        await attacker.until_cut_off()


async def test_a_frozen_peer_is_noticed() -> None:
    limits = Libp2pLimits(liveness=Liveness(silence_ms_max=200, ping_answer_ms_max=300))
    async with open_victim(limits) as victim, trio.open_nursery() as nursery:
        process = await nursery.start(
            partial(
                trio.run_process,
                [sys.executable, "-m", "tests.network.frozen_peer"],
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                check=False,
            )
        )
        address = (await process.stdout.receive_some(1000)).decode().strip()
        await victim.transport.connect(address)
        process.send_signal(signal.SIGSTOP)
        await victim.until_downs(1)
        assert victim.downs[0].why == FROZEN
        process.kill()


async def test_a_peer_that_answers_is_kept() -> None:
    limits = Libp2pLimits(liveness=Liveness(silence_ms_max=10, ping_answer_ms_max=500))
    async with open_victim(limits) as victim, attack(victim.address) as attacker:
        await attacker.answer_ping()
        await attacker.answer_ping()


async def flood(attacker: Attacker, streams: Sequence[int]) -> int:
    """Send without regard to windows until cut off; how many bytes were taken."""
    chunk = bytes(60_000)
    sent = 0
    with trio.fail_after(PATIENCE_S), suppress(IOException):
        for stream in cycle(streams):
            await attacker.connection.write(frame(DATA, 0, stream, len(chunk), chunk))
            sent += len(chunk)
    return sent


async def connect_patiently(here: Node, there: Node) -> None:
    """The slots of connections that just ended are free a moment later."""
    with trio.fail_after(PATIENCE_S):
        while not here.ups:
            try:
                await here.transport.connect(there.address)
            except ConnectFailed:
                await trio.sleep(0.01)
