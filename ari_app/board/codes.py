"""Codes typed on a phone during a talk: which keys so far, and what they mean once they are complete."""

from typing import Final

from ari_app.model.control import Control
from ari_app.model.routing import TalkCodes

TYPED_MAX: Final = 32


def read_code(codes: TalkCodes, typed: str, *, supervisor: bool = False) -> tuple[str, Control | None, str]:
    """Keys to be kept while a code may still come of them, else empty; the action, and its target, once complete."""
    alone, aimed = _tables(codes, supervisor)
    if typed in alone:
        return "", alone[typed], ""
    for code, action in aimed.items():
        if typed.startswith(code):
            if typed.endswith("#") and len(typed) > len(code):
                return "", action, typed[len(code) : -1]
            return (typed, None, "") if len(typed) < TYPED_MAX else ("", None, "")
    if any(code.startswith(typed) for code in (*alone, *aimed)):
        return typed, None, ""
    last = typed[-1]  # A slip: this key may begin anew.
    begins = len(typed) > 1 and any(code.startswith(last) for code in (*alone, *aimed))
    return (last if begins else ""), None, ""


def _tables(codes: TalkCodes, supervisor: bool) -> tuple[dict[str, Control], dict[str, Control]]:
    if supervisor:
        return {
            codes.listen: "listen",
            codes.whisper: "whisper",
            codes.barge: "barge",
            codes.take_over: "take-over",
        }, {}
    return {
        codes.hold: "hold",
        codes.complete: "complete",
        codes.give_back: "return",
        codes.conference: "conference",
        codes.help: "help",
        codes.survey: "survey",
        codes.mute: "mute",
        codes.script: "script",
        codes.nuisance: "nuisance",
    }, {codes.consult: "consult", codes.transfer: "transfer"}
