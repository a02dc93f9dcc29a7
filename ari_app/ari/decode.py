"""ARI's JSON events to ours (model/events). Never raises: what it does not know is counted and said once in the log."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import structlog

from ari_app.model.events import (
    CallArrived,
    CallerSeen,
    Event,
    FeatureDialled,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    MessageRecorded,
    PhoneChanged,
    PlaybackEnded,
    SpeechBegan,
    SpeechEnded,
)
from ari_app.model.ids import LegId, MessageId, Number, PhoneName, PlaybackId

log = structlog.get_logger(__name__)

# Known and not needed. Those of DISALLOWED are not even sent to us (phones.md §2.9: 36 of 61 events of a call; the
# bridge and playback ones are 14 of the 41 left, each some 40 µs of ours and more of Asterisk's). That a leg rings or
# answers is said by Dial and StasisStart, too.
DISALLOWED: Final = (
    "ChannelStateChange",
    "ChannelVarset",
    "ChannelDialplan",
    "ChannelConnectedLine",
    "ChannelCallerId",
    "ChannelEnteredBridge",
    "ChannelLeftBridge",
    "BridgeDestroyed",
    "PlaybackStarted",
    "PlaybackContinuing",
)
PHONES_EVENT: Final = "PeerStatusChange"  # The one event asked for about phones.
_IGNORED: Final = frozenset(
    (
        *DISALLOWED,
        "ApplicationMoveFailed",
        "ApplicationRegistered",
        "ApplicationReplaced",  # The connection's matter.
        "ApplicationUnregistered",
        "BridgeAttendedTransfer",
        "BridgeBlindTransfer",
        "BridgeCreated",
        "BridgeMerged",
        "BridgeVideoSourceChanged",
        "ChannelCreated",
        "ChannelToneDetected",
        "ChannelUserevent",
        "ContactStatusChange",  # PeerStatusChange says the same.
        "DeviceStateChanged",
        "EndpointStateChange",  # Also comes with every channel a phone gets or loses; PeerStatusChange with news only.
        "RecordingStarted",
    )
)
_WITHHELD: Final = frozenset(("anonymous", "unavailable", "restricted", "unknown"))  # RFC 3323 §4.1; trunks' words.
_ENDPOINT: Final = re.compile(r"[^/]+/(.+)-[0-9a-f]+(;[12])?")
_REMEMBERED_MAX: Final = 8192  # Channels; far more than end between two events about one of them.
_BY_DRIVER: Final = 1  # AST_SOFTHANGUP_DEV: res_pjsip hung up because rtp_timeout was over; seen on 22.10.1.
_NO_VOICE: Final = 44  # The cause ChannelDestroyed gives for that, 4 ms after StasisEnd.
_NAMES_MAX: Final = 200  # Different unknown types counted by name.


class _Recent(dict[str, tuple[int, int]]):
    """The last _REMEMBERED_MAX channels something was seen of."""

    def put(self, leg: str, value: tuple[int, int] = (0, 0)) -> bool:
        """Whether it was not there before."""
        new = leg not in self
        self[leg] = value
        if len(self) > _REMEMBERED_MAX:
            del self[next(iter(self))]
        return new


class Decoder:
    """Remembers a little: why channels were hung up, which have ended, which phones are reachable.

    A caller's channel ends with StasisEnd alone, one of ours that was refused with ChannelDestroyed alone, one of
    ours that was answered with both (phones.md §2.6): whatever comes first is the LegEnded.
    """

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()  # Unknown types, and known ones that lack something.
        self._causes = _Recent()
        self._ended = _Recent()
        self._ringing = _Recent()
        self._strangers = _Recent()  # Channels of another role: snoops, an engineer's experiments.
        self._phones: dict[str, bool] = {}
        self._listed = True  # A phone not in _phones is known to be unreachable.

    def decode(self, message: dict[str, Any]) -> tuple[Event, ...]:
        """What this message means to us: mostly one event, or none."""
        kind = message.get("type")
        if kind in _IGNORED:
            return ()
        try:
            return self._events(str(kind), message)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            self.count(f"{kind} incomplete", type(error).__name__)
            return ()

    def count(self, name: str, why: str = "") -> None:
        """Count something we cannot read; say it the first time."""
        name = name[:60] if name in self.unknown or len(self.unknown) < _NAMES_MAX else "other"
        self.unknown[name] += 1
        if self.unknown[name] == 1:
            log.warning("ARI message not understood; counted from now on", message=name, why=why)

    def phones_unknown(self) -> None:
        """A connection begins: changes were missed, so that every state is news until `phones_are`."""
        self._phones, self._listed = {}, False

    def phones_are(self, reachable: Iterable[str], since: Iterable[Event] = ()) -> None:
        """A listing said which phones are reachable, and these events followed it: what is news counts from there."""
        self._phones, self._listed = dict.fromkeys(reachable, True), True
        for event in since:
            if isinstance(event, PhoneChanged):
                self._phones[event.phone] = event.reachable

    def _events(self, kind: str, message: dict[str, Any]) -> tuple[Event, ...]:
        match kind:
            case "StasisStart":
                return self._entered(message["channel"], message["args"])
            case "StasisEnd":
                return self._ended_now(message["channel"]["id"], None)
            case "ChannelDestroyed":
                cause = (int(message["cause"]), int(message.get("tech_cause", 0)))
                return self._ended_now(message["channel"]["id"], cause)
            case "ChannelHangupRequest":
                return self._hung_up(message["channel"]["id"], message)
            case "Dial":
                # PROGRESS is a phone that answers 183: alive, though it never says Ringing.
                return self._rings(message["peer"]["id"]) if message["dialstatus"] in ("RINGING", "PROGRESS") else ()
            case "ChannelDtmfReceived":
                return (KeyPressed(LegId(message["channel"]["id"]), str(message["digit"])),)
            case "RecordingFinished" | "RecordingFailed":
                return _message(message["recording"])
            case "PlaybackFinished":
                playback = message["playback"]
                return (PlaybackEnded(PlaybackId(playback["id"]), playback["state"] == "done"),)
            case "ChannelTalkingStarted":
                return (SpeechBegan(LegId(message["channel"]["id"])),)
            case "ChannelTalkingFinished":
                return (SpeechEnded(LegId(message["channel"]["id"]), int(message["duration"])),)
            case "ChannelHold":
                return (LegHeld(LegId(message["channel"]["id"])),)
            case "ChannelUnhold":
                return (LegResumed(LegId(message["channel"]["id"])),)
            case "PeerStatusChange":
                return self._phone(message["endpoint"])
            case _:
                self.count(kind)
                return ()

    def _entered(self, channel: dict[str, Any], args: list[str]) -> tuple[Event, ...]:
        leg = LegId(channel["id"])
        role = args[0] if args else ""
        self._ended.pop(leg, None)
        match role:
            case "in":
                return (CallArrived(leg, *_origin(channel, args)),)
            case "feature":
                return (FeatureDialled(leg, PhoneName(endpoint_of(channel["name"])), args[1]),)
            case "leg":
                return (LegAnswered(leg),)
            case _:
                self._strangers.put(leg)
                self.count(f"StasisStart {role}")
                return ()

    def _hung_up(self, leg: str, message: dict[str, Any]) -> tuple[Event, ...]:
        # `soft` means that somebody inside Asterisk asked; its number is then a flag of Asterisk, no Q.850 cause
        # (32 for a DELETE of ours). A phone's BYE brings no cause at all: normal clearing (RFC 3398).
        cause = int(message.get("cause", 16))
        if message.get("soft"):
            cause = _NO_VOICE if cause == _BY_DRIVER else 16
        if leg not in self._causes:  # The first says who hung up; Asterisk's own soft one follows.
            self._causes.put(leg, (cause, int(message.get("tech_cause", 0))))
        return ()

    def _ended_now(self, leg: str, cause: tuple[int, int] | None) -> tuple[Event, ...]:
        remembered = self._causes.pop(leg, (0, 0))
        self._ringing.pop(leg, None)
        if self._strangers.pop(leg, None) is not None:
            self._ended.put(leg)
            return ()
        if not self._ended.put(leg):
            return ()
        q850, sip = cause if cause is not None else remembered
        return (LegEnded(LegId(leg), q850, sip),)

    def _rings(self, leg: str) -> tuple[Event, ...]:
        return (LegRinging(LegId(leg)),) if self._ringing.put(leg) else ()

    def _phone(self, endpoint: dict[str, Any]) -> tuple[Event, ...]:
        name, reachable = str(endpoint["resource"]), endpoint["state"] == "online"
        known = self._phones.get(name, False if self._listed else None)
        if endpoint["technology"] != "PJSIP" or known == reachable:
            return ()
        self._phones[name] = reachable
        return (PhoneChanged(PhoneName(name), reachable),)


def caller_seen(channel: dict[str, Any], app: str) -> CallerSeen | None:
    """What a listed channel tells of a caller who is with us; None for any other channel."""
    of, _, told = str(channel.get("dialplan", {}).get("app_data", "")).partition(",")
    args = told.split(",")
    if of != app or args[0] != "in" or len(args) < 2:
        return None
    return CallerSeen(LegId(channel["id"]), *_origin(channel, args))


def _origin(channel: dict[str, Any], args: list[str]) -> tuple[Number, str, str]:
    """Number, number dialled, and the trunk or phone it came through."""
    number = Number(channel["caller"]["number"])
    if number.lower() in _WITHHELD:
        number = Number("")
    return number, args[1], args[2] if len(args) > 2 and args[2] else endpoint_of(channel["name"])


def endpoint_of(channel: str) -> str:
    """The endpoint in a channel's name: `PJSIP/trunk-00000006` gives `trunk`."""
    found = _ENDPOINT.fullmatch(channel)
    return found[1] if found else channel


def _message(recording: dict[str, Any]) -> tuple[Event, ...]:
    """A voicemail message; one in which nobody spoke counts as none."""
    spoken = int(recording.get("talking_duration", recording.get("duration", 0)))
    seconds = int(recording.get("duration", 0)) if spoken > 0 and recording.get("state") != "failed" else 0
    return (MessageRecorded(MessageId(str(recording["name"])), float(seconds)),)
