"""`hotline screening …`: callers who are screened: who, why, until when; appeals."""

import time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError
from ari_app.store import screening as store

app = typer.Typer(no_args_is_help=True, help="Callers who are screened: list, show, add, lift, keep.")

Name = Annotated[str, typer.Argument(help="The screening, as `hotline screening list` shows it.")]
By = Annotated[str, typer.Option(help="Your work number; agents.NUMBER.may in config.yaml must have supervise.")]


@app.command("list")
def list_screenings(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    appeals: Annotated[bool, typer.Option("--appeals", help="Only those with an appeal that waits.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Marks that screened nobody, and why.")] = False,
    as_json: common.AsJson = False,
) -> None:
    """Who is screened, until when, for the how-manieth time, by whom and why. Numbers are masked."""
    at = common.site()
    zone = ZoneInfo(at.settings.timezone)
    if refused:
        _print_refusals(store.refusals(at.store), zone, as_json)
        return
    rows = store.screenings(at.store, time.time(), over=everything, appeals=appeals)
    if as_json:
        common.print_json({"screenings": rows})
        return
    for row in rows:
        common.console.print(
            f"{row['screening']:>10}  {row['number']:<14} until {common.when(row['until'], zone)}  {row['times']}x"
            f"  {row['by']}: {row['why']}{_state(row)}",
            markup=False,
        )


def _print_refusals(rows: list[dict[str, Any]], zone: ZoneInfo, as_json: bool) -> None:
    if as_json:
        common.print_json({"refused": rows})
        return
    for row in rows:
        said = f"{common.when(row['at'], zone)}  {row['number']:<14} {row['by']}: {row['reason']}"
        common.console.print(said, markup=False)


@app.command()
def show(name: Name) -> None:
    """All that is kept of one screening: marks, appeal, decision."""
    at = common.site()
    row = store.screening(at.store, name)
    if row is None:
        raise ConfigError(f"there is no screening {name}\ntry: hotline screening list --all")
    zone = ZoneInfo(at.settings.timezone)
    for key, value in row.items():
        common.console.print(f"{key:<12} {common.plain(key, value, zone)}".rstrip(), markup=False)
    if row["appeal"]:
        common.console.print(f"hear it: hotline inbox play {row['appeal']}", markup=False)


@app.command()
def add(number: Annotated[str, typer.Argument(help="The caller's number.")], by: By, reason: common.Reason) -> None:
    """Screen a number by hand. VIPs, protected and withheld numbers are refused, with the reason."""
    _ask("add", number=number, by=by, reason=reason)


@app.command()
def lift(name: Name, by: By, reason: common.Reason) -> None:
    """End a screening now; it does not make a later one longer."""
    _ask(f"{name}/lift", by=by, reason=reason)


@app.command()
def keep(name: Name, by: By, reason: common.Reason) -> None:
    """Keep a screening that was appealed against; its message is done."""
    _ask(f"{name}/keep", by=by, reason=reason)


def _ask(path: str, **body: str) -> None:
    answer = common.api().post(f"/api/screening/{path}", body)
    common.console.print(answer["message"], markup=False)


def _state(row: dict[str, Any]) -> str:
    if row["outcome"]:
        return f"  [{row['outcome']}{' by ' + row['ended_by'] if row['ended_by'] else ''}]"
    if row["appeal"] and not row["decided_at"]:
        return f"  [appeal {row['appeal']} waits]"
    return f"  [kept by {row['decided_by']}]" if row["decided_at"] else ""
