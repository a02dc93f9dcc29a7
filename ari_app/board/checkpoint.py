"""What is written down of every open call and every signed-in agent, so that the next daemon can go on with them.

`Changed` follows which of them an event touched; `state_of` and `seat_state_of` give their records as plain data,
`call_from` and `seat_from` the records again. Digits of a secret are never in it, and the caller's number stands apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import ValidationError

from ari_app.board.floor import Floor
from ari_app.board.records import Call, Seat
from ari_app.board.walk import walk_of
from ari_app.flow.expression import Value
from ari_app.flow.intents import Cursor, Frame, Place
from ari_app.flow.model import GOODBYE, LoadedFlow
from ari_app.flow.nodes import Queue
from ari_app.model.codec import build
from ari_app.model.effects import CancelTimer, Effect, Note, SetTimer
from ari_app.model.events import CallLeft, Event, Listed
from ari_app.model.facts import CallClosed
from ari_app.model.ids import AgentId, CallId, LegId
from ari_app.model.states import AgentState

Row: TypeAlias = (
    tuple[Literal["call"], CallId, dict[str, Any] | None] | tuple[Literal["seat"], AgentId, dict[str, Any] | None]
)
"""Whose state, and the state; None: it is over."""
_OWNED: Final = ("call", "leg", "timer", "playback", "recording", "line", "lookup", "message")
"""Names of an event's fields that lead to a call: most hold an id that begins with the call's."""
_APART: Final = ("id", "caller", "walk", "cursor", "queue", "doomed", "lookup")  # Not written as they are.


class Unusable(ValueError):
    """A state that this hotline, or its settings, cannot go on with; says why."""


# -- what changed --


_NAMES: Final = {kind: tuple(each.name for each in fields(kind) if each.name in _OWNED) for kind in get_args(Event)}
"""By event: its fields in whose value a call shows."""


@dataclass
class Changed:
    """Calls and agents touched since `taken` was asked last."""

    calls: set[str] = field(default_factory=set)
    closed: set[CallId] = field(default_factory=set)
    _queues: dict[CallId, tuple[Queue, dict[str, Any]]] = field(default_factory=dict)  # To write one down takes long.

    def see(self, floor: Floor, event: Event, effects: list[Effect]) -> None:
        """After the board has handled `event`: whatever changed of a call shows in it or in its effects."""
        add = self.calls.add
        for effect in effects:
            kind = type(effect)
            if kind is SetTimer or kind is CancelTimer:
                add(effect.timer.partition(".")[0])  # type: ignore[union-attr]
                continue
            about: Any = effect.fact if kind is Note else effect  # type: ignore[union-attr]
            if call := getattr(about, "call", None):
                add(call)
                if type(about) is CallClosed:
                    self.closed.add(call)
        for name in _NAMES[type(event)]:
            value = getattr(event, name)
            if name == "leg":
                add(floor.legs.get(value, ""))
            elif value:
                add(value.partition(".")[0])
        if isinstance(event, Listed):
            self.calls.update(floor.calls)

    def taken(self, floor: Floor) -> list[Row]:
        """The states of those touched; from here on others count."""
        rows: list[Row] = [("call", call, None) for call in self.closed]
        for call in self.closed:
            self._queues.pop(call, None)
        for touched in self.calls | floor.calls_changed:
            if (found := floor.calls.get(CallId(touched))) is not None:
                rows.append(("call", found.id, self._state(floor, found)))
        for agent in floor.seats_changed:
            rows.append(("seat", agent, seat_state_of(floor.seats[agent])))
        self.calls, self.closed = set(), set()
        floor.seats_changed.clear()
        floor.calls_changed.clear()
        return rows

    def _state(self, floor: Floor, call: Call) -> dict[str, Any]:
        state = state_of(floor, call)
        if call.queue is not None:
            known = self._queues.get(call.id)
            if known is None or known[0] is not call.queue:
                self._queues[call.id] = known = call.queue, queue_state_of(call.queue)
            state["queue"] = known[1]
        return state


# -- a call --

_DEFAULTS: Final = {each.name: each.default for each in fields(Call)}
_SEAT_DEFAULTS: Final = {each.name: each.default for each in fields(Seat)}


def state_of(floor: Floor, call: Call) -> dict[str, Any]:
    """Everything that this call needs to go on, as data that JSON holds (records in it are frozen, or its own).

    But for its queue node: see queue_state_of. What is as in every new call is left out.
    """
    state = {name: value for name, value in vars(call).items() if value is not _DEFAULTS[name]}
    for name in _APART:
        state.pop(name, None)
    state["legs"] = sorted(call.legs)
    if call.doomed:
        state["doomed"] = sorted(call.doomed)
    if call.walk is not None:
        state["walk"] = call.walk.flow.name
        state["cursor"] = _cursor_state(call, call.walk.secrets)
    if call.talk is not None and call.talk.typed:  # Perhaps a number.
        state["talk"] = replace(call.talk, typed="")
    if floor.supervising and (used := {leg: floor.supervising[leg] for leg in call.legs if leg in floor.supervising}):
        state["supervising"] = used
    if call.id in floor.engine.talking:
        state["counts"] = True  # Against the queue's talking_max.
    return state


def queue_state_of(node: Queue) -> dict[str, Any]:
    return node.model_dump(mode="json", exclude_defaults=True)


def _cursor_state(call: Call, secrets: frozenset[str]) -> dict[str, Any] | None:
    at = call.cursor
    if at is None:
        return None
    state: dict[str, Any] = {"node": at.node, "values": _values(call, at.values, secrets)}
    if at.flow is not None:
        state["flow"] = at.flow.name
    if at.stack:
        frames = [(each.flow.name, each.node, _values(call, each.values, secrets)) for each in at.stack]
        state["stack"] = frames
    if at.stage:
        state["stage"] = at.stage
    if at.place is not None:
        state["place"] = at.place
    return state


def _values(call: Call, values: Mapping[str, Value], secrets: frozenset[str]) -> dict[str, Value | None]:
    """Without secrets; None stands for the caller's number, which is kept apart."""
    number = call.caller
    return {k: None if number and v == number else v for k, v in values.items() if k not in secrets}


