"""The people of the simulated world: callers and agents, as plain records."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ari_app.model.ids import AgentId, CallId, QueueName

if TYPE_CHECKING:
    from ari_app.sim.plan import Draw


class At(IntEnum):
    """Where a caller is."""

    WAITING = 0
    RINGING = 1
    TALKING = 2
    GONE = 3
    BOOKED = 4  # A call-back: his place waits, he does not.
    DIALLED = 5


class Doing(IntEnum):
    """What an agent does. READY is idle; AWAY is a break, off duty, or after an offer that ran out."""

    AWAY = 0
    READY = 1
    RESERVED = 2
    TALKING = 3
    WRAP_UP = 4


@dataclass(slots=True, eq=False)
class Caller:
    """All that chance decides about a caller is drawn when he comes, so that no decision of ours changes it."""

    call: CallId
    queue: QueueName
    kind: str
    since: float
    limit_at: float  # When he gives up, or has waited as long as the queue allows.
    gives_up: bool  # Which of the two.
    talk_s: float
    wrap_up_s: float
    known: AgentId | None = None  # Whom he would like to talk to.
    at: At = At.WAITING
    agent: "Agent | None" = None
    told: tuple[float, float] | None = None  # The range he heard.
    on_line: float = 0.0  # Since when he waits on the line; once he was called back, from the key on.
    patience_s: float = 0.0  # How long he does.
    books_at: float | None = None  # When he books a call-back, if he still waits.
    tries: tuple[tuple[float, bool], ...] = ()  # Of the call-back: how long it takes, and whether he is reached.
    tried: int = 0
    booked_at: float | None = None


@dataclass(slots=True, eq=False)
class Agent:
    """`spent` is by Doing, seconds inside the window that counts."""

    id: AgentId
    kind: str
    answer: "Draw | None"
    no_answer: float
    back_after_s: float
    queues: tuple[QueueName, ...]  # Whose callers he can be offered.
    on_duty: bool = False
    doing: Doing = Doing.AWAY
    since: float = 0.0
    idle_since: float = 0.0
    taken_at: float = 0.0
    talked_s: float = 0.0
    spent: list[float] | None = None
    calls: int = 0  # Connected.
