"""What Asterisk's RTCP reports say of each leg: packets lost on the way to us, jitter, round trip. Every 5 s a report.

Told once, when a leg is gone; of a leg that was too short for a report nothing is told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ari_app.ami.protocol import Headers
from ari_app.model.effects import MeasureLeg
from ari_app.model.events import Event, LegMeasured
from ari_app.model.ids import LegId

LEGS_MAX: Final = 4000  # Legs kept; of more, the oldest is forgotten.
UNITS_A_MS: Final = 8.0  # Jitter is told in units of the sampling rate: 8 kHz.


@dataclass
class Reports:
    """Of one leg. Each report is about the same time, so that the mean of its shares is the whole's."""

    count: int = 0
    total: float = 0.0
    worst: float = 0.0
    last: float = 0.0
    jitter_ms: float = 0.0
    rtt_ms: float = 0.0


@dataclass
class Quality:
    post: Callable[[Event], None]
    _legs: dict[LegId, Reports] = field(default_factory=dict)

    def hears(self, event: Headers) -> None:
        """One event of AMI. RTCPSent holds what we tell the other side of what came from it."""
        kind, leg = event.get("Event"), LegId(event.get("Uniqueid", ""))
        if kind not in ("RTCPSent", "RTCPReceived") or not leg:
            return
        reports = self._legs.setdefault(leg, Reports())
        if len(self._legs) > LEGS_MAX:
            del self._legs[next(iter(self._legs))]
        if kind == "RTCPReceived":
            reports.rtt_ms = max(reports.rtt_ms, 1000 * _number(event.get("RTT", "")))
        elif "Report0FractionLost" in event:
            reports.last = _number(event["Report0FractionLost"]) / 256
            reports.count, reports.total = reports.count + 1, reports.total + reports.last
            reports.worst = max(reports.worst, reports.last)
            reports.jitter_ms = max(reports.jitter_ms, _number(event.get("Report0IAJitter", "")) / UNITS_A_MS)

    def loss_now(self, leg: LegId) -> float | None:
        """Share of packets lost on the way to us in the last report; None: there was none yet."""
        reports = self._legs.get(leg)
        return reports.last if reports is not None and reports.count else None

    def perform(self, effect: MeasureLeg) -> None:
        reports = self._legs.pop(effect.leg, None)
        if reports is not None and reports.count:
            loss = round(reports.total / reports.count, 4)
            figures = (loss, round(reports.worst, 4), round(reports.jitter_ms, 1), round(reports.rtt_ms, 1))
            self.post(LegMeasured(effect.call, effect.leg, *figures))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
