"""When the loop hands its rows to the journal: with others if nobody waits for them, at once if they must be safe."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from ari_app.board.board import Board
from ari_app.board.checkpoint import Row as State
from ari_app.config.load import load_settings
from ari_app.model.effects import Effect, Warn
from ari_app.model.events import Booted, ClockStepped, DoorClosed, DoorOpened
from ari_app.model.facts import DaemonStarted
from ari_app.runtime.loop import Loop, Row
from tests.asterisk import REPOSITORY


@dataclass
class Stage:
    """A loop, what it handed over, and what it carried out; the disk is as slow as the test wants it."""

    batches: list[list[Row]] = field(default_factory=list)
    performed: list[Effect] = field(default_factory=list)
    commits: list["Future[None]"] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        board = Board(load_settings(REPOSITORY / "config.yaml"), {}, ZoneInfo("UTC"))
        self.loop = Loop(board, self, self.perform)

    def append(self, rows: list[Row], states: list[State]) -> "Future[None]":
        self.batches.append(rows)
        self.commits.append(Future())
        self.more.set()
        return self.commits[-1]

    def perform(self, effect: Effect) -> None:
        self.performed.append(effect)
        self.more.set()

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not so():
                self.more.clear()
                await self.more.wait()

    def kinds(self) -> list[list[str]]:
        return [[type(row[2]).__name__ for row in batch] for batch in self.batches]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    running = asyncio.create_task(stage.loop.run())
    yield stage
    stage.loop.end()
    for commit in stage.commits:
        if not commit.done():
            commit.set_result(None)
    await running


async def test_rows_nobody_waits_for_are_handed_over_together(stage: Stage) -> None:
    stage.loop.post(ClockStepped(2.0))
    await stage.until(lambda: stage.performed != [])  # In a turn of its own; what it causes does not wait.
    assert stage.batches == []
    stage.loop.post(DoorClosed("disk"))
    stage.loop.post(DoorOpened())
    await stage.until(lambda: stage.batches != [])
    assert stage.kinds() == [["ClockStepped", "DoorClosed", "DoorOpened"]]


async def test_what_must_be_safe_takes_the_others_along_and_its_effects_wait(stage: Stage) -> None:
    stage.loop.post(DoorClosed("disk"))
    await asyncio.sleep(0)
    stage.loop.post(Booted(7))
    stage.loop.post(ClockStepped(2.0))
    await stage.until(lambda: stage.batches != [])
    assert stage.kinds() == [["DoorClosed", "Booted", "DaemonStarted", "ClockStepped"]]
    assert stage.batches[0][2][2] == DaemonStarted(7)
    assert stage.performed == []
    stage.commits[0].set_result(None)
    await stage.until(lambda: stage.performed != [])
    assert [type(effect) for effect in stage.performed] == [Warn]


async def test_who_asks_and_who_ends_gets_all_of_it(stage: Stage) -> None:
    stage.loop.post(ClockStepped(1.0))
    await stage.until(lambda: len(stage.performed) == 1)
    written = stage.loop.committed()
    assert stage.kinds() == [["ClockStepped"]] and not written.done()
    stage.loop.post(ClockStepped(2.0))
    await stage.until(lambda: len(stage.performed) == 2)
    stage.loop.end()
    await stage.until(lambda: len(stage.batches) == 2)
    assert stage.kinds()[1] == ["ClockStepped"]
