"""The end of a call: hang up whoever is still there; the call is over when its last leg is gone."""

from ari_app.board import bookings, invite, line, seats, situations, stream, talk, transfer, waiting
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.facts import CallClosed, ClosedBy, VisitOutcome
from ari_app.model.states import CallMove, CallState

_TIMERS = ("flow", "prompt", "wait", "life", "look-up", "message", "record-again", "speech", "confirm", *stream.TIMERS)


def close(floor: Floor, call: Call, by: ClosedBy, cause: int, now: float) -> None:
    """Hang up whoever is still there; the call is closed when its last leg is gone."""
    if call.state is CallState.CLOSING:
        return
    if call.talk is not None:
        talk.end_talk(floor, call, by, now)
    situations.broken_off(floor, call)
    line.forget(floor, call)
    if call.party is not None:
        transfer.party_left(floor, call, now)
    invite.give_up(floor, call, "abandoned" if by == "caller" else "withdrawn", now)
    waiting.leave_queue(floor, call, _outcome(call, by), now)
    bookings.call_over(floor, call, cause, now)
    call.to(CallMove.CLOSE)
    call.closed_by, call.cause = by, cause
    call.playback = call.notice = call.resting = None
    for name in _TIMERS:
        floor.cancel_timer(call, name)
    for leg in sorted(call.legs):
        floor.hang_up(call, leg, now, cause if by == "refused" else 16)


def _outcome(call: Call, by: ClosedBy) -> VisitOutcome:
    """How the visit ends, if there is one. Who hangs up while he speaks his message has left it."""
    if call.state is CallState.IN_FLOW and call.message is not None:
        return "voicemail"
    chosen = call.state is CallState.IN_FLOW and by == "flow"  # He stepped aside, and was not heard of again.
    return "abandoned" if by == "caller" or chosen else "failed"


def finish(floor: Floor, call: Call, now: float) -> None:
    floor.cancel_timer(call, "close")
    floor.cancel_timer(call, "hang-up")
    floor.refusing -= call.refusing
    assert call.closed_by is not None
    node = call.cursor.node if call.cursor is not None else ""
    floor.note(CallClosed(call.id, call.closed_by, node, call.cause, round(now - call.opened_at, 3)))
    del floor.calls[call.id]
    floor.mint.forget(call.id)
    seats.phone_freed(floor, call.via)
