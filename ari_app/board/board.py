"""`Board.handle(event, now)` is the whole of the hotline's behaviour: events in, effects out, nothing else.

Same events and same `now`s give identical effects (design §2.4). Events about what is gone change nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import assert_never

from ari_app.board import (
    bookings,
    callback,
    changes,
    closing,
    control,
    desk,
    fax,
    inbox,
    invite,
    line,
    link,
    offers,
    override,
    recording,
    recovery,
    screening,
    scripts,
    seats,
    stream,
    studio,
    surge,
    talk,
    unstaffed,
    waiting,
    walk,
    working,
)
from ari_app.board import call as calls
from ari_app.board.familiar import LastTalk
from ari_app.board.floor import Floor, Versions
from ari_app.board.records import Call, Desk, ItemOffer
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
from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Mint, TimerId, call_of
from ari_app.model.screening_facts import ScreeningAsked, ScreeningLeft
from ari_app.model.settings import Settings
from ari_app.model.states import CallState
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

    def handle(self, event: Event, now: float) -> list[Effect]:  # noqa: PLR0915  (one table of events)
        """What `event` at `now` (seconds since the Unix epoch) makes the hotline do, in order."""
        out: list[Effect] = []
        self.floor.out = out
        match event:
            case Booted(epoch):
                self.floor.mint = Mint(epoch)
                self.floor.note(DaemonStarted(epoch))
            case Restored(_, closures):
                self.floor.familiar.restore(event.last_agents)
                changes.closed_before(self.floor, closures)
                link.handle(self.floor, event, now)
            case CallLeft() | SeatLeft():
                recovery.left(self.floor, event, now)
            case CallerSeen(leg):
                self.floor.strangers[leg] = event
            case CallbackLeft():
                bookings.restored(self.floor, event, now)
            case CallbackCancelled():
                bookings.cancelled(self.floor, event, now)
            case ItemLeft():
                inbox.restored(self.floor, event, now)
            case ItemAsked():
                inbox.ask(self.floor, event, now)
            case ScreeningLeft():
                screening.restored(self.floor, event, now)
            case ScreeningAsked():
                screening.ask(self.floor, event, now)
            case MessageFiled() | MessageUnfiled():
                inbox.filed(self.floor, event, now)
            case LinkUp() | LinkDown() | Listed():
                link.handle(self.floor, event, now)
            case FlowsLoaded():
                changes.swap(self.floor, event)
            case HoursLoaded():
                changes.take_hours(self.floor, event)
            case ClosureSet():
                changes.switch(self.floor, event, now)
            case DoorClosed(reason):
                self.floor.door = reason
            case DoorOpened():
                self.floor.door = ""
            case DrainAsked():
                self.floor.draining, self.floor.engine.open = True, False
            case ClockStepped(seconds):
                self.floor.do(Warn(f"the wall clock stepped by {seconds:+.1f} s; ours did not"))
            case TimerFired(timer):
                self._timer(timer, now)
            case CommandFailed():
                self._failed(event, now)
            case CallArrived():
                calls.arrive(self.floor, event, now)
            case FeatureDialled():
                desk.dialled(self.floor, event, now)
            case AgentAsked():
                self._asked(event, now)
            case ControlAsked():
                self._controlled(event, now)
            case ForceAsked() | SurgeAsked():
                self._supervised(event, now)
            case PinChecked(leg, agent, ok):
                if isinstance(at := self._at(leg), Desk):
                    desk.pin_checked(self.floor, at, agent, ok, now)
            case PhoneChanged(phone, reachable):
                seats.phone_changed(self.floor, phone, reachable, now)
            case RecordingStarted() | RecordingStopped() | RecordingJoined() | RecordingUnusable():
                recording.told(self.floor, event)
            case LineJudged() | LineUnheard() | FaxHeard():
                self._line(event, now)
            case LegMeasured():
                line.measured(self.floor, event)
            case StreamRestarted(leg):
                if isinstance(at := self._at(leg), Call):
                    stream.restarted(self.floor, at, leg, now)
            case LookedUp():
                self._looked_up(event, now)
            case MessageRecorded():
                self._message(event, now)
            case MessageSpooled():
                walk.message_spooled(self.floor, event, now)
            case StudioAnswered(leg):
                if isinstance(at := self._at(leg), Desk):
                    studio.answered(self.floor, at, event, now)
            case PlaybackEnded(playback, ok):
                self._playback(playback, ok, now)
            case LegRinging() | LegAnswered() | LegEnded() | LegHeld() | LegResumed() | KeyPressed():
                self._leg(event, now)
            case SpeechBegan() | SpeechEnded():
                if isinstance(at := self._at(event.leg), Call):
                    walk.speech(self.floor, at, event, now)
            case _:
                assert_never(event)
        if not self.floor.recovering:  # Else it is not known yet who is there.
            surge.look(self.floor, now)
            if self.floor.staff_changed:
                unstaffed.look(self.floor, now)
        offers.make_all(self.floor, now)
        return out

    def _at(self, leg: LegId) -> Call | Desk | ItemOffer | None:
        owner, floor = self.floor.legs.get(leg, CallId("")), self.floor
        return floor.calls.get(owner) or floor.desks.get(owner) or floor.item_offers.get(owner)

    def _leg(self, event: LegRinging | LegAnswered | LegEnded | LegHeld | LegResumed | KeyPressed, now: float) -> None:
        match self._at(event.leg), event:
            case Desk() as at, KeyPressed(_, digit):
                desk.key(self.floor, at, digit, now)
            case Desk() as at, LegEnded():
                desk.gone(self.floor, at)
            case ItemOffer() as at, _:
                self._item_leg(at, event, now)
            case Call(state=CallState.CALLING_BACK) as call, KeyPressed(leg, digit):
                callback.key(self.floor, call, digit, now)
            case Call(state=CallState.CALLING_BACK) as call, LegAnswered():
                callback.answered(self.floor, call, now)
            case Call() as call, KeyPressed(leg, digit) if leg != call.leg:
                control.key(self.floor, call, leg, digit, now)
            case Call() as call, KeyPressed(leg, digit):
                walk.key(self.floor, call, leg, digit, now)
            case Call() as call, LegEnded() as ended:
                calls.leg_ended(self.floor, call, ended, now)
            case Call() as call, LegRinging(leg):
                offers.ringing(self.floor, call, leg)
                invite.ringing(self.floor, call, leg)
            case Call() as call, LegAnswered(leg):
                if not control.leg_answered(self.floor, call, leg, now):
                    offers.agent_answered(self.floor, call, leg, now)
            case Call() as call, (LegHeld(leg) | LegResumed(leg)):
                talk.held(self.floor, call, leg, isinstance(event, LegHeld))
                if isinstance(event, LegResumed):
                    stream.resumed(self.floor, call, leg, now)
            case None, LegEnded(leg):
                link.orphan_ended(self.floor, leg, now)
            case None, LegAnswered(leg):
                self.floor.do(HangUp(link.NO_CALL, leg))  # Its offer was given up: nobody would ever talk to him.
            case _:
                pass  # Stale: its call is over.

    def _item_leg(
        self, at: ItemOffer, event: LegRinging | LegAnswered | LegEnded | LegHeld | LegResumed | KeyPressed, now: float
    ) -> None:
        match event:
            case LegRinging():
                working.ringing(self.floor, at, now)
            case LegAnswered():
                working.answered(self.floor, at, now)
            case KeyPressed(_, digit):
                working.key(self.floor, at, digit, now)
            case LegEnded(_, cause):
                working.ended(self.floor, at, cause, now)
            case _:
                pass  # He hears a message: nobody is put on hold.

    def _looked_up(self, event: LookedUp, now: float) -> None:
        if event.lookup in self.floor.screening.pending:
            screening.record_read(self.floor, event, now)
        elif (call := self.floor.calls.get(call_of(event.lookup) or CallId(""))) is not None:
            walk.looked_up(self.floor, call, event, now)

    def _message(self, event: MessageRecorded, now: float) -> None:
        if (at := self.floor.desks.get(call_of(event.message) or CallId(""))) is not None:
            studio.recorded(self.floor, at, event, now)
        else:
            walk.message_recorded(self.floor, event, now)

    def _playback(self, playback: str, ok: bool, now: float) -> None:
        owner = call_of(playback)
        if owner in self.floor.calls:
            calls.prompt_over(self.floor, self.floor.calls[owner], playback, ok, now)
        elif owner in self.floor.desks:
            desk.prompt_over(self.floor, self.floor.desks[owner], playback, now)
        elif owner in self.floor.item_offers:
            working.prompt_over(self.floor, self.floor.item_offers[owner], playback, now)

    def _timer(self, timer: TimerId, now: float) -> None:
        owner, _, name = timer.partition(".")
        if (call := self.floor.calls.get(CallId(owner))) is not None:
            if timer in call.timers and call.timers[timer] <= now:  # Else it was moved just as it fired.
                del call.timers[timer]
                calls.timer(self.floor, call, name, now)
        elif (booking := self.floor.bookings.get(CallId(owner))) is not None:
            if 0 < booking.due_at <= now:
                bookings.timer(self.floor, booking, now)
        elif (at := self.floor.desks.get(CallId(owner))) is not None:
            if at.due <= now:
                desk.timed_out(self.floor, at, now)
        elif (offer := self.floor.item_offers.get(CallId(owner))) is not None:
            if offer.due <= now:
                working.timed_out(self.floor, offer, now)
        elif (item := self.floor.routed.get(CallId(owner))) is not None:
            working.again(self.floor, item, now)
        elif timer == screening.TIMER:
            screening.expire(self.floor, now)
        elif (seat := self.floor.seats.get(AgentId(owner.removeprefix("agent-")))) is not None:
            if name == "work":
                working.too_long(self.floor, seat, now)
            else:
                seats.timer(self.floor, seat, name, now)

    def _asked(self, event: AgentAsked, now: float) -> None:
        ok, message = screening.agent_asked(self.floor, event, now)
        if event.request is not None:
            self.floor.do(Reply(event.request, ok, message))

    def _supervised(self, event: ForceAsked | SurgeAsked, now: float) -> None:
        match event:
            case ForceAsked():
                ok, message = override.force(self.floor, event, now)
            case SurgeAsked():
                ok, message = surge.ask(self.floor, event, now)
        if event.request is not None:
            self.floor.do(Reply(event.request, ok, message))

    def _controlled(self, event: ControlAsked, now: float) -> None:
        ok, message = control.ask(self.floor, event, now)
        if event.request is not None:
            self.floor.do(Reply(event.request, ok, message))

    def _line(self, event: LineJudged | LineUnheard | FaxHeard, now: float) -> None:
        call = self.floor.calls.get(call_of(event.line) or CallId(""))
        match event:
            case LineJudged() if call is not None and line.judged(self.floor, call, event):
                if event.verdict == "clear":
                    walk.cleared(self.floor, call, now)
                scripts.by_itself(self.floor, call, now)
            case LineUnheard() if call is not None and line.unheard(self.floor, call, event):
                walk.cleared(self.floor, call, now)  # Nobody is hung up for what is not listened to.
            case FaxHeard(heard) if call is not None and call.line == heard:
                fax.heard(self.floor, call, now)
            case _:
                pass

    def _failed(self, event: CommandFailed, now: float) -> None:
        """A command failed. That its leg is gone is normal; the leg's own end says so, or we say it here."""
        call = self.floor.calls.get(event.call) if event.call is not None else None
        leg = LegId(event.target)
        match event.action, event.reason:
            case "Ring", _ if isinstance(at := self._at(leg), ItemOffer):
                working.failed(self.floor, at, event, now)
                return
            case "Dial", _ if call is not None and call.booking is not None and leg in call.legs:
                if event.reason in ("down", "timeout"):  # Perhaps it does ring.
                    self.floor.do(HangUp(call.id, leg))
                calls.leg_ended(self.floor, call, LegEnded(leg, 41), now)
                return
            case "Ring" | "Dial" | "Snoop", _ if call is not None:
                calls.ring_failed(self.floor, call, leg, ours=event.reason in ("down", "timeout"), now=now)
                return
            case (("HangUp" | "Answer"), "gone") if self._at(leg) is not None:
                self._leg(LegEnded(leg, 0), now)
                return
            case "HangUp", _ if call is not None and leg in call.doomed:
                self.floor.set_timer(call, "hang-up", now + calls.HANG_UP_AGAIN_S)
        if event.reason not in ("gone", "down"):  # That the link is down is said once, by LinkDown.
            self.floor.do(Warn(f"{event.action} {event.target} failed: {event.reason} {event.detail}", event.call))
        if call is not None and event.action == "StartRecording":
            recording.failed(self.floor, call, event.target, f"{event.reason} {event.detail}".strip(), now)
        elif event.action == "RecordMessage":
            self._message(MessageRecorded(MessageId(event.target), 0.0), now)
        elif event.action == "AskMessage" and event.reason == "gone":
            walk.message_missed(self.floor, MessageId(event.target), now)
        elif event.action == "Play":
            self._playback(event.target, False, now)
        elif call is not None and event.action == "Join" and event.reason == "gone":
            waiting.music_gone(self.floor, call)
            control.music_gone(self.floor, call, leg)
        elif call is not None and control.join_failed(self.floor, call, event, now):
            pass
        elif call is not None and event.action in ("Join", "MakeBridge") and event.reason not in ("gone", "down"):
            closing.close(self.floor, call, "lost", 41, now)
