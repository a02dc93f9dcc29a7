"""Who could serve a caller at all: the agent preferred for him, and whether anybody with the skills is signed in."""

from typing import Final

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.flow.nodes import Queue
from ari_app.model.ids import AgentId, QueueName
from ari_app.model.skills import Needs, needs_of
from ari_app.model.states import AgentState

KNOWN_MAX: Final = 1000
NOBODY: Final = AgentId("")


def needs_of_node(node: Queue) -> Needs | None:
    """What the node asks of an agent instead of its queue; None: the queue's own."""
    return needs_of(node.skills) if node.skills is not None else None


def preferred(floor: Floor, call: Call, node: Queue) -> AgentId | None:
    """The agent the node's variable names, when he is signed in: nobody waits for one who is not there."""
    if node.prefer is None or call.cursor is None:
        return None
    named = AgentId(str(call.cursor.values.get(node.prefer, "")))
    return named if is_signed_in(floor, named) else None


def is_signed_in(floor: Floor, agent: AgentId) -> bool:
    seat = floor.seats.get(agent)
    return seat is not None and seat.state is not AgentState.SIGNED_OUT


def nobody_for(floor: Floor, node: Queue) -> bool:
    """Nobody signed in has what the node asks for, nor what its queue asks for later.

    Who was found last is asked first. That nobody was is remembered until somebody signs in or gets skills: to look at
    10,000 agents for each caller took 45 ms.
    """
    name, needs = QueueName(node.queue), needs_of_node(node)
    asked = name, needs
    last = floor.served_by.get(asked)
    if last is not None and (not last or _serves(floor, last, asked)):
        return not last
    found = next((agent for agent in floor.seats if _serves(floor, agent, asked)), NOBODY)
    if len(floor.served_by) > KNOWN_MAX:  # Of flows that were replaced.
        floor.served_by.clear()
    floor.served_by[asked] = found
    return not found


def _serves(floor: Floor, agent: AgentId, asked: tuple[QueueName, Needs | None]) -> bool:
    return is_signed_in(floor, agent) and floor.engine.servers(asked[0], (agent,), asked[1]) > 0
