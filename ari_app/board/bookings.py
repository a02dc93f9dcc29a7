"""Call-backs booked: whose turn it is, who is dialled, what is tried again, what ends. The dialled call is in callback.

A booking holds its place in the queue as a visit of its own. When the distributor matches it, no agent is tied up: the
place is suspended, the caller dialled, and only when he said that he is there, he waits in that place like anybody.
"""

from dataclasses import replace
from datetime import datetime

from ari_app.acd.model import Visit, rank
from ari_app.board.floor import Floor
from ari_app.board.records import Booking, Call
from ari_app.flow import hours
from ari_app.flow.nodes import Callback
from ari_app.model.dialling import is_permitted
from ari_app.model.effects import CancelTimer, Dial, Reply, SetTimer, Warn
from ari_app.model.events import (
    ALL_HOURS,
)
from ari_app.model.facts import (
    CallOpened,
    LegOpened,
)
from ari_app.model.ids import CallId, LegId, Number, QueueName, TimerId
from ari_app.model.screening import canonical
from ari_app.model.skills import parse
from ari_app.model.states import AgentState, CallState
from ari_app.model.work import (
    CallbackBooked,
    CallbackCancelled,
    CallbackDialled,
    CallbackEnded,
    CallbackLeft,
    CallbackMiss,
    CallbackMissed,
    CallbackOutcome,
)

CLOSED_S = 60.0  # Between looks whether callers may be dialled again: hours, window.
FULL_S = 10.0  # The same when there is no room for another call.
HELD_S = 5.0  # The same when all free agents have somebody being dialled for them.

# -- booking --


def book(floor: Floor, call: Call, node: Callback, number: Number, now: float) -> str:
    """`booked`; `already`, when this number waits for a call of this queue; `full`."""
    queue = QueueName(node.queue)
    if _of(floor, number, queue) is not None:
        return "already"
    if len(floor.bookings) >= floor.settings.callbacks.booked_max:
        return "full"
    booking = floor.mint.call()
    floor.mint.forget(booking)
    kept = call.visit if call.visit is not None and call.visit.queue == queue else None
    if kept is not None:
        visit = replace(kept, call=booking, n=0, preferred=None, prefer_s=0.0)
    else:
        place = rank(now, node.priority, floor.settings.routing.priority_step_s)
        visit = Visit(booking, 0, queue, node.priority, now, place, order=floor.order())
    at = call.queue.queue == queue if call.queue is not None else False
    where = call.queued_at if at else ""
    each = Booking(booking, call.id, number, visit, call.language, call.dialled, where, now)
    skills = str(visit.needs) if visit.needs is not None else ""
    floor.note(
        CallbackBooked(
            call.id,
            booking,
            queue,
            number,
            visit.priority,
            visit.rank,
            visit.since,
            skills,
            call.language,
            call.dialled,
            where,
        )
    )
    _keep(floor, each, now, now)
    return "booked"


def restored(floor: Floor, left: CallbackLeft, now: float) -> None:
    """A call-back an earlier daemon left open: in its old place."""
    if left.queue not in floor.settings.queues:
        floor.do(Warn(f"call-back {left.booking}: there is no queue {left.queue} any more"))
        floor.note(CallbackEnded(left.call, left.booking, "failed"))
        return
    needs = parse(left.skills) if left.skills else None
    visit = Visit(left.booking, 0, left.queue, left.priority, left.since, left.rank, needs, order=floor.order())
    each = Booking(left.booking, left.call, left.number, visit, left.language, left.dialled, left.node, left.booked_at)
    each.tries = left.tries
    _keep(floor, each, max(now, left.next_at), now)


def _keep(floor: Floor, booking: Booking, due_at: float, now: float) -> None:
    floor.bookings[booking.id] = booking
    floor.engine.enter(booking.visit, suspended=True)
    if due_at > now:
        _due(floor, booking, due_at)
    else:
        _resume(floor, booking, now)


def claimed(floor: Floor, number: Number, queue: QueueName, now: float) -> Visit | None:
    """The place of somebody who calls in himself, if he has one booked; from here on it is the caller's."""
    booking = _of(floor, number, queue)
    if booking is None:
        return None
    dialled = floor.calls.get(booking.dialling) if booking.dialling is not None else None
    if dialled is not None:
        if dialled.state is not CallState.CALLING_BACK:
            return None  # Somebody there has confirmed already, and waits in that place.
        dialled.booking = None
        floor.calls_changed.add(dialled.id)
        floor.hang_up(dialled, dialled.leg, now)
    end(floor, booking, "returned")
    return booking.visit


