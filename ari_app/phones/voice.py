"""One call's RTP: what a phone hears, and what it says at 20 ms a frame, over aiortp's session (which adds RTCP).

Arrival is when the kernel got a packet, however late this process reads it (aiortp's jitter buffer would hold each
frame back for the next one, besides).
One clock a process sends for all its phones; while there is nothing to say, a phone sends silence.
"""

import asyncio
import fcntl
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from aiortp import RTPSession
from aiortp.codecs import get_codec
from aiortp.dtmf import DTMF_EVENTS, DtmfEvent, DtmfReceiver
from aiortp.packet import RtpPacket

from ari_app.phones import audio
from ari_app.phones.ports import Ports
from ari_app.phones.sip import Address, PhoneError

CODECS = {"ulaw": 0, "alaw": 8}
FRAME_S = 0.02
FRAME = 160  # Samples, and bytes of G.711, in 20 ms at 8 kHz.
EVENT_TYPE = 101  # Payload type we offer for telephone-event (RFC 4733).
END_SENT = 3  # RFC 4733 §2.5.1.4: the end of an event is sent three times.
GAP_S = 0.06  # A frame this much later than expected leaves a gap that is filled with silence.
STAMP = 0x8907  # SIOCGSTAMPNS, socket(7): when the datagram that was read last came, by the wall clock.
STAMP_OF = struct.Struct("@ll")
LATE_S_MAX = 10.0  # Read later than this: the wall clock has been set meanwhile.


class _Session(RTPSession):
    """aiortp's session without its jitter buffer: each packet goes to `arrived` with its arrival time."""

    arrived: Callable[[RtpPacket, float], None] | None = None

    def _handle_rtp(self, data: bytes, addr: Address) -> None:
        now = self.came_at()
        try:
            packet = RtpPacket.parse(data)
        except ValueError:
            return
        if packet.ssrc != self._remote_ssrc:
            self._remote_ssrc_changed(packet.ssrc)
        if self._stream_stats is not None:
            self._stream_stats.add(packet)  # For the receiver reports.
        if self.arrived is not None:
            self.arrived(packet, now)

    def came_at(self) -> float:
        """When the datagram just read came, monotonic; now, while it has no stamp."""
        assert self._rtp_transport is not None and self._rtp_transport._transport is not None
        try:
            stamp = fcntl.ioctl(self._rtp_transport._transport.get_extra_info("socket"), STAMP, bytes(STAMP_OF.size))
        except OSError:
            return time.monotonic()
        seconds, nanoseconds = STAMP_OF.unpack(stamp)
        late_s = time.time() - seconds - nanoseconds / 1e9
        return time.monotonic() - (late_s if 0.0 <= late_s < LATE_S_MAX else 0.0)


@dataclass(frozen=True)
class _Beat:
    """20 ms of a pressed key: its event, how long it lasts by now (samples), and whether it ends here."""

    event: int
    samples: int
    end: bool


