"""`Board.handle(event, now)` is the whole of the hotline's behaviour: events in, effects out, nothing else.

Same events and same `now`s give identical effects (design §2.4). Events about what is gone change nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from typing import Any, Final

from ari_app.board import (
    bookings,
    changes,
    closing,
    control,
    desk,
    fax,
    inbox,
    legs,
    line,
    link,
    offers,
    override,
    recording,
    recovery,
    screening,
    scripts,
    seats,
    studio,
    supervise,
    surge,
    unstaffed,
    waiting,
    walk,
    working,
)
from ari_app.board import call as calls
from ari_app.board.familiar import LastTalk
from ari_app.board.floor import Floor, Versions
from ari_app.board.records import Desk, ItemOffer
from ari_app.flow.model import LoadedFlow
from ari_app.model.control import ControlAsked
from ari_app.model.effects import Effect, HangUp, Reply, Warn
from ari_app.model.events import (
    AgentAsked,
    Booted,
    CallArrived,
    CallerSeen,
    CallLeft,
    ClockStepped,
    ClosureSet,
    CommandFailed,
    DoorClosed,
    DoorOpened,
    DrainAsked,
    Event,
    FaxHeard,
    FeatureDialled,
    FlowsLoaded,
    HoursLoaded,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegMeasured,
    LegResumed,
    LegRinging,
    LineJudged,
    LineUnheard,
    LinkDown,
    LinkUp,
    Listed,
    LookedUp,
    MessageRecorded,
    MessageSpooled,
    PhoneChanged,
    PinChecked,
    PlaybackEnded,
    RecordingJoined,
    RecordingStarted,
    RecordingStopped,
    RecordingUnusable,
    Restored,
    SeatLeft,
    SpeechBegan,
    SpeechEnded,
    StreamRestarted,
    StudioAnswered,
    TimerFired,
)
from ari_app.model.facts import DaemonStarted
from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Mint, PlaybackId, call_of
from ari_app.model.screening_facts import ScreeningAsked, ScreeningLeft
from ari_app.model.settings import Settings
from ari_app.model.wishes import ForceAsked, SurgeAsked
from ari_app.model.work import (
    CallbackCancelled,
    CallbackLeft,
    ItemAsked,
    ItemLeft,
    MessageFiled,
    MessageUnfiled,
)


class Board:
    """Owns the floor. `floor` may be read by views between two events; only `handle` changes it."""

    def __init__(self, settings: Settings, flows: Mapping[str, LoadedFlow], zone: tzinfo) -> None:
        self.floor = Floor(settings, flows, zone)

    def offer_flows(self, flows: Iterable[LoadedFlow]) -> None:
        """Hand over the flows the next FlowsLoaded names (events carry names and versions only)."""
        self.floor.offered = {(flow.name, flow.version): flow for flow in flows}

    def offer_pinned(self, flows: Mapping[Versions, Mapping[str, LoadedFlow]]) -> None:
        """Hand over the flows that calls of an earlier daemon began with, by their versions: the next CallLefts'."""
        self.floor.pinned = flows

    def offer_last_agents(self, known: Iterable[LastTalk]) -> None:
        """Hand over the talks that the next Restored tells the number of, the oldest first."""
        self.floor.familiar.offered = tuple(known)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What `event` at `now` (seconds since the Unix epoch) makes the hotline do, in order."""
        out: list[Effect] = []
        floor = self.floor
        floor.out = out
        HANDLERS[type(event)](floor, event, now)
        if floor.staff_changed:
            supervise.let_go(floor, now)
        if not floor.recovering:  # Else it is not known yet who is there.
            surge.look(floor, now)
            if floor.staff_changed:
                unstaffed.look(floor, now)
        offers.make_all(floor, now)
        return out


def _booted(floor: Floor, event: Booted, now: float) -> None:
    floor.mint = Mint(event.epoch)
    floor.note(DaemonStarted(event.epoch))


def _restored(floor: Floor, event: Restored, now: float) -> None:
    floor.familiar.restore(event.last_agents)
    changes.closed_before(floor, event.closures)
    link.handle(floor, event, now)


def _stranger(floor: Floor, event: CallerSeen, now: float) -> None:
    floor.strangers[event.leg] = event


def _door(floor: Floor, event: DoorClosed | DoorOpened, now: float) -> None:
    floor.door = event.reason if isinstance(event, DoorClosed) else ""


def _drain(floor: Floor, event: DrainAsked, now: float) -> None:
    floor.draining, floor.engine.open = True, False


def _stepped(floor: Floor, event: ClockStepped, now: float) -> None:
    floor.do(Warn(f"the wall clock stepped by {event.seconds:+.1f} s; ours did not"))


def _pin_checked(floor: Floor, event: PinChecked, now: float) -> None:
    if isinstance(at := legs.owner_of(floor, event.leg), Desk):
        desk.pin_checked(floor, at, event.agent, event.ok, now)


def _studio_answered(floor: Floor, event: StudioAnswered, now: float) -> None:
    if isinstance(at := legs.owner_of(floor, event.leg), Desk):
        studio.answered(floor, at, event, now)


def _looked_up(floor: Floor, event: LookedUp, now: float) -> None:
    if event.lookup in floor.screening.pending:
        screening.record_read(floor, event, now)
    elif (call := floor.calls.get(call_of(event.lookup) or CallId(""))) is not None:
        walk.looked_up(floor, call, event, now)


def _message(floor: Floor, event: MessageRecorded, now: float) -> None:
    if (at := floor.desks.get(call_of(event.message) or CallId(""))) is not None:
        studio.recorded(floor, at, event, now)
    else:
        walk.message_recorded(floor, event, now)


def _timer(floor: Floor, event: TimerFired, now: float) -> None:
    timer = event.timer
    owner, _, name = timer.partition(".")
    if (call := floor.calls.get(CallId(owner))) is not None:
        if timer in call.timers and call.timers[timer] <= now:  # Else it was moved just as it fired.
            del call.timers[timer]
            calls.timer(floor, call, name, now)
    elif (booking := floor.bookings.get(CallId(owner))) is not None:
        if 0 < booking.due_at <= now:
            bookings.timer(floor, booking, now)
    elif (at := floor.desks.get(CallId(owner))) is not None:
        if at.due <= now:
            desk.timed_out(floor, at, now)
    elif (offer := floor.item_offers.get(CallId(owner))) is not None:
        if offer.due <= now:
            working.timed_out(floor, offer, now)
    elif (item := floor.routed.get(CallId(owner))) is not None:
        working.again(floor, item, now)
    elif timer == screening.TIMER:
        screening.expire(floor, now)
    elif (seat := floor.seats.get(AgentId(owner.removeprefix("agent-")))) is not None:
        if name == "work":
            working.too_long(floor, seat, now)
        else:
            seats.timer(floor, seat, name, now)


def _asked(floor: Floor, event: AgentAsked, now: float) -> None:
    ok, message = screening.agent_asked(floor, event, now)
    if event.request is not None:
        floor.do(Reply(event.request, ok, message))


def _supervised(floor: Floor, event: ForceAsked | SurgeAsked, now: float) -> None:
    match event:
        case ForceAsked():
            ok, message = override.force(floor, event, now)
        case SurgeAsked():
            ok, message = surge.ask(floor, event, now)
    if event.request is not None:
        floor.do(Reply(event.request, ok, message))


def _controlled(floor: Floor, event: ControlAsked, now: float) -> None:
    ok, message = control.ask(floor, event, now)
    if event.request is not None:
        floor.do(Reply(event.request, ok, message))


def _line(floor: Floor, event: LineJudged | LineUnheard | FaxHeard, now: float) -> None:
    call = floor.calls.get(call_of(event.line) or CallId(""))
    match event:
        case LineJudged() if call is not None and line.judged(floor, call, event):
            if event.verdict == "clear":
                walk.cleared(floor, call, now)
            scripts.by_itself(floor, call, now)
        case LineUnheard() if call is not None and line.unheard(floor, call, event):
            walk.cleared(floor, call, now)  # Nobody is hung up for what is not listened to.
        case FaxHeard(heard) if call is not None and call.line == heard:
            fax.heard(floor, call, now)
        case _:
            pass


def _failed(floor: Floor, event: CommandFailed, now: float) -> None:
    """A command failed. That its leg is gone is normal; the leg's own end says so, or we say it here."""
    call = floor.calls.get(event.call) if event.call is not None else None
    leg = LegId(event.target)
    match event.action, event.reason:
        case "Ring", _ if isinstance(at := legs.owner_of(floor, leg), ItemOffer):
            working.failed(floor, at, event, now)
            return
        case "Dial", _ if call is not None and call.booking is not None and leg in call.legs:
            if event.reason in ("down", "timeout"):  # Perhaps it does ring.
                floor.do(HangUp(call.id, leg))
            calls.leg_ended(floor, call, LegEnded(leg, 41), now)
            return
        case "Ring" | "Dial" | "Snoop", _ if call is not None:
            calls.ring_failed(floor, call, leg, ours=event.reason in ("down", "timeout"), now=now)
            return
        case (("HangUp" | "Answer"), "gone") if legs.owner_of(floor, leg) is not None:
            legs.ended(floor, LegEnded(leg, 0), now)
            return
        case "HangUp", _ if call is not None and leg in call.doomed:
            floor.set_timer(call, "hang-up", now + calls.HANG_UP_AGAIN_S)
    if event.reason not in ("gone", "down"):  # That the link is down is said once, by LinkDown.
        floor.do(Warn(f"{event.action} {event.target} failed: {event.reason} {event.detail}", event.call))
    if call is not None and event.action == "StartRecording":
        recording.failed(floor, call, event.target, f"{event.reason} {event.detail}".strip(), now)
    elif event.action == "RecordMessage":
        _message(floor, MessageRecorded(MessageId(event.target), 0.0), now)
    elif event.action == "AskMessage" and event.reason == "gone":
        walk.message_missed(floor, MessageId(event.target), now)
    elif event.action == "Play":
        legs.playback(floor, PlaybackEnded(PlaybackId(event.target), ok=False), now)
    elif call is not None and event.action == "Join" and event.reason == "gone":
        waiting.music_gone(floor, call)
        control.music_gone(floor, call, leg)
    elif call is not None and control.join_failed(floor, call, event, now):
        pass
    elif call is not None and event.action in ("Join", "MakeBridge") and event.reason not in ("gone", "down"):
        closing.close(floor, call, "lost", 41, now)


