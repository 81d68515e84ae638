"""Runs every benchmark beside it, one after the other, and prints one table: `run.py [--quick] [name ...]`.

It neither measures nor judges: a missed target is shown, only a benchmark that breaks is an error.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HEADINGS = ("benchmark", "metric", "value", "unit", "target", "peer", "ratio", "")


class BenchFailed(Exception):
    """A benchmark ended badly or printed something that is no measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What the same run measured for somebody else's implementation."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One line of a benchmark's output; `ok` is None where there is no target."""

    bench: str
    metric: str
    value: float
    unit: str
    target: str | float | None
    peer: Peer | None
    ratio: float | None
    ok: bool | None


def parse_line(line: str) -> Measurement:
    try:
        fields = json.loads(line)
        peer = fields.pop("peer")
        return Measurement(**fields, peer=None if peer is None else Peer(**peer))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BenchFailed(f"no measurement: {line!r} ({error})") from None


def measure(script: Path, arguments: list[str]) -> list[Measurement]:
    done = subprocess.run(
        [sys.executable, script, *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchFailed(f"{script.stem} ended with {done.returncode}")
    return [parse_line(line) for line in done.stdout.splitlines()]


def find_scripts(directory: Path, names: list[str]) -> list[Path]:
    """The benchmarks of these names, or all: every script here that can be run by itself."""
    scripts = [
        path
        for path in sorted(directory.glob("*.py"))
        if path.name != "run.py" and "__main__" in path.read_text()
    ]
    if unknown := set(names) - {path.stem for path in scripts}:
        sys.exit(f"no benchmark is called {', '.join(sorted(unknown))}")
    return [path for path in scripts if not names or path.stem in names]


def format_table(measurements: list[Measurement]) -> Iterator[str]:
    rows = [HEADINGS, *(to_row(measurement) for measurement in measurements)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def to_row(measurement: Measurement) -> tuple[str, ...]:
    peer = measurement.peer
    return (
        measurement.bench,
        measurement.metric,
        format_number(measurement.value),
        measurement.unit,
        "" if measurement.target is None else str(measurement.target),
        "" if peer is None else f"{peer.name} {format_number(peer.value)}",
        "" if measurement.ratio is None else f"{measurement.ratio:.2f} x",
        {True: "ok", False: "MISSED", None: ""}[measurement.ok],
    )


def format_number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def main(arguments: list[str], directory: Path = HERE) -> int:
    names = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    measurements: list[Measurement] = []
    broken = 0
    for script in find_scripts(directory, names):
        print(f"measuring {script.stem} ...", file=sys.stderr)
        try:
            measurements += measure(script, options)
        except BenchFailed as error:
            print(error, file=sys.stderr)
            broken += 1
    print("\n".join(format_table(measurements)))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
