"""One AMI connection on panoramisk's protocol (parsing, ActionIDs); its Manager is not used (ADR 0005)."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from ari_app.errors import AsteriskError, Gone, RequestFailed

Headers = Mapping[str, str]
OnEvent = Callable[[Headers], None]
T = TypeVar("T")

_END: Final = b"\r\n\r\n"
_EVENT: Final = b"Event: "
_HEADER: Final = re.compile(r"^([^:\r\n]+): ([^\r\n]*)", re.MULTILINE)
_UNREAD_MAX: Final = 1 << 20
_STATUS: Final = {"permission denied": 403, "authentication failed": 401}
# panoramisk logs whole actions, passwords among them, when a write fails.
_SILENT: Final = logging.getLogger(f"{__name__}.panoramisk")
_SILENT.disabled = True


class _Owner:
    """What panoramisk's protocol expects of its Manager, without the reconnecting and the repeating of old actions."""

    save_stream = None
    forgetable_actions: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.awaiting_actions: deque[Any] = deque(maxlen=0)  # Nothing is sent again: who asked has been told it failed.

    def dispatch(self, _: Message) -> None:
        """An answer that came too late: nobody waits for it."""

    def connection_lost(self, _: object) -> None:
        """The link watches `Connection.lost`."""


@dataclass
class _List:
    """The events of one answer, until the one that ends it."""

    ends: str
    complete: asyncio.Future[None]
    events: list[Headers] = field(default_factory=list)

    def hears(self, event: Headers) -> None:
        if event.get("Event") != self.ends:
            self.events.append(event)
        elif not self.complete.done():
            self.complete.set_result(None)


class Connection(asyncio.Protocol):
    """Feeds panoramisk whole answers only, and reads events itself, in a quarter of the time.

    `lost` is done when it has ended; what waits for an answer fails then.
    """

    def __init__(self, on_event: OnEvent) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_event = on_event
        self._unread = b""
        self._listed: dict[str, asyncio.Future[Headers]] = {}
        self._lists: dict[str, _List] = {}
        self._ami: Any = AMIProtocol()  # Any: panoramisk has no types.
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no instance of it.
        self._ami.connection_made(transport)
        self._ami.factory = _Owner()
        self._ami.encoding = "utf8"
        self._ami.log = _SILENT

    def data_received(self, data: bytes) -> None:
        self._unread += data
        whole, end, rest = self._unread.rpartition(_END)
        self._unread = rest
        if end:  # Cut elsewhere, a character of several bytes would be lost.
            for message in whole.split(_END):
                if message.startswith(_EVENT):
                    self._event(_event(message))
                else:
                    self._ami.data_received(message + _END)
        elif len(rest) > _UNREAD_MAX:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ami.close()
        if not self.lost.done():
            self.lost.set_result(None)

    def abort(self) -> None:
        """End the connection without waiting for the other side."""
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, action: str, headers: Headers, timeout_s: float) -> Headers:
        """Send an action and return its response; Gone, RequestFailed or AsteriskError otherwise."""
        return await self._response(self._action(action, headers), timeout_s)

    async def ask_listed(self, action: str, headers: Headers, timeout_s: float) -> Headers:
        """Like `ask` for an action whose answer comes in an event after the response: returns that event."""
        message = self._action(action, headers)
        event: asyncio.Future[Headers] = asyncio.get_running_loop().create_future()
        self._listed[message.id] = event
        try:
            await self._response(message, timeout_s)
            return await self._first(event, action, timeout_s)
        finally:
            del self._listed[message.id]

    async def ask_all(self, action: str, headers: Headers, ends: str, timeout_s: float) -> list[Headers]:
        """Like `ask_listed` for an action that is answered by many events; the one named `ends` is the last."""
        message = self._action(action, headers)
        found = self._lists[message.id] = _List(ends, asyncio.get_running_loop().create_future())
        try:
            await self._response(message, timeout_s)
            await self._first(found.complete, action, timeout_s)
            return found.events
        finally:
            del self._lists[message.id]

    def _action(self, action: str, headers: Headers) -> Any:
        _refuse_line_breaks(action, headers)
        if self.lost.done():
            raise AsteriskError("AMI is not connected")
        make: Any = Action
        return make({"Action": action, **headers}, as_list=False)

    async def _response(self, message: Any, timeout_s: float) -> Headers:
        future: asyncio.Future[Message] = self._ami.send(message, as_list=False)
        try:
            response = await self._first(future, message["Action"], timeout_s)
        finally:
            self._ami.responses.pop(message.id, None)
        _refuse_failure(message["Action"], response)
        return _headers(response)

    async def _first(self, future: asyncio.Future[T], action: str, timeout_s: float) -> T:
        """The future's result, unless the connection is lost or the time is up before."""
        both: list[asyncio.Future[Any]] = [future, self.lost]
        await asyncio.wait(both, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        if self.lost.done():
            raise AsteriskError(f"AMI {action}: the connection was lost before the answer came")
        raise RequestFailed(0, f"AMI {action}: no answer in time")

    def _event(self, event: Headers) -> None:
        asked = event.get("ActionID", "")
        if asked in self._lists:
            self._lists[asked].hears(event)
        elif asked not in self._listed:
            self._on_event(event)
        elif not (listed := self._listed[asked]).done():
            listed.set_result(event)


def _event(message: bytes) -> Headers:
    """The headers of an event; none that we hear has one several times."""
    return dict(_HEADER.findall(message.decode("utf8", "replace")))


def _headers(message: Message) -> Headers:
    """A header that came several times keeps all its values, a line each."""
    return {name: "\n".join(value) if isinstance(value, list) else value for name, value in message.items()}


def _refuse_line_breaks(action: str, headers: Headers) -> None:
    """A line break in a value would be another header, or another action."""
    for name, value in {"Action": action, **headers}.items():
        if any(sign in name + value for sign in "\r\n\0"):
            raise RequestFailed(400, f"AMI {action}: a line break in {name!r} is refused")


def _refuse_failure(action: str, response: Message) -> None:
    if response.success:
        return
    said = str(response.message)
    if said.lower().startswith("no such channel"):
        raise Gone(404, f"AMI {action}: {said}")
    raise RequestFailed(_STATUS.get(said.lower(), 400), f"AMI {action}: {said}")
