"""Every rule that `make lint` promises is broken once, in a copy, and `make` must say so by name.

It does not judge the project's own files: that is what `make lint` is for.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repository.tree import ROOT, clean_environment, copy_project

DOC = '"""A planted module. It is not part of the project."""\n\n'
NODE = "node/tocsin/planted.py"
PROTOCOL = "protocol/tocsin_protocol/planted.py"
SIMULATION = "simulations/tocsin_sim/planted.py"
REFERENCE = "specs/reference/planted.py"
COMMAND = "node/tocsin/cli/planted.py"
# Put together from pieces, because the rules read this file too.
HOME = "/" + "home" + "/someone/wheel"
INDEX = "https://pypi" + ".org/simple"
NO_SECTION = "TOC-1" + " §999.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """A file that breaks one rule, and what the output must hold together on one line."""

    path: str
    text: str
    said: tuple[str, ...]


def ruff(rule: str, path: str, body: str) -> Offence:
    return Offence(path=path, text=DOC + body, said=(path, rule))


def tidy(path: str, text: str, why: str) -> Offence:
    return Offence(path=path, text=text, said=(path, why))


RUFF = [
    ruff("F401", NODE, "import json\n"),
    ruff("E501", NODE, f"NAME = {'n' * 120!r}\n"),
    ruff("ERA001", NODE, "# value = compute(1)\n"),
    ruff("T201", NODE, 'print("hello")\n'),
    ruff("SLF001", NODE, "def peek(thing: object) -> object:\n    return thing._inside\n"),
    ruff("TID252", NODE, "from . import errors\n\nERRORS = errors\n"),
    ruff("TID251 `os.environ`", NODE, "import os\n\nHOME = os.environ.get(str())\n"),
    ruff("TID251 `os.getenv`", PROTOCOL, "import os\n\nHOME = os.getenv(str())\n"),
    ruff("TID251 `time`", PROTOCOL, "import time\n\nSTART = time.monotonic()\n"),
    ruff("TID251 `time`", NODE, "from time import sleep\n\nWAIT = sleep\n"),
    ruff(
        "TID251 `datetime.datetime.now`", NODE, "import datetime\n\nN = datetime.datetime.now(datetime.UTC)\n"
    ),
    ruff(
        "TID251 `datetime.datetime.utcnow`", NODE, "from datetime import datetime\n\nN = datetime.utcnow()\n"
    ),
    ruff("TID251 `datetime.date.today`", NODE, "from datetime import date\n\nTODAY = date.today()\n"),
    ruff("TID251 `random`", SIMULATION, "import random\n\nDIE = random.random()\n"),
    ruff("TID251 `secrets`", NODE, "from secrets import token_bytes\n\nKEY = token_bytes(32)\n"),
    ruff("TID251 `nacl.utils.random`", PROTOCOL, "from nacl.utils import random\n\nKEY = random(32)\n"),
    ruff(
        "TID251 `nacl.bindings.randombytes`",
        PROTOCOL,
        "import nacl.bindings\n\nKEY = nacl.bindings.randombytes(32)\n",
    ),
]

IMPORTS = [
    Offence(
        path=PROTOCOL, text=DOC + "import tocsin\n", said=("neither the node nor the simulators", "BROKEN")
    ),
    Offence(
        path=SIMULATION, text=DOC + "import tocsin\n", said=("simulators do not import the node", "BROKEN")
    ),
    Offence(
        path=NODE, text=DOC + "import tocsin_sim\n", said=("node does not import the simulators", "BROKEN")
    ),
    Offence(
        path=NODE, text=DOC + "import libp2p.host\n", said=("Only tocsin.transport imports libp2p", "BROKEN")
    ),
    Offence(path=NODE, text=DOC + "import sqlite3\n", said=("Only tocsin.store imports sqlite3", "BROKEN")),
    Offence(path=COMMAND, text=DOC + "import trio\n", said=("neither trio nor libp2p", "BROKEN")),
]

TIDY = [
    tidy(NODE, DOC + "A = 1\n" * 400, "402 lines, at most 400"),
    tidy(NODE, DOC + "def long() -> None:\n" + "    pass\n" * 70, "long has 71 lines, at most 70"),
    tidy(NODE, '"""One sentence is not enough."""\n', "docstring has 1 of 2 sentences"),
    tidy(NODE, "A = 1\n", "docstring has 0 of 2 sentences"),
    tidy(NODE, DOC + f"A = 1  # {NO_SECTION}\n", "TOC-1 has no section 999.9"),
    tidy("specs/planted.md", f"Copy it to {HOME}.\n", "names a place on one machine"),
    tidy(".ci/planted", f"pip install --index-url {INDEX} tocsin\n", "names a package index"),
    tidy(
        "tests/interop/planted/package-lock.json", '{"resolved": "https://example.org/a.tgz"}\n', "resolved"
    ),
    tidy("tests/planted.bin", "0" * 1_000_001, "1000001 bytes, at most 1000000"),
    tidy(PROTOCOL, DOC + "import socket\n", "socket is not on the allow-list"),
    tidy(PROTOCOL, DOC + "from os import path\n", "os.path is not on the allow-list"),
    tidy(PROTOCOL, DOC + "FILE = open('file')\n", "open reaches outside"),
    tidy(REFERENCE, DOC + "import tocsin_protocol\n", "tocsin_protocol is not on the reference's allow-list"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project once more, with the caches of the type checker, so that this takes seconds."""
    target = tmp_path_factory.mktemp("copy")
    copy_project(target)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", target / ".mypy_cache")
    return target


