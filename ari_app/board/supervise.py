"""A supervisor with an agent's talk: listens, whispers, barges in. Every change is a fact.

He hears the agent's leg through a snoop, in a bridge of his own, so that nothing of him is in the recording (which is
the caller's leg) before he barges in: from then on he is heard, and recorded, beside the agent.
"""

from ari_app.board import seats
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Seat, Watch
from ari_app.model.control import Supervised, Supervision, SupervisionEnded
from ari_app.model.effects import DropBridge, Join, MakeBridge, Ring, Snoop
from ari_app.model.facts import LegOpened
from ari_app.model.ids import BridgeId, LegId
from ari_app.model.states import AgentMove, AgentState

RING_S = 20.0


def start(floor: Floor, call: Call, seat: Seat, how: Supervision, now: float) -> None:
    """Ring the supervisor's own phone."""
    assert call.talk is not None
    leg = LegId(floor.mint.part(call.id, "l"))
    bridge = BridgeId(floor.mint.part(call.id, "b"))
    call.watch = Watch(leg, seat.agent, call.talk.agent, seat.phone, bridge, how)
    floor.leg_opened(LegOpened(call.id, leg, "supervisor", seat.phone))
    floor.supervising[leg] = seat.phone
    seats.phone_taken(floor, seat.phone)
    floor.do(Ring(call.id, leg, seat.phone, call.caller, f"{how} {call.talk.agent}", RING_S))
    floor.set_timer(call, "watch", now + RING_S + 2)


def answered(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """The supervisor's phone, or the snoop, is there. Said twice: nothing."""
    watch = call.watch
    if watch is None:
        return
    if leg == watch.snoop and not watch.snooping:
        watch.snooping = True
        floor.do(Join(call.id, watch.bridge, leg))
    elif leg == watch.leg and not watch.answered:
        watch.answered = True
        floor.cancel_timer(call, "watch")
        floor.do(MakeBridge(call.id, watch.bridge, "mixing"))
        _enter(floor, call, watch)


def change(floor: Floor, call: Call, how: Supervision, now: float) -> None:
    """Another way; before he answered: the way he begins with."""
    watch = call.watch
    assert watch is not None
    if watch.how != how:
        watch.how = how
        floor.calls_changed.add(call.id)
        if watch.answered:
            _drop_snoop(floor, call, watch, now)
            _enter(floor, call, watch)


def _enter(floor: Floor, call: Call, watch: Watch) -> None:
    talk = call.talk
    assert talk is not None
    if watch.how == "barge":
        floor.do(Join(call.id, talk.bridge, watch.leg, keep_keys=True))
    else:
        floor.do(Join(call.id, watch.bridge, watch.leg, keep_keys=True))
        watch.snoop, watch.snooping = LegId(floor.mint.part(call.id, "l")), False
        floor.leg_opened(LegOpened(call.id, watch.snoop, "snoop"))
        floor.do(Snoop(call.id, watch.snoop, talk.leg, watch.how == "whisper"))
    floor.note(Supervised(call.id, watch.supervisor, watch.agent, watch.how))


def _drop_snoop(floor: Floor, call: Call, watch: Watch, now: float) -> None:
    if watch.snoop is not None:
        floor.hang_up(call, watch.snoop, now)
        watch.snoop = None


def stop(floor: Floor, call: Call, now: float) -> None:
    """The talk is over, or the supervisor leaves it; nothing happens when there is none."""
    if call.watch is not None:
        watch = call.watch
        release(floor, call, now)
        floor.hang_up(call, watch.leg, now)


def let_go(floor: Floor, now: float) -> None:
    """Who has signed out supervises nobody any more."""
    for call in floor.calls.values():
        if call.watch is not None and floor.seats[call.watch.supervisor].state is AgentState.SIGNED_OUT:
            stop(floor, call, now)


def release(floor: Floor, call: Call, now: float) -> Watch:
    """Supervision ends, the supervisor's leg stays."""
    watch, call.watch = call.watch, None
    assert watch is not None
    floor.cancel_timer(call, "watch")
    _drop_snoop(floor, call, watch, now)
    if watch.answered:
        floor.do(DropBridge(call.id, watch.bridge))
        floor.note(SupervisionEnded(call.id, watch.supervisor, watch.agent))
    return watch


def take_over(floor: Floor, call: Call, seat: Seat, now: float) -> None:
    """The supervisor's leg joins the talk as an agent's; whoever calls this hands the talk over to him."""
    watch = call.watch
    assert watch is not None and call.talk is not None
    if watch.how != "barge":
        floor.do(Join(call.id, call.talk.bridge, watch.leg, keep_keys=True))
    floor.note(Supervised(call.id, watch.supervisor, watch.agent, "take-over"))
    release(floor, call, now)
    floor.phones_used[floor.supervising.pop(watch.leg)] -= 1
    seat.call, seat.leg, seat.wrap_up_over = call.id, watch.leg, False
    seat.pending = (AgentState.NOT_READY, "supervising") if seat.state is AgentState.NOT_READY else None
    seats.move(floor, seat, AgentMove.TAKE_OVER, now)


def leg_gone(floor: Floor, leg: LegId) -> None:
    """A supervisor's leg ended: his phone may be rung again."""
    if (phone := floor.supervising.pop(leg, None)) is not None:
        seats.phone_freed(floor, phone)
