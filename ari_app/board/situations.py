"""Situations of a call: hearing whether the caller speaks while a script waits for it, and talks that last too long."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.flow.situations import NO_SITUATIONS, Situations
from ari_app.model.effects import Listen, Unlisten
from ari_app.model.events import SpeechBegan, SpeechEnded
from ari_app.model.facts import SituationEnded, TalkLong

_WHOM: Final[tuple[Literal["agent", "supervisor"], ...]] = ("agent", "supervisor")


def of(call: Call) -> Situations:
    """Those the call's flow was loaded with."""
    return call.walk.flow.situations if call.walk is not None else NO_SITUATIONS


# -- speech --


def listen(floor: Floor, call: Call) -> None:
    line = floor.settings.line
    call.listening = True
    if call.resting is not None:
        call.resting = replace(call.resting, speech=True)
        return
    floor.do(Listen(call.id, call.leg, line.talk_threshold, line.silence_ms))


def unlisten(floor: Floor, call: Call) -> None:
    call.listening = False
    floor.cancel_timer(call, "speech")
    if call.resting is not None:
        call.resting = replace(call.resting, speech=False)
        return
    floor.do(Unlisten(call.id, call.leg))


def spoke(floor: Floor, call: Call, event: SpeechBegan | SpeechEnded, now: float) -> bool:
    """Whether this makes it speech. A sound is, once it has lasted `speech_ms`; its end is known `silence_ms` late."""
    line = floor.settings.line
    if not call.listening or event.leg != call.leg:
        return False
    if isinstance(event, SpeechBegan):
        floor.set_timer(call, "speech", now + (line.silence_ms + line.speech_ms) / 1000)
        return False
    floor.cancel_timer(call, "speech")
    return event.ms >= line.speech_ms


def broken_off(floor: Floor, call: Call) -> None:
    """The call ends while a script runs."""
    call.listening = False
    place = call.script.place if call.script is not None else call.cursor.place if call.cursor is not None else None
    call.script = None
    if place is not None:
        floor.note(SituationEnded(call.id, place.situation, "gone", place.step + 1))


# -- talks that last --


def talk_began(floor: Floor, call: Call, now: float) -> None:
    for whom, seconds in _hints(call):
        floor.set_timer(call, f"long-{whom}", now + seconds)


def talk_over(floor: Floor, call: Call) -> None:
    for whom in _WHOM:
        floor.cancel_timer(call, f"long-{whom}")


def talk_lasts(floor: Floor, call: Call, name: str, now: float) -> None:
    """A timer of `talk_began` fired."""
    for whom in _WHOM:
        if call.talk is not None and name == f"long-{whom}":
            call.talk.long_for = whom
            floor.note(TalkLong(call.id, call.talk.agent, round(now - call.talk.since, 3), whom))


def _hints(call: Call) -> Iterable[tuple[str, float]]:
    found = of(call).of_trigger("talk-length")
    hints = found[1].hints_s if found is not None else None
    return ((whom, getattr(hints, whom)) for whom in _WHOM) if hints is not None else ()
