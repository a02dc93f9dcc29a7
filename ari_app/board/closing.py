"""The end of a call: hang up whoever is still there; the call is over when its last leg is gone."""

from ari_app.board import invite, line, seats, situations, talk, transfer, waiting
from ari_app.board.floor import Call, Floor
from ari_app.model.facts import CallClosed, ClosedBy
from ari_app.model.states import CallMove, CallState


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
    waiting.leave_queue(floor, call, "abandoned" if by == "caller" else "failed", now)
    call.to(CallMove.CLOSE)
    call.closed_by, call.cause = by, cause
    call.playback = call.notice = None
    for name in ("flow", "prompt", "wait", "life", "look-up", "message", "record-again", "speech"):
        floor.cancel_timer(call, name)
    for leg in sorted(call.legs):
        floor.hang_up(call, leg, now, cause if by == "refused" else 16)


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
