"""`hotline run`: the daemon, until SIGTERM."""

import asyncio

from ari_app.commands import common
from ari_app.daemon import Daemon
from ari_app.runtime.logging import configure


def run() -> None:
    """Run the hotline's daemon until SIGTERM, which lets the calls end first. Asterisk must run."""
    site = common.site()
    configure(site.settings.log)
    daemon = Daemon.open(site, common.installed(site))

    async def until_stopped() -> None:
        daemon.on_signals()
        await daemon.run()

    asyncio.run(until_stopped())
