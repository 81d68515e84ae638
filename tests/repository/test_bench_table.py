"""The table of `make bench`, from benchmarks that only pretend to measure."""

import json
from pathlib import Path

import pytest

from tests.bench.run import main

LINE = {
    "bench": "pretend",
    "metric": "rate",
    "value": 12345.6,
    "unit": "messages/s",
    "target": ">= 6 x",
    "peer": {"name": "other", "value": 2000},
    "ratio": 6.17,
    "ok": True,
}


def write_bench(directory: Path, name: str, *lines: str, status: int = 0) -> None:
    prints = "\n    ".join(f"print({line!r})" for line in lines)
    (directory / f"{name}.py").write_text(
        f"import sys\n\nif __name__ == '__main__':\n    {prints}\n    sys.exit({status})\n"
    )


def test_a_table_has_a_row_for_each_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missed = LINE | {"metric": "latency", "value": 0.51, "peer": None, "ratio": None, "ok": False}
    write_bench(tmp_path, "pretend", json.dumps(LINE), json.dumps(missed))
    assert main([], tmp_path) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert " ".join(first.split()) == "pretend rate 12,346 messages/s >= 6 x other 2,000 6.17 x ok"
    assert " ".join(second.split()) == "pretend latency 0.51 messages/s >= 6 x MISSED"


@pytest.mark.parametrize(
    "lines",
    [("no JSON",), ("[]",), ("{}",), (json.dumps(LINE | {"extra": 1}),)],
    ids=["text", "list", "empty", "more"],
)
def test_what_is_no_measurement_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: tuple[str, ...]
) -> None:
    write_bench(tmp_path, "pretend", *lines)
    assert main([], tmp_path) == 1
    assert "no measurement" in capsys.readouterr().err


def test_a_benchmark_that_breaks_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bench(tmp_path, "breaks", json.dumps(LINE), status=3)
    write_bench(tmp_path, "pretend", json.dumps(LINE))
    assert main([], tmp_path) == 1
    captured = capsys.readouterr()
    assert "breaks ended with 3" in captured.err
    assert len(captured.out.splitlines()) == 2


def test_one_benchmark_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bench(tmp_path, "one", json.dumps(LINE | {"bench": "one"}))
    write_bench(tmp_path, "two", json.dumps(LINE | {"bench": "two"}))
    assert main(["two"], tmp_path) == 0
    assert "one" not in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no benchmark is called three"):
        main(["three"], tmp_path)
