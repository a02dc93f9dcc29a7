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
class Playing:
    """`now` is of the event loop's clock. What is over is forgotten; a second `over` does no harm."""

    seconds: Seconds
    _lasts: dict[PlaybackId, float] = field(default_factory=dict)
    _due: dict[PlaybackId, float] = field(default_factory=dict)

    def __contains__(self, playback: PlaybackId) -> bool:
        return playback in self._due

    def __iter__(self) -> Iterator[PlaybackId]:
        return iter(tuple(self._due))

    def began(self, play: Play | Announce, now: float) -> None:
        self._lasts[play.playback] = self.seconds(play) + GRACE_S
        self._due[play.playback] = now + self._lasts[play.playback]

    def over(self, playback: PlaybackId) -> None:
        self._lasts.pop(playback, None)
        self._due.pop(playback, None)

    def anew(self, now: float) -> None:
        """Asterisk could not be heard for a while, and may have stood still: each gets its whole time once more."""
        self._due = {playback: now + lasts for playback, lasts in self._lasts.items()}

    def overdue(self, now: float) -> list[PlaybackId]:
        return [playback for playback, due in self._due.items() if due < now]
