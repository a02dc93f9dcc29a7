"""What was recorded, heard and said: lines of the journal. See facts."""

from dataclasses import dataclass
from typing import Final, Literal

from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Number, QueueName, RecordingId

NO_NUMBER: Final = Number("")
Verdict = Literal["silent", "quiet", "noisy", "clear", "tone", "music"]
NoiseCause = Literal["", "network", "place"]
"""Why a line is noisy: packets are lost on the way, or it is loud where the caller is. Empty: not known, not noisy."""
SituationPlace = Literal["in-flow", "voicemail", "talking"]
SituationOutcome = Literal["key", "speech", "clear", "over", "hung-up", "gone"]


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
    """The caller's line changed; `agent`: whom he talked to, None in a script or a message.

    Levels in dBFS; `speech_dbfs` is -100 without speech.
    """

    call: CallId
    agent: AgentId | None
    verdict: Verdict
    speech_dbfs: float
    noise_dbfs: float
    cause: NoiseCause = ""


@dataclass(frozen=True, slots=True)
class LineMissed:
    """The caller's line was not listened to, and why: the gap in what is known of it."""

    call: CallId
    reason: str


@dataclass(frozen=True, slots=True)
class CallQuality:
    """How what came from a leg sounded, as far as the network goes. Shares of packets, 0 to 1; `mos` as in kpi.mos."""

    call: CallId
    leg: LegId
    loss: float
    loss_max: float
    jitter_ms: float
    rtt_ms: float
    mos: float


@dataclass(frozen=True, slots=True)
class PromptFailed:
    """A prompt was not heard to its end though nobody stopped it."""

    call: CallId
    prompts: str


@dataclass(frozen=True, slots=True)
class MessageLeft:
    call: CallId
    message: MessageId
    box: str
    seconds: float
    back: Number = NO_NUMBER  # The number to call back that the caller gave; empty: none but his own.
    left_at: float = 0.0  # When it stood; 0: just now. Else it was left while no daemon ran, and `call` has no row.


@dataclass(frozen=True, slots=True)
class PromptRecorded:
    """An agent recorded a prompt by telephone and kept it: callers hear it from now on."""

    agent: AgentId
    prompt: str
    language: str
    sha256: str
    seconds: float


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