def _of(floor: Floor, number: Number, queue: QueueName) -> Booking | None:
    found = (each for each in floor.bookings.values() if each.number == number and each.visit.queue == queue)
    return next(found, None) if number else None


# -- whose turn it is --


def turn_came(floor: Floor, id_: CallId, now: float) -> None:
    """The distributor has an agent for him: dial, or wait until that may be done. His place is suspended already."""
    if (booking := floor.bookings.get(id_)) is None:
        return
    booking.held = False
    if not is_permitted(booking.number, floor.settings.outbound):
        floor.do(Warn(f"call-back {booking.id}: its number may not be dialled any more"))
        end(floor, booking, "failed")
    elif not _in_hours(floor, booking, now):
        _due(floor, booking, now + CLOSED_S)
    elif floor.door or floor.draining or _calls(floor) >= floor.settings.limits.calls_max:
        _due(floor, booking, now + FULL_S)
    elif _enough_dialled(floor, booking):
        booking.held = True
        _due(floor, booking, now + HELD_S)
    else:
        _dial(floor, booking, now)


def _calls(floor: Floor) -> int:
    return len(floor.calls) - floor.refusing


def _in_hours(floor: Floor, booking: Booking, now: float) -> bool:
    name = floor.settings.queues[booking.visit.queue].hours
    if hours.closed_by_hand(floor.closures, name or ALL_HOURS, now):
        return False
    local = datetime.fromtimestamp(now + floor.shift_s, floor.zone)
    clock = local.strftime("%H:%M")
    spans = (span.split("-") for span in floor.settings.callbacks.window)
    if not any(first <= clock < last for first, last in spans):
        return False
    return name is None or hours.state(floor.hours[name], local) == "open"


def _enough_dialled(floor: Floor, booking: Booking) -> bool:
    """One caller dialled for each free agent, no more: else those who confirm would wait again."""
    ready = [seat.agent for seat in floor.seats.values() if seat.state is AgentState.READY]
    able = [agent for agent in ready if floor.engine.servers(booking.visit.queue, (agent,))]
    others = [each for each in floor.bookings.values() if _is_dialled(floor, each)]
    return sum(floor.engine.servers(each.visit.queue, able) > 0 for each in others) >= max(1, len(able))


def _is_dialled(floor: Floor, booking: Booking) -> bool:
    call = floor.calls.get(booking.dialling) if booking.dialling is not None else None
    return call is not None and call.state is CallState.CALLING_BACK


def _dial(floor: Floor, booking: Booking, now: float) -> None:
    _cancel_timer(floor, booking)
    outbound = floor.settings.outbound
    plan = floor.settings.numbers.get(booking.dialled)
    flow = floor.flows.get(plan.flow) if plan is not None else None
    id_ = floor.mint.call()
    leg = LegId(floor.mint.part(id_, "l"))
    call = Call(id_, leg, booking.number, booking.dialled, outbound.trunk, now, booking.language)
    call.state, call.booking = CallState.CALLING_BACK, booking.id
    booking.dialling = id_
    booking.tries += 1
    floor.calls[id_] = call
    version = flow.version if flow is not None else ""
    name = flow.name if flow is not None else ""
    floor.note(CallOpened(id_, call.caller, call.dialled, call.via, name, version, call.language))
    floor.leg_opened(LegOpened(id_, leg, "caller"))
    floor.note(CallbackDialled(id_, booking.id, booking.tries))
    floor.set_timer(call, "life", now + floor.settings.limits.call_s_max)
    floor.set_timer(call, "confirm", now + outbound.ring_s + 2)  # Asterisk ends the ringing itself.
    address = floor.settings.trunks[outbound.trunk].address
    floor.do(Dial(id_, leg, booking.number, outbound.trunk, address, Number(outbound.caller), outbound.ring_s))


# -- what became of it --


