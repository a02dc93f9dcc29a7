"""The distributor as it reads: slow, plain, and obviously right. The engine must do exactly the same (engine_swarm).

Two rules: a visit that can be matched takes, of the ready agents who may have it now, the one its queue's policy
chooses; an agent who gets ready takes the first visit, by rank, of all he may have (global order, not queue by queue).
A match takes the agent out of the ready ones, and the visit keeps its place as offered until it leaves or is lost.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ari_app.acd.model import Match, Rule, Visit, stages
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from ari_app.model.skills import Needs


@dataclass(slots=True)
class Place:
    """A visit in its queue. `stage` counts the stages of acd.model.stages it has reached."""

    visit: Visit
    stages: tuple[tuple[float, Needs | AgentId], ...]
    stage: int = 0
    offered: AgentId | None = None
    suspended: bool = False  # Keeps its place, but cannot be matched: a call-back whose caller is being dialled.


@dataclass(slots=True)
class Ready:
    since: float
    occupancy: float


@dataclass
class Engine:
    """`rules` by queue; `skills`: agent → skill levels."""

    rules: Mapping[QueueName, Rule]
    skills: dict[AgentId, Mapping[Skill, int]]
    open: bool = True  # Closed while the link to Asterisk is down: nobody could be rung.
    waiting: dict[QueueName, list[Visit]] = field(default_factory=dict)  # All visits of a queue, by rank.
    places: dict[CallId, Place] = field(default_factory=dict)
    ready: dict[AgentId, Ready] = field(default_factory=dict)
    talking: dict[CallId, QueueName] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waiting = {queue: [] for queue in self.rules}

    # -- callers --

    def enter(self, visit: Visit, *, suspended: bool = False) -> Match | None:
        """A caller joins a queue; a call may wait in one queue at a time."""
        place = Place(visit, stages(self.rules[visit.queue], visit), suspended=suspended)
        insort(self.waiting[visit.queue], visit, key=lambda v: v.key)
        self.places[visit.call] = place
        return self._agent_for(place)

    def leave(self, call: CallId, *, talking: bool = False) -> Match | None:
        """The visit is over: connected, abandoned, timed out. Unknown calls are no error."""
        place = self.places.pop(call, None)
        if place is None:
            return None
        line = self.waiting[place.visit.queue]
        del line[bisect_left(line, place.visit.key, key=lambda v: v.key)]
        if place.offered is None:
            return None
        if talking:
            self.talking[call] = place.visit.queue
            return None
        return self._vacated(place.visit.queue)

    def talk_over(self, call: CallId) -> Match | None:
        queue = self.talking.pop(call, None)
        return self._vacated(queue) if queue is not None else None

    def offer_lost(self, call: CallId) -> Match | None:
        """The agent did not take the call: the caller is matched anew, in the old place."""
        place = self.places.get(call)
        if place is None:
            return None
        lost, place.offered = place.offered, None
        if lost is None or self.rules[place.visit.queue].talking_max is None:
            return self._agent_for(place)
        return self._vacated(place.visit.queue)

    def relax(self, call: CallId, now: float) -> Match | None:
        """Take the stages that are due; unknown calls are no error. To be called at `next_stage_at`."""
        place = self.places.get(call)
        if place is None:
            return None
        while place.stage + 1 < len(place.stages) and place.stages[place.stage + 1][0] <= now:
            place.stage += 1
        return self._agent_for(place)

    def next_stage_at(self, call: CallId) -> float | None:
        """When `relax` is due next; None: never."""
        place = self.places.get(call)
        if place is None or place.stage + 1 >= len(place.stages):
            return None
        return place.stages[place.stage + 1][0]

    def suspend(self, call: CallId) -> Match | None:
        """The place is kept, but cannot be matched. An offer it had is given up first, by `offer_lost`'s caller."""
        place = self.places[call]
        lost, place.offered, place.suspended = place.offered, None, True
        return self._vacated(place.visit.queue) if lost is not None else None

    def resume(self, call: CallId) -> Match | None:
        place = self.places[call]
        place.suspended = False
        return self._agent_for(place)

    def position(self, call: CallId) -> int:
        """Place in the queue told to the caller: 1 is next."""
        visit = self.places[call].visit
        return bisect_left(self.waiting[visit.queue], visit.key, key=lambda v: v.key) + 1

    def length(self, queue: QueueName) -> int:
        return len(self.waiting[queue])

    # -- agents --

    def agent_ready(self, agent: AgentId, since: float, occupancy: float = 0.0) -> Match | None:
        """`since`: idle since; `occupancy`: share of his signed-in time on calls, 0 to 1, for least-occupied."""
        self.ready[agent] = Ready(since, occupancy)
        return self._visit_for(agent)

    def agent_not_ready(self, agent: AgentId) -> None:
        self.ready.pop(agent, None)

    def set_skills(self, agent: AgentId, has: Mapping[Skill, int]) -> Match | None:
        """The agent's skills from now on (surge plan, supervisor); a ready one is matched at once."""
        self.skills[agent] = has
        return self._visit_for(agent) if agent in self.ready else None

    def servers(self, queue: QueueName, agents: Iterable[AgentId], needs: Needs | None = None) -> int:
        """How many of `agents` could ever be offered a visit of `queue`: by its needs, or by any relaxation."""
        rule = self.rules[queue]
        asked = (needs or rule.needs, *(later for _, later in rule.relax))
        return sum(any(each.met_by(self.skills[agent]) for each in asked) for agent in agents)

    def queues_of(self, agent: AgentId) -> tuple[QueueName, ...]:
        """The queues whose callers the agent could be offered, now or after relaxation."""
        return tuple(queue for queue in self.rules if self.servers(queue, (agent,)))

    # -- matching --

    def matches(self) -> Iterator[Match]:
        """Match everyone who can be matched: after the engine was closed. Longest-idle agents first."""
        for _, agent in sorted((each.since, agent) for agent, each in self.ready.items()):
            if (match := self._visit_for(agent)) is not None:
                yield match

    def _vacated(self, queue: QueueName) -> Match | None:
        """An offer or a talk is over: the first caller of a queue with a limit who can be matched now is."""
        if self.rules[queue].talking_max is None:
            return None
        return next((m for v in self.waiting[queue] if (m := self._agent_for(self.places[v.call])) is not None), None)

    def room(self, queue: QueueName) -> int:
        """How many more of its callers may be offered to agents."""
        limit = self.rules[queue].talking_max
        offered = sum(each.offered is not None for each in self.places.values() if each.visit.queue == queue)
        return 1 if limit is None else limit - offered - list(self.talking.values()).count(queue)

    def _free(self, place: Place) -> bool:
        return place.offered is None and not place.suspended and self.room(place.visit.queue) > 0

    def _may_have(self, agent: AgentId, place: Place) -> bool:
        asked = place.stages[place.stage][1]
        return asked.met_by(self.skills[agent]) if isinstance(asked, Needs) else asked == agent

    def _agent_for(self, place: Place) -> Match | None:
        if not self.open or not self._free(place):
            return None
        able = [(*self._order(place, agent), agent) for agent in self.ready if self._may_have(agent, place)]
        return self._match(place, min(able)[-1]) if able else None

    def _order(self, place: Place, agent: AgentId) -> tuple[float, float]:
        asked, idle = place.stages[place.stage][1], self.ready[agent]
        match self.rules[place.visit.queue].policy:
            case "longest-idle":
                return (0.0, idle.since)
            case "most-skilled":
                return (-float(asked.strength(self.skills[agent])) if isinstance(asked, Needs) else 0.0, idle.since)
            case "least-occupied":
                return (idle.occupancy, idle.since)

    def _visit_for(self, agent: AgentId) -> Match | None:
        if not self.open:
            return None
        mine = [place for place in self.places.values() if self._free(place) and self._may_have(agent, place)]
        return self._match(min(mine, key=lambda p: p.visit.key), agent) if mine else None

    def _match(self, place: Place, agent: AgentId) -> Match:
        del self.ready[agent]
        place.offered = agent
        return Match(place.visit, agent)
