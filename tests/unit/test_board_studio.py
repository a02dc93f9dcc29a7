"""Recording a prompt by telephone, on the board: every step, every way out, and nothing left."""

from typing import Any

import pytest

from ari_app.board.studio import STEP_S
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import LegId
from ari_app.model.settings import Settings
from tests.board_kit import AGENTS, Kit, settings


def may() -> Settings:
    plain = settings()
    agents: dict[str, Any] = {**AGENTS, "81": {**AGENTS["81"], "may": ["record-prompts"]}}
    return Settings.model_validate({**plain.model_dump(), "agents": agents})


def at_the_number(kit: Kit, agent: str = "81", pin: str = "2468") -> LegId:
    desk = kit.dial("p83", "*17")
    kit.press(f"{agent}#{pin}#", desk)
    return desk


def asked(kit: Kit) -> fx.AskStudio:
    return kit.effects(fx.AskStudio)[-1]


def speaking(kit: Kit) -> LegId:
    """The prompt is found, what stands was heard, the tone too."""
    desk = at_the_number(kit)
    kit.press("12345#2", desk)
    kit.event(ev.StudioAnswered(desk, True, "goodbye"))
    for _ in range(3):
        kit.heard(desk)
    return desk


def spoke(kit: Kit, seconds: float = 4.0) -> None:
    kit.event(ev.MessageRecorded(kit.effects(fx.RecordMessage)[-1].message, seconds))


def decided(kit: Kit, key: str) -> LegId:
    desk = speaking(kit)
    spoke(kit)
    kit.event(ev.StudioAnswered(desk, True, "goodbye", "", 3.2))
    kit.press(key, desk)
    return desk


def test_all_the_way() -> None:
    kit = Kit(settings=may())
    desk = decided(kit, "1")
    take = kit.effects(fx.RecordMessage)[0].message
    wishes = [(order.wish, order.number, order.prompt, order.language) for order in kit.effects(fx.AskStudio)]
    assert wishes == [
        ("find", "12345", "", "en"),
        ("finish", "12345", "goodbye", "en"),
        ("keep", "12345", "goodbye", "en"),
    ]
    kit.event(ev.StudioAnswered(desk, True, "goodbye", "ab" * 32, 3.2))
    assert kit.facts(ft.PromptRecorded) == [ft.PromptRecorded("81", "goodbye", "en", "ab" * 32, 3.2)]
    said = [(play.prompts, play.language) for play in kit.effects(fx.Play)]
    assert said == [
        (("enter-work-number",), "zh-CN"),
        (("enter-pin",), "zh-CN"),
        (("studio-number-ask",), "zh-CN"),
        (("studio-language-ask",), "zh-CN"),
        (("studio-now",), "zh-CN"),
        (("goodbye",), "en"),
        (("studio-record", "beep"), "zh-CN"),
        (("studio-new", f"take:{take}", "studio-keys"), "zh-CN"),
        (("studio-kept",), "zh-CN"),
    ]
    kit.heard(desk)
    assert desk not in kit.legs
    kit.everybody_leaves()


def test_only_the_pin_is_secret() -> None:
    kit = Kit(settings=may())
    speaking(kit)
    marked = [e.digit for _, e, out in kit.log if isinstance(e, ev.KeyPressed) and fx.MarkSecret() in out]
    assert marked == ["2", "4", "6", "8"]


@pytest.mark.parametrize(("agent", "pin", "said"), [("81", "1", "pin-wrong"), ("82", "1357", "studio-not-allowed")])
def test_not_everybody_may(agent: str, pin: str, said: str) -> None:
    kit = Kit(settings=may())
    desk = at_the_number(kit, agent, pin)
    assert kit.said(desk)[-1] == said and not kit.effects(fx.AskStudio)
    kit.heard(desk)
    kit.everybody_leaves()


def test_a_number_nobody_has_three_times() -> None:
    kit = Kit(settings=may())
    desk = at_the_number(kit)
    for _ in range(2):
        kit.press("99999#1", desk)
        kit.event(ev.StudioAnswered(desk, False))
        assert kit.said(desk)[-2:] == ["studio-unknown", "studio-number-ask"]
    kit.press("99999#1", desk)
    kit.event(ev.StudioAnswered(desk, False))
    assert kit.said(desk)[-1] == "studio-unknown"
    kit.heard(desk)
    assert desk not in kit.legs
    kit.everybody_leaves()


def test_again_and_giving_up() -> None:
    kit = Kit(settings=may())
    desk = decided(kit, "2")
    first = kit.effects(fx.RecordMessage)[0].message
    kit.heard(desk)
    spoke(kit)
    assert asked(kit).take != first and asked(kit).wish == "finish"
    assert [order.take for order in kit.effects(fx.AskStudio) if order.wish == "drop"] == [first]
    kit.event(ev.StudioAnswered(desk, True, "goodbye", "", 3.2))
    kit.press("*", desk)
    assert kit.said(desk)[-1] == "goodbye" and not kit.facts(ft.PromptRecorded)
    kit.heard(desk)
    assert asked(kit).wish == "drop"
    kit.everybody_leaves()


@pytest.mark.parametrize("silent", [True, False])
def test_what_cannot_be_a_prompt_is_spoken_again_and_in_the_end_given_up(silent: bool) -> None:
    kit = Kit(settings=may())
    desk = speaking(kit)
    for turn in range(3):
        spoke(kit, 0.0 if silent else 4.0)
        if not silent:
            kit.event(ev.StudioAnswered(desk, False))
        if turn < 2:
            assert kit.said(desk)[-1] == "studio-length"
            kit.heard(desk)
            kit.heard(desk)
    assert kit.said(desk)[-1] == "goodbye"
    kit.heard(desk)
    assert desk not in kit.legs
    kit.everybody_leaves()


def test_what_cannot_be_kept_is_said() -> None:
    kit = Kit(settings=may())
    desk = decided(kit, "1")
    kit.event(ev.StudioAnswered(desk, False))
    assert kit.said(desk)[-1] == "not-possible-now" and not kit.facts(ft.PromptRecorded)
    kit.heard(desk)
    kit.everybody_leaves()


def test_a_key_skips_what_stands() -> None:
    kit = Kit(settings=may())
    desk = at_the_number(kit)
    kit.press("12345#2", desk)
    kit.event(ev.StudioAnswered(desk, True, "goodbye"))
    kit.press("5", desk)
    assert kit.said(desk)[-2:] == ["studio-record", "beep"]
    kit.press("5", desk)
    kit.heard(desk)
    assert len(kit.effects(fx.RecordMessage)) == 1
    kit.everybody_leaves()


def test_who_does_nothing_or_leaves_leaves_nothing() -> None:
    kit = Kit(settings=may())
    desk = speaking(kit)
    kit.hang_up(desk)
    assert asked(kit).wish == "drop"
    spoke(kit)
    kit.event(ev.StudioAnswered(desk, True, "goodbye"))
    desk = at_the_number(kit)
    kit.wait(STEP_S)
    assert kit.said(desk)[-1] == "goodbye"
    kit.everybody_leaves()
