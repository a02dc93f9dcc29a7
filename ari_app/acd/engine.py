"""Matches waiting callers with ready agents, in the instant something changes. Pure, mutable, without a clock.

A caller is a visit: one place in one queue, ordered by rank (enqueue time minus the priority's bonus), fixed for the
visit; RONA and decline keep it. Two rules: a new visit takes the longest-idle ready agent who has the skills; an agent
who gets ready takes the first visit, by rank, of all queues he serves (global order, not queue by queue).
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ari_app.model.ids import AgentId, CallId, QueueName, Skill

PRIORITY_BONUS_S = 60.0


@dataclass(frozen=True, slots=True)
class Visit:
    call: CallId
    n: int
    queue: QueueName
    priority: int
    since: float
    rank: float

    @property
    def key(self) -> tuple[float, int, CallId]:
        return (self.rank, int(self.call.partition("-")[2]), self.call)


@dataclass(frozen=True, slots=True)
class Match:
    visit: Visit
    agent: AgentId


def rank(since: float, priority: int) -> float:
    """What orders a queue: smaller first; a step of priority counts as 60 s waited already."""
    return since - PRIORITY_BONUS_S * priority


def serves(has: Mapping[Skill, int], needs: Mapping[Skill, int]) -> bool:
    """Whether skill levels meet a queue's lowest levels."""
    return all(has.get(skill, 0) >= level for skill, level in needs.items())


@dataclass
class Engine:
    """`needs`: queue → skills with their lowest level. `skills`: agent → skill levels."""

    needs: Mapping[QueueName, Mapping[Skill, int]]
    skills: Mapping[AgentId, Mapping[Skill, int]]
    open: bool = True  # Closed while the link to Asterisk is down: nobody could be rung.
    waiting: dict[QueueName, list[Visit]] = field(default_factory=dict)  # All visits of a queue, by rank.
    visits: dict[CallId, Visit] = field(default_factory=dict)
    offered: dict[CallId, AgentId] = field(default_factory=dict)  # They keep their place, but cannot be matched.
    ready: dict[AgentId, float] = field(default_factory=dict)  # Agent → idle since.
    queues_of: dict[AgentId, tuple[QueueName, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waiting = {queue: [] for queue in self.needs}
        for agent, has in self.skills.items():
            self.queues_of[agent] = tuple(q for q, needs in self.needs.items() if serves(has, needs))

    # -- callers --

    def enter(self, visit: Visit) -> Match | None:
        """A caller joins a queue."""
        insort(self.waiting[visit.queue], visit, key=lambda v: v.key)
        self.visits[visit.call] = visit
        return self._agent_for(visit)

    def leave(self, call: CallId) -> None:
        """The visit is over: connected, abandoned, timed out. Unknown calls are no error."""
        visit = self.visits.pop(call, None)
        self.offered.pop(call, None)
        if visit is not None:
            line = self.waiting[visit.queue]
            del line[bisect_left(line, visit.key, key=lambda v: v.key)]

    def offer_lost(self, call: CallId) -> Match | None:
        """The agent did not take the call: the caller is matched anew, in the old place."""
        self.offered.pop(call, None)
        visit = self.visits.get(call)
        return self._agent_for(visit) if visit is not None else None

    def position(self, call: CallId) -> int:
        """Place in the queue told to the caller: 1 is next."""
        visit = self.visits[call]
        return bisect_left(self.waiting[visit.queue], visit.key, key=lambda v: v.key) + 1

    def length(self, queue: QueueName) -> int:
        return len(self.waiting[queue])

    # -- agents --

    def agent_ready(self, agent: AgentId, since: float) -> Match | None:
        self.ready[agent] = since
        return self._visit_for(agent)

    def agent_not_ready(self, agent: AgentId) -> None:
        self.ready.pop(agent, None)

    def servers(self, queue: QueueName, agents: Iterable[AgentId]) -> int:
        """How many of `agents` have the skills of `queue`."""
        return sum(queue in self.queues_of[agent] for agent in agents)

    # -- matching --

    def matches(self) -> Iterator[Match]:
        """Match everyone who can be matched: after the engine was closed. Longest-idle agents first."""
        for _, agent in sorted((since, agent) for agent, since in self.ready.items()):
            if (match := self._visit_for(agent)) is not None:
                yield match

    def _agent_for(self, visit: Visit) -> Match | None:
        if not self.open:
            return None
        able = [(since, agent) for agent, since in self.ready.items() if visit.queue in self.queues_of[agent]]
        return self._match(visit, min(able)[1]) if able else None

    def _visit_for(self, agent: AgentId) -> Match | None:
        if not self.open:
            return None
        heads = [head for queue in self.queues_of[agent] if (head := self._head(queue)) is not None]
        return self._match(min(heads, key=lambda v: v.key), agent) if heads else None

    def _head(self, queue: QueueName) -> Visit | None:
        return next((visit for visit in self.waiting[queue] if visit.call not in self.offered), None)

    def _match(self, visit: Visit, agent: AgentId) -> Match:
        del self.ready[agent]
        self.offered[visit.call] = agent
        return Match(visit, agent)
