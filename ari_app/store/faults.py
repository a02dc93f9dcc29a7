"""Which of SQLite's errors are the machine's fault, and which say that the file itself is damaged."""

import sqlite3
from typing import Final

DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""Primary result codes of a file that is no store any more, or not all of it."""
# The machine's fault, not the row's: try the whole transaction again.
_FAULTS: Final = DAMAGE | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}


def code_of(problem: BaseException) -> int:
    """SQLite's primary result code; 0 for errors of Python's own module."""
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF


def is_fault(problem: Exception) -> bool:
    return isinstance(problem, sqlite3.Error) and code_of(problem) in _FAULTS


def is_damage(problem: BaseException) -> bool:
    return isinstance(problem, sqlite3.Error) and code_of(problem) in DAMAGE
