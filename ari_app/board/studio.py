"""Recording a prompt by telephone: after work number and PIN, which prompt, in which language, hear it, speak, keep.

Sound is not the board's: AskStudio has a prompt found, a take brought to the level of all prompts, and kept. What an
agent hears here is said part by part, since the prompt itself may be in another language than the desk speaks.
"""

from dataclasses import dataclass, field
from typing import Literal

from ari_app.board.floor import Floor
from ari_app.board.records import Desk
from ari_app.model.effects import AskStudio, Play, RecordMessage, SetTimer, StopPlay, StudioWish
from ari_app.model.events import MessageRecorded, StudioAnswered
from ari_app.model.facts import PromptRecorded
from ari_app.model.ids import AgentId, MessageId, TimerId
from ari_app.model.part import Language

STEP_S = 60.0  # For each step, from its beginning: a prompt of 15 s and the questions around it fit in.
SPEAK_S_MAX, SILENCE_S = 20, 5
TYPED_MAX, TRIES_MAX = 8, 3
LANGUAGES: dict[str, Language] = {"1": "zh-CN", "2": "en"}

Step = Literal["number", "language", "finding", "hearing", "speaking", "finishing", "deciding", "keeping"]
Part = tuple[tuple[str, ...], Language]


@dataclass
class Studio:
    """An agent at work. `parts`: what is still to be said; `take`: what he spoke last."""

    agent: AgentId
    step: Step = "number"
    typed: str = ""
    number: str = ""
    language: Language = "zh-CN"
    prompt: str = ""
    take: MessageId | None = None
    tries: int = 0
    parts: list[Part] = field(default_factory=list)


def pin_checked(floor: Floor, desk: Desk, agent: AgentId, ok: bool, now: float) -> None:
    """The door: the right PIN, and the permission."""
    if desk.asking != "check" or agent != desk.number:
        return
    if not ok:
        _end(floor, desk, "pin-wrong", now)
    elif "record-prompts" not in floor.settings.agents[agent].may:
        _end(floor, desk, "studio-not-allowed", now)
    else:
        desk.asking, desk.studio = "", Studio(agent)
        _speak(floor, desk, now, (("studio-number-ask",), floor.settings.language))


def key(floor: Floor, desk: Desk, at: Studio, digit: str, now: float) -> None:
    match at.step:
        case "number" if digit != "#":
            _hush(floor, desk)
            at.typed = (at.typed + digit)[:TYPED_MAX]
        case "number":
            at.number, at.typed, at.step = at.typed, "", "language"
            _speak(floor, desk, now, (("studio-language-ask",), floor.settings.language))
        case "language" if digit in LANGUAGES:
            at.language, at.step = LANGUAGES[digit], "finding"
            _ask(floor, desk, at, "find", now)
        case "hearing" if at.parts:  # He knows it: on to the tone.
            at.parts = at.parts[-1:]
            _next(floor, desk, at, now)
        case "deciding" if digit == "1":
            at.step = "keeping"
            _ask(floor, desk, at, "keep", now)
        case "deciding" if digit == "2":
            _record(floor, desk, at, now)
        case "deciding" if digit == "*":
            _end(floor, desk, "goodbye", now)
        case _:
            pass  # The end key is Asterisk's business; others mean nothing here.


def prompt_over(floor: Floor, desk: Desk, at: Studio, now: float) -> None:
    """A part was said; after the tone the agent speaks."""
    desk.playback = None
    if at.parts:
        _next(floor, desk, at, now)
    elif at.step == "hearing":
        at.step, at.take = "speaking", MessageId(floor.mint.part(desk.id, "m"))
        _set_timer(floor, desk, now)
        floor.do(RecordMessage(desk.id, desk.leg, at.take, SPEAK_S_MAX, SILENCE_S, "#"))


def recorded(floor: Floor, desk: Desk, event: MessageRecorded, now: float) -> None:
    """He has spoken; 0 seconds: he said nothing, or it failed."""
    at = desk.studio
    if at is None or desk.ending or at.step != "speaking" or at.take != event.message:
        return
    if event.seconds > 0:
        at.step = "finishing"
        _ask(floor, desk, at, "finish", now)
    else:
        _once_more(floor, desk, at, now)


