"""Whom a caller is offered to as he waits: relaxation, the preferred agent, policies, and nobody left to serve him."""

from typing import Any

import pytest

from ari_app.board.familiar import Familiar, LastTalk
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, Number
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState, CallState
from tests.board_kit import AGENTS, MAIN, Kit, settings
from tests.unit.test_board_call import queued, talking

THREE = {**AGENTS, "83": {"phone": "p83", "skills": {"billing": 1}}}
LATER = [{"after_s": 30, "skills": {"billing": 2}}, {"after_s": 60, "skills": "billing | network"}]


def flow(**node: Any) -> dict[str, Any]:
    """The kit's flow, its billing node changed."""
    return {**MAIN, "nodes": {**MAIN["nodes"], "billing": {**MAIN["nodes"]["billing"], **node}}}


def house(**billing: Any) -> Settings:
    return settings(agents=THREE, billing={"wrap_up_s": 0, **billing})


def offers(kit: Kit) -> list[tuple[float, str]]:
    """When (seconds since the first event) and to whom."""
    start = kit.log[0][0]
    notes = [(now - start, e.fact) for now, _, out in kit.log for e in out if hasattr(e, "fact")]
    return [(round(at, 3), fact.agent) for at, fact in notes if isinstance(fact, ft.OfferMade)]


# -- relaxation --


def test_relaxation_reaches_the_second_best_at_the_stated_second() -> None:
    kit = Kit(house(skills="billing>=4", relax=LATER))
    kit.ready("82", "83")
    queued(kit)
    kit.wait(59.9)
    assert offers(kit) == []
    kit.wait(0.1)
    assert offers(kit) == [(60.0, "82")]
    kit.everybody_leaves()


def test_the_place_is_kept_while_the_queue_asks_for_less() -> None:
    kit = Kit(house(skills="billing>=4", relax=[{"after_s": 30, "skills": {"billing": 1}}]))
    first = queued(kit)
    kit.wait(20)
    queued(kit)
    kit.wait(35)  # Both are relaxed by now.
    kit.ready("83")
    assert [fact.call for fact in kit.facts(ft.OfferMade)] == ["7-1"]
    assert kit.call(first) is CallState.RINGING
    kit.everybody_leaves()


def test_relaxation_goes_on_during_an_offer() -> None:
    kit = Kit(house(skills="billing>=3", relax=[{"after_s": 10, "skills": {"billing": 1}}], ring_s=20))
    kit.ready("81", "83")
    queued(kit)
    kit.rings("81")
    kit.wait(15)
    kit.hang_up(kit.leg_of("81"), 21)
    assert offers(kit) == [(0.0, "81"), (15.0, "83")]
    kit.everybody_leaves()


# -- the preferred agent --


def talked_before(kit: Kit, agent: str) -> None:
    kit.ready(agent)
    talking(kit, agent)
    kit.hang_up(kit.leg_of(agent))
    kit.everybody_leaves()


def test_the_last_agent_is_waited_for_alone_then_everybody() -> None:
    kit = Kit(house(), flow=flow(prefer="last_agent", prefer_s=15))
    talked_before(kit, "83")
    kit.ask("83", "not-ready", "meal")
    kit.ready("81")
    begun, made = kit.now - kit.log[0][0], len(offers(kit))
    queued(kit)
    assert kit.board.floor.seats[AgentId("81")].state is AgentState.READY
    kit.wait(15)
    assert offers(kit)[made:] == [(begun + 15, "81")]
    kit.everybody_leaves()


def test_the_last_agent_gets_his_caller_before_one_who_is_idle_for_longer() -> None:
    kit = Kit(house(), flow=flow(prefer="last_agent"))
    talked_before(kit, "83")
    kit.ready("81")
    kit.wait(100)
    kit.ask("83", "ready")
    queued(kit)
    assert offers(kit)[-1][1] == "83"
    kit.everybody_leaves()


def test_nobody_waits_for_a_preferred_agent_who_is_not_signed_in() -> None:
    kit = Kit(house(), flow=flow(prefer="last_agent"))
    talked_before(kit, "83")
    kit.ask("83", "sign-out")
    kit.ready("81")
    queued(kit)
    assert offers(kit)[-1][1] == "81"
    kit.everybody_leaves()


def test_nobody_waits_on_for_a_preferred_agent_who_signs_out() -> None:
    kit = Kit(house(skills="billing>=3", relax=LATER), flow=flow(prefer="last_agent", prefer_s=300))
    kit.board.floor.familiar.talked(Number("13800138000"), AgentId("83"), kit.now)
    kit.ask("83", "sign-in")
    kit.ready("81")
    queued(kit)
    kit.wait(5)
    assert offers(kit) == []
    kit.ask("83", "sign-out")
    assert offers(kit) == [(5.0, "81")]
    kit.everybody_leaves()


