"""The scenario's surge plan in the simulated world: steps taken and undone by ari_app/acd/surge.py. Pure.

A step names kinds of agents instead of work numbers; all of a kind are given its skills, as board/surge does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ari_app.acd.surge import Move, Plan, Step, Surge, Take
from ari_app.model.ids import AgentId, QueueName, Skill
from ari_app.model.surge import SurgeStep
from ari_app.sim.plan import Plan as Scenario


@dataclass(slots=True)
class Held:
    """Of one step, within the window that counts: how often it was taken, and for how long it held."""

    taken: int = 0
    held_s: float = 0.0
    since: float | None = None


@dataclass
class Surging:
    scenario: Scenario
    surge: Surge = field(init=False)
    queues: tuple[QueueName, ...] = field(init=False)  # Whose waiting callers count.
    held: list[Held] = field(init=False)
    looks_at: float | None = None
    of_kind: dict[str, list[AgentId]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for agent, kind, _ in self.scenario.staff():
            self.of_kind.setdefault(kind, []).append(agent)
        plan = self.scenario.scenario.surge
        steps = tuple(Step(each.name, each.only_in_rush, each.rush_after_s) for each in plan.steps)
        self.surge = Surge(Plan(plan.waiting, plan.rush, plan.for_s, steps), armed=plan.armed)
        self.queues = tuple(QueueName(name) for name in plan.queues or self.scenario.queues)
        self.held = [Held() for _ in plan.steps]

    def move(self, waiting: int, now: float) -> Move | None:
        """The next move of the plan, if one is due; ask until there is none."""
        found = self.surge.see(waiting, now)
        if found is not None:
            at = self.held[found.step]
            if isinstance(found, Take):
                at.since = now
                at.taken += now >= self.scenario.warm_up_s
            else:
                self._over(at, now)
        return found

    def end(self, now: float) -> None:
        for at in self.held:
            self._over(at, now)

    def _over(self, at: Held, now: float) -> None:
        if at.since is not None:
            begin, end = max(at.since, self.scenario.warm_up_s), min(now, self.scenario.until_s)
            at.held_s, at.since = at.held_s + max(0.0, end - begin), None

    def skills(self, step: int) -> Iterator[tuple[AgentId, Mapping[Skill, int]]]:
        """What everybody the step is about can do now, in the order in which it names them."""
        for kind in dict.fromkeys(self.scenario.scenario.surge.steps[step].agents):
            has = self._skills(kind, self.scenario.scenario.agents[kind].skills)
            for agent in self.of_kind[kind]:
                yield agent, has

    def _skills(self, kind: str, own: Mapping[str, int]) -> dict[Skill, int]:
        has = {Skill(name): level for name, level in own.items()}
        taken: tuple[SurgeStep, ...] = self.scenario.scenario.surge.steps[: len(self.surge.taken)]
        for step in taken:
            if kind in step.agents:
                has.update({Skill(name): max(level, has.get(Skill(name), 0)) for name, level in step.skills.items()})
        return has
