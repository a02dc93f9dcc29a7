"""What an earlier daemon left open, as the board wants it at start: joined there with what Asterisk still holds."""

from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

import orjson
import structlog

from ari_app.board.familiar import LastTalk
from ari_app.model.events import CallLeft, Closure, OpenCall, Restored, SeatLeft, Unjoined
from ari_app.model.ids import AgentId, CallId, LegId, Number, RecordingId
from ari_app.model.screening import Screening
from ari_app.model.screening_facts import ScreeningLeft
from ari_app.model.work import CallbackLeft, ItemLeft
from ari_app.store import connect, queries

UNJOINED_DAYS: Final = 7
UNJOINED_MAX: Final = 1000
"""How many recordings are joined after the fact, and how old they may be; what is beyond shows as a gap."""
WORK_MAX: Final = 100_000
"""How many call-backs, and how many messages, are taken over."""
_SQL = queries.load("restore")
log = structlog.get_logger("store")


def left_open(path: Path) -> Restored:
    """Read before anything else is written in this run. StoreError when the store cannot be read."""
    bounds = {"days": UNJOINED_DAYS, "at_most": UNJOINED_MAX}
    with closing(connect.reading(path)) as conn:
        rows = conn.execute(_SQL["left_open"]).fetchall()
        closures = conn.execute(_SQL["closures"]).fetchall()
        unjoined = conn.execute(_SQL["unjoined"], bounds).fetchall()
        last_at = float(conn.execute(_SQL["last_at"]).fetchone()[0])
        ahead_s = float(conn.execute(_SQL["clock_ahead"]).fetchone()[0]) if rows else 0.0
    calls = tuple(OpenCall(CallId(c), LegId(leg), at, r and RecordingId(r)) for c, leg, at, r in rows)
    recordings = tuple(Unjoined(CallId(call), RecordingId(recording)) for call, recording in unjoined)
    closed = tuple(Closure(hours, until) for hours, until in closures)
    return Restored(calls, closed, recordings, last_at=last_at, clock_ahead_s=ahead_s)


def states_left(path: Path) -> tuple[list[CallLeft], list[SeatLeft]]:
    """What an earlier daemon wrote down of its open calls and of its staff; what cannot be read is left out."""
    with closing(connect.reading(path)) as conn:
        calls = [_call(call, caller, _read(text)) for call, text, caller in conn.execute(_SQL["calls"])]
        seats = [SeatLeft(AgentId(agent), _read(text)) for agent, text in conn.execute(_SQL["seats"])]
    return [call for call in calls if call.state], [seat for seat in seats if seat.state]


def _read(text: str) -> dict[str, Any]:
    try:
        state = orjson.loads(text)
    except orjson.JSONDecodeError as why:
        log.error("a state of the run before cannot be read", why=str(why))
        return {}
    return state if isinstance(state, dict) else {}


def _call(call: str, caller: str, state: dict[str, Any]) -> CallLeft:
    versions = tuple((str(name), str(version)) for name, version in state.get("versions", ()))
    return CallLeft(CallId(call), Number(caller), versions, state)


def work_left(path: Path) -> tuple[CallbackLeft | ItemLeft, ...]:
    """Call-backs and messages an earlier daemon left open: one event each, as numbers are personal data."""
    bounds = {"at_most": WORK_MAX}
    with closing(connect.reading(path)) as conn:
        bookings = [CallbackLeft(**dict(row)) for row in conn.execute(_SQL["callbacks"], bounds)]
        items = [
            ItemLeft(**{**dict(row), "stored": bool(row["stored"])}) for row in conn.execute(_SQL["items"], bounds)
        ]
    return (*bookings, *items)


def screenings_left(path: Path, now: float, rules: Screening) -> list[ScreeningLeft]:
    """Screenings that are on, and of each number the last one that is over and still counts; the oldest end first."""
    bounds = {"now": now, "forget_s": rules.forget_days * 86_400.0, "at_most": rules.numbers_max}
    with closing(connect.reading(path)) as conn:
        found = [*conn.execute(_SQL["screenings_over"], bounds), *conn.execute(_SQL["screenings"], bounds)]
    return [ScreeningLeft(**dict(row)) for row in found]


def last_agents(path: Path, before: float, keep_s: float, at_most: int) -> list[LastTalk]:
    """Each caller's last agent, in calls that came within `keep_s` before `before`: the newest, the oldest first."""
    with closing(connect.reading(path)) as conn:
        return last_agents_of(conn, before, keep_s, at_most)


def last_agents_of(conn: Connection, before: float, keep_s: float, at_most: int) -> list[LastTalk]:
    found = dict[str, tuple[float, str, str]]()
    for caller, agent, at, call in conn.execute(_SQL["last_agents"], {"since": before - keep_s, "before": before}):
        known = found.get(caller)
        if known is None:
            if len(found) == at_most:
                break
            found[caller] = at, agent, call
        elif known[2] == call:  # He was passed on.
            found[caller] = max(known, (at, agent, call))
    return [LastTalk(Number(caller), AgentId(agent), at) for caller, (at, agent, _) in reversed(found.items())]
