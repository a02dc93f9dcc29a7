"""Removes recordings and messages for good, also while a daemon runs; their rows stay.

First the file, then the mark: what a crash left undone is done by asking again.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, TypeAlias

import orjson

from ari_app.errors import StoreError
from ari_app.store import connect, queries, retention
from ari_app.store.retention import Due

What: TypeAlias = Literal["recording", "message"]
_SQL = queries.load("retention")
_MARK: Final[Mapping[What, Callable[[sqlite3.Connection, Due, float], None]]] = {
    "recording": retention.mark_removed,
    "message": retention.mark_message_removed,
}


def standing(store: Path, what: What, names: Sequence[str], why: str) -> list[Due]:
    """Those of the recordings or messages whose file stands; `why` they are to go. StoreError: there is no store."""
    with closing(connect.reading(store)) as conn:
        rows = conn.execute(_SQL[f"{what}s_named"], {"names": orjson.dumps(names).decode()})
        return [Due(name, path, why) for name, path in rows]


def remove(store: Path, folder: Path, what: What, dues: Sequence[Due], at: float) -> None:
    """Remove their files below `folder`, and note it in the store and its audit. StoreError: some stand."""
    with closing(connect.writing(store)) as conn:
        try:
            for due in dues:
                (folder / due.path).unlink(missing_ok=True)
                conn.execute("BEGIN IMMEDIATE")
                _MARK[what](conn, due, at)
                conn.execute("COMMIT")
        except (OSError, sqlite3.Error) as problem:
            raise StoreError(f"Not everything was removed: {problem}.\nMend that, and ask again.") from problem
