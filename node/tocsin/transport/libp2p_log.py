"""libp2p's log lines as a few of ours: undoes what its import does to logging, bounds what peers can cause.

It decides nothing about where our own lines go.
"""

import logging

from libp2p.network.connection import swarm_connection

from tocsin_protocol.limits import LIBP2P_LOG_LINES_PER_MINUTE_MAX

log = logging.getLogger(__name__)


class Throttle(logging.Handler):
    """Passes on a few lines a minute, as information: what libp2p calls an error is mostly a peer's doing."""

    def __init__(self) -> None:
        super().__init__()
        self._minute = 0
        self._lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        minute = int(record.created // 60)
        if minute != self._minute:
            left_out = self._lines - LIBP2P_LOG_LINES_PER_MINUTE_MAX
            self._minute, self._lines = minute, 0
            if left_out > 0:
                log.info("left out %d more lines of libp2p", left_out)
        self._lines += 1
        if self._lines <= LIBP2P_LOG_LINES_PER_MINUTE_MAX:
            log.info("%s: %s", record.name, record.getMessage())


def adopt_libp2p_log() -> None:
    """Idempotent; to be called after the import of libp2p, which takes its logger off the tree."""
    logger = logging.getLogger("libp2p")
    logger.handlers = [Throttle()]
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    # It logs through the module's functions, which give the root logger a handler when it has none.
    vars(swarm_connection)["logging"] = logging.getLogger("libp2p.network.connection")
