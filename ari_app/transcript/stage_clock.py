"""The clock of a hotline on which transcripts are played: it can be held, and moved on; never back."""

import time
from dataclasses import dataclass, field


@dataclass
class StageClock:
    """Held from the beginning. While it goes on, its seconds are real ones."""

    _at: float = field(default_factory=time.time)
    _since: float | None = None  # When it was `_at` by the monotonic clock; None: held.

    def now(self) -> float:
        return self._at if self._since is None else self._at + (time.monotonic() - self._since)

    def step(self) -> float:
        """The wall clock is nobody's business here."""
        return 0.0

    def keep(self, ahead_s: float) -> None:
        """Nor is what it was in a run before."""

    def hold(self) -> None:
        self._at, self._since = self.now(), None

    def go_on(self) -> None:
        self._at, self._since = self.now(), time.monotonic()

    def skip_to(self, at: float) -> None:
        """It is that moment, exactly: a timer set for it is due."""
        self._at, self._since = max(at, self.now()), time.monotonic()
