"""Choices while waiting and call-backs: the place is kept, the caller dialled first, and only then an agent rung."""

from itertools import pairwise
from typing import Any

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model import work
from ari_app.model.control import ControlAsked
from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Number, RequestId
from ari_app.model.screening_facts import ScreeningAsked
from ari_app.model.states import AgentState, CallState
from tests.board_kit import AGENTS, MAIN, NEVER, QUEUES, Kit, settings

CHOICES = {"keys": {"1": "stay", "2": "voicemail", "3": "callback"}, "every_s": 90}
FLOW: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        **{name: MAIN["nodes"][name] for name in ("sorry", "bye")},
        "hello": {
            "type": "menu",
            "say": ["main-menu"],
            "keys": {"1": "billing", "2": "network", "4": "call_me"},
            "on_silence": "bye",
        },
        "billing": {
            "type": "queue",
            "queue": "billing",
            "choices": CHOICES,
            "next": "bye",
            "on_timeout": "sorry",
            "on_voicemail": "message",
            "on_callback": "call_me",
        },
        "network": {"type": "queue", "queue": "network", "say": []},
        "message": {"type": "voicemail", "on_failure": "billing", "next": "bye"},
        "call_me": {"type": "callback", "queue": "billing", "next": "bye", "on_failure": "billing"},
    },
}
OUTBOUND = {"trunk": "carrier", "permitted": ["13XXXXXXXXX"], "caller": "1860", "ring_s": 30}


def made(**changes: Any) -> Kit:
    base: dict[str, Any] = {
        "trunks": {"carrier": {"match": ["127.0.0.1"], "address": "127.0.0.1:5099"}},
        "outbound": OUTBOUND,
        "callbacks": {"spacing_s": 600, "tries": 2},
        "queues": {**QUEUES, "billing": {**QUEUES["billing"], "announce_wait": False, "wait_s_max": 3600}},
    }
    return Kit(settings(**{**base, **changes}), flow=FLOW)


def waiting(kit: Kit, caller: str = "13800138000") -> LegId:
    """Somebody waits, and has heard all that is said on entering."""
    kit.wait(1)
    leg = kit.arrive(caller=caller)
    kit.press("1", leg)
    hear_out(kit, leg)
    return leg


def hear_out(kit: Kit, leg: LegId) -> None:
    for _ in range(9):
        if leg not in kit.playing.values():
            return
        kit.heard(leg)
    raise AssertionError("talks without end")


def book(kit: Kit, caller: str = "13800138000") -> LegId:
    leg = waiting(kit, caller)
    kit.press("31", leg)
    return leg


def dialled(kit: Kit) -> fx.Dial:
    return kit.effects(fx.Dial)[-1]


def picks_up(kit: Kit, key: str = "1") -> LegId:
    leg = dialled(kit).leg
    kit.event(ev.LegAnswered(leg))
    kit.press(key, leg)
    return leg


def outcomes(kit: Kit) -> list[str]:
    return [fact.outcome for fact in kit.facts(work.CallbackEnded)]


# -- told while waiting --


def test_place_and_choices_at_once_when_everybody_is_busy() -> None:
    kit = made()
    first, second = waiting(kit), waiting(kit, "13900139000")
    assert kit.said(first)[-1] == "digit-3" and "position-next" in kit.said(first)
    busy = kit.said(second)
    assert busy[busy.index("all-agents-busy") + 1 :][:3] == ["position-is", "digit-2", "position-after"]
    said = ["choice-stay", "digit-1", "choice-voicemail", "digit-2", "choice-callback", "digit-3"]
    assert busy[-6:] == said
    kit.everybody_leaves()


def test_the_place_is_told_again_only_when_it_has_fallen() -> None:
    kit = made()
    kit.prompt_s = 1.0
    first = waiting(kit)
    second = waiting(kit, "13900139000")
    kit.wait(70)
    assert kit.said(second).count("position-is") == 1
    kit.hang_up(first)
    kit.wait(60)
    assert kit.said(second).count("position-next") == 1
    kit.wait(300)
    assert kit.said(second).count("position-next") == 1 and kit.said(second).count("choice-stay") > 3
    kit.everybody_leaves()


def test_nobody_is_told_anything_when_an_agent_is_free() -> None:
    kit = made()
    kit.ready("81")
    leg = kit.arrive()
    kit.press("1", leg)
    hear_out(kit, leg)
    assert kit.said(leg)[-1] == "please-wait" and kit.call(leg) is CallState.RINGING
    kit.everybody_leaves()


