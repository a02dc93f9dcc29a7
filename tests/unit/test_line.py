"""Features and verdicts of a caller's line."""

import numpy as np
import pytest

from ari_app.line.features import Features, measure
from ari_app.line.track import FRAME, RATE, Track, hear, step_of
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


def measured(sound: np.ndarray, flags: np.ndarray | None = None, pieces: int = 1, window_s: float = 4.0) -> Features:
    """Of one line, heard in so many pieces, beside another on which nothing is."""
    tracks = [Track(window_s), Track(window_s)]
    flags = np.zeros(len(sound) // FRAME, dtype=bool) if flags is None else flags
    for part, flag in zip(np.split(sound.astype(np.float32), pieces), np.split(flags, pieces), strict=True):
        hear(tracks, [part, np.zeros_like(part)], [flag, np.zeros_like(flag)])
    found, other = measure(tracks)
    assert other.noise_dbfs < -99 and other.tonal == other.speech_s == 0
    return found


def heard(**changes: float) -> Features:
    values = {
        "seconds": 4.0, "speech_s": 0.0, "speech_dbfs": -100.0, "noise_dbfs": -70.0, "median_dbfs": -70.0,
        "busy_dbfs": -70.0, "loud_dbfs": -68.0, "tonal": 0.0, "musical": 0.0, "steady": 0.0,
    }  # fmt: skip
    return Features(**{**values, **changes})


SPEECH = {"speech_s": 2.0, "speech_dbfs": -24.0}


def test_levels() -> None:
    sound, flags = talk(-24.0, -60.0)
    found = measured(sound, flags)
    assert found.speech_dbfs == pytest.approx(-24.0, abs=0.3) and found.noise_dbfs == pytest.approx(-60.0, abs=1.0)
    assert found.snr_db == pytest.approx(36.0, abs=1.2) and found.speech_s == pytest.approx(2.0)


def test_pieces_make_no_difference() -> None:
    sound, flags = talk(-24.0, -40.0)
    assert measured(sound, flags) == measured(sound, flags, pieces=8) == measured(sound, flags, pieces=200)


def test_only_the_last_seconds_count() -> None:
    before, (sound, flags) = noise(-10.0, 2.0), talk(-24.0, -60.0)
    found = measured(np.concatenate([before, sound]), np.concatenate([np.zeros(100, dtype=bool), flags]))
    assert found.seconds == 4.0 and found.speech_s == pytest.approx(2.0)
    assert found.noise_dbfs == pytest.approx(-60.0, abs=1.0)


def test_a_pause_within_the_flags_is_not_counted_as_speech() -> None:
    """ITU-T P.56: the active level is that of the words, not of the detector's hangover."""
    sound, flags = talk(-24.0, -70.0)
    late = np.roll(flags, 10) | flags
    assert measured(sound, late).speech_dbfs == pytest.approx(-24.0, abs=0.3)


def test_knocks_are_no_noise_and_hammering_is() -> None:
    sound, flags = talk(-24.0, -60.0)
    knock, hammer = np.zeros(len(sound)), np.zeros(len(sound))
    knock[4800:6400] = 0.1  # 0.2 s of the four seconds, between words.
    hammer[:] = np.repeat(~flags, FRAME) * 0.1
    rattle = noise(0.0)
    assert measured(sound + knock * rattle, flags).noise_dbfs == pytest.approx(-60.0, abs=2.0)
    assert measured(sound + hammer * rattle, flags).noise_dbfs == pytest.approx(-20.0, abs=2.0)


def test_lost_packets_make_no_line_quieter() -> None:
    sound, flags = talk(-24.0, -34.0)
    keep = np.repeat(np.random.default_rng(3).random(200) >= 0.08, FRAME)
    whole, holed = measured(sound, flags), measured(sound * keep, flags)
    assert holed.noise_dbfs == pytest.approx(whole.noise_dbfs, abs=0.5)
    assert holed.snr_db == pytest.approx(whole.snr_db, abs=0.7)


def test_tones_and_chords() -> None:
    times = np.arange(4 * RATE) / RATE
    keys = 0.1 * (np.sin(2 * np.pi * 697 * times) + np.sin(2 * np.pi * 1209 * times))
    assert measured(keys).tonal > 0.9
    assert measured(noise(-20.0)).musical < 0.1
    hum = sum(0.05 * np.sin(2 * np.pi * 100 * n * times) / n for n in (1, 2, 3))
    assert measured(hum).steady > 0.9
    assert measured(np.where(times % 2 < 0.06, keys, 0.0)).tonal == 0.0  # Knocks.


def test_nothing_at_all() -> None:
    assert measure([]) == [] and measure([Track(4.0)])[0].seconds == 0
    assert judge(measured(np.zeros(4 * RATE)), RULES) == "silent"


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
        (heard(busy_dbfs=-42.0), "noisy"),  # A third of the time.
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


def test_so_many_equal_windows_change_it() -> None:
    watcher = Watcher(Rules(equal_windows=3))
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


@pytest.mark.parametrize(("seconds", "frames"), [(0.24, 12), (0.25, 12), (0.5, 25), (0.1, 5), (0.001, 1)])
def test_a_look_takes_whole_frames(seconds: float, frames: int) -> None:
    """Half a frame left over at each look would cut every frame after it."""
    assert step_of(seconds) == frames * FRAME


def test_short_windows_are_no_evidence() -> None:
    watcher = Watcher(RULES)
    assert [watcher.heard(heard(seconds=2.5, **SPEECH), n) for n in range(9)] == [None] * 9


def test_a_line_at_a_border_is_told_nevertheless() -> None:
    """Looks that fall now on this side, now on that within the hysteresis: the first side is kept."""
    watcher = Watcher(Rules(equal_windows=3))
    near = [heard(**SPEECH, noise_dbfs=-24.0 - 10 * float(np.log10(10 ** (snr / 10) + 1))) for snr in (13.5, 14.5)]
    assert [watcher.heard(near[n % 2], n / 2) for n in range(4)] == [None, None, "noisy", None]
