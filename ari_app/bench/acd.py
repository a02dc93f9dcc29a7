"""`hotline bench acd`: what an event costs the distributor's engine. No Asterisk, no clock in it, one CPU.

- An event is one call of the engine, as the board makes it; an arrival includes the questions the board asks at once
  (position, next relaxation). `mix` gives each kind's share. The stream is seeded and recorded beforehand with an
  engine of its own, so that only the engine is timed.
- events_per_s: the whole stream by CPU time, median of ROUNDS runs. p50_us, p99_us, max_us: each event timed by itself
  in as many further runs of the same stream, and its least time counts: the collector's pauses come at the same events
  in each run, other programs do not. p99_one_run_us: with whatever else the machine did meanwhile, median of the runs.
- growth: p50 with 10,000 agents ÷ p50 with 100.
- Half of QUEUES are overrun and hold nearly all of the waiting; the others find ready agents most of the time. Rules,
  skills and what callers ask: see QUEUES, NODE_NEEDS and Stream.
"""

import gc
import heapq
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from ari_app.acd.engine import Engine
from ari_app.acd.model import Match, Policy, Rule, Visit, rank
from ari_app.bench import figures
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from ari_app.model.skills import needs_of

SIZES: Final = {100: 500, 1000: 5000, 10_000: 50_000}  # Agents: callers waiting.
EVENTS: Final = 100_000
ROUNDS: Final = 5
RELAX_S: Final = (20.0, 60.0)
EVERYDAY: Final = ("post", "shop", "web", "mobile")  # Skills of every agent; the others have some of RARE as well.
RARE: Final = ("billing", "fraud", "mandarin", "english")
POLICIES: Final[tuple[Policy, ...]] = ("longest-idle", "longest-idle", "most-skilled", "least-occupied")
QUEUES: Final[tuple[tuple[str, ...], ...]] = (  # Needs at first, after the first of RELAX_S, after the second.
    ("billing>=3 & (mandarin | english)", "billing>=2 & (mandarin | english)", "billing"),
    ("billing>=4 & english>=3", "billing>=3 & english>=2"),
    ("fraud>=4", "fraud>=3", "fraud"),
    ("fraud>=2 & mandarin>=2", "fraud & mandarin", "fraud | mandarin"),
    ("mandarin>=3 | english>=4", "mandarin>=2 | english>=3"),
    ("billing>=3 & fraud>=2", "billing>=2 & fraud"),
    ("english>=4", "english>=3"),
    ("mandarin>=4 & (billing | fraud)", "mandarin>=3", "mandarin"),
    ("post>=3", "post>=2"),
    ("shop>=2 & web", "shop & web", "shop"),
    ("web>=3 | mobile>=4", "web>=2 | mobile>=3", "web | mobile"),
    ("mobile>=3", "mobile>=2"),
    ("post & shop>=3", "post & shop>=2", "post | shop"),
    ("web>=2 & mobile>=2", "web & mobile"),
    ("shop>=4", "shop>=3"),
    ("post>=2 & (web | mobile)", "post", "post | web"),
)
OVERRUN: Final = len(QUEUES) // 2  # So many of them, from the first.
EVENT_S: Final = 30.0  # An agent has about one event in so many seconds: the more agents, the faster the events.
IDLE: Final = 0.1  # Share of the agents who are ready and have nobody to serve: no overrun queue's skills.
NODE_NEEDS: Final = tuple(f"{a}>={n} & {b}" for a in RARE for b in EVERYDAY for n in (1, 2))  # Asked by a flow.

Call = tuple[str, tuple[Any, ...]]  # A method of Timed, and its arguments.


