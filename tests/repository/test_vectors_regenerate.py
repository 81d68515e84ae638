"""The vectors in the tree are what the reference writes, byte for byte, wherever and whenever it runs."""

import subprocess
import sys
from pathlib import Path

from tests.repository.tree import ROOT, clean_environment, project_files

GENERATOR = ROOT / "specs" / "reference" / "generate.py"
VECTORS = ROOT / "specs" / "vectors"


def generate(directory: Path) -> None:
    """From another working directory and without the packages of this project on the path."""
    environment = clean_environment(PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, str(GENERATOR), str(directory)]
    subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*.json")}


def test_regenerating_changes_nothing_and_removes_what_is_no_vector(tmp_path: Path) -> None:
    stale = tmp_path / "hash" / "stale.json"
    stale.parent.mkdir()
    stale.write_text("{}")
    generate(tmp_path)
    written, kept = contents(tmp_path), contents(VECTORS)
    assert written.keys() == kept.keys()
    assert [name for name in kept if written[name] != kept[name]] == []


def test_nothing_else_lies_between_the_vectors() -> None:
    among = [path for path in project_files() if path.is_relative_to("specs/vectors")]
    assert [path for path in among if path.suffix != ".json"] == []
