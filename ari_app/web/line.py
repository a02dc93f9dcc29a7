"""The API of a caller's line while he talks: a meter for whoever watches it (docs/api.md)."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiohttp import web

from ari_app.model.ids import CallId
from ari_app.web.auth import Refusal, answer

_CURE: Final = "try again; if it stays so, look at /healthz"
_CALL_ID: Final = re.compile(r"[0-9]{1,9}-[0-9]{1,12}")


class LineDesk(Protocol):
    """What the daemon offers."""

    async def line(self, call: CallId) -> dict[str, Any] | None:
        """The line of a live call just now; None when there is no such call."""
        ...


class LineEndpoints:
    """One method an endpoint. `in_time` awaits with the API's bound, or refuses with 504 and a cure."""

    def __init__(self, desk: LineDesk, in_time: Callable[[Callable[[], Awaitable[Any]], str], Awaitable[Any]]) -> None:
        self._desk = desk
        self._in_time = in_time

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/calls/{id}/line", self.line)

    async def line(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        found = await self._in_time(lambda: self._desk.line(CallId(name)), _CURE) if _CALL_ID.fullmatch(name) else None
        if found is None:
            raise Refusal(404, f"no live call {name[:40]!r}", "GET /api/live lists them")
        return answer(found)
