"""Matches waiting callers with ready agents, in the instant something changes. Pure, mutable, without a clock.

Two rules: a visit that can be matched takes, of the ready agents who may have it now, the one its queue's policy
chooses; an agent who gets ready takes the first visit, by rank, of all he may have (global order, not queue by queue).
A match takes the agent out of the ready ones, and the visit keeps its place as offered until it leaves or is lost.
No event looks at every agent or every visit (docs/adr/0009-distributor-engine.md).
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ari_app.acd.asks import Ask, Asks
from ari_app.acd.matching import Key, Order
from ari_app.acd.model import Match, Rule, Visit
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from ari_app.model.skills import Needs

Stages: TypeAlias = tuple[tuple[float, Ask], ...]  # From how many seconds of waiting what is asked.


@dataclass(slots=True)
class Place:
    """A visit in its queue: `stage` counts the stages it has reached."""

    visit: Visit
    key: Key
    stages: Stages
    awaited: AgentId | None = None  # The preferred agent, while he alone may have the call.
    stage: int = 0
    offered: AgentId | None = None
    suspended: bool = False  # Keeps its place, but cannot be matched: a call-back whose caller is being dialled.
    seeking: bool = False  # Stands among those an agent who gets ready may take.

    def stage_at(self) -> float | None:
        """When the next stage begins; a relaxation never ends the wait for the preferred agent."""
        visit = self.visit
        if self.awaited is not None:
            return visit.since + visit.prefer_s
        if self.stage + 1 == len(self.stages):
            return None
        begins = visit.since + visit.prefer_s if visit.preferred is not None and visit.prefer_s > 0 else visit.since
        return max(begins, visit.since + self.stages[self.stage + 1][0])


@dataclass(slots=True)
class Line:
    """All visits of a queue, by rank."""

    places: dict[CallId, Place]
    order: Order = field(default_factory=Order)

    def __len__(self) -> int:
        return self.order.count

    def __iter__(self) -> Iterator[Visit]:
        for key in self.order:
            yield self.places[CallId(key[2])].visit


@dataclass(slots=True)
class Ready:
    since: float
    occupancy: float
    idle: Key  # Among those longest idle.
    occupied: Key  # Among those least occupied.


@dataclass
class Engine:
    """`rules` by queue; `skills`: agent → skill levels. An agent nobody named has none."""

    rules: Mapping[QueueName, Rule]
    skills: dict[AgentId, Mapping[Skill, int]]
    open: bool = True  # Closed while the link to Asterisk is down: nobody could be rung.
    waiting: dict[QueueName, Line] = field(default_factory=dict)
    places: dict[CallId, Place] = field(default_factory=dict)
    ready: dict[AgentId, Ready] = field(default_factory=dict)
    talking: dict[CallId, QueueName] = field(default_factory=dict)  # From queues with a limit: they count there.
    _asks: Asks = field(default_factory=Asks)
    _stages: dict[QueueName, Stages] = field(default_factory=dict)
    _awaiting: dict[AgentId, list[Key]] = field(default_factory=dict)  # Who seek that agent alone, by rank.
    _idle: Order = field(default_factory=Order)  # Longest idle first.
    _occupied: Order = field(default_factory=Order)  # Least occupied first; empty when no queue asks for it.
    _by_occupancy: bool = False
    _room: dict[QueueName, int] = field(default_factory=dict)  # By queue with a limit: so many more may be offered.

    def __post_init__(self) -> None:
        self.waiting = {queue: Line(self.places) for queue in self.rules}
        self._by_occupancy = any(rule.policy == "least-occupied" for rule in self.rules.values())
        for queue, rule in self.rules.items():
            asked = ((0.0, rule.needs), *rule.relax)
            if rule.talking_max is not None:
                self._room[queue] = rule.talking_max
            self._stages[queue] = tuple((after_s, self._ask(queue, needs)) for after_s, needs in asked)
        for agent, has in self.skills.items():
            self._asks.set_skills(agent, has)

    # -- callers --

    def enter(self, visit: Visit, *, suspended: bool = False) -> Match | None:
        """A caller joins a queue; a call may wait in one queue at a time."""
        stages, awaited = self._stages[visit.queue], None
        if visit.needs is not None:
            stages = ((0.0, self._ask(visit.queue, visit.needs)), *stages[1:])
        if visit.preferred is not None and visit.prefer_s > 0:
            awaited = visit.preferred
        key = visit.key
        self.places[visit.call] = place = Place(visit, key, stages, awaited, 0, None, suspended)
        self.waiting[visit.queue].order.add(key)
        return self._seek(place)

    def leave(self, call: CallId, *, talking: bool = False) -> Match | None:
        """The visit is over: connected, abandoned, timed out. Unknown calls are no error.

        `talking`: with the agent it was offered to, until `talk_over`. In a queue with a limit the end of an offer may
        let somebody else be matched.
        """
        place = self.places.pop(call, None)
        if place is None:
            return None
        self._unseek(place)
        queue = place.visit.queue
        self.waiting[queue].order.remove(place.key)
        if place.visit.needs is not None:
            self._asks.let_go(place.stages[0][1])
        if place.offered is None or queue not in self._room:
            return None
        if talking:
            self.talking[call] = queue
            return None
        return self._vacated(queue)

    def talk_over(self, call: CallId) -> Match | None:
        """The caller left with `talking` is with no agent any more. Unknown calls are no error."""
        queue = self.talking.pop(call, None)
        return self._vacated(queue) if queue is not None else None

    def restore_offer(self, call: CallId, agent: AgentId) -> None:
        """The place was being offered to this agent when the daemon before us died. The engine is closed."""
        place = self.places[call]
        self._unseek(place)
        place.offered = agent
        self._occupy(place.visit.queue)

    def restore_talk(self, call: CallId, queue: QueueName) -> None:
        """The caller had left with `talking`, and still does."""
        if queue in self._room:
            self.talking[call] = queue
            self._occupy(queue)

    def offer_lost(self, call: CallId) -> Match | None:
        """The agent did not take the call: the caller is matched anew, in the old place."""
        place = self.places.get(call)
        if place is None:
            return None
        lost, place.offered = place.offered, None
        if lost is None or place.visit.queue not in self._room:
            return self._seek(place)
        self._line_up(place)
        return self._vacated(place.visit.queue)

    def relax(self, call: CallId, now: float) -> Match | None:
        """Take the stages that are due; unknown calls are no error. To be called at `next_stage_at`."""
        place = self.places.get(call)
        if place is None:
            return None
        self._unseek(place)
        while (at := place.stage_at()) is not None and at <= now:
            if place.awaited is not None:
                place.awaited = None
            else:
                place.stage += 1
        return self._seek(place)

    def next_stage_at(self, call: CallId) -> float | None:
        """When `relax` is due next; None: never."""
        place = self.places.get(call)
        return place.stage_at() if place is not None else None

    def suspend(self, call: CallId) -> Match | None:
        """The place is kept, but cannot be matched. An offer it had is given up first, by `offer_lost`'s caller."""
        place = self.places[call]
        self._unseek(place)
        lost, place.offered, place.suspended = place.offered, None, True
        return self._vacated(place.visit.queue) if lost is not None and place.visit.queue in self._room else None

    def pass_over(self, call: CallId, since: float, occupancy: float) -> list[Match]:
        """A place just matched is suspended, and its agent as ready as before: what is matched instead."""
        place = self.places[call]
        agent, place.offered, place.suspended = place.offered, None, True
        assert agent is not None
        queue = place.visit.queue
        if queue in self._room:
            self._make_room(queue)
        self._stand(agent, since, occupancy)
        found: list[Match] = []
        while agent in self.ready and (next_up := self._visit_for(agent, self._asks.agents[agent].marks)) is not None:
            first = self._agent_for(next_up) or agent  # By the queue's policy, unless that one will have a better one.
            if self._visit_for(first, self._asks.agents[first].marks) is not next_up:
                first = agent
            self._take(first)
            found.append(self._match(next_up, first))
        while (match := self._filled(queue)) is not None:
            found.append(match)
        return found

    def resume(self, call: CallId) -> Match | None:
        place = self.places[call]
        place.suspended = False
        return self._seek(place)

    def position(self, call: CallId) -> int:
        """Place in the queue told to the caller: 1 is next."""
        place = self.places[call]
        return self.waiting[place.visit.queue].order.before(place.key) + 1

    def length(self, queue: QueueName) -> int:
        return len(self.waiting[queue])

    # -- agents --

    def agent_ready(self, agent: AgentId, since: float, occupancy: float = 0.0) -> Match | None:
        """`since`: idle since; `occupancy`: share of his signed-in time on calls, 0 to 1, for least-occupied."""
        if agent in self.ready:
            self._take(agent)
        profile = self._asks.agents.get(agent) or self._asks.set_skills(agent, {})
        marks = profile.marks
        place = self._visit_for(agent, marks) if self.open else None
        if place is not None:
            return self._match(place, agent)
        self._stand(agent, since, occupancy)
        return None

    def _stand(self, agent: AgentId, since: float, occupancy: float) -> None:
        """Among the ready."""
        marks = self._asks.agents[agent].marks
        self.ready[agent] = ready = Ready(since, occupancy, (since, 0.0, agent), (occupancy, since, agent))
        self._idle.add(ready.idle, marks)
        if self._by_occupancy:
            self._occupied.add(ready.occupied, marks)

    def agent_not_ready(self, agent: AgentId) -> None:
        if agent in self.ready:
            self._take(agent)

    def set_skills(self, agent: AgentId, has: Mapping[Skill, int]) -> Match | None:
        """The agent's skills from now on (surge plan, supervisor); a ready one is matched at once."""
        ready = self.ready.get(agent)
        self.skills[agent] = has
        self._asks.set_skills(agent, has)
        return self.agent_ready(agent, ready.since, ready.occupancy) if ready is not None else None

    def servers(self, queue: QueueName, agents: Iterable[AgentId], needs: Needs | None = None) -> int:
        """How many of `agents` could ever be offered a visit of `queue`: by its needs, or by any relaxation."""
        stages = self._stages[queue]
        first = stages[0][1] if needs is None else self._ask(queue, needs)
        wanted = first.marks
        for _, ask in stages[1:]:
            wanted |= ask.marks
        profiles = self._asks.agents
        count = sum(agent in profiles and profiles[agent].marks & wanted != 0 for agent in agents)
        if needs is not None:
            self._asks.let_go(first)
        return count

    def queues_of(self, agent: AgentId) -> tuple[QueueName, ...]:
        """The queues whose callers the agent could be offered, now or after relaxation."""
        return tuple(queue for queue in self.rules if self.servers(queue, (agent,)))

    # -- matching --

    def matches(self) -> Iterator[Match]:
        """Match everyone who can be matched: after the engine was closed. Longest-idle agents first."""
        for key in list(self._idle):
            agent = AgentId(key[2])
            if agent in self.ready and self.open:
                place = self._visit_for(agent, self._asks.agents[agent].marks)
                if place is not None:
                    self._take(agent)
                    yield self._match(place, agent)

    def _ask(self, queue: QueueName, needs: Needs) -> Ask:
        limited = queue in self._room
        ask, is_new = self._asks.hold((needs, self.rules[queue].policy == "most-skilled", queue if limited else None))
        if is_new:
            ask.barred = limited and self._room[queue] < 1
            for order in (self._idle, self._occupied):
                order.remark(lambda agent: self._asks.agents[AgentId(agent)].marks)
        return ask

    def _seek(self, place: Place) -> Match | None:
        """Match the place if it can be; else it stands among those an agent who gets ready may take."""
        if place.offered is not None or place.suspended:
            return None
        agent = self._agent_for(place) if self.open else None
        if agent is not None:
            self._take(agent)
            return self._match(place, agent)
        self._line_up(place)
        return None

    def _line_up(self, place: Place) -> None:
        if place.seeking or place.suspended:
            return
        place.seeking = True
        if place.awaited is not None:
            insort(self._awaiting.setdefault(place.awaited, []), place.key)
        else:
            self._asks.seek(place.stages[place.stage][1], place.key)

    def _unseek(self, place: Place) -> None:
        if not place.seeking:
            return
        place.seeking = False
        if place.awaited is None:
            self._asks.unseek(place.stages[place.stage][1], place.key)
            return
        mine = self._awaiting[place.awaited]
        del mine[bisect_left(mine, place.key)]
        if not mine:
            del self._awaiting[place.awaited]

    def _vacated(self, queue: QueueName) -> Match | None:
        """One more of a queue with a limit may be offered: the first of them, by rank, for whom somebody is ready."""
        self._make_room(queue)
        return self._filled(queue)

    def _make_room(self, queue: QueueName) -> None:
        self._room[queue] += 1
        if self._room[queue] == 1:
            self._asks.bar(queue, False)

    def _filled(self, queue: QueueName) -> Match | None:
        if not self.open or self._room.get(queue, 0) < 1:
            return None
        heads = [ask.head for ask in self._asks.only(queue) if ask.head is not None]
        for agent in self._awaiting.keys() & self.ready.keys():
            heads += [key for key in self._awaiting[agent] if self.places[CallId(key[2])].visit.queue == queue]
        for head in sorted(heads):
            if (match := self._seek(self.places[CallId(head[2])])) is not None:
                return match
        return None

    def _agent_for(self, place: Place) -> AgentId | None:
        if self._room and self._room.get(place.visit.queue, 1) < 1:
            return None
        if place.awaited is not None:
            return place.awaited if place.awaited in self.ready else None
        ask = place.stages[place.stage][1]
        if ask.name[1]:
            found = self._idle.highest(ask.marks)
        elif self._by_occupancy and self.rules[place.visit.queue].policy == "least-occupied":
            found = self._occupied.first(ask.marks)
        else:
            found = self._idle.first(ask.marks)
        return AgentId(found) if found is not None else None

    def _visit_for(self, agent: AgentId, marks: int) -> Place | None:
        call = self._asks.heads.first(marks)
        place = self.places[CallId(call)] if call is not None else None
        for key in self._awaiting.get(agent, ()):
            if place is not None and place.key < key:
                break
            mine = self.places[CallId(key[2])]
            if self._room.get(mine.visit.queue, 1) > 0:
                return mine
        return place

    def _match(self, place: Place, agent: AgentId) -> Match:
        self._unseek(place)
        place.offered = agent
        self._occupy(place.visit.queue)
        return Match(place.visit, agent)

    def _occupy(self, queue: QueueName) -> None:
        """One less of a queue with a limit may be offered."""
        if queue in self._room:
            self._room[queue] -= 1
            if not self._room[queue]:
                self._asks.bar(queue, True)

    def _take(self, agent: AgentId) -> None:
        """The agent stands among the ready no more."""
        ready = self.ready.pop(agent)
        self._idle.remove(ready.idle)
        if self._by_occupancy:
            self._occupied.remove(ready.occupied)
