"""Installs and drives the js-libp2p peer in `js/`: commands out, events back, one JSON object a line.

It knows nothing of our own node; what the peer obeys and tells is written at the head of `js/peer.mjs`.
"""

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import trio

JS_DIRECTORY = Path(__file__).parent / "js"
INSTALL_S_MAX = 300
STOP_S_MAX = 5

JsEvent: TypeAlias = dict[str, Any]


class JsUnavailable(Exception):
    """Node is not there, or its packages cannot be installed."""


def install_js() -> None:
    """`npm ci`, unless node_modules already holds what the lock file says."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise JsUnavailable(f"{program} is not installed: the js-libp2p peer needs Node 20 or later")
    lock = hashlib.sha256((JS_DIRECTORY / "package-lock.json").read_bytes()).hexdigest()
    stamp = JS_DIRECTORY / "node_modules" / ".lock-sha256"
    if stamp.exists() and stamp.read_text() == lock:
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=JS_DIRECTORY, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
    )
    if done.returncode != 0:
        raise JsUnavailable(f"npm ci failed:\n{done.stderr}")
    stamp.write_text(lock)


class JsPeer:
    """A running peer; every event it tells is kept, and may be waited for by name and count."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._told: dict[str, list[JsEvent]] = {}
        self._news = trio.Event()
        self._ended = False

    @property
    def peer_id(self) -> str:
        return str(self.told("ready")[0]["peer"])

    @property
    def address(self) -> str:
        return str(self.told("ready")[0]["address"])

    def told(self, event: str, **fields: object) -> list[JsEvent]:
        """All events of this name so far, or those among them that have these fields."""
        return [told for told in self._told.get(event, ()) if fields.items() <= told.items()]

    async def wait_for(self, event: str, count: int = 1, **fields: object) -> list[JsEvent]:
        """Wait until `count` such events have come; the caller sets the deadline."""
        while len(told := self.told(event, **fields)) < count:
            if self._ended:
                raise RuntimeError(f"the js peer ended before it told {count} x {event}; see its stderr")
            await self._news.wait()
        return told

    async def subscribe(self, topic: str) -> None:
        await self._command({"do": "subscribe", "topic": topic})

    async def dial(self, address: str) -> None:
        """Returns when the js peer has the connection; its gossip stream follows."""
        await self._command({"do": "dial", "address": address})
        await self.wait_for("dialled", address=address)

    async def publish(self, topic: str, messages: Iterable[bytes]) -> None:
        data = [base64.b64encode(message).decode("ascii") for message in messages]
        await self._command({"do": "publish", "topic": topic, "data": data})

    async def _command(self, command: JsEvent) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the js peer was started without a pipe to its stdin")
        await self._process.stdin.send_all(json.dumps(command).encode() + b"\n")

    async def read_events(self) -> None:
        """Reads until the peer's stdout ends; `open_js_peer` runs it."""
        if self._process.stdout is None:
            raise RuntimeError("the js peer was started without a pipe from its stdout")
        buffer = bytearray()
        async for chunk in self._process.stdout:
            *lines, rest = (bytes(buffer) + chunk).split(b"\n")
            buffer[:] = rest
            for line in lines:
                event: JsEvent = json.loads(line)
                self._told.setdefault(event["event"], []).append(event)
            self._announce()
        self._ended = True
        self._announce()

    def _announce(self) -> None:
        self._news.set()
        self._news = trio.Event()


def message_data(event: JsEvent) -> bytes:
    """The payload of a `message` event."""
    return base64.b64decode(event["data"])


@asynccontextmanager
async def open_js_peer() -> AsyncIterator[JsPeer]:
    """A js peer that is listening on loopback; it ends with the block."""
    process = await trio.lowlevel.open_process(
        ["node", "peer.mjs"], cwd=JS_DIRECTORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    peer = JsPeer(process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.read_events)
            await peer.wait_for("ready")
            yield peer
            nursery.cancel_scope.cancel()
    finally:
        await _stop(process)


async def _stop(process: trio.Process) -> None:
    with trio.CancelScope(shield=True):
        if process.stdin is not None:
            await process.stdin.aclose()
        with trio.move_on_after(STOP_S_MAX):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        if process.stdout is not None:
            await process.stdout.aclose()
