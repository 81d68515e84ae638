"""`tocsin demo`: a relay, Alice and Bob as three real processes; Alice rings, Bob's signal is seen.

It uses nothing that a user could not type: profiles in a new folder, and the nodes' own sockets.
"""

import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
import msgspec

from tocsin.cli.call import Connection, connect
from tocsin.cli.options import json_option, one_line_errors, print_json
from tocsin.clock import SystemEntropy
from tocsin.config import Profile, foreign_environment, profile_in
from tocsin.errors import TocsinError
from tocsin.keyring import create_profile

LOOPBACK = "/ip4/127.0.0.1/tcp/0"
ANSWER_DELAY = "0,0"
"""The demo's network is this machine alone: there is nobody from whom an answer's timing must be hidden."""
READY_S = 30.0
RING_S = 30.0
STOP_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    profile: Profile
    process: "subprocess.Popen[bytes]"
    addresses: tuple[str, ...]


@click.command()
@click.option(
    "--rings", default=5, show_default=True, type=click.IntRange(1, 1000), help="How often Alice rings."
)
@click.option("--keep", is_flag=True, help="Leave the nodes running and print commands to try.")
@json_option
@one_line_errors
def command(*, rings: int, keep: bool, as_json: bool) -> None:
    """Start three nodes here and let one ring another."""
    say = Teller(quiet=as_json)
    with leaving_nothing(), ExitStack() as everything:
        home = make_home()
        everything.callback(shutil.rmtree, home, ignore_errors=True)
        processes = start_all(home, everything, say)
        result = ring_all(processes, rings, say)
        if keep:
            everything.pop_all()
    if as_json:
        print_json(result)
    else:
        click.echo(f"rang {rings} times, {result['signals']} signals, {result['lost']} lost")
    if keep:
        tell_how_to_go_on(home, processes, as_json)
    sys.exit(0 if result["lost"] == 0 else 1)


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """Ended from outside is an exit like any other, for nothing that was started may stay."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_home() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    except OSError as error:
        raise TocsinError(f"no folder for the demo's profiles can be made: {error.strerror}") from error


class Teller:
    """One line a step on a person's screen, with the seconds since the start; none for a program."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._began

    def __call__(self, text: str) -> None:
        if not self._quiet:
            click.echo(f"{self.elapsed_s:6.2f} s  {text}")


def start_all(home: Path, nodes: ExitStack, say: Teller) -> dict[str, Process]:
    """The relay first, for the others need its address; then Alice and Bob side by side."""
    relay = ready(*begin(home, "relay", ["--role", "relay"], nodes))
    say(f"relay listens on {relay.addresses[0]}")
    peer = ["--peer", relay.addresses[0]]
    starting = [begin(home, name, peer, nodes) for name in ("alice", "bob")]
    alice, bob = (ready(profile, process) for profile, process in starting)
    say("alice and bob are running, and dial the relay alone")
    return {"relay": relay, "alice": alice, "bob": bob}


def ring_all(processes: dict[str, Process], rings: int, say: Teller) -> dict[str, object]:
    with ExitStack() as stack:
        alice = stack.enter_context(connect(processes["alice"].profile))
        bob = stack.enter_context(connect(processes["bob"].profile))
        introduce(alice, bob, say)
        bob_hears = stack.enter_context(connect(processes["bob"].profile))
        bob_hears.ask("events.subscribe", consumer="demo", types=["received"])
        signals = bob_hears.events(RING_S)
        latencies_ms: list[float] = []
        first_ring_s = 0.0
        for number in range(1, rings + 1):
            took_ms = ring(alice, signals, number)
            if took_ms is None:
                say(f"ring {number} was not heard within {RING_S:.0f} s")
                continue
            first_ring_s = first_ring_s or say.elapsed_s
            latencies_ms.append(took_ms)
            say(f"alice rang, bob's bell: 'Ring {number}' after {took_ms:.0f} ms")
    return {
        "rang": rings,
        "signals": len(latencies_ms),
        "lost": rings - len(latencies_ms),
        "latency_ms": {"p50": percentile(latencies_ms, 50), "p99": percentile(latencies_ms, 99)},
        "first_ring_s": round(first_ring_s, 3),
        "answer_delay_ms": 0,
        "nodes": len(processes),
    }


def introduce(alice: Connection, bob: Connection, say: Teller) -> None:
    """Bob invites, Alice accepts: two messages through the relay, and both have keys that it has not."""
    invited = bob.ask("invite.create", name="alice")
    alice.ask("events.subscribe", consumer="demo", types=["contact.added"])
    alice.ask("invite.accept", invite=invited["invite"], name="bob")
    if next(alice.events(READY_S), None) is None:
        raise TocsinError(f"bob's node did not answer alice's within {READY_S:.0f} s")
    say("bob gave alice an invite, alice accepted it, their nodes have met")


def ring(alice: Connection, signals: Iterator[dict[str, object]], number: int) -> float | None:
    """From the command to Bob's durable signal in a subscriber's hands, stamp included."""
    began = time.perf_counter()
    sent = alice.ask("notify.send", contact="bob", title=f"Ring {number}", body="from Alice")
    for heard in signals:
        if heard["nid"] == sent["nid"]:
            return (time.perf_counter() - began) * 1000
    return None


def begin(
    home: Path, name: str, flags: Sequence[str], nodes: ExitStack
) -> tuple[Profile, "subprocess.Popen[bytes]"]:
    """What `tocsin init` does, then `tocsin run`, as a person would type it; `nodes` will stop it."""
    profile = profile_in(home, name)
    create_profile(profile, SystemEntropy())
    environment = {**foreign_environment(home), "TOCSIN_ANSWER_DELAY_MS": ANSWER_DELAY}
    options = ["--profile", name, "--listen", LOOPBACK, "--json", *flags]
    with log_of(profile).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tocsin", "run", *options],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    nodes.callback(stop, process)
    return profile, process


def log_of(profile: Profile) -> Path:
    """Beside the node's files: a node that is kept must not hold the demo's own stderr open."""
    return profile.folder / "log"


def ready(profile: Profile, process: "subprocess.Popen[bytes]") -> Process:
    """The node's first line says where it listens; without one its log ends with what is wrong."""
    if process.stdout is None:
        raise TocsinError(f"the node of '{profile.name}' has no output")
    line = process.stdout.readline()
    if not line:
        code = process.wait()
        said = log_of(profile).read_text("utf-8", "replace").splitlines()
        why = said[-1].removeprefix("tocsin: ") if said else f"it ended with code {code}"
        raise TocsinError(f"the node of '{profile.name}' did not start: {why}")
    addresses = msgspec.json.decode(line, type=dict[str, object])["addresses"]
    return Process(profile=profile, process=process, addresses=msgspec.convert(addresses, tuple[str, ...]))


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def tell_how_to_go_on(home: Path, processes: dict[str, Process], as_json: bool) -> None:
    pids = " ".join(str(node.process.pid) for node in processes.values())
    folder = shlex.quote(str(home))
    commands = (
        f"TOCSIN_HOME={folder} tocsin listen --profile bob --since 0",
        f"TOCSIN_HOME={folder} tocsin notify bob --profile alice --title Hello",
        f"TOCSIN_HOME={folder} tocsin status --profile relay",
    )
    click.echo("the nodes go on running; try:", err=as_json)
    for line in commands:
        click.echo(f"  {line}", err=as_json)
    click.echo(f"stop them with: kill {pids}; rm -r {folder}", err=as_json)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest value that at least `percent` of all do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return round(ordered[max(rank, 1) - 1], 3) if ordered else None
