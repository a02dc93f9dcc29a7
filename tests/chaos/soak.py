"""`python -m tests.chaos.soak`: callers come for a long time, hang up wherever they are, and the daemon dies once a
minute. Last a line of JSON: calls, what was lost, what is stuck, how memory grows, whether the books agree."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ari_app.phones.sipp import Callers, Running, run_agents, running_callers
from tests.chaos import invariants
from tests.chaos.house import SIPP_MEDIA, House, house, machine
from tests.chaos.run import PATIENCE_S, load_agents, load_phones
from tests.chaos.site import MENU

STAYS_S: Final = (0.2, 1.5, 3.0, 8.0)  # From the key to the hang-up: in the menu, in the queue, ringing, in the talk.
LOOK_S: Final = 0.5


@dataclass
class Soak:
    """What is seen meanwhile. `daemon`: its size at the end of each life; `asterisk`: over time, both in MB."""

    kills: int = 0
    signed_out: int = 0
    back_s: list[float] = field(default_factory=list)
    daemon: list[tuple[float, float]] = field(default_factory=list)
    asterisk: list[tuple[float, float]] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=5, help="calls a second (default 5)")
    parser.add_argument("--kill-every-s", type=float, default=60)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Asterisk is stopped on the way out.
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, machine(Path(folder), own_disk=False) as here:
        found = asyncio.run(_soak(here, given))
    print(json.dumps(found))
    return 0 if not found["stuck"] and not found["calls_lost"] else 1


async def _soak(here: Any, given: argparse.Namespace) -> dict[str, Any]:
    seconds, seen = 60 * given.minutes, Soak()
    async with house(here, "soak") as at:
        async with _callers(at, given.rate, seconds) as running:
            await _meanwhile(at, seen, seconds, given.kill_every_s)
        stuck = await invariants.at_rest(at)
        if any(states := await at.leave()):
            stuck.append(f"the daemon ended with {states}")
        stuck += invariants.books(at.site.store, at.logs())
        refused = invariants.refused(at.site.store)
    loads = [each.load for each in running if each.load is not None]
    hung_up_on, failed = sum(load.hung_up_on for load in loads), sum(load.failed for load in loads)
    return {
        "minutes": given.minutes,
        "rate": given.rate,
        "calls": sum(load.placed for load in loads),
        "kills": seen.kills,
        "back_s_max": round(max(seen.back_s, default=0.0), 2),
        "calls_lost": max(0, hung_up_on - refused) + failed,
        "refused": refused,
        "agents_signed_out": seen.signed_out,
        "daemon_mb_per_life": round(_slope(seen.daemon), 3),
        "asterisk_mb_per_minute": round(60 * _slope(seen.asterisk), 3),
        "daemon_mb": round(seen.daemon[-1][1], 1) if seen.daemon else None,
        "stuck": stuck,
    }


@asynccontextmanager
async def _callers(at: House, rate: float, seconds: float) -> AsyncIterator[list[Running]]:
    """Agents, and callers of each kind of patience."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(run_agents(load_phones(at), seconds + 120))
        await load_agents(at)
        media = at.machine.first_port + SIPP_MEDIA
        plans = [
            Callers(
                MENU, rate / len(STAYS_S), seconds + 60, stay_s=stay_s, answer_s=PATIENCE_S, media_port=media + 36 * n
            )
            for n, stay_s in enumerate(STAYS_S)
        ]
        yield [await stack.enter_async_context(running_callers(at.sip, plan)) for plan in plans]


async def _meanwhile(at: House, seen: Soak, seconds: float, kill_every_s: float) -> None:
    """Kill, look, and sign in whoever a new daemon does not know."""
    began = time.monotonic()
    next_kill, next_word = began + kill_every_s, began
    while (now := time.monotonic()) < began + seconds:
        if now >= next_kill and now < began + seconds - 10:
            seen.daemon.append((seen.kills, _mb(at.daemon.pid)))
            await _kill(at, seen)
            next_kill += kill_every_s
        seen.asterisk.append((now, _mb(at.machine.instance.pid() or os.getpid())))
        if now >= next_word:
            next_word += 60
            line = f"{now - began:6.0f} s: {seen.kills} kills, Asterisk {seen.asterisk[-1][1]:.0f} MB"
            print(f"{line}, daemon {_mb(at.daemon.pid):.0f} MB", flush=True)
        await asyncio.sleep(LOOK_S)


async def _kill(at: House, seen: Soak) -> None:
    died = time.monotonic()
    at.daemon.send(signal.SIGKILL)
    await at.daemon.died()
    seen.kills += 1
    seen.back_s.append(await at.linked() - died)
    print(f"        killed; back after {seen.back_s[-1]:.1f} s", flush=True)
    seen.signed_out += await load_agents(at)


def _mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _slope(points: list[tuple[float, float]]) -> float:
    """Least squares over the second half, when the first calls have been."""
    half = points[len(points) // 2 :]
    if len(half) < 2:
        return 0.0
    x_mean, y_mean = (sum(column) / len(half) for column in zip(*half, strict=True))
    below = sum((x - x_mean) ** 2 for x, _ in half)
    return sum((x - x_mean) * (y - y_mean) for x, y in half) / below if below else 0.0


if __name__ == "__main__":
    sys.exit(main())
