"""What somebody's leaving means for those who wait: looked at once, at the end of an event in which staff went.

Nobody waits on for a preferred agent who signed out; a caller whom nobody signed in could serve any more leaves by his
node's on_no_agents, and waits on where the node names none.
"""

from dataclasses import replace

from ari_app.board import staff, waiting, walk
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.flow.intents import QueueDone
from ari_app.model.states import CallState


def look(floor: Floor, now: float) -> None:
    floor.staff_changed = False
    left = [call for call in floor.calls.values() if call.state is CallState.QUEUED and call.visit is not None]
    served: dict[object, bool] = {}  # Asked once for each queue and what its node asks.
    for call in left:
        assert call.visit is not None and call.queue is not None
        if call.visit.preferred is not None and not staff.is_signed_in(floor, call.visit.preferred):
            _forget_preferred(floor, call, now)
        preferred_until = call.visit.since + call.visit.prefer_s
        if call.queue.on_no_agents is None or now < preferred_until:
            continue
        asked = (call.visit.queue, call.queue.skills)
        if asked not in served:
            served[asked] = not staff.nobody_for(floor, call.queue)
        if not served[asked]:
            waiting.back_to_flow(floor, call, "no-agents", now)
            walk.take(floor, call, QueueDone("no_agents"), now)


def _forget_preferred(floor: Floor, call: Call, now: float) -> None:
    """The same place, for everybody with the skills."""
    assert call.visit is not None
    call.visit = replace(call.visit, preferred=None, prefer_s=0.0)
    suspended = floor.engine.places[call.id].suspended
    floor.cancel_timer(call, "offer-again")
    floor.offer(floor.engine.leave(call.id))
    match = floor.engine.enter(call.visit, suspended=suspended) or floor.engine.relax(call.id, now)
    floor.offer(match)
    waiting.await_stage(floor, call)
