"""What stands before every endpoint: errors as JSON, the Host check, the token.

Every error is `{"error": what, "cure": what to try}`. No CORS header is ever sent: pages of other origins read nothing.
"""

import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final

import orjson
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler as Next
from aiohttp.typedefs import Middleware

OPEN: Final = ("/healthz", "/metrics")
"""Paths that need no token; /metrics only from this machine."""

log = structlog.get_logger(__name__)


class Refusal(Exception):
    """A request is not served. `cure` tells the client what to try."""

    def __init__(self, status: int, error: str, cure: str) -> None:
        super().__init__(error)
        self.status, self.error, self.cure = status, error, cure


def answer(body: Any, status: int = 200) -> web.Response:
    """JSON on one line; dataclasses and enums as orjson writes them. What is live must not be kept by a cache."""
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS),
        status=status,
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _refused(refusal: Refusal) -> web.Response:
    return answer({"error": refusal.error, "cure": refusal.cure}, refusal.status)


def errors(paths: Iterable[str]) -> Middleware:
    """Whatever goes wrong becomes JSON; a bug is logged with its traceback, and says nothing of itself outside.

    `paths` is read when the first unknown path is asked for, so it may be filled later.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Next) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            response = _refused(refusal)
            if refusal.status == 401:
                response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="hotline"'
            return response
        except web.HTTPException as error:
            return _plain(request, error, paths)
        except Exception:
            log.exception("bug: a request failed", method=request.method, route=_route(request))
            return _refused(Refusal(500, "internal error", "see the daemon's log; please report it"))

    return middleware


def _plain(request: web.Request, error: web.HTTPException, paths: Iterable[str]) -> web.Response:
    """aiohttp's own refusals, with the cure it does not give."""
    match error:
        case web.HTTPNotFound():
            return _refused(Refusal(404, f"no such path: {request.path[:200]}", f"paths: {', '.join(paths)}"))
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            response = _refused(Refusal(405, f"{request.method[:20]} is not served here", f"methods: {allowed}"))
            response.headers[hdrs.ALLOW] = allowed
            return response
        case web.HTTPRequestEntityTooLarge():
            return _refused(Refusal(413, "the body is too large", 'at most 64 KiB; {"value": …, "phone": …} will do'))
        case _:
            return _refused(Refusal(error.status, error.reason, "see docs/api.md"))


def _route(request: web.Request) -> str:
    """The path's pattern, for the log: never what a client made up."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def host_check(listen: str) -> Middleware:
    """On loopback, serve only requests addressed to this machine by name (DNS rebinding: a page whose name was made to
    point here carries its own name in Host)."""
    names = {"localhost", "127.0.0.1", "::1", listen.lower()}
    checked = is_loopback(listen)

    @web.middleware
    async def middleware(request: web.Request, handler: Next) -> web.StreamResponse:
        hosts = request.headers.getall(hdrs.HOST, [])
        if checked and (len(hosts) != 1 or _host_name(hosts[0]) not in names):
            raise Refusal(421, "the Host header does not name this machine", f"ask for http://{listen}:PORT/ itself")
        return await handler(request)

    return middleware


def _host_name(host: str) -> str:
    """`[::1]:8480` → `::1`, `localhost:8480` → `localhost`."""
    name, bracket, _ = host.lower().rpartition("]")
    if bracket:
        return name.removeprefix("[")
    return host.lower().partition(":")[0]


def is_loopback(address: str | None) -> bool:
    """Whether an address (or `localhost`) is this machine's own; False for what is no address."""
    try:
        return address == "localhost" or ip_address((address or "").partition("%")[0]).is_loopback
    except ValueError:
        return False


def token_check(token: str) -> Middleware:
    """Every path that exists needs `Authorization: Bearer TOKEN`, but those in OPEN."""
    wanted = token.encode()

    @web.middleware
    async def middleware(request: web.Request, handler: Next) -> web.StreamResponse:
        unknown = request.match_info.http_exception is not None
        if not unknown and not _is_open(request):
            scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
            right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), wanted)
            if scheme.lower() != "bearer" or not right:
                error = "wrong token" if scheme else "no token"
                raise Refusal(
                    401,
                    error,
                    "send `Authorization: Bearer TOKEN`; it is api_token in the secrets file (var/secrets.yaml)",
                )
        return await handler(request)

    return middleware


def _is_open(request: web.Request) -> bool:
    if request.path == "/metrics":
        return is_loopback(request.remote)
    return request.path in OPEN
