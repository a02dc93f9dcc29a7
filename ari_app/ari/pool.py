"""Request sockets: WebSockets that carry requests only, each one lane's at a time, opened as they are needed.

Asterisk works off a socket serially and in order, so what a lane asks at once is sent at once (a wake-up
a request costs more than all else of it), and a request that waits for a playback holds up its own lane and no other.
Which carrier and why: docs/adr/0003; why replies are told and not awaited: docs/adr/0022.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeAlias

import structlog

from ari_app.ari.connection import Address
from ari_app.ari.protocol import Answered, Exchange, Hears, Reply, Request, hear
from ari_app.ari.socket import Socket
from ari_app.errors import AsteriskError

log = structlog.get_logger(__name__)

SOCKETS_MAX: Final = 64  # Each costs Asterisk a thread and one of http.conf's `sessionlimit`.
EXPRESS_MAX: Final = 8  # More of them for what must end a blockade: stopping a playback, hanging up.

Order: TypeAlias = tuple[Sequence[Request], Hears, bool]
"""Requests, who is told, and whether it is express."""


class SocketBroken(AsteriskError):
    """A request socket ended before all was answered."""

    def __init__(self) -> None:
        super().__init__("request socket broken")


class Awaited:
    """For who waits for replies: `await awaited.replies`."""

    def __init__(self) -> None:
        self.replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._told: list[Reply] = []

    def answered(self, reply: Reply) -> None:
        self._told.append(reply)

    def ended(self, problem: Exception | None) -> None:
        if self.replies.done():
            return  # Nobody waits any more.
        if problem is None:
            self.replies.set_result(self._told)
        else:
            self.replies.set_exception(problem)


class RequestSocket(Socket):
    """The requests of one lane at a time. `on_free` is told when it is done with them, and what went wrong: after any
    error it must be closed, not used again."""

    def __init__(self, on_free: Callable[["RequestSocket", Exception | None], None]) -> None:
        super().__init__()
        self._on_free = on_free
        self._exchange = Exchange()
        self._due: deque[str] = deque()  # Names of requests that are not answered yet.
        self._hears: Hears | None = None
        self._patience: asyncio.TimerHandle | None = None

    def ask(self, requests: Sequence[Request], hears: Hears) -> None:
        """Send them at once; replies are waited for as long as the longest `timeout_s`."""
        self._hears = hears
        for request in requests:
            name, frame = self._exchange.ask(request)
            self._due.append(name)
            self.send(frame)
        longest_s = max(request.timeout_s for request in requests)
        self._patience = asyncio.get_running_loop().call_later(longest_s, self._done, TimeoutError())

    def text(self, message: bytes) -> None:
        match hear(message):
            case Answered(request=name, reply=reply) if self._hears is not None and name == self._due[0]:
                self._due.popleft()
                self._hears.answered(reply)
                if not self._due:
                    self._done(None)

    def ended(self, why: str) -> None:
        self._done(SocketBroken())

    def _done(self, problem: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        hears, self._hears, self._patience = self._hears, None, None
        self._due.clear()
        self._on_free(self, problem)
        if hears is not None:
            hears.ended(problem)


class Pool:
    """Carries requests to one Asterisk; `await close()` when the event socket is lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[RequestSocket] = []
        self._names: list[str] = [f"{address.app}-requests-{n}" for n in range(SOCKETS_MAX + EXPRESS_MAX, 0, -1)]
        self._taken: dict[RequestSocket, str] = {}  # Every open socket and the application it is registered as.
        self._waiting: deque[Order] = deque()
        self._tasks: set[asyncio.Task[None]] = set()  # That open and close sockets.
        self._closed = False
        self.counters: Counter[str] = Counter()

    @property
    def sockets(self) -> int:
        """How many are open."""
        return len(self._taken)

    def ask(self, requests: Sequence[Request], hears: Hears, express: bool = False) -> None:
        """Carry out requests in order, telling each reply; nothing is told before this returns. `express`: never waits
        in line."""
        self.counters["requests"] += len(requests)
        self._place((requests, hears, express))

    def _place(self, order: Order) -> None:
        requests, hears, express = order
        most = SOCKETS_MAX + (EXPRESS_MAX if express else 0)
        busy = SOCKETS_MAX + EXPRESS_MAX - len(self._names) - len(self._idle)
        if self._closed:
            asyncio.get_running_loop().call_soon(hears.ended, SocketBroken())
        elif busy >= most:
            self._wait(order)
        elif self._idle:
            self._idle.pop().ask(requests, hears)
        else:
            self._start(self._open(self._names.pop(), order))

    def _wait(self, order: Order) -> None:
        self.counters["waits_for_socket"] += 1
        self._waiting.append(order)

    async def _open(self, name: str, order: Order) -> None:
        requests, hears, _ = order
        try:
            socket = await self._address.socket(name, RequestSocket(self._free))
        except Exception as error:
            self._names.append(name)
            if self._taken and not self._closed:
                # Asterisk takes no more (`sessionlimit`): make do with those we have.
                self.counters["sockets_refused"] += 1
                self._wait(order)
                if self._idle:  # One came free meanwhile, and nobody waited for it.
                    self._next()
            else:
                hears.ended(error)
                self._next()  # Nobody will give a socket back: let the next one find out too.
            return
        self.counters["sockets_opened"] += 1
        self._taken[socket] = name
        if self._closed:
            self._discard(socket)
            hears.ended(SocketBroken())
        else:
            socket.ask(requests, hears)

    def _free(self, socket: RequestSocket, problem: Exception | None) -> None:
        """After an error it is of no use to the next request: Asterisk may still be at it."""
        if problem is not None or self._closed:
            self._discard(socket)
        elif socket in self._taken:
            self._idle.append(socket)
        self._next()

    def _discard(self, socket: RequestSocket) -> None:
        name = self._taken.pop(socket, None)
        if name is None:
            return
        if socket in self._idle:
            self._idle.remove(socket)
        # The name comes last in turn: Asterisk may still hold it while the old socket is blocked.
        self._names.insert(0, name)
        self._start(socket.close(forget=self._closed))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next(self) -> None:
        if self._waiting:
            self._place(self._waiting.popleft())

    async def close(self) -> None:
        """Close every socket; requests under way fail."""
        self._closed = True
        for socket in list(self._taken):
            self._discard(socket)
        while self._waiting:
            self._next()
        while self._tasks:
            await asyncio.wait(self._tasks)
