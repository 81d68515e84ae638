"""The demo as a person meets it: it rings, it leaves nothing behind, or it leaves what it was told to."""

import errno
import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.node.cli.town import PATIENCE_S, STOP_S, TOCSIN, Typed, processes_of, type_here
from tocsin.demo import percentile


class Place:
    """A folder for temporary files that only the demo uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "TMPDIR": str(folder)}

    @property
    def homes(self) -> list[Path]:
        return list(self.folder.iterdir())

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        command = [*TOCSIN, "demo", *words]
        return subprocess.Popen(
            command, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run_here(self, *words: str) -> Typed:
        with patch("tempfile.tempdir", str(self.folder)):
            return type_here("demo", *words)

    def run(self, *words: str) -> Typed:
        with self.begin(*words) as process:
            out, err = process.communicate(timeout=2 * PATIENCE_S)
        return Typed(code=process.returncode, out=out, err=err)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    assert place.homes == []
    assert processes_of(tmp_path) == []


def test_the_demo_rings_and_leaves_nothing(place: Place) -> None:
    typed = place.run_here("--json", "--rings", "3")
    assert (typed.code, typed.err) == (0, "")
    (line,) = typed.lines
    result = json.loads(line)
    assert (result["rang"], result["signals"], result["lost"], result["nodes"]) == (3, 3, 0, 3)
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p99"]
    assert result["first_ring_s"] > 0


def test_a_demo_that_is_kept_can_be_tried_and_stopped(place: Place) -> None:
    typed = place.run("--keep", "--rings", "1")
    assert (typed.code, typed.err) == (0, "")
    assert "rang 1 times, 1 signals, 0 lost" in typed.lines
    *_, invitation, listen, notify, status, last = typed.lines
    assert invitation == "the nodes go on running; try:"
    stop, semicolon, remove = last.removeprefix("stop them with: ").partition(";")
    assert semicolon
    endings = [os.pidfd_open(int(pid)) for pid in shlex.split(stop)[1:]]
    try:
        assert "online on network" in output_of(status)
        assert output_of(notify).startswith("queued ")
        assert first_lines(listen, 3)[1:] == ["Ring 1 — from Alice", "Hello"]
    finally:
        output_of(stop)
        for ending in endings:
            with os.fdopen(ending):
                assert select.select([ending], [], [], STOP_S)[0]
        output_of(remove)


def output_of(command: str) -> str:
    with shell(command) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    return out


def first_lines(command: str, count: int) -> list[str]:
    """The last column of each; the command itself goes on until Ctrl-C."""
    with shell(command) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().rstrip().rpartition("\t")[2] for _ in range(count)]
        finally:
            os.killpg(process.pid, signal.SIGINT)
    return lines


def shell(command: str) -> "subprocess.Popen[str]":
    """As it was printed, by a shell that finds this project's `tocsin`."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.Popen(
        ["sh", "-c", command],
        env={**os.environ, "PATH": path},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_a_node_that_cannot_start_is_one_line(place: Place) -> None:
    deep = place.folder / ("x" * 90)
    deep.mkdir()
    typed = Place(deep).run_here("--json")
    deep.rmdir()
    assert typed.mistake.startswith("the node of 'relay' did not start: the socket's path is too long")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_demo_that_is_ended_leaves_nothing(place: Place, name: str) -> None:
    number = signal.Signals[name]
    with place.begin() as process:
        assert process.stdout is not None
        assert "relay listens on" in process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (128 + number, "")


def test_no_place_for_profiles_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", fail)
    typed = type_here("demo")
    assert typed.mistake == "no folder for the demo's profiles can be made: No space left on device"


def test_percentiles() -> None:
    assert percentile([], 50) is None
    assert percentile([3.0], 99) == 3.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 99) == 4.0
