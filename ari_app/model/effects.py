"""Everything the board may ask for, in the imperative. Adapters carry it out; a failure comes back as CommandFailed.

Effects of one call are carried out in the order given (one lane a call). Ids are minted before the command is sent.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ari_app.model.facts import Fact
from ari_app.model.ids import (
    AgentId,
    BridgeId,
    CallId,
    LegId,
    LineId,
    LookUpId,
    MessageId,
    Number,
    PhoneName,
    PlaybackId,
    RecordingId,
    RequestId,
    TimerId,
)
from ari_app.model.part import Language
from ari_app.model.screening_facts import Screen, Unscreen

StudioWish = Literal["find", "finish", "keep", "drop"]

# -- on Asterisk ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    call: CallId
    leg: LegId


@dataclass(frozen=True, slots=True)
class HangUp:
    """`cause` is a Q.850 cause: 16 normal, 17 busy, 26 cancelled (answered elsewhere), 34 no circuit."""

    call: CallId
    leg: LegId
    cause: int = 16


@dataclass(frozen=True, slots=True)
class Play:
    """Say prompts (ids of the catalogue) one after another as one playback.

    `audio`: key of the audio kept with the flow that says them; empty: sounds/ as it is now.
    """

    call: CallId
    leg: LegId
    playback: PlaybackId
    prompts: tuple[str, ...]
    language: str
    audio: str = ""


@dataclass(frozen=True, slots=True)
class Announce:
    """Say prompts to everyone in a bridge while they talk."""

    call: CallId
    bridge: BridgeId
    playback: PlaybackId
    prompts: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class StopPlay:
    call: CallId
    playback: PlaybackId


@dataclass(frozen=True, slots=True)
class Ring:
    """Originate a leg to a phone. `ring_s` bounds the ringing; `caller` is the number shown on the phone."""

    call: CallId
    leg: LegId
    phone: PhoneName
    caller: Number
    shown: str  # Display name: the queue.
    ring_s: float


@dataclass(frozen=True, slots=True)
class Dial:
    """Originate a leg to a number outside. The board has made sure that it is permitted (model.dialling)."""

    call: CallId
    leg: LegId
    number: Number
    trunk: str
    address: str  # Of the trunk: HOST:PORT.
    caller: Number
    ring_s: float


@dataclass(frozen=True, slots=True)
class MakeBridge:
    """mixing: a talk (always softmix, phones.md §0.1) · holding: one for each music class, for waiting callers."""

    call: CallId | None
    bridge: BridgeId
    kind: Literal["mixing", "holding"]
    music: str = ""  # Class played to a holding bridge.


@dataclass(frozen=True, slots=True)
class Join:
    """`keep_keys`: the keys of this leg come to us alone, not to the others: those of agents are codes.

    `music`: the class that must be heard from then on; the music of a bridge ends when the last one leaves it.
    """

    call: CallId
    bridge: BridgeId
    leg: LegId
    keep_keys: bool = False
    music: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    call: CallId
    bridge: BridgeId
    leg: LegId


@dataclass(frozen=True, slots=True)
class DropBridge:
    call: CallId
    bridge: BridgeId


@dataclass(frozen=True, slots=True)
class Mute:
    """What this leg says is heard by nobody; it hears on."""

    call: CallId
    leg: LegId


@dataclass(frozen=True, slots=True)
class Unmute:
    call: CallId
    leg: LegId


@dataclass(frozen=True, slots=True)
class Snoop:
    """A leg of its own that hears what `of` says and hears; with `whisper` its own voice is heard by `of` alone."""

    call: CallId
    leg: LegId
    of: LegId
    whisper: bool


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Both sides of the leg into two files; RecordingStarted or CommandFailed answers."""

    call: CallId
    leg: LegId
    recording: RecordingId


@dataclass(frozen=True, slots=True)
class StopRecording:
    call: CallId
    leg: LegId
    recording: RecordingId


@dataclass(frozen=True, slots=True)
class JoinRecording:
    """The leg is gone: make one stereo file of the two sides; RecordingJoined or RecordingUnusable answers."""

    call: CallId
    recording: RecordingId


