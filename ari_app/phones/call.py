"""One call of a phone, either way: its SIP dialog, its moments (monotonic seconds), its voice."""

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Literal

from aiosipua import SipRequest, SipResponse
from aiosipua.dialog import Dialog
from aiosipua.headers import stringify_uri
from aiosipua.sdp import parse_sdp

from ari_app.phones import audio, sdp
from ari_app.phones.sip import Asked, PhoneError, Served, authorise, cancel_for, cause_of
from ari_app.phones.voice import CODECS, Voice

if TYPE_CHECKING:
    from ari_app.phones.phone import Phone

PHRASES = {480: "Temporarily Unavailable", 486: "Busy Here", 487: "Request Terminated", 603: "Decline"}
BYE_S = 2.0  # Seconds a hang-up waits for its answer.


class Call:
    """Made by `Phone.dial` or handed out by `Phone.incoming`.

    status: the final SIP status of the INVITE (200, 486, 603, 487 when cancelled), None while open.
    ended_by: who ended it. cause: the Q.850 cause the other side gave. moments: all monotonic, None until they come.
    """

    def __init__(self, phone: "Phone", dialog: Dialog, direction: Literal["in", "out"]) -> None:
        self.phone = phone
        self.dialog = dialog
        self.direction = direction
        self.status: int | None = None
        self.ended_by: Literal["us", "them"] | None = None
        self.cause: int | None = None
        self.early_media = False
        self.caller = self.called = ""  # User parts of From and of the request.
        self.caller_name = ""
        self.invite_at: float | None = None  # INVITE sent (out) or seen (in).
        self.ringing_at: float | None = None  # 180 seen (out) or sent (in).
        self.answered_at: float | None = None  # 200 seen (out) or sent (in).
        self.ended_at: float | None = None
        self.replied, self.ringing, self.answered, self.ended = (asyncio.Event() for _ in range(4))
        self.held_by_them = False
        self.voice: Voice | None = None
        self.invite: SipRequest | None = None
        self._served: Served | None = None  # Their INVITE.
        self._asked: Asked | None = None  # Our INVITE.
        self._cancelled = False
        self._direction = "sendrecv"
        self._sdp_version = 0

    # ---- waiting ----

    async def wait_ringing(self, timeout_s: float = 5.0) -> None:
        """Until 180 (or answered). PhoneError when it ended instead, TimeoutError."""
        await self._wait(self.ringing, timeout_s)

    async def wait_answered(self, timeout_s: float = 5.0) -> None:
        """Until 200. PhoneError with the status when it was refused instead, TimeoutError."""
        await self._wait(self.answered, timeout_s)

    async def wait_ended(self, timeout_s: float = 5.0) -> None:
        """Until either side has ended it, or it was refused. TimeoutError."""
        await asyncio.wait_for(self.ended.wait(), timeout_s)

    async def lasts(self, seconds: float) -> bool:
        """Wait; False as soon as the call has ended, else True after the time."""
        try:
            await self.wait_ended(seconds)
        except TimeoutError:
            return True
        return False

    async def _wait(self, event: asyncio.Event, timeout_s: float) -> None:
        waits = [asyncio.ensure_future(one.wait()) for one in (event, self.ended)]
        try:
            done, _ = await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not done:
            raise TimeoutError(f"{self!r}: nothing within {timeout_s} s")
        if not event.is_set():
            raise PhoneError(f"{self!r}: ended by {self.ended_by} with {self.status}", self.status or 0)

    # ---- an incoming call ----

    def trying(self) -> None:
        """100: keeps them from asking again."""
        self._reply(100, "Trying")

    def ring(self) -> None:
        """180."""
        if self.status is None:
            self._reply(180, "Ringing")
            self._rings()

    async def answer(self) -> None:
        """200, talking from then on; 488 when we share no codec; nothing when the call has ended meanwhile."""
        self.voice = await self._open_voice()
        if self.status is not None or self.invite is None:
            await self.voice.close()
            return
        try:
            body = self._answer_sdp(self.invite)
        except PhoneError as refusal:
            self.reject(refusal.status)
            return
        self._reply(200, "OK", body)
        self._answers()

    def reject(self, status: int) -> None:
        """Refuse: 486 busy, 603 decline, 480 …"""
        if self.status is None:
            self._reply(status, PHRASES.get(status, "Refused"))
            self._ends("us", status)

    def take_cancel(self, served: Served) -> None:
        """They cancelled."""
        self.phone.reply(served, 200, "OK", self.dialog)
        if self.status is None:
            self.cause = cause_of(served.request)
            self._reply(487, PHRASES[487])
            self._ends("them", 487)

    # ---- an outgoing call ----

    async def place(self, invite: SipRequest) -> None:
        """Send the INVITE, with credentials when asked for them, and follow it to its final answer."""
        self.invite_at = time.monotonic()
        try:
            final = await self._ask(invite).final
            auth = self.phone.auth
            if final.status_code in (401, 407) and auth and authorise(invite, final, auth) and not self._cancelled:
                self.dialog.local_cseq += 1
                final = await self._ask(invite).final
        except PhoneError:  # The socket was closed.
            self._ends("us", None)
            return
        if final.status_code >= 300:
            self.cause = cause_of(final)
            self._ends("us" if self._cancelled else "them", final.status_code)
        else:
            await self._accepted(final)
        self.replied.set()

    def _ask(self, invite: SipRequest) -> Asked:
        self.invite = invite
        self._asked = self.phone.wire.ask(invite, self.phone.server, self._provisional)
        return self._asked

    def _provisional(self, response: SipResponse) -> None:
        self.replied.set()
        if response.status_code == 180:
            self._rings()
        if response.body and self.voice is not None:
            self.early_media = True
            self._connect(response)

    async def _accepted(self, final: SipResponse) -> None:
        to, contacts = final.to_addr, final.contact
        self.dialog.remote_tag = (to.tag if to else None) or ""
        if contacts:
            self.dialog.remote_target = stringify_uri(contacts[0].uri)
        self.dialog.route_set = list(reversed(final.headers.get("record-route")))
        self.dialog.confirm()
        assert self._asked is not None and self.invite is not None
        self._acknowledge(self._asked, self.invite)
        if self._cancelled:  # The 200 crossed our CANCEL: RFC 3261 §9.1 leaves us a call to hang up.
            await self._bye()
            self._ends("us", 487)
            return
        self._connect(final)
        self._answers()

    def _acknowledge(self, asked: Asked, invite: SipRequest) -> None:
        number = self.dialog.local_cseq
        ack = self._in_dialog("ACK")
        self.dialog.local_cseq = number
        cseq = invite.cseq
        ack.headers.set_single("CSeq", f"{cseq.seq if cseq else number} ACK")
        self.phone.wire.acknowledge(asked, ack)

    # ---- either ----

    async def hangup(self) -> None:
        """End it the proper way for its state: CANCEL, 486 or BYE. Nothing when it has ended."""
        if self.ended.is_set():
            return
        if self.answered.is_set():
            self._ends("us", self.status)
            await self._bye()
        elif self.direction == "in":
            self.reject(486)
        else:
            await self._cancel()

    async def _cancel(self) -> None:
        self._cancelled = True
        if self.invite is not None:
            await asyncio.wait_for(self.replied.wait(), BYE_S)  # RFC 3261 §9.1: not before a first answer.
            if not self.ended.is_set():
                self.phone.wire.ask(cancel_for(self.invite), self.phone.server)
                await self.wait_ended(BYE_S)

    async def hold(self) -> None:
        """The phone's hold button: re-INVITE with sendonly. PhoneError when it is refused."""
        await self._reinvite("sendonly")

    async def resume(self) -> None:
        """Back from hold: re-INVITE with sendrecv. PhoneError when it is refused."""
        await self._reinvite("sendrecv")

    async def refer(self, target: str) -> int:
        """Ask Asterisk to transfer the other side to a number (REFER, blind); the status it answers."""
        request = self._in_dialog("REFER")
        request.headers.set_single("Refer-To", f"<{self.phone.uri(target)}>")
        return (await self.phone.wire.answer_to(request, self.phone.server)).status_code

    async def press(self, digits: str, ms: int = 100, gap: int = 100) -> float:
        """Keys as RFC 4733 events, each down `ms`; returns when the last was let go (monotonic seconds)."""
        return await self._voice().press(digits, ms, gap)

    async def press_info(self, digits: str, ms: int = 100) -> float:
        """Keys as SIP INFO, which comes when a key is let go; returns when the last was sent. PhoneError if refused."""
        sent = 0.0
        for digit in digits:
            request = self._in_dialog("INFO")
            request.text = f"Signal={digit}\r\nDuration={ms}\r\n"
            request.headers.set_single("Content-Type", "application/dtmf-relay")
            sent = time.monotonic()
            status = (await self.phone.wire.answer_to(request, self.phone.server)).status_code
            if status != 200:
                raise PhoneError(f"INFO with digit {digit} was answered {status}", status)
        return sent

    async def _reinvite(self, direction: str) -> None:
        self._direction = direction
        request = self._in_dialog("INVITE")
        self._put_sdp(request, sdp.offer(self._local(), self.phone.codecs))
        asked = self.phone.wire.ask(request, self.phone.server)
        final = await asyncio.wait_for(asked.final, 5)
        if final.status_code >= 300:
            raise PhoneError(f"re-INVITE ({direction}) was answered {final.status_code}", final.status_code)
        self._acknowledge(asked, request)
        self._connect(final)

    async def _bye(self) -> None:
        with contextlib.suppress(TimeoutError):  # Whoever we called is gone; so is the call.
            await self.phone.wire.answer_to(self._in_dialog("BYE"), self.phone.server, BYE_S)

    def take(self, served: Served) -> None:
        """A request within this call."""
        request = served.request
        match request.method:
            case "BYE":
                self.cause = cause_of(request)
                self.phone.reply(served, 200, "OK", self.dialog)
                self._ends("them", self.status)
            case "INVITE" | "UPDATE":
                body = self._answer_sdp(request) if request.body else ""
                self.phone.reply(served, 200, "OK", self.dialog, body)
            case "INFO" | "OPTIONS" | "NOTIFY":
                self.phone.reply(served, 200, "OK", self.dialog)
            case _:
                self.phone.reply(served, 501, "Not Implemented", self.dialog)

    # ---- voice ----

    @property
    def first_rtp_at(self) -> float | None:
        """Arrival of the first voice packet."""
        return self.voice.first_rtp_at if self.voice else None

    @property
    def first_sound_at(self) -> float | None:
        """Arrival of the first frame that was not silence."""
        return self.voice.first_sound_at if self.voice else None

    @property
    def heard(self) -> list[tuple[float, bytes]]:
        """Every frame heard: monotonic arrival time, PCM."""
        return self.voice.heard if self.voice else []

    def pcm(self, since: float | None = None, until: float | None = None) -> bytes:
        """What was heard between two monotonic times."""
        return self.voice.pcm(since, until) if self.voice else b""

    def send(self, pcm: bytes, loop: bool = False) -> None:
        """Say this (then silence), or over and over; real time, 20 ms a frame."""
        self._voice().send(pcm, loop)

    def play_tone(self, hz: int, dbfs: float = -15.0) -> None:
        """A tone until told otherwise."""
        self._voice().send(audio.tone(hz, 1, dbfs), loop=True)

    def begins_anew(self, sequence: int, ssrc: int | None = None) -> None:
        """See Voice.begins_anew."""
        self._voice().begins_anew(sequence, ssrc)

    def hush(self) -> None:
        """Silence from now on."""
        self._voice().hush()

    async def wait_tone(self, hz: float, timeout_s: float = 5.0) -> float:
        """Until 0.1 s of the tone has come; when that began. TimeoutError."""
        return await self._voice().wait_tone(hz, timeout_s)

    async def wait_silence_end(self, timeout_s: float = 5.0) -> float:
        """Until a frame comes that is not silence; its arrival. TimeoutError."""
        return await self._voice().wait_sound(timeout_s)

    def _voice(self) -> Voice:
        if self.voice is None:
            raise PhoneError(f"{self!r}: no voice yet; wait_answered() first")
        return self.voice

    async def _open_voice(self) -> Voice:
        phone = self.phone
        return await Voice.open(phone.ports, CODECS[phone.codecs[0]], phone.rtp_sequence)

    # ---- inner workings ----

    def _rings(self) -> None:
        self.ringing_at = self.ringing_at or time.monotonic()
        self.ringing.set()

    def _answers(self) -> None:
        self.answered_at = time.monotonic()
        self.status = 200
        self.dialog.confirm()
        self.ringing.set()
        self.answered.set()

    def _ends(self, by: Literal["us", "them"], status: int | None) -> None:
        if self.ended.is_set():
            return
        self.ended_at, self.ended_by, self.status = time.monotonic(), by, status
        self.ended.set()
        self.replied.set()
        if self.voice is not None:
            self.phone.later(self.voice.close())

    def vanish(self) -> None:
        """Gone without a word; for `Phone.vanish`."""
        voice, self.voice = self.voice, None
        self._ends("us", self.status)
        self.voice = voice
        if voice is not None:
            self.phone.later(voice.close(abruptly=True))

    def _reply(self, status: int, phrase: str, body: str = "") -> None:
        if self._served is not None:
            self.phone.reply(self._served, status, phrase, self.dialog, body)

    def _local(self) -> sdp.Local:
        self._sdp_version += 1
        return sdp.Local(self.phone.ports.host, self._voice().port, self._direction, self._sdp_version)

    def _answer_sdp(self, request: SipRequest) -> str:
        if not request.body:
            return sdp.offer(self._local(), self.phone.codecs)  # An INVITE without an offer asks for ours.
        offered = parse_sdp(request.text)
        chosen = sdp.choose(offered, self.phone.codecs)
        self.held_by_them = chosen.direction in ("sendonly", "inactive")
        self._voice().connect(chosen.remote, chosen.payload_type, chosen.event_type)
        return sdp.answer(self._local(), chosen)

    def _connect(self, response: SipResponse) -> None:
        if response.body and not self.ended.is_set():
            chosen = sdp.choose(parse_sdp(response.text), self.phone.codecs)
            self._voice().connect(chosen.remote, chosen.payload_type, chosen.event_type)

    def _in_dialog(self, method: str) -> SipRequest:
        host, port = self.phone.wire.address
        request = self.dialog.create_request(method, via_host=host, via_port=port)
        request.headers.set_single("Contact", f"<{self.phone.contact}>")
        return request

    def _put_sdp(self, message: SipRequest, body: str) -> None:
        message.text = body
        message.headers.set_single("Content-Type", "application/sdp")

    def __repr__(self) -> str:
        return f"<Call {self.direction} {self.caller}→{self.called} {self.status}>"
