"""The engine of situations, without a board: every step, every sign of life, every way a script ends."""

from typing import Any

import pytest

from ari_app.flow import intents as it
from ari_app.flow import interpreter
from ari_app.flow.intents import Cleared, Heard, Key, Place, SaidAll, WaitedOut
from ari_app.flow.script import Run, begin, step
from ari_app.flow.situations import Situation
from tests.board_kit import NOON, loaded, situation
from tests.unit.test_flow_interpreter import NODES, ZONE

ASK = situation(steps=[{"say": ["hello", "who"]}, {"wait_s": 5}, {"say": ["bye"]}, {"wait_s": 3}, "hang-up"])


def after(script: Situation, *inputs: it.Input) -> Run:
    """The run after these inputs."""
    run = begin("ask", script)
    for got in inputs:
        assert run.outcome is None, "it is over"
        run = step(script, run.at, got)
    return run


ROAD = (SaidAll(), WaitedOut(), SaidAll(), WaitedOut())


def test_a_silent_caller_hears_it_all() -> None:
    begun = begin("ask", ASK)
    assert begun == Run(Place("ask", 0, True), (it.Listen(), it.Began("ask"), it.Say(("hello", "who"))))
    told = [after(ASK, *ROAD[:n]) for n in range(1, 5)]
    assert [run.intents for run in told] == [
        (it.Wait(5),),
        (it.Say(("bye",)),),
        (it.Wait(3),),
        (it.Ended("ask", "hung-up", 5),),
    ]
    assert [(run.at.step, run.at.saying) for run in told[:3]] == [(1, False), (2, True), (3, False)]
    assert [run.outcome for run in told] == [None, None, None, "hung-up"]


@pytest.mark.parametrize("taken", range(4))
@pytest.mark.parametrize(("sign", "outcome"), [(Key("7"), "key"), (Heard(), "speech")])
def test_life_at_any_step_ends_it_at_once(taken: int, sign: it.Input, outcome: str) -> None:
    run = after(ASK, *ROAD[:taken], sign)
    quiet = it.Hush() if taken in (0, 2) else it.Unwait()
    assert run.intents == (quiet, it.Unlisten(), it.Ended("ask", outcome, taken + 1))  # type: ignore[arg-type]
    assert run.outcome == outcome


@pytest.mark.parametrize("taken", range(4))
def test_what_a_step_does_not_wait_for_changes_nothing(taken: int) -> None:
    before = after(ASK, *ROAD[:taken])
    stale = WaitedOut() if before.at.saying else SaidAll()
    for got in (stale, Cleared(), it.Answered(True), it.QueueDone("next")):
        assert step(ASK, before.at, got) == Run(before.at)


@pytest.mark.parametrize(
    ("life", "signs"),
    [(["clear"], [Key("1"), Heard()]), (["key"], [Heard(), Cleared()]), ([], [Key("1"), Heard(), Cleared()])],
)
def test_other_signs_are_no_life(life: list[str], signs: list[it.Input]) -> None:
    script = situation(steps=[{"say": ["louder"]}, "next"], life=life)
    run = begin("ask", script)
    assert run.intents == (it.Began("ask"), it.Say(("louder",))), "nobody listens for nothing"
    assert all(step(script, run.at, sign) == Run(run.at) for sign in signs)
    assert step(script, run.at, SaidAll()).intents == (it.Ended("ask", "over", 2),)


def test_a_line_that_is_good_again() -> None:
    script = situation(steps=[{"say": ["louder"]}, {"wait_s": 10}, "hang-up"], life=["clear"])
    assert after(script, SaidAll(), Cleared()).intents == (it.Unwait(), it.Ended("ask", "clear", 2))


# -- the node --

SITUATIONS = {
    "ask": ASK,
    "tell": situation(steps=[{"say": ["news"]}, "next"]),
    "warn": situation(steps=[{"say": ["stop"]}, {"wait_s": 5}, "next"], life=[]),
}
ROOM: dict[str, Any] = {
    "ask": {"type": "situation", "situation": "ask", "on_life": "menu", "on_speech": "line"},
    "tell": {"type": "situation", "situation": "tell", "on_life": "menu", "next": "line"},
    "warn": {"type": "situation", "situation": "warn", "on_life": "menu", "next": "menu"},
    "plain": {"type": "situation", "situation": "tell", "on_life": "menu"},
    "before": {"type": "play", "say": ["law"], "next": "ask"},
}


