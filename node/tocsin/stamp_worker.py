"""Stamp searches in a helper process, so that hashing never holds up the event loop.

It is not the search itself (`tocsin_protocol.stamp`); hashlib keeps the GIL for small inputs, so
threads would not help.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

import trio

from tocsin import stamp_helper
from tocsin.stamp_helper import NEED_SIZE, NONCE_SIZE
from tocsin_protocol.limits import STAMP_SLICE_HASHES
from tocsin_protocol.stamp import StampSearch

HELPER = (sys.executable, "-P", "-m", stamp_helper.__name__)
"""-P: nothing of the working directory is imported, whatever files lie there."""


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

    def __init__(self, helper: Sequence[str] = HELPER) -> None:
        self._helper = helper
        self._turn = trio.Lock()
        self._process: trio.Process | None = None

    async def find(self, subject: bytes, need: int) -> bytes:
        async with self._turn:
            try:
                return await self._ask(subject, need)
            except (trio.BrokenResourceError, OSError):
                await self.aclose()
                return await InlineStampFinder().find(subject, need)
            except BaseException:
                # An answer that nobody read would be taken for the next search's.
                await self.aclose()
                raise

    async def _ask(self, subject: bytes, need: int) -> bytes:
        if self._process is None:
            # A session of its own: Ctrl-C is for the node, which then ends its helper.
            self._process = await trio.lowlevel.open_process(
                (*self._helper, str(os.getpid())),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
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

    async def aclose(self) -> None:
        """End the helper at once, which holds nothing that could be lost, and leave no zombie."""
        process, self._process = self._process, None
        if process is None:
            return
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    await pipe.aclose()
