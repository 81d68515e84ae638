"""Stamp searches beside the loop: they find what pays, end when nobody waits, and leave nothing behind."""

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from hashlib import blake2b
from pathlib import Path

import pytest
import trio

from tocsin.stamp_helper import REQUEST_SIZE, serve
from tocsin.stamp_worker import InlineStampFinder, ProcessStampFinder, StampFinder
from tocsin_protocol.stamp import MID_PERSON, MID_SIZE, is_paid

NEED = 3_000
NEVER = 1 << 63
"""No search for this ends in our lifetime."""
PATIENCE_S = 20
FALLING_SHORT = "import sys; sys.stdin.buffer.read(48); sys.stdout.buffer.write(b'1234'); sys.stdout.flush()"
ORPHAN = """
import subprocess, sys, trio
from tests.node.test_stamp_worker import NEVER, children
from tocsin.stamp_worker import ProcessStampFinder
async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ProcessStampFinder().find, bytes(32), NEVER)
        while not children():
            await trio.lowlevel.checkpoint()
        print(*children(), flush=True)
trio.run(main)
"""


@pytest.fixture
async def finder() -> AsyncIterator[ProcessStampFinder]:
    made = ProcessStampFinder()
    yield made
    await made.aclose()
    assert children() == []


def subject(number: int) -> bytes:
    return blake2b(bytes([number]), digest_size=32).digest()


def pays(number: int, nonce: bytes, need: int = NEED) -> bool:
    mid = blake2b(subject(number) + nonce, digest_size=MID_SIZE, person=MID_PERSON).digest()
    return is_paid(mid, need)


def children() -> list[int]:
    """Processes that this one has started and not let go, zombies among them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(stat.parent.name))
    return found


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


async def test_inline_searches_pay() -> None:
    nonces = [await InlineStampFinder().find(subject(number), NEED) for number in range(3)]
    assert all(pays(number, nonce) for number, nonce in enumerate(nonces))


async def test_an_inline_search_leaves_the_loop_to_others_and_can_be_cancelled() -> None:
    turns = 0
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(InlineStampFinder().find, subject(0), NEVER)
            while turns < 10:
                await trio.lowlevel.checkpoint()
                turns += 1
            nursery.cancel_scope.cancel()
    assert turns == 10


async def test_searches_in_a_process_pay(finder: ProcessStampFinder) -> None:
    nonces = [await finder.find(subject(number), NEED) for number in range(3)]
    assert all(pays(number, nonce) for number, nonce in enumerate(nonces))
    assert len(children()) == 1


async def test_searches_at_once_are_answered_each_with_its_own(finder: ProcessStampFinder) -> None:
    nonces: dict[int, bytes] = {}

    async def find(number: int) -> None:
        nonces[number] = await finder.find(subject(number), NEED)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(find, number)
    assert len(nonces) == 5
    assert all(pays(number, nonce) for number, nonce in nonces.items())


async def until_begun(finder: StampFinder, nursery: trio.Nursery) -> int:
    """The helper of a search that never ends."""
    nursery.start_soon(finder.find, subject(0), NEVER)
    with trio.fail_after(PATIENCE_S):
        while not (found := children()):
            await trio.lowlevel.checkpoint()
    return found[0]


async def test_cancelling_ends_the_helper(finder: ProcessStampFinder) -> None:
    async with trio.open_nursery() as nursery:
        await until_begun(finder, nursery)
        nursery.cancel_scope.cancel()
    assert children() == []
    assert pays(1, await finder.find(subject(1), NEED))


async def test_who_waits_for_a_cancelled_search_gets_a_turn(finder: ProcessStampFinder) -> None:
    nonces: list[bytes] = []

    async def find() -> None:
        nonces.append(await finder.find(subject(1), NEED))

    async with trio.open_nursery() as waiting, trio.open_nursery() as cancelled:
        await until_begun(finder, cancelled)
        waiting.start_soon(find)
        cancelled.cancel_scope.cancel()
    assert pays(1, nonces[0])


async def test_a_helper_that_was_killed_is_replaced(finder: ProcessStampFinder) -> None:
    await finder.find(subject(0), NEED)
    (killed,) = children()
    os.kill(killed, signal.SIGKILL)
    assert pays(1, await finder.find(subject(1), NEED))
    assert pays(2, await finder.find(subject(2), NEED))
    (replacement,) = children()
    assert replacement != killed


@pytest.mark.parametrize(
    "helper",
    [
        ("/nowhere/python",),
        (sys.executable, "-c", ""),
        (sys.executable, "-c", "import sys; sys.stdin.buffer.read(48)"),
        (sys.executable, "-c", FALLING_SHORT),
    ],
    ids=["missing", "gone at once", "dies searching", "dies answering"],
)
async def test_a_helper_that_fails_is_done_without(helper: tuple[str, ...]) -> None:
    finder = ProcessStampFinder(helper)
    for number in range(2):
        assert pays(number, await finder.find(subject(number), NEED))
        assert children() == []


async def test_nothing_is_left_behind() -> None:
    before = descriptors()
    finder = ProcessStampFinder()
    await finder.aclose()
    await finder.find(subject(0), NEED)
    assert descriptors() != before
    await finder.aclose()
    await finder.aclose()
    assert children() == []
    assert descriptors() == before


async def test_an_answer_that_nobody_took_is_not_the_next_one_s(finder: ProcessStampFinder) -> None:
    for number in range(4):
        with trio.CancelScope() as scope:
            scope.cancel()
            await finder.find(subject(number), NEED)
        assert pays(number + 1, await finder.find(subject(number + 1), NEED))


async def test_a_request_that_cannot_be_written_down_ends_no_later_one(finder: ProcessStampFinder) -> None:
    with pytest.raises(OverflowError):
        await finder.find(subject(0), 1 << 200)
    assert pays(1, await finder.find(subject(1), NEED))


async def test_ctrl_c_is_not_for_the_helper(finder: ProcessStampFinder) -> None:
    await finder.find(subject(0), NEED)
    (helper,) = children()
    assert os.getsid(helper) != os.getsid(0)


async def test_files_in_the_working_directory_are_not_imported(
    finder: ProcessStampFinder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("hashlib.py", "signal.py", "typing.py", "tocsin.py"):
        (tmp_path / name).write_text("raise SystemExit('somebody else is in the house')\n")
    monkeypatch.chdir(tmp_path)
    assert pays(0, await finder.find(subject(0), NEED))
    assert len(children()) == 1


def test_a_helper_does_not_outlive_its_node() -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", ORPHAN]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        helper = os.pidfd_open(int(node.stdout.readline()))
        node.kill()
        node.wait()
    try:
        ended, _, _ = select.select([helper], [], [], PATIENCE_S)
    finally:
        os.close(helper)
    assert ended


def request(number: int, need: int = NEED) -> bytes:
    return subject(number) + need.to_bytes(16, "big")


def test_the_helper_answers_in_order_until_its_input_ends() -> None:
    answers = io.BytesIO()
    serve(io.BytesIO(request(1) + request(2) + request(3)[: REQUEST_SIZE - 1]), answers, lambda: True)
    nonces = answers.getvalue()
    assert len(nonces) == 16
    assert pays(1, nonces[:8])
    assert pays(2, nonces[8:])


def test_the_helper_gives_up_what_nobody_waits_for() -> None:
    answers = io.BytesIO()
    still_wanted = partial(next, iter([True, False]))
    serve(io.BytesIO(request(1, NEVER) + request(2)), answers, still_wanted)
    assert answers.getvalue() == b""
