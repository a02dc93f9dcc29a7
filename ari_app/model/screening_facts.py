"""Facts, events and effects about callers who are screened. Part of facts.Fact, events.Event and effects.Effect."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ari_app.model.ids import CallId, MessageId, NoteText, Number, RequestId, ScreeningId

NO_SCREENING: Final = ScreeningId("")
NO_NUMBER: Final = Number("")
NO_NOTE: Final = NoteText("")
ScreeningEnd = Literal["expired", "lifted", "erased"]
ScreeningWish = Literal["add", "lift", "keep", "erase"]

# -- facts --


@dataclass(frozen=True, slots=True)
class CallerScreened:
    """From the next call on the number is screened until `until`, for the `times`-th time. `by`: a work number;
    `call`: the one it was marked in, None by hand."""

    screening: ScreeningId
    call: CallId | None
    number: Number
    by: str
    why: NoteText
    times: int
    until: float


@dataclass(frozen=True, slots=True)
class ScreeningRefused:
    """Somebody marked a number that is not screened: `reason` says why not."""

    call: CallId | None
    number: Number
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScreeningEnded:
    """It ended by its time, by a supervisor, or because the person was erased. `by`: empty: nobody."""

    screening: ScreeningId
    outcome: ScreeningEnd
    by: str = ""
    why: NoteText = NO_NOTE


@dataclass(frozen=True, slots=True)
class AppealLeft:
    """The screened caller left a message: a supervisor lifts the screening, or keeps it."""

    screening: ScreeningId
    message: MessageId


@dataclass(frozen=True, slots=True)
class AppealKept:
    """A supervisor keeps the screening, whatever was said against it."""

    screening: ScreeningId
    by: str
    why: NoteText


ScreeningFact: TypeAlias = CallerScreened | ScreeningRefused | ScreeningEnded | AppealLeft | AppealKept
DURABLE_SCREENING: Final = (CallerScreened, ScreeningEnded)

# -- events --


@dataclass(frozen=True, slots=True)
class ScreeningLeft:
    """A screening an earlier daemon left. `ended_at` None: it was on; one that is over makes the next one longer."""

    screening: ScreeningId
    number: Number
    by: str
    times: int
    until: float
    ended_at: float | None
    appeal: MessageId | None


@dataclass(frozen=True, slots=True)
class ScreeningAsked:
    """Somebody's wish: screen a number by hand, lift or keep a screening; `erase`: forget the number altogether."""

    wish: ScreeningWish
    by: str
    why: NoteText
    screening: ScreeningId = NO_SCREENING
    number: Number = NO_NUMBER
    request: RequestId | None = None


# -- effects --


@dataclass(frozen=True, slots=True)
class Screen:
    """Let Asterisk screen this number (model/screening.canonical) until `until`, by itself."""

    number: Number
    until: float


@dataclass(frozen=True, slots=True)
class Unscreen:
    """Its calls are let through again."""

    number: Number
