"""What callers' lines were like: shares of the time listened to by verdict, MOS percentiles, loss. Pure.

A verdict holds until the next one of its call, the end of the talk it was judged in, or the end of the call.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

VERDICTS: Final = ("silent", "quiet", "noisy", "clear", "tone", "music")
FORMULA: Final = (
    "shares: seconds a verdict held / seconds with a verdict; MOS: nearest rank over callers' legs (E-model, G.711); "
    "loss: mean over callers' legs"
)
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Stretch:
    """So long a call's line was heard so. `trunk`: what the call came through."""

    call: str
    trunk: str
    verdict: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LegScore:
    """How a caller's leg sounded; `loss` is a share of packets."""

    call: str
    trunk: str
    mos: float
    loss: float


@dataclass(frozen=True)
class LineFigures:
    """Of one trunk. `calls`: all of them; `heard`: with a verdict, `measured`: with reports of the network."""

    calls: int
    heard: int
    listened_s: float
    shares: dict[str, float]
    measured: int
    mos_p10: float | None
    mos_p50: float | None
    loss: float | None


@dataclass
class _Sums:
    calls: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    legs: list[LegScore] = field(default_factory=list)


def figures(calls: Iterable[str], stretches: Iterable[Stretch], legs: Iterable[LegScore]) -> dict[str, LineFigures]:
    """By trunk, and ALL of them first. `calls`: the trunk of each call of the time."""
    sums: dict[str, _Sums] = {ALL: _Sums()}
    for trunk in calls:
        for name in (ALL, trunk):
            sums.setdefault(name, _Sums()).calls += 1
    for each in stretches:
        for name in (ALL, each.trunk):
            of = sums.setdefault(name, _Sums())
            of.heard.add(each.call)
            of.seconds[each.verdict] = of.seconds.get(each.verdict, 0.0) + each.seconds
    for leg in legs:
        for name in (ALL, leg.trunk):
            sums.setdefault(name, _Sums()).legs.append(leg)
    return {name: _figures(of) for name, of in sums.items()}


def _figures(of: _Sums) -> LineFigures:
    total = sum(of.seconds.values())
    shares = {verdict: of.seconds.get(verdict, 0.0) / total for verdict in VERDICTS} if total else {}
    scores = sorted(leg.mos for leg in of.legs)
    loss = sum(leg.loss for leg in of.legs) / len(of.legs) if of.legs else None
    return LineFigures(
        *(of.calls, len(of.heard), total, shares, len(of.legs)), percentile(scores, 10), percentile(scores, 50), loss
    )


def percentile(ordered: Sequence[float], p: float) -> float | None:
    """Nearest rank: the smallest value that at least `p` per cent do not exceed; None of nothing."""
    return ordered[max(0, math.ceil(p / 100 * len(ordered)) - 1)] if ordered else None
