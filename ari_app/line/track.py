"""The last seconds of callers' lines, frame by frame: levels, speech, tones. Pure; numpy, all lines at once.

Sound is 8 kHz mono, 32-bit floats, full scale 1; levels are dBFS with a full-scale square wave = 0. Speech is told by a
voice detector outside, as one flag a 20 ms frame.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

RATE: Final = 8000
FRAME: Final = 160
FRAME_S: Final = FRAME / RATE

SPECTRUM: Final = 512  # 64 ms, half overlapping.
HOP: Final = SPECTRUM // 2
_BAND: Final = slice(5, 231)  # 80-3600 Hz.
_NARROW: Final = 3  # Bins either side of a peak: ±47 Hz.
_PARTIALS: Final = 8
_HANN: Final = np.hanning(SPECTRUM).astype(np.float32)


class Track:
    """The last `seconds` of one line. What has not come yet is NaN."""

    def __init__(self, seconds: float) -> None:
        self.heard_s = 0.0  # In all.
        self._seconds = seconds
        self.forget()

    def forget(self) -> None:
        """What comes from here on has nothing to do with what was."""
        seconds = self._seconds
        self.levels = np.full(round(seconds / FRAME_S), np.nan, dtype=np.float32)  # A 20 ms frame each.
        self.flags = np.zeros(len(self.levels), dtype=bool)
        # A 64 ms frame each: its energy; shares of it in two, in a few narrow peaks; where the strongest stands.
        self.tones = np.full((4, (round(seconds * RATE) - SPECTRUM) // HOP + 1), np.nan, dtype=np.float32)
        self._rest = np.zeros(0, dtype=np.float32)

    def _cut(self, sound: Sound) -> Sound:
        """The next 64 ms frames, as rows; what is no whole frame waits."""
        samples = np.concatenate([self._rest, sound], dtype=np.float32)
        count = max(0, (len(samples) - SPECTRUM) // HOP + 1)
        self._rest = samples[count * HOP :]
        if not count:
            return np.zeros((0, SPECTRUM), dtype=np.float32)
        return np.lib.stride_tricks.sliding_window_view(samples, SPECTRUM)[: count * HOP : HOP]

    def _add(self, levels: Sound, flags: Flags, tones: Sound) -> None:
        self.heard_s += len(levels) * FRAME_S
        self.levels = np.concatenate([self.levels, levels])[-len(self.levels) :]
        self.flags = np.concatenate([self.flags, flags])[-len(self.flags) :]
        self.tones = np.concatenate([self.tones, tones], axis=1)[:, -self.tones.shape[1] :]


def hear(tracks: Sequence[Track], sounds: Sequence[Sound], flags: Sequence[Flags]) -> None:
    """The next sound of each line, in whole frames, and its flags."""
    if not tracks:
        return
    cut = [track._cut(sound) for track, sound in zip(tracks, sounds, strict=True)]
    levels, tones = frame_levels(np.concatenate(sounds)), _tones(np.concatenate(cut))
    frame_ends = np.cumsum([0, *(len(each) for each in flags)])
    tone_ends = np.cumsum([0, *(len(each) for each in cut)])
    for track, flag, (f0, f1), (t0, t1) in zip(tracks, flags, pairwise(frame_ends), pairwise(tone_ends), strict=True):
        track._add(levels[f0:f1], flag, tones[:, t0:t1])


def step_of(seconds: float) -> int:
    """Samples of one look: whole frames, one at least."""
    return max(1, round(seconds * RATE / FRAME)) * FRAME


def frame_levels(sound: Sound) -> Sound:
    """The level of each whole 20 ms frame, in dBFS, its own offset left out."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    frames = frames - frames.mean(axis=1, keepdims=True)
    return np.asarray(10 * np.log10(np.einsum("ij,ij->i", frames, frames) / FRAME + 1e-10), dtype=np.float32)


def _tones(frames: Sound) -> Sound:
    """Rows of Track.tones for these 64 ms frames."""
    spectra = np.fft.rfft(frames * _HANN, axis=1)[:, _BAND]
    power = spectra.real**2 + spectra.imag**2
    energy, count = power.sum(axis=1), len(power)
    strongest = power.argmax(axis=1)
    padded = np.zeros((count, power.shape[1] + 2 * _NARROW), dtype=np.float32)
    padded[:, _NARROW:-_NARROW] = power
    rows, width = np.arange(count)[:, None], np.arange(2 * _NARROW + 1)
    two = few = found = np.zeros(count, dtype=np.float32)
    for n in range(_PARTIALS):
        peak = strongest if n == 0 else padded[:, _NARROW:-_NARROW].argmax(axis=1)
        near = peak[:, None] + width
        found = found + padded[rows, near].sum(axis=1)
        padded[rows, near] = 0.0
        two, few = (found if n == 1 else two), found
    whole = np.maximum(energy, 1e-12)
    return np.stack([energy, two / whole, few / whole, strongest]).astype(np.float32)
