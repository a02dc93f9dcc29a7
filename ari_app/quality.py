"""What Asterisk says of how each leg sounded: packets lost on the way to us, jitter, round trip.

It makes a report on each leg every 5 s (RTCP): of loss, and of which stream came and how far it has counted, by which a
stream that began anew is noticed. All else it says when the leg ends, in the channel's variables RTPAUDIOQOS, …JITTER
and …RTT, the last of which completes it. Told once, when the board has asked and Asterisk has said it, whichever comes
last.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from ari_app.ami.protocol import Headers
from ari_app.kpi.mos import mos_of
from ari_app.model.effects import MeasureLeg
from ari_app.model.events import Event, LegMeasured, StreamRestarted
from ari_app.model.ids import CallId, LegId

CLASSES: Final = ("reporting", "dialplan")  # Of the manager interface's events.
LEGS_MAX: Final = 4000  # Legs kept at least; of more, the oldest is forgotten.
LEGS_A_CALL: Final = 4  # Caller, agent, and whoever else takes part.
JITTER_S_MAX: Final = 2.0  # More is no jitter.
REPORT_S: Final = 5.5  # A report of loss is the last one for so long.
NUMBERS: Final = 0x1_0000  # Of packets (RFC 3550); in the second half of them, from the last one on, lie older ones.
RESTARTS_MAX: Final = 10  # Of a leg, each within RESTARTS_S of the last: more are two streams at once, and no cure.
RESTARTS_S: Final = 30.0
_PAIR: Final = re.compile(r"([^\s=;]+)=([^;]*)")
ASTRAY: Final = 100  # Packets that came so much out of order are no stream of their own.


@dataclass(slots=True)
class Figures:
    """Of one leg, as far as they are known."""

    call: CallId | None = None  # Whoever asked.
    worst: float = 0.0
    last: float = 0.0
    last_at: float = 0.0
    packets: int = 0  # Sent to us: those that came and those that were lost.
    lost: int = 0
    jitter_ms: float = 0.0
    rtt_ms: float | None = None
    restarts: int = 0
    restarted_at: float = 0.0
    stream: tuple[str, int] | None = None  # The stream that came last (SSRC), and the number its packets have reached.


@dataclass
class Quality:
    """`lazily` posts what may wait a moment. `calls_max`: calls at once."""

    post: Callable[[Event], None]
    lazily: Callable[[Event], None]
    calls_max: int = 0
    clock: Callable[[], float] = time.monotonic
    _legs: dict[LegId, Figures] = field(default_factory=dict)

    def hears(self, event: Headers) -> None:
        """One event of the manager interface. RTCPSent is what we tell the other side of what came from it."""
        leg = LegId(event.get("Uniqueid", ""))
        if event.get("Event") == "RTCPSent":
            if leg and "Report0FractionLost" in event:
                self._reported(leg, event)
        elif (told := self._VARIABLES.get(event.get("Variable", ""))) is not None:
            told(self, leg, _pairs(event.get("Value", "")))

    def _reported(self, leg: LegId, event: Headers) -> None:
        figures = self._of(leg)
        figures.last, figures.last_at = _number(event["Report0FractionLost"]) / 256, self.clock()
        figures.worst = max(figures.worst, figures.last)
        self._streams(leg, figures, event)

    def _counted(self, leg: LegId, said: Mapping[str, str]) -> None:
        figures = self._of(leg)
        figures.lost = max(0, int(_number(said.get("lp", ""))))
        figures.packets = figures.lost + int(_number(said.get("rxcount", "")))

    def _jittered(self, leg: LegId, said: Mapping[str, str]) -> None:
        self._of(leg).jitter_ms = _jitter_ms(said)

    def _went_round(self, leg: LegId, said: Mapping[str, str]) -> None:
        self._of(leg).rtt_ms = 1000 * _number(said.get("maxrtt", ""))
        self._tell(leg)

    _VARIABLES: ClassVar = {"RTPAUDIOQOS": _counted, "RTPAUDIOQOSJITTER": _jittered, "RTPAUDIOQOSRTT": _went_round}

    def _streams(self, leg: LegId, figures: Figures, event: Headers) -> None:
        """Tell when another stream comes from the leg than in the report before."""
        before = figures.stream
        figures.stream = event.get("Report0SourceSSRC", ""), int(_number(event.get("Report0HighestSequence", "")))
        if before is None or not _began_anew(before, figures.stream):
            return
        now = self.clock()
        figures.restarts = figures.restarts + 1 if now - figures.restarted_at < RESTARTS_S else 1
        figures.restarted_at = now
        if figures.restarts <= RESTARTS_MAX:
            self.post(StreamRestarted(leg))

    def loss_now(self, leg: LegId) -> float:
        """Share of packets lost on the way to us in the last report."""
        figures = self._legs.get(leg)
        return figures.last if figures is not None and self.clock() - figures.last_at < REPORT_S else 0.0

    def network(self, leg: LegId, said: Mapping[str, Any]) -> dict[str, float]:
        """What a leg sounds like so far: Asterisk's counts of it (ARI: rtp_statistics), and the loss reported last."""
        lost, came = _count(said.get("rxploss")), _count(said.get("rxcount"))
        mean = lost / max(1, lost + came)
        jitter_ms, rtt_ms = 1000 * _count(said.get("rxjitter")), 1000 * _count(said.get("rtt"))
        figures = {"loss": self.loss_now(leg), "loss_mean": mean, "jitter_ms": jitter_ms, "rtt_ms": rtt_ms}
        return {name: round(value, 4) for name, value in figures.items()} | {"mos": mos_of(mean, jitter_ms, rtt_ms)}

    def perform(self, effect: MeasureLeg) -> None:
        self._of(effect.leg).call = effect.call
        self._tell(effect.leg)

    def _of(self, leg: LegId) -> Figures:
        figures = self._legs.setdefault(leg, Figures())
        if len(self._legs) > max(LEGS_MAX, LEGS_A_CALL * self.calls_max):
            del self._legs[next(iter(self._legs))]
        return figures

    def _tell(self, leg: LegId) -> None:
        figures = self._legs[leg]
        if figures.call is None or figures.rtt_ms is None:
            return
        del self._legs[leg]
        if figures.packets:
            loss = figures.lost / figures.packets
            shares = (round(loss, 4), round(max(figures.worst, loss), 4))
            self.lazily(LegMeasured(figures.call, leg, *shares, round(figures.jitter_ms, 1), round(figures.rtt_ms, 1)))


def _began_anew(before: tuple[str, int], now: tuple[str, int]) -> bool:
    """Whether another stream comes than in the report before, or one whose numbers have fallen."""
    return before[0] != now[0] or NUMBERS / 2 <= (now[1] - before[1]) % NUMBERS < NUMBERS - ASTRAY


def _jitter_ms(said: Mapping[str, str]) -> float:
    """The greatest; the mean where the sender's time stamps jumped, which Asterisk takes for jitter of hours."""
    found = (_number(said.get(name, "")) for name in ("maxrxjitter", "avgrxjitter"))
    return 1000 * next((seconds for seconds in found if 0 <= seconds <= JITTER_S_MAX), 0.0)


def _pairs(text: str) -> dict[str, str]:
    """`lp=0;rxcount=300;…`, with spaces here and there."""
    return dict(_PAIR.findall(text))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _count(value: object) -> float:
    """A count or seconds of Asterisk's; what it does not know yet is none."""
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0
