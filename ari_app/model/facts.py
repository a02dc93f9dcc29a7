"""What is worth keeping: the lines of the journal from which every table and figure is rebuilt.

A field typed Number is personal data: the store keeps the number itself in a side table by key.
`DURABLE` facts are committed before the effects that follow them are carried out (design §2.7).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ari_app.model.audit import AgentForced, SurgeStepTaken, SurgeStepUndone, SurgeSwitched, WrapUpExtended
from ari_app.model.control import (
    ConferenceBegan,
    HelpAsked,
    Supervised,
    SupervisionEnded,
    TransferAnswered,
    TransferBegan,
    TransferEnded,
)
from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Number, OfferId, PhoneName, QueueName, RecordingId
from ari_app.model.screening_facts import DURABLE_SCREENING, ScreeningFact
from ari_app.model.sound_facts import (
    NO_NUMBER,
    CallQuality,
    LineHeard,
    LineMissed,
    MessageLeft,
    NoiseCause,
    PromptFailed,
    PromptRecorded,
    RecordingMissed,
    RecordingRefused,
    RecordingRunning,
    RecordingStored,
    RecordingWanted,
    SituationBegan,
    SituationEnded,
    SituationOutcome,
    SituationPlace,
    TalkLong,
    Verdict,
)
from ari_app.model.states import AgentState
from ari_app.model.work import DURABLE_WORK, WorkFact

OfferOutcome = Literal["accepted", "declined", "ran-out", "withdrawn", "unreachable", "failed"]
Ended = Literal["connected", "abandoned", "timed-out", "overflowed", "voicemail", "call-back", "failed"]
VisitOutcome = Ended | Literal["full", "no-agents", "closed"]
FlowsHow = Literal["start", "reload", "rollback"]
ClosedBy = Literal["caller", "agent", "flow", "refused", "limit", "lost"]
TalkEndedBy = Literal[ClosedBy, "transfer", "take-over", "survey", "script", "vanished"]
"""`vanished`: the agent's phone sent no voice any more, and nobody hung up."""
LegRole = Literal["caller", "agent", "party", "supervisor", "snoop"]


@dataclass(frozen=True, slots=True)
class DaemonStarted:
    epoch: int


@dataclass(frozen=True, slots=True)
class CallOpened:
    call: CallId
    caller: Number
    dialled: str
    via: str
    flow: str
    flow_version: str
    language: str


@dataclass(frozen=True, slots=True)
class CallRefused:
    """The call was not served: unknown number, all circuits busy, draining. CallClosed follows."""

    call: CallId
    reason: str


@dataclass(frozen=True, slots=True)
class LegOpened:
    call: CallId
    leg: LegId
    role: LegRole
    phone: PhoneName | None = None


@dataclass(frozen=True, slots=True)
class LegClosed:
    call: CallId
    leg: LegId
    cause: int
    sip: int


@dataclass(frozen=True, slots=True)
class NodeEntered:
    call: CallId
    node: str
    type: str


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """A key that a node accepted (`accepted`) or found wrong. Never a secret's."""

    call: CallId
    node: str
    key: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """One visit to one queue. `rank` orders the queue (smaller first) and never changes during the visit."""

    call: CallId
    visit: int
    queue: QueueName
    priority: int
    rank: float
    position: int


@dataclass(frozen=True, slots=True)
class QueueLeft:
    call: CallId
    visit: int
    queue: QueueName
    outcome: VisitOutcome
    wait_s: float
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True)
class OfferMade:
    call: CallId
    offer: OfferId
    visit: int
    queue: QueueName
    agent: AgentId
    phone: PhoneName


@dataclass(frozen=True, slots=True)
class OfferRang:
    call: CallId
    offer: OfferId


@dataclass(frozen=True, slots=True)
class OfferEnded:
    call: CallId
    offer: OfferId
    agent: AgentId
    outcome: OfferOutcome
    cause: int = 0


@dataclass(frozen=True, slots=True)
class Connected:
    """Caller and agent hear each other."""

    call: CallId
    offer: OfferId
    queue: QueueName
    agent: AgentId
    wait_s: float


@dataclass(frozen=True, slots=True)
class HoldBegan:
    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class HoldEnded:
    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class TalkEnded:
    call: CallId
    offer: OfferId
    agent: AgentId
    by: TalkEndedBy
    talk_s: float


@dataclass(frozen=True, slots=True)
class DispositionNoted:
    call: CallId
    agent: AgentId
    disposition: str


@dataclass(frozen=True, slots=True)
class AgentChanged:
    agent: AgentId
    state: AgentState
    reason: str = ""
    phone: PhoneName | None = None
    call: CallId | None = None


@dataclass(frozen=True, slots=True)
class LookUpDone:
    """A look-up was answered, or failed with a reason. What was asked and answered is not kept."""

    call: CallId
    node: str
    ok: bool
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rated:
    """The caller answered a survey's question with a key."""

    call: CallId
    question: str
    key: str
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True)
class CallClosed:
    """The call is over; its recording and disposition may follow.

    `node` is where the caller was; `seconds` from the first ring to the last leg gone.
    """

    call: CallId
    by: ClosedBy
    node: str
    cause: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FlowsActivated:
    """From here on new calls take these flows: all of them, as (name, version). `held`: see FlowsLoaded."""

    versions: tuple[tuple[str, str], ...]
    by: str
    how: FlowsHow
    held: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ClosureChanged:
    """Hours (`*`: all queues) were closed by hand, until a time or until opened; or opened again."""

    hours: str
    closed: bool
    until: float | None
    by: str
    reason: str


Fact: TypeAlias = (
    DaemonStarted
    | FlowsActivated
    | ClosureChanged
    | CallOpened
    | CallRefused
    | LegOpened
    | LegClosed
    | NodeEntered
    | KeyTaken
    | Queued
    | QueueLeft
    | OfferMade
    | OfferRang
    | OfferEnded
    | Connected
    | HoldBegan
    | HoldEnded
    | TalkEnded
    | TransferBegan
    | TransferAnswered
    | ConferenceBegan
    | TransferEnded
    | HelpAsked
    | Supervised
    | SupervisionEnded
    | DispositionNoted
    | AgentChanged
    | WrapUpExtended
    | AgentForced
    | SurgeStepTaken
    | SurgeStepUndone
    | SurgeSwitched
    | RecordingWanted
    | RecordingRunning
    | RecordingRefused
    | RecordingMissed
    | RecordingStored
    | LineHeard
    | LineMissed
    | CallQuality
    | PromptFailed
    | LookUpDone
    | MessageLeft
    | PromptRecorded
    | Rated
    | SituationBegan
    | SituationEnded
    | TalkLong
    | CallClosed
    | ScreeningFact
    | WorkFact
)

DURABLE: Final = frozenset(
    (
        DaemonStarted,
        Queued,
        OfferMade,
        TransferBegan,  # Else a crash would find the agent gone, and the caller with nobody, as if the talk had ended.
        FlowsActivated,
        ClosureChanged,
        *DURABLE_SCREENING,
        *DURABLE_WORK,
    )
)
