"""Messages offered to ready agents: by due time, after callers unless overdue, on the phone, with an end for each."""

from typing import Any

import pytest

from ari_app.board import views
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model import work
from ari_app.model.ids import CallId, LegId, MessageId, Number, RequestId
from ari_app.model.states import AgentState
from ari_app.model.wishes import ForceAsked
from tests.board_kit import QUEUES, Kit, settings

BOX: dict[str, Any] = {"skills": {"billing": 1}, "due_h": 1, "offered": True, "again_s": 300}
AGENTS: dict[str, Any] = {
    "81": {"phone": "p81", "skills": {"billing": 3}},
    "82": {"phone": "p82", "skills": {"network": 2}, "may": ["supervise"]},
    "83": {"phone": "p83", "skills": {"billing": 1}},
}


def made(**box: Any) -> Kit:
    return Kit(settings(boxes={"general": {**BOX, **box}}, agents=AGENTS))


def left(kit: Kit, n: int = 1, due_s: float = 3600, by: str = "", box: str = "general") -> MessageId:
    """A message that waits, its file in its place."""
    message = MessageId(f"6-{n}.m1")
    path = f"2026-03-02/{message}.wav"
    kit.event(work.ItemLeft(message, CallId(f"6-{n}"), box, kit.now + due_s, by, True, path, Number("13800138000")))
    return message


def wish(kit: Kit, what: work.ItemWish, agent: str, message: str = "", **said: str) -> tuple[bool, str]:
    asked = work.ItemAsked(MessageId(message), what, agent, agent, request=RequestId("r"), **said)
    reply = next(e for e in kit.event(asked) if isinstance(e, fx.Reply))
    return reply.ok, reply.message


def offered(kit: Kit) -> list[tuple[str, str]]:
    return [(fact.message, fact.agent) for fact in kit.facts(work.ItemOffered)]


def ended(kit: Kit) -> list[tuple[str, str]]:
    return [(fact.agent, fact.outcome) for fact in kit.facts(work.ItemOfferEnded)]


def finish(kit: Kit) -> None:
    """Whatever is still to be done is; nothing may be left of it."""
    for item in list(kit.board.floor.items.values()):
        if not item.by:
            while item.offer is not None:
                wish(kit, "decline", item.offer.agent, item.message)
            kit.event(work.ItemAsked(item.message, "take", "li"))
        kit.event(work.ItemAsked(item.message, "done", item.by))
    kit.everybody_leaves()
    assert not kit.board.floor.items and not kit.board.floor.routed and not kit.board.floor.item_offers


def test_a_ready_agent_hears_it_on_his_phone_works_it_and_is_ready_again() -> None:
    kit = made()
    kit.ready("81")
    message = left(kit)
    ring = kit.effects(fx.Ring)[-1]
    assert (ring.phone, ring.caller, ring.shown) == ("p81", "13800138000", "message general")
    assert kit.state("81") is AgentState.RESERVED
    kit.rings("81")
    leg = kit.answers("81")
    assert kit.state("81") is AgentState.WORKING
    assert kit.said(leg) == ["message-here", f"message:2026-03-02/{message}.wav", "message-again"]
    kit.heard(leg)
    kit.press("1", leg)
    assert kit.said(leg)[3:] == kit.said(leg)[:3]
    kit.heard(leg)
    kit.wait(10)
    assert leg not in kit.legs and kit.state("81") is AgentState.WORKING
    assert wish(kit, "done", "81", message, disposition="1", note="called back") == (True, "done")
    assert kit.state("81") is AgentState.READY
    assert kit.facts(work.ItemDone) == [work.ItemDone(message, "81", "called back", "solved")]
    assert ended(kit) == [("81", "accepted")]
    finish(kit)


def test_callers_do_not_interrupt_it_and_are_next() -> None:
    kit = made()
    kit.ready("81")
    message = left(kit)
    kit.answers("81")
    kit.arrive()
    kit.press("1")
    assert not kit.facts(ft.OfferMade)
    wish(kit, "done", "81", message)
    assert [fact.agent for fact in kit.facts(ft.OfferMade)] == ["81"]
    assert kit.facts(ft.OfferMade)[0].call and kit.state("81") is AgentState.RESERVED
    finish(kit)


