"""Expected waits held against the truth: of what callers were told, how often it was so, and how far off. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FORMULA: Final = (
    "inside = told ranges that held the rest of the wait ÷ told to callers then connected; "
    "error = mean of (middle of the range − rest of the wait); "
    "callers who were not connected prove nothing and are counted only"
)


@dataclass(frozen=True, slots=True)
class ToldWait:
    """`rest_s`: what he still waited until an agent had him; None: none had."""

    queue: str
    low_s: float
    high_s: float
    rest_s: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """`scored` of the `told` were connected; `inside` of those in the range; error None when none was scored."""

    told: int
    scored: int
    inside: int
    mean_error_s: float | None
    mean_off_s: float | None  # Without the sign.

    @property
    def share(self) -> float | None:
        return self.inside / self.scored if self.scored else None


def scores(told: Iterable[ToldWait]) -> dict[str, Score]:
    """One a queue, by name; all queues together under `*`."""
    by_queue: dict[str, list[ToldWait]] = {}
    for each in told:
        for name in ("*", each.queue):
            by_queue.setdefault(name, []).append(each)
    return {name: _score(rows) for name, rows in sorted(by_queue.items())}


def _score(rows: list[ToldWait]) -> Score:
    known = [(row.low_s, row.high_s, row.rest_s) for row in rows if row.rest_s is not None]
    inside = sum(low <= rest <= high for low, high, rest in known)
    errors = [(low + high) / 2 - rest for low, high, rest in known]
    if not errors:
        return Score(len(rows), 0, 0, None, None)
    count = len(errors)
    return Score(len(rows), count, inside, sum(errors) / count, sum(abs(each) for each in errors) / count)
