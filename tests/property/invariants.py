"""What must hold after every event, whatever happened: `check` looks at the floor, `Watch` at the effects."""

from collections import Counter
from dataclasses import dataclass, field

from ari_app.board import voice
from ari_app.board.floor import Call, Floor, Seat
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.control import TransferBegan, TransferEnded
from ari_app.model.facts import OfferMade, Queued
from ari_app.model.ids import AgentId, BridgeId, CallId, LegId, PlaybackId, Skill, TimerId, TransferId
from ari_app.model.skills import needs_of
from ari_app.model.states import AgentState, CallState


def check(floor: Floor, running: set[TimerId], firing: set[TimerId], now: float) -> None:
    _agents(floor)
    _queues(floor)
    _nobody_idles(floor, now)
    _legs(floor)
    _timers(floor, running, firing)
    assert floor.refusing == sum(call.refusing for call in floor.calls.values())


def _agents(floor: Floor) -> None:
    """An agent has one offer or one talk, and his state says so."""
    invites = [call.invite for call in floor.calls.values() if call.invite is not None and call.invite.agent]
    offered = Counter(call.offer.agent for call in floor.calls.values() if call.offer is not None)
    talking = Counter(call.talk.agent for call in floor.calls.values() if call.talk is not None)
    for invite in invites:  # One that answered a consult talks; any other is reserved.
        (talking if invite.answered and invite.how == "consult" else offered)[invite.agent or AgentId("")] += 1
    for seat in floor.seats.values():
        assert offered[seat.agent] + talking[seat.agent] <= 1, (seat, offered, talking)
        assert talking[seat.agent] == (seat.state is AgentState.TALKING), seat
        if seat.state is AgentState.RESERVED:
            assert seat.leg in floor.legs, f"reserved without a live leg: {seat}"
            assert offered[seat.agent] or seat.withdrawn, seat
        else:
            assert not offered[seat.agent], seat
    assert set(floor.engine.ready) <= {s.agent for s in floor.seats.values() if s.state is AgentState.READY}


def _queues(floor: Floor) -> None:
    """Every queue holds exactly those who wait in it, by rank."""
    waiting = {call.id: call for call in floor.calls.values() if call.visit is not None}
    assert set(waiting) == set(floor.engine.places)
    assert not floor.matched and not floor.freed
    in_queue = (CallState.QUEUED, CallState.RINGING, CallState.WHISPERING)
    for call in floor.calls.values():
        assert (call.visit is not None) == (call.state in in_queue), call
        assert (call.offer is not None) == (call.state in in_queue[1:]), call
        assert (call.talk is not None) == (call.state is CallState.TALKING), call
        assert (call.party is not None) == (call.state is CallState.OUTSIDE), call
        assert call.watch is None or call.talk is not None, call
        consulting = call.invite is not None and call.invite.how == "consult"
        assert (call.invite is not None and not consulting) == (call.state is CallState.DIALLING), call
        if consulting:
            assert call.talk is not None and call.invite is not None, call
            assert call.talk.away != call.invite.joined, f"the caller is on hold while he is talked about: {call}"
    for queue, line in floor.engine.waiting.items():
        assert [v.rank for v in line] == sorted(v.rank for v in line)
        assert {v.call for v in line} == {c.id for c in waiting.values() if c.visit and c.visit.queue == queue}


def _nobody_idles(floor: Floor, now: float) -> None:
    """No free agent idles while a caller he could serve waits (the engine's own lists are not asked)."""
    if not floor.engine.open:
        return
    idle = [s for s in floor.seats.values() if s.state is AgentState.READY and _free(floor, s)]
    for call in floor.calls.values():
        if call.visit is None or call.offer is not None or _about_to(call, now):
            continue
        needs = needs_of(floor.settings.queues[call.visit.queue].skills)
        for seat in idle:
            has = {Skill(name): level for name, level in floor.settings.agents[seat.agent].skills.items()}
            assert not needs.met_by(has), f"{seat.agent} idles while {call.id} waits"


def _free(floor: Floor, seat: Seat) -> bool:
    own = [desk for desk in floor.desks.values() if desk.phone == seat.phone]
    watching = seat.phone in floor.supervising.values()
    own_calls = [call for call in floor.calls.values() if call.via == seat.phone]
    return seat.leg is None and not own and not own_calls and not watching


def _about_to(call: Call, now: float) -> bool:
    """Offered again in a moment, or out of time this very moment."""
    due = call.timers.get(TimerId(f"{call.id}.wait"), now + 1)
    return f"{call.id}.offer-again" in call.timers or due <= now


