"""The surge plan on the floor: skills given and taken back exactly, drills that change nothing, wishes and refusals."""

import json
from typing import Any

import orjson
import pytest

from ari_app.board import views
from ari_app.commands.surge import lines
from ari_app.model import audit, work
from ari_app.model import effects as fx
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, CallId, Number, QueueName, RequestId
from ari_app.model.settings import Settings
from ari_app.model.states import CallState
from ari_app.model.wishes import SurgeAsked, SurgeWish
from ari_app.web.metrics import Levels, Metrics
from tests.board_kit import AGENTS, Kit, settings
from tests.unit.test_board_call import queued
from tests.unit.test_board_routing import flow

CREW = {
    **AGENTS,
    "83": {"phone": "p83", "skills": {"network": 1}, "may": ["supervise"]},
    "84": {"phone": "p84", "skills": {"network": 4}},
}
PLAN: dict[str, Any] = {
    "waiting": 1,
    "rush": 3,
    "for_s": 300,
    "groups": {"experts": ["83", "84"]},
    "steps": [
        {"name": "experts", "agents": ["experts"], "skills": {"billing": 1}},
        {"name": "all", "agents": ["84", "experts"], "skills": {"billing": 3, "network": 2}},
        {"name": "call in", "call_in": True, "only_in_rush": True, "say": "ring the list"},
    ],
}


def house(**plan: Any) -> Settings:
    return settings(agents=CREW, phones={f"p8{n}": {} for n in range(1, 5)}, surge={**PLAN, **plan})


def wish(kit: Kit, what: SurgeWish, by: str = "83", why: str = "fair in town") -> tuple[bool, str]:
    effects = kit.event(SurgeAsked(what, AgentId(by), why, RequestId("r")))
    reply = next(effect for effect in effects if isinstance(effect, fx.Reply))
    return reply.ok, reply.message


def skills(kit: Kit, agent: str) -> dict[str, int]:
    return dict(kit.board.floor.engine.skills[AgentId(agent)])


def taken(kit: Kit) -> list[tuple[str, int, str, bool]]:
    kinds = (audit.SurgeStepTaken, audit.SurgeStepUndone)
    return [(type(f).__name__[9:], f.step, f.by, f.drill) for f in kit.facts(*kinds)]


def test_the_plan_takes_a_step_and_the_new_agent_gets_the_waiting_call_at_once() -> None:
    kit = Kit(house())
    kit.ready("83")
    first = queued(kit)
    queued(kit)
    kit.wait(299.9)
    assert not kit.facts(ft.OfferMade)
    kit.wait(0.1)
    assert taken(kit) == [("Taken", 1, "plan", False)]
    assert kit.facts(ft.OfferMade)[0].agent == "83" and kit.call(first) is CallState.RINGING
    fact = kit.facts(audit.SurgeStepTaken)[0]
    assert (fact.waiting, fact.agents, fact.why) == (2, ("83", "84"), "2 waiting, more than 1 for 300 s")
    kit.everybody_leaves()
    assert taken(kit)[-1] == ("Undone", 1, "plan", False)
    assert skills(kit, "83") == {"network": 1} and skills(kit, "84") == {"network": 4}


def test_steps_add_to_what_agents_can_do_and_are_undone_exactly() -> None:
    kit = Kit(house())
    wish(kit, "step")
    assert skills(kit, "84") == {"network": 4, "billing": 1}
    wish(kit, "step")
    assert skills(kit, "84") == {"network": 4, "billing": 3} and skills(kit, "83") == {"network": 2, "billing": 3}
    wish(kit, "undo")
    assert skills(kit, "84") == {"network": 4, "billing": 1}
    wish(kit, "undo")
    assert skills(kit, "84") == {"network": 4} and skills(kit, "83") == {"network": 1}


def test_a_call_that_rings_when_the_step_is_undone_is_still_taken() -> None:
    kit = Kit(house())
    kit.ready("83")
    wish(kit, "step")
    leg = queued(kit)
    wish(kit, "undo")
    kit.rings("83")
    kit.heard(kit.answers("83"))
    assert kit.call(leg) is CallState.TALKING
    kit.everybody_leaves()


def test_a_rush_takes_all_steps_and_says_how_many_to_call_in() -> None:
    kit = Kit(house(handle_s=600, clear_s=600))
    for _ in range(4):
        queued(kit)
    assert [step for _, step, _, _ in taken(kit)] == [1, 2, 3]
    assert kit.facts(audit.SurgeStepTaken)[-1].head_count == 3
    kit.everybody_leaves()


def test_only_the_queues_named_count() -> None:
    kit = Kit(house(queues=["network"]))
    for _ in range(4):
        queued(kit, "1")
    assert taken(kit) == []
    for _ in range(4):
        queued(kit, "2")
    assert len(taken(kit)) == 3
    kit.everybody_leaves()


def test_who_booked_a_call_back_does_not_wait() -> None:
    """At night a list of call-backs is no surge."""
    kit = Kit(house(rush=1))
    for n in range(4):
        where = (CallId(f"6-{n}"), CallId(f"5-{n}"), QueueName("billing"), Number(f"1380013800{n}"))
        kit.event(work.CallbackLeft(*where, 0, kit.now, kit.now, "", "en", "1860", "billing", kit.now, 0, kit.now))
    queued(kit)
    assert taken(kit) == [] and views.surge(kit.board.floor).waiting == 1  # type: ignore[union-attr]
    queued(kit)
    assert len(taken(kit)) > 0 and views.surge(kit.board.floor).waiting == 2  # type: ignore[union-attr]
    for booking in list(kit.board.floor.bookings):
        kit.event(work.CallbackCancelled(booking, "li"))
    kit.everybody_leaves()


