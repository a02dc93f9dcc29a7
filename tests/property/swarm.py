"""Seeded walks through a tiny universe: two queues, three agents, six callers, an Asterisk that loses and repeats.

Actions are drawn from what is alive, with weights drawn anew for each walk, some of them zero, so that each walk has a
temper of its own. After every event the board is held against the invariants; at the end everybody leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

from ari_app.acd.model import Visit
from ari_app.board.board import Board
from ari_app.board.floor import Floor
from ari_app.model import control as ct
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import work
from ari_app.model.audit import ForcedState
from ari_app.model.facts import DURABLE, SituationBegan, SituationEnded, Verdict
from ari_app.model.ids import (
    AgentId,
    BridgeId,
    CallId,
    LegId,
    MessageId,
    Number,
    PhoneName,
    PlaybackId,
    QueueName,
    RequestId,
    TimerId,
)
from ari_app.model.settings import Settings
from ari_app.model.states import UNREACHABLE, AgentState, CallState
from ari_app.model.wishes import ForceAsked, SurgeAsked, SurgeWish
from ari_app.runtime.timers import Timers
from tests.board_kit import NOON, assert_clean, assert_facts_add_up, loaded, seen_bridges, situation
from tests.crash_kit import Kept
from tests.property.invariants import Watch, check

AGENTS = ("81", "82", "83")
TARGETS = ("81", "82", "83", "queue:billing", "queue:network", "flow:menu", "9000", "9001", "nobody")
LEFT = ev.Restored | ev.CallLeft | ev.SeatLeft | ev.CallerSeen
REASONS = get_args(ev.FailReason)
SURGE: dict[str, Any] = {
    "waiting": 1,
    "rush": 3,
    "for_s": 6,
    "groups": {"experts": ["81", "82"]},
    "steps": [
        {"name": "one", "agents": ["experts"], "skills": {"network": 1}},
        {"name": "two", "agents": ["82", "83"], "skills": {"billing": 3}},
        {"name": "three", "only_in_rush": True, "rush_after_s": 2, "call_in": True},
    ],
}
FLOW: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        "hello": {"type": "greet", "next": "menu"},
        "menu": {
            "type": "menu",
            "say": ["main-menu"],
            "keys": {"1": "billing", "2": "network", "3": "outside", "8": "agent", "9": "quiet", "#": "box"},
            "tries": 2,
            "on_silence": "quiet",
            "on_wrong": "network",
        },
        "box": {"type": "voicemail", "next": "menu", "on_failure": "billing"},
        "quiet": {"type": "situation", "situation": "silent", "on_life": "menu", "on_speech": "billing"},
        "billing": {
            "type": "queue",
            "queue": "billing",
            "priority": 1,
            "choices": {"keys": {"8": "voicemail", "7": "callback", "6": "stay"}, "every_s": 10},
            "on_timeout": "menu",
            "on_full": "network",
            "on_voicemail": "message",
            "on_callback": "call_me",
        },
        "network": {"type": "queue", "queue": "network", "say": [], "next": "menu", "on_full": "billing"},
        "outside": {"type": "transfer", "number": "9000", "record_as": "billing", "next": "menu", "on_busy": "billing"},
        "agent": {"type": "transfer", "agent": "83", "say": [], "next": "menu", "on_busy": "network"},
        "message": {"type": "voicemail", "on_failure": "billing", "next": "menu"},
        "call_me": {"type": "callback", "queue": "billing", "next": "menu", "on_failure": "billing"},
    },
}
SITUATIONS = {
    "silent": situation(
        trigger="silent",
        allowed=["in-flow", "talking", "voicemail"],
        steps=[{"say": ["greet"]}, {"wait_s": 5}, {"say": ["sorry"]}, {"wait_s": 5}, "hang-up"],
    ),
    "quiet": situation(
        trigger="quiet",
        allowed=["talking", "voicemail"],
        life=["clear"],
        steps=[{"say": ["greet"]}, {"wait_s": 9}, "hang-up"],
    ),
    "noisy": situation(
        trigger="noisy",
        allowed=["talking"],
        life=["clear", "key"],
        steps=[{"wait_s": 2}, {"say": ["sorry"]}, "next"],
    ),
    "harassing": situation(
        trigger="nuisance",
        allowed=["talking"],
        life=[],
        steps=[{"say": ["sorry"]}, {"wait_s": 5}, {"say": ["greet"]}, "next"],
    ),
    "fax": situation(trigger="fax", allowed=["talking", "voicemail"], life=[], steps=[{"say": ["sorry"]}, "hang-up"]),
    "long": situation(trigger="talk-length", hints_s={"agent": 3, "supervisor": 20}),
}


def flow(rng: Random) -> dict[str, Any]:
    """The flow of a walk: whom its queue nodes ask for and wait for, and what they do when nobody is there."""
    billing: dict[str, Any] = {**FLOW["nodes"]["billing"], **rng.choice([{}, {"prefer": "last_agent", "prefer_s": 7}])}
    network: dict[str, Any] = {**FLOW["nodes"]["network"], **rng.choice([{}, {"skills": "network>=2 | billing>=2"}])}
    network |= rng.choice([{}, {"on_no_agents": "menu"}])
    billing |= rng.choice([{}, {}, {"on_no_agents": "network"}])
    billing["priority"] = rng.choice([0, 0, 1])
    return {**FLOW, "nodes": {**FLOW["nodes"], "billing": billing, "network": network}}


def universe(rng: Random) -> Settings:
    """Two queues whose rules differ from walk to walk, three agents, four phones."""

    def queue(skill: str) -> dict[str, Any]:
        return {
            "skills": rng.choice([{skill: 1}, f"{skill}>=2"]),
            "relax": rng.choice(
                [[], [{"after_s": 4, "skills": {skill: 1}}, {"after_s": 9, "skills": "billing | network"}]]
            ),
            "policy": rng.choice(["longest-idle", "longest-idle", "most-skilled", "least-occupied"]),
            "ring_s": 10,
            "wrap_up_s": rng.choice([0, 0, 5]),
            "wait_s_max": rng.choice([15, 600, 600]),
            "waiting_max": rng.choice([2, 500]),
            "talking_max": rng.choice([None, None, None, 1]),
            "whisper": rng.choice(["", "queue-billing"]),
            "disposition_required": rng.choice([False, False, True]),
            "recording": {"policy": rng.choice(["always", "announce", "ask", "never"])},
        }

    skills = ({"billing": 1}, {"network": 1}, {"billing": 2, "network": 2})
    return Settings.model_validate(
        {
            "numbers": {"1860": {"flow": "main"}},
            "queues": {"billing": queue("billing"), "network": queue("network")},
            "agents": {
                a: {"phone": f"p{a}", "skills": has, "may": ["supervise", "transfer-blind"]}
                for a, has in zip(AGENTS, skills, strict=True)
            },
            "phones": {"p81": {}, "p82": {}, "p83": {}, "p84": {}},
            "trunks": {"out": {"match": ["192.0.2.1"], "address": "192.0.2.1:5060"}},
            "outbound": {"trunk": "out", "permitted": ["900X", "1380013800X"], "ring_s": 10},
            "boxes": {
                "general": {
                    "skills": rng.choice(["billing", "network>=2", "billing | network"]),
                    "offered": rng.choice([False, True, True]),
                    "overdue_first": rng.choice([True, True, False]),
                    "due_h": rng.choice([0.002, 1]),
                    "ring_s": 10,
                    "working_max": rng.choice([None, None, 1]),
                    "work_s_max": rng.choice([20, 1800, 1800]),
                    "again_s": rng.choice([1, 20]),
                    "disposition_required": rng.choice([False, False, True]),
                }
            },
            "callbacks": {
                "tries": rng.choice([1, 3]),
                "spacing_s": rng.choice([10, 30]),
                "confirm_s": 2,
                "booked_max": rng.choice([2, 500]),
                "keep_h": rng.choice([0.05, 48]),
            },
            "agent_rules": {
                "ran_out_max": rng.choice([1, 2, 3]),
                "ran_out_pause_s": rng.choice([0, 60, 60]),
                "wrap_up_more_max": rng.choice([0, 2]),
                "phone_back_ready": rng.choice([False, True]),
            },
            "surge": rng.choice([{}, SURGE, {**SURGE, "queues": ["network"]}, {**SURGE, "armed": False}]),
            "line": rng.choice(
                [{}, {}, {"auto": ["silent", "quiet", "noisy"]}, {"lines_max": 0}, {"fax_to": "number:9001"}]
            ),
            "screening": rng.choice([{}, {"record": "vips"}, {"desk": "main:quiet", "numbers_max": 1}]),
            "limits": {"calls_max": rng.choice([3, 400, 400]), "call_s_max": rng.choice([60, 14_400, 14_400])},
        }
    )


@dataclass
class Leg:
    phone: str  # Whose phone, or "" for a caller.
    state: str = "Up"
    desk: bool = False


@dataclass
class World:
    """One walk."""

    seed: int
    now: float = NOON
    link: bool = True
    half: str = (
        ""  # Half of the link is dead, and nobody has noticed: "deaf", Asterisk hears nothing; "mute", we do not.
    )
    unanswered: list[fx.Effect] = field(default_factory=list)  # Ordered meanwhile.
    failing: float = 0.0  # How often a command fails.
    legs: dict[LegId, Leg] = field(default_factory=dict)
    playing: dict[PlaybackId, LegId] = field(default_factory=dict)
    speaking: dict[MessageId, LegId] = field(default_factory=dict)
    pending: list[ev.Event] = field(default_factory=list)  # On their way to the board.
    log: list[tuple[float, ev.Event, list[fx.Effect]]] = field(default_factory=list)
    timers: Timers = field(default_factory=Timers)
    firing: list[TimerId] = field(default_factory=list)  # Due at one moment; the board hears of them one by one.
    once_set: list[TimerId] = field(default_factory=list)
    arrivals: int = 0
    epoch: int = 1
    kept: Kept = field(default_factory=Kept)
    snapshots: list[tuple[int, Kept]] = field(default_factory=list)  # How much of the log each knows of.
    lost: set[int] = field(default_factory=set)  # Entries of the log whose facts were never committed.
    boots: list[int] = field(default_factory=list)  # Where in the log each daemon begins.
    restoring: bool = False  # Until the next listing what was restored need not fit together.
    callers: dict[LegId, ev.CallerSeen] = field(default_factory=dict)
    bridges: set[BridgeId] = field(default_factory=set)
    where: dict[LegId, BridgeId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.settings = universe(self.rng)
        self.flow = flow(self.rng)
        self.board = self.fresh_board()
        self.watch = Watch(self.board.floor, self.flow["nodes"])
        self.failing = self.rng.choice([0, 0, 0, 0.03, 0.3])
        for event in (ev.Booted(1), ev.LinkUp("22"), self.listing()):
            self.feed(event)

    def fresh_board(self) -> Board:
        return Board(self.settings, {"main": loaded(self.flow, situations=SITUATIONS)}, ZoneInfo("Asia/Shanghai"))

    def feed(self, event: ev.Event) -> None:
        effects = self.board.handle(event, self.now)
        self.log.append((self.now, event, effects))
        self.kept.see(self.board.floor, event, effects, self.now)
        durable = any(isinstance(e, fx.Note) and type(e.fact) in DURABLE for e in effects)
        self.snapshots = [*([] if durable else self.snapshots[-3:]), (len(self.log), self.kept.copy())]
        self.restoring = self.restoring and not isinstance(event, ev.Listed)
        self.watch.see(event, effects, self.now, self.restoring)
        for effect in effects:
            self.carry_out(effect)
        if self.restoring:
            return
        if isinstance(event, ev.Listed) and not self.failing and not self.half:
            self.watch.hears(self.where, self.legs)
            self.watch.needs(self.bridges)
        due = {timer for timer, at in self.timers._at.items() if at <= self.now}
        check(self.board.floor, set(self.timers._at) - due, due | set(self.firing), self.now)

    # -- Asterisk and the rest of the daemon --

    def carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.SetTimer(timer, at):
                self.timers.set(timer, at)
                self.once_set.append(timer)
            case fx.CancelTimer(timer):
                self.timers.cancel(timer)
            case fx.CheckPin(leg, agent, pin):
                self.pending.append(ev.PinChecked(leg, agent, pin == "1"))
            case fx.JoinRecording(_, recording):
                self.pending.append(ev.RecordingJoined(recording, "x.wav", 1.0, 1, "0"))
            case fx.FileMessage(_, message):
                filed = work.MessageFiled(message, f"{message}.wav", 1, "0")
                self.pending.append(filed if self.rng.random() < 0.9 else work.MessageUnfiled(message, "disk full"))
            case fx.LookUp(_, lookup):
                values = (ev.Answer("vip", self.rng.random() < 0.3),)
                self.pending.append(ev.LookedUp(lookup, self.rng.random() < 0.8, values))
            case fx.Screen() | fx.Unscreen():
                pass
            case fx.Note() | fx.MarkSecret() | fx.Reply() | fx.Warn():
                pass
            case _ if not self.link:
                self.fails(effect, "down")
            case _ if self.half:
                self.unanswered.append(effect)
                if self.half == "mute":
                    self.on_asterisk(effect)
            case _ if self.rng.random() < self.failing:
                reason = self.rng.choice(REASONS)
                if reason == "timeout":
                    self.on_asterisk(effect)
                self.fails(effect, reason)
            case _:
                self.on_asterisk(effect)

    def fails(self, effect: fx.Effect, reason: ev.FailReason) -> None:
        named = ("playback", "recording", "message", "leg", "bridge")
        target = next(str(getattr(effect, n)) for n in named if hasattr(effect, n))
        call = cast(CallId | None, getattr(effect, "call", None))
        self.pending.append(ev.CommandFailed(type(effect).__name__, call, target, reason))

    def on_asterisk(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Play(_, leg, playback) if leg in self.legs:
                self.playing[playback] = leg
            case fx.Snoop(_, _, of) if of not in self.legs:
                self.fails(effect, "gone")
            case fx.Play() | fx.Join() | fx.Answer() | fx.HangUp() if effect.leg not in self.legs:
                self.fails(effect, "gone")
            case fx.StopPlay(_, playback):
                self.prompt_ends(playback, ok=True)
            case fx.Ring(_, leg, phone):
                self.legs[leg] = Leg(phone, "Down")
            case fx.MakeBridge(_, bridge, "mixing"):
                self.bridges.add(bridge)
            case fx.DropBridge(_, bridge):
                self.bridges.discard(bridge)
                self.where = {leg: at for leg, at in self.where.items() if at != bridge}
            case fx.Join(_, bridge, leg):
                self.where[leg] = bridge
                self.bridges |= {bridge} if not bridge.startswith("music-") else set()  # Made, though it was said not.
            case fx.Leave(_, _, leg):
                self.where.pop(leg, None)
            case fx.AskMessage(_, message) if message not in self.speaking:
                self.fails(effect, "gone")
            case fx.Dial(_, leg):
                self.legs[leg] = Leg("" if self.board.floor.calls[effect.call].booking else "outside", "Down")
            case fx.RecordMessage(_, leg, message) if leg in self.legs:
                self.speaking[message] = leg
            case fx.Snoop(_, leg):
                self.legs[leg] = Leg("snoop")
                self.says(ev.LegAnswered(leg))
            case fx.HangUp(_, leg, cause):
                self.leg_ends(leg, cause)
            case fx.StartRecording(_, _, recording):
                self.says(ev.RecordingStarted(recording))
            case fx.StopRecording(_, _, recording):
                self.says(ev.RecordingStopped(recording))
            case _:
                pass

    def says(self, event: ev.Event) -> None:
        """Asterisk tells; nobody hears it while the link is down."""
        if self.link and self.half != "mute":
            self.pending.append(event)

    def prompt_ends(self, playback: PlaybackId, ok: bool) -> None:
        if self.playing.pop(playback, None) is not None:
            self.says(ev.PlaybackEnded(playback, ok))

    def leg_ends(self, leg: LegId, cause: int) -> None:
        for playback in [p for p, where in self.playing.items() if where == leg]:
            self.prompt_ends(playback, ok=False)
        for message in [m for m, where in self.speaking.items() if where == leg]:
            self.message_ends(message)
        self.where.pop(leg, None)
        if self.legs.pop(leg, None) is not None:
            self.says(ev.LegEnded(leg, cause))

    def message_ends(self, message: MessageId) -> None:
        del self.speaking[message]
        self.says(ev.MessageRecorded(message, self.rng.choice([0.0, 3.0])))

    def listing(self) -> ev.Listed:
        seen = tuple(ev.ChannelSeen(leg, it.state) for leg, it in self.legs.items())
        phones = [p for p in self.settings.phones if self.rng.random() < 0.95]
        empty = [ev.BridgeSeen(each, "mixing", ()) for each in sorted(self.bridges - set(self.where.values()))]
        return ev.Listed(seen, (*seen_bridges(self.where), *empty), tuple(PhoneName(p) for p in phones))

    # -- the walk --

    def walk(self, steps: int) -> None:
        life = [self.arrive, self.press, self.ring, self.answer, self.prompt_over, self.work]
        ends = [self.caller_leaves, self.runs_out, self.phone_ends, self.pass_time, self.hold, self.speak, self.line]
        noise = [self.wish, self.dial, self.again, self.stale_timer, self.phone_changes, self.link_changes]
        noise += [self.half_dies, self.door, self.stray, self.code, self.supervise, self.cancel, self.restore]
        life += [self.speak_out]
        tempers = [
            (life, [4, 8, 16]),
            (ends, [0, 1, 2, 4]),
            (noise, [0, 0, 0, 0, 1, 2]),
            ([self.attend], [0, 8, 30, 60]),
            ([self.deliver], [20, 40]),
            ([self.message, self.item], [0, 0, 2, 8]),
            ([self.crash], [0, 0, 1, 4]),
        ]
        actions = [action for group, _ in tempers for action in group]
        weights = [self.rng.choice(choices) for group, choices in tempers for _ in group]
        weights[actions.index(self.pass_time)] += 1
        for _ in range(steps):
            self.rng.choices(actions, weights)[0]()

    def some_leg(self, fits: Callable[[Leg], bool]) -> LegId | None:
        legs = [leg for leg, it in self.legs.items() if fits(it)]
        return self.rng.choice(legs) if legs else None

    def arrive(self) -> None:
        callers = sum(not it.phone for it in self.legs.values())
        if callers < 6 and self.link:
            self.arrivals += 1
            leg = LegId(f"c{self.arrivals}")
            self.legs[leg] = Leg("")
            via = self.rng.choice(["trunk"] * 8 + ["p84", "p83"])
            dialled = self.rng.choice(["1860"] * 9 + ["999"])
            numbers = ["13800138000", "13800138001", "13800138002", "13900139000", "02112345678", ""]
            self.callers[leg] = ev.CallerSeen(leg, Number(self.rng.choice(numbers)), dialled, via)
            self.says(ev.CallArrived(leg, self.callers[leg].caller, dialled, via))

    def press(self) -> None:
        if (leg := self.some_leg(lambda it: it.state == "Up")) is not None:
            self.says(ev.KeyPressed(leg, self.rng.choice("1111222233678778#9")))

    def speak_out(self) -> None:
        if self.speaking:
            self.message_ends(self.rng.choice(list(self.speaking)))

    def message(self) -> None:
        """A message of an earlier daemon."""
        if len(self.board.floor.items) < 4:
            self.arrivals += 1
            name, by = MessageId(f"0-{self.arrivals}.m1"), self.rng.choice(["", "", "", "81", "li"])
            due_at = self.now + self.rng.choice([-5, 2, 60])
            where, stored = (CallId("0-1"), "general", due_at, by), self.rng.random() < 0.9
            path = f"{name}.wav" if stored else ""
            self.feed(work.ItemLeft(name, *where, stored, path, Number("13800138004")))

    def item(self) -> None:
        """Somebody does something to a message: mostly what fits it."""
        items = list(self.board.floor.items.values())
        asked = self.rng.choice(get_args(work.ItemWish))
        by = self.rng.choice([*AGENTS, "li"])
        message = self.rng.choice([*(each.message for each in items), MessageId("9-9.m9")])
        worked = [each for each in items if each.by]
        if worked and self.rng.random() < 0.6:
            each = self.rng.choice(worked)
            message, by, asked = each.message, each.by, self.rng.choice(["done", "done", "return"])
        agent = by if by in AGENTS else ""
        said = {"disposition": self.rng.choice(["", "1", "nonsense"])} if asked == "done" else {}
        self.feed(work.ItemAsked(message, asked, by, agent, request=RequestId("r"), **said))

    def cancel(self) -> None:
        """Somebody takes a call-back off the list, or one that is none."""
        booking = self.rng.choice([*self.board.floor.bookings, CallId("9-9")])
        self.feed(work.CallbackCancelled(booking, "li", RequestId("r")))

    def restore(self) -> None:
        """A call-back of an earlier daemon."""
        self.arrivals += 1
        queue, number = self.rng.choice(["billing", "network", "gone"]), self.rng.choice(["13800138004", "1"])
        if self.board.floor.bookings or self.rng.random() < 0.5:
            return  # A queue full of call-backs tells nothing about callers.
        place = (1, self.now - 300, self.now - 240, self.rng.choice(["", "billing>=2"]), "en", "1860", "billing")
        when = (self.now - 100, self.rng.choice([0, 1]), self.now + self.rng.choice([-5, 5]))
        ids = (CallId(f"0-{self.arrivals}"), CallId("0-1"))
        self.feed(work.CallbackLeft(*ids, QueueName(queue), Number(number), *place, *when))

    def speak(self) -> None:
        """A caller, or an agent whom nobody asked; the end of it may come early, late, or alone."""
        if (leg := self.some_leg(lambda it: it.state == "Up")) is not None:
            ended = ev.SpeechEnded(leg, self.rng.choice([20, 99, 100, 3000]))
            self.says(self.rng.choice([ev.SpeechBegan(leg), ended]))

    def line(self) -> None:
        """A verdict on a line that is listened to, or was; or nobody listens to it any more."""
        lines = [e.line for _, _, out in self.log[-100:] for e in out if isinstance(e, fx.HearLine)]
        lines += [call.line for call in self.board.floor.calls.values() if call.line is not None] * 3
        if lines:
            name, verdict = self.rng.choice(lines), self.rng.choice([*get_args(Verdict), "clear", "quiet"])
            heard = ev.LineJudged(name, verdict, -30.0, -50.0)
            rare = self.rng.choice(
                [ev.LineUnheard(name, "lines_max"), ev.LineUnheard(name, "lines_max"), ev.FaxHeard(name)]
            )
            self.says(self.rng.choice([heard, heard, heard, heard, rare]))

    def caller_leaves(self) -> None:
        if (leg := self.some_leg(lambda it: not it.phone or it.desk)) is not None:
            self.leg_ends(leg, 16)

    def ring(self) -> None:
        if (leg := self.some_leg(lambda it: it.state == "Down")) is not None:
            self.legs[leg].state = "Ringing"
            self.says(ev.LegRinging(leg))

    def answer(self) -> None:
        if (leg := self.some_leg(lambda it: it.state != "Up")) is not None:
            self.legs[leg].state = "Up"
            self.says(ev.LegAnswered(leg))

    def phone_ends(self) -> None:
        if (leg := self.some_leg(lambda it: bool(it.phone))) is not None:
            self.leg_ends(leg, self.rng.choice([0, 16, 17, 19, 19, 21, 44]))

    def runs_out(self) -> None:
        """A phone rings to the end of the offer."""
        if (leg := self.some_leg(lambda it: it.state != "Up" and bool(it.phone))) is not None:
            self.legs[leg].state = "Ringing"
            self.says(ev.LegRinging(leg))
            self.leg_ends(leg, 19)

    def prompt_over(self) -> None:
        if self.playing:
            self.prompt_ends(self.rng.choice(list(self.playing)), self.rng.random() < 0.8)

    def wish(self) -> None:
        wishes: list[ev.AgentWish] = ["sign-in", "ready", "ready", "ready", "not-ready", "sign-out"]
        wishes += ["disposition", "disposition", "extend"]
        wish = self.rng.choice(wishes)
        value = {"not-ready": "meal", "disposition": self.rng.choice(["1", "1", "5"])}.get(wish, "")
        phone = self.rng.choice([None, None, PhoneName("p84")]) if wish == "sign-in" else None
        self.feed(ev.AgentAsked(AgentId(self.rng.choice(AGENTS)), wish, value, phone, RequestId("r")))

    def supervise(self) -> None:
        by, request = AgentId(self.rng.choice(["83", "83", "81"])), RequestId("r")
        if self.rng.random() < 0.5:
            to = self.rng.choice(get_args(ForcedState))
            self.feed(ForceAsked(AgentId(self.rng.choice(AGENTS)), to, by, "why", request))
        else:
            self.feed(SurgeAsked(self.rng.choice(get_args(SurgeWish)), by, "why", request))

    def control(self) -> None:
        """Call control by whoever may use it: mostly what fits a talk, else anything by anybody."""
        talks = [call for call in self.board.floor.calls.values() if call.talk is not None]
        agent, action = AgentId(self.rng.choice(AGENTS)), self.rng.choice(get_args(ct.Control))
        target = self.rng.choice(TARGETS)
        if talks and self.rng.random() < 0.9:
            call = self.rng.choice(talks)
            assert call.talk is not None
            free = [s.agent for s in self.board.floor.seats.values() if s.state in ("ready", "not-ready")]
            if self.rng.random() < 0.4:
                agent = call.watch.supervisor if call.watch is not None else self.rng.choice(free or [agent])
                action = self.rng.choice(["listen", "whisper", "barge", "take-over", "leave"])
                target = call.talk.agent
            else:
                agent, target = call.talk.agent, self.rng.choice((*free, *TARGETS))
                common = ["consult", "consult", "transfer", "hold", "resume", "script"]
                action = self.rng.choice(["complete", "conference", "return"] if call.invite else common)
                target = self.rng.choice(["", "silent", "quiet", "noisy"]) if action == "script" else target
        self.feed(ct.ControlAsked(agent, action, target, Number(""), "", RequestId("r")))

    def attend(self) -> None:
        """People who do one thing after the other: what was said is heard, who rings is answered, then control."""
        while self.pending and self.rng.random() < 0.95:
            self.deliver()
        self.rng.choice(
            [self.answer, self.answer, self.work, self.prompt_over, self.control, self.control, self.rest, self.call_me]
        )()

    def call_me(self) -> None:
        """A caller who waits books a call-back; one who is called back says that he is there."""
        calls = list(self.board.floor.calls.values())
        called = [call for call in calls if call.state is CallState.CALLING_BACK and call.leg in self.legs]
        if called:
            self.legs[called[0].leg].state = "Up"
            self.says(ev.LegAnswered(called[0].leg))
            self.says(ev.KeyPressed(called[0].leg, "1"))
        elif waiting := [call for call in calls if call.state is CallState.QUEUED and call.leg in self.legs]:
            for key in "711":
                self.says(ev.KeyPressed(waiting[0].leg, key))

    def rest(self) -> None:
        """A phone rings in vain; its agent, of whom no answer was expected for a while, does something all the same."""
        leg = self.some_leg(lambda it: it.state == "Ringing" and it.phone != "outside")
        resting = [s.agent for s in self.board.floor.seats.values() if s.paused]
        if resting:
            self.feed(ev.AgentAsked(self.rng.choice(resting), "not-ready", "meal"))
        elif leg is not None:
            self.leg_ends(leg, 19)

    def code(self) -> None:
        """A code typed during a talk, perhaps with a slip."""
        keys = self.rng.choice(
            ["*1", "*9", "*4", "*5", "*6", "*7", "*8", "*282#", "*39000#", "1", "2", "3", "4", "**1", "*3"]
        )
        if (leg := self.some_leg(lambda it: it.state == "Up" and bool(it.phone))) is not None:
            for digit in keys:
                self.says(ev.KeyPressed(leg, digit))

    def work(self) -> None:
        """An agent who is not at work goes to work."""
        seat = self.board.floor.seats[AgentId(self.rng.choice(AGENTS))]
        if seat.state in (AgentState.SIGNED_OUT, AgentState.NOT_READY):
            self.feed(ev.AgentAsked(seat.agent, "sign-in" if seat.state is AgentState.SIGNED_OUT else "ready"))

    def dial(self) -> None:
        if self.link:
            self.arrivals += 1
            leg, phone = LegId(f"d{self.arrivals}"), self.rng.choice(list(self.settings.phones))
            self.legs[leg] = Leg(phone, desk=True)
            self.says(
                ev.FeatureDialled(
                    leg,
                    PhoneName(phone),
                    self.rng.choice(["*11", "*12", "*131", "*14", "*151", "*16", "*161", "*18", "*19"]),
                )
            )

    def hold(self) -> None:
        if (leg := self.some_leg(lambda it: it.state == "Up")) is not None:
            self.says(self.rng.choice((ev.LegHeld, ev.LegResumed, ev.StreamRestarted))(leg))

    def again(self) -> None:
        """Something that was said before is said again. Booted and the like are not Asterisk's to repeat."""
        _, event, _ = self.rng.choice(self.log)
        if not isinstance(
            event,
            ev.Booted
            | ev.Listed
            | ev.LinkUp
            | ev.LinkDown
            | ev.CommandFailed
            | work.CallbackLeft
            | work.ItemLeft
            | LEFT,
        ):
            self.feed(event)

    def stale_timer(self) -> None:
        if self.once_set:
            timer = self.rng.choice(self.once_set)
            if self.timers._at.get(timer, self.now + 1) > self.now:
                self.feed(ev.TimerFired(timer))

    def phone_changes(self) -> None:
        self.says(ev.PhoneChanged(PhoneName(self.rng.choice(list(self.settings.phones))), self.rng.random() < 0.5))

    def link_changes(self) -> None:
        self.link = not self.link
        if self.link:
            self.feed(ev.LinkUp("22"))
            self.pending += [self.callers[leg] for leg in self.legs if leg in self.callers]
            self.pending.append(self.listing())
        else:
            kept = ev.CommandFailed | ev.PinChecked | ev.RecordingJoined
            self.pending = [e for e in self.pending if isinstance(e, kept)]
            self.feed(ev.LinkDown("lost"))
            for effect in self.unanswered:
                self.fails(effect, "down")
            self.half, self.unanswered = "", []

    def half_dies(self) -> None:
        """Half of the link dies without a word; some time later that is noticed."""
        if self.link and not self.half:
            self.half = self.rng.choice(["deaf", "mute"])
        elif self.half:
            self.link_changes()

    def crash(self) -> None:
        """Killed, perhaps before the last few events were committed; the next daemon is told what was."""
        old, was_linked, last_at = self.board.floor, self.link, self.now
        kept = self.kept
        if not self.restoring and self.rng.random() < 0.7:
            kept.is_up_to_date(old)
        else:
            seen, kept = self.rng.choice(self.snapshots)
            self.lost |= set(range(seen, len(self.log)))
            self.playing.clear()  # Of these the next daemon knows nothing.
        whole = kept is self.kept and not self.restoring
        before = left_behind(old, set(self.legs)) if whole else None
        self.pending, self.timers, self.firing, self.once_set = [], Timers(), [], []
        self.half, self.unanswered = "", []
        self.now += self.rng.choice([0.1, 1, 5])
        for playback in [each for each in self.playing if self.rng.random() < 0.3]:
            del self.playing[playback]
        self.board, self.epoch, self.restoring = self.fresh_board(), self.epoch + 1, True
        self.board.offer_pinned({old.versions: old.flows, (): {}})
        self.watch.goes_on(self.board.floor, self.bridges, self.where, self.playing)
        self.kept = kept.copy()
        self.boots.append(len(self.log))
        for event in self.kept.copy().told(self.epoch, last_at):
            self.feed(event)
        if was_linked:
            self.feed(ev.LinkUp("22"))
            for event in (*(self.callers[leg] for leg in self.legs if leg in self.callers), self.listing()):
                self.feed(event)
            if before is not None:
                assert_nobody_lost(before, self.board.floor)

    def door(self) -> None:
        events: list[ev.Event] = [
            ev.DoorClosed("disk"),
            ev.DoorOpened(),
            ev.DoorOpened(),
            ev.ClockStepped(self.rng.choice([-3600.0, 3600.0])),
        ]
        self.feed(self.rng.choice(events))

    def stray(self) -> None:
        """What no call of ours owns."""
        leg = LegId(self.rng.choice(["9-1.l1", "x"]))
        events: list[ev.Event] = [ev.LegEnded(leg, 16), ev.LegAnswered(leg), ev.KeyPressed(leg, "1")]
        events += [ev.PlaybackEnded(PlaybackId("9-1.p1"), True), ev.TimerFired(TimerId("9-1.wait"))]
        self.feed(self.rng.choice(events))

    def deliver(self) -> None:
        if self.pending:
            early = self.rng.random() < 0.1  # Overtakes what was said before it.
            self.feed(self.pending.pop(self.rng.randrange(len(self.pending)) if early else 0))
            if isinstance(self.log[-1][1], ev.Listed):
                gone = self.board.floor.unsure - {channel.leg for channel in self.log[-1][1].channels}
                assert not gone & set(self.board.floor.legs), f"Asterisk no longer knows {gone}"

    def pass_time(self, seconds: float = 0) -> None:
        end = self.now + (seconds or self.rng.choice([0.1, 0.1, 1, 1, 5, 30]))
        while (at := self.timers.next_at()) is not None and at <= end:
            self.now = max(self.now, at)
            self.firing = self.timers.due(self.now)
            while self.firing:
                self.feed(ev.TimerFired(self.firing.pop(0)))
        self.now = end

    # -- the end --

    def everybody_leaves(self) -> None:
        self.failing = 0.0
        if self.half:
            self.link_changes()
        if not self.link:
            self.link_changes()
        while self.legs or self.pending:
            while self.pending:
                self.feed(self.pending.pop(0))
            for leg in list(self.legs):
                self.leg_ends(leg, 16)
        for booking in list(self.board.floor.bookings):
            self.feed(work.CallbackCancelled(booking, "li"))
        self.everything_is_worked()
        self.pass_time(90_000)
        while self.legs or self.pending:
            self.feed(self.pending.pop(0)) if self.pending else self.leg_ends(next(iter(self.legs)), 16)
        assert_clean(self.board)
        assert not len(self.timers) and not self.watch.bridges
        known = [out for n, (_, _, out) in enumerate(self.log) if n not in self.lost]
        notes = [e.fact for out in known for e in out if isinstance(e, fx.Note)]
        assert_facts_add_up(notes)
        told = [type(f).__name__ for f in notes if isinstance(f, SituationBegan | SituationEnded)]
        assert told.count("SituationBegan") == told.count("SituationEnded")
        effects = [e for _, _, out in self.log for e in out]
        heard = {
            e.line
            for n, (_, _, out) in enumerate(self.log)
            for e in out
            if isinstance(e, fx.HearLine) and n not in self.lost
        }
        forgotten = {e.line for e in effects if isinstance(e, fx.ForgetLine)}
        refused = {event.line for _, event, _ in self.log if isinstance(event, ev.LineUnheard)}
        assert heard <= forgotten | refused, "a line is listened to for ever"

    def everything_is_worked(self) -> None:
        """Whoever has a message is done with it; agents who are offered one more time decline."""
        while items := list(self.board.floor.items.values()):
            item = items[0]
            if item.offer is not None:
                self.feed(work.ItemAsked(item.message, "decline", item.offer.agent, item.offer.agent))
            elif item.by:
                self.feed(work.ItemAsked(item.message, "done", item.by, disposition="1"))
            else:
                self.feed(work.ItemAsked(item.message, "take", "li"))
            while self.pending:
                self.feed(self.pending.pop(0))

    def replays(self) -> None:
        """The same events at the same times on a second board: the same effects."""
        board = self.fresh_board()
        for n, (now, event, effects) in enumerate(self.log):
            if n in self.boots:
                board = self.fresh_board()
                board.offer_pinned({board.floor.versions: board.floor.flows, (): {}})
            assert board.handle(replace(event), now) == effects


