"""`hotline security …`: who is shut out, over the running daemon."""

import getpass
import time
from typing import Annotated

import typer

from ari_app.commands import common

app = typer.Typer(no_args_is_help=True, help="Attackers: addresses shut out for a while.")


@app.command()
def bans(as_json: common.AsJson = False) -> None:
    """Addresses shut out now, until when, and for which time."""
    got = common.api().get("/api/security/bans")
    if as_json:
        common.print_json(got)
        return
    for ban in got["bans"]:
        left_s = max(0.0, ban["until"] - time.time())
        common.console.print(f"{ban['address']:<40} {left_s:6.0f} s left, for time {ban['times']}", markup=False)
    if not got["bans"]:
        common.console.print("nobody is shut out")


@app.command()
def unban(address: Annotated[str, typer.Argument(help="The address, as `hotline security bans` shows it.")]) -> None:
    """Let an address in again at once. Audited."""
    said = common.api().post("/api/security/unban", {"address": address, "by": getpass.getuser()})
    common.console.print(said["message"], markup=False)
