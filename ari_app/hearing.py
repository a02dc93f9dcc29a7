"""Carries out the hearing effects: Asterisk writes what a caller sends, the analyser's process says what it is like.

The analyser may die: it is started anew and goes on from where the files are; a call never waits for it.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePath
from typing import Any, Final

import orjson
import structlog

from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError
from ari_app.media.recordings import parts
from ari_app.model.effects import ForgetLine, HearingEffect, HearLine
from ari_app.model.events import Event, FaxHeard, LineJudged, LineUnheard
from ari_app.model.ids import LegId, LineId
from ari_app.model.line import Rules

SUFFIX: Final = ".sln48"  # At the rate the analyser reads; not from there: it brings numpy, and a start is in haste.
AGAIN_S: Final = 2.0  # Between the end of an analyser and the next one.
METER_S: Final = 5.0  # A line is metered for so long after somebody looked at its meter.
CONNECT_S: Final = 2.0  # At its start a daemon that goes on with calls may be linked to ARI before AMI.
CLOSE_S: Final = 5.0  # Within which an analyser that is told to ends.

ALONE: Final = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # numpy takes no second core from the calls.

log = structlog.get_logger(__name__)


@dataclass
class Meter:
    """The last step of one line, and until when somebody looks at it (0: nobody has yet)."""

    last: dict[str, Any] | None = None
    until: float = 0.0


@dataclass(frozen=True)
class _File:
    """Of Asterisk's `monitor` folder. `lent`: it is a recording's, and stays when nobody listens any more."""

    name: str
    lent: bool


@dataclass
class Hearing:
    """`written`: folder of the files as Asterisk sees it; `ours`: the same as we see it."""

    ami: AmiLink
    rules: Rules
    written: PurePath
    ours: Path
    post: Callable[[Event], None]
    loss: Callable[[LegId], float | None] = lambda _: None  # Share of packets lost on the way from a leg just now.
    pid: int | None = None  # Of the analyser, while there is one.
    deaths: int = 0
    meters: dict[LineId, Meter] = field(default_factory=dict)  # Of lines somebody watches.
    _legs: dict[LineId, LegId] = field(default_factory=dict)  # Lines that are listened to.
    _files: dict[LineId, _File] = field(default_factory=dict)  # What they are heard in.
    _tapped: set[LineId] = field(default_factory=set)  # Those for which Asterisk writes a file of their own.
    _count: Iterator[int] = field(default_factory=count)
    _last: dict[LineId, asyncio.Task[None]] = field(default_factory=dict)
    _process: Process | None = None

    def perform(self, effect: HearingEffect) -> None:
        """Begin or end, behind what is still to be done for the same line; returns at once."""
        line = effect.line
        task = asyncio.create_task(self._after(self._last.get(line), effect), name=f"hearing {line}")
        self._last[line] = task
        task.add_done_callback(lambda done: self._last.pop(line, None) if self._last.get(line) is done else None)

    async def run(self) -> None:
        """Keep one analyser going, as long as lines may be listened to at all."""
        while self.rules.lines_max:
            command = (sys.executable, "-m", "ari_app.media.analyser", self.rules.model_dump_json())
            try:
                self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=ALONE)
            except OSError as error:  # No memory, no process to be had: calls go on unheard.
                log.error("the analyser of callers' lines cannot be started", why=str(error))
                await asyncio.sleep(AGAIN_S)
                continue
            self.pid = self._process.pid
            for line in self._legs:
                self._watch(line, at_end=True)
            for line in self.meters:
                self._tell({"meter": line, "on": True})
            await self._reports(self._process)
            await self._process.wait()
            self._process = self.pid = None
            self.deaths += 1
            log.error("the analyser of callers' lines ended by itself", deaths=self.deaths, lines=len(self._legs))
            await asyncio.sleep(AGAIN_S)

    async def close(self) -> None:
        """Listen to nothing any more, and end the analyser. After a crash it ends by itself, and tidies up."""
        for line, leg in list(self._legs.items()):
            await self._end(leg, line)
        process, self._process, self.pid = self._process, None, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), CLOSE_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _reports(self, process: Process) -> None:
        assert process.stdout is not None
        while (read := await process.stdout.readline()).endswith(b"\n"):  # Killed in the middle of a line: no report.
            report: dict[str, Any] = orjson.loads(read)
            line = LineId(report["line"])
            leg = self._legs.get(line)
            if "meter" in report:
                self._metered(line, report["meter"])
            elif "fax" in report:
                self.post(FaxHeard(line))
            elif "refused" not in report:
                levels = (report["verdict"], report["speech_dbfs"], report["noise_dbfs"])
                loss = self.loss(leg) if leg is not None and self.ami.connected else None
                self.post(LineJudged(line, *levels, loss))
            elif leg is not None:
                self.post(LineUnheard(line, report["refused"]))
                await self._end(leg, line)

    def leg(self, line: LineId | None) -> LegId | None:
        """Whose line it is, while it is listened to."""
        return self._legs.get(line) if line is not None else None

    def watched(self, line: LineId, now: float) -> dict[str, Any] | None:
        """The last step of a line, which somebody looks at; None: there is none yet. Steps end METER_S after a look."""
        meter = self.meters.setdefault(line, Meter())
        if not meter.until:
            self._tell({"meter": line, "on": True})
        meter.until = now + METER_S
        return meter.last

    def _metered(self, line: LineId, reading: dict[str, Any]) -> None:
        meter = self.meters.get(line)
        if meter is not None and meter.until > asyncio.get_running_loop().time():
            meter.last = reading
        else:
            self.meters.pop(line, None)
            self._tell({"meter": line, "on": False})

    async def _after(self, before: asyncio.Task[None] | None, effect: HearingEffect) -> None:
        if before is not None:
            await asyncio.wait([before])
        match effect:
            case HearLine(_, leg, line, recording) if recording is not None:
                await self._lend(leg, line, parts(self.ours, recording)[0].name)
            case HearLine(_, leg, line):
                await self._begin(leg, line)
            case ForgetLine(_, leg, line):
                await self._end(leg, line)

    async def _begin(self, leg: LegId, line: LineId) -> None:
        """In a file of its own, whether it was heard until now or not."""
        await self.ami.until_connected(CONNECT_S)
        name = f"{line}.{next(self._count)}{SUFFIX}"  # One that is to be removed may have been the same line's.
        try:
            await self.ami.start_hearing(leg, str(self.written / name), line)
        except AsteriskError as error:
            self.post(LineUnheard(line, str(error)))
            self._forgotten(line)
            self._heard_in(leg, line, name)  # Perhaps it has begun, and only its answer was lost.
            await self._stop(leg, line)
            self._forgotten(line)
        else:
            self._tapped.add(line)
            self._heard_in(leg, line, name)

    def _heard_in(self, leg: LegId, line: LineId, name: str) -> None:
        self._legs[line], self._files[line] = leg, _File(name, lent=False)
        self._watch(line)

    async def _lend(self, leg: LegId, line: LineId, name: str) -> None:
        """In a recording's file, which is written anyway: if Asterisk writes one for this line, that ends."""
        self._legs[line], self._files[line] = leg, _File(name, lent=True)
        self._watch(line, at_end=True)
        if line in self._tapped:
            await self._stop(leg, line)

    async def _end(self, leg: LegId | None, line: LineId) -> None:
        """`leg` is None when it has ended, and Asterisk's listening with it. The line may be an earlier daemon's."""
        if leg is not None and (line in self._tapped or line not in self._legs):
            await self._stop(leg, line)
        self._tapped.discard(line)
        self._forgotten(line)

    def _forgotten(self, line: LineId) -> None:
        self._files.pop(line, None)
        self.meters.pop(line, None)
        if self._legs.pop(line, None) is not None:
            self._tell({"drop": line})

    async def _stop(self, leg: LegId, line: LineId) -> None:
        await self.ami.until_connected(CONNECT_S)
        with suppress(AsteriskError):  # It has just ended; or AMI is away, and it is stopped with the line.
            await self.ami.stop_recording(leg, line)
            self._tapped.discard(line)

    def _watch(self, line: LineId, at_end: bool = False) -> None:
        file = self._files[line]
        command = {"watch": line, "path": str(self.ours / file.name), "lent": file.lent}
        self._tell(command | ({"from": "end"} if at_end else {}))

    def _tell(self, command: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(orjson.dumps(command) + b"\n")
