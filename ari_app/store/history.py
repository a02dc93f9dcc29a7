"""One run of the daemon as the journal keeps it: its inputs with their `now`, and the facts it noted. For replay.

Erased numbers and notes read `erased` in both, and digits of secrets `x`: decisions do not depend on them. They do on
what else is gone of an erased person's calls: what he typed, and answers of look-ups.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from ari_app.model.events import Event
from ari_app.model.facts import Fact
from ari_app.store import connect, queries, rows
from ari_app.store.personal import Values

_SQL = queries.load("history")


@dataclass(frozen=True)
class History:
    """`epochs`: run → number of events kept."""

    conn: Connection
    epochs: dict[int, int]

    def events(self, epoch: int) -> Iterator[tuple[float, Event]]:
        return self._read("events_of", epoch)

    def facts(self, epoch: int) -> Iterator[tuple[float, Fact]]:
        return self._read("facts_of", epoch)

    def _read(self, query: str, epoch: int) -> Iterator[tuple[float, Any]]:
        values = Values(self.conn)
        for at, kind, body in self.conn.execute(_SQL[query], (epoch,)):
            yield at, rows.record_of(kind, body, values)


@contextmanager
def open_history(path: Path) -> Iterator[History]:
    """StoreError when there is no store."""
    with closing(connect.reading(path)) as conn:
        yield History(conn, dict(conn.execute(_SQL["epochs"]).fetchall()))
