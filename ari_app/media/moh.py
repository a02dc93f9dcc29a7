"""Music on hold: one calm piece of our own, computed note by note; the same samples every time, and it loops.

48 s in F major at 80 beats a minute: soft chords, a plucked figure, a bell above, a little room. 8 kHz, telephone band.
Notes that ring past the end ring on at the beginning, so that the seam cannot be heard.
"""

from pathlib import Path
from typing import Final

import numpy as np

from ari_app.media.pcm import RATE, Samples, active_level, write_wav

LEVEL_DBFS: Final = -24.0
BEAT_S: Final = 0.75
BEATS: Final = 64
LENGTH: Final = round(BEATS * BEAT_S * RATE)

# One chord a bar of four beats, notes as MIDI numbers (60 = middle C); the second eight bars go home by another way.
CHORDS: Final = (
    (53, 60, 64, 69), (50, 57, 60, 65), (58, 62, 65, 69), (48, 58, 62, 67),
    (53, 60, 64, 69), (57, 60, 64, 67), (58, 62, 65, 69), (48, 55, 60, 64),
    (50, 57, 60, 65), (57, 60, 64, 67), (58, 62, 65, 69), (53, 60, 64, 69),
    (55, 58, 62, 65), (48, 58, 62, 67), (53, 60, 65, 69), (53, 60, 64, 69),
)  # fmt: skip
FIGURE: Final = (0, 2, 1, 3, 2, 1, 3, 2)  # Which note of the chord, eight to a bar.

# The bell: (beat it starts on, note), with much room between.
MELODY: Final = (
    (0, 81), (2, 79), (3, 77), (4, 76), (6, 72), (8, 74), (10, 77), (11, 79), (12, 79),
    (16, 81), (18, 84), (19, 81), (20, 79), (22, 76), (24, 77), (26, 74), (28, 72),
    (32, 77), (34, 76), (35, 74), (36, 76), (38, 79), (40, 81), (42, 79), (43, 77), (44, 81),
    (48, 82), (50, 81), (51, 79), (52, 79), (54, 74), (56, 77), (60, 72),
)  # fmt: skip


def compose() -> Samples:
    """The whole piece at -24 dBFS, 48 s at 8 kHz."""
    out = np.zeros(LENGTH)
    for bar, chord in enumerate(CHORDS):
        for note in chord:
            _add(out, 4 * bar - 0.25, _pad(note + 12 if note < 53 else note), 0.10)
        for eighth, which in enumerate(FIGURE):
            _add(out, 4 * bar + eighth / 2, _pluck(chord[which] + 12), 0.30 if eighth % 4 == 0 else 0.22)
    for beat, note in MELODY:
        _add(out, beat, _bell(note), 0.30)
    out = _room(out)
    return out * 10 ** ((LEVEL_DBFS - active_level(out)) / 20)


def write(file: Path) -> None:
    """Compose it into a WAV."""
    write_wav(file, compose())


def _hertz(note: int) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _clock(seconds: float) -> Samples:
    return np.arange(round(seconds * RATE)) / RATE


def _swell(time: Samples, rise_s: float, fall_s: float) -> Samples:
    """From 0 to 1 and back to 0, both along a cosine: no edge anywhere."""
    left = 0.5 - 0.5 * np.cos(np.pi * np.clip(time / rise_s, 0, 1))
    right = 0.5 - 0.5 * np.cos(np.pi * np.clip((time[-1] - time) / fall_s, 0, 1))
    return np.asarray(left * right, np.float64)


def _pad(note: int) -> Samples:
    time, pitch = _clock(4 * BEAT_S + 1.2), _hertz(note)
    two = np.sin(2 * np.pi * pitch * 0.9985 * time) + np.sin(2 * np.pi * pitch * 1.0015 * time + 1.0)
    return 0.5 * (two + 0.25 * np.sin(4 * np.pi * pitch * time)) * _swell(time, 0.9, 1.3)


def _pluck(note: int) -> Samples:
    time, pitch = _clock(1.8), _hertz(note)
    tones = np.zeros_like(time)
    for k in (1, 2, 3):
        tones += np.sin(2 * np.pi * pitch * k * time) * np.exp(-time * (1.6 + 1.5 * k)) / float(k) ** 1.7
    return tones * _swell(time, 0.012, 0.3)


def _bell(note: int) -> Samples:
    time, pitch = _clock(3.2), _hertz(note)
    tones = np.sin(2 * np.pi * pitch * time) * np.exp(-1.4 * time)
    tones += 0.22 * np.sin(2 * np.pi * pitch * 2 * time) * np.exp(-3.0 * time)
    return tones * _swell(time, 0.02, 0.5)


def _add(out: Samples, beat: float, sound: Samples, gain: float) -> None:
    where = (round(beat * BEAT_S * RATE) + np.arange(len(sound))) % LENGTH
    out[where] += gain * sound  # Each index once: a note is shorter than the piece.


def _room(dry: Samples) -> Samples:
    """A small hall: the piece convolved in a circle with 1.2 s of fading noise from a fixed seed."""
    time = _clock(1.2)
    noise = np.random.default_rng(1860).standard_normal(len(time)) * np.exp(-4.5 * time) * _swell(time, 0.02, 0.2)
    noise *= 1 / np.sqrt((noise * noise).sum())
    wet = np.fft.irfft(np.fft.rfft(dry) * np.fft.rfft(noise, LENGTH), LENGTH)
    spectrum = np.fft.rfft(dry + 0.22 * wet)
    hertz = np.arange(len(spectrum)) * RATE / LENGTH
    spectrum *= (hertz > 0) / (1 + (150 / np.maximum(hertz, 1)) ** 4) / (1 + (hertz / 3000) ** 8)
    return np.fft.irfft(spectrum, LENGTH)
