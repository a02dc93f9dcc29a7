"""A flow as data: nodes by name, each of one type. Read from `ivr_flows/*.yaml` by config/; frozen.

Prompts are ids of the catalogue (`sounds/catalogue.yaml`). Keys are the twelve of a telephone.
"""

from typing import Annotated, Literal

from pydantic import Field

from ari_app.model.settings import Language, Name, Part

NodeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
PromptId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
KeyName = Annotated[str, Field(pattern=r"^[0-9*#]$")]
Prompts = Annotated[tuple[PromptId, ...], Field(max_length=20)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Greet(Part):
    """Greets by the clock: `morning` from midnight to `morning_until`, `day` after it."""

    type: Literal["greet"]
    morning: PromptId = Field("greeting-morning", description="Prompt before morning_until.")
    day: PromptId = Field("greeting-day", description="Prompt for the rest of the day.")
    morning_until: ClockTime = Field("12:00", description="Local time at which the morning ends.")
    interruptible: bool = Field(
        True, description="Whether a key stops the greeting; the key is kept for the next menu."
    )
    next: NodeName = Field(description="The node after it.")


class Play(Part):
    """Says prompts one after another."""

    type: Literal["play"]
    say: Prompts = Field(min_length=1, description="Prompts, in order.")
    interruptible: bool = Field(True, description="Whether a key stops them; the key is kept for the next menu.")
    next: NodeName = Field(description="The node after it.")


class Menu(Part):
    """Says prompts, takes one key, goes where the key says."""

    type: Literal["menu"]
    say: Prompts = Field(min_length=1, description="Prompts naming the keys.")
    keys: dict[KeyName, NodeName] = Field(min_length=1, description="Key: node.")
    repeat_key: KeyName | None = Field(None, description="Key that says the prompts again, without counting a try.")
    interruptible: bool = Field(True, description="Whether a key stops the prompts.")
    wait_s: Annotated[float, Field(gt=0, le=60)] = Field(5, description="Seconds to wait for a key after the prompts.")
    tries: Annotated[int, Field(ge=1, le=10)] = Field(3, description="Times the caller may give no key or a wrong one.")
    wrong_key: PromptId = Field("wrong-key", description="Said after a wrong key, before the prompts again.")
    no_key: PromptId = Field("no-key", description="Said after no key, before the prompts again.")
    on_wrong: NodeName | None = Field(None, description="Node after the last wrong key; a goodbye when left out.")
    on_silence: NodeName | None = Field(None, description="Node after the last silence; a goodbye when left out.")


class Queue(Part):
    """Puts the caller into a queue; an agent with its skills is rung."""

    type: Literal["queue"]
    queue: Name = Field(description="The queue (config.yaml: queues).")
    say: Prompts = Field(("please-wait",), description="Prompts heard on entering, over the music. May be empty.")
    priority: Annotated[int, Field(ge=0, le=9)] = Field(0, description="Each step counts as 60 s waited already.")
    next: NodeName | None = Field(None, description="Node after the agent has hung up; goodbye when left out.")
    on_timeout: NodeName | None = Field(None, description="Node when the caller waited wait_s_max.")
    on_full: NodeName | None = Field(None, description="Node when the queue is full.")
    on_closed: NodeName | None = Field(None, description="Node outside the queue's hours.")
    on_no_agents: NodeName | None = Field(
        None, description="Node when nobody with the skills is signed in. Left out: the caller waits."
    )


class SwitchLanguage(Part):
    """Changes the language of all later prompts."""

    type: Literal["language"]
    language: Language = Field(description="zh-CN or en.")
    next: NodeName = Field(description="The node after it.")


class HangUp(Part):
    """Says goodbye and ends the call."""

    type: Literal["hangup"]
    say: Prompts = Field(("goodbye",), description="Prompts before it. May be empty.")


Node = Annotated[Greet | Play | Menu | Queue | SwitchLanguage | HangUp, Field(discriminator="type")]

GOODBYE = "goodbye!"
"""The node every flow has without writing it (no author's name may hold a `!`): where left-out branches lead."""


class Flow(Part):
    """A flow file."""

    description: str = Field("", max_length=400, description="What this flow is for, in a sentence.")
    start: NodeName = Field(description="The first node.")
    nodes: dict[NodeName, Node] = Field(min_length=1, description="Nodes by name.")


class LoadedFlow(Part):
    """A checked flow with its name and version (the first 12 hex digits of the file's SHA-256)."""

    name: str
    version: str
    flow: Flow

    def node(self, name: str) -> Greet | Play | Menu | Queue | SwitchLanguage | HangUp:
        return self.flow.nodes[name] if name != GOODBYE else _GOODBYE


_GOODBYE = HangUp(type="hangup", say=("goodbye",))


def next_nodes(node: Greet | Play | Menu | Queue | SwitchLanguage | HangUp) -> dict[str, str]:
    """Every node a node leads to, by the place it is named at (`keys.1`, `next`, `on_silence`)."""
    places = {f"keys.{key}": target for key, target in node.keys.items()} if isinstance(node, Menu) else {}
    for place in ("next", "on_wrong", "on_silence", "on_timeout", "on_full", "on_closed", "on_no_agents"):
        if (target := getattr(node, place, None)) is not None:
            places[place] = target
    return places


def prompts_of(node: Greet | Play | Menu | Queue | SwitchLanguage | HangUp) -> tuple[str, ...]:
    """Every prompt a node may say."""
    match node:
        case Greet():
            return (node.morning, node.day)
        case Menu():
            return (*node.say, node.wrong_key, node.no_key)
        case Play() | Queue() | HangUp():
            return node.say
        case _:
            return ()
