"""Tables by type are whole: mypy cannot say so of a table."""

from typing import get_args
from unittest.mock import MagicMock

from ari_app.board.board import HANDLERS
from ari_app.daemon import Daemon
from ari_app.model.effects import CancelTimer, Effect, MarkSecret, Note, SetTimer
from ari_app.model.events import Event

OF_THE_LOOP = {Note, SetTimer, CancelTimer, MarkSecret}


def test_every_event_is_handled() -> None:
    assert set(HANDLERS) == set(get_args(Event))


def test_every_effect_is_carried_out_by_somebody() -> None:
    assert set(Daemon._by_kind(MagicMock())) == set(get_args(Effect)) - OF_THE_LOOP
