"""Kinds of callers as they come: moments and everything chance decides about each, in streams of their own. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from ari_app.model.ids import AgentId, CallId, QueueName
from ari_app.sim.people import Caller
from ari_app.sim.plan import Draw, Plan, Streams, arrivals, drawn


@dataclass(slots=True, eq=False)
class Source:
    """One kind of caller. Each has his own nth draw of every stream, whoever else calls."""

    kind: str
    queue: QueueName
    priority: int
    moments: Iterator[float]
    talk: Draw
    wrap_up: Draw
    patience: Draw | None
    wait_s_max: float
    known: Callable[[], AgentId | None] | None = None

    def caller(self, call: CallId, now: float) -> Caller:
        patience_s = self.patience() if self.patience is not None else self.wait_s_max
        gives_up = self.patience is not None and patience_s < self.wait_s_max
        limit_at = now + (patience_s if gives_up else self.wait_s_max)
        known = self.known() if self.known is not None else None
        return Caller(call, self.queue, self.kind, now, limit_at, gives_up, self.talk(), self.wrap_up(), known)


def source(plan: Plan, kind: str, random: Streams) -> Source:
    callers = plan.scenario.callers[kind]
    rules = plan.queues[QueueName(callers.queue)]
    always = rules.wrap_up_s
    return Source(
        kind,
        QueueName(callers.queue),
        callers.priority,
        arrivals(plan.profiles[kind], plan.begins_s, plan.until_s, random(f"{kind}/arrivals")),
        drawn(callers.talk, random(f"{kind}/talk")),
        drawn(callers.wrap_up, random(f"{kind}/wrap-up")) if callers.wrap_up else lambda: always,
        drawn(callers.patience, random(f"{kind}/patience")) if callers.patience else None,
        rules.wait_s_max,
        _known(plan, kind, random(f"{kind}/known")) if callers.known else None,
    )


def _known(plan: Plan, kind: str, random: Random) -> Callable[[], AgentId | None]:
    """For a share of the callers an agent who can serve them, at once or after relaxation."""
    callers = plan.scenario.callers[kind]
    rule = plan.rules[QueueName(callers.queue)]
    asked = (plan.needs[kind] or rule.needs, *(later for _, later in rule.relax))
    able = [agent for agent, has in plan.skills().items() if any(needs.met_by(has) for needs in asked)]
    return lambda: random.choice(able) if able and random.random() < callers.known else None
