"""Coverage-guided fuzzing of every parser: `run.py [--seconds N] [name ...]` or `run.py --replay name hex`.

It ends with 1 when a target found something, and prints the input; what it learnt stays in results/fuzz.
"""

import argparse
import faulthandler
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from math import ceil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "protocol"), str(ROOT / "node")]

from tests.fuzz.bounds import TIMEOUT_S, limit_memory  # noqa: E402
from tests.fuzz.job import Job, Outcome  # noqa: E402
from tests.fuzz.target import AnyTarget  # noqa: E402
from tests.fuzz.targets import TARGETS  # noqa: E402

START_S = 2.5
"""What a child takes before its first execution and after its last, in whole seconds of its own."""
CORPUS = ROOT / "results" / "fuzz"
INTERRUPTED = 130
REWRITE = "\r\x1b[K"
STATUS_S = 1 if sys.stderr.isatty() else 30
WITHOUT_ATHERIS = "atheris is missing: it has wheels for Linux on x86_64 only; make properties needs none"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="targets; all of them by default")
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="for all of them together")
    parser.add_argument("--replay", nargs=2, metavar=("name", "hex"), help="run one input in this process")
    options = parser.parse_args(arguments)
    names = options.replay[:1] if options.replay else options.names or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"no target is called {', '.join(unknown)}: use {', '.join(TARGETS)}")
    if options.replay:
        return replay(TARGETS[names[0]], bytes.fromhex(options.replay[1]))
    if importlib.util.find_spec("atheris") is None:
        print(WITHOUT_ATHERIS)
        return 2
    return fuzz(names, options.seconds)


def replay(target: AnyTarget, data: bytes) -> int:
    """Within the bounds of the fuzzer; what it found shows as a traceback, or as the place where it hung."""
    faulthandler.dump_traceback_later(TIMEOUT_S, exit=True)
    limit_memory()
    print("read" if target.run(data) else "refused as documented")
    return 0


def fuzz(names: list[str], seconds: float) -> int:
    workers = min(len(os.sched_getaffinity(0)), len(names))
    rounds = ceil(len(names) / workers)
    share_s = max(1, round(seconds / rounds - START_S))
    print(f"{len(names)} targets for {share_s} s each, {workers} at a time", flush=True)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
        jobs = [
            Job(
                name=name,
                target=TARGETS[name],
                seconds=share_s,
                corpus=CORPUS / name,
                scratch=Path(scratch, name),
            )
            for name in names
        ]
        try:
            findings = [outcome.name for outcome in follow({pool.submit(job.run): job for job in jobs})]
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            return INTERRUPTED
    print(f"found something in: {', '.join(findings)}" if findings else "found nothing")
    return 1 if findings else 0


def follow(jobs: dict[Future[Outcome], Job]) -> Iterator[Outcome]:
    """Prints how each of them ends, and between that how far they are; gives those that found something."""
    waiting = set(jobs)
    while waiting:
        done, waiting = wait(waiting, timeout=STATUS_S, return_when=FIRST_COMPLETED)
        for future in done:
            print(REWRITE if sys.stderr.isatty() else "", end="", file=sys.stderr, flush=True)
            print(future.result().report(), flush=True)
            if not future.result().is_ok:
                yield future.result()
        if not done or sys.stderr.isatty():
            print_status(jobs, waiting)


def print_status(jobs: dict[Future[Outcome], Job], waiting: set[Future[Outcome]]) -> None:
    """On a terminal one line that is written again and again; in a log a line now and then."""
    running = [f"{jobs[future].name} {jobs[future].executions:,}" for future in waiting if future.running()]
    status = f"{len(jobs) - len(waiting)} of {len(jobs)} done; {', '.join(running)}"
    start, end = (REWRITE, "") if sys.stderr.isatty() else ("", "\n")
    print(start + status, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
