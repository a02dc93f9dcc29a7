"""`hotline report …`: figures about what was."""

from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.kpi.ewt import FORMULA, scores
from ari_app.kpi.line import FORMULA as LINE_FORMULA
from ari_app.store import line as lines
from ari_app.store import work

app = typer.Typer(no_args_is_help=True, help="Figures about what was.")


@app.callback()
def _group() -> None:
    """Figures about what was."""


@app.command()
def ewt(
    day: Annotated[str, typer.Option(help="YYYY-MM-DD, in the hotline's time zone; left out: all days.")] = "",
    as_json: common.AsJson = False,
) -> None:
    """Expected waits callers were told, held against what they then waited, by queue (`*`: all)."""
    at = common.site()
    since, before = common.span(day, ZoneInfo(at.settings.timezone)) if day else (None, None)
    found = scores(work.told(at.store, since, before))
    if as_json:
        rows = {name: {**asdict(score), "share": score.share} for name, score in found.items()}
        common.print_json({"queues": rows, "formula": FORMULA})
        return
    common.console.print(f"{'queue':<16} {'told':>6} {'scored':>7} {'inside':>7} {'error':>8} {'off by':>8}")
    for name, score in found.items():
        share = "-" if score.share is None else f"{score.share:.0%}"
        error = "-" if score.mean_error_s is None else f"{score.mean_error_s:+.0f} s"
        off = "-" if score.mean_off_s is None else f"{score.mean_off_s:.0f} s"
        line = f"{name:<16} {score.told:>6} {score.scored:>7} {share:>7} {error:>8} {off:>8}"
        common.console.print(line, markup=False)
    common.console.print(FORMULA, markup=False)


@app.command()
def line(
    day: Annotated[str, typer.Option(help="YYYY-MM-DD, in the hotline's time zone; left out: all days.")] = "",
    as_json: common.AsJson = False,
) -> None:
    """Callers' lines by trunk (`*`: all): calls, shares of the time silent, quiet, noisy and clear, MOS, loss."""
    at = common.site()
    since, before = common.span(day, ZoneInfo(at.settings.timezone)) if day else (None, None)
    found = lines.of_day(at.store, since, before)
    if as_json:
        common.print_json({"trunks": {name: asdict(each) for name, each in found.items()}, "formula": LINE_FORMULA})
        return
    shown = ("silent", "quiet", "noisy", "clear")
    head = "".join(f"{name:>8}" for name in shown)
    common.console.print(f"{'trunk':<16} {'calls':>6} {'heard':>6}{head} {'MOS p10':>8} {'p50':>5} {'loss':>6}")
    for name, each in found.items():
        shares = "".join(f"{each.shares[verdict]:>8.1%}" if each.shares else f"{'-':>8}" for verdict in shown)
        mos = "".join("     -" if value is None else f"{value:6.2f}" for value in (each.mos_p10, each.mos_p50))
        loss = "-" if each.loss is None else f"{each.loss:.2%}"
        text = f"{name:<16} {each.calls:>6} {each.heard:>6}{shares} {mos[:6]:>8}{mos[6:]} {loss:>6}"
        common.console.print(text, markup=False)
    common.console.print(LINE_FORMULA, markup=False)
