"""Logs: JSON lines for programs, plain lines for people, and no local variable in either."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from tocsin.log import configure_logs

SECRET = "the key that must not be seen"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def original_logs() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers


def fail(secret: str) -> None:
    held = secret.upper()
    raise ValueError("a bug") if held else AssertionError


def log_a_failure() -> None:
    log = structlog.get_logger("test")
    try:
        fail(SECRET)
    except ValueError:
        log.exception("task died", task="bell")


def test_a_program_reads_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", written := io.StringIO())
    configure_logs("info")
    log = structlog.get_logger("test")
    log.debug("too fine")
    log.info("dial failed", address="/ip4/192.0.2.1", again_in_s=0.5)
    log_a_failure()
    first, second = (json.loads(line) for line in written.getvalue().splitlines())
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "dial failed",
        "level": "info",
        "address": "/ip4/192.0.2.1",
        "again_in_s": 0.5,
    }
    assert second["exception"].splitlines()[0] == "Traceback (most recent call last):"
    assert second["exception"].splitlines()[-1] == "ValueError: a bug"


def test_a_person_reads_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", written := Screen())
    configure_logs("warning")
    log = structlog.get_logger("test")
    log.info("too fine")
    log.warning("task ended", task="bell")
    (line,) = written.getvalue().splitlines()
    assert "task ended" in line
    assert "bell" in line
    assert "{" not in line


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
def test_a_traceback_shows_no_variable(monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]) -> None:
    monkeypatch.setattr(sys, "stderr", written := stream())
    configure_logs("warning")
    with warnings.catch_warnings(record=True) as warned:
        log_a_failure()
    assert warned == []
    assert "ValueError: a bug" in written.getvalue()
    assert SECRET.upper() not in written.getvalue()
    assert f"'{SECRET}'" not in written.getvalue()


def test_libraries_log_from_the_same_level_on() -> None:
    script = (
        "import logging\nfrom tocsin.log import configure_logs\nconfigure_logs('info')\n"
        "logging.getLogger('a.library').info('heard')\nlogging.getLogger('a.library').debug('not heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "heard" in done.stderr
    assert "not heard" not in done.stderr
