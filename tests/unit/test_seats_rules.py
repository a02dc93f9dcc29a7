"""What the settings make of agents' states: wrap-up, dispositions, offers that run out, phones, overrides."""

from typing import Any

import pytest

from ari_app.board import views
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.audit import AgentForced, ForcedState, WrapUpExtended
from ari_app.model.ids import AgentId, PhoneName, RequestId
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState
from ari_app.model.wishes import ForceAsked
from tests.board_kit import AGENTS, Kit, settings
from tests.unit.test_board_call import queued, talking

S = AgentState
CREW = {**AGENTS, "83": {"phone": "p83", "skills": {"billing": 1}, "may": ["supervise"]}}


def house(billing: dict[str, Any] | None = None, **rules: Any) -> Settings:
    return settings(agents=CREW, billing=billing or {}, agent_rules=rules)


def wrapping(kit: Kit) -> None:
    kit.ready("81")
    talking(kit, "81")
    kit.hang_up(kit.leg_of("81"))
    assert kit.state("81") is S.WRAP_UP


def reason(kit: Kit, agent: str = "81") -> str:
    return kit.board.floor.seats[AgentId(agent)].reason


def view(kit: Kit, agent: str = "81") -> views.AgentView:
    return next(v for v in views.agents(kit.board.floor, kit.now) if v.number == agent)


# -- after-call work --


def test_more_time_as_often_as_the_settings_allow() -> None:
    kit = Kit(house({"wrap_up_s": 60}, wrap_up_more_s=30, wrap_up_more_max=2))
    wrapping(kit)
    until = kit.now + 60
    assert (view(kit).wrap_up_at, view(kit).more_times) == (until, 2)
    kit.wait(50)
    assert kit.ask("81", "extend") == (True, "wrap-up for 40 s more")
    assert kit.ask("81", "extend") == (True, "wrap-up for 70 s more")
    assert kit.ask("81", "extend") == (False, "extended 2 times already: no more than agent_rules.wrap_up_more_max")
    assert (view(kit).wrap_up_at, view(kit).more_times) == (until + 60, 0)
    assert [(f.times, f.until) for f in kit.facts(WrapUpExtended)] == [(1, until + 30), (2, until + 60)]
    kit.wait(69.9)
    assert kit.state("81") is S.WRAP_UP
    kit.wait(0.1)
    assert kit.state("81") is S.READY and view(kit).wrap_up_at is None
    kit.everybody_leaves()


def test_the_next_call_begins_with_all_of_its_extensions() -> None:
    kit = Kit(house(wrap_up_more_max=1))
    for _ in range(2):
        wrapping(kit)
        assert kit.ask("81", "extend")[0] and not kit.ask("81", "extend")[0]
        kit.ask("81", "ready")
    kit.everybody_leaves()


def test_nothing_but_after_call_work_can_be_extended() -> None:
    kit = Kit(house())
    kit.ready("81")
    assert kit.ask("81", "extend") == (False, "ready: only after-call work that is not over can be extended")


def test_more_time_from_the_phone() -> None:
    kit = Kit(house())
    wrapping(kit)
    kit.dial("p81", "*19")
    assert len(kit.facts(WrapUpExtended)) == 1 and kit.said()[-1] == "more-time"
    kit.everybody_leaves()


# -- a disposition the queue requires --


def required(**more: Any) -> Kit:
    return Kit(house({"disposition_required": True, "wrap_up_s": 60, **more}))


def test_without_a_disposition_after_call_work_ends_in_not_ready() -> None:
    kit = required()
    wrapping(kit)
    assert view(kit).owes == "7-1"
    kit.wait(60)
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "disposition-missing")
    known = "solved, ticket, call-back, wrong-number, nuisance"
    assert kit.ask("81", "ready") == (False, f"call 7-1 needs a disposition first: {known}")
    assert kit.ask("81", "disposition", "1") == (True, "solved")
    assert kit.state("81") is S.READY and view(kit).owes is None
    kit.everybody_leaves()


