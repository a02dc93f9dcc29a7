"""The checker's rules about where nodes lead: names, nodes out of reach, circles, traps, ways to a person. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ari_app.flow import model
from ari_app.flow.finding import Draft, Finding, World, no_such
from ari_app.flow.graph import Ways, backwards, knots, reached
from ari_app.flow.lint_nodes import check_subflow, place_of
from ari_app.flow.nodes import (
    Branch,
    CheckHours,
    HangUp,
    LookUp,
    Menu,
    Node,
    Queue,
    Return,
    Subflow,
    Transfer,
)

UNREACHABLE: Final = "F020"
DEAD_END: Final = "F022"
LOOP: Final = "F023"
NO_PERSON: Final = "F031"
RECURSION: Final = "F038"
LONELY_RETURN: Final = "F041"

_SHOWN_MAX: Final = 6
_CLOSED: Final = ("on_closed", "on_holiday", "on_closure")
_TURNED_AWAY: Final = ("on_full", "on_closed", "on_no_agents", "on_busy", "on_refused")
_MAY_BE_LEFT_OUT: Final = ("next", "on_wrong", "on_silence", "on_failure", "on_timeout", "on_full", "on_closed")


@dataclass(frozen=True)
class Across:
    """What is known of all flows together, by name."""

    drafts: Mapping[str, Draft]
    called: frozenset[str]  # By a subflow node of another.
    passing: frozenset[str]  # Come back without ever having waited.
    with_person: frozenset[str]  # A queue can be reached in them.
    circles: Mapping[str, int]  # Flows that call one another, by the number of their circle.


def across(drafts: Mapping[str, Draft]) -> Across:
    calls = {
        name: {node.flow for node in draft.flow.nodes.values() if isinstance(node, Subflow)}
        for name, draft in drafts.items()
    }
    called = frozenset(target for targets in calls.values() for target in targets)
    with_queue = [name for name, draft in drafts.items() if _has_queue(draft)]
    circles = {name: n for n, circle in enumerate(knots(calls)) for name in circle}
    return Across(drafts, called, _passing(drafts), frozenset(reached(backwards(calls), with_queue)), circles)


def check_ways(name: str, across: Across, world: World) -> Iterator[Finding]:
    """What is wrong with the ways of one flow."""
    draft = across.drafts[name]
    unknown = list(_names(draft, world))
    yield from unknown
    yield from _subflows(name, across)
    yield from _loops(draft, across.passing)
    is_called = bool(draft.flow.variables) or name in across.called
    if not is_called:
        for node_name, node in draft.flow.nodes.items():
            if isinstance(node, Return):
                hint = "here it is a goodbye: write type: hangup, or call this flow by a subflow node"
                message = "returns to nobody: no flow calls this one"
                yield Finding(("nodes", node_name), LONELY_RETURN, message, hint, at_key=True, is_warning=True)
    if not draft.is_whole or unknown:
        return  # What is wrong already may be the way that would be missed below.
    yield from _unreachable(draft)
    yield from _traps(draft)
    if not is_called or name in {plan.flow for plan in world.settings.numbers.values()}:
        yield from _persons(draft, across)


def _names(draft: Draft, world: World) -> Iterator[Finding]:
    if draft.flow.start not in draft.names:
        yield no_such(("start",), "node", draft.flow.start, draft.names)
    for name, places in draft.ways.items():
        for place, target in places.items():
            if target not in draft.names:
                yield no_such(place_of(("nodes", name), place), "node", target, draft.names)
    for name, node in draft.flow.nodes.items():
        if isinstance(node, Subflow) and node.flow not in world.flows:
            yield no_such(("nodes", name, "flow"), "flow", node.flow, world.flows, f"write {node.flow}.yaml")


def _subflows(name: str, across: Across) -> Iterator[Finding]:
    for node_name, node in across.drafts[name].flow.nodes.items():
        if isinstance(node, Subflow) and node.flow in across.drafts:
            yield from check_subflow(("nodes", node_name), node, across.drafts[node.flow])
            if name in across.circles and across.circles[name] == across.circles.get(node.flow):
                message = f"the flow {node.flow!r} comes back to {name!r} before it returns"
                hint = "a flow may not run inside itself: go on by goto, or return first"
                yield Finding(("nodes", node_name, "flow"), RECURSION, message, hint)


def _unreachable(draft: Draft) -> Iterator[Finding]:
    found = reached(_ways(draft), [draft.flow.start])
    for name in draft.flow.nodes:
        if name not in found:
            hint = "remove it, or point a node to it"
            yield Finding(("nodes", name), UNREACHABLE, "no way leads here", hint, at_key=True)


def _ways(draft: Draft) -> Ways:
    return {name: set(places.values()) for name, places in draft.ways.items()}


# -- circles --


def _loops(draft: Draft, passing: Collection[str]) -> Iterator[Finding]:
    """Circles a call would run through without anybody being waited for; a bounded retry with a branch is none."""
    nodes = draft.flow.nodes
    quick = _quick(draft, passing)
    slow_too = {name: _at_once(node, draft.ways[name], passing, slow_too=True) for name, node in nodes.items()}
    retries = {n: [] if isinstance(nodes[n], Branch | CheckHours) else ways for n, ways in slow_too.items()}
    told = set[str]()
    for knot in (*knots(quick), *knots(retries)):
        if told.isdisjoint(knot):
            told.update(knot)
            message = f"goes round without waiting for the caller: {_round(knot, slow_too)}"
            yield Finding(
                ("nodes", knot[0]), LOOP, message, "lead one of them elsewhere, or play something", at_key=True
            )


def _quick(draft: Draft, passing: Collection[str]) -> Ways:
    return {name: _at_once(node, draft.ways[name], passing) for name, node in draft.flow.nodes.items()}


def _at_once(node: Node, places: Mapping[str, str], passing: Collection[str], slow_too: bool = False) -> list[str]:
    """Where a node may lead without waiting for the caller; `slow_too`: counting look-ups and full queues."""
    match node:
        case Subflow():
            return list(places.values()) if node.flow in passing else []
        case LookUp() if slow_too:
            return list(places.values())
        case Queue() | Transfer() if slow_too:
            return [target for place, target in places.items() if place in _TURNED_AWAY]
        case _:
            return [] if model.waits(node) else list(places.values())


def _passing(drafts: Mapping[str, Draft]) -> frozenset[str]:
    """Flows that may come back without a wait; grows until nothing is added."""
    found, before = frozenset[str](), None
    while found != before:
        before = found
        found = frozenset(name for name, draft in drafts.items() if _passes(draft, before))
    return found


def _passes(draft: Draft, passing: Collection[str]) -> bool:
    nodes = draft.flow.nodes
    return any(isinstance(nodes[name], Return) for name in reached(_quick(draft, passing), [draft.flow.start]))


def _round(knot: list[str], ways: Ways) -> str:
    """`a → b → a`: one round of the circle, cut when long."""
    inside, name, seen = set(knot), knot[0], dict[str, None]()
    while name not in seen:
        seen[name] = None
        fresh = [target for target in ways[name] if target in inside]
        name = next((target for target in fresh if target not in seen), fresh[0])
    way = list(seen)
    way = way[way.index(name) :]
    shown = way if len(way) <= _SHOWN_MAX else [*way[: _SHOWN_MAX - 1], "…"]
    return " → ".join([*shown, name])


# -- traps --


def _traps(draft: Draft) -> Iterator[Finding]:
    """Nodes that lead only to one another, where a call neither ends nor reaches an agent."""
    ways, nodes = _ways(draft), draft.flow.nodes
    live = reached(ways, [draft.flow.start])
    for knot in knots(ways):
        inside = set(knot)
        is_left = any(target not in inside for name in knot for target in ways[name])
        is_circle = not any(model.waits(nodes[name]) for name in knot)  # Said already.
        if inside <= live and not is_left and not is_circle and not any(_may_end(nodes[name]) for name in knot):
            shown = ", ".join(knot[:_SHOWN_MAX]) + (" …" if len(knot) > _SHOWN_MAX else "")
            message = f"no way out of {shown}: the call can neither end nor reach an agent"
            hint = "lead a key, silence or failure to a queue or a hangup"
            yield Finding(("nodes", knot[0]), DEAD_END, message, hint, at_key=True)


def _may_end(node: Node) -> bool:
    if isinstance(node, HangUp | Return | Queue | Transfer | Subflow):
        return True
    return any(getattr(node, place, "") is None for place in _MAY_BE_LEFT_OUT)


# -- persons --


def _persons(draft: Draft, across: Across) -> Iterator[Finding]:
    """Menus a caller hears in opening hours, from which no queue can be reached."""
    nodes, ways = draft.flow.nodes, _open_ways(draft)
    persons = [name for name, node in nodes.items() if _is_person(node, across)]
    served = reached(backwards(ways), persons)
    heard = reached(ways, [draft.flow.start]) - served
    for name, node in nodes.items():
        if name in heard and isinstance(node, Menu):
            message = "no key and no wait leads from here to a person"
            yield Finding(("nodes", name), NO_PERSON, message, "lead a key, such as 0, to a queue", at_key=True)


def _is_person(node: Node, across: Across) -> bool:
    return isinstance(node, Queue) or (isinstance(node, Subflow) and node.flow in across.with_person)


def _open_ways(draft: Draft) -> Ways:
    """The ways in opening hours."""
    return {
        name: {target for place, target in places.items() if place not in _CLOSED}
        for name, places in draft.ways.items()
    }


def _has_queue(draft: Draft) -> bool:
    found = reached(_open_ways(draft), [draft.flow.start])
    return any(isinstance(draft.flow.nodes[name], Queue) for name in found)
