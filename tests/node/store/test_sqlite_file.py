"""The profile's database as a file: who may read it, and one clear line for whatever is wrong with it."""

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.node.privileges import nobodys_folder
from tests.node.store.stores import KNOWN, all_events, event, send
from tocsin.errors import StoreFailed
from tocsin.store import sqlite
from tocsin.store.changes import DeleteSend, PutSend
from tocsin.store.executor import InlineExecutor
from tocsin.store.records import Ready
from tocsin.store.sqlite import SCHEMA_VERSION, SqliteStore, open_store
from tocsin_protocol.types import EnvelopeBytes

MIB = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tocsin.db"


async def open_inline(path: Path, *, size_mib_max: int = 16) -> SqliteStore:
    return await open_store(path, executor=InlineExecutor(), boot_id="any", size_mib_max=size_mib_max)


async def make(path: Path) -> None:
    store = await open_inline(path)
    await store.commit([KNOWN, *(event(str(number), data={"text": "x" * 500}) for number in range(200))])
    await store.aclose()


async def refusal(path: Path) -> str:
    """The line that opening this file ends with."""
    with pytest.raises(StoreFailed) as caught:
        await open_inline(path)
    return one_line(caught.value, path)


def one_line(error: BaseException, path: Path) -> str:
    line = str(error)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that looks into the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def change_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


def make_folder(path: Path) -> None:
    path.mkdir()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


async def test_nobody_else_may_read_any_of_its_files(path: Path) -> None:
    with umask(0):
        store = await open_inline(path)
        await store.commit([KNOWN])
    private = {"tocsin.db": "0o600", "tocsin.db-wal": "0o600", "tocsin.db-shm": "0o600"}
    assert modes(path.parent) == private
    await store.aclose()


async def test_a_file_that_others_could_read_is_made_private_first(path: Path) -> None:
    await make(path)
    change_mode(path, 0o644)
    store = await open_inline(path)
    await store.commit([KNOWN])
    assert set(modes(path.parent).values()) == {"0o600"}
    await store.aclose()


async def test_what_is_no_database_is_left_as_it_is(path: Path) -> None:
    before = b"Dear diary, today I was not a database.\n" * 200
    write(path, before)
    assert "the file is damaged: move it away and meet your contacts anew" in await refusal(path)
    assert read(path) == before


@pytest.mark.parametrize("place", [100, 4096, 5 * 4096])
async def test_a_damaged_file_is_left_as_it_is(path: Path, place: int) -> None:
    await make(path)
    content = bytearray(read(path))
    content[place : place + 2000] = b"\xff" * 2000
    write(path, bytes(content))
    assert "the file is damaged: move it away and meet your contacts anew" in await refusal(path)
    assert read(path) == content


async def test_a_file_that_was_cut_off(path: Path) -> None:
    await make(path)
    os.truncate(path, 3 * 4096)
    assert "the file is damaged" in await refusal(path)


async def test_a_file_that_is_empty_is_a_new_one(path: Path) -> None:
    write(path, b"")
    store = await open_inline(path)
    assert (await store.load()).last_seq == 0
    await store.aclose()


async def test_another_program_s_database_is_left_as_it_is(path: Path) -> None:
    with connected(path) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    assert "another program wrote it: move it away" in await refusal(path)
    with connected(path) as db:
        assert [name for (name,) in db.execute("SELECT name FROM sqlite_schema")] == ["bookmarks"]


