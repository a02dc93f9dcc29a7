"""How often the verdicts on a caller's line are right, how fast they come, and what they cost: over bench.corpus.

- accuracy, confusion, clear_called_bad: the test set; its clips that are clear and were called anything else.
- hard_accuracy: the hard set; `hard_either` of its clips lie so near a border that both sides count as right,
  `hard_label_share` is the share of all on the side they were mixed for.
- verdict_delay_s: from where a sound begins to the verdict that is right about it: on new lines, and on lines that
  change from one sound to another. A verdict that does not come counts as as long as was listened.
- cpu_ms_per_audio_s, lines_per_core: detector, features and rules, `lines_max` lines at once; no files are read.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ari_app.bench.corpus import CLIP_S, STRANGERS, Change, Clip, changes, clips
from ari_app.bench.figures import machine, percentiles
from ari_app.bench.noises import Sound
from ari_app.errors import HotlineError
from ari_app.line.features import measure
from ari_app.line.track import RATE, Track, hear, step_of
from ari_app.line.verdict import Watcher
from ari_app.media.vad import Ear, voice_detector
from ari_app.model.facts import Verdict
from ari_app.model.line import Rules

SEED: Final = 1860
VERDICT_S_MAX: Final = 5.5


def bench_line(
    sounds: Path, rules: Rules, seed: int = SEED, stretches: int = 4, strangers: bool = False
) -> dict[str, Any]:
    """Judge each clip as a live line is judged; its verdict is the one that holds after VERDICT_S_MAX."""
    before = machine()
    made = list(clips(sounds, "test", seed, stretches)), list(clips(sounds, "hard", seed, max(1, stretches // 2)))
    (test, test_s), (hard, hard_s) = (judged(each, rules) for each in made)
    after = [_delay(change, each) for change, each in changed(list(changes(sounds, seed, stretches)), rules)]
    cpu_ms = 1000 * (test_s + hard_s) / (CLIP_S * (len(test) + len(hard)))
    delays = [*(each.delay_s for each in test), *after]
    return {
        "accuracy": _share(test),
        "hard_accuracy": _share(hard),
        "clear_called_bad": _clear_called_bad(test),
        "cpu_ms_per_audio_s": round(cpu_ms, 3),
        "lines_per_core": round(1000 / cpu_ms),
        "verdict_delay_s": {**percentiles(delays, 50, 95), "changes": len(after)},
        "confusion": _table(test),
        "clips": len(test),
        "hard_clips": len(hard),
        "hard_either": sum(len(each.clip.right) > 1 for each in hard),
        "hard_label_share": round(sum(each.verdict == each.clip.label for each in hard) / len(hard), 4),
        "hard_clear_called_bad": _clear_called_bad(hard),
        "hard_confusion": _table(hard),
        "wrong_by_kind": dict(Counter(each.clip.kind for each in (*test, *hard) if not each.is_right).most_common()),
        **({"strangers": _strangers(sounds, rules, seed)} if strangers else {}),
        "seed": seed,
        **before,
        "wrong": [each.said_wrong for each in (*test, *hard) if not each.is_right][:20],
    }


def _strangers(sounds: Path, rules: Rules, seed: int) -> dict[str, Any]:
    """The same sets, said by voices of espeak-ng: neither the rules nor the other figures have anything of them."""
    if shutil.which("espeak-ng") is None:
        raise HotlineError("espeak-ng is not installed; try: apt-get install espeak-ng")
    test, _ = judged(list(clips(sounds, "test", seed, 1, STRANGERS)), rules)
    hard, _ = judged(list(clips(sounds, "hard", seed, 1, STRANGERS)), rules)
    return {
        "accuracy": _share(test),
        "hard_accuracy": _share(hard),
        "clear_called_bad": _clear_called_bad(test),
        "clips": len(test),
        "hard_clips": len(hard),
        "wrong_by_kind": dict(Counter(each.clip.kind for each in (*test, *hard) if not each.is_right).most_common()),
    }


@dataclass
class Judged:
    clip: Clip
    said: list[tuple[float, Verdict]]  # When the verdict changed, and to what.

    @property
    def verdict(self) -> Verdict | None:
        """What holds after VERDICT_S_MAX."""
        return next((verdict for at, verdict in reversed(self.said) if at <= VERDICT_S_MAX), None)

    @property
    def is_right(self) -> bool:
        return self.verdict in self.clip.right

    @property
    def delay_s(self) -> float:
        return _right_at(self.said, self.clip.right, 0.0, CLIP_S)

    @property
    def said_wrong(self) -> str:
        clip = self.clip
        return f"{clip.kind} {clip.detail}: {' or '.join(clip.right)}, taken for {self.verdict or 'nothing yet'}"


def judged(made: Sequence[Clip], rules: Rules) -> tuple[list[Judged], float]:
    """Each clip as a live line is judged, `lines_max` lines at once; CPU seconds it took."""
    found, cpu_s = [], 0.0
    for n in range(0, len(made), rules.lines_max):
        batch = made[n : n + rules.lines_max]
        began = time.process_time()
        said = listen([clip.sound for clip in batch], rules)
        cpu_s += time.process_time() - began
        found += [Judged(clip, each) for clip, each in zip(batch, said, strict=True)]
    return found, cpu_s


def listen(sounds: Sequence[Sound], rules: Rules) -> list[list[tuple[float, Verdict]]]:
    """Lines of equal length, heard together: when each verdict changed, and to what."""
    heard = [np.asarray(sound, dtype=np.float32) for sound in sounds]
    tracks, ears = [Track(rules.window_s) for _ in sounds], [Ear() for _ in sounds]
    watchers, said = [Watcher(rules) for _ in sounds], [list[tuple[float, Verdict]]() for _ in sounds]
    step = step_of(rules.step_s)
    for begin in range(0, len(sounds[0]) - step + 1, step):
        pieces = [sound[begin : begin + step] for sound in heard]
        hear(tracks, pieces, voice_detector().heard(ears, pieces))
        at = (begin + step) / RATE
        for watcher, features, told in zip(watchers, measure(tracks), said, strict=True):
            if (verdict := watcher.heard(features, at)) is not None:
                told.append((at, verdict))
    return said


def changed(made: Sequence[Change], rules: Rules) -> Iterator[tuple[Change, list[tuple[float, Verdict]]]]:
    """What is said on lines that change in their middle."""
    for n in range(0, len(made), rules.lines_max):
        batch = made[n : n + rules.lines_max]
        yield from zip(batch, listen([each.sound for each in batch], rules), strict=True)


def _delay(change: Change, said: list[tuple[float, Verdict]]) -> float:
    return _right_at(said, (change.verdict,), change.at_s, len(change.sound) / RATE)


def _right_at(said: list[tuple[float, Verdict]], right: Sequence[Verdict], since: float, until: float) -> float:
    """Seconds from `since` to the right verdict that holds to the end; to the end when none does."""
    if not said or said[-1][1] not in right:
        return until - since
    return max(0.0, said[-1][0] - since)


def _share(found: Sequence[Judged]) -> float:
    return round(sum(each.is_right for each in found) / len(found), 4)


def _clear_called_bad(found: Sequence[Judged]) -> float:
    clear = [each for each in found if each.clip.right == ("clear",)]
    return round(sum(not each.is_right for each in clear) / len(clear), 4)


def _table(found: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """How many of each label were taken for what."""
    table: dict[str, Counter[str]] = {}
    for each in found:
        table.setdefault(each.clip.label, Counter())[each.verdict or "none"] += 1
    return {label: dict(count.most_common()) for label, count in sorted(table.items())}
