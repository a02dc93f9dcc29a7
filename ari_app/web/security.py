"""The API of who is shut out (docs/api.md)."""

from typing import Any, Protocol

from aiohttp import web

from ari_app.web.auth import Refusal, answer
from ari_app.web.body import TEXT, read_body


class SecurityDesk(Protocol):
    """What the daemon offers; both run on the loop and do not block."""

    def bans(self) -> list[dict[str, Any]]:
        """Address, end and number of times of each address shut out now."""
        ...

    def unban(self, address: str, by: str) -> bool: ...

    async def retain(self, by: str) -> dict[str, int]:
        """Carry out retention periods now; how much of what went."""
        ...


class SecurityEndpoints:
    """One method an endpoint."""

    def __init__(self, desk: SecurityDesk) -> None:
        self._desk = desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/security/bans", self.bans)
        router.add_post("/api/security/unban", self.unban)
        router.add_post("/api/retain", self.retain)

    async def bans(self, _: web.Request) -> web.Response:
        return answer({"bans": self._desk.bans()})

    async def unban(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"address": TEXT, "by": TEXT}, '{"address": "203.0.113.9", "by": "8001"}')
        address = str(body.get("address", ""))
        if not self._desk.unban(address, str(body.get("by", "")) or "the API"):
            raise Refusal(404, f"{address[:60]!r} is not shut out", "GET /api/security/bans lists who is")
        return answer({"ok": True, "message": f"{address} may come in again"})

    async def retain(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"by": TEXT}, '{"by": "8001"}')
        return answer({"done": await self._desk.retain(str(body.get("by", "")) or "the API")})
