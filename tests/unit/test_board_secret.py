"""A secret is asked for only once it is certain that nothing of the call is recorded any more."""

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import LegId, RecordingId
from ari_app.model.states import CallState
from tests.board_kit import MAIN, Kit
from tests.unit.test_board_control import does, house, talking

FLOW = {
    **MAIN,
    "nodes": {
        **MAIN["nodes"],
        "password": {
            **{"type": "collect", "say": ["enter"], "into": "pin", "min": 4, "max": 4, "secret": True},
            **{"on_failure": "elsewhere", "next": "menu"},
        },
        "elsewhere": {"type": "play", "say": ["not-now"], "next": "menu"},
    },
}
RECORDED = {"recording": {"policy": "always"}, "whisper": ""}


def sent_to_password() -> tuple[Kit, LegId, RecordingId]:
    """A caller whose recorded talk was ended by sending him to the node that asks; Asterisk does not confirm."""
    kit = Kit(house(billing=RECORDED), FLOW, prompt_s=1.0, deaf={fx.StopRecording})
    leg = talking(kit)
    recording = kit.board.floor.calls[kit.board.floor.legs[leg]].recording
    assert recording is not None
    does(kit, "81", "transfer", "flow:password")
    assert kit.call(leg) is CallState.IN_FLOW
    return kit, leg, recording


def test_the_question_waits_until_the_stop_is_confirmed() -> None:
    kit, leg, recording = sent_to_password()
    assert kit.effects(fx.StopRecording)[-1].recording == recording
    kit.wait(1)
    assert "enter" not in kit.said(leg)
    kit.event(ev.RecordingStopped(recording))
    assert kit.said(leg)[-1] == "enter"
    kit.wait(60)
    assert "not-now" not in kit.said(leg)[: kit.said(leg).index("enter") + 1]


def test_unconfirmed_means_not_asked() -> None:
    kit, leg, _ = sent_to_password()
    kit.wait(3.5)
    assert "enter" not in kit.said(leg) and kit.said(leg)[-1] == "not-now"
    assert any("a secret was not asked for" in effect.message for effect in kit.effects(fx.Warn))
    kit.wait(2)
    assert kit.said(leg)[-1] == "main-menu", "and the flow goes on"


def test_a_confirmation_that_comes_too_late_asks_nothing() -> None:
    kit, leg, recording = sent_to_password()
    kit.wait(3.5)
    kit.event(ev.RecordingStopped(recording))
    assert "enter" not in kit.said(leg)


def test_keys_pressed_meanwhile_count_and_nothing_is_asked_later() -> None:
    kit, leg, recording = sent_to_password()
    kit.press("1234", leg)
    kit.event(ev.RecordingStopped(recording))
    kit.wait(5)
    assert "enter" not in kit.said(leg) and kit.said(leg)[-1] == "main-menu"


def test_who_hangs_up_meanwhile_is_gone() -> None:
    kit, leg, recording = sent_to_password()
    kit.hang_up(leg)
    kit.event(ev.RecordingStopped(recording))
    kit.wait(5)
    kit.everybody_leaves()


def test_after_a_crash_it_is_confirmed_anew() -> None:
    kit, leg, recording = sent_to_password()
    kit.crash()
    assert "enter" not in kit.said(leg)
    assert kit.effects(fx.StopRecording)[-1].recording == recording
    kit.event(ev.RecordingStopped(recording))
    assert kit.said(leg)[-1] == "enter"
