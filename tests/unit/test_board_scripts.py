"""Scripts outside of flows: an agent leaves the caller to one, one begins by itself, one follows a message."""

from typing import Any, Literal

import pytest

from ari_app.model import control as ct
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, LegId, RequestId
from ari_app.model.states import AgentState, CallState
from tests.board_kit import Kit, loaded, settings, situation

SITUATIONS = {
    "silent": situation(
        trigger="silent",
        allowed=["talking", "voicemail"],
        steps=[{"say": ["greet"]}, {"wait_s": 5}, {"say": ["sorry"]}, "hang-up"],
    ),
    "quiet": situation(
        trigger="quiet",
        allowed=["talking", "voicemail"],
        life=["clear"],
        steps=[{"say": ["greet"]}, {"wait_s": 10}, {"say": ["sorry"]}, {"wait_s": 5}, "hang-up"],
    ),
    "warned": situation(trigger="nuisance", allowed=["talking"], life=[], steps=[{"say": ["sorry"]}, "next"]),
    "in-menus": situation(steps=[{"say": ["sorry"]}, "hang-up"]),
}
FLOW: dict[str, Any] = {
    "start": "menu",
    "nodes": {
        "menu": {"type": "menu", "say": ["main-menu"], "keys": {"1": "billing", "2": "box"}},
        "billing": {"type": "queue", "queue": "billing", "say": [], "next": "menu"},
        "box": {"type": "voicemail", "next": "thanks", "on_failure": "menu"},
        "thanks": {"type": "hangup", "say": ["voicemail-thanks"]},
    },
}


def made(policy: str = "never", **line: Any) -> Kit:
    changes = {"line": line, "screening": {"record": ""}, "billing": {"recording": {"policy": policy}}}
    return Kit(settings(**changes), flows={"main": loaded(FLOW, situations=SITUATIONS)})


def talking(kit: Kit) -> LegId:
    """A caller in a talk with 81; 82 does not work yet."""
    kit.ready("81")
    leg = kit.arrive()
    kit.press("1")
    while leg in kit.playing.values():
        kit.heard(leg)
    kit.rings("81")
    kit.answers("81")
    while kit.call(leg) is not CallState.TALKING:
        kit.heard(kit.leg_of("81"))
    return leg


def judged(kit: Kit, verdict: ft.Verdict) -> None:
    kit.event(ev.LineJudged(kit.effects(fx.HearLine)[-1].line, verdict, -30.0, -60.0))


def script(kit: Kit, name: str = "") -> tuple[bool, str]:
    asked = ct.ControlAsked(AgentId("81"), "script", name, request=RequestId("r"))
    reply = next(e for e in kit.event(asked) if isinstance(e, fx.Reply))
    return reply.ok, reply.message


def told(kit: Kit) -> list[tuple[str, str]]:
    return [(fact.situation, fact.outcome) for fact in kit.facts(ft.SituationEnded)]


def test_the_agent_goes_on_while_the_caller_hears_the_script_to_its_end() -> None:
    kit = made()
    leg = talking(kit)
    judged(kit, "quiet")
    assert script(kit) == (True, "the caller hears quiet; you are in wrap-up")
    assert kit.state("81") is AgentState.WRAP_UP and [f.by for f in kit.facts(ft.TalkEnded)] == ["script"]
    assert kit.facts(ft.SituationBegan)[0].where == "talking"
    kit.heard(leg)
    kit.wait(10)
    kit.heard(leg)
    kit.wait(5)
    assert told(kit) == [("quiet", "hung-up")] and not kit.board.floor.calls
    assert len(kit.effects(fx.HearLine)) == len(kit.effects(fx.ForgetLine)) == 1, "listened to until the end"
    kit.everybody_leaves()


