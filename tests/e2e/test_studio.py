"""A prompt recorded from a telephone: heard back, kept, and heard by the next caller."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ari_app.commands.prompts import read_catalogue
from ari_app.media import build, pcm
from ari_app.media.catalogue import number_of
from ari_app.media.prompts import Prompts
from ari_app.model.effects import RecordMessage
from ari_app.model.facts import NodeEntered, PromptRecorded
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, PORTS, Hotline, running_hotline

PROMPT, LANGUAGE = "main-menu", "zh-CN"
FIRST_HZ, SECOND_HZ = 700, 1300


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("studio")
    shutil.copytree(REPOSITORY / "sounds", folder / "sounds")
    changes = {
        "paths": {"sounds": str(folder / "sounds")},
        "agents": {"8025": {"may": ["record-prompts"]}},
    }
    with running_asterisk(folder, merged(CHANGES, changes)) as running:
        yield running


@pytest.fixture
async def hotline(asterisk: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(asterisk) as running:
        yield running
        await running.at_rest()


def sounds(asterisk: RunningAsterisk) -> Path:
    return Path(asterisk.settings.paths.sounds)


def desk(hotline: Hotline, name: str) -> Phone:
    return Phone(name, hotline.asterisk.secrets.phones[name], hotline.asterisk.sip, PORTS, register=True)


async def to_the_tone(hotline: Hotline, phone: Phone, agent: str) -> Call:
    call = await phone.dial("*17")
    await call.wait_silence_end(5)
    await call.press(f"{agent}#")
    await call.press(f"{hotline.asterisk.secrets.pins[agent]}#")
    await call.press(f"{number_of(PROMPT)}#")
    await call.press("1")
    return call


async def speak(hotline: Hotline, call: Call, hz: int, count: int) -> None:
    """After the tone, until the key; then hear it back."""
    await hotline.asked(RecordMessage, 40, count)
    call.play_tone(hz)
    await call.lasts(2.5)
    call.hush()
    await call.press("#")
    await call.wait_tone(hz, 15)


@pytest.mark.timeout(180)
async def test_a_prompt_is_recorded_heard_back_and_kept(hotline: Hotline) -> None:
    folder = sounds(hotline.asterisk)
    before = Prompts.load(folder).rows[PROMPT, LANGUAGE].sha256
    async with desk(hotline, "p8025") as phone:
        call = await to_the_tone(hotline, phone, "8025")
        await speak(hotline, call, FIRST_HZ, 1)
        await call.press("2")
        await speak(hotline, call, SECOND_HZ, 2)
        await call.press("1")
        kept = await hotline.wait(PromptRecorded)
        await call.wait_ended(30)
    row = Prompts.load(folder).rows[PROMPT, LANGUAGE]
    assert (kept.agent, kept.prompt, kept.language) == ("8025", PROMPT, LANGUAGE)
    assert kept.sha256 == row.sha256 != before and 2 <= kept.seconds <= 4 and row.voice == "studio"
    sound, _ = pcm.read_wav(folder / row.file)
    assert abs(pcm.active_level(sound) + 20) <= 1.5 and pcm.peak(sound) <= -3
    assert build.check(folder, read_catalogue(folder)) == []
    await hotline.daemon.studio.drain()
    assert not list((folder / "studio").glob(".take-*"))
    async with hotline.caller() as caller:
        listening = await caller.dial("1860")
        await hotline.wait(NodeEntered, node="greeting")
        await listening.wait_silence_end(5)
        await listening.press("#")
        await listening.wait_tone(SECOND_HZ, 15)
        await listening.hangup()
        await hotline.closed()
    await hotline.at_rest()
    keys = [event.digit for event in hotline.kept_keys()]
    pin = hotline.asterisk.secrets.pins["8025"]
    assert keys.count("x") == len(pin) and pin not in "".join(keys)


@pytest.mark.timeout(120)
async def test_who_may_not_or_says_nothing_changes_nothing(hotline: Hotline) -> None:
    folder = sounds(hotline.asterisk)
    before = (folder / "manifest.json").read_bytes()
    async with desk(hotline, "p8026") as phone:
        call = await to_the_tone(hotline, phone, "8026")
        await call.wait_ended(30)
    async with desk(hotline, "p8025") as phone:
        call = await to_the_tone(hotline, phone, "8025")
        await hotline.asked(RecordMessage, 40)
        await call.press("#")
        await hotline.asked(RecordMessage, 40, 2)
        await call.hangup()
    await hotline.at_rest()
    await hotline.daemon.studio.drain()
    assert (folder / "manifest.json").read_bytes() == before
    assert not [fact for fact in hotline.facts if isinstance(fact, PromptRecorded)]
    assert not list((folder / "studio").glob(".take-*"))
