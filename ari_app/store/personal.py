"""Personal data stands in tables of its own, `person` (numbers) and `note` (what somebody wrote); records hold its key.

A number has one key wherever it comes up. A note has one for what it is about (a message, a screening, else a person),
so that with one person's notes nobody else's go.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from ari_app.model import codec
from ari_app.model.mask import ERASED
from ari_app.store import queries

_SQL = queries.load("journal")
_ABOUT: Final = ("message", "screening")  # Fields that say what a note is about.


def set_apart(
    conn: sqlite3.Connection, kind: str, body: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A record's fields as they are to be kept (`{"person": key}` for a number), and with bare keys, for projections.
    Within the caller's transaction: what is new gets its key."""
    held = codec.apart(kind)
    if not held:
        return body, body
    keys: dict[str, int | None] = {}
    for name, table in held.items():
        keys[name] = _key(conn, table, body[name], _about(body, keys) if table == "note" else "")
    return {**body, **{name: {held[name]: key} for name, key in keys.items()}}, {**body, **keys}


def keys_of(conn: sqlite3.Connection, kind: str, kept: dict[str, Any]) -> dict[str, Any]:
    """A kept record's fields with bare keys; of a record older than a field there is none.

    A note in a record older than its table stays there when it is erased: then it has the erased one's key.
    """
    for name, table in codec.apart(kind).items():
        held, about = kept.get(name), _about(kept, {})
        if isinstance(held, dict):
            kept[name] = held[table]
        elif table == "note" and held and (erased := conn.execute(_SQL["erased_note"], (about,)).fetchone()):
            kept[name] = erased[0]
        else:
            kept[name] = _key(conn, table, held, about)
    return kept


def _about(body: Mapping[str, Any], keys: Mapping[str, int | None]) -> str:
    """What a note in this record is about. `keys`: of the persons in it."""
    named = next((body[name] for name in _ABOUT if body.get(name)), None)
    return str(named or f"person {next(iter(keys.values()), None)}")


def _key(conn: sqlite3.Connection, table: str, value: str | None, about: str) -> int | None:
    """The key of a value, made if it is new; None when there is no value: a number that was withheld."""
    if not value:
        return None
    values = (value,) if table == "person" else (about, value)
    found = conn.execute(_SQL[f"{table}_key"], values).fetchone()
    if found is None:
        found = (conn.execute(_SQL[f"add_{table}"], values).lastrowid,)
    return int(found[0])


class Values:
    """What stands apart, by table and key, looked up once."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._known: dict[tuple[str, int], str] = {}

    def put_back(self, kind: str, kept: dict[str, Any]) -> dict[str, Any]:
        """A kept record's fields as they were: an erased value reads `erased`, one that was withheld is empty."""
        for name, table in codec.apart(kind).items():
            if isinstance(held := kept.get(name), dict):  # A record older than the field, or than its table, has none.
                kept[name] = self._value(table, held[table])
        return kept

    def _value(self, table: str, key: int | None) -> str:
        if key is None:
            return ""
        if (table, key) not in self._known:
            row = self._conn.execute(_SQL[f"{table}_value"], (key,)).fetchone()
            self._known[table, key] = (row[0] if row else None) or ERASED
        return self._known[table, key]
