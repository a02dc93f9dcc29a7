"""The AGI session against a scripted Asterisk: replies of every form, hang-ups, escaping, lost and slow connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.agi import session as module
from ari_app.agi.session import AgiError, AgiFailed, AgiHungUp, Reply, Session, parse, quoted

USAGE = (
    "520-Invalid command syntax.  Proper usage follows:\nUsage: GET DATA <file>\n"
    "    200 result=1\n520 End of proper usage.\n"
)


class Far:
    """Asterisk's end: `said` is what it got; `replies` are sent one a command, `` for none."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.said: list[str] = []
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                self.said.append(line.decode().rstrip("\n"))
                reply = self.replies.pop(0) if self.replies else ""
                if reply == "close":
                    break
                writer.write(reply.encode())
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        self.done.set()


@asynccontextmanager
async def talking(*replies: str) -> AsyncIterator[tuple[Session, Far]]:
    far = Far(*replies)
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=module.LINE_BYTES_MAX)
    session = Session({"network_script": "x", "arg_1": "a=1", "arg_2": "b"}, reader, writer)
    try:
        yield session, far
    finally:
        await session.close()
        with suppress(OSError):
            await writer.wait_closed()
        server.close()
        await asyncio.wait_for(far.done.wait(), 5)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("200 result=0", Reply(200, "0")),
        ("200 result=-1", Reply(200, "-1")),
        ("200 result=1 (zh-CN)", Reply(200, "1", "zh-CN")),
        ("200 result=1 ()", Reply(200, "1", "")),
        ("200 result=1 (a (b) c)", Reply(200, "1", "a (b) c")),
        ("200 result=1 (two\nlines)", Reply(200, "1", "two\nlines")),
        ("200 result= (timeout)", Reply(200, "", "timeout")),
        ("200 result=123456 (timeout)", Reply(200, "123456", "timeout")),
        ("200 result=49 endpos=8000", Reply(200, "49")),
        ("100 Trying...", Reply(100, "", "Trying...")),
        ("510 Invalid or unknown command", Reply(510, "", "Invalid or unknown command")),
    ],
)
def test_replies(text: str, reply: Reply) -> None:
    assert parse(text) == reply


@pytest.mark.parametrize("text", ["", "HTTP/1.1 200 OK", "200", "200 ok", "200 result", "20 result=1", "999 result=1"])
def test_what_is_no_reply(text: str) -> None:
    with pytest.raises(AgiError):
        parse(text)


@given(st.text())
def test_any_line_is_a_reply_or_an_agi_error(text: str) -> None:
    with suppress(AgiError):
        parse(text)


def unquoted(text: str) -> list[str]:
    """As res_agi.c parse_args reads a line."""
    words: list[str] = []
    is_quoted = is_escaped = False
    blank = True
    for sign in text:
        if sign == '"' and not is_escaped:
            is_quoted = not is_quoted
            if is_quoted and blank:
                words.append("")
                blank = False
        elif sign in " \t" and not is_quoted and not is_escaped:
            blank = True
        elif sign == "\\" and not is_escaped:
            is_escaped = True
            continue
        else:
            if blank:
                words.append("")
                blank = False
            words[-1] += sign
        is_escaped = False
    return words


