"""A supervisor's override: another agent's state, at once where the table allows it, else as soon as the call is over.

Every override is a fact with who and why. Nobody is signed in by somebody else: his phone would ring for nobody.
"""

from ari_app.board import rights, seats, working
from ari_app.board.floor import Floor
from ari_app.model.audit import AgentForced
from ari_app.model.states import SUPERVISOR, AgentState
from ari_app.model.wishes import ForceAsked


def force(floor: Floor, asked: ForceAsked, now: float) -> seats.Outcome:
    seat = floor.seats.get(asked.agent)
    if seat is None:
        return False, f"no agent has the work number {asked.agent}"
    if why := rights.refusal(floor, asked.by):
        return False, why
    if not asked.reason.strip():
        return False, "say why: a supervisor's override is kept with its reason"
    if seat.state is AgentState.SIGNED_OUT:
        return False, f"{asked.agent} is signed out: only he himself signs in"
    floor.note(AgentForced(asked.agent, asked.to, asked.by, asked.reason))
    working.take_back(floor, seat, asked.by, now)
    match asked.to:
        case "ready":
            seat.owes = None  # The supervisor answers for the disposition that is missing.
            return seats.become_ready(floor, seat, now)
        case "not-ready":
            return seats.go_away(floor, seat, AgentState.NOT_READY, SUPERVISOR, now)
        case "sign-out":
            return seats.go_away(floor, seat, AgentState.SIGNED_OUT, SUPERVISOR, now)