def test_the_wait_told_is_a_fact_and_does_not_grow() -> None:
    kit = made(queues={**QUEUES, "billing": {**QUEUES["billing"], "wait_s_max": 3600}})
    kit.prompt_s = 1.0
    kit.ready("81", "82")
    kit.ask("81", "not-ready")
    kit.ask("82", "not-ready")
    kit.ask("81", "ready")
    waiting(kit)
    kit.answers("81")  # Talks for ever: nothing moves on.
    leg = waiting(kit, "13900139000")
    waiting(kit, "13700137000")
    kit.wait(600)
    told = [fact for fact in kit.facts(work.WaitTold) if fact.call == kit.board.floor.legs[leg]]
    assert told and all(later.high_s <= first.high_s for first, later in pairwise(told))
    assert "wait-minutes" in kit.said(leg)
    kit.everybody_leaves()


@pytest.mark.parametrize("are_booked", [True, False])
def test_booked_places_before_him_are_no_wait(are_booked: bool) -> None:
    """Whose turn comes is dialled, and meanwhile the agent takes the next one on the line."""
    kit = made(queues={**QUEUES, "billing": {**QUEUES["billing"], "wait_s_max": 3600}})
    kit.prompt_s = 1.0
    kit.ready("81")
    waiting(kit)
    kit.answers("81")
    for n in range(6):
        (book if are_booked else waiting)(kit, f"1370013700{n}")
    kit.wait(2)
    leg = waiting(kit, "13900139000")
    kit.wait(60)
    told = next(fact for fact in kit.facts(work.WaitTold) if fact.call == kit.board.floor.legs[leg])
    assert told.position == 7
    assert (told.high_s < 900) is are_booked, "one talk of 240 s, or seven"
    kit.everybody_leaves()


# -- choices --


def test_keep_waiting() -> None:
    kit = made()
    leg = waiting(kit)
    kit.press("1", leg)
    assert kit.said(leg)[-1] == "choice-stay-thanks" and kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_the_place_is_given_up_once_the_message_stands() -> None:
    kit = made()
    leg = waiting(kit)
    kit.press("2", leg)
    assert kit.call(leg) is CallState.IN_FLOW and not kit.facts(ft.QueueLeft)
    hear_out(kit, leg)
    message = kit.effects(fx.RecordMessage)[-1].message
    kit.event(ev.MessageRecorded(message, 7.0))
    assert [fact.outcome for fact in kit.facts(ft.QueueLeft)] == ["voicemail"]
    assert kit.facts(work.ItemOpened) and kit.effects(fx.FileMessage)
    kit.everybody_leaves()


def test_nobody_loses_his_place_by_saying_nothing() -> None:
    kit = made()
    first, second = waiting(kit), waiting(kit, "13900139000")
    kit.press("2", first)
    hear_out(kit, first)
    kit.ready("81")  # Whoever steps aside is not rung for.
    assert [fact.call for fact in kit.facts(ft.OfferMade)] == ["7-2"]
    kit.event(ev.MessageRecorded(kit.effects(fx.RecordMessage)[-1].message, 0.0))
    kit.wait(1)  # He might just have hung up.
    assert kit.call(first) is CallState.QUEUED
    kit.hang_up(second)
    assert kit.facts(ft.OfferMade)[-1].call == "7-1"
    assert [fact.call for fact in kit.facts(ft.Queued)] == ["7-1", "7-2"]
    kit.everybody_leaves()


def test_who_hangs_up_while_speaking_has_left_a_message() -> None:
    kit = made()
    leg = waiting(kit)
    kit.press("2", leg)
    hear_out(kit, leg)
    kit.hang_up(leg)
    assert [fact.outcome for fact in kit.facts(ft.QueueLeft)] == ["voicemail"]
    kit.everybody_leaves()


def test_a_choice_takes_an_offer_back() -> None:
    kit = made()
    kit.ready("81")
    leg = kit.arrive()
    kit.press("1", leg)
    kit.press("2", leg)
    assert kit.facts(ft.OfferEnded)[-1].outcome == "withdrawn" and kit.state("81") is AgentState.READY
    kit.hang_up(leg)
    kit.everybody_leaves()


# -- booking --


