"""The simulator's parts: arrivals, spreads, duty; its figures against Erlang C and A; its command."""

import json
import math
from itertools import pairwise
from random import Random
from statistics import fmean, stdev
from typing import Any

import pytest
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.kpi.erlang import ErlangA, ErlangC
from ari_app.kpi.measures import Interval
from ari_app.model.scenario import Agents, Spread
from ari_app.sim.closed import closed_form
from ari_app.sim.people import Doing
from ari_app.sim.plan import Duty, Profile, arrivals, drawn
from ari_app.sim.run import Report, simulate, world_of
from tests.sim_kit import SCENARIOS, callers, plan, plan_of, watched

HOUR = 3600.0


# -- what chance draws --


def test_arrivals_follow_the_profile_hour_by_hour() -> None:
    """Counts are Poisson: within 4 standard deviations of the rate, for each hour of the day."""
    profile, days = Profile.of({"06:00": 30, "12:00": 300, "18:00": 0}), 20
    found = list(arrivals(profile, 10 * HOUR, days * 24 * HOUR, Random(5)))
    assert found == sorted(found) and found[0] > 0 and found[-1] < days * 24 * HOUR
    for hour, per_hour in ((7, 30), (11, 30), (12, 300), (17, 300), (18, 0), (3, 0)):
        count = sum(int((at / HOUR + 10) % 24) == hour for at in found)
        assert abs(count - per_hour * days) <= 4 * math.sqrt(per_hour * days), hour
    assert profile.calls(10 * HOUR, 34 * HOUR) == pytest.approx(6 * 30 + 6 * 300)
    assert profile.calls(11.5 * HOUR, 12.5 * HOUR) == pytest.approx(165)


def test_arrivals_are_a_poisson_process() -> None:
    found = list(arrivals(Profile.of({"00:00": 360}), 0, 100 * HOUR, Random(6)))
    gaps = [b - a for a, b in pairwise(found)]
    assert fmean(gaps) == pytest.approx(10, rel=4 / math.sqrt(len(gaps)))
    assert stdev(gaps) == pytest.approx(10, rel=4 * math.sqrt(2 / len(gaps)))
    assert list(arrivals(Profile.of({"00:00": 0}), 0, HOUR, Random(6))) == []


@pytest.mark.parametrize(
    ("shape", "cv"),
    [("exponential", 1.0), ("lognormal", 0.5), ("lognormal", 1.2), ("gamma", 0.4), ("gamma", 1.5), ("fixed", 0)],
)
def test_spreads_have_their_mean_and_deviation(shape: Any, cv: float) -> None:
    draw = drawn(Spread(shape=shape, mean_s=200, cv=cv or 1), Random(8))
    found = [draw() for _ in range(40_000)]
    assert min(found) >= 0
    assert fmean(found) == pytest.approx(200, abs=4 * 200 * cv / math.sqrt(40_000) + 1e-9)
    assert stdev(found) == pytest.approx(200 * cv, rel=0.06)


def test_duty_is_shifts_without_breaks_every_day() -> None:
    agents = Agents(count=1, skills={}, shifts=("08:00-12:00", "13:00-17:00"), breaks=("09:00-09:15",))
    duty = Duty.of(agents, 10 * HOUR, 24 * HOUR)
    assert duty.at_first
    assert [(at / HOUR + 10, on) for at, on in duty.changes] == [
        (12, False), (13, True), (17, False), (32, True), (33, False), (33.25, True)
    ]  # fmt: skip
    assert Duty.of(Agents(count=1, skills={}), 10 * HOUR, 48 * HOUR) == Duty(True, ())


# -- the world --


def test_a_break_waits_for_the_end_of_the_call_and_takes_no_calls() -> None:
    """No call is offered from the begin of the break to its end."""
    agents = {"staff": {"count": 3, "skills": {"support": 1}, "breaks": ["01:00-02:00"]}}
    watch = watched(plan(agents=agents, callers={"everyone": callers(100, patience={"mean_s": 60})}), 1)
    offers = [at for what, at, _, _ in watch.log if what == "offered"]
    assert any(at < HOUR for at in offers) and any(at > 2 * HOUR for at in offers)
    assert not [at for at in offers if HOUR <= at < 2 * HOUR]
    ends = [at for what, at, _, _ in watch.log if what == "free" and HOUR < at < 2 * HOUR]
    assert ends, "calls that were on at the begin of the break are ended, not cut"


