"""A flow: nodes by name. What leads where, what is said, read and written: for interpreter, checker, picture."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Final

from pydantic import Field

from ari_app.flow.nodes import (
    Branch,
    Callback,
    CheckHours,
    Choices,
    Collect,
    Confirm,
    Goto,
    Greet,
    HangUp,
    LookUp,
    Menu,
    Node,
    NodeName,
    Queue,
    Return,
    SetVariables,
    Subflow,
    Variable,
    Voicemail,
)
from ari_app.flow.situations import NO_SITUATIONS, Situations
from ari_app.flow.speech import spoken_prompts
from ari_app.model.part import Part

GOODBYE: Final = "goodbye!"
"""The node every flow has without writing it (no author's name may hold a `!`): where left-out branches lead."""

GIVEN: Final = ("caller", "dialled", "trusted", "language", "vip", "last_agent")
"""Variables every flow has: the caller's number, the number dialled, whether the caller's number can be trusted …

`last_agent`: the work number of who talked to this caller last; empty when there is none."""


class Flow(Part):
    """A flow file."""

    description: str = Field("", max_length=400, description="What this flow is for, in a sentence.")
    start: NodeName = Field(description="The first node.")
    variables: Annotated[tuple[Variable, ...], Field(max_length=50)] = Field(
        (), description="As a subflow: the variables its caller may send."
    )
    nodes: dict[NodeName, Annotated[Node, Field(discriminator="type")]] = Field(
        min_length=1, description="Nodes by name."
    )


class LoadedFlow(Part):
    """A checked flow with its name, its version (the first 12 hex digits of the file's SHA-256) and its situations.

    `audio`: key of the audio kept with it; empty: it says what stands in sounds/.
    """

    name: str
    version: str
    flow: Flow
    situations: Situations = Field(NO_SITUATIONS, repr=False)
    audio: str = ""

    def node(self, name: str) -> Node:
        return self.flow.nodes[name] if name != GOODBYE else _GOODBYE


_GOODBYE: Final = HangUp(type="hangup")

_PLACES: Final = (
    *("next", "to", "otherwise", "on_yes", "on_no", "on_open", "on_closed", "on_holiday", "on_closure"),
    *("on_wrong", "on_silence", "on_failure", "on_timeout", "on_full", "on_no_agents", "survey"),
    *("on_life", "on_speech", "on_busy", "on_no_answer", "on_refused", "on_voicemail", "on_callback"),
)


def next_nodes(node: Node) -> dict[str, str]:
    """Every node a node leads to, by the place it is named at (`keys.1`, `next`, `cases.0.to`)."""
    places: dict[str, str] = {}
    if isinstance(node, Menu):
        places |= {f"keys.{key}": target for key, target in node.keys.items()}
    if isinstance(node, Branch):
        places |= {f"cases.{n}.to": case.to for n, case in enumerate(node.cases)}
    for place in _places_of(type(node)):
        if (target := getattr(node, place)) is not None:
            places[place] = target
    return places


@cache
def _places_of(kind: type[Node]) -> tuple[str, ...]:
    """Places that nodes of a type have. Asking each node for all there are costs more than all else a key does."""
    return tuple(place for place in _PLACES if place in kind.model_fields)


def first_queue(flow: LoadedFlow) -> str | None:
    """The queue node that takes the fewest steps from the start."""
    found = [flow.flow.start]
    for name in found:  # It grows meanwhile.
        node = flow.node(name)
        if isinstance(node, Queue):
            return name
        found += [each for each in dict.fromkeys(next_nodes(node).values()) if each not in found and each != GOODBYE]
    return None


CALLBACK_SAYS: Final = (
    *("callback-number-is", "callback-number-keys", "callback-number-ask", "callback-number-refused"),
    *("callback-booked", "callback-already", "callback-full", "no-key", "wrong-key"),
)
CHOICE_SAYS: Final[Mapping[str, str]] = {
    "stay": "choice-stay",
    "voicemail": "choice-voicemail",
    "callback": "choice-callback",
}


def choice_prompts(choices: Choices) -> tuple[str, ...]:
    """What is said of each choice, in the order of the keys; the key's digit follows each."""
    return tuple(choices.say.get(choice, CHOICE_SAYS[choice]) for choice in choices.keys.values())


def spoken(node: Node) -> Iterator[str]:
    """Everything a node may say: prompt ids and `form:variable`."""
    for place in _said_at(type(node)):
        said = getattr(node, place)
        if isinstance(said, tuple):
            yield from said
        elif said is not None:
            yield said
    if isinstance(node, Voicemail):
        yield "beep"
    if isinstance(node, Callback):
        yield from CALLBACK_SAYS
    if isinstance(node, Queue) and node.choices is not None:
        yield from choice_prompts(node.choices)
    if isinstance(node, Greet):
        yield from node.festivals.values()
    if isinstance(node, Confirm):
        yield from ("wrong-key", "no-key")


@cache
def _said_at(kind: type[Node]) -> tuple[str, ...]:
    """Places of a type that hold prompts; a Confirm's `no_key` is a key."""
    places = ("say", "morning", "day", "vip", "wrong_key", "no_key", "too_few", "weekend", "holiday")
    return tuple(each for each in places if each in kind.model_fields and not (kind is Confirm and each == "no_key"))


def prompts_of(node: Node) -> tuple[str, ...]:
    """Every prompt a node may need; a value needs all that can be said of values."""
    said = tuple(spoken(node))
    digits = isinstance(node, Callback) or (isinstance(node, Queue) and node.choices is not None)
    values = spoken_prompts() if digits or any(":" in each for each in said) else ()
    return (*(each for each in said if ":" not in each), *values)


def written(node: Node) -> set[str]:
    """The variables a node gives a value."""
    match node:
        case Collect():
            return {node.into}
        case SetVariables():
            return set(node.values)
        case LookUp() | Subflow():
            return set(node.into)
        case _:
            return set()


def read(node: Node) -> dict[str, str]:
    """Every place where a node reads variables: place -> expression or variable name."""
    places = {f"say.{n}": said.partition(":")[2] for n, said in enumerate(getattr(node, "say", ())) if ":" in said}
    match node:
        case Branch():
            places |= {f"cases.{n}.when": case.when for n, case in enumerate(node.cases)}
        case SetVariables():
            places |= {f"values.{name}": text for name, text in node.values.items()}
        case Queue() if node.prefer is not None:
            places["prefer"] = node.prefer
        case Voicemail(number=str(number)):
            places["number"] = number
        case LookUp() | Subflow():
            places |= {f"send.{name}": text for name, text in node.send.items()}
        case _:
            pass
    return places


def waits(node: Node) -> bool:
    """Whether a call stays in the node until something happens: a loop of nodes that do not is a mistake."""
    return (
        not isinstance(node, Branch | CheckHours | SetVariables | Goto | Return | Subflow) and node.type != "language"
    )
