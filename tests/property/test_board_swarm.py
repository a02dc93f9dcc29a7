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


Expected = tuple[CallId | None, AgentId | None] | None


def _engine(rng: Random) -> Engine:
    def draw(level_max: int, least: int) -> dict[Skill, int]:
        some = rng.sample([Skill(s) for s in "abc"], rng.randint(least, 3 - least))
        return {skill: rng.randint(1, level_max) for skill in some}

    needs = {QueueName(f"q{n}"): draw(3, least=1) for n in range(4)}
    return Engine(needs, {AgentId(str(n)): draw(5, least=0) for n in range(6)})


def _act(rng: Random, engine: Engine, waiting: dict[CallId, Visit], n: int) -> tuple[Match | None, Expected]:
    """One random thing happens: what the engine made of it, and what brute force expects."""
    now = float(n // 3)
    busy = set(engine.offered.values())
    free = [a for a in engine.skills if a not in engine.ready and a not in busy]
    match rng.choice(["enter", "enter", "ready", "ready", "leave", "lost", "away"]):
        case "enter":
            priority = rng.randint(0, 2)
            visit = Visit(CallId(f"1-{n}"), 1, rng.choice(list(engine.needs)), priority, now, rank(now, priority))
            expected: Expected = (visit.call, _expected_agent(engine, visit))
            waiting[visit.call] = visit
            return engine.enter(visit), expected
        case "ready" if free:
            agent = rng.choice(free)
            expected = (_expected_visit(engine, waiting, agent), agent)
            return engine.agent_ready(agent, now), expected
        case "leave" if waiting:
            call = rng.choice(list(waiting))
            del waiting[call]
            engine.leave(call)
        case "lost" if engine.offered:
            call = rng.choice(list(engine.offered))
            expected = (call, _expected_agent(engine, waiting[call]))
            return engine.offer_lost(call), expected
        case "away" if engine.ready:
            engine.agent_not_ready(rng.choice(list(engine.ready)))
    return None, None


@pytest.mark.parametrize("seed", range(60))
def test_engine_agrees_with_brute_force(seed: int) -> None:
    rng = Random(seed)
    engine, waiting = _engine(rng), dict[CallId, Visit]()
    for n in range(1, 300):
        _agrees(*_act(rng, engine, waiting, n))
        assert sorted(v.call for line in engine.waiting.values() for v in line) == sorted(waiting)


def _agrees(match: Match | None, expected: Expected) -> None:
    if expected is None or None in expected:
        assert match is None
    else:
        assert match is not None and (match.visit.call, match.agent) == expected