def test_a_clear_line_is_heard_in_its_recording_until_something_hangs_on_it() -> None:
    kit = made("always")
    leg = talking(kit)
    (recorded,) = kit.effects(fx.StartRecording)
    for verdict in ("clear", "quiet", "clear"):
        judged(kit, verdict)  # type: ignore[arg-type]
    assert [each.recording for each in kit.effects(fx.HearLine)] == [recorded.recording, None, recorded.recording]
    assert script(kit, "silent")[0]  # The recording ends with the talk, and the script listens on.
    assert len(kit.effects(fx.HearLine)) == 4 and kit.effects(fx.HearLine)[-1].recording is None
    assert len({each.line for each in kit.effects(fx.HearLine)}) == 1
    kit.hang_up(leg)
    assert len(kit.effects(fx.ForgetLine)) == 1


def test_a_line_whose_recording_fails_is_heard_by_itself() -> None:
    kit = made("always")
    kit.deaf.add(fx.StartRecording)
    talking(kit)
    (order,) = kit.effects(fx.StartRecording)
    kit.event(ev.CommandFailed("StartRecording", order.call, order.recording, "error", "no file"))
    judged(kit, "clear")
    assert [each.recording for each in kit.effects(fx.HearLine)] == [order.recording, None]


def test_a_line_that_nobody_records_is_heard_by_itself() -> None:
    kit = made()
    talking(kit)
    judged(kit, "clear")
    assert [each.recording for each in kit.effects(fx.HearLine)] == [None]
    kit.hang_up(kit.leg_of("81"))
    assert len(kit.effects(fx.HearLine)) == 1 and len(kit.effects(fx.ForgetLine)) == 1


def test_who_speaks_up_is_back_in_his_queue_in_his_place() -> None:
    kit = made()
    leg = talking(kit)
    rank = kit.facts(ft.Queued)[0].rank
    judged(kit, "quiet")
    script(kit)
    kit.heard(leg)
    kit.wait(2)
    judged(kit, "noisy")
    assert told(kit) == []
    judged(kit, "clear")
    assert told(kit) == [("quiet", "clear")] and kit.facts(ft.Queued)[-1].rank == rank
    assert kit.facts(ft.LineHeard)[-1].agent is None
    call = next(iter(kit.board.floor.calls.values()))
    assert (call.note, call.passed_by, call.line) == ("quiet", "81", None)
    kit.everybody_leaves()


def test_a_silent_caller_says_something() -> None:
    kit = made()
    leg = talking(kit)
    script(kit, "silent")
    assert isinstance(kit.effects(fx.Listen, fx.Play)[-2], fx.Listen)
    kit.event(ev.SpeechBegan(leg))
    kit.event(ev.SpeechEnded(leg, 900))
    assert told(kit) == [("silent", "speech")] and kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_the_key_starts_what_fits_the_line() -> None:
    kit = made()
    leg = talking(kit)
    kit.press("*0", kit.leg_of("81"))
    assert kit.said(kit.leg_of("81"))[-1] == "not-possible-now", "nothing is known of the line yet"
    judged(kit, "silent")
    kit.press("*0", kit.leg_of("81"))
    assert [fact.situation for fact in kit.facts(ft.SituationBegan)] == ["silent"]
    kit.hang_up(leg)
    assert told(kit) == [("silent", "gone")]
    kit.everybody_leaves()


@pytest.mark.parametrize(
    ("name", "before", "why"),
    [
        ("", "clear", "the line is clear: name the script"),
        ("in-menus", "", "no script 'in-menus' may run in a talk; those that may: silent, quiet, warned"),
        ("nonsense", "", "no script 'nonsense' may run in a talk; those that may: silent, quiet, warned"),
        ("quiet", "clear", "the line is clear: the script would end at once"),
        ("quiet", "unheard", "the line is not listened to, so that nothing would end the script"),
        ("silent", "hold", "the caller is on hold: take him back first"),
    ],
)
def test_what_cannot_be_is_refused_in_words(name: str, before: str, why: str) -> None:
    kit = made()
    talking(kit)
    match before:
        case "clear":
            judged(kit, "clear")
        case "unheard":
            kit.event(ev.LineUnheard(kit.effects(fx.HearLine)[-1].line, "lines_max"))
        case "hold":
            kit.event(ct.ControlAsked(AgentId("81"), "hold"))
    assert script(kit, name) == (False, why)
    kit.everybody_leaves()


