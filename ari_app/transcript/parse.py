"""The text of a `.call` file as a Transcript, or all its problems at once as `file:line: what   cure`. Pure.

    # A title                         the first line may also carry header entries, two blanks apart
    flow: main                        header, before the first step: flow, at, language, hours, closure, trusted, live
    caller 13800138000 → 1860         steps: at the left edge or indented, one a line
      < answer, play greeting-day     what is expected of the step above

A comment is a line that begins with `#`, or what follows a `#` with a blank on both sides.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from ari_app.config.diagnostics import choices, nearest, shown
from ari_app.errors import HotlineError
from ari_app.model.events import Answer
from ari_app.model.part import Language
from ari_app.model.routing import Hours
from ari_app.transcript.steps import (
    WITH_A_WORD,
    AgentDoes,
    CallbackDeed,
    CalledBack,
    CallerHangsUp,
    Deed,
    Dial,
    Header,
    LeavesMessage,
    Line,
    LookUpAnswers,
    MovesClock,
    OutsideDeed,
    OutsideDoes,
    Press,
    Speaks,
    Step,
    Transcript,
    Wait,
    Want,
)
from ari_app.transcript.words import FACTS, VERBS

LINES_MAX: Final = 2000
PROBLEMS_MAX: Final = 50
KEYS: Final = ("flow", "at", "language", "hours", "closure", "trusted", "live")
STEPS: Final = {
    "caller": "caller 13800138000 → 1860",
    "press": "press 1",
    "wait": "wait 5s",
    "hang": "hang up",
    "call-back": "call-back answers",
    "agent": "agent 8025 answers",
    "outside": "outside answers",
    "look-up": "look-up balance answers balance=12.5 stopped=no, or look-up balance fails",
    "message": "message of 7s",
    "speak": "speak 2s",
    "at": "at 2026-10-01 21:00",
}
_HEADER: Final = re.compile(r"([a-z]+):(?:\s+(.*))?")
_COMMENT: Final = re.compile(r"(?<!press)\s+#\s.*$")
_CLOCK: Final = re.compile(r"(20\d\d-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\s+(\S+))?")
_SECONDS: Final = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)\s?s?")
_PAIR: Final = re.compile(r"""([a-z][a-z0-9_]*)=("[^"]*"|'[^']*'|\S+)(?:\s+|$)""")


class BadTranscript(HotlineError):
    """The file cannot be run; `problems` holds one message a fault, with its line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems[:PROBLEMS_MAX]))


class _Fault(ValueError):
    """Something wrong in the line being read: what, and the cure."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(f"{what}   {cure}" if cure else what)


def parse(text: str, file: str) -> Transcript:
    """Raises BadTranscript with every problem of the file."""
    reading = _Reading(file)
    written = text.removeprefix("\ufeff").splitlines()
    for number, line in enumerate(written[:LINES_MAX], 1):
        reading.take(number, line)
    if len(written) > LINES_MAX:
        reading.problem(LINES_MAX, f"more than {LINES_MAX} lines   one transcript tells one story: split it")
    if not reading.problems and not any(isinstance(line.what, Dial) for line in reading.lines):
        reading.problem(len(written) or 1, f"nobody calls   begin with: {STEPS['caller']}")
    if reading.problems:
        raise BadTranscript(reading.problems)
    return Transcript(file, reading.header, tuple(reading.lines), tuple(written))


def parse_step(text: str) -> Step:
    """One step by itself, as `hotline flow try` reads it. ValueError, with the cure, when it is none."""
    return _step(text.strip())


