"""Callers who are screened: one form of numbers, periods that grow, who is never screened, appeals; the board."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app import screening as mirror
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import screening_facts as sf
from ari_app.model.control import ControlAsked
from ari_app.model.ids import AgentId, MessageId, Number, RequestId, ScreeningId
from ari_app.model.screening import Screening, canonical, ends, is_protected, spellings, times_now
from ari_app.model.work import ItemDone, ItemOpened
from tests.board_kit import NOON, Kit, loaded, settings, situation

RULES = Screening()
CHINA = ZoneInfo("Asia/Shanghai")
HOUR = 3600.0


# -- numbers --


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("13800138000", "8613800138000"),
        ("+8613800138000", "8613800138000"),
        ("008613800138000", "8613800138000"),
        ("8613800138000", "8613800138000"),
        ("013800138000", "8613800138000"),
        ("138 0013-8000", "8613800138000"),
        ("01062345678", "861062345678"),
        ("+86 (010) 62345678", "861062345678"),
        ("+44 20 7946 0000", "442079460000"),
        ("00442079460000", "442079460000"),
        ("95588", "8695588"),
        ("", ""),
        ("anonymous", ""),
        ("00000000", ""),
        ("+000", ""),
        ("000138", ""),
        ("13800138000;x", ""),
        ("1" * 30, ""),
    ],
)
def test_a_number_has_one_form_however_it_is_written(written: str, meant: str) -> None:
    assert canonical(written, RULES) == meant


@given(st.text("0123456789+", min_size=1, max_size=18))
def test_every_spelling_means_the_same_number(written: str) -> None:
    number = canonical(written, RULES)
    ways = spellings(number, RULES) if number else ()
    assert all(way.isdigit() and canonical(way, RULES) == number for way in ways)
    assert bool(ways) == bool(number)


@pytest.mark.parametrize("trunk", ["13800138000", "8613800138000", "008613800138000", "013800138000"])
def test_whatever_a_trunk_writes_is_found(trunk: str) -> None:
    assert trunk in spellings(canonical("+86 138 0013 8000", RULES), RULES)


def test_protected_patterns_hold_in_every_spelling() -> None:
    rules = Screening(protected=("110", "010XXXXXXXX", "+44XXXXXXXXXX"))
    for number in ("110", "+86110", "+861062345678", "01062345678", "00442079460000"):
        assert is_protected(canonical(number, rules), rules), number
    assert not is_protected(canonical("13800138000", rules), rules)


# -- periods --


def test_periods_grow_to_a_bound_and_end_on_the_hour() -> None:
    hours = [(ends(NOON, times, RULES, CHINA) - NOON) / HOUR for times in (1, 2, 3, 5, 6, 7, 10_000)]
    assert hours == [24, 48, 96, 384, 720, 720, 720]
    assert ends(NOON + 1, 1, RULES, CHINA) == NOON + 25 * HOUR  # Never shorter than told.
    assert ends(NOON, 1, RULES, ZoneInfo("Asia/Kolkata")) == NOON + 24.5 * HOUR  # Its full hours are at half past.


def test_what_is_long_over_is_forgotten() -> None:
    assert times_now(3, NOON, NOON + 89 * 86_400, RULES) == 4
    assert times_now(3, NOON, NOON + 91 * 86_400, RULES) == 1


# -- marks --

TALK: dict[str, Any] = {
    "start": "record",
    "nodes": {
        "record": {
            "type": "lookup",
            "agi": "caller_record",
            "send": {"number": "caller"},
            "into": {"vip": "vip"},
            "on_failure": "queue",
            "next": "queue",
        },
        "queue": {"type": "queue", "queue": "billing", "say": [], "next": "after"},
        "after": {"type": "play", "say": ["survey-ask"], "next": "desk"},
        "desk": {"type": "hangup", "say": ["goodbye"]},
    },
}
WARN = {
    "nuisance-call": situation(
        trigger="nuisance",
        allowed=["talking"],
        life=[],
        steps=[{"say": ["nuisance-warning"]}, {"wait_s": 5}, {"say": ["nuisance-to-desk"]}, "next"],
    )
}


def story(**screening: Any) -> Kit:
    """A caller talks to agent 81; his record answers at once that he is nobody special."""
    agents = {**MAIN_AGENTS, "82": {**MAIN_AGENTS["82"], "may": ["supervise"]}}
    kit = Kit(
        settings(screening={"record": "caller_record", **screening}, agents=agents, billing={"whisper": ""}),
        flows={"main": loaded(TALK, situations=WARN)},
    )
    kit.ready("81")
    return kit


MAIN_AGENTS: dict[str, Any] = {
    "81": {"phone": "p81", "skills": {"billing": 3}},
    "82": {"phone": "p82", "skills": {"network": 2}},
}


def answer(kit: Kit, *, vip: bool = False, ok: bool = True, reason: str = "") -> None:
    """Answer the look-up asked last."""
    asked = kit.effects(fx.LookUp)[-1]
    values = (ev.Answer("vip", vip),) if ok else ()
    kit.event(ev.LookedUp(asked.lookup, ok, values, reason))


def talk(kit: Kit, caller: str = "13800138000", vip: bool = False) -> None:
    kit.arrive(caller=caller)
    answer(kit, vip=vip)
    kit.rings("81")
    kit.answers("81")


def control(kit: Kit, action: Any, target: str = "") -> tuple[bool, str]:
    asked = ControlAsked(AgentId("81"), action, target, request=RequestId("c"))
    reply = next(e for e in kit.event(asked) if isinstance(e, fx.Reply))
    return reply.ok, reply.message


def ask(
    kit: Kit, wish: sf.ScreeningWish, by: str = "82", why: str = "insults", **about: Any
) -> tuple[bool, str] | None:
    """What is answered; None: it waits for the caller's record."""
    before = len(kit.effects(fx.Reply))
    kit.event(sf.ScreeningAsked(wish, by, why, request=RequestId("s"), **about))
    replies = kit.effects(fx.Reply)[before:]
    return (replies[0].ok, replies[0].message) if replies else None


