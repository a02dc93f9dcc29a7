"""What a window of a caller's sound measures: levels, noise floor, speech, tones. Pure; numpy.

Sound is 8 kHz mono, floats, full scale 1; levels are dBFS with a full-scale square wave = 0. Speech is told by a voice
detector outside, as one flag a 20 ms frame.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RATE: Final = 8000
FRAME: Final = 160
FRAME_S: Final = FRAME / RATE
FLOOR_DBFS: Final = -100.0
GUARD: Final = 3  # Frames beside speech that count neither as speech nor as noise.
NOISE_FRAMES_MIN: Final = 10

_SPECTRUM: Final = 512  # 64 ms, half overlapping.
_BAND: Final = slice(5, 231)  # 80-3600 Hz.
_NARROW: Final = 3  # Bins either side of a peak: ±47 Hz.
_PURE: Final = 0.97
_LOUD_DB: Final = 12.0  # Frames this far below the loudest are not asked for tones.
_PARTIALS: Final = 8


@dataclass(frozen=True, slots=True)
class Features:
    """`speech_s` of `seconds`; `speech_dbfs` is the active speech level (ITU-T P.56, by the detector's flags),
    FLOOR_DBFS without speech. `tonal`, `musical`: shares of the loud frames whose energy stands in two, in a few
    narrow peaks; `steady`: share of them whose strongest peak is the same (a hum, not a tune)."""

    seconds: float
    speech_s: float
    speech_dbfs: float
    noise_dbfs: float
    total_dbfs: float
    median_dbfs: float
    loud_dbfs: float  # 98th percentile of the frames.
    tonal: float
    musical: float
    steady: float

    @property
    def snr_db(self) -> float:
        """Speech without the noise that lies under it, against the noise."""
        speech, noise = 10 ** (self.speech_dbfs / 10), 10 ** (self.noise_dbfs / 10)
        return float(10 * np.log10(max(speech - noise, 1e-9) / max(noise, 1e-10)))


def measure(sound: Sound, speech: Flags) -> Features:
    """The features of one window (a few seconds). `speech`: one flag for each whole frame; fewer: the rest is none."""
    levels = frame_levels(sound)
    flags = np.zeros(len(levels), dtype=bool)
    flags[: min(len(flags), len(speech))] = speech[: len(flags)]
    if len(levels) == 0:
        return Features(0.0, 0.0, *(FLOOR_DBFS,) * 5, 0.0, 0.0, 0.0)
    tonal, musical, steady = peaks(sound)
    return Features(
        seconds=len(levels) * FRAME_S,
        speech_s=float(flags.sum()) * FRAME_S,
        speech_dbfs=_mean_dbfs(levels[flags]),
        noise_dbfs=_noise(levels, flags),
        total_dbfs=_mean_dbfs(levels),
        median_dbfs=float(np.median(levels)),
        loud_dbfs=float(np.percentile(levels, 98)),
        tonal=tonal,
        musical=musical,
        steady=steady,
    )


def frame_levels(sound: Sound) -> npt.NDArray[np.float64]:
    """The level of each whole 20 ms frame, in dBFS, its own offset left out."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    frames = frames - frames.mean(axis=1, keepdims=True)
    return np.asarray(10 * np.log10((frames * frames).mean(axis=1) + 1e-10), dtype=np.float64)


def _mean_dbfs(levels: npt.NDArray[np.float64]) -> float:
    if len(levels) == 0:
        return FLOOR_DBFS
    return float(10 * np.log10((10 ** (levels / 10)).mean()))


def _noise(levels: npt.NDArray[np.float64], flags: Flags) -> float:
    """The quietest tenth, or what stands between speech where there is enough of it, whichever is louder."""
    lowest = float(np.percentile(levels, 10)) + 0.8  # A tenth of a stationary noise lies that far below its mean.
    near = np.convolve(flags, np.ones(2 * GUARD + 1))[GUARD:-GUARD] > 0
    between = levels[~near]
    if len(between) < NOISE_FRAMES_MIN:
        return lowest
    return max(lowest, min(float(np.median(between)), _mean_dbfs(between)))


def peaks(sound: Sound) -> tuple[float, float, float]:
    """`tonal`, `musical` and `steady` of Features, over 64 ms frames. The first two are near 1 for keys, ringback, fax
    and for music, near 0 for speech and broadband noise."""
    if len(sound) < _SPECTRUM:
        return 0.0, 0.0, 0.0
    frames = np.lib.stride_tricks.sliding_window_view(sound, _SPECTRUM)[:: _SPECTRUM // 2] * np.hanning(_SPECTRUM)
    power = (np.abs(np.fft.rfft(frames, axis=1)) ** 2)[:, _BAND]
    energy = power.sum(axis=1)
    if energy.max() < 1e-7:
        return 0.0, 0.0, 0.0
    power = power[energy > energy.max() * 10 ** (-_LOUD_DB / 10)]
    total, found = power.sum(axis=1), np.zeros(len(power))
    strongest = power.argmax(axis=1)
    bins = np.arange(power.shape[1])[None]
    two = few = found
    for n in range(_PARTIALS):
        near = np.abs(bins - power.argmax(axis=1)[:, None]) <= _NARROW
        found = found + (power * near).sum(axis=1)
        power = np.where(near, 0.0, power)
        two, few = (found if n == 1 else two), found
    same = np.abs(strongest - np.bincount(strongest).argmax()) <= 1
    return float((two / total > _PURE).mean()), float((few / total > _PURE).mean()), float(same.mean())
