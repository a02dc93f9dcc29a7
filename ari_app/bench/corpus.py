"""Callers' lines that anyone can make again: speech of our own prompts, noises from a seed, G.711, lost packets.

Three sets. `tuning`: an English voice and the noises that thresholds were chosen on. `test`: a Mandarin voice and
noises that none was chosen on; each voice also deeper and higher. `hard`: the test's talkers and noises at the borders
of the verdicts, and sounds that mislead.

A clip is labelled by how it was mixed: the talker's active level, and that level against the mean level of what is not
the talker. Within 1 dB of a threshold both sides are right (a line there keeps the verdict it has: the hysteresis is
2 dB either way); such clips have two `right` verdicts. `label` is the side it is on. Levels are dBFS, full-scale
square wave = 0.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from ari_app.bench import noises
from ari_app.bench.noises import Seed, Sound, at
from ari_app.line.track import RATE
from ari_app.media import pcm
from ari_app.media.prompts import read_manifest
from ari_app.model.facts import Verdict

Set = Literal["tuning", "test", "hard"]

CLIP_S: Final = 6.0
SAMPLES: Final = int(CLIP_S * RATE)
VOICE_DBFS: Final = -24.0
QUIET: Final = (-50.0, -46.0, -43.0)
CLEAR: Final = (-34.0, -30.0, -26.0, -20.0, -16.0, -12.0)
NOISY_DB: Final = (0.0, 5.0, 10.0)
CLEAN_DB: Final = (20.0, 26.0)
LOSSES: Final = (0.0, 0.02, 0.05)
HARD_LOSS: Final = 0.08
# Prompts that are said: a fixed list, so that a prompt more does not make another corpus.
_SAID: Final = """
after-hours all-circuits-busy arrears-stopped balance-menu billing-info callback-already callback-booked
callback-cancelled callback-full callback-hello callback-number-keys callback-place-back choice-stay-thanks
closed-by-hand complaint-queue confirm-keys goodbye greeting-telecom-day holiday-closed line-open-more lookup-failed
lost-sim-ask lost-sim-confirm lost-sim-done low-voice-louder low-voice-other-phone main-menu message-desk-ask
network-info no-agents noisy-line-other-phone not-possible-now password-locked password-set-ask password-weak
please-wait queue-full queue-timeout silent-line-greeting silent-line-no-sound survey-ask system-fault
too-few-digits unknown-number vip-greeting voicemail-ask voicemail-nothing wrong-key wrong-number
"""
SAID: Final = _SAID.split()
NEAR_DB: Final = 1.0  # Of a border: both sides are right.
SNR_DB: Final = 14.0  # The borders, as config.yaml has them by default.
QUIET_DBFS: Final = -38.5


@dataclass(frozen=True)
class Talker:
    """A voice of our prompts, `pitch` times as high and as fast; or one of espeak-ng, if `machine` names it."""

    language: str
    pitch: float = 1.0
    machine: str = ""


@dataclass(frozen=True)
class Cast:
    """Who speaks, and what is heard beside them."""

    talkers: tuple[Talker, ...]
    steady: tuple[str, ...]
    tones: tuple[tuple[float, ...], ...]
    music: Callable[[int, Seed, float], Sound]


TUNING: Final = Cast(
    (Talker("en", 1.0), Talker("en", 0.87), Talker("en", 1.14)),
    ("white", "pink", "hum", "street"),
    ((440.0, 480.0), (450.0,), (1209.0, 697.0), (2100.0,)),
    noises.chords,
)
TEST: Final = Cast(
    (Talker("zh-CN", 1.0), Talker("zh-CN", 0.84), Talker("zh-CN", 1.18)),
    ("rain", "fan", "car", "train", "wind"),
    ((400.0, 450.0), (425.0,), (1477.0, 852.0), (1100.0,), (1633.0, 941.0)),
    noises.organ,
)

STRANGERS: Final = tuple(
    Talker("en", machine=voice) for voice in ("en-us+m3", "en-gb-scotland+f2", "de+m7", "fr+f4", "es+m1", "pt+f5")
)


@dataclass(frozen=True)
class Clip:
    kind: str  # What it is made of: `speech`, `speech+car`, `ringback` …
    detail: str
    right: tuple[Verdict, ...]
    sound: Sound

    @property
    def label(self) -> Verdict:
        return self.right[0]


@dataclass(frozen=True)
class Change:
    """A line that becomes another at `at_s`, and what it is from there on."""

    verdict: Verdict
    at_s: float
    sound: Sound


def changes(sounds: Path, seed: int, stretches: int = 2) -> Iterator[Change]:
    """Lines of the test's talkers that get quiet, noisy, silent, and clear again."""
    rng = np.random.default_rng([seed, len(TEST.talkers)])
    for talker in TEST.talkers * stretches:
        voice = _speech(sounds, talker, rng)
        said, faint, nothing = spoken(voice, VOICE_DBFS), spoken(voice, -46.0), at(noises.pink(SAMPLES, rng), -65.0)
        beside = said + at(noises.STEADY[str(rng.choice(TEST.steady))](SAMPLES, rng), VOICE_DBFS - 5)
        others: tuple[tuple[Sound, Verdict], ...] = ((faint, "quiet"), (beside, "noisy"), (nothing, "silent"))
        for other, verdict in others:
            yield Change(verdict, CLIP_S, noises.g711(np.concatenate([said, other, other])))
            yield Change("clear", CLIP_S, noises.g711(np.concatenate([other, said, said])))


