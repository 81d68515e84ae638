"""One target's turn: the child that fuzzes it, how far it is, and how it ended."""

import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.bounds import MEMORY_MB_MAX, TIMEOUT_S
from tests.fuzz.target import AnyTarget

ROOT = Path(__file__).resolve().parents[2]
PATHS = [str(path) for path in (ROOT, ROOT / "protocol", ROOT / "node")]
"""This checkout's packages, whatever is installed."""
AGAIN = "python tests/fuzz/run.py --replay"
PATIENCE_S = 60
"""A child that outlives its time by so much hangs where no signal reaches it."""
OK = "ok"
VERDICTS = {0: OK, 70: "TOO SLOW", 71: "TOO MUCH MEMORY", 77: "FAILED"}
PROGRESS = re.compile(r"#(\d+)\t(?:.* corp: (\d+)/)?")
EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")
SPEED = re.compile(r"stat::average_exec_per_sec: +(\d+)")
INPUT = re.compile(r"^MS: ", re.MULTILINE)
"""What the fuzzer says of the input, after the cause."""
NOISE = "INFO:", "WARNING:"
CAUSE_LINES_MAX = 40


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`cause` is what was said when it ended, `finding` the input that did it."""

    name: str
    verdict: str
    executions: int
    per_second: int
    corpus: int
    cause: list[str]
    finding: bytes | None

    @property
    def is_ok(self) -> bool:
        return self.verdict == OK

    def report(self) -> str:
        line = (
            f"{self.name:15} {self.executions:>11,} executions {self.per_second:>8,}/s"
            f"  corpus {self.corpus:>5,}  {self.verdict}"
        )
        if self.is_ok:
            return line
        lines = [line, *(f"    {said}" for said in self.cause)]
        if self.finding is not None:
            given = self.finding.hex() or "''"
            lines += [f"  input: {given}", f"  again: {AGAIN} {self.name} {given}"]
        return "\n".join(lines)


class Job:
    """`corpus` is read first and keeps what leads further; `scratch` is for this run only."""

    def __init__(self, *, name: str, target: AnyTarget, seconds: int, corpus: Path, scratch: Path) -> None:
        self.name = name
        self.executions = 0
        self._corpus_count = 0
        self._seconds = seconds
        self._size_max = target.size_max
        self._corpus = corpus
        self._seeds = scratch / "seeds"
        self._finding = scratch / "finding"
        self._said_last: list[str] = []
        corpus.mkdir(parents=True, exist_ok=True)
        self._seeds.mkdir(parents=True)
        for number, seed in enumerate(target.seeds()):
            (self._seeds / str(number)).write_bytes(seed)

    def run(self) -> Outcome:
        child = subprocess.Popen(
            self._command(),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        patience = threading.Timer(self._seconds + PATIENCE_S, child.kill)
        patience.start()
        try:
            for line in child.stdout or ():
                self._note(line)
            return self._judge(child.wait())
        finally:
            patience.cancel()

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "tests.fuzz.child", self.name),
            f"-max_total_time={self._seconds}",
            f"-timeout={TIMEOUT_S}",
            f"-rss_limit_mb={MEMORY_MB_MAX}",
            f"-max_len={self._size_max}",
            f"-exact_artifact_path={self._finding}",
            "-print_final_stats=1",
            *(str(self._corpus), str(self._seeds)),
        ]

    def _note(self, line: str) -> None:
        """Whatever leads further is a line of numbers; what comes after the last of them is the end."""
        numbers = PROGRESS.match(line)
        if numbers is None:
            self._said_last.append(line)
            return
        self._said_last.clear()
        self.executions = int(numbers[1])
        self._corpus_count = int(numbers[2] or self._corpus_count)

    def _judge(self, code: int) -> Outcome:
        said = "".join(line for line in self._said_last if not line.startswith(NOISE))
        executed, speed = EXECUTED.search(said), SPEED.search(said)
        executions = int(executed[1]) if executed else 0
        verdict = VERDICTS.get(code, f"ENDED WITH {code}")
        if verdict == OK and executions <= len(list(self._seeds.iterdir())):
            verdict = "DID NOTHING"
        return Outcome(
            name=self.name,
            verdict=verdict,
            executions=executions,
            per_second=int(speed[1]) if speed else 0,
            corpus=self._corpus_count,
            cause=[line for line in INPUT.split(said)[0].splitlines() if line][-CAUSE_LINES_MAX:],
            finding=self._finding.read_bytes() if self._finding.exists() else None,
        )
