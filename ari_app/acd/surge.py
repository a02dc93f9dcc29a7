"""The surge plan: which step is taken or undone as callers wait. Pure; whoever carries it out says how many wait.

Steps are taken in order and undone in reverse. A step is taken once more than `waiting` callers have waited for
`for_s`, counted anew from each change; more than `rush` callers skip that wait. Once `waiting` or fewer have waited for
`for_s`, the last step is undone, then the one before. What was taken by hand is undone by hand only.
"""

from dataclasses import dataclass, field
from math import ceil


@dataclass(frozen=True, slots=True)
class Step:
    """`only_in_rush`: taken only while more than `rush` wait, `rush_after_s` after the step before."""

    name: str
    only_in_rush: bool = False
    rush_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    waiting: int
    rush: int
    for_s: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Take:
    """Take this step (counted from 0)."""

    step: int
    why: str


@dataclass(frozen=True, slots=True)
class Undo:
    step: int
    why: str


Move = Take | Undo


@dataclass
class Surge:
    """Where a plan stands. `taken` has one entry a step: whether the plan itself took it (else: by hand)."""

    plan: Plan
    armed: bool = True
    drill: bool = False
    taken: list[bool] = field(default_factory=list)
    above_since: float | None = None  # Since when more than `waiting` wait; None: they do not.
    rush_since: float | None = None
    below_since: float | None = None
    changed_at: float | None = None  # When a step was taken or undone last.

    def see(self, waiting: int, now: float) -> Move | None:
        """What so many waiting callers mean now. Ask again until nothing comes back, then at `next_at`."""
        is_above = waiting > self.plan.waiting
        self.above_since = _since(self.above_since, is_above, now)
        self.rush_since = _since(self.rush_since, waiting > self.plan.rush, now)
        self.below_since = _since(self.below_since, not is_above, now)
        due = self.next_at()
        if due is None or due > now:
            return None
        return self.take(now, self._why(waiting), by_plan=True) if is_above else self.undo(now, self._why(waiting))

    def next_at(self) -> float | None:
        """When the next move is due, if as many go on waiting; None: none is."""
        if not self.armed:
            return None
        if self.below_since is not None:
            mine = bool(self.taken) and self.taken[-1]
            return self._after(self.below_since) + self.plan.for_s if mine else None
        if self.above_since is None or len(self.taken) == len(self.plan.steps):
            return None
        step = self.plan.steps[len(self.taken)]
        due = [] if step.only_in_rush else [self._after(self.above_since) + self.plan.for_s]
        if self.rush_since is not None:
            due.append(self._after(self.rush_since) + step.rush_after_s)
        return min(due, default=None)

    def take(self, now: float, why: str, *, by_plan: bool = False) -> Take | None:
        """The next step; None when all are taken."""
        if len(self.taken) == len(self.plan.steps):
            return None
        self.taken.append(by_plan)
        self.changed_at = now
        return Take(len(self.taken) - 1, why)

    def undo(self, now: float, why: str) -> Undo | None:
        """The last step taken; None when there is none."""
        if not self.taken:
            return None
        self.taken.pop()
        self.changed_at = now
        return Undo(len(self.taken), why)

    def _after(self, since: float) -> float:
        return since if self.changed_at is None else max(since, self.changed_at)

    def _why(self, waiting: int) -> str:
        plan = self.plan
        if self.rush_since is not None:
            return f"{waiting} waiting, more than {plan.rush}"
        relation = "more than" if self.above_since is not None else "not more than"
        return f"{waiting} waiting, {relation} {plan.waiting} for {plan.for_s:g} s"


def head_count(over: int, handle_s: float, clear_s: float) -> int:
    """How many more people serve `over` callers within `clear_s`, each call taking `handle_s`."""
    return ceil(max(0, over) * handle_s / clear_s)


def _since(since: float | None, holds: bool, now: float) -> float | None:
    if not holds:
        return None
    return now if since is None else since