@pytest.mark.parametrize(
    ("due_s", "overdue_first", "first"),
    [(3600, True, "caller"), (-60, True, "message"), (-60, False, "caller"), (30, True, "message")],
)
def test_callers_go_first_unless_it_was_due_before_they_came(due_s: float, overdue_first: bool, first: str) -> None:
    kit = made(overdue_first=overdue_first)
    left(kit, due_s=due_s)
    kit.wait(60)
    kit.arrive()
    kit.press("1")
    kit.ready("81")
    assert len(kit.effects(fx.Ring)) == 1
    assert ("message" if kit.facts(work.ItemOffered) else "caller") == first
    finish(kit)


def test_a_caller_who_came_before_it_was_due_stays_before_it() -> None:
    kit = made()
    left(kit, due_s=60)
    kit.wait(30)
    kit.arrive()
    kit.press("1")
    kit.wait(300)
    kit.ready("81")
    assert kit.facts(ft.OfferMade) and not kit.facts(work.ItemOffered)
    finish(kit)


def test_the_most_urgent_first_to_those_with_the_skills() -> None:
    kit = made()
    kit.ready("82")
    for n, due_s in ((1, 300.0), (2, 100.0), (3, 200.0)):
        left(kit, n, due_s)
    assert not offered(kit)
    for _ in range(3):
        kit.ready("81")
        kit.answers("81")
        wish(kit, "done", "81", offered(kit)[-1][0])
    assert offered(kit) == [("6-2.m1", "81"), ("6-3.m1", "81"), ("6-1.m1", "81")]
    finish(kit)


@pytest.mark.parametrize(
    ("cause", "rang", "outcome", "reason"),
    [
        (21, True, "declined", "declined"),
        (19, True, "ran-out", "ring-no-answer"),
        (20, False, "unreachable", "unreachable"),
    ],
)
def test_whoever_does_not_take_it_is_not_ready_and_the_next_is_offered_it(
    cause: int, rang: bool, outcome: str, reason: str
) -> None:
    kit = made()
    kit.ready("81", "83")
    message = left(kit)
    if rang:
        kit.rings("81")
    kit.hang_up(kit.leg_of("81"), cause)
    assert ended(kit) == [("81", outcome)]
    assert (kit.state("81"), kit.board.floor.seats["81"].reason) == (AgentState.NOT_READY, reason)  # type: ignore[index]
    assert offered(kit) == [(message, "81"), (message, "83")]
    finish(kit)


@pytest.mark.parametrize("rang", [False, True])
def test_a_phone_asterisk_does_not_give_up(rang: bool) -> None:
    kit = made()
    kit.ready("81")
    left(kit)
    if rang:
        kit.rings("81")
    kit.wait(30)
    assert ended(kit) == [("81", "ran-out" if rang else "unreachable")]
    finish(kit)


def test_taken_or_declined_by_the_page() -> None:
    kit = made()
    kit.ready("81", "83")
    message = left(kit)
    assert wish(kit, "take", "83", message) == (False, "the phone of 81 rings for it")
    assert wish(kit, "decline", "83", message) == (False, "83 is not offered a message")
    assert wish(kit, "decline", "81", "6-9.m1") == (False, f"the phone of 81 rings for {message}, not for 6-9.m1")
    assert wish(kit, "decline", "81", message) == (True, "declined")
    assert kit.state("81") is AgentState.NOT_READY and kit.leg_of("83")
    assert wish(kit, "next", "83") == (True, message)
    assert kit.state("83") is AgentState.WORKING and "p83" not in kit.legs.values()
    assert ended(kit) == [("81", "declined"), ("83", "accepted")]
    finish(kit)


