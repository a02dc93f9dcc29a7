"""The link to Asterisk's manager interface: keeps itself connected, and does what ARI cannot.

Every request fails at once while not connected, and nothing is repeated after a reconnect: the caller decides.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from ari_app.ami.protocol import Connection, Headers, OnEvent
from ari_app.errors import AsteriskError, RequestFailed

log = structlog.get_logger(__name__)

OnChange = Callable[[bool, str], None]

_NOT_IN_OPTIONS: Final = re.compile(r"[,()|\\\"']")  # They would end or split MixMonitor's option string.
_NOT_IN_VARIABLE: Final = re.compile(r"[^A-Za-z0-9_]")
_NOT_IN_KEY: Final = re.compile(r"[^A-Za-z0-9_.:@+*#-]")
_RELOAD_S: Final = 30.0
_TREE_S: Final = 30.0


@dataclass(frozen=True)
class Timing:
    """Seconds. A dead connection is noticed within `ping_s + pong_s`, a mute server within `answer_s`. `refused_s`: to
    the next try when the password is wrong, since Asterisk logs and counts every failed log-in."""

    answer_s: float = 5
    ping_s: float = 4
    pong_s: float = 3
    retry_s_first: float = 0.2
    retry_s_max: float = 2
    refused_s: float = 10


class AmiLink:
    """`run` keeps it connected until `close`; each change of status is logged and told to `on_change`, once."""

    def __init__(self, host: str, port: int, user: str, password: str, on_change: OnChange | None = None) -> None:
        self.timing = Timing()
        self.on_change: OnChange = on_change or (lambda *_: None)
        self.connected = False
        self.status = "not connected yet"
        self._address = (host, port)
        self._login = (user, password)
        self._connection: Connection | None = None
        self._closing = asyncio.Event()
        self._listeners: dict[str, OnEvent] = {}

    async def run(self) -> None:
        """Connect, log in, ping; on loss say why, wait a little longer each time, try again. Ends only by `close`."""
        wait_s = self.timing.retry_s_first
        while not self._closing.is_set():
            try:
                await self._open()
                wait_s = self.timing.retry_s_first
                await self._watch()
            except (AsteriskError, OSError) as error:
                self._say(False, _reason(error, self._address))
                if isinstance(error, RequestFailed) and error.status == 401:
                    wait_s = self.timing.refused_s
            finally:
                self._drop()
            try:
                await asyncio.wait_for(self._closing.wait(), wait_s)
            except TimeoutError:
                wait_s = min(wait_s * 2, self.timing.retry_s_max)

    async def until_connected(self, seconds: float) -> bool:
        """Whether it is, within that time."""
        end = asyncio.get_running_loop().time() + seconds
        while not self.connected and asyncio.get_running_loop().time() < end and not self._closing.is_set():
            await asyncio.sleep(0.02)
        return self.connected

    async def close(self) -> None:
        """End `run`; requests fail from now on."""
        self._closing.set()
        self._drop()
        self._say(False, "closed")

    async def start_recording(self, channel: str, base_path: str, recording: str = "") -> None:
        """Write both sides of a channel (id or name) to `<base_path>-in.wav` and `-out.wav`; no mixed file is written.

        `recording` names it for `stop_recording`. Success means Asterisk has begun, not that it can write the files:
        it says that only in its log, so look for the files. Gone when there is no such channel.
        """
        if _NOT_IN_OPTIONS.search(base_path):
            raise RequestFailed(400, f"AMI MixMonitor: the path {base_path!r} holds signs its options cannot")
        options = f"r({base_path}-in.wav)t({base_path}-out.wav)i({_variable(recording)})"
        await self._ask("MixMonitor", Channel=channel, Options=options)

    async def start_hearing(self, channel: str, path: str, line: str) -> None:
        """Write what the channel sends to `path` (its ending names the format) until stop_recording(channel, line)."""
        if _NOT_IN_OPTIONS.search(path):
            raise RequestFailed(400, f"AMI MixMonitor: the path {path!r} holds signs its options cannot")
        await self._ask("MixMonitor", Channel=channel, Options=f"r({path})i({_variable(line)})")

    async def stop_recording(self, channel: str, recording: str = "") -> None:
        """Stop this recording of the channel; its id is kept on the channel, so another daemon's can be stopped too."""
        held = await self._ask("Getvar", Channel=channel, Variable=_variable(recording))
        if not (mix_id := held.get("Value", "")):
            raise RequestFailed(404, f"AMI StopMixMonitor: {channel} has no recording {recording!r}")
        await self._ask("StopMixMonitor", Channel=channel, MixMonitorID=mix_id)
        # An id is an address in Asterisk: the next recording of the channel may get the same one.
        await self._ask("Setvar", Channel=channel, Variable=_variable(recording), Value="")

    async def mute_recording(self, channel: str, on: bool) -> None:
        """Silence (or not) both sides in every recording of the channel; RequestFailed when it has none."""
        await self._ask("MixMonitorMute", Channel=channel, Direction="both", State="1" if on else "0")

    async def db_put(self, family: str, key: str, value: str) -> None:
        """Keep a value in Asterisk's own database, where the dialplan finds it when no daemon runs."""
        await self._ask("DBPut", Family=_key(family), Key=_key(key), Val=value)

    async def db_get(self, family: str, key: str) -> str | None:
        """The value, None when there is none. (An empty value cannot be told from none.)"""
        headers = {"Family": _key(family), "Key": _key(key)}
        try:
            answer = await self._alive().ask_listed("DBGet", headers, self.timing.answer_s)
        except RequestFailed as error:
            if "not found" in error.reason:
                return None
            raise
        return answer.get("Val") or None

    async def db_del(self, family: str, key: str) -> bool:
        """False when there was nothing to delete."""
        try:
            await self._ask("DBDel", Family=_key(family), Key=_key(key))
        except RequestFailed as error:
            if "could not be deleted" in error.reason:
                return False
            raise
        return True

    async def db_tree(self, family: str) -> dict[str, str]:
        """Every key of a family with its value."""
        ends = "DBGetTreeComplete"
        try:
            found = await self._alive().ask_all("DBGetTree", {"Family": _key(family)}, ends, _TREE_S)
        except RequestFailed as error:
            if "not found" in error.reason:
                return {}
            raise
        return {each["Key"].removeprefix(f"/{family}/"): each.get("Val", "") for each in found if "Key" in each}

    async def variable(self, name: str) -> str:
        """A global variable of the dialplan; empty when it has none."""
        return (await self._ask("Getvar", Variable=name)).get("Value", "")

    async def reload(self, module: str) -> None:
        """Let a module (`res_pjsip.so`) read its configuration again; waits until it has."""
        await self._alive().ask("Reload", {"Module": module}, _RELOAD_S)

    async def ping(self) -> float:
        """Seconds until the answer."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        await self._ask("Ping")
        return loop.time() - asked

    def listen(self, classes: Iterable[str], hears: OnEvent) -> None:
        """`hears` is told every event of these classes (`security`, `reporting`) from the next log-in on. One listener
        a class."""
        for name in classes:
            assert name not in self._listeners, name
            self._listeners[name] = hears

    async def _ask(self, action: str, **headers: str) -> Headers:
        return await self._alive().ask(action, headers, self.timing.answer_s)

    def _alive(self) -> Connection:
        if self._connection is None or not self.connected:
            raise AsteriskError(f"AMI is not connected: {self.status}")
        return self._connection

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timing.answer_s):
                _, connection = await loop.create_connection(lambda: Connection(self._event), *self._address)
        except TimeoutError:
            raise RequestFailed(0, "AMI connect: no answer in time") from None
        self._connection = connection
        user, password = self._login
        login = {"Username": user, "Secret": password, "Events": ",".join(self._listeners) or "off"}
        await connection.ask("Login", login, self.timing.answer_s)
        self._say(True, "connected")

    async def _watch(self) -> None:
        """Ping until the connection is lost or an answer stays away."""
        connection = self._alive()
        while True:
            await asyncio.wait([connection.lost], timeout=self.timing.ping_s)
            if connection.lost.done():
                raise AsteriskError("AMI: connection lost")
            await connection.ask("Ping", {}, self.timing.pong_s)

    def _event(self, event: Headers) -> None:
        hears = self._listeners.get(event.get("Privilege", "").partition(",")[0])
        if hears is not None and self.connected:
            hears(event)

    def _drop(self) -> None:
        self.connected = False
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    def _say(self, connected: bool, status: str) -> None:
        changed = (connected, status) != (self.connected, self.status)
        self.connected, self.status = connected, status
        if not changed:
            return
        (log.info if connected or self._closing.is_set() else log.warning)(
            "manager interface of Asterisk", status=status
        )
        self.on_change(connected, status)


def _reason(error: AsteriskError | OSError, address: tuple[str, int]) -> str:
    """Why there is no link, in words that stay the same while the reason does."""
    match error:
        case RequestFailed(status=401):
            return "wrong user name or password"
        case RequestFailed(status=0):
            return "no answer"
        case OSError():
            return f"cannot reach {address[0]} port {address[1]}: {(error.strerror or str(error)).lower()}"
        case _:
            return str(error).removeprefix("AMI: ")


def _variable(recording: str) -> str:
    """The channel variable that keeps a recording's MixMonitor id."""
    return "MIXMONITOR_" + _NOT_IN_VARIABLE.sub("_", recording)


def _key(text: str) -> str:
    """Family and key become one path in AstDB."""
    if not text or _NOT_IN_KEY.search(text):
        raise RequestFailed(400, f"AMI: {text!r} cannot be a database key")
    return text
