"""Measuring phones beside the load: one caller at a time, one agent with a caller always waiting for him.

They share this process's event loop; `lag_ms` says how late it ran, which is how far their figures can be off.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from ari_app.bench.house import MEASURED, PROBE, WAITING, House, next_prompt
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.measure import Timings, measure_call
from ari_app.phones.phone import Phone, answer_after
from ari_app.phones.sip import PhoneError
from ari_app.site import Site

CALLER: Final = "13800138000"
WAITER: Final = "13800138001"
LISTEN_S: Final = 0.4  # Of the greeting, before the key.
CALL_PAUSE_S: Final = 0.4
ROUND_PAUSE_S: Final = 0.7  # Room for a declined offer to come back as "not ready"; 40 rounds in half a minute.
LAG_EVERY_S: Final = 0.02
SCRAPE_EVERY_S: Final = 15.0  # What Prometheus' own sample configuration says.
LAG_LOOK_S: Final = 0.5
WAITERS: Final = 3  # One has just been served and dials again; two wait.
FREED_TALK_S: Final = 0.15
FREED_S_MAX: Final = 10.0


@dataclass
class Measured:
    """What the phones measured, in milliseconds; `troubles` says what went wrong, a line each."""

    calls: list[Timings] = field(default_factory=list)
    ready_to_ring: list[float] = field(default_factory=list)  # HTTP reply read → INVITE at the phone.
    asked_to_ring: list[float] = field(default_factory=list)  # HTTP request sent → INVITE at the phone.
    lag_ms: list[float] = field(default_factory=list)  # Lateness of this process's event loop.
    daemon_lag_ms: list[float] = field(default_factory=list)  # hotline_loop_lag_seconds, every SCRAPE_EVERY_S.
    troubles: list[str] = field(default_factory=list)


@asynccontextmanager
async def probing(house: House, measured: Measured) -> AsyncIterator[None]:
    """Measure for as long as the block lasts."""
    headers = {"Authorization": f"Bearer {house.site.secrets.api_token}"}
    async with aiohttp.ClientSession(house.site.api_url, headers=headers) as api:
        work = (_callers(house, measured), _agent(house, api, measured), _lag(measured), _scrapes(api, measured))
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    measured.troubles.append(f"{type(ended).__name__}: {ended}")


async def _callers(house: House, measured: Measured) -> None:
    """One call after another into the flow of the load: first sound, key, next prompt."""
    prompt = b"".join(audio.read_wav(next_prompt(house.site.sounds))[1][:1])
    async with Phone(CALLER, None, house.server) as phone:

        async def once() -> None:
            timings = await measure_call(phone, MEASURED, "1", listen_s=LISTEN_S, prompt=prompt)
            measured.calls.append(timings)
            phone.calls.clear()
            await asyncio.sleep(CALL_PAUSE_S)

        await _for_ever(once, measured)


async def _agent(house: House, api: aiohttp.ClientSession, measured: Measured) -> None:
    """Ready, rung, declined (which makes the agent not ready, and the caller keeps his place), and again."""
    password = house.site.secrets.phones["probe"]
    async with (
        Phone("probe", password, house.server, register=True) as desk,
        Phone(WAITER, None, house.server) as waiter,
    ):
        desk.on_invite = _decline
        await _ask(api, "sign-in")
        waiting = await waiter.dial(WAITING)
        await waiting.wait_answered()

        async def once() -> None:
            await asyncio.sleep(ROUND_PAUSE_S)
            sent = time.monotonic()
            message = await _ask(api, "ready")
            replied = time.monotonic()
            if message != "ready":
                return  # The offer before is not over yet.
            rung = await desk.incoming(5)
            assert rung.invite_at is not None
            measured.ready_to_ring.append(1000 * (rung.invite_at - replied))
            measured.asked_to_ring.append(1000 * (rung.invite_at - sent))
            desk.calls.clear()

        await _for_ever(once, measured)


async def freed(site: Site, found_ms: list[float], *, signs_in: bool) -> None:
    """For ever: one agent with callers waiting for him hangs up; from his BYE to the next INVITE at his phone.

    `signs_in`: as an agent of the hotline; a member of app_queue is one by its configuration.
    """
    server = (site.settings.asterisk.sip_listen, site.settings.asterisk.sip_port)
    async with Phone("probe", site.secrets.phones["probe"], server, register=True) as desk, AsyncExitStack() as stack:
        desk.on_invite = answer_after(0)
        if signs_in:
            headers = {"Authorization": f"Bearer {site.secrets.api_token}"}
            api = await stack.enter_async_context(aiohttp.ClientSession(site.api_url, headers=headers))
            await _ask(api, "sign-in")
            await _ask(api, "ready")
        served = {f"{WAITER}{n}": asyncio.Event() for n in range(WAITERS)}
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for number, event in served.items():
            tasks.create_task(_keeps_waiting(await stack.enter_async_context(Phone(number, None, server)), event))
        free_at = None
        while True:
            rung = await desk.incoming(FREED_S_MAX)
            if free_at is not None and rung.invite_at is not None:
                found_ms.append(1000 * (rung.invite_at - free_at))
            await rung.wait_answered()
            await asyncio.sleep(FREED_TALK_S)
            free_at = time.monotonic()
            await rung.hangup()
            served[rung.caller].set()
            desk.calls.clear()


async def _keeps_waiting(waiter: Phone, served: asyncio.Event) -> None:
    """In line, and again as soon as he was served: whatever he would hear then does not keep him."""
    while True:
        waiting = await waiter.dial(WAITING)
        await served.wait()
        served.clear()
        await waiting.hangup()
        waiter.calls.clear()


async def lags(site: Site, found_ms: list[float]) -> None:
    """For ever: the daemon's own word on how late its loop ran."""
    headers = {"Authorization": f"Bearer {site.secrets.api_token}"}
    async with aiohttp.ClientSession(site.api_url, headers=headers) as api:
        while True:
            await asyncio.sleep(LAG_LOOK_S)
            found_ms += await _lag_said(api)


async def _lag_said(api: aiohttp.ClientSession) -> list[float]:
    async with api.get("/metrics") as response:
        page = await response.text()
    values = (line.split()[-1] for line in page.splitlines() if line.startswith("hotline_loop_lag_seconds "))
    return [1000 * float(value) for value in values]


async def _decline(call: Call) -> None:
    call.reject(486)


async def _ask(api: aiohttp.ClientSession, wish: str) -> str:
    async with api.post(f"/api/agents/{PROBE}/{wish}") as response:
        answer = await response.json()
    return str(answer.get("message", answer))


async def _for_ever(once: Callable[[], Awaitable[None]], measured: Measured) -> None:
    while True:
        try:
            await once()
        except (TimeoutError, PhoneError, aiohttp.ClientError) as trouble:
            measured.troubles.append(f"{type(trouble).__name__}: {trouble}")
            await asyncio.sleep(ROUND_PAUSE_S)


async def _lag(measured: Measured) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(LAG_EVERY_S)
        measured.lag_ms.append(1000 * (time.monotonic() - before - LAG_EVERY_S))


async def _scrapes(api: aiohttp.ClientSession, measured: Measured) -> None:
    """As Prometheus would."""

    async def once() -> None:
        await asyncio.sleep(SCRAPE_EVERY_S)
        measured.daemon_lag_ms += await _lag_said(api)

    await _for_ever(once, measured)