def test_his_own_number_is_read_back_and_booked() -> None:
    kit = made()
    leg = waiting(kit)
    kit.press("3", leg)
    said = kit.said(leg)
    assert said[said.index("callback-number-is") + 1 :][:3] == ["digit-1", "digit-3", "digit-8"]
    kit.press("1", leg)
    booked = kit.facts(work.CallbackBooked)[-1]
    assert (booked.number, booked.queue, booked.rank) == ("13800138000", "billing", kit.facts(ft.Queued)[0].rank)
    assert [fact.outcome for fact in kit.facts(ft.QueueLeft)] == ["call-back"]
    assert kit.said(leg)[-1] == "callback-booked"
    hear_out(kit, leg)
    assert kit.said(leg)[-1] == "no-answer-goodbye" and leg not in kit.legs
    assert kit.board.floor.bookings
    cancel(kit)
    kit.everybody_leaves()


def cancel(kit: Kit) -> None:
    for booking in list(kit.board.floor.bookings):
        kit.event(work.CallbackCancelled(booking, "li", RequestId("r")))


def test_another_number_by_permitted_patterns_only() -> None:
    kit = made()
    leg = waiting(kit)
    kit.press("3" + "2" + "0044123#", leg)
    assert kit.said(leg)[-2:] == ["callback-number-refused", "callback-number-ask"]
    kit.press("13900139000#1", leg)
    assert kit.facts(work.CallbackBooked)[-1].number == "13900139000"
    cancel(kit)
    kit.everybody_leaves()


@pytest.mark.parametrize("caller", ["", "02112345678"])
def test_a_number_that_cannot_be_called_is_not_offered(caller: str) -> None:
    kit = made()
    leg = waiting(kit, caller)
    kit.press("3", leg)
    assert kit.said(leg)[-1] == "callback-number-ask"
    kit.press("#", leg)
    kit.press("#", leg)
    kit.press("#", leg)
    assert kit.call(leg) is CallState.QUEUED  # The third time: back in line, in his place.
    assert len(kit.facts(ft.Queued)) == 1
    kit.everybody_leaves()


def test_booked_twice_is_told_so() -> None:
    kit = made()
    kit.hang_up(book(kit))
    leg = kit.arrive()
    kit.press("41", leg)
    assert kit.said(leg)[-1] == "callback-already" and len(kit.facts(work.CallbackBooked)) == 1
    cancel(kit)
    kit.everybody_leaves()


def test_the_list_has_a_limit() -> None:
    kit = made(callbacks={"booked_max": 0})
    leg = book(kit)
    assert kit.said(leg)[-1] == "callback-full"
    hear_out(kit, leg)
    assert kit.call(leg) is CallState.QUEUED and len(kit.facts(ft.Queued)) == 1
    kit.everybody_leaves()


# -- his turn --


def test_called_back_in_the_old_place_before_who_came_later() -> None:
    kit = made()
    kit.hang_up(book(kit))
    later = waiting(kit, "13900139000")
    kit.ready("81")
    dial = dialled(kit)
    assert (dial.number, dial.trunk, dial.address) == ("13800138000", "carrier", "127.0.0.1:5099")
    # The agent is not tied up: he is rung for the next one meanwhile.
    assert [fact.call for fact in kit.facts(ft.OfferMade)] == ["7-2"] or kit.facts(ft.OfferMade)[0].agent == "81"
    later_call = kit.board.floor.legs[later]
    kit.hang_up(kit.leg_of("81"), 21)
    leg = picks_up(kit)
    kit.ask("81", "ready")
    assert kit.facts(ft.OfferMade)[-1].call == kit.board.floor.legs[leg] != later_call
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    assert kit.facts(ft.Connected)[-1].call == kit.board.floor.legs[leg]
    assert outcomes(kit) == ["connected"]
    kit.everybody_leaves()


def test_who_came_in_the_same_instant_but_later_stays_behind() -> None:
    """Of the very same rank: the order of arrival counts, not the number of the call that holds the place."""
    kit = made()
    first = waiting(kit)
    second = kit.arrive(caller="13900139000")
    kit.press("1", second)
    assert len({fact.rank for fact in kit.facts(ft.Queued)}) == 1
    kit.press("31", first)
    kit.ready("81")
    picks_up(kit)
    assert [fact.position for fact in kit.facts(ft.Queued)] == [1, 2, 1]
    kit.everybody_leaves()


