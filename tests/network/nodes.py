"""Nodes for transport tests: a transport, what it told so far, and ways to wait for more without sleeping."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Protocol

import trio

from tocsin.ports import PeerBytes, PeerDown, PeerUp, Transport
from tocsin.transport.libp2p import Libp2pLimits, open_libp2p_transport
from tocsin.transport.memory import MemoryNetwork, open_memory_transport
from tocsin.transport.sessions import SessionLimits
from tocsin_protocol.types import PeerId

PATIENCE_S = 20
PROTOCOLS = ("/meshsub/1.2.0", "/meshsub/1.1.0")
LOOPBACK = "/ip4/127.0.0.1/tcp/0"


class CountingEntropy:
    """Distinct and the same on each run."""

    def __init__(self) -> None:
        self._drawn = count()

    def draw(self, size: int) -> bytes:
        return blake2b(next(self._drawn).to_bytes(8, "big"), digest_size=size).digest()


class Node:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.ups: list[PeerUp] = []
        self.downs: list[PeerDown] = []
        self.received: defaultdict[PeerId, bytearray] = defaultdict(bytearray)
        self.told: list[str] = []
        self._changed = trio.Event()

    @property
    def peer_id(self) -> PeerId:
        return self.transport.peer_id

    @property
    def address(self) -> str:
        return self.transport.listen_addresses()[0]

    async def read_events(self) -> None:
        async for event in self.transport.events():
            match event:
                case PeerUp():
                    self.ups.append(event)
                    self.told.append("up")
                case PeerDown():
                    self.downs.append(event)
                    self.told.append("down")
                case PeerBytes():
                    self.received[event.peer] += event.data
            self._changed.set()
            self._changed = trio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        with trio.fail_after(PATIENCE_S):
            while not condition():
                await self._changed.wait()

    async def until_ups(self, number: int) -> None:
        await self.until(lambda: len(self.ups) >= number)

    async def until_downs(self, number: int) -> None:
        await self.until(lambda: len(self.downs) >= number)

    async def until_received(self, peer: PeerId, size: int) -> bytes:
        await self.until(lambda: len(self.received[peer]) >= size)
        return bytes(self.received[peer])

    async def send_all(self, peer: PeerId, data: bytes) -> None:
        """Send in pieces of 8 KiB, waiting for room in the queue."""
        for start in range(0, len(data), 8192):
            piece = data[start : start + 8192]
            await eventually(partial(self.transport.send, peer, piece))


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    free: str
    malformed: str


class World(Protocol):
    """One kind of transport; all nodes opened in it can reach each other."""

    address: Address

    def open_transport(
        self, *, limits: SessionLimits | None = None, listen: str | None = None
    ) -> AbstractAsyncContextManager[Transport]: ...


class MemoryWorld:
    address = Address(free="/memory/0", malformed="memory:1")

    def __init__(self) -> None:
        self.network = MemoryNetwork(latency_ms=1, entropy=CountingEntropy())

    def open_transport(
        self, *, limits: SessionLimits | None = None, listen: str | None = None
    ) -> AbstractAsyncContextManager[Transport]:
        return open_memory_transport(self.network, listen=[listen or self.address.free], limits=limits)


class Libp2pWorld:
    address = Address(free=LOOPBACK, malformed="127.0.0.1:4001")

    def __init__(self) -> None:
        self._entropy = CountingEntropy()

    def open_transport(
        self, *, limits: SessionLimits | None = None, listen: str | None = None
    ) -> AbstractAsyncContextManager[Transport]:
        return open_libp2p_transport(
            listen=[listen or self.address.free],
            protocols=PROTOCOLS,
            key_seed=self._entropy.draw(32),
            limits=Libp2pLimits(sessions=limits or SessionLimits()),
        )


@asynccontextmanager
async def open_node(
    world: World, *, limits: SessionLimits | None = None, reading: bool = True
) -> AsyncIterator[Node]:
    async with world.open_transport(limits=limits) as transport, watch(transport, reading=reading) as node:
        yield node


@asynccontextmanager
async def watch(transport: Transport, *, reading: bool = True) -> AsyncIterator[Node]:
    node = Node(transport)
    async with trio.open_nursery() as nursery:
        if reading:
            nursery.start_soon(node.read_events)
        yield node
        nursery.cancel_scope.cancel()


async def join(here: Node, there: Node) -> None:
    """Connect, and wait until both know it."""
    with trio.fail_after(PATIENCE_S):
        await here.transport.connect(there.address)
    await here.until(lambda: bool(here.ups))
    await there.until(lambda: any(up.peer == here.peer_id for up in there.ups))


async def eventually(condition: Callable[[], bool]) -> None:
    """For what nothing announces: the number of tasks, room in a queue."""
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(0.001)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living
