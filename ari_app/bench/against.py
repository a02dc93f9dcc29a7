"""`hotline bench calls --against native`: the same SIPp callers and agents on Asterisk's own queue and on ours.

One side after the other, each at rising rates until calls are lost:
- clean_rate: the highest rate, calls a second, at which ≥ 99 % of the calls placed were connected to an agent
  (natively: completed by app_queue; ours: the fact Connected), all lower rates being clean too. 0: not even the lowest.
  A rate is held for twice as long as a call lasts, so that its cost cannot be put off till after the step. Between the
  last clean rate and the first that is not, the middle is tried.
- *_cpu_ms_per_call: CPU of the whole process at the lowest rate, divided by the calls placed; what it takes when idle
  (`*_cpu_ms_per_s_idle`) is in it. loop_lag_ms: hotline_loop_lag_seconds (its worst recent lateness), read twice a
  second meanwhile.
- free_to_ring_ms: an agent's BYE → the next INVITE at his phone, callers waiting; one agent of a queue of his own,
  beside the load at the lowest rate once more.
- rss_mb_at_200: memory in RAM with that many calls talking (`live`): ours is the daemon's, natively it is Asterisk's;
  asterisk_rss_mb_at_200 is Asterisk's on either side.
Both record every call; no notice is played. What app_queue cannot do is measured by itself: `hotline` does what it
does, `hotline_number` has the work number announced as well (4 s, which outlast the talk), `hotline_lines` is the
sample's way, with callers' lines analysed besides.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ari_app.bench import figures
from ari_app.bench.calls import KEY_AFTER_S, RING_S, SPARE_AGENTS, Say, sign_in
from ari_app.bench.house import NUMBER, Changes, House, Scale, house
from ari_app.bench.native import native
from ari_app.bench.probes import freed, lags
from ari_app.bench.tally import Calls
from ari_app.errors import HotlineError
from ari_app.phones import sipp
from ari_app.phones.sipp import Agents, Callers, run_agents, run_callers
from ari_app.provision.install import Install
from ari_app.site import Site

CLEAN: Final = 0.99
LIVE_RATE: Final = 40.0  # At which the calls for the memory come in.
SETTLE_S: Final = 15.0
IDLE_S: Final = 3.0
POLL_S: Final = 0.25
NO_LINES: Final[Changes] = {"line": {"lines_max": 0}}
RECORDED: Final = {"skills": {"billing": 1}, "wrap_up_s": 0, "recording": {"policy": "always"}}
NO_NUMBER: Final = {**RECORDED, "announce_work_number": False}
OURS: Final[dict[str, Changes]] = {
    "hotline": {"queues": {"billing": NO_NUMBER}, **NO_LINES},
    "hotline_number": {"queues": {"billing": RECORDED}, **NO_LINES},
    "hotline_lines": {"queues": {"billing": RECORDED}},
}


@dataclass(frozen=True)
class Ladder:
    """`rates` rising, `seconds` each (the first, where costs are measured: `long_s`); `live` calls for the memory."""

    rates: tuple[float, ...] = (10, 20, 30, 40, 50, 60, 80)
    seconds: float = 10.0
    long_s: float = 10.0
    live: int = 200
    stay_s: float = 3.5  # From the key to the caller's hang-up.

    @property
    def scale(self) -> Scale:
        """1.5 times the agents the highest rate keeps talking, and one for each of the live calls."""
        most = max(self.rates)
        talking = max(math.ceil(1.5 * most * self.stay_s), self.live)
        return Scale(talking + SPARE_AGENTS, max(math.ceil(most * (KEY_AFTER_S + self.stay_s + 1)), self.live))


class Side(Protocol):
    """What is measured: where it answers, its processes, how many calls it has connected."""

    @property
    def site(self) -> Site: ...
    @property
    def server(self) -> tuple[str, int]: ...
    @property
    def agents_port(self) -> int: ...
    @property
    def echo_port(self) -> int: ...
    @property
    def asterisk_pid(self) -> int: ...
    def bridged(self) -> int: ...
    def idle(self) -> bool: ...


@dataclass(frozen=True)
class Ours:
    """The hotline as a Side."""

    house: House
    calls: Calls

    @property
    def site(self) -> Site:
        return self.house.site

    @property
    def server(self) -> tuple[str, int]:
        return self.house.server

    @property
    def agents_port(self) -> int:
        return self.house.agents_port

    @property
    def echo_port(self) -> int:
        return self.house.echo_port

    @property
    def asterisk_pid(self) -> int:
        return self.house.asterisk_pid

    def bridged(self) -> int:
        self.calls.read()
        return len(self.calls.connected & self.calls.closed)

    def idle(self) -> bool:
        """Nobody is on the line, and nothing waits to be written."""
        self.calls.read()
        return self.calls.opened == self.calls.closed and not self.house.instance.status().channels


@dataclass
class Run:
    """One side's figures as they come."""

    side: Side
    daemon_pid: int | None
    ladder: Ladder
    say: Say
    steps: list[dict[str, Any]] = field(default_factory=list)
    clean_rate: float = 0.0

    async def all(self) -> dict[str, Any]:
        """Idle; the first rate, and again with the measuring agent beside it; the memory; then up the ladder."""
        ladder, freed_ms, lag_ms = self.ladder, list[float](), list[float]()
        async with run_agents(Agents(self.side.agents_port, RING_S, media_port=self.side.echo_port)):
            idle = await self._idle()
            async with self._beside(*([] if self.daemon_pid is None else [lags(self.side.site, lag_ms)])):
                first = await self._step(ladder.rates[0], ladder.long_s)
            async with self._beside(freed(self.side.site, freed_ms, signs_in=self.daemon_pid is not None)):
                await self._step(ladder.rates[0], ladder.long_s)
            memory = await self._memory()
            await self._climb()
        return {
            "clean_rate": self.clean_rate,
            "free_to_ring_ms": figures.percentiles(freed_ms, 50, 99),
            "free_to_ring_measured": len(freed_ms),
            "asterisk_cpu_ms_per_call": first["asterisk_cpu_ms_per_call"],
            "daemon_cpu_ms_per_call": first["daemon_cpu_ms_per_call"],
            **memory,
            "loop_lag_ms": figures.percentiles(lag_ms, 50, 99),
            **idle,
            "steps": self.steps,
        }

    async def _climb(self) -> None:
        if not all(step["clean"] for step in self.steps):
            return
        for rate in self.ladder.rates[1:]:
            before = self.clean_rate
            if not (await self._step(rate, self.ladder.seconds))["clean"]:
                await self._step((before + rate) / 2, self.ladder.seconds)
                return

    @asynccontextmanager
    async def _beside(self, *measuring: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(one) for one in measuring]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    self.say(f"measuring: {type(ended).__name__}: {ended}")

    def _cpu(self) -> tuple[float, float]:
        """Seconds of Asterisk and daemon."""
        daemon = 0.0 if self.daemon_pid is None else figures.cpu_s(self.daemon_pid)
        return figures.cpu_s(self.side.asterisk_pid), daemon

    async def _idle(self) -> dict[str, float]:
        before = self._cpu()
        await asyncio.sleep(IDLE_S)
        used = [round(1000 * (b - a) / IDLE_S, 1) for a, b in zip(before, self._cpu(), strict=True)]
        return {"asterisk_cpu_ms_per_s_idle": used[0], "daemon_cpu_ms_per_s_idle": used[1]}

    async def _step(self, rate: float, seconds: float) -> dict[str, Any]:
        before, cpu = await asyncio.to_thread(self.side.bridged), self._cpu()
        load = await run_callers(
            self.side.server, Callers(NUMBER, rate, seconds, key_after_s=KEY_AFTER_S, stay_s=self.ladder.stay_s)
        )
        bridged = await self._bridged(before, load.placed)
        asterisk, daemon = (1000 * (b - a) / max(1, load.placed) for a, b in zip(cpu, self._cpu(), strict=True))
        step = {
            "rate": rate,
            "placed": load.placed,
            "bridged": bridged,
            "clean": bridged >= CLEAN * load.placed,
            "callers_failed": load.failed,
            "asterisk_cpu_ms_per_call": round(asterisk, 2),
            "daemon_cpu_ms_per_call": round(daemon, 2),
        }
        self.steps.append(step)
        if step["clean"]:
            self.clean_rate = rate
        self.say(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in step.items()))
        return step

    async def _bridged(self, before: int, placed: int) -> int:
        """Of the calls placed, those connected and over; waits for the last ones."""
        end = asyncio.get_running_loop().time() + SETTLE_S
        while True:
            bridged = await asyncio.to_thread(self.side.bridged) - before
            if bridged >= placed or asyncio.get_running_loop().time() > end:
                return bridged
            if await asyncio.to_thread(self.side.idle):
                return await asyncio.to_thread(self.side.bridged) - before
            await asyncio.sleep(POLL_S)

    async def _memory(self) -> dict[str, float | int | None]:
        """With `live` calls talking at once."""
        live, seconds = self.ladder.live, self.ladder.live / LIVE_RATE
        before = await asyncio.to_thread(self.side.bridged)
        talking = Callers(NUMBER, LIVE_RATE, seconds, key_after_s=KEY_AFTER_S, stay_s=seconds + 2)
        load = asyncio.create_task(run_callers(self.side.server, talking))
        await asyncio.sleep(seconds + KEY_AFTER_S + 1)
        asterisk = figures.rss_mb(self.side.asterisk_pid)
        daemon = None if self.daemon_pid is None else figures.rss_mb(self.daemon_pid)
        bridged = await self._bridged(before, (await load).placed)
        self.say(
            f"{live} calls at once, {bridged} of them connected: Asterisk {asterisk} MiB, daemon {daemon or 0} MiB"
        )
        return {
            "rss_mb_at_200": asterisk if daemon is None else daemon,
            "asterisk_rss_mb_at_200": asterisk,
            "live": bridged,
        }


