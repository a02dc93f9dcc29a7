"""The door: it closes at a limit, names it, and opens again only well below it."""

from dataclasses import replace

import pytest

from ari_app.model.routing import Limits
from ari_app.runtime.door import Door, Load

CALM = Load("ok", 0, 0, 0.0, 10_000)
LIMITS = Limits(journal_max=1000, inbox_max=200, lag_ms_max=400, disk_free_mb=100)


@pytest.mark.parametrize(
    ("level", "most", "name"),
    [("journal", 1000, "journal_max"), ("inbox", 200, "inbox_max"), ("lag_ms", 400, "lag_ms_max")],
)
def test_a_limit_closes_it_and_half_of_the_limit_opens_it(level: str, most: int, name: str) -> None:
    door = Door(LIMITS)
    assert not door.look(replace(CALM, **{level: most})) and door.reason == ""
    assert door.look(replace(CALM, **{level: most + 1})) and door.reason == name
    assert not door.look(replace(CALM, **{level: most // 2 + 1})) and door.reason == name
    assert door.look(replace(CALM, **{level: most // 2})) and door.reason == ""
    assert not door.look(replace(CALM, **{level: most // 2 + 1})) and door.reason == ""


def test_a_store_in_trouble_and_a_full_disk_close_it_at_once() -> None:
    door = Door(LIMITS)
    assert door.look(replace(CALM, store="retrying")) and door.reason == "store-retrying"
    assert door.look(replace(CALM, store="emergency")) and door.reason == "store-emergency"
    assert door.look(replace(CALM, disk_free_mb=99)) and door.reason == "disk_free_mb"
    assert door.look(CALM) and door.reason == ""


def test_one_trouble_after_another_is_named_by_the_one_that_is_there() -> None:
    door = Door(LIMITS)
    door.look(replace(CALM, lag_ms=500))
    assert door.look(replace(CALM, lag_ms=300, inbox=201)) and door.reason == "inbox_max"
    assert door.look(replace(CALM, lag_ms=300)) and door.reason == ""
