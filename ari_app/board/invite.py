"""A leg rung for the caller outside every queue: of an agent, or of a number outside. What its end means is told here;
what becomes of it is in consult (the agent stays) and transfer (the caller waits for it alone)."""

from ari_app.board import seats
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Invite
from ari_app.board.targets import Target
from ari_app.model.control import TransferBegan, TransferEnded, TransferHow, TransferOutcome
from ari_app.model.effects import Dial, Ring
from ari_app.model.facts import LegOpened
from ari_app.model.ids import AgentId, LegId, Number, TransferId

THEIR_FAULT = ("declined", "busy", "ran-out", "unreachable")


def ring(floor: Floor, call: Call, target: Target, how: TransferHow, now: float) -> Invite:
    """Ring an agent or dial a number; whether it may be rung was asked before."""
    leg = LegId(floor.mint.part(call.id, "l"))
    by = call.talk.agent if call.talk is not None else call.passed_by if how == "blind" else None
    agent = AgentId(target.name) if target.kind == "agent" else None
    call.invite = Invite(leg, agent, target.text, how, by)
    queue = call.queue.queue if call.queue is not None else ""
    seat = floor.seats[agent] if agent is not None else None
    floor.leg_opened(LegOpened(call.id, leg, "agent" if seat else "party", seat.phone if seat else None))
    if seat is not None:
        seats.reserve(floor, seat, call.id, leg, now)
        floor.set_timer(call, "invite-ringing", now + floor.settings.agent_rules.no_ringing_s)
    floor.note(TransferBegan(call.id, TransferId(leg), by, how, target.text, target.number))
    outbound = floor.settings.outbound
    ring_s = target.ring_s or (floor.settings.queues[queue].ring_s if seat is not None and queue else outbound.ring_s)
    if seat is not None:
        shown = f"{queue} from {by}" if by else queue
        floor.do(Ring(call.id, leg, seat.phone, call.caller, shown, ring_s))
    else:
        address = floor.settings.trunks[outbound.trunk].address
        caller = outbound.caller or call.dialled
        floor.do(Dial(call.id, leg, target.number, outbound.trunk, address, Number(caller), ring_s))
    floor.set_timer(call, "invite", now + ring_s + 2)  # Asterisk ends the ringing itself; this is the net below.
    return call.invite


def ringing(floor: Floor, call: Call, leg: LegId) -> None:
    if call.invite is not None and call.invite.leg == leg and not call.invite.rang:
        call.invite.rang = True
        floor.cancel_timer(call, "invite-ringing")


def settled(floor: Floor, call: Call) -> None:
    """It rings no more."""
    floor.cancel_timer(call, "invite-ringing")
    floor.cancel_timer(call, "invite")


def outcome_of(invite: Invite, cause: int) -> TransferOutcome:
    """What the end of its leg means (phones.md §2.1: decide on causes, never on Dial)."""
    if invite.answered:
        return "left"
    if cause in (17, 21):
        return "busy" if cause == 17 else "declined"
    return "ran-out" if cause in (18, 19) and (invite.rang or invite.agent is None) else "unreachable"


def give_up(floor: Floor, call: Call, outcome: TransferOutcome, now: float) -> None:
    """It is over without the caller having got there; nothing happens when there is none."""
    if call.invite is None:
        return
    invite, call.invite = call.invite, None
    settled(floor, call)
    floor.note(TransferEnded(call.id, TransferId(invite.leg), outcome))
    floor.hang_up(call, invite.leg, now, 16 if invite.answered else 26)
    if invite.agent is None:
        return
    seat = floor.seats[invite.agent]
    if seat.state == "talking":
        if invite.leg not in call.legs:
            seat.leg = None
        seats.talk_ended(floor, seat, 0, now)  # He was asked for advice: nothing to wrap up.
        seats.wrap_up_ended(floor, seat, now)
    elif outcome in THEIR_FAULT:
        reason = {"ran-out": "ring-no-answer", "busy": "declined"}.get(outcome, outcome)
        seats.lost_offer(floor, seat, reason, now)
    else:
        seats.withdraw(floor, seat)
        if invite.leg not in call.legs:
            seats.leg_gone(floor, seat, invite.leg, now)
