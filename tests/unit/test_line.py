"""Features and verdicts of a caller's line."""

import numpy as np
import pytest

from ari_app.line.features import FRAME, RATE, Features, measure
from ari_app.line.verdict import Watcher, judge
from ari_app.model.facts import Verdict
from ari_app.model.line import Rules

RULES = Rules()


def noise(dbfs: float, seconds: float = 4.0) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(int(seconds * RATE)) * 10 ** (dbfs / 20)


def talk(dbfs: float, under_dbfs: float) -> tuple[np.ndarray, np.ndarray]:
    """Noise bursts stand for speech: half a second on, half off, over a floor."""
    flags = np.tile(np.repeat([True, False], 25), 4)
    loud = np.repeat(flags, FRAME)
    return noise(under_dbfs) + loud * np.random.default_rng(2).standard_normal(len(loud)) * 10 ** (dbfs / 20), flags


def heard(**changes: float) -> Features:
    values = {
        "seconds": 4.0, "speech_s": 0.0, "speech_dbfs": -100.0, "noise_dbfs": -70.0, "total_dbfs": -70.0,
        "median_dbfs": -70.0, "loud_dbfs": -68.0, "tonal": 0.0, "musical": 0.0, "steady": 0.0,
    }  # fmt: skip
    return Features(**{**values, **changes})


SPEECH = {"speech_s": 2.0, "speech_dbfs": -24.0}


def test_levels() -> None:
    sound, flags = talk(-24.0, -60.0)
    found = measure(sound, flags)
    assert found.speech_dbfs == pytest.approx(-24.0, abs=0.3) and found.noise_dbfs == pytest.approx(-60.0, abs=1.0)
    assert found.snr_db == pytest.approx(36.0, abs=1.2) and found.speech_s == pytest.approx(2.0)


def test_tones_and_chords() -> None:
    times = np.arange(4 * RATE) / RATE
    keys = 0.1 * (np.sin(2 * np.pi * 697 * times) + np.sin(2 * np.pi * 1209 * times))
    assert measure(keys, np.zeros(200, dtype=bool)).tonal > 0.9
    assert measure(noise(-20.0), np.zeros(200, dtype=bool)).musical < 0.1
    hum = sum(0.05 * np.sin(2 * np.pi * 100 * n * times) / n for n in (1, 2, 3))
    assert measure(hum, np.zeros(200, dtype=bool)).steady > 0.9


def test_nothing_at_all() -> None:
    assert measure(np.zeros(10), np.zeros(0, dtype=bool)).seconds == 0
    assert judge(measure(np.zeros(4 * RATE), np.zeros(0, dtype=bool)), RULES) == "silent"


@pytest.mark.parametrize(
    ("features", "verdict"),
    [
        (heard(), "silent"),
        (heard(**SPEECH), "clear"),
        (heard(speech_s=2.0, speech_dbfs=-41.0), "quiet"),
        (heard(**SPEECH, noise_dbfs=-34.0), "noisy"),
        (heard(speech_s=2.0, speech_dbfs=-41.0, noise_dbfs=-50.0), "noisy"),  # Noise before level.
        (heard(speech_s=0.2, speech_dbfs=-24.0), "silent"),  # A cough.
        (heard(median_dbfs=-45.0), "noisy"),
        (heard(total_dbfs=-42.0), "noisy"),  # Bursts.
        (heard(tonal=0.8, loud_dbfs=-20.0), "tone"),
        (heard(tonal=0.8, loud_dbfs=-50.0), "silent"),
        (heard(musical=0.9, loud_dbfs=-20.0, median_dbfs=-25.0), "music"),
        (heard(musical=0.9, steady=0.95, loud_dbfs=-20.0, median_dbfs=-25.0), "noisy"),  # A hum.
    ],
)
def test_verdicts(features: Features, verdict: Verdict) -> None:
    assert judge(features, RULES) == verdict


@pytest.mark.parametrize(
    ("snr", "now", "verdict"),
    [(13, "clear", "clear"), (11, "clear", "noisy"), (15, "noisy", "noisy"), (17, "noisy", "clear")],
)
def test_a_worse_verdict_is_left_late(snr: float, now: Verdict, verdict: Verdict) -> None:
    noise_dbfs = -24.0 - 10 * np.log10(10 ** (snr / 10) + 1)
    assert judge(heard(speech_s=2.0, speech_dbfs=-24.0, noise_dbfs=float(noise_dbfs)), RULES, now) == verdict


def test_three_equal_windows_change_it() -> None:
    watcher = Watcher(RULES)
    said = [watcher.heard(heard(**SPEECH), 4 + n / 2) for n in range(3)]
    assert said == [None, None, "clear"]
    noisy = heard(**SPEECH, noise_dbfs=-30.0)
    assert [watcher.heard(each, 6 + n) for n, each in enumerate((noisy, noisy, heard(**SPEECH), noisy, noisy))] == (
        [None] * 5
    )
    assert watcher.heard(noisy, 20) == "noisy" and watcher.since == 20


def test_silence_takes_its_time_and_ends_at_once() -> None:
    watcher = Watcher(RULES)
    said = [watcher.heard(heard(seconds=min(4.0, n / 2)), n / 2) for n in range(1, 13)]
    assert said.index("silent") / 2 + 0.5 >= RULES.silent_s and said.count("silent") == 1
    assert watcher.heard(heard(seconds=1.0, **SPEECH), 7.0) == "clear"


def test_short_windows_are_no_evidence() -> None:
    watcher = Watcher(RULES)
    assert [watcher.heard(heard(seconds=2.5, **SPEECH), n) for n in range(9)] == [None] * 9
