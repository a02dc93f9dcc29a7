"""`hotline sim …`: a day of calls in seconds, on the distributor the hotline runs on."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ari_app.commands import common
from ari_app.config.reference import keys_table
from ari_app.config.scenario import load_scenario
from ari_app.errors import HotlineError
from ari_app.kpi.erlang import Queueing
from ari_app.kpi.measures import Interval
from ari_app.model.scenario import Scenario
from ari_app.sim.closed import closed_form
from ari_app.sim.mirror import offers_of_board, offers_of_world, reason_against
from ari_app.sim.plan import Plan, streams
from ari_app.sim.run import FIGURES, STAFF, SURGE, Report, simulate

app = typer.Typer(no_args_is_help=True, help="Simulate callers and agents on the hotline's own distributor.")

COUNTS = ("entered", "connected", "abandoned", "timed_out", "full", "called_back", "unreached")
SHARES = {
    "service_level",
    "waits",
    "abandoned",
    "abandoned_short",
    "abandon_rate",
    "timed_out",
    "full",
    "booked",
    "called_back",
    "ewt_inside",
}


@app.command("run")
def run_(
    scenario: Annotated[Path, typer.Argument(help="The scenario (YAML).")],
    as_json: common.AsJson = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the scenario's.")] = None,
    replications: Annotated[int | None, typer.Option(min=1, max=1000, help="Instead of the scenario's.")] = None,
    board: Annotated[bool, typer.Option("--board", help="Play the first run on the whole board too; compare.")] = False,
) -> None:
    """Run a scenario: service level, speed of answer, abandons, occupancy, fairness, expected wait against truth.

    Each figure with the 95 % interval its replications give, and the closed form where there is one. Exit 1 when
    --board is given and the board offers other calls to other agents than the distributor alone.
    """
    loaded = load_scenario(scenario)
    plan = Plan.of(loaded.scenario, loaded.queues, loaded.step_s)
    seed = loaded.scenario.seed if seed is None else seed
    compared = _compared(plan, seed) if board else {}
    report = simulate(plan, seed, replications or loaded.scenario.replications, _progress(as_json))
    if as_json:
        common.print_json({**_json(scenario, seed, report), **compared})
    else:
        _print(scenario, seed, report, compared)
    if compared and not compared["same_as_board"]:
        raise typer.Exit(1)


@app.command()
def keys() -> None:
    """Every key of a scenario file, with its meaning, unit and default, as Markdown."""
    print(keys_table(Scenario))


def _compared(plan: Plan, seed: int) -> dict[str, Any]:
    """The first replication on the distributor alone and on the whole board; HotlineError where it cannot be."""
    if reason := reason_against(plan):
        raise HotlineError(f"{reason}; leave out --board")
    alone, whole = offers_of_world(plan, seed, 1), offers_of_board(plan, streams(seed, 1))
    return {"offers": len(alone), "offers_of_board": len(whole), "same_as_board": alone == whole}


def _print(scenario: Path, seed: int, report: Report, compared: dict[str, Any]) -> None:
    settings = report.plan.scenario
    common.console.print(f"{scenario.name}: {settings.says}", markup=False)
    hours = settings.hours - settings.warm_up_hours
    common.console.print(f"{len(report.outcomes)} replications of {hours:g} h that count, seed {seed}")
    for table in _tables(report):
        common.console.print(table)
    for name, formula in report.formulas().items():
        common.console.print(f"  {name}: {formula}", markup=False)
    if compared:
        said = "the same as on" if compared["same_as_board"] else "NOT the same as on"
        common.console.print(f"{compared['offers']} offers, {said} the whole board ({compared['offers_of_board']})")


def _progress(as_json: bool) -> Any:
    console = Console(stderr=True, highlight=False)
    return None if as_json or not console.is_terminal else lambda n: console.print(f"  replication {n}", end="\r")


def _tables(report: Report) -> list[Table]:
    queues = Table("", *_columns(report), title="Queues, ± 95 % interval", box=SIMPLE)
    closed = closed_form(report.plan)
    if closed is not None:
        queues.add_column(type(closed).__name__)
    for name in COUNTS:
        queues.add_row(f"{name}, calls", *(f"{report.calls(where, name):,}" for where in _columns(report)))
    known = _known(closed, report)
    for name in FIGURES:
        shown = [_shown(report.figure(where, name), name in SHARES) for where in _columns(report)]
        queues.add_row(name, *shown, *([_one(known.get(name), name in SHARES)] if closed is not None else []))
    kinds = list(report.plan.scenario.agents)
    staff = Table("", *kinds, "all", title="Agents", box=SIMPLE)
    for name in STAFF:
        share = name != "idle_gini"
        cells = (_shown(report.staff_of(kind, name), share) for kind in kinds)
        staff.add_row(name, *cells, _shown(report.staff(name), share))
    if (occupancy := known.get("occupancy")) is not None:
        staff.caption = f"{type(closed).__name__}: occupancy {_one(occupancy, True)}"
    if not report.plan.scenario.surge.steps:
        return [queues, staff]
    surge = Table("", *SURGE, title="Surge plan, a replication", box=SIMPLE)
    for step in report.plan.scenario.surge.steps:
        surge.add_row(step.name, *(_shown(report.surge(step.name, name), False) for name in SURGE))
    return [queues, staff, surge]


def _columns(report: Report) -> list[str]:
    return [*report.plan.queues, "total"] if len(report.plan.queues) > 1 else ["total"]


def _known(closed: Queueing | None, report: Report) -> dict[str, float]:
    """The closed form's word on the figures it knows."""
    if closed is None:
        return {}
    return {
        "service_level": closed.service_level(report.plan.scenario.service_level_s),
        "asa_s": closed.asa_s,
        "waits": closed.waits,
        "abandoned": closed.abandoned,
        "occupancy": closed.occupancy,
    }


def _one(value: float | None, is_share: bool) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if is_share else f"{value:.2f}"


def _shown(found: Interval | None, is_share: bool) -> str:
    if found is None:
        return "-"
    half = "" if found.half is None else f" ± {_one(found.half, is_share).removesuffix(' %')}"
    return _one(found.mean, is_share).removesuffix(" %") + half + (" %" if is_share else "")


def _json(path: Path, seed: int, report: Report) -> dict[str, Any]:
    return {
        "scenario": path.name,
        "seed": seed,
        "replications": len(report.outcomes),
        "queues": {
            where: {
                **{name: report.calls(where, name) for name in COUNTS},
                "figures": {name: _bounds(report.figure(where, name)) for name in FIGURES},
            }
            for where in [*report.plan.queues, "total"]
        },
        "staff": {name: _bounds(report.staff(name)) for name in STAFF},
        "surge": {
            step.name: {name: _bounds(report.surge(step.name, name)) for name in SURGE}
            for step in report.plan.scenario.surge.steps
        },
        "closed_form": _known(closed_form(report.plan), report),
        "formulas": report.formulas(),
    }


def _bounds(found: Interval | None) -> dict[str, float | None] | None:
    """A mean and the half width of its 95 % interval."""
    return None if found is None else {"mean": found.mean, "half": found.half}
