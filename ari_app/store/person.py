"""What is kept about a person, for whoever has the right to know it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson

from ari_app.model.ids import CallId, Number
from ari_app.store import connect, queries

PARTS: Final = ("calls", "recordings", "messages", "callbacks", "transfers", "screenings")
_SQL = queries.load("person")


def keys_of(conn: sqlite3.Connection, numbers: Sequence[Number]) -> list[int]:
    """The keys of those of the numbers that are known; an erased one is not."""
    return [row[0] for row in conn.execute(_SQL["keys"], {"numbers": orjson.dumps(numbers).decode()})]


def calls_of(conn: sqlite3.Connection, keys: Sequence[int]) -> list[CallId]:
    """Calls that are about these persons, whoever dialled."""
    return [row[0] for row in conn.execute(_SQL["calls_of"], {"keys": orjson.dumps(keys).decode()})]


def kept_of(path: Path, numbers: Sequence[Number], at: float, by: str) -> dict[str, list[dict[str, Any]]] | None:
    """All of PARTS that is kept about whoever has one of these numbers; None when nobody has. That `by` asked is kept
    in the audit. StoreError when the store cannot be read, or that cannot be noted."""
    with closing(connect.reading(path)) as conn:
        keys = keys_of(conn, numbers)
        if not keys:
            return None
        about = {"keys": orjson.dumps(keys).decode(), "calls": orjson.dumps(calls_of(conn, keys)).decode()}
        found = {part: [dict(row) for row in conn.execute(_SQL[part], about)] for part in PARTS}
    connect.audit(path, at, ("show-person", ", ".join(map(str, keys)), f"asked by {by}"))
    return found