@dataclass
class Timed:
    """An engine as the board uses it."""

    engine: Engine

    def arrive(self, visit: Visit) -> Match | None:
        match = self.engine.enter(visit)
        self.engine.position(visit.call)
        self.engine.next_stage_at(visit.call)
        return match

    def bound(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = self.arrive if name == "enter" else getattr(self.engine, name)
        return method


@dataclass
class Stream:
    """Events as they come on a busy day, each drawn from what is alive; `waiting` callers wait throughout."""

    agents: int
    waiting: int
    rng: Random = field(default_factory=lambda: Random(4))
    now: float = 1e9
    calls: list[Call] = field(default_factory=list)
    alive: list[CallId] = field(default_factory=list)  # In a queue; ended ones are passed over when drawn.
    offers: list[Match] = field(default_factory=list)
    off: list[AgentId] = field(default_factory=list)  # Talking, in wrap-up, not ready.
    held: list[CallId] = field(default_factory=list)  # Suspended.
    due: list[tuple[float, CallId]] = field(default_factory=list)
    n: int = 0

    def __post_init__(self) -> None:
        self.engine = engine(self.agents)
        self.timed = Timed(self.engine)
        self.off = list(self.engine.skills)

    def record(self, events: int) -> int:
        """Record the filling, then so many events; returns how many calls the filling took."""
        for agent in self.off[: self.agents // 2]:
            self.do("agent_ready", agent, self.now - self.rng.uniform(0, 600), self.rng.random())
        self.off = [agent for agent in self.off if agent not in self.engine.ready]
        while len(self.engine.places) < self.waiting:
            self.step(filling=True)
        filled = len(self.calls)
        while len(self.calls) < filled + events:
            self.step()
        return filled

    def do(self, name: str, *args: Any) -> Any:
        self.calls.append((name, args))
        match = self.timed.bound(name)(*args)
        if match is not None:
            self.offers.append(match)
        return match

    def step(self, filling: bool = False) -> None:
        self.now += EVENT_S / self.agents
        if self.offers:
            self.conclude(self.offers.pop())
        elif self.due and self.due[0][0] <= self.now:
            self.relax()
        elif filling or len(self.engine.places) < self.waiting:
            self.arrive(overrun=filling or len(self.engine.ready) < self.agents * IDLE or self.rng.random() < 0.3)
        else:
            doings = (self.ready, self.abandon, self.pause, self.call_back, self.new_skills)
            self.rng.choices(doings, (60, 25, 8, 6, 1))[0]()

    def arrive(self, overrun: bool) -> None:
        rng, self.n = self.rng, self.n + 1
        priority = rng.choices((0, 1, 2, 5), (80, 10, 8, 2))[0]
        queue = rng.randrange(OVERRUN) if overrun else rng.randrange(OVERRUN, len(QUEUES))
        visit = Visit(
            call=CallId(f"1-{self.n}"),
            n=1,
            queue=QueueName(f"q{queue}"),
            priority=priority,
            since=self.now,
            rank=rank(self.now, priority),
            needs=needs_of(rng.choice(NODE_NEEDS)) if rng.random() < 0.05 else None,
            preferred=rng.choice(list(self.engine.skills)) if rng.random() < 0.05 else None,
            prefer_s=10.0,
            order=self.n,
        )
        self.do("enter", visit)
        self.alive.append(visit.call)
        self.await_stage(visit.call)

    def await_stage(self, call: CallId) -> None:
        if (at := self.engine.next_stage_at(call)) is not None:
            heapq.heappush(self.due, (at, call))

    def conclude(self, match: Match) -> None:
        """Answered, 90 of 100; not taken; or the caller hangs up while it rings, and the agent keeps his idle time."""
        outcome = self.rng.random()
        if match.visit.call not in self.engine.places:
            self.do("agent_ready", match.agent, self.now - 5, self.rng.random())
        elif outcome < 0.9:
            self.do("leave", match.visit.call)
            self.off.append(match.agent)
        elif outcome < 0.96:
            self.off.append(match.agent)
            self.do("offer_lost", match.visit.call)
        else:
            self.do("leave", match.visit.call)
            self.do("agent_ready", match.agent, self.now - 5, self.rng.random())

    def relax(self) -> None:
        at, call = heapq.heappop(self.due)
        if call in self.engine.places:
            self.do("relax", call, at)
            self.await_stage(call)

    def ready(self) -> None:
        if self.off:
            agent = self.drawn(self.off)
            self.do("agent_ready", agent, self.now, self.rng.random())

    def abandon(self) -> None:
        while (call := self.drawn(self.alive)) not in self.engine.places:
            pass
        self.do("leave", call)

    def pause(self) -> None:
        if self.engine.ready:
            agent = next(iter(self.engine.ready))
            self.do("agent_not_ready", agent)
            self.off.append(agent)

    def call_back(self) -> None:
        """A caller books a call-back: dialled later, he is matched in his old place."""
        if self.held and self.rng.random() < 0.5:
            call = self.drawn(self.held)
            if call in self.engine.places:
                self.do("resume", call)
        else:
            call = self.rng.choice(self.alive)
            if call in self.engine.places and not self.engine.places[call].suspended:
                self.do("suspend", call)
                self.held.append(call)

    def new_skills(self) -> None:
        agent = self.rng.choice(list(self.engine.skills))
        self.do("set_skills", agent, some_skills(self.rng))

    def drawn(self, from_: list[Any]) -> Any:
        """One of them, taken out."""
        at = self.rng.randrange(len(from_))
        from_[at], from_[-1] = from_[-1], from_[at]
        return from_.pop()


def engine(agents: int) -> Engine:
    rng = Random(8)
    rules = {}
    for n, (first, *later) in enumerate(QUEUES):
        relax = tuple((after_s, needs_of(asked)) for after_s, asked in zip(RELAX_S, later, strict=False))
        rules[QueueName(f"q{n}")] = Rule(needs_of(first), relax, POLICIES[n % len(POLICIES)])
    return Engine(rules, {AgentId(str(10_000 + n)): some_skills(rng) for n in range(agents)})


def some_skills(rng: Random) -> dict[Skill, int]:
    """Two or three everyday skills; every second agent one to four of the rare ones too."""
    names = rng.sample(EVERYDAY, rng.choice((2, 3)))
    if rng.random() < 0.5:
        names += rng.sample(RARE, rng.randint(1, 4))
    return {Skill(name): rng.randint(1, 5) for name in names}


def bench_acd(say: Callable[[str], None], sizes: dict[int, int] = SIZES, events: int = EVENTS) -> dict[str, Any]:
    """The figures by number of agents; `sizes`: agents → waiting callers."""
    result: dict[str, Any] = {**figures.machine(), "events": events}
    for agents, waiting in sizes.items():
        say(f"{agents} agents, {waiting} callers waiting")
        result[f"agents_{agents}"] = _measured(agents, waiting, events)
    fewest, most = result[f"agents_{min(sizes)}"], result[f"agents_{max(sizes)}"]
    result["growth"] = round(most["p50_us"] / fewest["p50_us"], 2)
    return result


def _measured(agents: int, waiting: int, events: int) -> dict[str, Any]:
    stream = Stream(agents, waiting)
    filled = stream.record(events)
    calls = stream.calls
    del stream
    gc.collect()
    gc.freeze()  # The stream is the bench's own: the collector shall find the engine's objects only.
    try:
        rates = [_rate(agents, calls, filled) for _ in range(ROUNDS)]
        runs = [_each(agents, calls, filled) for _ in range(ROUNDS)]
    finally:
        gc.unfreeze()
    took_us = [min(times) for times in zip(*runs, strict=True)]
    mix = Counter(name for name, _ in calls[filled:])
    return {
        "waiting": waiting,
        "events_per_s": round(statistics.median(rates)),
        "p50_us": figures.percentile(took_us, 50),
        "p99_us": figures.percentile(took_us, 99),
        "max_us": max(took_us),
        "p99_one_run_us": statistics.median(figures.percentile(run, 99) or 0.0 for run in runs),
        "mix": {name: round(count / events, 3) for name, count in mix.most_common()},
    }


def _prepared(agents: int, calls: list[Call], filled: int) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """A fresh engine, filled; and the calls still to be made on it."""
    timed = Timed(engine(agents))
    bound = [(timed.bound(name), args) for name, args in calls]
    for call, args in bound[:filled]:
        call(*args)
    return bound[filled:]


def _rate(agents: int, calls: list[Call], filled: int) -> float:
    bound = _prepared(agents, calls, filled)
    began = time.thread_time()
    for call, args in bound:
        call(*args)
    return len(bound) / (time.thread_time() - began)


def _each(agents: int, calls: list[Call], filled: int) -> list[float]:
    clock, took = time.perf_counter_ns, []
    bound = _prepared(agents, calls, filled)
    gc.collect()  # From here on each run is the same for the collector.
    for call, args in bound:
        began = clock()
        call(*args)
        took.append(clock() - began)
    return [round(ns / 1000, 2) for ns in took]
