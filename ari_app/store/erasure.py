"""Forgets a person: the number goes, its key stays, so that every fact, row and figure is as before."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ari_app.errors import StoreError
from ari_app.model.ids import Number, RecordingId
from ari_app.store import connect, emergency, queries

_SQL = queries.load("retention")
_PERSON_KEY = queries.load("journal")["person_key"]
_AUDIT = queries.load("journal")["add_audit"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """`recordings` hold the person's voice and still stand: whether they go too is for the caller to decide.

    `scrubbed`: the number's bytes are out of the store's files; False while a reader keeps an old view open.
    """

    person: int
    calls: int
    recordings: tuple[RecordingId, ...]
    scrubbed: bool


def erase_person(path: Path, number: Number, at: float, by: str) -> Erasure | None:
    """Erase a number from the store at `path`, also while a daemon runs; None when it is not known there. `by` is who
    asked, for the audit. StoreError when the store cannot be written, or rows wait in the emergency file."""
    if emergency.is_used(emergency.beside(path)):
        raise StoreError("Rows wait in the emergency file and may hold the number.\nErase when the store writes again.")
    if not path.exists():
        raise StoreError(f"There is no store at {path}.")
    conn = connect.writing(path)
    try:
        return _erase(conn, number, at, by)
    except sqlite3.Error as problem:
        raise StoreError(f"The number was not erased: {problem}.\nTry again.") from problem
    finally:
        conn.close()


def _erase(conn: sqlite3.Connection, number: Number, at: float, by: str) -> Erasure | None:
    found = conn.execute(_PERSON_KEY, (number,)).fetchone()
    if found is None:
        return None
    person = int(found[0])
    conn.execute("BEGIN IMMEDIATE")
    conn.execute(_SQL["erase"], (at, person))
    conn.execute(_AUDIT, (at, "erase-person", str(person), f"asked by {by}"))
    conn.execute("COMMIT")
    calls = int(conn.execute(_SQL["calls_of"], (person,)).fetchone()[0])
    recordings = tuple(RecordingId(row[0]) for row in conn.execute(_SQL["recordings_of"], (person,)))
    busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return Erasure(person, calls, recordings, scrubbed=not busy)
