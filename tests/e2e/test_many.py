"""Ten calls at once: each agent talks to one caller, each pair hears its own tones, each call is recorded."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from ari_app.model.facts import Connected, RecordingStored
from tests.asterisk import RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, running_hotline, talk
from tests.e2e.test_calls import to_queue

TEN = range(10)


@pytest.fixture(scope="module")
def big_exchange(tmp_path_factory: pytest.TempPathFactory):
    agents = {f"70{n:02d}": {"phone": f"p70{n:02d}", "skills": {"billing": 3}} for n in TEN}
    phones = {f"p70{n:02d}": {} for n in TEN}
    changes = merged(CHANGES, {"agents": agents, "phones": phones})
    with running_asterisk(tmp_path_factory.mktemp("ten"), changes) as asterisk:
        yield asterisk


@pytest.mark.timeout(120)
async def test_ten_calls_at_once(big_exchange: RunningAsterisk) -> None:
    async with running_hotline(big_exchange) as hotline, AsyncExitStack() as stack:
        desks = [await stack.enter_async_context(hotline.agent(f"70{n:02d}")) for n in TEN]
        callers = [await stack.enter_async_context(hotline.caller(f"1380000{n:04d}")) for n in TEN]

        async def answer(n: int) -> None:
            answering = await desks[n].incoming(20)
            caller = next(c for c in callers if c.user == answering.caller)
            await talk(caller.calls[0], answering, 1.0, (500 + 20 * n, 1000 + 20 * n))
            caller.calls[0].hush()
            await answering.hangup()

        calls = [asyncio.create_task(to_queue(caller)) for caller in callers]
        await asyncio.gather(*(answer(n) for n in TEN))
        for placed in await asyncio.gather(*calls):
            await placed.wait_ended(60)
        await hotline.closed(count=10, timeout_s=60)
        assert len({fact.agent for fact in hotline.facts if isinstance(fact, Connected)}) == 10
        await hotline.wait(RecordingStored, count=10)
        await hotline.at_rest()
