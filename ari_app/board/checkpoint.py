"""What is written down of every open call and every signed-in agent, so that the next daemon can go on with them.

`Changed` follows which of them an event touched; `state_of` and `seat_state_of` give their records as plain data,
`call_from` and `seat_from` the records again. Digits of a secret are never in it, and the caller's number stands apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

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
from ari_app.model.ids import AgentId, CallId, LegId, call_of
from ari_app.model.states import AgentState

Row: TypeAlias = (
    tuple[Literal["call"], CallId, dict[str, Any] | None] | tuple[Literal["seat"], AgentId, dict[str, Any] | None]
)
"""Whose state, and the state; None: it is over."""
_OWNED: Final = ("playback", "recording", "line", "lookup", "message")  # Names of fields whose id begins with a call's.
_APART: Final = ("id", "caller", "walk", "cursor", "queue", "legs", "doomed", "lookup")  # Not written as they are.


class Unusable(ValueError):
    """A state that this hotline, or its settings, cannot go on with; says why."""


# -- what changed --


@dataclass
class Changed:
    """Calls and agents touched since `taken` was asked last."""

    calls: set[str] = field(default_factory=set)
    closed: set[CallId] = field(default_factory=set)

    def see(self, floor: Floor, event: Event, effects: list[Effect]) -> None:
        """After the board has handled `event`: whatever changed of a call shows in it or in its effects."""
        calls = self.calls
        for effect in effects:
            if isinstance(effect, Note):
                fact = effect.fact
                calls.add(getattr(fact, "call", None) or "")
                if isinstance(fact, CallClosed):
                    self.closed.add(fact.call)
            elif isinstance(effect, SetTimer | CancelTimer):
                calls.add(effect.timer.partition(".")[0])
            else:
                calls.add(getattr(effect, "call", None) or "")
        leg = getattr(event, "leg", None)
        calls.add(floor.legs.get(leg, "") if leg is not None else getattr(event, "call", None) or "")
        timer = getattr(event, "timer", None)
        if timer is not None:
            calls.add(timer.partition(".")[0])
        if isinstance(event, Listed):
            calls.update(floor.calls)
        for name in _OWNED:
            if (owned := getattr(event, name, None)) is not None:
                calls.add(call_of(owned) or "")

    def taken(self, floor: Floor) -> list[Row]:
        """The states of those touched; from here on others count."""
        rows: list[Row] = [("call", call, None) for call in self.closed]
        for touched in self.calls | floor.calls_changed:
            if (call := floor.calls.get(CallId(touched))) is not None:
                rows.append(("call", call.id, state_of(floor, call)))
        for agent in floor.seats_changed:
            rows.append(("seat", agent, seat_state_of(floor.seats[agent])))
        self.calls, self.closed = set(), set()
        floor.seats_changed.clear()
        floor.calls_changed.clear()
        return rows


# -- a call --


def state_of(floor: Floor, call: Call) -> dict[str, Any]:
    """Everything that this call needs to go on, as data that JSON holds (records in it are frozen, or its own)."""
    state = vars(call).copy()
    for name in _APART:
        del state[name]
    state["legs"], state["doomed"] = sorted(call.legs), sorted(call.doomed)
    if call.walk is not None:
        state["walk"] = call.walk.flow.name
        state["cursor"] = _cursor_state(call, call.walk.secrets)
    if call.queue is not None:
        state["queue"] = call.queue.model_dump(mode="json", exclude_defaults=True)
    if call.talk is not None and call.talk.typed:  # Perhaps a number.
        state["talk"] = replace(call.talk, typed="")
    if floor.supervising and (used := {leg: floor.supervising[leg] for leg in call.legs if leg in floor.supervising}):
        state["supervising"] = used
    if call.id in floor.engine.talking:
        state["counts"] = True  # Against the queue's talking_max.
    return state


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
    return {**vars(seat), "served": None} if seat.state is not AgentState.SIGNED_OUT else None


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
