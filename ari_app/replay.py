"""Replay: one run's inputs through a fresh board, its facts compared with those the run noted (design §2.4).

A difference means that the board or the settings are no longer those of that run, or that the board is not pure. The
flows are: every version that was ever live is in the store.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from zoneinfo import ZoneInfo

from ari_app.board.board import Board
from ari_app.config.flows import look_over
from ari_app.errors import StoreError
from ari_app.flow.model import LoadedFlow
from ari_app.flow.situations import SITUATIONS
from ari_app.model.effects import Note
from ari_app.model.events import CallLeft, FlowsLoaded, Restored
from ari_app.model.facts import Fact
from ari_app.model.settings import Settings
from ari_app.site import Site
from ari_app.store.flows import text_of
from ari_app.store.history import History
from ari_app.store.restore import last_agents_of

Recall = Callable[[FlowsLoaded | CallLeft], Iterable[LoadedFlow]]
"""The flows an event names."""


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


def recalled(site: Site) -> Recall:
    """Flows by name and version from the store. StoreError when one was not kept."""

    def recall(event: FlowsLoaded | CallLeft) -> Iterable[LoadedFlow]:
        texts = {}
        for name, version in event.versions:
            text = text_of(site.store, name, version)
            if text is None:
                raise StoreError(f"version {version} of flow {name} is not in the store")
            texts[site.flows / f"{name}.yaml"] = text.encode()
        found = look_over(
            texts, site.settings, lambda prompts: []
        ).flows  # Live once: what is wrong today is no matter.
        if missing := {name for name, _ in event.versions} - {*found.keys(), SITUATIONS}:
            raise StoreError(f"the text kept of flow {', '.join(sorted(missing))} cannot be read by this hotline")
        return found.values()

    return recall


def replay(history: History, epoch: int, settings: Settings, recall: Recall) -> Replayed:
    """Compare, up to the first difference. Facts are compared in order, without their times."""
    board = Board(settings, {}, ZoneInfo(settings.timezone))
    decided: list[Fact] = []
    events = 0
    for now, event in history.events(epoch):
        events += 1
        if isinstance(event, FlowsLoaded):
            board.offer_flows(recall(event))
        elif isinstance(event, CallLeft) and event.versions:
            board.offer_pinned({event.versions: {flow.name: flow for flow in recall(event)}})
        elif isinstance(event, Restored) and event.last_agents:
            routing = settings.routing
            keep_s, at_most = routing.last_agent_days * 86_400.0, routing.last_agent_max
            board.offer_last_agents(last_agents_of(history.conn, now, keep_s, at_most))
        decided += [effect.fact for effect in board.handle(event, now) if isinstance(effect, Note)]
    noted = [fact for _, fact in history.facts(epoch)]
    for n, (then, today) in enumerate(zip_longest(noted, decided), 1):
        if then != today:
            return Replayed(events, len(noted), Difference(n, then, today))
    return Replayed(events, len(noted), None)