def answered(floor: Floor, desk: Desk, event: StudioAnswered, now: float) -> None:
    """What came of an AskStudio."""
    at, language = desk.studio, floor.settings.language
    if at is None or desk.ending:
        return
    match at.step, event.ok:
        case "finding", True:
            at.prompt = event.prompt
            _record(floor, desk, at, now, (("studio-now",), language), ((at.prompt,), at.language))
        case "finding", False:
            at.step, at.tries = "number", at.tries + 1
            if at.tries >= TRIES_MAX:
                _end(floor, desk, "studio-unknown", now)
            else:
                _speak(floor, desk, now, (("studio-unknown", "studio-number-ask"), language))
        case "finishing", True:
            at.step = "deciding"
            _speak(floor, desk, now, (("studio-new", f"take:{at.take}", "studio-keys"), language))
        case "finishing", False:
            _once_more(floor, desk, at, now)
        case "keeping", True:
            floor.note(PromptRecorded(at.agent, at.prompt, at.language, event.sha256, event.seconds))
            _end(floor, desk, "studio-kept", now)
        case "keeping", False:
            _end(floor, desk, "not-possible-now", now)
        case _:
            pass  # Asked for before something else happened.


def gone(floor: Floor, desk: Desk) -> None:
    """What he spoke and did not keep is nobody's: he has hung up, or speaks again."""
    if desk.studio is not None and desk.studio.take is not None:
        floor.do(_order(desk, desk.studio, "drop"))


def _once_more(floor: Floor, desk: Desk, at: Studio, now: float) -> None:
    at.tries += 1
    if at.tries >= TRIES_MAX:
        _end(floor, desk, "goodbye", now)
    else:
        _record(floor, desk, at, now, (("studio-length",), floor.settings.language))


def _record(floor: Floor, desk: Desk, at: Studio, now: float, *before: Part) -> None:
    """Say what there is to say, then the tone; the recording begins when all is said."""
    at.step = "hearing"
    gone(floor, desk)
    at.take = None
    _speak(floor, desk, now, *before, (("studio-record", "beep"), floor.settings.language))


def _ask(floor: Floor, desk: Desk, at: Studio, wish: StudioWish, now: float) -> None:
    _hush(floor, desk)
    _set_timer(floor, desk, now)
    floor.do(_order(desk, at, wish))


def _order(desk: Desk, at: Studio, wish: StudioWish) -> AskStudio:
    return AskStudio(desk.leg, wish, at.number, at.prompt, at.language, at.take)


def _speak(floor: Floor, desk: Desk, now: float, *parts: Part) -> None:
    assert desk.studio is not None
    desk.studio.parts = list(parts)
    _next(floor, desk, desk.studio, now)


def _next(floor: Floor, desk: Desk, at: Studio, now: float) -> None:
    _hush(floor, desk)
    prompts, language = at.parts.pop(0)
    _play(floor, desk, prompts, language, now)


def _end(floor: Floor, desk: Desk, prompt: str, now: float) -> None:
    """The last prompt; the desk hangs up after it."""
    _hush(floor, desk)
    if desk.studio is not None:
        desk.studio.parts = []
    desk.asking, desk.ending = "", True
    _play(floor, desk, (prompt,), floor.settings.language, now)


def _play(floor: Floor, desk: Desk, prompts: tuple[str, ...], language: Language, now: float) -> None:
    desk.playback = floor.playback(desk.id)
    floor.do(Play(desk.id, desk.leg, desk.playback, prompts, language))
    _set_timer(floor, desk, now)


def _hush(floor: Floor, desk: Desk) -> None:
    if desk.playback is not None:
        floor.do(StopPlay(desk.id, desk.playback))
        desk.playback = None


def _set_timer(floor: Floor, desk: Desk, now: float) -> None:
    desk.due = now + STEP_S
    floor.do(SetTimer(TimerId(f"{desk.id}.ask"), desk.due))
