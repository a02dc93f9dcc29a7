"""Situations as callers meet them: a silent line to its end, speech and keys as life, a line left open after a talk.

The true situations.yaml, prompts and waits, on a real Asterisk with real phones; times are those of the journal.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import pytest

from ari_app.media.prompts import Prompts
from ari_app.model.effects import Listen, Play, SetTimer
from ari_app.model.events import PlaybackEnded, TimerFired
from ari_app.model.facts import CallClosed, KeyTaken, Queued, SituationBegan, SituationEnded, TalkEnded
from ari_app.model.ids import CallId
from ari_app.phones import audio
from ari_app.phones.phone import answer_after
from ari_app.store.history import open_history
from ari_app.store.reader import open_reader
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, Hotline, running_hotline, talk

SILENT, OPEN, MENU = "1869", "1868", "1867"
FLOWS = {
    "silent": """start: nobody
nodes:
  nobody: {type: situation, situation: silent-line, on_life: menu, on_speech: person}
  menu: {type: menu, say: [main-menu], keys: {"1": person}}
  person: {type: queue, queue: general, say: []}
""",
    "hears": """start: menu
nodes:
  menu: {type: menu, say: [please-wait], keys: {"1": person}, on_speech: person, on_silence: bye, tries: 1}
  person: {type: queue, queue: general, say: []}
  bye: {type: hangup}
""",
    "open": """start: person
nodes:
  person: {type: queue, queue: general, say: [], next: left_open}
  left_open: {type: situation, situation: line-left-open, on_life: person}
