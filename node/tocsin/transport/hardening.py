"""A libp2p host that may face the Internet: Noise and Yamux only, bounded, and never ended by a peer.

It neither listens nor dials: it is handed sockets, which is how no slot and no descriptor is ever lost.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias
from weakref import WeakKeyDictionary

from libp2p.abc import IMuxedConn, INetConn, INetStream, INetwork, INotifee, IRawConnection, ISecureConn
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_x25519_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.transport.exceptions import MuxerUpgradeFailure, SecurityUpgradeFailure
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr

from tocsin.transport import multistream
from tocsin.transport.bounded_yamux import BoundedYamux, Liveness
from tocsin.transport.sessions import Session
from tocsin.transport.sockets import Socket
from tocsin_protocol.limits import CONNECT_MS_MAX, CONNECTIONS_MAX

log = logging.getLogger(__name__)

StreamHandler: TypeAlias = Callable[[INetStream], Awaitable[None]]
Begin: TypeAlias = Callable[[ID, Socket, bool], Session]
"""Gives a connection its session: with whom, over which socket, and whether we dialled."""


class NoiseYamuxUpgrader(TransportUpgrader):
    """Makes a socket a connection with a neighbour who has proven its key."""

    def __init__(self, key_pair: KeyPair, begin: Begin, liveness: Liveness) -> None:
        self._noise = Noise(key_pair, noise_privkey=create_x25519_key_pair().private_key)
        super().__init__({NOISE: self._noise}, {TProtocol(YAMUX): Yamux})
        self._begin = begin
        self._liveness = liveness
        self._sockets: WeakKeyDictionary[ISecureConn, Socket] = WeakKeyDictionary()

    async def upgrade_security(
        self, raw_conn: IRawConnection, is_initiator: bool, peer_id: ID | None = None
    ) -> ISecureConn:
        if not (isinstance(raw_conn, RawConnection) and isinstance(raw_conn.stream, Socket)):
            raise SecurityUpgradeFailure("not one of our sockets")
        try:
            secured = await self._secure(raw_conn, peer_id if is_initiator else None)
        except Exception as error:
            raise SecurityUpgradeFailure(str(error)) from error
        self._sockets[secured] = raw_conn.stream
        return secured

    async def upgrade_connection(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        agree = multistream.offer if conn.is_initiator else multistream.answer
        try:
            await agree(conn, (YAMUX,))
        except Exception as error:
            raise MuxerUpgradeFailure(str(error)) from error
        socket = self._sockets[conn]
        session = self._begin(peer_id, socket, conn.is_initiator)
        return BoundedYamux(conn, peer_id, socket=socket, session=session, liveness=self._liveness)

    async def _secure(self, raw: IRawConnection, expected: ID | None) -> ISecureConn:
        if expected is None:
            await multistream.answer(raw, (NOISE,))
            return await self._noise.secure_inbound(raw)
        await multistream.offer(raw, (NOISE,))
        return await self._noise.secure_outbound(raw, expected)


class IdleAutoConnector(AutoConnector):
    """Upstream's dials whomever peers name and remembers all it has met; whom to dial is our decision."""

    async def start(self) -> None:
        """Not started, it does nothing."""

    def record_disconnect(self, peer_id: ID) -> None:
        """Nothing to remember."""


class Arrivals(INotifee):
    """Says of each connection that it is ready to be used."""

    def __init__(self, arrived: Callable[[INetConn], None]) -> None:
        self._arrived = arrived

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        self._arrived(conn)

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        """The socket has told the session before."""

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """The handler is told by other means."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """Its reader sees the end by itself."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Never happens: the host does not listen."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Never happens: the host does not listen."""


def make_host(
    key_pair: KeyPair,
    *,
    upgrader: TransportUpgrader,
    handlers: Mapping[str, StreamHandler],
    arrived: Callable[[INetConn], None],
) -> tuple[BasicHost, Swarm]:
    """A host that speaks exactly these protocols, and its swarm; `arrived` hears of its connections."""
    peer_id = ID.from_pubkey(key_pair.public_key)
    peerstore = PeerStore()
    peerstore.add_key_pair(peer_id, key_pair)
    config = ConnectionConfig(
        max_connections=CONNECTIONS_MAX,
        high_watermark=CONNECTIONS_MAX,
        low_watermark=0,
        min_connections=0,
        max_connections_per_peer=1,
        inbound_upgrade_timeout=CONNECT_MS_MAX / 1000,
    )
    swarm = Swarm(peer_id, peerstore, upgrader, transports=[], connection_config=config)
    swarm.auto_connector = IdleAutoConnector(swarm)
    host = BasicHost(
        swarm,
        default_protocols=OrderedDict((TProtocol(name), handler) for name, handler in handlers.items()),
        announce_addrs=(),
        disable_identify_address_discovery=True,
    )
    # Upstream's ask every peer who it is, in tasks whose failure ends the process, and keep the answers.
    swarm.notifees.clear()
    swarm.register_notifee(Arrivals(arrived))
    swarm.set_stream_handler(_guard(host))
    return host, swarm


def _guard(host: BasicHost) -> StreamHandler:
    """Negotiate and handle a stream; whatever goes wrong, only the stream ends."""

    async def handle(stream: INetStream) -> None:
        handlers = host.get_mux().handlers
        try:
            name = TProtocol(await multistream.answer(stream, [str(name) for name in handlers]))
            stream.set_protocol(name)
            if (handler := handlers[name]) is not None:
                await handler(stream)
        except Exception as error:
            # An exception that leaves here would end the swarm with all its connections.
            log.debug("a stream ended: %r", error)
            with suppress(Exception):
                await stream.reset()

    return handle