def call_from(floor: Floor, left: CallLeft) -> Call:
    """The call again. Unusable when its state does not fit this hotline."""
    try:
        state = dict(left.state)
        walk, cursor, queue = (state.pop(name, None) for name in ("walk", "cursor", "queue"))
        call: Call = build(Call, {**state, "id": left.call, "caller": left.caller})
        if walk is not None:
            flows = floor.pinned[left.versions]
            call.walk = walk_of(floor, flows[walk], flows)
            call.cursor = _cursor_from(call, cursor, flows) if cursor is not None else None
        call.queue = Queue.model_validate({"type": "queue", **queue}) if queue is not None else None
        return call
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as why:
        raise Unusable(f"{type(why).__name__}: {why}") from None


def _cursor_from(call: Call, state: dict[str, Any], flows: Mapping[str, LoadedFlow]) -> Cursor:
    assert call.walk is not None
    flow = flows[state["flow"]] if "flow" in state else None
    if state["node"] != GOODBYE and state["node"] not in (flow or call.walk.flow).flow.nodes:
        raise Unusable(f"no node {state['node']} in its flow")
    stack = tuple(Frame(flows[name], node, _values_from(call, kept)) for name, node, kept in state.get("stack", ()))
    values, stage = _values_from(call, state["values"]), state.get("stage", "")
    place = build(Place, state.get("place"))
    return Cursor(state["node"], stage=stage, values=values, flow=flow, stack=stack, place=place)


def _values_from(call: Call, kept: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: call.caller if value is None else value for name, value in kept.items()}


# -- an agent --


def seat_state_of(seat: Seat) -> dict[str, Any] | None:
    """None: he is signed out, and nothing is to be kept."""
    if seat.state is AgentState.SIGNED_OUT:
        return None
    state = {name: value for name, value in vars(seat).items() if value is not _SEAT_DEFAULTS[name]}
    state.pop("served", None)
    return state


def seat_from(agent: AgentId, state: Mapping[str, Any]) -> Seat:
    """The seat again. Unusable when it does not fit."""
    try:
        seat: Seat = build(Seat, {**state, "agent": agent})
    except (KeyError, TypeError, ValueError, AttributeError) as why:
        raise Unusable(f"{type(why).__name__}: {why}") from None
    return seat


def people(call: Call) -> list[tuple[AgentId, LegId, AgentState]]:
    """The agents this call has, on which leg, and what each of them is."""
    found: list[tuple[AgentId, LegId, AgentState]] = []
    if call.offer is not None:
        found.append((call.offer.agent, call.offer.leg, AgentState.RESERVED))
    if call.talk is not None:
        found.append((call.talk.agent, call.talk.leg, AgentState.TALKING))
    if (asked := call.invite) is not None and asked.agent is not None:
        consulted = asked.answered and asked.how == "consult"
        found.append((asked.agent, asked.leg, AgentState.TALKING if consulted else AgentState.RESERVED))
    return found
