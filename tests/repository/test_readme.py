"""The README's commands are typed as they stand, in one shell and in their order.

`make` and `uv` lines are left out: the first are run by CI itself, the second by tests/interop.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("make ", "uv ")
LINES_MAX = 150
SESSION_S = 100.0


def script_of(readme: str) -> str:
    """All shell lines, and each Python block as a program of its own."""
    parts = ["set -euo pipefail"]
    for language, code in BLOCK.findall(readme):
        if language == "python":
            parts.append(f"python3 - <<'PROGRAM'\n{code}PROGRAM")
        else:
            parts += [line for line in code.splitlines() if not line.startswith(ELSEWHERE)]
    return "\n".join(parts)


@contextmanager
def own_session(script: str, home: Path) -> Iterator["subprocess.Popen[str]"]:
    """A shell with a home of its own; all that it left running ends with the test."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TOCSIN_", "XDG_"))}
    environment |= {"HOME": str(home), "TOCSIN_HOME": str(home / "t")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            yield shell
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)


def test_a_person_can_type_the_readme(tmp_path: Path) -> None:
    script = script_of(README.read_text("utf-8")) + "\nkill $(jobs -p); wait\necho ALL TYPED"
    with own_session(script, tmp_path) as shell:
        printed, _ = shell.communicate(timeout=SESSION_S)
    assert "ALL TYPED" in printed, printed
    assert "'bob' is a contact" in printed, printed
    assert "Hello — from Alice" in printed, printed
    assert re.search(r"^\d+ [0-9a-f]{32} Hello$", printed, re.MULTILINE), printed
    assert "baseline" in printed, printed


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= LINES_MAX


@pytest.mark.parametrize("target", re.findall(r"^make ([a-z-]+)", README.read_text("utf-8"), re.MULTILINE))
def test_make_knows_the_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