HANDLERS: Final[Mapping[type[Event], Callable[[Floor, Any, float], None]]] = {
    Booted: _booted,
    Restored: _restored,
    CallLeft: recovery.left,
    SeatLeft: recovery.left,
    CallerSeen: _stranger,
    CallbackLeft: bookings.restored,
    CallbackCancelled: bookings.cancelled,
    ItemLeft: inbox.restored,
    ItemAsked: inbox.ask,
    ScreeningLeft: screening.restored,
    ScreeningAsked: screening.ask,
    MessageFiled: inbox.filed,
    MessageUnfiled: inbox.filed,
    LinkUp: link.handle,
    LinkDown: link.handle,
    Listed: link.handle,
    FlowsLoaded: lambda floor, event, now: changes.swap(floor, event),
    HoursLoaded: lambda floor, event, now: changes.take_hours(floor, event),
    ClosureSet: changes.switch,
    DoorClosed: _door,
    DoorOpened: _door,
    DrainAsked: _drain,
    ClockStepped: _stepped,
    TimerFired: _timer,
    CommandFailed: _failed,
    CallArrived: calls.arrive,
    FeatureDialled: desk.dialled,
    AgentAsked: _asked,
    ControlAsked: _controlled,
    ForceAsked: _supervised,
    SurgeAsked: _supervised,
    PinChecked: _pin_checked,
    PhoneChanged: lambda floor, event, now: seats.phone_changed(floor, event.phone, event.reachable, now),
    RecordingStarted: lambda floor, event, now: recording.told(floor, event),
    RecordingStopped: lambda floor, event, now: recording.told(floor, event),
    RecordingJoined: lambda floor, event, now: recording.told(floor, event),
    RecordingUnusable: lambda floor, event, now: recording.told(floor, event),
    LineJudged: _line,
    LineUnheard: _line,
    FaxHeard: _line,
    LegMeasured: lambda floor, event, now: line.measured(floor, event),
    StreamRestarted: legs.began_anew,
    LookedUp: _looked_up,
    MessageRecorded: _message,
    MessageSpooled: walk.message_spooled,
    StudioAnswered: _studio_answered,
    PlaybackEnded: legs.playback,
    LegRinging: legs.rings,
    LegAnswered: legs.answered,
    LegEnded: legs.ended,
    LegHeld: legs.held,
    LegResumed: legs.held,
    KeyPressed: legs.key,
    SpeechBegan: legs.spoke,
    SpeechEnded: legs.spoke,
}
"""By event: what it does to the floor."""
