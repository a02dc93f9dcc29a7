"""The event socket: Asterisk's events as they come, and a loss noticed within SILENCE_S_MAX. It carries no requests,
because Asterisk reads a socket serially and a blocked request would hold up our pings (phones.md §0.2)."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import aiohttp
import picows
import structlog

from ari_app.ari.decode import Decoder
from ari_app.ari.protocol import Occurred, Reply, Request, hear
from ari_app.ari.socket import MESSAGE_MAX, Socket
from ari_app.errors import AsteriskError

log = structlog.get_logger(__name__)

CONNECT_S: Final = 5.0
# A ping every PING_S; one that is not answered at the last of PONG_LOOKS, LOOK_S apart, is a loss.
PING_S: Final = 4.0
PONG_LOOKS: Final = 3
LOOK_S: Final = 1.0
SILENCE_S_MAX: Final = PING_S + PONG_LOOKS * LOOK_S


S = TypeVar("S", bound=Socket)


class LinkLost(AsteriskError):
    """The event socket is gone, whoever closed it and however cleanly."""


class Replaced(LinkLost):
    """Another client registered our application's name."""

    def __init__(self, address: "Address") -> None:
        super().__init__(
            f"another program has taken over the application {address.app!r} at {address.url}.\n"
            "Only one may be connected under a name: end it, or give it, or us (asterisk.app), another name."
        )


class AccessDenied(AsteriskError):
    """Asterisk answered 401 or 403: user or password are wrong."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where ARI is. `url` is `http://HOST:PORT`, with or without `/ari`; `app` is our application's name."""

    url: str
    user: str
    password: str = field(repr=False)
    app: str

    @property
    def base(self) -> str:
        """What the paths of operations are added to."""
        return f"{self.url.rstrip('/').removesuffix('/ari')}/ari"

    @property
    def phones_app(self) -> str:
        """A second application on the same socket, for the state of phones alone.

        Subscribing our own one to `endpoint:PJSIP` brings every digit, playback and Dial event twice
        (phones.md §2.9), and two equal digits cannot be told from one doubled.
        """
        return f"{self.app}-phones"

    def headers(self) -> dict[str, str]:
        """Basic authentication: never `api_key` in the URL, which ends up in logs."""
        return {"Authorization": aiohttp.encode_basic_auth(self.user, self.password)}

    def session(self) -> aiohttp.ClientSession:
        """A client for this address; the caller closes it."""
        return aiohttp.ClientSession(headers=self.headers(), connector=aiohttp.TCPConnector(limit=0))

    async def socket(self, apps: str, socket: S) -> S:
        """Open a WebSocket registered for the applications. AccessDenied, or AsteriskError with the reason."""
        query = urlencode({"app": apps, "subscribeAll": "false"})
        connecting = picows.ws_connect(
            lambda: socket,
            f"ws{self.base.removeprefix('http')}/events?{query}",
            extra_headers=self.headers(),
            websocket_handshake_timeout=CONNECT_S,
            max_frame_size=MESSAGE_MAX,
            max_redirects=0,
            disconnect_on_exception=False,  # A bug of ours is logged, and the link lives.
            use_aiofastnet=False,  # The event loop's own transports, as everywhere else.
        )
        try:
            async with asyncio.timeout(CONNECT_S):
                transport, _ = await connecting
        except picows.WSInvalidStatusError as error:
            status = error.response.status if error.response is not None else 0
            denied(status)
            raise AsteriskError(f"ARI answered {status}") from None
        except TimeoutError:
            raise AsteriskError(f"no answer within {CONNECT_S:g} s") from None
        except (picows.WSError, OSError) as error:
            raise AsteriskError(f"cannot connect: {_why(error)}") from None
        if transport.is_disconnected:
            raise AsteriskError("cannot connect: closed at once")
        return socket