def test_a_ready_agent_who_takes_one_by_hand_works_it_and_others_are_left_in_their_state() -> None:
    kit = made(offered=False)
    kit.ready("81", "83")
    one, two = left(kit, 1), left(kit, 2)
    assert not offered(kit)
    assert wish(kit, "take", "81", one) == (True, one)
    assert kit.state("81") is AgentState.WORKING
    kit.ask("83", "not-ready", "meal")
    assert wish(kit, "take", "83", two) == (True, two)
    assert kit.state("83") is AgentState.NOT_READY
    assert wish(kit, "return", "81", one) == (True, "returned") and kit.state("81") is AgentState.READY
    finish(kit)


def test_given_back_it_rests_and_is_offered_again() -> None:
    kit = made()
    kit.ready("81")
    message = left(kit)
    kit.answers("81")
    assert wish(kit, "return", "81", message) == (True, "returned")
    assert kit.state("81") is AgentState.READY and len(offered(kit)) == 1
    kit.wait(299)
    assert len(offered(kit)) == 1
    kit.wait(2)
    assert offered(kit) == [(message, "81")] * 2
    finish(kit)


def test_his_for_too_long() -> None:
    kit = made(work_s_max=600)
    kit.ready("81")
    message = left(kit)
    kit.answers("81")
    kit.wait(601)
    assert kit.facts(work.ItemReturned) == [work.ItemReturned(message, "limit")]
    assert kit.board.floor.seats["81"].reason == "worked-too-long"  # type: ignore[index]
    assert kit.state("81") is AgentState.NOT_READY
    finish(kit)


def test_wishes_wait_and_a_supervisor_takes_it_back() -> None:
    kit = made()
    kit.ready("81")
    message = left(kit)
    kit.answers("81")
    assert kit.ask("81", "sign-out") == (True, "working; signed-out afterwards")
    asked = ForceAsked("81", "not-ready", "82", "he has gone home", RequestId("r"))  # type: ignore[arg-type]
    assert next(e for e in kit.event(asked) if isinstance(e, fx.Reply)).ok
    assert kit.facts(work.ItemReturned) == [work.ItemReturned(message, "82")]
    assert kit.state("81") is AgentState.NOT_READY
    finish(kit)


def test_at_most_so_many_at_once() -> None:
    kit = made(working_max=1)
    kit.ready("81", "83")
    one, two = left(kit, 1), left(kit, 2)
    assert offered(kit) == [(one, "81")]
    kit.answers("81")
    assert len(offered(kit)) == 1
    wish(kit, "done", "81", one)
    assert offered(kit)[1:] == [(two, "83")]
    finish(kit)


def test_after_a_crash_only_the_one_that_was_offered_counts_against_working_max() -> None:
    kit = made(working_max=1)
    kit.ready("83")
    by_hand = left(kit, 1)
    kit.answers("83")
    wish(kit, "return", "83", by_hand)
    assert wish(kit, "take", "83", by_hand)[0] and kit.state("83") is AgentState.WORKING
    kit.ready("81")
    one, two = left(kit, 2), left(kit, 3)
    assert offered(kit)[1:] == [(one, "81")]
    kit.answers("81")
    kit.crash()
    floor = kit.board.floor
    assert {floor.routed[id_].message for id_ in floor.engine.talking} == {one}
    assert wish(kit, "done", "83", by_hand) == (True, "done")
    assert len(offered(kit)) == 2, "one is worked still"
    assert wish(kit, "done", "81", one) == (True, "done")
    assert [message for message, _ in offered(kit)[2:]] == [two]
    finish(kit)


def test_a_ring_lost_on_our_side_costs_nobody_anything() -> None:
    kit = made()
    kit.ready("81")
    message = left(kit)
    leg = kit.leg_of("81")
    kit.event(ev.CommandFailed("Ring", kit.board.floor.legs[leg], leg, "timeout"))
    assert kit.state("81") is AgentState.READY and ended(kit) == [("81", "failed")]
    kit.wait(2)
    assert offered(kit) == [(message, "81")] * 2
    finish(kit)


