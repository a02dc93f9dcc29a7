"""Recordings as files: the two sides MixMonitor wrote become one stereo file (left caller, right agent).

Nothing here looks at a whole recording at once, and a file takes its final name only when it is complete and synced.
Old ones are kept as FLAC (PyPI `soundfile`, its wheels bundle libsndfile): of 4.7 min of our own speech, alternating
between the sides, it leaves 31 % (clean), 41 % (noise, through µ-law) or 56 % (noise) at 12 ms CPU a minute. bz2, the
best of the standard library, leaves 34, 37 and 70 % at 105-170 ms; xz 35, 38 and 68 % at 1,400-2,300 ms; gzip 49, 50
and 78 %. FLAC also plays and seeks in every browser, and carries a checksum of the sound.
"""

import hashlib
import os
import re
import struct
from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from ari_app.errors import HotlineError
from ari_app.model.ids import RecordingId

SIDES: Final = ("in", "out")
_ID: Final = re.compile(r"[0-9]+-[0-9]+\.r([0-9]+-)?[0-9]+")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BLOCK: Final = 1 << 16  # Frames read at a time.
_PCM: Final = 1
_RIFF_MAX: Final = 0xFFFFFFFF


class RecordingProblem(HotlineError):
    """A recording cannot be used; the text says which file and why. Nothing was deleted."""


@dataclass(frozen=True, slots=True)
class Joined:
    """`path` is relative to the recordings folder, with slashes; `sha256` is that of the file, in hex."""

    path: str
    seconds: float
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Side:
    """One mono 16-bit WAV, open: where its samples begin and how many there are."""

    file: BinaryIO
    rate: int
    start: int
    frames: int


def parts(folder: Path, recording: RecordingId) -> tuple[Path, Path]:
    """The files MixMonitor writes: the caller's side, and the agent's (what the caller hears)."""
    return folder / f"{recording}-{SIDES[0]}.wav", folder / f"{recording}-{SIDES[1]}.wav"


def begun(parts_folder: Path, recording: RecordingId) -> bool:
    """Whether both sides are being written."""
    return all(os.path.exists(f"{parts_folder}/{recording}-{side}.wav") for side in SIDES)


def finished(parts_folder: Path, recording: RecordingId) -> bool:
    """Whether Asterisk has closed both sides: it writes the length into a WAV header only then."""
    return all(_is_closed(path) for path in parts(parts_folder, recording))


def _is_closed(path: Path) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            riff, length = struct.unpack("<4sI", file.read(8))
            return bool(riff == b"RIFF" and length + 8 == os.fstat(file.fileno()).st_size)
    except (OSError, struct.error):
        return False


def join(parts_folder: Path, recording: RecordingId, target_folder: Path, day: str) -> Joined:
    """Join both sides into `target_folder/day/recording.wav` (day: YYYY-MM-DD), then delete them: `merge`, `seal`."""
    joined = merge(parts_folder, recording, target_folder, day)
    for error in seal(parts_folder, target_folder, {recording: joined}).values():
        raise error
    return joined


def merge(parts_folder: Path, recording: RecordingId, target_folder: Path, day: str) -> Joined:
    """Join both sides into one file; its name is not safe, and the sides stay, until it is sealed.

    The shorter side is filled with silence. WAV headers a killed Asterisk never finished are read by file size. Done
    again after a crash it gives the same file. RecordingProblem for a side missing, empty or damaged.
    """
    if not _ID.fullmatch(recording) or not _DAY.fullmatch(day):
        raise RecordingProblem(f"{recording!r} on {day!r} is no recording of ours")
    target = target_folder / day / f"{recording}.wav"
    left, right = parts(parts_folder, recording)
    if not (left.exists() and right.exists()):  # Joined before a crash, perhaps on another day?
        whole = next(target_folder.glob(f"*/{recording}.wav"), None)
        if whole is not None:
            return _described(whole, target_folder)
    with ExitStack() as files:
        sides = _side(left, files), _side(right, files)
        if sides[0].rate != sides[1].rate:
            raise RecordingProblem(f"{left.name} has {sides[0].rate} Hz, {right.name} {sides[1].rate} Hz")
        frames = max(sides[0].frames, sides[1].frames)
        if frames == 0:
            raise RecordingProblem(f"{left.name} and {right.name} are empty: they hold no sound")
        with _written(_unsealed(target)) as file:
            digest = _write_stereo(file, sides, frames)
            size = file.tell()
    return Joined(target.relative_to(target_folder).as_posix(), frames / sides[0].rate, size, digest)


def seal(parts_folder: Path, target_folder: Path, merged: Mapping[RecordingId, Joined]) -> dict[RecordingId, OSError]:
    """Make merged files safe, many with one another, then delete their sides. What could not be made safe is returned,
    with the reason; its sides stay."""
    failed: dict[RecordingId, OSError] = {}
    folders: dict[Path, list[RecordingId]] = {}
    for recording, joined in merged.items():
        target = target_folder / joined.path
        try:
            _take_name(target)
            folders.setdefault(target.parent, []).append(recording)
        except OSError as error:
            failed[recording] = error
    for folder, named in folders.items():
        try:
            _sync(folder)
        except OSError as error:
            failed |= dict.fromkeys(named, error)
    for recording in merged.keys() - failed.keys():
        _remove(*parts(parts_folder, recording))
    return failed


def verify(path: Path, sha256: str) -> bool:
    """Whether the file is the one that was stored. RecordingProblem when it is not there."""
    return digest_of(path) == sha256


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex. RecordingProblem when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise RecordingProblem(f"{path.name} cannot be read: {problem.strerror}") from problem


