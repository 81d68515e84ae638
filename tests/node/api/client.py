"""A client of the node's socket for tests: it can ask, and it can misbehave."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

PATIENCE_S = 20


class Client:
    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = b""
        self._events: list[dict[str, Any]] = []

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def say(self, method: str, **params: object) -> None:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        await self.send(json.dumps(request).encode() + b"\n")

    async def hear(self) -> dict[str, Any] | None:
        """The next line, whatever it is; None when the node has closed."""
        with trio.fail_after(PATIENCE_S):
            while b"\n" not in self._buffer:
                try:
                    data = await self.stream.receive_some()
                except trio.BrokenResourceError:
                    return None
                if not data:
                    return None
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def ask(self, method: str, **params: object) -> Any:
        """The result; the test fails on an error."""
        await self.say(method, **params)
        message = await self._answer()
        assert "error" not in message, message
        return message["result"]

    async def fail(self, method: str, **params: object) -> tuple[int, str]:
        """Code and message of the error; the test fails on a result."""
        await self.say(method, **params)
        error = (await self._answer())["error"]
        return error["code"], error["message"]

    async def event(self) -> dict[str, Any]:
        """The next event of this connection's subscription."""
        if self._events:
            return self._events.pop(0)
        message = await self.hear()
        assert message is not None
        assert message.get("method") == "event", message
        params: dict[str, Any] = message["params"]
        return params

    async def seqs(self, count: int) -> list[int]:
        return [(await self.event())["seq"] for _ in range(count)]

    async def _answer(self) -> dict[str, Any]:
        while True:
            message = await self.hear()
            assert message is not None, "the node has closed the connection"
            if message.get("method") != "event":
                return message
            self._events.append(message["params"])


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Client]:
    async with await trio.open_unix_socket(str(path)) as stream:
        yield Client(stream)
