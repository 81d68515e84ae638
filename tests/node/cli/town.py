"""A home folder with profiles, their nodes as real processes, and the command as a person types it."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import trio

from tocsin.cli import main
from tocsin.cli.call import Connection, connect
from tocsin.config import Profile, foreign_environment, profile_in

TOCSIN = (sys.executable, "-m", "tocsin")
LOOPBACK = "/ip4/127.0.0.1/tcp/0"
PATIENCE_S = 30
STOP_S = 5
"""What `run` promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Of the last line."""
        return json.loads(self.lines[-1])

    @property
    def mistake(self) -> str:
        """The one line that a person's mistake is worth, and its exit code."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.startswith("tocsin: "), self
        assert self.err.count("\n") == 1, self
        return self.err.removeprefix("tocsin: ").removesuffix("\n")


def type_here(*words: str, env: dict[str, str] | None = None, stdin: bytes = b"") -> Typed:
    """In this process, which is quick; the words are what stands after `tocsin`.

    It is no place for a node, which would set up logs and signals for good: `run` may only fail to start.
    """
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    code: object = 0
    with (
        patch.object(sys, "argv", ["tocsin", *words]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        patch.dict(os.environ, env or {}),
        patch("tocsin.log.configure_logs"),
        patch("tocsin.service.stop_signal", lose_patience),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Typed(code=cast("int", code or 0), out=read_back(out), err=read_back(err))


def read_back(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


async def lose_patience() -> None:
    await trio.sleep(PATIENCE_S)
    raise AssertionError("the node has begun")


@dataclass(slots=True, kw_only=True)
class Town:
    """`close` ends what still runs and wants every log to be free of tracebacks."""

    home: Path
    nodes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    flags: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return {**foreign_environment(self.home), "TOCSIN_ANSWER_DELAY_MS": "0,0"}

    def profile(self, name: str) -> Profile:
        return profile_in(self.home, name)

    def type(self, *words: str, stdin: bytes = b"") -> Typed:
        """In this process."""
        return type_here(*words, env=self.env, stdin=stdin)

    def spawn(self, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*TOCSIN, *words], env=self.env, **{**streams, **options})

    def type_outside(self, *words: str, **options: Any) -> Typed:
        """In a process of its own, for what must not happen in this one."""
        with self.spawn(*words, **options) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        return Typed(code=process.returncode, out=out.decode(), err=err.decode())

    def init(self, *names: str) -> None:
        for name in names:
            assert self.type("init", "--profile", name).code == 0

    def run(self, name: str, *flags: str) -> None:
        """Begin and wait until it is ready."""
        self.begin(name, *flags)
        self.await_ready(name)

    def begin(self, name: str, *flags: str) -> None:
        self.flags[name] = flags
        with self.log(name).open("ab") as log:
            words = ("run", "--profile", name, "--listen", LOOPBACK, "--json", *flags)
            self.nodes[name] = self.spawn(*words, stderr=log, start_new_session=True)

    def await_ready(self, name: str) -> None:
        output = self.nodes[name].stdout
        assert output is not None
        line = output.readline()
        assert line, self.log(name).read_text()
        self.addresses[name] = json.loads(line)["addresses"][0]

    def log(self, name: str) -> Path:
        return self.profile(name).folder / "log"

    def connect(self, name: str) -> Connection:
        return connect(self.profile(name))

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """The exit code; a node that does not end in time is a failure, and is killed."""
        process = self.nodes.pop(name)
        process.send_signal(number)
        try:
            return process.wait(STOP_S)
        finally:
            process.kill()
            process.communicate()

    def restart(self, name: str, number: int = signal.SIGTERM) -> None:
        self.stop(name, number)
        self.run(name, *self.flags[name])

    def close(self) -> None:
        for process in self.nodes.values():
            process.terminate()
        codes = {name: self.stop(name) for name in list(self.nodes)}
        assert set(codes.values()) <= {0}, codes
        for name in self.flags:
            assert "Traceback" not in self.log(name).read_text()


@contextmanager
def open_town(home: Path) -> Iterator[Town]:
    town = Town(home=home)
    try:
        yield town
        town.close()
    finally:
        for process in town.nodes.values():
            process.kill()
            process.communicate()


def introduce(town: Town, inviter: str, taker: str) -> None:
    """Each is then a contact of the other, by the profile's name."""
    invite = town.type("invite", taker, "--profile", inviter).lines[0]
    accepted = town.type("accept", invite, "--name", inviter, "--profile", taker)
    assert accepted.code == 0, accepted
    with town.connect(inviter) as node:
        node.ask("events.subscribe", consumer="introduce", since=0, types=["contact.added"])
        assert any(event["data"]["contact"] == taker for event in node.events(PATIENCE_S))


def rung(town: Town, name: str, *titles: str) -> list[str]:
    """What rang at this profile until all these titles did, oldest first."""
    with town.connect(name) as node:
        node.ask("events.subscribe", consumer="test", since=0, types=["received"])
        heard: list[str] = []
        for event in node.events(PATIENCE_S):
            heard.append(event["data"]["title"])
            if set(titles) <= set(heard):
                return heard
    raise AssertionError(f"only {heard} rang")


def processes_of(home: Path) -> list[str]:
    """The command lines of all processes whose TOCSIN_HOME is in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if f"TOCSIN_HOME={home}".encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


@contextmanager
def silent_listener(path: Path) -> Iterator[socket.socket]:
    """Takes connections, as a node that hangs would, and says nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield listener
