"""Who gets which caller, on a real Asterisk with real SIP phones: rank, relaxation, lost offers, last agents."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ari_app.model.facts import AgentChanged, Connected, Fact, OfferEnded, OfferMade, Queued, QueueLeft
from ari_app.phones.phone import ring_only
from ari_app.store.reader import open_reader
from tests.asterisk import RunningAsterisk, running_asterisk
from tests.e2e.kit import Hotline, running_hotline, talk

QUEUE = {"ring_s": 3, "wrap_up_s": 0, "whisper": "", "recording": {"policy": "never"}}
FLOWS: dict[str, str] = {
    "ordinary": "{type: queue, queue: desk, say: []}",
    "important": "{type: queue, queue: desk, say: [], priority: 5}",
    "patient": "{type: queue, queue: expert, say: []}",
    "known": "{type: queue, queue: desk, say: [], prefer: last_agent, prefer_s: 30}",
    "wanting": "{type: queue, queue: desk, say: [], skills: network>=3, on_no_agents: sorry}",
}
SORRY = "  sorry: {type: hangup, say: [no-agents]}\n"


def changes(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    for name, node in FLOWS.items():
        (folder / f"{name}.yaml").write_text(f"start: wait\nnodes:\n  wait: {node}\n" + SORRY * ("sorry" in node))
    relax = [{"after_s": 3, "skills": {"billing": 2}}, {"after_s": 30, "skills": {"billing": 1}}]
    return {
        "paths": {"flows": str(folder)},
        "numbers": {
            **{number: {"flow": "ordinary"} for number in ("1860", "1861", "1862")},
            **{f"187{n}": {"flow": name} for n, name in enumerate(FLOWS, 1)},
        },
        "queues": {
            "desk": {**QUEUE, "skills": {"mandarin": 1}},
            "expert": {**QUEUE, "skills": "billing>=5", "relax": relax},
        },
        "agents": {"8025": {"skills": {"billing": 5, "mandarin": 5}}},
        "agent_rules": {"no_ringing_s": 2},
        "limits": {"drain_s": 0},
    }


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("distributor")
    with running_asterisk(folder, changes(folder / "flows")) as asterisk:
        yield asterisk


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()


async def timed(hotline: Hotline, first: Fact, second: Fact) -> float:
    """Seconds between two facts, by the journal."""
    await asyncio.wrap_future(hotline.daemon.journal.committed())
    with open_reader(hotline.daemon.site.store) as reader:
        at = {kept.fact: kept.at for kept in reader.facts_after(0, limit=100_000)}
    return at[second] - at[first]


async def test_an_important_caller_overtakes(hotline: Hotline) -> None:
    async with hotline.caller("13800138001") as plain, hotline.caller("13800138002") as vip:
        waiting = await plain.dial("1871")
        await hotline.wait(Queued)
        overtaking = await vip.dial("1872")
        await hotline.wait(Queued, count=2)
        async with hotline.agent("8025") as desk:
            answering = await desk.incoming()
            await talk(overtaking, answering)
            await overtaking.hangup()
            answering = await desk.incoming()
            await talk(waiting, answering)
            await waiting.hangup()
            await hotline.closed(2)
    calls = [(await hotline.opened(n)).call for n in (1, 2)]
    assert [fact.call for fact in hotline.facts if isinstance(fact, Connected)] == calls[::-1]


async def test_relaxation_reaches_the_second_best_agent_at_the_stated_second(hotline: Hotline) -> None:
    """billing>=5 has nobody; after 3 s billing>=2 is enough, which is 8026, not 8099."""
    async with hotline.agent("8099"), hotline.agent("8026") as second, hotline.caller() as caller:
        call = await caller.dial("1873")
        answering = await second.incoming()
        await talk(call, answering)
        await call.hangup()
        await hotline.closed()
    queued, offer = await hotline.wait(Queued), await hotline.wait(OfferMade)
    assert offer.agent == "8026"
    assert 3.0 <= await timed(hotline, queued, offer) < 4.0


async def test_a_lost_offer_keeps_the_place(hotline: Hotline) -> None:
    async with hotline.caller("13800138001") as one, hotline.caller("13800138002") as two:
        first = await one.dial("1871")
        await hotline.wait(Queued)
        second = await two.dial("1871")
        await hotline.wait(Queued, count=2)
        async with hotline.agent("8025", ring_only()):
            assert (await hotline.wait(OfferEnded)).outcome == "ran-out"
            await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="ring-no-answer")
            async with hotline.agent("8026") as desk:
                await talk(first, await desk.incoming())
                await first.hangup()
                await talk(second, await desk.incoming())
                await second.hangup()
                await hotline.closed(2)
    calls = [(await hotline.opened(n)).call for n in (1, 2)]
    assert [fact.call for fact in hotline.facts if isinstance(fact, OfferMade)] == [calls[0], calls[0], calls[1]]


async def test_the_last_agent_gets_his_caller_again_also_after_a_restart(exchange: RunningAsterisk) -> None:
    """8026 idles for longer, but 8025 talked to this caller, under the daemon before."""
    async with (
        running_hotline(exchange) as before,
        before.agent("8025") as desk,
        before.caller("13700137000") as caller,
    ):
        call = await caller.dial("1871")
        await talk(call, await desk.incoming())
        await call.hangup()
        await before.closed()
    async with running_hotline(exchange) as hotline, hotline.agent("8026"), hotline.agent("8025") as desk:
        async with hotline.caller("13700137000") as caller:
            call = await caller.dial("1874")
            await talk(call, await desk.incoming())
            await call.hangup()
            await hotline.closed()
        assert (await hotline.wait(Connected)).agent == "8025"


async def test_nobody_left_with_the_skills_and_the_caller_is_told_at_once(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        async with hotline.agent("8026", ready=False):
            call = await caller.dial("1875")
            await hotline.wait(Queued)
        await call.wait_ended(20)
        assert call.ended_by == "them"
        left = await hotline.wait(QueueLeft)
        assert left.outcome == "no-agents" and left.wait_s > 0
        await hotline.closed()
