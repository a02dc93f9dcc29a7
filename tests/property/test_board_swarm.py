"""Swarm walks find nothing; they find every seeded mutant of the board; the engine agrees with brute force."""

from collections.abc import Callable
from random import Random

import pytest

from ari_app.acd.engine import Engine, Match, Visit, rank, serves
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from tests.property.mutants import MUTANTS
from tests.property.swarm import run

WALKS = 400
BLOCKS = 8


@pytest.mark.parametrize("block", range(BLOCKS))
def test_walks(block: int) -> None:
    for seed in range(block, WALKS, BLOCKS):
        try:
            run(seed)
        except Exception as found:
            raise AssertionError(f"walk {seed}: {found!r}") from found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_dies(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    for seed in range(WALKS):
        try:
            run(seed)
        except Exception:
            return
    pytest.fail(f"{mutant.__name__} lived through {WALKS} walks")


# -- the engine against brute force --


def _expected_agent(engine: Engine, visit: Visit) -> AgentId | None:
    """The longest-idle ready agent with the skills; the smaller work number when two are idle for equally long."""
    able = [(at, a) for a, at in engine.ready.items() if serves(engine.skills[a], engine.needs[visit.queue])]
    return min(able)[1] if able else None


def _expected_visit(engine: Engine, waiting: dict[CallId, Visit], agent: AgentId) -> CallId | None:
    """The first by rank of all callers the agent can serve and who are not being offered."""
    mine = [
        (visit.rank, int(visit.call.split("-")[1]), visit.call)
        for visit in waiting.values()
        if visit.call not in engine.offered and serves(engine.skills[agent], engine.needs[visit.queue])
    ]
    return min(mine)[2] if mine else None


@pytest.mark.parametrize("seed", range(60))
def test_engine_agrees_with_brute_force(seed: int) -> None:
    rng = Random(seed)
    skills = [Skill(s) for s in "abc"]
    draw = lambda most, least: {s: rng.randint(1, most) for s in rng.sample(skills, rng.randint(least, 3 - least))}  # noqa: E731
    needs = {QueueName(f"q{n}"): draw(3, 1) for n in range(4)}
    agents = {AgentId(str(n)): draw(5, 0) for n in range(6)}
    engine, waiting = Engine(needs, agents), dict[CallId, Visit]()
    for n in range(1, 300):
        now, match, expected = float(n // 3), None, None
        busy = set(engine.offered.values())
        free = [a for a in agents if a not in engine.ready and a not in busy]
        action = rng.choice(["enter", "enter", "ready", "ready", "leave", "lost", "away"])
        if action == "enter":
            priority = rng.randint(0, 2)
            visit = Visit(CallId(f"1-{n}"), 1, rng.choice(list(needs)), priority, now, rank(now, priority))
            expected = (visit.call, _expected_agent(engine, visit))
            waiting[visit.call] = visit
            match = engine.enter(visit)
        elif action == "ready" and free:
            agent = rng.choice(free)
            expected = (_expected_visit(engine, waiting, agent), agent)
            match = engine.agent_ready(agent, now)
        elif action == "leave" and waiting:
            call = rng.choice(list(waiting))
            del waiting[call]
            engine.leave(call)
        elif action == "lost" and engine.offered:
            call = rng.choice(list(engine.offered))
            expected = (call, _expected_agent(engine, waiting[call]))
            match = engine.offer_lost(call)
        elif action == "away" and engine.ready:
            engine.agent_not_ready(rng.choice(list(engine.ready)))
        _agrees(match, expected)
        lined_up = [v.call for q in needs for v in engine.waiting[q]]
        assert sorted(lined_up) == sorted(waiting)


def _agrees(match: Match | None, expected: tuple[CallId | None, AgentId | None] | None) -> None:
    if expected is None or None in expected:
        assert match is None
    else:
        assert match is not None and (match.visit.call, match.agent) == expected
