"""Carries out the recording effects: MixMonitor over AMI, then one stereo file of the two sides.

What happened comes back as events. Effects of one recording are carried out in order.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path, PurePath
from typing import assert_never

import structlog

from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError, RequestFailed
from ari_app.media import recordings
from ari_app.model.effects import JoinRecording, RecordingEffect, StartRecording, StopRecording
from ari_app.model.events import CommandFailed, Event, FailReason, RecordingJoined, RecordingStarted, RecordingUnusable
from ari_app.model.ids import LegId, RecordingId

CLOSED_S_MAX = 3.0  # Sides not closed by then belong to an Asterisk that was killed: taken as they are.
BEGUN_S_MAX = 2.0
STOP_TRIES = 10
STOP_WAIT_S = 10.0
LOOK_EVERY_S = 0.05

log = structlog.get_logger(__name__)


def _reason(error: AsteriskError) -> FailReason:
    if not isinstance(error, RequestFailed) or error.status == 0:
        return "down"
    return "gone" if error.status == 404 else "refused"


@dataclass
class Recorder:
    """`written`: folder of the sides as Asterisk sees it; `parts`: the same as we see it; `kept`: of whole files."""

    ami: AmiLink
    written: PurePath
    parts: Path
    kept: Path
    zone: tzinfo
    post: Callable[[Event], None]
    _last: dict[RecordingId, asyncio.Task[None]] = field(default_factory=dict)

    def perform(self, effect: RecordingEffect) -> None:
        """Queue the effect behind earlier ones of the same recording; returns at once."""
        recording = effect.recording
        task = asyncio.create_task(self._after(self._last.get(recording), effect), name=f"recording {recording}")
        self._last[recording] = task
        task.add_done_callback(
            lambda done: self._last.pop(recording, None) if self._last.get(recording) is done else None
        )

    async def drain(self) -> None:
        """Wait until nothing is left to do."""
        while self._last:
            await asyncio.wait(self._last.values())

    async def _after(self, before: asyncio.Task[None] | None, effect: RecordingEffect) -> None:
        if before is not None:
            await asyncio.wait([before])
        match effect:
            case StartRecording():
                await self._start(effect)
            case StopRecording(_, leg, recording):
                await self._stop(leg, recording)
            case JoinRecording(_, recording):
                await self._join(recording)
            case _:
                assert_never(effect)

    async def _stop(self, leg: LegId, recording: RecordingId) -> None:
        """While AMI is down MixMonitor goes on: what follows the talk must not be recorded longer than that."""
        for _ in range(STOP_TRIES):
            try:
                await self.ami.stop_recording(leg, recording)
            except RequestFailed as error:
                if error.status != 0:  # The caller's leg ended first: MixMonitor ended with it.
                    return
            except AsteriskError as error:
                log.warning("recording cannot be stopped yet", recording=recording, error=str(error))
            else:
                return
            await self._until(lambda: self.ami.connected, STOP_WAIT_S)

    async def _start(self, effect: StartRecording) -> None:
        try:
            await self.ami.start_recording(effect.leg, str(self.written / effect.recording), effect.recording)
        except AsteriskError as error:
            self._failed(effect, _reason(error), str(error))
            return
        # MixMonitor says yes before it opens a file: only the files prove that it can write them.
        if await self._until(lambda: recordings.begun(self.parts, effect.recording), BEGUN_S_MAX):
            self.post(RecordingStarted(effect.recording))
        else:
            self._failed(effect, "error", f"no file appears in {self.parts}; see Asterisk's log")

    def _failed(self, effect: StartRecording, reason: FailReason, why: str) -> None:
        self.post(CommandFailed("StartRecording", effect.call, effect.recording, reason, why))

    async def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Whether it is so within that time. Asterisk works its files on threads of its own and reports nothing."""
        end = asyncio.get_running_loop().time() + seconds
        while not done():
            if asyncio.get_running_loop().time() >= end:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    async def _join(self, recording: RecordingId) -> None:
        await self._until(lambda: recordings.finished(self.parts, recording), CLOSED_S_MAX)
        day = datetime.now(self.zone).strftime("%Y-%m-%d")
        try:
            joined = await asyncio.to_thread(recordings.join, self.parts, recording, self.kept, day)
        except recordings.RecordingProblem as problem:
            self.post(RecordingUnusable(recording, str(problem)))
        except OSError as error:
            self.post(RecordingUnusable(recording, f"{error.strerror}: {error.filename}"))
        else:
            self.post(RecordingJoined(recording, str(joined.path), joined.seconds, joined.size_bytes, joined.sha256))
