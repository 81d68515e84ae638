"""The durable store: one SQLite file a profile, one transaction a commit, deleted keys overwritten.

It decides nothing about what is stored; the changes it is given are obeyed together or not at all.
"""

import sqlite3
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TypeVar

from tocsin.errors import StoreFailed
from tocsin.store import rows
from tocsin.store.changes import Change
from tocsin.store.executor import Executor
from tocsin.store.records import Event, Snapshot

SCHEMA_VERSION = 1
PAGE_SIZE = 4096
BUSY_TIMEOUT_S = 5.0
DAMAGED = "move it away and restore a backup, or make a new profile"

T = TypeVar("T")


class SqliteStore:
    """Made by `open_store`; every method runs in the executor, one at a time."""

    def __init__(self, path: Path, db: sqlite3.Connection, executor: Executor) -> None:
        self._path = path
        self._db = db
        self._executor = executor

    async def load(self) -> Snapshot:
        return await self._run(self._load)

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        return await self._run(lambda: self._commit(changes))

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        return await self._run(lambda: rows.read_events(self._db, seq, limit))

    async def has_received(self, sender: str, nid: str) -> bool:
        return await self._run(lambda: rows.has_received(self._db, sender, nid))

    async def scrub(self) -> None:
        """Leave no deleted key behind: the write-ahead log still holds the pages of before."""
        await self._run(lambda: self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def aclose(self) -> None:
        await self.scrub()
        await self._run(self._db.close)

    def _load(self) -> Snapshot:
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        (first_seq,) = self._db.execute("SELECT min(seq) FROM events").fetchone()
        return Snapshot(
            boot_id=meta["boot_id"],
            first_seq=first_seq or int(meta["last_seq"]) + 1,
            last_seq=int(meta["last_seq"]),
            contacts=rows.read_contacts(self._db),
            wheels=rows.read_wheels(self._db),
            sending=rows.read_sending(self._db),
            receiving=rows.read_receiving(self._db),
            invites=rows.read_invites(self._db),
            introductions=rows.read_introductions(self._db),
            sends=rows.read_sends(self._db),
            consumers=rows.read_consumers(self._db),
        )

    def _commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            events = [rows.apply(self._db, change) for change in changes]
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return tuple(event for event in events if event is not None)

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await self._executor.run(call)
        except sqlite3.Error as error:
            raise explain(error, self._path) from error


async def open_store(
    path: Path, *, executor: Executor, boot_id: str, size_mib_max: int = 1024
) -> SqliteStore:
    """Open the file, or make it; `boot_id` is used only when it is made."""

    def connect() -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            prepare(db, boot_id, size_mib_max)
        except BaseException:
            db.close()
            raise
        path.chmod(0o600)
        return db

    try:
        db = await executor.run(connect)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return SqliteStore(path, db, executor)


def prepare(db: sqlite3.Connection, boot_id: str, size_mib_max: int) -> None:
    db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute(f"PRAGMA max_page_count = {size_mib_max * 1024 * 1024 // PAGE_SIZE}")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreFailed(f"the profile was written by a newer tocsin (schema {version}): upgrade tocsin")
    if version == 0:
        schema = resources.files("tocsin.store").joinpath("schema.sql").read_text("utf-8")
        db.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    db.execute("INSERT INTO meta VALUES ('boot_id', ?), ('last_seq', '0') ON CONFLICT DO NOTHING", (boot_id,))
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreFailed(f"the profile's database is damaged ({verdict}): {DAMAGED}")


def explain(error: sqlite3.Error, path: Path) -> StoreFailed:
    """SQLite's words, turned into what a person can do about it."""
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_FULL":
            remedy = "the disk, or the store's size limit, is full: free some space and try again"
        case "SQLITE_CORRUPT" | "SQLITE_NOTADB":
            remedy = f"the file is damaged: {DAMAGED}"
        case "SQLITE_CANTOPEN" | "SQLITE_READONLY" | "SQLITE_PERM":
            remedy = "it cannot be opened for writing: check the folder and its permissions"
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            remedy = "another program holds it: close that program and try again"
        case name if name.startswith("SQLITE_IOERR"):
            remedy = "the disk reported an error, or is full: check it and try again"
        case _:
            remedy = "this should not happen: please report it"
    return StoreFailed(f"{path}: {remedy} ({error})")
