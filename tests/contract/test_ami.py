"""AmiLink against a real Asterisk: recording, refusals, and every way a connection can be bad."""

import asyncio
import uuid
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from ari_app.ami.link import AmiLink, Timing
from ari_app.errors import AsteriskError, Gone, RequestFailed
from tests.asterisk import RunningAsterisk

QUICK = Timing(answer_s=0.5, ping_s=0.2, pong_s=0.5, retry_s_first=0.05, retry_s_max=0.2)


class Watched:
    """A running AmiLink and what it said."""

    def __init__(self, address: tuple[str, int], password: str, timing: Timing = QUICK) -> None:
        self.said: list[tuple[bool, str]] = []
        self.changed = asyncio.Event()
        self.link = AmiLink(*address, "hotline", password, self._note)
        self.link.timing = timing

    def _note(self, connected: bool, status: str) -> None:
        self.said.append((connected, status))
        self.changed.set()

    async def until(self, holds: Callable[[], bool], timeout_s: float = 10) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def connected(self) -> None:
        await self.until(lambda: self.link.connected)


@asynccontextmanager
async def running(
    address: tuple[str, int], password: str = "", timing: Timing = QUICK, watched: Watched | None = None
) -> AsyncIterator[Watched]:
    watched = watched or Watched(address, password, timing)
    task = asyncio.create_task(watched.link.run())
    try:
        yield watched
    finally:
        await watched.link.close()
        await asyncio.wait_for(task, 2)


@pytest.fixture
async def link(asterisk: RunningAsterisk) -> AsyncIterator[AmiLink]:
    async with running(asterisk.ami, asterisk.secrets.ami_password, Timing()) as watched:
        await watched.connected()
        yield watched.link


@pytest.fixture
async def channel(asterisk: RunningAsterisk) -> AsyncIterator[str]:
    """A channel that says a tone and hears nothing: one half of a Local pair, both in our Stasis application."""
    near, far, app = f"near-{uuid.uuid4().hex}", f"far-{uuid.uuid4().hex}", asterisk.settings.asterisk.app
    headers = {"Authorization": aiohttp.encode_basic_auth("hotline", asterisk.secrets.ari_password)}
    channels, events = f"{asterisk.ari_url}/channels", f"{asterisk.ari_url}/events"
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as http,
        http.ws_connect(events, params={"app": app}) as socket,
    ):
        pair = {"endpoint": "Local/call@hotline/n", "channelId": near, "otherChannelId": far, "app": app}
        await http.post(channels, params=pair)
        await has_started(socket, far)
        await http.post(f"{channels}/{far}/answer")
        await has_started(socket, near)
        await http.post(f"{channels}/{far}/play", params={"media": "tone:440"})
        yield near
        with suppress(aiohttp.ClientResponseError):
            await http.delete(f"{channels}/{near}")


async def has_started(socket: aiohttp.ClientWebSocketResponse, channel: str) -> None:
    async with asyncio.timeout(5):
        while True:
            event = await socket.receive_json()
            if event["type"] == "StasisStart" and event["channel"]["id"] == channel:
                return


async def sides(base: Path) -> list[np.ndarray]:
    """The samples of the -in and the -out side, once Asterisk has closed the files."""
    async with asyncio.timeout(5):
        while len({Path(f"{base}-{name}.wav").stat().st_size for name in ("in", "out")}) > 1:
            await asyncio.sleep(0.02)
    found = []
    for name in ("in", "out"):
        with wave.open(f"{base}-{name}.wav") as file:
            assert (file.getnchannels(), file.getframerate()) == (1, 8000)
            found.append(np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16))
    return found


async def files(base: Path) -> None:
    """Wait until both sides have been begun."""
    async with asyncio.timeout(5):
        while not all(Path(f"{base}-{name}.wav").exists() for name in ("in", "out")):
            await asyncio.sleep(0.02)


async def test_recording_gives_two_files_of_one_length(asterisk: RunningAsterisk, link: AmiLink, channel: str) -> None:
    base = Path(asterisk.layout.monitor) / "both"
    await link.start_recording(channel, str(base), "1.2.3")
    await files(base)
    await asyncio.sleep(1)  # A second of the recording is what is looked at.
    await link.stop_recording(channel, "1.2.3")
    with pytest.raises(RequestFailed, match="no recording"):  # Its id may be that of the channel's next one.
        await link.stop_recording(channel, "1.2.3")
    ours, other = await sides(base)
    assert len(ours) == len(other) >= 6000
    assert np.abs(ours).max() > 1000, "what the channel says is on the -in side"
    assert np.abs(other).max() == 0
    assert sorted(path.name for path in base.parent.glob("both*")) == ["both-in.wav", "both-out.wav"]


