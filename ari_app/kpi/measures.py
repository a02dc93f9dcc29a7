"""Indicators from counts and times that were measured, each with the formula it is printed with. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Final

SERVICE_LEVEL: Final = "answered within {within_s:g} s ÷ entered"
OCCUPANCY: Final = "(talk + hold) ÷ (talk + hold + idle)"
OCCUPANCY_WITH_WRAP_UP: Final = "(talk + hold + wrap-up) ÷ (talk + hold + wrap-up + idle)"
ABANDON_RATE: Final = "(abandoned − short) ÷ entered; short: within {short_s:g} s"
ASA: Final = "queue time of the answered ÷ answered"
FAIRNESS: Final = "Gini of agents' idle share of the time they are signed in; 0 is even"


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def gini(values: Sequence[float]) -> float | None:
    """0: all equal; towards 1: one has it all. None without values; 0 when all are 0. C. Gini, 1912."""
    if not values:
        return None
    ordered, total = sorted(values), math.fsum(values)
    if total <= 0:
        return 0.0
    weighted = math.fsum(rank * value for rank, value in enumerate(ordered, 1))
    return 2 * weighted / (len(ordered) * total) - (len(ordered) + 1) / len(ordered)


@dataclass(frozen=True)
class Interval:
    """A mean of independent replications and its 95 % confidence interval, mean ± half; half None: only one."""

    mean: float
    half: float | None
    n: int


def interval(values: Sequence[float]) -> Interval | None:
    """By Student's t; None without values."""
    if not values:
        return None
    if len(values) == 1:
        return Interval(values[0], None, 1)
    half = student_t(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(fmean(values), half, len(values))


def student_t(freedom: int) -> float:
    """Its 97.5 % quantile. Exact for 1 and 2; above by Cornish and Fisher's expansion of the normal (error < 1 %)."""
    if freedom == 1:
        return 12.706204736174707
    if freedom == 2:
        return 4.302652729749464
    z = NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
