"""Forgets a person: numbers, notes, typed digits and what events tell of him go; keys and rows stay, so that every fact
and figure is as before."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from ari_app.errors import StoreError
from ari_app.model.ids import Number
from ari_app.store import connect, emergency, queries
from ari_app.store.person import calls_of, keys_of

_SQL = queries.load("retention")
_AUDIT = queries.load("journal")["add_audit"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """`calls` that are about the person; names of `recordings` and `messages` that hold a voice and still stand:
    removal.remove makes them go too.

    `scrubbed`: what was erased is out of the store's files; False while a reader keeps an old view open.
    """

    persons: tuple[int, ...]  # Keys, one for each spelling of the number.
    calls: int
    recordings: tuple[str, ...]
    messages: tuple[str, ...]
    scrubbed: bool = False


def about(path: Path, numbers: Sequence[Number]) -> Erasure:
    """What erasing whoever has one of these numbers would be about. StoreError when the store cannot be read."""
    with closing(connect.reading(path)) as conn:
        return _about(conn, keys_of(conn, numbers))


def erase_person(path: Path, numbers: Sequence[Number], at: float, by: str) -> Erasure | None:
    """Erase a number, in all its spellings, from the store at `path`, also while a daemon runs; None when it is not
    known there. `by` is who asked, for the audit. StoreError when the store cannot be written, or rows wait in the
    emergency file: nothing is erased then."""
    if emergency.is_used(emergency.beside(path)):
        raise StoreError("Rows wait in the emergency file and may hold the number.\nErase when the store writes again.")
    if not path.exists():
        raise StoreError(f"There is no store at {path}.")
    with closing(connect.writing(path)) as conn:
        try:
            return _erase(conn, keys_of(conn, numbers), at, by)
        except sqlite3.Error as problem:
            raise StoreError(f"The number was not erased: {problem}.\nTry again.") from problem


def _erase(conn: sqlite3.Connection, keys: Sequence[int], at: float, by: str) -> Erasure | None:
    if not keys:
        return None
    found = _about(conn, keys)
    theirs = {"keys": orjson.dumps(keys).decode(), "calls": orjson.dumps(calls_of(conn, keys)).decode(), "at": at}
    # Reads every event: not while others wait to write.
    told = [row for query in ("digits_of", "told_of") for row in conn.execute(_SQL[query], theirs)]
    conn.execute("BEGIN IMMEDIATE")
    conn.execute(_SQL["erase"], theirs)
    conn.execute(_SQL["erase_notes"], theirs)
    conn.executemany(_SQL["erase_told"], [{"id": id_, "part": part, "empty": empty} for id_, part, empty in told])
    conn.executemany(_AUDIT, [(at, "erase-person", str(key), f"asked by {by}") for key in keys])
    conn.execute("COMMIT")
    busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return replace(found, scrubbed=not busy)


def _about(conn: sqlite3.Connection, keys: Sequence[int]) -> Erasure:
    calls = calls_of(conn, keys)
    theirs = {"calls": orjson.dumps(calls).decode()}
    recordings, messages = (
        tuple(row[0] for row in conn.execute(_SQL[query], theirs)) for query in ("recordings_of", "messages_of")
    )
    return Erasure(tuple(keys), len(calls), recordings, messages)
