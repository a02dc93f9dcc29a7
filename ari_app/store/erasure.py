"""Forgets a person: number, notes and typed digits go, their keys and rows stay, so that every fact and figure is as
before."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ari_app.errors import StoreError
from ari_app.model.ids import Number
from ari_app.store import connect, emergency, queries
from ari_app.store.person import calls_of, keys_of
from ari_app.store.retention import Due

_SQL = queries.load("retention")
_AUDIT = queries.load("journal")["add_audit"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """`calls` that were about the person. `recordings` and `messages` hold a voice and still stand:
    removal.remove makes them go too.

    `scrubbed`: what was erased is out of the store's files; False while a reader keeps an old view open.
    """

    person: int
    calls: int
    recordings: tuple[Due, ...]
    messages: tuple[Due, ...]
    scrubbed: bool


def erase_person(path: Path, number: Number, at: float, by: str) -> Erasure | None:
    """Erase a number from the store at `path`, also while a daemon runs; None when it is not known there. `by` is who
    asked, for the audit. StoreError when the store cannot be written, or rows wait in the emergency file."""
    if emergency.is_used(emergency.beside(path)):
        raise StoreError("Rows wait in the emergency file and may hold the number.\nErase when the store writes again.")
    if not path.exists():
        raise StoreError(f"There is no store at {path}.")
    with closing(connect.writing(path)) as conn:
        try:
            return _erase(conn, number, at, by)
        except sqlite3.Error as problem:
            raise StoreError(f"The number was not erased: {problem}.\nTry again.") from problem


def _erase(conn: sqlite3.Connection, number: Number, at: float, by: str) -> Erasure | None:
    keys = keys_of(conn, [number])
    if not keys:
        return None
    (person,), calls = keys, calls_of(conn, keys)
    theirs = {"calls": orjson.dumps(calls).decode(), "at": at}
    typed = conn.execute(_SQL["digits_of"], theirs).fetchall()  # Reads every event: not while others wait to write.
    conn.execute("BEGIN IMMEDIATE")
    conn.execute(_SQL["erase"], (at, person))
    conn.execute(_SQL["erase_notes"], theirs)
    conn.executemany(_SQL["erase_digit"], typed)
    conn.execute(_AUDIT, (at, "erase-person", str(person), f"asked by {by}"))
    conn.execute("COMMIT")
    recordings = _standing(conn.execute(_SQL["recordings_of"], theirs).fetchall())
    messages = _standing(conn.execute(_SQL["messages_of"], theirs).fetchall())
    busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return Erasure(person, len(calls), recordings, messages, scrubbed=not busy)


def _standing(rows: Sequence[Any]) -> tuple[Due, ...]:
    return tuple(Due(name, path, "erased") for name, path in rows)
