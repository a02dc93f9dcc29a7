"""The FastAGI server on a real socket: probes, slow loris, limits, hang-ups, and look-ups from a dialplan."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from ari_app.agi.server import OUTCOMES, AgiServer, Bounds, Serve, from_dialplan
from ari_app.agi.session import Session
from ari_app.errors import HotlineError, LookUpFailed

HEADER = "agi_network: yes\nagi_network_script: {0}\nagi_request: agi://127.0.0.1/{0}\nagi_callerid: 13800138000\n"


def header(script: str = "balance", *arguments: str) -> bytes:
    lines = "".join(f"agi_arg_{number}: {text}\n" for number, text in enumerate(arguments, 1))
    return f"{HEADER.format(script)}{lines}\n".encode()


async def nothing(_: Session) -> None:
    pass


@asynccontextmanager
async def serving(serve: Serve = nothing, **bounds: Any) -> AsyncIterator[AgiServer]:
    server = AgiServer(serve, Bounds(**bounds))
    await server.start(0)
    try:
        yield server
    finally:
        await server.close()


class Client:
    """One connection to it, as Asterisk or anybody makes one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def line(self) -> str:
        return (await asyncio.wait_for(self.reader.readline(), 3)).decode().rstrip("\n")

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        with suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 3)
        return b""

    async def as_asterisk(self) -> dict[str, str]:
        """Takes every SET VARIABLE until the server closes."""
        found: dict[str, str] = {}
        while line := await self.line():
            name, value = line.removeprefix('SET VARIABLE "').removesuffix('"').split('" "')
            found[name] = value
            self.send(b"200 result=1\n")
        return found


@asynccontextmanager
async def client(server: AgiServer, data: bytes = b"") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.002)


async def counted(server: AgiServer, outcome: str, times: int = 1) -> None:
    """The connection has ended that way, nothing else was counted, and the server still works."""
    try:
        await until(lambda: server.counts.total() >= times)
    except TimeoutError:
        raise AssertionError(f"not counted: {+server.counts}") from None
    assert +server.counts == {outcome: times} and server.sessions == 0
    async with client(server, header()) as other:
        assert await other.rest() == b""
    await until(lambda: server.counts["served"] == (times + 1 if outcome == "served" else 1))


async def test_a_session_sees_the_header() -> None:
    seen: list[Session] = []

    async def look(session: Session) -> None:
        seen.append(session)

    async with serving(look) as server, client(server, header("a/b?c", "x=1", "", "y")) as one:
        assert await one.rest() == b""
    assert seen[0].env["network_script"] == "a/b?c" and seen[0].env["callerid"] == "13800138000"
    assert seen[0].arguments == ("x=1", "", "y")
    assert set(server.counts) == set(OUTCOMES)


async def test_header_in_pieces_with_carriage_returns() -> None:
    async with serving() as server, client(server) as one:
        for byte in header("x", "a=1").replace(b"\n", b"\r\n"):
            one.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await one.rest() == b""
        await until(lambda: server.counts["served"] == 1)


# -- what is no AGI request --


async def test_connect_and_close() -> None:
    async with serving() as server:
        for _ in range(50):
            async with client(server):
                pass
        await counted(server, "silent", 50)


async def test_connect_and_reset() -> None:
    async with serving() as server:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await counted(server, "silent", 20)


async def test_connect_and_silence() -> None:
    async with serving(header_s=0.1) as server, client(server) as one:
        assert await one.rest() == b""
        await counted(server, "too-slow")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        bytes(range(256)) * 40,
        b"agi_network: yes\n\n",
        b"agi_network yes\n",
        b"AGI_NETWORK: yes\n",
        header("x").replace(b"agi_callerid", b"agi_request"),
        header("x", "a=1\nagi_arg_1: b=2"),
    ],
    ids=lambda data: repr(data[:12]),
)
async def test_garbage_gets_no_answer(data: bytes) -> None:
    async with serving() as server, client(server, data) as one:
        assert await one.rest() == b""
        await counted(server, "garbled")


async def test_closed_in_the_middle_of_the_header() -> None:
    async with serving() as server:
        async with client(server, header()[:40]):
            pass
        await counted(server, "garbled")


@pytest.mark.parametrize(
    "data",
    [
        b"agi_network: yes\nagi_x: " + b"y" * 70_000,
        b"agi_network: yes\nagi_x: " + b"y" * 33_000 + b"\n",
        b"agi_network: yes\n" + b"".join(b"agi_x%d: y\n" % n for n in range(300)),
    ],
    ids=["no end of line", "long line", "many lines"],
)
async def test_a_header_too_large(data: bytes) -> None:
    async with serving() as server, client(server, data) as one:
        assert await one.rest() == b""
        await counted(server, "too-large")


async def test_slow_loris_is_cut_off_however_it_trickles() -> None:
    async with serving(header_s=0.3) as server, client(server) as one:
        began = asyncio.get_running_loop().time()
        with suppress(ConnectionError):
            for byte in header() * 100:
                one.send(bytes([byte]))
                await one.writer.drain()
                if one.reader.at_eof():
                    break
                await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - began < 2
        await counted(server, "too-slow")