def test_only_after_the_key_an_agent_is_rung() -> None:
    kit = made()
    kit.hang_up(book(kit))
    kit.ready("81")
    leg = dialled(kit).leg
    assert kit.state("81") is AgentState.READY
    kit.event(ev.LegAnswered(leg))
    assert kit.said(leg) == ["callback-hello", "callback-confirm", "digit-1", "callback-cancel", "digit-9"]
    assert not kit.facts(ft.OfferMade)
    kit.press("5", leg)
    assert not kit.facts(ft.OfferMade)
    kit.press("1", leg)
    assert kit.state("81") is AgentState.RESERVED
    assert kit.facts(ft.Queued)[-1].rank == kit.facts(work.CallbackBooked)[-1].rank
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    assert kit.facts(ft.Connected)[-1].wait_s < 1
    kit.hang_up(kit.leg_of("81"))
    assert kit.said(leg)[-1] == "no-answer-goodbye"  # His flow goes on after the talk.
    kit.everybody_leaves()


def test_who_was_called_back_keeps_his_place_when_an_agent_passes_him_on() -> None:
    kit = made(agents={**AGENTS, "81": {**AGENTS["81"], "may": ["transfer-blind"]}})
    kit.hang_up(book(kit))
    kit.wait(100)
    kit.ready("81")
    leg = picks_up(kit)
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    asked = ControlAsked(AgentId("81"), "transfer", "queue:network", request=RequestId("r"))
    assert next(e for e in kit.event(asked) if isinstance(e, fx.Reply)).ok
    ranks = [fact.rank for fact in kit.facts(ft.Queued)]
    assert len(ranks) == 3 and len(set(ranks)) == 1
    kit.hang_up(leg)
    kit.everybody_leaves()


@pytest.mark.parametrize(("cause", "outcome"), [(17, "busy"), (19, "no-answer"), (1, "unreachable"), (0, "failed")])
def test_missed_and_tried_again_then_given_up(cause: int, outcome: str) -> None:
    kit = made()
    kit.hang_up(book(kit))
    kit.ready("81")
    kit.hang_up(dialled(kit).leg, cause)
    missed = kit.facts(work.CallbackMissed)[-1]
    assert (missed.outcome, missed.next_at) == (outcome, kit.now + 600)
    kit.wait(599)
    assert len(kit.effects(fx.Dial)) == 1
    kit.wait(2)
    assert len(kit.effects(fx.Dial)) == 2
    kit.hang_up(dialled(kit).leg, cause)
    assert kit.facts(work.CallbackMissed)[-1].next_at is None and outcomes(kit) == ["failed"]
    kit.everybody_leaves()


def test_a_machine_presses_no_key() -> None:
    kit = made()
    kit.prompt_s = 2.0
    kit.hang_up(book(kit))
    kit.ready("81")
    leg = dialled(kit).leg
    kit.event(ev.LegAnswered(leg))
    kit.wait(40)
    assert kit.said(leg).count("callback-confirm") == 2 and leg not in kit.legs
    assert kit.facts(work.CallbackMissed)[-1].outcome == "not-confirmed"
    cancel(kit)
    kit.everybody_leaves()


def test_cancelled_by_the_one_who_booked() -> None:
    kit = made()
    kit.hang_up(book(kit))
    kit.ready("81")
    leg = picks_up(kit, "9")
    assert kit.said(leg)[-1] == "callback-cancelled" and outcomes(kit) == ["cancelled"]
    kit.heard(leg)
    assert leg not in kit.legs
    kit.everybody_leaves()


def erase(kit: Kit, number: str) -> str:
    kit.event(ScreeningAsked("erase", "wang", "", number=Number(number), request=RequestId("r")))
    return kit.effects(fx.Reply)[-1].message


@pytest.mark.parametrize("spelled", ["13800138000", "+8613800138000"])
def test_nobody_is_called_back_whose_number_was_erased(spelled: str) -> None:
    kit = made()
    book(kit)
    book(kit, "13800138001")
    assert erase(kit, spelled) == "not screened; call-backs cancelled: 1"
    assert [(each.outcome, each.by) for each in kit.facts(work.CallbackEnded)] == [("cancelled", "wang")]
    kit.ready("81")
    assert dialled(kit).number == "13800138001"
    assert erase(kit, spelled) == "not screened"


def test_who_is_dialled_as_his_number_is_erased_is_hung_up() -> None:
    kit = made()
    book(kit)
    kit.ready("81")
    leg = dialled(kit).leg
    erase(kit, "13800138000")
    assert kit.effects(fx.HangUp)[-1].leg == leg and not kit.board.floor.bookings


