"""Who gets which caller, on a real Asterisk with real SIP phones: rank, relaxation, lost offers, last agents."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari_app.config.load import load_settings
from ari_app.model.audit import AgentForced, SurgeStepTaken, SurgeStepUndone
from ari_app.model.effects import RecordMessage
from ari_app.model.facts import AgentChanged, Connected, Fact, OfferEnded, OfferMade, Queued, QueueLeft
from ari_app.model.ids import AgentId
from ari_app.model.wishes import ForceAsked, SurgeAsked
from ari_app.model.work import ItemAsked, MessageStored
from ari_app.phones.phone import ring_only
from ari_app.store.reader import open_reader
from ari_app.store.work import items
from tests.asterisk import REPOSITORY, RunningAsterisk, running_asterisk
from tests.e2e.kit import Hotline, running_hotline, talk

QUEUE = {"ring_s": 3, "wrap_up_s": 0, "whisper": "", "recording": {"policy": "never"}}
FLOWS: dict[str, str] = {
    "ordinary": "{type: queue, queue: desk, say: []}",
    "important": "{type: queue, queue: desk, say: [], priority: 5}",
    "patient": "{type: queue, queue: expert, say: []}",
    "known": "{type: queue, queue: desk, say: [], prefer: last_agent, prefer_s: 30}",
    "swamped": "{type: queue, queue: storm, say: []}",
    "careful": "{type: queue, queue: owing, say: []}",
    "wanting": "{type: queue, queue: desk, say: [], skills: network>=3, on_no_agents: sorry}",
}
NUMBER = {name: f"187{n}" for n, name in enumerate(FLOWS, 1)}
LEAVING = "start: speak\nnodes:\n  speak: {type: voicemail, max_s: 20, next: bye}\n  bye: {type: hangup, say: []}\n"
SORRY = "  sorry: {type: hangup, say: [no-agents]}\n"


def changes(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    for name, node in FLOWS.items():
        (folder / f"{name}.yaml").write_text(f"start: wait\nnodes:\n  wait: {node}\n" + SORRY * ("sorry" in node))
    (folder / "leaving.yaml").write_text(LEAVING)
    relax = [{"after_s": 3, "skills": {"billing": 2}}, {"after_s": 30, "skills": {"billing": 1}}]
    return {
        "paths": {"flows": str(folder)},
        "numbers": {
            **{number: {"flow": "ordinary"} for number in load_settings(REPOSITORY / "config.yaml").numbers},
            **{NUMBER[name]: {"flow": name} for name in FLOWS},
            "1880": {"flow": "leaving"},
        },
        "boxes": {"general": {"skills": {"mandarin": 1}, "offered": True, "ring_s": 3, "again_s": 600}},
        "queues": {
            "desk": {**QUEUE, "skills": {"mandarin": 1}},
            "storm": {**QUEUE, "skills": {"rescue": 1}},
            "owing": {**QUEUE, "skills": {"mandarin": 1}, "wrap_up_s": 2, "disposition_required": True},
            "expert": {**QUEUE, "skills": "billing>=5", "relax": relax},
        },
        "agents": {"8025": {"skills": {"billing": 5, "mandarin": 5}}},
        "agent_rules": {"no_ringing_s": 2, "ran_out_max": 2, "ran_out_pause_s": 1, "phone_back_ready": True},
        "skills": {"rescue": "steps in when too many wait"},
        "surge": {
            "armed": False,
            "waiting": 0,
            "rush": 50,
            "for_s": 2,
            "groups": {"helpers": ["8026"]},
            "steps": [{"name": "helpers", "agents": ["helpers"], "skills": {"rescue": 2}}],
        },
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
    await asyncio.wrap_future(hotline.daemon.loop.committed())
    with open_reader(hotline.daemon.site.store) as reader:
        at = {kept.fact: kept.at for kept in reader.facts_after(0, limit=100_000)}
    return at[second] - at[first]


async def test_an_important_caller_overtakes(hotline: Hotline) -> None:
    async with hotline.caller("13800138001") as plain, hotline.caller("13800138002") as vip:
        waiting = await plain.dial(NUMBER["ordinary"])
        await hotline.wait(Queued)
        overtaking = await vip.dial(NUMBER["important"])
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
        call = await caller.dial(NUMBER["patient"])
        answering = await second.incoming()
        await talk(call, answering)
        await call.hangup()
        await hotline.closed()
    queued, offer = await hotline.wait(Queued), await hotline.wait(OfferMade)
    assert offer.agent == "8026"
    assert 3.0 <= await timed(hotline, queued, offer) < 4.0


async def test_a_lost_offer_keeps_the_place(hotline: Hotline) -> None:
    """The first may run out, the agent stays ready; after the second he is not ready, and another takes the call."""
    async with hotline.caller("13800138001") as one, hotline.caller("13800138002") as two:
        first = await one.dial(NUMBER["ordinary"])
        await hotline.wait(Queued)
        second = await two.dial(NUMBER["ordinary"])
        await hotline.wait(Queued, count=2)
        async with hotline.agent("8025", ring_only()):
            await hotline.wait(AgentChanged, agent="8025", state="ready", reason="ring-no-answer")
            await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="ring-no-answer", timeout_s=20)
            assert [f.outcome for f in hotline.facts if isinstance(f, OfferEnded)] == ["ran-out", "ran-out"]
            async with hotline.agent("8026") as desk:
                await talk(first, await desk.incoming())
                await first.hangup()
                await talk(second, await desk.incoming())
                await second.hangup()
                await hotline.closed(2)
    calls = [(await hotline.opened(n)).call for n in (1, 2)]
    assert [fact.call for fact in hotline.facts if isinstance(fact, OfferMade)] == [
        calls[0],
        calls[0],
        calls[0],
        calls[1],
    ]


async def test_the_last_agent_gets_his_caller_again_also_after_a_restart(exchange: RunningAsterisk) -> None:
    """8026 idles for longer, but 8025 talked to this caller, under the daemon before."""
    async with (
        running_hotline(exchange) as before,
        before.agent("8025") as desk,
        before.caller("13700137000") as caller,
    ):
        call = await caller.dial(NUMBER["ordinary"])
        await talk(call, await desk.incoming())
        await call.hangup()
        await before.closed()
    async with running_hotline(exchange) as hotline, hotline.agent("8026"), hotline.agent("8025") as desk:
        async with hotline.caller("13700137000") as caller:
            call = await caller.dial(NUMBER["known"])
            await talk(call, await desk.incoming())
            await call.hangup()
            await hotline.closed()
        assert (await hotline.wait(Connected)).agent == "8025"


async def test_nobody_left_with_the_skills_and_the_caller_is_told_at_once(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        async with hotline.agent("8026", ready=False):
            call = await caller.dial(NUMBER["wanting"])
            await hotline.wait(Queued)
        await call.wait_ended(20)
        assert call.ended_by == "them"
        left = await hotline.wait(QueueLeft)
        assert left.outcome == "no-agents" and left.wait_s > 0
        await hotline.closed()


async def test_a_surge_step_adds_an_agent_and_takes_it_back(hotline: Hotline) -> None:
    """Nobody may serve the caller until the step, which the plan takes after 2 s; calm for 2 s, it is undone."""
    skills = hotline.daemon.loop.board.floor.engine.skills
    own = dict(skills[AgentId("8026")])
    async with hotline.agent("8026") as desk, hotline.caller() as caller:
        call = await caller.dial(NUMBER["swamped"])
        await hotline.wait(Queued)
        await supervise(hotline, SurgeAsked("arm", AgentId("8026"), "proved by a test"))
        taken = await hotline.wait(SurgeStepTaken)
        assert (taken.by, taken.agents, taken.waiting) == ("plan", ("8026",), 1)
        await talk(call, await desk.incoming())
        undone = await hotline.wait(SurgeStepUndone)
        assert undone.by == "plan" and skills[AgentId("8026")] == own
        await call.hangup()
        await hotline.closed()
        again = await caller.dial(NUMBER["swamped"])
        await hotline.wait(Queued, count=2)
        await supervise(hotline, SurgeAsked("disarm", AgentId("8026"), "proved by a test"))
        assert len([fact for fact in hotline.facts if isinstance(fact, OfferMade)]) == 1
        await again.hangup()
        await hotline.closed(2)
    assert await timed(hotline, taken, undone) >= 2


async def test_a_surge_step_by_hand_and_a_drill(hotline: Hotline) -> None:
    async with hotline.agent("8026") as desk, hotline.caller() as caller:
        call = await caller.dial(NUMBER["swamped"])
        await hotline.wait(Queued)
        await supervise(hotline, SurgeAsked("drill", AgentId("8026"), "yearly"))
        await supervise(hotline, SurgeAsked("step", AgentId("8026"), "yearly"))
        assert (await hotline.wait(SurgeStepTaken)).drill
        await supervise(hotline, SurgeAsked("end-drill", AgentId("8026"), "yearly"))
        assert not [fact for fact in hotline.facts if isinstance(fact, OfferMade)]
        await supervise(hotline, SurgeAsked("step", AgentId("8026"), "storm"))
        await talk(call, await desk.incoming())
        await supervise(hotline, SurgeAsked("undo", AgentId("8026"), "over"))
        await call.lasts(0.5)
        await call.hangup()
        await hotline.closed()


async def test_a_disposition_is_owed_until_noted_and_a_supervisor_may_override(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        for count in (1, 2):
            call = await caller.dial(NUMBER["careful"])
            await talk(call, await desk.incoming())
            await call.hangup()
            await hotline.closed(count)
            await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="disposition-missing", count=count)
            if count == 1:
                await hotline.ask("8025", "disposition", "solved")
            else:
                await supervise(hotline, ForceAsked(AgentId("8025"), "ready", AgentId("8026"), "noted on paper"))
            assert hotline.daemon.loop.board.floor.seats[AgentId("8025")].state == "ready"
        assert (await hotline.wait(AgentForced)).by == "8026"
        await supervise(hotline, ForceAsked(AgentId("8025"), "not-ready", AgentId("8026"), "away"))
        await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="supervisor")


async def test_a_phone_that_comes_back_is_ready_again(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk:
        await desk.unregister()
        await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="phone-unreachable")
        await desk.register()
        await hotline.wait(AgentChanged, agent="8025", state="ready", count=2)


async def test_a_message_rings_a_ready_agent_who_hears_it_and_gets_no_call_meanwhile(hotline: Hotline) -> None:
    async with hotline.agent("8025", ready=False) as desk, hotline.caller("13800138001") as caller:
        call = await caller.dial("1880")
        await hotline.asked(RecordMessage)
        call.play_tone(600)
        await call.lasts(1.5)
        call.hush()
        await call.press("#")
        stored = await hotline.wait(MessageStored)
        await call.hangup()
        await hotline.closed()
        await hotline.ask("8025", "ready")
        hearing = await desk.incoming()
        await hearing.wait_answered()
        await hearing.wait_tone(600, 15)
        assert "13800138001" in hearing.caller
        waiting = await caller.dial(NUMBER["ordinary"])
        await hotline.wait(Queued)
        await hearing.hangup()
        await waiting.lasts(1.0)
        assert not [fact for fact in hotline.facts if isinstance(fact, OfferMade)]
        seat = hotline.daemon.loop.board.floor.seats[AgentId("8025")]
        assert (seat.state, seat.item) == ("working", stored.message)
        done = ItemAsked(stored.message, "done", "8025", "8025", "called back", disposition="solved")
        assert (await hotline.daemon.desk.work(done)).ok
        await talk(waiting, await desk.incoming())
        await waiting.hangup()
        await hotline.closed(2)
    (row,) = [row for row in items(hotline.daemon.site.store, done=True) if row["message"] == stored.message]
    assert (row["taken_by"], row["disposition"]) == ("8025", "solved")


async def supervise(hotline: Hotline, event: ForceAsked | SurgeAsked) -> None:
    reply = await hotline.daemon.desk.supervise(replace(event, request=hotline.daemon.desk.request()))
    assert reply.ok, reply.message
