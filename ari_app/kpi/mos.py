"""How good a call sounded, from lost packets and delay: the E-model of ITU-T G.107 for G.711, simplified. Pure.

R = 93.2 - Id - Ie,eff. Id: R. G. Cole, J. H. Rosenbluth, Voice over IP performance monitoring, 2001. Ie,eff: G.107 §7.4
with Bpl of G.711 with concealment, ITU-T G.113 Appendix I. MOS from R: G.107 Annex B.
"""

from typing import Final

R_BEST: Final = 93.2
BPL: Final = 25.1
LOSS_WORST: Final = 95.0  # What total loss takes off R.
LATE_MS: Final = 177.3  # Delay from which talking becomes hard.
FRAME_MS: Final = 20.0


def r_factor(loss: float, delay_ms: float) -> float:
    """`loss`: share of packets, 0 to 1; `delay_ms`: from mouth to ear."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    late = max(0.0, delay_ms - LATE_MS)
    return R_BEST - (0.024 * delay_ms + 0.11 * late) - LOSS_WORST * percent / (percent + BPL)


def mos(r: float) -> float:
    """1 (bad) to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6


def mos_of(loss: float, jitter_ms: float, rtt_ms: float) -> float:
    """Of one direction: half the round trip, a packet, and a buffer of twice the jitter lie between mouth and ear."""
    return round(mos(r_factor(loss, rtt_ms / 2 + FRAME_MS + 2 * jitter_ms)), 2)
