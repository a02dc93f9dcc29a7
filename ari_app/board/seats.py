"""The agents' seats: states by the table of model/states, wishes kept until they are possible, wrap-up.

Every change is a fact. An agent who gets ready is matched at once; offers.make_all rings him at the end of the event.
"""

from ari_app.board import expecting
from ari_app.board.floor import Floor
from ari_app.board.records import Seat
from ari_app.model.audit import WrapUpExtended
from ari_app.model.effects import CancelTimer, SetTimer
from ari_app.model.events import AgentAsked
from ari_app.model.facts import AgentChanged, DispositionNoted
from ari_app.model.ids import CallId, LegId, MessageId, PhoneName, TimerId
from ari_app.model.states import (
    AGENT,
    DISPOSITION_MISSING,
    PHONE_UNREACHABLE,
    RING_NO_ANSWER,
    SIGNED_IN,
    UNREACHABLE,
    UNSPECIFIED,
    AgentMove,
    AgentState,
)

VANISHED = frozenset({44})  # Q.850 causes by which Asterisk says that a phone has sent no voice for too long.
ON_A_CALL = (AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP)
BUSY = (AgentState.RESERVED, AgentState.TALKING, AgentState.WORKING)  # Wishes wait until that is over.
Outcome = tuple[bool, str]  # Whether a wish was granted, and a short sentence: `ready`, or why not.


def withdraw(floor: Floor, seat: Seat) -> None:
    """What he was reserved for is over; he waits for his leg to end."""
    floor.seats_changed.add(seat.agent)
    seat.withdrawn = True


def move(floor: Floor, seat: Seat, what: AgentMove, now: float, reason: str = "") -> None:
    """Change state by the table; KeyError for a move the table does not know is a bug."""
    if seat.state is AgentState.WRAP_UP:
        expecting.handled(floor, seat, now)
    floor.seats_changed.add(seat.agent)
    to = AGENT[seat.state][what]
    _clock(seat, to, now)
    seat.state, seat.reason, seat.since = to, reason, now
    floor.staff_changed |= seat.state is AgentState.SIGNED_OUT
    if what is AgentMove.SIGN_IN:
        floor.served_by.clear()
    if seat.state is not AgentState.READY:
        floor.engine.agent_not_ready(seat.agent)
    if what not in (AgentMove.OFFER, AgentMove.OFFER_RAN_OUT, AgentMove.OFFER_WITHDRAWN):
        seat.ran_out = 0
    _unpause(floor, seat)
    call = seat.call if seat.state in ON_A_CALL else None
    floor.note(AgentChanged(seat.agent, seat.state, reason, seat.phone, call))


def _clock(seat: Seat, to: AgentState, now: float) -> None:
    """Keep the time on calls and the time signed in."""
    if seat.state is AgentState.TALKING:
        seat.talked_s += now - seat.since
    if seat.state is AgentState.SIGNED_OUT:
        seat.signed_in_at, seat.talked_s = now, 0.0
    seat.occupancy = seat.talked_s / (now - seat.signed_in_at) if now > seat.signed_in_at else 0.0


def ready(floor: Floor, seat: Seat, what: AgentMove, now: float) -> None:
    """The agent gets ready, unless a wish waits; the first caller he can serve is matched at once."""
    if seat.owes is not None and seat.pending is None and what is AgentMove.WRAP_UP_ENDS:
        move(floor, seat, AgentMove.DISPOSITION_MISSING, now, DISPOSITION_MISSING)
        return
    if seat.pending is not None:
        (state, reason), seat.pending = seat.pending, None
        if (
            what is AgentMove.OFFER_WITHDRAWN
        ):  # The table leads a withdrawn offer to ready; the wish goes on from there.
            move(floor, seat, what, now)
        leave = AgentMove.SIGN_OUT if state is AgentState.SIGNED_OUT else AgentMove.GO_NOT_READY
        move(floor, seat, leave, now, reason)
        return
    if what is not AgentMove.OFFER_WITHDRAWN:  # A caller who gave up must not cost the agent his place.
        seat.idle_since = now
    move(floor, seat, what, now)
    available(floor, seat)


