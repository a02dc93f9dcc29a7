"""Sound as numbers: 8 kHz mono WAV in and out, telephone band, active speech level, peaks.

Levels are dBFS with a full-scale square wave = 0. Samples are floats, full scale = 1. Needs numpy only.
"""

import wave
from math import gcd
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ari_app.errors import ConfigError

Samples = npt.NDArray[np.float64]

RATE: Final = 8000
# What a sentence fades in and out within comes on top: between two prompts the caller hears some 0.3 s of nothing.
LEAD_S: Final = 0.06
TAIL_S: Final = 0.10
PART_EDGE_S: Final = 0.02  # Around a word that is put together with others.
PART_QUIET_DB: Final = 30.0  # Such a word is cut closer than a sentence, which may end in a breath.
FRAME: Final = 160  # 20 ms
LEVEL_DBFS: Final = -20.0  # RFC 7874 §3 asks for -22 ± 6.
PEAK_DBFS: Final = -3.0
HIGHPASS_HZ: Final = 180.0
BAND_HZ: Final = (3600.0, 3900.0)  # Passed to the first, gone from the second on.


def active_level(samples: Samples) -> float:
    """Mean power of the 20 ms frames within 35 dB of the loudest, in dBFS (close to ITU-T P.56); -inf for silence."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames * frames).mean(axis=1)
    if power.size == 0 or power.max() <= 0:
        return float("-inf")
    return float(10 * np.log10(power[power > power.max() * 10**-3.5].mean()))


def peak(samples: Samples) -> float:
    """The largest sample in dBFS; -inf for silence."""
    top = float(np.abs(samples).max(initial=0.0))
    return float(20 * np.log10(top)) if top > 0 else float("-inf")


def telephone(samples: Samples, rate: int) -> Samples:
    """Any rate from 8 kHz up to 8 kHz in the telephone band, without phase shift.

    High-pass as a second-order Butterworth at 180 Hz run forwards and backwards; low-pass with a cosine edge.
    """
    unit = rate // gcd(rate, RATE)
    length = len(samples)
    padded = np.concatenate([samples, np.zeros(rate // 10 + (-(length + rate // 10)) % unit)])
    count = len(padded) * RATE // rate
    spectrum = np.fft.rfft(padded)[: count // 2 + 1]
    hertz = np.arange(len(spectrum)) * rate / len(padded)
    edge = np.clip((hertz - BAND_HZ[0]) / (BAND_HZ[1] - BAND_HZ[0]), 0, 1)
    gain = 0.5 * (1 + np.cos(np.pi * edge))
    gain[1:] /= 1 + (HIGHPASS_HZ / hertz[1:]) ** 4
    gain[0] = 0.0
    return np.fft.irfft(spectrum * gain, count)[: length * RATE // rate] * (RATE / rate)


def trim(samples: Samples, before: int = 2, after: int = 3, quiet_db: float = 35.0) -> Samples:
    """Cut silence at both ends: keep so many frames of 20 ms around those less than `quiet_db` under the loudest."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames * frames).mean(axis=1)
    loud = np.flatnonzero(power > power.max(initial=0.0) * 10 ** (-quiet_db / 10))
    if loud.size == 0:
        return samples
    return samples[max(0, int(loud[0] - before) * FRAME) : int(loud[-1] + 1 + after) * FRAME]


def part(samples: Samples, seconds_min: float = 0.0) -> Samples:
    """A word that is put together with others: hardly any silence, unless it must last longer; that goes before it.

    (Silence before a figure parts 二十|三; after it, it would part 二|十.)
    """
    word = finish(trim(samples, 1, 1, PART_QUIET_DB), PART_EDGE_S, PART_EDGE_S)
    return np.concatenate([np.zeros(max(0, round(seconds_min * RATE) - len(word))), word])


def finish(samples: Samples, lead_s: float = LEAD_S, tail_s: float = TAIL_S) -> Samples:
    """8 kHz speech at the level of all prompts, peaks bent softly under -3 dBFS, silence before and after."""
    ceiling = 10 ** ((PEAK_DBFS - 0.1) / 20)
    out = samples
    for _ in range(4):  # Bending peaks costs a little level; asking again brings it back.
        out = _bend(out * 10 ** ((LEVEL_DBFS - active_level(out)) / 20), ceiling)
    ramp = np.linspace(0, 1, RATE // 100)
    out[: len(ramp)] *= ramp[: len(out)]
    out[-len(ramp) :] *= ramp[::-1][-len(out) :]
    return np.concatenate([np.zeros(int(lead_s * RATE)), out, np.zeros(int(tail_s * RATE))])


def _bend(samples: Samples, ceiling: float) -> Samples:
    knee = 0.8 * ceiling
    room = ceiling - knee
    size = np.abs(samples)
    bent = np.sign(samples) * (knee + room * np.tanh((size - knee) / room))
    return np.where(size > knee, bent, samples)


def tone(hertz: float, seconds: float) -> Samples:
    """A sine at the level of all prompts, with 10 ms ramps and the usual silence around it."""
    return finish(np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE))


def read_wav(file: Path) -> tuple[Samples, int]:
    """Samples and rate of a 16-bit mono WAV of 8 to 48 kHz. Raises ConfigError for anything else."""
    try:
        with wave.open(str(file), "rb") as reader:
            shape = (reader.getnchannels(), reader.getsampwidth())
            rate = reader.getframerate()
            raw = reader.readframes(reader.getnframes())
    except (OSError, EOFError, wave.Error) as problem:
        raise ConfigError(f"{file}: not a readable WAV file ({problem})") from problem
    if shape != (1, 2) or not RATE <= rate <= 48000:
        raise ConfigError(f"{file}: want 16-bit mono of 8 to 48 kHz; found {shape[0]} x {8 * shape[1]} bit, {rate} Hz")
    return np.frombuffer(raw, "<i2").astype(np.float64) / 32768, rate


def write_wav(file: Path, samples: Samples) -> None:
    """Write 8 kHz 16-bit mono, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with wave.open(str(new), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes())
    new.replace(file)
