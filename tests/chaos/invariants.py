"""What must hold after every case (design §7), whatever was lost: nothing is left over, and the books agree."""

import asyncio
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from ari_app.store import projections
from ari_app.store.rebuild import rebuild
from tests.chaos.house import House

REST_S = 15.0
BUSY = ("reserved", "talking")


async def at_rest(at: House) -> list[str]:
    """With all phones hung up: what Asterisk and the running daemon still hold that they should not."""
    left = list[str]()
    end = time.monotonic() + REST_S
    for what, look in (("channels", _channels), ("bridges", _bridges), ("calls", _calls), ("agents", _agents)):
        found = await look(at)
        while found and time.monotonic() < end:
            await asyncio.sleep(0.1)
            found = await look(at)
        if found:
            left.append(f"{what} left: {', '.join(found[:5])}")
    async with at.web.get("/metrics") as answer:
        page = await answer.text()
    bugs = next((line for line in page.splitlines() if line.startswith("hotline_bugs")), "hotline_bugs 0")
    if float(bugs.rpartition(" ")[2]):
        left.append(bugs)
    return left


async def _channels(at: House) -> list[str]:
    return [f"{each['name']} {each['state']}" for each in await at.listing("channels")]


async def _bridges(at: House) -> list[str]:
    return [each["id"] for each in await at.listing("bridges") if not each["id"].startswith("music-")]


async def _calls(at: House) -> list[str]:
    return [f"{each['id']} {each['state']}" for each in (await at.get("/api/live"))["calls"]]


async def _agents(at: House) -> list[str]:
    agents = (await at.get("/api/agents"))["agents"]
    return [f"{each['number']} {each['state']}" for each in agents if each["state"] in BUSY]


def books(store: Path, log: str) -> list[str]:
    """With the daemon gone: rows left open or without a cause, projections that a rebuild would change, bugs logged."""
    wrong = list[str]()
    if still := rows_open(store):
        wrong.append(f"{still} rows open")
    if vague := _count(store, "closed_at IS NOT NULL AND closed_by IS NULL"):
        wrong.append(f"{vague} rows closed without a cause")
    copy = store.with_name("rebuilt.db")
    shutil.copy2(store, copy)
    live = _rows(copy)
    rebuild(copy)
    again = _rows(copy)
    wrong += [f"table {table} differs when rebuilt" for table in live if live[table] != again[table]]
    for path in copy.parent.glob("rebuilt.db*"):
        path.unlink()
    bugs = [line for line in log.splitlines() if "bug:" in line or "Traceback" in line]
    if bugs:
        wrong.append(f"log: {len(bugs)} bugs: {bugs[0][:200]}")
    return wrong


def _rows(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    conn = sqlite3.connect(store)
    try:
        return {table: conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in projections.TABLES}
    finally:
        conn.close()


def rows_open(store: Path) -> int:
    """Calls whose end nobody has noted."""
    return _count(store, "closed_at IS NULL")


def refused(store: Path) -> int:
    """New calls that the door turned away."""
    return _count(store, "refused IS NOT NULL")


def _count(store: Path, which: str) -> int:
    conn = sqlite3.connect(store)
    try:
        return int(conn.execute(f"SELECT count(*) FROM call WHERE {which}").fetchone()[0])
    finally:
        conn.close()