def test_a_drill_says_everything_and_changes_nothing() -> None:
    kit = Kit(house())
    kit.ready("83")
    assert wish(kit, "drill", why="yearly drill")[0]
    for _ in range(2):
        queued(kit)
    kit.wait(300)
    assert taken(kit) == [("Taken", 1, "plan", True)]
    assert not kit.facts(ft.OfferMade) and skills(kit, "83") == {"network": 1}
    assert wish(kit, "step") == (True, "step 2 (all) taken in the drill")
    assert skills(kit, "83") == {"network": 1}
    assert wish(kit, "end-drill") == (True, "the drill is over")
    assert taken(kit)[2:] == [("Undone", 2, "83", True), ("Undone", 1, "83", True)]
    assert [f.what for f in kit.facts(audit.SurgeSwitched)] == ["drill-began", "drill-ended"]
    kit.everybody_leaves()


def test_no_drill_while_steps_hold() -> None:
    kit = Kit(house())
    wish(kit, "step")
    assert wish(kit, "drill") == (False, "steps are taken in earnest: undo them first")


@pytest.mark.parametrize(
    ("what", "by", "why", "message"),
    [
        ("step", "82", "fair", "82 may not supervise: agents.82.may in config.yaml"),
        ("step", "", "fair", "no agent has the work number '': say who you are by your work number"),
        ("step", "83", " ", "say why: what is done to the surge plan is kept with its reason"),
        ("undo", "83", "fair", "no step is taken"),
        ("end-drill", "83", "fair", "no drill is on"),
    ],
)
def test_refused(what: SurgeWish, by: str, why: str, message: str) -> None:
    kit = Kit(house())
    assert wish(kit, what, by, why) == (False, message)
    assert not kit.facts(audit.SurgeStepTaken)


def test_without_a_plan() -> None:
    assert wish(Kit(), "step") == (False, "there is no surge plan: write surge.steps in config.yaml")


def test_disarmed_until_armed() -> None:
    kit = Kit(house(armed=False))
    for _ in range(4):
        queued(kit)
    assert taken(kit) == []
    assert wish(kit, "arm") == (True, "armed")
    assert len(taken(kit)) == 3
    assert wish(kit, "disarm")[0]
    for leg in list(kit.legs):
        kit.hang_up(leg)
    kit.wait(5000)
    assert len(taken(kit)) == 3
    assert [f.what for f in kit.facts(audit.SurgeSwitched)] == ["armed", "disarmed"]


def test_a_caller_only_a_step_could_serve_leaves_when_it_is_undone() -> None:
    kit = Kit(house(), flow=flow(on_no_agents="sorry", say=[]))
    kit.ask("83", "sign-in")
    wish(kit, "step")
    leg = queued(kit)
    assert kit.call(leg) is CallState.QUEUED
    wish(kit, "undo")
    assert kit.facts(ft.QueueLeft)[-1].outcome == "no-agents"
    kit.everybody_leaves()


def test_the_view_shows_the_plan() -> None:
    kit = Kit(house())
    kit.ready("83")
    wish(kit, "step")
    queued(kit)
    queued(kit)
    kit.wait(100)
    view = views.surge(kit.board.floor)
    assert view is not None and (view.waiting, view.next, view.next_at) == (2, "take", kit.now + 200)
    assert [(s.step, s.by, s.why) for s in view.steps if s.taken_at is not None] == [(1, "83", "fair in town")]
    assert {a.number: a.surge for a in views.agents(kit.board.floor, kit.now)}["83"] == {"billing": 1}
    kit.everybody_leaves()


def test_the_command_shows_the_plan_as_text() -> None:
    kit = Kit(house())
    wish(kit, "step")
    queued(kit)
    queued(kit)
    kit.wait(100)
    said = lines(json.loads(orjson.dumps(views.surge(kit.board.floor))), kit.now)
    assert said[0] == "armed: 2 waiting; a step at more than 1 for 300 s, or more than 3"
    assert " ".join(said[1].split()) == "1 experts 83, 84: billing 1 taken 100 s ago by 83: fair in town"
    assert " ".join(said[3].split()) == "3 call in ring the list -"
    assert said[4] == "next: take in 200 s, if as many go on waiting"
    kit.everybody_leaves()


def test_the_figures_leave_drills_out() -> None:
    kit, metrics = Kit(house()), Metrics()

    def figures() -> str:
        view, now = views.surge(kit.board.floor), kit.now
        metrics.sample(views.totals(kit.board.floor, now), [], Levels(0, 0, 0.0), view)
        return metrics.exposition().decode()

    wish(kit, "drill")
    wish(kit, "step")
    assert "hotline_surge_drill 1.0" in figures() and "hotline_surge_steps_taken 0.0" in figures()
    wish(kit, "end-drill")
    wish(kit, "step")
    metrics.watch(kit.log[-1][1], kit.log[-1][2], 0.0)
    assert "hotline_surge_steps_taken 1.0" in figures() and "hotline_surge_steps_total 1.0" in figures()
