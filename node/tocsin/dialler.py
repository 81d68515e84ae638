"""Keeps the configured peers connected: dials, and dials again with longer pauses and some jitter.

It discovers nobody; addresses come from the configuration alone.
"""

from collections.abc import Awaitable, Callable

import structlog
import trio

from tocsin.errors import ConnectFailed
from tocsin.ports import Entropy, Transport
from tocsin_protocol.types import PeerId

log = structlog.get_logger(__name__)

PAUSE_S_MIN = 0.25
PAUSE_S_MAX = 60.0


async def keep_connected(
    address: str, transport: Transport, until_gone: Callable[[PeerId], Awaitable[None]], entropy: Entropy
) -> None:
    """For ever: one task a configured address."""
    pause_s = PAUSE_S_MIN
    while True:
        try:
            peer = await transport.connect(address)
        except ConnectFailed as error:
            log.info("dial failed", address=address, error=str(error), again_in_s=round(pause_s, 1))
            await trio.sleep(jitter(pause_s, entropy))
            pause_s = min(pause_s * 2, PAUSE_S_MAX)
            continue
        pause_s = PAUSE_S_MIN
        await until_gone(peer)
        await trio.sleep(jitter(pause_s, entropy))


def jitter(pause_s: float, entropy: Entropy) -> float:
    """Between half and the whole, so that many nodes do not dial in step after an outage."""
    return pause_s * (0.5 + int.from_bytes(entropy.draw(2), "big") / 131_072)