def _legs(floor: Floor) -> None:
    """Every leg has an owner that knows it."""
    owned = {leg: call.id for call in floor.calls.values() for leg in call.legs}
    owned.update({desk.leg: desk.id for desk in floor.desks.values()})
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
    desks = {TimerId(f"{desk.id}.ask") for desk in floor.desks.values()}
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
    playing: dict[PlaybackId, LegId] = field(default_factory=dict)
    bridges: set[BridgeId] = field(default_factory=set)
    phones: dict[LegId, str] = field(default_factory=dict)  # Agents' legs that may still be there.
    idle: set[AgentId] = field(default_factory=set)  # Before this event: free agents.
    where: dict[LegId, BridgeId] = field(default_factory=dict)  # Each leg's bridge.
    since: dict[CallId, float] = field(default_factory=dict)  # What a caller's rank counts from.
    asked: dict[TransferId, TransferBegan] = field(default_factory=dict)

    def see(self, event: ev.Event, effects: list[fx.Effect]) -> None:
        match event:
            case ev.PlaybackEnded(playback):
                self.playing.pop(playback, None)
            case ev.CommandFailed("Play", _, target):
                self.playing.pop(PlaybackId(target), None)
        for effect in effects:
            self._effect(effect)
        self._places([e.fact for e in effects if isinstance(e, fx.Note)])
        self._hears()
        self._fair([e.fact for e in effects if isinstance(e, fx.Note) and isinstance(e.fact, OfferMade)])
        self.phones = {leg: phone for leg, phone in self.phones.items() if leg in self.floor.legs}
        self.where = {leg: bridge for leg, bridge in self.where.items() if leg in self.floor.legs}
        self.playing = {playback: leg for playback, leg in self.playing.items() if leg in self.floor.legs}

    def _effect(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Play(_, leg, playback):
                assert leg not in self.playing.values(), f"{effect} over another prompt: {self.playing}"
                self.playing[playback] = leg
            case fx.StopPlay(_, playback):
                self.playing.pop(playback, None)
            case fx.Join(_, _, leg) | fx.Leave(_, _, leg) | fx.Remember(_, leg) | fx.Answer(_, leg):
                assert leg not in self.playing.values(), f"{effect} would wait for the prompt"
                match effect:
                    case fx.Join(_, bridge, leg):
                        self.where[leg] = bridge
                    case fx.Leave(_, _, leg):
                        self.where.pop(leg, None)
            case fx.MakeBridge(call, bridge) if call is not None:
                assert bridge not in self.bridges
                self.bridges.add(bridge)
            case fx.DropBridge(_, bridge):
                assert bridge in self.bridges
                self.bridges.remove(bridge)
                self.where = {leg: at for leg, at in self.where.items() if at != bridge}
            case fx.Ring(_, leg, phone):
                used = {p for other, p in self.phones.items() if other in self.floor.legs}
                used |= {p for other, p in self.floor.supervising.items() if other != leg}
                used |= {desk.phone for desk in self.floor.desks.values()}
                assert phone not in used, f"{phone} already has a leg of ours"
                self.phones[leg] = phone
            case _:
                pass

    def _hears(self) -> None:
        """Whoever should hear each other are in one bridge, and nobody else is."""
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
            assert {leg: self.where.get(leg) for leg in wanted} == wanted, call
            if call.state is CallState.IN_FLOW:
                assert call.leg not in self.where, f"in the flow, and in {self.where[call.leg]}: {call}"

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

    def _fair(self, offers: list[OfferMade]) -> None:
        """Nobody with a better rank was passed over, no agent who has been idle for longer."""
        floor = self.floor
        left = [each.visit for each in floor.engine.places.values() if each.offered is None]
        idle = {s.agent for s in floor.seats.values() if s.state is AgentState.READY and _free(floor, s)}
        for offer in offers:
            call, queues = floor.calls[offer.call], floor.engine.queues_of(offer.agent)
            if call.visit is None or call.offer is None or f"{call.offer.leg}" != offer.offer:
                continue  # It is over already.
            better = [visit for visit in left if visit.queue in queues and visit.key < call.visit.key]
            assert not better, f"{offer} passed over {better}"
            since = floor.seats[offer.agent].idle_since
            able = [s for s in idle & self.idle if offer.queue in floor.engine.queues_of(s)]
            assert not [s for s in able if floor.seats[s].idle_since < since], f"{offer} passed over {able}"
        self.idle = idle
