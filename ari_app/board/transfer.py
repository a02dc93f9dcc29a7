"""The caller himself waits for somebody outside every queue: transferred blind, or by a transfer node of the flow.

He hears music meanwhile. An agent who answers begins a talk; with a number outside he is alone in a bridge. Functions
that end a wait return the flow's branch to take, or None when the caller is back in a queue.
"""

from dataclasses import replace
from typing import Final

from ari_app.board import invite, recording, talk, voice, waiting
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Party
from ari_app.board.targets import Target, named, why_not
from ari_app.flow.nodes import Queue, Transfer
from ari_app.model.control import NO_NUMBER, TransferAnswered, TransferEnded, TransferHow, TransferOutcome
from ari_app.model.effects import DropBridge, Join, MakeBridge, Play
from ari_app.model.ids import AgentId, BridgeId, LegId, QueueName, TransferId
from ari_app.model.states import CallMove

_BRANCHES: Final = {"busy": "busy", "ran-out": "no_answer", "unreachable": "no_answer"}


def connect(floor: Floor, call: Call, node: Transfer, now: float) -> str | None:
    """A transfer node; returns the branch when nobody can be rung at all."""
    target = named(floor.settings, node.target, NO_NUMBER)
    if target is None or target.kind == "flow":
        return "refused"
    if why_not(floor, call, target):
        return "busy" if target.kind == "agent" else "refused"
    if target.kind == "agent":
        serves = floor.engine.queues_of(AgentId(target.name))
        served = [name for name in serves if name in floor.settings.queues]
        if not served:
            return "refused"
        call.queue = Queue(type="queue", queue=node.record_as or served[0], say=())
    elif node.record_as is not None:
        call.queue = Queue(type="queue", queue=node.record_as, say=())
    if target.kind == "queue":
        return waiting.enqueue(floor, call, Queue(type="queue", queue=target.name, say=node.say), now)
    dial(floor, call, replace(target, ring_s=node.ring_s), "flow", now)
    _say(floor, call, node)
    return None


def _say(floor: Floor, call: Call, node: Transfer) -> None:
    policy = floor.settings.queues[node.record_as].recording.policy if node.record_as is not None else "never"
    if policy == "announce" and not call.recording_refused:
        call.notice = call.playback = floor.playback(call.id)
        floor.do(Play(call.id, call.leg, call.notice, ("recording-notice", *node.say), call.language))
    elif node.say:
        voice.say(floor, call, node.say)


def dial(floor: Floor, call: Call, target: Target, how: TransferHow, now: float) -> None:
    """Ring for a caller who is in the flow's hands, with music."""
    call.to(CallMove.DIAL)
    voice.hush(floor, call)
    voice.to_music(floor, call)
    invite.ring(floor, call, target, how, now)


def answered(floor: Floor, call: Call, now: float) -> None:
    asked = call.invite
    assert asked is not None
    asked.answered = True
    invite.settled(floor, call)
    floor.note(TransferAnswered(call.id, TransferId(asked.leg)))
    join_if_heard(floor, call, now)


def join_if_heard(floor: Floor, call: Call, now: float) -> None:
    """Join the caller and whoever answered, once the recording notice is over."""
    asked = call.invite
    if asked is None or not asked.answered or call.notice is not None:
        return
    call.invite = None
    floor.note(TransferEnded(call.id, TransferId(asked.leg), "completed"))
    if asked.agent is not None:
        assert call.queue is not None
        call.to(CallMove.AGENT_JOINS)
        talk.begin(floor, call, (asked.leg, asked.agent), QueueName(call.queue.queue), now)
        return
    voice.hush(floor, call)
    call.to(CallMove.PARTY_JOINS)
    bridge = BridgeId(floor.mint.part(call.id, "b"))
    floor.do(MakeBridge(call.id, bridge, "mixing"))
    floor.do(Join(call.id, bridge, call.leg), Join(call.id, bridge, asked.leg))
    party_joined(floor, call, asked.leg, bridge)


def party_joined(floor: Floor, call: Call, leg: LegId, bridge: BridgeId) -> None:
    """Caller and number outside are in their bridge; recorded as the queue's policy says, if he heard the notice."""
    call.party = Party(leg, bridge)
    record(floor, call)


def record(floor: Floor, call: Call) -> None:
    """The talk with a number outside, by the rules of the queue the caller came from."""
    if call.queue is None:
        return
    queue = QueueName(call.queue.queue)
    if floor.settings.queues[queue].recording.policy != "ask" or call.visits:
        recording.order(floor, call, call.talked_to or AgentId(""), queue)


def failed(floor: Floor, call: Call, outcome: TransferOutcome, now: float) -> str | None:
    """Nobody took the caller. One whom an agent had passed on goes back to his queue, in his place."""
    asked = call.invite
    assert asked is not None
    invite.give_up(floor, call, outcome, now)
    voice.hush(floor, call)
    voice.from_music(floor, call)
    call.to(CallMove.DIAL_FAILS)
    if asked.how == "blind":
        return back_to_queue(floor, call, now)
    return _BRANCHES.get(outcome, "refused")


def back_to_queue(floor: Floor, call: Call, now: float, name: str = "", say: tuple[str, ...] = ()) -> str | None:
    """Into his queue, or another, ranked as from his first wait; the branch when it does not take him. `say`: prompts.

    Nobody is preferred any more: that may well be the agent who passed him on.
    """
    assert call.queue is not None
    changes: dict[str, object] = {"queue": name or call.queue.queue, "say": say, "prefer": None}
    if changes["queue"] != call.queue.queue:
        changes["skills"] = None  # Those the flow asked for were meant for the other queue.
    node = call.queue.model_copy(update=changes)
    return waiting.enqueue(floor, call, node, now, call.ranked_at)


def party_left(floor: Floor, call: Call, now: float) -> None:
    """The number outside hung up, or the call is being closed."""
    party, call.party = call.party, None
    assert party is not None
    recording.drop(floor, call)
    floor.hang_up(call, party.leg, now)
    floor.do(DropBridge(call.id, party.bridge))
