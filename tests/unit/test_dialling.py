"""Numbers that may be dialled."""

import pytest

from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number
from ari_app.model.settings import Outbound


@pytest.mark.parametrize(
    ("number", "may"),
    [
        ("13800138000", True),
        ("12800138000", False),
        ("138001380001", False),
        ("+8613800138000", True),
        ("8613800138000", False),
        ("13800138000\n", False),
        ("1380013800x", False),
        ("", False),
    ],
)
def test_only_whole_numbers_that_fit(number: str, may: bool) -> None:
    outbound = Outbound(trunk="carrier", permitted=("13XXXXXXXXX", "+86Z" + "X" * 10))
    assert is_permitted(Number(number), outbound) is may


def test_nothing_without_a_trunk() -> None:
    assert not is_permitted(Number("110"), Outbound(permitted=("110",)))
