"""A flow walked in the terminal: what is shown, what nonsense is answered, and that a saved walk passes as a test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ari_app.media.prompts import Prompts
from ari_app.transcript.parse import clock, parse
from ari_app.transcript.rehearse import House, rehearse
from ari_app.transcript.report import lines
from ari_app.transcript.steps import Header
from ari_app.transcript.trial import Trial
from tests.asterisk import REPOSITORY
from tests.unit.transcript_kit import house_in, write_site

PROMPTS = Prompts.load(REPOSITORY / "sounds")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_in(tmp_path_factory.mktemp("house"))


def begin(house: House, flow: str, at: str = "2026-03-02 10:00", language: str | None = None) -> Trial:
    header = Header(flow=flow, at=clock(at), language=language)  # type: ignore[arg-type]
    number = "1870" if flow == "desk" else "1860"
    trial = Trial.of(house, header, number, lambda prompt, lang: PROMPTS.rows[prompt, lang].text)
    trial.shown = trial.take(f"caller 13800138000 → {number}")  # type: ignore[attr-defined]
    return trial


TYPED = (".", "1", "345#", "3456", "a=1", "balance=-5 stopped=yes", "fail", "wait 3", "hang up", "message of 200s")
TYPED += ("agent answers", "agent declines", "agent hangs up", "agent 8025 signs in", "agent 8025 goes ready", "help")
TYPED += ("at 2026-03-02 21:00", "at 2000-01-01 00:00", "caller  → 1870", "caller 1 → 1860", "agent 8025 signs out")
WALKS = {
    "queue, agent, goodbye": ("main", ["1", "agent answers", "wait 3", "agent holds", "agent hangs up", ".", "."]),
    "silence, wrong keys": ("main", [".", ".", "9", "wait 5", "*", "0", "wait 20", "hang up"]),
    "english, declined": ("main", ["3", ".", "2", "agent 8026 signs in", "agent 8026 goes ready", "agent declines"]),
    "look-up by hand": ("desk", ["12", ".", "345#", "3456", "balance=12.5 stopped=no", ".", "2", "."]),
    "look-up fails": ("desk", ["#", "3456", "fail down", "."]),
    "time moves": ("desk", ["1", "3456", "at 2026-03-02 21:00", "balance=1 stopped=yes", ".", "."]),
    "night": ("desk", ["hang up", "at 2026-03-02 23:00", "caller 13900139000 → 1870", "message of 7s", "."]),
    "keys after the end": ("desk", ["1", "3456", "fail", ".", "123"]),
    "nonsense between": ("main", ["xx", "", "balance=1", "agent hangs up", "1", "agent juggles", "hang up", "1", "."]),
}


@pytest.mark.parametrize("name", WALKS)
def test_saved_walk_passes(name: str, house: House) -> None:
    flow, commands = WALKS[name]
    trial = begin(house, flow)
    for command in commands:
        trial.take(command)
    text = trial.saved(name)
    outcome = rehearse(parse(text, "walk.call"), house)
    assert outcome.ok, "\n".join(lines(outcome))
    assert text.count("\n  < ") == text.count("\ncaller") + sum(
        text.count(f"\n{verb} ") for verb in ("press", "wait", "agent", "hang", "look-up", "message", "at")
    )


def test_saved_walk_keeps_what_happened(house: House) -> None:
    trial = begin(house, "desk", language="en")
    for command in ("1", "3456", "balance=12.5 stopped=no"):
        trial.take(command)
    text = trial.saved("Balance")
    assert text.startswith("# Balance\nflow: desk\nat: 2026-03-02 10:00:00 Asia/Shanghai\nlanguage: en\n\ncaller ")
    assert "look-up balance answers balance=12.5 stopped=no\n  < fact LookUpDone ok=yes, " in text
    wrong = rehearse(parse(text.replace("stopped=no", "stopped=yes"), "walk.call"), house)
    assert not wrong.ok


def test_what_is_shown(house: House) -> None:
    trial = begin(house, "desk", language="en")
    assert trial.shown == [  # type: ignore[attr-defined]
        "10:00:00  13800138000 calls 1870: flow desk",
        "10:00:00  node office (hours)",
        "10:00:00  node greeting (greet)",
        "10:00:00  “Good morning, and welcome. We are glad you called.”  greeting-morning",
    ]
    trial.take("1")
    assert trial.take("3456")[-1] == ("10:00:00  asks look-up balance (agi): answer with balance=… stopped=…, or fail")
    assert trial.take(".")[0].startswith("look-up balance waits for its answer")
    shown = trial.take("balance=12.5 stopped=no")
    assert shown[0] == "10:00:00  the look-up is answered" and "num-12" in "".join(shown)
    assert trial.take("help")[0].startswith("1  *  123#")
    assert trial.take("agent answers") == ["the caller does not wait in a queue   (help lists what can be typed)"]
    assert trial.take("hang up")[-1].startswith("10:00:00  the call is over (by caller)")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(st.one_of(st.sampled_from(TYPED), st.text(max_size=30)), max_size=12))
@example(commands=["1", "3456", "0" * 29])  # Longer than a look-up may take.
def test_whatever_is_typed_is_answered_and_can_be_saved(commands: list[str], house: House) -> None:
    trial = begin(house, "desk")
    for command in commands:
        trial.take(command)
    outcome = rehearse(parse(trial.saved("Any"), "any.call"), house)
    assert outcome.ok or trial.untold, "\n".join([*lines(outcome), trial.saved("Any")])


# -- the commands --


def hotline(folder: Path, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HOTLINE_CONFIG": str(folder / "config.yaml"), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "ari_app", "flow", *words]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, env=environment, cwd=folder, timeout=50, check=False
    )


def test_try_and_test_at_the_terminal(tmp_path: Path) -> None:
    write_site(tmp_path)
    flow = ("ivr_flows/desk.yaml", "--at", "2026-03-02 23:00")
    walked = hotline(tmp_path, "try", *flow, typed="message of 5s\nsave night.call\nsave night.call\nquit\n")
    assert "23:00:00  node message (voicemail)" in walked.stdout and not walked.stderr
    assert "saved night.call" in walked.stdout and "not saved: night.call: is there already" in walked.stdout
    assert walked.returncode == 1, "the second save"
    ran = hotline(tmp_path, "test", "night.call")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "ok      night.call  night")
    (tmp_path / "bad.call").write_text("caller 1 → 1870\n  < play goodbye\n")
    (tmp_path / "worse.call").write_text("jump\n")
    ran = hotline(tmp_path, "test", ".")
    assert ran.returncode == 1 and not ran.stderr
    assert "FAILED  bad.call:2: wanted: play goodbye" in ran.stdout
    assert "FAILED  worse.call:1: no step reads like this: 'jump'" in ran.stdout
    assert "\n3 transcripts: 1 passed, 2 failed; " in ran.stdout


def test_mistakes_at_the_terminal_are_messages(tmp_path: Path) -> None:
    write_site(tmp_path)
    for words, said in {
        ("try", "gone.yaml"): "gone.yaml: no such flow file",
        ("try", "ivr_flows/dsek.yaml"): "dsek.yaml: no such flow file   did you mean 'desk'?",
        ("show", "ivr_flows/dsek.yaml"): "F001  cannot be read: no such file or directory   did you mean 'desk'?",
        ("check", "agi_scripts"): "agi_scripts: no flow file (*.yaml) in this folder",
        ("try", "ivr_flows/desk.yaml", "--at", "noon"): "no time: 'noon'",
        ("try", "ivr_flows/desk.yaml", "--lang", "fr"): "--lang fr: want zh-CN or en",
        ("test",): "no transcripts: name a file",
        ("test", "gone"): "gone: no such file or folder",
    }.items():
        ran = hotline(tmp_path, *words)
        assert ran.returncode == 1 and said in ran.stderr and "Traceback" not in ran.stderr
    (tmp_path / "slip.yaml").write_text("start: a\nnodes:\n  a: {type: hangup, say: [good-bye]}\n")
    assert "prompt 'good-bye'   did you mean 'goodbye'?" in hotline(tmp_path, "check", "slip.yaml").stdout
    assert hotline(tmp_path, "check", "desk").stdout == "1 flow, 11 nodes: ok\n", "a flow's name will do"
    (tmp_path / "config.yaml").unlink()
    assert "config.yaml: not here" in hotline(tmp_path, "check").stderr
