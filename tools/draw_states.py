"""docs/states.md: the state tables of ari_app/model/states.py as Mermaid diagrams. Run: `python tools/draw_states.py`.

Nothing is drawn by hand, so a diagram cannot differ from the table; tests/test_docs.py checks that the page is current.
"""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # For whoever runs it outside the virtual environment's own checkout.

from ari_app.model.states import AGENT, CALL, AgentState, CallState  # noqa: E402

PAGE = ROOT / "docs" / "states.md"

HEAD = """\
# States

Drawn from the tables in `ari_app/model/states.py` by `tools/draw_states.py`; do not edit by hand. A move that a table
does not know is a bug, and raises.
"""
AGENTS = """\
## An agent

`reserved`: the phone rings, or the whisper is heard. `offer-lost`: declined, ran out, or the phone cannot be reached.
A wish to be not ready or to sign out while reserved or talking is kept, and carried out when that ends.
"""
CALLS = """\
## A call

`ringing`: queued, and an agent's phone rings. `whispering`: the agent has answered and hears the whisper, the caller
still hears music. `closing`: being hung up; over when the last leg is gone.
"""


def diagram(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]], start: StrEnum) -> str:
    """A Mermaid state diagram; moves between the same two states share an arrow, `start` is where it begins."""
    lines = ["stateDiagram-v2", f"    [*] --> {_id(start)}"]
    lines[1:1] = [f'    state "{state}" as {_id(state)}' for state in table if "-" in state]
    for state, moves in table.items():
        targets: dict[StrEnum, list[str]] = {}
        for move, target in moves.items():
            targets.setdefault(target, []).append(str(move))
        lines += [f"    {_id(state)} --> {_id(target)}: {', '.join(names)}" for target, names in targets.items()]
        if not moves:
            lines.append(f"    {_id(state)} --> [*]")
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _id(state: StrEnum) -> str:
    return state.replace("-", "_")  # A hyphen ends a name in Mermaid.


def page() -> str:
    """The whole of docs/states.md."""
    agents, calls = diagram(AGENT, AgentState.SIGNED_OUT), diagram(CALL, CallState.IN_FLOW)
    return "\n".join((HEAD, AGENTS, agents, CALLS, calls))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
