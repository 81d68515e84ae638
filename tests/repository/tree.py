"""The project's own files, found without git, so that the rules also hold in an unpacked archive.

It understands the part of .gitignore that this project uses: names, `*`, and a slash at either end.
"""

import ast
import os
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def project_files(root: Path = ROOT) -> list[Path]:
    """Every file that is in the repository or would be after `git add --all`, as relative paths."""
    patterns = [line for line in (root / ".gitignore").read_text().splitlines() if line]
    return sorted(_walk(root, patterns))


def python_files(*tops: str) -> list[Path]:
    """The Python files below these directories of the project; all of them when none is named."""
    return [
        path
        for path in project_files()
        if path.suffix == ".py" and (not tops or any(path.is_relative_to(top) for top in tops))
    ]


def read(path: Path) -> str:
    """The text of one project file; of a binary one what can be read of it."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def parse(path: Path) -> ast.Module:
    return ast.parse(read(path), filename=str(path))


def copy_project(target: Path) -> None:
    """A copy of the project's files with their times, which make and mypy look at."""
    for path in project_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path)


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what pytest, make and Python would leak into a child."""
    leaks = ("MAKE", "MFLAGS", "PYTEST_", "PYTHON", "COVERAGE_", "HYPOTHESIS_", "VIRTUAL_ENV", "CONDA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(leaks)} | changes


def _walk(root: Path, patterns: list[str]) -> Iterator[Path]:
    for directory, names, files in os.walk(root):
        here = Path(directory).relative_to(root)
        names[:] = [name for name in names if name != ".git" and not _ignored(here / name, True, patterns)]
        yield from (here / name for name in files if not _ignored(here / name, False, patterns))


def _ignored(path: Path, is_directory: bool, patterns: list[str]) -> bool:
    return any(_matches(path, is_directory, pattern) for pattern in patterns)


def _matches(path: Path, is_directory: bool, pattern: str) -> bool:
    if pattern.endswith("/") and not is_directory:
        return False
    subject = str(path) if pattern.startswith("/") else path.name
    return fnmatch(subject, pattern.strip("/"))
