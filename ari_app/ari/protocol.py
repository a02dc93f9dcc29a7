"""REST over WebSocket (Asterisk ≥ 22.4), without I/O: requests to frames, frames to replies or events.

One Exchange belongs to one socket; the ids it mints match a reply to its request.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import orjson

from ari_app.errors import Gone, RequestFailed

# Longer than a dead link stays unnoticed (connection.SILENCE_S_MAX): what such a link swallowed fails as `down`, which
# says that the link is to blame, and is ordered again when it is back.
TIMEOUT_S = 8.0


class Request(NamedTuple):
    """One ARI operation. `path` has no leading slash; `query` is sent as parameters, `body` as JSON.

    `quiet_404`: what we name may have ended already, and then there is nothing left to do.
    """

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any] | None = None
    quiet_404: bool = False
    timeout_s: float = TIMEOUT_S


class Reply(NamedTuple):
    """The answer to a request. `body` is JSON text or empty; a recording's file over HTTP."""

    status: int
    reason: str
    body: str | bytes = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def value(self) -> Any:
        """The body as JSON; None when there is none."""
        return orjson.loads(self.body) if self.body else None

    def detail(self) -> str:
        """What Asterisk says went wrong: under `message`, or (originate) under `error`; else the reason phrase."""
        try:
            said = self.value()
        except orjson.JSONDecodeError:
            return self.reason
        said = said if isinstance(said, dict) else {}
        return str(said.get("message") or said.get("error") or self.reason)

    def check(self) -> "Reply":
        """Itself when the request succeeded, else Gone (404) or RequestFailed."""
        if self.ok:
            return self
        raise Gone(404, self.detail()) if self.status == 404 else RequestFailed(self.status, self.detail())


class Answered(NamedTuple):
    """A reply came. `request` is the id Exchange.ask gave, empty when Asterisk could not read the request."""

    request: str
    reply: Reply


class Occurred(NamedTuple):
    """An ARI event came; for Decoder.decode."""

    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Garbled:
    """A frame that is not what ARI sends. `why` never quotes it: it may hold a caller's number."""

    why: str


Heard: TypeAlias = Answered | Occurred | Garbled


class Hears(Protocol):
    """Who asked, and is told."""

    def answered(self, reply: Reply) -> None:
        """Of the next request, in the order in which they were asked, whatever the status."""

    def ended(self, problem: Exception | None) -> None:
        """Said once, at last: None, or why the rest is not answered; it may be carried out or not. TimeoutError;
        AsteriskError when the link is down."""


class Exchange:
    """The requests of one socket."""

    def __init__(self) -> None:
        self._asked = 0

    def ask(self, request: Request) -> tuple[str, bytes]:
        """The id and the text frame of a request."""
        self._asked += 1
        name = str(self._asked)
        frame: dict[str, Any] = {
            "type": "RESTRequest",
            "transaction_id": name,
            "request_id": name,
            "method": request.method,
            "uri": request.path,
            "query_strings": [{"name": key, "value": value} for key, value in request.query.items()],
        }
        if request.body is not None:
            frame["content_type"] = "application/json"
            frame["message_body"] = orjson.dumps(request.body).decode()
        return name, orjson.dumps(frame)


def hear(frame: str | bytes) -> Heard:
    """What a frame from Asterisk means. Never raises."""
    try:
        message = orjson.loads(frame)
        kind = message["type"]
    except orjson.JSONDecodeError as error:
        return Garbled(f"not JSON: {error.msg}")
    except (KeyError, TypeError):
        return Garbled("no type")
    if kind == "RESTResponse":
        return _answered(message)
    return Occurred(message) if type(kind) is str else Garbled("no type")


def _answered(message: dict[str, Any]) -> Heard:
    status, request = message.get("status_code"), message.get("request_id", "")
    if type(status) is not int or type(request) is not str:
        return Garbled("a reply without status")
    reply = Reply(status, str(message.get("reason_phrase", "")), str(message.get("message_body") or ""))
    return Answered(request, reply)
