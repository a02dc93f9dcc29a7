"""`hotline run`: the daemon, until SIGTERM. `hotline replay`: what it decided, decided again."""

import re
import signal
import sys
from typing import Annotated

import typer
import uvloop

from ari_app.commands import common
from ari_app.daemon import Daemon
from ari_app.errors import ConfigError, StoreError
from ari_app.model.part import NAME
from ari_app.replay import recalled
from ari_app.replay import replay as replay_run
from ari_app.runtime.logging import configure
from ari_app.standby import wait_for_store
from ari_app.store.history import open_history


def run(
    standby: Annotated[
        bool, typer.Option("--standby", help="Where a daemon is active already: wait until it ends, then take over.")
    ] = False,
    node: Annotated[str, typer.Option(help="What this daemon is called; empty: main.")] = "main",
    check_store: Annotated[
        bool,
        typer.Option(
            help="Look through the whole store first, some 3 s a GB; else only after a start of the machine, or when "
            "something besides a daemon has touched the store."
        ),
    ] = False,
) -> None:
    """Run the daemon until SIGTERM, which hands over to a standby, else lets the calls end. Asterisk must run."""
    if not re.fullmatch(NAME, node := node or "main"):
        raise ConfigError(f"--node {node[:40]!r}: a name of small letters, digits, - and _, at most 31 signs")
    site = common.site()
    configure(site.settings.log)
    installed = common.installed(site)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # While it waits.
    daemon = Daemon.open(site, installed, node, wait_for_store(site, node) if standby else None, check_store)

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
