"""Expected wait in a queue, as a range, from what happened in it lately. Pure, deterministic, a few floats a queue.

A caller with `ahead` others on the line before him is next after `ahead + 1` departures: connects, by the staff, and
abandons of those before him. Each takes an exponential time; their sum is taken as a gamma, and the range is its 10 %
to 90 % quantiles, wider while little is known, and moved by how earlier callers' ranges turned out. Young queues go by
priors. Not applied here: never growing over a visit.
"""

import math
from dataclasses import dataclass, field
from typing import Final

from ari_app.model.ids import QueueName

QUANTILE_Z: Final = 1.2815515655446004  # Of the standard normal at 90 %: four in five waits should be in the range.
SUMMED_MAX: Final = 16  # Departures summed one by one; the rest by an integral.
LONG_RUN_MAX: Final = 1000  # Handle times the long-run mean remembers.
PRIOR_N: Final = 5.0  # What the prior counts for, in calls.
OUTSIDE: Final = 0.1  # Share of waits that should fall short of a range, and that should exceed it.
STEP: Final = 0.05  # How far one wait outside moves that end of later ranges, on a logarithmic scale.
MOVED_MAX: Final = 2.0


@dataclass(slots=True)
class _Queue:
    """Sums fade by half every half-life. `share`: connects seen while callers waited ÷ what the staff alone says."""

    at: float
    waiting: int = 0
    servers: float = 0.0  # As last asked about; 0 while nobody is known to wait for an agent.
    handle_n: float = 0.0
    handle_s: float = 0.0
    long_run_n: int = 0
    long_run_s: float = 0.0  # A mean: what the recent ones fade to.
    waited_s: float = 0.0  # Of callers whose wait is over.
    abandons: float = 0.0
    overtaken: float = 0.0  # Times a waiting caller was overtaken by one of better rank.
    connects: float = 0.0  # While callers waited for an agent.
    connects_due: float = 0.0  # In the same time, by staff and handle time.
    low_moved: float = 0.0  # Logarithms of what the ends of the range are multiplied with.
    high_moved: float = 0.0


@dataclass
class Estimator:
    """Fed by whoever owns the queues. Each `entered` is followed by one `connected` or `abandoned` (any other end).

    `handle_s`, `patience_s`: priors, until the queue's own are known.
    """

    handle_s: float = 240.0
    patience_s: float = 600.0
    half_life_s: float = 1800.0
    queues: dict[QueueName, _Queue] = field(default_factory=dict)

    def entered(self, queue: QueueName, now: float, *, overtook: int = 0) -> None:
        """`overtook`: callers already waiting who are now behind this one, by rank."""
        at = self._moved(queue, now)
        at.waiting += 1
        at.overtaken += overtook

    def connected(
        self, queue: QueueName, wait_s: float, now: float, *, told: tuple[float, float] | None = None
    ) -> None:
        """`told`: what `expect` said when he entered; later ranges learn from it (Robbins and Monro, 1951)."""
        at = self._moved(queue, now)
        if at.servers:
            at.connects += 1
        if told is not None:
            short, long = wait_s < told[0], wait_s > told[1]
            at.low_moved = _within(at.low_moved + STEP * (OUTSIDE - short))
            at.high_moved = _within(at.high_moved + STEP * (long - OUTSIDE))
        self._left(at, wait_s)

    def abandoned(self, queue: QueueName, wait_s: float, now: float) -> None:
        at = self._moved(queue, now)
        at.abandons += 1
        self._left(at, wait_s)

    def handled(self, queue: QueueName, busy_s: float, now: float) -> None:
        """An agent is free again, `busy_s` after the offer: ringing, talk and wrap-up."""
        at = self._moved(queue, now)
        at.handle_n += 1
        at.handle_s += busy_s
        at.long_run_n = min(at.long_run_n + 1, LONG_RUN_MAX)
        at.long_run_s += (busy_s - at.long_run_s) / at.long_run_n

    def expect(self, queue: QueueName, ahead: int, servers: int, now: float) -> tuple[float, float] | None:
        """Low and high seconds until connected, for a caller whom no agent is being rung for; None: nobody serves.

        `servers`: agents signed in who could be offered calls of this queue. That it is asked says that all of them
        are busy: from now until nobody waits, the queue's share of their work is measured.
        """
        at = self._moved(queue, now)
        at.servers = float(max(0, servers)) if at.waiting else 0.0
        if servers <= 0:
            return None
        waited_s = at.waited_s + PRIOR_N * self.patience_s
        pace = servers / self._handle_s(at) * _share(at)
        slowed = max(pace - at.overtaken / waited_s, 0.2 * pace)
        leaving = (at.abandons + PRIOR_N) / waited_s
        mean, variance = _departures(max(0, ahead) + 1, slowed, leaving)
        variance += mean * mean / (at.handle_n + PRIOR_N)
        shape, scale = mean * mean / variance, variance / mean
        high = scale * _gamma(shape, QUANTILE_Z) * math.exp(at.high_moved)
        return min(high, scale * _gamma(shape, -QUANTILE_Z) * math.exp(at.low_moved)), high

    def _handle_s(self, at: _Queue) -> float:
        """Mean of the recent ones; the long-run mean stands behind it, the prior behind that."""
        prior = (self.handle_s * PRIOR_N + at.long_run_s * at.long_run_n) / (PRIOR_N + at.long_run_n)
        return max(1.0, (prior * PRIOR_N + at.handle_s) / (PRIOR_N + at.handle_n))

    def _moved(self, queue: QueueName, now: float) -> _Queue:
        """The queue's sums, faded to `now`."""
        at = self.queues.get(queue)
        if at is None:
            at = self.queues[queue] = _Queue(now)
        gone = now - at.at
        if gone <= 0:
            return at
        at.at = now
        fade = 0.5 ** (gone / self.half_life_s)
        if at.servers:
            at.connects_due += at.servers * gone / self._handle_s(at)
        at.connects_due *= fade
        at.connects *= fade
        at.handle_n *= fade
        at.handle_s *= fade
        at.waited_s *= fade
        at.abandons *= fade
        at.overtaken *= fade
        return at

    def _left(self, at: _Queue, wait_s: float) -> None:
        at.waited_s += wait_s
        at.waiting = max(0, at.waiting - 1)
        if not at.waiting:
            at.servers = 0.0


def _within(moved: float) -> float:
    return max(-MOVED_MAX, min(MOVED_MAX, moved))


def _share(at: _Queue) -> float:
    """Of the pace that staff and handle time promise, what the queue gets: agents serve others too, or have breaks."""
    return min(3.0, max(0.01, (at.connects + PRIOR_N) / (at.connects_due + PRIOR_N)))


def _departures(count: int, pace: float, leaving: float) -> tuple[float, float]:
    """Mean and variance of the time until so many have left, at rates pace, pace + leaving, pace + 2 × leaving, …"""
    mean = variance = 0.0
    few = min(count, SUMMED_MAX)
    for n in range(few):
        step_s = 1 / (pace + n * leaving)
        mean += step_s
        variance += step_s * step_s
    if count > few:
        first, last = pace + (few - 0.5) * leaving, pace + (count - 0.5) * leaving
        mean += math.log1p((count - few) * leaving / first) / leaving
        variance += (count - few) / (first * last)
    return mean, variance


def _gamma(shape: float, z: float) -> float:
    """The gamma's quantile (scale 1) where the standard normal's is z: Wilson and Hilferty, 1931."""
    ninth = 1 / (9 * shape)
    return shape * max(0.0, 1 - ninth + z * math.sqrt(ninth)) ** 3
