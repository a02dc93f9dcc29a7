"""Checks a six-digit service password. Request: number, password; may be: tries_max (2), lock_s (900).

Answer: result = ok, wrong (tries_left says how many are left), locked (locked_s says how long) or unset (never set).
Wrong tries_max times: locked for lock_s seconds after the last try, then open again by itself.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping

from ari_app.errors import LookUpFailed

from .sample.customers import customer, customers, run
from .sample.passwords import matches

Answer = Mapping[str, str | int | float | bool]


async def look_up(request: Mapping[str, str], clock: Callable[[], float] = time.time) -> Answer:
    """LookUpFailed("no-such-number") when it is not one of ours."""
    with customers() as conn:
        row = customer(conn, request.get("number", ""))
        if row["password_hash"] is None:
            return _answer("unset")
        number, limits = row["number"], _limits(request)
        # Counted before it is compared: a guess that comes at the same moment, or a crash, is not a free one.
        if not run(conn, "book_try", number=number, now=clock(), **limits).rowcount:
            return _locked(row, limits, clock())
        if matches(request.get("password", ""), row["password_hash"]):
            run(conn, "forget_tries", number=number)
            return _answer("ok", tries_left=int(limits["tries_max"]))
        row = customer(conn, number)
        left = int(limits["tries_max"]) - row["tries"]
        return _answer("wrong", tries_left=left) if left > 0 else _locked(row, limits, clock())


def _limits(request: Mapping[str, str]) -> dict[str, float]:
    try:
        limits = {"tries_max": int(request.get("tries_max", "2")), "lock_s": float(request.get("lock_s", "900"))}
    except ValueError:
        limits = {}
    if not limits or not 1 <= limits["tries_max"] <= 10 or not 1 <= limits["lock_s"] <= 86_400:
        raise LookUpFailed("bad-argument")
    return limits


def _locked(row: sqlite3.Row, limits: Mapping[str, float], now: float) -> Answer:
    return _answer("locked", locked_s=max(1, round(row["tried_at"] + limits["lock_s"] - now)))


def _answer(result: str, tries_left: int = 0, locked_s: int = 0) -> Answer:
    """Always all keys: a variable of an earlier try must not stay behind."""
    return {"result": result, "tries_left": tries_left, "locked_s": locked_s}
