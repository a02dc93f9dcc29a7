"""Facts and events about what is done later: call-backs, messages as work; and what waiting callers were told."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ari_app.model.ids import AgentId, CallId, MessageId, NoteText, Number, OfferId, PhoneName, QueueName, RequestId

CallbackMiss = Literal["busy", "no-answer", "unreachable", "not-confirmed", "failed"]
CallbackOutcome = Literal["connected", "failed", "cancelled", "returned", "abandoned", "expired"]
NO_NUMBER: Final = Number("")
NO_NOTE: Final = NoteText("")
ItemWish = Literal["take", "next", "decline", "done", "return"]
ItemOfferOutcome = Literal["accepted", "declined", "ran-out", "unreachable", "failed"]

# -- facts --


@dataclass(frozen=True, slots=True)
class WaitTold:
    """A waiting caller was told his expected wait: `low_s` to `high_s` from now. `hotline report ewt` scores it."""

    call: CallId
    visit: int
    queue: QueueName
    position: int
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class CallbackBooked:
    """A caller booked a call-back. `rank` is that of his visit, `since` its beginning; `booking` its id until the end.

    `skills`: the expression asked for instead of the queue's; empty: the queue's. `node`: the queue node he waited in.
    """

    call: CallId
    booking: CallId
    queue: QueueName
    number: Number
    priority: int
    rank: float
    since: float
    skills: str
    language: str
    dialled: str
    node: str


@dataclass(frozen=True, slots=True)
class CallbackDialled:
    """His turn came: he is dialled for the `n`-th time, as this call."""

    call: CallId
    booking: CallId
    n: int


@dataclass(frozen=True, slots=True)
class CallbackMissed:
    """He was not reached; `next_at`: when he is dialled again at the earliest. None: that was the last time."""

    call: CallId
    booking: CallId
    outcome: CallbackMiss
    next_at: float | None


@dataclass(frozen=True, slots=True)
class CallbackConfirmed:
    """He said by a key that he is there: from now on he waits on the line, in his old place."""

    call: CallId
    booking: CallId


@dataclass(frozen=True, slots=True)
class CallbackEnded:
    """`call` had booked it. `returned`: he called in himself and has his place back. `by`: who cancelled it; empty:
    he himself."""

    call: CallId
    booking: CallId
    outcome: CallbackOutcome
    by: str = ""


@dataclass(frozen=True, slots=True)
class MessageStored:
    """The message's file stands in the store's folder. `path` is relative to the messages folder."""

    call: CallId
    message: MessageId
    path: str
    size_bytes: int
    sha256: str
    keep_days: int


@dataclass(frozen=True, slots=True)
class ItemOpened:
    """A message is to be worked until `due_at`, by somebody with the skills of its box."""

    call: CallId
    message: MessageId
    box: str
    due_at: float


@dataclass(frozen=True, slots=True)
class ItemOffered:
    """An agent's phone rings for a message; the offer's id is its leg."""

    call: CallId
    message: MessageId
    offer: OfferId
    agent: AgentId
    phone: PhoneName


@dataclass(frozen=True, slots=True)
class ItemOfferEnded:
    """`accepted`: ItemTaken follows. Otherwise the message is offered anew, in its place."""

    call: CallId
    message: MessageId
    offer: OfferId
    agent: AgentId
    outcome: ItemOfferOutcome
    cause: int = 0


@dataclass(frozen=True, slots=True)
class ItemTaken:
    message: MessageId
    by: str


@dataclass(frozen=True, slots=True)
class ItemReturned:
    """Whoever had taken it gave it back; it keeps its due time. `by`: he, a supervisor, or `limit` (work_s_max)."""

    message: MessageId
    by: str


@dataclass(frozen=True, slots=True)
class ItemDone:
    message: MessageId
    by: str
    note: NoteText
    disposition: str = ""


WorkFact: TypeAlias = (
    CallbackBooked
    | CallbackConfirmed
    | CallbackDialled
    | CallbackEnded
    | CallbackMissed
    | ItemDone
    | ItemOfferEnded
    | ItemOffered
    | ItemOpened
    | ItemReturned
    | ItemTaken
    | MessageStored
    | WaitTold
)
DURABLE_WORK: Final = (CallbackBooked, CallbackDialled, CallbackEnded, ItemTaken, ItemReturned, ItemDone)

# -- events --


@dataclass(frozen=True, slots=True)
class CallbackLeft:
    """A call-back an earlier daemon left open; see the fact CallbackBooked. `tries`: times dialled so far."""

    booking: CallId
    call: CallId
    queue: QueueName
    number: Number
    priority: int
    rank: float
    since: float
    skills: str
    language: str
    dialled: str
    node: str
    booked_at: float
    tries: int
    next_at: float


@dataclass(frozen=True, slots=True)
class ItemLeft:
    """A message an earlier daemon left unworked. `by`: who took it; empty: nobody. `stored`: its file is filed, as
    `path` of the messages folder. `number`: to be called back on; empty: not known, or erased."""

    message: MessageId
    call: CallId
    box: str
    due_at: float
    by: str
    stored: bool
    path: str = ""
    number: Number = NO_NUMBER


@dataclass(frozen=True, slots=True)
class MessageFiled:
    """A message's file was moved into the store's folder; `path` is relative to the messages folder."""

    message: MessageId
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MessageUnfiled:
    """It could not be; `reason` says why. It stays where it is and is tried again at the next start."""

    message: MessageId
    reason: str


@dataclass(frozen=True, slots=True)
class ItemAsked:
    """Somebody wants to work a message. `next`: the most urgent one; `decline`: the one his phone rings for.

    `agent`: whose skills count, and who works it; empty: all count, and nobody's state changes. With `done` may come a
    note, and a disposition or its key.
    """

    message: MessageId
    wish: ItemWish
    by: str
    agent: str = ""
    note: NoteText = NO_NOTE
    request: RequestId | None = None
    disposition: str = ""


@dataclass(frozen=True, slots=True)
class CallbackCancelled:
    """Somebody takes a call-back off the list."""

    booking: CallId
    by: str
    request: RequestId | None = None