def test_done_needs_a_disposition_where_the_box_says_so() -> None:
    kit = made(disposition_required=True)
    kit.ready("81")
    message = left(kit)
    kit.answers("81")
    ok, why = wish(kit, "done", "81", message)
    assert not ok and why.startswith("messages of the box general need a disposition: solved")
    assert wish(kit, "done", "81", message, disposition="nonsense")[0] is False
    kit.hang_up(kit.leg_of("81"))
    kit.heard(kit.dial("p81", "*16"))
    assert kit.said()[-1] == "disposition-first" and kit.state("81") is AgentState.WORKING
    kit.heard(kit.dial("p81", "*162"))
    assert kit.facts(work.ItemDone)[-1].disposition == "ticket" and kit.state("81") is AgentState.READY
    finish(kit)


def test_given_back_by_the_phone() -> None:
    kit = made()
    kit.ready("81")
    left(kit)
    kit.hang_up(kit.answers("81"))
    kit.heard(kit.dial("p81", "*18"))
    assert kit.said()[-1] == "agent-ready" and kit.facts(work.ItemReturned)[-1].by == "81"
    kit.heard(kit.dial("p81", "*18"))
    assert kit.said()[-1] == "not-possible-now"
    finish(kit)


def test_answered_while_the_link_was_down() -> None:
    kit = made()
    kit.ready("81")
    left(kit)
    kit.event(ev.LinkDown("lost"))
    kit.link_up()
    assert kit.state("81") is AgentState.WORKING and ended(kit) == [("81", "accepted")]
    finish(kit)


def test_heard_again_after_the_link_came_back_it_does_not_play_twice_at_once() -> None:
    kit = made()
    kit.ready("81")
    left(kit)
    leg = kit.answers("81")
    kit.event(ev.LinkDown("lost"))
    kit.link_up()
    first = kit.effects(fx.Play)[-1].playback
    assert fx.StopPlay(kit.board.floor.legs[leg], first) in kit.effects(fx.StopPlay)
    kit.press("1", leg)
    second = kit.effects(fx.Play)[-1].playback
    assert second != first and list(kit.playing) == [second]
    finish(kit)


def test_the_phone_is_gone_after_the_link_came_back() -> None:
    kit = made()
    kit.ready("81", "83")
    left(kit)
    gone = kit.leg_of("81")
    del kit.legs[gone]
    kit.event(ev.LinkDown("lost"))
    kit.link_up()
    assert ended(kit) == [("81", "unreachable")] and offered(kit)[-1][1] == "83"
    finish(kit)


def test_a_message_left_while_no_daemon_ran_is_work_too() -> None:
    kit = Kit(settings(boxes={"general": BOX}, agents=AGENTS, net={"box": "general"}))
    kit.event(ev.MessageSpooled(MessageId("0-123.m1"), Number("13900139000"), 5.0, kit.now - 1800))
    opened = kit.facts(work.ItemOpened)[-1]
    assert opened.due_at == kit.now + 1800
    kit.ready("81")
    assert not offered(kit)  # Not before its file is in its place.
    kit.event(work.MessageFiled(opened.message, "2026-03-02/x.wav", 1, "0"))
    assert offered(kit) == [(opened.message, "81")]
    finish(kit)


def test_the_views_show_it() -> None:
    kit = made()
    kit.ready("81")
    one = left(kit, 1, due_s=-1)
    left(kit, 2)
    left(kit, 3, by="li", box="other")
    kit.answers("81")
    agent = next(a for a in views.agents(kit.board.floor, kit.now) if a.number == "81")
    assert (agent.state, agent.item, agent.call) == (AgentState.WORKING, one, None)
    general, other = views.boxes(kit.board.floor, kit.now)
    assert (general.name, general.waiting, general.offered, general.taken, general.overdue) == ("general", 1, 0, 1, 1)
    assert (other.name, other.offered_to_agents, other.taken) == ("other", False, 1)
    shown = views.snapshot(kit.board.floor, kit.now)
    assert shown.totals.waiting == 0 and {queue.name for queue in shown.queues} == set(QUEUES)
    finish(kit)


def test_nothing_is_offered_while_the_link_is_down() -> None:
    kit = made()
    kit.ready("81")
    kit.event(ev.LinkDown("lost"))
    left(kit)
    assert not offered(kit)
    kit.link_up()
    assert len(offered(kit)) == 1
    assert kit.legs[LegId(kit.leg_of("81"))] == "p81"
    finish(kit)