def add(kit: Kit, number: str, *, vip: bool = False, **kwargs: Any) -> tuple[bool, str]:
    if (said := ask(kit, "add", number=Number(number), **kwargs)) is not None:
        return said
    answer(kit, vip=vip)
    last = kit.effects(fx.Reply)[-1]
    return last.ok, last.message


def test_one_key_marks_warns_and_leads_to_the_automatic_desk() -> None:
    kit = story(desk="main:desk")
    talk(kit)
    ok, said = control(kit, "nuisance")
    assert ok and said.startswith("the caller hears nuisance-call; you are in wrap-up; his number is screened")
    answer(kit)
    [marked] = kit.facts(sf.CallerScreened)
    assert (marked.number, marked.by, marked.why, marked.times) == ("13800138000", "81", "nuisance-call", 1)
    assert marked.until == NOON + 24 * HOUR
    assert kit.effects(fx.Screen) == [fx.Screen(Number("8613800138000"), NOON + 24 * HOUR)]
    kit.heard()
    kit.wait(5)
    kit.heard()
    assert "survey-ask" not in kit.said() and kit.said()[-1] == "goodbye"
    kit.everybody_leaves()


def test_without_a_desk_he_goes_on_after_the_queue() -> None:
    kit = story()
    talk(kit)
    control(kit, "script", "nuisance-call")
    answer(kit)
    kit.heard()
    kit.wait(5)
    kit.heard()
    assert kit.said()[-1] == "survey-ask"
    kit.everybody_leaves()


def test_the_disposition_marks_him_after_the_call() -> None:
    kit = story()
    talk(kit)
    kit.hang_up(kit.leg_of("81"))
    ok, said = kit.ask("81", "disposition", "5")
    assert ok and said.startswith("nuisance; his number is screened from the next call on")
    assert not kit.facts(sf.CallerScreened), "his record is asked first"
    answer(kit)
    assert [each.why for each in kit.facts(sf.CallerScreened)] == ["nuisance"]
    assert kit.ask("81", "disposition", "5")[1].startswith("nuisance; screened already, until 2026-03-03")
    kit.everybody_leaves()