def call_over(floor: Floor, call: Call, cause: int, now: float) -> None:
    """The call-back call ends, whatever it was; nothing for a call that is none."""
    booking = floor.bookings.get(call.booking) if call.booking is not None else None
    if booking is None:
        return
    call.booking = None
    if call.state is not CallState.CALLING_BACK:
        end(floor, booking, "abandoned")
        return
    rules = floor.settings.callbacks
    booking.dialling = None
    again = now + rules.spacing_s if booking.tries < rules.tries else None
    floor.note(CallbackMissed(call.id, booking.id, _miss(call, cause), again))
    if again is None:
        end(floor, booking, "failed")
    else:
        _due(floor, booking, again)
    let_next(floor, now)


def _miss(call: Call, cause: int) -> CallbackMiss:
    if call.asked:
        return "not-confirmed"
    match cause:
        case 17 | 21:
            return "busy"
        case 16 | 18 | 19 | 26:
            return "no-answer"
        case 0 | 34 | 38 | 41 | 42:
            return "failed"
        case _:
            return "unreachable"


def reached(floor: Floor, call: Call) -> None:
    """Caller and agent are joined: if this is a call-back, it is done."""
    if (booking := floor.bookings.get(call.booking or CallId(""))) is not None:
        call.booking = None
        end(floor, booking, "connected")


def end(floor: Floor, booking: Booking, outcome: CallbackOutcome, by: str = "") -> None:
    """Off the list, and out of the queue unless its place has passed to a call."""
    del floor.bookings[booking.id]
    _cancel_timer(floor, booking)
    floor.offer(floor.engine.leave(booking.id))
    floor.note(CallbackEnded(booking.call, booking.id, outcome, by))


def confirmed(floor: Floor, booking: Booking, now: float) -> Visit:
    """The place passes to the call; the booking stays on the list until an agent has him."""
    floor.offer(floor.engine.leave(booking.id))
    let_next(floor, now)
    return booking.visit


def cancelled(floor: Floor, event: CallbackCancelled, now: float) -> None:
    """By a supervisor. Somebody being dialled just then is hung up; one who waits on the line keeps waiting."""
    booking = floor.bookings.get(event.booking)
    ok, message = False, f"no call-back {event.booking} is open"
    if booking is not None:
        _cancel(floor, booking, event.by, now)
        ok, message = True, "cancelled"
    if event.request is not None:
        floor.do(Reply(event.request, ok, message))


def erased(floor: Floor, number: Number, by: str, now: float) -> int:
    """Nobody calls back whose number was erased, in whatever spelling; how many call-backs that were."""
    rules = floor.settings.screening
    same = {number, canonical(number, rules)} - {""}  # What is no caller's number has no canonical form.
    theirs = [each for each in floor.bookings.values() if same & {each.number, canonical(each.number, rules)}]
    for booking in theirs:
        _cancel(floor, booking, by, now)
    return len(theirs)


def _cancel(floor: Floor, booking: Booking, by: str, now: float) -> None:
    call = floor.calls.get(booking.dialling) if booking.dialling is not None else None
    if call is not None:
        call.booking = None
        floor.calls_changed.add(call.id)
        if call.state is CallState.CALLING_BACK:
            floor.hang_up(call, call.leg, now)
    end(floor, booking, "cancelled", by)
    let_next(floor, now)


def let_next(floor: Floor, now: float) -> None:
    """Somebody less is being dialled: those who were held back for it may have their turn."""
    for booking in sorted(floor.bookings.values(), key=lambda each: each.visit.key):
        if booking.held:
            _resume(floor, booking, now)


# -- its timer --


def timer(floor: Floor, booking: Booking, now: float) -> None:
    """A pause is over, less is asked for by now, or he could not be reached for too long."""
    if now >= booking.booked_at + floor.settings.callbacks.keep_h * 3600:
        end(floor, booking, "expired")
    else:
        _resume(floor, booking, now)


def _resume(floor: Floor, booking: Booking, now: float) -> None:
    booking.held = False
    floor.offer(floor.engine.resume(booking.id) or floor.engine.relax(booking.id, now))
    expires = booking.booked_at + floor.settings.callbacks.keep_h * 3600
    stage = floor.engine.next_stage_at(booking.id)
    _due(floor, booking, expires if stage is None else min(stage, expires))


def _due(floor: Floor, booking: Booking, at: float) -> None:
    booking.due_at = at
    floor.do(SetTimer(_timer(booking), at))


def _cancel_timer(floor: Floor, booking: Booking) -> None:
    booking.due_at = 0.0
    floor.do(CancelTimer(_timer(booking)))


def _timer(booking: Booking) -> TimerId:
    return TimerId(f"{booking.id}.due")
