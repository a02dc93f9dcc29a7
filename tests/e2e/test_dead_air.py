"""Dead air at the callers' ears: menus, language, queue with music and words, hold, transfer, survey, message.

Longest silence that nobody meant: 1 s at most; 95 of 100: 0.4 s.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from itertools import chain

import pytest

from ari_app.bench.figures import percentile
from ari_app.model.effects import CancelTimer, Effect, Play, SetTimer
from ari_app.model.events import Event, PlaybackEnded, TimerFired
from ari_app.model.facts import HoldBegan, HoldEnded, MessageLeft, NodeEntered, Queued
from ari_app.model.ids import CallId, PlaybackId
from ari_app.phones import audio
from ari_app.phones.call import Call
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.dead_air import Span, gaps, spans
from tests.e2e.control_kit import CONTROL, FIRST_HZ, SECOND_HZ, does
from tests.e2e.kit import Hotline, running_hotline
from tests.e2e.script_kit import Story
from tests.e2e.test_line import speech

NUMBER = "1867"
FLOW = """start: greeting
nodes:
  greeting: {type: greet, next: menu}
  menu: {type: menu, say: [main-menu], keys: {"1": billing, "3": english}}
  english: {type: language, language: en, next: menu}
  billing:
    type: queue
    queue: billing
    choices: {keys: {"1": stay, "2": voicemail}, every_s: 10}
    on_voicemail: message
    next: survey
  survey: {type: survey, question: satisfaction, say: [survey-ask], keys: ["1", "2", "3"], next: thanks}
  thanks: {type: hangup, say: [survey-thanks]}
  message: {type: voicemail, box: general, on_failure: nothing, next: message_thanks}
  nothing: {type: hangup, say: [voicemail-nothing]}
  message_thanks: {type: hangup, say: [voicemail-thanks]}
