"""A damaged store is set aside whole, and the daemon goes on with a new one: callers first, the books later.

Nothing is thrown away: the file and its WAL get a new name beside the store. The new one begins with a number of the
run that no earlier run can have had, since calls may still stand in Asterisk under names of those; what stands in the
emergency file is read in, and calls that go on are found in Asterisk.
"""

import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from ari_app.errors import StoreDamaged, StoreError
from ari_app.store import connect, queries

_SQL: Final = queries.load("journal")
_SIDES: Final = ("", "-wal", "-shm")
_COUNTED_FROM_S: Final = 1_577_836_800  # 2020-01-01.
_log = structlog.get_logger("store")


def opened(path: Path, check: bool = True) -> sqlite3.Connection:
    """As `connect.writing`, but a damaged store is set aside, and a new one begun. StoreError."""
    try:
        return connect.writing(path, check)
    except StoreDamaged as damaged:
        return begun_anew(path, damaged.why)


def damaged_stores(store: Path) -> list[Path]:
    """What has been set aside, the oldest first."""
    found = store.parent.glob(f"{store.name}.damaged-*")
    return sorted(path for path in found if not path.name.endswith(_SIDES[1:]))


def begun_anew(path: Path, why: str) -> sqlite3.Connection:
    """The store, known to be damaged, is set aside; the new one. StoreError."""
    now = time.time()
    aside = _set_aside(path, now)
    last = max(_last_run(aside), int(now - _COUNTED_FROM_S) // 60)
    conn = connect.writing(path, check=False)
    with conn:
        conn.execute(_SQL["begin_from"], (last, now))
        conn.execute(_SQL["add_audit"], (now, "store-damaged", aside.name, why[:500]))
    _log.error(
        "the store is damaged: it is kept beside, and a new one is begun; what it held is missing until it is saved",
        kept=str(aside),
        why=why,
        cure=f"sqlite3 {aside} .recover | sqlite3 SAVED.db saves what can be read; look at the disk it lay on",
    )
    return conn


def _set_aside(path: Path, now: float) -> Path:
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        for side in _SIDES:
            with suppress(FileNotFoundError):
                path.with_name(path.name + side).replace(aside.with_name(aside.name + side))
    except OSError as problem:
        raise StoreError(
            f"The store {path} is damaged, and cannot be set aside as {aside.name}: {problem.strerror}.\n"
            f"Give its folder the right to write, or move it away by hand, {path.name}-wal with it."
        ) from problem
    return aside


def _last_run(aside: Path) -> int:
    """The number of the last run as far as it can be read; 0 when it cannot."""
    try:
        with closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)) as conn:
            return int(conn.execute(_SQL["newest_boot"]).fetchone()[0] or 0)
    except (sqlite3.Error, TypeError, ValueError):
        return 0
