"""Bugs put into the distributor's engine on purpose. Walks that do not find each of them prove nothing."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from ari_app.acd import matching
from ari_app.acd.asks import Ask, Asks, Profile
from ari_app.acd.engine import Engine, Place, Ready
from ari_app.acd.matching import Block, Key, Order
from ari_app.acd.model import Match
from ari_app.model.ids import AgentId, CallId, QueueName
from ari_app.model.skills import Needs

Patch = pytest.MonkeyPatch


def _moved(self: Engine, place: Place, by: float) -> None:
    """Another rank than the one the visit came with."""
    line = self.waiting[place.visit.queue].order
    line.remove(place.key)
    place.key = (place.key[0] + by, *place.key[1:])
    line.add(place.key)


# -- places --


def place_lost_by_an_offer(patch: Patch) -> None:
    def offer_lost(self: Engine, call: CallId) -> Match | None:
        if (place := self.places.get(call)) is not None and not place.seeking:
            _moved(self, place, 1000)
        return old(self, call)

    old = Engine.offer_lost
    patch.setattr(Engine, "offer_lost", offer_lost)


def place_lost_by_relaxation(patch: Patch) -> None:
    def relax(self: Engine, call: CallId, now: float) -> Match | None:
        if (place := self.places.get(call)) is not None and not place.seeking:
            _moved(self, place, 100)
        return old(self, call, now)

    old = Engine.relax
    patch.setattr(Engine, "relax", relax)


def place_lost_by_a_call_back(patch: Patch) -> None:
    def resume(self: Engine, call: CallId) -> Match | None:
        if not self.places[call].seeking:
            _moved(self, self.places[call], 1000)
        return old(self, call)

    old = Engine.resume
    patch.setattr(Engine, "resume", resume)


def ghost_after_leaving(patch: Patch) -> None:
    """Who left while nobody was free for him is offered later."""

    def unseek(self: Engine, place: Place) -> None:
        if place.visit.call in self.places:
            old(self, place)

    old = Engine._unseek
    patch.setattr(Engine, "_unseek", unseek)


def leaving_forgets_the_line(patch: Patch) -> None:
    def leave(self: Engine, call: CallId) -> None:
        place = self.places.pop(call, None)
        if place is not None:
            self._unseek(place)

    patch.setattr(Engine, "leave", leave)


def position_from_the_wrong_end(patch: Patch) -> None:
    def before(self: Order, key: Key) -> int:
        at = next(n for n, last in enumerate(self.last) if key <= last)
        return sum(len(block.keys) for block in self.blocks[:at])

    patch.setattr(Order, "before", before)


# -- matching --


def never_offered_again(patch: Patch) -> None:
    def offer_lost(self: Engine, call: CallId) -> Match | None:
        if (place := self.places.get(call)) is not None:
            place.offered = None
        return None

    patch.setattr(Engine, "offer_lost", offer_lost)


def agent_stays_ready(patch: Patch) -> None:
    """He is offered a call, and still stands among the ready."""

    def match(self: Engine, place: Place, agent: AgentId) -> Match:
        found = old(self, place, agent)
        key = (0.0, 0.0, agent)
        self.ready[agent] = Ready(0.0, 0.0, key, key)
        self._idle.add(key, self._asks.agents[agent].marks)
        return found

    old = Engine._match
    patch.setattr(Engine, "_match", match)


def caller_stays_seeking(patch: Patch) -> None:
    def match(self: Engine, place: Place, agent: AgentId) -> Match:
        place.offered = agent
        return Match(place.visit, agent)

    patch.setattr(Engine, "_match", match)


def queue_by_queue(patch: Patch) -> None:
    def visit_for(self: Engine, agent: AgentId, marks: int) -> Place | None:
        best = old(self, agent, marks)
        heads = [ask.head for ask in self._asks.known.values() if ask.head is not None and ask.marks & marks]
        mine = [self.places[CallId(head[2])] for head in heads]
        return min(mine, key=lambda p: (p.visit.queue, p.key)) if mine and best is not None else best

    old = Engine._visit_for
    patch.setattr(Engine, "_visit_for", visit_for)


def shortest_idle(patch: Patch) -> None:
    def agent_for(self: Engine, place: Place) -> AgentId | None:
        found = old(self, place)
        ask = place.stages[place.stage][1]
        if found is None or place.awaited is not None or self.rules[place.visit.queue].policy != "longest-idle":
            return found
        blocks = self._idle.blocks
        return max((key for b in blocks for key, m in zip(b.keys, b.marks, strict=True) if m & ask.marks))[2]  # type: ignore[return-value]

    old = Engine._agent_for
    patch.setattr(Engine, "_agent_for", agent_for)


def least_skilled(patch: Patch) -> None:
    patch.setattr(Order, "highest", Order.first)


def occupancy_ignored(patch: Patch) -> None:
    def agent_ready(self: Engine, agent: AgentId, since: float, occupancy: float = 0.0) -> Match | None:
        found = old(self, agent, since, 0.0)
        if agent in self.ready:
            self.ready[agent].occupancy = occupancy
        return found

    old = Engine.agent_ready
    patch.setattr(Engine, "agent_ready", agent_ready)


def closed_and_still_matching(patch: Patch) -> None:
    def seek(self: Engine, place: Place) -> Match | None:
        was, self.open = self.open, True
        try:
            return old(self, place)
        finally:
            self.open = was

    old = Engine._seek
    patch.setattr(Engine, "_seek", seek)


def reopening_matches_one(patch: Patch) -> None:
    def matches(self: Engine) -> Iterator[Match]:
        for match in old(self):
            yield match
            return

    old = Engine.matches
    patch.setattr(Engine, "matches", matches)


# -- stages --


def preferred_ignored(patch: Patch) -> None:
    def seek(self: Engine, place: Place) -> Match | None:
        if not place.seeking:
            place.awaited = None
        return old(self, place)

    old = Engine._seek
    patch.setattr(Engine, "_seek", seek)


def preferred_first(patch: Patch) -> None:
    """Whoever waits for this agent alone overtakes everybody."""

    def visit_for(self: Engine, agent: AgentId, marks: int) -> Place | None:
        mine = self._awaiting.get(agent)
        return self.places[CallId(mine[0][2])] if mine else old(self, agent, marks)

    old = Engine._visit_for
    patch.setattr(Engine, "_visit_for", visit_for)


def preferred_waits_for_nobody_else(patch: Patch) -> None:
    def stage_at(self: Place) -> float | None:
        return None if self.awaited is not None else old(self)

    old = Place.stage_at
    patch.setattr(Place, "stage_at", stage_at)


def relaxed_one_stage_too_many(patch: Patch) -> None:
    def relax(self: Engine, call: CallId, now: float) -> Match | None:
        old(self, call, now)
        return old(self, call, now + 30)

    old = Engine.relax
    patch.setattr(Engine, "relax", relax)


def suspended_is_matched(patch: Patch) -> None:
    def seek(self: Engine, place: Place) -> Match | None:
        was, place.suspended = place.suspended, False
        found = old(self, place)
        place.suspended = was
        return found

    old = Engine._seek
    patch.setattr(Engine, "_seek", seek)


def resumed_and_forgotten(patch: Patch) -> None:
    def resume(self: Engine, call: CallId) -> Match | None:
        self.places[call].suspended = False
        return None

    patch.setattr(Engine, "resume", resume)


# -- who meets what --


def skills_of_a_ready_agent_stay(patch: Patch) -> None:
    def set_skills(self: Engine, agent: AgentId, has: Any) -> Match | None:
        self.skills[agent] = has
        self._asks.set_skills(agent, has)
        return None

    patch.setattr(Engine, "set_skills", set_skills)


def old_marks_kept(patch: Patch) -> None:
    """A mark is used again, and profiles keep it from its earlier use."""

    def hold(self: Asks, name: tuple[Needs, bool, QueueName | None]) -> tuple[Ask, bool]:
        before = {kind: profile.marks for kind, profile in self.profiles.items()}
        found = old(self, name)
        for kind, profile in self.profiles.items():
            profile.marks |= before[kind]
        return found

    old = Asks.hold
    patch.setattr(Asks, "hold", hold)


def ready_agents_not_marked_anew(patch: Patch) -> None:
    patch.setattr(Order, "remark", lambda self, marks_of: None)


def needs_forgotten_while_held(patch: Patch) -> None:
    def relax(self: Engine, call: CallId, now: float) -> Match | None:
        place = self.places.get(call)
        before = place.stage if place is not None else 0
        found = old(self, call, now)
        if place is not None and place.stage > before == 0 and place.visit.needs is not None:
            self._asks.let_go(place.stages[0][1])
        return found

    old = Engine.relax
    patch.setattr(Engine, "relax", relax)


def needs_never_forgotten(patch: Patch) -> None:
    patch.setattr(Asks, "let_go", lambda self, ask: None)


def head_not_renewed(patch: Patch) -> None:
    patch.setattr(Asks, "unseek", lambda self, ask, key: ask.seeking.remove(key))


def any_alternative_in_part(patch: Patch) -> None:
    """One skill of an alternative is enough."""

    def mark(self: Ask, profile: Profile) -> int:
        if any(profile.has & asked for asked, _ in self.alternatives):
            return old(self, profile) or 1 << self.base
        return 0

    old = Ask.mark
    patch.setattr(Ask, "mark", mark)


# -- limits --


def limit_ignored(patch: Patch) -> None:
    def init(self: Engine) -> None:
        old(self)
        self._room = {queue: 1000 for queue in self._room}

    old = Engine.__post_init__
    patch.setattr(Engine, "__post_init__", init)


def limit_forgets_the_preferred(patch: Patch) -> None:
    """A full queue's callers are still taken by the agents they prefer."""

    def visit_for(self: Engine, agent: AgentId, marks: int) -> Place | None:
        place = old(self, agent, marks)
        mine = self._awaiting.get(agent)
        return self.places[CallId(mine[0][2])] if mine and (place is None or mine[0] < place.key) else place

    old = Engine._visit_for
    patch.setattr(Engine, "_visit_for", visit_for)


