"""SIP on one UDP socket: transactions (RFC 3261 §17) over the message layer of aiosipua.

aiosipua's UAC and UAS are left aside, because a test phone must see and do what they hide: they acknowledge no
refusal (Asterisk then repeats it for 32 s), never send a lost request again, lose a 200 that crosses a CANCEL,
take a repeated INVITE for a new call, answer 100 to every INVITE, and drop the status of INFO, REFER and BYE.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aiosipua import SipMessage, SipRequest, SipResponse
from aiosipua.auth import SipDigestAuth, answer_challenge
from aiosipua.utils import generate_branch

from ari_app.errors import HotlineError

Address = tuple[str, int]
T1_S, T2_S, GIVE_UP_S = 0.5, 4.0, 32.0
KEPT = 2000  # Transactions remembered, to answer repeats.


class PhoneError(HotlineError):
    """A phone could not do what it was asked; `status` is the SIP status that says why, or 0."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Asked:
    """A request of ours and what came back."""

    request: SipRequest
    to: Address
    final: asyncio.Future[SipResponse]
    heard: Callable[[SipResponse], None] | None = None  # Called with each 1xx.
    ack: bytes = b""
    timer: asyncio.TimerHandle | None = None


@dataclass
class Served:
    """A request of theirs and our last answer, repeated when they ask again."""

    request: SipRequest
    source: Address
    at: float
    answer: bytes = b""
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


Timed = TypeVar("Timed", Asked, Served)


class Wire(asyncio.DatagramProtocol):
    """The socket. `on_request` gets every new request but ACK, once."""

    def __init__(self, on_request: Callable[[Served], None]) -> None:
        self._on_request = on_request
        self._asked: dict[tuple[str, str], Asked] = {}
        self._served: dict[tuple[str, str], Served] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)
        self.unplugged = False  # Nothing comes, nothing goes, and nobody is told.

    async def open(self, host: str, port: int) -> None:
        """Bind; port 0 lets the kernel choose. OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.address = self._transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Close the socket at once; nothing more is sent, whoever waits for an answer hears of it."""
        for served in self._served.values():
            _stop(served)
        for asked in self._asked.values():
            _stop(asked)
            if not asked.final.done():
                asked.final.set_exception(PhoneError("the phone's socket was closed"))
                asked.final.exception()  # Whoever still waits gets it; it is no one's loss when nobody does.
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def ask(self, request: SipRequest, to: Address, heard: Callable[[SipResponse], None] | None = None) -> Asked:
        """Send a request, and again until something comes back (RFC 3261 §17.1: T1, doubled up to T2)."""
        asked = Asked(request, to, asyncio.get_running_loop().create_future(), heard)
        _keep(self._asked, (_branch(request), request.method), asked)
        self._again(bytes(request), to, asked, T1_S)
        return asked

    async def answer_to(self, request: SipRequest, to: Address, timeout_s: float = 5.0) -> SipResponse:
        """Send a request and wait for its final answer. TimeoutError when none comes."""
        return await asyncio.wait_for(self.ask(request, to).final, timeout_s)

    def acknowledge(self, asked: Asked, ack: SipRequest) -> None:
        """Send the ACK of a 2xx, and again whenever the 2xx is repeated."""
        asked.ack = bytes(ack)
        self._send(asked.ack, asked.to)

    def reply(self, served: Served, response: SipResponse) -> None:
        """Answer a request; a final answer to an INVITE is repeated until its ACK (RFC 3261 §13.3.1.4)."""
        served.answer = bytes(response)
        _stop(served)
        if served.request.method == "INVITE" and response.status_code >= 200:
            self._again(served.answer, served.source, served, T1_S)
        else:
            self._send(served.answer, served.source)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.unplugged:
            return
        try:
            message = SipMessage.parse(data)
        except ValueError:
            return  # Not SIP: nobody to answer.
        if isinstance(message, SipResponse):
            self._response(message)
        else:
            self._request(message, addr)

    def error_received(self, exc: Exception) -> None:
        """An unreachable port shows as a request nobody answers."""

    def _request(self, request: SipRequest, source: Address) -> None:
        if request.method == "ACK":
            for served in self._served.values():
                if served.timer and _same_invite(served.request, request):
                    _stop(served)
            return
        key = (_branch(request), request.method)
        known = self._served.get(key)
        if known is None:
            served = Served(request, source, time.monotonic())
            _keep(self._served, key, served)
            self._on_request(served)
        elif known.answer:
            self._send(known.answer, source)

    def _response(self, response: SipResponse) -> None:
        cseq = response.cseq
        asked = self._asked.get((_branch(response), cseq.method if cseq else ""))
        if asked is None:
            return
        invite = asked.request.method == "INVITE"
        if response.status_code < 200:
            if invite:
                _stop(asked)
            if asked.heard and not asked.final.done():
                asked.heard(response)
            return
        _stop(asked)
        if invite and response.status_code >= 300:
            asked.ack = bytes(_refusal_ack(asked.request, response))
        if asked.ack:
            self._send(asked.ack, asked.to)
        if not asked.final.done():
            asked.final.set_result(response)

    def _again(self, data: bytes, to: Address, timed: Asked | Served, wait_s: float, spent_s: float = 0) -> None:
        self._send(data, to)
        if spent_s < GIVE_UP_S:
            timed.timer = asyncio.get_running_loop().call_later(
                wait_s, self._again, data, to, timed, min(2 * wait_s, T2_S), spent_s + wait_s
            )

    def _send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self.unplugged:
            self._transport.sendto(data, to)


