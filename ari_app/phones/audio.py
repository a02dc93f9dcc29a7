"""PCM for tests and measurements: 16-bit mono bytes at 8 kHz unless a rate is given.

Levels are dBFS with a full-scale square wave = 0, so a full-scale sine is -3.0. A tone counts as heard above
-30 dBFS (ours are played at -15); a stretch counts as sound above -50 dBFS (µ-law silence is far below).
"""

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000
HEARD_DBFS = -30.0
SOUND_DBFS = -50.0
ALIKE = 0.8  # Correlation above which a piece counts as found; G.711 alone leaves > 0.99.
_FULL = 32768.0
_FLOOR_DBFS = -120.0


def tone(hz: float, seconds: float, dbfs: float = -15.0, rate: int = RATE) -> bytes:
    """A sine. Loops without a click when `hz * seconds` is whole."""
    peak = _FULL * 10 ** (dbfs / 20) * np.sqrt(2)
    wavy = peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return bytes(np.clip(np.round(wavy), -32768, 32767).astype("<i2").tobytes())


def silence(seconds: float, rate: int = RATE) -> bytes:
    """Digital silence."""
    return bytes(2 * round(seconds * rate))


def read_wav(path: Path | str) -> tuple[int, list[bytes]]:
    """The rate and one PCM stretch a channel of a 16-bit WAV file (stereo recordings: left caller, right agent)."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: {8 * file.getsampwidth()}-bit samples; 16-bit PCM expected")
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, channels)
    return rate, [samples[:, n].tobytes() for n in range(channels)]


def write_wav(path: Path | str, *channels: bytes, rate: int = RATE) -> None:
    """Write a 16-bit WAV; channels of unequal length are filled up with silence."""
    longest = max(len(pcm) for pcm in channels) // 2
    columns = [np.frombuffer(pcm.ljust(2 * longest, b"\0"), dtype="<i2") for pcm in channels]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.column_stack(columns).tobytes())


def level_dbfs(pcm: bytes) -> float:
    """Mean level of a stretch; -120 for nothing at all."""
    return _dbfs(float(np.mean(np.square(_samples(pcm)))) if len(pcm) > 1 else 0.0)


def tone_dbfs(pcm: bytes, hz: float, rate: int = RATE) -> float:
    """Level of one frequency in a stretch (Goertzel's one bin, with a Hann window against leaking neighbours)."""
    samples = _samples(pcm)
    if not len(samples):
        return _FLOOR_DBFS
    window = np.hanning(len(samples) + 1)[:-1]
    turning = np.exp(-2j * np.pi * hz / rate * np.arange(len(samples)))
    amplitude = 2 * abs(np.dot(samples * window, turning)) / window.sum()
    return _dbfs(amplitude**2 / 2)


def heard_s(pcm: bytes, hz: float, rate: int = RATE) -> float:
    """Seconds of a stretch in which the tone is heard, counted in windows of 0.1 s."""
    step = 2 * (rate // 10)
    windows = (pcm[n : n + step] for n in range(0, len(pcm) - step + 1, step))
    return 0.1 * sum(tone_dbfs(part, hz, rate) > HEARD_DBFS for part in windows)


def heard(pcm: bytes, hz: float, rate: int = RATE) -> bool:
    """Whether the tone is in the stretch for 0.2 s at least."""
    return heard_s(pcm, hz, rate) > 0.15


def sounds(pcm: bytes) -> bool:
    """Whether a short stretch (a frame of 20 ms) is anything but silence."""
    return level_dbfs(pcm) > SOUND_DBFS


def onset_s(pcm: bytes, rate: int = RATE) -> float | None:
    """Seconds from the start to the first 20 ms that sound; None when all is silent."""
    step = 2 * (rate // 50)
    return next((n / 2 / rate for n in range(0, len(pcm), step) if sounds(pcm[n : n + step])), None)


def find_s(pcm: bytes, piece: bytes, rate: int = RATE) -> float | None:
    """Seconds from the start of a stretch to where a known piece of sound lies in it; None when it does not.

    By normalised cross-correlation, so codecs and levels do not matter; a plain tone matches at every period.
    """
    hay, needle = _samples(pcm), _samples(piece)
    if not len(needle) or len(hay) < len(needle):
        return None
    size = 1 << (len(hay) + len(needle)).bit_length()
    product = np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size))
    alike = np.fft.irfft(product, size)[: len(hay) - len(needle) + 1]
    energy = np.concatenate(([0.0], np.cumsum(hay**2)))
    around = energy[len(needle) :] - energy[: -len(needle)]
    score = alike / np.sqrt(np.maximum(around, 1.0) * max(float(np.sum(needle**2)), 1.0))
    best = int(np.argmax(score))
    return best / rate if score[best] > ALIKE else None


def _samples(pcm: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def _dbfs(power: float) -> float:
    return max(_FLOOR_DBFS, 10 * np.log10(power / _FULL**2)) if power > 0 else _FLOOR_DBFS
