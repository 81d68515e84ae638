"""What waits to be written to one neighbour, bounded in bytes and cut into writes.

It writes nothing itself and knows no time; who drains it and how long it may stay full is the session's.
"""

from collections import deque

import trio


class OutboundQueue:
    """Bytes in, bytes out, in order; `offer` never waits and refuses what does not fit.

    Small pieces leave together: while one write is under way the next one gathers, and an idle
    neighbour gets even a single byte at once.
    """

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._size = 0
        self._pieces: deque[bytes | memoryview] = deque()
        self._not_empty = trio.Event()
        self._full = trio.Event()
        self._relieved = trio.Event()

    def offer(self, data: bytes) -> bool:
        if self._size + len(data) > self._size_max:
            if not self._full.is_set():
                self._full.set()
                self._relieved = trio.Event()
            return False
        if data:
            self._pieces.append(data)
            self._size += len(data)
            self._not_empty.set()
        return True

    async def take(self, size_max: int) -> bytes:
        """Wait for bytes and take as many as there are, at most `size_max`."""
        await self._not_empty.wait()
        data = self._cut(size_max)
        self._size -= len(data)
        if not self._size:
            self._not_empty = trio.Event()
        if self._full.is_set() and self._size <= self._size_max // 2:
            self._full = trio.Event()
            self._relieved.set()
        return data

    async def wait_full(self) -> None:
        """Until something was refused."""
        await self._full.wait()

    async def wait_relieved(self) -> None:
        """Until the queue, once full, has fallen to half."""
        await self._relieved.wait()

    def _cut(self, size_max: int) -> bytes:
        taken: list[bytes | memoryview] = []
        room = size_max
        while self._pieces and room:
            piece = self._pieces.popleft()
            if len(piece) > room:
                view = memoryview(piece)
                self._pieces.appendleft(view[room:])
                piece = view[:room]
            taken.append(piece)
            room -= len(piece)
        return b"".join(taken)
