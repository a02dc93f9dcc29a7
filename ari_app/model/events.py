"""Everything that can happen, in the past tense: the only input of the board. Frozen, JSON-able (model/codec).

An event carries no time: the loop stamps it with `now` (seconds since the Unix epoch, advanced by the monotonic clock).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ari_app.model.control import ControlAsked
from ari_app.model.facts import FlowsHow
from ari_app.model.ids import (
    AgentId,
    CallId,
    LegId,
    LookUpId,
    MessageId,
    Number,
    PhoneName,
    PlaybackId,
    RecordingId,
    RequestId,
)
from ari_app.model.screening_facts import ScreeningAsked, ScreeningLeft
from ari_app.model.sound_events import FaxHeard, LegMeasured, LineJudged, LineUnheard, StreamRestarted
from ari_app.model.system_events import (
    Booted,
    BridgeSeen,
    CallerSeen,
    CallLeft,
    ChannelSeen,
    ClockStepped,
    Closure,
    CommandFailed,
    DoorClosed,
    DoorOpened,
    DrainAsked,
    FailReason,
    LinkDown,
    LinkUp,
    Listed,
    OpenCall,
    Restored,
    SeatLeft,
    TimerFired,
    Unjoined,
)
from ari_app.model.wishes import ForceAsked, SurgeAsked
from ari_app.model.work import CallbackCancelled, CallbackLeft, ItemAsked, ItemLeft, MessageFiled, MessageUnfiled

ALL_HOURS: Final = "*"
"""What stands for the hours of every queue, and for queues without hours."""
AgentWish = Literal["sign-in", "ready", "not-ready", "sign-out", "disposition", "extend"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One value of a look-up's answer."""

    name: str
    value: str | int | float | bool


# -- telephony --


@dataclass(frozen=True, slots=True)
class CallArrived:
    """A caller's channel entered our application. `via` is the trunk or phone (endpoint) it came through."""

    leg: LegId
    caller: Number
    dialled: str
    via: str


@dataclass(frozen=True, slots=True)
class FeatureDialled:
    """An agent's phone dialled a feature code (`*131`)."""

    leg: LegId
    phone: PhoneName
    dialled: str


@dataclass(frozen=True, slots=True)
class LegRinging:
    leg: LegId


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """A leg we originated was answered (SIP 200) and is ours to use."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The leg is gone. `cause` is Q.850 (0 unknown, 16 normal, 17 busy, 19 no answer, 21 declined, 26 we cancelled);
    `sip` the SIP status where one was given, else 0."""

    leg: LegId
    cause: int
    sip: int = 0


@dataclass(frozen=True, slots=True)
class KeyPressed:
    leg: LegId
    digit: str


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """A leg that is listened to gave its first loud frame: a voice, or a knock. SpeechEnded tells which."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """It has been quiet for the `silence_ms` of Listen; `ms` of sound came before."""

    leg: LegId
    ms: int


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    """All prompts of one Play are over. `ok` is False when the caller hung up or a file was missing."""

    playback: PlaybackId
    ok: bool


@dataclass(frozen=True, slots=True)
class LegHeld:
    """The phone's own hold button (re-INVITE sendonly)."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class LegResumed:
    leg: LegId


@dataclass(frozen=True, slots=True)
class PhoneChanged:
    phone: PhoneName
    reachable: bool


# -- recording --


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """Asterisk confirmed that it records."""

    recording: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """Asterisk confirmed that it no longer records, or there is no longer a leg to record."""

    recording: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingJoined:
    """Both sides stand in one stereo file. `path` is relative to the recordings folder."""

    recording: RecordingId
    path: str
    seconds: float
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RecordingUnusable:
    """The sides could not be joined; `reason` says why. The parts are kept."""

    recording: RecordingId
    reason: str


# -- changes while calls go on --


@dataclass(frozen=True, slots=True)
class FlowsLoaded:
    """New calls take these flows: all of them, as (name, version); the board was offered them just before.

    `held`: (name, version of its file) of flows rolled back: automatic reloads leave them until the file differs.
    """

    versions: tuple[tuple[str, str], ...]
    by: str
    how: FlowsHow
    held: tuple[tuple[str, str], ...] = ()
    request: RequestId | None = None


@dataclass(frozen=True, slots=True)
class HoursLoaded:
    """These opening hours count from now on, for every call: `hours` is settings.hours_text of config.yaml's."""

    hours: str
    by: str
    request: RequestId | None = None


@dataclass(frozen=True, slots=True)
class ClosureSet:
    """Somebody closed hours (`*`: all queues) by hand, until a time or until opened, or opened them again."""

    hours: str
    closed: bool
    until: float | None
    by: str
    reason: str = ""
    request: RequestId | None = None


@dataclass(frozen=True, slots=True)
class MessageRecorded:
    """A voicemail message stands on the disk, or (0 seconds) nothing was said."""

    message: MessageId
    seconds: float


@dataclass(frozen=True, slots=True)
class MessageSpooled:
    """A caller left a message with Asterisk alone at `left_at`; it stands on the disk and comes once.

    No daemon ran, or (`is_appeal`) he is screened and appeals.
    """

    message: MessageId
    caller: Number
    seconds: float
    left_at: float
    is_appeal: bool = False


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The answer to a LookUp; `ok` False with the reason when there is none."""

    lookup: LookUpId
    ok: bool
    values: tuple[Answer, ...] = ()
    reason: str = ""


# -- people --


@dataclass(frozen=True, slots=True)
class AgentAsked:
    """An agent's wish, from the page, the API or the CLI (feature codes become the same inside the board).

    `value` is the reason of not-ready, or the disposition; `phone` only with sign-in (default: the one in config).
    """

    agent: AgentId
    wish: AgentWish
    value: str = ""
    phone: PhoneName | None = None
    request: RequestId | None = None


@dataclass(frozen=True, slots=True)
class PinChecked:
    """Answer to CheckPin."""

    leg: LegId
    agent: AgentId
    ok: bool


@dataclass(frozen=True, slots=True)
class StudioAnswered:
    """Answer to AskStudio: the prompt found; or the sound's hash and length, of a take finished or kept."""

    leg: LegId
    ok: bool
    prompt: str = ""
    sha256: str = ""
    seconds: float = 0.0


Event: TypeAlias = (
    Booted
    | Restored
    | CallLeft
    | SeatLeft
    | CallerSeen
    | ClockStepped
    | LinkUp
    | LinkDown
    | Listed
    | TimerFired
    | CommandFailed
    | DoorClosed
    | DoorOpened
    | DrainAsked
    | CallArrived
    | FeatureDialled
    | LegRinging
    | LegAnswered
    | LegEnded
    | KeyPressed
    | SpeechBegan
    | SpeechEnded
    | PlaybackEnded
    | LegHeld
    | LegResumed
    | PhoneChanged
    | RecordingStarted
    | RecordingStopped
    | RecordingJoined
    | RecordingUnusable
    | LineJudged
    | LineUnheard
    | FaxHeard
    | LegMeasured
    | StreamRestarted
    | MessageRecorded
    | CallbackLeft
    | ItemLeft
    | MessageFiled
    | MessageUnfiled
    | ItemAsked
    | CallbackCancelled
    | ScreeningLeft
    | ScreeningAsked
    | MessageSpooled
    | LookedUp
    | FlowsLoaded
    | HoursLoaded
    | ClosureSet
    | AgentAsked
    | ControlAsked
    | ForceAsked
    | SurgeAsked
    | PinChecked
    | StudioAnswered
)