def test_relaxation_reaches_the_second_best_agent_at_the_stated_second() -> None:
    queue = {"skills": {"support": 3}, "relax": [{"after_s": 17, "skills": {"support": 1}}], "wrap_up_s": 0}
    watch = watched(plan(queues={"support": queue}, callers={"everyone": callers(2, 5)}, hours=20), 2)
    came = {call: at for what, at, call, _ in watch.log if what == "came"}
    waits = [at - came[call] for what, at, call, _ in watch.log if what == "connected" and call]
    assert waits and all(wait == pytest.approx(17, abs=1e-6) for wait in waits)


def test_higher_priority_overtakes_and_age_wins_in_the_end() -> None:
    report = simulate(plan_of(SCENARIOS / "vip.yaml"), 3, 5)
    vip, everyday = (report.figure(queue, "asa_s") for queue in ("vip", "everyday"))
    assert vip is not None and everyday is not None and vip.mean < 0.6 * everyday.mean
    assert report.calls("everyday", "timed_out") == 0


def test_longest_idle_is_fairer_than_most_skilled() -> None:
    agents = {
        "old": {"count": 3, "skills": {"support": 5}},
        "new": {"count": 3, "skills": {"support": 1}},
    }

    def uneven(policy: str) -> float:
        queue = {"skills": {"support": 1}, "wrap_up_s": 0, "policy": policy}
        found = simulate(plan(queues={"support": queue}, agents=agents, hours=20), 1, 5).staff("idle_gini")
        assert found is not None
        return found.mean

    assert 5 * uneven("longest-idle") < uneven("most-skilled")


def test_least_occupied_evens_out_the_time_talked() -> None:
    """Long calls are made good: the spread of talked time is a fraction of what longest-idle leaves."""

    def spread(policy: str) -> float:
        queue = {"skills": {"support": 1}, "wrap_up_s": 0, "policy": policy}
        found = []
        for n in range(1, 6):
            world = world_of(plan(queues={"support": queue}, hours=20), 1, n)
            world.run()
            found.append(stdev(agent.talked_s for agent in world.agents.values()))
        return fmean(found)

    assert spread("least-occupied") < 0.3 * spread("longest-idle")


def test_an_agent_who_does_not_answer_is_away_for_a_while() -> None:
    agents = {"staff": {"count": 2, "skills": {"support": 1}, "no_answer": 0.5, "back_after_s": 45}}
    watch = watched(plan(agents=agents, callers={"everyone": callers(20, 60)}), 4)
    missed = {(agent, at) for what, at, _, agent in watch.log if what == "not answered"}
    assert missed
    for agent, at in missed:
        next_free = next(t for what, t, _, a in watch.log if what == "free" and a == agent and t > at)
        assert next_free == pytest.approx(at + 45)


def test_ringing_longer_than_ring_s_is_not_answered() -> None:
    queue = {"skills": {"support": 1}, "wrap_up_s": 0, "ring_s": 10}
    agents = {"staff": {"count": 2, "skills": {"support": 1}, "answer": {"shape": "fixed", "mean_s": 12}}}
    patient = callers(5, 60, patience={"shape": "fixed", "mean_s": 100})
    watch = watched(plan(queues={"support": queue}, agents=agents, callers={"everyone": patient}), 4)
    assert "not answered" in {what for what, *_ in watch.log}
    assert set(watch.ended.values()) == {"abandoned"}


def test_time_of_agents_adds_up_to_the_window() -> None:
    world = watched(plan(warm_up_hours=1), 5).world
    assert world is not None
    for agent in world.agents.values():
        assert agent.spent is not None
        assert sum(agent.spent) == pytest.approx(3 * HOUR)
        assert agent.spent[Doing.AWAY] == 0


# -- against the closed forms --


def near(found: Interval | None, exact: float) -> None:
    """Within three standard errors of the replications: 1 in 80 true figures would miss it with 12 replications."""
    assert found is not None and found.half is not None
    error = found.half / 2.201  # Student's t, 11 degrees of freedom.
    assert found.n == 12 and abs(found.mean - exact) <= 3 * error, (found, exact)


