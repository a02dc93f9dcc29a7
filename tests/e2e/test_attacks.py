"""Attacks from the network: guessed passwords, hostile names, broken messages, a flood. Running calls feel nothing."""

import asyncio
import secrets
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from ari_app.model.bans import networks
from ari_app.model.facts import CallOpened, Connected
from ari_app.phones.phone import Phone
from ari_app.phones.sip import PhoneError
from tests.asterisk import RunningAsterisk
from tests.e2e.kit import PORTS, Hotline, talk
from tests.e2e.test_calls import to_queue

ATTACKER = "127.0.0.9"


@contextmanager
def attacker(exchange: RunningAsterisk, address: str = ATTACKER) -> Iterator[socket.socket]:
    """A bare socket; messages are written by hand."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((address, 0))
        wire.connect(exchange.sip)
        wire.setblocking(False)
        yield wire


def message(wire: socket.socket, method: str = "REGISTER", user: str = "nobody", **changes: str) -> bytes:
    """A request with `changes` to its headers; an empty one is left out."""
    host, port = wire.getsockname()
    peer = wire.getpeername()
    branch = secrets.token_hex(6)
    headers = {
        "Via": f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch};rport",
        "From": f"<sip:{user}@{peer[0]}>;tag={branch}",
        "To": f"<sip:{user}@{peer[0]}>",
        "Call-ID": branch,
        "CSeq": f"1 {method}",
        "Contact": f"<sip:{user}@{host}:{port}>",
        "Max-Forwards": "70",
        "Content-Length": "0",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return f"{method} sip:{user}@{peer[0]}:{peer[1]} SIP/2.0\r\n{lines}\r\n".encode("utf-8", "surrogateescape")


async def hears(wire: socket.socket, timeout_s: float = 1.0) -> int:
    """The status that comes back next; 0 for none."""
    try:
        said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(wire, 65536), timeout_s)
    except TimeoutError:
        return 0
    return int(said.split()[1])


async def says(wire: socket.socket, status: int, is_said: bool = True) -> None:
    """Ask until Asterisk answers so (or not so)."""
    async with asyncio.timeout(15):
        while await hears(wire, 0.02):
            pass  # What was asked before.
        wire.send(message(wire, "OPTIONS"))
        while (await hears(wire) == status) is not is_said:
            wire.send(message(wire, "OPTIONS"))


async def test_who_knocks_too_often_is_shut_out_and_may_be_let_in_again(
    hotline: Hotline, exchange: RunningAsterisk
) -> None:
    guard = hotline.daemon.guard
    assert guard.bans.failed("127.0.0.1", 0) is None  # Loopback is trusted; the attacker's address is made not to be.
    guard.bans.trusted = networks(())[1:]
    with attacker(exchange) as wire:
        async with asyncio.timeout(30):
            while not guard.bans.held:
                wire.send(message(wire))
                await asyncio.sleep(0.02)
        assert list(guard.bans.held) == [ATTACKER]
        await says(wire, 403)
        with attacker(exchange, "127.0.0.10") as other:
            await says(other, 401)
        assert guard.unban(ATTACKER, "8001") and not guard.unban(ATTACKER, "8001")
        await says(wire, 401)
    await asyncio.wrap_future(hotline.daemon.loop.committed())
    with closing(sqlite3.connect(hotline.daemon.site.store)) as conn:
        rows = conn.execute("SELECT action, subject, detail FROM audit WHERE action LIKE '%ban-address' ORDER BY id")
        audited = rows.fetchall()
    assert [row[:2] for row in audited] == [("ban-address", ATTACKER), ("unban-address", ATTACKER)]
    assert audited[1][2] == "by 8001"


SHELL = "%24%7BSHELL(touch%20@)%7D"  # Escaped, it is a name a SIP address may have; Asterisk takes the escapes away.
HOSTILE = (
    f'"${{SHELL(touch @)}}" <sip:{SHELL}@127.0.0.1>',
    f'"$[1+1]${{GLOBAL(SOUNDS)=x}}" <sip:138{SHELL}@127.0.0.1>',
    '"x\\" ,System(touch @)" <sip:1&Local%2F*11@127.0.0.1>',
    "<sip:%24%7BDB_DELETE(a%2Fb)%7D,h,1@127.0.0.1>",
    '"a%0d%0ab" <sip:138%0d%0aAction:%20Logoff@127.0.0.1>',
)


@pytest.mark.parametrize("sender", HOSTILE)
async def test_what_a_caller_sends_is_never_carried_out(
    hotline: Hotline, exchange: RunningAsterisk, sender: str, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    sender = sender.replace("@)", f"{trace})")
    with attacker(exchange, "127.0.0.1") as wire:
        wire.send(message(wire, "INVITE", "1860", From=f"{sender};tag=a"))
        assert await hears(wire)
        wire.send(message(wire, "INVITE", "1860" + SHELL.replace("@)", f"{trace})")))
        async with hotline.caller() as caller:
            call = await caller.dial("1860")
            await hotline.wait(CallOpened, caller="13800138000")
            await call.hangup()
            await hotline.closed(by="caller")
    assert not trace.exists()
    assert hotline.daemon.loop.bugs == 0
    async with asyncio.timeout(40):  # INVITEs never acknowledged: Asterisk gives them up after 32 s.
        while exchange.instance.pid() and await hotline.listing("channels"):
            for channel in await hotline.listing("channels"):
                exchange.instance.cli(f"channel request hangup {channel['name']}")
            await asyncio.sleep(0.2)


def torture(wire: socket.socket) -> list[bytes]:
    """Messages in the manner of RFC 4475, of our own writing: odd but right ones, and broken ones."""
    good = message(wire, "OPTIONS", "1860")
    return [
        message(wire, "OPTIONS", "1860", Via="SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK" + "x" * 4000),
        message(wire, "OPTIONS", "1860", CSeq="99999999999999999999 OPTIONS"),
        message(wire, "OPTIONS", "1860", CSeq="1 INVITE"),
        message(wire, "INVITE", "1860", Content_Length="9999"),
        message(wire, "INVITE", "1860", Content_Length="-5"),
        message(wire, "INVITE", "1860", Content_Type="multipart/mixed;boundary=", Content_Length="0"),
        message(wire, "INVITE", "1860", Max_Forwards="0"),
        message(wire, "INVITE", "1860", Max_Forwards="300"),
        message(wire, "INVITE", "1860", Contact='"unclosed <sip:a@127.0.0.1>'),
        message(wire, "INVITE", "1860", From="", To="", Call_ID=""),
        message(wire, "INVITE", "1860", Require="nothingKnown, " * 50),
        message(wire, "REGISTER", "p8025", Contact="*", Expires="1"),
        message(wire, "REGISTER", "p8025", Authorization='Digest username="p8025", response="' + "f" * 2000 + '"'),
        message(wire, "N\u00f6W", "1860"),
        message(wire, "INVITE", "%00%ff\u4f60"),
        message(wire, "INVITE", "1860", To="<sip:1860@[::1>"),
        message(wire, "INVITE", "1860", Route="<sip:1@127.0.0.1;lr>, " * 60),
        good.replace(b"\r\n", b"\n"),
        good.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n"),
        good.replace(b" SIP/2.0\r\n", b"\r\n", 1),
        good[: len(good) // 2],
        b"\r\n\r\n" * 100,
        b"\0" * 1200,
        b"SIP/2.0 200 OK\r\n\r\n",
        secrets.token_bytes(1300),
        b"INVITE " + b"a" * 60_000 + b" SIP/2.0\r\n\r\n",
    ]


async def test_torture_and_a_flood_do_not_hurt_a_running_call(hotline: Hotline, exchange: RunningAsterisk) -> None:
    pid = exchange.instance.pid()
    async with hotline.agent("8025") as agent, hotline.caller() as caller:
        first = await to_queue(caller)
        leg = await agent.incoming(10)
        await hotline.wait(Connected)
        await talk(first, leg)
        with attacker(exchange) as wire:

            async def flood() -> None:
                for n in range(3000):
                    with suppress(OSError):
                        wire.send(message(wire, ("REGISTER", "INVITE", "OPTIONS")[n % 3], f"u{n % 50}"))
                    if n % 20 == 0:
                        await asyncio.sleep(0.01)

            for text in torture(wire):
                wire.send(text)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(flood())
                tasks.create_task(talk(first, leg, 1.0, hz=(700, 1000)))
            await talk(first, leg, 1.0)
        assert exchange.instance.pid() == pid
        await first.hangup()
        await hotline.closed(by="caller")
    assert hotline.daemon.loop.bugs == 0


async def test_a_wrong_password_registers_nobody(hotline: Hotline, exchange: RunningAsterisk) -> None:

    async with Phone("p8025", "guessed", exchange.sip, PORTS) as phone:
        with pytest.raises(PhoneError):
            await phone.register()
    async with asyncio.timeout(5):
        while not hotline.daemon.guard.events:
            await asyncio.sleep(0.02)
