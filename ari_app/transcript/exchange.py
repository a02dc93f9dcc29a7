"""The board with a virtual clock and a perfect make-believe Asterisk: prompts last as long as their files. Pure.

Every deed handles one event and all that Asterisk answers to it at once; time passes only in `wait` and `hear_out`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from ari_app.board.board import Board
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.board.walk import MESSAGE_GRACE_S
from ari_app.flow.model import LoadedFlow
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import LegId, LookUpId, MessageId, Number, PhoneName, PlaybackId, TimerId
from ari_app.model.settings import Settings
from ari_app.model.work import CallbackCancelled, MessageFiled
from ari_app.runtime.timers import Timers
from ari_app.transcript.steps import MovesClock
from ari_app.transcript.words import Telling, Told

Seconds = Callable[[str, str], float]
"""How long a prompt lasts in a language."""

BEGIN: Final = 1_772_416_800.0  # Any moment will do: what the flow takes the time to be is the clock's shift.
TONE_S: Final = 0.12  # A key sounds so long, as our telephones send it: neither speech nor silence in a message.
PROMPTS_MAX: Final = 60  # Heard out in a row: a flow that talks for ever is found, not followed.


@dataclass
class Message:
    """A voicemail message being recorded."""

    leg: LegId
    max_s: float
    end_key: str
    silent_at: float  # When so much silence was heard that it is over.


def shift_clock(floor: Floor, to: MovesClock, now: float) -> None:
    """From here on flows take it to be this time: calls there are, and new ones. For tests of flows only."""
    zone = ZoneInfo(to.zone or floor.settings.timezone)
    floor.shift_s = to.local.replace(tzinfo=zone).timestamp() - now
    for call in floor.calls.values():
        if call.walk is not None:
            call.walk = replace(call.walk, shift_s=floor.shift_s)


def called_back(floor: Floor) -> LegId | None:
    """The leg that rings at somebody who booked a call-back."""
    return next((call.leg for call in floor.calls.values() if call.booking is not None and not call.asked), None)


@dataclass
class Exchange:
    """`told` grows by what the hotline does; `complaints` are requests a real Asterisk would have hung on."""

    settings: Settings
    flows: Mapping[str, LoadedFlow]
    seconds: Seconds
    now: float = BEGIN
    timers: Timers = field(default_factory=Timers)
    legs: dict[LegId, str] = field(default_factory=dict)  # Live ones: "caller", or the phone's name.
    playing: dict[PlaybackId, tuple[LegId, float]] = field(default_factory=dict)  # Where, and until when.
    messages: dict[MessageId, Message] = field(default_factory=dict)
    listening: dict[LegId, fx.Listen] = field(default_factory=dict)  # Legs whose speech is told.
    asked: list[fx.LookUp] = field(default_factory=list)  # Look-ups nobody has answered yet.
    arranged: list[tuple[str, ev.LookedUp]] = field(default_factory=list)  # Answers given before they were asked for.
    replies: deque[ev.Event] = field(default_factory=deque)
    told: list[Told] = field(default_factory=list)
    done: list[tuple[float, fx.Effect]] = field(default_factory=list)  # Every effect, and when.
    complaints: list[str] = field(default_factory=list)
    telling: Telling = field(default_factory=Telling)
    arrivals: int = 0

    def __post_init__(self) -> None:
        self.board = Board(self.settings, self.flows, ZoneInfo(self.settings.timezone))
        self.event(ev.Booted(1))
        self.event(ev.LinkUp("make-believe"))
        self.event(ev.Listed((), (), tuple(PhoneName(name) for name in self.settings.phones)))

    @property
    def floor(self) -> Floor:
        return self.board.floor

    # -- time --

    def event(self, event: ev.Event) -> None:
        """One event, then whatever Asterisk answers, until all is quiet."""
        self.replies.append(event)
        while self.replies:
            self._handle(self.replies.popleft())

    def wait(self, seconds: float) -> None:
        """Let time pass: timers fire and prompts end at their moments."""
        end = self.now + seconds
        while (at := self.timers.next_at()) is not None and at <= end:
            self.now = max(self.now, at)
            for timer in self.timers.due(self.now):
                self.event(self._falls_due(timer))
        self.now = end

    def hear_out(self, leg: LegId) -> bool:
        """Until nothing is being said to `leg`; False when that never comes."""
        for _ in range(PROMPTS_MAX):
            ends = [until for where, until in self.playing.values() if where == leg]
            if not ends:
                return True
            self.wait(max(0.0, max(ends) - self.now))
        return False

    def _falls_due(self, timer: TimerId) -> ev.Event:
        what, _, name = timer.partition(" ")
        match what:
            case "prompt":
                self.playing.pop(PlaybackId(name), None)
                return ev.PlaybackEnded(PlaybackId(name), True)
            case "ring":
                self.legs.pop(LegId(name), None)
                return ev.LegEnded(LegId(name), 19, 480)
            case "silence":
                self.messages.pop(MessageId(name), None)
                return ev.MessageRecorded(MessageId(name), 0.0)
            case _:
                return ev.TimerFired(timer)

    def _handle(self, event: ev.Event) -> None:
        for effect in self.board.handle(event, self.now):
            self.done.append((self.now, effect))
            if (told := self.telling.tell(effect)) is not None:
                self.told.append(told)
            self._asterisk(effect)

    # -- Asterisk's part --

    def _asterisk(self, effect: fx.Effect) -> None:
        match effect:
            case fx.SetTimer(timer, at):
                self.timers.set(timer, at)
            case fx.CancelTimer(timer):
                self.timers.cancel(timer)
            case fx.Play():
                self._plays(effect)
            case fx.StopPlay(_, playback):
                self._stops(playback, ok=True)
            case fx.Join(_, _, leg) | fx.Leave(_, _, leg) | fx.Answer(_, leg):
                self._must_be_quiet(effect, leg)
            case fx.Ring(_, leg, phone, ring_s=ring_s):
                self.legs[leg] = phone
                self.timers.set(TimerId(f"ring {leg}"), self.now + ring_s)
            case fx.Dial(call, leg, number, ring_s=ring_s):
                self.legs[leg] = "outside" if self.floor.calls[call].booking is None else number
                self.timers.set(TimerId(f"ring {leg}"), self.now + ring_s)
            case fx.HangUp(call, leg, cause):
                self._hangs_up(call, leg, cause)
            case fx.RecordMessage(_, leg, message, max_s, silence_s, end_key):
                silent_at = self.now + silence_s - MESSAGE_GRACE_S  # What follows is said then.
                self.messages[message] = Message(leg, max_s, end_key, silent_at)
                self.timers.set(TimerId(f"silence {message}"), silent_at)
            case fx.LookUp():
                self._asks(effect)
            case fx.Listen(_, leg) | fx.Unlisten(_, leg):
                self._must_be_quiet(effect, leg)
                self.listening.pop(leg, None)
                if isinstance(effect, fx.Listen):
                    self.listening[leg] = effect
            case _:
                self._records(effect)

    def _must_be_quiet(self, effect: fx.Effect, leg: LegId) -> None:
        if any(where == leg for where, _ in self.playing.values()):
            self.complaints.append(f"{type(effect).__name__} would wait for the end of the prompt")

    def _records(self, effect: fx.Effect) -> None:
        match effect:
            case fx.StartRecording(_, _, recording):
                self.replies.append(ev.RecordingStarted(recording))
            case fx.StopRecording(_, _, recording):
                self.replies.append(ev.RecordingStopped(recording))
            case fx.JoinRecording(_, recording):
                self.replies.append(ev.RecordingJoined(recording, f"{recording}.wav", 0.0, 0, "0" * 64))
            case fx.FileMessage(_, message):
                self.replies.append(MessageFiled(message, f"{message}.wav", 0, "0" * 64))
            case fx.CheckPin(leg, agent):
                self.replies.append(ev.PinChecked(leg, agent, False))
            case _:
                pass

    def _plays(self, play: fx.Play) -> None:
        if play.leg not in self.legs:
            self.replies.append(ev.CommandFailed("Play", play.call, play.playback, "gone"))
            return
        until = self.now + sum(self.seconds(prompt, play.language) for prompt in play.prompts)
        self.playing[play.playback] = play.leg, until
        self.timers.set(TimerId(f"prompt {play.playback}"), until)

    def _stops(self, playback: PlaybackId, ok: bool) -> None:
        self.timers.cancel(TimerId(f"prompt {playback}"))
        if self.playing.pop(playback, None) is not None:
            self.replies.append(ev.PlaybackEnded(playback, ok))

    def _hangs_up(self, call: str, leg: LegId, cause: int) -> None:
        if leg in self.legs:
            self._ends(leg, cause)
        else:
            self.replies.append(ev.CommandFailed("HangUp", call, leg, "gone"))  # type: ignore[arg-type]

    def _ends(self, leg: LegId, cause: int, sip: int = 0) -> None:
        for playback in [playback for playback, (where, _) in self.playing.items() if where == leg]:
            self._stops(playback, ok=False)
        for message in [name for name, each in self.messages.items() if each.leg == leg]:
            self._recorded(message, 0.0)
        self.timers.cancel(TimerId(f"ring {leg}"))
        del self.legs[leg]
        self.replies.append(ev.LegEnded(leg, cause, sip))

    def _recorded(self, message: MessageId, seconds: float) -> None:
        del self.messages[message]
        self.timers.cancel(TimerId(f"silence {message}"))
        self.replies.append(ev.MessageRecorded(message, seconds))

    def _asks(self, effect: fx.LookUp) -> None:
        for n, (name, answer) in enumerate(self.arranged):
            if name == effect.name:
                del self.arranged[n]
                self.replies.append(replace(answer, lookup=effect.lookup))
                return
        self.asked.append(effect)

    # -- what people do --

    def _settle(self) -> None:
        while self.replies:
            self._handle(self.replies.popleft())

    def arrive(self, dialled: str, caller: str) -> LegId:
        """A call comes in by the first trunk."""
        self.arrivals += 1
        leg = LegId(f"caller-{self.arrivals}")
        self.legs[leg] = "caller"
        via = next(iter(self.settings.trunks), "trunk")
        self.event(ev.CallArrived(leg, Number(caller), dialled, via))
        return leg

    def press(self, leg: LegId, keys: str) -> None:
        for key in keys:
            recorded = [(name, each) for name, each in self.messages.items() if each.leg == leg]
            self.event(ev.KeyPressed(leg, key))
            for name, message in recorded:
                if key == message.end_key:
                    self._recorded(name, 0.0)
                    self._settle()
                elif name in self.messages:
                    message.silent_at += TONE_S
                    self.timers.set(TimerId(f"silence {name}"), message.silent_at)

    def hang_up(self, leg: LegId, cause: int = 16, sip: int = 0) -> None:
        self._ends(leg, cause, sip)
        self._settle()

    def answered(self, leg: LegId) -> None:
        self.timers.cancel(TimerId(f"ring {leg}"))
        self.event(ev.LegAnswered(leg))

    def speak(self, leg: LegId, seconds: float) -> bool:
        """Speak after the tone and end it with the key; False when nothing is being recorded."""
        name = next((name for name, each in self.messages.items() if each.leg == leg), None)
        if name is None:
            return False
        message = self.messages[name]
        self.timers.cancel(TimerId(f"silence {name}"))
        self.wait(min(seconds, message.max_s))
        if name in self.messages:
            if seconds <= message.max_s:
                self.event(ev.KeyPressed(leg, message.end_key))
            self._recorded(name, min(seconds, message.max_s))
            self._settle()
            self.wait(MESSAGE_GRACE_S if seconds > message.max_s else 0)
        return True

    def talk(self, leg: LegId, seconds: float) -> None:
        """Say something for so long. Told only while somebody listens; its end is known after a moment of silence."""
        self._tell(leg, ev.SpeechBegan(leg))
        self.wait(seconds)
        if (heard := self.listening.get(leg)) is not None:
            self.wait(heard.silence_ms / 1000)
            self._tell(leg, ev.SpeechEnded(leg, round(1000 * seconds)))

    def _tell(self, leg: LegId, event: ev.Event) -> None:
        if leg in self.listening:
            self.event(event)

    def look_up(self, name: str, answer: ev.LookedUp) -> None:
        """Answer the look-up that waits, or the next of that name."""
        waiting = next((each for each in self.asked if each.name == name), None)
        if waiting is None:
            self.arranged.append((name, answer))
            return
        self.asked.remove(waiting)
        self.event(replace(answer, lookup=waiting.lookup))

    # -- what can be seen --

    def call_of(self, leg: LegId) -> Call | None:
        owner = self.floor.legs.get(leg)
        return self.floor.calls.get(owner) if owner is not None else None

    def node(self, leg: LegId | None) -> str:
        """Where the caller is in his flow; empty when he is gone."""
        call = self.call_of(leg) if leg is not None else None
        return call.cursor.node if call is not None and call.cursor is not None else ""

    def rung(self, phone: str) -> LegId | None:
        """The leg that rings, or talks, at a phone."""
        return next((leg for leg, where in self.legs.items() if where == phone), None)

    def everybody_leaves(self) -> list[str]:
        """All hang up, and time passes; what is left then is a bug of the hotline, in words."""
        for leg in list(self.legs):
            if leg in self.legs:
                self.hang_up(leg)
        floor = self.floor
        for booking in list(floor.bookings):
            self.event(CallbackCancelled(booking, "the end of the transcript"))
        self.wait(self.settings.limits.call_s_max + 90_000)
        left = {"calls": len(floor.calls), "legs": len(floor.legs), "timers": len(self.timers)}
        return [*self.complaints, *(f"{count} {name} left at the end" for name, count in left.items() if count)]


NO_LOOK_UP: Final = LookUpId("")  # Of an answer that does not know its question yet.