def run_make(copy: Path, target: str) -> str:
    """What `make <target>` says when it fails, with this environment's tools."""
    result = subprocess.run(
        ["make", target, f"VENV={sys.prefix}", "READY="],
        cwd=copy,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode != 0, f"make {target} noticed nothing:\n{result.stdout}"
    return result.stdout


@contextmanager
def planted(copy: Path, offence: Offence) -> Iterator[None]:
    path = copy / offence.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(offence.text)
    try:
        yield
    finally:
        path.unlink()


def assert_bites(copy: Path, target: str, offence: Offence) -> None:
    with planted(copy, offence):
        output = run_make(copy, target)
    assert any(all(part in line for part in offence.said) for line in output.splitlines()), output


def name(offence: Offence) -> str:
    return offence.said[-1]


def test_format_bites(copy: Path) -> None:
    offence = Offence(path=NODE, text=DOC + "A  =  'one'\n", said=(NODE,))
    assert_bites(copy, "lint-format", offence)


@pytest.mark.parametrize("offence", RUFF, ids=name)
def test_ruff_bites(copy: Path, offence: Offence) -> None:
    assert_bites(copy, "lint-ruff", offence)


@pytest.mark.parametrize("offence", IMPORTS, ids=lambda offence: offence.said[0])
def test_import_contracts_bite(copy: Path, offence: Offence) -> None:
    assert_bites(copy, "lint-imports", offence)


@pytest.mark.parametrize("offence", TIDY, ids=name)
def test_tidiness_bites(copy: Path, offence: Offence) -> None:
    assert_bites(copy, "lint-tidy", offence)


def test_types_bite(copy: Path) -> None:
    """One slow run for three promises: typed definitions, right arguments, closed unions matched whole."""
    body = """from typing import assert_never


def loose(value):
    return value


def name_of(value: int | str) -> str:
    match value:
        case int():
            return value
        case _:
            assert_never(value)
"""
    offence = Offence(path=NODE, text=DOC + body, said=())
    with planted(copy, offence):
        output = run_make(copy, "lint-types")
    said = [line for line in output.splitlines() if NODE in line]
    for code in ("[no-untyped-def]", "[return-value]", "[arg-type]"):
        assert any(code in line for line in said), output


def test_make_lint_is_all_of_them() -> None:
    result = subprocess.run(
        ["make", "--dry-run", "lint", f"VENV={sys.prefix}", "READY="],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for command in ("ruff format --check", "ruff check", "mypy --strict", "lint-imports", "test_tidy.py"):
        assert command in result.stdout