def available(floor: Floor, seat: Seat) -> None:
    """A ready agent is matched while his phone is free: no leg of an earlier offer on it, no call of its own.

    At the end of the event, when everybody whom it sends back to a queue is in his place.
    """
    if is_free(floor, seat):
        floor.freed.append(seat.agent)


def is_free(floor: Floor, seat: Seat) -> bool:
    """Ready, nothing is on his phone, and he is not left alone for a while after an offer that ran out."""
    is_waiting = seat.state is AgentState.READY and not seat.paused
    return is_waiting and seat.leg is None and not floor.phones_used[seat.phone]


def match_freed(floor: Floor) -> None:
    """Match those who got free during this event."""
    freed, floor.freed = floor.freed, []
    for agent in freed:
        seat = floor.seats[agent]
        if is_free(floor, seat):
            floor.offer(floor.engine.agent_ready(agent, seat.idle_since, seat.occupancy))


def phone_taken(floor: Floor, phone: str) -> None:
    """A phone of ours calls us: it is not rung meanwhile."""
    if phone in floor.settings.phones:
        floor.phones_used[PhoneName(phone)] += 1
        for seat in floor.seats.values():
            if seat.phone == phone:
                floor.engine.agent_not_ready(seat.agent)


def phone_freed(floor: Floor, phone: str) -> None:
    if phone not in floor.settings.phones:
        return
    floor.phones_used[PhoneName(phone)] -= 1
    seat = next((s for s in floor.seats.values() if s.phone == phone and s.state is AgentState.READY), None)
    if seat is not None:
        available(floor, seat)


def reserve(floor: Floor, seat: Seat, call: CallId, leg: LegId, now: float) -> None:
    seat.call, seat.leg = call, leg
    seat.withdrawn = seat.wrap_up_over = False
    move(floor, seat, AgentMove.OFFER, now)


def reserve_for(floor: Floor, seat: Seat, message: MessageId, leg: LegId, now: float) -> None:
    """For a message; no caller is there."""
    seat.item, seat.call, seat.leg = message, None, leg
    seat.withdrawn = seat.wrap_up_over = False
    move(floor, seat, AgentMove.OFFER, now)


def lost_offer(floor: Floor, seat: Seat, reason: str, now: float) -> None:
    """Declined, unreachable, ran out once too often: not ready until the agent says so himself."""
    if reason == RING_NO_ANSWER and seat.pending is None and seat.ran_out + 1 < floor.settings.agent_rules.ran_out_max:
        _ran_out(floor, seat, now)
        return
    (state, why), seat.pending = seat.pending or (AgentState.NOT_READY, reason), None
    move(floor, seat, AgentMove.OFFER_LOST, now, why if state is AgentState.NOT_READY else reason)
    if state is AgentState.SIGNED_OUT:
        move(floor, seat, AgentMove.SIGN_OUT, now, why)


def _ran_out(floor: Floor, seat: Seat, now: float) -> None:
    """Still ready, but last in line, and offered nothing for a while: his caller goes to others first."""
    seat.ran_out += 1
    seat.idle_since = now
    move(floor, seat, AgentMove.OFFER_RAN_OUT, now, RING_NO_ANSWER)
    if pause_s := floor.settings.agent_rules.ran_out_pause_s:
        seat.paused = True
        floor.do(SetTimer(pause_timer(seat), now + pause_s))


def _unpause(floor: Floor, seat: Seat) -> None:
    if seat.paused:
        seat.paused = False
        floor.do(CancelTimer(pause_timer(seat)))


def talk_ended(floor: Floor, seat: Seat, wrap_up_s: float, now: float, *, owes: bool = False) -> None:
    """Wrap-up begins; it ends by its timer, by a wish, and never before the agent's leg is gone.

    `owes`: the talk needs a disposition.
    """
    seat.extended = 0
    if owes and seat.noted != seat.call:
        seat.owes = seat.call
    seat.wrap_up_over = wrap_up_s == 0
    move(floor, seat, AgentMove.TALK_ENDS, now)
    seat.wrap_up_at = now + wrap_up_s
    if wrap_up_s:
        floor.do(SetTimer(wrap_timer(seat), now + wrap_up_s))


def vanished(floor: Floor, seat: Seat, now: float) -> None:
    """His phone is gone out of a talk, whose end is noted: no wrap-up, and no call before he says that he is back."""
    seat.pending = seat.pending or (AgentState.NOT_READY, PHONE_UNREACHABLE)
    floor.do(CancelTimer(wrap_timer(seat)))
    wrap_up_ended(floor, seat, now)


