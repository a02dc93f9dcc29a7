"""Fax machines and modems by the tones they call and answer with (ITU-T T.30: CNG 1100, CED 2100 Hz). Pure; numpy."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FRAME: Final = 160  # 20 ms at 8 kHz: bins are 50 Hz wide, so 1100 and 2100 Hz stand in the middle of one.
RATE: Final = 8000
TONES_HZ: Final = (1100, 2100)
SHARE: Final = 0.45  # Of a frame's energy that stands in the tone; T.30 allows CNG 38 Hz either way.
LOUD_DBFS: Final = -45.0
_TIMES: Final = np.arange(FRAME) / RATE
_WAVES: Final = np.exp(-2j * np.pi * np.outer(_TIMES, TONES_HZ)) * np.hanning(FRAME)[:, None]
_GAIN: Final = float(2 * FRAME / np.hanning(FRAME).sum() ** 2)  # Makes a sine in the middle of a bin its energy.


@dataclass
class FaxEar:
    """Fed pieces of one line while its verdict is `tone`: CNG comes for half a second every three and a half."""

    enough_s: float
    seconds: float = 0.0

    def heard(self, piece: npt.NDArray[Any], is_tone: bool) -> bool:
        """Whether it has just become a fax; once until `is_tone` was False."""
        if not is_tone:
            self.seconds = 0.0
            return False
        before = self.seconds
        self.seconds += tone_s(piece)
        return before < self.enough_s <= self.seconds


def tone_s(piece: npt.NDArray[Any]) -> float:
    """Seconds of whole frames that are one of the tones and nothing else to speak of."""
    frames = piece[: len(piece) // FRAME * FRAME].reshape(-1, FRAME)
    energy = (frames * frames).sum(axis=1) + 1e-12
    peak = np.abs(frames @ _WAVES) ** 2 * _GAIN
    is_loud = 10 * np.log10(energy / FRAME) > LOUD_DBFS
    return float((is_loud & (peak.max(axis=1) / energy > SHARE)).sum()) * FRAME / RATE