def compress(path: Path) -> Path:
    """A FLAC of the same name beside the WAV, proved sample for sample; the WAV stays until the caller has noted the
    new file and deletes it. RecordingProblem when it cannot be read or the proof fails."""
    import soundfile  # type: ignore[import-untyped]

    target = path.with_suffix(".flac")
    try:
        with _written(_unsealed(target)) as file, soundfile.SoundFile(path) as source:
            form = {"samplerate": source.samplerate, "channels": source.channels, "subtype": "PCM_16"}
            with soundfile.SoundFile(file, "w", format="FLAC", **form) as flac:
                while block := source.buffer_read(_BLOCK, dtype="int16"):
                    flac.buffer_write(block, dtype="int16")
        _take_name(target)
        _sync(target.parent)
    except (OSError, soundfile.SoundFileError) as problem:
        raise RecordingProblem(f"{path.name} cannot be compressed: {problem}") from problem
    if _sound_digest(path) != _sound_digest(target):
        target.unlink()
        raise RecordingProblem(f"{path.name} did not come back the same from FLAC: it stays as it is")
    return target


def orphans(folder: Path, known: Collection[RecordingId]) -> list[Path]:
    """Files below the recordings folder that belong to no known recording, left-overs of an interrupted write, and
    WAVs whose FLAC stands beside them. Sorted."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            whole = path.suffix in (".wav", ".flac") and path.stem in known
            doubled = path.suffix == ".wav" and path.with_suffix(".flac").exists()
            if doubled or not whole:
                found.append(path)
    return sorted(found)


# -- reading --


def _side(path: Path, files: ExitStack) -> _Side:
    """Read its header; `files` closes it."""
    try:
        file = files.enter_context(path.open("rb"))
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise RecordingProblem(f"{path.name} is empty")
        return _parsed(path, file, size)
    except FileNotFoundError:
        raise RecordingProblem(f"{path.name} is missing") from None
    except OSError as problem:
        raise RecordingProblem(f"{path.name} cannot be read: {problem.strerror}") from problem
    except struct.error:
        raise RecordingProblem(f"{path.name} is damaged: it ends within its header") from None


def _parsed(path: Path, file: BinaryIO, size: int) -> _Side:
    """Walk the chunks up to `data`."""
    riff, _, wave = struct.unpack("<4sI4s", file.read(12))
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise RecordingProblem(f"{path.name} is damaged: it does not begin like a WAV file")
    rate = 0
    while True:
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            break
        start = file.tell()
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", file.read(16))
            if (kind, channels, bits) != (_PCM, 1, 16) or rate == 0:
                raise RecordingProblem(f"{path.name} is not 16-bit mono: {channels} channels, {bits} bits")
        file.seek(start + length + length % 2)
    if rate == 0:
        raise RecordingProblem(f"{path.name} is damaged: its header names no sample rate")
    start = file.tell()
    return _Side(file, rate, start, _data_length(file, start, length, size) // 2)


def _data_length(file: BinaryIO, start: int, declared: int, size: int) -> int:
    """Bytes of sound. The header's figure counts only if another chunk follows: a killed Asterisk leaves it at 0."""
    if 0 < declared < size - start:
        file.seek(start + declared + declared % 2)
        if file.read(4) in (b"LIST", b"id3 ", b"bext"):
            return declared
    return size - start


def _blocks(side: _Side, frames: int) -> Iterator["array[int]"]:
    """`frames` samples of a side, silence after its end, a block at a time."""
    left = side.frames
    side.file.seek(side.start)
    for done in range(0, frames, _BLOCK):
        want = min(_BLOCK, frames - done)
        raw = side.file.read(2 * min(want, left))
        left -= len(raw) // 2
        yield array("h", raw + bytes(2 * want - len(raw)))


def _described(path: Path, folder: Path) -> Joined:
    import wave

    with wave.open(str(path), "rb") as file:
        seconds = file.getnframes() / file.getframerate()
    return Joined(path.relative_to(folder).as_posix(), seconds, path.stat().st_size, digest_of(path))


def _sound_digest(path: Path) -> str:
    """SHA-256 of the samples, whatever the file's format."""
    import soundfile

    digest = hashlib.sha256()
    with soundfile.SoundFile(path) as source:
        while block := source.buffer_read(_BLOCK, dtype="int16"):
            digest.update(block)
    return digest.hexdigest()


# -- writing --


def _write_stereo(file: BinaryIO, sides: tuple[_Side, _Side], frames: int) -> str:
    """Header and interleaved samples; the SHA-256 of all of it. 16-bit units are moved whole: no byte order."""
    rate, length = sides[0].rate, 4 * frames
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, 2, rate, 4 * rate, 4, 16)
    head = struct.pack("<4sI4s", b"RIFF", min(36 + length, _RIFF_MAX), b"WAVE")
    head += form + struct.pack("<4sI", b"data", min(length, _RIFF_MAX))
    digest = hashlib.sha256(head)
    file.write(head)
    for left, right in zip(_blocks(sides[0], frames), _blocks(sides[1], frames), strict=True):
        both = array("h", bytes(4 * len(left)))
        both[0::2] = left
        both[1::2] = right
        raw = both.tobytes()
        digest.update(raw)
        file.write(raw)
    return digest.hexdigest()


def _unsealed(target: Path) -> Path:
    """What a file is called until it is complete and synced."""
    return target.with_name(target.name + ".part")


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A new file, which is gone when not all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "wb", opener=lambda path, flags: os.open(path, flags, 0o640)) as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _take_name(target: Path) -> None:
    fresh = _unsealed(target)
    with suppress(FileNotFoundError):  # It had its name before.
        _sync(fresh)
        fresh.replace(target)


def _sync(path: Path) -> None:
    """A file, or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):  # Asterisk's folder may refuse: a side left behind harms nobody.
            path.unlink(missing_ok=True)
