"""`now`: the wall time at start, advanced by the monotonic clock (design §2.4), and steps of the wall clock."""

import time
from dataclasses import dataclass, field
from typing import Protocol

STEP_S = 2.0  # Smaller differences are drift, not a step.


class Time(Protocol):
    """`Clock`, or that of a test."""

    def now(self) -> float:
        """Seconds since the Unix epoch; never less than before."""

    def step(self) -> float:
        """Seconds the wall clock has stepped since last asked."""

    def keep(self, ahead_s: float) -> None:
        """Go on as the run before counted."""


@dataclass
class Clock:
    """`now()` never jumps; `step()` says by how much the wall clock has moved against it since last asked."""

    _offset: float = field(default_factory=lambda: time.time() - time.monotonic())
    _seen: float = 0.0

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return time.monotonic() + self._offset

    def keep(self, ahead_s: float) -> None:
        """Go on with the clock of the run before, which the wall clock was so much ahead of. To be called before
        anything is timed; `step` tells it again."""
        self._offset -= ahead_s

    def step(self) -> float:
        """Seconds the wall clock stepped since the last call that reported one; 0 when it did not."""
        apart = time.time() - self.now()
        moved = apart - self._seen
        if abs(moved) < STEP_S:
            return 0.0
        self._seen = apart
        return moved
