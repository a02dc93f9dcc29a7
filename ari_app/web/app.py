"""The HTTP interface: /healthz, /metrics and the agents' API (docs/api.md names every endpoint).

Knows nothing of the other adapters: whoever composes the daemon gives it a WebDesk.
"""

import asyncio
import errno
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol, TypeVar, get_args

from aiohttp import web

from ari_app.board.views import Snapshot
from ari_app.errors import HotlineError
from ari_app.model.control import Control, ControlAsked
from ari_app.model.events import AgentAsked, AgentWish
from ari_app.model.ids import AgentId, CallId, Number, PhoneName, RequestId
from ari_app.web.admin import AdminDesk, AdminEndpoints, Answer
from ari_app.web.auth import Refusal, answer, errors, host_check, token_check
from ari_app.web.body import TEXT, Kind, read_body
from ari_app.web.line import LineDesk, LineEndpoints
from ari_app.web.metrics import CONTENT_TYPE
from ari_app.web.screening import ScreeningDesk, ScreeningEndpoints
from ari_app.web.security import SecurityDesk, SecurityEndpoints
from ari_app.web.situations import SituationDesk, SituationEndpoints
from ari_app.web.standby import StandbyDesk, StandbyEndpoints
from ari_app.web.supervise import SuperviseDesk, SuperviseEndpoints
from ari_app.web.work import WorkDesk, WorkEndpoints

BODY_MAX: Final = 64 * 1024  # Bytes of a request's body.
REPLY_S: Final = 5.0  # Seconds for the board to reply, or the store to be read.
IDLE_S: Final = 30.0  # Seconds a connection may be silent.
READS_MAX: Final = 4  # Reads of the store at once; further ones wait their turn.
CALLS_DEFAULT, CALLS_MAX = 50, 1000

