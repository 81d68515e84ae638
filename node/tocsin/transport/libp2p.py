"""The transport over libp2p: TCP, Noise and Yamux, one gossip stream in each direction per neighbour.

It carries bytes and does not know what they mean; what a hostile peer may do to it is `hardening`'s matter.
"""

import logging
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakKeyDictionary

import trio
from libp2p.abc import INetConn, INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.stream_muxer.yamux import yamux
from multiaddr import Multiaddr

from tocsin.errors import ConnectFailed
from tocsin.ports import Transport, TransportEvent
from tocsin.transport import multistream
from tocsin.transport.bounded_yamux import BoundedYamux, Liveness
from tocsin.transport.hardening import NoiseYamuxUpgrader, make_host
from tocsin.transport.host_protocols import IDENTIFY, PING, answer_pings, make_identify
from tocsin.transport.libp2p_log import adopt_libp2p_log
from tocsin.transport.sessions import (
    CLOSED_BY_NEIGHBOUR,
    NO_ANSWER,
    NotOpened,
    Session,
    SessionLimits,
    Sessions,
    Write,
    open_sessions,
)
from tocsin.transport.sockets import (
    Listener,
    Socket,
    Sockets,
    bind,
    close_listeners,
    multiaddress,
    spell_out,
)
from tocsin_protocol.limits import CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, RECEIVE_WINDOW_SIZE_MAX
from tocsin_protocol.types import PeerId

log = logging.getLogger(__name__)

