"""`make` on a machine that has a Python, make and the commands of any system, but no compiler and no uv.

It stops where the environment is ready; what runs in there is tested everywhere else.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.repository.tree import clean_environment, copy_project

COMMANDS = ("make", "sh", "env", "echo", "touch", "rm", "mkdir", "cat", "sed", "find")
AT_ONCE_S = 2.0


class Machine:
    """A copy of the project, and a PATH that holds the named commands and the Pythons put there."""

    def __init__(self, home: Path) -> None:
        self.project = home / "project"
        self.bin = home / "bin"
        self.bin.mkdir()
        copy_project(self.project)
        for command in COMMANDS:
            found = shutil.which(command)
            assert found, f"{command} is not installed"
            (self.bin / command).symlink_to(found)

    def add_python(self, name: str, *, code_first: str = "") -> None:
        """A command that is this test's Python; `code_first` may make it say something else."""
        python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        script = f'exec "{python}" "$@"\n'
        if code_first:
            script = f'[ "$1" = -c ] || exit 1\nexec "{python}" -c "{code_first}\n$2"\n'
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)

    def touch(self, name: str) -> None:
        """Make this file newer than the environment, however coarse the clock of the file system is."""
        ready = self.project / ".venv" / ".ready"
        while (self.project / name).stat().st_mtime_ns <= ready.stat().st_mtime_ns:
            (self.project / name).touch()

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / "make", *arguments],
            cwd=self.project,
            env=clean_environment(PATH=str(self.bin), CC="/bin/false", CXX="/bin/false"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def pretend(version: str) -> str:
    major, minor = version.split(".")
    return f"import sys; sys.version_info = ({major}, {minor}, 0, 'final', 0)"


def test_install_makes_everything_once(machine: Machine) -> None:
    machine.add_python("python3")
    first = machine.make("install")
    assert first.returncode == 0, first.stdout
    assert (machine.project / ".venv" / "bin" / "tocsin").exists()

    began = time.monotonic()
    second = machine.make("install")
    assert second.returncode == 0
    assert "Installing" not in second.stdout
    assert time.monotonic() - began < AT_ONCE_S

    for name in ("pyproject.toml", "constraints.txt"):
        machine.touch(name)
        again = machine.make("install")
        assert again.returncode == 0, again.stdout
        assert "Installing" in again.stdout
        assert "Making" not in again.stdout


@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_a_python_that_does_not_fit_gets_one_line(machine: Machine, version: str) -> None:
    machine.add_python("python3", code_first=pretend(version))
    result = machine.make("demo")
    assert result.returncode != 0
    (line,) = result.stdout.splitlines()
    assert "Python 3.11, 3.12 or 3.13 is needed" in line
    assert f"python3 is {version}" in line
    assert not (machine.project / ".venv").exists()


def test_no_python_gets_one_line(machine: Machine) -> None:
    result = machine.make("test")
    assert result.returncode != 0
    (line,) = result.stdout.splitlines()
    assert "python3 is missing" in line


def test_a_named_python_is_the_only_one_asked(machine: Machine) -> None:
    machine.add_python("python3")
    machine.add_python("old", code_first=pretend("3.10"))
    result = machine.make("install", "PYTHON=old")
    assert result.returncode != 0
    (line,) = result.stdout.splitlines()
    assert "old is 3.10" in line


def test_another_python_is_found_when_python3_does_not_fit(machine: Machine) -> None:
    machine.add_python("python3", code_first=pretend("3.14"))
    machine.add_python("python3.12")
    result = machine.make("--dry-run", "install")
    assert result.returncode == 0, result.stdout
    assert "with python3.12 " in result.stdout


def test_a_python_without_venv_names_the_package(machine: Machine) -> None:
    machine.add_python("python3", code_first="import sys; sys.modules['ensurepip'] = None")
    result = machine.make("install")
    assert result.returncode != 0
    (line,) = result.stdout.splitlines()
    assert f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in line
