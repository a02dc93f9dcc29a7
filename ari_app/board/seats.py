"""The agents' seats: states by the table of model/states, wishes kept until they are possible, wrap-up.

Every change is a fact. An agent who gets ready is matched at once; offers.make_all rings him at the end of the event.
"""

from ari_app.board import expecting
from ari_app.board.floor import Floor, Seat
from ari_app.model.effects import CancelTimer, SetTimer
from ari_app.model.events import AgentAsked
from ari_app.model.facts import AgentChanged, DispositionNoted
from ari_app.model.ids import CallId, LegId, PhoneName, TimerId
from ari_app.model.states import AGENT, AgentMove, AgentState

ON_A_CALL = (AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP)
Outcome = tuple[bool, str]  # Whether a wish was granted, and a short sentence: `ready`, or why not.


def move(floor: Floor, seat: Seat, what: AgentMove, now: float, reason: str = "") -> None:
    """Change state by the table; KeyError for a move the table does not know is a bug."""
    if seat.state is AgentState.WRAP_UP:
        expecting.handled(floor, seat, now)
    to = AGENT[seat.state][what]
    _clock(seat, to, now)
    seat.state, seat.reason, seat.since = to, reason, now
    floor.staff_changed |= seat.state is AgentState.SIGNED_OUT
    if seat.state is not AgentState.READY:
        floor.engine.agent_not_ready(seat.agent)
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
    """A ready agent is matched while his phone is free: no leg of an earlier offer on it, no call of its own."""
    if seat.state is AgentState.READY and seat.leg is None and not floor.phones_used[seat.phone]:
        floor.offer(floor.engine.agent_ready(seat.agent, seat.idle_since, seat.occupancy))


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


def lost_offer(floor: Floor, seat: Seat, reason: str, now: float) -> None:
    """Declined, ran out, unreachable: not ready until the agent says so himself."""
    (state, why), seat.pending = seat.pending or (AgentState.NOT_READY, reason), None
    move(floor, seat, AgentMove.OFFER_LOST, now, why if state is AgentState.NOT_READY else reason)
    if state is AgentState.SIGNED_OUT:
        move(floor, seat, AgentMove.SIGN_OUT, now, why)


def talk_ended(floor: Floor, seat: Seat, wrap_up_s: float, now: float) -> None:
    """Wrap-up begins; it ends by its timer, by a wish, and never before the agent's leg is gone."""
    seat.wrap_up_over = wrap_up_s == 0
    move(floor, seat, AgentMove.TALK_ENDS, now)
    seat.wrap_up_at = now + wrap_up_s
    if wrap_up_s:
        floor.do(SetTimer(wrap_timer(seat), now + wrap_up_s))


def wrap_timer(seat: Seat) -> TimerId:
    return TimerId(f"agent-{seat.agent}.wrap")


def wrap_up_ended(floor: Floor, seat: Seat, now: float) -> None:
    seat.wrap_up_over = True
    if seat.state is AgentState.WRAP_UP and seat.leg is None:
        ready(floor, seat, AgentMove.WRAP_UP_ENDS, now)


def leg_gone(floor: Floor, seat: Seat, leg: LegId, now: float) -> None:
    """The agent's leg ended: whatever waited for it happens now."""
    if seat.leg != leg:
        return
    seat.leg = None
    if seat.withdrawn and seat.state is AgentState.RESERVED:
        seat.withdrawn = False
        ready(floor, seat, AgentMove.OFFER_WITHDRAWN, now)
    elif seat.wrap_up_over and seat.state is AgentState.WRAP_UP:
        wrap_up_ended(floor, seat, now)
    else:
        available(floor, seat)


def phone_changed(floor: Floor, phone: PhoneName, reachable: bool, now: float) -> None:
    """A ready agent whose phone is gone is not offered calls."""
    for seat in floor.seats.values():
        if seat.phone == phone and not reachable and seat.state is AgentState.READY:
            move(floor, seat, AgentMove.GO_NOT_READY, now, "phone-unreachable")


def ask(floor: Floor, asked: AgentAsked, now: float) -> Outcome:
    """A wish of an agent, from a page, the CLI or a feature code."""
    seat = floor.seats.get(asked.agent)
    if seat is None:
        return False, f"no agent has the work number {asked.agent}"
    match asked.wish:
        case "sign-in":
            return _sign_in(floor, seat, asked.phone or PhoneName(floor.settings.agents[asked.agent].phone), now)
        case "disposition":
            return _disposition(floor, seat, asked.value)
        case _ if seat.state is AgentState.SIGNED_OUT:
            return False, "not signed in"
        case "ready":
            return _ready(floor, seat, now)
        case "not-ready":
            reason = asked.value or "unspecified"
            known = floor.settings.agent_rules.not_ready_reasons
            reason = known.get(reason, reason)
            if asked.value and reason not in known.values():
                return False, f"no reason {asked.value!r}; known: {', '.join(known.values())}"
            return _away(floor, seat, AgentState.NOT_READY, reason, now)
        case "sign-out":
            return _away(floor, seat, AgentState.SIGNED_OUT, "", now)


def _sign_in(floor: Floor, seat: Seat, phone: PhoneName, now: float) -> Outcome:
    if phone not in floor.settings.phones:
        return False, f"no phone named {phone!r} in config.yaml"
    other = next((s for s in floor.seats.values() if s.phone == phone and s.state is not AgentState.SIGNED_OUT), None)
    if other is not None and other is not seat:
        return False, f"{other.agent} is signed in on {phone}"
    if seat.state not in (AgentState.SIGNED_OUT, AgentState.NOT_READY):
        return (True, str(seat.state)) if seat.phone == phone else (False, f"{seat.state} on {seat.phone}")
    seat.phone = phone
    move(floor, seat, AgentMove.SIGN_IN, now, "signed-in")
    return True, "signed in, not ready"


def _ready(floor: Floor, seat: Seat, now: float) -> Outcome:
    if seat.state is AgentState.READY:
        return True, "ready"
    if seat.state in (AgentState.RESERVED, AgentState.TALKING):
        seat.pending = None
        return True, f"{seat.state}; ready afterwards"
    if seat.state is AgentState.WRAP_UP:
        seat.pending = None
        floor.do(CancelTimer(wrap_timer(seat)))
        wrap_up_ended(floor, seat, now)
        return True, "ready"
    ready(floor, seat, AgentMove.GO_READY, now)
    return True, "ready"


def _away(floor: Floor, seat: Seat, to: AgentState, reason: str, now: float) -> Outcome:
    """Not ready or signed out: at once where the table allows it, else as soon as the call is over."""
    if seat.state in (AgentState.RESERVED, AgentState.TALKING):
        seat.pending = (to, reason)
        return True, f"{seat.state}; {to} afterwards"
    if seat.state is AgentState.WRAP_UP:
        floor.do(CancelTimer(wrap_timer(seat)))
    seat.pending = None
    move(floor, seat, AgentMove.SIGN_OUT if to is AgentState.SIGNED_OUT else AgentMove.GO_NOT_READY, now, reason)
    return True, str(to)


def _disposition(floor: Floor, seat: Seat, value: str) -> Outcome:
    known = floor.settings.agent_rules.dispositions
    disposition = known.get(value, value)
    if disposition not in known.values():
        return False, f"no disposition {value!r}; known: {', '.join(known.values())}"
    if seat.talked is None:
        return False, "no call to note it for"
    floor.note(DispositionNoted(seat.talked, seat.agent, disposition))
    return True, disposition