def authorise(request: SipRequest, refusal: SipResponse, auth: SipDigestAuth) -> bool:
    """Add the digest answering a 401 or 407, a fresh branch and the next CSeq. False when it cannot be answered."""
    header = answer_challenge(auth, refusal, refusal.status_code, request.method, request.uri)
    if header is None:
        return False
    request.headers.set_single(*header)
    renew_branch(request)
    cseq = request.cseq
    request.headers.set_single("CSeq", f"{cseq.seq + 1 if cseq else 1} {request.method}")
    return True


def renew_branch(request: SipRequest) -> None:
    """Make a request a new transaction."""
    via = request.headers.get("via")[0]
    request.headers.set_single("Via", re.sub(r"branch=[^;]+", f"branch={generate_branch()}", via))


def cause_of(message: SipMessage) -> int | None:
    """The Q.850 cause of a Reason header (RFC 3326), if there is one."""
    found = re.search(r"Q\.850\s*;.*?cause=(\d+)", message.get_header("reason") or "")
    return int(found[1]) if found else None


def cancel_for(invite: SipRequest) -> SipRequest:
    """The CANCEL of an INVITE (RFC 3261 §9.1): same URI, branch, tags and number."""
    return _sibling(invite, "CANCEL", invite.get_header("to") or "")


def _refusal_ack(invite: SipRequest, refusal: SipResponse) -> SipRequest:
    return _sibling(invite, "ACK", refusal.get_header("to") or "")


def _sibling(invite: SipRequest, method: str, to: str) -> SipRequest:
    sibling = SipRequest(method=method, uri=invite.uri)
    for name in ("Via", "From", "Call-ID", "Max-Forwards"):
        sibling.headers.set_single(name, invite.get_header(name) or "")
    sibling.headers.set_single("To", to)
    cseq = invite.cseq
    sibling.headers.set_single("CSeq", f"{cseq.seq if cseq else 1} {method}")
    return sibling


def _branch(message: SipMessage) -> str:
    vias = message.via
    return (vias[0].branch or "") if vias else ""


def _same_invite(invite: SipRequest, ack: SipRequest) -> bool:
    ours, theirs = invite.cseq, ack.cseq
    same_number = ours is not None and theirs is not None and ours.seq == theirs.seq
    return invite.call_id == ack.call_id and same_number


def _stop(timed: Asked | Served) -> None:
    if timed.timer is not None:
        timed.timer.cancel()
        timed.timer = None


def _keep(kept: dict[tuple[str, str], Timed], key: tuple[str, str], value: Timed) -> None:
    kept[key] = value
    if len(kept) > KEPT:
        oldest = kept.pop(next(iter(kept)))
        _stop(oldest)
