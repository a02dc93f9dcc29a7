"""What can happen to the hotline itself: its start, its link to Asterisk, its clock and its door. See events."""

from dataclasses import dataclass
from typing import Any, Literal

from ari_app.model.ids import (
    AgentId,
    BridgeId,
    CallId,
    LegId,
    Number,
    PhoneName,
    RecordingId,
    TimerId,
)

FailReason = Literal["gone", "refused", "unreachable", "timeout", "down", "error"]


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
    of `calls` those earlier than the newest. `last_at`: the last thing known of the earlier run; 0: nothing.
    `clock_ahead_s`: as long as calls of it go on, time is counted as it did, whose clock the wall clock was so much
    ahead of.
    """

    calls: tuple[OpenCall, ...]
    closures: tuple[Closure, ...] = ()
    recordings: tuple[Unjoined, ...] = ()
    last_agents: int = 0  # How many callers' last agents the board was offered just before.
    last_at: float = 0.0
    clock_ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CallLeft:
    """A call of Restored as it was, so that it goes on: comes after Restored and the call-backs, before LinkUp.

    `state` is board.checkpoint's; `versions` the flows it needs, which the board was offered just before.
    """

    call: CallId
    caller: Number
    versions: tuple[tuple[str, str], ...]
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SeatLeft:
    """An agent who was signed in, as he was; comes after the calls. `state` is board.checkpoint's."""

    agent: AgentId
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallerSeen:
    """A caller's channel of the Listed that follows: what is known of him should no call of ours have him."""

    leg: LegId
    caller: Number
    dialled: str
    via: str


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
