"""A board with a virtual clock and a perfect Asterisk, so that a test of the board reads as a story.

`kit.arrive()`, `kit.press("1")`, `kit.wait(5)`: every call handles one event and all that Asterisk answers to it. The
kit asserts what Asterisk is strict about (asterisk.md, "requests wait"): no Join or Leave of a leg that hears a prompt.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from ari_app.board.board import Board
from ari_app.flow.model import Flow, LoadedFlow
from ari_app.flow.situations import Situation, Situations
from ari_app.model import control as ct
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model import work
from ari_app.model.audit import WrapUpExtended
from ari_app.model.ids import AgentId, BridgeId, CallId, LegId, Number, PhoneName, RequestId, TimerId
from ari_app.model.screening_facts import CallerScreened
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState, CallState
from ari_app.runtime.timers import Timers
from tests.crash_kit import Kept

NOON = 1_772_416_800.0  # 2026-03-02 10:00 in Shanghai.
FactT = TypeVar("FactT")
EffectT = TypeVar("EffectT")

MAIN: dict[str, Any] = {
    "start": "greeting",
    "nodes": {
        "greeting": {"type": "greet", "next": "menu"},
        "menu": {
            "type": "menu",
            "say": ["main-menu"],
            "keys": {"1": "billing", "2": "network", "3": "english"},
            "repeat_key": "*",
            "tries": 3,
            "on_silence": "bye",
            "on_wrong": "network",
        },
        "english": {"type": "language", "language": "en", "next": "menu"},
        "billing": {"type": "queue", "queue": "billing", "on_timeout": "sorry", "on_full": "sorry"},
        "network": {"type": "queue", "queue": "network", "say": [], "on_timeout": "sorry", "on_full": "sorry"},
        "sorry": {"type": "hangup", "say": ["queue-timeout"]},
        "bye": {"type": "hangup", "say": ["no-answer-goodbye"]},
    },
}
NEVER = {"policy": "never"}
QUEUES: dict[str, Any] = {
    "billing": {"skills": {"billing": 1}, "whisper": "queue-billing", "wait_s_max": 600, "recording": NEVER},
    "network": {"skills": {"network": 1}, "whisper": "", "wrap_up_s": 0, "recording": NEVER},
}
AGENTS: dict[str, Any] = {
    "81": {"phone": "p81", "skills": {"billing": 3}},
    "82": {"phone": "p82", "skills": {"billing": 1, "network": 2}},
}


def seen_bridges(where: Mapping[LegId, BridgeId]) -> tuple[ev.BridgeSeen, ...]:
    """Bridges as they are listed."""
    names = sorted(set(where.values()))
    kinds = ("holding" if name.startswith("music-") else "mixing" for name in names)
    legs = (tuple(leg for leg, at in where.items() if at == name) for name in names)
    return tuple(ev.BridgeSeen(*each) for each in zip(names, kinds, legs, strict=True))


class Cut(Exception):
    """The story's budget of events is used up: see Kit.budget."""


def settings(**changes: Any) -> Settings:
    """Two queues and two agents; `changes` replaces top-level keys, `billing` merges into that queue."""
    billing = {**QUEUES["billing"], **changes.pop("billing", {})}
    base: dict[str, Any] = {
        "numbers": {"1860": {"flow": "main"}},
        "queues": {**QUEUES, "billing": billing},
        "agents": AGENTS,
        "phones": {"p81": {}, "p82": {}, "p83": {}},
    }
    return Settings.model_validate({**base, **changes})


def loaded(
    flow: dict[str, Any], name: str = "main", situations: Mapping[str, Situation] = MappingProxyType({})
) -> LoadedFlow:
    scripts = Situations(version="s1", named=situations)
    return LoadedFlow(name=name, version="v1", flow=Flow.model_validate(flow), situations=scripts)


def situation(**changes: Any) -> Situation:
    """One the machine does; `changes` are its steps and whatever else differs."""
    words = {"zh-CN": "测试", "en": "a test"}
    base = {"title": words, "when": words, "who": ["machine"], "allowed": ["in-flow"]}
    return Situation.model_validate({**base, **changes})


