"""Audio kept by content: FOLDER/ab/abcdef….wav, by the SHA-256 of the file; a version of a flow names its own.

Files in sounds/ may change under it: a roll-back, a restart and a call that began before still say what they said.
`keep` and `adopt` read and write files (a thread's work); `path` only looks into memory.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ari_app.media.prompts import Prompts

Audio = Mapping[str, Mapping[str, str]]
"""Prompt id → language → SHA-256 of the WAV."""

GRACE_S: Final = 3600.0  # A file nobody names is removed when it is older: it may be about to be named.


def key_of(audio: Audio) -> str:
    """What tells one set of audio from another."""
    return hashlib.sha256(json.dumps(audio, sort_keys=True).encode()).hexdigest()[:12]


@dataclass
class KeptAudio:
    """`folder` None: Asterisk cannot read ours, so nothing is kept and everybody hears sounds/ as it is."""

    folder: Path | None
    _sound: set[str] = field(default_factory=set)  # Hashes whose file was found whole, or written, in this process.
    _hashes: dict[Path, tuple[tuple[int, int, int], str]] = field(default_factory=dict)

    def keep(self, prompts: Prompts, ids: Iterable[str], languages: Collection[str]) -> Audio:
        """Copy what these prompts sound like now, and say which file is which. OSError when it cannot be written."""
        found: dict[str, dict[str, str]] = {}
        for prompt in ids:
            rows = ((language, prompts.rows.get((prompt, language))) for language in languages)
            found[prompt] = {language: self._kept(prompts.folder / row.file) for language, row in rows if row}
        return found

    def adopt(self, audio: Audio) -> Audio:
        """The part of a set kept earlier whose files are there and whole."""
        if self.folder is None:
            return {}
        for sha256 in {each for languages in audio.values() for each in languages.values()} - self._sound:
            file = _file(self.folder, sha256)
            if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
                self._sound.add(sha256)
        return {
            prompt: {language: sha256 for language, sha256 in languages.items() if sha256 in self._sound}
            for prompt, languages in audio.items()
        }

    def path(self, sha256: str) -> Path | None:
        """The file of that content; None when it is not there."""
        return _file(self.folder, sha256) if self.folder is not None and sha256 in self._sound else None

    def remove_but(self, named: Callable[[], set[str]], now: float) -> int:
        """Remove the files nobody names; how many. `named` is asked after the files were listed."""
        if self.folder is None:
            return 0
        old = [file for file in self.folder.glob("*/*") if file.stat().st_mtime < now - GRACE_S]
        wanted = named() if old else set()
        gone = [file for file in old if file.stem not in wanted]
        for file in gone:
            self._sound.discard(file.stem)
            file.unlink(missing_ok=True)
        return len(gone)

    def _kept(self, file: Path) -> str:
        stat = file.stat()
        stamp = stat.st_mtime_ns, stat.st_size, stat.st_ino
        known = self._hashes.get(file)
        if known is not None and known[0] == stamp and (self.folder is None or known[1] in self._sound):
            return known[1]
        content = file.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if self.folder is not None:
            self._write(_file(self.folder, sha256), sha256, content)
        self._hashes[file] = stamp, sha256
        return sha256

    def _write(self, file: Path, sha256: str, content: bytes) -> None:
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(".new")
            new.write_bytes(content)
            new.replace(file)
        os.utime(file)  # Named again: not old.
        self._sound.add(sha256)


def _file(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.wav"
