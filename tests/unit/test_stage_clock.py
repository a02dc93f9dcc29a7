"""The clock of live transcripts: held, going on, moved on, and never back."""

import asyncio
import time
from concurrent.futures import Future
from zoneinfo import ZoneInfo

from ari_app.board.board import Board
from ari_app.config.load import load_settings
from ari_app.model.effects import Effect
from ari_app.model.events import Event, TimerFired
from ari_app.model.ids import TimerId
from ari_app.runtime.loop import Loop
from ari_app.transcript.stage_clock import StageClock
from tests.asterisk import REPOSITORY


def test_held_it_stands_and_is_never_less_than_before() -> None:
    clock = StageClock()
    began = clock.now()
    assert clock.now() == began
    clock.go_on()
    time.sleep(0.01)
    assert began < clock.now() < began + 5
    clock.hold()
    held = clock.now()
    assert clock.now() == held > began
    clock.go_on()
    clock.skip_to(held - 100)
    assert clock.now() >= held
    assert clock.step() == 0


def test_a_timer_for_the_moment_it_is_moved_to_is_due() -> None:
    """However the figures round: the fourteenth digit of a time in seconds since 1970 is lost."""
    clock = StageClock()
    for n in range(200):
        clock.go_on()
        at = clock.now() + 5 + n / 7
        clock.skip_to(at)
        clock.hold()
        assert clock.now() >= at


async def test_the_loop_sees_what_has_become_due() -> None:
    """Also when its alarm was set for later, by the clock of before."""
    settings = load_settings(REPOSITORY / "config.yaml")
    clock, seen = StageClock(), list[Event]()

    def watch(event: Event, effects: list[Effect], seconds: float) -> None:
        seen.append(event)

    loop = Loop(Board(settings, {}, ZoneInfo("UTC")), NoJournal(), lambda _: None, clock=clock, watch=watch)
    loop.timers.set(TimerId("far"), clock.now() + 3600)
    running = asyncio.create_task(loop.run())
    try:
        await asyncio.sleep(0)
        clock.go_on()
        loop.timers.set(TimerId("near"), clock.now() + 3599.95)
        clock.skip_to(clock.now() + 3599.9)
        loop.look_again()
        async with asyncio.timeout(2):
            while len(seen) < 2:
                await asyncio.sleep(0.01)
        assert seen == [TimerFired(TimerId("near")), TimerFired(TimerId("far"))]
    finally:
        running.cancel()


class NoJournal:
    def append(self, rows: object, states: object = ()) -> "Future[None]":
        done = Future[None]()
        done.set_result(None)
        return done
