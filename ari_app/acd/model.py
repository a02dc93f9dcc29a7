"""What the distributor works with: a queue's rule, a caller's visit, a match. Frozen.

A visit is one caller's place in one queue, ordered by rank: enqueue time minus the priority's bonus, in seconds. It is
fixed for the visit: RONA, relaxation and a booked call-back keep it, and age always wins in the end.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ari_app.model.ids import AgentId, CallId, QueueName
from ari_app.model.skills import Needs

Policy: TypeAlias = Literal["longest-idle", "most-skilled", "least-occupied"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a queue finds agents. `relax`: after so many seconds of waiting these needs hold instead, in order of time.

    `policy` chooses among several ready agents; equals: the longest idle, then the smaller work number. `talking_max`:
    so many callers of the queue at most are offered to agents or talk to them at once.
    """

    needs: Needs
    relax: tuple[tuple[float, Needs], ...] = ()
    policy: Policy = "longest-idle"
    talking_max: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """`needs`: instead of the queue's, where the flow asks for more. `preferred`: for the first `prefer_s` seconds
    only this agent is offered the call (last agent, account manager), whatever the skills say. `order`: which of two
    with the same rank goes first; it and the rank stay with a place that passes from call to call (call-backs)."""

    call: CallId
    n: int
    queue: QueueName
    priority: int
    since: float
    rank: float
    needs: Needs | None = None
    preferred: AgentId | None = None
    prefer_s: float = 0.0
    order: int = 0

    @property
    def key(self) -> tuple[float, int, CallId]:
        return (self.rank, self.order, self.call)


@dataclass(frozen=True, slots=True)
class Match:
    visit: Visit
    agent: AgentId


def rank(since: float, priority: int, step_s: float = 60.0) -> float:
    """What orders a queue: smaller first; each step of priority counts as `step_s` seconds waited already."""
    return since - step_s * priority


def stages(rule: Rule, visit: Visit) -> tuple[tuple[float, Needs | AgentId], ...]:
    """From which moment (same clock as `since`) what holds for a visit: an agent alone, or needs. The first at `since`.

    A relaxation that falls due while the preferred agent is still waited for holds from the end of that wait.
    """
    first = visit.needs or rule.needs
    found: list[tuple[float, Needs | AgentId]] = [(visit.since, first)]
    if visit.preferred is not None and visit.prefer_s > 0:
        found = [(visit.since, visit.preferred), (visit.since + visit.prefer_s, first)]
    begins = found[-1][0]
    for after_s, needs in rule.relax:
        found.append((max(begins, visit.since + after_s), needs))
    return tuple(found)
