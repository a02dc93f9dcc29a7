"""Request sockets: WebSockets that carry requests only, each one lane's at a time, opened as they are needed.

Asterisk works off a socket serially and in order, so what a lane asks at once is sent at once (a write and a wake-up
a request cost more than all else of it), and a request that waits for a playback holds up its own lane and no other.
Which carrier and why: docs/adr/0003.
"""

import asyncio
import struct
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from socket import SO_LINGER, SOL_SOCKET
from typing import Final, TypeAlias

import aiohttp
import structlog

from ari_app.ari.connection import Address
from ari_app.ari.protocol import Answered, Exchange, Reply, Request, hear
from ari_app.errors import AsteriskError

log = structlog.get_logger(__name__)

SOCKETS_MAX: Final = 64  # Each costs Asterisk a thread and one of http.conf's `sessionlimit`.
EXPRESS_MAX: Final = 8  # More of them for what must end a blockade: stopping a playback, hanging up.

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # Closing resets the connection, and the kernel sends nothing more of it.

Hear: TypeAlias = Callable[[Reply], Awaitable[None]]


class SocketBroken(AsteriskError):
    """A request socket ended. `sent` tells whether the request may have been carried out."""

    def __init__(self, sent: bool) -> None:
        super().__init__("request socket broken")
        self.sent = sent


class RequestSocket:
    """The requests of one lane at a time over one WebSocket. After any error it must be closed, not used again."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._exchange = Exchange()

    async def ask(self, requests: Sequence[Request], hear_reply: Hear) -> None:
        """Tell the replies, whatever their status, in order. SocketBroken; TimeoutError when not all have come within
        the longest `timeout_s`: what was not told by then may be carried out or not."""
        names = await self._send(requests)
        async with asyncio.timeout(max(request.timeout_s for request in requests)):
            for name in names:
                await hear_reply(await self._reply(name))

    async def _send(self, requests: Sequence[Request]) -> list[str]:
        names: list[str] = []
        try:
            for request in requests:
                name, frame = self._exchange.ask(request)
                await self._socket.send_str(frame)
                names.append(name)
        except (aiohttp.ClientError, OSError):
            raise SocketBroken(sent=bool(names)) from None
        return names

    async def _reply(self, name: str) -> Reply:
        while True:
            answer = await self._socket.receive()
            if answer.type is not aiohttp.WSMsgType.TEXT:
                raise SocketBroken(sent=True)
            match hear(answer.data):
                case Answered(request=answered, reply=reply) if answered == name:
                    return reply

    async def close(self, forget: bool = False) -> None:
        """`forget`: what was sent and not yet received over there must not arrive later, when all has been compared."""
        line = self._socket.get_extra_info("socket") if forget else None
        if line is not None:
            line.setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
        await self._socket.close()


class Pool:
    """Carries requests to one Asterisk; `await close()` when the event socket is lost."""

    def __init__(self, address: Address, session: aiohttp.ClientSession) -> None:
        self._address, self._session = address, session
        self._idle: list[RequestSocket] = []
        self._names: list[str] = [f"{address.app}-requests-{n}" for n in range(SOCKETS_MAX + EXPRESS_MAX, 0, -1)]
        self._taken: dict[RequestSocket, str] = {}  # Every open socket and the application it is registered as.
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        self.counters: Counter[str] = Counter()

    @property
    def sockets(self) -> int:
        """How many are open."""
        return len(self._taken)

    async def ask(self, requests: Sequence[Request], hear_reply: Hear, express: bool = False) -> None:
        """Carry out requests in order, telling each reply. What an error leaves untold may be carried out or not:
        TimeoutError; AsteriskError when the link is down. `express`: never waits in line."""
        self.counters["requests"] += len(requests)
        while True:
            socket = await self._take(express)
            try:
                await socket.ask(requests, hear_reply)
            except SocketBroken as broken:
                self._discard(socket)
                if broken.sent or self._closed:
                    raise
            except BaseException:
                # No answer in time: Asterisk may still be at it, so the socket is of no use to the next request.
                self._discard(socket)
                raise
            else:
                self._give_back(socket)
                return

    async def _take(self, express: bool) -> RequestSocket:
        most = SOCKETS_MAX + (EXPRESS_MAX if express else 0)
        while not self._closed:
            busy = SOCKETS_MAX + EXPRESS_MAX - len(self._names) - len(self._idle)
            if busy < most and self._idle:
                return self._idle.pop()
            if busy < most:
                try:
                    return await self._open()
                except AsteriskError:
                    if not self._taken:
                        raise
                    # Asterisk takes no more (`sessionlimit`): make do with those we have.
                    self.counters["sockets_refused"] += 1
            self.counters["waits_for_socket"] += 1
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        raise SocketBroken(sent=False)

    async def _open(self) -> RequestSocket:
        name = self._names.pop()
        try:
            socket = RequestSocket(await self._address.socket(self._session, name))
        except BaseException:
            self._names.append(name)
            if not self._taken:
                self._next()  # Nobody will give a socket back: let the next one find out too.
            raise
        self.counters["sockets_opened"] += 1
        self._taken[socket] = name
        if self._closed:
            self._discard(socket)
            raise SocketBroken(sent=False)
        return socket

    def _give_back(self, socket: RequestSocket) -> None:
        if self._closed:
            self._discard(socket)
            return
        self._idle.append(socket)
        self._next()

    def _discard(self, socket: RequestSocket) -> None:
        name = self._taken.pop(socket, None)
        if name is not None:
            # The name comes last in turn: Asterisk may still hold it while the old socket is blocked.
            self._names.insert(0, name)
        task = asyncio.get_running_loop().create_task(socket.close(forget=self._closed))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._next()

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def close(self) -> None:
        """Close every socket; requests under way fail."""
        self._closed = True
        for socket in list(self._taken):
            self._discard(socket)
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        await asyncio.gather(*self._closing, return_exceptions=True)
