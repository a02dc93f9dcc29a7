"""A prompt recorded by telephone: found by its number, brought to the level of all prompts, kept as a studio recording.

What is kept is what `hotline prompts build` would make of it: the recording in studio/, the sound, the manifest's row.
Needs numpy. A thread's work.
"""

import hashlib
import shutil
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Final

from ari_app.errors import ConfigError
from ari_app.media import build
from ari_app.media.catalogue import FLAGS, STUDIO, TONE, Wanted, number_of, studio_file
from ari_app.media.prompts import Row, read_manifest, write_manifest

QUIET_DBFS: Final = -50.0  # A take below this is no speech; raising it to a prompt's level would be raising noise.
TAKE: Final = ".take-"


def take_file(folder: Path, take: str) -> Path:
    """Where a finished take lies until it is kept: in the folder of sounds, which Asterisk can read."""
    return folder / STUDIO / f"{TAKE}{take}.wav"


def find(folder: Path, number: str) -> str:
    """The id of the prompt with this number that can be spoken; empty when there is none."""
    rows = read_manifest(folder)
    return next((row.id for row in rows if number_of(row.id) == number and row.engine != TONE), "")


def finish(folder: Path, prompt: str, language: str, spoken: Path, take: str) -> float:
    """Make a take of what was spoken; its seconds. ConfigError, with the reason, when it cannot be a prompt."""
    from ari_app.media import pcm

    samples, rate = pcm.read_wav(spoken)
    if not isfinite(level := pcm.active_level(samples)) or level < QUIET_DBFS:
        raise ConfigError(f"too quiet: {level:.0f} dBFS")
    want = _wanted(folder, prompt, language)
    sound = build.finished(want, pcm.trim(pcm.telephone(samples, rate)))
    target = take_file(folder, take)
    pcm.write_wav(target, sound)
    if problems := list(build.sound_problems(want, target)):
        target.unlink()
        raise ConfigError("; ".join(problems))
    shutil.copyfile(spoken, target.with_suffix(".raw"))
    return round(len(sound) / pcm.RATE, 3)


def keep(folder: Path, prompt: str, language: str, take: str) -> Row:
    """Put a finished take in the place of the prompt: callers hear it as soon as the manifest is read again."""
    sound = take_file(folder, take)
    want = _wanted(folder, prompt, language)
    own = studio_file(folder, want)
    own.parent.mkdir(parents=True, exist_ok=True)
    sound.with_suffix(".raw").replace(own)
    flags = "".join(f" {flag}" for flag in FLAGS if getattr(want, flag))
    sha256 = hashlib.sha256(own.read_bytes()).hexdigest()
    want = replace(want, voice=STUDIO, engine=f"{STUDIO} {sha256[:12]}{flags}")
    sound.replace(folder / want.file)
    row = build.row_of(folder, want)
    rows = {(each.id, each.language): each for each in read_manifest(folder)}
    rows[prompt, language] = row
    write_manifest(folder, rows.values())
    (folder / build.LICENCES).write_text(build.licences(rows.values()), encoding="utf-8")
    return row


def drop(folder: Path, take: str) -> None:
    """Forget a take."""
    for file in (take_file(folder, take), take_file(folder, take).with_suffix(".raw")):
        file.unlink(missing_ok=True)


def _wanted(folder: Path, prompt: str, language: str) -> Wanted:
    row = next(row for row in read_manifest(folder) if (row.id, row.language) == (prompt, language))
    flags = row.engine.split()
    return Wanted(prompt, language, row.text, row.voice, row.engine, facts="facts" in flags, part="part" in flags)
