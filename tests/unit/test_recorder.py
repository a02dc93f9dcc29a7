"""The recorder when the manager interface does not do what it is told."""

import asyncio
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from ari_app import recorder
from ari_app.errors import AsteriskError, Gone, RequestFailed
from ari_app.model.effects import StopRecording
from ari_app.model.events import CommandFailed, Event, RecordingStopped
from ari_app.model.ids import CallId, LegId, RecordingId

STOP = StopRecording(CallId("1-1"), LegId("17.1"), RecordingId("1-1.r7"))
CONFIRMED = [RecordingStopped(STOP.recording)]


class Ami:
    """Answers to stops, one after the other; None: confirmed. The last goes on."""

    connected = True

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def stop_recording(self, leg: LegId, recording: RecordingId) -> None:
        assert (leg, recording) == (STOP.leg, STOP.recording)
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


def told_of(ami: Ami) -> list[Event]:
    """What the board is told of one stop."""

    async def stopping() -> list[Event]:
        told: list[Event] = []
        nowhere = Path("/nonexistent")
        tested = recorder.Recorder(cast(Any, ami), nowhere, nowhere, nowhere, ZoneInfo("UTC"), told.append)
        tested.perform(STOP)
        await tested.drain()
        return told

    return asyncio.run(stopping())


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ((None,), 1),
        ((Gone(404, "no such channel"),), 1),
        ((RequestFailed(404, "no recording"),), 1),
        ((RequestFailed(0, "no answer in time"), AsteriskError("not connected"), None), 3),
    ],
    ids=["confirmed", "the leg is gone", "nothing is recorded", "at the third try"],
)
def test_a_stop_is_repeated_until_it_is_certain(answers: tuple[Exception | None, ...], asked: int) -> None:
    ami = Ami(*answers)
    assert told_of(ami) == CONFIRMED and ami.asked == asked


@pytest.mark.parametrize("why", [RequestFailed(0, "no answer in time"), AsteriskError("not connected")])
def test_a_stop_that_is_never_confirmed_is_told(why: Exception) -> None:
    ami = Ami(why)
    (failed,) = told_of(ami)
    assert isinstance(failed, CommandFailed) and ami.asked == recorder.STOP_TRIES
    assert (failed.action, failed.call, failed.target) == ("StopRecording", STOP.call, STOP.recording)
    assert failed.reason == "error" and "may still be recorded" in failed.detail