ACCEPT_PAUSE_S = 0.1
DIAL_FORM = re.compile(r"/(?:ip4|ip6|dns|dns4|dns6)/([^/]+)/tcp/([0-9]{1,5})/p2p/([^/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Libp2pLimits:
    """What tests set lower than the network does."""

    sessions: SessionLimits = field(default_factory=SessionLimits)
    liveness: Liveness = field(default_factory=Liveness)
    connections_max: int = CONNECTIONS_MAX
    connections_per_address_max: int = CONNECTIONS_PER_ADDRESS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A dialable address, taken apart."""

    host: str
    port: int
    peer: ID


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GossipIn:
    """The stream a neighbour sends on; `done` when nobody reads it any more."""

    stream: INetStream
    done: trio.Event


class Libp2pTransport:
    """The neighbours of one host."""

    def __init__(
        self, key_pair: KeyPair, *, protocols: Sequence[str], sessions: Sessions, limits: Libp2pLimits
    ) -> None:
        self._protocols = protocols
        self._sessions = sessions
        self._limits = limits
        self._addresses: tuple[str, ...] = ()
        self._gossip: WeakKeyDictionary[Session, GossipIn] = WeakKeyDictionary()
        self._sockets = Sockets(
            total_max=limits.connections_max, per_address_max=limits.connections_per_address_max
        )
        self._host, self._swarm = make_host(
            key_pair,
            upgrader=NoiseYamuxUpgrader(key_pair, self._begin, limits.liveness),
            handlers={
                **dict.fromkeys(protocols, self._read_gossip),
                IDENTIFY: make_identify(key_pair.public_key, (*protocols, IDENTIFY, PING)),
                PING: answer_pings,
            },
            arrived=self._arrived,
        )

    @property
    def peer_id(self) -> PeerId:
        return self._sessions.peer_id

    def listen_addresses(self) -> tuple[str, ...]:
        return self._addresses

    def events(self) -> AsyncIterator[TransportEvent]:
        return self._sessions.events()

    async def connect(self, address: str) -> PeerId:
        place = _parse_place(address)
        peer = PeerId(str(place.peer))
        await self._sessions.connect(peer, address, partial(self._dial, place, address))
        return peer

    def send(self, peer: PeerId, data: bytes) -> bool:
        return self._sessions.send(peer, data)

    def close_peer(self, peer: PeerId, why: str) -> None:
        self._sessions.close_peer(peer, why)

    @asynccontextmanager
    async def run(self, listeners: Sequence[Listener]) -> AsyncIterator[None]:
        """The host at work and the listeners open; when the block is left, no socket is."""
        self._addresses = tuple(
            f"{address}/p2p/{self.peer_id}" for each in listeners for address in spell_out(each)
        )
        async with self._host.run([]):
            async with trio.open_nursery() as nursery:
                for listener in listeners:
                    nursery.start_soon(self._accept, listener, nursery)
                try:
                    yield
                finally:
                    self._sessions.end_all()
                    self._sockets.end_all()
                    self._swarm.connections.clear()
                    nursery.cancel_scope.cancel()
            await self._host.close()

    async def _accept(self, listener: Listener, nursery: trio.Nursery) -> None:
        while True:
            try:
                stream = await listener.sockets.accept()
            except OSError as error:
                log.warning("cannot accept on %s: %s", listener.address, error.strerror)
                await trio.sleep(ACCEPT_PAUSE_S)
            else:
                nursery.start_soon(self._welcome, stream, Multiaddr(listener.address))

    async def _welcome(self, stream: trio.SocketStream, listen: Multiaddr) -> None:
        socket = self._sockets.admit(stream)
        if socket is None:
            return
        try:
            await self._swarm.upgrade_inbound_raw_conn(RawConnection(socket, initiator=False), listen)
        except Exception as error:
            log.debug("a connection from %s came to nothing: %r", socket.remote[0], error)
            socket.end()

    async def _dial(self, place: Place, address: str) -> None:
        try:
            with trio.fail_after(self._limits.sessions.connect_ms_max / 1000):
                stream = await trio.open_tcp_stream(place.host, place.port)
                socket = self._sockets.add(stream)
                try:
                    await self._swarm.upgrade_outbound_raw_conn(
                        RawConnection(socket, initiator=True), place.peer
                    )
                except BaseException:
                    socket.end()
                    raise
        except trio.TooSlowError:
            raise ConnectFailed(f"cannot connect to {address}: {NO_ANSWER}") from None
        except (OSError, SwarmException) as error:
            raise ConnectFailed(f"cannot connect to {address}: {_reason(error)}") from None

    def _begin(self, peer_id: ID, socket: Socket, outbound: bool) -> Session:
        session = Session(
            peer=PeerId(str(peer_id)),
            outbound=outbound,
            address=f"{multiaddress(*socket.remote)}/p2p/{peer_id}",
            end=socket.end,
            queue_size_max=self._limits.sessions.queue_size_max,
        )
        socket.on_ended.append(lambda: session.close(CLOSED_BY_NEIGHBOUR))
        return session

    def _arrived(self, conn: INetConn) -> None:
        if isinstance(conn.muxed_conn, BoundedYamux):
            self._sessions.start(conn.muxed_conn.session, partial(self._open_gossip, conn))

    async def _open_gossip(self, conn: INetConn, _nursery: trio.Nursery) -> Write:
        stream = await conn.new_stream()
        try:
            await multistream.offer(stream, self._protocols)
        except multistream.NotAgreed as error:
            raise NotOpened(str(error)) from None
        return stream.write

    async def _read_gossip(self, stream: INetStream) -> None:
        """One reader per neighbour: a second stream replaces the first."""
        if not isinstance(stream.muxed_conn, BoundedYamux):
            raise TypeError("a connection that is not ours")
        session = stream.muxed_conn.session
        before = self._gossip.get(session)
        self._gossip[session] = mine = GossipIn(stream=stream, done=trio.Event())
        try:
            if before is not None:
                await before.stream.reset()
                await before.done.wait()
            await session.settled.wait()
            if before is not None:
                await self._sessions.restart(session)
            while True:
                await self._sessions.deliver(session, await stream.read(RECEIVE_WINDOW_SIZE_MAX))
        finally:
            mine.done.set()


@asynccontextmanager
async def open_libp2p_transport(
    *,
    listen: Sequence[str],
    protocols: Sequence[str],
    key_seed: bytes,
    limits: Libp2pLimits | None = None,
) -> AsyncIterator[Transport]:
    """`key_seed` is the 32 bytes that the host's key, and with it the peer id, is derived from.

    What the block raises comes out as it is, not in the groups of the nurseries around it.
    """
    limits = limits or Libp2pLimits()
    _tame_libp2p()
    key_pair = create_new_key_pair(key_seed)
    # Before any nursery, which would wrap a ListenFailed in a group.
    listeners = await bind(listen)
    peer_id = PeerId(str(ID.from_pubkey(key_pair.public_key)))
    failure: Exception | None = None
    try:
        async with open_sessions(peer_id, limits.sessions) as sessions:
            transport = Libp2pTransport(key_pair, protocols=protocols, sessions=sessions, limits=limits)
            async with transport.run(listeners):
                try:
                    yield transport
                except Exception as error:
                    failure = error
    finally:
        close_listeners(listeners)
    if failure is not None:
        raise failure


def _tame_libp2p() -> None:
    """What can only be set for the whole process."""
    # Windows are then credited exactly; else a lawful neighbour seems to ignore them.
    os.environ.setdefault("PY_YAMUX_DISABLE_HYSTERESIS", "1")
    yamux.MAX_WINDOW_SIZE = RECEIVE_WINDOW_SIZE_MAX
    adopt_libp2p_log()


def _parse_place(address: str) -> Place:
    match = DIAL_FORM.fullmatch(address)
    try:
        if match is None:
            raise ValueError(address)
        host, port, name = match.groups()
        return Place(host=host, port=int(port), peer=ID.from_string(name))
    except ValueError:
        raise ConnectFailed(
            f"cannot connect to {address!r}: write it as /ip4/<address>/tcp/<port>/p2p/<peer id>"
        ) from None


def _reason(error: Exception) -> str:
    """In a few words, out of a chain of causes."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause.exceptions[-1] if isinstance(cause, BaseExceptionGroup) else cause)
    for link in reversed(chain):
        match link:
            case PeerIDMismatchesPubkey():
                return "another node answers there"
            case multistream.NotAgreed():
                return f"it is no Tocsin node: {link}"
            case OSError():
                return (link.strerror or str(link)).lower()
            case _:
                continue
    return "it broke off the handshake"
