"""The one audio stream our phones offer and answer (RFC 3264): G.711 and telephone-event."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiosipua.sdp import SdpMessage

from ari_app.phones.sip import Address, PhoneError
from ari_app.phones.voice import CODECS, EVENT_TYPE

NAMES = {0: "PCMU", 8: "PCMA"}
ANSWERED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True)
class Local:
    """Our end: where we listen, which way the voice goes, and how often we have said so."""

    host: str
    port: int
    direction: str
    version: int


@dataclass(frozen=True)
class Chosen:
    """What both sides can do."""

    remote: Address
    payload_type: int
    event_type: int
    direction: str


def offer(local: Local, codecs: Sequence[str]) -> str:
    """Our offer, best codec first."""
    return _body(local, [CODECS[name] for name in codecs], EVENT_TYPE, local.direction)


def answer(local: Local, chosen: Chosen) -> str:
    """Our answer to a chosen offer; a stream on hold is answered as such."""
    direction = ANSWERED.get(chosen.direction, local.direction)
    return _body(local, [chosen.payload_type], chosen.event_type, direction)


def choose(theirs: SdpMessage, codecs: Sequence[str]) -> Chosen:
    """Their first codec that we have, their address and direction. PhoneError when we share none."""
    audio, remote = theirs.audio, theirs.rtp_address
    if audio is None or remote is None:
        raise PhoneError("SDP without audio", 488)
    ours = [CODECS[name] for name in codecs]
    shared = [codec.payload_type for codec in audio.codecs if codec.payload_type in ours]
    if not shared:
        raise PhoneError(f"no shared codec: they have {audio.formats}, we {codecs}", 488)
    events = [codec.payload_type for codec in audio.codecs if codec.encoding_name.lower() == "telephone-event"]
    return Chosen(remote, shared[0], events[0] if events else EVENT_TYPE, audio.direction)


def _body(local: Local, types: Sequence[int], event_type: int, direction: str) -> str:
    formats = " ".join(str(number) for number in (*types, event_type))
    lines = [
        "v=0",
        f"o=- {local.port} {local.version} IN IP4 {local.host}",  # RFC 3264 §8: the version grows by one a change.
        "s=-",
        f"c=IN IP4 {local.host}",
        "t=0 0",
        f"m=audio {local.port} RTP/AVP {formats}",
        *(f"a=rtpmap:{number} {NAMES[number]}/8000" for number in types),
        f"a=rtpmap:{event_type} telephone-event/8000",
        f"a=fmtp:{event_type} 0-16",
        "a=ptime:20",
        f"a={direction}",
    ]
    return "\r\n".join(lines) + "\r\n"
