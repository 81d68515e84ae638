"""A blocking client for one command: connect to the profile's node, ask, print, leave.

Programs that stay connected use the socket by themselves; this one imports neither trio nor anyio.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
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
        self._say({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        while True:
            try:
                message = self._next(ANSWER_S)
            except TimeoutError:
                raise TocsinError(
                    f"the node of profile '{self._profile.name}' did not answer within {ANSWER_S:.0f} s: "
                    "look at its log, or stop it and start it again"
                ) from None
            if message.get("method") == "event":
                self._waiting.append(message["params"])
            elif "error" in message:
                raise TocsinError(message["error"]["message"])
            else:
                return message["result"]

    def events(self, timeout_s: float | None = None) -> Iterator[dict[str, Any]]:
        """Events of the subscription made before, as they come; ends when the time is over."""
        while True:
            if self._waiting:
                yield self._waiting.pop(0)
                continue
            try:
                message = self._next(timeout_s)
            except TimeoutError:
                return
            if message.get("method") == "event":
                yield message["params"]
            elif "error" in message:
                raise TocsinError(message["error"]["message"])

    def _say(self, request: dict[str, object]) -> None:
        """A request, if there is anybody to hear it; else the answer that does not come will tell."""
        try:
            line = msgspec.json.encode(request) + b"\n"
        except UnicodeEncodeError:
            raise TocsinError("what was typed is not UTF-8: nothing was sent, type it again") from None
        self._stream.settimeout(ANSWER_S)
        with suppress(ConnectionError, TimeoutError):
            self._stream.sendall(line)

    def _next(self, timeout_s: float | None) -> dict[str, Any]:
        self._stream.settimeout(timeout_s)
        while (end := self._buffer.find(b"\n")) < 0:
            try:
                data = self._stream.recv(READ_SIZE)
            except ConnectionError:
                data = b""
            if not data:
                raise NoNode(f"the node of profile '{self._profile.name}' has stopped: {hint(self._profile)}")
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        message: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        return message


def connect(profile: Profile, wait_s: float = 0.0) -> Connection:
    """A connection to the profile's node, which may still be starting for `wait_s`."""
    require(profile)
    for _ in range(int(wait_s / LOOK_S)):
        try:
            return dial(profile)
        except NoNode:
            time.sleep(LOOK_S)
    return dial(profile)


def require(profile: Profile) -> None:
    """Who has not made the profile is told so first: there is no node to start yet."""
    try:
        profile.seed.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise TocsinError(
            f"there is no profile '{profile.name}': make it with: {init_command(profile)}"
        ) from None
    except OSError as error:
        raise TocsinError(f"{profile.seed} cannot be looked at: {error.strerror}") from None


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
