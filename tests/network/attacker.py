"""A peer that keeps no rules: it proves its key and speaks raw Yamux frames, or stops before that."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from libp2p.abc import ISecureConn
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_x25519_key_pair
from libp2p.io.exceptions import IOException
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import Transport as Noise
from multiaddr import Multiaddr

from tests.network.nodes import PATIENCE_S
from tocsin.transport import multistream
from tocsin.transport.sockets import Socket

DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8


def frame(kind: int, flags: int, stream: int, length: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBHII", 0, kind, flags, stream, length) + body


def line(text: bytes) -> bytes:
    return bytes((len(text) + 1,)) + text + b"\n"


def opening(protocol: str) -> bytes:
    """What a well-behaved peer says first on a stream."""
    return line(b"/multistream/1.0.0") + line(protocol.encode())


class Attacker:
    def __init__(self, connection: ISecureConn) -> None:
        self.connection = connection

    async def open_stream(self, stream: int, body: bytes) -> None:
        await self.connection.write(frame(DATA, SYN, stream, len(body), body))

    async def read_frame(self) -> tuple[int, int, int, bytes]:
        kind, flags, stream, length = struct.unpack("!xBHII", await self.connection.read(12))
        body = await self.connection.read(length) if kind == DATA and length else b""
        return kind, flags, stream, body

    async def answer_ping(self) -> None:
        with trio.fail_after(PATIENCE_S):
            while (await self.read_frame())[:2] != (PING, SYN):
                pass
        await self.connection.write(frame(PING, ACK, 0, 0))

    async def until_reset(self, stream: int) -> None:
        with trio.fail_after(PATIENCE_S):
            while True:
                kind, flags, theirs, _ = await self.read_frame()
                if kind == WINDOW_UPDATE and flags & RST and theirs == stream:
                    return

    async def until_cut_off(self) -> None:
        """Until the other side has closed the connection."""
        with trio.fail_after(PATIENCE_S):
            try:
                while True:
                    await self.read_frame()
            except IOException:
                return


@asynccontextmanager
async def attack(address: str, *, muxer: str = "/yamux/1.0.0") -> AsyncIterator[Attacker]:
    async with raw_socket(address) as socket:
        raw = RawConnection(socket, initiator=True)
        await multistream.offer(raw, ["/noise"])
        noise = Noise(create_new_key_pair(b"a" * 32), create_x25519_key_pair().private_key)
        connection = await noise.secure_outbound(raw, info_from_p2p_addr(Multiaddr(address)).peer_id)
        await multistream.offer(connection, [muxer])
        yield Attacker(connection)


@asynccontextmanager
async def raw_socket(address: str) -> AsyncIterator[Socket]:
    parts = address.split("/")
    socket = Socket(await trio.open_tcp_stream(parts[2], int(parts[4])))
    try:
        yield socket
    finally:
        socket.end()
