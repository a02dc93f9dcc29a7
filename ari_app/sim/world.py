"""The simulated world: a heap of moments, callers and agents around the distributor. Pure.

Whatever is drawn at random is drawn for a caller as he comes, or for an offer as it is made; the distributor alone
decides who talks to whom. `happened`, when given, is told everything, in order.
"""

from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, Literal, TypeAlias

from ari_app.acd.engine import Engine
from ari_app.acd.estimate import Estimator
from ari_app.acd.model import Match, Visit, rank
from ari_app.model.ids import AgentId, CallId, QueueName
from ari_app.sim.callers import Source, source
from ari_app.sim.people import Agent, At, Caller, Doing
from ari_app.sim.plan import Duty, Plan, Streams, drawn
from ari_app.sim.surging import Surging
from ari_app.sim.tally import Count, Tally

What: TypeAlias = Literal[
    "came", "full", "offered", "not answered", "connected", "left", "free", "booked", "confirmed", "unreached"
]


HELD_S: Final = 5.0  # Before somebody's turn comes again, while all free agents have somebody dialled for them.
Happened: TypeAlias = Callable[[What, float, Caller | None, Agent | None], None]


class World:
    """One run of a plan. `engine`: any with the interface of acd.engine."""

    def __init__(
        self,
        plan: Plan,
        random: Streams,
        *,
        engine: Engine | None = None,
        estimator: Estimator | None = None,
        happened: Happened | None = None,
    ) -> None:
        self.plan, self.now = plan, 0.0
        self.engine = engine or Engine(rules=plan.rules, skills=plan.skills())
        self.estimator, self.happened = estimator, happened
        scenario = plan.scenario
        self.tally = Tally(plan.warm_up_s, plan.until_s, scenario.service_level_s, scenario.short_abandon_s)
        self.tally.queues = {queue: Count() for queue in plan.queues}
        self.callers: dict[CallId, Caller] = {}
        self.agents: dict[AgentId, Agent] = {}
        self.servers = dict.fromkeys(plan.queues, 0)  # On duty, by queue.
        self.came = self.entered = self.events = 0
        self._heap: list[tuple[float, int, Callable[..., None], Any]] = []
        self._next = count().__next__
        self._luck = random("offers").random
        self.dialling = 0
        self.booked = dict.fromkeys(plan.queues, 0)  # Call-backs whose callers are not on the line.
        self.surging = Surging(plan) if scenario.surge.steps else None
        for kind in scenario.callers:
            self._await(source(plan, kind, random))
        self._staff(random)

    def run(self) -> Tally:
        """Until the last caller has gone: calls come for the scenario's hours, then the house empties."""
        heap = self._heap
        while heap:
            self.now, _, do, what = heappop(heap)
            self.events += 1
            do(what)
            if self.surging is not None:
                self._look()
        if self.surging is not None:
            self.surging.end(self.now)
        for agent in self.agents.values():
            self.tally.spend(agent, agent.doing, self.now)
        return self.tally

    def _at(self, moment: float, do: Callable[..., None], what: Any) -> None:
        heappush(self._heap, (moment, self._next(), do, what))

    def _say(self, what: What, caller: Caller | None, agent: Agent | None) -> None:
        if self.happened is not None:
            self.happened(what, self.now, caller, agent)

    # -- the beginning --

    def _await(self, of: Source) -> None:
        moment = next(of.moments, None)
        if moment is not None:
            self._at(moment, self._arrive, of)

    def _staff(self, random: Streams) -> None:
        plan = self.plan
        kinds = plan.scenario.agents
        duties = {kind: Duty.of(each, plan.begins_s, plan.until_s) for kind, each in kinds.items()}
        answers = {kind: drawn(a.answer, random(f"{kind}/answer")) if a.answer else None for kind, a in kinds.items()}
        queues: dict[str, tuple[QueueName, ...]] = {}
        for name, kind, each in plan.staff():
            if kind not in queues:
                queues[kind] = tuple(self.engine.queues_of(name))
            agent = Agent(name, kind, answers[kind], each.no_answer, each.back_after_s, queues[kind])
            agent.spent = [0.0] * len(Doing)
            self.agents[name] = agent
            if duties[kind].at_first:
                self._begin_duty(agent)
            for moment, begins in duties[kind].changes:
                self._at(moment, self._begin_duty if begins else self._end_duty, agent)

    # -- callers --

    def _arrive(self, of: Source) -> None:
        self._await(of)
        self.came += 1
        caller = of.caller(CallId(f"1-{self.came}"), self.now)
        queue = of.queue
        if (counted := self.tally.counted(caller)) is not None:
            counted.entered += 1
        self._say("came", caller, None)
        if self.engine.length(queue) >= self.plan.queues[queue].waiting_max:
            caller.at = At.GONE
            if counted is not None:
                counted.full += 1
            self._say("full", caller, None)
            return
        self._enter(caller, of.priority)

    def _enter(self, caller: Caller, priority: int) -> None:
        engine, now, queue = self.engine, self.now, caller.queue
        place = rank(now, priority, self.plan.step_s)
        self.entered += 1
        needs = self.plan.needs[caller.kind]
        visit = Visit(caller.call, 1, queue, priority, now, place, needs, order=self.entered)
        if caller.known is not None and self.agents[caller.known].on_duty:
            prefer_s = self.plan.scenario.callers[caller.kind].prefer_s
            visit = replace(visit, preferred=caller.known, prefer_s=prefer_s)
        self.callers[caller.call] = caller
        match = engine.enter(visit)
        if match is not None:
            if self.estimator is not None:
                self.estimator.entered(queue, now)
            self._offer(match) if self.surging is None else self._look(match)
            return
        if (counted := self.tally.counted(caller)) is not None:
            counted.waited += 1
        self._set_limits(caller)
        if self.estimator is not None:
            position = engine.position(caller.call)
            self.estimator.entered(queue, now, overtook=engine.length(queue) - position)
            live = max(0, position - 1 - self.booked[queue])  # As board/expecting: a booked place costs him nothing.
            caller.told = self.estimator.expect(queue, live, self.servers[queue], now)

    def _relax(self, caller: Caller) -> None:
        if caller.at in (At.TALKING, At.GONE):
            return
        match = self.engine.relax(caller.call, self.now)
        if (due := self.engine.next_stage_at(caller.call)) is not None:
            self._at(due, self._relax, caller)
        if match is not None:
            self._offer(match)

    def _limit(self, caller: Caller) -> None:
        """He gives up, or has waited as long as the queue allows."""
        if caller.at > At.RINGING or caller.limit_at > self.now:  # He was called back, and waits anew.
            return
        now, agent = self.now, caller.agent
        caller.at, caller.agent = At.GONE, None
        del self.callers[caller.call]
        vacated = self.engine.leave(caller.call)
        self.tally.left(caller, now)
        if self.estimator is not None:
            self.estimator.abandoned(caller.queue, now - caller.on_line, now)
        self._say("left", caller, agent)
        if vacated is not None:
            self._offer(vacated)
        if agent is not None:  # The offer is withdrawn; it does not cost him his place among the idle.
            self._free(agent, agent.idle_since)

    # -- offers --

    def _offer(self, match: Match) -> None:
        caller, agent = self.callers[match.visit.call], self.agents[match.agent]
        if caller.at is At.BOOKED:
            self._turn(caller, agent)
            return
        self.tally.spend(agent, Doing.RESERVED, self.now)
        agent.taken_at = self.now
        caller.at, caller.agent = At.RINGING, agent
        self._say("offered", caller, agent)
        if agent.answer is None and not agent.no_answer:
            self._connect(caller, agent)
            return
        ring_s = self.plan.queues[caller.queue].ring_s
        answer_s = (
            ring_s if agent.no_answer and self._luck() < agent.no_answer else agent.answer() if agent.answer else 0.0
        )
        ends_at = self.now + min(answer_s, ring_s)
        if caller.since == self.now and (answer_s >= ring_s or caller.limit_at <= ends_at):
            self._set_limits(caller)  # Offered as he came; otherwise they are set, or would never count.
        self._at(ends_at, self._answered if answer_s < ring_s else self._ran_out, caller)

    def _set_limits(self, caller: Caller) -> None:
        self._at(caller.limit_at, self._limit, caller)
        if caller.books_at is not None:
            self._at(caller.books_at, self._book, caller)
        if (due := self.engine.next_stage_at(caller.call)) is not None:
            self._at(due, self._relax, caller)

    def _answered(self, caller: Caller) -> None:
        if caller.at is At.RINGING and caller.agent is not None:
            self._connect(caller, caller.agent)

    def _ran_out(self, caller: Caller) -> None:
        """The agent is not ready for a while; the caller keeps his place."""
        agent = caller.agent
        if caller.at is not At.RINGING or agent is None:
            return
        caller.at, caller.agent = At.WAITING, None
        self._say("not answered", caller, agent)
        self.tally.spend(agent, Doing.AWAY, self.now)
        self._at(self.now + agent.back_after_s, self._back, agent)
        if (match := self.engine.offer_lost(caller.call)) is not None:
            self._offer(match)

    def _connect(self, caller: Caller, agent: Agent) -> None:
        now = self.now
        caller.at = At.TALKING
        del self.callers[caller.call]
        self.engine.leave(caller.call, talking=True)
        if self.plan.rules[caller.queue].talking_max is not None:
            self._at(now + caller.talk_s, self._talk_over, caller)
        self.tally.connected(caller, now)
        self.tally.spend(agent, Doing.TALKING, now)
        agent.calls += 1
        if self.estimator is not None:
            self.estimator.connected(caller.queue, now - caller.on_line, now, told=caller.told)
        self._say("connected", caller, agent)
        self._at(now + caller.talk_s + caller.wrap_up_s, self._done, caller)

    def _talk_over(self, caller: Caller) -> None:
        """A queue with a limit may have another caller offered, while the agent still wraps up."""
        if (match := self.engine.talk_over(caller.call)) is not None:
            self._offer(match)

    # -- call-backs: as board/bookings --

    def _book(self, caller: Caller) -> None:
        """He hangs up; his place waits for him."""
        if caller.at is not At.WAITING or caller.booked_at is not None:
            return
        now = self.now
        self.tally.waited(caller, now)
        if (counted := self.tally.counted(caller)) is not None:
            counted.booked += 1
        if self.estimator is not None:
            self.estimator.abandoned(caller.queue, now - caller.on_line, now)
        caller.at, caller.booked_at, caller.told = At.BOOKED, now, None
        self.booked[caller.queue] += 1
        self._say("booked", caller, None)

    def _turn(self, caller: Caller, agent: Agent) -> None:
        """No agent is tied up: he serves the next one, while this caller is dialled, if not too many are already."""
        engine, now = self.engine, self.now
        matches = [engine.suspend(caller.call)]
        matches.append(engine.agent_ready(agent.id, agent.idle_since, agent.talked_s / now if now else 0.0))
        if self.dialling and self.dialling >= engine.servers(caller.queue, engine.ready):
            self._at(now + HELD_S, self._resume, caller)
        else:
            caller.at, self.dialling = At.DIALLED, self.dialling + 1
            self._at(now + caller.tries[caller.tried][0], self._dialled, caller)
        for match in filter(None, matches):
            self._offer(match)

    def _dialled(self, caller: Caller) -> None:
        now, reached = self.now, caller.tries[caller.tried][1]
        self.dialling -= 1
        caller.tried += 1
        if reached:
            self.booked[caller.queue] -= 1
            caller.at, caller.on_line, caller.limit_at = At.WAITING, now, now + caller.patience_s
            if self.estimator is not None:
                self.estimator.entered(caller.queue, now)
            self._say("confirmed", caller, None)
            self._at(caller.limit_at, self._limit, caller)
            self._seek(caller)
        elif caller.tried < len(caller.tries):
            caller.at = At.BOOKED
            self._at(now + self.plan.scenario.callbacks.spacing_s, self._resume, caller)
        else:
            self._unreached(caller)

    def _unreached(self, caller: Caller) -> None:
        caller.at = At.GONE
        self.booked[caller.queue] -= 1
        if (counted := self.tally.counted(caller)) is not None:
            counted.unreached += 1
        self._say("unreached", caller, None)
        del self.callers[caller.call]
        self.engine.leave(caller.call)

    def _resume(self, caller: Caller) -> None:
        if caller.at is At.BOOKED:
            self._seek(caller)

    def _seek(self, caller: Caller) -> None:
        """In his place again, asking by now for less, perhaps."""
        match = self.engine.resume(caller.call) or self.engine.relax(caller.call, self.now)
        if match is not None:
            self._offer(match)

    # -- the surge plan --

    def _look(self, first: Match | None = None) -> None:
        """As many wait now, those who are being offered among them. `first`: what the event itself matched."""
        surging = self.surging
        assert surging is not None
        matches = [first] if first is not None else []
        waiting = sum(self.engine.length(queue) - self.booked[queue] for queue in surging.queues)
        while (move := surging.move(waiting, self.now)) is not None:
            for agent, has in surging.skills(move.step):
                matches += filter(None, [self.engine.set_skills(agent, has)])
                self._serves(self.agents[agent])
        due = surging.surge.next_at()
        if due is not None and due != surging.looks_at:
            surging.looks_at = due
            self._at(due, lambda _: None, None)
        for match in matches:
            self._offer(match)

    def _serves(self, agent: Agent) -> None:
        """Whose callers he can be offered, since his skills changed."""
        for queue in agent.queues if agent.on_duty else ():
            self.servers[queue] -= 1
        agent.queues = tuple(self.engine.queues_of(agent.id))
        for queue in agent.queues if agent.on_duty else ():
            self.servers[queue] += 1

    # -- agents --

    def _done(self, caller: Caller) -> None:
        """Talk and wrap-up are over; one moment for both, since nothing is decided between them."""
        agent, now = caller.agent, self.now
        assert agent is not None
        caller.at, caller.agent = At.GONE, None
        agent.talked_s += caller.talk_s
        self.tally.spend(agent, Doing.WRAP_UP, agent.since + caller.talk_s)
        if self.estimator is not None:
            self.estimator.handled(caller.queue, now - agent.taken_at, now)
        self._free(agent, now)

    def _free(self, agent: Agent, idle_since: float) -> None:
        now = self.now
        self.tally.spend(agent, Doing.READY if agent.on_duty else Doing.AWAY, now)
        self._say("free", None, agent)
        if not agent.on_duty:
            return
        agent.idle_since = idle_since
        match = self.engine.agent_ready(agent.id, idle_since, agent.talked_s / now if now else 0.0)
        if match is not None:
            self._offer(match)

    def _back(self, agent: Agent) -> None:
        if agent.doing is Doing.AWAY:
            self._free(agent, self.now)

    def _begin_duty(self, agent: Agent) -> None:
        agent.on_duty = True
        for queue in agent.queues:
            self.servers[queue] += 1
        if agent.doing is Doing.AWAY:
            self._free(agent, self.now)

    def _end_duty(self, agent: Agent) -> None:
        """At once when idle, else as soon as the call is over."""
        agent.on_duty = False
        for queue in agent.queues:
            self.servers[queue] -= 1
        if agent.doing is Doing.READY:
            self.engine.agent_not_ready(agent.id)
            self.tally.spend(agent, Doing.AWAY, self.now)
