"""Read-only views of the store, for the CLI, the pages and recovery. A Reader belongs to the thread that opened it."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import orjson

from ari_app.model.facts import Fact
from ari_app.model.ids import AgentId, CallId, MessageId, Number, PhoneName, QueueName, RecordingId
from ari_app.model.mask import ERASED
from ari_app.model.states import AgentState
from ari_app.store import connect, projections, queries, rows
from ari_app.store.personal import Values

_SQL = queries.load("reader")
_OF_CALL: Final = {table: f"SELECT * FROM {table} WHERE call = ? ORDER BY 1, 2" for table in projections.OF_CALL}
GapKind: TypeAlias = Literal["unrecorded", "not-ordered", "no-file", "no-call"]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. `caller` is empty when withheld, `erased` when erased; times in seconds since the epoch."""

    call: CallId
    opened_at: float
    caller: Number
    dialled: str | None
    via: str | None
    flow: str | None
    language: str | None
    refused: str | None
    connected_at: float | None
    closed_at: float | None
    closed_by: str | None
    node: str | None
    cause: int | None
    seconds: float | None
    queue: QueueName | None  # The last one it waited in.
    agent: AgentId | None  # The last one it talked to.
    callback: str | None  # What became of the call-back he booked; `open`: nothing yet.


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls: opened from `since` to just `before`; of these numbers; who waited in this queue; talked to this
    agent; `unserved`: waited, talked to nobody, and no call-back reached him."""

    since: float | None = None
    before: float | None = None
    callers: tuple[Number, ...] = ()
    queue: str | None = None
    agent: str | None = None
    unserved: bool = False


@dataclass(frozen=True, slots=True)
class KeptFact:
    id: int
    at: float
    epoch: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class CallStory:
    """A call, its facts in order, and its rows by table name, of every table of projections.OF_CALL."""

    call: CallRow
    facts: tuple[KeptFact, ...]
    tables: Mapping[str, tuple[Mapping[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class AgentRow:
    """The present state of an agent; `since` is when it began."""

    agent: AgentId
    state: AgentState
    reason: str
    phone: PhoneName | None
    call: CallId | None
    since: float


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One recording; `path` is below the recordings folder and, like size and SHA-256, that of the present file."""

    recording: RecordingId
    call: CallId
    queue: QueueName | None
    agent: AgentId | None
    basis: str | None
    keep_days: int | None
    wanted_at: float | None
    running_at: float | None
    missed_at: float | None
    missed_why: str | None
    stored_at: float | None
    path: str | None
    seconds: float | None
    size_bytes: int | None
    sha256: str | None
    compressed_at: float | None
    removed_at: float | None
    removed_why: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """unrecorded: ordered, no file came of it · not-ordered: the queue's policy wants one · no-file · no-call."""

    kind: GapKind
    call: CallId
    recording: RecordingId | None
    why: str


class Reader:
    """`with open_reader(path) as reader: …`"""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def calls(self, limit: int = 50, wanted: Wanted = Wanted()) -> list[CallRow]:
        """The newest calls first."""
        values = asdict(wanted) | {
            "limit": limit,
            "callers": orjson.dumps(wanted.callers).decode() if wanted.callers else None,
        }
        return [_call(row) for row in self._conn.execute(_SQL["calls"], values)]

    def open_calls(self) -> list[CallRow]:
        """Calls nobody has closed, oldest first."""
        return [_call(row) for row in self._conn.execute(_SQL["open_calls"])]

    def call(self, call: CallId) -> CallStory | None:
        """All that is kept of one call; None when there is no such call."""
        row = self._conn.execute(_SQL["call"], {"call": call}).fetchone()
        if row is None:
            return None
        tables = {name: tuple(dict(r) for r in self._conn.execute(sql, (call,))) for name, sql in _OF_CALL.items()}
        return CallStory(_call(row), tuple(self._facts(_SQL["facts_of"], (call,))), tables)

    def facts_after(self, fact: int, limit: int = 1000) -> list[KeptFact]:
        """Facts written after the one with this id, oldest first: `follow` asks again with the last id it got."""
        return self._facts(_SQL["facts_after"], (fact, limit))

    def last_fact(self) -> int:
        """The newest fact's id; 0 when there is none."""
        return int(self._conn.execute(_SQL["last_fact"]).fetchone()[0])

    def agents(self) -> list[AgentRow]:
        """Every agent ever seen, by work number; one whose state a crash cut off counts as signed out."""
        return [
            AgentRow(row["agent"], AgentState(row["state"]), row["reason"], row["phone"], row["call"], row["began_at"])
            for row in self._conn.execute(_SQL["agents"])
        ]

    def recordings(self, limit: int = 50, call: CallId | None = None) -> list[RecordingRow]:
        """The newest recordings first, of one call if given; also those that failed and those removed."""
        found = self._conn.execute(_SQL["recordings"], {"limit": limit, "call": call})
        return [RecordingRow(**dict(row)) for row in found]

    def recording_gaps(self, wanting: Collection[QueueName], folder: Path, before: float) -> list[Gap]:
        """What should be recorded and is not. `wanting`: queues whose policy is not `never`; `folder`: recordings;
        `before`: sides of calls closed later may still be joined.

        Files without a row are found by `media.recordings.orphans`.
        """
        queues = orjson.dumps(sorted(wanting)).decode()
        gaps = [Gap("unrecorded", row[1], row[0], row[2]) for row in self._conn.execute(_SQL["unrecorded"], (before,))]
        for call, queue in self._conn.execute(_SQL["unordered"], (queues,)):
            gaps.append(Gap("not-ordered", call, None, f"the policy of queue {queue} wants a recording"))
        for recording, call in self._conn.execute(_SQL["callless"]):
            gaps.append(Gap("no-call", call, recording, "there is no such call"))
        for kept in self.recordings(limit=-1):
            if kept.path and kept.removed_at is None and not (folder / kept.path).is_file():
                gaps.append(Gap("no-file", kept.call, kept.recording, f"{kept.path} is missing"))
        return gaps

    def has_message(self, message: MessageId) -> bool:
        """Whether this voicemail message was noted."""
        return self._conn.execute(_SQL["has_message"], (message,)).fetchone() is not None

    def audit(self, limit: int = 50) -> list[Mapping[str, Any]]:
        """The newest lines of the audit: id, at, action, subject, detail."""
        return [dict(row) for row in self._conn.execute(_SQL["audit"], (limit,))]

    def close(self) -> None:
        self._conn.close()

    def _facts(self, sql: str, values: Sequence[Any]) -> list[KeptFact]:
        held = Values(self._conn)
        return [
            KeptFact(id_, at, epoch, rows.record_of(kind, body, held))
            for id_, at, epoch, kind, body in self._conn.execute(sql, values)
            if kind in projections.KINDS  # Kinds of a newer hotline stay unread.
        ]


@contextmanager
def open_reader(path: Path) -> Iterator[Reader]:
    """A Reader on the store at `path`, also while a daemon writes. StoreError when there is none."""
    reader = Reader(connect.reading(path))
    try:
        yield reader
    finally:
        reader.close()


_CALL_FIELDS: Final = tuple(field.name for field in fields(CallRow))


def _call(row: sqlite3.Row) -> CallRow:
    values = {name: row[name] for name in _CALL_FIELDS}
    values["caller"] = Number("" if row["caller"] is None else row["number"] or ERASED)
    return CallRow(**values)
