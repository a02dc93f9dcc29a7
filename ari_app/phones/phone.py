"""A SIP phone in Python for tests, the demo and measurements: registers, calls, is called, talks and listens."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from aiosipua import SipRequest
from aiosipua.auth import SipDigestAuth
from aiosipua.dialog import Dialog, create_dialog_from_request
from aiosipua.utils import generate_branch, generate_call_id, generate_tag

from ari_app.phones import sdp
from ari_app.phones.call import Call
from ari_app.phones.ports import DEFAULT_PORTS, Ports
from ari_app.phones.sip import Address, PhoneError, Served, Wire, authorise

Policy = Callable[[Call], Awaitable[None]]
EXPIRES_S = 120


def answer_after(seconds: float) -> Policy:
    """Ring at once, answer after a while."""

    async def policy(call: Call) -> None:
        call.ring()
        if await call.lasts(seconds):
            await call.answer()

    return policy


def reject(status: int) -> Policy:
    """Ring, then refuse: 486 busy, 603 decline."""

    async def policy(call: Call) -> None:
        call.reject(status)

    return policy


def ring_only() -> Policy:
    """Ring and never answer."""

    async def policy(call: Call) -> None:
        call.ring()

    return policy


def say_nothing() -> Policy:
    """Not even 100, like a phone that has lost its power."""

    async def policy(_call: Call) -> None:
        return

    return policy


def manual() -> Policy:
    """100 only; the test does the rest by `call.ring()`, `call.answer()`, `call.reject(…)`."""

    async def policy(call: Call) -> None:
        call.trying()

    return policy


class Phone:
    """`async with Phone("p1", "secret", register=True) as phone:` — leaving hangs up, unregisters and closes.

    Without a password it is a caller from a trunk: no registration, the caller's number in From.
    `on_invite` says what it does when called; `rtp_sequence` forces the first RTP sequence number of its calls.
    """

    def __init__(
        self,
        user: str,
        password: str | None = None,
        server: Address = ("127.0.0.1", 5060),
        rtp_ports: range | Ports = DEFAULT_PORTS,
        *,
        register: bool = False,
        sip_port: int = 0,
        codecs: Sequence[str] = ("ulaw",),
    ) -> None:
        self.user, self.server, self.codecs = user, server, codecs
        self.ports = rtp_ports if isinstance(rtp_ports, Ports) else Ports(rtp_ports)
        self.auth = SipDigestAuth(user, password) if password is not None else None
        self.on_invite: Policy = answer_after(0.2)
        self.rtp_sequence: int | None = None
        self.calls: list[Call] = []
        self.wire = Wire(self._served)
        self.registered = False
        self._sip_port, self._register_on_entry = sip_port, register
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self._refresh: asyncio.Task[None] | None = None
        self._registration = ("", generate_tag(), 0)  # Call-ID, tag, CSeq.

    async def __aenter__(self) -> Self:
        await self.wire.open(self.ports.host, self._sip_port)
        if self._register_on_entry:
            try:
                await self.register()
            except BaseException:
                self.wire.close()
                raise
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.gather(*(call.hangup() for call in self.calls))
        if self.registered:
            with contextlib.suppress(PhoneError, TimeoutError):
                await self.unregister()
        self._stop_refresh()
        self.wire.close()
        while self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=5)
        await asyncio.sleep(0)  # The loop closes the sockets in its next round.
        if self._failures and error is None:
            raise self._failures[0]

    @property
    def contact(self) -> str:
        """Where we are called."""
        host, port = self.wire.address
        return f"sip:{self.user}@{host}:{port}"

    def uri(self, number: str) -> str:
        """A number at our server."""
        return f"sip:{number}@{self.server[0]}:{self.server[1]}"

    # ---- registration ----

    async def register(self, expires_s: int = EXPIRES_S) -> None:
        """Be reachable; refreshed by itself at half time. PhoneError with the status (401 wrong password)."""
        await self._send_register(expires_s)
        self.registered = True
        self._stop_refresh()
        self._refresh = asyncio.create_task(self._keep_registered(expires_s))

    async def unregister(self) -> None:
        """Be no longer reachable."""
        self._stop_refresh()
        self.registered = False
        await self._send_register(0)

    def vanish(self) -> None:
        """Lose power: the sockets close, nobody is told, the registration stays with the server."""
        self._stop_refresh()
        self.registered = False
        self.wire.close()
        for call in self.calls:
            call.vanish()

    def unplug(self, away: bool = True) -> None:
        """The network is away for SIP and voice, or is back: the phone itself notices nothing."""
        self.wire.unplugged = away
        for call in self.calls:
            if call.voice is not None:
                call.voice.unplugged = away

    async def _send_register(self, expires_s: int) -> None:
        call_id, tag, cseq = self._registration
        call_id = call_id or generate_call_id(self.wire.address[0])
        request = self._new_request("REGISTER", f"sip:{self.server[0]}:{self.server[1]}")
        request.headers.set_single("From", f"<{self.uri(self.user)}>;tag={tag}")
        request.headers.set_single("To", f"<{self.uri(self.user)}>")
        request.headers.set_single("Call-ID", call_id)
        request.headers.set_single("CSeq", f"{cseq + 1} REGISTER")
        request.headers.set_single("Expires", str(expires_s))
        self._registration = (call_id, tag, cseq + 2)
        final = await self.wire.answer_to(request, self.server)
        if final.status_code in (401, 407) and self.auth and authorise(request, final, self.auth):
            final = await self.wire.answer_to(request, self.server)
        if final.status_code >= 300:
            raise PhoneError(f"{self.user}: REGISTER was answered {final.status_code}", final.status_code)

    async def _keep_registered(self, expires_s: int) -> None:
        while True:
            await asyncio.sleep(expires_s / 2)
            with contextlib.suppress(PhoneError, TimeoutError):  # The next turn tries again.
                await self._send_register(expires_s)

    def _stop_refresh(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None

    # ---- calls ----

    async def dial(self, number: str, caller: str | None = None, timeout_s: float = 5.0) -> Call:
        """Call a number; returns with the first answer of any kind (100, 180, a refusal), TimeoutError when none.

        `caller`: the number in From, for callers from a trunk; else our own user.
        """
        dialog = Dialog(
            call_id=generate_call_id(self.wire.address[0]),
            local_tag=generate_tag(),
            local_uri=f"sip:{caller or self.user}@{self.server[0]}",
            remote_uri=self.uri(number),
            remote_target=self.uri(number),
        )
        call = Call(self, dialog, "out")
        call.caller, call.called = caller or self.user, number
        call.voice = await call._open_voice()
        self.calls.append(call)
        invite = self._new_request("INVITE", dialog.remote_uri)
        invite.headers.set_single("From", f"<{dialog.local_uri}>;tag={dialog.local_tag}")
        invite.headers.set_single("To", f"<{dialog.remote_uri}>")
        invite.headers.set_single("Call-ID", dialog.call_id)
        invite.headers.set_single("CSeq", f"{dialog.next_cseq()} INVITE")
        invite.headers.set_single("Allow", "INVITE, ACK, CANCEL, BYE, INFO, UPDATE, OPTIONS, NOTIFY")
        call._put_sdp(invite, sdp.offer(call._local(), self.codecs))
        self.later(call.place(invite))
        await asyncio.wait_for(call.replied.wait(), timeout_s)
        return call

    async def incoming(self, timeout_s: float = 5.0) -> Call:
        """The next call that comes (or came) in, each once, whatever `on_invite` does with it. TimeoutError."""
        return await asyncio.wait_for(self._incoming.get(), timeout_s)

    # ---- inner workings ----

    def reply(self, served: Served, status: int, phrase: str, dialog: Dialog, body: str = "") -> None:
        """Answer a request of a dialog."""
        response = dialog.create_response(served.request, status, phrase, contact=f"<{self.contact}>")
        if body:
            response.text = body
            response.headers.set_single("Content-Type", "application/sdp")
        self.wire.reply(served, response)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; leaving the phone waits for it, and raises what it raised."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._failures.append(failure)

    def _served(self, served: Served) -> None:
        request = served.request
        call = next((one for one in self.calls if one.dialog.call_id == request.call_id), None)
        if call is None and request.method == "INVITE":
            self._rung(served)
        elif call is None:
            status, phrase = (200, "OK") if request.method in ("OPTIONS", "NOTIFY") else (481, "No Such Call")
            self.reply(served, status, phrase, create_dialog_from_request(request))
        elif request.method == "CANCEL":
            call.take_cancel(served)
        else:
            call.take(served)

    def _rung(self, served: Served) -> None:
        request = served.request
        call = Call(self, create_dialog_from_request(request), "in")
        call._served, call.invite, call.invite_at = served, request, served.at
        sender = request.from_addr
        if sender is not None:
            call.caller, call.caller_name = sender.uri.user or "", sender.display_name or ""
        call.called = self.user
        self.calls.append(call)
        self._incoming.put_nowait(call)
        self.later(_obey(self.on_invite, call))

    def _new_request(self, method: str, uri: str) -> SipRequest:
        host, port = self.wire.address
        request = SipRequest(method=method, uri=uri)
        request.headers.append("Via", f"SIP/2.0/UDP {host}:{port};branch={generate_branch()};rport")
        request.headers.set_single("Max-Forwards", "70")
        request.headers.set_single("Contact", f"<{self.contact}>")
        return request


async def _obey(policy: Policy, call: Call) -> None:
    await policy(call)
