"""A transport without sockets: neighbours in one process, under whatever clock trio runs with.

It has the latency of a wire and its bounds, and none of its cost; it does not imitate loss or reordering.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import TypeAlias

import trio

from tocsin.errors import ConnectFailed, ListenFailed
from tocsin.ports import Entropy, Transport, TransportEvent
from tocsin.transport.sessions import (
    CLOSED_BY_NEIGHBOUR,
    Session,
    SessionLimits,
    Sessions,
    Write,
    open_sessions,
)
from tocsin_protocol.limits import RECEIVE_WINDOW_SIZE_MAX, WRITE_SIZE_MAX
from tocsin_protocol.types import PeerId

PEER_ID_SIZE = 16
CUT = "the network was cut"

Wire: TypeAlias = tuple[float, bytes]
"""When a write arrives, and its bytes."""


class MemoryNetwork:
    """Where the transports of one process find each other; one byte takes `latency_ms` to cross it."""

    def __init__(self, *, latency_ms: int, entropy: Entropy) -> None:
        self.latency_s = latency_ms / 1000
        self._entropy = entropy
        self._ports = count(1)
        self._listeners: dict[str, MemoryTransport | None] = {}
        self._transports: dict[PeerId, MemoryTransport] = {}
        self._cuts: set[frozenset[PeerId]] = set()

    def cut(self, a: PeerId, b: PeerId) -> None:
        """From now on these two lose their connection and reach each other no more."""
        self._cuts.add(frozenset((a, b)))
        for here, there in ((a, b), (b, a)):
            if here in self._transports:
                self._transports[here].close_peer(there, CUT)

    def heal(self, a: PeerId, b: PeerId) -> None:
        self._cuts.discard(frozenset((a, b)))

    def is_cut(self, a: PeerId, b: PeerId) -> bool:
        return frozenset((a, b)) in self._cuts

    def find(self, address: str) -> "MemoryTransport | None":
        return self._listeners.get(address)

    def draw_peer_id(self) -> PeerId:
        return PeerId(self._entropy.draw(PEER_ID_SIZE).hex())

    def claim(self, listen: Sequence[str]) -> tuple[str, ...]:
        """Reserve the addresses; one that ends in `/0` gets a number of its own."""
        addresses = tuple(self._number(address, listen) for address in listen)
        for address in addresses:
            if address in self._listeners or addresses.count(address) > 1:
                raise ListenFailed(f"cannot listen on {address}: it is in use; choose another address")
        self._listeners.update(dict.fromkeys(addresses))
        return addresses

    def join(self, transport: "MemoryTransport", addresses: Sequence[str]) -> None:
        self._listeners.update(dict.fromkeys(addresses, transport))
        self._transports[transport.peer_id] = transport

    def leave(self, transport: "MemoryTransport") -> None:
        self._listeners = {a: t for a, t in self._listeners.items() if t is not transport}
        del self._transports[transport.peer_id]

    def _number(self, address: str, taken: Sequence[str]) -> str:
        if not address.startswith("/") or "/p2p/" in address:
            raise ListenFailed(f"cannot listen on {address!r}: it is not of the form /memory/<number>")
        if not address.endswith("/0"):
            return address
        numbered = (f"{address[:-1]}{n}" for n in self._ports)
        return next(free for free in numbered if free not in self._listeners and free not in taken)


class MemoryTransport:
    """One node's end of a `MemoryNetwork`."""

    def __init__(self, network: MemoryNetwork, sessions: Sessions, addresses: Sequence[str]) -> None:
        self._network = network
        self._sessions = sessions
        self._addresses = addresses

    @property
    def peer_id(self) -> PeerId:
        return self._sessions.peer_id

    def listen_addresses(self) -> tuple[str, ...]:
        return tuple(f"{address}/p2p/{self.peer_id}" for address in self._addresses)

    def events(self) -> AsyncIterator[TransportEvent]:
        return self._sessions.events()

    async def connect(self, address: str) -> PeerId:
        place, marker, name = address.partition("/p2p/")
        if not (place and marker and name):
            raise ConnectFailed(f"cannot connect to {address!r}: it does not end in /p2p/<peer id>")
        peer = PeerId(name)
        await self._sessions.connect(peer, address, partial(self._dial, peer, place))
        return peer

    def send(self, peer: PeerId, data: bytes) -> bool:
        return self._sessions.send(peer, data)

    def close_peer(self, peer: PeerId, why: str) -> None:
        self._sessions.close_peer(peer, why)

    async def _dial(self, peer: PeerId, place: str) -> None:
        await trio.sleep(self._network.latency_s)
        there = self._network.find(place)
        if there is None or self._network.is_cut(self.peer_id, peer):
            await trio.sleep(self._network.latency_s)
            raise ConnectFailed(f"cannot connect to {place}/p2p/{peer}: nobody answers there")
        if there.peer_id != peer:
            await trio.sleep(self._network.latency_s)
            raise ConnectFailed(f"cannot connect to {place}/p2p/{peer}: another node answers there")
        out_here, in_there = _open_wire()
        out_there, in_here = _open_wire()
        there.attach(self.peer_id, f"/memory/p2p/{self.peer_id}", out_there, in_there, outbound=False)
        await trio.sleep(self._network.latency_s)
        self.attach(peer, f"{place}/p2p/{peer}", out_here, in_here, outbound=True)

    def attach(
        self,
        peer: PeerId,
        address: str,
        out: trio.MemorySendChannel[Wire],
        in_: trio.MemoryReceiveChannel[Wire],
        *,
        outbound: bool,
    ) -> None:
        session = Session(
            peer=peer,
            outbound=outbound,
            address=address,
            end=out.close,
            queue_size_max=self._sessions.limits.queue_size_max,
        )

        async def open_(nursery: trio.Nursery) -> Write:
            nursery.start_soon(self._receive, session, in_)
            return partial(self._write, out)

        self._sessions.start(session, open_)

    async def _write(self, out: trio.MemorySendChannel[Wire], data: bytes) -> None:
        await out.send((_time() + self._network.latency_s, data))

    async def _receive(self, session: Session, in_: trio.MemoryReceiveChannel[Wire]) -> None:
        await session.settled.wait()
        async for arrives, data in in_:
            await trio.sleep_until(arrives)
            await self._sessions.deliver(session, data)
        await trio.sleep(self._network.latency_s)
        session.close(CLOSED_BY_NEIGHBOUR)


@asynccontextmanager
async def open_memory_transport(
    network: MemoryNetwork, *, listen: Sequence[str], limits: SessionLimits | None = None
) -> AsyncIterator[Transport]:
    """What the block raises comes out as it is, not in the group of the nursery around it."""
    # Before the nursery, which would wrap a ListenFailed in a group.
    addresses = network.claim(listen)
    failure: Exception | None = None
    async with open_sessions(network.draw_peer_id(), limits or SessionLimits()) as sessions:
        transport = MemoryTransport(network, sessions, addresses)
        network.join(transport, addresses)
        try:
            yield transport
        except Exception as error:
            failure = error
        finally:
            network.leave(transport)
    if failure is not None:
        raise failure


def _open_wire() -> tuple[trio.MemorySendChannel[Wire], trio.MemoryReceiveChannel[Wire]]:
    """As many writes are under way as fit the window of the real transport."""
    return trio.open_memory_channel[Wire](RECEIVE_WINDOW_SIZE_MAX // WRITE_SIZE_MAX)


def _time() -> float:
    # The moment a write arrives is a deadline, and deadlines are trio's.
    return trio.current_time()  # noqa: TID251
