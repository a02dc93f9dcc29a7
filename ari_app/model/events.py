"""Everything that can happen, in the past tense: the only input of the board. Frozen, JSON-able (model/codec).

An event carries no time: the loop stamps it with `now` (seconds since the Unix epoch, advanced by the monotonic clock).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ari_app.model.facts import FlowsHow
from ari_app.model.ids import (
    AgentId,
    BridgeId,
    CallId,
    LegId,
    LookUpId,
    MessageId,
    Number,
    PhoneName,
    PlaybackId,
    RecordingId,
    RequestId,
    TimerId,
)
from ari_app.model.work import CallbackCancelled, CallbackLeft, ItemAsked, ItemLeft, MessageFiled, MessageUnfiled

FailReason = Literal["gone", "refused", "unreachable", "timeout", "down", "error"]
ALL_HOURS: Final = "*"
"""What stands for the hours of every queue, and for queues without hours."""
AgentWish = Literal["sign-in", "ready", "not-ready", "sign-out", "disposition"]


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """One channel of our application in a listing. `state` is Asterisk's (Up, Ringing, Down …)."""

    leg: LegId
    state: str


@dataclass(frozen=True, slots=True)
class BridgeSeen:
    bridge: BridgeId
    kind: str
    legs: tuple[LegId, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One value of a look-up's answer."""

    name: str
    value: str | int | float | bool


# -- the system --


@dataclass(frozen=True, slots=True)
class Booted:
    """The first event of a daemon. `epoch` is stored before anything else and never repeats."""

    epoch: int


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose row an earlier daemon left open. `recording` is the newest whose two sides were never joined."""

    call: CallId
    leg: LegId
    opened_at: float
    recording: RecordingId | None


@dataclass(frozen=True, slots=True)
class Closure:
    """Hours closed by hand; ALL_HOURS: every queue. `until`: seconds since the Unix epoch; None: until opened."""

    hours: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Unjoined:
    """A recording that was ordered, is not known to have failed, and whose two sides were never joined."""

    call: CallId
    recording: RecordingId


@dataclass(frozen=True, slots=True)
class Restored:
    """What an earlier daemon left open in the store; the next Listed says what of it still lives.

    `closures`: hours closed by hand, as a switch of an earlier run left them. `recordings`: those of closed calls, and
    of `calls` those earlier than the newest.
    """

    calls: tuple[OpenCall, ...]
    closures: tuple[Closure, ...] = ()
    recordings: tuple[Unjoined, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock moved `seconds` against the monotonic one; `now` did not jump."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link to Asterisk works: events subscribed, filters sent. A Listed follows at once."""

    version: str


@dataclass(frozen=True, slots=True)
class LinkDown:
    reason: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What Asterisk holds for us right now: after every LinkUp, so that missed events can be made up for."""

    channels: tuple[ChannelSeen, ...]
    bridges: tuple[BridgeSeen, ...]
    phones: tuple[PhoneName, ...]  # Those reachable now.


@dataclass(frozen=True, slots=True)
class TimerFired:
    timer: TimerId


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """An effect could not be carried out. `action` is the effect's class name, `target` the id it named."""

    action: str
    call: CallId | None
    target: str
    reason: FailReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DoorClosed:
    """New calls must be refused (disk, store, inbox): running ones go on. DoorOpened ends it."""

    reason: str


@dataclass(frozen=True, slots=True)
class DoorOpened:
    pass


@dataclass(frozen=True, slots=True)
class DrainAsked:
    """The daemon is about to stop: no new calls, no new offers."""


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


Event: TypeAlias = (
    Booted
    | Restored
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
    | PlaybackEnded
    | LegHeld
    | LegResumed
    | PhoneChanged
    | RecordingStarted
    | RecordingJoined
    | RecordingUnusable
    | MessageRecorded
    | CallbackLeft
    | ItemLeft
    | MessageFiled
    | MessageUnfiled
    | ItemAsked
    | CallbackCancelled
    | LookedUp
    | FlowsLoaded
    | ClosureSet
    | AgentAsked
    | PinChecked
)