def _why(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return said.lower() if said else type(error).__name__


async def fetch(address: Address, session: aiohttp.ClientSession, request: Request) -> Reply:
    """One request over HTTP; AccessDenied, AsteriskError, TimeoutError.

    Listings must come this way: Asterisk 22.10.1 puts a whole WebSocket message on a thread's stack (alloca in
    res_http_websocket) and dies of a reply of 0.4 MB, that is of `GET channels` with 600 calls.
    """
    try:
        async with (
            asyncio.timeout(request.timeout_s),
            session.request(
                request.method, f"{address.base}/{request.path}", params=request.query, json=request.body
            ) as answer,
        ):
            denied(answer.status)
            return Reply(answer.status, answer.reason or "", await answer.read())
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise AsteriskError(f"cannot reach ARI: {type(error).__name__}") from None


def denied(status: int) -> None:
    """AccessDenied when this is a status of a wrong user or password."""
    if status in (401, 403):
        raise AccessDenied(f"wrong ARI user or password ({status})") from None


class EventSocket(Socket):
    """`await EventSocket.open(…)`; from then on `on_message` is told every ARI event, until `lost()` says LinkLost.
    `alive()` beside it sees to it that a loss is noticed."""

    def __init__(self, address: Address, decoder: Decoder, on_message: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._address, self._decoder, self._on_message = address, decoder, on_message
        self._answered = True  # The last ping.
        self._replaced: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, address: Address, decoder: Decoder, on_message: Callable[[dict[str, Any]], None]
    ) -> "EventSocket":
        """Connect as our two applications. AccessDenied, AsteriskError."""
        return await address.socket(f"{address.app},{address.phones_app}", cls(address, decoder, on_message))

    def text(self, message: bytes) -> None:
        """Frames that are no event are counted and skipped."""
        heard = hear(message)
        if not isinstance(heard, Occurred):
            self._decoder.count("frame", getattr(heard, "why", "a reply nobody asked for"))
            return
        event = heard.message
        if event["type"] == "ApplicationReplaced" and event.get("application") == self._address.app:
            if not self._replaced.done():
                self._replaced.set_result(None)
            return
        self._on_message(event)

    def pong(self) -> None:
        self._answered = True

    async def lost(self) -> None:
        """Wait for its end, and raise it: LinkLost, Replaced."""
        await asyncio.wait((self.over, self._replaced), return_when=asyncio.FIRST_COMPLETED)
        raise Replaced(self._address) if self._replaced.done() else LinkLost(self.over.result())

    async def alive(self) -> None:
        """Ping for ever; LinkLost when Asterisk does not answer. Only its answer counts: that its events reach us does
        not say that we reach it.

        It looks several times, since a process that stood still comes to its timers before it has read what arrived.
        """
        looks = 0
        while True:
            await asyncio.sleep(PING_S - looks * LOOK_S)
            self._answered = False
            self.ping()
            looks = 0
            while not self._answered:
                if looks == PONG_LOOKS:
                    raise LinkLost(f"no answer to a ping for {SILENCE_S_MAX:g} s")
                looks += 1
                await asyncio.sleep(LOOK_S)


class Backoff:
    """Pauses between attempts: doubling up to `most_s`, each shortened by up to half at random; `slow_s` at most when
    asked to be slow. An attempt costs next to nothing, and callers wait meanwhile: `most_s` is short."""

    def __init__(self, first_s: float = 0.1, most_s: float = 2.0, slow_s: float = 10.0) -> None:
        self._first_s, self._most_s, self._slow_s, self._next_s = first_s, most_s, slow_s, first_s

    def pause(self) -> float:
        """Seconds to wait now."""
        wait, self._next_s = self._next_s, min(self._next_s * 2, self._most_s)
        # Jitter, so that daemons that lost one Asterisk do not come back in step. No security hangs on it.
        return wait * random.uniform(0.5, 1.0)

    def slow(self) -> None:
        """The next pause is the longest: a person must do something first."""
        self._next_s = self._slow_s

    def reset(self) -> None:
        self._next_s = self._first_s
