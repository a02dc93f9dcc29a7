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
    call_back: Callable[[], tuple[tuple[float, bool], ...]] | None = None  # How his tries would turn out; (): no.
    books_after_s: float = 0.0

    def caller(self, call: CallId, now: float) -> Caller:
        patience_s = self.patience() if self.patience is not None else self.wait_s_max
        gives_up = self.patience is not None and patience_s < self.wait_s_max
        waits_s = patience_s if gives_up else self.wait_s_max
        known = self.known() if self.known is not None else None
        caller = Caller(call, self.queue, self.kind, now, now + waits_s, gives_up, self.talk(), self.wrap_up(), known)
        caller.on_line, caller.patience_s = now, waits_s
        if self.call_back is not None and (tries := self.call_back()):
            caller.tries, caller.books_at = tries, now + self.books_after_s
        return caller


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
        _call_back(plan, kind, random(f"{kind}/call-back")) if callers.call_back else None,
        callers.call_back_after_s,
    )


def _call_back(plan: Plan, kind: str, random: Random) -> Callable[[], tuple[tuple[float, bool], ...]]:
    """For a share of the callers how each time would turn out in which they are dialled."""
    callers, tries = plan.scenario.callers[kind], plan.scenario.callbacks.tries
    dial = drawn(callers.dial, random)

    def draw() -> tuple[tuple[float, bool], ...]:
        if random.random() >= callers.call_back:
            return ()
        return tuple((dial(), random.random() < callers.reached) for _ in range(tries))

    return draw


def _known(plan: Plan, kind: str, random: Random) -> Callable[[], AgentId | None]:
    """For a share of the callers an agent who can serve them, at once or after relaxation."""
    callers = plan.scenario.callers[kind]
    rule = plan.rules[QueueName(callers.queue)]
    asked = (plan.needs[kind] or rule.needs, *(later for _, later in rule.relax))
    able = [agent for agent, has in plan.skills().items() if any(needs.met_by(has) for needs in asked)]
    return lambda: random.choice(able) if able and random.random() < callers.known else None
