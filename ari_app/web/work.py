"""The API of work that waits: messages to be worked, call-backs (docs/api.md)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, get_args

from aiohttp import web

from ari_app.model.ids import CallId, MessageId, NoteText
from ari_app.model.work import CallbackCancelled, ItemAsked, ItemWish
from ari_app.web.admin import Answer
from ari_app.web.auth import Refusal, answer
from ari_app.web.body import TEXT, read_body

_WISHES: Final[tuple[ItemWish, ...]] = get_args(ItemWish)
_CURE: Final = "try again; if it stays so, look at /healthz"


class WorkDesk(Protocol):
    """What the daemon offers. The lists are read in a thread, numbers masked."""

    async def inbox(self) -> list[dict[str, Any]]: ...

    async def callbacks(self) -> list[dict[str, Any]]: ...

    async def work(self, event: ItemAsked | CallbackCancelled) -> Answer: ...


class WorkEndpoints:
    """One method an endpoint. `in_time` awaits with the API's bound, or refuses with 504 and a cure."""

    def __init__(self, desk: WorkDesk, in_time: Callable[[Callable[[], Awaitable[Any]], str], Awaitable[Any]]) -> None:
        self._desk = desk
        self._in_time = in_time

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/inbox", self.inbox)
        router.add_post("/api/inbox/next", self.next)
        router.add_post("/api/inbox/{message}/{wish}", self.ask)
        router.add_get("/api/callbacks", self.callbacks)
        router.add_post("/api/callbacks/{booking}/cancel", self.cancel)

    async def inbox(self, _: web.Request) -> web.Response:
        return answer({"items": await self._in_time(self._desk.inbox, _CURE)})

    async def callbacks(self, _: web.Request) -> web.Response:
        return answer({"callbacks": await self._in_time(self._desk.callbacks, _CURE)})

    async def next(self, request: web.Request) -> web.Response:
        return await self._item(request, "", "next")

    async def ask(self, request: web.Request) -> web.Response:
        name = request.match_info["wish"]
        wish = next((each for each in _WISHES if each == name and each != "next"), None)
        if wish is None:
            raise Refusal(404, f"no wish {name[:40]!r}", "wishes: take, decline, done, return")
        return await self._item(request, request.match_info["message"], wish)

    async def _item(self, request: web.Request, message: str, wish: ItemWish) -> web.Response:
        body = await read_body(
            request, {"by": TEXT, "agent": TEXT, "note": TEXT, "disposition": TEXT}, '{"agent": "8025"}'
        )
        agent = str(body.get("agent", ""))
        by = str(body.get("by") or agent or "api")
        said = NoteText(str(body.get("note", ""))), None, str(body.get("disposition", ""))
        event = ItemAsked(MessageId(message[:40]), wish, by, agent, *said)
        return await self._done(event, "GET /api/inbox shows who has taken what")

    async def cancel(self, request: web.Request) -> web.Response:
        body = await read_body(request, {"by": TEXT}, '{"by": "li"}')
        event = CallbackCancelled(CallId(request.match_info["booking"][:40]), str(body.get("by") or "api"))
        return await self._done(event, "GET /api/callbacks lists those that are open")

    async def _done(self, event: ItemAsked | CallbackCancelled, cure: str) -> web.Response:
        reply = await self._in_time(lambda: self._desk.work(event), cure)
        if not reply.ok:
            raise Refusal(409, reply.message, cure)
        return answer({"ok": True, "message": reply.message})
