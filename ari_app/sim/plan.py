"""A scenario made ready to run: rules, moments in seconds from its begin, random draws by kind. Pure."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final, TypeAlias

from ari_app.acd.model import Rule
from ari_app.model.ids import AgentId, QueueName, Skill
from ari_app.model.routing import Queue
from ari_app.model.scenario import Agents, Scenario, Spread
from ari_app.model.skills import Needs, needs_of

DAY_S: Final = 86_400.0

Draw: TypeAlias = Callable[[], float]
Streams: TypeAlias = Callable[[str], Random]
"""A random stream of its own for each purpose, so that a change of one kind of caller leaves the others as they are."""


def streams(seed: int, replication: int) -> Streams:
    return lambda purpose: Random(f"{seed}/{replication}/{purpose}")


def rule_of(queue: Queue) -> Rule:
    relax = tuple((each.after_s, needs_of(each.skills)) for each in queue.relax)
    return Rule(needs_of(queue.skills), relax, queue.policy, queue.talking_max)


def drawn(spread: Spread, random: Random) -> Draw:
    """Durations of that spread, a call each."""
    mean, cv = spread.mean_s, spread.cv
    match spread.shape:
        case "fixed":
            return lambda: mean
        case "exponential":
            each, rate = random.expovariate, 1 / mean
            return lambda: each(rate)
        case "gamma":
            gamma, shape, scale = random.gammavariate, cv**-2, mean * cv * cv
            return lambda: gamma(shape, scale)
        case "lognormal":
            lognormal, variance = random.lognormvariate, math.log1p(cv * cv)
            mu, sigma = math.log(mean) - variance / 2, math.sqrt(variance)
            return lambda: lognormal(mu, sigma)


def clock_s(time: str) -> float:
    """`09:30` as seconds from midnight."""
    hours, _, minutes = time.partition(":")
    return 3600.0 * int(hours) + 60.0 * int(minutes)


@dataclass(frozen=True)
class Profile:
    """Calls an hour by time of day; each rate holds from its moment to the next, the last until the first."""

    moments: tuple[float, ...]
    per_hour: tuple[float, ...]

    @classmethod
    def of(cls, profile: Mapping[str, float]) -> "Profile":
        ordered = sorted((clock_s(time), rate) for time, rate in profile.items())
        return cls(tuple(at for at, _ in ordered), tuple(rate for _, rate in ordered))

    def at(self, time_s: float) -> float:
        """`time_s` counts from some midnight."""
        return self.per_hour[bisect_right(self.moments, time_s % DAY_S) - 1]

    def calls(self, begin_s: float, end_s: float) -> float:
        """Expected between two moments."""
        return sum(rate * (b - a) for a, b, rate in self._pieces(begin_s, end_s)) / 3600

    def _pieces(self, begin_s: float, end_s: float) -> Iterator[tuple[float, float, float]]:
        cuts = [day * DAY_S + at for day in range(int(end_s // DAY_S) + 1) for at in (0.0, *self.moments)]
        inside = sorted({begin_s, end_s, *(at for at in cuts if begin_s < at < end_s)})
        for a, b in pairwise(inside):
            yield a, b, self.at(a)


def arrivals(profile: Profile, begins_s: float, until_s: float, random: Random) -> Iterator[float]:
    """Moments of a Poisson process with that profile, from 0 to `until_s`; 0 is `begins_s` on the clock.

    Thinning: P. Lewis and G. Shedler, 1979.
    """
    highest, at = max(profile.per_hour) / 3600, 0.0
    if not highest:
        return
    constant = min(profile.per_hour) == max(profile.per_hour)
    while (at := at + random.expovariate(highest)) < until_s:
        if constant or random.random() * highest * 3600 < profile.at(begins_s + at):
            yield at


@dataclass(frozen=True)
class Duty:
    """When an agent comes and goes, within the scenario, in order; `at_first`: on duty when it begins."""

    at_first: bool
    changes: tuple[tuple[float, bool], ...]

    @classmethod
    def of(cls, agents: Agents, begins_s: float, until_s: float) -> "Duty":
        spans = [_span(each) for each in agents.shifts] or [(0.0, DAY_S)]
        breaks = [_span(each) for each in agents.breaks]

        def on(time_s: float) -> bool:
            of_day = time_s % DAY_S
            return any(a <= of_day < b for a, b in spans) and not any(a <= of_day < b for a, b in breaks)

        days = range(int((begins_s + until_s) // DAY_S) + 1)
        edges = sorted({day * DAY_S + at - begins_s for day in days for span in (*spans, *breaks) for at in span})
        state = at_first = on(begins_s)
        changes: list[tuple[float, bool]] = []
        for edge in edges:
            if 0 < edge < until_s and on(begins_s + edge) is not state:
                state = not state
                changes.append((edge, state))
        return cls(at_first, tuple(changes))


def _span(text: str) -> tuple[float, float]:
    begin, _, end = text.partition("-")
    return clock_s(begin), clock_s(end)


@dataclass(frozen=True)
class Plan:
    """`queues` and `step_s` are those of config.yaml or the scenario's own."""

    scenario: Scenario
    queues: Mapping[QueueName, Queue]
    step_s: float
    rules: Mapping[QueueName, Rule]
    needs: Mapping[str, Needs | None]  # By kind of caller: instead of the queue's.
    profiles: Mapping[str, Profile]
    begins_s: float
    until_s: float
    warm_up_s: float

    @classmethod
    def of(cls, scenario: Scenario, queues: Mapping[str, Queue] | None = None, step_s: float | None = None) -> "Plan":
        """`queues` and `step_s`: those of the config.yaml the scenario names."""
        named = {QueueName(name): queue for name, queue in (queues or scenario.queues).items()}
        return cls(
            scenario,
            named,
            scenario.routing.priority_step_s if step_s is None else step_s,
            {name: rule_of(queue) for name, queue in named.items()},
            {kind: None if c.skills is None else needs_of(c.skills) for kind, c in scenario.callers.items()},
            {kind: Profile.of(c.profile) for kind, c in scenario.callers.items()},
            clock_s(scenario.begins),
            3600 * scenario.hours,
            3600 * scenario.warm_up_hours,
        )

    def staff(self) -> Iterator[tuple[AgentId, str, Agents]]:
        """Every agent with a work number, and the kind he is of."""
        n = 0
        for kind, agents in self.scenario.agents.items():
            for _ in range(agents.count):
                n += 1
                yield AgentId(str(10_000 + n)), kind, agents

    def skills(self) -> dict[AgentId, Mapping[Skill, int]]:
        shared = {kind: {Skill(s): level for s, level in a.skills.items()} for kind, a in self.scenario.agents.items()}
        return {agent: shared[kind] for agent, kind, _ in self.staff()}
