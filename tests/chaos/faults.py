"""What is done to the hotline. Each fault returns the moment (monotonic) from which recovery is counted: that of the
fault, or, where nothing can work while it lasts (Asterisk itself frozen, all lines dead), the moment it ended."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
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


# -- the lines --


async def link_stranded(at: House, _: Random) -> float:
    """Everything that is connected falls silent for ever, without FIN; new connections work."""
    began = time.monotonic()
    at.ari.strand()
    at.ami.strand()
    await at.until(lambda: _is_not(at.is_linked), 30, 0.02)
    at.notes.append(f"noticed after {time.monotonic() - began:.1f} s")
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
    await at.until(lambda: _is_not(at.is_linked), 30, 0.02)
    at.notes.append(f"noticed after {time.monotonic() - began:.1f} s")
    await asyncio.sleep(max(0.0, began + SILENT_S - time.monotonic()))
    at.ari.mend()
    at.ami.mend()
    return time.monotonic()


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


def _asterisk(at: House) -> int:
    pid = at.machine.instance.pid()
    assert pid is not None
    return pid
