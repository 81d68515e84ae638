"""The profile's Unix socket: a bounded number of clients, each with its own reader and event stream.

It never lets one client delay another or the node: a client that does not read stalls only itself.
"""

import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from os import getuid
from pathlib import Path

import structlog
import trio

from tocsin.api.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    LINE_SIZE_MAX,
    REFUSED,
    RpcError,
    error_line,
    event_line,
    parse_request,
    result_line,
)
from tocsin.api.methods import SUBSCRIBE, SubscribeEvents, call, view
from tocsin.errors import ListenFailed, TocsinError
from tocsin.node import Node

log = structlog.get_logger(__name__)

CLIENTS_MAX = 64
"""Open connections; a further one is told so and closed."""
READ_SIZE = 64 * 1024
ACCEPT_PAUSE_S = 0.1
"""Between tries while the process has no descriptor left: those who are connected are served."""
SEND_DEADLINE_S = 30.0
"""A client that reads nothing for this long is cut off; its cursor lets it go on later."""


async def serve_socket(node: Node, path: Path, ready: trio.Event) -> None:
    """Until cancelled; the socket file exists exactly as long as this runs."""
    async with listening(path) as listener, trio.open_nursery() as nursery:
        ready.set()
        clients = trio.CapacityLimiter(CLIENTS_MAX)
        while True:
            try:
                accepted, _ = await listener.accept()
            except OSError as error:
                log.warning("cannot accept a client", error=error.strerror)
                await trio.sleep(ACCEPT_PAUSE_S)
            else:
                nursery.start_soon(serve_client, node, trio.SocketStream(accepted), clients)


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[trio.socket.SocketType]:
    """A socket in a folder of 0700; a file left by a node that was killed is replaced."""
    file = trio.Path(path)
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            await file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await file.parent.chmod(0o700)
            with suppress(FileNotFoundError):
                await file.unlink()
            await listener.bind(str(path))
            await file.chmod(0o600)
            listener.listen(CLIENTS_MAX)
        except OSError as error:
            raise ListenFailed(
                f"the socket {path} cannot be made: {error.strerror}: check its folder, and what is there"
            ) from error
        try:
            yield listener
        finally:
            with trio.CancelScope(shield=True), suppress(FileNotFoundError):
                await file.unlink()


async def serve_client(node: Node, stream: trio.SocketStream, clients: trio.CapacityLimiter) -> None:
    async with stream:
        try:
            clients.acquire_nowait()
        except trio.WouldBlock:
            with suppress(trio.BrokenResourceError), trio.move_on_after(SEND_DEADLINE_S):
                await stream.send_all(
                    error_line(None, RpcError(REFUSED, "too many clients: close one first"))
                )
            return
        try:
            if peer_uid(stream) == getuid():
                await Client(node, stream).serve()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except* Exception:
            log.exception("client task died")
        finally:
            clients.release()


def peer_uid(stream: trio.SocketStream) -> int:
    """Who is at the other end, as the kernel saw it when they connected."""
    credentials = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)


class Client:
    """One connection: requests are answered in order, events come in between."""

    def __init__(self, node: Node, stream: trio.SocketStream) -> None:
        self._node = node
        self._stream = stream
        self._sending = trio.Lock()
        self._subscribed = False

    async def serve(self) -> None:
        async with trio.open_nursery() as nursery:
            try:
                async with aclosing(read_lines(self._stream)) as lines:
                    async for line in lines:
                        await self._answer(line, nursery)
            except RpcError as error:
                await self._send(error_line(None, error))
            nursery.cancel_scope.cancel()

    async def _answer(self, line: bytes, nursery: trio.Nursery) -> None:
        request_id: int | str | None = None
        try:
            request = parse_request(line)
            request_id = request.id
            if self._subscribed and request.method == SUBSCRIBE:
                raise RpcError(INVALID_REQUEST, "one subscription a connection: open another one")
            params, result = await call(self._node, request)
        except RpcError as error:
            await self._send(error_line(request_id, error))
            return
        except TocsinError as error:
            await self._send(error_line(request_id, RpcError(REFUSED, str(error))))
            return
        except Exception:
            log.exception("method died", request=request_id)
            await self._send(
                error_line(request_id, RpcError(INTERNAL_ERROR, "this is a bug: see the node's log"))
            )
            return
        await self._send(result_line(request_id, result))
        if isinstance(params, SubscribeEvents):
            self._subscribed = True
            nursery.start_soon(partial(self._send_events, after=result["after"], types=params.types))

    async def _send_events(self, *, after: int, types: tuple[str, ...] | None) -> None:
        try:
            async with aclosing(self._node.ledger.follow(after)) as batches:
                async for events in batches:
                    wanted = [event for event in events if types is None or event.type in types]
                    if wanted:
                        await self._send(b"".join(event_line(view(event)) for event in wanted))
        except TocsinError as error:
            await self._send(error_line(None, RpcError(REFUSED, str(error))))

    async def _send(self, data: bytes) -> None:
        """A client that reads nothing is let go; a half-sent line ends with its connection."""
        async with self._sending:
            with trio.move_on_after(SEND_DEADLINE_S) as deadline:
                await self._stream.send_all(data)
        if deadline.cancelled_caught:
            await trio.aclose_forcefully(self._stream)
            raise trio.ClosedResourceError("the client does not read")


async def read_lines(stream: trio.SocketStream) -> AsyncGenerator[bytes, None]:
    """Lines without their end; RpcError at one that is too long, for nothing after it can be understood."""
    buffer = bytearray()
    while data := await stream.receive_some(READ_SIZE):
        buffer += data
        while (end := buffer.find(b"\n", 0, LINE_SIZE_MAX + 1)) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
        if len(buffer) > LINE_SIZE_MAX:
            raise RpcError(INVALID_REQUEST, "a line is at most 1 MiB")
