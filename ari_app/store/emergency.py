"""The emergency file: rows that SQLite cannot take (disk full, store locked) go here until it can again.

All its bytes are written when it is made, so a full disk cannot refuse them. JSON lines of one generation, each
synced before it counts; the store remembers the generations it has read in, so a crash never doubles rows.
"""

import os
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson

from ari_app.store.rows import Line, cleaned

_BLOCK: Final = bytes(1 << 20)


def beside(store: Path) -> Path:
    """Where the emergency file of a store is."""
    return store.with_name(store.name + ".emergency")


def is_used(path: Path) -> bool:
    """Whether rows wait in the file at `path`."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        return file.read(1) not in (b"", b"\0")


class EmergencyFile:
    """Made at `path` with `size` bytes unless it is there. Rows of an earlier run are in `lines()`."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._preallocate(size)
        self.size = os.fstat(self._file).st_size
        self.generation = uuid.uuid4().hex
        self._used = 0
        self._kept: list[Line] = []
        self._read_in_before = False
        self._read()

    def _preallocate(self, size: int) -> None:
        """Real zeros, not a hole and not fallocate: also a copy-on-write or lazy filesystem has the blocks then."""
        have = os.fstat(self._file).st_size
        while have < size:
            have += os.pwrite(self._file, _BLOCK[: size - have], have)
        os.fsync(self._file)

    def _read(self) -> None:
        raw = os.pread(self._file, self.size, 0)
        for line in raw[: raw.find(b"\0") if b"\0" in raw else len(raw)].splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break  # Torn by a crash: it was never acknowledged.
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError:
                break  # What an interrupted `clear` left behind newer lines.
            if self._kept and found["generation"] != self.generation:
                break
            self.generation = found.pop("generation")
            self._kept.append(Line(**found))
            self._used += len(line)

    def __len__(self) -> int:
        return len(self._kept)

    def lines(self) -> Sequence[Line]:
        return self._kept

    def append(self, lines: Sequence[Line]) -> bool:
        """Write and sync them all, or none: False when there is no room left, or an earlier `clear` failed."""
        text = b"".join(self._text(line) for line in lines)
        if self._used + len(text) > self.size or self._read_in_before:
            return False
        os.pwrite(self._file, text, self._used)
        os.fdatasync(self._file)
        self._used += len(text)
        self._kept.extend(lines)
        return True

    def _text(self, line: Line) -> bytes:
        try:
            return orjson.dumps({"generation": self.generation, **asdict(line)}) + b"\n"
        except TypeError:
            return orjson.dumps({"generation": self.generation, **asdict(cleaned(line))}) + b"\n"

    def clear(self) -> None:
        """Zero what was used and begin a new generation. Only after the store has committed the lines. When it fails
        (OSError) nothing may be added: the store would take new rows for those it has read in."""
        self._read_in_before = True
        for start in range(0, self._used, len(_BLOCK)):
            os.pwrite(self._file, _BLOCK[: min(len(_BLOCK), self._used - start)], start)
        os.fdatasync(self._file)
        self._used = 0
        self._kept = []
        self._read_in_before = False
        self.generation = uuid.uuid4().hex

    def close(self) -> None:
        os.close(self._file)
