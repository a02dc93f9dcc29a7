"""How often the verdicts on a caller's line are right, how fast they come, and what they cost: over bench.corpus."""

import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np

from ari_app.bench.corpus import Clip, Sound, clips
from ari_app.bench.figures import machine, percentiles
from ari_app.line.features import FRAME, RATE, measure
from ari_app.line.verdict import Watcher
from ari_app.media.vad import VoiceDetector
from ari_app.model.facts import Verdict
from ari_app.model.line import Rules

SEED: Final = 1860
VERDICT_S_MAX: Final = 5.5


def bench_line(sounds: Path, rules: Rules, seed: int = SEED, voices: int = 6) -> dict[str, Any]:
    """Judge each clip as a live line is judged; its verdict is the one that holds after VERDICT_S_MAX."""
    before = machine()
    table: dict[Verdict, Counter[str]] = {}
    kinds: dict[str, list[bool]] = {}
    wrong: list[str] = []
    first_s: list[float] = []
    first_right = 0
    began, heard_s = time.process_time(), 0.0
    for clip in clips(sounds, seed, voices):
        found, first, at = verdict_of(clip.sound, rules)
        first_right += first == clip.expected
        heard_s += len(clip.sound) / RATE
        table.setdefault(clip.expected, Counter())[found or "none"] += 1
        kinds.setdefault(clip.kind, []).append(found == clip.expected)
        if found != clip.expected:
            wrong.append(_said(clip, found))
        if at is not None:
            first_s.append(at)
    cpu_s = time.process_time() - began
    total = sum(count.total() for count in table.values())
    return {
        "clips": total,
        "right_share": round(1 - len(wrong) / total, 4),
        "first_right_share": round(first_right / total, 4),
        "confusion": {expected: dict(count.most_common()) for expected, count in sorted(table.items())},
        "right_by_kind": {kind: round(sum(good) / len(good), 3) for kind, good in sorted(kinds.items())},
        "verdict_s": percentiles(first_s, 50, 95, 100),
        "cpu_ms_per_s": round(1000 * cpu_s / heard_s, 2),
        "seed": seed,
        **before,
        "wrong": wrong[:20],
    }


def verdict_of(sound: Sound, rules: Rules) -> tuple[Verdict | None, Verdict | None, float | None]:
    """The verdict that holds after VERDICT_S_MAX of a line; the first one, and after how many seconds it came."""
    watcher, detector = Watcher(rules), VoiceDetector()
    flags = np.zeros(0, dtype=bool)
    step, window, first = int(rules.step_s * RATE), int(rules.window_s * RATE), None
    at: float | None = None
    for end in range(step, int(VERDICT_S_MAX * RATE) + 1, step):
        flags = np.concatenate([flags, detector.heard(sound[end - step : end])])
        begin = max(0, end - window)
        changed = watcher.heard(measure(sound[begin:end], flags[begin // FRAME :]), end / RATE)
        if changed is not None and first is None:
            first, at = changed, end / RATE
    return watcher.verdict, first, at


def _said(clip: Clip, found: Verdict | None) -> str:
    return f"{clip.kind} {clip.detail}: {clip.expected}, taken for {found or 'nothing yet'}"
