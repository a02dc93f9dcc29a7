"""A running hotline that transcripts are played on: its daemon, what that daemon decides, and its time.

Each transcript has a board of its own. Look-ups are answered by the transcript, by nobody else.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from ari_app.board.board import Board
from ari_app.board.floor import Floor
from ari_app.daemon import Daemon
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import LegId
from ari_app.model.settings import Settings
from ari_app.runtime.timers import Timers
from ari_app.transcript.stage_clock import StageClock
from ari_app.transcript.words import Telling, Told

PROMPTS_S: Final = 120.0
BEGIN_S: Final = 10.0
# Time is let pass only when nothing has happened for so long: what is on its way from Asterisk takes a few ms.
STILL_S: Final = 0.15


@dataclass
class Hotline:
    """`told` grows by what the daemon does. `lives_at`: where its callers are, and the port of those outside."""

    daemon: Daemon
    epochs: Iterator[int]  # Each board takes one: no two may give their calls the same names.
    lives_at: tuple[str, int]
    telling: Telling = field(default_factory=Telling)
    told: list[Told] = field(default_factory=list)
    playing: dict[str, str] = field(default_factory=dict)  # Prompts that can be heard, and on which leg or bridge.
    ringing: set[LegId] = field(default_factory=set)  # Legs Asterisk rings: its clock says how long.
    awaited: set[str] = field(default_factory=set)  # Recordings that have been asked for and do not run yet.
    messages: dict[str, fx.RecordMessage] = field(default_factory=dict)
    asked: list[fx.LookUp] = field(default_factory=list)
    arranged: list[tuple[str, ev.LookedUp]] = field(default_factory=list)
    leg: LegId | None = None  # Of the last caller.
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    silence_s: float = 0.0  # After which speech is said to be over; 0: nobody listens.
    clock: StageClock = field(default_factory=StageClock)

    def __post_init__(self) -> None:
        loop = self.daemon.loop
        watch, perform = loop.watch, loop.perform

        def see(event: ev.Event, effects: list[fx.Effect], seconds: float) -> None:
            watch(event, effects, seconds)
            self._see(event, effects)

        def do(effect: fx.Effect) -> None:
            if isinstance(effect, fx.LookUp):
                self._ask(effect)
            else:
                perform(effect)

        loop.watch, loop.perform, loop.clock = see, do, self.clock

    @property
    def floor(self) -> Floor:
        return self.daemon.loop.board.floor

    async def begin(self, settings: Settings) -> None:
        """Forget the transcript before: a board that has seen nothing yet, as in a rehearsal."""
        loop = self.daemon.loop
        loop.board = Board(settings, self.daemon.live.flows, ZoneInfo(settings.timezone))
        loop.timers = Timers()
        for event in (ev.Booted(next(self.epochs)), ev.LinkUp(self.daemon.ari.status), ev.Listed((), (), ())):
            loop.post(event)
        await self.until(lambda: not loop.inbox and loop.board.floor.engine.open, BEGIN_S)
        self.telling, self.leg, self.silence_s = Telling(), None, 0.0
        kept = (self.told, self.playing, self.ringing, self.awaited, self.messages, self.asked, self.arranged)
        for each in kept:
            each.clear()

    # -- what the daemon does --

    def _see(self, event: ev.Event, effects: list[fx.Effect]) -> None:
        self._happened(event)
        for effect in effects:
            self._done(effect)
            if (told := self.telling.tell(effect)) is not None:
                self.told.append(told)
        self.changed.set()

    def _happened(self, event: ev.Event) -> None:
        match event:
            case ev.CallArrived(leg):
                self.leg = leg
            case ev.PlaybackEnded(playback):
                self.playing.pop(playback, None)
            case ev.MessageRecorded(message):
                self.messages.pop(message, None)
            case ev.LegAnswered(leg) | ev.LegEnded(leg):
                self.ringing.discard(leg)
            case ev.RecordingStarted(recording):
                self.awaited.discard(recording)
            case ev.CommandFailed(target=target):
                self.playing.pop(target, None)
                self.messages.pop(target, None)
                self.ringing.discard(LegId(target))
                self.awaited.discard(target)
            case _:
                pass

    def _done(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Play(_, leg, playback):
                self.playing[playback] = leg
            case fx.Announce(_, bridge, playback):
                self.playing[playback] = bridge
            case fx.StopPlay(_, playback):
                self.playing.pop(playback, None)
            case fx.Ring(_, leg) | fx.Dial(_, leg):
                self.ringing.add(leg)
            case fx.StartRecording(_, _, recording):
                self.awaited.add(recording)
            case fx.Listen(silence_ms=silence_ms):
                self.silence_s = silence_ms / 1000
            case fx.Unlisten():
                self.silence_s = 0.0
            case fx.RecordMessage(_, _, message):
                self.messages[message] = effect
            case _:
                pass

    def _ask(self, effect: fx.LookUp) -> None:
        for n, (name, answer) in enumerate(self.arranged):
            if name == effect.name:
                del self.arranged[n]
                self.daemon.loop.post(replace(answer, lookup=effect.lookup))
                return
        self.asked.append(effect)

    def look_up(self, name: str, answer: ev.LookedUp) -> None:
        waiting = next((each for each in self.asked if each.name == name), None)
        if waiting is None:
            self.arranged.append((name, answer))
        else:
            self.asked.remove(waiting)
            self.daemon.loop.post(replace(answer, lookup=waiting.lookup))

    # -- time --

    async def until(self, done: Callable[[], bool], timeout_s: float) -> None:
        """TimeoutError when it does not come."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    @contextmanager
    def time(self) -> Iterator[None]:
        """Within it time goes on. Otherwise it stands still, so that what takes no time in a rehearsal takes none."""
        self.clock.go_on()
        self.daemon.loop.look_again()
        try:
            yield
        finally:
            self.clock.hold()

    async def hear_out(self, leg: LegId | None) -> None:
        await self.until(lambda: leg not in self.playing.values(), PROMPTS_S)

    async def let_pass(self, seconds: float) -> None:
        """So long by the daemon's clock: empty time is over at once, all other time is lived through."""
        loop, clock = self.daemon.loop, self.clock
        end = clock.now() + seconds
        while (left := end - clock.now()) > 0:
            self.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), min(left, STILL_S))
            if not self.changed.is_set() and not self._busy():
                clock.skip_to(min(end, loop.timers.next_at() or end))
                loop.look_again()

    def _busy(self) -> bool:
        """Something goes on whose time is not ours: prompts, messages, ringing, or requests not carried out yet."""
        going_on = self.playing or self.messages or self.ringing or self.awaited
        leaving = any(call.doomed for call in self.floor.calls.values())
        return bool(going_on or leaving or self.daemon.loop.inbox or self.daemon.ari.pending)
