"""At most so many of something in any second; what is too much is for the caller to drop or to keep.

It never looks at a clock: the moment is an argument, and only the steady clock counts.
"""

from collections import deque

from tocsin_protocol.types import Now

SECOND_MS = 1_000


class Rate:
    """Remembers the last `per_second` moments, and nothing more."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._taken: deque[int] = deque(maxlen=per_second)

    def take(self, now: Now) -> bool:
        """Whether one more is within the limit; if so it is counted."""
        if now.steady_ms < self.free_at_ms:
            return False
        self._taken.append(now.steady_ms)
        return True

    @property
    def free_at_ms(self) -> int:
        """The steady moment from which on there is room for one more."""
        return self._taken[0] + SECOND_MS if len(self._taken) == self._per_second else 0
