"""The sample customer database: SQLite, made at first use at HOTLINE_CUSTOMERS (else var/customers.db)."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from ari_app.errors import LookUpFailed

HERE: Final = Path(__file__).resolve().parent
BUSY_S: Final = 2.0


def national(number: str) -> str:
    """+86 138…, 0086 138… and 138… are one number: its eleven digits, or what was given."""
    digits = "".join(sign for sign in number if sign in "0123456789")
    return digits[-11:] if len(digits) > 11 and digits[:-11] in ("86", "0086") else digits


@contextmanager
def customers() -> Iterator[sqlite3.Connection]:
    """A connection; each statement is committed by itself."""
    path = Path(os.environ.get("HOTLINE_CUSTOMERS") or HERE.parents[1] / "var" / "customers.db")
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # Only if missing: closing a handle of it takes the locks of our other threads.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    conn = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        conn.row_factory = sqlite3.Row
        if not conn.execute("PRAGMA user_version").fetchone()[0]:
            made = "".join(HERE.joinpath(name).read_text(encoding="utf-8") for name in ("schema.sql", "data.sql"))
            conn.executescript(f"BEGIN IMMEDIATE;\n{made}\nPRAGMA user_version = 1;\nCOMMIT;")
        yield conn
    finally:
        conn.close()


def run(conn: sqlite3.Connection, query: str, **values: Any) -> sqlite3.Cursor:
    """One of queries.sql, by name."""
    return conn.execute(_queries()[query], values)


def customer(conn: sqlite3.Connection, number: str) -> sqlite3.Row:
    """A subscriber's row; LookUpFailed("no-such-number") when there is none."""
    row: sqlite3.Row | None = run(conn, "customer", number=national(number)).fetchone()
    if row is None:
        raise LookUpFailed("no-such-number")
    return row


@cache
def _queries() -> dict[str, str]:
    blocks = HERE.joinpath("queries.sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name: text for name, _, text in (block.partition("\n") for block in blocks)}