def clock(text: str) -> MovesClock:
    """`2026-03-02 10:00` with or without a zone. ValueError, with the cure."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise _Fault(f"no time: {shown(text)}", "write it like 2026-03-02 10:00 Asia/Shanghai")
    try:
        zone = found[3] or ""
        ZoneInfo(zone or "UTC")
        return MovesClock(datetime.fromisoformat(f"{found[1]}T{found[2]}"), zone)
    except (ValueError, OSError):
        raise _Fault(f"no such time: {shown(text)}", "write it like 2026-03-02 10:00 Asia/Shanghai") from None
    except KeyError:  # ZoneInfoNotFoundError.
        raise _Fault(f"no such time zone: {shown(found[3])}", "an IANA name, like Asia/Shanghai") from None


@dataclass
class _Reading:
    """The file so far."""

    file: str
    header: Header = field(default_factory=Header)
    lines: list[Line] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def problem(self, number: int, message: str) -> None:
        self.problems.append(f"{self.file}:{number}: {message}")

    def take(self, number: int, written: str) -> None:
        try:
            stripped = written.strip()
            if stripped.startswith("#"):
                if number == 1:
                    self._title(stripped.lstrip("# "))
                return
            text = _COMMENT.sub("", " " + stripped).strip()
            if text.startswith("<"):
                self._wants(number, text)
            elif (entry := _HEADER.fullmatch(text)) is not None:
                self._entry(entry[1], (entry[2] or "").strip())
            elif text:
                self.lines.append(Line(number, text, _step(text)))
        except ValueError as fault:
            self.problem(number, str(fault))

    def _title(self, text: str) -> None:
        first, *rest = re.split(r"\s{2,}", text)
        self.header = replace(self.header, title=first)
        for part in rest:
            entry = _HEADER.fullmatch(part)
            if entry is not None and entry[1] in KEYS:
                self._entry(entry[1], (entry[2] or "").strip())

    def _entry(self, key: str, value: str) -> None:
        if key not in KEYS:
            raise _Fault(f"no header entry {shown(key)}", nearest(key, KEYS) or f"there are {choices(KEYS)}")
        if self.lines:
            raise _Fault(f"`{key}:` after the first step", "header entries stand before it")
        self.header = _ENTRIES[key](self.header, value)

    def _wants(self, number: int, text: str) -> None:
        if not any(not isinstance(line.what, tuple) for line in self.lines):
            raise _Fault("nothing has been done yet that this could be expected of", "put a step before it")
        wants = tuple(_want(part.strip()) for part in text[1:].split(","))
        self.lines.append(Line(number, text, wants))


# -- header --


def _flow(header: Header, value: str) -> Header:
    name = value.removesuffix(".yaml")
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name):
        raise _Fault(f"no name of a flow: {shown(value)}", "a file of ivr_flows/ without .yaml")
    return replace(header, flow=name)


def _language(header: Header, value: str) -> Header:
    if value not in get_args(Language):
        raise _Fault(f"no language {shown(value)}", f"want {choices(get_args(Language))}")
    return replace(header, language=value)  # type: ignore[arg-type]


def _hours(header: Header, value: str) -> Header:
    name, _, rest = value.partition(" ")
    example = "hours: office mon-fri 08:00-20:00; sat 09:00-12:00"
    weekly: dict[str, Any] = {}
    for part in rest.split(";"):
        days, _, spans = part.strip().partition(" ")
        weekly[days] = [span.strip() for span in spans.split(",") if span.strip()]
    try:
        hours = Hours.model_validate({"weekly": weekly})
    except ValidationError:
        raise _Fault(f"no opening hours: {shown(value)}", f"write them like {example}") from None
    return replace(header, hours=(*header.hours, (name, hours)))


def _closure(header: Header, value: str) -> Header:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}|\*", value):
        raise _Fault(f"no name of opening hours: {shown(value)}", "a name of config.yaml: hours, or * for all")
    return replace(header, closures=(*header.closures, value))


def _trusted(header: Header, value: str) -> Header:
    if value not in ("yes", "no"):
        raise _Fault(f"trusted: {shown(value)}", "want yes or no: whether the trunk's caller number can be trusted")
    return replace(header, trusted=value == "yes")


def _live(header: Header, value: str) -> Header:
    found = re.fullmatch(r"no\s+\((.+)\)", value)
    if found is None:
        raise _Fault(f"live: {shown(value)}", "all run live; one that cannot says: live: no (and why not)")
    return replace(header, not_live=found[1])


_ENTRIES: Final[dict[str, Callable[[Header, str], Header]]] = {
    "flow": _flow,
    "at": lambda header, value: replace(header, at=clock(value)),
    "language": _language,
    "hours": _hours,
    "closure": _closure,
    "trusted": _trusted,
    "live": _live,
}

# -- steps --


def _step(text: str) -> Step:
    verb, _, rest = text.partition(" ")
    rest = rest.strip()
    read = {
        "caller": _caller,
        "press": _press,
        "wait": lambda text: Wait(_seconds(text)),
        "hang": lambda text: _only(text, "up", CallerHangsUp()),
        "call-back": _called_back,
        "agent": _agent,
        "outside": _outside,
        "look-up": _look_up,
        "message": lambda text: LeavesMessage(_seconds(text.removeprefix("of").strip())),
        "speak": lambda text: Speaks(_seconds(text)),
        "at": clock,
    }.get(verb)
    if read is None:
        near = nearest(verb, STEPS) or "steps begin with " + choices(STEPS)
        raise _Fault(f"no step reads like this: {shown(text)}", near)
    step: Step = read(rest)
    return step


def _only(text: str, word: str, step: Step) -> Step:
    if text != word:
        raise _Fault(f"no step reads like this: {shown('hang ' + text)}", "did you mean 'hang up'?")
    return step


def _caller(text: str) -> Step:
    found = re.fullmatch(r"(\+?\d{0,20})\s*(?:→|->)\s*(\+?[0-9*#]{1,24})", text)
    if found is None:
        raise _Fault(f"no call: {shown('caller ' + text)}", f"write it like {STEPS['caller']}")
    return Dial(found[1], found[2])


def _press(text: str) -> Step:
    if not re.fullmatch(r"[0-9*#]{1,200}", text):
        raise _Fault(f"no keys: {shown(text)}", "keys are 0-9, * and #, without blanks: press 13800138000#")
    return Press(text)


def _seconds(text: str) -> float:
    found = _SECONDS.fullmatch(text)
    if found is None:
        raise _Fault(f"no seconds: {shown(text)}", "write them like 5s or 0.5s")
    return float(found[1])


def _agent(text: str) -> Step:
    agent, _, does = text.partition(" ")
    does = does.strip()
    if not re.fullmatch(r"\d{1,8}", agent):
        raise _Fault(f"no work number: {shown(agent)}", f"write it like {STEPS['agent']}")
    if does in get_args(Deed) and does not in WITH_A_WORD:
        return AgentDoes(agent, does)  # type: ignore[arg-type]
    for deed in WITH_A_WORD:
        if does.startswith(f"{deed} "):
            return AgentDoes(agent, deed, does.removeprefix(deed).strip())
    if does == "goes not ready":
        return AgentDoes(agent, "goes not ready")
    raise _Fault(f"agents do not do this: {shown(does)}", nearest(does, get_args(Deed)) or choices(get_args(Deed)))


def _outside(text: str) -> Step:
    deed = next((each for each in get_args(OutsideDeed) if each == text), None)
    if deed is None:
        known = get_args(OutsideDeed)
        raise _Fault(f"nobody outside does this: {shown(text)}", nearest(text, known) or choices(known))
    return OutsideDoes(deed)


def _called_back(text: str) -> Step:
    if text not in get_args(CallbackDeed):
        near = nearest(text, get_args(CallbackDeed)) or choices(get_args(CallbackDeed))
        raise _Fault(f"nobody called back does this: {shown(text)}", near)
    return CalledBack(text)  # type: ignore[arg-type]


def _look_up(text: str) -> Step:
    name, _, rest = text.partition(" ")
    verb, _, rest = rest.strip().partition(" ")
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", name) or verb not in ("answers", "fails"):
        raise _Fault(f"no look-up: {shown(text)}", f"write it like {STEPS['look-up']}")
    if verb == "fails":
        return LookUpAnswers(name, None, rest.strip() or "failed")
    return LookUpAnswers(name, answers(rest))


def answers(text: str) -> tuple[Answer, ...]:
    """`balance=12.5 stopped=no name="Li Lei"`: numbers, yes and no, else texts; in quotes always a text."""
    found, at = [], 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise _Fault(f"no values: {shown(text[at:])}", "write them like balance=12.5 stopped=no")
        found.append(Answer(pair[1], _value(pair[2])))
        at = pair.end()
    return tuple(found)


def _value(text: str) -> str | int | float | bool:
    if text[0] in "\"'":
        return text[1:-1]
    if text in ("yes", "true", "no", "false"):
        return text in ("yes", "true")
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}\.\d{1,9}", text) else text


# -- what is expected --


def _want(text: str) -> Want:
    words = tuple(text.replace("...", "…").split())
    verb = next((verb for verb in VERBS if words[: len(verb)] == verb), None)
    if verb is None:
        known = [" ".join(verb) for verb in VERBS]
        near = nearest(" ".join(words[:2]), known) or nearest(words[0] if words else "", known)
        raise _Fault(f"nobody can expect this: {shown(text)}", near or choices(known))
    fewest, most = VERBS[verb]
    if not fewest <= len(words) - len(verb) <= most:
        want = "nothing" if most == 0 else "a name" if most == 1 else "at least one word"
        raise _Fault(f"after `{' '.join(verb)}` comes {want}: {shown(text)}")
    if verb == ("fact",):
        _fact(words)
    return Want(words)


def _fact(words: tuple[str, ...]) -> None:
    kind, *fields = words[1:]
    if kind not in FACTS:
        raise _Fault(f"no fact is called {shown(kind)}", nearest(kind, FACTS))
    for each in fields:
        name, equals, _ = each.partition("=")
        if not equals:
            raise _Fault(f"no field: {shown(each)}", "write it like queue=billing; values hold no blanks")
        if name not in FACTS[kind]:
            raise _Fault(f"{kind} has no field {shown(name)}", nearest(name, FACTS[kind]) or choices(FACTS[kind]))
