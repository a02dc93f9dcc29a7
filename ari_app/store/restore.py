"""What an earlier daemon left open, as the board wants it at start: joined there with what Asterisk still holds."""

from contextlib import closing
from pathlib import Path

from ari_app.model.events import Closure, OpenCall, Restored
from ari_app.model.ids import CallId, LegId, RecordingId
from ari_app.store import connect, queries

_SQL = queries.load("restore")


def left_open(path: Path) -> Restored:
    """Read before anything else is written in this run. StoreError when the store cannot be read."""
    with closing(connect.reading(path)) as conn:
        rows = conn.execute(_SQL["left_open"]).fetchall()
        closures = conn.execute(_SQL["closures"]).fetchall()
    calls = tuple(OpenCall(CallId(c), LegId(leg), at, r and RecordingId(r)) for c, leg, at, r in rows)
    return Restored(calls, tuple(Closure(hours, until) for hours, until in closures))
