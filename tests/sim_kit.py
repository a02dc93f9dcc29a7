"""What tests of the simulator share: plans from a few words, and a world that is watched."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from ari_app.config.scenario import load_scenario
from ari_app.model.ids import AgentId, CallId
from ari_app.model.scenario import Scenario
from ari_app.sim.people import Agent, Caller
from ari_app.sim.plan import Plan
from ari_app.sim.run import world_of
from ari_app.sim.world import World

SCENARIOS = Path(__file__).parents[1] / "docs" / "scenarios"


def plan_of(path: Path, **changes: Any) -> Plan:
    """A scenario file; `changes` replaces top-level keys."""
    loaded = load_scenario(path)
    return Plan.of(loaded.scenario.model_copy(update=changes), loaded.queues, loaded.step_s)


def plan(**parts: Any) -> Plan:
    """One queue, one kind of callers, three agents; `parts` replaces."""
    whole: dict[str, Any] = {
        "skills": {"support": ""},
        "queues": {"support": {"skills": {"support": 1}, "wrap_up_s": 0, "wait_s_max": 86_400}},
        "callers": {"everyone": callers()},
        "agents": {"staff": {"count": 3, "skills": {"support": 1}}},
        "hours": 4,
    }
    return Plan.of(Scenario.model_validate({**whole, **parts}))


def callers(per_hour: float = 60, talk_s: float = 120, **more: Any) -> dict[str, Any]:
    return {"queue": "support", "profile": {"00:00": per_hour}, "talk": {"mean_s": talk_s}, **more}


@dataclass
class Watch:
    """Everything that happened, and what must hold at every moment of it."""

    log: list[tuple[str, float, CallId | None, AgentId | None]] = field(default_factory=list)
    world: World | None = None
    callers: dict[CallId, Caller] = field(default_factory=dict)
    waiting: dict[CallId, Caller] = field(default_factory=dict)
    busy: dict[AgentId, CallId] = field(default_factory=dict)
    ended: dict[CallId, str] = field(default_factory=dict)
    lengths: list[tuple[float, int]] = field(default_factory=list)  # Callers waiting from that moment on.

    def __call__(self, what: str, now: float, caller: Caller | None, agent: Agent | None) -> None:
        assert not self.log or now >= self.log[-1][1], "time runs backwards"
        self.log.append((what, now, caller.call if caller else None, agent.id if agent else None))
        getattr(self, "_" + what.replace(" ", "_"))(caller, agent)
        self.lengths.append((now, len(self.waiting)))

    def _came(self, caller: Caller, _: None) -> None:
        assert caller.call not in self.waiting and caller.call not in self.ended
        self.callers[caller.call] = self.waiting[caller.call] = caller

    def _offered(self, caller: Caller, agent: Agent) -> None:
        assert caller.call in self.waiting, "offered after his end"
        assert agent.id not in self.busy, f"{agent.id} has a call already"
        assert caller.call not in self.busy.values(), f"{caller.call} is offered already"
        assert agent.on_duty
        self.busy[agent.id] = caller.call
        self._may_have(caller, agent)

    def _may_have(self, caller: Caller, agent: Agent) -> None:
        """The agent has the skills that hold by now."""
        assert self.world is not None
        plan = self.world.plan
        rule, waited = plan.rules[caller.queue], self.world.now - caller.since + 1e-6
        if agent.id == caller.known and waited < plan.scenario.callers[caller.kind].prefer_s:
            return
        asked = [plan.needs[caller.kind] or rule.needs, *(needs for after_s, needs in rule.relax if after_s <= waited)]
        assert asked[-1].met_by(self.world.engine.skills[agent.id]), (caller, agent)

    def _not_answered(self, caller: Caller, agent: Agent) -> None:
        assert self.busy.pop(agent.id) == caller.call

    def _connected(self, caller: Caller, agent: Agent) -> None:
        assert self.busy[agent.id] == caller.call
        self._end(caller, "connected")

    def _left(self, caller: Caller, agent: Agent | None) -> None:
        if agent is not None:
            assert self.busy.pop(agent.id) == caller.call
        self._end(caller, "abandoned" if caller.gives_up else "timed_out")

    def _booked(self, caller: Caller, _: None) -> None:
        del self.waiting[caller.call]
        assert caller.call not in self.busy.values(), "booked while an agent is rung for him"

    def _confirmed(self, caller: Caller, _: None) -> None:
        assert caller.call not in self.ended
        self.waiting[caller.call] = caller

    def _unreached(self, caller: Caller, _: None) -> None:
        assert caller.call not in self.waiting and caller.call not in self.ended
        self.ended[caller.call] = "unreached"

    def _full(self, caller: Caller, _: None) -> None:
        self._end(caller, "full")

    def _end(self, caller: Caller, how: str) -> None:
        del self.waiting[caller.call]
        assert caller.call not in self.ended, "ended twice"
        self.ended[caller.call] = how

    def _free(self, _: None, agent: Agent) -> None:
        self.busy.pop(agent.id, None)

    def queue_s(self, begin_s: float, end_s: float) -> float:
        """Integral of the callers waiting, from the log alone."""
        steps = [*self.lengths, (max(end_s, self.lengths[-1][0]), 0)]
        return sum(
            waiting * max(0.0, min(until, end_s) - max(at, begin_s)) for (at, waiting), (until, _) in pairwise(steps)
        )


def watched(plan: Plan, seed: int, n: int = 1) -> Watch:
    """A replication that ran under watch, to its end."""
    watch = Watch()
    watch.world = world_of(plan, seed, n, happened=watch)
    watch.world.run()
    assert not watch.waiting and not watch.busy, "people left over"
    return watch


def any_scenario(seed: int) -> Plan:
    """A small scenario at random: skills, expressions, relaxation, priorities, shifts, unanswered offers, limits."""
    random = Random(seed)
    skills = ("a", "b", "c")

    def asked() -> Any:
        pick = random.sample(skills, 2)
        return random.choice(
            [{pick[0]: random.randint(1, 3)}, f"{pick[0]}>=2 & {pick[1]} | {pick[0]}>=4", f"{pick[0]} | {pick[1]}"]
        )

    def spread(mean_s: float) -> dict[str, Any]:
        shape = random.choice(["exponential", "lognormal", "gamma", "fixed"])
        return {"shape": shape, "mean_s": mean_s * random.uniform(0.7, 1.3), "cv": random.uniform(0.2, 1.5)}

    queues = {
        name: {
            "skills": asked(),
            "relax": [
                {"after_s": after_s + random.random(), "skills": asked()}
                for after_s in (15, 40)[: random.randint(0, 2)]
            ],
            "policy": random.choice(["longest-idle", "most-skilled", "least-occupied"]),
            "wrap_up_s": random.choice([0, 25]),
            "ring_s": random.choice([8, 20]),
            "wait_s_max": random.choice([60, 400]),
            "waiting_max": random.choice([4, 100]),
        }
        for name in ("x", "y")
    }
    kinds = {
        f"k{n}": {
            "queue": random.choice(["x", "y"]),
            "profile": {"00:00": random.uniform(20, 120), "01:00": random.uniform(0, 200)},
            "talk": spread(90),
            "priority": random.choice([0, 0, 2]),
            "known": random.choice([0, 0.4]),
            "prefer_s": random.uniform(5, 30),
            **({"skills": asked()} if random.random() < 0.3 else {}),
            **({"patience": spread(90)} if random.random() < 0.8 else {}),
        }
        for n in range(3)
    }
    staff = {
        f"s{n}": {
            "count": random.randint(1, 4),
            "skills": {skill: random.randint(1, 5) for skill in random.sample(skills, 2)},
            **({"answer": spread(5), "no_answer": random.choice([0, 0.1])} if random.random() < 0.7 else {}),
            **({"shifts": ["00:00-01:10", "01:30-23:00"]} if random.random() < 0.5 else {}),
            "back_after_s": random.uniform(10, 60),
        }
        for n in range(3)
    }
    more = Random(f"{seed}/surge")
    step = {"agents": more.sample(sorted(staff), 2), "skills": {more.choice(skills): more.randint(1, 5)}}
    steps = [{"name": "one", **step}, {"name": "two", **step, "agents": ["s1"], "only_in_rush": more.random() < 0.5}]
    surge = {
        "waiting": more.choice([1, 3]),
        "rush": more.choice([3, 6]),
        "for_s": more.uniform(20, 90),
        "queues": more.choice([[], ["x"]]),
        "steps": more.choice([[], steps, steps]),
    }
    for queue in queues.values():
        queue["talking_max"] = more.choice([None, None, None, 2, 4])
    whole = {"skills": dict.fromkeys(skills, ""), "queues": queues, "callers": kinds, "agents": staff, "surge": surge}
    return Plan.of(Scenario.model_validate({**whole, "hours": 2, "warm_up_hours": 0.25}))
