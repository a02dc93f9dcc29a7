"""What time of a live transcript is jumped: the empty one, and no other."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import count
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ari_app.board.board import Board
from ari_app.config.load import load_settings
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import BridgeId, CallId, LegId, MessageId, PhoneName, PlaybackId, RecordingId, TimerId
from ari_app.runtime.loop import Loop
from ari_app.transcript.hotline import Hotline
from tests.asterisk import REPOSITORY
from tests.unit.test_stage_clock import NoJournal

CALL, LEG = CallId("1-1"), LegId("caller")
BUSY_S = 0.6  # Lived through in each test of what is not empty: some of STILL_S.


@pytest.fixture
async def hotline() -> AsyncIterator[Hotline]:
    board = Board(load_settings(REPOSITORY / "config.yaml"), {}, ZoneInfo("UTC"))
    loop = Loop(board, NoJournal(), lambda _: None)
    daemon: Any = SimpleNamespace(loop=loop, ari=SimpleNamespace(pending=0))
    stage = Hotline(daemon, count(1), ("127.0.1.1", 5060))
    running = asyncio.create_task(loop.run())
    yield stage
    running.cancel()


async def took(hotline: Hotline, seconds: float) -> float:
    """How long letting so much pass took in real time; by the hotline's clock it was so long."""
    began, before = time.monotonic(), hotline.clock.now()
    with hotline.time():
        await hotline.let_pass(seconds)
    assert hotline.clock.now() >= before + seconds
    return time.monotonic() - began


async def test_half_an_hour_with_nothing_in_it(hotline: Hotline) -> None:
    fired = list[tuple[float, ev.Event]]()
    watch = hotline.daemon.loop.watch

    def see(event: ev.Event, effects: list[fx.Effect], seconds: float) -> None:
        fired.append((hotline.clock.now(), event))
        watch(event, effects, seconds)

    hotline.daemon.loop.watch = see
    now = hotline.clock.now()
    for minutes in (29, 5, 12):
        hotline.daemon.loop.timers.set(TimerId(f"at {minutes}"), now + 60 * minutes)
    assert await took(hotline, 1800) < 60
    assert [event for _, event in fired] == [ev.TimerFired(TimerId(f"at {n}")) for n in (5, 12, 29)]
    for (at, _), minutes in zip(fired, (5, 12, 29), strict=True):
        assert 0 <= at - now - 60 * minutes < 30, "each at its moment"


PLAYS = fx.Play(CALL, LEG, PlaybackId("1-1.p1"), ("please-wait",), "en")
ANNOUNCES = fx.Announce(CALL, BridgeId("1-1.b1"), PlaybackId("1-1.p1"), ("please-wait",), "en")
RINGS = fx.Ring(CALL, LegId("1-1.l1"), PhoneName("p1"), "1", "1", 20.0)
RECORDS = fx.StartRecording(CALL, LEG, RecordingId("1-1.r1"))
TAKES = fx.RecordMessage(CALL, LEG, MessageId("1-1.m1"), 60, 5, "#")


@pytest.mark.parametrize(
    ("effect", "over"),
    [
        (PLAYS, ev.PlaybackEnded(PlaybackId("1-1.p1"), True)),
        (PLAYS, ev.CommandFailed("Play", CALL, "1-1.p1", "gone")),
        (ANNOUNCES, ev.PlaybackEnded(PlaybackId("1-1.p1"), True)),
        (RINGS, ev.LegAnswered(LegId("1-1.l1"))),
        (RINGS, ev.LegEnded(LegId("1-1.l1"), 19, 480)),
        (RECORDS, ev.RecordingStarted(RecordingId("1-1.r1"))),
        (TAKES, ev.MessageRecorded(MessageId("1-1.m1"), 3.0)),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_what_is_heard_rung_or_recorded_is_lived_through(
    hotline: Hotline, effect: fx.Effect, over: ev.Event
) -> None:
    hotline.daemon.loop.watch(ev.Booted(1), [effect], 0.0)
    assert await took(hotline, BUSY_S) >= BUSY_S
    hotline.daemon.loop.watch(over, [], 0.0)
    assert await took(hotline, 600) < 60, "and then no longer"


def asks(hotline: Hotline) -> None:
    hotline.daemon.ari.pending = 1  # type: ignore[misc]


def leaves(hotline: Hotline) -> None:
    hotline.floor.calls[CALL] = SimpleNamespace(doomed={LEG})  # type: ignore[assignment]


@pytest.mark.parametrize("happens", [asks, leaves])
async def test_what_is_on_its_way_to_asterisk_is_waited_for(
    hotline: Hotline, happens: Callable[[Hotline], None]
) -> None:
    happens(hotline)
    assert await took(hotline, BUSY_S) >= BUSY_S