def wrap_timer(seat: Seat) -> TimerId:
    return _timer(seat, "wrap")


def pause_timer(seat: Seat) -> TimerId:
    return _timer(seat, "pause")


def work_timer(seat: Seat) -> TimerId:
    return _timer(seat, "work")


def _timer(seat: Seat, name: str) -> TimerId:
    return TimerId(f"agent-{seat.agent}.{name}")


def timer(floor: Floor, seat: Seat, name: str, now: float) -> None:
    """One of the agent's timers fired; it may be one that was stopped just as it fired."""
    floor.seats_changed.add(seat.agent)
    if name == "wrap" and seat.state is AgentState.WRAP_UP and seat.wrap_up_at <= now:
        wrap_up_ended(floor, seat, now)
    elif name == "pause" and seat.paused and seat.since + floor.settings.agent_rules.ran_out_pause_s <= now:
        seat.paused = False
        available(floor, seat)


def wrap_up_ended(floor: Floor, seat: Seat, now: float) -> None:
    floor.seats_changed.add(seat.agent)
    seat.wrap_up_over = True
    if seat.state is AgentState.WRAP_UP and seat.leg is None:
        ready(floor, seat, AgentMove.WRAP_UP_ENDS, now)


def leg_gone(floor: Floor, seat: Seat, leg: LegId, now: float) -> None:
    """The agent's leg ended: whatever waited for it happens now."""
    if seat.leg != leg:
        return
    floor.seats_changed.add(seat.agent)
    seat.leg = None
    if seat.withdrawn and seat.state is AgentState.RESERVED:
        seat.withdrawn = False
        ready(floor, seat, AgentMove.OFFER_WITHDRAWN, now)
    elif seat.wrap_up_over and seat.state is AgentState.WRAP_UP:
        wrap_up_ended(floor, seat, now)
    else:
        available(floor, seat)


def phone_changed(floor: Floor, phone: PhoneName, reachable: bool, now: float) -> None:
    for seat in floor.seats.values():
        if seat.phone == phone:
            phone_is(floor, seat, reachable, now)


def phone_is(floor: Floor, seat: Seat, reachable: bool, now: float) -> None:
    """A ready agent whose phone is gone is not offered calls; once it is back he may be, if the settings say so."""
    if not reachable and seat.state is AgentState.READY:
        move(floor, seat, AgentMove.PHONE_LOST, now, PHONE_UNREACHABLE)
    was_for_the_phone = seat.state is AgentState.NOT_READY and seat.reason in (PHONE_UNREACHABLE, UNREACHABLE)
    if not (reachable and was_for_the_phone and floor.settings.agent_rules.phone_back_ready):
        return
    if seat.owes is None:
        ready(floor, seat, AgentMove.PHONE_BACK, now)
    else:  # His phone went in the talk.
        move(floor, seat, AgentMove.GO_NOT_READY, now, DISPOSITION_MISSING)


def ask(floor: Floor, asked: AgentAsked, now: float) -> Outcome:
    """A wish of an agent, from a page, the CLI or a feature code."""
    seat = floor.seats.get(asked.agent)
    if seat is None:
        return False, f"no agent has the work number {asked.agent}"
    floor.seats_changed.add(seat.agent)
    match asked.wish:
        case "sign-in":
            return _sign_in(floor, seat, asked.phone or PhoneName(floor.settings.agents[asked.agent].phone), now)
        case "disposition":
            return _disposition(floor, seat, asked.value, now)
        case _ if seat.state is AgentState.SIGNED_OUT:
            return False, "not signed in"
        case "extend":
            return _extend(floor, seat, now)
        case "ready":
            return become_ready(floor, seat, now)
        case "not-ready":
            reason = asked.value or UNSPECIFIED
            known = floor.settings.agent_rules.not_ready_reasons
            reason = known.get(reason, reason)
            if asked.value and reason not in known.values():
                return False, f"no reason {asked.value!r}; known: {', '.join(known.values())}"
            return go_away(floor, seat, AgentState.NOT_READY, reason, now)
        case "sign-out":
            return go_away(floor, seat, AgentState.SIGNED_OUT, "", now)


