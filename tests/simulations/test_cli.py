"""The commands as a person or a script meets them.

That `tocsin sim` finds them is tested with the node's commands.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.simulations.scenarios import SMALL
from tocsin_sim.cli import Progress, command


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


def test_list_shows_a_line_for_each_ready_scenario() -> None:
    result = invoke("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["baseline", "churn"]


def test_list_as_json() -> None:
    result = invoke("list", "--json")
    listed = json.loads(result.stdout)
    assert [scenario["name"] for scenario in listed] == ["baseline", "churn"]
    assert all(scenario["question"].endswith("?") for scenario in listed)


def test_run_answers_the_question_first(small: str) -> None:
    result = invoke("run", small)
    assert result.exit_code == 0
    assert result.stdout.startswith("small: Does it work?\n25 of 25 deliveries (100.00 %)")
    assert result.stderr == ""


def test_run_as_json(small: str) -> None:
    result = invoke("run", small, "--json")
    told = json.loads(result.stdout)
    assert (told["scenario"], told["seed"], told["ratio"]) == ("small", 1, 1.0)
    assert set(told["latency_ms"]) == {"p50", "p95", "p99", "max"}
    assert told["wall_s"] >= 0
    assert len(told["rows_sha256"]) == 64


def test_a_seed_on_the_command_line_goes_before_the_scenario_s(small: str) -> None:
    told = [json.loads(invoke("run", small, "--json", *more).stdout) for more in ((), ("--seed", "2"))]
    assert [one["seed"] for one in told] == [1, 2]
    assert told[0]["rows_sha256"] != told[1]["rows_sha256"]


def test_a_bad_scenario_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace("dials", "dails"))
    result = invoke("run", str(path))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "tocsin: bad.toml: network: object contains unknown field `dails`\n"


def test_an_unknown_scenario_is_one_line_and_exit_code_2() -> None:
    result = invoke("run", "nonesuch")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "baseline, churn" in result.stderr


class Terminal(io.StringIO):
    """What is written to it may be asked for; it may or may not be one."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def draw(*, is_terminal: bool, reports_s: list[float]) -> str:
    """What a person sees who gets a report at each of these times."""
    moments = iter([0.0, *(moment for moment in reports_s for _ in range(2))])
    latest = 0.0

    def clock() -> float:
        nonlocal latest
        latest = next(moments, latest)
        return latest

    out = Terminal(is_terminal=is_terminal)
    progress = Progress(out, 200, clock)
    for done, _ in enumerate(reports_s, start=1):
        progress.report(100 * done)
    progress.clear()
    return out.getvalue()


def test_who_waits_is_shown_how_far_it_is_and_then_nothing_is_left() -> None:
    assert draw(is_terminal=True, reports_s=[3.0]) == "\r 50 %  100 of 200 envelopes\r\x1b[K"


def test_who_does_not_wait_is_shown_nothing() -> None:
    assert draw(is_terminal=True, reports_s=[0.5]) == ""


def test_a_file_is_shown_nothing() -> None:
    assert draw(is_terminal=False, reports_s=[3.0, 6.0]) == ""


def test_the_order_of_strings_in_sets_changes_nothing(small: str) -> None:
    program = "from tocsin_sim.cli import command; command()"
    told = []
    for hash_seed in ("1", "2"):
        output = subprocess.run(
            [sys.executable, "-c", program, "run", small, "--json"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
        ).stdout
        told.append(json.loads(output))
    one, other = ({key: run[key] for key in run if not key.startswith("wall")} for run in told)
    assert one == other