def test_while_his_number_is_erased_he_is_not_dialled_for_another_call_back_of_his() -> None:
    kit = made(outbound={**OUTBOUND, "permitted": ["13XXXXXXXXX", "008613XXXXXXXXX"]})
    for spelled in ("13800138000", "008613800138000"):
        kit.hang_up(book(kit, spelled))
    kit.ready("81")
    assert erase(kit, "13800138000") == "not screened; call-backs cancelled: 2"
    assert [dial.number for dial in kit.effects(fx.Dial)] == ["13800138000"]
    kit.everybody_leaves()


def test_what_is_no_callers_number_erases_no_call_back() -> None:
    kit = made()
    book(kit)
    assert erase(kit, "00000000") == "not screened" and kit.board.floor.bookings


def test_who_calls_in_has_his_place_back() -> None:
    kit = made()
    kit.hang_up(book(kit))
    rank = kit.facts(work.CallbackBooked)[-1].rank
    waiting(kit, "13900139000")
    again = waiting(kit)
    assert kit.facts(ft.Queued)[-1].rank == rank and "callback-place-back" in kit.said(again)
    assert kit.facts(ft.Queued)[-1].position == 1 and outcomes(kit) == ["returned"]
    kit.everybody_leaves()


def test_who_calls_in_while_he_is_dialled_is_not_dialled_any_more() -> None:
    kit = made()
    kit.hang_up(book(kit))
    kit.ready("81")
    out = dialled(kit).leg
    again = waiting(kit)
    assert out not in kit.legs and outcomes(kit) == ["returned"]
    assert kit.facts(ft.OfferMade)[-1].call == kit.board.floor.legs[again]
    kit.everybody_leaves()


def test_one_is_dialled_for_each_free_agent() -> None:
    kit = made()
    for caller in ("13800138000", "13900139000", "13700137000"):
        kit.hang_up(book(kit, caller))
    kit.ready("81")
    assert [dial.number for dial in kit.effects(fx.Dial)] == ["13800138000"]
    kit.hang_up(dialled(kit).leg, 17)
    assert dialled(kit).number == "13900139000"  # At once: nobody waits for a timer.
    cancel(kit)
    kit.everybody_leaves()


@pytest.mark.parametrize("how", ["supervisor", "erased", "caller"])
def test_who_was_held_back_is_dialled_as_soon_as_another_is_cancelled(how: str) -> None:
    kit = made()
    for caller in ("13800138000", "13900139000"):
        kit.hang_up(book(kit, caller))
    kit.ready("81")
    assert [dial.number for dial in kit.effects(fx.Dial)] == ["13800138000"]
    match how:
        case "supervisor":
            kit.event(work.CallbackCancelled(next(iter(kit.board.floor.bookings)), "li", RequestId("r")))
        case "erased":
            erase(kit, "13800138000")
        case "caller":
            kit.hang_up(picks_up(kit, "9"))
    assert [dial.number for dial in kit.effects(fx.Dial)] == ["13800138000", "13900139000"]
    cancel(kit)
    kit.everybody_leaves()


def test_nobody_is_called_outside_the_window_or_hours() -> None:
    kit = made(callbacks={"window": ["10:30-21:00"]})
    kit.hang_up(book(kit))
    kit.ready("81")
    kit.wait(20 * 60)
    assert not kit.effects(fx.Dial)
    kit.wait(11 * 60)
    assert kit.effects(fx.Dial)
    cancel(kit)
    kit.everybody_leaves()


def test_who_hangs_up_after_the_key_has_had_his_call() -> None:
    kit = made()
    kit.hang_up(book(kit))
    kit.ready("81")
    leg = picks_up(kit)
    kit.hang_up(leg)
    assert outcomes(kit) == ["abandoned"] and kit.facts(ft.QueueLeft)[-1].outcome == "abandoned"
    kit.everybody_leaves()


def test_nobody_reached_for_too_long() -> None:
    kit = made(callbacks={"keep_h": 1})
    kit.hang_up(book(kit))
    kit.wait(3601)
    assert outcomes(kit) == ["expired"] and not kit.board.floor.engine.places
    kit.everybody_leaves()


