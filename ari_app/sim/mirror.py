"""The same people on the whole board instead of the distributor alone: does it offer the same calls to the same agents?

The board gets events as a faultless Asterisk and quick phones would send them; people are those of the same seed.
Slow beside World: for small scenarios. Wrap-up is the queue's own: the board knows no other.
"""

from collections.abc import Callable
from datetime import UTC
from heapq import heappop, heappush
from typing import Any, Final, TypeAlias

from ari_app.board.board import Board
from ari_app.flow.model import Flow, LoadedFlow
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, CallId, LegId, Number, PhoneName, TimerId
from ari_app.model.scenario import Agents
from ari_app.model.settings import Settings
from ari_app.sim.callers import Source, source
from ari_app.sim.people import Caller
from ari_app.sim.plan import Draw, Duty, Plan, Streams, drawn
from ari_app.sim.run import world_of

Offered: TypeAlias = tuple[float, CallId, AgentId]

_QUIET: Final = {"whisper": "", "recording": {"policy": "never"}}


def offers_of_world(plan: Plan, seed: int, n: int) -> list[Offered]:
    """Every offer of a replication, in order, as `World` makes them."""
    found: list[Offered] = []

    def happened(what: str, now: float, caller: Any, agent: Any) -> None:
        if what == "offered":
            found.append((now, caller.call, agent.id))

    world_of(plan, seed, n, happened=happened).run()
    return found


def reason_against(plan: Plan) -> str:
    """Why the board cannot play this scenario; empty when it can."""
    for kind, callers in plan.scenario.callers.items():
        if callers.wrap_up is not None:
            return f"callers.{kind}: the board knows no wrap_up of callers, only the queue's wrap_up_s"
        if callers.call_back:
            return f"callers.{kind}: call-backs are not played on the board"
    return ""


def offers_of_board(plan: Plan, random: Streams) -> list[Offered]:
    """Every offer the board makes to the same people, in order."""
    mirror = _Mirror(plan, random)
    mirror.run()
    return mirror.offers


class _Mirror:
    def __init__(self, plan: Plan, random: Streams) -> None:
        self.plan, self.now, self.offers = plan, 0.0, list[Offered]()
        self._heap: list[tuple[float, int, Callable[..., None], Any]] = []
        self._pushed = self._came = 0
        self._timers: dict[TimerId, float] = {}
        self._callers: dict[CallId, Caller] = {}
        self._live: set[LegId] = set()
        self._on_duty: set[AgentId] = set()
        self._replies: list[ev.Event] = []
        self._kinds = {agent: kind for agent, kind, _ in plan.staff()}
        self._answers: dict[str, Draw | None] = {
            kind: drawn(each.answer, random(f"{kind}/answer")) if each.answer else None
            for kind, each in plan.scenario.agents.items()
        }
        self._luck = random("offers").random
        self.board = Board(_settings(plan), _flows(plan), UTC)
        for event in (ev.Booted(1), ev.LinkUp("22"), ev.Listed((), (), tuple(map(_phone, self._kinds)))):
            self._give(event)
        for kind in plan.scenario.callers:
            self._await(source(plan, kind, random))
        duties = {kind: Duty.of(a, plan.begins_s, plan.until_s) for kind, a in plan.scenario.agents.items()}
        for agent, kind in self._kinds.items():
            self._give(ev.AgentAsked(agent, "sign-in"))
            if duties[kind].at_first:
                self._change_duty((agent, True))
            for moment, begins in duties[kind].changes:
                self._at(moment, self._change_duty, (agent, begins))

    def run(self) -> None:
        while self._heap:
            self.now, _, do, what = heappop(self._heap)
            do(what)

    def _at(self, moment: float, do: Callable[..., None], what: Any) -> None:
        self._pushed += 1
        heappush(self._heap, (moment, self._pushed, do, what))

    def _give(self, event: ev.Event) -> None:
        """An event, and then all that Asterisk answers to it at once."""
        self._replies.append(event)
        while self._replies:
            event = self._replies.pop(0)
            if isinstance(event, ev.LegEnded):
                self._live.discard(event.leg)
            for effect in self.board.handle(event, self.now):
                self._carry_out(effect)

    def _carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.SetTimer(timer, at):
                self._timers[timer] = at
                self._at(at, self._fire, (timer, at))
            case fx.CancelTimer(timer):
                self._timers.pop(timer, None)
            case fx.Ring(_, leg, phone, _, _, ring_s):
                self._ring(leg, AgentId(phone.removeprefix("p")), ring_s)
            case fx.HangUp(_, leg) if leg in self._live:
                self._replies.append(ev.LegEnded(leg, 16))
            case fx.Note(ft.OfferMade(call=call, agent=agent)):
                self.offers.append((self.now, call, agent))
            case fx.Note(ft.Connected(call=call)):
                self._at(self.now + self._callers[call].talk_s, self._leave, LegId(f"c{call}"))

    def _fire(self, due: tuple[TimerId, float]) -> None:
        timer, at = due
        if self._timers.get(timer) == at:
            del self._timers[timer]
            self._give(ev.TimerFired(timer))

    # -- people --

    def _await(self, of: Source) -> None:
        moment = next(of.moments, None)
        if moment is not None:
            self._at(moment, self._arrive, of)

    def _arrive(self, of: Source) -> None:
        self._await(of)
        self._came += 1
        call = CallId(f"1-{self._came}")
        caller = self._callers[call] = of.caller(call, self.now)
        leg = LegId(f"c{call}")
        self._live.add(leg)
        if caller.gives_up:
            self._at(caller.limit_at, self._give_up, caller)
        known = caller.known is not None and caller.known in self._on_duty
        number = str(caller.known) if known else "13800138000"  # The flow prefers the agent of this number.
        self._give(ev.CallArrived(leg, Number(number), _number(self.plan, of.kind), "sim"))

    def _give_up(self, caller: Caller) -> None:
        call = self.board.floor.calls.get(caller.call)
        if call is not None and call.talk is None:
            self._leave(LegId(f"c{caller.call}"))

    def _leave(self, leg: LegId) -> None:
        if leg in self._live:
            self._give(ev.LegEnded(leg, 16))

    def _ring(self, leg: LegId, agent: AgentId, ring_s: float) -> None:
        """As in World: the same draws, in the order of offers."""
        self._live.add(leg)
        self._replies.append(ev.LegRinging(leg))
        kind = self._kinds[agent]
        each: Agents = self.plan.scenario.agents[kind]
        answer = self._answers[kind]
        answer_s = ring_s if each.no_answer and self._luck() < each.no_answer else answer() if answer else 0.0
        if answer_s >= ring_s:
            self._at(self.now + ring_s, self._ran_out, (leg, agent, each.back_after_s))
        elif answer is None:
            self._replies.append(ev.LegAnswered(leg))
        else:
            self._at(self.now + answer_s, self._answered, leg)

    def _answered(self, leg: LegId) -> None:
        if leg in self._live:
            self._give(ev.LegAnswered(leg))

    def _ran_out(self, offer: tuple[LegId, AgentId, float]) -> None:
        leg, agent, back_after_s = offer
        if leg in self._live:
            self._at(self.now + back_after_s, self._back, agent)
            self._give(ev.LegEnded(leg, 19))

    def _back(self, agent: AgentId) -> None:
        if agent in self._on_duty:
            self._give(ev.AgentAsked(agent, "ready"))

    def _change_duty(self, change: tuple[AgentId, bool]) -> None:
        agent, begins = change
        (self._on_duty.add if begins else self._on_duty.discard)(agent)
        self._give(ev.AgentAsked(agent, "ready" if begins else "not-ready"))


