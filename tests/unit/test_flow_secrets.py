"""Which variables may hold a secret, and where a caller is asked for one that a crash has taken."""

from typing import Any

import pytest

from ari_app.flow.secrets import asked_at, secret_names
from tests.board_kit import loaded

PIN: dict[str, Any] = {
    "type": "collect",
    "into": "pin",
    "secret": True,
    "min": 4,
    "max": 4,
    "say": ["ask"],
    "next": "hear",
}
NODES: dict[str, Any] = {
    "menu": {"type": "menu", "say": ["menu"], "keys": {"1": "ask", "2": "number"}, "on_silence": "bye"},
    "number": {"type": "collect", "into": "account", "min": 4, "max": 9, "say": ["account"], "next": "menu"},
    "ask": PIN,
    "hear": {
        "type": "lookup",
        "agi": "x",
        "send": {"p": "pin"},
        "into": {"due": "due"},
        "on_failure": "menu",
        "next": "say",
    },
    "say": {"type": "play", "say": ["due", "money:due"], "next": "menu"},
    "bye": {"type": "hangup", "say": ["bye"]},
}


def names(**changes: Any) -> set[str]:
    return set(secret_names([loaded({"start": "menu", "nodes": {**NODES, **changes}})]))


def test_what_was_typed_as_a_secret_and_what_was_made_of_it() -> None:
    assert names() == {"pin"}
    copied = {"type": "set", "values": {"copy": "pin", "twice": "copy + copy", "plain": "account"}, "next": "hear"}
    assert names(copy=copied) == {"pin", "copy", "twice"}


def test_a_subflow_is_sent_one_and_gives_one_back() -> None:
    sub = {"type": "subflow", "flow": "check", "send": {"word": "pin"}, "into": {"kept": "word"}, "next": "menu"}
    check = loaded({"start": "a", "variables": ["word"], "nodes": {"a": {"type": "return"}}}, "check")
    main = loaded({"start": "menu", "nodes": {**NODES, "sub": sub}})
    assert secret_names([main, check]) == {"pin", "word", "kept"}


@pytest.mark.parametrize(
    ("node", "asked"), [("ask", "ask"), ("hear", "ask"), ("say", None), ("menu", None), ("number", None), ("bye", None)]
)
def test_it_is_asked_for_only_where_it_is_missed(node: str, asked: str | None) -> None:
    """In `ask` it is written before it is read: the node itself asks, as it does anyway."""
    flow = loaded({"start": "menu", "nodes": NODES})
    found = asked_at(flow, node, {}, secret_names([flow]))
    assert (found or (node if node == "ask" else None)) == asked
    assert asked_at(flow, node, {"pin": "1"}, secret_names([flow])) is None


def test_one_made_of_others_is_asked_for_by_the_first_of_them() -> None:
    second = {**PIN, "into": "again", "next": "both"}
    both = {"type": "set", "values": {"both": "pin + again"}, "next": "hear"}
    hear = {**NODES["hear"], "send": {"p": "both"}}
    flow = loaded(
        {
            "start": "menu",
            "nodes": {**NODES, "ask": {**PIN, "next": "second"}, "second": second, "both": both, "hear": hear},
        }
    )
    assert asked_at(flow, "hear", {}, secret_names([flow])) == "ask"
    assert asked_at(flow, "second", {}, secret_names([flow])) == "ask"
