"""Playbacks whose end is awaited, and by when Asterisk must have told it.

A prompt whose end is never told would leave its caller in silence for good: one that is overdue is asked after.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ari_app.model.effects import Announce, Play
from ari_app.model.ids import PlaybackId

Seconds: TypeAlias = Callable[[Play | Announce], float]
"""How long a playback lasts at most."""
GRACE_S: Final = 5.0  # For what is ordered before it, the way there and back, and a machine with much to do.


@dataclass(slots=True)
class _One:
    lasts: float
    due: float
    to_bridge: bool


@dataclass(slots=True)
class Playing:
    """`now` is of the event loop's clock. What is over is forgotten; a second `over` does no harm."""

    seconds: Seconds
    _ones: dict[PlaybackId, _One] = field(default_factory=dict)

    def __contains__(self, playback: PlaybackId) -> bool:
        return playback in self._ones

    def __iter__(self) -> Iterator[PlaybackId]:
        return iter(tuple(self._ones))

    def began(self, play: Play | Announce, now: float) -> None:
        lasts = self.seconds(play) + GRACE_S
        self._ones[play.playback] = _One(lasts, now + lasts, isinstance(play, Announce))

    def over(self, playback: PlaybackId) -> None:
        self._ones.pop(playback, None)

    def anew(self, now: float) -> None:
        """Asterisk could not be heard for a while, and may have stood still: each gets its whole time once more."""
        for one in self._ones.values():
            one.due = now + one.lasts

    def overdue(self, now: float) -> list[PlaybackId]:
        return [playback for playback, one in self._ones.items() if one.due < now]

    def ended_with_its_bridge(self, playback: PlaybackId) -> bool:
        """Whether it may have: of what is said to a bridge Asterisk tells no end when the bridge goes first."""
        return playback in self._ones and self._ones[playback].to_bridge