def _phone(agent: AgentId) -> PhoneName:
    return PhoneName(f"p{agent}")


def _number(plan: Plan, kind: str) -> str:
    return str(1000 + list(plan.scenario.callers).index(kind))


def _settings(plan: Plan) -> Settings:
    agents = {
        agent: {"phone": _phone(agent), "skills": dict(plan.scenario.agents[kind].skills)}
        for agent, kind, _ in plan.staff()
    }
    return Settings.model_validate(
        {
            "numbers": {_number(plan, kind): {"flow": kind} for kind in plan.scenario.callers},
            "queues": {name: {**queue.model_dump(), **_QUIET, "hours": None} for name, queue in plan.queues.items()},
            "routing": {"priority_step_s": plan.step_s},
            "agents": agents,
            "phones": {_phone(agent): {} for agent in agents},
            "limits": {"calls_max": 100_000},
            "surge": _surge(plan),
        }
    )


def _surge(plan: Plan) -> dict[str, Any]:
    """The scenario's, its kinds of agents as work numbers."""
    surge = plan.scenario.surge.model_dump()
    numbers: dict[str, list[AgentId]] = {}
    for agent, kind, _ in plan.staff():
        numbers.setdefault(kind, []).append(agent)
    for step in surge["steps"]:
        step["agents"] = [number for kind in step["agents"] for number in numbers[kind]]
    return surge


def _flows(plan: Plan) -> dict[str, LoadedFlow]:
    """A kind of caller comes to a flow that is nothing but the queue."""
    found = {}
    for kind, callers in plan.scenario.callers.items():
        node = {"type": "queue", "queue": callers.queue, "say": [], "priority": callers.priority}
        if callers.skills is not None:
            node["skills"] = _expression(callers.skills)
        node |= {"prefer": "caller", "prefer_s": callers.prefer_s, "on_timeout": "bye", "on_full": "bye"}
        nodes = {"wait": node, "bye": {"type": "hangup", "say": []}}
        found[kind] = LoadedFlow(name=kind, version="1", flow=Flow.model_validate({"start": "wait", "nodes": nodes}))
    return found


def _expression(skills: dict[str, int] | str) -> str:
    return skills if isinstance(skills, str) else " & ".join(f"{skill}>={level}" for skill, level in skills.items())
