"""Queues with a closed form: Erlang B, Erlang C and Erlang A, and the staff they ask for. Stable to 10,000 agents.

Sources: A. K. Erlang (1917) for B and C; C. Palm (1957) for A, in the building blocks of A. Mandelbaum and S. Zeltyn,
"Service Engineering in Action: The Palm/Erlang-A Queue" (2007). Service level: connected within so many seconds of
entering ÷ entered; who gave up counts as entered.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, Protocol

AGENTS_MAX: Final = 100_000
_NATS: Final = 40.0  # Below e^-40 of its peak an integrand counts for nothing.
_STEPS: Final = 400  # Of Simpson's rule, an interval; the integrands are smooth.


def erlang_b(load: float, servers: int) -> float:
    """Share of arrivals that find all servers taken and are turned away; `load` in erlangs."""
    if load <= 0:
        return 0.0 if servers else 1.0
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


class Queueing(Protocol):
    """What a closed form tells of a queue."""

    @property
    def waits(self) -> float: ...
    @property
    def asa_s(self) -> float: ...
    @property
    def abandoned(self) -> float: ...
    @property
    def occupancy(self) -> float: ...
    def service_level(self, within_s: float) -> float: ...


@dataclass(frozen=True)
class ErlangC:
    """M/M/n: callers wait for ever. `rate` calls a second, `handle_s` mean talk and wrap-up.

    Overloaded (load ≥ agents): everyone waits, without end.
    """

    rate: float
    handle_s: float
    agents: int

    @property
    def load(self) -> float:
        return self.rate * self.handle_s

    @property
    def is_stable(self) -> bool:
        return self.load < self.agents

    @cached_property
    def waits(self) -> float:
        """Share of callers who wait at all."""
        if not self.is_stable:
            return 1.0
        blocked = erlang_b(self.load, self.agents)
        return blocked / (1 - self.occupancy * (1 - blocked))

    @property
    def asa_s(self) -> float:
        """Mean wait of all answered: here, of all."""
        return self.waits * self.handle_s / (self.agents - self.load) if self.is_stable else math.inf

    @property
    def abandoned(self) -> float:
        return 0.0

    @property
    def occupancy(self) -> float:
        return min(1.0, self.load / self.agents) if self.agents else 1.0

    def service_level(self, within_s: float) -> float:
        if not self.is_stable:
            return 0.0
        return 1 - self.waits * math.exp(-(self.agents - self.load) * within_s / self.handle_s)


@dataclass(frozen=True)
class ErlangA:
    """M/M/n+M: as Erlang C, but a caller gives up after an exponential time of mean `patience_s`.

    The wait offered to a caller of endless patience has an atom at 0 and the density
    `rate · exp(h(x)) / (e + rate · J)` with `h(x) = rate/θ · (1 − exp(−θx)) − n·x/handle_s`, J its integral over x > 0,
    θ = 1/patience_s, e = 1/erlang_b(load, n − 1). Everything else is an integral over that.
    """

    rate: float
    handle_s: float
    patience_s: float
    agents: int

    @property
    def load(self) -> float:
        return self.rate * self.handle_s

    @cached_property
    def _peak_s(self) -> float:
        """Where the density is largest."""
        full = self.agents / self.handle_s
        return self.patience_s * math.log(self.rate / full) if self.rate > full else 0.0

    def _h(self, wait_s: float) -> float:
        given_up = -math.expm1(-wait_s / self.patience_s)
        return self.rate * self.patience_s * given_up - self.agents * wait_s / self.handle_s

    @cached_property
    def _span(self) -> tuple[float, float]:
        """Where the density counts: within `_NATS` of its peak."""
        floor = self._h(self._peak_s) - _NATS
        low = 0.0 if self._h(0.0) >= floor else self._crossing(self._peak_s, 0.0, floor)
        far = self._peak_s + self.handle_s / self.agents
        while self._h(far) > floor:
            far = self._peak_s + 2 * (far - self._peak_s)
        return low, self._crossing(self._peak_s, far, floor)

    def _crossing(self, above: float, below: float, floor: float) -> float:
        for _ in range(60):
            middle = (above + below) / 2
            above, below = (middle, below) if self._h(middle) > floor else (above, middle)
        return below

    def _integral(self, power: int, fading: bool, until_s: float = math.inf) -> float:
        """Of x^power · exp(h(x) − h(peak)), times exp(−θx) when `fading`, from 0 to `until_s`."""
        low, high = self._span
        top = self._h(self._peak_s)

        def at(x: float) -> float:
            return float(x**power) * math.exp(self._h(x) - top - (x / self.patience_s if fading else 0.0))

        cuts = sorted({low, min(max(self._peak_s, low), high), high, min(max(until_s, low), high)})
        return sum(_simpson(at, a, b) for a, b in pairwise(cuts) if b <= until_s)

    @cached_property
    def _whole(self) -> float:
        """(e + rate · J) / rate, on the scale of `_integral`."""
        all_but_one = self.rate * erlang_b(self.load, max(0, self.agents - 1))
        if not all_but_one:
            return math.inf  # Too small for a float: nobody ever waits.
        return math.exp(-self._h(self._peak_s)) / all_but_one + self._integral(0, False)

    @cached_property
    def waits(self) -> float:
        """Share of callers who do not get an agent at once."""
        return self._integral(0, False) / self._whole

    @cached_property
    def abandoned(self) -> float:
        """Share of callers who give up."""
        return self.waits - self._integral(0, True) / self._whole

    @property
    def wait_s(self) -> float:
        """Mean wait of all, those who give up as well."""
        return self.abandoned * self.patience_s

    @cached_property
    def asa_s(self) -> float:
        """Mean wait of the answered."""
        return self._integral(1, True) / self._whole / (1 - self.abandoned)

    @property
    def occupancy(self) -> float:
        return self.load * (1 - self.abandoned) / self.agents

    def service_level(self, within_s: float) -> float:
        return 1 - self.waits + self._integral(0, True, within_s) / self._whole


class _Curve(Protocol):
    def __call__(self, x: float, /) -> float: ...


def _simpson(at: _Curve, low: float, high: float) -> float:
    if high <= low:
        return 0.0
    step = (high - low) / _STEPS
    inner = sum((4 if n % 2 else 2) * at(low + n * step) for n in range(1, _STEPS))
    return (at(low) + inner + at(high)) * step / 3


def queueing(rate: float, handle_s: float, patience_s: float | None, agents: int) -> Queueing:
    """Erlang A, or C where nobody gives up (`patience_s` None)."""
    if patience_s is None:
        return ErlangC(rate, handle_s, agents)
    return ErlangA(rate, handle_s, patience_s, agents)


def agents_needed(rate: float, handle_s: float, patience_s: float | None, target: float, within_s: float) -> int | None:
    """Fewest agents for a service level of `target` (0 to 1) within `within_s`; None: not even AGENTS_MAX."""
    low, high = 0, 1
    while queueing(rate, handle_s, patience_s, high).service_level(within_s) < target:
        low, high = high, 2 * high
        if high > AGENTS_MAX:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = queueing(rate, handle_s, patience_s, middle).service_level(within_s) >= target
        low, high = (low, middle) if enough else (middle, high)
    return high
