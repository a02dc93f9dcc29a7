"""One AGI session: commands to Asterisk and their replies, one at a time, over one connection.

Every method raises AgiHungUp once the caller has gone, AgiFailed when Asterisk refuses, and AgiError when the
connection is lost, too slow or garbled; after the last the session is of no more use. Values are never logged.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ari_app.errors import HotlineError

LINE_BYTES_MAX: Final = 65_536  # Of a reply; longer ones end the session.
REPLY_LINES_MAX: Final = 500
COMMAND_BYTES_MAX: Final = 2_047  # res_agi.c, AGI_BUF_LEN: Asterisk cuts a longer line into two commands.
REPLY_S: Final = 10.0
PLAY_S: Final = 300.0  # For commands that last as long as a prompt or a caller.

_REPLY: Final = re.compile(r"([1-5][0-9]{2})([ -])(.*)", re.DOTALL)
_RESULT: Final = re.compile(r"result=(\S*)(?: \((.*)\))?(?: endpos=([0-9]+))?\s*", re.DOTALL)
_OPEN_VALUE: Final = re.compile(r"200 result=\S* \((?!.*\)\s*(endpos=[0-9]+\s*)?$)", re.DOTALL)
_KEYS: Final = re.compile(r"[0-9*#A-Da-d]*", re.ASCII)
_DEAD: Final = 511
_USAGE: Final = 520


class AgiError(HotlineError):
    """The session is over: connection lost, no reply in time, or a reply that is none."""


class AgiFailed(AgiError):
    """Asterisk refused or could not do one command; the session goes on."""


class AgiHungUp(AgiFailed):
    """The channel is dead; what may still be done is to set variables and to end."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`200 result=RESULT (VALUE) endpos=…`. `value` is None without brackets."""

    code: int
    result: str
    value: str | None = None

    @property
    def key(self) -> str:
        """A result that is the code of a key, as the key; empty for none."""
        return chr(int(self.result)) if self.result.isdigit() and 0 < int(self.result) < 128 else ""


def parse(text: str) -> Reply:
    """One whole reply, its lines joined by line feeds; AgiError when it is none."""
    found = _REPLY.fullmatch(text)
    if found is None:
        raise AgiError("AGI: a line that is no reply")
    code, rest = int(found[1]), found[3]
    if code != 200:
        return Reply(code, "", rest)
    result = _RESULT.fullmatch(rest)
    if result is None:
        raise AgiError("AGI: a reply without a result")
    return Reply(code, result[1], result[2])