async def test_muting_silences_both_sides(asterisk: RunningAsterisk, link: AmiLink, channel: str) -> None:
    base = Path(asterisk.layout.monitor) / "muted"
    await link.start_recording(channel, str(base), "muted")
    await link.mute_recording(channel, True)
    await files(base)
    await asyncio.sleep(0.6)
    await link.stop_recording(channel, "muted")
    silent = [int(np.abs(side[800:]).max()) for side in await sides(base)]
    assert silent == [0, 0]


async def test_only_the_named_recording_is_stopped(asterisk: RunningAsterisk, link: AmiLink, channel: str) -> None:
    monitor = Path(asterisk.layout.monitor)
    await link.start_recording(channel, str(monitor / "first"), "first")
    await link.start_recording(channel, str(monitor / "second"), "second")
    await link.stop_recording(channel, "first")
    with pytest.raises(RequestFailed):
        await link.stop_recording(channel, "first")
    await link.stop_recording(channel, "second")


async def test_muting_where_nothing_is_recorded(link: AmiLink, channel: str) -> None:
    with pytest.raises(RequestFailed):
        await link.mute_recording(channel, True)


@pytest.mark.parametrize("action", ["start", "stop", "mute"])
async def test_channel_that_is_gone(link: AmiLink, action: str) -> None:
    with pytest.raises(Gone):
        match action:
            case "start":
                await link.start_recording("gone", "/tmp/gone", "r")
            case "stop":
                await link.stop_recording("gone", "r")
            case _:
                await link.mute_recording("gone", True)


@pytest.mark.parametrize("value", ["x\r\nAction: Logoff", "x\n", "x\0"])
async def test_line_breaks_are_refused(link: AmiLink, value: str) -> None:
    for attempt in (link.mute_recording(value, True), link.start_recording("x", value), link.db_put("a", "b", value)):
        with pytest.raises(RequestFailed, match="refused"):
            await attempt
    assert await link.ping() < 1, "nothing reached Asterisk"


async def test_path_that_would_end_the_options_is_refused(link: AmiLink) -> None:
    with pytest.raises(RequestFailed, match="path"):
        await link.start_recording("x", "/tmp/a)b(/etc/c", "r")


async def test_database(link: AmiLink) -> None:
    assert await link.db_get("test", "closed") is None
    await link.db_put("test", "closed", "关闭: yes")
    assert await link.db_get("test", "closed") == "关闭: yes"
    assert await link.db_del("test", "closed")
    assert not await link.db_del("test", "closed")
    with pytest.raises(RequestFailed):
        await link.db_put("test", "a/b", "x")


async def test_reload(link: AmiLink) -> None:
    await link.reload("res_musiconhold.so")
    with pytest.raises(RequestFailed):
        await link.reload("no_such_module.so")


async def test_events_come_to_who_listens_to_their_class(asterisk: RunningAsterisk) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listening = Watched(asterisk.ami, asterisk.secrets.ami_password)
    listening.link.listen(("security",), lambda event: heard.put_nowait(event["Event"]))
    listening.link.listen(("reporting", "dialplan"), lambda event: heard.put_nowait("of another class"))
    async with running(asterisk.ami, watched=listening), running(asterisk.ami, "wrong") as intruder:
        await listening.connected()
        await intruder.until(lambda: bool(intruder.said))
        assert await asyncio.wait_for(heard.get(), 5) == "InvalidPassword"
    assert heard.empty() or set(heard._queue) == {"InvalidPassword"}  # type: ignore[attr-defined]


async def test_nothing_comes_to_who_does_not_listen(asterisk: RunningAsterisk, link: AmiLink) -> None:
    raw: list[object] = []
    connection = link._alive()
    connection._on_event = raw.append
    async with running(asterisk.ami, "wrong") as intruder:
        await intruder.until(lambda: bool(intruder.said))
    await link.ping()
    assert raw == []