@dataclass
class Kit:
    """A board and its Asterisk. `deaf` names effects that Asterisk does not answer by itself."""

    settings: Settings = field(default_factory=settings)
    flow: dict[str, Any] = field(default_factory=lambda: MAIN)
    flows: Mapping[str, LoadedFlow] | None = None  # Instead of `flow`.
    now: float = NOON
    prompt_s: float | None = None  # Prompts last so long; None: until heard() is called.
    pins: dict[str, str] = field(default_factory=lambda: {"81": "2468", "82": "1357"})
    deaf: set[type[Any]] = field(default_factory=set)
    budget: int | None = None  # Events handled before Cut is raised.
    legs: dict[LegId, str] = field(default_factory=dict)  # Live legs: "caller", "desk", or the phone's name.
    playing: dict[str, LegId] = field(default_factory=dict)
    replies: list[ev.Event] = field(default_factory=list)
    log: list[tuple[float, ev.Event, list[fx.Effect]]] = field(default_factory=list)
    timers: Timers = field(default_factory=Timers)
    arrivals: int = 0
    epoch: int = 7
    kept: Kept = field(default_factory=Kept)
    bridges: dict[LegId, BridgeId] = field(default_factory=dict)  # Who is in which.
    states: dict[LegId, str] = field(default_factory=dict)  # Of legs that are not Up.
    strangers: dict[LegId, tuple[str, str]] = field(default_factory=dict)  # Number, number dialled.

    def __post_init__(self) -> None:
        self.board = self.fresh_board()
        self.event(ev.Booted(self.epoch))
        self.link_up()

    def fresh_board(self) -> Board:
        flows = self.flows or {"main": loaded(self.flow)}
        return Board(self.settings, flows, ZoneInfo(self.settings.timezone))

    def crash(self, gap_s: float = 1.0, gone: tuple[LegId, ...] = ()) -> None:
        """The daemon is killed; after a while, in which these legs end, the next one goes on."""
        self.replies, old, last_at = [], self.board, self.now
        ours = [timer for timer in self.timers._at if not timer.startswith("kit.")]
        for timer in ours:
            self.timers.cancel(timer)
        for leg in gone:
            self._hang_up(leg, 16)
        self.replies = []
        self.pass_silently(gap_s)
        self.board, self.epoch = self.fresh_board(), self.epoch + 1
        self.board.offer_pinned({old.floor.versions: old.floor.flows, (): {}})
        for event in self.kept.copy().told(self.epoch, last_at):
            self.event(event)
        self.link_up()

    def pass_silently(self, seconds: float) -> None:
        """Prompts end, and nobody hears of it."""
        self.now += seconds
        for timer in self.timers.due(self.now):
            self._ended(timer)

    # -- the machinery --

    def event(self, event: ev.Event) -> list[fx.Effect]:
        """One event, then whatever Asterisk answers to its effects, until all is quiet. Returns its own effects."""
        effects = self.handle(event)
        self.settle()
        return effects

    def settle(self) -> None:
        while self.replies:
            self.handle(self.replies.pop(0))

    def handle(self, event: ev.Event) -> list[fx.Effect]:
        if self.budget is not None:
            if self.budget == 0:
                self.replies.insert(0, event)
                raise Cut
            self.budget -= 1
        if isinstance(event, ev.LegEnded):
            self.legs.pop(event.leg, None)
        effects = self.board.handle(event, self.now)
        self.log.append((self.now, event, effects))
        self.kept.see(self.board.floor, event, effects, self.now)
        for effect in effects:
            self.asterisk(effect)
        return effects

    def wait(self, seconds: float) -> None:
        """Let time pass: timers fire and prompts end at their moments."""
        end = self.now + seconds
        while (at := self.timers.next_at()) is not None and at <= end:
            self.now = max(self.now, at)
            for timer in self.timers.due(self.now):
                self.event(self._ended(timer) if timer.startswith("kit.") else ev.TimerFired(timer))
        self.now = end

    def _ended(self, timer: TimerId) -> ev.Event:
        playback = timer.removeprefix("kit.")
        self.playing.pop(playback, None)
        return ev.PlaybackEnded(playback, True)  # type: ignore[arg-type]

    # -- Asterisk's part --

    def asterisk(self, effect: fx.Effect) -> None:
        match effect:
            case fx.SetTimer(timer, at):
                self.timers.set(timer, at)
            case fx.CancelTimer(timer):
                self.timers.cancel(timer)
            case _ if type(effect) in self.deaf:
                pass
            case fx.Play(_, leg, playback):
                self._plays(leg, playback)
            case fx.StopPlay(_, playback):
                self._stops(playback, ok=True)
            case fx.Join(_, _, leg) | fx.Leave(_, _, leg) | fx.Answer(_, leg):
                assert leg not in self.playing.values(), f"{effect} would wait for the prompt"
                self._moves(effect)
            case fx.DropBridge(_, bridge):
                self.bridges = {leg: at for leg, at in self.bridges.items() if at != bridge}
            case fx.Listen(_, leg) | fx.Unlisten(_, leg):
                assert leg not in self.playing.values(), f"{effect} would wait for the prompt"
            case fx.Ring(_, leg, phone):
                self.legs[leg] = phone
            case fx.Dial(_, leg) | fx.Snoop(_, leg):
                self.legs[leg] = "snoop" if isinstance(effect, fx.Snoop) else self._dialled(effect)
            case fx.HangUp(_, leg, cause) if leg in self.legs:
                self._hang_up(leg, cause)
            case fx.HangUp(call, leg):
                self.replies.append(ev.CommandFailed("HangUp", call, leg, "gone"))
            case fx.StartRecording(_, _, recording):
                self.replies.append(ev.RecordingStarted(recording))
            case fx.StopRecording(_, _, recording):
                self.replies.append(ev.RecordingStopped(recording))
            case fx.JoinRecording(_, recording):
                self.replies.append(ev.RecordingJoined(recording, f"{recording}.wav", 3.0, 96_000, "ab" * 32))
            case fx.CheckPin(leg, agent, pin):
                self.replies.append(ev.PinChecked(leg, agent, self.pins.get(agent) == pin))
            case _:
                pass

    def _moves(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Join(_, bridge, leg) if leg in self.legs:
                self.bridges[leg] = bridge
            case fx.Leave(_, _, leg):
                self.bridges.pop(leg, None)

    def _plays(self, leg: LegId, playback: str) -> None:
        if leg in self.legs:
            self.playing[playback] = leg
            if self.prompt_s is not None:
                self.timers.set(TimerId(f"kit.{playback}"), self.now + self.prompt_s)
        else:
            self.replies.append(ev.CommandFailed("Play", None, playback, "gone"))

    def _stops(self, playback: str, ok: bool) -> None:
        self.timers.cancel(TimerId(f"kit.{playback}"))
        if self.playing.pop(playback, None) is not None:
            self.replies.append(ev.PlaybackEnded(playback, ok))  # type: ignore[arg-type]

    def _dialled(self, dial: fx.Dial) -> str:
        """Whose leg it is: a caller who is called back, or somebody outside."""
        return "caller" if self.board.floor.calls[dial.call].booking is not None else "outside"

    def _hang_up(self, leg: LegId, cause: int, sip: int = 0) -> None:
        for playback in [p for p, where in self.playing.items() if where == leg]:
            self._stops(playback, ok=False)
        del self.legs[leg]
        self.bridges.pop(leg, None)
        self.replies.append(ev.LegEnded(leg, cause, sip))

    # -- what people do --

    def link_up(self) -> None:
        self.event(ev.LinkUp("22.10.1"))
        for leg, (number, dialled) in self.strangers.items():
            self.event(ev.CallerSeen(leg, Number(number), dialled, "trunk"))
        self.event(self.listing())

    def listing(self, without: tuple[LegId, ...] = (), phones: tuple[str, ...] | None = None) -> ev.Listed:
        seen = tuple(ev.ChannelSeen(leg, self.states.get(leg, "Up")) for leg in self.legs if leg not in without)
        reachable = tuple(PhoneName(p) for p in (phones if phones is not None else self.settings.phones))
        return ev.Listed(seen, seen_bridges(self.bridges), reachable)

    def arrive(self, dialled: str = "1860", caller: str = "13800138000", via: str = "trunk") -> LegId:
        self.arrivals += 1
        leg = LegId(f"c{self.arrivals}")
        self.legs[leg] = "caller"
        self.event(ev.CallArrived(leg, Number(caller), dialled, via))
        return leg

    def dial(self, phone: str, code: str) -> LegId:
        self.arrivals += 1
        leg = LegId(f"d{self.arrivals}")
        self.legs[leg] = "desk"
        self.event(ev.FeatureDialled(leg, PhoneName(phone), code))
        return leg

    def press(self, keys: str, leg: LegId | None = None) -> None:
        for digit in keys:
            self.event(ev.KeyPressed(leg or LegId(f"c{self.arrivals}"), digit))

    def heard(self, leg: LegId | None = None, ok: bool = True) -> None:
        """What `leg` (the last caller's) hears is over."""
        leg = leg or LegId(f"c{self.arrivals}")
        playback = next(p for p, where in self.playing.items() if where == leg)
        del self.playing[playback]
        self.event(ev.PlaybackEnded(playback, ok))  # type: ignore[arg-type]

    def hang_up(self, leg: LegId, cause: int = 16, sip: int = 0) -> None:
        self._hang_up(leg, cause, sip)
        self.settle()

    def ask(self, agent: str, wish: ev.AgentWish, value: str = "", phone: str | None = None) -> tuple[bool, str]:
        """An agent's wish; returns what is answered."""
        asked = ev.AgentAsked(AgentId(agent), wish, value, PhoneName(phone) if phone else None, RequestId("r"))
        reply = next(e for e in self.event(asked) if isinstance(e, fx.Reply))
        return reply.ok, reply.message

    def ready(self, *agents: str) -> None:
        for agent in agents:
            self.ask(agent, "sign-in")
            self.ask(agent, "ready")

    def leg_of(self, agent: str) -> LegId:
        """The leg that rings, or talks, at the agent's phone."""
        phone = self.board.floor.seats[AgentId(agent)].phone
        return next(leg for leg, where in self.legs.items() if where == phone)

    def rings(self, agent: str) -> None:
        self.event(ev.LegRinging(self.leg_of(agent)))

    def answers(self, agent: str) -> LegId:
        leg = self.leg_of(agent)
        self.event(ev.LegAnswered(leg))
        return leg

    # -- what a test asks --

    def effects(self, *kinds: type[EffectT]) -> list[EffectT]:
        return [e for _, _, out in self.log for e in out if isinstance(e, kinds)]

    def facts(self, *kinds: type[FactT]) -> list[FactT]:
        notes: list[Any] = [e.fact for _, _, out in self.log for e in out if isinstance(e, fx.Note)]
        return [fact for fact in notes if not kinds or isinstance(fact, kinds)]

    def said(self, leg: LegId | None = None) -> list[str]:
        """Every prompt played so far (to `leg`)."""
        return [p for e in self.effects(fx.Play) if leg in (None, e.leg) for p in e.prompts]

    def state(self, agent: str) -> AgentState:
        return self.board.floor.seats[AgentId(agent)].state

    def call(self, leg: str) -> CallState:
        return self.board.floor.calls[self.board.floor.legs[LegId(leg)]].state

    def everybody_leaves(self) -> None:
        """Callers and agents hang up, time passes; then nothing may be left, and every fact must add up."""
        self.budget, self.deaf = None, set()
        self.settle()
        for leg in [*self.legs]:
            if leg in self.legs:
                self.hang_up(leg)
        self.wait(90_000)
        for leg in [*self.legs]:
            self.hang_up(leg)
        self.wait(90_000)
        assert_clean(self.board)
        assert not len(self.timers), "timers left"
        assert_facts_add_up(self.facts())


def assert_clean(board: Board) -> None:
    """Nothing is left of any call."""
    floor = board.floor
    assert not floor.calls and not floor.desks and not floor.legs, (floor.calls, floor.desks, floor.legs)
    assert not any(floor.engine.waiting.values()) and not floor.engine.places
    busy = (AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP)
    assert not [s for s in floor.seats.values() if s.state in busy or s.leg is not None], floor.seats
    assert not floor.mint.parts, floor.mint.parts
    assert not floor.supervising and not +floor.phones_used
    assert not floor.bookings, floor.bookings
    assert not floor.item_offers, floor.item_offers


def about(facts: list[Any], call: CallId) -> list[Any]:
    """A call's facts, without those of the agents' seats and what may come after its end (files, dispositions)."""
    late = (ft.AgentChanged, ft.DispositionNoted, WrapUpExtended, ft.RecordingStored, ft.RecordingMissed)
    late += (ft.MessageLeft, work.MessageStored, work.ItemOpened)  # He may hang up while he speaks.
    late += (work.CallbackEnded, work.ItemOffered, work.ItemOfferEnded)
    late += (CallerScreened,)  # An agent may mark the caller of a talk that is over.
    return [fact for fact in facts if getattr(fact, "call", None) == call and not isinstance(fact, late)]


def assert_items_add_up(facts: list[Any]) -> None:
    """A message has one worker at a time, is done once, and nothing comes after; every offer of it ends once."""
    _pairs(facts, work.ItemOffered, work.ItemOfferEnded, lambda f: f.offer)
    for message in {fact.message for fact in facts if isinstance(fact, work.ItemTaken | work.ItemOffered)}:
        state = "unknown"  # An earlier daemon may have given it to somebody.
        for fact in facts:
            match state, fact:
                case _, _ if getattr(fact, "message", None) != message:
                    pass
                case "waiting" | "unknown", work.ItemOffered():
                    state = "offered"
                case "offered", work.ItemOfferEnded(outcome=outcome):
                    state = "accepted" if outcome == "accepted" else "waiting"
                case "waiting" | "accepted" | "unknown", work.ItemTaken():
                    state = "taken"
                case "taken" | "unknown", work.ItemReturned() | work.ItemDone():
                    state = "waiting" if isinstance(fact, work.ItemReturned) else "done"
                case _, work.ItemOpened() | work.MessageStored() | ft.MessageLeft():
                    pass
                case _:
                    raise AssertionError(f"{fact} while {state}")
        assert state in ("waiting", "taken", "done"), (message, state)


def assert_facts_add_up(facts: list[Any]) -> None:
    """Each call opens first and closes last, once; every visit, offer, leg and talk that begins ends once."""
    assert_items_add_up(facts)
    for call in {fact.call for fact in facts if isinstance(fact, ft.CallOpened)}:
        mine = about(facts, call)
        assert isinstance(mine[0], ft.CallOpened) and isinstance(mine[-1], ft.CallClosed), mine
        kinds = Counter(type(fact) for fact in mine)
        assert kinds[ft.CallOpened] == kinds[ft.CallClosed] == 1, mine
        _pairs(mine, ft.LegOpened, ft.LegClosed, lambda f: f.leg)
        _pairs(mine, ft.OfferMade, ft.OfferEnded, lambda f: f.offer)
        _pairs(mine, ft.Connected, ft.TalkEnded, lambda f: f.offer)
        _pairs(mine, ct.TransferBegan, ct.TransferEnded, lambda f: f.transfer)
        assert kinds[ct.Supervised] >= kinds[ct.SupervisionEnded] > 0 or not kinds[ct.Supervised]
        assert kinds[ft.HoldBegan] == kinds[ft.HoldEnded]
        left = [fact.visit for fact in mine if isinstance(fact, ft.QueueLeft)]
        assert left == list(range(1, len(left) + 1)), mine
        assert {fact.visit for fact in mine if isinstance(fact, ft.Queued)} <= set(left)


def _pairs(facts: list[Any], begins: type[Any], ends: type[Any], key: Callable[[Any], str]) -> None:
    began = [key(fact) for fact in facts if isinstance(fact, begins)]
    ended = [key(fact) for fact in facts if isinstance(fact, ends)]
    assert sorted(began) == sorted(ended) and len(set(began)) == len(began), (begins, began, ended)
