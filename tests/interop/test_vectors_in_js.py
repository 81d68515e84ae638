"""A decoder in another language agrees with every vector of the specifications."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.repository.tree import ROOT

DIRECTORY = ROOT / "specs" / "vectors"
PROGRAM = Path(__file__).parent / "js" / "vectors" / "run.mjs"
DEADLINE_S = 120

pytestmark = pytest.mark.usefixtures("js_installed")


def run_js(directory: Path, *families: str) -> subprocess.CompletedProcess[str]:
    command = ["node", str(PROGRAM), str(directory), *families]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_every_vector_means_the_same_in_js() -> None:
    counts = {path.name: len(list(path.glob("*.json"))) for path in DIRECTORY.iterdir()}
    done = run_js(DIRECTORY, *sorted(counts))
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["family"]: line["vectors"] for line in told} == counts


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("step-8-stamp", "expect", "ok"),
        ("pair", "expect", "stamp"),
        ("pair", "output", {"verdict": "accept"}),
    ],
)
def test_a_vector_that_lies_is_noticed(tmp_path: Path, name: str, field: str, value: object) -> None:
    told = json.loads((DIRECTORY / "relay" / f"{name}.json").read_text())
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / f"{name}.json").write_text(json.dumps(told | {field: value}))
    done = run_js(tmp_path, "relay")
    assert done.returncode == 1
    assert name in done.stderr
