"""Messages and call-backs as lists for people, numbers masked; what waiting callers were told, for its score."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ari_app.kpi.ewt import ToldWait
from ari_app.model.ids import Number
from ari_app.model.mask import mask
from ari_app.store import connect, queries

ROWS_MAX: Final = 1000
_SQL = queries.load("work")


def items(path: Path, *, done: bool = False, message: str | None = None) -> list[dict[str, Any]]:
    """Messages to be worked, the most urgent first; `done`: those done too."""
    return _listed(path, "items", {"message": message, "done": done or message is not None, "limit": ROWS_MAX})


def callbacks(path: Path, *, over: bool = False) -> list[dict[str, Any]]:
    """Call-backs in the order of their places; `over`: those that are over too, the newest first."""
    return _listed(path, "callbacks", {"over": over, "limit": ROWS_MAX})


def told(path: Path, since: float | None = None, before: float | None = None) -> list[ToldWait]:
    """What callers were told of their waits, of visits that are over."""
    with closing(connect.reading(path)) as conn:
        return [ToldWait(**dict(row)) for row in conn.execute(_SQL["told"], {"since": since, "before": before})]


def heard(path: Path, at: float, message: str, by: str) -> None:
    """The audit of who listened to a message. StoreError when it cannot be written: then nobody may listen."""
    connect.audit(path, at, ("play-message", message, f"by {by}"))


def _listed(path: Path, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with closing(connect.reading(path)) as conn:
        return [{**dict(row), "number": mask(Number(row["number"] or ""))} for row in conn.execute(_SQL[query], values)]
