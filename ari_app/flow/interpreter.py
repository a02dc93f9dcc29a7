"""What a flow does: `begin` and `step` take a cursor and an input, and return the next cursor and intents. Pure.

The interpreter knows nodes, prompts and keys, but no channels: the board turns intents into effects on legs.
Keys typed ahead are kept until a menu takes them, so a caller who knows the way never waits for a prompt.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, tzinfo
from typing import TypeAlias

from ari_app.flow.model import GOODBYE, Greet, HangUp, LoadedFlow, Menu, Play, Queue, SwitchLanguage

TYPED_MAX = 16  # Keys kept ahead; more are dropped (a fax, a child, a stuck key).


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a caller is. `saying` and `waiting` say what the node waits for; both False: it waits for the board."""

    node: str
    saying: bool = False
    waiting: bool = False
    tries: int = 0
    typed: str = ""
    ended: bool = False
    steps: int = 0  # Nodes entered since the caller was last waited for.


# -- inputs --


@dataclass(frozen=True, slots=True)
class Key:
    digit: str


@dataclass(frozen=True, slots=True)
class SaidAll:
    """The prompts of the last Say are over."""


@dataclass(frozen=True, slots=True)
class WaitedOut:
    """The seconds of the last Wait are over."""


@dataclass(frozen=True, slots=True)
class QueueDone:
    """The queue node's visit ended: `next`, `timeout`, `full`, `closed` or `no_agents`."""

    branch: str


Input: TypeAlias = Key | SaidAll | WaitedOut | QueueDone

# -- intents --


@dataclass(frozen=True, slots=True)
class Entered:
    node: str
    kind: str


@dataclass(frozen=True, slots=True)
class Took:
    """A menu took a key (`accepted`) or found it wrong."""

    node: str
    key: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Say:
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop what is being said."""


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Unwait:
    pass


@dataclass(frozen=True, slots=True)
class Speak:
    """Later prompts are in this language."""

    language: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    node: Queue


@dataclass(frozen=True, slots=True)
class End:
    """Hang the caller up. `looped`: the flow entered too many nodes without waiting, and was broken off."""

    looped: bool = False


Intent: TypeAlias = Entered | Took | Say | Hush | Wait | Unwait | Speak | Enqueue | End
Step: TypeAlias = tuple[Cursor, tuple[Intent, ...]]


@dataclass(frozen=True, slots=True)
class Walk:
    """One flow and what its nodes may ask about: the zone of clock times, the bound on nodes entered in one go."""

    flow: LoadedFlow
    zone: tzinfo
    steps_max: int = 100


def begin(walk: Walk, now: float) -> Step:
    """Enter the flow's first node. `now` is seconds since the Unix epoch."""
    return _enter(walk, walk.flow.flow.start, "", now)


def step(walk: Walk, at: Cursor, got: Input, now: float) -> Step:
    """What one input does. An input the node does not wait for changes nothing."""
    node = walk.flow.node(at.node)
    match node, got:
        case _, _ if at.ended:
            return at, ()
        case Menu(), Key(digit):
            return _menu_key(walk, at, node, digit, now)
        case Menu(), SaidAll() if at.saying:
            return replace(at, saying=False, waiting=True), (Wait(node.wait_s),)
        case Menu(), WaitedOut() if at.waiting:
            return _again(walk, at, node, None, now)
        case ((Greet() | Play()), Key(digit)):
            return _ahead(walk, at, digit, node.interruptible, now)
        case ((Greet() | Play()), SaidAll()) if at.saying:
            return _enter(walk, node.next, at.typed, now)
        case Queue(), QueueDone(branch):
            turned_away = branch in ("full", "closed", "no_agents")
            return _enter(walk, _branch(node, branch), "", now, at.steps if turned_away else 0)
        case HangUp(), SaidAll() if at.saying:
            return replace(at, saying=False, ended=True), (End(),)
        case _:
            return at, ()  # Stale or irrelevant: this node does not wait for it.


def _enter(walk: Walk, name: str, typed: str, now: float, steps: int = 0) -> Step:
    """Enter nodes until one waits. Bounded, so that a flow without a wait cannot hold the loop."""
    intents: list[Intent] = []
    for n in range(steps, walk.steps_max):
        node = walk.flow.node(name)
        intents.append(Entered(name, node.type))
        match node:
            case Greet() | Play() if typed and node.interruptible:
                name = node.next
            case Greet():
                return Cursor(name, saying=True, typed=typed), (*intents, Say((_greeting(walk, node, now),)))
            case Play():
                return Cursor(name, saying=True, typed=typed), (*intents, Say(node.say))
            case Menu() if typed and (typed[0] in node.keys):
                intents.append(Took(name, typed[0], accepted=True))
                name, typed = node.keys[typed[0]], typed[1:]
            case Menu():
                return Cursor(name, saying=True), (*intents, Say(node.say))
            case Queue():
                return Cursor(name, steps=n + 1), (*intents, Enqueue(node))
            case SwitchLanguage():
                intents.append(Speak(node.language))
                name = node.next
            case HangUp(say=()):
                return Cursor(name, ended=True), (*intents, End())
            case HangUp():
                return Cursor(name, saying=True), (*intents, Say(node.say))
    return Cursor(name, ended=True), (*intents, End(looped=True))


def _greeting(walk: Walk, node: Greet, now: float) -> str:
    local = datetime.fromtimestamp(now, walk.zone).time()
    return node.morning if local < time.fromisoformat(node.morning_until) else node.day


def _ahead(walk: Walk, at: Cursor, digit: str, interruptible: bool, now: float) -> Step:
    typed = (at.typed + digit)[:TYPED_MAX]
    if not interruptible:
        return replace(at, typed=typed), ()
    node = walk.flow.node(at.node)
    assert isinstance(node, Greet | Play)
    cursor, intents = _enter(walk, node.next, typed, now)
    return cursor, (Hush(), *intents)


def _menu_key(walk: Walk, at: Cursor, node: Menu, digit: str, now: float) -> Step:
    if at.saying and not node.interruptible:
        return at, ()  # The author wants the prompt heard; the caller presses again after it.
    stop: tuple[Intent, ...] = (Hush(),) if at.saying else (Unwait(),) if at.waiting else ()
    if digit in node.keys:
        cursor, intents = _enter(walk, node.keys[digit], "", now)
        return cursor, (*stop, Took(at.node, digit, accepted=True), *intents)
    if digit == node.repeat_key:
        return replace(at, saying=True, waiting=False), (*stop, Took(at.node, digit, accepted=True), Say(node.say))
    cursor, intents = _again(walk, at, node, digit, now)
    return cursor, (*stop, Took(at.node, digit, accepted=False), *intents)


def _again(walk: Walk, at: Cursor, node: Menu, wrong: str | None, now: float) -> Step:
    """No key, or a wrong one: say it again, or leave by the branch of the last failure."""
    tries = at.tries + 1
    if tries >= node.tries:
        return _enter(walk, (node.on_silence if wrong is None else node.on_wrong) or GOODBYE, "", now)
    hint = node.no_key if wrong is None else node.wrong_key
    return replace(at, saying=True, waiting=False, tries=tries), (Say((hint, *node.say)),)


def _branch(node: Queue, branch: str) -> str:
    places: dict[str, Callable[[], str | None]] = {
        "next": lambda: node.next,
        "timeout": lambda: node.on_timeout,
        "full": lambda: node.on_full,
        "closed": lambda: node.on_closed,
        "no_agents": lambda: node.on_no_agents,
    }
    return places[branch]() or GOODBYE
