"""Sounds that come with a caller's voice or in its place, made from a seed; and what happens to them on their way.

Sound is 8 kHz mono, floats, full scale 1; a noise comes at whatever level: `at` sets it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from ari_app.line.track import RATE

Sound = npt.NDArray[np.float64]
Seed = np.random.Generator


def at(sound: Sound, dbfs: float) -> Sound:
    """At this mean level."""
    power = float((sound * sound).mean())
    return sound * np.sqrt(10 ** (dbfs / 10) / power) if power > 0 else sound


# -- steady noises --


def white(length: int, rng: Seed) -> Sound:
    return rng.standard_normal(length)


def pink(length: int, rng: Seed) -> Sound:
    return coloured(white(length, rng), -0.5)


def hum(length: int, rng: Seed, mains: float = 50.0) -> Sound:
    times = np.arange(length) / RATE
    partials = (np.sin(2 * np.pi * mains * n * times + rng.uniform(0, 6.3)) / n for n in (2, 4, 6, 8, 12, 14))
    return sum(partials, 0.05 * white(length, rng))


def street(length: int, rng: Seed) -> Sound:
    return coloured(white(length, rng), -1.0) * _slow(length, rng, 13, (0.5, 1.3))


def rain(length: int, rng: Seed) -> Sound:
    """Rising with frequency, and single drops."""
    drops = (rng.random(length) < 30 / RATE) * rng.uniform(2, 8, length)
    return coloured(white(length, rng) + drops, 0.5)


def fan(length: int, rng: Seed) -> Sound:
    """A 60 Hz motor in moving air."""
    return at(hum(length, rng, 60.0), -6) + at(pink(length, rng), -6)


def car(length: int, rng: Seed) -> Sound:
    """An engine that speeds up, tyres."""
    turns = np.cumsum(np.linspace(rng.uniform(70, 90), rng.uniform(90, 120), length)) / RATE
    engine = sum((np.sin(2 * np.pi * n * turns + rng.uniform(0, 6.3)) / n for n in range(2, 12)), np.zeros(length))
    return at(engine, -8) + at(coloured(white(length, rng), -1.0), -4)


def train(length: int, rng: Seed) -> Sound:
    """Pink, swelling twice a second as wheels pass the joints."""
    times = np.arange(length) / RATE
    return pink(length, rng) * (0.7 + 0.5 * np.sin(2 * np.pi * 2.1 * times + rng.uniform(0, 6.3)) ** 4)


def wind(length: int, rng: Seed) -> Sound:
    """Gusts, mostly low."""
    return coloured(white(length, rng), -1.3) * _slow(length, rng, 19, (0.35, 1.5))


STEADY: Final[dict[str, Callable[[int, Seed], Sound]]] = {
    "white": white, "pink": pink, "hum": hum, "street": street,
    "rain": rain, "fan": fan, "car": car, "train": train, "wind": wind,
}  # fmt: skip


# -- sounds that come and go --


def bursts(length: int, rng: Seed, on_s: float, every_s: float) -> Sound:
    """Noise that is on for `on_s` of each `every_s`, from anywhere in that rhythm."""
    times = np.arange(length) / RATE + rng.uniform(0, every_s)
    return coloured(white(length, rng), -0.5) * ((times % every_s) < on_s)


def thumps(length: int, rng: Seed, every_s: float) -> Sound:
    """Knocks on a handset: 60 ms of a falling low tone."""
    times = (np.arange(length) / RATE + rng.uniform(0, every_s)) % every_s
    return np.sin(2 * np.pi * rng.uniform(180, 260) * times) * np.exp(-times / 0.02)


def breath(length: int, rng: Seed) -> Sound:
    """In and out, 0.7 s each, every 3 s."""
    times = (np.arange(length) / RATE + rng.uniform(0, 3)) % 3
    return coloured(white(length, rng), -0.3) * np.abs(np.sin(np.pi * times / 0.7)) * (times < 1.4)


# -- tones and music --


def tones(length: int, rng: Seed, hertz: tuple[float, ...], on_s: float = 1.0, off_s: float = 2.0) -> Sound:
    """On and off, from anywhere in that rhythm, as ringback does; `off_s` 0: steady."""
    times = np.arange(length) / RATE
    is_on = ((times + rng.uniform(0, on_s + off_s)) % (on_s + off_s)) < on_s
    return sum((np.sin(2 * np.pi * each * times) for each in hertz), np.zeros(length)) * is_on


def digits(length: int, rng: Seed) -> Sound:
    """A recording that plays keys: 0.1 s each, 0.1 s apart."""
    found = []
    for _ in range(length // 1600 + 1):
        low, high = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477])
        found.append(tones(800, rng, (float(low), float(high)), 1.0, 0.0))
        found.append(np.zeros(800))
    return np.concatenate(found)[:length]


def chords(length: int, rng: Seed, chord_s: float) -> Sound:
    """Chords of three notes with an overtone, each dying away."""
    size = int(chord_s * RATE)
    times = np.arange(size) / RATE
    found: list[Sound] = []
    for _ in range(length // size + 1):
        root = 220 * 2 ** (rng.integers(0, 12) / 12)
        notes = (root, root * 2 ** (4 / 12), root * 2 ** (7 / 12))
        parts = (np.sin(2 * np.pi * note * k * times) / k**2 for note in notes for k in (1, 2))
        found.append(sum(parts, np.zeros(size)) * np.exp(-times / (2 * chord_s)))
    return np.concatenate(found)[:length]


def organ(length: int, rng: Seed, note_s: float) -> Sound:
    """A tune over a held fifth, in a pentatonic scale, notes that do not die away."""
    size, found = int(note_s * RATE), []
    times = np.arange(size) / RATE
    edge = np.minimum(1, np.minimum(times, times[::-1]) / 0.02)
    for _ in range(length // size + 1):
        note = 262 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12, 14]) / 12)
        held = 0.5 * (np.sin(2 * np.pi * 131 * 2 * times) + np.sin(2 * np.pi * 196 * 2 * times))
        found.append(edge * (np.sin(2 * np.pi * note * times) + 0.4 * np.sin(4 * np.pi * note * times)) + held * edge)
    return np.concatenate(found)[:length]


# -- the way --


def coloured(noise: Sound, power: float) -> Sound:
    """Noise whose amplitude goes with this power of frequency (-0.5: pink), within the telephone band."""
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    gain = np.where((hertz > 200) & (hertz < 3600), np.maximum(hertz, 1.0) ** power, 0.0)
    return np.fft.irfft(spectrum * gain, len(noise))


def echo(sound: Sound, after_s: float = 0.18, db: float = -12.0) -> Sound:
    late = np.zeros_like(sound)
    shift = int(after_s * RATE)
    late[shift:] = sound[:-shift]
    return sound + 10 ** (db / 20) * late


def g711(sound: Sound) -> Sound:
    """Through µ-law and back (ITU-T G.711), as companding of 8 bits."""
    clipped = np.clip(sound, -1, 1)
    squeezed = np.sign(clipped) * np.log1p(255 * np.abs(clipped)) / np.log(256)
    coded = np.round(squeezed * 127) / 127
    heard: Sound = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255
    return heard


def lost(sound: Sound, share: float, rng: Seed) -> Sound:
    """Packets of 20 ms replaced by silence, which is how Asterisk's file shows them."""
    keep = rng.random(-(-len(sound) // 160)) >= share
    return sound * np.repeat(keep, 160)[: len(sound)]


def _slow(length: int, rng: Seed, points: int, between: tuple[float, float]) -> Sound:
    return np.interp(np.arange(length), np.linspace(0, length, points), rng.uniform(*between, points))
