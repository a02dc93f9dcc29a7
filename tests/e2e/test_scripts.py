"""Scripts of the caller's line, all at once on one Asterisk: in talks, in menus, round a message; true prompts, waits.

Eight callers talk to eight agents, three are in a menu, three leave a message; each is a story of its own. Silent and
noisy lines begin their script by themselves (`line.auto`), faint ones by the agent's key.
"""

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from ari_app.model.effects import Play
from ari_app.model.facts import (
    Connected,
    LineHeard,
    LineMissed,
    MessageLeft,
    NodeEntered,
    SituationBegan,
    SituationEnded,
    TalkEnded,
)
from ari_app.model.ids import CallId
from ari_app.phones.call import Call
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, Hotline, running_hotline
from tests.e2e.script_kit import Story, check_silent_line, tell
from tests.e2e.test_line import speech

PERSON, BOX, MENU = "1866", "1865", "1867"
AGENTS = ("9001", "9002", "9003", "9004", "9005", "9006", "9007", "9008")
SILENCE = bytes(16_000)
CLEAR = speech(0.0, -38.0)  # Speech at -20 dBFS, 18 dB above a noise.
FAINT = speech(-26.0)
NOISY = speech(0.0, -23.0)  # 3 dB above a noise.
FLOWS = {
    "person": """start: person
nodes:
  person: {type: queue, queue: general, say: []}
""",
    "box": """start: message
nodes:
  message: {type: voicemail, say: [please-wait], silence_s: 8, on_failure: nothing, next: thanks}
  nothing: {type: hangup, say: [voicemail-nothing]}
  thanks: {type: hangup, say: [voicemail-thanks]}
""",
    "keys": """start: menu
nodes:
  menu: {type: menu, say: [please-wait], keys: {"1": more, "0": person}, on_silence: nobody, tries: 1}
  more: {type: menu, say: [please-wait], keys: {"2": bye, "0": person}, on_silence: nobody, tries: 1}
  nobody: {type: situation, situation: silent-line, on_life: menu}
  bye: {type: hangup, say: [goodbye]}
  person: {type: queue, queue: general, say: []}
""",
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("scripts")
    shutil.copytree(REPOSITORY / "ivr_flows", folder / "flows")
    for name, text in FLOWS.items():
        (folder / "flows" / f"{name}.yaml").write_text(text)
    changes = {
        "numbers": {PERSON: {"flow": "person"}, BOX: {"flow": "box"}, MENU: {"flow": "keys"}},
        "paths": {"flows": str(folder / "flows")},
        "line": {"auto": ["silent", "noisy"]},
        "agents": {number: {"phone": f"p{number}", "skills": {"mandarin": 3}} for number in AGENTS},
        "phones": {f"p{number}": {} for number in AGENTS},
    }
    with running_asterisk(folder, merged(CHANGES, changes)) as it:
        yield it


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()


async def silent_in_a_talk(of: Story) -> None:
    call, known, _ = await of.talks(PERSON, SILENCE)
    await of.hotline.wait(SituationBegan, 15, call=known, situation="silent-line", where="talking")
    ended = await of.hotline.wait(TalkEnded, call=known)
    assert ended.by == "script", "the agent goes on"
    assert (await of.ends(call, known, "silent-line")).step == 7
    await check_silent_line(of.hotline, known, call)


async def muted_in_a_talk(of: Story) -> None:
    """His phone sends nothing at all: that is silence, too."""
    call, known, _ = await of.talks(PERSON, SILENCE)
    assert call.voice is not None
    call.voice.sending = False
    await of.hotline.wait(LineHeard, 15, call=known, verdict="silent")
    await of.hotline.wait(SituationBegan, 5, call=known, situation="silent-line", where="talking")
    await call.hangup()


async def cut_off_in_a_talk(of: Story) -> None:
    """Asterisk stops writing what he says: the talk goes on, and says that it is not heard."""
    call, known, agent = await of.talks(PERSON, CLEAR)
    await of.hotline.wait(LineHeard, 15, call=known, verdict="clear")
    [(line, leg)] = [each for each in of.hotline.daemon.hearing._legs.items() if each[0].startswith(f"{known}.")]
    await of.hotline.daemon.ami.stop_recording(leg, line)
    missed = await of.hotline.wait(LineMissed, 20, call=known)
    assert "written nothing" in missed.reason
    [seen] = [each for each in of.hotline.daemon.desk.view().calls if each.id == known]
    assert seen.line is None and not agent.ended.is_set()
    await call.hangup()


async def speaks_seven_seconds_in(of: Story) -> None:
    call, known, _ = await of.talks(PERSON, SILENCE)
    await of.hotline.wait(SituationBegan, 15, call=known, situation="silent-line")
    assert await call.lasts(7.0)
    call.send(CLEAR, loop=True)
    ended = await of.hotline.wait(SituationEnded, 3, call=known)
    assert ended.outcome == "speech"
    again = await of.hotline.wait(Connected, 20, call=known, count=2)
    await of.hotline.wait(LineHeard, 15, call=known, verdict="clear", agent=again.agent)
    await call.hangup()


async def stays_faint(of: Story) -> None:
    call, known, agent = await of.talks(PERSON, FAINT)
    await of.hotline.wait(LineHeard, 15, call=known, verdict="quiet")
    await agent.press("*0")
    await of.hotline.wait(SituationBegan, call=known, situation="low-voice", where="talking")
    await of.ends(call, known, "low-voice")
    plays = [e for e in of.hotline.effects if isinstance(e, Play) and e.playback.startswith(f"{known}.")]
    assert [play.prompts for play in plays[-2:]] == [("low-voice-louder",), ("low-voice-other-phone", "goodbye")]


async def speaks_up(of: Story) -> None:
    call, known, agent = await of.talks(PERSON, FAINT)
    first = await of.hotline.wait(LineHeard, 15, call=known, verdict="quiet")
    await agent.press("*0")
    await of.hotline.wait(SituationBegan, call=known, situation="low-voice")
    call.send(speech(), loop=True)
    assert (await of.hotline.wait(SituationEnded, 30, call=known)).outcome == "clear"
    await of.hotline.wait(Connected, 20, call=known, count=2)
    [seen] = [each for each in of.hotline.daemon.desk.view().calls if each.id == known]
    assert (seen.note, seen.passed_by) == ("low-voice", first.agent)
    await call.hangup()


async def noisy_in_a_talk(of: Story) -> None:
    call, known, _ = await of.talks(PERSON, NOISY)
    await of.hotline.wait(SituationBegan, 15, call=known, situation="noisy-line", where="talking")
    await of.ends(call, known, "noisy-line")


async def clear_with_some_noise(of: Story) -> None:
    call, known, agent = await of.talks(PERSON, CLEAR)
    assert await call.lasts(25.0) and not agent.ended.is_set()
    assert [heard.verdict for heard in of.of(LineHeard, known)] == ["clear"]
    assert not of.of(SituationBegan, known)
    await call.hangup()


async def keys_and_no_word(of: Story, sound: bytes = SILENCE) -> None:
    call, known = await of.dials(MENU)
    call.send(sound, loop=True)
    for node, key in (("menu", "1"), ("more", "2")):
        await of.hotline.wait(NodeEntered, call=known, node=node)
        assert await call.lasts(2.5)
        await call.press(key)
    await of.hotline.wait(NodeEntered, call=known, node="bye")
    await call.wait_ended(10)
    assert not of.of(SituationBegan, known)


async def noise_and_keys(of: Story) -> None:
    await keys_and_no_word(of, NOISY)


async def nothing_through_a_menu(of: Story) -> None:
    call, known = await of.dials(MENU)
    await of.hotline.wait(SituationBegan, 20, call=known, situation="silent-line", where="in-flow")
    assert (await of.ends(call, known, "silent-line")).step == 7
    await check_silent_line(of.hotline, known, call)


async def faint_message(of: Story) -> None:
    """It is kept, and spoken anew."""
    call, known = await _messages(of, FAINT)
    await of.hotline.wait(LineHeard, 15, call=known, verdict="quiet")
    await call.press("#")
    await of.hotline.wait(MessageLeft, call=known)
    await of.hotline.wait(SituationBegan, call=known, situation="low-voice", where="voicemail")
    call.send(speech(), loop=True)
    assert (await of.hotline.wait(SituationEnded, 30, call=known)).outcome == "clear"
    await of.hotline.wait(LineHeard, 20, call=known, verdict="clear", count=2)
    await call.press("#")
    await of.hotline.wait(MessageLeft, call=known, count=2)
    await of.hotline.wait(NodeEntered, call=known, node="thanks")
    await call.wait_ended(15)


async def noisy_message(of: Story) -> None:
    call, known = await _messages(of, NOISY)
    await of.hotline.wait(LineHeard, 15, call=known, verdict="noisy")
    await call.press("#")
    await of.ends(call, known, "noisy-line")
    assert len(of.of(MessageLeft, known)) == 1


async def silent_message(of: Story) -> None:
    call, known = await _messages(of, SILENCE)
    await of.ends(call, known, "silent-line")
    assert not of.of(MessageLeft, known)


@pytest.mark.timeout(180)
async def test_lines_that_need_a_script_get_it_and_no_other(hotline: Hotline) -> None:
    stories = (
        *(silent_in_a_talk, speaks_seven_seconds_in, stays_faint, speaks_up, noisy_in_a_talk, clear_with_some_noise),
        *(muted_in_a_talk, cut_off_in_a_talk),
        *(keys_and_no_word, noise_and_keys, nothing_through_a_menu),
        *(faint_message, noisy_message, silent_message),
    )
    await tell(hotline, stories, AGENTS)


async def _messages(of: Story, sound: bytes) -> tuple[Call, CallId]:
    call, known = await of.dials(BOX)
    await of.hotline.wait(NodeEntered, call=known, node="message")
    call.send(sound, loop=True)
    return call, known
