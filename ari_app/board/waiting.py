"""A caller in a queue: how he gets in, what he hears, what keys do, how he leaves. Offers are in offers.

What he is told meanwhile is in expecting, what he may choose in choices. A caller who steps aside (choices) keeps his
visit, suspended, while his flow goes on.
"""

from dataclasses import replace
from datetime import datetime

from ari_app.acd.model import Visit, rank
from ari_app.board import bookings, choices, expecting, offers, staff, voice
from ari_app.board.floor import Floor, queue_of
from ari_app.board.records import Call
from ari_app.board.voice import music_bridge
from ari_app.flow import hours, speech
from ari_app.flow.nodes import Queue
from ari_app.model.effects import Leave, MakeBridge, Play
from ari_app.model.events import ALL_HOURS
from ari_app.model.facts import Queued, QueueLeft, RecordingRefused, VisitOutcome
from ari_app.model.ids import QueueName
from ari_app.model.states import CallMove, CallState


def enqueue(floor: Floor, call: Call, node: Queue, now: float, ranked_at: float | None = None) -> str | None:
    """Into the queue; returns the flow's branch (`closed`, `full`, `no_agents`) when the caller cannot wait there.

    `ranked_at`: since when he has been ranked already, when an agent passes him on; his place counts from there.
    """
    name = QueueName(node.queue)
    if call.visit is not None:
        if call.visit.queue == name:
            _come_back(floor, call, node, now)
            return None
        leave_queue(floor, call, "overflowed", now)
    call.visits += 1
    if (refused := turned_away(floor, call, node, now)) is not None:
        floor.note(QueueLeft(call.id, call.visits, name, refused, 0.0))
        call.keeps_rank = call.keeps_rank if ranked_at is None else ranked_at
        return refused.replace("-", "_")
    kept, call.keeps_rank = call.keeps_rank, None
    call.ranked_at = ranked_at or kept or now
    place = rank(call.ranked_at, node.priority, floor.settings.routing.priority_step_s)
    preferred = staff.preferred(floor, call, node)
    prefer_s = node.prefer_s if preferred is not None else 0.0
    needs = staff.needs_of_node(node)
    visit = Visit(call.id, call.visits, name, node.priority, now, place, needs, preferred, prefer_s, floor.order())
    booked = bookings.claimed(floor, call.caller, name, now)
    if booked is not None:  # He calls in himself: his place is the one he had kept.
        node, visit = _kept(floor, call, node, booked)
    enter(floor, call, node, visit, now)
    _say_on_entering(floor, call, ("callback-place-back",) if booked is not None else (), now)
    return None


def call_back(floor: Floor, call: Call, node: Queue, visit: Visit, now: float) -> None:
    """A caller who was called back waits on the line from now on, in the place that was kept for him."""
    call.visits += 1
    enter(floor, call, *_kept(floor, call, node, visit), now)
    _say_on_entering(floor, call, (), now)


def _kept(floor: Floor, call: Call, node: Queue, kept: Visit) -> tuple[Queue, Visit]:
    """The node as it was asked for when the place was kept, and the place, now the call's: also if it is passed on."""
    call.ranked_at = kept.rank + floor.settings.routing.priority_step_s * kept.priority
    asking = node.model_copy(update={"skills": str(kept.needs) if kept.needs is not None else None})
    return asking, replace(kept, call=call.id, n=call.visits)


def enter(floor: Floor, call: Call, node: Queue, visit: Visit, now: float) -> None:
    call.queue, call.visit, call.waits_since = node, visit, now
    own = call.cursor is not None and not call.cursor.stack
    call.queued_at = call.cursor.node if call.cursor is not None and own else ""
    call.to(CallMove.ENQUEUE)
    match = floor.engine.enter(visit) or floor.engine.relax(call.id, now)
    position = floor.engine.position(call.id)
    floor.note(Queued(call.id, visit.n, visit.queue, visit.priority, visit.rank, position))
    expecting.entered(floor, call, now)
    _wait(floor, call, now)
    floor.offer(match)


def _wait(floor: Floor, call: Call, now: float) -> None:
    """Into the music; the timers of a waiting caller."""
    floor.set_timer(call, "wait", max(now, call.waits_since + queue_of(floor, call).wait_s_max))
    await_stage(floor, call)
    choices.set_timers(floor, call, now)
    voice.to_music(floor, call)


def _come_back(floor: Floor, call: Call, node: Queue, now: float) -> None:
    """He had stepped aside, and waits on in his old place."""
    call.queue = node
    call.to(CallMove.ENQUEUE)
    match = floor.engine.resume(call.id) or floor.engine.relax(call.id, now)
    floor.offer(match)
    _wait(floor, call, now)
    _say_on_entering(floor, call, (), now)


def await_stage(floor: Floor, call: Call) -> None:
    if (at := floor.engine.next_stage_at(call.id)) is not None:
        floor.set_timer(call, "relax", at)
    else:
        floor.cancel_timer(call, "relax")


def relax(floor: Floor, call: Call, now: float) -> None:
    """The caller has waited long enough for the queue to ask for less; the place is kept."""
    floor.offer(floor.engine.relax(call.id, now))
    floor.staff_changed |= call.visit is not None and call.visit.preferred is not None  # Who else is there for him?
    await_stage(floor, call)


