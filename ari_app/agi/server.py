"""The FastAGI server: limits, time-outs and a count for every way a connection can end. Loopback unless told otherwise.

What is no AGI request (a port probe, a scanner, a browser) is closed without a byte and only counted.
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from ari_app.agi.session import LINE_BYTES_MAX, AgiError, AgiHungUp, Session
from ari_app.errors import HotlineError, LookUpFailed

log = structlog.get_logger(__name__)

Serve = Callable[[Session], Awaitable[None]]
Scalar = str | int | float | bool
Ask = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, Scalar]]]

OUTCOMES: Final = ("served", "hung-up", "broken", "failed", "refused", "silent", "garbled", "too-large", "too-slow")
"""served · hung-up: caller gone before the end · broken: connection or protocol · failed: a bug of ours · refused: too
many at once · silent: closed before the first line · garbled, too-large, too-slow: what its header was."""

_HEADER: Final = re.compile(r"agi_([a-z][a-z0-9_]{0,40}): ?(.*)")
_ARGUMENT: Final = re.compile(r"([a-z][a-z0-9_]{0,40})=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Bounds:
    """Of one server. `header_s` is for the whole header, so that a byte now and then does not prolong it."""

    sessions_max: int = 100
    header_s: float = 5
    header_lines_max: int = 200
    header_bytes_max: int = 32_768


class BadHeader(HotlineError):
    """Not an AGI request; the text is one of OUTCOMES."""


class AgiServer:
    """`serve` is called once a session; the connection is closed when it returns or raises. `counts`: see OUTCOMES."""

    def __init__(self, serve: Serve, bounds: Bounds | None = None, listen: str = "127.0.0.1") -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.sessions = 0  # Now.
        self.port = 0
        self._serve = serve
        self._bounds = bounds or Bounds()
        self._listen = listen
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Listen (0: any free port, see `port`). HotlineError when the port is taken."""
        try:
            self._server = await asyncio.start_server(self._accepted, self._listen, port, limit=LINE_BYTES_MAX)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise HotlineError(
                f"agi.port: tcp port {port} on {self._listen} cannot be had ({reason}): stop the program that has it "
                "(`ss -lntup` names it), or choose another"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Until the block ends. HotlineError when the port is taken."""
        await self.start(port)
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop listening and end the sessions there are: their channels go on in the dialplan."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outcome = "failed"
        try:
            outcome = await self._outcome(reader, writer)
        except Exception:  # A bug in what serves must not take the server down.
            log.exception("AGI session failed")
        finally:
            self.counts[outcome] += 1
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _outcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        if self._opening >= self._bounds.sessions_max:
            return "refused"
        self._opening += 1
        try:
            async with asyncio.timeout(self._bounds.header_s):
                env = await _header(reader, self._bounds)
        except TimeoutError:
            return "too-slow"
        except BadHeader as error:
            return str(error)
        finally:
            self._opening -= 1
        if self.sessions >= self._bounds.sessions_max:
            log.warning("AGI session refused", limit="agi.sessions_max", at_once=self.sessions)
            return "refused"
        return await self._session(env, reader, writer)

    async def _session(self, env: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        self.sessions += 1
        session = Session(env, reader, writer)
        try:
            await self._serve(session)
        except AgiHungUp:
            return "hung-up"
        except AgiError as error:
            log.info("AGI session broken off", script=env.get("network_script", "")[:60], reason=str(error))
            return "broken"
        finally:
            self.sessions -= 1
            await session.close()
        return "served"


async def _header(reader: asyncio.StreamReader, bounds: Bounds) -> dict[str, str]:
    """The header block, names without `agi_`; BadHeader for anything else."""
    env: dict[str, str] = {}
    size = 0
    while line := await _line(reader, "garbled" if env else "silent"):
        size += len(line)
        if size > bounds.header_bytes_max or len(env) >= bounds.header_lines_max:
            raise BadHeader("too-large")
        found = _HEADER.fullmatch(line.decode(errors="replace"))
        if found is None or found[1] in env:  # Named twice: a line break was smuggled into an argument.
            raise BadHeader("garbled")
        env[found[1]] = found[2]
    if "request" not in env:
        raise BadHeader("garbled")
    return env


async def _line(reader: asyncio.StreamReader, when_closed: str) -> bytes:
    try:
        return (await reader.readuntil(b"\n")).rstrip(b"\r\n")
    except asyncio.IncompleteReadError as error:
        raise BadHeader("garbled" if error.partial else when_closed) from None
    except asyncio.LimitOverrunError:
        raise BadHeader("too-large") from None
    except OSError:
        raise BadHeader(when_closed) from None


# -- look-ups from a dialplan --


def from_dialplan(ask: Ask) -> Serve:
    """What serves AGI(agi://…/NAME,key=value,…): asks, then sets HOTLINE_STATUS and a HOTLINE_<KEY> for each answer.

    HOTLINE_STATUS is OK or FAILED (then HOTLINE_REASON says why); true and false become yes and no. A caller who
    hangs up meanwhile ends it.
    """

    async def serve(session: Session) -> None:
        try:
            answer = await _unless_hung_up(session, ask(session.env.get("network_script", ""), _request(session)))
            variables = {f"HOTLINE_{name.upper()}": _as_text(value) for name, value in answer.items()}
            status = {"HOTLINE_STATUS": "OK"}
        except LookUpFailed as error:
            variables, status = {"HOTLINE_REASON": error.reason}, {"HOTLINE_STATUS": "FAILED"}
        for name, text in {**variables, **status}.items():  # The status last: OK means that all is there.
            await session.set_variable(name, text)

    return serve


def _request(session: Session) -> dict[str, str]:
    request: dict[str, str] = {}
    for argument in filter(None, session.arguments):
        found = _ARGUMENT.fullmatch(argument)
        if found is None or found[1] in request:
            raise LookUpFailed("bad-argument")
        request[found[1]] = found[2]
    return request


async def _unless_hung_up(session: Session, asked: Awaitable[Mapping[str, Scalar]]) -> Mapping[str, Scalar]:
    """The answer; AgiHungUp, with the question cancelled, when the caller goes first."""
    asking = asyncio.ensure_future(asked)
    gone = asyncio.ensure_future(session.hung_up.wait())
    try:
        await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise AgiHungUp("AGI: the caller hung up during a look-up")
        return asking.result()
    finally:
        for task in (asking, gone):
            task.cancel()
        await asyncio.gather(asking, gone, return_exceptions=True)


def _as_text(value: Scalar) -> str:
    """Line breaks become blanks: they cannot be told to Asterisk."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("\0", " ").splitlines())
