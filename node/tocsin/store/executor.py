"""Where the store's blocking calls run: beside the event loop, or inside the caller.

It is not a general thread pool: it runs one call at a time, in the order in which they came.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


class Executor(Protocol):
    async def run(self, call: Callable[[], T]) -> T:
        """Run to the end even when the caller is cancelled: a commit is never half-known."""
        ...


class ThreadExecutor:
    """Production: a worker thread, so that a synchronous commit stalls nobody."""

    def __init__(self) -> None:
        self._one_at_a_time = trio.CapacityLimiter(1)

    async def run(self, call: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(call, limiter=self._one_at_a_time)


class InlineExecutor:
    """Under a virtual clock, which does not wait for threads."""

    async def run(self, call: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        return call()
