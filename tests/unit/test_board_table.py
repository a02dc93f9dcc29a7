"""The board's table of events is whole: mypy cannot say so of a table."""

from typing import get_args

from ari_app.board.board import HANDLERS
from ari_app.model.events import Event


def test_every_event_is_handled() -> None:
    assert set(HANDLERS) == set(get_args(Event))
