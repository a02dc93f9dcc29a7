"""The one loop: takes events from the inbox, asks the board, journals, and hands effects out (design §1).

Facts that must be safe first are committed before any effect of their batch is carried out; the rest lingers for
others to be written with. Exceptions of the board are bugs: logged with the event, counted, and the loop goes on.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import structlog

from ari_app.board import checkpoint
from ari_app.board.board import Board
from ari_app.model.effects import CancelTimer, Effect, MarkSecret, Note, SetTimer
from ari_app.model.events import Event, TimerFired
from ari_app.model.facts import DURABLE, Fact
from ari_app.runtime.clock import Clock, Time
from ari_app.runtime.timers import Timers

log = structlog.get_logger(__name__)

BATCH = 64  # Events handled between two writes.
LAG_EVERY_S = 0.25
LAZY_S = 0.5
# How long rows nobody waits for wait for others: each time they are handed over, the states of all calls they touched
# are written down anew, and a transaction costs 0.4 ms, however few rows. What is lost with a `kill -9` is no longer.
LINGER_S = 0.1
COMMIT_S_MAX = 0.25  # A commit takes a few ms; the door closes when the store says that it has trouble.


def _refused(written: asyncio.Future[None]) -> None:
    if not written.cancelled() and (why := written.exception()) is not None:
        log.error("bug: the store refused a row", why=str(why))


Row: TypeAlias = tuple[Literal["event"], float, Event, bool] | tuple[Literal["fact"], float, Fact]


class Journal(Protocol):
    def append(self, rows: list[Row], states: list[checkpoint.Row]) -> Future[None]:
        """Queue rows for writing; done when they are committed (or stand in the emergency file).

        `states` go with them: what the next daemon needs to go on.
        """


@dataclass
class Loop:
    """`perform` carries out one effect and must not block; `watch` sees each event, its effects and the seconds."""

    board: Board
    journal: Journal
    perform: Callable[[Effect], None]
    clock: Time = field(default_factory=Clock)
    watch: Callable[[Event, list[Effect], float], None] = lambda *_: None
    changed: checkpoint.Changed = field(default_factory=checkpoint.Changed)
    inbox: deque[Event] = field(default_factory=deque)
    timers: Timers = field(default_factory=Timers)
    lag_s: float = 0.0  # The worst recent lateness of this event loop.
    bugs: int = 0
    ended: bool = False
    _rows: list[Row] = field(default_factory=list)  # Not handed to the journal yet.
    _urgent: bool = False  # Among them is what must be safe first.
    _linger: asyncio.TimerHandle | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _lazy: bool = False  # LAZY_S has been running since an event that may wait.
    _alarm: asyncio.TimerHandle | None = None
    _alarm_at: float = 0.0

    def post(self, event: Event) -> None:
        """Put an event into the inbox. Only from the loop's own thread."""
        self.inbox.append(event)
        self._wake.set()

    def post_lazily(self, event: Event) -> None:
        """Of an event that may wait: it is handled along with the next one, or after LAZY_S."""
        self.inbox.append(event)
        if not self._lazy:
            self._lazy = True
            asyncio.get_running_loop().call_later(LAZY_S, self._lazy_no_more)

    def _lazy_no_more(self) -> None:
        self._lazy = False
        if self.inbox:
            self._wake.set()

    async def run(self) -> None:
        """Events as they come, timers as they fall due; until `end`."""
        try:
            while not self.ended:
                await self._wait()
                if self.ended:
                    break
                self.inbox.extend(TimerFired(timer) for timer in self.timers.due(self.clock.now()))
                await self._turn()
        finally:
            if self._rows:
                self._write()

    def committed(self) -> Future[None]:
        """Done when all that was handled up to now stands on a disk."""
        return self._write()

    def end(self) -> None:
        """Handle nothing more: `run` returns when the batch under way is written and carried out."""
        self.ended = True
        self._wake.set()

    async def _wait(self) -> None:
        self._wake.clear()
        if self.inbox:
            await asyncio.sleep(0)  # Let the sockets be read between two batches.
            return
        at = self.timers.next_at()
        if at is not None:
            self._wake_at(at)
        await self._wake.wait()

    def _wake_at(self, at: float) -> None:
        """Nearly all timers are cancelled before they are due: the alarm is only ever moved forward, and may ring in
        vain."""
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        left_s = max(0.0, at - self.clock.now())
        self._alarm, self._alarm_at = asyncio.get_running_loop().call_later(left_s, self._ring), at

    def look_again(self) -> None:
        """The clock was moved, as tests of flows do: what is due now?"""
        if self._alarm is not None:
            self._alarm.cancel()
        self._ring()

    def _ring(self) -> None:
        self._alarm = None
        self._wake.set()

    async def _turn(self) -> None:
        effects = list[Effect]()
        for _ in range(min(len(self.inbox), BATCH)):
            effects += self._handle(self.inbox.popleft())
        if self._urgent:
            await self._committed(self._write())
        elif self._linger is None and self._rows:
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._write)
        for effect in effects:
            self.perform(effect)

    def _write(self) -> Future[None]:
        if self._linger is not None:
            self._linger.cancel()
        rows, self._rows, self._linger, self._urgent = self._rows, [], None, False
        return self.journal.append(rows, self._states())

    def _see(self, event: Event, effects: list[Effect]) -> None:
        """Whom this touched: what is written down of them has changed."""
        try:
            self.changed.see(self.board.floor, event, effects)
        except Exception:
            self.bugs += 1
            log.exception("bug: whom an event touched is not known", kind=type(event).__name__)

    def _states(self) -> list[checkpoint.Row]:
        """What the next daemon needs of the calls and agents touched. A bug here must cost nobody his call."""
        try:
            return self.changed.taken(self.board.floor)
        except Exception:
            self.bugs += 1
            log.exception("bug: the state of a call cannot be written down")
            return []

    async def _committed(self, written: Future[None]) -> None:
        """Wait for the disk, but not for a sick one: its rows are safe in memory, and running calls must go on."""
        future = asyncio.wrap_future(written)
        future.add_done_callback(_refused)
        await asyncio.wait([future], timeout=COMMIT_S_MAX)

    def _handle(self, event: Event) -> list[Effect]:
        """One event through the board: it and its facts become rows, timers are set, other effects come back."""
        rows, now, started = self._rows, self.clock.now(), time.perf_counter()
        try:
            effects = self.board.handle(event, now)
        except Exception:
            self.bugs += 1
            log.exception("bug: the board failed on an event", kind=type(event).__name__)
            effects = list(self.board.floor.out)  # What it had decided before it failed is still right.
        self._see(event, effects)
        at = len(rows)
        secret = False
        rest: list[Effect] = []
        for effect in effects:
            if type(effect) is Note:
                rows.append(("fact", now, effect.fact))
                self._urgent = self._urgent or type(effect.fact) in DURABLE
            elif type(effect) is SetTimer:
                self.timers.set(effect.timer, effect.at)
            elif type(effect) is CancelTimer:
                self.timers.cancel(effect.timer)
            elif type(effect) is MarkSecret:
                secret = True
            else:
                rest.append(effect)
        rows.insert(at, ("event", now, event, secret))
        self.watch(event, effects, time.perf_counter() - started)
        return rest

    async def watch_lag(self) -> None:
        """Measure how late this event loop runs; a late loop is a bug a caller can hear."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LAG_EVERY_S)
            self.lag_s = max(time.monotonic() - before - LAG_EVERY_S, self.lag_s * 0.9)
