"""`hotline retain`: retention periods carried out now, as the daemon does by itself every ten minutes."""

import asyncio

from ari_app.commands import common
from ari_app.errors import AlreadyRunning
from ari_app.housekeeping import Housekeeping
from ari_app.runtime.clock import Clock
from ari_app.store.journal import Journal


def retain(as_json: common.AsJson = False) -> None:
    """Delete what is past its time: raw events, old flow texts, recordings. Audited with counts."""
    at = common.site()
    try:
        journal = Journal.open(at.store)
    except AlreadyRunning:
        done = common.api(at).post("/api/retain", {"by": common.who()})["done"]
    else:
        try:
            keeping = Housekeeping(journal, at.settings.limits, at.recordings, Clock())
            done = vars(asyncio.run(keeping.retain(common.who())))
        finally:
            journal.close()
    if as_json:
        common.print_json(done)
    else:
        common.console.print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in done.items()))
