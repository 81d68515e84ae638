"""Structured logs on stderr: JSON lines, or plain lines on a terminal.

Never a key, a title or a body: what a log may hold is decided where it is written.
"""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class Lossy:
    """A line that cannot be written, for the disk is full or nobody reads any more, must not end the node."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logs(level: str) -> None:
    number = logging.getLevelNamesMapping()[level.upper()]
    people = sys.stderr.isatty()
    lines = cast("TextIO", Lossy(sys.stderr))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            lines_for_people() if people else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=number, stream=lines)


def lines_for_people() -> structlog.dev.ConsoleRenderer:
    """Plain tracebacks: the fancy ones print every local variable, and so the keys among them."""
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