class Voice:
    """Made by `await Voice.open(...)`; `connect` once the other side's address is known; `close` at the end."""

    def __init__(self, session: _Session, port: int) -> None:
        self.port = port
        self.first_rtp_at: float | None = None
        self.first_sound_at: float | None = None
        self.digits = ""  # RFC 4733 digits that came in.
        self.sent = asyncio.Event()  # Set while nothing but silence (or a loop) is left to send.
        self.sent.set()
        self._session = session
        session.arrived = self._arrived
        self._frames: list[tuple[float, int, bytes]] = []  # Arrival, payload type, payload.
        self._news = asyncio.Event()
        self._type, self._event_type = 0, EVENT_TYPE
        self._say: deque[bytes] = deque()
        self._loop: bytes = b""
        self._loop_at = 0
        self._keys: deque[_Beat | None] = deque()
        self._keys_done = asyncio.Event()
        self._key_since = 0
        self._key_end_at = 0.0
        self._digit_in = DtmfReceiver(self._digit_came)
        self._sender = session._sender
        self.sending = True
        self.loses_one_in = 0  # Of so many packets one is lost on the way; 0: none.
        self._sent_or_lost = 0
        self.unplugged = False

    @classmethod
    async def open(cls, ports: Ports, payload_type: int = 0, rtp_sequence: int | None = None) -> "Voice":
        """Bind the next free port; `rtp_sequence` forces the first sequence number. PhoneError when none is free."""
        for port in ports:
            try:
                session = await _Session.create((ports.host, port), (ports.host, port), payload_type)
            except OSError:
                continue  # Taken between probe and use.
            if rtp_sequence is not None and session._sender is not None:
                session._sender._sequence_number = rtp_sequence
            assert isinstance(session, _Session)
            session.came_at()  # The kernel begins to stamp once it was asked, and some milliseconds later.
            voice = cls(session, port)
            voice._type = payload_type
            return voice
        raise PhoneError("no free RTP port left")

    def connect(self, remote: Address, payload_type: int, event_type: int) -> None:
        """Talk to `remote` from now on. May be called again (re-INVITE)."""
        self._session.update_remote(remote)
        self._type, self._event_type = payload_type, event_type
        _clock().add(self)

    async def close(self, abruptly: bool = False) -> None:
        """Stop and free the ports; `abruptly` without the farewell of RTCP."""
        _clock().remove(self)
        self._keys_done.set()
        if abruptly and self._session._rtcp_transport is not None:
            self._session._rtcp_transport.close()
            self._session._rtcp_transport = None
        await self._session.close()

    @property
    def stats(self) -> dict[str, float]:
        """aiortp's counts, ours and (remote_*) the other side's view of our stream."""
        return dict(self._session.stats)

    def begins_anew(self, sequence: int, ssrc: int | None = None) -> None:
        """From the next packet on: another stream, or with `ssrc` None the same one, that counts on from `sequence`."""
        sender = self._sender
        assert sender is not None
        sender._sequence_number = sequence
        sender._ssrc = sender._ssrc if ssrc is None else ssrc

    # ---- say ----

    def send(self, pcm: bytes, loop: bool = False) -> None:
        """Say this next (or over and over, from now on, in place of all else), a frame each 20 ms."""
        data = get_codec(self._type).encode(pcm)
        if loop:
            self._say.clear()
            self._loop, self._loop_at = data, 0
            return
        self._loop = b""
        rest = -len(data) % FRAME
        data += self._quiet[:rest]
        self._say.extend(data[n : n + FRAME] for n in range(0, len(data), FRAME))
        if data:
            self.sent.clear()

    def hush(self) -> None:
        """Say nothing more: silence."""
        self._say.clear()
        self._loop = b""
        self.sent.set()

    async def press(self, digits: str, ms: int, gap: int) -> float:
        """RFC 4733 events; returns the monotonic time at which the last key was let go (its end was sent)."""
        beats = max(1, ms // 20)
        for digit in digits.upper():
            event = DTMF_EVENTS[digit]
            self._keys.extend(_Beat(event, n * FRAME, end=False) for n in range(1, beats + 1))
            self._keys.append(_Beat(event, beats * FRAME, end=True))
            self._keys.extend([None] * max(1, gap // 20))
        self._keys_done.clear()
        await asyncio.wait_for(self._keys_done.wait(), 5 + len(digits) * (ms + 20 + gap) / 1000)
        return self._key_end_at

    def tick(self) -> None:
        """Send what the clock says is due now."""
        sender = self._sender
        if sender is None or not self.sending or self.unplugged:
            return
        beat = self._keys.popleft() if self._keys else None
        if self._is_lost():
            sender._sequence_number = (sender._sequence_number + 1) & 0xFFFF
        elif beat is None:
            sender.send_raw(self._type, self._next(), sender.current_timestamp, addr=self._session._remote_addr)
        else:
            self._send_beat(beat)
        sender.advance_timestamp()
        if not self._keys:
            self._keys_done.set()

    def _is_lost(self) -> bool:
        self._sent_or_lost += 1
        return self.loses_one_in > 0 and self._sent_or_lost % self.loses_one_in == 0

    def _send_beat(self, beat: _Beat) -> None:
        sender = self._sender
        assert sender is not None
        first = beat.samples == FRAME and not beat.end
        if first:  # RFC 4733 §2.2.2: all packets of an event carry the time of its start.
            self._key_since = sender.current_timestamp
        event = DtmfEvent(beat.event, beat.end, 10, beat.samples).serialize()
        if beat.end:  # Before it is sent: what answers the first of its packets may be here before the last is gone.
            self._key_end_at = time.monotonic()
        for _ in range(END_SENT if beat.end else 1):
            sender.send_raw(
                self._event_type, event, self._key_since, marker=int(first), addr=self._session._remote_addr
            )

    def _next(self) -> bytes:
        if self._loop:
            at = self._loop_at
            self._loop_at = (at + FRAME) % len(self._loop)
            piece = self._loop[at : at + FRAME]
            return piece if len(piece) == FRAME else piece + self._loop[: FRAME - len(piece)]
        if not self._say:
            return self._quiet
        payload = self._say.popleft()
        if not self._say:
            self.sent.set()
        return payload

    @property
    def _quiet(self) -> bytes:
        return (b"\xff" if self._type == 0 else b"\xd5") * FRAME

    # ---- hear ----

    def _arrived(self, packet: RtpPacket, now: float) -> None:
        if self.unplugged:
            return
        if packet.payload_type == self._event_type:
            self._digit_in.handle_packet(packet)
            return
        if packet.payload_type not in CODECS.values():
            return
        if self.first_rtp_at is None:
            self.first_rtp_at = now
        self._frames.append((now, packet.payload_type, packet.payload))
        if self.first_sound_at is None and audio.sounds(_pcm(self._frames[-1])):
            self.first_sound_at = now
        self._news.set()

    def _digit_came(self, digit: str, _duration: int) -> None:
        self.digits += digit

    @property
    def heard(self) -> list[tuple[float, bytes]]:
        """Every frame that came: monotonic arrival time and its PCM."""
        return [(frame[0], _pcm(frame)) for frame in self._frames]

    @property
    def times(self) -> list[float]:
        """The arrival of every frame, as in `heard`."""
        return [frame[0] for frame in self._frames]

    def pcm(self, since: float | None = None, until: float | None = None) -> bytes:
        """What was heard between two monotonic times, pauses of the stream filled with silence."""
        return self.lay(since, until)[0]

    def lay(self, since: float | None = None, until: float | None = None) -> tuple[bytes, list[tuple[int, float]]]:
        """As `pcm`, with the place (byte) and arrival of each frame in it."""
        laid = bytearray()
        places: list[tuple[int, float]] = []
        start = since
        for frame in self._frames:
            at = frame[0]
            if (since is not None and at < since) or (until is not None and at >= until):
                continue
            start = at if start is None else start
            missing_s = at - start - len(laid) / 2 / audio.RATE
            if missing_s > GAP_S:
                laid += audio.silence(missing_s)
            places.append((len(laid), at))
            laid += _pcm(frame)
        return bytes(laid), places

    async def wait_frame(self, fits: Callable[[int], bool], timeout_s: float) -> int:
        """Wait for the first frame, among those coming from now on, whose index fits. TimeoutError."""
        index = len(self._frames)
        async with asyncio.timeout(timeout_s):
            while True:
                while index < len(self._frames):
                    if fits(index):
                        return index
                    index += 1
                self._news.clear()
                await self._news.wait()

    async def wait_tone(self, hz: float, timeout_s: float) -> float:
        """Wait for 0.1 s of a tone; the monotonic time at which that began to come. TimeoutError."""

        def there(index: int) -> bool:
            return audio.tone_dbfs(self._stretch(index, 5), hz) > audio.HEARD_DBFS

        return self._frames[max(0, await self.wait_frame(there, timeout_s) - 4)][0]

    async def wait_sound(self, timeout_s: float) -> float:
        """Wait for a frame that sounds; its arrival. TimeoutError."""
        return self._frames[await self.wait_frame(self.sounds_at, timeout_s)][0]

    def sounds_at(self, index: int) -> bool:
        """Whether a frame sounds."""
        return audio.sounds(_pcm(self._frames[index]))

    def _stretch(self, index: int, frames: int) -> bytes:
        return b"".join(_pcm(frame) for frame in self._frames[max(0, index + 1 - frames) : index + 1])


class _Clock:
    """Ticks every voice of an event loop each 20 ms, by absolute deadlines; sleeps while there is none."""

    def __init__(self) -> None:
        self._voices: dict[Voice, None] = {}
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, voice: Voice) -> None:
        self._voices[voice] = None
        if self._timer is None:
            self._due = asyncio.get_running_loop().time()
            self._beat()

    def remove(self, voice: Voice) -> None:
        self._voices.pop(voice, None)
        if not self._voices and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        for voice in tuple(self._voices):
            voice.tick()
        # A loop held up for longer than 0.1 s does not catch up: a real phone's stream would have a hole as well.
        self._due = max(self._due + FRAME_S, loop.time() - 0.1)
        self._timer = loop.call_at(self._due, self._beat)


_clocks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clock] = WeakKeyDictionary()


def _clock() -> _Clock:
    return _clocks.setdefault(asyncio.get_running_loop(), _Clock())


def _pcm(frame: tuple[float, int, bytes]) -> bytes:
    return bytes(get_codec(frame[1]).decode(frame[2]))
