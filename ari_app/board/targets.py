"""Whom a transfer or a consult is for: what was asked for in words, and why it cannot be."""

from dataclasses import dataclass
from typing import Literal

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.board.seats import is_free
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import AgentId, Number, QueueName
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState

Kind = Literal["agent", "queue", "flow", "number"]


@dataclass(frozen=True, slots=True)
class Target:
    """`name`: a work number, a queue, a node (or flow:node), a number outside."""

    kind: Kind
    name: str
    ring_s: float = 0.0  # 0: as long as the queue, or config.yaml (outbound), says.

    @property
    def text(self) -> str:
        """Without the number: that is personal data."""
        return self.kind if self.kind == "number" else f"{self.kind}:{self.name}"

    @property
    def number(self) -> Number:
        return Number(self.name if self.kind == "number" else "")


def named(settings: Settings, text: str, number: Number) -> Target | None:
    """What was asked for: a key of the directory, a work number, `queue:billing`, `flow:menu`, a number outside."""
    if number:
        return Target("number", number)
    text = settings.directory.get(text, text)
    kind, colon, name = text.partition(":")
    if not colon:
        if text in settings.agents:
            return Target("agent", text)
        return Target("number", text) if text.removeprefix("+").isdecimal() else None
    known: dict[str, Kind] = {"agent": "agent", "queue": "queue", "flow": "flow", "number": "number"}
    return Target(known[kind], name) if kind in known and name else None


def next_free(floor: Floor, queue: QueueName) -> AgentId | None:
    """The agent of a queue who has been idle for longest."""
    free = [s for s in floor.seats.values() if is_free(floor, s) and floor.engine.servers(queue, (s.agent,))]
    return min(free, key=lambda s: (s.idle_since, s.agent)).agent if free else None


def why_not(floor: Floor, call: Call, target: Target) -> str:
    """Why the call cannot go there just now, with what to do; empty: it can."""
    match target.kind:
        case "agent":
            seat = floor.seats.get(AgentId(target.name))
            if seat is None:
                return f"no agent has the work number {target.name}"
            if not is_free(floor, seat):
                state = "on another call" if seat.state is AgentState.READY else seat.state
                return f"{target.name} is {state}; try a queue, or later"
        case "queue":
            if target.name not in floor.settings.queues:
                return f"no queue named {target.name!r}; known: {', '.join(floor.settings.queues)}"
        case "number":
            outbound = floor.settings.outbound
            if not is_permitted(target.number, outbound) or not floor.settings.trunks[outbound.trunk].address:
                return "that number may not be dialled: see outbound.permitted and outbound.trunk in config.yaml"
        case "flow":
            if place(call, target.name) is None:
                return f"no node {target.name!r} in this call's flows"
    return ""


def place(call: Call, name: str) -> tuple[str, str] | None:
    """The flow and the node that `node` or `flow:node` means for this call; a flow alone: its start."""
    if call.walk is None:
        return None
    first, colon, node = name.partition(":")
    if colon:
        return (first, node) if first in call.walk.flows and node in call.walk.flows[first].flow.nodes else None
    here = (call.cursor.flow if call.cursor is not None else None) or call.walk.flow
    if first in here.flow.nodes:
        return here.name, first
    return (first, call.walk.flows[first].flow.start) if first in call.walk.flows else None
