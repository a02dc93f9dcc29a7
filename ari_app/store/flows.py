"""Versions of flows, which of them were live when, and hours closed by hand, as the store keeps them.

`save_versions` is work for `Journal.run`; what is live is written by the FlowsActivated fact. The rest reads.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ari_app.store import connect, queries

_SQL = queries.load("flows")


@dataclass(frozen=True, slots=True)
class FlowText:
    """One version to keep. `prompts`: id → language → SHA-256 of the WAV."""

    name: str
    version: str
    text: str
    prompts: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ActiveFlow:
    """A flow that was live last. `text` is None when the version was not kept: a damaged store."""

    name: str
    version: str
    at: float
    by: str
    how: str
    held_against: str | None
    text: str | None
    prompts: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """`live_at`, `by`, `how`: when it last replaced another; None when it never did."""

    name: str
    version: str
    first_seen_at: float
    prompts: dict[str, dict[str, str]]
    size_bytes: int
    became_live: int
    live_at: float | None
    by: str | None
    how: str | None
    is_live: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class ClosureRow:
    """Hours (`*`: every queue) closed by hand at `at`, until a time or until opened."""

    hours: str
    until: float | None
    by: str
    reason: str
    at: float


def save_versions(conn: sqlite3.Connection, versions: Iterable[FlowText], at: float) -> None:
    """Keep these texts, with the audio they have now. Within the caller's transaction."""
    for each in versions:
        prompts = orjson.dumps(each.prompts, option=orjson.OPT_SORT_KEYS).decode()
        conn.execute(_SQL["save_version"], (each.name, each.version, each.text, prompts, at))


def active(path: Path) -> list[ActiveFlow]:
    """The flows live last, in this run or the one before; empty for a store that never had any."""
    return [
        ActiveFlow(**{**dict(row), "prompts": orjson.loads(row["prompts"] or "{}")})
        for row in _read(path, "active", ())
    ]


def versions(path: Path, name: str | None = None) -> list[KeptVersion]:
    """Every version kept, of one flow if given: the live one first, then by when each was last live."""
    found = []
    for row in _read(path, "versions", {"name": name}):
        values = dict(row)
        values |= {"prompts": orjson.loads(row["prompts"])}
        values |= {key: bool(row[key]) for key in ("is_live", "is_held")}
        found.append(KeptVersion(**values))
    return found


def text_of(path: Path, name: str, version: str) -> str | None:
    """The text of a version; None when there is none."""
    row = next(iter(_read(path, "text_of", (name, version))), None)
    return None if row is None else str(row["text"])


def closures(path: Path, now: float) -> list[ClosureRow]:
    """Hours closed by hand at `now`."""
    return [ClosureRow(**dict(row)) for row in _read(path, "closures", (now,))]


def _read(path: Path, query: str, values: Any) -> list[sqlite3.Row]:
    with closing(connect.reading(path)) as conn:
        return conn.execute(_SQL[query], values).fetchall()