@dataclass(frozen=True, slots=True)
class HearLine:
    """Listen to what the caller sends; LineJudged tells of each change, LineUnheard that it cannot be listened to.

    `recording`: heard in that recording's file, 2 s late and for nothing; None: in a file of its own. Either may be
    asked for again while the line is listened to.
    """

    call: CallId
    leg: LegId
    line: LineId
    recording: RecordingId | None = None


@dataclass(frozen=True, slots=True)
class ForgetLine:
    """`leg`: None when it has ended, and Asterisk's listening with it."""

    call: CallId
    leg: LegId | None
    line: LineId


@dataclass(frozen=True, slots=True)
class MeasureLeg:
    """The leg is gone: LegMeasured tells how it sounded, if anything is known of that."""

    call: CallId
    leg: LegId


@dataclass(frozen=True, slots=True)
class RecordMessage:
    """Record what the caller says until `end_key`, `silence_s` of silence or `max_s`; MessageRecorded answers."""

    call: CallId
    leg: LegId
    message: MessageId
    max_s: int
    silence_s: int
    end_key: str


@dataclass(frozen=True, slots=True)
class AskMessage:
    """Whether the message is still being recorded: if not, CommandFailed with reason `gone` answers."""

    call: CallId
    message: MessageId


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear on this leg whether somebody speaks: SpeechBegan and SpeechEnded follow, until Unlisten.

    Before a Play, never while one goes on (asterisk.md: requests wait). `talk_threshold`: mean amplitude of a frame,
    of 32,767, that counts as voice.
    """

    call: CallId
    leg: LegId
    talk_threshold: int
    silence_ms: int


@dataclass(frozen=True, slots=True)
class Unlisten:
    call: CallId
    leg: LegId


# -- on ourselves --


@dataclass(frozen=True, slots=True)
class FileMessage:
    """Move a message's file from where Asterisk recorded it to the store's folder; MessageFiled or MessageUnfiled."""

    call: CallId
    message: MessageId
    box: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """TimerFired(timer) at `at` (same clock as `now`); setting it again moves it."""

    timer: TimerId
    at: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: TimerId


@dataclass(frozen=True, slots=True)
class Note:
    """Write a fact to the journal. Durable facts are committed before the effects that follow them."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Compare a typed PIN with the secrets; PinChecked answers. Never logged."""

    leg: LegId
    agent: AgentId
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AskStudio:
    """Find the prompt of a number, bring a take to the level of prompts, keep or drop it. StudioAnswered answers, but
    not a drop."""

    leg: LegId
    wish: StudioWish
    number: str
    prompt: str
    language: Language
    take: MessageId | None


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask a handler, a service or a database; LookedUp answers within `timeout_s`. May hold secrets: never logged."""

    call: CallId
    lookup: LookUpId
    kind: Literal["agi", "http", "sql"]
    name: str
    request: tuple[tuple[str, str | int | float | bool], ...] = field(repr=False)
    timeout_s: float


@dataclass(frozen=True, slots=True)
class MarkSecret:
    """The event just handled holds a digit of a secret: the journal keeps it without the digit."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer whoever waits for `request` (API, CLI)."""

    request: RequestId
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Something an engineer should see in the log: survivable, never per-call noise."""

    message: str
    call: CallId | None = None


AsteriskEffect: TypeAlias = (
    Answer
    | HangUp
    | Play
    | Announce
    | StopPlay
    | Ring
    | Dial
    | MakeBridge
    | Join
    | Leave
    | DropBridge
    | Mute
    | Unmute
    | Snoop
    | RecordMessage
    | AskMessage
    | Listen
    | Unlisten
)
RecordingEffect: TypeAlias = StartRecording | StopRecording | JoinRecording
HearingEffect: TypeAlias = HearLine | ForgetLine
Effect: TypeAlias = (
    AsteriskEffect
    | RecordingEffect
    | HearingEffect
    | MeasureLeg
    | SetTimer
    | CancelTimer
    | Note
    | FileMessage
    | CheckPin
    | AskStudio
    | LookUp
    | Screen
    | Unscreen
    | MarkSecret
    | Reply
    | Warn
)
