"""The API of two daemons: which is active, which waits, hand over (docs/api.md)."""

from typing import Any, Protocol

from aiohttp import web

from ari_app.errors import HotlineError
from ari_app.web.auth import Refusal, answer
from ari_app.web.body import TEXT, YES_NO, read_body


class StandbyDesk(Protocol):
    """What the daemon offers; both run on the loop and do not block."""

    def nodes(self) -> dict[str, Any]:
        """`active` and `standby`: node, pid, since."""
        ...

    def hand_over(self, by: str, anyway: bool) -> str:
        """End, leaving the calls to the standby; who it is. HotlineError when none waits, unless `anyway`."""
        ...


class StandbyEndpoints:
    """One method an endpoint."""

    def __init__(self, desk: StandbyDesk) -> None:
        self._desk = desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/nodes", self.nodes)
        router.add_post("/api/handover", self.hand_over)

    async def nodes(self, _: web.Request) -> web.Response:
        return answer(self._desk.nodes())

    async def hand_over(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"anyway": YES_NO, "by": TEXT}, '{"by": "li"}')
        try:
            to = self._desk.hand_over(str(body.get("by", "")) or "the API", bool(body.get("anyway", False)))
        except HotlineError as error:
            raise Refusal(409, str(error), "start one (hotline run --standby), or hand over anyway") from None
        return answer({"ok": True, "to": to})
