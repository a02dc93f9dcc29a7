"""Listens to growing files of callers' voices and says when a verdict on a line changes. A process of its own.

Commands come on standard input, reports go to standard output, one JSON object a line:
`{"watch": "7-1.h1", "path": "/…/7-1.h1.0.sln48", "lent": false}`, `{"drop": "7-1.h1"}` →
`{"line": "7-1.h1", "verdict": "noisy", …}`. Watched again, it goes on with what it knows of the line, in another file.
`{"meter": "7-1.h1", "on": true}` → `{"line": "7-1.h1", "meter": {…}}` at every step, until `on` is false.
A fax or a modem is told once: `{"line": "7-1.h1", "fax": true}`.
A line's own file is raw 16-bit mono at 48 kHz: Asterisk writes in steps of 32 KiB, so the faster the rate the less it
lags. What was read is given back to the disk at once (a hole), so that a long call takes no room. When standard input
ends, the daemon is gone: the files are kept small until they have stopped growing, then they are removed. One that is
lent is the caller's side of a recording, WAV of 8 kHz: it is only read.
"""

import ctypes
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ari_app.line.fax import FaxEar
from ari_app.line.features import Features, measure
from ari_app.line.track import FRAME, RATE, Flags, Sound, Track, frame_levels, hear, step_of
from ari_app.line.verdict import Watcher
from ari_app.media.vad import Ear, voice_detector
from ari_app.model.line import Rules

FILE_RATE: Final = 48_000
_LIBC: Final = ctypes.CDLL(None)
_PUNCH_HOLE: Final = 0x02 | 0x01  # fallocate(2): FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
_HEAD: Final = 44  # Bytes before the sound of Asterisk's WAV files.
_AHEAD_S: Final = 10  # After a pause of ours, the rest waits for the next look.
_KEPT_MAX: Final = 64 << 20  # A file that cannot be given holes is listened to until it is this long.
_AGAIN_S: Final = 2.0  # Asterisk may open a file just after it was removed: removed once more.
_STALLED_S: Final = 10.0  # A line that does not grow for so long is not heard: its verdict would be an old one.
_PAUSE_S: Final = 3.0  # A file at 8 kHz would grow every 2 s; what takes longer is a phone that sends nothing.
_PACE_S: Final = 10.0  # After which the pace of a file tells whether it is what was asked for.
_PACE_MIN, _PACE_MAX = 0.4, 1.6
_STILL_S: Final = 10.0  # A file that has not grown for so long is finished.
_NICE: Final = 10  # Calls come first.
_HUSH_DBFS: Final = -60.0  # Below it nothing is asked of the voice detector.


@dataclass(frozen=True)
class Form:
    """How sound stands in a file: bytes before it, samples a second."""

    head: int
    rate: int

    @property
    def every(self) -> int:
        """Of so many samples one is heard: what Asterisk made of 8 kHz sound has nothing above 4 kHz."""
        return self.rate // RATE

    @property
    def unit(self) -> int:
        """Bytes of a frame."""
        return FRAME * self.every * 2


OWN: Final = Form(0, FILE_RATE)
LENT: Final = Form(_HEAD, RATE)


@dataclass
class Line:
    """One caller's file, how far it was read, and what was heard of late."""

    path: Path
    watcher: Watcher
    track: Track
    fax: FaxEar
    ear: Ear = field(default_factory=Ear)
    form: Form = OWN
    read_bytes: int = 0  # Where in the file to go on.
    grown_at: float | None = None
    growing_s: float = 0.0  # Time in which it grew, and by how much: pauses of the phone are no slowness.
    growing_bytes: int = 0
    is_solid: bool = False  # Its disk cannot make holes in it.
    is_metered: bool = False