_WISHES: Final[tuple[AgentWish, ...]] = get_args(AgentWish)
_CONTROLS: Final[tuple[Control, ...]] = get_args(Control)
_OUTSIDE: Final = re.compile(r"number:(.{1,40})|(\+?[0-9]{9,24})")
_GROUPED: Final = re.compile(r"(number:)?\+?[0-9 ().-]{9,40}")  # As people write it: 139 0013 8000.
_CALL_ID: Final = re.compile(r"[0-9]{1,9}-[0-9]{1,12}")

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One part of the daemon: `text` says what was found, in words without personal data."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Health:
    """`parts` by name (asterisk, ami, store, door, loop …); `stake` says what callers lose while one fails."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    stake: str = ""

    @property
    def ok(self) -> bool:
        return all(part.ok for part in self.parts.values())


class WebDesk(
    AdminDesk, SituationDesk, SuperviseDesk, WorkDesk, SecurityDesk, ScreeningDesk, StandbyDesk, LineDesk, Protocol
):
    """What the daemon offers to HTTP. `view`, `health`, `metrics`, `knows` run on the loop and must not block."""

    async def ask(self, event: AgentAsked | ControlAsked) -> Answer:
        """Post the event and wait for the Reply to `event.request`; cancelled when the client was told 504."""
        ...

    def knows(self, agent: AgentId) -> bool: ...

    def view(self) -> Snapshot: ...

    def health(self) -> Health: ...

    def metrics(self) -> bytes: ...

    async def calls(self, limit: int) -> list[dict[str, Any]]:
        """The newest calls, newest first, numbers masked; read in a thread."""
        ...

    async def call(self, call: CallId) -> dict[str, Any] | None:
        """One call with its timeline, numbers masked; None when there is none; read in a thread."""
        ...


def make_app(desk: WebDesk, token: str, *, listen: str = "127.0.0.1", reply_s: float = REPLY_S) -> web.Application:
    """The application; `listen` is the address it will be served on (for the Host check)."""
    if not token:
        raise ValueError("the API needs a token")
    paths: list[str] = []
    app = web.Application(middlewares=[errors(paths), host_check(listen), token_check(token)], client_max_size=BODY_MAX)
    Endpoints(desk, reply_s).add_to(app.router)
    paths.extend(sorted(resource.canonical for resource in app.router.resources()))
    return app


@asynccontextmanager
async def serving(app: web.Application, listen: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port (a free one for port 0). HotlineError when it is taken."""
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, keepalive_timeout=IDLE_S, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, listen, port).start()
        except OSError as error:
            why = os.strerror(error.errno or 0)
            if error.errno == errno.EADDRNOTAVAIL:
                raise HotlineError(f"web.listen: {listen} is not an address of this machine") from error
            raise HotlineError(
                f"web.port: tcp port {port} on {listen} cannot be had ({why}): stop the program that has it "
                "(`ss -lntup` names it), or choose another"
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


class Endpoints:
    """One method an endpoint."""

    def __init__(self, desk: WebDesk, reply_s: float) -> None:
        self._desk = desk
        self._reply_s = reply_s
        self._reads = asyncio.Semaphore(READS_MAX)

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/healthz", self.healthz)
        router.add_get("/metrics", self.metrics)
        SecurityEndpoints(self._desk).add_to(router)
        StandbyEndpoints(self._desk).add_to(router)
        SuperviseEndpoints(self._desk, self._in_time).add_to(router)
        router.add_post("/api/agents/{number}/{wish}", self.ask)
        router.add_get("/api/agents", self.agents)
        router.add_get("/api/queues", self.queues)
        router.add_get("/api/calls", self.calls)
        router.add_get("/api/calls/{id}", self.call)
        router.add_get("/api/live", self.live)
        AdminEndpoints(self._desk, self._in_time).add_to(router)
        SituationEndpoints(self._desk).add_to(router)
        WorkEndpoints(self._desk, self._in_time).add_to(router)
        LineEndpoints(self._desk, self._in_time).add_to(router)
        ScreeningEndpoints(self._desk, self._in_time).add_to(router)

    async def healthz(self, _: web.Request) -> web.Response:
        health = self._desk.health()
        parts = {name: asdict(part) for name, part in health.parts.items()}
        stake = "" if health.ok else health.stake
        return answer({"ok": health.ok, "parts": parts, "stake": stake}, 200 if health.ok else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._desk.metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def agents(self, _: web.Request) -> web.Response:
        view = self._desk.view()
        return answer({"now": view.now, "agents": view.agents})

    async def queues(self, _: web.Request) -> web.Response:
        view = self._desk.view()
        return answer({"now": view.now, "queues": view.queues})

    async def live(self, _: web.Request) -> web.Response:
        return answer(self._desk.view())

    async def ask(self, request: web.Request) -> web.Response:
        event = await _wish(request)
        if not self._desk.knows(event.agent):
            raise Refusal(404, f"no agent has the work number {event.agent[:20]}", "GET /api/agents lists them")
        reply = await self._in_time(
            lambda: self._desk.ask(event), "the wish may still be carried out: look at GET /api/agents"
        )
        if not reply.ok:
            raise Refusal(409, reply.message, "GET /api/agents shows the agent's state; then try what it allows")
        return answer({"ok": True, "message": reply.message})

    async def calls(self, request: web.Request) -> web.Response:
        limit = request.query.get("limit", str(CALLS_DEFAULT))
        if not re.fullmatch(r"[0-9]{1,6}", limit) or not 1 <= int(limit) <= CALLS_MAX:
            raise Refusal(400, f"bad limit {limit[:20]!r}", f"a number from 1 to {CALLS_MAX}")
        return answer({"calls": await self._read(lambda: self._desk.calls(int(limit)))})

    async def call(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        found = None
        if _CALL_ID.fullmatch(name):
            found = await self._read(lambda: self._desk.call(CallId(name)))
        if found is None:
            raise Refusal(404, f"no call {name[:40]!r}", "GET /api/calls lists the newest; ids look like 7-42")
        return answer(found)

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        async def turn() -> T:
            async with self._reads:
                return await read()

        return await self._in_time(turn, "try again; if it stays so, look at /healthz")

    async def _in_time(self, start: Callable[[], Awaitable[T]], cure: str) -> T:
        try:
            async with asyncio.timeout(self._reply_s):
                return await start()
        except TimeoutError:
            raise Refusal(504, f"no reply within {self._reply_s:g} s", cure) from None


async def _wish(request: web.Request) -> AgentAsked | ControlAsked:
    """The event a POST stands for; Refusal when it stands for none."""
    number, name = AgentId(request.match_info["number"]), request.match_info["wish"]
    minted = RequestId(f"web-{secrets.token_hex(8)}")
    if (control := next((each for each in _CONTROLS if each == name), None)) is not None:
        given = await _body(request, {"target": TEXT, "value": TEXT, "by": TEXT}, '{"target": "queue:billing"}')
        target = given.get("target", "")
        if _GROUPED.fullmatch(target):
            target = re.sub(r"[ ().-]", "", target)
        outside = _OUTSIDE.fullmatch(target)  # Personal data: never as a mere text.
        aimed = ("", Number(outside[1] or outside[2])) if outside else (target, Number(""))
        return ControlAsked(number, control, *aimed, given.get("value", ""), minted, given.get("by", ""))
    wish = next((each for each in _WISHES if each == name), None)
    if wish is None:
        raise Refusal(404, f"no wish {name[:40]!r}", f"wishes: {', '.join((*_WISHES, *_CONTROLS))}")
    body = await _body(request, {"value": TEXT, "phone": TEXT}, '{"value": "meal"}')
    phone = body.get("phone")
    return AgentAsked(number, wish, body.get("value", ""), PhoneName(phone) if phone else None, minted)


async def _body(request: web.Request, fields: Mapping[str, Kind], example: str) -> dict[str, str]:
    """The body's texts; empty when there is no body."""
    body = await read_body(request, fields, example)
    return {key: str(value) for key, value in body.items()}
