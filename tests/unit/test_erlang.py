"""Erlang B, C and A against exact series, a worked example of the trade, and each other at their limits."""

import math
from fractions import Fraction

import pytest

from ari_app.kpi.erlang import ErlangA, ErlangC, agents_needed, erlang_b, queueing
from ari_app.kpi.measures import gini, interval, student_t

# The example every course of the trade works through: 200 calls an hour, 180 s each, so 10 erlangs, with 14 agents.
RATE, HANDLE_S = 200 / 3600, 180.0


def series_b(load: Fraction, servers: int) -> Fraction:
    terms, term = [Fraction(1)], Fraction(1)
    for n in range(1, servers + 1):
        term = term * load / n
        terms.append(term)
    return term / sum(terms)


@pytest.mark.parametrize(("load", "servers"), [(1, 1), (10, 15), (10, 5), (100, 117), (7, 0)])
def test_erlang_b_against_the_series(load: int, servers: int) -> None:
    assert erlang_b(load, servers) == pytest.approx(float(series_b(Fraction(load), servers)), rel=1e-12)


def test_erlang_b_of_ten_thousand() -> None:
    """Its limit for load = servers = n (Jagerman): sqrt(2 / (pi n)) to first order, minus a share of 1/n."""
    blocked = erlang_b(10_000, 10_000)
    assert blocked == pytest.approx(math.sqrt(2 / (math.pi * 10_000)), abs=2 / 10_000)
    assert erlang_b(1_000, 10_000) == 0.0 and erlang_b(100_000, 10_000) == pytest.approx(0.9, abs=1e-4)


def test_erlang_c_of_the_worked_example() -> None:
    """Published with it: 17.4 % wait, 88.8 % within 20 s, 7.8 s speed of answer, 71.4 % occupancy."""
    found = ErlangC(RATE, HANDLE_S, 14)
    assert found.load == pytest.approx(10)
    assert found.waits == pytest.approx(0.174, abs=0.0005)
    assert found.service_level(20) == pytest.approx(0.888, abs=0.0005)
    assert found.asa_s == pytest.approx(7.8, abs=0.05)
    assert found.occupancy == pytest.approx(0.714, abs=0.0005)
    assert agents_needed(RATE, HANDLE_S, None, 0.8, 20) == 14


@pytest.mark.parametrize(("load", "servers"), [(1, 2), (10, 11), (50, 60), (9, 100)])
def test_erlang_c_against_the_series(load: int, servers: int) -> None:
    a, n = Fraction(load), servers
    tail = a**n / math.factorial(n) * n / (n - a)
    expected = tail / (sum(a**k / math.factorial(k) for k in range(n)) + tail)
    assert ErlangC(load / 100, 100.0, servers).waits == pytest.approx(float(expected), rel=1e-12)


def test_an_overloaded_queue_without_abandons_has_no_end() -> None:
    found = ErlangC(1.0, 100.0, 100)
    assert (found.waits, found.asa_s, found.service_level(20), found.occupancy) == (1.0, math.inf, 0.0, 1.0)


def states(found: ErlangA, extra: int) -> list[float]:
    """Stationary probabilities of the birth and death process, state by state: an independent way to Erlang A."""
    weights = [1.0]
    for k in range(1, found.agents + extra):
        ends = min(k, found.agents) / found.handle_s + max(0, k - found.agents) / found.patience_s
        weights.append(weights[-1] * found.rate / ends)
    total = math.fsum(weights)
    return [each / total for each in weights]


CASES = [ErlangA(RATE, HANDLE_S, 120.0, 10), ErlangA(RATE, HANDLE_S, 60.0, 7), ErlangA(0.05, 200.0, 900.0, 14)]


