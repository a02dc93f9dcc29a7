"""Whether new calls are let in: closed at a limit, and open again well below it, so that it does not flap."""

from dataclasses import dataclass
from typing import Final

from ari_app.model.routing import Limits

EASE: Final = 0.5  # A limit that closed the door opens it again at this share of it.


@dataclass(frozen=True, slots=True)
class Load:
    """What the daemon finds of itself: `store` is the journal's health, `inbox` events and `journal` rows waiting."""

    store: str
    journal: int
    inbox: int
    lag_ms: float
    disk_free_mb: int


@dataclass
class Door:
    """`reason` is why new calls are refused, a key of `limits` or `store-…`; empty: they are let in."""

    limits: Limits
    reason: str = ""

    def look(self, load: Load) -> bool:
        """True when `reason` has changed."""
        before, self.reason = self.reason, self._reason(load)
        return self.reason != before

    def _reason(self, load: Load) -> str:
        limits = self.limits
        if load.store != "ok":
            return f"store-{load.store}"
        levels = {
            "journal_max": (load.journal, limits.journal_max),
            "inbox_max": (load.inbox, limits.inbox_max),
            "lag_ms_max": (load.lag_ms, limits.lag_ms_max),
        }
        for name, (level, most) in levels.items():
            if level > most * (EASE if name == self.reason else 1):
                return name
        return "disk_free_mb" if load.disk_free_mb < limits.disk_free_mb else ""
