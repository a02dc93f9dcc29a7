"""`hotline rescue`: callers whose daemon is gone for good, given to Asterisk's safety net."""

import asyncio
import time
from typing import Annotated, Final

import typer

from ari_app.ari.connection import Address
from ari_app.ari.rescue import rescue as give_to_the_net
from ari_app.commands import common
from ari_app.errors import HotlineError
from ari_app.site import Site
from ari_app.web.client import Api

LOOK_EVERY_S: Final = 1.0
ANSWER_S: Final = 2.0


def rescue(
    after: Annotated[float, typer.Option(min=0, max=600, help="Wait so many seconds for a daemon first.")] = 0.0,
    as_json: common.AsJson = False,
) -> None:
    """Give callers that no daemon looks after to the safety net: apology, music, message. Talks are left alone.

    Does nothing while a daemon answers: that one sees to its callers itself.
    """
    site = common.site()
    end = time.monotonic() + after
    while not (answers := _answers(site)) and time.monotonic() < end:
        time.sleep(LOOK_EVERY_S)
    if answers:
        done = {"daemon": True, "callers": 0, "talks": 0}
        said = "a daemon answers: it sees to its callers itself"
    else:
        address = Address(site.ari_url, "hotline", site.secrets.ari_password, site.settings.asterisk.app)
        given = asyncio.run(give_to_the_net(address))
        done = {"daemon": False, "callers": given.callers, "talks": given.talks}
        said = f"callers given to the safety net: {given.callers}; talks left alone: {given.talks}"
    common.print_json(done) if as_json else common.console.print(said)


def _answers(site: Site) -> bool:
    try:
        Api(site.api_url, site.secrets.api_token, ANSWER_S).get("/healthz")
    except HotlineError:
        return False
    return True