"""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("dead-air")
    (folder / "flows").mkdir()
    for file in (REPOSITORY / "ivr_flows").glob("*.yaml"):
        (folder / "flows" / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "flows" / "way.yaml").write_text(FLOW)
    changes = {
        "numbers": {NUMBER: {"flow": "way"}},
        "paths": {"flows": str(folder / "flows")},
        "queues": {"billing": {"announce_every_s": 6}},
    }
    with running_asterisk(folder, merged(CONTROL, changes)) as it:
        yield it


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()


class Turns:
    """When each call waited for its caller, and when prompts were said; monotonic seconds."""

    def __init__(self, hotline: Hotline) -> None:
        self.floor = hotline.daemon.loop.board.floor
        self.waits: dict[CallId, list[tuple[float, bool]]] = {}
        self.plays: dict[PlaybackId, list[float]] = {}
        self._timers: set[str] = set()
        self._before, hotline.daemon.loop.watch = hotline.daemon.loop.watch, self._see

    def _see(self, event: Event, effects: list[Effect], seconds: float) -> None:
        now = time.monotonic()
        if isinstance(event, TimerFired):
            self._timers.discard(event.timer)
        if isinstance(event, PlaybackEnded) and event.playback in self.plays:
            self.plays[event.playback][1] = now
        for effect in effects:
            if isinstance(effect, SetTimer):
                self._timers.add(effect.timer)
            elif isinstance(effect, CancelTimer):
                self._timers.discard(effect.timer)
            elif isinstance(effect, Play):
                self.plays[effect.playback] = [now, now + 3600]
        for call in self.floor.calls.values():
            asked = call.message is not None or f"{call.id}.flow" in self._timers
            marks, waits = self.waits.setdefault(call.id, []), call.playback is None and asked
            if not marks or marks[-1][1] != waits:
                marks.append((now, waits))
        self._before(event, effects, seconds)

    def gaps(self, call: Call, known: CallId) -> list[Span]:
        assert call.answered_at is not None and call.ended_at is not None
        heard = [(at, audio.sounds(pcm)) for at, pcm in call.heard]
        said = [(begin, end) for name, (begin, end) in self.plays.items() if name.startswith(f"{known}.")]
        whole = (call.answered_at, call.ended_at)
        return gaps(heard, spans(self.waits[known], call.ended_at), said, whole)


async def goes_the_whole_way(of: Story) -> tuple[Call, CallId]:
    """English, a queue with all its words, an agent, hold, a transfer, the survey, goodbye."""
    call, known = await of.dials(NUMBER)
    await of.hotline.wait(NodeEntered, call=known, node="menu")
    await call.lasts(2.0)
    await call.press("3")
    await of.hotline.wait(NodeEntered, call=known, node="menu", count=2)
    await of.hotline.until(lambda: of.hotline.daemon.loop.board.floor.calls[known].playback is None, 20)
    await call.lasts(1.0)
    await call.press("1")
    await of.hotline.until(lambda: of.says(known, "choice-voicemail"), 30)
    await call.lasts(2.0)
    await call.press("1")  # He stays.
    await call.lasts(10.0)
    await of.hotline.wait(MessageLeft)  # Agents would be the other caller's, too.
    await of.hotline.ask("8025", "ready")
    await _talks(of, call, "8025", FIRST_HZ)
    await does(of.hotline, "8025", "hold")
    await of.hotline.wait(HoldBegan, call=known)
    await call.lasts(3.0)
    await does(of.hotline, "8025", "resume")
    await of.hotline.wait(HoldEnded, call=known)
    await call.wait_tone(FIRST_HZ, 5)
    await of.hotline.ask("8026", "ready")
    await does(of.hotline, "8025", "transfer", "8026")
    agent = await _talks(of, call, "8026", SECOND_HZ)
    await agent.hangup()
    await of.hotline.wait(NodeEntered, call=known, node="survey")
    await call.lasts(2.0)
    await call.press("1")
    await call.wait_ended(20)
    return call, known


async def leaves_a_message(of: Story) -> tuple[Call, CallId]:
    """Waits, chooses to leave a message, says something, ends it by a key."""
    call, known = await of.dials(NUMBER)
    await of.hotline.wait(NodeEntered, call=known, node="menu")
    await call.press("1")
    await of.hotline.wait(Queued, call=known)
    await of.hotline.until(lambda: of.says(known, "choice-voicemail"), 30)  # Before, the notice has its own key.
    await call.lasts(2.0)
    await call.press("2")
    await of.hotline.wait(NodeEntered, call=known, node="message")
    await of.hotline.until(lambda: of.hotline.daemon.loop.board.floor.calls[known].playback is None, 20)
    call.send(speech())
    await call.lasts(4.0)
    await call.press("#")
    await of.hotline.wait(MessageLeft, call=known)
    await call.wait_ended(20)
    return call, known


@pytest.mark.timeout(120)
async def test_no_caller_is_left_in_silence(hotline: Hotline) -> None:
    turns = Turns(hotline)
    async with (
        hotline.agent("8025", ready=False) as first,
        hotline.agent("8026", ready=False) as second,
        hotline.caller() as caller,
        hotline.caller("13900139001") as other,
    ):
        desks = {"8025": first, "8026": second}
        ways = (goes_the_whole_way(Story(hotline, caller, desks)), leaves_a_message(Story(hotline, other, {})))
        calls = await asyncio.gather(*ways)
        await hotline.closed(2)
    found = [turns.gaps(call, known) for call, known in calls]
    for (call, _), each in zip(calls, found, strict=True):
        since = call.answered_at or 0.0
        print(f"dead air of {call.phone.user}:", *(f"{b - since:.2f}+{e - b:.2f}" for b, e in each[-12:]))
    lengths = [end - begin for begin, end in chain(*found)]
    whole, most = max(lengths), percentile(lengths, 95)
    assert most is not None
    print(f"{len(lengths)} silences, longest {whole:.2f} s, 95 of 100 within {most:.2f} s")
    assert len(lengths) >= 10, "the callers' phones heard something else than was told"
    assert whole <= 1.0 and most <= 0.4


async def _talks(of: Story, call: Call, agent: str, hz: int) -> Call:
    """The agent answers, and both are heard."""
    leg = await of.desks[agent].incoming(30)
    await leg.wait_answered()
    leg.play_tone(hz)
    await call.wait_tone(hz, 20)
    await call.lasts(1.5)
    return leg
