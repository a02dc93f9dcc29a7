"""Runs of a plan, and what they show: each indicator with its formula and the confidence of its replications."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ari_app.acd.estimate import Estimator
from ari_app.kpi import measures
from ari_app.kpi.measures import Interval, gini, interval, ratio
from ari_app.sim.people import Agent, Doing
from ari_app.sim.plan import Plan, streams
from ari_app.sim.tally import Count
from ari_app.sim.world import World

FIGURES: Final[Mapping[str, str]] = {
    "service_level": measures.SERVICE_LEVEL,
    "asa_s": measures.ASA,
    "waits": "not given an agent at once ÷ entered",
    "abandoned": "abandoned ÷ entered, short ones as well",
    "abandoned_short": "abandoned within {short_s:g} s ÷ entered",
    "abandon_rate": measures.ABANDON_RATE,
    "timed_out": "waited wait_s_max ÷ entered",
    "full": "turned away, waiting_max reached ÷ entered",
    "booked": "booked a call-back ÷ entered",
    "called_back": "connected by a call-back ÷ entered",
    "call_back_s": "from entering until connected, of those called back: mean",
    "call_back_line_s": "wait on the line after the key, of those called back: mean",
    "queue_length": "callers waiting, mean over time",
    "ewt_inside": "waits inside the range told ÷ waits with a range told; aimed at: 0.8",
    "ewt_error_s": "mean of |middle of the range told − wait|",
    "ewt_width_s": "mean width of the range told",
}
"""Of each queue and of all together."""
SURGE: Final[Mapping[str, str]] = {
    "taken": "times the step was taken",
    "held_s": "seconds it held",
}
"""Of each step of the surge plan."""
STAFF: Final[Mapping[str, str]] = {
    "occupancy": measures.OCCUPANCY,
    "occupancy_with_wrap_up": measures.OCCUPANCY_WITH_WRAP_UP,
    "idle_gini": measures.FAIRNESS,
}


@dataclass
class Outcome:
    """One replication."""

    queues: Mapping[str, Count]
    figures: Mapping[str, Mapping[str, float | None]]  # By queue, and of all under `total`.
    staff: Mapping[str, float | None]
    staff_by_kind: Mapping[str, Mapping[str, float | None]]
    events: int
    surge: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # By step.


@dataclass
class Report:
    """Figures of all replications; `figures[queue][name]`, `total` for all queues together."""

    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)

    def figure(self, where: str, name: str) -> Interval | None:
        return self._over(outcome.figures[where][name] for outcome in self.outcomes)

    def staff(self, name: str) -> Interval | None:
        return self._over(outcome.staff[name] for outcome in self.outcomes)

    def staff_of(self, kind: str, name: str) -> Interval | None:
        return self._over(outcome.staff_by_kind[kind][name] for outcome in self.outcomes)

    def surge(self, step: str, name: str) -> Interval | None:
        return self._over(outcome.surge[step][name] for outcome in self.outcomes)

    def calls(self, where: str, name: str) -> int:
        """A count of `Count`, summed over the replications."""
        return sum(getattr(_count(outcome, where), name) for outcome in self.outcomes)

    def formulas(self) -> dict[str, str]:
        scenario = self.plan.scenario
        values = {"within_s": scenario.service_level_s, "short_s": scenario.short_abandon_s}
        surge = SURGE if scenario.surge.steps else {}
        return {name: formula.format(**values) for name, formula in {**FIGURES, **STAFF, **surge}.items()}

    @staticmethod
    def _over(values: Iterable[float | None]) -> Interval | None:
        return interval([each for each in values if each is not None])


def simulate(plan: Plan, seed: int, replications: int, done: Callable[[int], None] | None = None) -> Report:
    """So many independent runs; `done` is told the number of each that is over."""
    report = Report(plan)
    for n in range(1, replications + 1):
        report.outcomes.append(replicate(plan, seed, n))
        if done is not None:
            done(n)
    return report


def replicate(plan: Plan, seed: int, n: int) -> Outcome:
    """Replication `n` of a seed."""
    return outcome_of(world_of(plan, seed, n))


def world_of(plan: Plan, seed: int, n: int, **more: Any) -> World:
    """`more`: engine, happened."""
    mean_s = [callers.talk.mean_s for callers in plan.scenario.callers.values()]
    return World(plan, streams(seed, n), estimator=Estimator(handle_s=sum(mean_s) / len(mean_s)), **more)


def outcome_of(world: World) -> Outcome:
    """Run the world and put its figures together."""
    counts = {str(queue): count for queue, count in world.run().queues.items()}
    window_s = world.plan.until_s - world.plan.warm_up_s
    total = Count()
    for count in counts.values():
        total.add(count)
    figures = {where: _figures(count, window_s) for where, count in {**counts, "total": total}.items()}
    everyone = list(world.agents.values())
    kinds = {kind: _staff([a for a in everyone if a.kind == kind]) for kind in world.plan.scenario.agents}
    surge = world.surging
    held = zip(world.plan.scenario.surge.steps, surge.held, strict=True) if surge is not None else ()
    steps = {step.name: {"taken": float(each.taken), "held_s": each.held_s} for step, each in held}
    return Outcome(counts, figures, _staff(everyone), kinds, world.events, steps)


def _count(outcome: Outcome, where: str) -> Count:
    if where != "total":
        return outcome.queues[where]
    total = Count()
    for count in outcome.queues.values():
        total.add(count)
    return total


def _figures(count: Count, window_s: float) -> dict[str, float | None]:
    return {
        "service_level": ratio(count.within, count.entered),
        "asa_s": ratio(count.wait_s, count.connected),
        "waits": ratio(count.waited, count.entered),
        "abandoned": ratio(count.abandoned, count.entered),
        "abandoned_short": ratio(count.short, count.entered),
        "abandon_rate": ratio(count.abandoned - count.short, count.entered),
        "timed_out": ratio(count.timed_out, count.entered),
        "full": ratio(count.full, count.entered),
        "booked": ratio(count.booked, count.entered),
        "called_back": ratio(count.called_back, count.entered),
        "call_back_s": ratio(count.call_back_s, count.called_back),
        "call_back_line_s": ratio(count.line_s, count.called_back),
        "queue_length": ratio(count.queue_s, window_s),
        "ewt_inside": ratio(count.told_right, count.told),
        "ewt_error_s": ratio(count.told_error_s, count.told),
        "ewt_width_s": ratio(count.told_width_s, count.told),
    }


def _staff(agents: list[Agent]) -> dict[str, float | None]:
    spent = [agent.spent or [0.0] * len(Doing) for agent in agents]
    talk, wrap_up, ready = (sum(each[doing] for each in spent) for doing in (Doing.TALKING, Doing.WRAP_UP, Doing.READY))
    on_duty = [(each[Doing.READY], sum(each) - each[Doing.AWAY]) for each in spent]
    return {
        "occupancy": ratio(talk, talk + ready),
        "occupancy_with_wrap_up": ratio(talk + wrap_up, talk + wrap_up + ready),
        "idle_gini": gini([idle / whole for idle, whole in on_duty if whole > 0]),
    }
