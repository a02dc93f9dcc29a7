"""Kinds of callers as they come: moments and everything chance decides about each, in streams of their own. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from ari_app.model.ids import CallId, QueueName
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

    def caller(self, call: CallId, now: float) -> Caller:
        patience_s = self.patience() if self.patience is not None else self.wait_s_max
        gives_up = self.patience is not None and patience_s < self.wait_s_max
        limit_at = now + (patience_s if gives_up else self.wait_s_max)
        return Caller(call, self.queue, self.kind, now, limit_at, gives_up, self.talk(), self.wrap_up())


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
    )
