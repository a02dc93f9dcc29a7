"""The simulated world holds together, whatever the scenario; and the whole board does as its distributor alone does."""

from collections import Counter

import pytest

from ari_app.model.surge import Surge
from ari_app.sim.mirror import offers_of_board, offers_of_world, reason_against
from ari_app.sim.plan import streams
from ari_app.sim.run import replicate, simulate
from tests.sim_kit import SCENARIOS, any_scenario, callers, plan, plan_of, watched

SEEDS = range(1, 41)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_arrival_ends_once_and_nobody_has_two_calls(seed: int) -> None:
    """The watch asserts at every step; here the counts are held against it."""
    watch = watched(any_scenario(seed), seed)
    assert watch.world is not None
    came = [call for what, _, call, _ in watch.log if what == "came"]
    assert len(came) == len(set(came)) == len(watch.ended) == watch.world.came > 50
    counted = Counter(
        how
        for call, how in watch.ended.items()
        if next(at for what, at, c, _ in watch.log if c == call) >= watch.world.plan.warm_up_s
    )
    for how in ("connected", "abandoned", "timed_out", "full"):
        assert sum(getattr(count, how) for count in watch.world.tally.queues.values()) == counted[how]
    assert sum(count.entered for count in watch.world.tally.queues.values()) == counted.total()


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_time_waited_is_the_integral_of_those_waiting(seed: int) -> None:
    watch = watched(any_scenario(seed), seed)
    assert watch.world is not None
    world, window = watch.world, (watch.world.plan.warm_up_s, watch.world.plan.until_s)
    assert sum(c.queue_s for c in world.tally.queues.values()) == pytest.approx(watch.queue_s(*window), rel=1e-9)
    for agent in world.agents.values():
        assert agent.spent is not None and sum(agent.spent) == pytest.approx(window[1] - window[0], rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_the_board_offers_the_same_calls_to_the_same_agents(seed: int) -> None:
    scenario = any_scenario(seed)
    assert reason_against(scenario) == ""
    alone = offers_of_world(scenario, seed, 1)
    assert len(alone) > 50
    assert offers_of_board(scenario, streams(seed, 1)) == alone


@pytest.mark.parametrize("name", ["vip", "surge", "surge_plan"])
def test_the_board_does_the_same_in_the_scenarios_of_the_pages(name: str) -> None:
    scenario = plan_of(SCENARIOS / f"{name}.yaml", hours=5)
    assert offers_of_board(scenario, streams(1, 1)) == offers_of_world(scenario, 1, 1)


def test_what_the_board_cannot_play_is_told() -> None:
    assert "callers.everyone" in reason_against(plan(callers={"everyone": callers(wrap_up={"mean_s": 5})}))


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    scenario = any_scenario(seed)
    assert watched(scenario, seed).log == watched(scenario, seed).log
    assert watched(scenario, seed).log != watched(scenario, seed + 1).log
    assert watched(scenario, seed, 1).log != watched(scenario, seed, 2).log
    assert replicate(scenario, seed, 2).figures == replicate(scenario, seed, 2).figures


def test_littles_law() -> None:
    """Mean length = rate × mean wait, each measured by itself: the difference is within its confidence interval."""
    scenario = plan(callers={"everyone": callers(100, 100, patience={"mean_s": 200})}, hours=30, warm_up_hours=2)
    report = simulate(scenario, 7, 20)
    differences = []
    for outcome in report.outcomes:
        count = outcome.queues["support"]
        arrived = (count.wait_s + count.abandon_wait_s) / (28 * 3600)
        differences.append(count.queue_s / (28 * 3600) - arrived)
    mean = sum(differences) / 20
    error = (sum((each - mean) ** 2 for each in differences) / 19 / 20) ** 0.5
    assert abs(mean) <= 3 * error
    assert error < 0.01 * (report.figure("support", "queue_length") or pytest.fail()).mean


def test_one_kind_of_callers_is_as_it_was_when_another_changes() -> None:
    """Streams are apart: otherwise two scenarios could not be compared caller by caller."""

    def moments(per_hour: float) -> set[float]:
        two = plan(callers={"everyone": callers(60), "others": callers(per_hour)})
        return {at for what, at, _, _ in watched(two, 3).log if what == "came"}

    assert moments(0) < moments(90)


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_call_backs_keep_the_place_and_end_once(seed: int) -> None:
    """One queue, one skill: nobody who waits on the line, called back or not, is passed over by one who came later."""
    busy = callers(
        150, 90, patience={"mean_s": 200}, call_back=0.6, call_back_after_s=20, reached=0.6, dial={"mean_s": 15}
    )
    scenario = plan(callers={"everyone": busy}, callbacks={"tries": 2, "spacing_s": 60})
    watch = watched(scenario, seed)
    assert watch.world is not None
    ended = Counter(watch.ended.values())
    total = watch.world.tally.queues["support"]  # type: ignore[index]
    assert ended["connected"] == total.connected + total.called_back and ended["unreached"] == total.unreached
    assert total.booked >= total.called_back + total.unreached > 20 and total.unreached > 0
    assert ended.total() == total.entered == watch.world.came and not any(watch.world.booked.values())
    assert watch.world.dialling == 0 and not watch.world.engine.places
    waiting: set[str] = set()
    for what, _, call, _ in watch.log:
        if what in ("came", "confirmed", "not answered") and call is not None:
            waiting.add(call)
        elif what in ("booked", "left", "offered") and call is not None:
            waiting.discard(call)
        if what == "offered" and call is not None:
            assert not [each for each in waiting if watch.callers[each].since < watch.callers[call].since]  # type: ignore[index]


def test_without_the_surge_plan_nobody_steps_in() -> None:
    """What the plan may bring lies between nobody stepping in and everybody being there all day."""
    scenario = plan_of(SCENARIOS / "surge_plan.yaml", hours=8)
    none = simulate(plan_of(SCENARIOS / "surge_plan.yaml", hours=8, surge=Surge()), 1, 3)
    plan_ = simulate(scenario, 1, 3)
    for queue in ("billing", "network"):
        without, with_plan = none.figure(queue, "abandoned"), plan_.figure(queue, "abandoned")
        assert without is not None and with_plan is not None and with_plan.mean < without.mean
    held = plan_.surge("quality", "held_s")
    assert held is not None and 0 < held.mean < 8 * 3600
