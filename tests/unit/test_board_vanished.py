"""An agent's phone that vanishes: no BYE, its voice stays away, Asterisk ends the leg with cause 44. The caller goes
back to the head of his queue and is told so; the agent is rung no more before he says that he is back."""

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import LegId
from ari_app.model.states import AgentState, CallState
from tests.board_kit import Kit
from tests.unit.test_board_control import does, house_kit, outcomes, talking

GONE = 44


def vanish(kit: Kit, agent: str) -> None:
    kit.hang_up(kit.leg_of(agent), GONE)


def test_the_caller_goes_back_to_the_head_of_his_queue_and_is_told() -> None:
    kit = house_kit()
    first = talking(kit)
    kit.wait(30)
    second = kit.arrive()
    kit.press("1", second)  # He waits behind; he came later.
    vanish(kit, "81")
    assert kit.call(first) is CallState.QUEUED
    assert "please-wait" in kit.said(first)
    back, ahead = kit.facts(ft.Queued)[-1], kit.facts(ft.Queued)[0]
    assert (back.queue, back.rank, back.position) == ("billing", ahead.rank, 1)
    (ended,) = kit.facts(ft.TalkEnded)
    assert (ended.by, ended.talk_s) == ("vanished", 30.0)
    assert kit.effects(fx.DropBridge)
    kit.ask("81", "ready")  # He has another phone, or his own again.
    assert kit.board.floor.legs[kit.leg_of("81")] == kit.board.floor.legs[first]
    kit.everybody_leaves()


def test_the_agent_is_not_ready_at_once_and_rung_no_more() -> None:
    kit = house_kit()
    talking(kit)
    vanish(kit, "81")
    seat = kit.board.floor.seats["81"]
    assert (seat.state, seat.reason) == (AgentState.NOT_READY, "phone-unreachable")
    rung = len(kit.effects(fx.Ring))
    kit.wait(300)
    assert len(kit.effects(fx.Ring)) == rung
    kit.everybody_leaves()


def test_another_agent_of_the_queue_takes_him_at_once() -> None:
    kit = house_kit(
        agents={"81": {"phone": "p81", "skills": {"billing": 3}}, "82": {"phone": "p82", "skills": {"billing": 1}}}
    )
    leg = talking(kit)
    kit.ready("82")
    vanish(kit, "81")
    kit.heard(leg)
    kit.heard(kit.answers("82"))
    assert kit.call(leg) is CallState.TALKING
    assert [fact.agent for fact in kit.facts(ft.Connected)] == ["81", "82"]
    kit.everybody_leaves()


def test_a_wish_to_sign_out_that_waited_is_carried_out() -> None:
    kit = house_kit()
    talking(kit)
    kit.ask("81", "sign-out")
    vanish(kit, "81")
    assert kit.state("81") is AgentState.SIGNED_OUT
    kit.everybody_leaves()


def test_a_hang_up_is_none() -> None:
    """An agent who hangs up has done with the caller, whatever the cause says of a normal end."""
    for cause in (16, 0):
        kit = house_kit()
        leg = talking(kit)
        kit.hang_up(kit.leg_of("81"), cause)
        assert kit.call(leg) is CallState.IN_FLOW
        assert kit.facts(ft.TalkEnded)[-1].by == "agent" and kit.state("81") is AgentState.WRAP_UP
        kit.everybody_leaves()


def test_while_on_hold_and_while_another_is_consulted() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "hold")
    vanish(kit, "81")
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()

    kit = house_kit()
    leg = consults(kit)
    kit.answers("82")
    vanish(kit, "81")  # The caller stays with the one who was consulted.
    assert kit.call(leg) is CallState.TALKING and outcomes(kit) == ["completed"]
    assert kit.facts(ft.Connected)[-1].agent == "82"
    kit.everybody_leaves()

    kit = house_kit()
    leg = consults(kit)
    vanish(kit, "81")  # 82's phone only rings yet.
    assert kit.call(leg) is CallState.QUEUED and "p82" not in kit.legs.values()
    kit.everybody_leaves()


def consults(kit: Kit) -> LegId:
    leg = talking(kit)
    kit.ready("82")
    does(kit, "81", "consult", "82")
    return leg


def test_during_the_whisper_he_is_unreachable_not_unwilling() -> None:
    kit = house_kit()
    kit.ready("81")
    leg = kit.arrive()
    kit.press("1", leg)
    kit.event(ev.LegAnswered(kit.leg_of("81")))
    vanish(kit, "81")
    assert kit.facts(ft.OfferEnded)[-1].outcome == "unreachable"
    assert kit.board.floor.seats["81"].reason == "unreachable"
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()
