"""What the tables say of callers' lines: of one call, and of a stretch of time."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ari_app.kpi.line import LegScore, LineFigures, Stretch, figures
from ari_app.model.ids import CallId
from ari_app.store import connect, queries

_SQL = queries.load("line")
_ALL: Final[dict[str, Any]] = {"call": None, "since": None, "before": None}


@dataclass(frozen=True)
class CallLine:
    """`verdicts`: each with the seconds it held, or a reason why nothing was heard; `legs`: the network's part."""

    verdicts: list[dict[str, Any]]
    legs: list[dict[str, Any]]


def of_call(path: Path, call: CallId) -> CallLine:
    with closing(connect.reading(path)) as conn:
        verdicts = [dict(row) for row in conn.execute(_SQL["stretches"], {**_ALL, "call": call})]
        legs = [dict(row) for row in conn.execute(_SQL["legs"], {**_ALL, "call": call})]
    return CallLine(verdicts, legs)


def of_day(path: Path, since: float | None, before: float | None) -> dict[str, LineFigures]:
    """By trunk; calls opened from `since` to just before `before`."""
    bounds = {**_ALL, "since": since, "before": before}
    with closing(connect.reading(path)) as conn:
        calls = [row["trunk"] for row in conn.execute(_SQL["calls"], bounds)]
        stretches = [
            Stretch(row["call"], row["trunk"], row["verdict"], row["seconds"])
            for row in conn.execute(_SQL["stretches"], bounds)
            if row["verdict"] and not row["lasts"]
        ]
        legs = [
            LegScore(row["call"], row["trunk"], row["mos"], row["loss"])
            for row in conn.execute(_SQL["legs"], bounds)
            if row["role"] == "caller"
        ]
    return figures(calls, stretches, legs)
