"""`hotline run`: the daemon, until SIGTERM. `hotline replay`: what it decided, decided again."""

from typing import Annotated

import typer
import uvloop

from ari_app.commands import common
from ari_app.daemon import Daemon
from ari_app.errors import StoreError
from ari_app.replay import recalled
from ari_app.replay import replay as replay_run
from ari_app.runtime.logging import configure
from ari_app.store.history import open_history


def run() -> None:
    """Run the hotline's daemon until SIGTERM, which lets the calls end first. Asterisk must run."""
    site = common.site()
    configure(site.settings.log)
    daemon = Daemon.open(site, common.installed(site))

    async def until_stopped() -> None:
        daemon.on_signals()
        await daemon.run()

    uvloop.run(until_stopped())


def replay(epoch: Annotated[int, typer.Argument(help="Number of the run; the newest when left out.")] = 0) -> None:
    """Put a run's events through the board again and compare what it decides with what was noted. Exit 1 if it differs.

    Settings must be those of that run; its flows are in the store.
    """
    site = common.site()
    with open_history(site.store) as history:
        if not history.epochs:
            raise StoreError("no events are kept: limits.event_days has deleted them")
        run_number = epoch or next(iter(history.epochs))
        if run_number not in history.epochs:
            raise StoreError(f"no events of run {run_number}; kept: {', '.join(map(str, history.epochs))}")
        done = replay_run(history, run_number, site.settings, recalled(site))
    common.console.print(f"run {run_number}: {done.events} events, {done.facts} facts", end="")
    if done.first is not None:
        common.console.print(f"; fact {done.first.n} differs\n  then: {done.first.noted}\n  now:  {done.first.decided}")
        raise typer.Exit(1)
    common.console.print(", every decision as it was")
