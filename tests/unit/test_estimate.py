"""The expected wait: against a simulated queue, with little knowledge, with much, and at its limits."""

import heapq
import math
from random import Random

import pytest

from ari_app.acd.estimate import Estimator, _departures, _gamma
from ari_app.model.ids import QueueName

Q = QueueName("billing")


def seasoned(*, handle_s: float = 200.0, calls: int = 400) -> Estimator:
    """An estimator that has just seen many calls handled, none abandoned."""
    estimator = Estimator()
    for n in range(calls):
        estimator.entered(Q, float(n))
        estimator.connected(Q, 100.0, float(n))
        estimator.handled(Q, handle_s, float(n))
    return estimator


def middle(found: tuple[float, float] | None) -> float:
    assert found is not None
    low, high = found
    assert 0 <= low < high
    return (low + high) / 2


def test_nobody_serves() -> None:
    assert Estimator().expect(Q, 3, 0, 0.0) is None


def test_a_young_queue_goes_by_priors() -> None:
    low, high = Estimator(handle_s=300.0).expect(Q, 0, 10, 0.0) or (0.0, 0.0)
    assert low < 30 < high


@pytest.mark.parametrize("handle_s", [60.0, 600.0])
def test_its_own_handle_times_replace_the_prior(handle_s: float) -> None:
    expected = 10 * handle_s / 5
    assert middle(seasoned(handle_s=handle_s).expect(Q, 9, 5, 400.0)) == pytest.approx(expected, rel=0.2)


def test_more_ahead_is_longer_and_more_staff_is_shorter() -> None:
    def wait(ahead: int, servers: int) -> float:
        return middle(seasoned().expect(Q, ahead, servers, 400.0))

    assert wait(0, 5) < wait(1, 5) < wait(10, 5) < wait(100, 5) < wait(100_000, 5)
    assert wait(10, 20) < wait(10, 5)


def test_the_range_narrows_with_knowledge() -> None:
    def width(estimator: Estimator) -> float:
        low, high = estimator.expect(Q, 30, 10, 400.0) or (1.0, 1.0)
        return high / low

    assert width(seasoned(calls=400)) < width(seasoned(calls=4)) < width(Estimator())


def test_impatient_callers_ahead_shorten_the_wait() -> None:
    patient, impatient = seasoned(), seasoned()
    for n in range(400):
        impatient.entered(Q, 400.0 + n / 100)
        impatient.abandoned(Q, 30.0, 400.0 + n / 100)
    assert middle(impatient.expect(Q, 40, 5, 404.0)) < 0.5 * middle(patient.expect(Q, 40, 5, 404.0))


def test_being_overtaken_lengthens_the_wait() -> None:
    """400 overtakings in 80,000 s of waiting: 0.005 a second off a pace of 5 / 200 = 0.025, so a quarter longer."""
    calm, overtaken = seasoned(), seasoned()
    for n in range(400):
        for estimator, overtook in ((calm, 0), (overtaken, 1)):
            estimator.entered(Q, 400.0, overtook=overtook)
            estimator.connected(Q, 100.0, 400.0 + n / 100)
    assert middle(overtaken.expect(Q, 5, 5, 404.0)) == pytest.approx(
        1.25 * middle(calm.expect(Q, 5, 5, 404.0)), rel=0.05
    )


def test_agents_shared_with_other_queues_count_for_what_they_do_here() -> None:
    """Ten agents, 100 s a call, but only one connect in 50 s comes to this queue: a tenth of 0.1 a second … a fifth."""
    estimator, now = Estimator(), 0.0
    for _ in range(5):
        estimator.entered(Q, now)
    for _ in range(200):
        estimator.expect(Q, 4, 10, now)
        now += 50
        estimator.connected(Q, 250.0, now)
        estimator.handled(Q, 100.0, now)
        estimator.entered(Q, now)
    assert middle(estimator.expect(Q, 4, 10, now)) == pytest.approx(250, rel=0.25)


def test_a_quiet_night_fades_to_the_long_run_not_to_the_prior() -> None:
    estimator = seasoned(handle_s=60.0)
    for n in range(20):
        estimator.handled(Q, 600.0, 400.0 + n)
    fresh = middle(estimator.expect(Q, 9, 5, 420.0))
    assert middle(estimator.expect(Q, 9, 5, 420.0 + 36_000)) == pytest.approx(10 * 90 / 5, rel=0.25)
    assert fresh != pytest.approx(middle(estimator.expect(Q, 9, 5, 420.0 + 36_000)), rel=0.001)


