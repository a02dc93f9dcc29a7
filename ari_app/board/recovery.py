"""Calls and agents of an earlier daemon go on here as they were. Their legs are unsure until the first Listed says what
of them still lives; a caller then hears his node, or his music, again, and talks are left as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ari_app.board import call as calls
from ari_app.board import (
    callback,
    control,
    line,
    offers,
    seats,
    stream,
    supervise,
    transfer,
    voice,
    waiting,
    walk,
    working,
)
from ari_app.board.checkpoint import Unusable, call_from, people, seat_from
from ari_app.board.floor import HANG_UP_S_MAX, Floor, Spoken
from ari_app.board.records import Call, Seat
from ari_app.flow.nodes import Voicemail
from ari_app.model.effects import (
    Answer,
    CancelTimer,
    DropBridge,
    ForgetLine,
    Join,
    Leave,
    MakeBridge,
    SetTimer,
    StartRecording,
    StopPlay,
    Warn,
)
from ari_app.model.events import BridgeSeen, CallLeft, ChannelSeen, LegEnded, Listed, SeatLeft, Unjoined
from ari_app.model.facts import AgentChanged
from ari_app.model.ids import BridgeId, LegId, Number, PhoneName, PlaybackId, TimerId
from ari_app.model.states import SIGNED_IN, AgentState, CallState

MOMENTARY = ("flow", "prompt", "whisper", "look-up", "speech", "code", "watch", "offer-again")
"""Timers of what is begun anew."""


# -- from the store --


def left(floor: Floor, event: CallLeft | SeatLeft, now: float) -> None:
    """What was written down of a call, or of an agent."""
    match event:
        case CallLeft():
            call_left(floor, event, now)
        case SeatLeft():
            seat_left(floor, event, now)


def call_left(floor: Floor, left: CallLeft, now: float) -> None:
    """A call of Restored as it was. One that cannot be taken over is found by Listed, as of unknown origin."""
    try:
        call = call_from(floor, left)
        _fits(floor, call)
    except Unusable as why:
        floor.do(Warn(f"cannot be taken over as it was: {why}", left.call))
        return
    if (row := floor.left.pop(call.leg, None)) is None:
        return  # It is closed.
    if row.recording is not None and row.recording != call.recording:
        floor.unjoined += (Unjoined(call.id, row.recording),)
        call.stopping = (*call.stopping, row.recording)
    floor.calls[call.id] = call
    floor.recovering.add(call.id)
    floor.legs.update(dict.fromkeys(call.legs, call.id))
    floor.refusing += call.refusing
    seats.phone_taken(floor, call.via)
    for leg, phone in left.state.get("supervising", {}).items():
        floor.supervising[LegId(leg)] = PhoneName(phone)
        seats.phone_taken(floor, phone)
    for timer in list(call.timers):  # The others run from the first Listed on: nobody would hear what they bring about.
        if timer.partition(".")[2] in MOMENTARY:
            del call.timers[timer]
    _into_place(floor, call, "counts" in left.state, now)


def _fits(floor: Floor, call: Call) -> None:
    """Unusable when config.yaml no longer has what the call is about."""
    queues = [each.queue for each in (call.visit, call.talk, call.queue) if each is not None]
    if gone := [name for name in queues if name not in floor.settings.queues]:
        raise Unusable(f"no queue {gone[0]}")
    agents = [agent for agent, _, _ in people(call)]
    agents += [call.watch.supervisor, call.watch.agent] if call.watch is not None else []
    if strangers := [agent for agent in agents if agent not in floor.seats]:
        raise Unusable(f"no agent {strangers[0]}")


def _into_place(floor: Floor, call: Call, counts: bool, now: float) -> None:
    """Into the distributor, which is closed until Listed; and the call-back he waits or is dialled for."""
    engine = floor.engine
    if call.visit is not None:
        floor.visits = max(floor.visits, call.visit.order)
        engine.enter(call.visit, suspended=call.state is CallState.IN_FLOW)
        engine.relax(call.id, now)
        if call.offer is not None:
            engine.restore_offer(call.id, call.offer.agent)
    if counts and call.talk is not None:
        engine.restore_talk(call.id, call.talk.queue)
    if call.message is not None and call.walk is not None and call.cursor is not None:
        node = (call.cursor.flow or call.walk.flow).node(call.cursor.node)
        if isinstance(node, Voicemail):
            back = Number(str(call.cursor.values.get(node.number, ""))) if node.number is not None else Number("")
            floor.boxes[call.message] = Spoken(node.box, back, call.caller, call.message_at)
    booking = floor.bookings.get(call.booking) if call.booking is not None else None
    if booking is None:
        call.booking = None
        return
    booking.dialling, booking.held, booking.due_at = call.id, False, 0.0
    floor.do(CancelTimer(TimerId(f"{booking.id}.due")))
    if call.state is CallState.CALLING_BACK:
        engine.suspend(booking.id)
    else:
        engine.leave(booking.id)


def seat_left(floor: Floor, left: SeatLeft, now: float) -> None:
    """An agent who was signed in goes on as he was, unless nobody was there for too long."""
    if left.agent not in floor.seats:
        return
    floor.seats_changed.add(left.agent)
    if now > floor.last_at + floor.settings.agent_rules.signed_in_kept_s:
        return
    try:
        seat = seat_from(left.agent, left.state)
    except Unusable as why:
        floor.do(Warn(f"agent {left.agent} has to sign in again: {why}"))
        return
    if seat.phone not in floor.settings.phones:
        return
    floor.seats[left.agent] = seat
    floor.served_by.clear()
    seat.served = floor.calls.get(seat.talked) if seat.talked is not None else None
    working.goes_on(floor, seat, now)
    seat.leg = seat.leg if seat.leg in floor.legs else None
    if seat.state is AgentState.TALKING and not _has_him(floor, seat):
        seat.state, seat.reason = AgentState.NOT_READY, SIGNED_IN
    elif seat.state is AgentState.RESERVED and not _has_him(floor, seat):
        seat.state = AgentState.READY
    if seat.state is AgentState.WRAP_UP and not seat.wrap_up_over:
        floor.do(SetTimer(seats.wrap_timer(seat), seat.wrap_up_at))
    if seat.paused:
        floor.do(SetTimer(seats.pause_timer(seat), seat.since + floor.settings.agent_rules.ran_out_pause_s))
    _note(floor, seat)
    seats.available(floor, seat)


def _has_him(floor: Floor, seat: Seat) -> bool:
    call = floor.calls.get(seat.call) if seat.call is not None else None
    if call is None:
        return False
    leaving = seat.state is AgentState.RESERVED and seat.withdrawn and seat.leg is not None
    return leaving or (seat.agent, seat.leg, seat.state) in people(call)


def _note(floor: Floor, seat: Seat) -> None:
    call = seat.call if seat.state in seats.ON_A_CALL else None
    floor.note(AgentChanged(seat.agent, seat.state, seat.reason, seat.phone, call))


def staff_agrees(floor: Floor, now: float) -> None:
    """Before the first Listed: whoever a call has is with it, also when nothing was kept of him."""
    for call in floor.calls.values():
        for agent, leg, state in people(call) if call.id in floor.recovering else ():
            seat = floor.seats[agent]
            if (seat.state, seat.leg) != (state, leg):
                floor.served_by.clear()
                seat.state, seat.reason, seat.since = state, "", now
                seat.call, seat.leg, seat.withdrawn = call.id, leg, False
                floor.engine.agent_not_ready(agent)
                floor.seats_changed.add(agent)
                _note(floor, seat)


# -- with Asterisk --


@dataclass
class Bridges:
    """What is in which bridge, as it was listed."""

    there: set[BridgeId]
    of: Mapping[LegId, BridgeId]


def bridges(listed: Listed) -> Bridges:
    of = {leg: each.bridge for each in listed.bridges for leg in each.legs}
    return Bridges({each.bridge for each in listed.bridges}, of)


def gone(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """A leg did not live to see us. A phone that rang is not blamed; a caller ended when the run before did."""
    ended = LegEnded(leg, 0)
    if call.offer is not None and call.offer.leg == leg:
        offers.take_back(floor, call, "failed", now)
        calls.leg_ended(floor, call, ended, now)
        offers.offered_anew(floor, call, now)
    elif call.invite is not None and call.invite.leg == leg and not call.invite.answered:
        control.ring_lost(floor, call, leg, now)
        if leg in call.legs:
            calls.leg_ended(floor, call, ended, now)
    elif leg == call.leg:
        calls.leg_ended(floor, call, ended, min(now, floor.last_at or now))
        if call.doomed:
            floor.set_timer(call, "close", now + HANG_UP_S_MAX)
    else:
        calls.leg_ended(floor, call, ended, now)


def made_up(floor: Floor, call: Call, channel: ChannelSeen, at: Bridges, now: float) -> bool:
    """Whether all is done about this leg, which lives; else it is as after a loss of the link."""
    leg = channel.leg
    if leg in call.doomed:
        return False
    if leg == call.leg:
        _caller(floor, call, channel, at, now=now)
        return True
    if call.watch is not None and leg in (call.watch.leg, call.watch.snoop):
        supervise.stop(floor, call, now)  # He may begin again; the talk does not feel it.
        return True
    put(floor, call, leg, at)
    return False


def _caller(floor: Floor, call: Call, channel: ChannelSeen, at: Bridges, *, now: float) -> None:
    was_notice = call.notice is not None
    if call.state is CallState.IN_FLOW and call.refusing:
        calls.missed_events(floor, call, channel.leg, now)
        return
    if call.state is CallState.DIALLING and was_notice:
        call.untold = True
    _stop_unwritten(floor, call)
    voice.hush(floor, call)
    if channel.state != "Up" and call.state is not CallState.CALLING_BACK:
        floor.do(Answer(call.id, call.leg))  # The order to answer was noted, and never sent.
    put(floor, call, channel.leg, at)
    if call.recording is not None and not call.recording_on:  # Ordered, perhaps, and never sent.
        floor.do(StartRecording(call.id, call.leg, call.recording))
    if call.line is not None:
        floor.do(ForgetLine(call.id, call.leg, call.line))
        line.listen(floor, call)
    if calls.is_in_node(call):
        walk.again(floor, call, now)
    elif call.state is CallState.CALLING_BACK:
        callback.again(floor, call, channel.state == "Up", now)
    elif call.state in stream.WAITING:
        waiting.again(floor, call, was_notice, now)


def _stop_unwritten(floor: Floor, call: Call) -> None:
    """A prompt that began in the last moment is not written down; while it plays, the leg can be put into no bridge."""
    talk, offer = call.talk, call.offer
    known = [call.playback, call.line, call.recording, *call.legs, talk and talk.bridge, offer and offer.whisper]
    for made in floor.mint.perhaps_made(call.id, "p", (each for each in known if each)):
        floor.do(StopPlay(call.id, PlaybackId(made)))


def put(floor: Floor, call: Call, leg: LegId, at: Bridges) -> None:
    """Into the bridge where it belongs: what was ordered just before the crash, or the loss, may not have been done."""
    wanted, found = stream.belongs(floor, call).get(leg), at.of.get(leg)
    if wanted == found:
        return
    if call.talk is not None and call.talk.leg == leg and call.talk.said is not None:
        floor.do(StopPlay(call.id, call.talk.said))  # While the agent is told something he can be put nowhere.
        call.talk.said = None
    if wanted is None:
        assert found is not None
        floor.do(Leave(call.id, found, leg))
        return
    if wanted == voice.music_bridge(voice.music_of(floor, call)):
        voice.join_music(floor, call)
        return
    if wanted not in at.there:
        at.there.add(wanted)
        floor.do(MakeBridge(call.id, wanted, "mixing"))
    floor.do(Join(call.id, wanted, leg, keep_keys=stream.keeps_keys(call, leg)))


def unknown(floor: Floor, listed: Listed) -> list[BridgeSeen]:
    """Bridges of talks that no call of ours has, and that nobody has dropped during this event."""
    known = {at.bridge for call in floor.calls.values() for at in (call.talk, call.party, call.watch) if at is not None}
    known |= {effect.bridge for effect in floor.out if isinstance(effect, DropBridge)}
    return [each for each in listed.bridges if each.kind == "mixing" and each.bridge not in known]


def settled(floor: Floor, listed: Listed, now: float) -> None:
    """All legs are known: bridges that nobody needs any more go, and who could serve the waiting is looked at anew."""
    for each in unknown(floor, listed):
        if each.legs and all(leg in floor.legs for leg in each.legs):
            floor.do(DropBridge(floor.legs[each.legs[0]], each.bridge))
    for call in floor.calls.values():
        if call.id in floor.recovering:
            floor.do(*(SetTimer(timer, at) for timer, at in call.timers.items()))
            if call.state is CallState.DIALLING:  # The notice he heard when we died is not said again.
                transfer.join_if_heard(floor, call, now)
    floor.staff_changed |= bool(floor.recovering)
    floor.recovering.clear()
    floor.pinned = {}  # Each call holds its own.
