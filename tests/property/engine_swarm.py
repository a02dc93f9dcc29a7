"""Seeded walks: the distributor's engine beside the brute-force oracle, compared after every action.

Four queues, two to ten agents, a dozen callers. Actions are drawn from what is alive, with weights drawn anew for each
walk, some of them zero. Blocks are tiny, so that they split and merge all the time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args

from ari_app.acd.asks import Asks
from ari_app.acd.engine import Engine
from ari_app.acd.matching import Order
from ari_app.acd.model import Match, Policy, Rule, Visit, rank
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from ari_app.model.skills import Needs, needs_of
from tests.property import oracle

AGENTS = [AgentId(a) for a in ("81", "82", "83", "9", "100", "84", "85", "86", "87", "88")]
SKILLS = [Skill(s) for s in ("a", "b", "c")]
QUEUES = [QueueName(q) for q in ("q1", "q2", "q3", "q4")]
ASKED = ("a", "b", "c", "a>=3", "a & b", "a | b", "b>=4 | c>=2", "a>=2 & (b | c)", "a>=5 & b>=5 & c>=5")
CALLERS_MAX = 14


def some_needs(rng: Random) -> Needs:
    return needs_of(rng.choice(ASKED))


def some_skills(rng: Random) -> dict[Skill, int]:
    return {skill: rng.randint(1, 5) for skill in SKILLS if rng.random() < 0.6}


def some_rule(rng: Random) -> Rule:
    relax = tuple(
        (after_s, some_needs(rng)) for after_s in sorted(rng.sample((0, 5, 10, 30, 60), rng.choice((0, 1, 2))))
    )
    return Rule(some_needs(rng), relax, rng.choice(get_args(Policy)), rng.choice((None, None, None, 1, 2)))


@dataclass
class World:
    """One walk. `offers`: who is being rung for whom, kept here from the matches alone."""

    seed: int
    now: float = 1000.0
    calls: int = 0
    offers: dict[CallId, AgentId] = field(default_factory=dict)
    idle_since: dict[AgentId, float] = field(default_factory=dict)
    ended: set[CallId] = field(default_factory=set)
    talks: dict[CallId, QueueName] = field(default_factory=dict)
    settled: bool = True  # False from a reopening until `matches` was run.

    def __post_init__(self) -> None:
        self.rng = rng = Random(self.seed)
        rules = {queue: some_rule(rng) for queue in QUEUES}
        self.agents = AGENTS[: rng.choice((2, 4, 10))]
        skills = {agent: some_skills(rng) for agent in self.agents}
        self.fast = Engine(rules, dict(skills))
        self.slow = oracle.Engine(rules, dict(skills))
        size = rng.choice((1, 2, 3, 5))
        self.fast._asks.heads = Order(size)
        for ask in self.fast._asks.known.values():
            ask.seeking = Order(size)
        for line in self.fast.waiting.values():
            line.order = Order(size)
        self.fast._idle, self.fast._occupied = Order(size), Order(size)
        self.fast._asks.spare_max = rng.choice((0, 1, 64))
        self.lines: dict[QueueName, list[CallId]] = {queue: [] for queue in QUEUES}

    def both(self, deed: Callable[[Any], Any]) -> Any:
        """The same on both engines: the same answer, and the same afterwards."""
        fast, slow = deed(self.fast), deed(self.slow)
        assert fast == slow, f"{fast} instead of {slow}"
        for match in fast if isinstance(fast, list) else [fast]:
            if isinstance(match, Match):
                self.matched(match)
        self.compare()
        self.check()
        return fast

    def matched(self, match: Match) -> None:
        """An agent never has two offers, a caller neither."""
        call = match.visit.call
        assert match.agent not in self.offers.values() and call not in self.offers and call not in self.ended
        self.offers[call] = match.agent

    def compare(self) -> None:
        fast, slow = self.fast, self.slow
        assert {a: (r.since, r.occupancy) for a, r in fast.ready.items()} == {
            a: (r.since, r.occupancy) for a, r in slow.ready.items()
        }
        assert fast.skills == slow.skills and fast.places.keys() == slow.places.keys()
        for call, place in slow.places.items():
            here = fast.places[call]
            assert (here.visit, here.offered, here.suspended) == (place.visit, place.offered, place.suspended)
            assert fast.next_stage_at(call) == slow.next_stage_at(call)
            assert fast.position(call) == slow.position(call)
        for queue in QUEUES:
            assert list(fast.waiting[queue]) == slow.waiting[queue] and fast.length(queue) == slow.length(queue)

    def check(self) -> None:
        """What must hold whatever the oracle says."""
        slow = self.slow
        for queue, before in self.lines.items():
            line = [visit.call for visit in self.fast.waiting[queue]]
            stayed = set(before) & set(line)
            assert [c for c in before if c in stayed] == [c for c in line if c in stayed], "a place was lost"
            self.lines[queue] = line
        assert not self.ended & self.fast.places.keys()
        assert not set(self.offers.values()) & self.fast.ready.keys()
        for queue, rule in slow.rules.items():
            busy = sum(each.visit.queue == queue and each.offered is not None for each in self.fast.places.values())
            assert rule.talking_max is None or busy + list(self.talks.values()).count(queue) <= rule.talking_max
        if self.fast.open and self.settled:
            free = [place for place in slow.places.values() if slow._free(place)]
            idle = [(a, p.visit.call) for a in self.fast.ready for p in free if slow._may_have(a, p)]
            assert not idle, f"idles while a matching caller waits: {idle}"

    # -- actions --

    def enter(self) -> None:
        if len(self.fast.places) >= CALLERS_MAX:
            return
        rng, self.calls = self.rng, self.calls + 1
        since, priority = self.now - rng.choice((0, 0, 0, 7)), rng.choice((0, 0, 0, 1, 2, -1))
        visit = Visit(
            call=CallId(f"{rng.choice((1, 1, 2))}-{self.calls}"),
            n=1,
            queue=rng.choice(QUEUES),
            priority=priority,
            since=since,
            rank=rank(since, priority, self.step_s) + rng.choice((0, 0, 0, 40)),  # A message due later.
            needs=some_needs(rng) if rng.random() < 0.2 else None,
            preferred=rng.choice((*self.agents, AgentId("nobody"))) if rng.random() < 0.25 else None,
            prefer_s=rng.choice((0.0, 4.0, 10.0, 20.0)),
            order=rng.choice((0, self.calls, self.calls, 7)),
        )
        suspended = rng.random() < 0.1
        self.both(lambda e: e.enter(visit, suspended=suspended))

    def leave(self) -> None:
        if (call := self.some_call()) is not None:
            self.offers.pop(call, None)
            self.ended.add(call)
            self.both(lambda e: e.leave(call))

    def answered(self) -> None:
        if (call := self.some_offered()) is not None:
            del self.offers[call]
            self.ended.add(call)
            self.talks[call] = self.fast.places[call].visit.queue
            self.both(lambda e: e.leave(call, talking=True))

    def talk_over(self) -> None:
        """The call is now and then one that does not talk."""
        call = self.rng.choice([*self.talks, *self.fast.places, CallId("9-9")])
        self.talks.pop(call, None)
        self.both(lambda e: e.talk_over(call))

    def lost(self) -> None:
        if (call := self.some_offered()) is not None:
            del self.offers[call]
            self.both(lambda e: e.offer_lost(call))

    def never_offered(self) -> None:
        """`offer_lost` for a caller who has no offer: nothing is lost, and he is matched if he can be."""
        call = self.some_call()
        if call is not None and call not in self.offers:
            self.both(lambda e: e.offer_lost(call))

    def ready(self) -> None:
        if (agents := [a for a in self.agents if a not in self.offers.values() and a not in self.fast.ready]) != []:
            self.make_ready(self.rng.choice(agents))

    def ready_again(self) -> None:
        if self.fast.ready:
            self.make_ready(self.rng.choice(list(self.fast.ready)))

    def make_ready(self, agent: AgentId) -> None:
        if self.rng.random() < 0.6 or agent not in self.idle_since:  # Else he keeps his idle time.
            self.idle_since[agent] = self.now
        since, occupancy = self.idle_since[agent], self.rng.choice((0.0, 0.3, 0.3, 0.9))
        self.both(lambda e: e.agent_ready(agent, since, occupancy))

    def not_ready(self) -> None:
        agent = self.rng.choice([*self.fast.ready, *self.agents])
        self.both(lambda e: e.agent_not_ready(agent))

    def relax(self) -> None:
        due = [call for call in self.fast.places if self.slow.next_stage_at(call) is not None]
        if due:
            call = self.rng.choice(due)
            at = self.slow.next_stage_at(call)
            now = at + self.rng.choice((0, 0, 0, 60, -1)) if at is not None else self.now
            self.both(lambda e: e.relax(call, now))

    def suspend(self) -> None:
        if (call := self.some_call()) is not None:
            self.offers.pop(call, None)
            self.both(lambda e: e.suspend(call))

    def resume(self) -> None:
        held = [call for call, place in self.fast.places.items() if place.suspended]
        if held:
            call = self.rng.choice(held)
            self.both(lambda e: e.resume(call))

    def set_skills(self) -> None:
        agent, has = self.rng.choice(self.agents), some_skills(self.rng)
        self.both(lambda e: e.set_skills(agent, dict(has)))

    def toggle(self) -> None:
        """The link goes or comes back; rarely something happens before everybody is matched anew."""
        self.fast.open = self.slow.open = not self.fast.open
        self.settled = False
        if self.fast.open and self.rng.random() < 0.8:
            self.match_all()

    def match_all(self) -> None:
        self.settled = self.fast.open
        self.both(lambda e: list(e.matches()))

    def ask(self) -> None:
        queue, needs = self.rng.choice(QUEUES), self.rng.choice((None, some_needs(self.rng)))
        self.both(lambda e: e.servers(queue, self.agents, needs))
        self.both(lambda e: [e.queues_of(agent) for agent in self.agents])

    def stray(self) -> None:
        """Calls and agents that are not there."""
        for call in (CallId("9-9"), *self.ended):
            assert call in self.ended or call == "9-9"
            self.both(lambda e, call=call: (e.leave(call), e.offer_lost(call), e.relax(call, 0), e.next_stage_at(call)))
        self.both(lambda e: e.agent_not_ready(AgentId("nobody")))

    def pass_time(self) -> None:
        self.now += self.rng.choice((0, 0.5, 1, 5, 30))

    def clock_jumps(self) -> None:
        self.now += self.rng.choice((-3600, 3600))

    # -- the walk --

    def some_call(self) -> CallId | None:
        return self.rng.choice(list(self.fast.places)) if self.fast.places else None

    def some_offered(self) -> CallId | None:
        return self.rng.choice(list(self.offers)) if self.offers else None

    def walk(self, steps: int) -> None:
        tempers: list[tuple[list[Callable[[], None]], list[int]]] = [
            ([self.enter], [8, 16, 24]),
            ([self.ready], [4, 8, 16]),
            ([self.talk_over], [0, 2, 4, 8]),
            ([self.leave, self.answered, self.lost, self.not_ready, self.relax], [0, 2, 4, 8]),
            ([self.pass_time], [1, 8]),
            ([self.suspend, self.resume, self.set_skills, self.ready_again], [0, 0, 2, 4]),
            ([self.toggle, self.match_all, self.never_offered, self.ask, self.stray, self.clock_jumps], [0, 0, 0, 1]),
        ]
        actions = [action for group, _ in tempers for action in group]
        weights = [self.rng.choice(choices) for group, choices in tempers for _ in group]
        self.step_s = self.rng.choice((0.0, 5.0, 60.0))
        for _ in range(steps):
            self.rng.choices(actions, weights)[0]()

    def everybody_leaves(self) -> None:
        """Each visit ends once, and nothing of it stays behind."""
        while (call := self.some_call()) is not None:
            self.offers.pop(call, None)
            self.ended.add(call)
            self.both(lambda e, call=call: e.leave(call))
        for agent in list(self.fast.ready):
            self.both(lambda e, agent=agent: e.agent_not_ready(agent))
        assert len(self.ended) == self.calls and not self.offers
        fast = self.fast
        assert not any(map(len, (fast._idle, fast._occupied, *fast.waiting.values())))
        assert not len(fast._asks.heads) and not any(ask.head or len(ask.seeking) for ask in fast._asks.known.values())
        assert not fast._awaiting and len(fast._asks.unheld) <= fast._asks.spare_max
        assert len(fast._asks.known) <= len(list(asked(fast))) + len(fast._asks.unheld)


def asked(engine: Engine) -> Iterator[Needs]:
    for rule in engine.rules.values():
        yield rule.needs
        yield from (needs for _, needs in rule.relax)


def run(seed: int, steps: int = 200) -> World:
    """A whole walk; AssertionError (or whatever the engine raises) when it finds something."""
    world = World(seed)
    world.walk(steps)
    world.everybody_leaves()
    return world


def run_asks(seed: int, steps: int = 200) -> None:
    """Needs that come and go: every profile has exactly the marks it has earned, whatever bits were used before."""
    rng, asks = Random(seed), Asks(spare_max=rng_choice(seed))
    held: list[tuple[Any, Needs, bool]] = []
    for _ in range(steps):
        match rng.choice(("hold", "hold", "let go", "let go", "skills")):
            case "hold":
                needs, skilled = some_needs(rng), rng.random() < 0.4
                held.append((asks.hold((needs, skilled, None))[0], needs, skilled))
            case "let go" if held:
                asks.let_go(held.pop(rng.randrange(len(held)))[0])
            case "skills":
                asks.set_skills(rng.choice(AGENTS), some_skills(rng))
        for ask, needs, skilled in held:
            assert asks.known[needs, skilled, None] is ask
            for profile in asks.agents.values():
                earned = profile.marks & ask.marks
                assert bool(earned) == needs.met_by(profile.skills) and earned.bit_count() <= 1
                if skilled and earned:
                    low = (ask.marks & -ask.marks).bit_length()
                    assert earned.bit_length() - low == needs.strength(profile.skills) - ask.weakest
    assert sum(profile.agents for profile in asks.profiles.values()) == len(asks.agents)


def rng_choice(seed: int) -> int:
    return (0, 1, 3)[seed % 3]


def run_order(seed: int, steps: int = 300) -> None:
    """An Order beside a sorted list."""
    rng = Random(seed)
    order = Order(rng.choice((1, 2, 3, 8)))
    plain: list[tuple[Any, str, int]] = []
    growing = 0.5
    for n in range(steps):
        if n % 50 == 0:
            growing = rng.choice((0.2, 0.5, 0.9))
        if rng.random() < growing or not plain:
            key, marks = (float(rng.randrange(20)), 0.0, str(n)), rng.choice((0, 1, 2, 4, 6, 9, 1 << 70))
            order.add(key, marks)
            plain.append((key, str(n), marks))
            plain.sort()
        else:
            key, _, _ = gone = rng.choice((plain[0], plain[-1], rng.choice(plain)))
            order.remove(key)
            plain.remove(gone)
        wanted = rng.choice((1, 2, 3, 4, 8, 7, 15, 1 << 70))
        fits = [
            (-(marks & wanted).bit_length(), at, item) for at, (_, item, marks) in enumerate(plain) if marks & wanted
        ]
        assert order.first(wanted) == (min(fits, key=lambda f: f[1])[2] if fits else None)
        assert order.highest(wanted) == (min(fits)[2] if fits else None)
        assert list(order) == [key for key, _, _ in plain] and len(order) == len(plain)
        at = rng.randrange(len(plain)) if plain else 0
        assert not plain or order.before(plain[at][0]) == at
        assert len(order.blocks) <= 1 + 4 * len(plain) / order.size
