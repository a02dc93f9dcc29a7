"""Timers as a heap: set, move, cancel; the loop asks what is due. No clock of its own."""

from dataclasses import dataclass, field
from heapq import heappop, heappush

from ari_app.model.ids import TimerId


@dataclass
class Timers:
    """A cancelled or moved entry stays in the heap until its time and is then skipped."""

    _heap: list[tuple[float, TimerId]] = field(default_factory=list)
    _at: dict[TimerId, float] = field(default_factory=dict)

    def set(self, timer: TimerId, at: float) -> None:
        self._at[timer] = at
        heappush(self._heap, (at, timer))

    def cancel(self, timer: TimerId) -> None:
        self._at.pop(timer, None)

    def next_at(self) -> float | None:
        """When the next timer is due, or None."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[TimerId]:
        """Timers due at `now`, earliest first; they are gone from here."""
        fired: list[TimerId] = []
        while (at := self.next_at()) is not None and at <= now:
            _, timer = heappop(self._heap)
            del self._at[timer]
            fired.append(timer)
        return fired

    def __len__(self) -> int:
        return len(self._at)
