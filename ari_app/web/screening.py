"""The API of who is screened (docs/api.md)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, get_args

from aiohttp import web

from ari_app.model.ids import NoteText, Number, ScreeningId
from ari_app.model.screening_facts import ScreeningAsked, ScreeningWish
from ari_app.web.admin import Answer
from ari_app.web.auth import Refusal, answer
from ari_app.web.body import TEXT, read_body

_CURE: Final = "try again; if it stays so, look at /healthz"
_WISHES: Final[tuple[ScreeningWish, ...]] = get_args(ScreeningWish)


class ScreeningDesk(Protocol):
    """What the daemon offers. The lists are read in a thread, numbers masked."""

    async def screenings(self, over: bool, appeals: bool) -> list[dict[str, Any]]: ...

    async def screening(self, name: str) -> dict[str, Any] | None: ...

    async def screen(self, event: ScreeningAsked) -> Answer: ...


class ScreeningEndpoints:
    """One method an endpoint. `in_time` awaits with the API's bound, or refuses with 504 and a cure."""

    def __init__(
        self, desk: ScreeningDesk, in_time: Callable[[Callable[[], Awaitable[Any]], str], Awaitable[Any]]
    ) -> None:
        self._desk = desk
        self._in_time = in_time

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/screening", self.screenings)
        router.add_post("/api/screening/{wish:add|erase}", self.number)
        router.add_get("/api/screening/{name}", self.screening)
        router.add_post("/api/screening/{name}/{wish:lift|keep}", self.decide)

    async def screenings(self, request: web.Request) -> web.Response:
        over, appeals = request.query.get("over") == "yes", request.query.get("appeals") == "yes"
        return answer({"screenings": await self._in_time(lambda: self._desk.screenings(over, appeals), _CURE)})

    async def screening(self, request: web.Request) -> web.Response:
        name = request.match_info["name"][:40]
        found = await self._in_time(lambda: self._desk.screening(name), _CURE)
        if found is None:
            raise Refusal(404, f"no screening {name!r}", "GET /api/screening?over=yes lists all")
        return answer(found)

    async def number(self, request: web.Request) -> web.Response:
        example = '{"number": "13800138000", "by": "8026", "reason": "insults"}'
        body = await read_body(request, {"number": TEXT, "by": TEXT, "reason": TEXT}, example)
        number = Number(str(body.get("number", ""))[:40])
        if not number:
            raise Refusal(400, "no number given", f"such as {example}")
        return await self._done(_asked(request, body, number=number))

    async def decide(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"by": TEXT, "reason": TEXT}, '{"by": "8026", "reason": "a mistake"}')
        return await self._done(_asked(request, body, screening=ScreeningId(request.match_info["name"][:40])))

    async def _done(self, event: ScreeningAsked) -> web.Response:
        reply = await self._in_time(lambda: self._desk.screen(event), _CURE)
        if not reply.ok:
            raise Refusal(409, reply.message, "GET /api/screening lists who is screened")
        return answer({"ok": True, "message": reply.message})


def _asked(request: web.Request, body: dict[str, Any], **about: Any) -> ScreeningAsked:
    wish = next(each for each in _WISHES if each == request.match_info["wish"])
    return ScreeningAsked(wish, str(body.get("by", ""))[:40], NoteText(str(body.get("reason", ""))[:200]), **about)