def test_noted_in_time_after_call_work_ends_in_ready() -> None:
    kit = required()
    wrapping(kit)
    assert not kit.ask("81", "ready")[0]
    kit.ask("81", "disposition", "solved")
    assert kit.state("81") is S.WRAP_UP
    kit.wait(60)
    assert kit.state("81") is S.READY
    kit.everybody_leaves()


def test_noted_during_the_talk_counts() -> None:
    kit = required(wrap_up_s=0)
    kit.ready("81")
    talking(kit, "81")
    kit.ask("81", "disposition", "solved")
    kit.hang_up(kit.leg_of("81"))
    assert kit.state("81") is S.READY
    talking(kit, "81")  # The disposition of the call before does not count for this one.
    kit.hang_up(kit.leg_of("81"))
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "disposition-missing")
    kit.everybody_leaves()


def test_a_break_does_not_pay_what_is_owed() -> None:
    kit = required()
    wrapping(kit)
    kit.ask("81", "not-ready", "meal")
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "meal")
    assert not kit.ask("81", "ready")[0]
    kit.ask("81", "disposition", "solved")
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "meal")
    assert kit.ask("81", "ready")[0]
    kit.everybody_leaves()


def test_the_phone_says_what_is_missing() -> None:
    kit = required()
    wrapping(kit)
    kit.dial("p81", "*12")
    assert kit.said()[-1] == "disposition-first"
    kit.everybody_leaves()


# -- offers that run out --


def run_out(kit: Kit, agent: str = "81") -> None:
    kit.rings(agent)
    kit.hang_up(kit.leg_of(agent), 19)


def test_not_ready_after_the_third_offer_in_a_row() -> None:
    kit = Kit(house(ran_out_max=3, ran_out_pause_s=10))
    kit.ready("81")
    queued(kit)
    for n in (1, 2):
        run_out(kit)
        assert (kit.state("81"), reason(kit)) == (S.READY, "ring-no-answer")
        kit.wait(9.9)
        assert len(kit.facts(ft.OfferMade)) == n
        kit.wait(0.1)
        assert len(kit.facts(ft.OfferMade)) == n + 1
    run_out(kit)
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "ring-no-answer")
    kit.everybody_leaves()


def test_his_caller_goes_to_the_next_agent_at_once() -> None:
    kit = Kit(house(ran_out_max=3))
    kit.ready("81", "83")
    queued(kit)
    run_out(kit)
    assert [f.agent for f in kit.facts(ft.OfferMade)] == ["81", "83"]
    kit.everybody_leaves()


def test_a_call_taken_ends_the_row_and_so_does_saying_ready() -> None:
    kit = Kit(house({"wrap_up_s": 0}, ran_out_max=2, ran_out_pause_s=1))
    kit.ready("81")
    queued(kit)
    run_out(kit)
    kit.wait(1)
    kit.rings("81")
    kit.heard(kit.answers("81"))
    kit.hang_up(kit.leg_of("81"))
    queued(kit)
    run_out(kit)
    assert kit.state("81") is S.READY
    assert kit.ask("81", "ready") == (True, "ready")  # He is there: no pause.
    assert len(kit.facts(ft.OfferMade)) == 4
    kit.everybody_leaves()


def test_declining_is_not_running_out() -> None:
    kit = Kit(house(ran_out_max=3))
    kit.ready("81")
    queued(kit)
    kit.hang_up(kit.leg_of("81"), 21)
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "declined")
    kit.everybody_leaves()


# -- phones --


@pytest.mark.parametrize(("back", "state"), [(True, S.READY), (False, S.NOT_READY)])
def test_a_phone_that_comes_back(back: bool, state: AgentState) -> None:
    kit = Kit(house(phone_back_ready=back))
    kit.ready("81")
    kit.event(ev.PhoneChanged(PhoneName("p81"), False))
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "phone-unreachable")
    leg = queued(kit)
    kit.event(ev.PhoneChanged(PhoneName("p81"), True))
    assert kit.state("81") is (S.RESERVED if back else state) and kit.call(leg)
    kit.everybody_leaves()


