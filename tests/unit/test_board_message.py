"""Messages on the board: how one ends, whom to call back, and that nobody is spoken to who is gone."""

from typing import Any

import pytest

from ari_app.board.walk import MESSAGE_GRACE_S
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from tests.board_kit import Kit

DESK: dict[str, Any] = {
    "start": "number",
    "nodes": {
        "number": {"type": "collect", "say": ["message-desk-number-ask"], "into": "back", "next": "message"},
        "message": {"type": "voicemail", "number": "back", "on_failure": "nothing", "next": "thanks"},
        "nothing": {"type": "hangup", "say": ["voicemail-nothing"]},
        "thanks": {"type": "hangup", "say": ["voicemail-thanks"]},
    },
}


def speaking(kit: Kit) -> fx.RecordMessage:
    """A caller who has given a number and speaks after the tone."""
    leg = kit.arrive()
    kit.press("13912345678#")
    kit.heard(leg)
    return kit.effects(fx.RecordMessage)[-1]


def recorded(kit: Kit, seconds: float) -> None:
    kit.event(ev.MessageRecorded(kit.effects(fx.RecordMessage)[-1].message, seconds))


def test_the_message_holds_the_number_the_caller_gave() -> None:
    kit = Kit(flow=DESK)
    order = speaking(kit)
    kit.press(order.end_key)
    recorded(kit, 7.0)
    assert kit.facts(ft.MessageLeft) == [ft.MessageLeft(order.call, order.message, "general", 7.0, "13912345678")]
    assert kit.said()[-1] == "voicemail-thanks"
    kit.everybody_leaves()


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_who_hangs_up_while_he_speaks_is_led_nowhere(seconds: float) -> None:
    """Asterisk tells the recording's end first, then that the caller is gone."""
    kit = Kit(flow=DESK)
    order = speaking(kit)
    nodes = len(kit.facts(ft.NodeEntered))
    recorded(kit, seconds)
    kit.hang_up(order.leg)
    kit.wait(60)
    assert len(kit.facts(ft.NodeEntered)) == nodes
    assert kit.facts(ft.CallClosed)[0].node == "message" and len(kit.facts(ft.MessageLeft)) == bool(seconds)
    kit.everybody_leaves()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "voicemail-nothing"), (1.0, "voicemail-nothing"), (2.0, "voicemail-thanks"), (120.0, "voicemail-thanks")],
)
def test_silence_and_the_longest_time_end_it_a_moment_later(seconds: float, said: str) -> None:
    kit = Kit(flow=DESK)
    speaking(kit)
    recorded(kit, seconds)
    assert kit.said()[-1] == "beep"
    kit.wait(MESSAGE_GRACE_S)
    assert kit.said()[-1] == said
    kit.everybody_leaves()


def test_one_second_ended_by_the_key_is_a_message() -> None:
    kit = Kit(flow=DESK)
    order = speaking(kit)
    kit.press(order.end_key)
    recorded(kit, 1.0)
    assert len(kit.facts(ft.MessageLeft)) == 1 and kit.said()[-1] == "voicemail-thanks"
    kit.everybody_leaves()


def test_another_key_ends_nothing() -> None:
    kit = Kit(flow=DESK)
    speaking(kit)
    kit.press("5")
    recorded(kit, 0.0)
    assert kit.said()[-1] == "beep"
    kit.wait(1)
    assert kit.said()[-1] == "voicemail-nothing"
    kit.everybody_leaves()