def test_a_call_back_lives_through_a_restart() -> None:
    kit = made()
    left = work.CallbackLeft(
        *(CallId("6-9"), CallId("6-8"), "billing", "13800138000", 0, kit.now - 900, kit.now - 900),  # type: ignore[arg-type]
        *("billing>=2", "en", "1860", "billing", kit.now - 900, 1, kit.now + 30),
    )
    kit.event(left)
    waiting(kit, "13900139000")
    kit.ready("82")  # Lacks the skill that was asked for.
    assert kit.facts(ft.OfferMade)[-1].agent == "82"
    kit.answers("82")
    kit.ready("81")
    kit.wait(30)
    leg = picks_up(kit)
    assert kit.facts(ft.Queued)[-1].rank == left.rank and kit.facts(work.CallbackDialled)[-1].n == 2
    assert kit.board.floor.calls[kit.board.floor.legs[leg]].language == "en"
    kit.hang_up(leg)
    kit.everybody_leaves()


def test_a_dial_that_fails_is_a_miss() -> None:
    kit = made()
    kit.hang_up(book(kit))
    kit.ready("81")
    dial = dialled(kit)
    kit.event(ev.CommandFailed("Dial", dial.call, dial.leg, "error"))
    assert kit.facts(work.CallbackMissed)[-1].outcome == "failed"
    cancel(kit)
    kit.everybody_leaves()


def test_out_of_hours_the_list_is_kept_and_the_caller_told() -> None:
    closed = {**QUEUES, "billing": {**QUEUES["billing"], "hours": "night", "recording": NEVER}}
    kit = made(queues=closed, hours={"night": {"weekly": {"mon-sun": ["20:00-24:00"]}, "holidays": "as-usual"}})
    leg = kit.arrive()
    kit.press("41", leg)
    kit.hang_up(leg)
    kit.ready("81")
    kit.wait(600)
    assert kit.board.floor.bookings and not kit.effects(fx.Dial)
    cancel(kit)
    kit.everybody_leaves()


# -- messages as work --


def left_message(kit: Kit) -> MessageId:
    leg = waiting(kit)
    kit.press("2", leg)
    hear_out(kit, leg)
    message = kit.effects(fx.RecordMessage)[-1].message
    kit.event(ev.MessageRecorded(message, 7.0))
    return message


def item(kit: Kit, wish: work.ItemWish, message: str = "", by: str = "81", agent: str = "") -> tuple[bool, str]:
    asked = work.ItemAsked(MessageId(message), wish, by, agent, "", RequestId("r"))
    reply = next(e for e in kit.event(asked) if isinstance(e, fx.Reply))
    return reply.ok, reply.message


def test_a_message_is_taken_given_back_and_done() -> None:
    kit = made(boxes={"general": {"skills": {"network": 1}, "due_h": 2}})
    message = left_message(kit)
    kit.event(work.MessageFiled(message, f"2026-03-02/{message}.wav", 100, "ab" * 32))
    assert kit.facts(work.ItemOpened)[-1].due_at == kit.now + 7200
    assert kit.facts(work.MessageStored)[-1].keep_days == 180
    assert item(kit, "next", agent="81") == (False, "nothing waits")  # 81 lacks the skill.
    assert item(kit, "take", message, "81", "81") == (False, "81 lacks the skills of the box general")
    assert item(kit, "next", by="82", agent="82") == (True, message)
    assert item(kit, "take", message, "li") == (False, "82 has taken it")
    assert item(kit, "done", message, "li") == (False, "82 has taken it")
    assert item(kit, "return", message, "82") == (True, "returned")
    assert item(kit, "done", message, "82") == (False, "take it first")
    assert item(kit, "take", message, "82") == (True, message)
    assert item(kit, "done", message, "82") == (True, "done")
    assert item(kit, "done", message, "82")[0] is False and not kit.board.floor.items
    kit.everybody_leaves()


def test_the_most_urgent_message_comes_first() -> None:
    kit = made()
    for n, due in ((1, 300.0), (2, 100.0), (3, 200.0)):
        name = MessageId(f"6-{n}.m1")
        kit.event(work.ItemLeft(name, CallId(f"6-{n}"), "general", kit.now + due, "wang" if n == 2 else "", n != 3))
    assert kit.effects(fx.FileMessage) == [fx.FileMessage(CallId("6-3"), MessageId("6-3.m1"), "general")]
    assert item(kit, "next") == (True, "6-3.m1")
    assert item(kit, "next") == (True, "6-1.m1")
    assert item(kit, "next") == (False, "nothing waits")
    kit.everybody_leaves()
