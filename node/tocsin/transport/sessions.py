"""The sessions of a transport: who is up, in which order events come, what may wait, and who is too slow.

It knows no wire: a transport hands it connections and the means to write to and to end each of them.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import trio

from tocsin.errors import ConnectFailed
from tocsin.ports import PeerBytes, PeerDown, PeerUp, TransportEvent
from tocsin.transport.outbound_queue import OutboundQueue
from tocsin_protocol.limits import (
    CONNECT_MS_MAX,
    DIALS_CROSS_MS,
    SEND_QUEUE_FULL_MS_MAX,
    SEND_QUEUE_SIZE_MAX,
    TRANSPORT_EVENTS_MAX,
    WRITE_SIZE_MAX,
)
from tocsin_protocol.types import PeerId

log = logging.getLogger(__name__)

CLOSED_BY_NEIGHBOUR = "the neighbour closed the connection"
REPLACED = "replaced by a newer connection"
REOPENED = "the neighbour began a new stream"
TOO_SLOW = "the neighbour reads too slowly"
NO_ANSWER = "no answer"
LOST = "the connection was lost at once"
REFUSED = "it closed the connection; perhaps it is no Tocsin node, or has enough neighbours"
STREAM_ENDED = "the neighbour ended the stream or stopped reading it"

Write: TypeAlias = Callable[[bytes], Awaitable[None]]
Open: TypeAlias = Callable[[trio.Nursery], Awaitable[Write]]
"""Opens our direction; what it starts in the nursery ends with the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """What tests set lower than the network does."""

    queue_size_max: int = SEND_QUEUE_SIZE_MAX
    queue_full_ms_max: int = SEND_QUEUE_FULL_MS_MAX
    events_max: int = TRANSPORT_EVENTS_MAX
    connect_ms_max: int = CONNECT_MS_MAX


class NotOpened(Exception):
    """The other side is there and will not be our neighbour; the message says why."""


class Session:
    """One connection to a neighbour, from its handshake to its PeerDown.

    `end` stops the connection at once, from any task and without waiting: a read or write that is
    under way fails. Nothing else ends one, for a cancelled read or write leaves a libp2p connection
    out of step with the other side.
    """

    def __init__(
        self, *, peer: PeerId, outbound: bool, address: str, end: Callable[[], None], queue_size_max: int
    ) -> None:
        self.peer = peer
        self.outbound = outbound
        self.address = address
        self.queue = OutboundQueue(queue_size_max)
        self.up = False
        self.young = True
        self.why = ""
        self.settled = trio.Event()
        self.closed = trio.Event()
        self.over = trio.Event()
        self.telling = trio.Lock()
        self._end = end

    def close(self, why: str) -> None:
        if not self.closed.is_set():
            self.why = why
            self.closed.set()
            self.settled.set()
            self._end()