def test_a_disposition_for_a_call_of_before_a_restart_says_that_nobody_is_screened() -> None:
    kit = story()
    talk(kit)
    kit.board.floor.seats[AgentId("81")].served = None
    assert "not screened: his number is not known since the restart" in kit.ask("81", "disposition", "5")[1]
    assert not kit.facts(sf.CallerScreened)


def test_a_vip_by_the_flow_or_by_his_record_is_never_screened() -> None:
    kit = story()
    talk(kit, vip=True)
    assert control(kit, "nuisance")[1].endswith("not screened: a VIP by the caller's record")
    assert add(kit, "13900139000", vip=True) == (False, "not screened: a VIP by the caller's record")
    assert [each.by for each in kit.facts(sf.ScreeningRefused)] == ["81", "82"]
    assert not kit.effects(fx.Screen)
    kit.everybody_leaves()


def test_who_cannot_be_read_up_is_not_screened() -> None:
    kit = story()
    assert ask(kit, "add", number=Number("13900139000")) is None
    answer(kit, ok=False, reason="timeout")
    last = kit.effects(fx.Reply)[-1]
    assert not last.ok and "record could not be read (timeout)" in last.message
    assert not kit.effects(fx.Screen) and not kit.board.floor.mint.parts


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("", "withheld"),
        ("anonymous", "no caller's number"),
        ("0000000", "no caller's number"),
        ("8025", "no caller's number"),
        ("120", "no caller's number"),
        ("+86 10 62345678", "protected"),
        ("4008001860", "hotline's own"),
    ],
)
def test_numbers_that_are_never_screened(number: str, why: str) -> None:
    kit = story(protected=["1062345678"])
    kit.board.floor.settings = kit.board.floor.settings.model_copy(
        update={"outbound": kit.settings.outbound.model_copy(update={"caller": "4008001860"})}
    )
    ok, said = add(kit, number)
    assert not ok and why in said
    [refused] = kit.facts(sf.ScreeningRefused)
    assert why in refused.reason and not kit.effects(fx.Screen)


def test_emergency_numbers_are_protected_however_many_digits_they_have() -> None:
    kit = story(protected=["12395"])
    assert "protected" in add(kit, "12395")[1]


def test_only_supervisors_do_it_by_hand_and_say_why() -> None:
    kit = story()
    assert "may not supervise" in add(kit, "13900139000", by="81")[1]
    assert "say why" in add(kit, "13900139000", why=" ")[1]
    ok, said = add(kit, "13900139000")
    assert ok and "screened until 2026-03-03 10:00" in said
    name = kit.facts(sf.CallerScreened)[0].screening
    assert "may not supervise" in (ask(kit, "lift", by="81", screening=name) or (0, ""))[1]
    assert ask(kit, "lift", screening=ScreeningId("9-9.n1"))[0] is False  # type: ignore[index]


def test_it_ends_by_itself_and_the_next_one_is_longer() -> None:
    kit = story(record="")
    add(kit, "13900139000")
    kit.wait(24 * HOUR - 1)
    assert not kit.effects(fx.Unscreen)
    kit.wait(2)
    assert kit.effects(fx.Unscreen) == [fx.Unscreen(Number("8613900139000"))]
    assert [each.outcome for each in kit.facts(sf.ScreeningEnded)] == ["expired"]
    add(kit, "008613900139000")
    second = kit.facts(sf.CallerScreened)[-1]
    assert second.times == 2 and 48 * HOUR <= second.until - kit.now <= 49 * HOUR
    assert not kit.board.floor.mint.parts


