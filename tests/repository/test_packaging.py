"""What the packaging files say about each other: names, pins and overrides agree, targets are explained."""

import re
import subprocess
import tomllib
from pathlib import Path

from tests.repository.tree import ROOT, clean_environment, read

REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9._-]+")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def normal_name(requirement: str) -> str:
    match = REQUIREMENT_NAME.match(requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def test_every_dependency_is_pinned_in_constraints() -> None:
    project = PYPROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
        *PYPROJECT["dependency-groups"]["dev"],
    ]
    pinned = {normal_name(line) for line in read_lines("constraints.txt") if "==" in line}
    assert {normal_name(requirement) for requirement in wanted} - pinned == set(), "run: make constraints"


def test_overrides_are_the_same_for_users_and_for_make() -> None:
    assert read_lines("overrides.txt") == PYPROJECT["tool"]["uv"]["override-dependencies"]


def test_help_names_every_target_a_person_types() -> None:
    printed = subprocess.run(
        ["make"], cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    for target in ("install", "demo", "test", "lint", "interop", "bench", "fuzz", "format", "clean", "help"):
        assert f"make {target} — " in printed


def read_lines(name: str) -> list[str]:
    return read(Path(name)).splitlines()
