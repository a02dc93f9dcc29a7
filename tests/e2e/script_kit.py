"""Callers with a story each, told at the same time on one hotline; and how long a script took, by the board's own
events and by what the caller's phone received.

A wait is due exactly five seconds after the prompt before it was over; the whole takes as long as its prompts and
waits, within a second, which is what the machine may take to say, to stop and to hang up.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from ari_app.media.prompts import Prompts
from ari_app.model.effects import Play, SetTimer
from ari_app.model.events import PlaybackEnded, TimerFired
from ari_app.model.facts import CallClosed, CallOpened, Connected, SituationBegan, SituationEnded
from ari_app.model.ids import CallId
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone
from ari_app.store.history import open_history
from ari_app.store.reader import open_reader
from tests.asterisk import REPOSITORY
from tests.e2e.kit import F, Hotline

WAIT_S = 5.0
WHOLE_S = 1.0  # The issue's own tolerance.
FRAME_S = 0.1  # A prompt ends on a frame.
SILENT_LINE = (("silent-line-greeting",), ("silent-line-again",), ("silent-line-no-sound", "goodbye"))


class Story:
    """One caller, and the agents' phones."""

    def __init__(self, hotline: Hotline, phone: Phone, desks: Mapping[str, Phone]) -> None:
        self.hotline, self.phone, self.desks = hotline, phone, desks

    async def dials(self, number: str) -> tuple[Call, CallId]:
        call = await self.phone.dial(number)
        return call, (await self.hotline.wait(CallOpened, caller=self.phone.user)).call

    async def talks(self, number: str, sound: bytes) -> tuple[Call, CallId, Call]:
        """His call, its id, and the leg of the agent he talks to."""
        call, known = await self.dials(number)
        connected = await self.hotline.wait(Connected, call=known)
        call.send(sound, loop=True)
        return call, known, next(each for each in reversed(self.desks[connected.agent].calls) if each.answered.is_set())

    async def ends(self, call: Call, known: CallId, situation: str) -> SituationEnded:
        """The script runs to its end, and hangs up."""
        ended = await self.hotline.wait(SituationEnded, 60, call=known, situation=situation)
        assert ended.outcome == "hung-up"
        await call.wait_ended(5)
        assert (await self.hotline.closed(call=known)).by == "flow"
        return ended

    def says(self, known: CallId, prompt: str) -> bool:
        """Whether he has been told this, or is about to be."""
        plays = [each for each in self.hotline.effects if isinstance(each, Play)]
        return any(prompt in each.prompts for each in plays if each.playback.startswith(f"{known}."))

    def of(self, kind: type[F], known: CallId) -> list[F]:
        """The facts of a kind about his call."""
        return [f for f in self.hotline.facts if isinstance(f, kind) and getattr(f, "call", None) == known]


Told = Callable[[Story], Awaitable[None]]


async def tell(hotline: Hotline, stories: Sequence[Told], agents: Sequence[str] = ()) -> None:
    """All at once, each with a caller of its own; until every call is closed."""
    async with AsyncExitStack() as stack:
        desks = {number: await stack.enter_async_context(hotline.agent(number)) for number in agents}
        phones = [await stack.enter_async_context(hotline.caller(f"1380013{n:04}")) for n in range(len(stories))]
        async with asyncio.TaskGroup() as group:
            for story, phone in zip(stories, phones, strict=True):
                group.create_task(_told(story, Story(hotline, phone, desks)), name=story.__name__)
        await hotline.wait(CallClosed, 10, count=len(stories))


async def _told(story: Told, of: Story) -> None:
    try:
        await story(of)
    except (AssertionError, TimeoutError) as failed:
        opened = [f.call for f in of.hotline.facts if isinstance(f, CallOpened) and f.caller == of.phone.user]
        failed.add_note(f"{story.__name__}: {[f for f in of.hotline.facts if getattr(f, 'call', None) in opened]}")
        raise


def said_s(*prompts: str) -> float:
    found = Prompts.load(REPOSITORY / "sounds")
    return sum(found.seconds(prompt, "zh-CN") for prompt in prompts)


def moments(hotline: Hotline, call: CallId) -> list[tuple[str, float]]:
    """When prompts were over and waits were, by the journal, from the begin of the call's script to its end."""
    store = hotline.daemon.site.store
    with open_reader(store) as reader:
        story = reader.call(call)
    assert story is not None
    wanted = (SituationBegan, SituationEnded)
    found = [(kept.at, type(kept.fact).__name__) for kept in story.facts if isinstance(kept.fact, wanted)]
    began = min(at for at, _ in found)
    with open_history(store) as history:
        for at, event in history.events(hotline.daemon.loop.board.floor.mint.epoch):
            if at <= began:
                continue
            if isinstance(event, PlaybackEnded) and event.playback.startswith(f"{call}."):
                found.append((at, "said"))
            elif isinstance(event, TimerFired) and event.timer == f"{call}.flow":
                found.append((at, "waited"))
    return [(name, at) for at, name in sorted(found, key=lambda each: (each[0], each[1] == "SituationEnded"))]


async def check_silent_line(hotline: Hotline, call: CallId, heard: Call) -> None:
    """Both greetings, each five seconds after the end of the last prompt, notice and goodbye, hang-up."""
    await asyncio.wrap_future(hotline.daemon.loop.committed())
    told = moments(hotline, call)
    assert [name for name, _ in told] == ["SituationBegan", *("said", "waited") * 3, "SituationEnded"]
    steps = [after - before for (_, before), (_, after) in pairwise(told)]
    print("silent line:", " · ".join(f"{name} {step:.2f} s" for (name, _), step in zip(told[1:], steps, strict=True)))
    spoken = [said_s(*prompts) for prompts in SILENT_LINE]
    assert all(lasted > whole - FRAME_S for lasted, whole in zip(steps[0::2], spoken, strict=False)), "cut off"
    said = [at for name, at in told if name == "said"]
    due = [e.at for e in hotline.effects if isinstance(e, SetTimer) and e.timer == f"{call}.flow"][-3:]
    assert [then - at for at, then in zip(said, due, strict=True)] == pytest.approx([WAIT_S] * 3, abs=0.001)
    whole_s = sum(spoken) + 3 * WAIT_S
    assert told[-1][1] - told[0][1] == pytest.approx(whole_s, abs=WHOLE_S)
    _check_ears(heard, told[0][1] - hotline.daemon.loop.clock.now() + time.monotonic(), whole_s)


def _check_ears(heard: Call, since: float, whole_s: float) -> None:
    """The same by the caller's phone: three stretches of speech, five seconds of silence after each."""
    assert heard.ended_at is not None
    spoken = stretches(heard, since, heard.ended_at)
    assert len(spoken) == 3, spoken
    silences = [after[0] - before[1] for before, after in pairwise([*spoken, (heard.ended_at, heard.ended_at)])]
    edges_s = 0.25  # Prompts begin and end with some silence.
    assert silences == pytest.approx([WAIT_S + edges_s] * 3, abs=0.5)
    assert heard.ended_at - spoken[0][0] == pytest.approx(whole_s, abs=WHOLE_S)


def stretches(heard: Call, since: float, until: float, apart_s: float = 2.0) -> list[tuple[float, float]]:
    """When the phone heard something, in stretches that stand apart by so much silence; monotonic seconds."""
    found: list[tuple[float, float]] = []
    for at, pcm in heard.heard:
        if since <= at < until and audio.sounds(pcm):
            if found and at - found[-1][1] < apart_s:
                found[-1] = (found[-1][0], at)
            else:
                found.append((at, at))
    return found
