"""`hotline status`: which daemon is active, which waits. `hotline handover`: the one ends, the other takes over."""

import getpass
import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.errors import HotlineError
from ari_app.site import Site
from ari_app.standby import Nodes, nodes_of
from ari_app.store.lock import Holder

TAKEN_S: Final = 15.0
LOOK_S: Final = 0.05


def status(as_json: common.AsJson = False) -> None:
    """Say which daemon is active and which waits. Exit 1 when none is active."""
    at = common.site()
    nodes = nodes_of(at.store)
    if as_json:
        common.print_json(nodes.plain())
    else:
        common.console.print("\n".join(said(nodes, at.settings.timezone)), markup=False)
    if nodes.active is None:
        raise typer.Exit(1)


def said(nodes: Nodes, timezone: str) -> list[str]:
    """A line for each."""

    def line(what: str, holder: Holder | None, more: str = "") -> str:
        if holder is None:
            return f"{what}  nobody"
        since = datetime.fromtimestamp(holder.since, ZoneInfo(timezone))
        return f"{what}  {holder}, since {since:%Y-%m-%d %H:%M:%S}{more}"

    active = nodes.active
    sign = f", last sign of life {nodes.silent_s:.1f} s ago" if active is not None and active.stale_s else ""
    return [line("active ", active, sign), line("standby", nodes.standby)]


def handover(
    anyway: Annotated[bool, typer.Option("--anyway", help="Also when no standby waits.")] = False,
    as_json: common.AsJson = False,
) -> None:
    """Have the active daemon end and the standby take its calls: an upgrade without a lost call."""
    at = common.site()
    nodes, began = nodes_of(at.store), time.monotonic()
    before = nodes.active
    if before is None:
        raise HotlineError("no daemon is active\nstart one: hotline run")
    done = common.api(at).post("/api/handover", {"anyway": anyway, "by": getpass.getuser()})
    after = None if nodes.standby is None else _taken(at, before)
    seconds = round(time.monotonic() - began, 2)
    if as_json:
        common.print_json({"to": done["to"], "active": after and asdict(after), "seconds": seconds})
    elif after is None:
        common.console.print(f"{before} ends; its calls wait for the next daemon")
    else:
        common.console.print(f"{after} is active, {seconds:.1f} s after {before} was asked")


def _taken(at: Site, before: Holder) -> Holder:
    """Who is active when the API answers again and all its parts work."""
    until, why = time.monotonic() + TAKEN_S, "no daemon is active"
    while time.monotonic() < until:
        after = nodes_of(at.store).active
        if after is not None and after != before:
            try:
                health = common.api(at).get("/healthz")
            except HotlineError as error:
                why = str(error).splitlines()[0]
            else:
                if health["ok"]:
                    return after
                why = "; ".join(f"{name}: {part['text']}" for name, part in health["parts"].items() if not part["ok"])
        time.sleep(LOOK_S)
    raise HotlineError(f"handed over, but {TAKEN_S:g} s later: {why}\nsee the standby's log")
