"""`Board.handle(event, now)` is the whole of the hotline's behaviour: events in, effects out, nothing else.

Same events and same `now`s give identical effects (design §2.4). Events about what is gone change nothing.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import assert_never

from ari_app.board import call as calls
from ari_app.board import desk, link, seats, talk
from ari_app.board.floor import Call, Desk, Floor
from ari_app.flow.model import LoadedFlow
from ari_app.model.effects import Effect, Reply, Warn
from ari_app.model.events import (
    AgentAsked,
    Booted,
    CallArrived,
    ClockStepped,
    CommandFailed,
    DoorClosed,
    DoorOpened,
    DrainAsked,
    Event,
    FeatureDialled,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    LinkDown,
    LinkUp,
    Listed,
    PhoneChanged,
    PinChecked,
    PlaybackEnded,
    RecordingJoined,
    RecordingStarted,
    RecordingUnusable,
    Restored,
    TimerFired,
)
from ari_app.model.facts import DaemonStarted, RecordingMissed, RecordingStored
from ari_app.model.ids import CallId, LegId, Mint, TimerId, call_of
from ari_app.model.settings import Settings


class Board:
    """Owns the floor. `floor` may be read by views between two events; only `handle` changes it."""

    def __init__(self, settings: Settings, flows: Mapping[str, LoadedFlow], zone: tzinfo) -> None:
        self.floor = Floor(settings, flows, zone)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What `event` at `now` (seconds since the Unix epoch) makes the hotline do, in order."""
        out: list[Effect] = []
        self.floor.out = out
        match event:
            case Booted(epoch):
                self.floor.mint = Mint(epoch)
                self.floor.note(DaemonStarted(epoch))
            case Restored() | LinkUp() | LinkDown() | Listed():
                link.handle(self.floor, event, now)
            case DoorClosed(reason):
                self.floor.door = reason
            case DoorOpened():
                self.floor.door = ""
            case DrainAsked():
                self.floor.draining = True
            case ClockStepped(seconds):
                self.floor.do(Warn(f"the wall clock stepped by {seconds:+.1f} s; ours did not"))
            case TimerFired(timer):
                self._timer(timer, now)
            case CommandFailed():
                self._failed(event, now)
            case CallArrived():
                calls.arrive(self.floor, event, now)
            case FeatureDialled():
                talk.rematch(self.floor, desk.dialled(self.floor, event, now), now)
            case AgentAsked():
                self._asked(event, now)
            case PinChecked(leg, _, ok):
                if isinstance(at := self._at(leg), Desk):
                    desk.pin_checked(self.floor, at, ok, now)
            case PhoneChanged(phone, reachable):
                seats.phone_changed(self.floor, phone, reachable, now)
            case RecordingStarted() | RecordingJoined() | RecordingUnusable():
                self._recording(event)
            case PlaybackEnded(playback, ok):
                self._playback(playback, ok, now)
            case LegRinging() | LegAnswered() | LegEnded() | LegHeld() | LegResumed() | KeyPressed():
                self._leg(event, now)
            case _:
                assert_never(event)
        return out

    def _at(self, leg: LegId) -> Call | Desk | None:
        owner = self.floor.legs.get(leg, CallId(""))
        return self.floor.calls.get(owner) or self.floor.desks.get(owner)

    def _leg(self, event: LegRinging | LegAnswered | LegEnded | LegHeld | LegResumed | KeyPressed, now: float) -> None:
        match self._at(event.leg), event:
            case Desk() as at, KeyPressed(_, digit):
                desk.key(self.floor, at, digit, now)
            case Desk() as at, LegEnded():
                desk.gone(self.floor, at)
            case Call() as call, KeyPressed(leg, digit):
                calls.key(self.floor, call, leg, digit, now)
            case Call() as call, LegEnded() as ended:
                calls.leg_ended(self.floor, call, ended, now)
            case Call() as call, LegRinging(leg):
                talk.ringing(self.floor, call, leg)
            case Call() as call, LegAnswered(leg):
                talk.agent_answered(self.floor, call, leg, now)
            case Call() as call, (LegHeld(leg) | LegResumed(leg)):
                talk.held(self.floor, call, leg, isinstance(event, LegHeld))
            case None, LegEnded(leg):
                link.orphan_ended(self.floor, leg, now)
            case _:
                pass  # Stale: its call is over.

    def _playback(self, playback: str, ok: bool, now: float) -> None:
        owner = call_of(playback)
        if owner in self.floor.calls:
            calls.prompt_over(self.floor, self.floor.calls[owner], playback, ok, now)
        elif owner in self.floor.desks:
            desk.prompt_over(self.floor, self.floor.desks[owner], playback)

    def _timer(self, timer: TimerId, now: float) -> None:
        owner, _, name = timer.partition(".")
        if (call := self.floor.calls.get(CallId(owner))) is not None:
            if timer in call.timers:
                call.timers.discard(timer)
                calls.timer(self.floor, call, name, now)
        elif (at := self.floor.desks.get(CallId(owner))) is not None:
            desk.timed_out(self.floor, at)
        else:
            seat = next((s for s in self.floor.seats.values() if seats.wrap_timer(s) == timer), None)
            if seat is not None and seat.state == "wrap-up":
                talk.rematch(self.floor, seats.wrap_up_ended(self.floor, seat, now), now)

    def _asked(self, event: AgentAsked, now: float) -> None:
        (ok, message), match = seats.ask(self.floor, event, now)
        if event.request is not None:
            self.floor.do(Reply(event.request, ok, message))
        talk.rematch(self.floor, match, now)

    def _recording(self, event: RecordingStarted | RecordingJoined | RecordingUnusable) -> None:
        owner = call_of(event.recording)
        assert owner is not None
        match event:
            case RecordingStarted(recording):
                if (call := self.floor.calls.get(owner)) is not None:
                    talk.recording_started(self.floor, call, recording)
            case RecordingJoined(recording, path, seconds, size, sha256):
                self.floor.note(RecordingStored(owner, recording, path, seconds, size, sha256))
            case RecordingUnusable(recording, reason):
                self.floor.note(RecordingMissed(owner, recording, reason))
                self.floor.do(Warn(f"recording {recording} unusable: {reason}", owner))

    def _failed(self, event: CommandFailed, now: float) -> None:
        """A command failed. That its leg is gone is normal; the leg's own end says so, or we say it here."""
        call = self.floor.calls.get(event.call) if event.call is not None else None
        leg = LegId(event.target)
        if event.action == "Ring" or (event.action == "HangUp" and event.reason == "gone"):
            if isinstance(self._at(leg), Call | Desk):
                self._leg(LegEnded(leg, 20 if event.action == "Ring" else 0), now)
            return
        if event.reason != "gone":
            self.floor.do(Warn(f"{event.action} {event.target} failed: {event.reason} {event.detail}", event.call))
        if call is not None and event.action == "StartRecording":
            talk.recording_failed(self.floor, call, event.target, f"{event.reason} {event.detail}".strip(), now)
        elif event.action == "Play":
            self._playback(event.target, False, now)
        elif call is not None and event.action in ("Join", "MakeBridge") and event.reason not in ("gone", "down"):
            calls.close(self.floor, call, "lost", 41, now)
