"""From features to verdicts: `judge` says what one window sounds like, `Watcher` when the verdict on a line changes.

Thresholds are Rules (config.yaml: line). Noise is judged before level; a verdict changes after several equal windows,
and a worse one is left only when the line is clearly better (hysteresis).
"""

from dataclasses import dataclass, field

from ari_app.line.features import Features
from ari_app.model.facts import Verdict
from ari_app.model.line import Rules


def judge(heard: Features, rules: Rules, now: Verdict | None = None) -> Verdict:
    """What this window sounds like. `now` is the verdict that holds: to leave it takes more than to enter it."""
    if heard.tonal > rules.tonal_share and heard.loud_dbfs > rules.tone_dbfs:
        return "tone"
    if heard.speech_s >= rules.speech_s_min and heard.speech_dbfs > rules.speech_dbfs_min:
        return _spoken(heard, rules, now)
    is_tune = heard.musical > rules.musical_share and heard.steady < rules.steady_share
    if is_tune and heard.loud_dbfs > rules.tone_dbfs:
        return "music"
    if heard.median_dbfs > rules.noise_dbfs or heard.busy_dbfs > rules.noise_dbfs + rules.bursts_db:
        return "noisy"
    return "silent"


def _spoken(heard: Features, rules: Rules, now: Verdict | None) -> Verdict:
    half = rules.hysteresis_db / 2
    snr_db = rules.snr_db + {"noisy": half, None: 0.0}.get(now, -half)
    quiet_dbfs = rules.quiet_dbfs + {"quiet": half, None: 0.0}.get(now, -half)
    if heard.snr_db < snr_db:
        return "noisy"
    return "quiet" if heard.speech_dbfs < quiet_dbfs else "clear"


@dataclass
class Watcher:
    """One caller's line. Feed it the features of each window; it returns the verdict when that changes, else None.

    `now` is seconds of whatever clock, ascending. The first verdict needs as many equal windows as a change; windows
    shorter than `first_s` are too short for one, but speech in them ends a silence.
    """

    rules: Rules
    verdict: Verdict | None = None
    since: float = 0.0
    _wanted: Verdict | None = field(default=None, repr=False)
    _times: int = field(default=0, repr=False)
    _quiet_from: float | None = field(default=None, repr=False)  # When the silence that is heard now began.

    def heard(self, features: Features, now: float) -> Verdict | None:
        found = judge(features, self.rules, self.verdict or self._wanted)
        if found == "silent":
            self._quiet_from = now - features.seconds if self._quiet_from is None else self._quiet_from
            if now - self._quiet_from < self.rules.silent_s:
                return None
        else:
            self._quiet_from = None
        if features.seconds < self.rules.first_s and self.verdict != "silent":
            return None
        if found == self.verdict:
            self._wanted, self._times = None, 0
            return None
        self._times = self._times + 1 if found == self._wanted else 1
        self._wanted = found
        # Any speech ends a silence at once: nobody who speaks is told that he is not heard. The first third of a second
        # of a vowel may be taken for music, which is told later.
        at_once = self.verdict == "silent" and found not in ("silent", "tone", "music")
        enough = 1 if at_once else self.rules.equal_windows
        return self._change(found, now) if self._times >= enough else None

    def _change(self, found: Verdict, now: float) -> Verdict:
        self.verdict, self.since = found, now
        self._wanted, self._times = None, 0
        return found