@pytest.fixture(scope="module", params=["erlang_c", "erlang_a"])
def measured(request: pytest.FixtureRequest) -> Report:
    """The page's scenarios, with fewer hours and another seed."""
    return simulate(plan_of(SCENARIOS / f"{request.param}.yaml", hours=40), 11, 12)


def test_figures_agree_with_erlang(measured: Report) -> None:
    exact = closed_form(measured.plan)
    assert exact is not None
    near(measured.figure("total", "service_level"), exact.service_level(20))
    near(measured.figure("total", "asa_s"), exact.asa_s)
    near(measured.figure("total", "waits"), exact.waits)
    near(measured.staff("occupancy"), exact.occupancy)
    if isinstance(exact, ErlangA):
        near(measured.figure("total", "abandoned"), exact.abandoned)


def test_errors_are_small_enough_to_tell_a_wrong_agent_count(measured: Report) -> None:
    """The agreement above is worth something: one agent more or fewer would be found out."""
    exact = closed_form(measured.plan)
    found = measured.figure("total", "service_level")
    assert isinstance(exact, ErlangC | ErlangA) and found is not None and found.half is not None
    for agents in (exact.agents - 1, exact.agents + 1):
        other = (
            ErlangC(exact.rate, exact.handle_s, agents)
            if isinstance(exact, ErlangC)
            else ErlangA(exact.rate, exact.handle_s, exact.patience_s, agents)
        )
        assert abs(found.mean - other.service_level(20)) > 3 * found.half


def test_waits_told_hold_four_times_in_five(measured: Report) -> None:
    found = measured.figure("total", "ewt_inside")
    assert found is not None and 0.75 <= found.mean <= 0.85


@pytest.mark.parametrize(
    "parts",
    [
        {"callers": {"a": callers(), "b": callers()}},
        {"callers": {"a": callers(talk_s=1) | {"talk": {"shape": "fixed", "mean_s": 60}}}},
        {"callers": {"a": callers(patience={"shape": "gamma", "mean_s": 60})}},
        {"callers": {"a": callers() | {"profile": {"00:00": 60, "12:00": 10}}}},
        {"callers": {"a": callers(per_hour=600)}},
        {"agents": {"staff": {"count": 3, "skills": {"support": 1}, "answer": {"mean_s": 5}}}},
        {"queues": {"support": {"skills": {"support": 1}, "wrap_up_s": 10}}},
        {
            "queues": {
                "support": {
                    "skills": {"support": 2},
                    "relax": [{"after_s": 9, "skills": {"support": 1}}],
                    "wrap_up_s": 0,
                }
            }
        },
    ],
)
def test_no_closed_form_is_claimed_where_none_holds(parts: dict[str, Any]) -> None:
    assert closed_form(plan(**parts)) is None
    assert closed_form(plan()) == ErlangC(60 / 3600, 120, 3)


# -- the command --


def test_command_prints_one_json_object() -> None:
    words = ["sim", "run", str(SCENARIOS / "vip.yaml"), "--replications", "2", "--seed", "9", "--json", "--board"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 1
    found = json.loads(done.stdout)
    assert (found["seed"], found["replications"], found["same_as_board"]) == (9, 2, True)
    total = found["queues"]["total"]
    assert total["entered"] == sum(total[name] for name in ("connected", "abandoned", "timed_out", "full"))
    assert "20 s" in found["formulas"]["service_level"]
    assert set(found["queues"]) == {"everyday", "vip", "total"}
    assert CliRunner().invoke(app, words).stdout == done.stdout


def test_command_prints_formulas_and_the_closed_form() -> None:
    done = CliRunner().invoke(app, ["sim", "run", str(SCENARIOS / "erlang_a.yaml"), "--replications", "1"])
    assert done.exit_code == 0
    for words in ("answered within 20 s ÷ entered", "ErlangA", "seed 1860", "ewt_inside", "idle_gini"):
        assert words in done.stdout


def test_keys_are_listed() -> None:
    done = CliRunner().invoke(app, ["sim", "keys"])
    assert done.exit_code == 0 and "| `replications` |" in done.stdout and "`callers.<name>.patience`" in done.stdout
    assert done.stdout.startswith("## Top level")
