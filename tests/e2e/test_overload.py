"""Overload: a daemon that runs late refuses new calls by itself, and lets them in again; running calls feel nothing."""

import asyncio
import time

from ari_app.model.facts import CallRefused, Connected
from tests.e2e.kit import Hotline, talk
from tests.e2e.test_calls import to_queue


async def door_is(hotline: Hotline, reason: str) -> None:
    async with asyncio.timeout(20):
        while hotline.daemon.door != reason:
            await asyncio.sleep(0.02)


async def test_a_late_daemon_refuses_new_calls_until_it_keeps_up_again(hotline: Hotline) -> None:
    async with hotline.agent("8025") as agent, hotline.caller() as caller:
        first = await to_queue(caller)
        leg = await agent.incoming(10)
        await hotline.wait(Connected)
        await talk(first, leg)
        time.sleep(2.5)  # The fault: something blocks the event loop.
        await door_is(hotline, "lag_ms_max")
        async with hotline.caller("13800000009") as late:
            call = await late.dial("1860")
            refused = await hotline.wait(CallRefused)
            assert refused.reason == "lag_ms_max"
            await call.wait_silence_end(5)  # It is told.
            await call.hangup()
        await talk(first, leg)
        await door_is(hotline, "")
        page = hotline.daemon.desk.metrics().decode()
        assert 'hotline_calls_refused_total{reason="lag_ms_max"} 1.0' in page
        assert 'hotline_limit_reached_total{limit="lag_ms_max"} 1.0' in page
        async with hotline.caller("13800000008") as welcome:
            call = await welcome.dial("1860")
            opened = await hotline.opened(3)
            await call.wait_silence_end(5)
            assert not [f for f in hotline.facts if isinstance(f, CallRefused) and f.call == opened.call]
            await call.hangup()
        await first.hangup()
        await hotline.closed(count=3)
