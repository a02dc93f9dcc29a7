"""What must hold after every event, whatever happened: `check` looks at the floor, `Watch` at the effects."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from ari_app.board import voice
from ari_app.board.floor import Floor
from ari_app.board.link import NO_CALL
from ari_app.board.records import Booking, Call, Item, Seat
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import work
from ari_app.model.audit import SurgeStepTaken, SurgeStepUndone
from ari_app.model.control import TransferBegan, TransferEnded
from ari_app.model.facts import Fact, OfferMade, Queued, QueueLeft
from ari_app.model.ids import AgentId, BridgeId, CallId, LegId, PlaybackId, QueueName, Skill, TimerId, TransferId
from ari_app.model.skills import Needs, needs_of
from ari_app.model.states import AgentState, CallState


def check(floor: Floor, running: set[TimerId], firing: set[TimerId], now: float) -> None:
    _agents(floor)
    _queues(floor)
    _bookings(floor)
    _items(floor)
    _nobody_idles(floor, now)
    _nobody_waits_for_nobody(floor, now)
    _surge(floor, now)
    _legs(floor)
    _timers(floor, running, firing)
    assert floor.refusing == sum(call.refusing for call in floor.calls.values())


def _agents(floor: Floor) -> None:
    """An agent has one offer or one talk, and his state says so."""
    invites = [call.invite for call in floor.calls.values() if call.invite is not None and call.invite.agent]
    offered = Counter(call.offer.agent for call in floor.calls.values() if call.offer is not None)
    talking = Counter(call.talk.agent for call in floor.calls.values() if call.talk is not None)
    offered += Counter(item.offer.agent for item in floor.items.values() if item.offer is not None)
    for invite in invites:  # One that answered a consult talks; any other is reserved.
        (talking if invite.answered and invite.how == "consult" else offered)[invite.agent or AgentId("")] += 1
    for seat in floor.seats.values():
        working = seat.state is AgentState.WORKING
        assert offered[seat.agent] + talking[seat.agent] + working <= 1, (seat, offered, talking)
        assert (seat.item is not None) == (working or _is_offered_an_item(floor, seat)), seat
        assert not working or seat.item is None or floor.items[seat.item].by == seat.agent, seat
        assert talking[seat.agent] == (seat.state is AgentState.TALKING), seat
        if seat.state is AgentState.RESERVED:
            assert seat.leg in floor.legs, f"reserved without a live leg: {seat}"
            assert offered[seat.agent] or seat.withdrawn, seat
        else:
            assert not offered[seat.agent], seat
        assert not seat.paused or seat.state is AgentState.READY, seat
        assert seat.owes is None or seat.state is not AgentState.READY, f"ready without the disposition: {seat}"
        assert seat.extended <= floor.settings.agent_rules.wrap_up_more_max, seat
    assert set(floor.engine.ready) <= {s.agent for s in floor.seats.values() if s.state is AgentState.READY}


def _is_offered_an_item(floor: Floor, seat: Seat) -> bool:
    return any(item.offer is not None and item.offer.agent == seat.agent for item in floor.items.values())


def _items(floor: Floor) -> None:
    """A message has its place by its due time, rests, or is with somebody; who works it works no other."""
    working = [seat.item for seat in floor.seats.values() if seat.state is AgentState.WORKING]
    assert len(working) == len(set(working)), working
    assert floor.routed == {item.id: item for item in floor.items.values() if item.id}
    for item in floor.items.values():
        place, box = floor.engine.places.get(item.id), floor.settings.boxes[item.box]
        assert not (place and item.by), f"taken, and still offered: {item}"
        assert place is None or place.visit.rank == item.due_at + (0 if box.overdue_first else 1e9), item
        assert item.offer is None or (place is not None and place.offered == item.offer.agent), item
        if item.id and place is None:
            assert item.by or item.again_at, f"forgotten: {item}"
        if item.path and box.offered and not item.id:
            assert item.by, f"never offered: {item}"
    for at in floor.item_offers.values():
        assert at.leg in floor.legs and at.due > 0, at


def _queues(floor: Floor) -> None:
    """Every queue holds exactly those who wait in it, by rank."""
    waiting = {call.id: call.visit for call in floor.calls.values() if call.visit is not None}
    waiting |= {each.id: each.visit for each in floor.bookings.values() if not _on_the_line(floor, each)}
    waiting |= {id_: place.visit for id_, place in floor.engine.places.items() if id_ in floor.routed}  # See _items.
    assert set(waiting) == set(floor.engine.places)
    assert not floor.matched and not floor.freed
    in_queue = (CallState.QUEUED, CallState.RINGING, CallState.WHISPERING)
    for call in floor.calls.values():
        aside = call.state is CallState.IN_FLOW and call.visit is not None and floor.engine.places[call.id].suspended
        assert (call.visit is not None) == (call.state in in_queue or aside), call
        assert (call.offer is not None) == (call.state in in_queue[1:]), call
        assert (call.talk is not None) == (call.state is CallState.TALKING), call
        assert (call.party is not None) == (call.state is CallState.OUTSIDE), call
        assert call.watch is None or call.talk is not None, call
        consulting = call.invite is not None and call.invite.how == "consult"
        assert (call.invite is not None and not consulting) == (call.state is CallState.DIALLING), call
        if consulting:
            assert call.talk is not None and call.invite is not None, call
            assert call.talk.away != call.invite.joined, f"the caller is on hold while he is talked about: {call}"
    busy = {call.id for call in floor.calls.values() if call.talk is not None}
    busy |= {item.id for item in floor.items.values() if item.by}
    assert floor.engine.talking.keys() <= busy
    for queue, line in floor.engine.waiting.items():
        limit = _limit(floor, queue)
        assert limit is None or _busy(floor, queue) <= limit
        assert [v.rank for v in line] == sorted(v.rank for v in line)
        assert {v.call for v in line} == {id_ for id_, visit in waiting.items() if visit.queue == queue}


def _limit(floor: Floor, queue: QueueName) -> int | None:
    if queue in floor.settings.queues:
        return floor.settings.queues[queue].talking_max
    return floor.settings.boxes[queue.removeprefix("box:")].working_max


def _on_the_line(floor: Floor, booking: Booking) -> bool:
    """He confirmed: his place has passed to the call."""
    call = floor.calls.get(booking.dialling) if booking.dialling is not None else None
    return call is not None and call.state is not CallState.CALLING_BACK


def _bookings(floor: Floor) -> None:
    """A call-back is dialled, or waits for its turn, or for its timer: it is never lost."""
    numbers = [(each.number, each.visit.queue) for each in floor.bookings.values()]
    assert len(numbers) == len(set(numbers)), numbers
    for each in floor.bookings.values():
        place = floor.engine.places.get(each.id)
        assert place is None or place.visit.rank == each.visit.rank
        assert each.dialling is not None or each.due_at > 0, each
        if each.dialling is not None:
            assert floor.calls[each.dialling].booking == each.id
    dialling = [call for call in floor.calls.values() if call.state is CallState.CALLING_BACK and call.booking]
    assert all(floor.bookings[call.booking].dialling == call.id for call in dialling if call.booking)


def _nobody_idles(floor: Floor, now: float) -> None:
    """No free agent idles while a caller he could serve waits (the engine's own lists are not asked)."""
    if not floor.engine.open:
        return
    idle = [s for s in floor.seats.values() if s.state is AgentState.READY and _free(floor, s)]
    for call in floor.calls.values():
        if (
            call.visit is None
            or call.offer is not None
            or _about_to(call, now)
            or _at_limit(floor, call.visit.queue, now)
            or call.state is CallState.IN_FLOW
        ):
            continue
        for seat in idle:
            assert not able(floor, call, seat, now), f"{seat.agent} idles while {call.id} waits"
    for item in floor.items.values():
        queue = QueueName(f"box:{item.box}")
        if item.id in floor.engine.places and item.offer is None and not item.again_at and not _is_full(floor, queue):
            assert not [s for s in idle if _may_work(floor, item, s)], f"somebody idles while {item} waits"


def _may_work(floor: Floor, item: Item, seat: Seat) -> bool:
    return needs_of(floor.settings.boxes[item.box].skills).met_by(_has(floor, seat))


def _is_full(floor: Floor, queue: QueueName) -> bool:
    limit = _limit(floor, queue)
    return limit is not None and _busy(floor, queue) >= limit


def _nobody_waits_for_nobody(floor: Floor, now: float) -> None:
    """Where the node names a way out, somebody signed in could serve the caller, now or by relaxation."""
    there = [s for s in floor.seats.values() if s.state is not AgentState.SIGNED_OUT]
    for call in floor.calls.values():
        visit, node = call.visit, call.queue
        if call.state is not CallState.QUEUED or visit is None or node is None or _about_to(call, now):
            continue
        if visit.preferred is not None and now < visit.since + visit.prefer_s:
            assert visit.preferred in {s.agent for s in there}, f"{call.id} waits for {visit.preferred}, who is gone"
        elif node.on_no_agents is not None:
            queue = floor.settings.queues[visit.queue]
            wanted = (node.skills or queue.skills, *(each.skills for each in queue.relax))
            able = [s for s in there if any(needs_of(each).met_by(_has(floor, s)) for each in wanted)]
            assert able, f"{call.id} waits for nobody"


def asked(floor: Floor, call: Call, now: float) -> Needs | AgentId:
    """What the caller asks of an agent now: worked out from settings and time, the engine is not asked."""
    visit, node = call.visit, call.queue
    assert visit is not None and node is not None
    if visit.preferred is not None and now < visit.since + visit.prefer_s:
        return visit.preferred
    queue = floor.settings.queues[visit.queue]
    found = node.skills or queue.skills
    for each in queue.relax:
        found = each.skills if visit.since + each.after_s <= now else found
    return needs_of(found)


def able(floor: Floor, call: Call, seat: Seat, now: float) -> bool:
    """Whether the agent may have the caller now."""
    found = asked(floor, call, now)
    return found.met_by(_has(floor, seat)) if isinstance(found, Needs) else found == seat.agent


def _has(floor: Floor, seat: Seat) -> dict[Skill, int]:
    """His own skills, and those of the steps that hold, by the steps' names."""
    has = {Skill(name): level for name, level in floor.settings.agents[seat.agent].skills.items()}
    plan = floor.settings.surge
    for taken in floor.surge_taken if not floor.surge.drill else ():
        step = plan.steps[taken.step]
        if seat.agent in {number for name in step.agents for number in plan.groups.get(name, (name,))}:
            has |= {Skill(name): max(level, has.get(Skill(name), 0)) for name, level in step.skills.items()}
    return has


def _surge(floor: Floor, now: float) -> None:
    """Everybody can do exactly what his settings and the steps that hold say; no move of the plan is overdue."""
    for seat in floor.seats.values():
        assert floor.engine.skills[seat.agent] == _has(floor, seat), f"{seat.agent}: {floor.engine.skills[seat.agent]}"
    assert [taken.step for taken in floor.surge_taken] == list(range(len(floor.surge_taken)))
    due = floor.surge.next_at()
    assert due is None or due > now, "a move of the surge plan is overdue"


def _busy(floor: Floor, queue: QueueName) -> int:
    """Callers of the queue who are being offered to agents or talk to them since; not whom a transfer brought."""
    mine = [c for c in floor.calls.values() if c.visit is not None and c.visit.queue == queue]
    ringing = sum(c.offer is not None or f"{c.id}.offer-again" in c.timers for c in mine)
    items = [item for item in floor.items.values() if queue == f"box:{item.box}" and item.id in floor.engine.places]
    ringing += sum(item.offer is not None or item.again_at > 0 for item in items)
    return ringing + sum(came == queue for came in floor.engine.talking.values())


def _at_limit(floor: Floor, queue: QueueName, now: float) -> bool:
    """Whoever is offered again in a moment still counts."""
    limit = floor.settings.queues[queue].talking_max
    mine = [c for c in floor.calls.values() if c.visit is not None and c.visit.queue == queue and c.offer is None]
    return limit is not None and _busy(floor, queue) + sum(_about_to(c, now) for c in mine) >= limit


def _free(floor: Floor, seat: Seat) -> bool:
    own = [desk for desk in floor.desks.values() if desk.phone == seat.phone]
    watching = seat.phone in floor.supervising.values()
    own_calls = [call for call in floor.calls.values() if call.via == seat.phone]
    return seat.leg is None and not own and not own_calls and not watching and not seat.paused


def _about_to(call: Call, now: float) -> bool:
    """Offered again in a moment, or something is due this very moment: out of time, a stage of relaxation."""
    due = [call.timers.get(TimerId(f"{call.id}.{name}"), now + 1) for name in ("wait", "relax")]
    return f"{call.id}.offer-again" in call.timers or min(due) <= now


def _legs(floor: Floor) -> None:
    """Every leg has an owner that knows it."""
    owned = {leg: call.id for call in floor.calls.values() for leg in call.legs}
    owned.update({desk.leg: desk.id for desk in floor.desks.values()})
    owned.update({at.leg: at.id for at in floor.item_offers.values()})
    assert owned == floor.legs
    for call in floor.calls.values():
        assert call.legs, f"{call.id} has no leg and is still open"
        assert call.doomed <= call.legs
        assert call.leg in call.legs or call.state is CallState.CLOSING
        assert call.talk is None or call.talk.leg in call.legs
        assert call.offer is None or call.offer.leg in call.legs
        assert call.invite is None or call.invite.leg in call.legs
        assert call.party is None or call.party.leg in call.legs
        assert call.watch is None or call.watch.leg in call.legs
        assert call.watch is None or call.watch.snoop is None or call.watch.snoop in call.legs
        _owned(call)
    assert set(floor.supervising) <= set(floor.legs)


def _owned(call: Call) -> None:
    """Every leg that is not being hung up has something to do in its call."""
    parts = (call.offer, call.talk, call.invite, call.party, call.watch)
    used = {call.leg, *(part.leg for part in parts if part is not None)}
    used |= {call.watch.snoop} if call.watch is not None and call.watch.snoop is not None else set()
    assert call.legs - call.doomed <= used, f"nobody looks after {call.legs - call.doomed - used}"


def _timers(floor: Floor, running: set[TimerId], firing: set[TimerId]) -> None:
    """Every timer belongs to something alive, and what waits for one has it."""
    known = {timer for call in floor.calls.values() for timer in call.timers}
    seats = {TimerId(f"agent-{s.agent}.wrap") for s in floor.seats.values() if s.state is AgentState.WRAP_UP}
    seats |= {TimerId(f"agent-{s.agent}.pause") for s in floor.seats.values() if s.paused}
    seats |= {TimerId("surge.look")} if floor.surge.next_at() is not None else set()
    desks = {TimerId(f"{desk.id}.ask") for desk in floor.desks.values()}
    desks |= {TimerId(f"{each.id}.due") for each in floor.bookings.values() if each.due_at}
    known |= {TimerId(f"agent-{s.agent}.work") for s in floor.seats.values() if s.state is AgentState.WORKING}
    known |= {TimerId(f"{item.id}.again") for item in floor.items.values() if item.again_at}
    desks |= {TimerId(f"{at.id}.offer") for at in floor.item_offers.values()}
    desks |= {TimerId("screening.end")} if floor.screening.held else set()
    assert known | desks <= running | firing, (known | desks) - running
    assert running <= known | seats | desks, running - known - seats - desks
    for call in floor.calls.values():
        if call.state in (CallState.QUEUED, CallState.RINGING):
            assert f"{call.id}.wait" in call.timers, f"{call.id} would wait for ever"
        if call.invite is not None and not call.invite.answered:
            assert f"{call.id}.invite" in call.timers, f"{call.id} would ring for ever"
        if call.doomed or call.state is CallState.CLOSING:
            assert f"{call.id}.close" in call.timers


@dataclass
class Watch:
    """Follows the effects: what plays where, who is in which bridge."""

    floor: Floor
    nodes: dict[str, Any] = field(default_factory=dict)  # Of the flow.
    playing: dict[PlaybackId, LegId] = field(default_factory=dict)
    bridges: set[BridgeId] = field(default_factory=set)
    phones: dict[LegId, str] = field(default_factory=dict)  # Agents' legs that may still be there.
    booked: dict[CallId, float] = field(default_factory=dict)  # The rank of every booking.
    idle: set[AgentId] = field(default_factory=set)  # Before this event: free agents.
    crashed: bool = False
    reopened: bool = False  # By this event: the longest-idle agents then choose, whatever the queue's policy.
    where: dict[LegId, BridgeId] = field(default_factory=dict)  # Each leg's bridge.
    since: dict[CallId, float] = field(default_factory=dict)  # What a caller's rank counts from.
    asked: dict[TransferId, TransferBegan] = field(default_factory=dict)

    def see(self, event: ev.Event, effects: list[fx.Effect], now: float, restoring: bool = False) -> None:
        """`restoring`: a daemon is being told what the one before left; until its listing nothing need fit."""
        match event:
            case ev.PlaybackEnded(playback):
                self.playing.pop(playback, None)
            case ev.CommandFailed("Play", _, target):
                self.playing.pop(PlaybackId(target), None)
            case work.CallbackLeft(booking, rank=rank):
                self.booked[booking] = rank
        self._places_kept([e.fact for e in effects if isinstance(e, fx.Note)])
        for effect in effects:
            self._effect(effect, again=isinstance(event, ev.Listed))
        self.reopened = isinstance(event, ev.Listed)
        noted = [e.fact for e in effects if isinstance(e, fx.Note)]
        is_surge = any(isinstance(fact, SurgeStepTaken | SurgeStepUndone) for fact in noted)
        # A step changes what agents can do in the middle of an event: who was matched before it did not have it yet.
        self._fair([fact for fact in noted if isinstance(fact, OfferMade) and not is_surge], now)
        self._urgent([fact for fact in noted if isinstance(fact, work.ItemOffered) and not is_surge], now)
        if not is_surge:
            self._told_to_nobody(noted)
        self._places(noted)
        if restoring:
            return
        self.hears(self.where)
        self.phones = {leg: phone for leg, phone in self.phones.items() if leg in self.floor.legs}
        self.where = {leg: bridge for leg, bridge in self.where.items() if leg in self.floor.legs}
        self.playing = {playback: leg for playback, leg in self.playing.items() if leg in self.floor.legs}

    def goes_on(
        self, floor: Floor, bridges: set[BridgeId], where: dict[LegId, BridgeId], playing: dict[PlaybackId, LegId]
    ) -> None:
        """Another daemon; what Asterisk holds is what it is."""
        self.floor, self.bridges, self.where = floor, set(bridges), dict(where)
        self.playing = {playback: leg for playback, leg in self.playing.items() if playback in playing}
        self.idle, self.crashed = set(), True

    def _effect(self, effect: fx.Effect, again: bool) -> None:
        """`again`: what was lost with the link is ordered once more."""
        match effect:
            case fx.Play(_, leg, playback):
                assert leg not in self.playing.values(), f"{effect} over another prompt: {self.playing}"
                self.playing[playback] = leg
            case fx.StopPlay(_, playback):
                self.playing.pop(playback, None)
            case fx.Join(_, _, leg) | fx.Leave(_, _, leg) | fx.Answer(_, leg):
                assert leg not in self.playing.values(), f"{effect} would wait for the prompt"
                match effect:
                    case fx.Join(_, bridge, leg):
                        self.where[leg] = bridge
                    case fx.Leave(_, _, leg):
                        self.where.pop(leg, None)
            case fx.MakeBridge(call, bridge) if call is not None:
                assert again or bridge not in self.bridges
                self.bridges.add(bridge)
            case fx.DropBridge(call, bridge):
                # Again, when it is listed still, or when the daemon that dropped it died before that was written down.
                assert again or bridge in self.bridges or call == NO_CALL or self.crashed
                self.bridges.discard(bridge)
                self.where = {leg: at for leg, at in self.where.items() if at != bridge}
            case fx.Ring(_, leg, phone):
                used = {p for other, p in self.phones.items() if other in self.floor.legs}
                used |= {p for other, p in self.floor.supervising.items() if other != leg}
                used |= {desk.phone for desk in self.floor.desks.values()}
                assert phone not in used, f"{phone} already has a leg of ours"
                self.phones[leg] = phone
            case _:
                pass

    def hears(self, where: Mapping[LegId, BridgeId], alive: Container[LegId] | None = None) -> None:
        """Whoever should hear each other are in one bridge, and nobody else is. `where`: as it was ordered, or as it is
        in Asterisk, for the legs `alive` there; who waits then hears music, too."""
        for call in self.floor.calls.values():
            wanted: dict[LegId, BridgeId] = {}
            talk, invite, party, watch = call.talk, call.invite, call.party, call.watch
            if talk is not None:
                music = voice.music_bridge(voice.music_of(self.floor, call))
                wanted |= {talk.leg: talk.bridge, call.leg: music if talk.away else talk.bridge}
                if invite is not None and invite.answered:
                    wanted[invite.leg] = talk.bridge
                if watch is not None and watch.answered:
                    wanted[watch.leg] = talk.bridge if watch.how == "barge" else watch.bridge
                    assert (watch.snoop is None) or watch.how != "barge"
            if party is not None:
                wanted |= {party.leg: party.bridge, call.leg: party.bridge}
            if alive is not None:
                if call.state in (CallState.QUEUED, CallState.RINGING, CallState.WHISPERING):
                    wanted[call.leg] = voice.music_bridge(voice.music_of(self.floor, call))
                wanted = {leg: bridge for leg, bridge in wanted.items() if leg in alive}
            assert {leg: where.get(leg) for leg in wanted} == wanted, call
            if call.state is CallState.IN_FLOW:
                assert call.leg not in where, f"in the flow, and in {where[call.leg]}: {call}"

    def needs(self, bridges: set[BridgeId]) -> None:
        """Those in Asterisk are somebody's: a talk's, or of a talk that no call here owns."""
        calls = self.floor.calls.values()
        known = {at.bridge for call in calls for at in (call.talk, call.party, call.watch) if at is not None}
        known |= {each.bridge for each in self.floor.orphans.values()}
        assert bridges <= known, f"nobody needs {bridges - known}"

    def _places(self, facts: list[object]) -> None:
        """Whom an agent passes on, or whose consult fails, keeps his place in a queue."""
        kept: set[CallId] = set()
        for fact in facts:
            match fact:
                case TransferBegan(transfer=transfer):
                    self.asked[transfer] = fact
                case TransferEnded(call, transfer) if self.asked[transfer].how != "flow":
                    kept.add(call)
                case Queued(call, rank=rank, priority=priority):
                    since = rank + 60 * priority
                    assert call not in kept or since == self.since.get(call, since), f"{call} lost his place"
                    self.since[call] = since

    def _places_kept(self, facts: list[Fact]) -> None:
        """Whoever was called back waits where he would have waited."""
        self.booked |= {each.booking: each.rank for each in facts if isinstance(each, work.CallbackBooked)}
        confirmed = {each.call: each.booking for each in facts if isinstance(each, work.CallbackConfirmed)}
        for each in facts:
            if isinstance(each, Queued) and each.call in confirmed:
                assert each.rank == self.booked[confirmed[each.call]], each

    def _fair(self, offers: list[OfferMade], now: float) -> None:
        """Nobody with a better rank was passed over, no agent whom the queue's policy puts first."""
        floor = self.floor
        free = [each for each, place in floor.engine.places.items() if place.offered is None and not place.suspended]
        left = [floor.calls[each] for each in free if each in floor.calls]  # Without those who are to be called back.
        left = [call for call in left if not _about_to(call, now)]
        idle = {s.agent for s in floor.seats.values() if s.state is AgentState.READY and _free(floor, s)}
        for offer in offers:
            call, seat = floor.calls[offer.call], floor.seats[offer.agent]
            if call.visit is None or call.offer is None or f"{call.offer.leg}" != offer.offer:
                continue  # It is over already.
            mine = [each.visit for each in left if each.visit is not None and able(floor, each, seat, now)]
            mine = [v for v in mine if floor.settings.queues[v.queue].talking_max is None]
            assert not [v for v in mine if v.key < call.visit.key], f"{offer} passed over {mine}"
            items = [item for item in self._free_items() if _may_work(floor, item, seat)]
            urgent = [item for item in items if self._rank(item) < call.visit.rank]
            assert not urgent, f"{offer} passed over {urgent}"
            if _about_to(call, now):
                continue  # The stage before was what held.
            assert able(floor, call, seat, now), f"{offer} to one who may not have it"
            others = [floor.seats[each] for each in sorted(idle & self.idle)]
            rank = self._order(call, seat, now)
            passed = [s for s in others if able(floor, call, s, now) and self._order(call, s, now) < rank]
            assert not passed, f"{offer} passed over {passed}"
        self.idle = idle

    def _free_items(self) -> list[Item]:
        """Messages anybody might have."""
        floor = self.floor
        free = [item for item in floor.routed.values() if item.id in floor.engine.places and item.offer is None]
        return [item for item in free if not item.again_at and floor.settings.boxes[item.box].working_max is None]

    def _urgent(self, offers: list[work.ItemOffered], now: float) -> None:
        """A message goes to those with the skills, the most urgent first; no caller of better rank waits."""
        floor = self.floor
        for offer in offers:
            item, seat = floor.items.get(offer.message), floor.seats[offer.agent]
            if item is None or item.offer is None or item.offer.leg != offer.offer:
                continue  # It is over already.
            assert _may_work(floor, item, seat), f"{offer} to one who may not have it"
            mine = [each for each in self._free_items() if _may_work(floor, each, seat)]
            assert not [each for each in mine if self._rank(each) < self._rank(item)], f"{offer} passed over {mine}"
            free = [c for c in floor.calls.values() if c.id in floor.engine.places and not _about_to(c, now)]
            for call in free:
                place = floor.engine.places[call.id]
                if place.offered is None and not place.suspended and able(floor, call, seat, now):
                    limit = floor.settings.queues[place.visit.queue].talking_max
                    better = limit is None and place.visit.rank < self._rank(item)
                    assert not better, f"{offer} passed over {call.id}"

    def _told_to_nobody(self, facts: list[Fact]) -> None:
        """Whoever leaves because nobody is there is right; by his node's needs, his queue's and what it asks later."""
        floor = self.floor
        there = [s for s in floor.seats.values() if s.state is not AgentState.SIGNED_OUT]
        for fact in facts:
            if isinstance(fact, QueueLeft) and fact.outcome == "no-agents":
                queue = floor.settings.queues[fact.queue]
                wanted = [*(each.skills for each in queue.relax)]
                node = next(n for n in self.nodes.values() if n.get("queue") == fact.queue)
                wanted.append(node.get("skills") or queue.skills)
                able = [s for s in there if any(needs_of(each).met_by(_has(floor, s)) for each in wanted)]
                assert not able, f"{fact}, and {able} are there"

    def _rank(self, item: Item) -> float:
        return item.due_at + (0 if self.floor.settings.boxes[item.box].overdue_first else 1e9)

    def _order(self, call: Call, seat: Seat, now: float) -> tuple[float, ...]:
        """What the queue's policy goes by."""
        assert call.visit is not None
        match "longest-idle" if self.reopened else self.floor.settings.queues[call.visit.queue].policy:
            case "least-occupied":
                return (seat.occupancy, seat.idle_since)
            case "longest-idle":
                return (seat.idle_since,)
            case "most-skilled":
                found = asked(self.floor, call, now)
                strength = found.strength(_has(self.floor, seat)) if isinstance(found, Needs) else 0
                return (-strength, seat.idle_since)