def test_nobody_is_hung_up_for_a_line_that_is_listened_to_no_more() -> None:
    kit = made()
    leg = talking(kit)
    judged(kit, "quiet")
    script(kit)
    kit.event(ev.LineUnheard(kit.effects(fx.HearLine)[-1].line, "the disk is full"))
    assert told(kit) == [("quiet", "clear")] and kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_a_script_without_hang_up_leads_on_in_the_flow() -> None:
    kit = made()
    leg = talking(kit)
    script(kit, "warned")
    kit.heard(leg)
    assert told(kit) == [("warned", "over")] and kit.said(leg)[-1] == "main-menu"
    kit.everybody_leaves()


@pytest.mark.parametrize(("verdicts", "begun"), [(["silent"], True), (["clear", "silent"], False), (["quiet"], False)])
def test_silence_may_begin_its_script_by_itself(verdicts: list[ft.Verdict], begun: bool) -> None:
    """Not of a caller who was heard before: he listens to the agent."""
    kit = made(auto=["silent"])
    talking(kit)
    for verdict in verdicts:
        judged(kit, verdict)
    assert bool(kit.facts(ft.SituationBegan)) is begun
    kit.everybody_leaves()


@pytest.mark.parametrize("auto", ["noisy", "silent", "quiet"])
@pytest.mark.parametrize("after", ["noisy", "silent", "quiet"])
def test_a_caller_who_put_the_agent_on_hold_is_never_hung_up_on(auto: Any, after: ft.Verdict) -> None:
    """His music is judged anything in its pauses; only when he is clear again a script may begin."""
    kit = made(auto=[auto])
    talking(kit)
    for verdict in ("music", after, "music", after):
        judged(kit, verdict)  # type: ignore[arg-type]
    assert not kit.facts(ft.SituationBegan)
    judged(kit, "clear")
    judged(kit, "quiet")
    assert bool(kit.facts(ft.SituationBegan)) is (auto == "quiet")
    kit.everybody_leaves()


def test_keys_that_a_recording_plays_into_a_talk_mean_nothing() -> None:
    kit = made()
    leg = talking(kit)
    kit.press("*0*#1234567890#*155" * 5, leg)
    assert kit.call(leg) is CallState.TALKING and not kit.facts(ft.SituationBegan)
    kit.everybody_leaves()


def message(kit: Kit, verdict: Literal["silent", "quiet", "clear"], seconds: float = 7.0) -> LegId:
    leg = kit.arrive()
    kit.press("2")
    kit.heard(leg)
    judged(kit, verdict)
    order = kit.effects(fx.RecordMessage)[-1]
    kit.press(order.end_key)
    kit.event(ev.MessageRecorded(order.message, seconds))
    return leg


def test_a_faint_message_is_kept_and_the_caller_may_speak_anew_once() -> None:
    kit = made()
    leg = message(kit, "quiet")
    assert [f.seconds for f in kit.facts(ft.MessageLeft)] == [7.0] and kit.said(leg)[-1] == "greet"
    assert [f.where for f in kit.facts(ft.SituationBegan)] == ["voicemail"]
    judged(kit, "clear")
    assert kit.said(leg)[-1] == "beep"
    kit.heard(leg)
    assert len(kit.effects(fx.RecordMessage)) == 2
    judged(kit, "quiet")
    kit.event(ev.MessageRecorded(kit.effects(fx.RecordMessage)[-1].message, 5.0))
    kit.wait(1)
    assert len(kit.facts(ft.MessageLeft)) == 2 and kit.said(leg)[-1] == "voicemail-thanks"
    kit.everybody_leaves()


def test_a_clear_message_goes_on_and_a_silent_caller_hears_the_script() -> None:
    kit = made()
    message(kit, "clear")
    assert kit.said()[-1] == "voicemail-thanks" and not kit.facts(ft.SituationBegan)
    kit.everybody_leaves()
    leg = message(kit, "silent", 0.0)
    kit.heard(leg)
    kit.wait(5)
    kit.heard(leg)
    assert told(kit) == [("silent", "hung-up")]
    kit.everybody_leaves()
