"""The API of supervisors: an agent's state overridden, the surge plan watched and moved by hand (docs/api.md)."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, get_args

from aiohttp import web

from ari_app.board.views import Snapshot
from ari_app.model.audit import ForcedState
from ari_app.model.ids import AgentId, RequestId
from ari_app.model.wishes import ForceAsked, SurgeAsked, SurgeWish
from ari_app.web.admin import Answer
from ari_app.web.auth import Refusal, answer
from ari_app.web.body import TEXT, read_body

_STATES: Final[tuple[ForcedState, ...]] = get_args(ForcedState)
_WISHES: Final[tuple[SurgeWish, ...]] = get_args(SurgeWish)


class SuperviseDesk(Protocol):
    """What the daemon offers to supervisors."""

    async def supervise(self, event: ForceAsked | SurgeAsked) -> Answer:
        """Post the event and wait for the Reply to its `request`."""
        ...

    def view(self) -> Snapshot: ...


class SuperviseEndpoints:
    """One method an endpoint. `in_time` awaits with the API's bound, or refuses with 504 and a cure."""

    def __init__(
        self, desk: SuperviseDesk, in_time: Callable[[Callable[[], Awaitable[Any]], str], Awaitable[Any]]
    ) -> None:
        self._desk = desk
        self._in_time = in_time

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/agents/{number}/force", self.force)
        router.add_get("/api/surge", self.surge)
        router.add_post("/api/surge/{wish}", self.move_surge)

    async def force(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"to": TEXT, "by": TEXT, "reason": TEXT}, _FORCE)
        to = next((each for each in _STATES if each == body.get("to")), None)
        if to is None:
            raise Refusal(400, "`to` must be given", f"one of: {', '.join(_STATES)}")
        agent, by = AgentId(request.match_info["number"]), AgentId(str(body.get("by", "")))
        event = ForceAsked(agent, to, by, str(body.get("reason", "")), _request())
        return await self._ask(event, "GET /api/agents shows the agent's state")

    async def surge(self, _: web.Request) -> web.Response:
        view = self._desk.view()
        return answer({"now": view.now, "surge": view.surge})

    async def move_surge(self, request: web.Request) -> web.Response:
        name = request.match_info["wish"]
        wish = next((each for each in _WISHES if each == name), None)
        if wish is None:
            raise Refusal(404, f"no wish {name[:40]!r}", f"wishes: {', '.join(_WISHES)}")
        body = await read_body(request, {"by": TEXT, "why": TEXT}, _SURGE)
        event = SurgeAsked(wish, AgentId(str(body.get("by", ""))), str(body.get("why", "")), _request())
        return await self._ask(event, "GET /api/surge shows the plan")

    async def _ask(self, event: ForceAsked | SurgeAsked, cure: str) -> web.Response:
        reply = await self._in_time(
            lambda: self._desk.supervise(event), f"the wish may still be carried out: {cure.partition(' shows')[0]}"
        )
        if not reply.ok:
            raise Refusal(409, reply.message, cure)
        return answer({"ok": True, "message": reply.message})


_FORCE: Final = '{"to": "not-ready", "by": "8001", "reason": "away from the desk"}'
_SURGE: Final = '{"by": "8001", "why": "storm warning"}'


def _request() -> RequestId:
    return RequestId(f"web-{secrets.token_hex(8)}")
