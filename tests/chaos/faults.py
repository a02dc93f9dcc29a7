"""What is done to the hotline. Each fault returns the moment (monotonic) from which recovery is counted: that of the
fault, or, where nothing can work while it lasts (Asterisk itself frozen, all lines dead), the moment it ended."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Final, TypeAlias

from tests.chaos.house import House
from tests.chaos.site import AGENTS

Fault: TypeAlias = Callable[[House, Random], Awaitable[float]]
SILENT_S: Final = 12.0  # Longer than the bound for noticing it.


# -- the daemon --


async def kill9(at: House, _: Random) -> float:
    began = time.monotonic()
    at.daemon.send(signal.SIGKILL)
    await at.daemon.died()
    return began


async def kill9_twice(at: House, seed: Random) -> float:
    """The second time as soon as the next one works."""
    await kill9(at, seed)
    await at.daemon.started()
    await at.linked()
    return await kill9(at, seed)


async def kill9_recovering(at: House, seed: Random) -> float:
    """Three daemons in a row die at moments of their start and of their recovery."""
    began = await kill9(at, seed)
    for _ in range(3):
        await at.daemon.started()
        await asyncio.sleep(seed.uniform(0.3, 1.6))
        began = await kill9(at, seed)
    return began


async def sigterm(at: House, _: Random) -> float:
    """An upgrade: the daemon drains for as long as it may, ends, and the next one takes over."""
    at.daemon.send(signal.SIGTERM)
    await at.daemon.died()
    return time.monotonic()


async def daemon_frozen(at: House, _: Random) -> float:
    """The daemon hangs for a while and goes on: events pile up."""
    at.daemon.send(signal.SIGSTOP)
    await asyncio.sleep(8)
    at.daemon.send(signal.SIGCONT)
    return time.monotonic()


async def frozen_for_good(at: House, _: Random) -> float:
    """The daemon hangs and never wakes: whoever waits must end it."""
    began = time.monotonic()
    at.daemon.send(signal.SIGSTOP)
    await at.daemon.died()
    return began


async def handover(at: House, _: Random) -> float:
    """As for an upgrade: the active one leaves everything to the one that waits."""
    began = time.monotonic()
    async with at.web.post("/api/handover", json={}) as answer:
        assert answer.status == 200, await answer.text()
    await at.daemon.died()
    return began


# -- the store, the disk, the clock --


async def store_locked(at: House, _: Random) -> float:
    """Another program holds the store for eight seconds."""
    other = sqlite3.connect(at.site.store, isolation_level=None, timeout=5, check_same_thread=False)
    await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
    await asyncio.sleep(8)
    other.rollback()
    other.close()
    return time.monotonic()


async def store_corrupt(at: House, seed: Random) -> float:
    """The daemon dies, and when the next one comes a third of the store is not what it was: it begins a new one."""
    began = await kill9(at, seed)
    conn = sqlite3.connect(at.site.store)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # Else all may still stand in the WAL, and nothing is hurt.
    conn.close()
    size = at.site.store.stat().st_size
    with at.site.store.open("r+b") as file:
        file.seek(size // 3)
        file.write(seed.randbytes(size // 3))
    return began


async def disk_full(at: House, _: Random) -> float:
    """Not a byte is left for store, recordings, log and Asterisk, for eight seconds."""
    ballast = at.site.state / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    await at.until(lambda: _is_not(at.is_open), 10, 0.1)
    await asyncio.sleep(8)
    ballast.unlink()
    return time.monotonic()


async def clock_forward(at: House, _: Random) -> float:
    return await _step(at, 3600)


async def clock_back(at: House, _: Random) -> float:
    return await _step(at, -3600)


async def clock_forward_kill9(at: House, seed: Random) -> float:
    await _step(at, 3600)
    return await kill9(at, seed)


async def clock_back_kill9(at: House, seed: Random) -> float:
    await _step(at, -3600)
    return await kill9(at, seed)


async def _step(at: House, seconds: float) -> float:
    """Somebody sets the clock; the daemon has a second to notice."""
    began = time.monotonic()
    at.daemon.clock.write_text(str(seconds))
    async with asyncio.timeout(5):
        while "ClockStepped" not in at.events():
            await asyncio.sleep(0.1)
    return began


# -- the lines --


async def link_stranded(at: House, _: Random) -> float:
    """Everything that is connected falls silent for ever, without FIN; new connections work."""
    began = time.monotonic()
    at.ari.strand()
    at.ami.strand()
    await _noticed(at, began)
    return began


async def link_silent(at: House, _: Random) -> float:
    """No packet passes either way, of old and new connections, for a while."""
    return await _silent(at, forth=True, back=True)


async def half_open_forth(at: House, _: Random) -> float:
    """We hear Asterisk, it does not hear us."""
    return await _silent(at, forth=True, back=False)


async def half_open_back(at: House, _: Random) -> float:
    """Asterisk hears us, we do not hear it."""
    return await _silent(at, forth=False, back=True)


async def _silent(at: House, *, forth: bool, back: bool) -> float:
    began = time.monotonic()
    at.ari.silence(forth=forth, back=back)
    at.ami.silence(forth=forth, back=back)
    await _noticed(at, began)
    await asyncio.sleep(max(0.0, began + SILENT_S - time.monotonic()))
    at.ari.mend()
    at.ami.mend()
    return time.monotonic()


async def _noticed(at: House, began: float) -> None:
    """By the link to ARI, the one that calls depend on; AMI watches its own."""
    async with asyncio.timeout(30):
        while "LinkDown" not in at.events():
            await asyncio.sleep(0.05)
    at.notes.append(f"noticed after {time.monotonic() - began:.1f} s")


async def _is_not(holds: Callable[[], Awaitable[bool]]) -> bool:
    return not await holds()


async def link_cut(at: House, _: Random) -> float:
    """Every connection breaks at once."""
    began = time.monotonic()
    at.ari.cut()
    at.ami.cut()
    return began


async def slow_reader(at: House, _: Random) -> float:
    """The daemon reads 500 bytes a second, a tenth of what it is told."""
    at.ari.slow(500)
    await asyncio.sleep(10)
    at.ari.mend()
    return time.monotonic()


async def ami_down(at: House, _: Random) -> float:
    """The manager interface alone is away for a while."""
    at.ami.cut(shut=True)
    await asyncio.sleep(5)
    at.ami.mend()
    return time.monotonic()


# -- Asterisk --


async def asterisk_frozen(at: House, _: Random) -> float:
    """Asterisk stands still for eight seconds, and goes on."""
    pid = _asterisk(at)
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(8)
    os.kill(pid, signal.SIGCONT)
    return time.monotonic()


async def asterisk_killed(at: House, _: Random) -> float:
    """Asterisk dies with all its calls; its own supervisor starts it again."""
    began = time.monotonic()
    os.kill(_asterisk(at), signal.SIGKILL)
    await asyncio.to_thread(at.machine.instance.start)
    return began


async def asterisk_restarted(at: House, _: Random) -> float:
    began = time.monotonic()
    await asyncio.to_thread(at.machine.instance.cli, "core restart now")
    await at.until(lambda: _is_not(at.is_linked), 30, 0.02)
    return began


# -- the phones --


async def phone_vanished(at: House, _: Random) -> float:
    """An agent's phone loses power in the middle of a talk: no BYE, and no packet any more."""
    at.phones[AGENTS["vanishing"][0]].vanish()
    return time.monotonic()


async def nic_down(at: House, _: Random) -> float:
    """For eight seconds no phone, of callers or agents, hears or says anything: SIP and voice."""
    for phone in at.everyone:
        phone.unplug()
    await asyncio.sleep(8)
    for phone in at.everyone:
        phone.unplug(away=False)
    return time.monotonic()


def _asterisk(at: House) -> int:
    pid = at.machine.instance.pid()
    assert pid is not None
    return pid
