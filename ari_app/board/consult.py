"""An agent asks somebody else while the caller hears music: the consulted one joins the agent in the talk's bridge,
the caller is out of it until he is handed over, taken back, or all three talk together."""

from ari_app.board import invite, seats, supervise, talk, transfer
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.board.targets import Target
from ari_app.model.control import ConferenceBegan, TransferAnswered, TransferEnded, TransferOutcome
from ari_app.model.effects import Join
from ari_app.model.facts import TalkEndedBy
from ari_app.model.ids import TransferId
from ari_app.model.states import AgentMove, CallMove


def begin(floor: Floor, call: Call, target: Target, now: float) -> None:
    assert call.talk is not None
    floor.cancel_timer(call, "remind")
    talk.hush_agent(floor, call, call.talk)
    talk.hold(floor, call, away=True)
    invite.ring(floor, call, target, "consult", now)


def answered(floor: Floor, call: Call, now: float) -> None:
    asked, talking = call.invite, call.talk
    assert asked is not None and talking is not None
    asked.answered = True
    invite.settled(floor, call)
    floor.note(TransferAnswered(call.id, TransferId(asked.leg)))
    floor.do(Join(call.id, talking.bridge, asked.leg, keep_keys=asked.agent is not None))
    if asked.agent is not None:
        seats.move(floor, floor.seats[asked.agent], AgentMove.CONNECT, now)


def give_back(floor: Floor, call: Call, outcome: TransferOutcome, now: float) -> None:
    """The consult is over; the agent has the caller again."""
    invite.give_up(floor, call, outcome, now)
    talk.hold(floor, call, away=False)


def conference(floor: Floor, call: Call) -> None:
    """All three hear each other."""
    assert call.invite is not None
    call.invite.joined = True
    floor.note(ConferenceBegan(call.id, TransferId(call.invite.leg)))
    talk.hold(floor, call, away=False)


def complete(floor: Floor, call: Call, by: TalkEndedBy, now: float) -> None:
    """The agent leaves, the caller and the one consulted stay together."""
    asked, talking = call.invite, call.talk
    assert asked is not None and talking is not None
    call.invite, call.passed_by = None, talking.agent
    floor.note(TransferEnded(call.id, TransferId(asked.leg), "completed"))
    if asked.agent is not None:
        talk.hand_over(floor, call, (asked.leg, asked.agent), by, now)
        return
    supervise.stop(floor, call, now)
    talk.part(floor, call, by, now)
    floor.offer(floor.engine.talk_over(call.id))
    call.to(CallMove.PARTY_JOINS)
    if talking.away:
        floor.do(Join(call.id, talking.bridge, call.leg))
    transfer.party_joined(floor, call, asked.leg, talking.bridge)
