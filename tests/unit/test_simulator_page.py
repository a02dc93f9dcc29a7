"""docs/simulator.md: its figures come again as closely as chance allows; its closed forms are exact."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pytest

from ari_app.kpi.measures import Interval, student_t
from ari_app.sim.closed import closed_form
from ari_app.sim.run import FIGURES, SURGE, Report, simulate
from tests.asterisk import REPOSITORY
from tests.sim_kit import SCENARIOS, plan_of

SEED, REPLICATIONS = 4711, 4
ROW = re.compile(r"^\| (\w+) \| (\w+) \| `(\w+)` \| ([\d.]+) ± ([\d.]+)( %)? \| ([\d.]*)(?: %)? \|$", re.M)


@dataclass(frozen=True)
class Row:
    scenario: str
    of: str
    figure: str
    mean: float
    half: float
    closed: float | None
    rounding: float

    def __str__(self) -> str:
        return f"{self.scenario}-{self.of}-{self.figure}"


def rows(page: str) -> list[Row]:
    found = []
    for scenario, of, figure, mean, half, percent, closed in ROW.findall((REPOSITORY / page).read_text("utf-8")):
        unit = 0.01 if percent else 1.0
        digits = len(mean.partition(".")[2])
        bounds = (unit * float(mean), unit * float(half), unit * float(closed) if closed else None)
        found.append(Row(scenario, of, figure, *bounds, unit * 10**-digits / 2))
    return found


ROWS = rows("docs/simulator.md")


@cache
def report(scenario: str) -> Report:
    return simulate(plan_of(SCENARIOS / f"{scenario}.yaml"), SEED, REPLICATIONS)


def measured(row: Row) -> Interval:
    of = report(row.scenario)
    if row.figure in SURGE:
        found = of.surge(row.of, row.figure)
    else:
        found = of.figure(row.of, row.figure) if row.figure in FIGURES else of.staff(row.figure)
    assert found is not None
    return found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_figures_of_the_page_come_again(row: Row) -> None:
    """Another seed, fewer replications: the difference of the two means within three of its standard errors."""
    replications = plan_of(SCENARIOS / f"{row.scenario}.yaml").scenario.replications
    deviation = (row.half + row.rounding) / student_t(replications - 1) * math.sqrt(replications)
    error = deviation * math.sqrt(1 / replications + 1 / REPLICATIONS)
    assert abs(measured(row).mean - row.mean) <= 3 * error + row.rounding


@pytest.mark.parametrize("row", [row for row in ROWS if row.closed is not None], ids=str)
def test_closed_forms_of_the_page_are_exact_and_inside_the_interval(row: Row) -> None:
    exact = closed_form(plan_of(SCENARIOS / f"{row.scenario}.yaml"))
    assert exact is not None and row.closed is not None
    known: Mapping[str, float] = {
        "service_level": exact.service_level(20),
        "asa_s": exact.asa_s,
        "waits": exact.waits,
        "abandoned": exact.abandoned,
        "occupancy": exact.occupancy,
    }
    assert row.closed == pytest.approx(known[row.figure], abs=row.rounding * 1.001)
    assert abs(row.mean - row.closed) <= row.half + 2 * row.rounding


def test_every_scenario_is_on_the_page_in_both_languages() -> None:
    assert {row.scenario for row in ROWS} == {path.stem for path in SCENARIOS.glob("*.yaml")}
    page = (REPOSITORY / "docs/simulator.md").read_text("utf-8")
    assert len(ROWS) == len(re.findall(r"^\|.*±", page, re.M))
    assert rows("docs/simulator.zh-CN.md") == ROWS
