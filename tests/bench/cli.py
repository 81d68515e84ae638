"""What a person waits for: each command from its start to its end, and a node from its start to ready.

Medians of whole processes, beside what an empty Python takes in the same run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that this file runs alone

from tests.node.cli.town import TOCSIN, Town, introduce, open_town

BENCH = "cli"
TARGETS_MS = {"help_ms": 100, "status_ms": 300, "notify_ms": 300, "listen_ms": 300, "ready_ms": 1_500}
EMPTY = (sys.executable, "-c", "pass")
RUNS, RUNS_QUICK = 21, 7
STARTS, STARTS_QUICK = 7, 3


def report(metric: str, value_ms: float, empty_ms: float) -> None:
    target_ms = TARGETS_MS[metric]
    line = {
        "bench": BENCH,
        "metric": metric,
        "value": round(value_ms, 1),
        "unit": "ms",
        "target": f"<= {target_ms}",
        "peer": {"name": "python -c pass", "value": round(empty_ms, 1)},
        "ratio": round(value_ms / empty_ms, 2),
        "ok": value_ms <= target_ms,
    }
    print(json.dumps(line), flush=True)


def median_ms(runs: int, work: Callable[[], object]) -> float:
    taken_ms = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken_ms.append((time.perf_counter() - began) * 1000)
    return median(taken_ms)


def command_ms(town: Town, runs: int, *command: str) -> float:
    def run() -> None:
        subprocess.run(command, env=town.env, check=True, capture_output=True)

    run()  # once before, so that no file is read from the disk
    return median_ms(runs, run)


def bench_commands(town: Town, runs: int, empty_ms: float) -> None:
    listen = ("listen", "--profile", "bob", "--since", "0", "--count", "1")
    for metric, words in (
        ("help_ms", ("--help",)),
        ("status_ms", ("status", "--profile", "alice")),
        ("notify_ms", ("notify", "bob", "--profile", "alice", "--title", "Hello")),
        ("listen_ms", listen),
    ):
        report(metric, command_ms(town, runs, *TOCSIN, *words), empty_ms)


def bench_start(town: Town, starts: int, empty_ms: float) -> None:
    def start() -> None:
        town.run("carol")

    taken_ms = []
    for _ in range(starts):
        taken_ms.append(median_ms(1, start))
        town.stop("carol")
    report("ready_ms", median(taken_ms), empty_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="end within 45 s")
    quick = parser.parse_args().quick
    runs, starts = (RUNS_QUICK, STARTS_QUICK) if quick else (RUNS, STARTS)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as home, open_town(Path(home)) as town:
        empty_ms = command_ms(town, runs, *EMPTY)
        town.init("relay", "alice", "bob", "carol")
        bench_start(town, starts, empty_ms)
        town.run("relay", "--role", "relay")
        for name in ("alice", "bob"):
            town.run(name, "--peer", town.addresses["relay"])
        introduce(town, "bob", "alice")
        bench_commands(town, runs, empty_ms)


if __name__ == "__main__":
    main()
