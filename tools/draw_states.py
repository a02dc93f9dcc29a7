"""docs/states.md: the state tables of ari_app/model/states.py as Mermaid diagrams. Run: `python tools/draw_states.py`.

Nothing is drawn by hand, so a diagram cannot differ from the table; tests/test_docs.py checks that the page is current.
"""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # For whoever runs it outside the virtual environment's own checkout.

from ari_app.model.states import AGENT, CALL, NOT_READY_REASONS, AgentState, CallState  # noqa: E402

PAGE = ROOT / "docs" / "states.md"

HEAD = """\
# States

Drawn from the tables in `ari_app/model/states.py` by `tools/draw_states.py`; do not edit by hand. A move that a table
does not know is a bug, and raises.
"""
AGENTS = """\
## An agent

`reserved`: the phone rings, or the whisper is heard. `offer-lost`: declined, ran out too often, or the phone cannot be
reached. `offer-ran-out`: not answered in time, but not yet `agent_rules.ran_out_max` times in a row; the agent stays
ready, last in line, and is offered nothing for `agent_rules.ran_out_pause_s`.

A wish to be not ready or to sign out while reserved or talking, the agent's own or a supervisor's, is kept, and carried
out when that ends. Holding and consulting are parts of `talking`: they belong to the talk, as facts of their own
(`HoldBegan`, `HoldEnded`). After-call work ends by its timer, by `ready`, and never before the agent's leg is gone; it
may be extended (`WrapUpExtended`). A move that is not drawn is refused with the reason, in words.

Reasons the hotline itself gives for `not-ready`; agents give those of `agent_rules.not_ready_reasons`:
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
    rows = "".join(f"| `{reason}` | {meaning} |\n" for reason, meaning in NOT_READY_REASONS.items())
    reasons = f"| reason | when |\n|---|---|\n{rows}"
    return "\n".join((HEAD, AGENTS, reasons, agents, CALLS, calls))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