@dataclass
class Behind:
    """Who was there when the daemon died: talks by call and agent, those who waited in their order."""

    talks: dict[CallId, AgentId]
    waiting: dict[QueueName, list[Visit]]
    staff: dict[AgentId, tuple[AgentState, float]]  # Their states, and until when they wrap up.
    counted: set[CallId]  # Talks that count against their queue's talking_max.


def left_behind(floor: Floor, alive: set[LegId]) -> Behind:
    there = {call.id: call for call in floor.calls.values() if call.leg in alive and call.leg not in call.doomed}
    talks = {call.id: call.talk.agent for call in there.values() if call.talk is not None and call.talk.leg in alive}
    waiting = {queue: [visit for visit in line if visit.call in there] for queue, line in floor.engine.waiting.items()}
    staying = [seat for seat in floor.seats.values() if seat.pending is None]
    staff = {seat.agent: (seat.state, seat.wrap_up_at) for seat in staying}
    counted = {call for call in floor.engine.talking if call in talks}
    return Behind(talks, waiting, staff, counted)


def assert_nobody_lost(before: Behind, floor: Floor) -> None:
    """Every talk whose legs live goes on with the same agent; everybody who waited waits, in the same order."""
    for call, agent in before.talks.items():
        talk = floor.calls[call].talk
        assert talk is not None and talk.agent == agent, floor.calls[call]
    assert before.counted <= floor.engine.talking.keys()
    for queue, visits in before.waiting.items():
        after = [visit for visit in floor.engine.waiting[queue] if visit in visits]
        left = [visit for visit in visits if visit not in after]
        gone = [each for each in left if floor.calls[each.call].talk is None]  # Whoever answered meanwhile has him.
        assert after == [visit for visit in visits if visit in after], (queue, visits, after)
        assert not gone, gone
    for agent, (state, wrap_up_at) in before.staff.items():
        seat = floor.seats[agent]
        assert (state is AgentState.SIGNED_OUT) == (seat.state is AgentState.SIGNED_OUT), (state, seat)
        assert state is not AgentState.WRAP_UP or seat.wrap_up_at == wrap_up_at, seat
        blamed = seat.state is AgentState.NOT_READY and seat.reason == UNREACHABLE
        assert state is not AgentState.RESERVED or not blamed, seat


def run(seed: int, steps: int = 250) -> World:
    """A whole walk; AssertionError (or whatever the board raises) when it finds something."""
    world = World(seed)
    world.walk(steps)
    world.everybody_leaves()
    world.replays()
    return world
