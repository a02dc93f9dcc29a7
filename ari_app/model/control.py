"""Call control: what agents and supervisors ask for (an event), and what came of it (facts). See events and facts."""

from dataclasses import dataclass
from typing import Final, Literal

from ari_app.model.ids import AgentId, CallId, Number, RequestId, TransferId

NO_NUMBER: Final = Number("")
Control = Literal[
    "hold",
    "resume",
    "mute",
    "unmute",
    "transfer",
    "consult",
    "complete",
    "return",
    "conference",
    "survey",
    "help",
    "script",
    "nuisance",
    "listen",
    "whisper",
    "barge",
    "take-over",
    "leave",
]
"""What an agent may do with the call he is on, and (from listen on) a supervisor with an agent's call."""
TransferHow = Literal["blind", "consult", "flow"]
TransferOutcome = Literal[
    "completed",
    "returned",
    "left",
    "busy",
    "declined",
    "ran-out",
    "unreachable",
    "withdrawn",
    "abandoned",
    "failed",
]
Supervision = Literal["listen", "whisper", "barge", "take-over"]


@dataclass(frozen=True, slots=True)
class ControlAsked:
    """Call control by `agent`, from the page, the API or the CLI (codes typed during a talk become the same inside).

    `target`: whom a transfer or consult is for (`8026`, `queue:billing`, `flow:menu`, a key of the directory), or the
    agent a supervisor turns to, or a script's name; `number` instead of it: a number outside. `value`: a note for
    whoever is next.
    """

    agent: AgentId
    action: Control
    target: str = ""
    number: Number = NO_NUMBER
    value: str = ""
    request: RequestId | None = None
    by: str = ""  # Whoever asked in the agent's name; empty: himself.


# -- facts --


@dataclass(frozen=True, slots=True)
class TransferBegan:
    """Somebody or something else is sought for the caller: by `agent`, or by the flow (None).

    `target` is `agent:8026`, `queue:billing`, `flow:menu` or `number`; then `number` is the number outside.
    """

    call: CallId
    transfer: TransferId
    agent: AgentId | None
    how: TransferHow
    target: str
    number: Number


@dataclass(frozen=True, slots=True)
class TransferAnswered:
    """Whom it is for answered: a consult begins, or caller and callee are joined."""

    call: CallId
    transfer: TransferId


@dataclass(frozen=True, slots=True)
class ConferenceBegan:
    """Caller, agent and the consulted one hear each other."""

    call: CallId
    transfer: TransferId


@dataclass(frozen=True, slots=True)
class TransferEnded:
    call: CallId
    transfer: TransferId
    outcome: TransferOutcome


@dataclass(frozen=True, slots=True)
class HelpAsked:
    """The agent called a supervisor into his talk."""

    call: CallId
    agent: AgentId
    supervisor: AgentId


@dataclass(frozen=True, slots=True)
class Supervised:
    """From here on a supervisor takes part in an agent's talk in this way."""

    call: CallId
    by: AgentId
    agent: AgentId
    how: Supervision


@dataclass(frozen=True, slots=True)
class SupervisionEnded:
    call: CallId
    by: AgentId
    agent: AgentId
