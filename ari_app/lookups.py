"""The one front of all look-ups: scripts, HTTP services, SQL queries. Bounded, counted, and failing in one way."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

import structlog

from ari_app.agi.scripts import Scripts
from ari_app.agi.server import AgiServer, Bounds, from_dialplan
from ari_app.errors import LookUpFailed
from ari_app.lookup.http import HttpLookUps
from ari_app.lookup.sql import SqlLookUps
from ari_app.site import Site

log = structlog.get_logger(__name__)

Kind = Literal["agi", "http", "sql"]
Scalar = str | int | float | bool


def scripts_of(site: Site) -> Scripts:
    """The scripts of a site."""
    return Scripts(site.home / site.settings.paths.scripts, site.settings.agi.sessions_max)


class LookUps:
    """`counts[kind, outcome]`: ok, cancelled, or the reason of the LookUpFailed. `at_once` runs now."""

    def __init__(self, site: Site, scripts: Scripts | None = None) -> None:
        settings = site.settings
        self.scripts = scripts or scripts_of(site)
        self.counts: Counter[tuple[Kind, str]] = Counter()
        self.at_once = 0
        self._at_once_max = settings.lookups.at_once_max
        self._agi = settings.agi
        self._http = HttpLookUps(settings.lookups.http)
        self._sql = SqlLookUps(settings.lookups.sql, site.home)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """What may be asked, for a flow's checks."""
        match kind:
            case "agi":
                return self.scripts.names()
            case "http":
                return self._http.names()
            case "sql":
                return self._sql.names()

    async def ask(self, kind: Kind, name: str, request: Mapping[str, Scalar], timeout_s: float) -> Mapping[str, Scalar]:
        """The answer as flat values; LookUpFailed for anything else, logged without any value of the request.

        Whoever is asked gets texts: true, false, 5, 86.5.
        """
        if kind not in get_args(Kind):
            raise LookUpFailed("no-such-kind")
        began, outcome = time.monotonic(), "ok"
        try:
            texts = {key: _as_text(value) for key, value in request.items()}
            return await self._bounded(kind, name, texts, timeout_s)
        except LookUpFailed as error:
            outcome = error.reason
            took = round(time.monotonic() - began, 3)
            log.warning("look-up failed", kind=kind, lookup=name[:40], reason=outcome, seconds=took)
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except BaseException:
            outcome = "error"
            raise
        finally:
            self.counts[kind, outcome] += 1

    async def _bounded(
        self, kind: Kind, name: str, request: Mapping[str, str], timeout_s: float
    ) -> Mapping[str, Scalar]:
        if self.at_once >= self._at_once_max:
            raise LookUpFailed("busy")
        self.at_once += 1
        try:
            match kind:
                case "agi":
                    return await self.scripts.run(name, request, timeout_s)
                case "http":
                    return await self._http.ask(name, request, timeout_s)
                case "sql":
                    return await self._sql.ask(name, request, timeout_s)
        finally:
            self.at_once -= 1

    def server(self) -> AgiServer:
        """The FastAGI server that lets any dialplan ask the scripts; `async with server.serving(settings.agi.port)`."""

        async def ask(name: str, request: Mapping[str, str]) -> Mapping[str, Scalar]:
            return await self.ask("agi", name, request, self._agi.timeout_s)

        return AgiServer(from_dialplan(ask), Bounds(sessions_max=self._agi.sessions_max))

    async def close(self) -> None:
        """Close what connections are kept."""
        await self._http.close()


def _as_text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