def walk(start: str) -> it.Walk:
    return it.Walk(loaded({"start": start, "nodes": {**NODES, **ROOM}}, situations=SITUATIONS), ZONE, steps_max=20)


def go(start: str, *inputs: it.Input) -> tuple[it.Cursor, tuple[it.Intent, ...]]:
    at, intents = interpreter.begin(walk(start), NOON)
    for got in inputs:
        at, intents = interpreter.step(walk(start), at, got, NOON)
    return at, intents


def test_a_key_is_kept_for_the_menu() -> None:
    at, intents = go("ask", SaidAll(), Key("1"))
    assert at.node == "line" and at.place is None and at.typed == ""
    assert it.Took("menu", "1", True) in intents
    assert intents[:3] == (it.Unwait(), it.Unlisten(), it.Ended("ask", "key", 2))


def test_speech_has_a_way_of_its_own_or_the_same() -> None:
    assert go("ask", Heard())[0].node == "line"
    assert go("tell", Heard())[0].node == "menu"


def test_the_end_of_a_script() -> None:
    at, intents = go("ask", *ROAD)
    assert at.ended and at.place is None and intents[-1] == it.End()
    assert go("tell", SaidAll())[0].node == "line"
    at, intents = go("plain", SaidAll())
    assert at.node == "goodbye!" and it.Say(("goodbye",)) in intents


def test_keys_typed_ahead_are_life_before_a_word_is_said() -> None:
    at, intents = go("before", Key("1"))
    assert at.node == "line" and not any(isinstance(intent, it.Began) for intent in intents)


def test_keys_that_are_no_life_are_kept_all_the_same() -> None:
    at, _ = go("warn", Key("1"), SaidAll())
    assert (at.node, at.typed) == ("warn", "1")
    assert go("warn", Key("1"), SaidAll(), WaitedOut())[0].node == "line"


def test_keys_without_end_are_not_all_kept() -> None:
    assert len(go("warn", *[Key("5")] * 200)[0].typed) == 16


# -- menus that listen --

HEARING: dict[str, Any] = {"type": "menu", "say": ["main"], "keys": {"1": "line"}, "tries": 2, "on_speech": "strict"}


def hearing(*inputs: it.Input) -> tuple[it.Cursor, tuple[it.Intent, ...]]:
    w = it.Walk(loaded({"start": "room", "nodes": {**NODES, "room": HEARING}}), ZONE, steps_max=20)
    at, intents = interpreter.begin(w, NOON)
    for got in inputs:
        at, intents = interpreter.step(w, at, got, NOON)
    return at, intents


def test_a_menu_listens_only_while_it_waits() -> None:
    assert it.Listen() not in hearing()[1]
    assert hearing(SaidAll())[1] == (it.Listen(), it.Wait(5))
    assert hearing(SaidAll(), Key("1"))[1][:2] == (it.Unwait(), it.Unlisten())
    assert hearing(SaidAll(), Key("7"))[1][:2] == (it.Unwait(), it.Unlisten())
    assert hearing(SaidAll(), WaitedOut())[1] == (it.Unlisten(), it.Say(("no-key", "main")))
    assert hearing(Heard())[0] == hearing()[0]


def test_speech_leads_on_when_no_key_followed() -> None:
    at, intents = hearing(SaidAll(), Heard())
    assert at.node == "room" and intents == ()
    assert hearing(SaidAll(), Heard(), WaitedOut())[0].node == "strict"
    assert hearing(SaidAll(), Heard(), Key("1"))[0].node == "line"


def test_speech_of_an_earlier_try_is_forgotten() -> None:
    at, _ = hearing(SaidAll(), Heard(), Key("7"), SaidAll(), WaitedOut())
    assert at.node == "goodbye!"


def test_other_menus_hear_nothing() -> None:
    w = it.Walk(loaded({"start": "menu", "nodes": NODES}), ZONE, steps_max=20)
    at, _ = interpreter.begin(w, NOON)
    at, intents = interpreter.step(w, at, SaidAll(), NOON)
    assert it.Listen() not in intents
    assert interpreter.step(w, at, Heard(), NOON) == (at, ())