async def test_a_crowd_of_the_silent_does_not_shut_out_a_call_for_longer_than_the_header_takes() -> None:
    async with serving(sessions_max=5, header_s=0.3) as server:
        async with asyncio.TaskGroup() as group:

            async def probe() -> None:
                async with client(server) as one:
                    await one.rest()

            for _ in range(20):
                group.create_task(probe())
        assert server.counts["refused"] == 15 and server.counts["too-slow"] == 5
        async with client(server, header()) as one:
            await one.rest()
        await until(lambda: server.counts["served"] == 1)


# -- sessions --


async def test_sessions_above_the_limit_are_refused_at_once_and_counted() -> None:
    go = asyncio.Event()

    async def hold(_: Session) -> None:
        await go.wait()

    async with serving(hold, sessions_max=2) as server:
        async with client(server, header()), client(server, header()):
            await until(lambda: server.sessions == 2)
            async with client(server, header()) as third:
                assert await third.rest() == b""
            assert +server.counts == {"refused": 1}
            go.set()
            await until(lambda: server.counts["served"] == 2)
        assert server.sessions == 0


async def test_a_bug_in_what_serves_is_logged_and_ends_one_session() -> None:
    async def fail(_: Session) -> None:
        raise ZeroDivisionError

    async with serving(fail) as server:
        for _ in range(3):
            async with client(server, header()) as one:
                assert await one.rest() == b""
        await until(lambda: server.counts["failed"] == 3)


async def test_hang_up_in_the_middle_of_a_command() -> None:
    async def play(session: Session) -> None:
        await session.stream_file("long")

    async with serving(play) as server, client(server, header()) as one:
        assert (await one.line()).startswith("STREAM FILE")
        one.send(b"HANGUP\n200 result=-1 endpos=4000\n")
        assert await one.rest() == b""
        await until(lambda: server.counts["hung-up"] == 1)


async def test_asterisk_dies_in_the_middle_of_a_command() -> None:
    async def play(session: Session) -> None:
        await session.stream_file("long")

    async with serving(play) as server:
        async with client(server, header()) as one:
            await one.line()
        await until(lambda: server.counts["broken"] == 1)


async def test_close_ends_the_sessions_there_are() -> None:
    async def wait(_: Session) -> None:
        await asyncio.sleep(60)

    async with serving(wait) as server, client(server, header()) as one:
        await until(lambda: server.sessions == 1)
        await asyncio.wait_for(server.close(), 2)
        assert await one.rest() == b""
        assert server.sessions == 0
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_a_taken_port_is_said_with_its_key() -> None:
    async with serving() as server:
        with pytest.raises(HotlineError, match=rf"^agi\.port: tcp port {server.port} on 127\.0\.0\.1 cannot be had "):
            await AgiServer(nothing).start(server.port)


async def test_it_serves_while_the_block_lasts() -> None:
    server = AgiServer(nothing)
    async with server.serving(0), client(server, header()) as one:
        await one.rest()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", server.port)


# -- look-ups --

Ask = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, str | int | float | bool]]]


async def asked(ask: Ask, *arguments: str) -> dict[str, str]:
    async with serving(from_dialplan(ask)) as server, client(server, header("balance", *arguments)) as one:
        found = await one.as_asterisk()
        await until(lambda: server.counts["served"] == 1)
        return found


async def test_an_answer_becomes_variables_status_last() -> None:
    async def answer(name: str, request: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
        assert (name, request) == ("balance", {"number": "13800138000", "note": "a=b: c"})
        return {
            "yuan": 86.5,
            "due": 0.0,
            "big": 12345678901.25,
            "vip": True,
            "stopped": False,
            "n": 3,
            "text": 'a\n"b\\',
        }

    found = await asked(answer, "number=13800138000", "note=a=b: c", "")
    assert found == {
        "HOTLINE_YUAN": "86.5",
        "HOTLINE_DUE": "0",
        "HOTLINE_BIG": "12345678901.25",
        "HOTLINE_VIP": "yes",
        "HOTLINE_STOPPED": "no",
        "HOTLINE_N": "3",
        "HOTLINE_TEXT": 'a \\"b\\\\',
        "HOTLINE_STATUS": "OK",
    }
    assert list(found)[-1] == "HOTLINE_STATUS"


async def test_a_failure_becomes_a_status() -> None:
    async def fail(_: str, __: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
        raise LookUpFailed("no-such-number")

    assert await asked(fail) == {"HOTLINE_REASON": "no-such-number", "HOTLINE_STATUS": "FAILED"}


@pytest.mark.parametrize("arguments", [["13800138000"], ["a=1", "a=2"], ["A=1"], ["=1"]])
async def test_arguments_are_named_once(arguments: list[str]) -> None:
    async def never(_: str, __: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
        raise AssertionError

    assert await asked(never, *arguments) == {"HOTLINE_REASON": "bad-argument", "HOTLINE_STATUS": "FAILED"}


@pytest.mark.parametrize("end", [b"HANGUP\n", b""], ids=["HANGUP", "closed"])
async def test_a_hang_up_during_a_look_up_ends_it(end: bytes) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow(_: str, __: Mapping[str, str]) -> Mapping[str, str | int | float | bool]:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return {}

    async with serving(from_dialplan(slow)) as server:
        async with client(server, header()) as one:
            await asyncio.wait_for(began.wait(), 2)
            if end:
                one.send(end)
                assert await one.rest() == b""  # The dead channel is let go at once.
        await asyncio.wait_for(ended.wait(), 2)
        await until(lambda: server.counts["hung-up"] == 1)