def test_lifted_on_appeal_it_does_not_count() -> None:
    kit = story(record="")
    add(kit, "13900139000")
    name = kit.facts(sf.CallerScreened)[0].screening
    assert ask(kit, "keep", screening=name) == (False, "nobody has appealed against it")
    kit.event(ev.MessageSpooled(MessageId("0-77.m1"), Number("+8613900139000"), 4.0, kit.now, is_appeal=True))
    assert kit.facts(sf.AppealLeft) == [sf.AppealLeft(name, MessageId("0-77.m1"))]
    assert [each.box for each in kit.facts(ItemOpened)] == ["appeals"]
    assert ask(kit, "lift", screening=name, why="a wrong line") == (True, "lifted")
    assert [each.note for each in kit.facts(ItemDone)] == ["screening lifted: a wrong line"]
    assert kit.effects(fx.Unscreen) == [fx.Unscreen(Number("8613900139000"))]
    add(kit, "13900139000")
    assert kit.facts(sf.CallerScreened)[-1].times == 1
    kit.wait(30 * HOUR)
    assert not len(kit.timers)


def test_kept_it_goes_on_and_its_message_is_done() -> None:
    kit = story(record="")
    add(kit, "13900139000")
    name = kit.facts(sf.CallerScreened)[0].screening
    kit.event(ev.MessageSpooled(MessageId("0-77.m1"), Number("13900139000"), 4.0, kit.now, is_appeal=True))
    assert ask(kit, "keep", screening=name) == (True, "kept until 2026-03-03 10:00")
    assert kit.facts(sf.AppealKept) and kit.facts(ItemDone) and not kit.effects(fx.Unscreen)


def test_an_appeal_that_comes_too_late_is_a_message_like_any_other() -> None:
    kit = story()
    kit.event(ev.MessageSpooled(MessageId("0-77.m1"), Number("13900139000"), 4.0, kit.now, is_appeal=True))
    assert [each.box for each in kit.facts(ItemOpened)] == ["appeals"] and not kit.facts(sf.AppealLeft)


def test_an_erased_number_leaves_asterisk_and_what_is_remembered() -> None:
    kit = story(record="")
    add(kit, "13900139000")
    assert ask(kit, "erase", by="wang", why="", number=Number("13900139000")) == (True, "no longer screened")
    assert kit.effects(fx.Unscreen) == [fx.Unscreen(Number("8613900139000"))]
    assert not kit.board.floor.screening.held and not kit.board.floor.screening.past


def test_at_the_limit_it_is_refused_and_said() -> None:
    kit = story(record="", numbers_max=1)
    add(kit, "13900139000")
    assert "numbers_max" in add(kit, "13900139001")[1]
    assert any("numbers_max" in warned.message for warned in kit.effects(fx.Warn))


def test_what_an_earlier_daemon_left_holds_on() -> None:
    kit = story(record="")
    left = sf.ScreeningLeft(
        ScreeningId("6-1.n1"), Number("13900139000"), "82", 2, NOON + 5 * HOUR, None, MessageId("0-7.m1")
    )
    kit.event(left)
    kit.event(sf.ScreeningLeft(ScreeningId("6-2.n1"), Number("13900139001"), "82", 3, NOON - 9, NOON - 9, None))
    assert kit.effects(fx.Screen) == [fx.Screen(Number("8613900139000"), NOON + 5 * HOUR)]
    assert ask(kit, "keep", screening=ScreeningId("6-1.n1"))[0] is True  # type: ignore[index]
    kit.wait(6 * HOUR)
    assert [each.outcome for each in kit.facts(sf.ScreeningEnded)] == ["expired"]
    add(kit, "13900139000")
    add(kit, "13900139001")
    assert [each.times for each in kit.facts(sf.CallerScreened)] == [3, 4]


# -- what Asterisk is given --


def test_rows_for_asterisk_say_when_it_ends_in_both_languages() -> None:
    found = mirror.rows({Number("8613900139000"): NOON}, RULES, CHINA)
    assert set(found) == {"8613900139000", "008613900139000", "13900139000", "013900139000"}
    [value] = set(found.values())
    assert value == (
        "1772416800/digit-3&date-month&digit-2&date-day&time-am&num-10&time-hour&time-sharp/month-3&day-2&num-10&time-am"
    )