def music_gone(floor: Floor, call: Call) -> None:
    """Joining a waiting caller to his music failed because one of them is gone: if it was the music, make it anew."""
    if call.state in (CallState.QUEUED, CallState.RINGING) and call.music == "joined":
        music = queue_of(floor, call).music
        floor.do(MakeBridge(None, music_bridge(music), "holding", music))
        call.music = "wanted"
        if call.playback is None:
            _join_music(floor, call)


def _join_music(floor: Floor, call: Call) -> None:
    call.music = "joined again"
    voice.join_music(floor, call)


def turned_away(floor: Floor, call: Call, node: Queue, now: float) -> VisitOutcome | None:
    """Why nobody can wait in this queue just now; None when he can."""
    queue = floor.settings.queues[node.queue]
    if hours.closed_by_hand(floor.closures, queue.hours or ALL_HOURS, now):
        return "closed"
    if queue.hours is not None:
        shift_s = call.walk.shift_s if call.walk is not None else 0.0
        local = datetime.fromtimestamp(now + shift_s, floor.zone)
        if hours.state(floor.hours[queue.hours], local) != "open":
            return "closed"
    if floor.engine.length(QueueName(node.queue)) >= queue.waiting_max:
        return "full"
    if node.on_no_agents is not None and staff.preferred(floor, call, node) is None and staff.nobody_for(floor, node):
        return "no-agents"
    return None


def _say_on_entering(floor: Floor, call: Call, before: tuple[str, ...], now: float) -> None:
    """The recording notice first, alone, since nobody may be joined before its end; then the node's own prompts."""
    assert call.queue is not None
    node, policy = call.queue, queue_of(floor, call).recording
    call.greet = (*before, *node.say)
    refuse = speech.speak(policy.refuse_key, "digits", call.language)  # The prompt ends with: please press …
    notice = {"announce": ("recording-notice",), "ask": ("recording-notice-ask", *refuse)}.get(policy.policy)
    if notice and not call.recording_refused:
        call.notice = call.playback = floor.playback(call.id)
        floor.do(Play(call.id, call.leg, call.notice, notice, call.language))
    elif call.greet:
        _greet(floor, call)
    elif not floor.matched:
        choices.first(floor, call, now)


def _greet(floor: Floor, call: Call) -> None:
    said, call.greet = call.greet, ()
    voice.say(floor, call, said)


def prompt_over(floor: Floor, call: Call, now: float) -> None:
    """What the waiting caller heard is over."""
    was_notice, call.playback, call.notice = call.notice is not None, None, None
    if call.music == "wanted" and call.state is not CallState.WHISPERING:
        _join_music(floor, call)
    if was_notice:
        if call.state is CallState.WHISPERING:
            offers.join_if_heard(floor, call, now)
        elif call.greet:
            _greet(floor, call)
    if call.state is CallState.QUEUED:
        choices.first(floor, call, now)


def again(floor: Floor, call: Call, was_notice: bool, now: float) -> None:
    """A crash cut off what he heard: the recording notice is said again, since nobody may be joined before its end."""
    if was_notice:
        _say_on_entering(floor, call, (), now)
    elif call.greet:
        _greet(floor, call)
    elif call.state is CallState.QUEUED:
        choices.first(floor, call, now)


def key(floor: Floor, call: Call, digit: str, now: float) -> str | None:
    """Keys that count while waiting: the one that refuses the recording, where the policy asks, and the choices.

    The branch of the flow he goes by; None: he stays.
    """
    policy = queue_of(floor, call).recording
    if policy.policy != "ask" or digit != policy.refuse_key or call.recording_refused or call.recording:
        return choices.take(floor, call, digit, now)
    call.recording_refused = True
    assert call.visit is not None
    floor.note(RecordingRefused(call.id, call.visit.queue))
    voice.hush(floor, call)
    if call.state is CallState.WHISPERING:
        offers.join_if_heard(floor, call, now)
    else:
        voice.say(floor, call, ("recording-off",))
    return None


def leave_queue(floor: Floor, call: Call, outcome: VisitOutcome, now: float) -> None:
    """The visit ends, also that of a caller who stepped aside. The offer, if any, is withdrawn."""
    if call.visit is None:
        return
    if call.offer is not None:
        offers.withdraw(floor, call, now)
    visit, call.visit = call.visit, None
    floor.offer(floor.engine.leave(call.id))
    floor.cancel_timer(call, "wait")
    floor.cancel_timer(call, "relax")
    floor.cancel_timer(call, "offer-again")
    expecting.left(floor, call, visit.queue, now)
    floor.note(QueueLeft(call.id, visit.n, visit.queue, outcome, round(now - call.waits_since, 3)))


def waited_out(floor: Floor, call: Call, now: float) -> bool:
    """wait_s_max is over. False while an agent is about to be joined: then the caller waits those seconds more."""
    if call.state is CallState.WHISPERING or call.visit is None:
        return False
    if call.state is CallState.RINGING:
        offers.withdraw(floor, call, now)
    back_to_flow(floor, call, "timed-out", now)
    return True


def back_to_flow(floor: Floor, call: Call, outcome: VisitOutcome, now: float) -> None:
    """The caller waits no longer; what the flow says of it is for the caller of this function to ask."""
    voice.hush(floor, call)
    floor.do(Leave(call.id, music_bridge(queue_of(floor, call).music), call.leg))
    leave_queue(floor, call, outcome, now)
    call.to(CallMove.LEAVE_QUEUE)
