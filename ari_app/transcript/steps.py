"""A transcript as data: a header, steps, and what is expected after them. Pure; `parse` makes it, others run it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from ari_app.model.events import Answer
from ari_app.model.part import Language
from ari_app.model.routing import Hours

Deed = Literal[
    "signs in",
    "goes ready",
    "goes not ready",
    "signs out",
    "rings",
    "answers",
    "hears the whisper",
    "declines",
    "is busy",
    "does not answer",
    "is unreachable",
    "hangs up",
    "holds",
    "resumes",
    "notes",
]
CallbackDeed = Literal["answers", "is busy", "does not answer", "is unreachable", "hangs up"]
WITH_A_WORD: Final = ("goes not ready", "notes")  # Deeds that are followed by a reason, or a disposition.


@dataclass(frozen=True, slots=True)
class Dial:
    """A call comes in; from here on it is the one that presses, waits and hangs up."""

    caller: str
    dialled: str


@dataclass(frozen=True, slots=True)
class Press:
    keys: str


@dataclass(frozen=True, slots=True)
class Wait:
    """So long after all that is being said to the caller is over."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CallerHangsUp:
    pass


@dataclass(frozen=True, slots=True)
class CalledBack:
    """The hotline dials somebody who booked a call-back. Who answers is the caller from here on."""

    deed: CallbackDeed


@dataclass(frozen=True, slots=True)
class AgentDoes:
    agent: str
    deed: Deed
    word: str = ""


OutsideDeed = Literal["rings", "answers", "is busy", "declines", "does not answer", "hangs up"]


@dataclass(frozen=True, slots=True)
class OutsideDoes:
    """Whoever has the number outside that was dialled last."""

    deed: OutsideDeed


@dataclass(frozen=True, slots=True)
class LookUpAnswers:
    """The look-up that waits is answered, or the next of that name will be. `values` None: it fails, and why."""

    name: str
    values: tuple[Answer, ...] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LeavesMessage:
    """The caller listens to the end, speaks so long after the tone, and ends it with the key."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Speaks:
    """The caller speaks so long; prompts and waits go on meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class MovesClock:
    """From here on the flow takes it to be this time; `zone` empty: the hotline's."""

    local: datetime
    zone: str = ""


OfCaller: TypeAlias = Dial | Press | Wait | CallerHangsUp | CalledBack | LeavesMessage | Speaks
Step: TypeAlias = OfCaller | AgentDoes | OutsideDoes | LookUpAnswers | MovesClock


@dataclass(frozen=True, slots=True)
class Want:
    """One thing expected: `play greeting-day …`, as its words."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that means something; `number` counts from 1."""

    number: int
    text: str
    what: Step | tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What holds for the whole transcript."""

    title: str = ""
    at: MovesClock = MovesClock(datetime(2026, 3, 2, 10))
    flow: str = ""  # Instead of the one config.yaml gives the number called first.
    language: Language | None = None  # Likewise.
    hours: tuple[tuple[str, Hours], ...] = ()  # Instead of config.yaml's.
    closures: tuple[str, ...] = ()  # Hours closed by hand; `*`: all.
    trusted: bool | None = None  # Whether the caller's number can be trusted; None: as the trunk says.
    not_live: str = ""  # Why no telephone can do this; empty: it runs on a real Asterisk too.


@dataclass(frozen=True, slots=True)
class Transcript:
    """`file` is its name in messages; `text` what was written, line by line."""

    file: str
    header: Header
    lines: tuple[Line, ...]
    text: tuple[str, ...]

    @property
    def dialled(self) -> str:
        """The number called first: the header's flow and language are its."""
        return next(line.what.dialled for line in self.lines if isinstance(line.what, Dial))