def test_many_departures_are_summed_as_well_by_the_integral() -> None:
    for count, pace, leaving in ((1000, 0.5, 0.01), (5000, 2.0, 1e-9), (65, 0.1, 1.0)):
        steps = [1 / (pace + n * leaving) for n in range(count)]
        mean, variance = _departures(count, pace, leaving)
        assert mean == pytest.approx(sum(steps), rel=1e-4)
        assert variance == pytest.approx(sum(step * step for step in steps), rel=1e-3)


def test_quantiles_against_the_exponential_and_the_erlang() -> None:
    z = 1.2815515655446004
    assert _gamma(1, z) == pytest.approx(-math.log(0.1), rel=0.015)  # The formula's own error.
    assert _gamma(1, -z) == pytest.approx(-math.log(0.9), rel=0.1)
    for k, p, sign in ((10, 0.9, 1), (10, 0.1, -1), (100, 0.9, 1)):
        x = _gamma(k, sign * z)
        below = 1 - sum(math.exp(-x + n * math.log(x) - math.lgamma(n + 1)) for n in range(k))
        assert below == pytest.approx(p, abs=0.003)


def simulated(seed: int, servers: int, patience_s: float) -> list[tuple[float, float, float]]:
    """First come, first served: (low, high, waited) of those who had to wait and were connected, after a warm-up."""
    random, estimator = Random(seed), Estimator()
    events: list[tuple[float, int, str, int]] = []
    line: list[int] = []
    free, since, told, found = servers, {}, {}, []
    for n, t in enumerate(_arrivals(random, servers / 200 * 1.05, 8000)):
        events.append((t, n, "arrival", n))
    heapq.heapify(events)
    while events:
        now, _, kind, n = heapq.heappop(events)
        if kind == "arrival":
            since[n] = now
            estimator.entered(Q, now)
            line.append(n)
            heapq.heappush(events, (now + random.expovariate(1 / patience_s), n, "gives up", n))
            if not free:
                told[n] = estimator.expect(Q, len(line) - 1, servers, now)
        elif kind == "gives up":
            if n in line:
                line.remove(n)
                estimator.abandoned(Q, now - since[n], now)
        else:
            free += 1
            estimator.handled(Q, now - since[n], now)
        while free and line:
            n, free = line.pop(0), free - 1
            estimator.connected(Q, now - since[n], now)
            if n > 1000 and n in told:
                found.append((*told[n], now - since[n]))
            since[n] = now
            heapq.heappush(events, (now + random.expovariate(1 / 200), n, "over", n))
    return found


def _arrivals(random: Random, rate: float, count: int) -> list[float]:
    at, found = 0.0, []
    for _ in range(count):
        at += random.expovariate(rate)
        found.append(at)
    return found


@pytest.mark.parametrize(("servers", "patience_s"), [(5, 900.0), (40, 300.0), (40, 1800.0)])
def test_four_in_five_waits_are_inside_the_range(servers: int, patience_s: float) -> None:
    """Three seeds; the standard error of the share is about 0.02, since neighbours in a queue wait alike."""
    for seed in (1, 2, 3):
        found = simulated(seed, servers, patience_s)
        inside = sum(low <= waited <= high for low, high, waited in found) / len(found)
        assert 0.70 <= inside <= 0.92, (seed, inside)
        bias = sum((low + high) / 2 - waited for low, high, waited in found) / sum(w for _, _, w in found)
        assert abs(bias) < 0.15, (seed, bias)


def test_the_same_story_gives_the_same_answers() -> None:
    assert simulated(4, 5, 300.0) == simulated(4, 5, 300.0)


def test_memory_is_bounded_by_the_queues() -> None:
    estimator = seasoned(calls=5000)
    assert len(estimator.queues) == 1


def test_a_clock_that_stands_or_steps_back_harms_nothing() -> None:
    estimator = seasoned()
    before = estimator.expect(Q, 3, 5, 400.0)
    estimator.entered(Q, -3600.0)
    assert estimator.expect(Q, 3, 5, 400.0) == before
