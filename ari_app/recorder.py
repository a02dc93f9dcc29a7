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
from ari_app.model.ids import RecordingId

CLOSED_S_MAX = 3.0  # Sides not closed by then belong to an Asterisk that was killed: taken as they are.
CLOSED_EVERY_S = 0.05

log = structlog.get_logger(__name__)


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
                try:
                    await self.ami.stop_recording(leg, recording)
                except AsteriskError as error:  # The caller's leg ended first: MixMonitor ended with it.
                    log.debug("recording was over already", recording=recording, error=str(error))
            case JoinRecording(_, recording):
                await self._join(recording)
            case _:
                assert_never(effect)

    async def _start(self, effect: StartRecording) -> None:
        try:
            await self.ami.start_recording(effect.leg, str(self.written / effect.recording), effect.recording)
        except AsteriskError as error:
            reason: FailReason = "down"
            if isinstance(error, RequestFailed):
                reason = "gone" if error.status == 404 else "refused"
            self.post(CommandFailed("StartRecording", effect.call, effect.recording, reason, str(error)))
        else:
            self.post(RecordingStarted(effect.recording))

    async def _join(self, recording: RecordingId) -> None:
        end = asyncio.get_running_loop().time() + CLOSED_S_MAX
        while not recordings.finished(self.parts, recording) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(CLOSED_EVERY_S)  # MixMonitor closes its files on a thread of its own.
        day = datetime.now(self.zone).strftime("%Y-%m-%d")
        try:
            joined = await asyncio.to_thread(recordings.join, self.parts, recording, self.kept, day)
        except recordings.RecordingProblem as problem:
            self.post(RecordingUnusable(recording, str(problem)))
        except OSError as error:
            self.post(RecordingUnusable(recording, f"{error.strerror}: {error.filename}"))
        else:
            self.post(RecordingJoined(recording, str(joined.path), joined.seconds, joined.size_bytes, joined.sha256))
