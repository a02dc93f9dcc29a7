"""Replay: one run's inputs through a fresh board, its facts compared with those the run noted (design §2.4).

A difference means that the board, the settings or the flows are no longer those of that run, or that it is not pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from zoneinfo import ZoneInfo

from ari_app.board.board import Board
from ari_app.flow.model import LoadedFlow
from ari_app.model.effects import Note
from ari_app.model.facts import Fact
from ari_app.model.settings import Settings
from ari_app.store.history import History


@dataclass(frozen=True)
class Difference:
    """The `n`-th fact (from 1): as noted then, and as decided now; None: there is none."""

    n: int
    noted: Fact | None
    decided: Fact | None


@dataclass(frozen=True)
class Replayed:
    events: int
    facts: int
    first: Difference | None  # What comes after the first difference says little.


def replay(history: History, epoch: int, settings: Settings, flows: Mapping[str, LoadedFlow]) -> Replayed:
    """Compare, up to the first difference. Facts are compared in order, without their times."""
    board = Board(settings, flows, ZoneInfo(settings.timezone))
    decided: list[Fact] = []
    events = 0
    for now, event in history.events(epoch):
        events += 1
        decided += [effect.fact for effect in board.handle(event, now) if isinstance(effect, Note)]
    noted = [fact for _, fact in history.facts(epoch)]
    for n, (then, today) in enumerate(zip_longest(noted, decided), 1):
        if then != today:
            return Replayed(events, len(noted), Difference(n, then, today))
    return Replayed(events, len(noted), None)