class Lines:
    """All lines that are listened to, at most `lines_max` of them."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.lines: dict[str, Line] = {}
        self.removed: list[tuple[float, Path]] = []

    def watch(self, name: str, path: Path, at_end: bool = False, lent: bool = False) -> bool:
        """Listen to a file, which need not exist yet; False when as many as allowed are listened to already."""
        known = self.lines.get(name)
        if known is None and len(self.lines) >= self.rules.lines_max:
            return False
        form, size = LENT if lent else OWN, _size(path) if at_end else 0
        begin = form.head + max(0, size - form.head) // form.unit * form.unit
        if known is None:
            track, fax = Track(self.rules.window_s), FaxEar(self.rules.fax_s)
            self.lines[name] = Line(path, Watcher(self.rules), track, fax, form=form, read_bytes=begin)
        else:
            self._remove(known, time.monotonic())
            self.lines[name] = Line(
                path, known.watcher, known.track, known.fax, known.ear, form, begin, is_metered=known.is_metered
            )
        return True

    def drop(self, name: str, now: float) -> None:
        """Listen no more; the file goes, unless it is lent."""
        if (line := self.lines.pop(name, None)) is not None:
            self._remove(line, now)

    def _remove(self, line: Line, now: float) -> None:
        if line.form is OWN:
            line.path.unlink(missing_ok=True)
            self.removed.append((now + _AGAIN_S, line.path))

    def tidy(self, now: float) -> None:
        """Remove what came back after it was removed."""
        for due, path in [each for each in self.removed if each[0] <= now]:
            path.unlink(missing_ok=True)
            self.removed.remove((due, path))

    def outlive(self) -> None:
        """Nobody listens any more, and Asterisk still writes: give back the room until that ends, then remove."""
        still_s = 0.0
        self.lines = {name: line for name, line in self.lines.items() if line.form is OWN}
        while self.lines and still_s < _STILL_S:
            grown = [len(_grown(line)) for line in self.lines.values()]
            still_s = 0.0 if any(grown) else still_s + self.rules.step_s
            time.sleep(self.rules.step_s)
        for line in self.lines.values():
            line.path.unlink(missing_ok=True)

    def look(self, now: float) -> list[dict[str, Any]]:
        """Hear what has come since the last look; the verdicts that changed, and lines that cannot be heard."""
        new = {name: _grown(line) for name, line in self.lines.items()}
        amiss = {name: _amiss(line, len(new[name]), now) for name, line in self.lines.items()}
        reports: list[dict[str, Any]] = [{"line": name, "refused": why} for name, why in amiss.items() if why]
        cut = {name: _pieces(sound, step_of(self.rules.step_s)) for name, sound in new.items()}
        for n in range(max(map(len, cut.values()), default=0)):
            reports += self._heard({name: pieces[n] for name, pieces in cut.items() if len(pieces) > n})
        return reports

    def _heard(self, pieces: dict[str, Sound]) -> list[dict[str, Any]]:
        """The next piece of some lines, all of them together."""
        lines, sounds = [self.lines[name] for name in pieces], list(pieces.values())
        hear([line.track for line in lines], sounds, _spoken(lines, sounds))
        features = measure([line.track for line in lines])
        reports = []
        for (name, piece), line, found in zip(pieces.items(), lines, features, strict=True):
            if (verdict := line.watcher.heard(found, line.track.heard_s)) is not None:
                levels = {"speech_dbfs": round(found.speech_dbfs, 1), "noise_dbfs": round(found.noise_dbfs, 1)}
                reports.append({"line": name, "verdict": verdict, "at_s": round(line.track.heard_s, 2), **levels})
            if line.fax.heard(piece, line.watcher.verdict == "tone"):
                reports.append({"line": name, "fax": True})
            if line.is_metered:
                reports.append({"line": name, "meter": reading(piece, found, line)})
        return reports

    def meter(self, name: str, on: bool) -> None:
        """Tell every step of a line, or only what changes."""
        if name in self.lines:
            self.lines[name].is_metered = on


def _pieces(sound: Sound, step: int) -> list[Sound]:
    """What has come, a look each: of `step` samples, the last of half as many to half as many again."""
    looks = max(1, round(len(sound) / step)) if len(sound) else 0
    return [sound[n * step : (n + 1) * step if n < looks - 1 else None] for n in range(looks)]


def reading(piece: Sound, found: Features, line: Line) -> dict[str, Any]:
    """One step of a line for people who watch it: its own level, and what the last seconds measure, in dBFS and dB."""
    return {
        "verdict": line.watcher.verdict,
        "at_s": round(line.track.heard_s, 2),
        "level_dbfs": round(10 * float(np.log10(np.mean(piece * piece) + 1e-10)), 1),
        "speech_s": round(found.speech_s, 2),
        "speech_dbfs": round(found.speech_dbfs, 1) if found.speech_s else None,
        "noise_dbfs": round(found.noise_dbfs, 1),
        "snr_db": round(found.snr_db, 1) if found.speech_s else None,
    }


def _spoken(lines: list[Line], sounds: list[Sound]) -> list[Flags]:
    """Where speech is; what is too faint for it is not looked at."""
    loud = [frame_levels(sound).max() > _HUSH_DBFS for sound in sounds]
    for line, is_loud in zip(lines, loud, strict=True):
        if not is_loud:
            line.ear.reset()
    ears = [line.ear for line, is_loud in zip(lines, loud, strict=True) if is_loud]
    found = iter(voice_detector().heard(ears, [sound for sound, is_loud in zip(sounds, loud, strict=True) if is_loud]))
    none = [np.zeros(len(sound) // FRAME, dtype=bool) for sound in sounds]
    return [next(found) if is_loud else nothing for is_loud, nothing in zip(loud, none, strict=True)]


def _amiss(line: Line, samples: int, now: float) -> str:
    """Why a line is not heard, or not rightly; empty when all is well. `samples` have just come."""
    since = 0.0 if line.grown_at is None else now - line.grown_at
    if samples and 0 < since <= _PAUSE_S and line.track.heard_s:
        line.growing_s += since
        line.growing_bytes += samples * line.form.every * 2
    if samples or line.grown_at is None:
        line.grown_at = now
    if line.is_solid and line.read_bytes > _KEPT_MAX:
        return f"{line.path.parent} cannot take back what was read"
    if not samples and since > _STALLED_S:
        return f"Asterisk has written nothing for {_STALLED_S:g} s"
    if line.growing_s > _PACE_S:
        pace = line.growing_bytes / line.growing_s
        rate = line.form.rate
        if not _PACE_MIN < pace / (2 * rate) < _PACE_MAX:
            return f"{pace:.0f} bytes a second are written, where sound of {rate} Hz has {2 * rate}"
    return ""


def _grown(line: Line) -> Sound:
    """What Asterisk has written since, in whole frames, at 8 kHz."""
    try:
        with line.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < line.read_bytes:  # Begun anew: what was heard is of another file.
                line.read_bytes = line.form.head
                line.track.forget()
                line.ear.reset()
            file.seek(line.read_bytes)
            raw = file.read(_AHEAD_S * 2 * line.form.rate)
    except FileNotFoundError:
        return np.zeros(0, dtype=np.float32)
    raw = raw[: len(raw) // line.form.unit * line.form.unit]
    line.read_bytes += len(raw)
    if line.form is OWN:
        line.is_solid = line.is_solid or not _give_back(line.path, line.read_bytes)
    return np.frombuffer(raw, dtype="<i2")[:: line.form.every].astype(np.float32) / np.float32(32768)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _give_back(path: Path, size: int) -> bool:
    """Make the first `size` bytes a hole: the file keeps its length and takes no room. False: it cannot be."""
    try:
        file = os.open(path, os.O_WRONLY)
    except OSError:
        return not path.exists()
    try:
        return bool(_LIBC.fallocate(file, _PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(size)) == 0)
    finally:
        os.close(file)


def main() -> None:
    """Until standard input ends: the daemon is gone, or wants us to go. Signals to the group are for it, not for us."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    rules = Rules.model_validate_json(sys.argv[1])
    lines = Lines(rules)
    os.nice(_NICE)
    os.set_blocking(0, False)
    try:
        _listen(lines, rules.step_s)
    except BrokenPipeError:  # It died while we had something to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # What is still to be said goes nowhere, and no one is told.
    lines.outlive()


def _listen(lines: Lines, step_s: float) -> None:
    rest, next_at = b"", time.monotonic() + step_s
    while True:
        if select.select([0], [], [], max(0.0, next_at - time.monotonic()))[0]:
            read = os.read(0, 65536)
            if not read:
                return
            *whole, rest = (rest + read).split(b"\n")
            for each in whole:
                _obey(lines, orjson.loads(each))
        if time.monotonic() >= next_at:
            next_at = max(next_at + step_s, time.monotonic())  # Late looks are not made up for.
            lines.tidy(time.monotonic())
            for report in lines.look(time.monotonic()):
                _say(report)


def _obey(lines: Lines, command: dict[str, Any]) -> None:
    if "meter" in command:
        lines.meter(command["meter"], command["on"])
    elif "drop" in command:
        lines.drop(command["drop"], time.monotonic())
    elif not lines.watch(
        command["watch"], Path(command["path"]), command.get("from") == "end", command.get("lent", False)
    ):
        _say({"line": command["watch"], "refused": "lines_max"})


def _say(report: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(report) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
