"""Our effects to ARI requests, in the order to be sent. Recording goes over AMI, not here."""

import math
import re
from collections.abc import Callable
from typing import assert_never
from urllib.parse import quote

from ari_app.ari.protocol import Request
from ari_app.model.effects import (
    Announce,
    Answer,
    AskMessage,
    AsteriskEffect,
    Dial,
    DropBridge,
    HangUp,
    Join,
    Leave,
    Listen,
    MakeBridge,
    Mute,
    Play,
    RecordMessage,
    Ring,
    Snoop,
    StopPlay,
    Unlisten,
    Unmute,
)

# (prompt id, language, audio of Play) -> absolute path without its ending, as Asterisk sees it; None: it is missing.
Prompts = Callable[[str, str, str], str | None]

_UNSPEAKABLE = re.compile(r'[\x00-\x1f"<>\\,]')
_PLAIN = re.compile(r"[0-9A-Za-z_;.~-]*")
_NO_NUMBER = re.compile(r"[^0-9A-Za-z+*#.-]")


def encode(effect: AsteriskEffect, prompts: Prompts, app: str) -> tuple[Request, ...]:
    """The requests of one effect. Missing prompts are skipped; a Play with none left gives no request."""
    match effect:
        case Answer(leg=leg):
            return (Request("POST", f"channels/{_id(leg)}/answer", {}),)
        case HangUp(leg=leg, cause=cause):
            return (Request("DELETE", f"channels/{_id(leg)}", {"reason_code": str(cause)}, quiet_404=True),)
        case Play(leg=leg, playback=playback):
            return _say(f"channels/{_id(leg)}/play/{_id(playback)}", effect, prompts)
        case Announce(bridge=bridge, playback=playback):
            return _say(f"bridges/{_id(bridge)}/play/{_id(playback)}", effect, prompts)
        case StopPlay(playback=playback):
            return (Request("DELETE", f"playbacks/{_id(playback)}", {}, quiet_404=True),)
        case Ring():
            return (_ring(effect, app),)
        case Dial():
            return (_dial(effect, app),)
        case MakeBridge():
            return _make_bridge(effect)
        case Join():
            return _join(effect)
        case Leave(bridge=bridge, leg=leg):
            return (Request("POST", f"bridges/{_id(bridge)}/removeChannel", {"channel": leg}, quiet_404=True),)
        case DropBridge(bridge=bridge):
            return (Request("DELETE", f"bridges/{_id(bridge)}", {}, quiet_404=True),)
        case Mute(leg=leg):
            return (Request("POST", f"channels/{_id(leg)}/mute", {"direction": "in"}),)
        case Unmute(leg=leg):
            return (Request("DELETE", f"channels/{_id(leg)}/mute", {"direction": "in"}, quiet_404=True),)
        case Snoop():
            return (_snoop(effect, app),)
        case Listen(leg=leg, talk_threshold=threshold, silence_ms=silence_ms):
            return (_talk_detect(leg, "set", f"{silence_ms},{threshold}"),)
        case Unlisten(leg=leg):
            return (_talk_detect(leg, "remove", ""),)
        case RecordMessage():
            return (_record(effect),)
        case AskMessage(message=message):
            return (Request("GET", f"recordings/live/{_id(message)}", {}),)
        case _:
            assert_never(effect)


def _id(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quote(name, safe=";.-_~")


def _say(where: str, play: Play | Announce, prompts: Prompts) -> tuple[Request, ...]:
    # A list of sound: media; a `digits:` playback could not be stopped (asterisk.md: 500).
    audio = play.audio if isinstance(play, Play) else ""
    found = [prompts(prompt, play.language, audio) for prompt in play.prompts]
    media = ",".join(f"sound:{path}" for path in found if path is not None)
    return (Request("POST", where, {"media": media}),) if media else ()


def _ring(ring: Ring, app: str) -> Request:
    shown, number = _UNSPEAKABLE.sub(" ", ring.shown).strip(), _NO_NUMBER.sub("", ring.caller)
    query = {
        "endpoint": f"PJSIP/{ring.phone}",
        "app": app,
        "appArgs": "leg",
        "timeout": str(max(1, math.ceil(ring.ring_s))),
        "callerId": f'"{shown}" <{number}>',
    }
    return Request("POST", f"channels/{_id(ring.leg)}", query)


def _dial(dial: Dial, app: str) -> Request:
    number = _NO_NUMBER.sub("", dial.number)
    query = {
        "endpoint": f"PJSIP/trunk.{dial.trunk}/sip:{number}@{dial.address}",
        "app": app,
        "appArgs": "leg",
        "timeout": str(max(1, math.ceil(dial.ring_s))),
        "callerId": _NO_NUMBER.sub("", dial.caller),
    }
    return Request("POST", f"channels/{_id(dial.leg)}", query)


def _talk_detect(leg: str, what: str, value: str) -> Request:
    query = {"variable": f"TALK_DETECT({what})", "value": value}
    return Request("POST", f"channels/{_id(leg)}/variable", query, quiet_404=True)


def _snoop(snoop: Snoop, app: str) -> Request:
    query = {"spy": "both", "whisper": "out" if snoop.whisper else "none", "app": app, "appArgs": "leg"}
    return Request("POST", f"channels/{_id(snoop.of)}/snoop/{_id(snoop.leg)}", query)


def _record(effect: RecordMessage) -> Request:
    query = {
        "name": effect.message,
        "format": "wav",
        "maxDurationSeconds": str(effect.max_s),
        "maxSilenceSeconds": str(effect.silence_s),
        "ifExists": "fail",
        "beep": "false",  # Asterisk's own tone is a sound it may not have; the flow plays ours.
        "terminateOn": effect.end_key,
    }
    return Request("POST", f"channels/{_id(effect.leg)}/record", query)


def _make_bridge(effect: MakeBridge) -> tuple[Request, ...]:
    # Never plain `mixing`: simple_bridge lets the recording lose the second agent (phones.md §0.1); video_sfu
    # forces softmix, for audio too.
    kind = "mixing,video_sfu" if effect.kind == "mixing" else "holding"
    path = f"bridges/{_id(effect.bridge)}"
    make = Request("POST", path, {"type": kind})
    return (make, _music(path, effect.music)) if effect.music else (make,)


def _join(effect: Join) -> tuple[Request, ...]:
    path = f"bridges/{_id(effect.bridge)}"
    query = {"channel": effect.leg} | ({"absorbDTMF": "true"} if effect.keep_keys else {})
    add = Request("POST", f"{path}/addChannel", query)
    # Asterisk's music leaves a bridge after the last one who heard it. Asked for behind him, it comes back or goes on:
    # where it plays, nothing is heard of this (22.10.1: 50 such requests a second, not a sample lost).
    return (add, _music(path, effect.music)) if effect.music else (add,)


def _music(path: str, music: str) -> Request:
    return Request("POST", f"{path}/moh", {"mohClass": music})
