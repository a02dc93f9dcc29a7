"""What each node does with each input: cursors and intents, without a board."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ari_app.flow import intents as it
from ari_app.flow.intents import Cursor, Key, QueueDone, SaidAll, WaitedOut, Walk
from ari_app.flow.interpreter import TYPED_MAX, begin, is_secret, step
from ari_app.flow.model import GOODBYE, next_nodes, prompts_of
from tests.board_kit import NOON, loaded

ZONE = ZoneInfo("Asia/Shanghai")
NODES: dict[str, Any] = {
    "hello": {"type": "greet", "next": "menu"},
    "long": {"type": "play", "say": ["law", "terms"], "interruptible": False, "next": "menu"},
    "short": {"type": "play", "say": ["news"], "next": "hello"},
    "menu": {
        "type": "menu",
        "say": ["main"],
        "keys": {"1": "line", "2": "english", "3": "strict", "#": "end"},
        "repeat_key": "*",
        "wait_s": 4,
        "tries": 2,
        "on_wrong": "line",
    },
    "strict": {"type": "menu", "say": ["strict"], "keys": {"1": "line", "2": "strict"}, "interruptible": False},
    "english": {"type": "language", "language": "en", "next": "menu"},
    "line": {"type": "queue", "queue": "billing", "on_timeout": "end", "on_full": "mute"},
    "end": {"type": "hangup", "say": ["bye"]},
    "mute": {"type": "hangup", "say": []},
    "loop": {"type": "language", "language": "en", "next": "loop"},
}


def walk(start: str = "hello", **changes: Any) -> Walk:
    return Walk(loaded({"start": start, "nodes": {**NODES, **changes}}), ZONE, steps_max=20)


def go(start: str, *inputs: it.Input, w: Walk | None = None) -> tuple[Cursor, tuple[it.Intent, ...]]:
    """Begin at a node and give it the inputs; the cursor after them, and the intents of the last."""
    w = w or walk(start)
    at, intents = begin(w, NOON)
    for got in inputs:
        at, intents = step(w, at, got, NOON)
    return at, intents


@pytest.mark.parametrize(
    ("hour", "prompt"),
    [(0, "greeting-morning"), (11.99, "greeting-morning"), (12, "greeting-day"), (23.9, "greeting-day")],
)
def test_greeting_by_the_clock_of_the_zone(hour: float, prompt: str) -> None:
    midnight = NOON - 10 * 3600
    at, intents = begin(walk(), midnight + hour * 3600)
    assert intents == (it.Entered("hello", "greet"), it.Say((prompt,)))
    assert replace(at, steps=0) == Cursor("hello", saying=True)


def test_greeting_leads_on_when_said() -> None:
    at, intents = go("hello", SaidAll())
    assert intents == (it.Entered("menu", "menu"), it.Say(("main",))) and at.node == "menu" and at.saying


def test_key_in_the_greeting_interrupts_it_and_is_the_menus_key() -> None:
    at, intents = go("hello", Key("1"))
    assert intents[:3] == (it.Hush(), it.Entered("menu", "menu"), it.Took("menu", "1", accepted=True))
    assert isinstance(intents[-1], it.Enqueue) and at.node == "line"


def test_uninterruptible_prompts_keep_the_keys() -> None:
    at, intents = go("long", Key("2"), Key("1"))
    assert intents == () and at.typed == "21" and at.saying
    at, intents = step(walk("long"), at, SaidAll(), NOON)
    assert [i.key for i in intents if isinstance(i, it.Took)] == ["2", "1"]
    assert it.Speak("en") in intents and at.node == "line"


def test_keys_typed_ahead_skip_every_interruptible_prompt() -> None:
    """`short` leads to the greeting, the greeting to the menu: a caller who knows the way hears neither."""
    at, intents = go("short", Key("1"))
    assert at.node == "line" and not [i for i in intents if isinstance(i, it.Say)]


def test_keys_kept_are_bounded() -> None:
    at, _ = go("long", *[Key("5")] * 50)
    assert len(at.typed) == TYPED_MAX


def test_wrong_key_typed_ahead_is_dropped_at_the_menu() -> None:
    at, intents = go("hello", Key("9"))
    assert replace(at, steps=0) == Cursor("menu", saying=True) and intents[-1] == it.Say(("main",))


def test_menu_waits_after_its_prompts() -> None:
    at, intents = go("menu", SaidAll())
    assert intents == (it.Wait(4),) and at.waiting and not at.saying
    assert go("menu", SaidAll(), SaidAll())[1] == ()


def test_menu_silence_then_last_branch() -> None:
    at, intents = go("menu", SaidAll(), WaitedOut())
    assert intents == (it.Say(("no-key", "main")),) and at.tries == 1
    at, intents = go("menu", SaidAll(), WaitedOut(), SaidAll(), WaitedOut())
    assert intents == (it.Entered(GOODBYE, "hangup"), it.Say(("goodbye",)))


def test_menu_wrong_keys_then_last_branch() -> None:
    at, intents = go("menu", Key("9"))
    assert intents == (it.Hush(), it.Took("menu", "9", accepted=False), it.Say(("wrong-key", "main")))
    at, intents = go("menu", Key("9"), SaidAll(), Key("8"))
    assert intents[:2] == (it.Unwait(), it.Took("menu", "8", accepted=False)) and at.node == "line"


def test_wrong_keys_and_silence_count_together() -> None:
    assert go("menu", Key("9"), SaidAll(), WaitedOut())[0].node == GOODBYE


def test_repeat_key_costs_no_try() -> None:
    at, intents = go("menu", *[Key("*")] * 5)
    assert intents == (it.Hush(), it.Took("menu", "*", accepted=True), it.Say(("main",))) and at.tries == 0
    assert go("menu", SaidAll(), Key("*"))[1][0] == it.Unwait()


def test_menu_that_wants_its_prompt_heard() -> None:
    at, intents = go("strict", Key("1"))
    assert intents == () and at.saying
    assert go("strict", Key("1"), SaidAll(), Key("1"))[0].node == "line"


@pytest.mark.parametrize(
    ("branch", "node"), [("timeout", "end"), ("full", "mute"), ("next", GOODBYE), ("no_agents", GOODBYE)]
)
def test_queue_branches(branch: str, node: str) -> None:
    assert go("line", QueueDone(branch))[0].node == node


def test_hang_up_with_and_without_words() -> None:
    assert go("mute") == (Cursor("mute", ended=True, steps=1), (it.Entered("mute", "hangup"), it.End()))
    at, intents = go("end", SaidAll())
    assert at.ended and intents == (it.End(),)
    assert go("end", SaidAll(), SaidAll(), Key("1"), QueueDone("next"))[1] == ()


def test_flow_without_a_wait_is_broken_off() -> None:
    at, intents = go("loop")
    assert at.ended and intents[-1] == it.End(looped=True) and len(intents) == 41


def test_queues_that_turn_the_caller_away_count_as_steps() -> None:
    w = walk("line", line={"type": "queue", "queue": "billing", "on_full": "line"})
    at, intents = begin(w, NOON)
    for _ in range(19):
        at, intents = step(w, at, QueueDone("full"), NOON)
        assert isinstance(intents[-1], it.Enqueue)
    assert step(w, at, QueueDone("full"), NOON)[1][-1] == it.End(looped=True)
    at, intents = step(w, at, QueueDone("next"), NOON)
    assert at.node == GOODBYE, "who did wait there starts counting anew"


@pytest.mark.parametrize("start", ["hello", "long", "menu", "line", "end"])
@pytest.mark.parametrize("got", [WaitedOut(), QueueDone("next"), SaidAll(), Key("5")], ids=repr)
def test_inputs_a_node_does_not_wait_for_change_nothing(start: str, got: it.Input) -> None:
    waits_for = {
        "hello": (SaidAll, Key),
        "long": (SaidAll, Key),
        "menu": (SaidAll, Key),
        "line": (QueueDone,),
        "end": (SaidAll,),
    }
    if not isinstance(got, waits_for[start]):
        before = begin(walk(start), NOON)[0]
        assert step(walk(start), before, got, NOON) == (before, ())


def test_what_a_node_leads_to_and_says() -> None:
    nodes = loaded({"start": "hello", "nodes": NODES}).flow.nodes
    assert next_nodes(nodes["menu"]) == {
        **{"keys.1": "line", "keys.2": "english", "keys.3": "strict", "keys.#": "end"},
        "on_wrong": "line",
    }
    assert next_nodes(nodes["line"]) == {"on_timeout": "end", "on_full": "mute"} and next_nodes(nodes["end"]) == {}
    assert prompts_of(nodes["menu"]) == ("main", "wrong-key", "no-key") and prompts_of(nodes["english"]) == ()
    assert prompts_of(nodes["hello"]) == ("greeting-morning", "greeting-day") and prompts_of(nodes["end"]) == ("bye",)


SECRET = {
    "hello": {"type": "greet", "next": "pin"},
    "pin": {"type": "collect", "say": ["ask"], "into": "pin", "min": 4, "max": 8, "secret": True, "next": "menu"},
    "menu": {"type": "menu", "say": ["main"], "keys": {"1": "end"}},
    "end": {"type": "hangup", "say": []},
}


@pytest.mark.parametrize("digit", ["7", "x"])
def test_a_secret_may_be_typed_over_the_prompt_before_it_and_is_replayed_as_long_as_it_was(digit: str) -> None:
    w = Walk(loaded({"start": "hello", "nodes": SECRET}), ZONE)
    at, _ = begin(w, NOON)
    assert is_secret(w, at)
    for key in (digit, digit, digit, digit, "#"):
        at, _ = step(w, at, Key(key), NOON)
    assert at.node == "menu" and at.values["pin"] == digit * 4
    assert not is_secret(w, at)


NUMBER: dict[str, Any] = {"type": "collect", "say": ["ask"], "into": "n", "min": 3, "max": 3, "next": "menu"}


@pytest.mark.parametrize("ahead", [True, False], ids=["typed ahead", "after the prompt"])
def test_the_end_key_after_an_input_that_was_full_means_nothing(ahead: bool) -> None:
    """Prompts ask for it: whoever obeys loses no try at the next menu. The same key means something later."""
    w = walk("short" if ahead else "number", number=NUMBER, short={"type": "play", "say": ["x"], "next": "number"})
    at, _ = begin(w, NOON)
    for digit in "123":
        at, _ = step(w, at, Key(digit), NOON)
    assert at.node == "menu" and at.values["n"] == "123"
    still, intents = step(w, at, Key("#"), NOON + 1)
    assert (still.node, still.tries, intents) == ("menu", 0, ())
    ended, _ = step(w, still, Key("#"), NOON + 2)
    assert ended.node == "end", "the second one is meant for the menu"


def test_the_end_key_is_the_menus_after_a_while_or_another_key() -> None:
    w = walk("number", number=NUMBER)
    at, _ = begin(w, NOON)
    for digit in "123":
        at, _ = step(w, at, Key(digit), NOON)
    assert step(w, at, Key("#"), NOON + 3.1)[0].node == "end"
    repeated, _ = step(w, at, Key("*"), NOON + 1)
    assert step(w, repeated, Key("#"), NOON + 2)[0].node == "end"


@pytest.mark.parametrize(("typed", "node"), [("123#", "menu"), ("123##", "end"), ("12#", "number")])
def test_typed_ahead_it_is_the_inputs_too(typed: str, node: str) -> None:
    w = walk("loud", number=NUMBER, loud={"type": "play", "say": ["x"], "interruptible": False, "next": "number"})
    at, _ = begin(w, NOON)
    for digit in typed:
        at, _ = step(w, at, Key(digit), NOON)
    assert step(w, at, SaidAll(), NOON)[0].node == node
