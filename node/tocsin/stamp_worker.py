"""Stamp searches in a helper process, so that hashing never holds up the event loop.

It is not the search itself (`tocsin_protocol.stamp`); hashlib keeps the GIL for small inputs, so
threads would not help.
"""

import subprocess
import sys
from typing import Protocol

import trio

from tocsin_protocol.limits import STAMP_SLICE_HASHES
from tocsin_protocol.stamp import StampSearch

SUBJECT_SIZE = 32
NEED_SIZE = 16
NONCE_SIZE = 8
REQUEST_SIZE = SUBJECT_SIZE + NEED_SIZE
HASHES_PER_TURN = 1 << 16


class StampFinder(Protocol):
    async def find(self, subject: bytes, need: int) -> bytes:
        """The nonce that pays `need`; cancelling ends the search."""
        ...


class InlineStampFinder:
    """Slices of about a millisecond in the loop: for tests, and where no process can be started."""

    async def find(self, subject: bytes, need: int) -> bytes:
        search = StampSearch(subject, need)
        while (nonce := search.run(STAMP_SLICE_HASHES)) is None:
            await trio.lowlevel.checkpoint()
        return nonce


class ProcessStampFinder:
    """One helper process, started on first use, asked one search at a time, ended with the search."""

    def __init__(self) -> None:
        self._turn = trio.Lock()
        self._process: trio.Process | None = None

    async def find(self, subject: bytes, need: int) -> bytes:
        async with self._turn:
            try:
                return await self._ask(subject, need)
            except (trio.BrokenResourceError, OSError):
                self.close()
                return await InlineStampFinder().find(subject, need)
            except trio.Cancelled:
                self.close()
                raise

    async def _ask(self, subject: bytes, need: int) -> bytes:
        if self._process is None:
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise trio.BrokenResourceError("the helper has no pipes")
        await stdin.send_all(subject + need.to_bytes(NEED_SIZE, "big"))
        nonce = b""
        while len(nonce) < NONCE_SIZE:
            piece = await stdout.receive_some(NONCE_SIZE - len(nonce))
            if not piece:
                raise trio.BrokenResourceError("the helper has died")
            nonce += piece
        return nonce

    def close(self) -> None:
        """End the helper at once; it holds nothing that could be lost."""
        if self._process is not None:
            self._process.kill()
            self._process = None


def serve() -> None:
    """The helper: fixed-size requests on stdin, nonces on stdout, until stdin ends."""
    while len(request := sys.stdin.buffer.read(REQUEST_SIZE)) == REQUEST_SIZE:
        search = StampSearch(request[:SUBJECT_SIZE], int.from_bytes(request[SUBJECT_SIZE:], "big"))
        while (nonce := search.run(HASHES_PER_TURN)) is None:
            pass
        sys.stdout.buffer.write(nonce)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve()