class Sessions:
    """At most one session per neighbour is up, and its events are told in order."""

    def __init__(self, peer_id: PeerId, limits: SessionLimits, nursery: trio.Nursery) -> None:
        self.peer_id = peer_id
        self.limits = limits
        self._nursery = nursery
        self._current: dict[PeerId, Session] = {}
        self._up: dict[PeerId, Session] = {}
        self._dials: dict[PeerId, trio.Event] = {}
        self._tell, self._events = trio.open_memory_channel[TransportEvent](limits.events_max)

    def events(self) -> AsyncIterator[TransportEvent]:
        return self._events

    def send(self, peer: PeerId, data: bytes) -> bool:
        session = self._up.get(peer)
        return session is not None and not session.closed.is_set() and session.queue.offer(data)

    def close_peer(self, peer: PeerId, why: str) -> None:
        session = self._current.get(peer)
        if session is not None:
            session.close(why)

    def start(self, session: Session, open_: Open) -> None:
        """Run this connection as the neighbour's session, or close it in favour of the one there is."""
        if self._admit(session):
            self._current[session.peer] = session
            self._nursery.start_soon(self._run, session, open_)

    def end_all(self) -> None:
        for session in (*self._current.values(), *self._up.values()):
            session.close("this transport was closed")

    def end_events(self) -> None:
        """Whoever reads the events reads what is left and then comes to their end."""
        self._tell.close()

    def _admit(self, session: Session) -> bool:
        old = self._current.get(session.peer)
        if old is not None and not old.closed.is_set():
            # Both nodes dialled at once: both keep the connection that the smaller peer id dialled.
            dialler = self.peer_id if old.outbound else old.peer
            crossed = old.young and old.outbound != session.outbound
            if crossed and dialler == min(self.peer_id, session.peer):
                session.close(REPLACED)
                return False
            old.close(REPLACED)
        return True

    async def connect(self, peer: PeerId, address: str, dial: Callable[[], Awaitable[None]]) -> None:
        """Dial unless the neighbour is known or being dialled, and wait until it is up."""
        if peer == self.peer_id:
            raise ConnectFailed(f"cannot connect to {address}: it is this node's own address")
        while peer in self._dials:
            await self._dials[peer].wait()
        if not self._knows(peer):
            done = self._dials[peer] = trio.Event()
            try:
                await dial()
            except ConnectFailed:
                # The neighbour may have dialled us meanwhile and have refused our connection for its own.
                if not self._knows(peer):
                    raise
            finally:
                del self._dials[peer]
                done.set()
        await self._wait_up(peer, address)

    async def _run(self, session: Session, open_: Open) -> None:
        """Open, tell PeerUp, write what is queued, and when the session has closed tell PeerDown."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_mature, session)
            nursery.start_soon(self._close_unless_up, session)
            nursery.start_soon(_cancel_when_closed, session, nursery.cancel_scope)
            try:
                write = await open_(nursery)
                await self._rise(session)
                nursery.start_soon(self._close_when_slow, session)
                while True:
                    await write(await session.queue.take(WRITE_SIZE_MAX))
            except NotOpened as error:
                session.close(str(error))
            except Exception as error:
                # A wire has many ways to break, and none of them may reach the other neighbours.
                log.debug("session with %s failed: %r", session.peer, error)
                session.close(STREAM_ENDED)
        if self._current.get(session.peer) is session:
            del self._current[session.peer]
        if session.up:
            async with session.telling:
                await self._tell.send(PeerDown(peer=session.peer, why=session.why))
        if self._up.get(session.peer) is session:
            del self._up[session.peer]
        session.over.set()

    async def deliver(self, session: Session, data: bytes) -> None:
        """Tell PeerBytes; waits while the driver is behind, and with it the neighbour.

        What waits here was queued before the session's PeerDown is, so it is also told before it.
        """
        if not session.closed.is_set():
            await self._tell.send(PeerBytes(peer=session.peer, data=data))

    async def restart(self, session: Session) -> None:
        """The neighbour begins anew, perhaps after half a frame: for the driver it goes and comes."""
        async with session.telling:
            if not session.closed.is_set():
                await self._tell.send(PeerDown(peer=session.peer, why=REOPENED))
                await self._tell.send(_peer_up(session))

    async def _rise(self, session: Session) -> None:
        while (before := self._up.get(session.peer)) is not None:
            await before.over.wait()
        self._up[session.peer] = session
        await self._tell.send(_peer_up(session))
        session.up = True
        session.settled.set()

    async def _wait_up(self, peer: PeerId, address: str) -> None:
        why = LOST
        while (session := self._current.get(peer)) is not None:
            await session.settled.wait()
            if not session.closed.is_set():
                return
            why = REFUSED if session.why == CLOSED_BY_NEIGHBOUR else session.why
            if self._current.get(peer) is session:
                break
        raise ConnectFailed(f"cannot connect to {address}: {why}")

    def _knows(self, peer: PeerId) -> bool:
        session = self._current.get(peer)
        return session is not None and not session.closed.is_set()

    async def _close_unless_up(self, session: Session) -> None:
        await trio.sleep(self.limits.connect_ms_max / 1000)
        if not session.settled.is_set():
            session.close(NO_ANSWER)

    async def _close_when_slow(self, session: Session) -> None:
        while True:
            await session.queue.wait_full()
            with trio.move_on_after(self.limits.queue_full_ms_max / 1000) as waiting:
                await session.queue.wait_relieved()
            if waiting.cancelled_caught:
                session.close(TOO_SLOW)


@asynccontextmanager
async def open_sessions(peer_id: PeerId, limits: SessionLimits) -> AsyncIterator[Sessions]:
    """Sessions that have all ended, and whose connections are closed, when the block is left."""
    async with trio.open_nursery() as nursery:
        sessions = Sessions(peer_id, limits, nursery)
        try:
            yield sessions
        finally:
            sessions.end_all()
            nursery.cancel_scope.cancel()
    sessions.end_events()


async def _mature(session: Session) -> None:
    await trio.sleep(DIALS_CROSS_MS / 1000)
    session.young = False


async def _cancel_when_closed(session: Session, scope: trio.CancelScope) -> None:
    await session.closed.wait()
    scope.cancel()


def _peer_up(session: Session) -> PeerUp:
    return PeerUp(peer=session.peer, outbound=session.outbound, address=session.address)
