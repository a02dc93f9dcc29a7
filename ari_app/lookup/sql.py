"""Runs a configured query on an SQLite file that is opened read-only: one row, named parameters, bounded time.

The query may only read: writing, ATTACH and PRAGMA are refused by SQLite itself, whatever the .sql file says.
"""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Final

import structlog

from ari_app.errors import LookUpFailed
from ari_app.model.machine import SqlLookUp

log = structlog.get_logger(__name__)

Scalar = str | int | float | bool

VALUE_BYTES_MAX: Final = 1_000_000
TEXT_MAX: Final = 1_000
THREADS: Final = 8
STEPS: Final = 1_000  # SQLite instructions between looks at the clock.

_READS: Final = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


class SqlLookUps:
    """The queries by name; relative paths start at `home`. Files are opened anew for each question."""

    def __init__(self, queries: Mapping[str, SqlLookUp], home: Path) -> None:
        self._queries = queries
        self._home = home
        self._threads = ThreadPoolExecutor(THREADS, "look-up-sql")  # Not the loop's own: a slow file holds up only us.

    def names(self) -> tuple[str, ...]:
        """Every one there is, in order."""
        return tuple(sorted(self._queries))

    async def ask(self, name: str, request: Mapping[str, str], timeout_s: float) -> Mapping[str, Scalar]:
        """The first row. LookUpFailed: no-such-query, not-found (no row), missing-value, timeout, broken."""
        if name not in self._queries:
            raise LookUpFailed("no-such-query")
        query = self._queries[name]
        limit_s = min(timeout_s, query.timeout_s)
        given_up = threading.Event()
        try:
            async with asyncio.timeout(limit_s + 0.25):  # SQLite stops itself at the limit.
                work = partial(copy_context().run, self._row, name, dict(request), limit_s, given_up)
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise LookUpFailed("timeout") from None
        finally:
            given_up.set()

    def _row(self, name: str, request: dict[str, str], limit_s: float, given_up: threading.Event) -> dict[str, Scalar]:
        query, end = self._queries[name], time.monotonic() + limit_s
        try:
            sql = _query(self._home / query.queries, query.query or name)
            with closing(_reading(self._home / query.database, limit_s)) as conn:
                conn.set_progress_handler(lambda: given_up.is_set() or time.monotonic() > end, STEPS)
                row = conn.execute(sql, request).fetchone()
        except (OSError, UnicodeDecodeError, sqlite3.Error) as error:
            raise LookUpFailed(_reason(name, error)) from None
        if row is None:
            raise LookUpFailed("not-found")
        return {key: row[key] for key in row.keys() if _COLUMN.fullmatch(key) and _is_scalar(row[key])}  # noqa: SIM118


def _query(file: Path, name: str) -> str:
    """The text under `-- name: NAME`, up to the next name."""
    for block in file.read_text(encoding="utf-8").split("-- name:")[1:]:
        title, _, text = block.partition("\n")
        if title.strip() == name:
            return text
    raise FileNotFoundError(f"no query {name} in {file}")


def _reading(file: Path, wait_s: float) -> sqlite3.Connection:
    conn = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=wait_s)
    conn.row_factory = sqlite3.Row
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)
    conn.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    return conn


def _reason(name: str, error: Exception) -> str:
    match error:
        case sqlite3.OperationalError() if error.sqlite_errorcode in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY):
            return "timeout"
        case sqlite3.ProgrammingError() if "did not supply a value" in str(error):
            return "missing-value"
    log.error("look-up query broken", query=name, reason=f"{type(error).__name__}: {error}")
    return "broken"


def _is_scalar(value: object) -> bool:
    match value:
        case str():
            return len(value) <= TEXT_MAX
        case float():
            return isfinite(value)
        case _:
            return isinstance(value, int)
