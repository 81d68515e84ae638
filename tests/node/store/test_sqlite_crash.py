"""A process that is killed, and power that goes: what was acknowledged is there, and nothing by half."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node.store.committer import EVENTS_A_BATCH, batch, whole_batches
from tests.node.store.stores import all_events
from tocsin.store.executor import InlineExecutor
from tocsin.store.sqlite import SqliteStore, open_store

ROOT = Path(__file__).resolve().parents[3]
KILLS = 3
ACKNOWLEDGED_MAX = 30


async def open_inline(path: Path) -> SqliteStore:
    return await open_store(path, executor=InlineExecutor(), boot_id="any")


async def batches_in(path: Path) -> int:
    store = await open_inline(path)
    try:
        number = whole_batches(await store.load())
        events = await all_events(store)
    finally:
        await store.aclose()
    expected = [
        (seen // EVENTS_A_BATCH + 1, seen % EVENTS_A_BATCH) for seen in range(number * EVENTS_A_BATCH)
    ]
    assert [(event.data["batch"], event.data["part"]) for event in events] == expected
    return number


def kill_after(path: Path, first: int, acknowledged: int) -> int:
    """Let it commit until so many batches are acknowledged, kill it at once; the last acknowledged one."""
    command = [sys.executable, "-m", "tests.node.store.committer", str(path), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        heard = [next(child.stdout) for _ in range(acknowledged)]
        child.kill()
        heard += child.stdout
    return int([line for line in heard if line.endswith("\n")][-1])


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "tocsin.db"
    chance = random.Random(seed)
    stored = 0
    for _ in range(KILLS):
        wanted = chance.randint(1, ACKNOWLEDGED_MAX)
        acknowledged = kill_after(path, stored + 1, wanted)
        stored = await batches_in(path)
        print(f"seed {seed}: killed after {acknowledged} batches were acknowledged, {stored} are there")
        assert acknowledged <= stored <= acknowledged + 1


async def test_a_log_that_was_written_by_half_shows_whole_commits_only(tmp_path: Path) -> None:
    """What the disk holds after the power went: the log cut anywhere, or with rubbish where it ends."""
    (tmp_path / "live").mkdir()
    path = tmp_path / "live" / "tocsin.db"
    store = await open_inline(path)
    for number in range(1, 9):
        await store.commit(batch(number))
    log = path.with_name(path.name + "-wal").read_bytes()
    chance = random.Random(3)
    found = set()
    for turn in range(40):
        folder = tmp_path / str(turn)
        folder.mkdir()
        shutil.copy(path, folder)
        length = chance.randrange(len(log) + 1)
        rubbish = chance.randbytes(min(5_000, len(log) - length)) if turn % 2 else b""
        (folder / "tocsin.db-wal").write_bytes(log[:length] + rubbish)
        found.add(await batches_in(folder / "tocsin.db"))
    await store.aclose()
    assert found <= set(range(9))
    assert len(found) > 5
