"""Carries out the recording effects: MixMonitor over AMI, then one stereo file of the two sides.

What happened comes back as events. Effects of one recording are carried out in order.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path, PurePath
from typing import assert_never

import structlog

from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError, RequestFailed
from ari_app.media import recordings
from ari_app.model.effects import JoinRecording, RecordingEffect, StartRecording, StopRecording
from ari_app.model.events import (
    CommandFailed,
    Event,
    FailReason,
    RecordingJoined,
    RecordingStarted,
    RecordingStopped,
    RecordingUnusable,
)
from ari_app.model.ids import RecordingId

CLOSED_S_MAX = 3.0  # Sides not closed by then belong to an Asterisk that was killed: taken as they are.
BEGUN_S_MAX = 2.0
CONNECT_S = 2.0  # At its start a daemon that goes on with calls may be linked to ARI before AMI.
STOP_TRIES = 10
STOP_WAIT_S = 10.0
LOOK_EVERY_S = 0.05
JOIN_EVERY_S = 1.0  # At 10 calls a second ten share a thread and a sync of their folder.

log = structlog.get_logger(__name__)


def _reason(error: AsteriskError) -> FailReason:
    if not isinstance(error, RequestFailed) or error.status == 0:
        return "down"
    return "gone" if error.status == 404 else "refused"


def _told(recording: RecordingId, one: recordings.Joined | RecordingUnusable) -> RecordingJoined | RecordingUnusable:
    if isinstance(one, RecordingUnusable):
        return one
    return RecordingJoined(recording, one.path, one.seconds, one.size_bytes, one.sha256)


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
    _ended: dict[RecordingId, tuple[float, asyncio.Future[Event]]] = field(default_factory=dict)  # Since when.
    _joining: asyncio.Task[None] | None = None

    def perform(self, effect: RecordingEffect) -> None:
        """Queue the effect behind earlier ones of the same recording; returns at once."""
        recording = effect.recording
        task = asyncio.create_task(self._after(self._last.get(recording), effect), name=f"recording {recording}")
        self._last[recording] = task
        task.add_done_callback(
            lambda done: self._last.pop(recording, None) if self._last.get(recording) is done else None
        )

    @property
    def busy(self) -> bool:
        """Whether something is left to do."""
        return bool(self._last)

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
            case StopRecording():
                await self._stop(effect)
            case JoinRecording(_, recording):
                await self._join(recording)
            case _:
                assert_never(effect)

    async def _stop(self, effect: StopRecording) -> None:
        """While AMI is down MixMonitor goes on: what follows the talk must not be recorded longer than that."""
        recording = effect.recording
        for _ in range(STOP_TRIES):
            try:
                await self.ami.stop_recording(effect.leg, recording)
            except RequestFailed as error:
                if error.status != 0:  # The caller's leg ended first: MixMonitor ended with it.
                    return self.post(RecordingStopped(recording))
            except AsteriskError as error:
                log.warning("recording cannot be stopped yet", recording=recording, error=str(error))
            else:
                return self.post(RecordingStopped(recording))
            await self._until(lambda: self.ami.connected, STOP_WAIT_S)
        why = f"not confirmed in {STOP_TRIES} tries: what the caller says may still be recorded"
        self._failed(effect, "error", why)

    async def _start(self, effect: StartRecording) -> None:
        await self.ami.until_connected(CONNECT_S)
        if recordings.begun(self.parts, effect.recording):  # Before a crash: anew it would overwrite what there is.
            self.post(RecordingStarted(effect.recording))
            return
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

    def _failed(self, effect: StartRecording | StopRecording, reason: FailReason, why: str) -> None:
        self.post(CommandFailed(type(effect).__name__, effect.call, effect.recording, reason, why))

    async def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Whether it is so within that time. Asterisk works its files on threads of its own and reports nothing."""
        end = asyncio.get_running_loop().time() + seconds
        while not done():
            if asyncio.get_running_loop().time() >= end:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    async def _join(self, recording: RecordingId) -> None:
        whole: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._ended[recording] = time.monotonic(), whole
        if self._joining is None or self._joining.done():
            self._joining = asyncio.create_task(self._join_ended(), name="joining recordings")
        self.post(await whole)

    async def _join_ended(self) -> None:
        """Those that ended about the same time together: a thread woken for each costs more than the joining."""
        while self._ended:
            await asyncio.sleep(JOIN_EVERY_S)
            ended = {recording: at for recording, (at, _) in self._ended.items()}
            for event in await asyncio.to_thread(self._joined, ended):
                _, whole = self._ended.pop(event.recording)
                whole.set_result(event)

    def _joined(self, ended: Mapping[RecordingId, float]) -> list[RecordingJoined | RecordingUnusable]:
        """What became of those whose sides are closed, or should long have been. In a thread."""
        day = datetime.now(self.zone).strftime("%Y-%m-%d")
        over = time.monotonic() - CLOSED_S_MAX
        ready = [name for name, at in ended.items() if at < over or recordings.finished(self.parts, name)]
        tried = {recording: self._merged(recording, day) for recording in ready}
        merged = {name: one for name, one in tried.items() if isinstance(one, recordings.Joined)}
        for name, error in recordings.seal(self.parts, self.kept, merged).items():
            tried[name] = RecordingUnusable(name, f"{error.strerror}: {error.filename}")
        return [_told(name, one) for name, one in tried.items()]

    def _merged(self, recording: RecordingId, day: str) -> recordings.Joined | RecordingUnusable:
        try:
            return recordings.merge(self.parts, recording, self.kept, day)
        except recordings.RecordingProblem as problem:
            return RecordingUnusable(recording, str(problem))
        except OSError as error:
            return RecordingUnusable(recording, f"{error.strerror}: {error.filename}")
        except Exception as bug:  # Of this one; the others must not wait for it.
            log.exception("bug: a recording could not be joined", recording=recording)
            return RecordingUnusable(recording, type(bug).__name__)