@pytest.mark.parametrize("found", CASES, ids=str)
def test_erlang_a_against_its_birth_and_death_process(found: ErlangA) -> None:
    chance = states(found, 250)
    line = sum((k - found.agents) * p for k, p in enumerate(chance) if k > found.agents)
    assert found.waits == pytest.approx(sum(chance[found.agents :]), rel=1e-6)
    assert found.abandoned == pytest.approx(line / found.patience_s / found.rate, rel=1e-6)
    assert found.wait_s == pytest.approx(line / found.rate, rel=1e-6)
    busy = sum(min(k, found.agents) * p for k, p in enumerate(chance)) / found.agents
    assert found.occupancy == pytest.approx(busy, rel=1e-6)


@pytest.mark.parametrize("found", CASES, ids=str)
def test_erlang_a_service_level_and_asa_by_counting_departures(found: ErlangA) -> None:
    """Who finds k waiting is served after k + 1 departures, at rates n/handle, n/handle + θ, …: a birth process whose
    count at x is negative binomial. He must not have given up by then. Summed over k, integrated by small steps."""
    chance, theta, full = states(found, 250), 1 / found.patience_s, found.agents / found.handle_s
    shape, step = full * found.patience_s, 0.25
    within = asa = 0.0
    for n in range(int(40 * found.patience_s / step / 8)):
        x = (n + 0.5) * step
        density = 0.0
        gone = -math.expm1(-theta * x)
        for k, p in enumerate(chance[found.agents : found.agents + 120]):
            count = math.lgamma(shape + k) - math.lgamma(shape) - math.lgamma(k + 1) + k * math.log(gone)
            density += p * (full + k * theta) * math.exp(count - full * x)
        served = density * math.exp(-theta * x) * step
        within += served if x < 20 else 0.0
        asa += x * served
    assert found.service_level(20) == pytest.approx(1 - found.waits + within, rel=1e-4)
    assert found.asa_s == pytest.approx(asa / (1 - found.abandoned), rel=1e-3)


def test_erlang_a_with_endless_patience_is_erlang_c() -> None:
    a, c = ErlangA(RATE, HANDLE_S, 1e9, 12), ErlangC(RATE, HANDLE_S, 12)
    assert a.waits == pytest.approx(c.waits, rel=1e-5)
    assert a.asa_s == pytest.approx(c.asa_s, rel=1e-5)
    assert a.service_level(20) == pytest.approx(c.service_level(20), rel=1e-5)
    assert a.abandoned == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("load", [0.05, 0.5, 0.95, 1.0, 1.05, 3.0])
def test_ten_thousand_agents_are_stable(load: float) -> None:
    found = ErlangA(load * 10_000 / 240, 240.0, 180.0, 10_000)
    figures = [found.waits, found.abandoned, found.asa_s, found.occupancy, found.service_level(20)]
    assert all(math.isfinite(each) and each >= -1e-12 for each in figures)
    assert found.occupancy <= 1 + 1e-9
    assert found.abandoned >= 1 - 1 / load - 1e-9  # What cannot be served is given up.
    assert ErlangC(load * 10_000 / 240, 240.0, 10_000).waits <= 1


def test_staff_is_the_fewest_that_will_do() -> None:
    for patience_s in (None, 120.0):
        needed = agents_needed(5.0, 240.0, patience_s, 0.8, 20)
        assert needed is not None
        assert queueing(5.0, 240.0, patience_s, needed).service_level(20) >= 0.8
        assert queueing(5.0, 240.0, patience_s, needed - 1).service_level(20) < 0.8
    assert agents_needed(1e6, 240.0, None, 0.8, 20) is None


def test_gini() -> None:
    assert gini([]) is None
    assert gini([0.0, 0.0]) == 0.0
    assert gini([3.0, 3.0, 3.0]) == pytest.approx(0)
    assert gini([0.0, 0.0, 0.0, 8.0]) == pytest.approx(3 / 4)
    assert gini([1.0, 3.0]) == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("freedom", "table"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045)]
)
def test_student_t_against_the_printed_table(freedom: int, table: float) -> None:
    assert student_t(freedom) == pytest.approx(table, rel=0.01)


def test_interval() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.mean, found.n) == (2.0, 3) and found.half == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert interval([]) is None and interval([5.0]).half is None  # type: ignore[union-attr]
