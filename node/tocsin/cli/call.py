"""A blocking client for one command: connect to the profile's node, ask, print, leave.

Programs that stay connected use the socket by themselves; this one imports neither trio nor anyio.
"""

import socket
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import msgspec

from tocsin.config import Profile, init_command, run_command
from tocsin.errors import NoNode, TocsinError

READ_SIZE = 64 * 1024
ANSWER_S = 30.0
LOOK_S = 0.1


class Connection:
    """`with connect(profile) as node: node.ask("node.status")`."""

    def __init__(self, profile: Profile, stream: socket.socket) -> None:
        self._profile = profile
        self._stream = stream
        self._buffer = bytearray()
        self._waiting: list[dict[str, Any]] = []

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def ask(self, method: str, **params: object) -> Any:
        """The result; an error of the node becomes a TocsinError with its line."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self._stream.settimeout(ANSWER_S)
        self._stream.sendall(msgspec.json.encode(request) + b"\n")
        while True:
            message = self._next()
            if message.get("method") == "event":
                self._waiting.append(message["params"])
            elif "error" in message:
                raise TocsinError(message["error"]["message"])
            else:
                return message["result"]

    def events(self, timeout_s: float | None = None) -> Iterator[dict[str, Any]]:
        """Events of the subscription made before, as they come; ends when the time is over."""
        self._stream.settimeout(timeout_s)
        while True:
            if self._waiting:
                yield self._waiting.pop(0)
                continue
            try:
                message = self._next()
            except TimeoutError:
                return
            if message.get("method") == "event":
                yield message["params"]
            elif "error" in message:
                raise TocsinError(message["error"]["message"])

    def _next(self) -> dict[str, Any]:
        while (end := self._buffer.find(b"\n")) < 0:
            data = self._stream.recv(READ_SIZE)
            if not data:
                raise NoNode(f"the node of profile '{self._profile.name}' has stopped: {hint(self._profile)}")
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        message: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        return message


def connect(profile: Profile, wait_s: float = 0.0) -> Connection:
    """A connection to the profile's node, which may still be starting for `wait_s`."""
    if not profile.seed.exists():
        raise TocsinError(f"there is no profile '{profile.name}': make it with: {init_command(profile)}")
    for _ in range(int(wait_s / LOOK_S)):
        try:
            return dial(profile)
        except NoNode:
            time.sleep(LOOK_S)
    return dial(profile)


def dial(profile: Profile) -> Connection:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.connect(str(profile.socket))
    except (FileNotFoundError, ConnectionRefusedError):
        stream.close()
        raise NoNode(f"no node is running for profile '{profile.name}': {hint(profile)}") from None
    except OSError as error:
        stream.close()
        raise TocsinError(f"the socket {profile.socket} cannot be used: {error.strerror}") from None
    return Connection(profile, stream)


def hint(profile: Profile) -> str:
    return f"start it with: {run_command(profile)}"
