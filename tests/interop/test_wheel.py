"""The wheel as a user installs it: a clean environment of each Python, no compiler, far from the checkout.

It does not look at what the node does there; it looks at what lies in the wheel and that it starts.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.repository.tree import ROOT, clean_environment, copy_project

VERSIONS = ("3.11", "3.12", "3.13")
PACKAGES = {"tocsin", "tocsin_protocol", "tocsin_sim"}
UV = str(Path(sys.prefix) / "bin" / "uv")
IMPORT_EVERYTHING = """
import importlib, pkgutil
for name in ("tocsin", "tocsin_protocol", "tocsin_sim"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def run(*command: str | Path, cwd: Path, places: Mapping[str, str] | None = None) -> str:
    """The command's output; without a compiler, and with the output as the reason when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(CC="/bin/false", CXX="/bin/false", **(places or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def find_python(version: str) -> str:
    """An interpreter of this version that answers: on PATH, of pyenv, or one that uv knows."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *sorted(str(path / "bin" / "python") for path in pyenv.glob(f"{version}.*")),
        subprocess.run(
            [UV, "python", "find", "--no-project", "--system", version],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        ).stdout.strip(),
    ]
    for candidate in filter(None, candidates):
        if answers(candidate, version):
            return candidate
    pytest.fail(f"there is no Python {version} on this machine: install python{version}", pytrace=False)


def answers(python: str, version: str) -> bool:
    """Whether it runs: pyenv leaves commands behind that only say what they lack."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=ROOT)
    (built,) = target.glob("*.whl")
    return built


def test_the_wheel_holds_three_packages_and_nothing_beside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    (information,) = tops - PACKAGES
    assert tops == PACKAGES | {information}
    assert information.endswith(".dist-info")
    assert f"{information}/licenses/LICENSE" in names
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_installs_and_starts(wheel: Path, version: str, tmp_path: Path) -> None:
    python = find_python(version)
    environment = tmp_path / "environment"
    run(UV, "venv", "--quiet", "--no-project", "--python", python, environment, cwd=tmp_path)
    shutil.copy(ROOT / "overrides.txt", tmp_path)
    install = ("pip", "install", "--quiet", "--python", environment / "bin" / "python")
    run(UV, *install, "--override", "overrides.txt", f"{wheel}[sim]", cwd=tmp_path)

    run(environment / "bin" / "python", "-c", IMPORT_EVERYTHING, cwd=tmp_path)
    assert "Usage: tocsin" in run(environment / "bin" / "tocsin", "--help", cwd=tmp_path)
    assert run(environment / "bin" / "tocsin", "sim", "list", cwd=tmp_path).strip()
    rang = run(environment / "bin" / "tocsin", "demo", "--rings", "2", "--json", cwd=tmp_path)
    assert json.loads(rang.splitlines()[-1])["lost"] == 0


def test_the_readme_installs_it(tmp_path: Path) -> None:
    (line,) = re.findall(r"^(uv tool install .*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    copy_project(tmp_path / "checkout")
    places = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    run(UV, *line.split()[1:], "--python", sys.executable, cwd=tmp_path / "checkout", places=places)
    assert "Usage: tocsin" in run(tmp_path / "bin" / "tocsin", "--help", cwd=tmp_path)
