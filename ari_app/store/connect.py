"""Opens SQLite connections the way this store wants them."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import structlog

from ari_app.errors import StoreDamaged, StoreError
from ari_app.store import queries
from ari_app.store.faults import is_damage

BUSY_MS: Final = 1000
LARGE: Final = 256 << 20  # Bytes from which a look through the store takes about a second, and is said.
_AUDIT: Final = queries.load("journal")["add_audit"]
_log = structlog.get_logger("store")


def writing(path: Path, check: bool = True) -> sqlite3.Connection:
    """A connection that may write: made if missing (0600), checked, migrated. StoreError with a cure otherwise, of
    kind StoreDamaged when the file is no store, or not all of it.

    `check` reads the whole store: 3 to 4 s a GB, when its pages are in memory.

    Transactions are explicit (BEGIN IMMEDIATE … COMMIT). `secure_delete`: what is erased leaves no bytes behind;
    without it 16 of 200 erased numbers were still found in a file of 8,000 persons (pages split), with it none.
    `temp_store`: what a savepoint may have to undo stays in memory; otherwise nearly every transaction makes a file of
    it (180 writes a call instead of 76). The store itself and its WAL are as before.
    """
    from ari_app.store.migrations import migrate  # Who only reads waits 0.1 s less.

    conn: sqlite3.Connection | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _made(path)
        conn = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("PRAGMA secure_delete = ON")
        conn.execute("PRAGMA journal_size_limit = 67108864")
        conn.execute("PRAGMA temp_store = MEMORY")
        if check:
            _check(conn, path)
        migrate(conn)
    except StoreDamaged:
        if conn is not None:
            conn.close()
        raise
    except (OSError, sqlite3.Error) as problem:
        if conn is not None:
            conn.close()
        if is_damage(problem):
            raise StoreDamaged(_cure(path, problem), str(problem)) from problem
        raise StoreError(_cure(path, problem)) from problem
    return conn


def _made(path: Path) -> None:
    """Only if it is missing, and nobody may open the store past SQLite: closing any handle of a file takes away every
    lock this process has on it (POSIX). Whoever leaves the store next would then be the last one in SQLite's eyes and
    remove the WAL under the others; what they write afterwards is lost."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. StoreError when there is no store at `path`."""
    if not path.exists():
        raise StoreError(f"There is no store at {path}.\nStart the daemon once (hotline run), or mend paths.state.")
    conn: sqlite3.Connection | None = None
    try:
        conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
        conn.row_factory = sqlite3.Row
        conn.execute("SELECT 1 FROM fact LIMIT 1")
    except sqlite3.Error as problem:
        if conn is not None:
            conn.close()
        raise StoreError(_cure(path, problem)) from problem
    return conn


def audit(path: Path, at: float, entry: tuple[str, str, str]) -> None:
    """Keep for ever who looked at what: action, subject, detail. StoreError when it cannot be written: then nobody may
    look."""
    with closing(writing(path, check=False)) as conn:
        try:
            conn.execute(_AUDIT, (at, *entry))
        except sqlite3.Error as problem:
            raise StoreError(f"The audit could not be written: {problem}.\nTry again.") from problem


def harm(conn: sqlite3.Connection) -> str:
    """What a look through the whole store finds wrong; empty: nothing."""
    try:
        found = [str(row[0]) for row in conn.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as problem:
        if is_damage(problem):
            return str(problem)
        raise
    return "" if found == ["ok"] else "; ".join("\n".join(found).splitlines())


def _check(conn: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size > LARGE:
        _log.info("looking through the store before it is used", store=str(path), mib=path.stat().st_size >> 20)
    if why := harm(conn):
        raise StoreDamaged(_cure(path, why), why)


def _cure(path: Path, problem: object) -> str:
    if isinstance(problem, sqlite3.OperationalError) and "locked" in str(problem):
        return (
            f"The store {path} is locked by another program.\n"
            f"`fuser {path}` says which one (a shell with an open transaction, a backup): end it, and start again."
        )
    return (
        f"The store {path} cannot be used: {problem}.\n"
        f"See that its folder can be written and has room; if it is damaged, `sqlite3 {path} .recover` saves what "
        "can be read, or put a backup in its place."
    )