@given(st.lists(st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"])), min_size=1))
def test_whatever_is_quoted_arrives_as_it_was(values: list[str]) -> None:
    assert unquoted(" ".join(map(quoted, values))) == values


@pytest.mark.parametrize("value", ["a\nHANGUP", "a\rb", "a\0b"])
async def test_line_breaks_never_leave(value: str) -> None:
    async with talking("200 result=1\n") as (session, far):
        with pytest.raises(AgiFailed, match="refused"):
            await session.set_variable("X", value)
        await session.set_variable("X", "y")
        assert far.said == ['SET VARIABLE "X" "y"']


async def test_a_command_too_long_for_asterisk_is_not_sent_in_two() -> None:
    async with talking("200 result=1\n") as (session, far):
        with pytest.raises(AgiFailed, match="2047"):
            await session.set_variable("X", "值" * 700)
        await session.set_variable("X", "值" * 600)
        assert len(far.said) == 1


CASES: list[tuple[Callable[[Session], Awaitable[object]], str, str, object]] = [
    (lambda s: s.answer(), "ANSWER", "200 result=0\n", None),
    (lambda s: s.hangup(), "HANGUP", "200 result=1\n", None),
    (lambda s: s.hangup(), "HANGUP", "511 Command Not Permitted on a dead channel or intercept routine\n", None),
    (lambda s: s.get_variable("A"), 'GET VARIABLE "A"', "200 result=1 (b)\n", "b"),
    (lambda s: s.get_variable("A"), 'GET VARIABLE "A"', "200 result=1 (b\nc))\n", "b\nc)"),
    (lambda s: s.get_variable("A"), 'GET VARIABLE "A"', "200 result=0\n", None),
    (lambda s: s.set_variable("A", 'b"\\'), 'SET VARIABLE "A" "b\\"\\\\"', "200 result=1\n", None),
    (lambda s: s.stream_file("/x/y", "12"), 'STREAM FILE "/x/y" "12"', "200 result=50 endpos=99\n", "2"),
    (lambda s: s.stream_file("/x/y"), 'STREAM FILE "/x/y" ""', "200 result=0 endpos=99\n", ""),
    (lambda s: s.get_data("/x", 2.5, 6), 'GET DATA "/x" "2500" "6"', "200 result=12*4 (timeout)\n", "12*4"),
    (lambda s: s.get_data("/x", 2.5, 6), 'GET DATA "/x" "2500" "6"', "200 result= (timeout)\n", ""),
    (lambda s: s.say_digits("123", "#"), 'SAY DIGITS "123" "#"', "200 result=35\n", "#"),
    (lambda s: s.wait_for_digit(1), 'WAIT FOR DIGIT "1000"', "200 result=0\n", ""),
    (lambda s: s.wait_for_digit(1), 'WAIT FOR DIGIT "1000"', "100 Trying...\n200 result=48\n", "0"),
    (lambda s: s.verbose("hi", 3), 'VERBOSE "hi" "3"', "200 result=1\n", None),
    (lambda s: s.exec("Playback", "a", "b"), 'EXEC "Playback" "a,b"', "200 result=0\n", "0"),
]


@pytest.mark.parametrize(("command", "line", "reply", "result"), CASES, ids=[repr(case[1:3]) for case in CASES])
async def test_commands(command: Callable[[Session], Awaitable[object]], line: str, reply: str, result: object) -> None:
    async with talking(reply) as (session, far):
        assert await command(session) == result
        assert far.said == [line]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("200 result=-1\n", AgiFailed),
        ("HANGUP\n200 result=-1\n", AgiHungUp),
        ("511 Command Not Permitted on a dead channel or intercept routine\n", AgiHungUp),
        ("510 Invalid or unknown command\n", AgiFailed),
        (USAGE, AgiFailed),
        ("520 Invalid command syntax.  Proper usage not available.\n", AgiFailed),
    ],
)
async def test_refusals_leave_the_session_usable(reply: str, error: type[AgiError]) -> None:
    async with talking(reply, "200 result=1\n") as (session, _):
        with pytest.raises(error) as caught:
            await session.answer()
        assert type(caught.value) is error
        await session.set_variable("A", "b")


async def test_no_such_application() -> None:
    async with talking("200 result=-2\n") as (session, _):
        with pytest.raises(AgiFailed, match="no such application"):
            await session.exec("Nonsense")


@pytest.mark.parametrize("reply", ["close", "HTTP/1.1 200 OK\r\n", "200 result=1 (" + "x" * 70_000 + ")\n"])
async def test_after_a_broken_reply_every_command_fails_at_once(reply: str) -> None:
    async with talking(reply) as (session, far):
        for _ in range(3):
            with pytest.raises(AgiError) as caught:
                await session.answer()
            assert type(caught.value) is AgiError
        assert session.hung_up.is_set() and len(far.said) <= 1


@pytest.mark.parametrize("start", ["200 result=1 (open\n", "520-Invalid\n"])
async def test_a_reply_without_an_end_is_cut_off(start: str) -> None:
    async with talking(start + "more\n" * 600) as (session, _):
        with pytest.raises(AgiError, match="too long"):
            await session.get_variable("A")


async def test_a_reply_nobody_asked_for_ends_the_session() -> None:
    async with talking("200 result=1\n200 result=1\n") as (session, _):
        await session.answer()
        await asyncio.wait_for(session.hung_up.wait(), 2)
        with pytest.raises(AgiError, match="nobody asked"):
            await session.answer()


async def test_a_hang_up_between_commands_is_noticed_without_one() -> None:
    async with talking("200 result=0\nHANGUP\n", "200 result=1\n") as (session, _):
        await session.answer()
        await asyncio.wait_for(session.hung_up.wait(), 2)
        await session.set_variable("STILL", "works")


async def test_no_reply_in_time_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking("") as (session, _):
        with pytest.raises(AgiError, match="no reply in time"):
            await session.exec("Wait", "9", timeout_s=0.05)
        with pytest.raises(AgiError, match="no reply in time"):
            await session.answer()


async def test_a_command_broken_off_takes_the_session_with_it() -> None:
    async with talking("") as (session, far):
        asking = asyncio.create_task(session.answer())
        while not far.said:
            await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        with pytest.raises(AgiError, match="broken off"):
            await session.answer()


async def test_commands_of_two_tasks_do_not_mix() -> None:
    async with talking(*(f"200 result=1 (v{n})\n" for n in range(20))) as (session, far):
        got = await asyncio.gather(*(session.get_variable(f"V{n}") for n in range(20)))
        assert got == [f"v{n}" for n in range(20)]
        assert far.said == [f'GET VARIABLE "V{n}"' for n in range(20)]


@pytest.mark.parametrize("keys", ["a b", "1\n2", "１", "x"])
async def test_keys_are_keys(keys: str) -> None:
    async with talking() as (session, _):
        with pytest.raises(AgiFailed, match="0-9"):
            await session.say_digits(keys)


async def test_arguments() -> None:
    async with talking() as (session, _):
        assert session.arguments == ("a=1", "b")
