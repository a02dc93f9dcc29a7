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
from ari_app.model.ids import RecordingId
from ari_app.store import connect, queries, retention
from ari_app.store.retention import Due

What: TypeAlias = Literal["recording", "message"]
_SQL = queries.load("retention")
_MARK: Final[Mapping[What, Callable[[sqlite3.Connection, Due, float], None]]] = {
    "recording": retention.mark_removed,
    "message": retention.mark_message_removed,
}


def standing(store: Path, what: What, names: Sequence[str]) -> dict[str, str]:
    """Those of the recordings or messages whose file stands, each with its path. StoreError: there is no store."""
    with closing(connect.reading(store)) as conn:
        return _standing(conn, what, names)


def remove(store: Path, folder: Path, what: What, names: Sequence[str], entry: tuple[float, str]) -> None:
    """Remove their files below `folder`; `entry`: when, and why. StoreError: some stand, and are named."""
    at, why = entry
    with closing(connect.writing(store, check=False)) as conn:
        for name in names:
            try:
                conn.execute("BEGIN IMMEDIATE")  # From here on the daemon cannot put a compressed file in its place.
                for path in _standing(conn, what, [name]).values():
                    (folder / path).unlink(missing_ok=True)
                    _MARK[what](conn, Due(RecordingId(name), path, why), at)
                conn.execute("COMMIT")
            except (OSError, sqlite3.Error) as problem:
                left = ", ".join(names[names.index(name) :])
                group = "recording" if what == "recording" else "inbox"
                raise StoreError(
                    f"{left}: not removed: {problem}.\nMend that, and: hotline {group} remove"
                ) from problem


def _standing(conn: sqlite3.Connection, what: What, names: Sequence[str]) -> dict[str, str]:
    return dict(conn.execute(_SQL[f"{what}s_named"], {"names": orjson.dumps(names).decode()}).fetchall())
