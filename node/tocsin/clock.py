"""The real clock and the real entropy; everything else is handed a moment and some bytes.

Tests and simulations bring their own clock; this module is the only reader of the system's.
"""

import secrets
import time

from tocsin_protocol.types import Now


class SystemClock:
    def now(self) -> Now:
        return Now(unix_ms=time.time_ns() // 1_000_000, steady_ms=time.monotonic_ns() // 1_000_000)


class SystemEntropy:
    def draw(self, size: int) -> bytes:
        return secrets.token_bytes(size)
