"""What the last seconds of callers' lines measure: levels, noise floor, speech, tones. Pure; numpy, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ari_app.line.track import FRAME_S, Track

Floats = npt.NDArray[np.float64]
Masks = npt.NDArray[np.bool_]

FLOOR_DBFS: Final = -100.0
NOTHING_DBFS: Final = -95.0  # Not a bit of sound: a lost packet, or a phone that sends nothing between words.
LOST_SHARE_MAX: Final = 0.2  # More than that are no losses.
GUARD: Final = 4  # Frames beside speech that count neither as speech nor as noise.
NOISE_FRAMES_MIN: Final = 10
MARGIN_DB: Final = 15.9
KNOCK_FRAMES: Final = 15
BUSY_SHARE: Final = 0.7  # What stands out for less than the rest of the time is a knock or a cough, no noise.
_PURE: Final = 0.97
_TONES_MIN: Final = 12  # Frames: 0.4 s of the window. What sounds for less is knocks on a handset, or one key.
_LOUD_DB: Final = 12.0  # Frames this far below the loudest are not asked for tones.


@dataclass(frozen=True, slots=True)
class Features:
    """`speech_s` of `seconds`; `speech_dbfs` is the active speech level (ITU-T P.56, by the detector's flags),
    FLOOR_DBFS without speech. `tonal`, `musical`: shares of the loud frames whose energy stands in two, in a few
    narrow peaks; `steady`: share of them whose strongest peak is the same (a hum, not a tune)."""

    seconds: float
    speech_s: float
    speech_dbfs: float
    noise_dbfs: float
    median_dbfs: float
    busy_dbfs: float  # What the frames are at or below for BUSY_SHARE of the time.
    loud_dbfs: float  # 98th percentile of the frames.
    tonal: float
    musical: float
    steady: float

    @property
    def snr_db(self) -> float:
        """Speech without the noise that lies under it, against the noise."""
        speech, noise = 10 ** (self.speech_dbfs / 10), 10 ** (self.noise_dbfs / 10)
        return float(10 * np.log10(max(speech - noise, 1e-9) / max(noise, 1e-10)))


def measure(tracks: Sequence[Track]) -> list[Features]:
    """What each line measures now; all tracks look back on the same time."""
    if not tracks:
        return []
    levels = np.stack([track.levels for track in tracks]).astype(np.float64)
    flags = np.stack([track.flags for track in tracks])
    there = ~np.isnan(levels)
    levels = np.where(there, levels, FLOOR_DBFS)
    seconds = there.sum(axis=1) * FRAME_S
    gone = there & (levels <= NOTHING_DBFS)
    there &= ~gone | (gone.sum(axis=1) > LOST_SHARE_MAX * there.sum(axis=1))[:, None]
    speech, ranked = there & flags, _ranked(levels, there)
    columns = (
        seconds,
        speech.sum(axis=1) * FRAME_S,
        _active_dbfs(levels, speech),
        _noise(levels, speech, there),
        _share(ranked, there, 0.5),
        _share(ranked, there, BUSY_SHARE),
        _share(ranked, there, 0.98),
        *_peaks(np.stack([track.tones for track in tracks])),
    )
    return [Features(*row) for row in zip(*(each.tolist() for each in columns), strict=True)]


def _mean_dbfs(levels: Floats, of: Masks) -> Floats:
    power, count = np.where(of, 10 ** (levels / 10), 0.0).sum(axis=1), of.sum(axis=1)
    return np.where(count > 0, 10 * np.log10(np.maximum(power / np.maximum(count, 1), 1e-10)), FLOOR_DBFS)


def _active_dbfs(levels: Floats, speech: Masks) -> Floats:
    """The detector's flags last beyond the words: what is MARGIN_DB below the rest is a pause (ITU-T P.56 §4.2)."""
    whole = _mean_dbfs(levels, speech)
    return _mean_dbfs(levels, speech & (levels > whole[:, None] - MARGIN_DB))


def _ranked(levels: Floats, of: Masks) -> Floats:
    return np.sort(np.where(of, levels, np.inf), axis=1)


def _share(ranked: Floats, of: Masks, share: float) -> Floats:
    """The level that this share of the frames does not exceed."""
    count = of.sum(axis=1)
    place = np.clip(np.round(share * (count - 1)), 0, None).astype(int)
    return np.where(count > 0, ranked[np.arange(len(ranked)), place], FLOOR_DBFS)


def _noise(levels: Floats, speech: Masks, there: Masks) -> Floats:
    """The quietest 0.3 s, or what stands between speech where there is enough of it, whichever is louder."""
    # So much of a stationary noise lies that far below its mean.
    lowest = _share(_ranked(levels, there), there, 0.07) + 1.0
    beside = np.cumsum(np.pad(speech, ((0, 0), (GUARD + 1, GUARD))), axis=1)
    near = beside[:, 2 * GUARD + 1 :] > beside[:, : -(2 * GUARD + 1)]
    between = there & ~near
    count, ranked = between.sum(axis=1), _ranked(levels, between)
    place = np.clip(count - 1 - KNOCK_FRAMES, 0.3 * (count - 1), BUSY_SHARE * (count - 1))
    busy = ranked[np.arange(len(ranked)), np.clip(place, 0, None).astype(int)]
    gaps = np.minimum(busy, _mean_dbfs(levels, between))
    return np.where(count < NOISE_FRAMES_MIN, lowest, np.maximum(lowest, gaps))


def _peaks(tones: Floats) -> tuple[Floats, Floats, Floats]:
    """`tonal`, `musical` and `steady` of Features."""
    energy = np.nan_to_num(tones[:, 0])
    top = energy.max(axis=1, keepdims=True)
    loud = (energy > top * 10 ** (-_LOUD_DB / 10)) & (top > 1e-7)
    count = np.maximum(loud.sum(axis=1), 1)
    pure = loud & (tones[:, 1] > _PURE)
    tonal = np.where(pure.sum(axis=1) >= _TONES_MIN, pure.sum(axis=1) / count, 0.0)
    musical = (loud & (tones[:, 2] > _PURE)).sum(axis=1) / count
    steady = [_steady(row[3][mask]) for row, mask in zip(tones, loud, strict=True)]
    return tonal, musical, np.asarray(steady)


def _steady(strongest: Floats) -> float:
    if not len(strongest):
        return 0.0
    common = int(np.bincount(strongest.astype(int)).argmax())
    return float((np.abs(strongest - common) <= 1).mean())
