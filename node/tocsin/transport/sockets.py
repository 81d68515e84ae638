"""TCP sockets that can be ended at once from any task, counted per address, and the places to listen on.

It speaks no protocol; what goes over a socket is libp2p's.
"""

import errno
import ipaddress
import re
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import trio
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError

from tocsin.errors import ListenFailed

RECEIVE_SIZE = 64 * 1024
LISTEN_FORM = re.compile(r"/(ip[46])/([0-9a-fA-F.:]+)/tcp/([0-9]{1,5})")


class Socket(ReadWriteCloser):
    """One connection's bytes; `heard` counts how often some came, for those who watch for silence."""

    def __init__(self, stream: trio.SocketStream) -> None:
        host, port = stream.socket.getpeername()[:2]
        self.remote: tuple[str, int] = (host, port)
        self.heard = 0
        self.on_ended: list[Callable[[], None]] = []
        self._stream = stream
        self._buffer = bytearray()
        self._ended = False

    async def read(self, n: int | None = None) -> bytes:
        """Exactly `n` bytes, or whatever comes next.

        libp2p would take a partial read and give up on a message after a hundred of them.
        """
        wanted = 1 if n is None else n
        while len(self._buffer) < wanted:
            self._buffer += await self._receive()
        data = bytes(self._buffer[: n or None])
        del self._buffer[: len(data)]
        return data

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.end()
            raise ConnectionClosedError("connection closed") from error

    async def close(self) -> None:
        self.end()

    def get_remote_address(self) -> tuple[str, int]:
        return self.remote

    def end(self) -> None:
        """Close without waiting; whoever reads or writes just now fails."""
        if not self._ended:
            self._ended = True
            self._stream.socket.close()
            for react in self.on_ended:
                react()

    async def _receive(self) -> bytes:
        try:
            data = await self._stream.receive_some(RECEIVE_SIZE)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if not data:
            self.end()
            raise ConnectionClosedError("connection closed")
        self.heard += 1
        return data


class Sockets:
    """All sockets of a transport, and how many each remote address holds."""

    def __init__(self, *, total_max: int, per_address_max: int) -> None:
        self._total_max = total_max
        self._per_address_max = per_address_max
        self._open: set[Socket] = set()
        self._inbound: Counter[str] = Counter()

    def admit(self, stream: trio.SocketStream) -> Socket | None:
        """A socket that somebody opened to us; None, and closed, when there are too many."""
        try:
            ours = Socket(stream)
        except OSError:
            stream.socket.close()
            return None
        holder = _holder(ours.remote[0])
        if len(self._open) >= self._total_max or self._inbound[holder] >= self._per_address_max:
            ours.end()
            return None
        self._inbound[holder] += 1
        ours.on_ended.append(lambda: self._release(holder))
        return self._keep(ours)

    def add(self, stream: trio.SocketStream) -> Socket:
        """A socket that we opened; OSError when it is already lost."""
        return self._keep(Socket(stream))

    def end_all(self) -> None:
        for ours in tuple(self._open):
            ours.end()

    def _keep(self, ours: Socket) -> Socket:
        self._open.add(ours)
        ours.on_ended.append(lambda: self._open.discard(ours))
        return ours

    def _release(self, holder: str) -> None:
        self._inbound[holder] -= 1
        if not self._inbound[holder]:
            del self._inbound[holder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A place we listen on, as a multiaddress with the real port."""

    address: str
    sockets: trio.SocketListener


async def bind(listen: Sequence[str]) -> tuple[Listener, ...]:
    """Listen on all of these, or on none and say why."""
    listeners: list[Listener] = []
    try:
        for address in listen:
            listeners.append(await _bind_one(address))  # noqa: PERF401 - those before are closed on failure
    except ListenFailed:
        close_listeners(listeners)
        raise
    return tuple(listeners)


def close_listeners(listeners: Sequence[Listener]) -> None:
    for listener in listeners:
        listener.sockets.socket.close()


def multiaddress(host: str, port: int) -> str:
    return f"/ip6/{host}/tcp/{port}" if ":" in host else f"/ip4/{host}/tcp/{port}"


def spell_out(listener: Listener) -> tuple[str, ...]:
    """What others can dial: for "all addresses" loopback, and the one we would reach the Internet from."""
    host, port = listener.sockets.socket.getsockname()[:2]
    match host:
        case "0.0.0.0":
            hosts = ["127.0.0.1", *_outward(socket.AF_INET, "192.0.2.1")]
        case "::":
            hosts = ["::1", *_outward(socket.AF_INET6, "2001:db8::1")]
        case _:
            hosts = [host]
    return tuple(multiaddress(each, port) for each in dict.fromkeys(hosts))


def _outward(family: socket.AddressFamily, somewhere: str) -> list[str]:
    """Our end of the route to an address that is only for examples; nothing is sent."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((somewhere, 9))
        except OSError:
            return []
        return [probe.getsockname()[0]]


async def _bind_one(address: str) -> Listener:
    host, port = _parse_listen(address)
    try:
        # Not by libp2p, which shares the port: a second node would silently take half of our neighbours.
        (listener,) = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise ListenFailed(f"cannot listen on {address}: {_advice(error)}") from None
    host, port = listener.socket.getsockname()[:2]
    return Listener(address=multiaddress(host, port), sockets=listener)


def _parse_listen(address: str) -> tuple[str, int]:
    match = LISTEN_FORM.fullmatch(address)
    try:
        if match is None:
            raise ValueError(address)
        family, host, port = match.groups()
        parsed = ipaddress.ip_address(host)
        if f"ip{parsed.version}" != family or int(port) > 0xFFFF:
            raise ValueError(address)
    except ValueError:
        raise ListenFailed(
            f"cannot listen on {address!r}: write it as /ip4/<address>/tcp/<port>, port 0 for any free one"
        ) from None
    return host, int(port)


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is in use; stop the program that uses it or choose another port"
        case errno.EADDRNOTAVAIL:
            return "it is not an address of this machine; use 0.0.0.0 for all of them"
        case errno.EACCES:
            return "the port needs more rights; choose one above 1023"
        case _:
            return error.strerror or str(error)


def _holder(host: str) -> str:
    """Whom an address belongs to: of IPv6 a household has a whole /64."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
