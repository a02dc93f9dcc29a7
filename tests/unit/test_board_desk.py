"""Feature codes at an agent's phone; the PIN is seen by nobody."""

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, LegId
from ari_app.model.states import AgentState
from tests.board_kit import Kit
from tests.unit.test_board_call import queued, talking


def test_sign_in() -> None:
    kit = Kit()
    desk = kit.dial("p83", "*11")
    kit.press("81#", desk)
    kit.press("2468#", desk)
    assert kit.said(desk) == ["enter-work-number", "enter-pin", "signed-in"]
    assert kit.state("81") is AgentState.NOT_READY and kit.facts(ft.AgentChanged)[0].phone == "p83"
    kit.heard(desk)
    assert desk not in kit.legs
    kit.everybody_leaves()


def test_pin_is_marked_secret_and_stands_nowhere() -> None:
    kit = Kit()
    desk = kit.dial("p81", "*11")
    kit.press("81#2468", desk)
    kit.deaf = {fx.CheckPin}
    kit.press("#99", desk)
    marked = [e.digit for _, e, out in kit.log if isinstance(e, ev.KeyPressed) and fx.MarkSecret() in out]
    assert marked == ["2", "4", "6", "8", "9", "9"], "each digit, also those typed on after the PIN was taken"
    assert "2468" not in repr([e for _, _, out in kit.log for e in out]) and "2468" not in repr(kit.facts())
    assert kit.effects(fx.CheckPin)[0].pin == "2468"


def test_wrong_pin() -> None:
    kit = Kit()
    desk = kit.dial("p81", "*11")
    kit.press("81#1111#", desk)
    assert kit.said(desk)[-1] == "pin-wrong" and kit.state("81") is AgentState.SIGNED_OUT
    kit.heard(desk)
    kit.everybody_leaves()


def try_pin(kit: Kit, pin: str, phone: str = "p81") -> str:
    desk = kit.dial(phone, "*11")
    kit.press(f"81#{pin}#", desk)
    said = kit.said(desk)[-1]
    kit.hang_up(desk)
    return said


def test_who_guesses_pins_is_told_that_none_is_right() -> None:
    kit = Kit()
    assert [try_pin(kit, "1111") for _ in range(5)] == ["pin-wrong"] * 5
    assert [warn for warn in kit.effects(fx.Warn) if warn.message.startswith("p81: 5 PINs")]
    checked = len(kit.effects(fx.CheckPin))
    assert try_pin(kit, "2468") == "pin-wrong" and len(kit.effects(fx.CheckPin)) == checked == 5
    assert try_pin(kit, "2468", "p83") == "signed-in", "from another phone he signs in"
    kit.ask("81", "sign-out")
    kit.wait(301)
    assert try_pin(kit, "2468") == "signed-in"
    kit.everybody_leaves()


def test_a_right_pin_makes_up_for_the_wrong_ones() -> None:
    kit = Kit()
    for _ in range(3):
        assert [try_pin(kit, "1111") for _ in range(4)] == ["pin-wrong"] * 4
        assert try_pin(kit, "2468") == "signed-in"
        kit.ask("81", "sign-out")
    kit.everybody_leaves()


def test_many_guesses_at_once_count_before_they_are_checked() -> None:
    kit = Kit()
    kit.deaf = {fx.CheckPin}
    for _ in range(8):
        kit.press("81#1111#", kit.dial("p81", "*11"))
    assert len(kit.effects(fx.CheckPin)) == 5
    kit.deaf.clear()
    kit.everybody_leaves()


def test_answers_about_a_pin_nobody_asked_for() -> None:
    kit = Kit()
    desk = kit.dial("p81", "*11")
    kit.press("81#", desk)
    for checked in (ev.PinChecked(desk, AgentId("81"), True), ev.PinChecked(LegId("x"), AgentId("81"), True)):
        assert kit.event(checked) == []
    kit.deaf = {fx.CheckPin}
    kit.press("1#", desk)
    assert kit.event(ev.PinChecked(desk, AgentId("82"), True)) == []
    kit.event(ev.PinChecked(desk, AgentId("81"), False))
    assert kit.event(ev.PinChecked(desk, AgentId("81"), True)) == []
    assert kit.state("81") is AgentState.SIGNED_OUT


def test_sign_in_where_another_is_signed_in() -> None:
    kit = Kit()
    kit.ready("82")
    desk = kit.dial("p82", "*11")
    kit.press("81#2468#", desk)
    assert kit.said(desk)[-1] == "not-possible-now"


@pytest.mark.parametrize(
    ("code", "said", "state"),
    [
        ("*12", "agent-ready", AgentState.READY),
        ("*13", "agent-not-ready", AgentState.NOT_READY),
        ("*131", "agent-not-ready", AgentState.NOT_READY),
        ("*139", "code-unknown", AgentState.READY),
        ("*14", "signed-out", AgentState.SIGNED_OUT),
        ("*15", "code-unknown", AgentState.READY),
        ("*99", "code-unknown", AgentState.READY),
        ("*121", "code-unknown", AgentState.READY),
    ],
)
def test_codes(code: str, said: str, state: AgentState) -> None:
    kit = Kit()
    kit.ready("81")
    desk = kit.dial("p81", code)
    assert kit.said(desk) == [said] and kit.state("81") is state
    kit.press("5#", desk)
    kit.heard(desk)
    assert desk not in kit.legs
    kit.everybody_leaves()


def test_code_of_nobody() -> None:
    kit = Kit()
    assert kit.said(kit.dial("p81", "*12")) == ["not-signed-in"]


def test_disposition_by_code() -> None:
    kit = Kit()
    kit.ready("81")
    talking(kit)
    kit.hang_up(kit.leg_of("81"))
    assert kit.said(kit.dial("p81", "*152")) == ["disposition-noted"]
    assert kit.facts(ft.DispositionNoted)[0].disposition == "ticket"
    kit.everybody_leaves()


def test_phone_is_not_rung_while_it_dials() -> None:
    """Else it would answer busy to the call its own *12 brought it."""
    kit = Kit()
    queued(kit)
    kit.ask("81", "sign-in")
    desk = kit.dial("p81", "*12")
    assert kit.state("81") is AgentState.READY and not kit.effects(fx.Ring)
    kit.heard(desk)
    assert kit.state("81") is AgentState.RESERVED
    kit.everybody_leaves()


@pytest.mark.parametrize("typed", ["", "8", "81#", "81#24", "81#2468#"])
def test_nothing_more_comes(typed: str) -> None:
    kit = Kit()
    kit.deaf = {fx.CheckPin}
    desk = kit.dial("p81", "*11")
    kit.press(typed, desk)
    kit.wait(15)
    assert kit.said(desk)[-1] == "goodbye"
    kit.deaf = {fx.HangUp}
    kit.wait(15)
    assert kit.effects(fx.HangUp)
    kit.wait(15)
    assert not kit.board.floor.desks, "taken for gone when Asterisk never says so"


@pytest.mark.parametrize("typed", ["", "8", "81#", "81#24", "81#2468#"])
def test_hang_up_at_any_moment(typed: str) -> None:
    kit = Kit()
    desk = kit.dial("p81", "*11")
    kit.press(typed, desk)
    kit.hang_up(desk)
    kit.everybody_leaves()


def test_repeated_dial() -> None:
    kit = Kit()
    desk = kit.dial("p81", "*11")
    assert kit.event(ev.FeatureDialled(desk, kit.board.floor.seats[AgentId("81")].phone, "*11")) == []
