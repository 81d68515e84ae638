"""`tocsin sim`: list the ready scenarios, and run one.

It is the only room of the simulators that looks at a clock on the wall, and it does so to report it.
"""

import sys
import time  # noqa: TID251 - how long a person waits is told, and is no part of what is simulated
from collections.abc import Callable
from typing import IO, Any, TextIO

import click
import msgspec

from tocsin_sim.core.engine import Engine
from tocsin_sim.results import Result, as_text, summarise
from tocsin_sim.scenario import Scenario, ScenarioError, load, ready_names
from tocsin_sim.streams import SEED_MAX

PATIENCE_S = 2.0
"""Who waits longer than this is shown how far it is."""
REDRAW_S = 0.2


class Unusable(click.ClickException):
    """One line on stderr and exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"tocsin: {self.message}", file=file, err=True)


class Progress:
    """One line that is drawn over and over, on a terminal only and not at once."""

    def __init__(self, out: TextIO, total: int, clock: Callable[[], float]) -> None:
        self._out = out
        self._total = total
        self._clock = clock
        self._next_s = clock() + PATIENCE_S if out.isatty() else None
        self._drawn = False

    def report(self, done: int) -> None:
        if self._next_s is None or self._clock() < self._next_s:
            return
        self._out.write(f"\r{100 * done // self._total:3d} %  {done:,} of {self._total:,} envelopes")
        self._out.flush()
        self._next_s = self._clock() + REDRAW_S
        self._drawn = True

    def clear(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()


@click.group(name="sim")
def command() -> None:
    """Simulate networks of this program's own routers."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_command(as_json: bool) -> None:
    """Show the ready scenarios and what each of them asks."""
    scenarios = [{"name": name, "question": read(name)[1].question} for name in ready_names()]
    if as_json:
        click.echo(msgspec.json.encode(scenarios).decode())
        return
    width = max(len(scenario["name"]) for scenario in scenarios)
    for scenario in scenarios:
        click.echo(f"{scenario['name']:<{width}}  {scenario['question']}")


@command.command(name="run")
@click.argument("scenario")
@click.option("--seed", type=click.IntRange(0, SEED_MAX), help="Instead of the scenario's own seed.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def run_command(scenario: str, seed: int | None, as_json: bool) -> None:
    """Run SCENARIO: the name of a ready one, or a TOML file."""
    name, asked = read(scenario)
    result = simulate(name, asked, asked.run.seed if seed is None else seed)
    click.echo(msgspec.json.encode(result).decode() if as_json else as_text(result))


def read(name_or_path: str) -> tuple[str, Scenario]:
    try:
        return load(name_or_path)
    except ScenarioError as error:
        raise Unusable(str(error)) from None


def simulate(name: str, scenario: Scenario, seed: int) -> Result:
    began_s = time.monotonic()
    progress = Progress(sys.stderr, scenario.traffic.envelopes, time.monotonic)
    engine = Engine(scenario, seed)
    try:
        engine.run(progress.report)
    finally:
        progress.clear()
    return summarise(
        name=name,
        scenario=scenario,
        seed=seed,
        tally=engine.tally,
        virtual_us=engine.now_us,
        wall_s=time.monotonic() - began_s,
    )