def bench_against(
    site: Site, install: Install, ladder: Ladder, say: Say, *, sides: Collection[str] = tuple(OURS)
) -> dict[str, Any]:
    """Native, then `sides` of ours. HotlineError when it cannot be run."""
    if not sipp.available():
        raise HotlineError("sipp is not installed; try: apt-get install sip-tester")
    here = figures.machine()
    found: dict[str, Any] = {"native": _native(site, install, ladder, say)}
    for side in sides:
        found[side] = _ours(site, install, ladder, say, side)
    return {
        **found,
        "ratio": {
            name + side.removeprefix("hotline"): _ratio(found[side], found["native"], figure)
            for name, figure in (("clean_rate", "clean_rate"), ("asterisk_cpu", "asterisk_cpu_ms_per_call"))
            for side in sides
        },
        "agents": ladder.scale.agents,
        "stay_s": ladder.stay_s,
        "asterisk_version": str(install.version),
        **here,
    }


def _ratio(one: dict[str, Any], other: dict[str, Any], figure: str) -> float | None:
    return round(one[figure] / other[figure], 2) if other[figure] else None


def _native(site: Site, install: Install, ladder: Ladder, say: Say) -> dict[str, Any]:
    say(f"native: Asterisk {install.version} with app_queue and {ladder.scale.agents} agents")
    with native(site, install, ladder.scale) as running:
        return asyncio.run(Run(running, None, ladder, say).all())


def _ours(site: Site, install: Install, ladder: Ladder, say: Say, side: str) -> dict[str, Any]:
    with house(site, install, ladder.scale, OURS[side]) as running:
        say(f"{side}, line analysis {'on' if running.listens else 'off'}: daemon pid {running.daemon.pid}")

        async def measured() -> dict[str, Any]:
            await sign_in(running, ladder.scale.numbers)
            return await Run(Ours(running, Calls(running.site.store)), running.daemon.pid, ladder, say).all()

        return asyncio.run(measured())