def _sign_in(floor: Floor, seat: Seat, phone: PhoneName, now: float) -> Outcome:
    if phone not in floor.settings.phones:
        return False, f"no phone named {phone!r} in config.yaml"
    other = next((s for s in floor.seats.values() if s.phone == phone and s.state is not AgentState.SIGNED_OUT), None)
    if other is not None and other is not seat:
        return False, f"{other.agent} is signed in on {phone}"
    if seat.state not in (AgentState.SIGNED_OUT, AgentState.NOT_READY):
        return (True, str(seat.state)) if seat.phone == phone else (False, f"{seat.state} on {seat.phone}")
    seat.phone = phone
    move(floor, seat, AgentMove.SIGN_IN, now, SIGNED_IN)
    return True, "signed in, not ready"


def become_ready(floor: Floor, seat: Seat, now: float) -> Outcome:
    floor.seats_changed.add(seat.agent)
    if seat.state is AgentState.READY:
        _unpause(floor, seat)  # He is there after all.
        available(floor, seat)
        return True, "ready"
    if seat.state in BUSY:
        seat.pending = None
        return True, f"{seat.state}; ready afterwards"
    if seat.owes is not None:
        known = ", ".join(floor.settings.agent_rules.dispositions.values())
        return False, f"call {seat.owes} needs a disposition first: {known}"
    if seat.state is AgentState.WRAP_UP:
        seat.pending = None
        floor.do(CancelTimer(wrap_timer(seat)))
        wrap_up_ended(floor, seat, now)
        return True, "ready"
    ready(floor, seat, AgentMove.GO_READY, now)
    return True, "ready"


def go_away(floor: Floor, seat: Seat, to: AgentState, reason: str, now: float) -> Outcome:
    """Not ready or signed out: at once where the table allows it, else as soon as the call is over."""
    floor.seats_changed.add(seat.agent)
    if seat.state in BUSY:
        seat.pending = (to, reason)
        return True, f"{seat.state}; {to} afterwards"
    if seat.state is AgentState.WRAP_UP:
        floor.do(CancelTimer(wrap_timer(seat)))
    seat.pending = None
    move(floor, seat, AgentMove.SIGN_OUT if to is AgentState.SIGNED_OUT else AgentMove.GO_NOT_READY, now, reason)
    return True, str(to)


def _extend(floor: Floor, seat: Seat, now: float) -> Outcome:
    """More time for after-call work."""
    rules = floor.settings.agent_rules
    if seat.state is not AgentState.WRAP_UP or seat.wrap_up_over:
        return False, f"{seat.state}: only after-call work that is not over can be extended"
    if seat.extended >= rules.wrap_up_more_max:
        return False, f"extended {seat.extended} times already: no more than agent_rules.wrap_up_more_max"
    assert seat.call is not None
    seat.extended += 1
    seat.wrap_up_at += rules.wrap_up_more_s
    floor.do(SetTimer(wrap_timer(seat), seat.wrap_up_at))
    floor.note(WrapUpExtended(seat.agent, seat.call, seat.wrap_up_at, seat.extended))
    return True, f"wrap-up for {seat.wrap_up_at - now:.0f} s more"


def disposition_of(floor: Floor, value: str) -> str | None:
    """By its key or its name; None: there is no such."""
    known = floor.settings.agent_rules.dispositions
    disposition = known.get(value, value)
    return disposition if disposition in known.values() else None


def unknown_disposition(floor: Floor, value: str) -> str:
    return f"no disposition {value!r}; known: {', '.join(floor.settings.agent_rules.dispositions.values())}"


def _disposition(floor: Floor, seat: Seat, value: str, now: float) -> Outcome:
    disposition = disposition_of(floor, value)
    if disposition is None:
        return False, unknown_disposition(floor, value)
    if seat.talked is None:
        return False, "no call to note it for"
    floor.note(DispositionNoted(seat.talked, seat.agent, disposition))
    seat.noted = seat.talked
    if seat.owes == seat.talked:
        seat.owes = None
        if seat.state is AgentState.NOT_READY and seat.reason == DISPOSITION_MISSING:
            ready(floor, seat, AgentMove.GO_READY, now)  # What his after-call work would have ended in.
    return True, disposition