async def test_a_newer_schema(path: Path) -> None:
    await make(path)
    with connected(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert "a newer tocsin wrote it (schema 2): upgrade tocsin" in await refusal(path)


async def test_a_table_that_is_gone(path: Path) -> None:
    await make(path)
    store = await open_inline(path)
    with connected(path) as db:
        db.execute("DROP TABLE sends")
    with pytest.raises(StoreFailed, match="damaged") as caught:
        await store.load()
    one_line(caught.value, path)
    with pytest.raises(StoreFailed, match="damaged"):
        await store.aclose()


async def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    assert "check the folder and its permissions" in await refusal(tmp_path / "missing" / "tocsin.db")


async def test_a_folder_in_its_place(path: Path) -> None:
    make_folder(path)
    assert "check the folder and its permissions" in await refusal(path)


async def test_a_folder_that_is_read_only() -> None:
    with nobodys_folder() as folder:
        change_mode(folder, 0o500)
        line = await refusal(folder / "tocsin.db")
        change_mode(folder, 0o700)
    assert "check the folder and its permissions (Permission denied)" in line


async def fill(store: SqliteStore) -> tuple[int, str]:
    """Append until it refuses: how many events it took, and its line."""
    for number in range(100):
        try:
            await store.commit([event(str(number), data={"text": "x" * 50_000})])
        except StoreFailed as error:
            return number, str(error)
    pytest.fail("a full store took everything")


async def test_a_full_store_keeps_what_it_has_and_goes_on_when_there_is_room(path: Path) -> None:
    store = await open_inline(path, size_mib_max=1)
    large = Ready(envelope=EnvelopeBytes(bytes(100_000)))
    await store.commit([PutSend(send=send(number, large)) for number in range(3)])
    taken, line = await fill(store)
    assert "store_size_mib_max" in line
    assert "\n" not in line
    assert taken > 3
    await store.scrub()
    assert [e.type for e in await all_events(store)] == [str(number) for number in range(taken)]
    await store.commit([DeleteSend(id=0), DeleteSend(id=1)])
    (appended,) = await store.commit([event("late", data={"text": "x" * 50_000})])
    assert appended.seq == taken + 1
    await store.aclose()
    assert len(read(path)) <= MIB


async def test_a_full_store_goes_on_with_a_larger_limit(path: Path) -> None:
    store = await open_inline(path, size_mib_max=1)
    taken, _ = await fill(store)
    await store.aclose()
    store = await open_inline(path, size_mib_max=2)
    more, _ = await fill(store)
    assert (await store.load()).last_seq == taken + more
    assert more > 3
    await store.aclose()


async def test_a_limit_below_the_size_refuses_only_more(path: Path) -> None:
    store = await open_inline(path, size_mib_max=2)
    taken, _ = await fill(store)
    await store.aclose()
    store = await open_inline(path, size_mib_max=1)
    assert len(await all_events(store)) == taken
    await store.aclose()


async def test_a_full_disk_takes_nothing_by_half(path: Path) -> None:
    store = await open_inline(path)
    await store.commit([KNOWN, event("before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB // 4, hard))
    try:
        taken, line = await fill(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the disk" in line
    assert "\n" not in line
    assert len(await all_events(store)) == taken + 1
    (appended,) = await store.commit([event("after")])
    assert appended.seq == taken + 2
    await store.aclose()


async def test_a_file_that_another_program_writes_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0)
    store = await open_inline(path)
    with connected(path) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailed, match="another program holds it: close that program") as caught:
            await store.commit([event("a")])
        one_line(caught.value, path)
        assert "another program holds it" in await refusal(path)
    await store.commit([event("a")])
    await store.aclose()


async def test_keys_that_another_program_keeps_alive_are_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0)
    store = await open_inline(path)
    with connected(path) as db:
        db.execute("BEGIN")
        db.execute("SELECT * FROM meta").fetchall()
        await store.commit([event("a")])
        with pytest.raises(StoreFailed, match="deleted keys stay: close that program") as caught:
            await store.scrub()
        one_line(caught.value, path)
        with pytest.raises(StoreFailed, match="deleted keys stay"):
            await store.aclose()
        with pytest.raises(StoreFailed, match="closed database"):
            await store.load()
    again = await open_inline(path)
    assert [e.type for e in await all_events(again)] == ["a"]
    await again.scrub()
    await again.aclose()


async def test_a_store_that_was_closed_says_so(path: Path) -> None:
    store = await open_inline(path)
    await store.aclose()
    with pytest.raises(StoreFailed, match="closed database"):
        await store.load()
