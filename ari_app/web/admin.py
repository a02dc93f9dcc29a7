"""The API of admins: which flows are live, reload, roll-back, hours closed by hand (docs/api.md)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiohttp import web

from ari_app.errors import HotlineError
from ari_app.model.events import ALL_HOURS, ClosureSet
from ari_app.web.auth import Refusal, answer
from ari_app.web.body import TEXT, TIME, YES_NO, read_body

UNSEEN: Final = "it may still be carried out: look at GET /api/flows"


class Answer(Protocol):
    """What comes back for a wish; the effect Reply is one."""

    @property
    def ok(self) -> bool: ...
    @property
    def message(self) -> str: ...


class AdminDesk(Protocol):
    """What the daemon offers to admins. HotlineError says why something was not done."""

    def flows(self) -> dict[str, Any]:
        """`flows` that are live and the `problems` of their files."""
        ...

    async def reload_flows(self, by: str) -> str:
        """Check all files and swap; what changed, a line each."""
        ...

    async def roll_back(self, name: str, version: str, by: str) -> str:
        """An earlier version live again; `version` may be empty or a beginning."""
        ...

    async def closures(self) -> list[dict[str, Any]]:
        """Hours closed by hand now."""
        ...

    async def set_closure(self, event: ClosureSet) -> Answer: ...


class AdminEndpoints:
    """One method an endpoint. `in_time` awaits with the API's bound, or refuses with 504 and a cure."""

    def __init__(self, desk: AdminDesk, in_time: Callable[[Callable[[], Awaitable[Any]], str], Awaitable[Any]]) -> None:
        self._desk = desk
        self._in_time = in_time

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/flows", self.flows)
        router.add_post("/api/flows/reload", self.reload)
        router.add_post("/api/flows/{name}/rollback", self.rollback)
        router.add_get("/api/closures", self.closures)
        router.add_post("/api/closures", self.close)

    async def flows(self, _: web.Request) -> web.Response:
        return answer(self._desk.flows())

    async def reload(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"by": TEXT}, '{"by": "li"}')
        return await self._done(lambda: self._desk.reload_flows(_by(body)), "mend the files; nothing was changed")

    async def rollback(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"version": TEXT, "by": TEXT}, '{"version": "5e24eae29a6b"}')
        name, version = request.match_info["name"], str(body.get("version", ""))
        cure = "`hotline flow versions` lists what there is; nothing was changed"
        return await self._done(lambda: self._desk.roll_back(name, version, _by(body)), cure)

    async def closures(self, _: web.Request) -> web.Response:
        found = await self._in_time(self._desk.closures, "try again; if it stays so, look at /healthz")
        return answer({"closures": found})

    async def close(self, request: web.Request) -> web.Response:
        known = {"hours": TEXT, "closed": YES_NO, "until": TIME, "reason": TEXT, "by": TEXT}
        body = await read_body(request, known, '{"hours": "all", "closed": true}')
        if "hours" not in body or "closed" not in body:
            raise Refusal(400, "hours and closed must be given", 'e.g. {"hours": "all", "closed": true}')
        hours = ALL_HOURS if body["hours"] == "all" else str(body["hours"])
        until = body.get("until")
        event = ClosureSet(
            hours, body["closed"], None if until is None else float(until), _by(body), str(body.get("reason", ""))
        )
        reply = await self._in_time(lambda: self._desk.set_closure(event), "look at GET /api/closures")
        if not reply.ok:
            raise Refusal(409, reply.message, "`hotline hours list` names the hours of config.yaml")
        return answer({"ok": True, "message": reply.message})

    async def _done(self, work: Callable[[], Awaitable[str]], cure: str) -> web.Response:
        try:
            message = await self._in_time(work, UNSEEN)
        except HotlineError as error:
            raise Refusal(409, str(error), cure) from None
        return answer({"ok": True, "message": message})


def _by(body: dict[str, Any]) -> str:
    return str(body.get("by") or "api")
