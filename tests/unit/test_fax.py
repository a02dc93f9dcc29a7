"""A fax machine that calls: told by its tones, passed on or said goodbye to."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ari_app.line.fax import FaxEar, tone_s
from ari_app.media.analyser import Lines
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.control import TransferBegan
from ari_app.model.line import Rules
from tests.board_kit import Kit, loaded, settings, situation
from tests.unit.test_analyser import speech, written

RATE = 8000


def tone(hz: float, seconds: float = 1.0, dbfs: float = -20.0) -> np.ndarray:
    return np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


def calling(seconds: float, hz: float = 1100) -> np.ndarray:
    """CNG: half a second of tone every three and a half."""
    one = np.concatenate([tone(hz, 0.5), np.zeros(3 * RATE)])
    return np.tile(one, int(seconds / 3.5) + 1)[: int(seconds * RATE)]


@pytest.mark.parametrize("hz", [1100, 1062, 1138, 2100, 2085, 2115])
def test_the_tones_of_t30_are_told_within_their_tolerance(hz: float) -> None:
    assert tone_s(tone(hz)) == 1.0


@pytest.mark.parametrize("hz", [350, 450, 480, 950, 1000, 1209, 1336, 1400, 1800, 2000, 2200])
def test_other_tones_of_telephones_are_none(hz: float) -> None:
    assert tone_s(tone(hz)) == 0.0


def test_neither_speech_nor_noise_nor_a_faint_tone_is_one() -> None:
    noise = np.random.default_rng(1).standard_normal(4 * RATE) * 0.1
    assert tone_s(noise) == 0.0 and tone_s(tone(1100, dbfs=-50)) == 0.0
    assert tone_s(speech(8)) <= 0.04


def test_it_is_told_once_and_only_while_the_line_is_a_tone() -> None:
    ear = FaxEar(0.8)
    told = [ear.heard(tone(1100, 0.5), is_tone) for is_tone in (False, True, True, True, False, True, True)]
    assert told == [False, False, True, False, False, False, True]


def reports(path: Path, sound: np.ndarray, metered: bool = False) -> list[dict[str, Any]]:
    lines, found = Lines(Rules()), []
    lines.watch("7-1.h1", path)
    lines.meter("7-1.h1", metered)
    raw = written(sound)
    for end in range(32_768, len(raw), 32_768):
        path.write_bytes(raw[:end])
        found += lines.look(0.0)
    return found


def test_the_analyser_tells_a_calling_fax_within_ten_seconds(tmp_path: Path) -> None:
    found = reports(tmp_path / "a", calling(12))
    assert [each.get("verdict") for each in found if "verdict" in each] == ["tone"]
    assert [each for each in found if "fax" in each] == [{"line": "7-1.h1", "fax": True}]
    assert not [each for each in reports(tmp_path / "b", calling(12, 1000)) if "fax" in each]


def test_steps_are_told_only_while_somebody_watches(tmp_path: Path) -> None:
    sound = speech(4)
    steps = [each["meter"] for each in reports(tmp_path / "a", sound, metered=True) if "meter" in each]
    assert len(steps) >= 7 and {each["verdict"] for each in steps} == {None, "clear"}
    assert steps[-1]["speech_s"] > 1 and -23 < steps[-1]["speech_dbfs"] < -17 and steps[-1]["snr_db"] > 20
    assert not [each for each in reports(tmp_path / "b", sound) if "meter" in each]


# -- on the board --

FLOW: dict[str, Any] = {
    "start": "menu",
    "nodes": {
        "menu": {"type": "menu", "say": ["main-menu"], "keys": {"1": "billing", "2": "box"}},
        "billing": {"type": "queue", "queue": "billing", "say": []},
        "box": {"type": "voicemail", "next": "thanks", "on_failure": "menu"},
        "thanks": {"type": "hangup", "say": ["voicemail-thanks"]},
    },
}
FAX = situation(trigger="fax", allowed=["talking", "voicemail"], life=[], steps=[{"say": ["fax-goodbye"]}, "hang-up"])
OUTBOUND = {"trunk": "carrier", "permitted": ["10086"]}
TRUNKS = {"carrier": {"match": ["192.0.2.1"], "address": "192.0.2.1:5060"}}


def talking(fax_to: str = "", situations: Any = None) -> Kit:
    changes = {"outbound": OUTBOUND, "trunks": TRUNKS, "line": {"fax_to": fax_to}, "billing": {"whisper": ""}}
    scripts = {"fax": FAX} if situations is None else situations
    kit = Kit(settings(**changes), flows={"main": loaded(FLOW, situations=scripts)})
    kit.ready("81")
    kit.arrive()
    kit.press("1")
    kit.rings("81")
    kit.answers("81")
    return kit


def is_fax(kit: Kit) -> None:
    kit.event(ev.FaxHeard(kit.effects(fx.HearLine)[-1].line))


def test_a_fax_in_a_talk_hears_goodbye_and_the_agent_is_free() -> None:
    kit = talking()
    is_fax(kit)
    assert kit.said()[-1] == "fax-goodbye" and kit.state("81") == "wrap-up"
    kit.heard()
    assert [fact.outcome for fact in kit.facts(ft.SituationEnded)] == ["hung-up"]
    kit.everybody_leaves()


def test_it_is_passed_on_to_the_number_for_faxes() -> None:
    kit = talking("number:10086")
    is_fax(kit)
    [began] = kit.facts(TransferBegan)
    assert (began.how, began.target, began.number) == ("blind", "number", "10086")
    assert "fax-goodbye" not in kit.said()
    kit.everybody_leaves()


def test_where_it_cannot_go_it_hears_goodbye_and_the_log_says_why() -> None:
    kit = talking("agent:82")
    is_fax(kit)
    assert kit.said()[-1] == "fax-goodbye"
    assert any("fax_to" in warned.message for warned in kit.effects(fx.Warn))
    kit.everybody_leaves()


def test_without_a_script_for_it_nothing_happens() -> None:
    kit = talking(situations={})
    is_fax(kit)
    assert kit.state("81") == "talking"
    kit.everybody_leaves()


def test_a_line_that_is_heard_no_more_is_no_fax() -> None:
    kit = talking()
    kit.event(ev.FaxHeard("7-1.h99"))  # type: ignore[arg-type]
    assert kit.state("81") == "talking"


def test_a_fax_that_leaves_a_message_hears_goodbye_after_it() -> None:
    kit = Kit(settings(), flows={"main": loaded(FLOW, situations={"fax": FAX})})
    kit.arrive()
    kit.press("2")
    kit.heard()
    is_fax(kit)
    kit.event(ev.MessageRecorded(kit.effects(fx.RecordMessage)[-1].message, 9.0))
    kit.wait(0.3)
    assert kit.said()[-1] == "fax-goodbye"
    kit.everybody_leaves()
