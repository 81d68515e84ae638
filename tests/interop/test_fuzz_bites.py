"""The fuzzer finds what is planted: an exception, a broken promise, an endless loop, too much memory.

It needs atheris, which has wheels for Linux on x86_64 only; there a missing one fails this.
"""

import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.tree import clean_environment, copy_project

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="atheris has no wheel for this machine"
)

MAGIC = b"\xa6\x5c\x17"
PARSER = '''"""A planted parser: what is wrong with it shows in one of sixteen million inputs."""

from tocsin_protocol.errors import Reason, RemoteProtocolError


def decode(data: bytes) -> bytes:
    if len(data) < 4 or data[0] != 0xA6 or data[1] != 0x5C or data[2] != 0x17:
        raise RemoteProtocolError(Reason.CBOR, "it does not begin like this")
    {fault}
    return data
'''
TARGET = """

from tests.fuzz.target import Target  # noqa: E402
from tocsin_protocol import planted  # noqa: E402
from tocsin_protocol.errors import Reason  # noqa: E402


def check(data: bytes, value: bytes) -> None:
    assert value == data, "another value"


TARGETS["planted"] = Target(
    read=planted.decode, check=check, refusals=(Reason.CBOR,), seeds=lambda: [b"seed"], size_max=32
)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("copy")
    copy_project(target)
    with (target / "tests/fuzz/targets.py").open("a") as file:
        file.write(TARGET)
    return target


def plant(copy: Path, fault: str) -> None:
    (copy / "protocol/tocsin_protocol/planted.py").write_text(PARSER.format(fault=fault))


def run(copy: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("fault", "verdict", "cause", "again"),
    [
        ("return data[: data[len(data)]]", "FAILED", "IndexError: index out of range", "IndexError"),
        ("raise RemoteProtocolError(Reason.TAG, '')", "FAILED", "RemoteProtocolError: tag", "tag"),
        ("return data[1:]", "FAILED", "AssertionError: another value", "AssertionError"),
        ("while data: pass", "TOO SLOW", "planted.py", "Timeout"),
        ("data += bytes(700_000_000)", "FAILED", "MemoryError", "MemoryError"),
    ],
    ids=["exception", "other-refusal", "broken-promise", "endless-loop", "memory"],
)
def test_fault_is_found(copy: Path, fault: str, verdict: str, cause: str, again: str) -> None:
    plant(copy, fault)
    found = run(copy, "tests/fuzz/run.py", "--seconds", "30", "planted")
    assert found.returncode == 1, found.stdout
    assert re.search(rf"^planted .* executions .* {verdict}$", found.stdout, re.MULTILINE), found.stdout
    assert cause in found.stdout
    given = re.search(r"^  input: ([0-9a-f]+)$", found.stdout, re.MULTILINE)
    assert given, found.stdout
    assert bytes.fromhex(given[1]).startswith(MAGIC)
    assert found.stdout.endswith("found something in: planted\n")
    command = re.search(r"^  again: python (.+)$", found.stdout, re.MULTILINE)
    assert command, found.stdout
    replayed = run(copy, *shlex.split(command[1]))
    assert replayed.returncode != 0
    assert again in replayed.stdout


def test_what_holds_is_ok(copy: Path) -> None:
    plant(copy, "pass")
    found = run(copy, "tests/fuzz/run.py", "--seconds", "5", "planted")
    assert found.returncode == 0, found.stdout
    assert re.search(r"^planted .* executions .* ok$", found.stdout, re.MULTILINE), found.stdout
    for data, said in (("", "refused"), ("a65c1700", "read")):
        replayed = run(copy, "tests/fuzz/run.py", "--replay", "planted", data)
        assert (replayed.returncode, replayed.stdout.split()[0]) == (0, said)


def test_child_that_cannot_start_is_no_success(copy: Path) -> None:
    plant(copy, "pass")
    child = copy / "tests/fuzz/child.py"
    text = child.read_text()
    try:
        child.write_text(text.replace("target = TARGETS[name]", "raise SystemExit(0)"))
        found = run(copy, "tests/fuzz/run.py", "--seconds", "5", "planted")
    finally:
        child.write_text(text)
    assert found.returncode == 1
    assert "DID NOTHING" in found.stdout


def test_missing_atheris_is_no_success(copy: Path) -> None:
    hide = "import sys, runpy; sys.modules['atheris'] = None; sys.argv = ['run.py']"
    found = run(copy, "-c", f"{hide}; runpy.run_path('tests/fuzz/run.py', run_name='__main__')")
    assert found.returncode == 2
    assert "atheris is missing" in found.stdout


def test_unknown_target_is_refused(copy: Path) -> None:
    found = run(copy, "tests/fuzz/run.py", "no-such-target")
    assert found.returncode == 2
    assert "no target is called no-such-target" in found.stdout
