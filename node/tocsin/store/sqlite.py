"""The durable store: one SQLite file a profile, one transaction a commit, deleted keys overwritten.

It decides nothing about what is stored; the changes it is given are obeyed together or not at all.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TypeVar

from tocsin.errors import StoreFailed
from tocsin.store import rows
from tocsin.store.changes import Change, ChangeRefused
from tocsin.store.executor import Executor
from tocsin.store.records import EVENTS_MAX, Event, Snapshot

SCHEMA_VERSION = 1
PAGE_SIZE = 4096
BUSY_TIMEOUT_S = 5.0
DAMAGED = "move it away and meet your contacts anew; an old copy must not come back, it would reuse keys"

UNWRITABLE = "it cannot be opened for writing: check the folder and its permissions"

T = TypeVar("T")


class SqliteStore:
    """Made by `open_store`; every method runs in the executor, one at a time."""

    def __init__(self, path: Path, db: sqlite3.Connection, executor: Executor, events_max: int) -> None:
        self._path = path
        self._db = db
        self._executor = executor
        self._events_max = events_max
        self._scrubbed = False

    async def load(self) -> Snapshot:
        return await self._run(self._load)

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        return await self._run(lambda: self._commit(changes))

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        return await self._run(lambda: rows.read_events(self._db, seq, limit))

    async def has_received(self, sender: str, nid: str) -> bool:
        return await self._run(lambda: rows.has_received(self._db, sender, nid))

    async def scrub(self) -> None:
        """Leave no deleted key behind, neither in a page's gaps nor in the write-ahead log."""
        await self._run(self._scrub)

    async def aclose(self) -> None:
        try:
            await self.scrub()
        finally:
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
        self._scrubbed = False
        with transaction(self._db):
            events = [event for change in changes if (event := rows.apply(self._db, change)) is not None]
            if events:
                rows.forget_events(self._db, until_seq=events[-1].seq - self._events_max)
        return tuple(events)

    def _scrub(self) -> None:
        if not self._scrubbed:
            # With references on, SQLite would empty tables row by row, and not give up their pages whole.
            self._db.execute("PRAGMA foreign_keys = OFF")
            try:
                with transaction(self._db):
                    rows.rewrite_secrets(self._db)
            finally:
                self._db.execute("PRAGMA foreign_keys = ON")
        busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreFailed(
                f"{self._path}: another program reads it, so deleted keys stay: close that program"
            )
        self._scrubbed = True

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await self._executor.run(call)
        except sqlite3.IntegrityError as error:
            raise ChangeRefused(str(error)) from error
        except sqlite3.Error as error:
            raise explain(error, self._path) from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


async def open_store(
    path: Path,
    *,
    executor: Executor,
    boot_id: str,
    size_mib_max: int = 1024,
    events_max: int = EVENTS_MAX,
) -> SqliteStore:
    """Open the file, or make it; `boot_id` is used only when it is made."""

    def connect() -> sqlite3.Connection:
        # Private before SQLite sees it: the write-ahead log, with keys in it, takes over the file's mode.
        path.touch(mode=0o600)
        path.chmod(0o600)
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            prepare(db, path, boot_id, size_mib_max)
        except BaseException:
            db.close()
            raise
        return db

    try:
        db = await executor.run(connect)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except OSError as error:
        raise StoreFailed(f"{path}: {UNWRITABLE} ({error.strerror})") from error
    return SqliteStore(path, db, executor, events_max)


def prepare(db: sqlite3.Connection, path: Path, boot_id: str, size_mib_max: int) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreFailed(f"{path}: a newer tocsin wrote it (schema {version}): upgrade tocsin")
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables:
        raise StoreFailed(f"{path}: another program wrote it: {DAMAGED}")
    db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA temp_store = MEMORY")  # what is put aside has keys in it
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute(f"PRAGMA max_page_count = {size_mib_max * 1024 * 1024 // PAGE_SIZE}")
    if version == 0:
        schema = resources.files("tocsin.store").joinpath("schema.sql").read_text("utf-8")
        db.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    db.execute("INSERT INTO meta VALUES ('boot_id', ?), ('last_seq', '0') ON CONFLICT DO NOTHING", (boot_id,))
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreFailed(f"{path}: the file is damaged: {DAMAGED} ({' '.join(verdict.split())})")


def explain(error: sqlite3.Error, path: Path) -> StoreFailed:
    """SQLite's words, turned into what a person can do about it."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            remedy = (
                "the disk is full, or store_size_mib_max is reached: free some space, or raise that setting"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR:
            remedy = f"the file is damaged: {DAMAGED}"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            remedy = UNWRITABLE
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            remedy = "another program holds it: close that program and try again"
        case sqlite3.SQLITE_IOERR:
            remedy = "the disk reported an error, or is full: check it and try again"
        case _:
            remedy = "this should not happen: please report it"
    return StoreFailed(f"{path}: {remedy} ({error})")