def clips(sounds: Path, which: Set, seed: int, stretches: int = 2, talkers: tuple[Talker, ...] = ()) -> Iterator[Clip]:
    """All clips of a set, from so many stretches of speech a talker; each goes through G.711 and one of the losses.

    `talkers`: others than the set's own.
    """
    rng = np.random.default_rng([seed, ("tuning", "test", "hard").index(which)])
    cast = TUNING if which == "tuning" else TEST
    cast = replace(cast, talkers=talkers or cast.talkers)
    voices = [_speech(sounds, talker, rng) for _ in range(stretches) for talker in cast.talkers]
    made = _hard(cast, voices, rng) if which == "hard" else _plain(cast, voices, rng)
    for clip, loss in made:
        share = float(rng.choice(LOSSES)) if loss is None else loss
        sound = noises.lost(noises.g711(clip.sound), share, rng)
        yield Clip(clip.kind, f"{clip.detail}, {share:.0%} lost", clip.right, sound)


def by_ratio(ratio_db: float) -> tuple[Verdict, ...]:
    """What speech this far above a noise is."""
    return _sides(ratio_db - SNR_DB, "noisy")


def by_level(dbfs: float) -> tuple[Verdict, ...]:
    """What speech at this level is."""
    return _sides(dbfs - QUIET_DBFS, "quiet")


def _sides(above_db: float, worse: Verdict) -> tuple[Verdict, ...]:
    sides: tuple[Verdict, Verdict] = (worse, "clear") if above_db < 0 else ("clear", worse)
    return sides if abs(above_db) <= NEAR_DB else sides[:1]


Made = Iterator[tuple[Clip, float | None]]  # None: one of LOSSES.


def _plain(cast: Cast, voices: list[Sound], rng: Seed) -> Made:
    for n, voice in enumerate(voices):
        for clip in _nobody(cast, rng):
            yield clip, None
        for level in (*QUIET, *CLEAR):
            floor = at(noises.pink(SAMPLES, rng), level - 28)
            yield Clip("speech", f"{level:.0f} dBFS", by_level(level), spoken(voice, level) + floor), None
        for noise in (*cast.steady, "babble"):
            for ratio in (*NOISY_DB, *CLEAN_DB):
                yield _mixed(f"speech+{noise}", voice, _noise(noise, voices[:n] + voices[n + 1 :], rng), ratio), None
        yield Clip("speech+echo", "-12 dB after 180 ms", ("clear",), noises.echo(spoken(voice, VOICE_DBFS))), None


def _nobody(cast: Cast, rng: Seed) -> Iterator[Clip]:
    """Lines on which nobody speaks."""
    yield Clip("silence", "digital", ("silent",), np.zeros(SAMPLES))
    for level in (-70.0, -60.0, -54.0):
        yield Clip("comfort noise", f"{level:.0f} dBFS", ("silent",), at(noises.pink(SAMPLES, rng), level))
    for noise in cast.steady:
        for level in (-40.0, -32.0, -24.0):
            sound = at(noises.STEADY[noise](SAMPLES, rng), level)
            yield Clip(f"{noise} alone", f"{level:.0f} dBFS", ("noisy",), sound)
    for hertz in cast.tones:
        yield Clip(
            "tone", "+".join(f"{each:.0f}" for each in hertz), ("tone",), at(noises.tones(SAMPLES, rng, hertz), -20)
        )
    for tempo in (0.25, 0.4):
        yield Clip("music", f"{tempo} s a chord", ("music",), at(cast.music(SAMPLES, rng, tempo), -22.0))


def _hard(cast: Cast, voices: list[Sound], rng: Seed) -> Made:
    for n, voice in enumerate(voices):
        for noise in (*cast.steady, "babble"):
            for ratio in (12.0, 13.0, 14.0, 15.0, 16.0, 17.0):
                yield _mixed(f"border+{noise}", voice, _noise(noise, voices[:n] + voices[n + 1 :], rng), ratio), None
        for level in range(-43, -34):
            floor = at(noises.pink(SAMPLES, rng), level - 28)
            yield Clip("border level", f"{level} dBFS", by_level(level), spoken(voice, level) + floor), None
        for clip in (*_misleading(voice, rng), *_behind(cast, voice, voices[n - 1], rng)):
            yield clip, None
        yield Clip("loss", "clear", ("clear",), spoken(voice, VOICE_DBFS)), HARD_LOSS
        yield Clip("loss", "quiet", ("quiet",), spoken(voice, -46.0)), HARD_LOSS
        for ratio in (5.0, 20.0):
            yield _mixed("loss+pink", voice, noises.pink(SAMPLES, rng), ratio), HARD_LOSS


