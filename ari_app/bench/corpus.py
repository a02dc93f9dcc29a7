"""Callers' lines that anyone can make again: speech of our own prompts, noises from a seed, G.711, lost packets.

Each clip says what a listener should call it; what lies between two verdicts (a level or a ratio near a threshold) is
left out. Sound is 8 kHz mono, floats, full scale 1; levels dBFS, full-scale square wave = 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ari_app.media import pcm
from ari_app.model.facts import Verdict

Sound = npt.NDArray[np.float64]

RATE: Final = 8000
CLIP_S: Final = 6.0
SAMPLES: Final = int(CLIP_S * RATE)
LEVELS: Final[tuple[tuple[float, Verdict], ...]] = (
    *((level, "quiet") for level in (-50.0, -46.0, -43.0)),
    *((level, "clear") for level in (-34.0, -30.0, -26.0, -20.0, -16.0, -12.0)),
)
RATIOS: Final[tuple[tuple[float, Verdict], ...]] = ((0, "noisy"), (5, "noisy"), (10, "noisy"), (20, "clear"))
NOISES: Final = ("white", "pink", "babble", "hum", "street")
LOSSES: Final = (0.0, 0.02, 0.05)


@dataclass(frozen=True)
class Clip:
    kind: str  # What it is made of: `speech`, `speech+street`, `ringback` …
    detail: str
    expected: Verdict
    sound: Sound


def clips(sounds: Path, seed: int, voices: int = 6) -> Iterator[Clip]:
    """All clips, from `voices` stretches of speech; each goes through G.711 and one of the losses in turn."""
    rng = np.random.default_rng(seed)
    speech = [_speech(sounds, rng) for _ in range(voices)]
    for n, clip in enumerate(_made(speech, rng)):
        loss = LOSSES[n % len(LOSSES)]
        sound = _lost(_g711(clip.sound), loss, rng)
        yield Clip(clip.kind, f"{clip.detail}, {loss:.0%} lost", clip.expected, sound)


def _made(speech: list[Sound], rng: np.random.Generator) -> Iterator[Clip]:
    yield from _nobody(rng, len(speech))
    for voice in speech:
        for level, expected in LEVELS:
            floor = _at(_noise("pink", rng, speech), level - 28)
            yield Clip("speech", f"{level:.0f} dBFS", expected, _at_speech(voice, level) + floor)
        for noise in NOISES:
            for ratio, expected in RATIOS:
                under = _at(_noise(noise, rng, speech), -24.0 - ratio)
                yield Clip(f"speech+{noise}", f"{ratio:.0f} dB", expected, _at_speech(voice, -24.0) + under)
        yield Clip("speech+echo", "-12 dB after 180 ms", "clear", _echo(_at_speech(voice, -24.0)))


def _nobody(rng: np.random.Generator, times: int) -> Iterator[Clip]:
    """Lines on which nobody speaks."""
    for _ in range(times):
        yield Clip("silence", "digital", "silent", np.zeros(SAMPLES))
        for level in (-70.0, -60.0, -54.0):
            yield Clip("comfort noise", f"{level:.0f} dBFS", "silent", _at(_noise("pink", rng, []), level))
        for noise in ("white", "pink", "hum", "street"):
            for level in (-40.0, -32.0, -24.0):
                yield Clip(f"{noise} alone", f"{level:.0f} dBFS", "noisy", _at(_noise(noise, rng, []), level))
        for hertz in ((440.0, 480.0), (450.0,), (1209.0, 697.0), (2100.0,)):
            yield Clip("tone", "+".join(f"{each:.0f}" for each in hertz), "tone", _at(_tones(hertz, rng), -20.0))
        for tempo in (0.25, 0.4):
            yield Clip("music", f"{tempo} s a chord", "music", _at(_music(tempo, rng), -22.0))


# -- what clips are made of --


def _speech(sounds: Path, rng: np.random.Generator) -> Sound:
    """Prompts of one language one after another, cut to the clip's length."""
    # Sentences: files of 1.5 s and more.
    folder = sounds / str(rng.choice(["zh-CN", "en"]))
    files = sorted(file for file in folder.glob("*.wav") if file.stat().st_size > 24_000)
    said = np.zeros(0)
    while len(said) < SAMPLES:
        said = np.concatenate([said, pcm.read_wav(files[rng.integers(len(files))])[0], np.zeros(RATE // 5)])
    return said[:SAMPLES]


def _noise(kind: str, rng: np.random.Generator, speech: list[Sound]) -> Sound:
    white = rng.standard_normal(SAMPLES)
    match kind:
        case "white":
            return white
        case "pink":
            return _coloured(white, 0.5)
        case "babble":
            return sum(
                (np.roll(_at_speech(voice, -24.0), rng.integers(SAMPLES)) for voice in speech), np.zeros(SAMPLES)
            )
        case "hum":
            times = np.arange(SAMPLES) / RATE
            partials = [np.sin(2 * np.pi * 50 * n * times + rng.uniform(0, 6.3)) / n for n in (2, 4, 6, 8, 12, 14)]
            return sum(partials, 0.05 * white)
        case "street":
            slow = np.interp(np.arange(SAMPLES), np.linspace(0, SAMPLES, 13), rng.uniform(0.5, 1.3, 13))
            return _coloured(white, 1.0) * slow
        case _:
            raise ValueError(kind)


def _coloured(white: Sound, power: float) -> Sound:
    """Noise whose amplitude falls with frequency to the given power (0.5: pink), within the telephone band."""
    spectrum = np.fft.rfft(white)
    hertz = np.fft.rfftfreq(len(white), 1 / RATE)
    gain = np.where((hertz > 200) & (hertz < 3600), np.maximum(hertz, 1.0) ** -power, 0.0)
    return np.fft.irfft(spectrum * gain, len(white))


def _tones(hertz: tuple[float, ...], rng: np.random.Generator) -> Sound:
    """One second on, two off, from anywhere in that rhythm: as ringback does."""
    times = np.arange(SAMPLES) / RATE
    on = ((times + rng.uniform(0, 3)) % 3) < 1
    return sum((np.sin(2 * np.pi * each * times) for each in hertz), np.zeros(SAMPLES)) * on


def _music(chord_s: float, rng: np.random.Generator) -> Sound:
    """Chords of three notes with two overtones, each dying away."""
    length = int(chord_s * RATE)
    times = np.arange(length) / RATE
    found: list[Sound] = []
    for _ in range(SAMPLES // length + 1):
        root = 220 * 2 ** (rng.integers(0, 12) / 12)
        notes = [root, root * 2 ** (4 / 12), root * 2 ** (7 / 12)]
        tones = (np.sin(2 * np.pi * note * k * times) / k**2 for note in notes for k in (1, 2))
        found.append(sum(tones, np.zeros(length)) * np.exp(-times / (2 * chord_s)))
    return np.concatenate(found)[:SAMPLES]


def _echo(sound: Sound) -> Sound:
    late = np.roll(sound, int(0.18 * RATE))
    late[: int(0.18 * RATE)] = 0
    return sound + 10 ** (-12 / 20) * late


def _at(sound: Sound, dbfs: float) -> Sound:
    power = float((sound * sound).mean())
    return sound * np.sqrt(10 ** (dbfs / 10) / power) if power > 0 else sound


def _at_speech(sound: Sound, dbfs: float) -> Sound:
    return sound * float(10 ** ((dbfs - pcm.active_level(sound)) / 20))


# -- what happens to it on its way --


def _g711(sound: Sound) -> Sound:
    """Through µ-law and back (ITU-T G.711), as companding of 8 bits."""
    clipped = np.clip(sound, -1, 1)
    squeezed = np.sign(clipped) * np.log1p(255 * np.abs(clipped)) / np.log(256)
    coded = np.round(squeezed * 127) / 127
    heard: Sound = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255
    return heard


def _lost(sound: Sound, share: float, rng: np.random.Generator) -> Sound:
    """Packets of 20 ms replaced by silence, which is how Asterisk's recording shows them."""
    keep = rng.random(len(sound) // 160) >= share
    return sound * np.repeat(keep, 160)[: len(sound)]
