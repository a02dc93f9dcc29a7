"""`hotline callback …`: call-backs that callers booked."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.store import work

app = typer.Typer(no_args_is_help=True, help="Call-backs: list, cancel.")


@app.command("list")
def list_callbacks(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    as_json: common.AsJson = False,
) -> None:
    """Call-backs in the order of their places: number, queue, tries, and what came of the last one."""
    at = common.site()
    rows = work.callbacks(at.store, over=everything)
    if as_json:
        common.print_json({"callbacks": rows})
        return
    zone = ZoneInfo(at.settings.timezone)
    for row in rows:
        booked = datetime.fromtimestamp(row["booked_at"], zone).strftime("%Y-%m-%d %H:%M")
        common.console.print(
            f"{row['booking']:>10}  {row['queue']:<12} {row['number']:<14} booked {booked}  tries {row['tries']}"
            f"  {_state(row)}",
            markup=False,
        )


@app.command()
def cancel(booking: Annotated[str, typer.Argument(help="As `hotline callback list` shows it.")]) -> None:
    """Take a call-back off the list; who is being dialled just then is hung up."""
    answer = common.api().post(f"/api/callbacks/{booking}/cancel", {"by": common.who()})
    common.console.print(f"{booking}: {answer['message']}", markup=False)


def _state(row: dict[str, Any]) -> str:
    if row["outcome"]:
        return f"{row['outcome']}{' by ' + row['ended_by'] if row['ended_by'] else ''}"
    return f"missed: {row['missed']}" if row["missed"] else "waits"