def _misleading(voice: Sound, rng: Seed) -> Iterator[Clip]:
    """Bursts, thumps and breath beside speech and alone. What comes once in 3 s leaves words between; what is there
    half of the time does not. Keys that are played are tones, and a tune as well: no speech."""
    said, nothing = spoken(voice, VOICE_DBFS), at(noises.pink(SAMPLES, rng), -65.0)
    burst_dbfs = VOICE_DBFS + 3
    yield Clip("digits", "played", ("tone", "music"), nothing + _while_on(noises.digits(SAMPLES, rng), -20.0))
    for under, label in ((said, "clear"), (nothing, "silent")):
        verdict: Verdict = "clear" if label == "clear" else "silent"
        rare = _while_on(noises.bursts(SAMPLES, rng, 0.15, 3.0), burst_dbfs)
        yield Clip("rare bursts", label, (verdict,), under + rare)
        dense = _while_on(noises.bursts(SAMPLES, rng, 0.25, 0.5), burst_dbfs)
        yield Clip("dense bursts", label, ("noisy",), under + dense)
        yield Clip("thumps", label, (verdict,), under + 0.3 * noises.thumps(SAMPLES, rng, 1.7))
        yield Clip("breath", label, (verdict,), under + _while_on(noises.breath(SAMPLES, rng), -46.0))


def _behind(cast: Cast, voice: Sound, other: Sound, rng: Seed) -> Iterator[Clip]:
    """A second talker, music, and an overdriven microphone. A voice 10 dB under the caller's can be told from it."""
    for ratio in (10.0, 15.0, 20.0):
        sound = spoken(voice, VOICE_DBFS) + spoken(np.roll(other, SAMPLES // 3), VOICE_DBFS - ratio)
        yield Clip("second talker", f"{ratio:.0f} dB under", ("clear",), sound)
    for ratio in (0.0, 5.0, 8.0, 20.0):
        yield _mixed("speech+music", voice, cast.music(SAMPLES, rng, 0.4), ratio)
    for over in (6.0, 12.0, 18.0):
        loud = np.clip(spoken(voice, VOICE_DBFS + over + 15), -1, 1)
        yield Clip("clipping", f"{over:.0f} dB", ("clear",), loud)


# -- what clips are made of --


def spoken(voice: Sound, dbfs: float) -> Sound:
    """At this active level."""
    return voice * float(10 ** ((dbfs - pcm.active_level(voice)) / 20))


def _speech(sounds: Path, talker: Talker, rng: Seed) -> Sound:
    """Prompts one after another, cut to the clip's length."""
    texts = {row.id: row.text for row in read_manifest(sounds) if row.language == talker.language}
    said = np.zeros(0)
    while len(said) < SAMPLES:
        prompt = SAID[rng.integers(len(SAID))]
        file = sounds / talker.language / f"{prompt}.wav"
        one = _espeak(talker.machine, texts[prompt]) if talker.machine else pcm.read_wav(file)[0]
        places = np.arange(0, len(one) - 1, talker.pitch)
        said = np.concatenate([said, np.interp(places, np.arange(len(one)), one), np.zeros(RATE // 5)])
    return said[:SAMPLES]


def _espeak(voice: str, text: str) -> Sound:
    with tempfile.TemporaryDirectory(prefix="espeak-") as folder:
        file = Path(folder) / "said.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(file), text], check=True, capture_output=True)
        return pcm.telephone(*pcm.read_wav(file))


def _noise(kind: str, voices: list[Sound], rng: Seed) -> Sound:
    if kind != "babble":
        return noises.STEADY[kind](SAMPLES, rng)
    rolled = (np.roll(spoken(voice, VOICE_DBFS), rng.integers(SAMPLES)) for voice in voices)  # All but the caller's.
    return sum(rolled, np.zeros(SAMPLES))


def _mixed(kind: str, voice: Sound, noise: Sound, ratio: float) -> Clip:
    sound = spoken(voice, VOICE_DBFS) + at(noise, VOICE_DBFS - ratio)
    return Clip(kind, f"{ratio:.0f} dB", by_ratio(ratio), sound)


def _while_on(sound: Sound, dbfs: float) -> Sound:
    """At this level while it is there."""
    on = sound[np.abs(sound) > 1e-9]
    return sound * float(np.sqrt(10 ** (dbfs / 10) / (on * on).mean()))
