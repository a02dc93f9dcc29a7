"""`hotline bench …`: how much it carries and what it costs, measured on this machine; calls by real SIP phones."""

import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from ari_app.commands import common

app = typer.Typer(no_args_is_help=True)


@app.callback()
def to_the_end() -> None:
    """Measure the hotline on this machine, with a hotline of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Asterisk, daemon and phones go with it.


@app.command()
def calls(
    rate: Annotated[float, typer.Option(min=0.1, max=100, help="Calls a second.")] = 10,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Seconds for which calls are placed.")] = 30,
    against: Annotated[
        Literal["", "native"], typer.Option(help="native: at rising rates, beside the same calls on app_queue.")
    ] = "",
    line_analysis: Annotated[
        Literal["on", "off", "both"], typer.Option(help="Callers' lines analysed, not analysed, or once each.")
    ] = "both",
    as_json: common.AsJson = False,
) -> None:
    """Callers at a rate through menu, queue and recording to agents: failures, delays, CPU a call.

    SIPp and an Asterisk of its own, on loopback. Exit 1 when a call failed. With --against, --rate and --seconds have
    no meaning: rates rise until calls fail, some ten minutes in all.
    """
    from ari_app.bench.against import Ladder, bench_against
    from ari_app.bench.calls import Plan, bench_calls

    site = common.site()
    if against:
        return _print(bench_against(site, common.installed(site), Ladder(), _progress()), as_json)
    listens = {"on": (True,), "off": (False,), "both": (True, False)}[line_analysis]
    result = bench_calls(site, common.installed(site), Plan.of(rate, seconds, site, listens), _progress())
    _print(result, as_json)
    if result["failed"] or result.get("without_line_analysis", result)["failed"]:
        raise typer.Exit(1)


@app.command()
def flow(as_json: common.AsJson = False) -> None:
    """Flows: the check of a large one, steps of the interpreter a second, reloads under live calls.

    No Asterisk and no phones. Exit 1 when a reload disturbed a call.
    """
    from ari_app.bench.flow import bench_flow

    result = bench_flow(common.site(), _progress())
    _print(result, as_json)
    if result["calls_disturbed"]:
        raise typer.Exit(1)


@app.command()
def line(
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Of the corpus: the same seed, the same sound.")] = 1860,
    strangers: Annotated[bool, typer.Option("--strangers", help="Six voices of espeak-ng as well.")] = False,
    live: Annotated[int, typer.Option(min=0, max=200, help="Calls on a real Asterisk, in place of the corpus.")] = 0,
    as_json: common.AsJson = False,
) -> None:
    """Verdicts on a caller's line over a generated corpus: confusion table, time to a verdict, CPU. No Asterisk.

    With --live, what listening costs instead, the whole way: so many callers talk at once, unheard and then heard.
    """
    from ari_app.bench.line import bench_line
    from ari_app.bench.live import bench_live

    site = common.site()
    if live:
        _print(bench_live(site, common.installed(site), live, _progress()), as_json)
        return
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # One core is measured; numpy asks for this when it is loaded.
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        result = alone.submit(bench_line, site.sounds, site.settings.line, seed, strangers=strangers).result()
    _print(result, as_json)


@app.command()
def sim(as_json: common.AsJson = False) -> None:
    """The simulator: 10,000 agents against the clock, and a day of 1,000 agents. No Asterisk and no phones."""
    from ari_app.bench.sim import bench_sim

    _print(bench_sim(_progress()), as_json)


@app.command()
def acd(as_json: common.AsJson = False) -> None:
    """The distributor: what an event costs it, with 100 to 10,000 agents and up to 50,000 callers waiting.

    No Asterisk and no phones; one CPU, a minute or two.
    """
    from ari_app.bench.acd import bench_acd

    _print(bench_acd(_progress()), as_json)


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        common.print_json(result)
    else:
        common.console.print(_table(result))


def _progress() -> common.Say:
    """Lines with the seconds since now, on standard error: standard output is for the figures."""
    began, console = time.monotonic(), Console(stderr=True, highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(f"  [{time.monotonic() - began:5.1f}s] {line}", markup=False)

    return say


def _table(result: dict[str, Any]) -> Table:
    table = Table(show_header=False)
    for name, value in result.items():
        shown = "  ".join(f"{key} {part}" for key, part in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name, shown)
    return table
