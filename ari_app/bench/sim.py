"""`hotline bench sim`: how much faster than the clock the simulator runs. No Asterisk, no phones.

- speedup_10000: simulated seconds ÷ seconds it took, 10,000 agents of 8 skills in 40 kinds, 8 queues with expressions,
  relaxation, priorities and expected waits, offered a tenth more than they can carry, so that most callers wait.
- day_1000_s: seconds for a day of 1,000 agents in the same house, busy at noon, quiet at night.
Both from the first call to the last, setting up included. `…_cpu`: the same by CPU time of this process, which other
work on the machine does not change.
"""

import gc
import time
from collections.abc import Callable
from typing import Any, Final

from ari_app.bench import figures
from ari_app.model.scenario import Scenario
from ari_app.sim.plan import Plan
from ari_app.sim.run import outcome_of, world_of
from ari_app.sim.world import World

SKILLS: Final = ("billing", "network", "sales", "cards", "roaming", "mandarin", "english", "cantonese")
TALK_S, WRAP_UP_S, PATIENCE_S = 240.0, 30.0, 120.0
KINDS: Final = 40  # Each skill comes first for five of them.
LEVELS: Final = ((5, 2, 4), (4, 1, 3), (4, 3, 1), (3, 2, 4), (2, 4, 2))  # Of the first skill and two others.

Say = Callable[[str], None]


def bench_sim(say: Say, *, large_hours: float = 1.0, day_hours: float = 24.0) -> dict[str, Any]:
    here = figures.machine()
    say(f"10,000 agents for {large_hours:g} h")
    large = _run(house(10_000, {"00:00": 1.1}, large_hours))
    say(f"{large['simulated_s'] / large['took_s']:.0f} × real time; 1,000 agents for {day_hours:g} h")
    day = _run(house(1_000, {"00:00": 0.4, "07:00": 0.8, "10:00": 1.1, "12:00": 0.95, "18:00": 0.7}, day_hours))
    return {
        "speedup_10000": round(large["simulated_s"] / large["took_s"], 1),
        "day_1000_s": round(day["took_s"], 1),
        "speedup_10000_cpu": round(large["simulated_s"] / large["cpu_s"], 1),
        "day_1000_cpu_s": round(day["cpu_s"], 1),
        "large": large,
        "day": day,
        **here,
    }


def house(agents: int, load: dict[str, float], hours: float) -> Plan:
    """So many agents, and callers who ask for `load` times what they can carry, by time of day."""
    carried = agents * 3600 / (TALK_S + WRAP_UP_S)
    queues, callers = {}, {}
    for n, skill in enumerate(SKILLS):
        near, far = SKILLS[(n + 1) % 8], SKILLS[(n + 3) % 8]
        queues[skill] = {
            "skills": f"{skill}>=4 | {skill}>=2 & {near}",
            "relax": [{"after_s": 15, "skills": f"{skill}>=2"}, {"after_s": 30, "skills": f"{skill} | {far}>=4"}],
            "policy": ("longest-idle", "most-skilled", "least-occupied", "longest-idle")[n % 4],
            "wrap_up_s": WRAP_UP_S,
            "waiting_max": 10_000,
        }
        for kind, share, priority in ((skill, 0.9, 0), (f"{skill}-vip", 0.1, 2)):
            callers[kind] = {
                "queue": skill,
                "priority": priority,
                "profile": {time: of * carried * share / len(SKILLS) for time, of in load.items()},
                "talk": {"shape": "lognormal", "mean_s": TALK_S, "cv": 0.9},
                "patience": {"mean_s": PATIENCE_S},
            }
    staff = {
        f"kind-{n}": {
            "count": agents // KINDS,
            "skills": {SKILLS[(n + step) % 8]: level for step, level in zip((0, 1, 3), LEVELS[n // 8], strict=True)},
            "answer": {"shape": "gamma", "mean_s": 4, "cv": 0.4},
            "no_answer": 0.005,
        }
        for n in range(KINDS)
    }
    whole = {"skills": dict.fromkeys(SKILLS, ""), "queues": queues, "callers": callers, "agents": staff, "hours": hours}
    return Plan.of(Scenario.model_validate(whole))


def _run(plan: Plan) -> dict[str, Any]:
    gc.collect()
    gc.disable()  # A run makes no cycles.
    began, cpu = time.perf_counter(), time.process_time()
    world: World = world_of(plan, 1, 1)
    outcome = outcome_of(world)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    gc.enable()
    total = outcome.figures["total"]
    return {
        "agents": len(world.agents),
        "simulated_s": round(plan.until_s),
        "took_s": round(took_s, 2),
        "cpu_s": round(cpu_s, 2),
        "calls": world.came,
        "us_per_call": round(1e6 * took_s / world.came, 1),
        "moments": world.events,
        **{name: round(total[name] or 0.0, 4) for name in ("service_level", "waits", "abandoned", "queue_length")},
        **{name: round(outcome.staff[name] or 0.0, 4) for name in ("occupancy_with_wrap_up", "idle_gini")},
    }