""",
}
WAIT_S = 5.0
FRAME_S = 0.1  # A prompt ends on a frame. How much later its end is told is a matter of the machine, not of the script.


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("situations")
    shutil.copytree(REPOSITORY / "ivr_flows", folder / "flows")
    for name, text in FLOWS.items():
        (folder / "flows" / f"{name}.yaml").write_text(text)
    numbers = {SILENT: {"flow": "silent"}, OPEN: {"flow": "open"}, MENU: {"flow": "hears"}}
    with running_asterisk(
        folder, merged(CHANGES, {"numbers": numbers, "paths": {"flows": str(folder / "flows")}})
    ) as it:
        yield it


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()


def said_s(*prompts: str) -> float:
    found = Prompts.load(REPOSITORY / "sounds")
    return sum(found.seconds(prompt, "zh-CN") for prompt in prompts)


def moments(hotline: Hotline, call: CallId) -> list[tuple[str, float]]:
    """When prompts were over and waits were, by the journal; begin and end of the script among them."""
    store = hotline.daemon.site.store
    with open_reader(store) as reader:
        story = reader.call(call)
    assert story is not None
    wanted = (SituationBegan, SituationEnded)
    found = [(kept.at, type(kept.fact).__name__) for kept in story.facts if isinstance(kept.fact, wanted)]
    with open_history(store) as history:
        for at, event in history.events(hotline.daemon.loop.board.floor.mint.epoch):
            if isinstance(event, PlaybackEnded) and event.playback.startswith(f"{call}."):
                found.append((at, "said"))
            elif isinstance(event, TimerFired) and event.timer == f"{call}.flow":
                found.append((at, "waited"))
    return [(name, at) for at, name in sorted(found, key=lambda each: (each[0], each[1] == "SituationEnded"))]


@pytest.mark.timeout(120)
async def test_a_silent_caller_hears_the_script_in_its_times(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(SILENT)
        await hotline.wait(SituationBegan, situation="silent-line")
        await call.wait_ended(60)
        ended = await hotline.wait(SituationEnded)
        closed = await hotline.closed()
    assert (ended.outcome, ended.step, closed.by, closed.node) == ("hung-up", 7, "flow", "nobody")
    await hotline.at_rest()
    told = moments(hotline, closed.call)
    assert [name for name, _ in told] == ["SituationBegan", *("said", "waited") * 3, "SituationEnded"]
    steps = [after - before for (_, before), (_, after) in pairwise(told)]
    spoken = [said_s("silent-line-greeting"), said_s("silent-line-again"), said_s("silent-line-no-sound", "goodbye")]
    heard = zip(steps[0::2], spoken, strict=False)
    assert all(lasted > whole - FRAME_S for lasted, whole in heard), "a prompt was cut off"
    said = [at for name, at in told if name == "said"]
    due = [e.at for e in hotline.effects if isinstance(e, SetTimer) and e.timer == f"{closed.call}.flow"]
    assert [then - at for at, then in zip(said, due, strict=True)] == pytest.approx([WAIT_S] * 3, abs=0.001)
    assert all(at >= then for (name, at), then in zip(told[2::2], due, strict=True) if name == "waited")
    print("silent line:", " · ".join(f"{name} {step:.2f} s" for (name, _), step in zip(told[1:], steps, strict=True)))


async def in_second_wait(hotline: Hotline) -> None:
    """Until the second greeting has been said."""

    def over() -> bool:
        plays = [effect.playback for effect in hotline.effects if isinstance(effect, Play)]
        return len(plays) == 2 and hotline.daemon.loop.board.floor.calls and not _saying(hotline)

    async with asyncio.timeout(30):
        while not over():
            await asyncio.sleep(0.02)


def _saying(hotline: Hotline) -> bool:
    (call,) = hotline.daemon.loop.board.floor.calls.values()
    return call.playback is not None


@pytest.mark.timeout(90)
async def test_who_speaks_in_the_second_wait_is_back_on_his_way(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(SILENT)
        await in_second_wait(hotline)
        await call.lasts(1.5)
        spoke_at = hotline.daemon.loop.clock.now()
        call.play_tone(600)
        ended = await hotline.wait(SituationEnded, 3)
        heard_s = hotline.daemon.loop.clock.now() - spoke_at
        call.hush()
        assert (ended.outcome, ended.step) == ("speech", 4)
        await hotline.wait(Queued, queue="general")
        print(f"speech is life after {heard_s:.2f} s")
        await call.hangup()
        await hotline.closed()


async def test_who_speaks_while_the_machine_does_stops_it(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(SILENT)
        await call.wait_silence_end(5)
        call.play_tone(600)
        ended = await hotline.wait(SituationEnded, 3)
        assert (ended.outcome, ended.step) == ("speech", 1)
        await call.hangup()
        await hotline.closed()


async def test_a_key_is_life_and_is_not_lost(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(SILENT)
        await call.wait_silence_end(5)
        await call.press("1")
        ended = await hotline.wait(SituationEnded, 3)
        assert (ended.outcome, ended.step) == ("key", 1)
        taken = await hotline.wait(KeyTaken)
        assert (taken.node, taken.key, taken.accepted) == ("menu", "1", True)
        await hotline.wait(Queued, queue="general")
        await call.hangup()
        await hotline.closed()


async def test_a_caller_who_hangs_up_meanwhile(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(SILENT)
        await call.wait_silence_end(5)
        await call.hangup()
        closed = await hotline.closed()
        assert (await hotline.wait(SituationEnded)).outcome == "gone" and closed.by == "caller"


async def test_who_speaks_to_a_menu_is_led_to_a_person_and_who_is_silent_is_not(hotline: Hotline) -> None:
    async with hotline.caller() as caller, hotline.caller("13900139000") as silent:
        quiet, call = await silent.dial(MENU), await caller.dial(MENU)
        while len([effect for effect in hotline.effects if isinstance(effect, Listen)]) < 2:
            await asyncio.sleep(0.02)
        call.send(audio.tone(600, 0.6))
        queued = await hotline.wait(Queued, queue="general")
        await call.hangup()
        await quiet.wait_ended(20)
        await hotline.wait(CallClosed, 10, count=2)
        assert [fact.call for fact in hotline.facts if isinstance(fact, Queued)] == [queued.call]


async def test_a_line_left_open_after_a_talk_is_closed(hotline: Hotline) -> None:
    async with hotline.agent("8026", answer_after(0.1)) as desk, hotline.caller() as caller:
        call = await caller.dial(OPEN)
        agent = await desk.incoming()
        await talk(call, agent)
        call.hush()
        await agent.hangup()
        await hotline.wait(TalkEnded, by="agent")
        await hotline.wait(SituationBegan, situation="line-left-open")
        await call.wait_ended(30)
        ended = await hotline.wait(SituationEnded)
        assert (ended.outcome, ended.step) == ("hung-up", 4)
        assert (await hotline.closed()).by == "flow"