async def test_wrong_password_is_said_once(asterisk: RunningAsterisk) -> None:
    patient = Timing(answer_s=3, retry_s_first=0.05, refused_s=0.1)  # Asterisk takes a second to say no.
    async with running(asterisk.ami, "wrong", patient) as watched:
        await watched.until(lambda: bool(watched.said))
        await asyncio.sleep(1.5)  # Long enough for another try.
        assert watched.said == [(False, "wrong user name or password")]
        with pytest.raises(AsteriskError, match="not connected: wrong user name"):
            await watched.link.ping()


async def test_nobody_listens(asterisk: RunningAsterisk) -> None:
    async with running(("127.0.0.1", asterisk.spare_ports[0]), "x") as watched:
        await watched.until(lambda: bool(watched.said))
        await asyncio.sleep(0.3)
        assert len(watched.said) == 1
        assert watched.said[0][1].startswith("cannot reach 127.0.0.1 port")


class Relay:
    """Stands between the link and Asterisk; `cut` breaks the connections, `frozen` swallows what Asterisk says."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.frozen = False
        self.piecemeal = False
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_asterisk, to_asterisk = await asyncio.open_connection(*self._target)
        self._writers += [writer, to_asterisk]
        with suppress(OSError):
            await asyncio.gather(self._pump(reader, to_asterisk), self._pump(from_asterisk, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1 if self.piecemeal else 65536):
            if not self.frozen:
                writer.write(chunk)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[tuple[str, int]]:
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[:2]
    finally:
        listening.close()


@pytest.fixture
async def relay(asterisk: RunningAsterisk) -> AsyncIterator[tuple[Relay, tuple[str, int]]]:
    relay = Relay(asterisk.ami)
    async with server(relay.serve) as address:
        yield relay, address
        relay.cut()


async def test_cut_connection_comes_back(asterisk: RunningAsterisk, relay: tuple[Relay, tuple[str, int]]) -> None:
    between, address = relay
    async with running(address, asterisk.secrets.ami_password) as watched:
        await watched.connected()
        between.frozen = True
        asked = asyncio.create_task(watched.link.db_get("a", "b"))
        await asyncio.sleep(0.05)  # Let the question leave.
        between.cut()
        with pytest.raises(AsteriskError, match="lost before the answer"):
            await asked
        between.frozen = False
        await watched.until(lambda: len(watched.said) >= 3)
        assert watched.said == [(True, "connected"), (False, "connection lost"), (True, "connected")]
        assert await watched.link.ping() < 1


async def test_silence_after_log_in_is_noticed(asterisk: RunningAsterisk, relay: tuple[Relay, tuple[str, int]]) -> None:
    between, address = relay
    async with running(address, asterisk.secrets.ami_password) as watched:
        await watched.connected()
        between.frozen = True
        await watched.until(lambda: not watched.link.connected, QUICK.ping_s + QUICK.pong_s + 0.5)
        assert watched.said[-1] == (False, "no answer")
        between.frozen = False
        await watched.connected()


async def test_a_question_while_it_is_silent_fails_in_time(
    asterisk: RunningAsterisk, relay: tuple[Relay, tuple[str, int]]
) -> None:
    """Silent, not cut: the connection stands, and nothing comes. The next ping ends it, and a new one serves again."""
    between, address = relay
    slow = Timing(answer_s=0.5, ping_s=30, retry_s_first=0.05, retry_s_max=0.2)
    async with running(address, asterisk.secrets.ami_password, slow) as watched:
        await watched.connected()
        between.frozen = True
        asked = (watched.link.start_recording("any", "/tmp/any"), watched.link.db_get("a", "b"), watched.link.ping())
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [getattr(answer, "status", answer) for answer in answers] == [0, 0, 0]
        assert watched.link.connected, "only the watch decides that the link is lost"
        between.frozen = False
        assert await watched.link.ping() < 1


async def test_answers_that_come_a_byte_at_a_time(
    asterisk: RunningAsterisk, relay: tuple[Relay, tuple[str, int]]
) -> None:
    between, address = relay
    between.piecemeal = True
    async with running(address, asterisk.secrets.ami_password) as watched:
        await watched.connected()
        await watched.link.db_put("test", "text", "您好，欢迎")
        assert await watched.link.db_get("test", "text") == "您好，欢迎"
        await watched.link.db_del("test", "text")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe" * 600_000])
async def test_server_that_is_no_asterisk_is_noticed(said: bytes) -> None:
    ends = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await ends.wait()
        writer.close()

    async with server(serve) as address, running(address, "x") as watched:
        await watched.until(lambda: bool(watched.said), QUICK.answer_s + 0.5)
        assert not watched.said[0][0]
        ends.set()