def room_never_given_back(patch: Patch) -> None:
    patch.setattr(Engine, "talk_over", lambda self, call: None)


def room_given_back_to_nobody(patch: Patch) -> None:
    def vacated(self: Engine, queue: QueueName) -> Match | None:
        was, self.open = self.open, False
        try:
            return old(self, queue)
        finally:
            self.open = was

    old = Engine._vacated
    patch.setattr(Engine, "_vacated", vacated)


def unknown_talks_give_room(patch: Patch) -> None:
    def talk_over(self: Engine, call: CallId) -> Match | None:
        queue = self.talking.pop(call, None) or min(self._room, default=None)
        return self._vacated(queue) if queue is not None else None

    patch.setattr(Engine, "talk_over", talk_over)


# -- blocks --


def split_loses_the_summary(patch: Patch) -> None:
    def cut(self: Block, begin: int) -> Block:
        rest = old(self, begin)
        rest.summary = 0
        return rest

    old = Block.cut
    patch.setattr(Block, "cut", cut)


def merge_loses_the_summary(patch: Patch) -> None:
    def join(self: Block, other: Block) -> None:
        before = self.summary
        old(self, other)
        self.summary = before

    old = Block.join
    patch.setattr(Block, "join", join)


def search_clears_too_much(patch: Patch) -> None:
    def first(self: Order, wanted: int) -> str | None:
        found = old(self, wanted)
        if found is None:
            self.summary = 0
            for block in self.blocks:
                block.summary = 0
        return found

    old = Order.first
    patch.setattr(Order, "first", first)


