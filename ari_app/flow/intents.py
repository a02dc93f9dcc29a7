"""What goes into the interpreter and what comes out: cursor, inputs, intents. Pure data.

The interpreter knows nodes, prompts and keys, but no channels: the board turns intents into effects on legs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from operator import attrgetter
from typing import Any, Final, Literal, TypeAlias

from ari_app.flow.expression import Value
from ari_app.flow.model import LoadedFlow
from ari_app.flow.nodes import Callback, Queue, Transfer, Voicemail
from ari_app.model.facts import SituationOutcome
from ari_app.model.routing import Hours
from ari_app.model.settings import Outbound


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a subflow comes back to: flow, subflow node, and the variables of there."""

    flow: LoadedFlow
    node: str
    values: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the script of a situation is: its step, from 0, and whether it says or waits."""

    situation: str
    step: int = 0
    saying: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a caller is. `saying` and `waiting` say what the node waits for; both False: it waits for the board.

    `values` may hold secrets: they are in no repr, and what is written down of a cursor leaves `Walk.secrets` out.
    """

    node: str
    saying: bool = False
    waiting: bool = False
    tries: int = 0
    typed: str = ""  # Keys typed ahead, for the next menu.
    ended: bool = False
    steps: int = 0  # Nodes entered since the caller was last waited for.
    digits: str = field(default="", repr=False)  # Of a collect or callback node.
    stage: str = ""  # Of a callback node.
    values: Mapping[str, Value] = field(default_factory=dict, repr=False)
    flow: LoadedFlow | None = field(default=None, repr=False)  # None: the walk's own.
    stack: tuple[Frame, ...] = ()
    place: Place | None = None  # In a situation node: of its script.
    habit: str = ""  # The end key of an input that was full: pressed by habit before `habit_until`, it means nothing.
    habit_until: float = 0.0
    spoke: bool = False  # In a menu that listens: since its prompts were over.


_FIELDS: Final = tuple(each.name for each in fields(Cursor))
_NAMES: Final = frozenset(_FIELDS)
_VALUES: Final = attrgetter(*_FIELDS)


def copied(at: Cursor, **changes: Any) -> Cursor:
    """A copy with changes: what `dataclasses.replace` gives, for less than half its time."""
    assert changes.keys() <= _NAMES, changes.keys()
    values: Iterator[Any] = map(changes.get, _FIELDS, _VALUES(at))
    return Cursor(*values)


@dataclass(frozen=True, slots=True)
class Walk:
    """A call's flows, pinned when it began, and what its nodes may ask about. `closures` is live, never pinned."""

    flow: LoadedFlow
    zone: tzinfo
    steps_max: int = 100
    flows: Mapping[str, LoadedFlow] = field(default_factory=dict, repr=False)
    hours: Mapping[str, Hours] = field(default_factory=dict, repr=False)
    closures: Mapping[str, float | None] = field(default_factory=dict, repr=False)
    outbound: Outbound = field(default_factory=Outbound, repr=False)  # Which numbers may be called back.
    shift_s: float = 0.0  # Added to `now` where local time is asked for: in tests of flows only, never by config.
    secrets: frozenset[str] = frozenset()  # Variables that may hold one.


# -- inputs --


@dataclass(frozen=True, slots=True)
class Key:
    digit: str


@dataclass(frozen=True, slots=True)
class SaidAll:
    """The prompts of the last Say are over."""


@dataclass(frozen=True, slots=True)
class WaitedOut:
    """The seconds of the last Wait are over."""


@dataclass(frozen=True, slots=True)
class QueueDone:
    """What came of a queue node (`next`, `survey`, `timeout`, `full`, `closed`, `no_agents`, `voicemail`, `callback`),
    of a transfer node (`next`, `busy`, `no_answer`, `refused`), or of a callback node's Book (`booked`, `already`,
    `full`)."""

    branch: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The look-up's answer; `ok` False: there is none."""

    ok: bool
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """The voicemail's recording is over; `ok` False: nothing was recorded."""

    ok: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller speaks; comes only between Listen and Unlisten."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The call may still be recorded: no secret may be asked for."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """The line is good again: neither too quiet nor too noisy."""


@dataclass(frozen=True, slots=True)
class SpeakAgain:
    """The caller may leave his message anew."""


Input: TypeAlias = (
    Key | SaidAll | WaitedOut | QueueDone | Answered | MessageTaken | SpeakAgain | Heard | Cleared | Recorded
)

# -- intents --


@dataclass(frozen=True, slots=True)
class Entered:
    node: str
    kind: str


@dataclass(frozen=True, slots=True)
class Took:
    """A node took a key (`accepted`) or found it wrong."""

    node: str
    key: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Say:
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A value could not be said (`why`); what stands around it was."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop what is being said."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so long for the next key; again: from now."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Unwait:
    pass


@dataclass(frozen=True, slots=True)
class Speak:
    """Later prompts are in this language."""

    language: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    node: Queue


@dataclass(frozen=True, slots=True)
class Connect:
    """Ring whom the node names for the caller; QueueDone comes back."""

    node: Transfer


@dataclass(frozen=True, slots=True)
class Book:
    """Book a call-back to `number`, which may be dialled; QueueDone comes back."""

    node: Callback
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Look something up; Answered comes back. `request` may hold secrets."""

    kind: Literal["agi", "http", "sql"]
    name: str
    request: Mapping[str, Value] = field(repr=False)
    timeout_s: float


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Record the caller until a key, silence or the longest time; MessageTaken comes back. `back`: whom to call."""

    node: Voicemail
    back: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Rated:
    """A survey's answer."""

    question: str
    key: str


@dataclass(frozen=True, slots=True)
class Listen:
    """From here on hear whether the caller speaks."""


@dataclass(frozen=True, slots=True)
class Unlisten:
    pass


@dataclass(frozen=True, slots=True)
class Began:
    """The script of a situation begins."""

    situation: str


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over, at this step (from 1)."""

    situation: str
    outcome: SituationOutcome
    step: int


@dataclass(frozen=True, slots=True)
class End:
    """Hang the caller up. `looped`: the flow entered too many nodes without waiting, and was broken off."""

    looped: bool = False


Intent: TypeAlias = (
    Entered
    | Took
    | Say
    | Unsaid
    | Hush
    | Wait
    | Unwait
    | Speak
    | Enqueue
    | Connect
    | Book
    | Ask
    | TakeMessage
    | Rated
    | Listen
    | Unlisten
    | Began
    | Ended
    | End
)
Step: TypeAlias = tuple[Cursor, tuple[Intent, ...]]
