"""Situations on the board: when speech counts, what is told of a script, hints in long talks, and nothing left over."""

from typing import Any

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.line import Rules as Line
from tests.board_kit import Kit, loaded, settings, situation

STEPS = [{"say": ["greet"]}, {"wait_s": 5}, {"say": ["sorry"]}, "hang-up"]
SITUATIONS = {
    "silent": situation(trigger="silent", steps=STEPS),
    "long": situation(trigger="talk-length", hints_s={"agent": 600, "supervisor": 1200}),
}
FLOW: dict[str, Any] = {
    "start": "quiet",
    "nodes": {
        "quiet": {"type": "situation", "situation": "silent", "on_life": "menu", "on_speech": "billing"},
        "menu": {"type": "menu", "say": ["main-menu"], "keys": {"1": "billing"}},
        "billing": {"type": "queue", "queue": "billing", "say": [], "next": "menu"},
    },
}
LINE = Line()
WORD_S = (LINE.silence_ms + LINE.speech_ms) / 1000


@pytest.fixture
def kit() -> Kit:
    return Kit(settings(), flows={"main": loaded(FLOW, situations=SITUATIONS)})


def ended(kit: Kit) -> list[tuple[str, int]]:
    return [(fact.outcome, fact.step) for fact in kit.facts(ft.SituationEnded)]


def test_it_listens_before_it_speaks(kit: Kit) -> None:
    leg = kit.arrive()
    told = [e for e in kit.effects(fx.Listen, fx.Play)]
    assert isinstance(told[0], fx.Listen) and (told[0].leg, told[0].silence_ms) == (leg, LINE.silence_ms)
    assert [fact.where for fact in kit.facts(ft.SituationBegan)] == ["in-flow"]


def test_who_goes_on_speaking_is_heard_before_he_ends(kit: Kit) -> None:
    leg = kit.arrive()
    kit.event(ev.SpeechBegan(leg))
    kit.wait(WORD_S)
    assert ended(kit) == [("speech", 1)]
    assert isinstance(kit.effects(fx.StopPlay, fx.Unlisten, fx.Join)[0], fx.StopPlay)
    kit.event(ev.SpeechEnded(leg, 3000))
    assert ended(kit) == [("speech", 1)], "late words change nothing"


def test_a_short_word_counts_and_a_knock_does_not(kit: Kit) -> None:
    leg = kit.arrive()
    kit.heard()
    kit.event(ev.SpeechBegan(leg))
    kit.wait(WORD_S - 0.01)
    kit.event(ev.SpeechEnded(leg, LINE.speech_ms - 1))
    kit.wait(4)
    assert ended(kit) == []
    kit.event(ev.SpeechBegan(leg))
    kit.event(ev.SpeechEnded(leg, LINE.speech_ms))
    assert ended(kit) == [("speech", 2)]


def test_others_and_unasked_speech_change_nothing(kit: Kit) -> None:
    leg = kit.arrive()
    kit.event(ev.SpeechBegan("nobody"))  # type: ignore[arg-type]
    kit.press("9")
    assert ended(kit) == [("key", 1)]
    kit.event(ev.SpeechBegan(leg))
    kit.event(ev.SpeechEnded(leg, 900))
    kit.wait(1)
    assert kit.board.floor.calls and ended(kit) == [("key", 1)]


def test_a_caller_who_hangs_up_or_is_hung_up_ends_it(kit: Kit) -> None:
    leg = kit.arrive()
    kit.event(ev.SpeechBegan(leg))
    kit.hang_up(leg)
    assert ended(kit) == [("gone", 1)]
    kit.arrive()
    kit.heard()
    kit.wait(5)
    kit.heard()
    assert ended(kit) == [("gone", 1), ("hung-up", 4)]
    assert not kit.board.floor.calls and not len(kit.timers)


def test_a_prompt_that_fails_does_not_stop_the_script(kit: Kit) -> None:
    leg = kit.arrive()
    kit.event(ev.PlaybackEnded(kit.effects(fx.Play)[-1].playback, False))
    kit.wait(6)
    assert leg in kit.legs and kit.said(leg)[-1] == "sorry"


# -- talks that last --


def talking(kit: Kit) -> None:
    kit.ready("81")
    kit.arrive()
    kit.press("1")
    kit.rings("81")
    kit.answers("81")
    kit.heard(kit.leg_of("81"))


def test_hints_after_ten_and_twenty_minutes(kit: Kit) -> None:
    talking(kit)
    kit.wait(599.9)
    assert kit.facts(ft.TalkLong) == []
    kit.wait(900)
    assert [(f.agent, f.seconds, f.for_whom) for f in kit.facts(ft.TalkLong)] == [
        ("81", 600, "agent"),
        ("81", 1200, "supervisor"),
    ]


def test_a_talk_that_ends_needs_none(kit: Kit) -> None:
    talking(kit)
    kit.wait(300)
    kit.hang_up(kit.leg_of("81"))
    kit.wait(2000)
    assert kit.facts(ft.TalkLong) == []


def test_without_situations_there_are_none() -> None:
    kit = Kit()
    kit.ready("81")
    kit.arrive()
    kit.press("1")
    kit.rings("81")
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    kit.wait(3000)
    assert kit.facts(ft.Connected) and kit.facts(ft.TalkLong) == []


# -- versions --


def test_a_call_ends_with_the_script_it_began_with(kit: Kit) -> None:
    leg = kit.arrive()
    shorter = {"silent": situation(trigger="silent", steps=["hang-up"])}
    kit.board.offer_flows([loaded(FLOW, situations=shorter).model_copy(update={"version": "v2"})])
    kit.event(ev.FlowsLoaded((("main", "v2"), ("situations", "s1")), "admin", "reload"))
    kit.heard()
    kit.wait(5)
    assert kit.said(leg)[-1] == "sorry"
    other = kit.arrive()
    assert other not in kit.legs, "the new script hangs up at once"


def test_scripts_nobody_offered_are_not_taken(kit: Kit) -> None:
    kit.event(ev.FlowsLoaded((("main", "v1"), ("situations", "s9")), "admin", "reload"))
    assert "situations s9 not offered" in kit.effects(fx.Warn)[-1].message
    assert kit.facts(ft.FlowsActivated) == []
