"""Keeps long-lived tasks alive: one that dies is named, degrades the node and starts again.

It is not a place to swallow errors: each is logged with its traceback and counted.
"""

from collections import Counter
from collections.abc import Awaitable, Callable

import structlog
import trio

from tocsin.errors import TocsinError
from tocsin.ports import Clock

log = structlog.get_logger(__name__)

PAUSE_S_MIN = 0.5
PAUSE_S_MAX = 60.0
CALM_MS = 60_000
"""A task that lived this long before it died starts again at the shortest pause."""


class Supervisor:
    """`degraded` names what is down right now; the node is as well as this set is empty."""

    def __init__(self, clock: Clock, counters: Counter[str]) -> None:
        self._clock = clock
        self._counters = counters
        self.degraded: set[str] = set()

    async def keep(
        self, name: str, run: Callable[[], Awaitable[None]], started: trio.Event | None = None
    ) -> None:
        """Run for ever; only cancellation ends it, or an error a person can mend before `started` is set."""
        pause_s = PAUSE_S_MIN
        while True:
            began_ms = self._clock.now().steady_ms
            try:
                await run()
                log.warning("task ended", task=name)
            except TocsinError as error:
                if started is not None and not started.is_set():
                    raise
                log.warning("task failed", task=name, error=str(error))
            except Exception:
                log.exception("task died", task=name)
            if self._clock.now().steady_ms - began_ms > CALM_MS:
                pause_s = PAUSE_S_MIN
            self._counters[f"restarted: {name}"] += 1
            self.degraded.add(name)
            await trio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_S_MAX)
            self.degraded.discard(name)
