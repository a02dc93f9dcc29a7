"""Events of how legs and lines sound: what was heard of a caller, and how his packets came."""

from dataclasses import dataclass

from ari_app.model.facts import Verdict
from ari_app.model.ids import CallId, LegId, LineId


@dataclass(frozen=True, slots=True)
class LineJudged:
    """What a caller's line is like has changed. Levels in dBFS; `speech_dbfs` is -100 without speech."""

    line: LineId
    verdict: Verdict
    speech_dbfs: float
    noise_dbfs: float
    loss: float | None = None  # Share of packets lost on the way to us just now; None: not known.


@dataclass(frozen=True, slots=True)
class LineUnheard:
    """The line is not listened to (any more); the call goes on as if it were clear."""

    line: LineId
    reason: str


@dataclass(frozen=True, slots=True)
class FaxHeard:
    """What is on the line is a fax machine or a modem, by its tones."""

    line: LineId


@dataclass(frozen=True, slots=True)
class LegMeasured:
    """Answer to MeasureLeg. Shares of packets lost on the way to us, 0 to 1; `rtt_ms` 0: not known."""

    call: CallId
    leg: LegId
    loss: float
    loss_max: float
    jitter_ms: float
    rtt_ms: float


@dataclass(frozen=True, slots=True)
class StreamRestarted:
    """What comes from this leg is another RTP stream, or counts its packets from a smaller number than before."""

    leg: LegId