def test_after_the_preferred_agent_signed_out_relaxation_keeps_its_seconds() -> None:
    kit = Kit(house(skills="billing>=4", relax=LATER), flow=flow(prefer="last_agent", prefer_s=300))
    kit.board.floor.familiar.talked(Number("13800138000"), AgentId("83"), kit.now)
    kit.ask("83", "sign-in")
    kit.ready("81", "82")
    queued(kit)
    kit.wait(5)
    kit.ask("83", "sign-out")
    kit.wait(24.9)
    assert offers(kit) == []
    kit.wait(0.1)
    assert offers(kit) == [(30.0, "81")]
    kit.everybody_leaves()


def test_what_is_remembered_is_bounded_and_goes_out_of_date() -> None:
    familiar = Familiar(at_most=2, keep_s=100)
    for at, caller in enumerate(("1", "2", "1", "3", "")):
        familiar.talked(Number(caller), AgentId(f"8{at}"), at)
    assert {caller: familiar.agent_of(Number(caller), 50) for caller in ("1", "2", "3", "")} == {
        "1": "82",
        "2": None,
        "3": "83",
        "": None,
    }
    assert familiar.agent_of(Number("1"), 102) is None


def test_last_agents_come_back_after_a_restart() -> None:
    kit = Kit(house(), flow=flow(prefer="last_agent"))
    kit.board.offer_last_agents([LastTalk(Number("13800138000"), AgentId("83"), kit.now - 60)])
    kit.event(ev.Restored((), last_agents=1))
    kit.ready("81")
    kit.wait(10)
    kit.ready("83")
    queued(kit)
    assert offers(kit)[-1][1] == "83"
    kit.everybody_leaves()


# -- what the node asks instead of its queue --


def test_a_node_may_ask_for_more_than_its_queue() -> None:
    kit = Kit(house(), flow=flow(skills="billing>=3 & (network | billing>=2)"))
    kit.ready("83", "82", "81")
    queued(kit)
    assert offers(kit)[-1][1] == "81"
    kit.everybody_leaves()


# -- policies --


@pytest.mark.parametrize(("policy", "agent"), [("longest-idle", "83"), ("most-skilled", "81")])
def test_policy(policy: str, agent: str) -> None:
    kit = Kit(house(policy=policy))
    kit.ready("83")
    kit.wait(10)
    kit.ready("81")
    queued(kit)
    assert offers(kit)[-1][1] == agent
    kit.everybody_leaves()


def test_least_occupied_counts_the_share_of_time_on_calls() -> None:
    kit = Kit(house(policy="least-occupied"))
    kit.ready("81")
    talking(kit, "81")
    kit.wait(50)
    kit.hang_up(kit.leg_of("81"))
    kit.wait(50)  # 81: half of his time on a call, and idle for longer.
    kit.ready("83")
    queued(kit)
    assert offers(kit)[-1][1] == "83"
    assert kit.board.floor.seats[AgentId("81")].talked_s == 50
    kit.everybody_leaves()


# -- nobody there --


def test_the_last_agent_with_the_skills_signs_out_and_the_caller_is_told_at_once() -> None:
    kit = Kit(house(), flow=flow(on_no_agents="sorry", say=[]))
    kit.ask("83", "sign-in")
    leg = queued(kit)
    kit.wait(40)
    assert kit.call(leg) is CallState.QUEUED
    kit.ask("83", "sign-out")
    left = kit.facts(ft.QueueLeft)[-1]
    assert (left.outcome, left.wait_s) == ("no-agents", 40) and kit.said(leg)[-1] == "queue-timeout"
    kit.everybody_leaves()


def test_without_the_branch_he_waits_for_somebody_to_sign_in() -> None:
    kit = Kit(house())
    kit.ask("83", "sign-in")
    leg = queued(kit)
    kit.ask("83", "sign-out")
    assert kit.call(leg) is CallState.QUEUED
    kit.ready("81")
    assert kit.call(leg) is CallState.RINGING
    kit.everybody_leaves()


def test_somebody_on_a_break_is_still_there() -> None:
    kit = Kit(house(), flow=flow(on_no_agents="sorry"))
    kit.ask("83", "sign-in")
    kit.ask("81", "sign-in")
    leg = queued(kit)
    kit.ask("83", "sign-out")
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_a_preferred_agent_without_the_skills_counts_only_while_he_is_waited_for() -> None:
    node = flow(prefer="last_agent", prefer_s=15, skills="network>=5", on_no_agents="sorry")
    kit = Kit(house(), flow=node)
    kit.board.floor.familiar.talked(Number("13800138000"), AgentId("83"), kit.now)
    kit.ask("83", "sign-in")
    leg = queued(kit)
    kit.wait(14.9)
    assert kit.call(leg) is CallState.QUEUED
    kit.wait(0.1)
    assert kit.facts(ft.QueueLeft)[-1].outcome == "no-agents"
    kit.everybody_leaves()