def equal_ranks_in_any_order(patch: Patch) -> None:
    def place_of(key: Key, keys: list[Key], firsts: Any) -> int:
        if key in keys:
            return keys.index(key)
        return next((n for n, first in enumerate(firsts) if first >= key[0]), len(firsts))

    patch.setattr(matching, "place_of", place_of)


MUTANTS: Final[tuple[Callable[[Patch], None], ...]] = (
    place_lost_by_an_offer,
    place_lost_by_relaxation,
    place_lost_by_a_call_back,
    ghost_after_leaving,
    leaving_forgets_the_line,
    position_from_the_wrong_end,
    never_offered_again,
    agent_stays_ready,
    caller_stays_seeking,
    queue_by_queue,
    shortest_idle,
    least_skilled,
    occupancy_ignored,
    closed_and_still_matching,
    reopening_matches_one,
    preferred_ignored,
    preferred_first,
    preferred_waits_for_nobody_else,
    relaxed_one_stage_too_many,
    suspended_is_matched,
    resumed_and_forgotten,
    skills_of_a_ready_agent_stay,
    old_marks_kept,
    ready_agents_not_marked_anew,
    needs_forgotten_while_held,
    needs_never_forgotten,
    head_not_renewed,
    any_alternative_in_part,
    limit_ignored,
    limit_forgets_the_preferred,
    room_never_given_back,
    room_given_back_to_nobody,
    unknown_talks_give_room,
    split_loses_the_summary,
    merge_loses_the_summary,
    search_clears_too_much,
    equal_ranks_in_any_order,
)