def quoted(value: str) -> str:
    """One argument as Asterisk's parse_args reads it back; AgiFailed for signs that would end the command."""
    if any(sign in value for sign in "\r\n\0"):
        raise AgiFailed("AGI: a line break or NUL in a value is refused")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Session:
    """`env` holds the header without `agi_` (`network_script`, `callerid`, `arg_1` …). Made by the server."""

    def __init__(self, env: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.env = env
        self.hung_up = asyncio.Event()  # Asterisk said HANGUP, or the connection is gone.
        self._reader = reader
        self._writer = writer
        self._reply: asyncio.Future[Reply] | None = None
        self._lost = ""
        self._busy = asyncio.Lock()
        self._reading = asyncio.create_task(self._read())

    @property
    def arguments(self) -> tuple[str, ...]:
        """What stood after the address in AGI(…)."""
        numbers = range(1, 1 + sum(name.startswith("arg_") for name in self.env))
        return tuple(self.env.get(f"arg_{number}", "") for number in numbers)

    async def close(self) -> None:
        """Give the channel back to the dialplan."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._end("AGI: closed")

    # -- commands --

    async def answer(self) -> None:
        """Answer the channel if it is not yet."""
        self._good("answer", await self._ask("ANSWER"))

    async def hangup(self) -> None:
        """Hang the channel up; one already gone is no error."""
        try:
            self._good("hangup", await self._ask("HANGUP"))
        except AgiHungUp:
            return

    async def get_variable(self, name: str) -> str | None:
        """A channel variable or function, cut by Asterisk at 1,023 bytes; None when it was never set."""
        reply = await self._ask("GET VARIABLE", name)
        return (reply.value or "") if self._good("get variable", reply) == "1" else None

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable or function; works on a dead channel too."""
        self._good("set variable", await self._ask("SET VARIABLE", name, value))

    async def stream_file(self, path: str, escape_digits: str = "") -> str:
        """Play a file (without extension); the key of `escape_digits` that stopped it, else empty."""
        reply = await self._ask("STREAM FILE", path, _keys(escape_digits), timeout_s=PLAY_S)
        self._good("stream file", reply)
        return reply.key

    async def get_data(self, path: str, wait_s: float, digits_max: int) -> str:
        """Play a file and take keys until `#`, `digits_max`, or `wait_s` without one; the keys without `#`."""
        reply = await self._ask("GET DATA", path, _ms(wait_s), str(digits_max), timeout_s=PLAY_S)
        return self._good("get data", reply)

    async def say_digits(self, digits: str, escape_digits: str = "") -> str:
        """Say them one by one; the key of `escape_digits` that stopped it, else empty."""
        reply = await self._ask("SAY DIGITS", _keys(digits), _keys(escape_digits), timeout_s=PLAY_S)
        self._good("say digits", reply)
        return reply.key

    async def wait_for_digit(self, wait_s: float) -> str:
        """The next key, empty when none came."""
        reply = await self._ask("WAIT FOR DIGIT", _ms(wait_s), timeout_s=wait_s + REPLY_S)
        self._good("wait for digit", reply)
        return reply.key

    async def verbose(self, message: str, level: int = 1) -> None:
        """A line on Asterisk's console."""
        self._good("verbose", await self._ask("VERBOSE", message, str(level)))

    async def exec(self, application: str, *options: str, timeout_s: float = PLAY_S) -> str:
        """Run a dialplan application, its result as text; AgiFailed when there is no such application."""
        reply = await self._ask("EXEC", application, ",".join(options), timeout_s=timeout_s)
        if reply.result == "-2":
            raise AgiFailed("AGI exec: no such application")
        return self._good("exec", reply)

    # -- the wire --

    def _good(self, command: str, reply: Reply) -> str:
        if reply.code == _DEAD or (reply.result == "-1" and self.hung_up.is_set()):
            raise AgiHungUp(f"AGI {command}: the caller has hung up")
        if reply.code != 200:
            raise AgiFailed(f"AGI {command}: refused with {reply.code}")
        if reply.result == "-1":
            raise AgiFailed(f"AGI {command}: failed, or the caller has just hung up")
        return reply.result

    async def _ask(self, command: str, *arguments: str, timeout_s: float = REPLY_S) -> Reply:
        """Send one command and wait for its reply; commands of several tasks go one after another."""
        line = " ".join((command, *map(quoted, arguments))).encode(errors="replace") + b"\n"
        if len(line) > COMMAND_BYTES_MAX:
            raise AgiFailed(f"AGI {command.lower()}: longer than the {COMMAND_BYTES_MAX} bytes Asterisk takes")
        async with self._busy:
            if self._lost:
                raise AgiError(self._lost)
            self._reply = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    self._writer.write(line)
                    await self._writer.drain()
                    return await self._reply
            except TimeoutError:
                self._end(f"AGI {command.lower()}: no reply in time")
                raise AgiError(self._lost) from None
            except asyncio.CancelledError:
                self._end("AGI: broken off")  # The reply would be taken for that of the next command.
                raise
            except OSError:
                self._end("AGI: connection lost")
                raise AgiError(self._lost) from None
            finally:
                self._reply = None

    async def _read(self) -> None:
        """Takes replies and HANGUP until the connection ends."""
        try:
            while True:
                reply = parse(await self._whole_reply())
                if reply.code < 200:
                    continue
                if self._reply is None or self._reply.done():
                    raise AgiError("AGI: a reply nobody asked for")
                self._reply.set_result(reply)
        except AgiError as error:
            self._end(str(error))
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._end("AGI: connection lost, or a line too long")

    async def _whole_reply(self) -> str:
        """Lines up to the end of a usage text (520-) or of a value that holds line feeds."""
        text, lines = await self._line(), 1
        while (text.startswith(f"{_USAGE}-") and f"\n{_USAGE} " not in text) or _OPEN_VALUE.match(text):
            lines += 1
            if lines > REPLY_LINES_MAX or len(text) > LINE_BYTES_MAX:
                raise AgiError("AGI: a reply too long")
            text += "\n" + await self._line()
        return text

    async def _line(self) -> str:
        while True:
            line = (await self._reader.readuntil(b"\n")).decode(errors="replace").rstrip("\r\n")
            if line != "HANGUP":  # Comes at any time, also before a reply that is due.
                return line
            self.hung_up.set()

    def _end(self, why: str) -> None:
        self._lost = self._lost or why
        self.hung_up.set()
        self._writer.close()
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(AgiError(self._lost))
            self._reply.exception()  # Seen: nobody may be waiting for it any more.


def _keys(keys: str) -> str:
    if not _KEYS.fullmatch(keys):
        raise AgiFailed("AGI: keys of a telephone are 0-9, * and #")
    return keys


def _ms(seconds: float) -> str:
    return str(max(0, round(seconds * 1000)))
