"""What is worth keeping: the lines of the journal from which every table and figure is rebuilt.

A field typed Number is personal data: the store keeps the number itself in a side table by key.
`DURABLE` facts are committed before the effects that follow them are carried out (design §2.7).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Number, OfferId, PhoneName, QueueName, RecordingId
from ari_app.model.states import AgentState
from ari_app.model.work import DURABLE_WORK, WorkFact

OfferOutcome = Literal["accepted", "declined", "ran-out", "withdrawn", "unreachable", "failed"]
Ended = Literal["connected", "abandoned", "timed-out", "overflowed", "voicemail", "call-back", "failed"]
VisitOutcome = Ended | Literal["full", "no-agents", "closed"]
Verdict = Literal["silent", "quiet", "noisy", "clear", "tone", "music"]
FlowsHow = Literal["start", "reload", "rollback"]
NO_NUMBER: Final = Number("")
ClosedBy = Literal["caller", "agent", "flow", "refused", "limit", "lost"]
SituationPlace = Literal["in-flow", "voicemail", "talking"]
SituationOutcome = Literal["key", "speech", "clear", "over", "hung-up", "gone"]


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
    role: Literal["caller", "agent"]
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
    by: ClosedBy
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
class RecordingWanted:
    """Recording was ordered; without a RecordingRunning after it the call is unrecorded and must be noticed."""

    call: CallId
    recording: RecordingId
    queue: QueueName
    agent: AgentId
    basis: str
    keep_days: int


@dataclass(frozen=True, slots=True)
class RecordingRunning:
    call: CallId
    recording: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingRefused:
    """The caller refused; the call goes on unrecorded."""

    call: CallId
    queue: QueueName


@dataclass(frozen=True, slots=True)
class RecordingMissed:
    call: CallId
    recording: RecordingId
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingStored:
    call: CallId
    recording: RecordingId
    path: str
    seconds: float
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LineHeard:
    """The caller's line changed while he talked to `agent`. Levels in dBFS; `speech_dbfs` is -100 without speech."""

    call: CallId
    agent: AgentId
    verdict: Verdict
    speech_dbfs: float
    noise_dbfs: float


@dataclass(frozen=True, slots=True)
class LineMissed:
    """The caller's line was not listened to, and why: the gap in what is known of it."""

    call: CallId
    reason: str


@dataclass(frozen=True, slots=True)
class PromptFailed:
    """A prompt was not heard to its end though nobody stopped it."""

    call: CallId
    prompts: str


@dataclass(frozen=True, slots=True)
class LookUpDone:
    """A look-up was answered, or failed with a reason. What was asked and answered is not kept."""

    call: CallId
    node: str
    ok: bool
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MessageLeft:
    call: CallId
    message: MessageId
    box: str
    seconds: float
    back: Number = NO_NUMBER  # The number to call back that the caller gave; empty: none but his own.


@dataclass(frozen=True, slots=True)
class PromptRecorded:
    """An agent recorded a prompt by telephone and kept it: callers hear it from now on."""

    agent: AgentId
    prompt: str
    language: str
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Rated:
    """The caller answered a survey's question with a key."""

    call: CallId
    question: str
    key: str
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True)
class SituationBegan:
    """The script of a situation (ivr_flows/situations.yaml) begins; SituationEnded follows."""

    call: CallId
    situation: str
    where: SituationPlace


@dataclass(frozen=True, slots=True)
class SituationEnded:
    """key, speech, clear: the caller gave a sign of life · over: the script was heard to its end, the call goes on ·
    hung-up: by the script · gone: the call ended meanwhile. `step`: the one it came to, from 1."""

    call: CallId
    situation: str
    outcome: SituationOutcome
    step: int


@dataclass(frozen=True, slots=True)
class TalkLong:
    """A talk has lasted `seconds`: a hint for the agent, or for the supervisor."""

    call: CallId
    agent: AgentId
    seconds: float
    for_whom: Literal["agent", "supervisor"]


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
    | DispositionNoted
    | AgentChanged
    | RecordingWanted
    | RecordingRunning
    | RecordingRefused
    | RecordingMissed
    | RecordingStored
    | LineHeard
    | LineMissed
    | PromptFailed
    | LookUpDone
    | MessageLeft
    | PromptRecorded
    | Rated
    | SituationBegan
    | SituationEnded
    | TalkLong
    | CallClosed
    | WorkFact
)

DURABLE: Final = (DaemonStarted, Queued, OfferMade, FlowsActivated, ClosureChanged, *DURABLE_WORK)