def test_a_phone_that_comes_back_does_not_pay_what_is_owed() -> None:
    """Found by a walk: his phone went in the talk, whose queue requires a disposition."""
    kit = Kit(house({"disposition_required": True}, phone_back_ready=True))
    kit.ready("81")
    leg = talking(kit, "81")
    kit.hang_up(kit.leg_of("81"), 44)
    kit.hang_up(leg)
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "phone-unreachable")
    kit.event(ev.PhoneChanged(PhoneName("p81"), True))
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "disposition-missing")
    assert kit.ask("81", "disposition", "1")[0]
    assert kit.state("81") is S.READY


def test_a_break_is_not_ended_by_the_phone() -> None:
    kit = Kit(house(phone_back_ready=True))
    kit.ready("81")
    kit.ask("81", "not-ready", "meal")
    kit.event(ev.PhoneChanged(PhoneName("p81"), False))
    kit.event(ev.PhoneChanged(PhoneName("p81"), True))
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "meal")


def test_a_listing_says_that_the_phone_is_back() -> None:
    kit = Kit(house(phone_back_ready=True))
    kit.ready("81")
    kit.event(ev.LinkDown("lost"))
    kit.event(ev.LinkUp("22"))
    kit.event(kit.listing(phones=("p82",)))
    assert reason(kit) == "phone-unreachable"
    kit.event(ev.LinkUp("22"))
    kit.event(kit.listing())
    assert kit.state("81") is S.READY


# -- overrides --


def force(kit: Kit, to: ForcedState, agent: str = "81", by: str = "83", why: str = "fire drill") -> tuple[bool, str]:
    effects = kit.event(ForceAsked(AgentId(agent), to, AgentId(by), why, RequestId("r")))
    reply = next(effect for effect in effects if isinstance(effect, fx.Reply))
    return reply.ok, reply.message


@pytest.mark.parametrize(
    ("to", "message", "state"),
    [("ready", "ready", S.READY), ("not-ready", "not-ready", S.NOT_READY), ("sign-out", "signed-out", S.SIGNED_OUT)],
)
def test_forced_at_once(to: ForcedState, message: str, state: AgentState) -> None:
    kit = Kit(house())
    kit.ready("81")
    assert force(kit, to) == (True, message)
    assert kit.state("81") is state
    assert kit.facts(AgentForced) == [AgentForced(AgentId("81"), to, AgentId("83"), "fire drill")]
    assert reason(kit) == ("" if to == "ready" else "supervisor")


def test_forced_during_a_talk_it_comes_after_it() -> None:
    kit = Kit(house({"wrap_up_s": 0}))
    kit.ready("81")
    talking(kit, "81")
    assert force(kit, "not-ready") == (True, "talking; not-ready afterwards")
    assert kit.state("81") is S.TALKING
    kit.hang_up(kit.leg_of("81"))
    assert (kit.state("81"), reason(kit)) == (S.NOT_READY, "supervisor")
    kit.everybody_leaves()


def test_a_supervisor_answers_for_the_disposition_that_is_missing() -> None:
    kit = required()
    wrapping(kit)
    assert force(kit, "ready") == (True, "ready")
    assert kit.state("81") is S.READY and view(kit).owes is None
    kit.everybody_leaves()


@pytest.mark.parametrize(
    ("agent", "by", "why", "message"),
    [
        ("99", "83", "x", "no agent has the work number 99"),
        ("81", "82", "x", "82 may not supervise: agents.82.may in config.yaml"),
        ("81", "99", "x", "no agent has the work number '99': say who you are by your work number"),
        ("81", "83", "", "say why: a supervisor's override is kept with its reason"),
        ("82", "83", "x", "82 is signed out: only he himself signs in"),
    ],
)
def test_an_override_refused(agent: str, by: str, why: str, message: str) -> None:
    kit = Kit(house())
    kit.ready("81")
    assert force(kit, "ready", agent, by, why) == (False, message)
    assert not kit.facts(AgentForced)
