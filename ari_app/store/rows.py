"""What the journal is given, as rows: a secret digit gone, a number replaced by its person's key."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

import orjson
import structlog

from ari_app.model import codec
from ari_app.model.events import Event, KeyPressed
from ari_app.model.facts import Fact
from ari_app.model.mask import SECRET_DIGIT
from ari_app.store import personal, projections, queries

EventRow: TypeAlias = tuple[Literal["event"], float, Event, bool]
"""'event', `now`, the event, whether the board marked it as holding a digit of a secret."""
FactRow: TypeAlias = tuple[Literal["fact"], float, Fact]
"""'fact', `now`, the fact."""
Row: TypeAlias = EventRow | FactRow
Batch: TypeAlias = Sequence[Row]
Whose: TypeAlias = tuple[Literal["call", "seat"], str]
Left: TypeAlias = tuple[Literal["call", "seat"], str, Mapping[str, Any] | None]
"""Whose state (board.checkpoint), and the state; None: nothing is to be kept any more."""

_SQL = queries.load("journal")
_log = structlog.get_logger("store")


@dataclass(frozen=True, slots=True)
class Line:
    """One row on its way to the store; `body` still holds numbers in clear, but no secret digit."""

    table: str
    at: float
    epoch: int
    kind: str
    body: Mapping[str, Any]


def line_of(row: Row, epoch: int) -> Line:
    """A row as plain data, secrets redacted: the only form in which anything leaves memory."""
    record: Any = row[2]
    if row[0] == "event" and row[3] and isinstance(record, KeyPressed):
        record = replace(record, digit=SECRET_DIGIT)
    return Line(row[0], row[1], epoch, type(record).__name__, codec.encode_fields(record))


def text_of(state: Mapping[str, Any] | None) -> str | None:
    """Now, in the caller's thread: the state refers to records that change."""
    if state is None:
        return None
    try:
        return orjson.dumps(state).decode()
    except TypeError:  # Text off the wire that is no Unicode.
        return json.dumps(state, default=asdict, ensure_ascii=False).encode("utf-8", "replace").decode()


def keep(conn: sqlite3.Connection, states: Mapping[Whose, str | None]) -> None:
    """Write the states over those of before. Within the caller's transaction."""
    for (kind, name), text in states.items():
        if text is None:
            conn.execute(_SQL[f"forget_{kind}"], (name,))
        else:
            conn.execute(_SQL[f"keep_{kind}"], (name, text))


def lines_of(batch: Batch, epoch: int) -> list[Line]:
    """The rows as lines; one that cannot be made is a bug: it is said and left out, and holds up no other."""
    lines = []
    for row in batch:
        try:
            lines.append(line_of(row, epoch))
        except Exception:
            _log.exception("a row was refused", table=row[0], kind=type(row[2]).__name__)
    return lines


def insert(conn: sqlite3.Connection, line: Line, *, project: bool = True) -> None:
    """Append one line and, for a fact, bring its projections up to date. Within the caller's transaction."""
    try:
        _insert(conn, line, project)
    except (TypeError, UnicodeError):  # Text off the wire that is no Unicode fails before anything is inserted.
        _insert(conn, cleaned(line), project)


def cleaned(line: Line) -> Line:
    """The line with whatever UTF-8 cannot hold as a question mark."""
    texts = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in line.body.items()}
    return replace(line, body=texts)


def _insert(conn: sqlite3.Connection, line: Line, project: bool) -> None:
    body, values = personal.set_apart(conn, line.kind, line.body)
    text = orjson.dumps(body).decode()
    if line.table == "event":
        conn.execute(_SQL["add_event"], (line.at, line.epoch, line.kind, text))
        return
    call, agent = body.get("call"), body.get("agent")
    fact = conn.execute(_SQL["add_fact"], (line.at, line.epoch, line.kind, call, agent, text)).lastrowid
    if project:
        projections.apply(conn, fact or 0, line.at, line.kind, values)


def record_of(kind: str, text: str, values: personal.Values) -> Any:
    """A stored fact or event as it was."""
    return codec.decode({**values.put_back(kind, orjson.loads(text)), "kind": kind})
