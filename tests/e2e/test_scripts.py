"""Scripts while an agent is on the line, and round a message: real phones, speech of our own prompts, true waits."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from ari_app.model.control import ControlAsked
from ari_app.model.facts import (
    Connected,
    LineHeard,
    MessageLeft,
    NodeEntered,
    QueueLeft,
    SituationBegan,
    SituationEnded,
    TalkEnded,
)
from ari_app.model.ids import AgentId, RequestId
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, Hotline, running_hotline
from tests.e2e.test_line import speech

PERSON, BOX = "1866", "1865"
FLOWS = {
    "person": """start: person
nodes:
  person: {type: queue, queue: general, say: []}
""",
    "box": """start: message
nodes:
  message: {type: voicemail, say: [please-wait], silence_s: 8, on_failure: nothing, next: thanks}
  nothing: {type: hangup, say: [voicemail-nothing]}
  thanks: {type: hangup, say: [voicemail-thanks]}
""",
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("scripts")
    shutil.copytree(REPOSITORY / "ivr_flows", folder / "flows")
    for name, text in FLOWS.items():
        (folder / "flows" / f"{name}.yaml").write_text(text)
    numbers = {PERSON: {"flow": "person"}, BOX: {"flow": "box"}}
    changes = merged(CHANGES, {"numbers": numbers, "paths": {"flows": str(folder / "flows")}})
    with running_asterisk(folder, changes) as it:
        yield it


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()


async def ask_script(hotline: Hotline, agent: str, name: str = "") -> str:
    asked = ControlAsked(AgentId(agent), "script", name, request=RequestId(f"script-{name}"))
    reply = await asyncio.wait_for(hotline.daemon.desk.ask(asked), 5)
    assert reply.ok, reply.message
    return reply.message


@pytest.mark.timeout(120)
async def test_the_agent_types_a_key_and_a_faint_caller_speaks_up(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await caller.dial(PERSON)
        answering = await desk.incoming()
        await answering.wait_answered()
        await hotline.wait(Connected)
        call.send(speech(-26.0), loop=True)
        await hotline.wait(LineHeard, 15, verdict="quiet")
        await answering.press("*0")
        await hotline.wait(SituationBegan, situation="low-voice", where="talking")
        ended = await hotline.wait(TalkEnded)
        assert (ended.by, ended.agent) == ("script", "8025")
        call.send(speech(), loop=True)
        over = await hotline.wait(SituationEnded, 30)
        assert over.outcome == "clear"
        again = await desk.incoming()
        await again.wait_answered()
        await hotline.wait(Connected, 15, count=2)
        [seen] = hotline.daemon.desk.view().calls
        assert (seen.note, seen.passed_by) == ("low-voice", "8025")
        await call.hangup()
        await hotline.closed()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("sound", "verdict", "script"),
    [
        (speech(-26.0), "quiet", "low-voice"),
        (speech(0.0, -26.0), "noisy", "noisy-line"),
        (bytes(16_000), "silent", "silent-line"),
    ],
    ids=["quiet", "noisy", "silent"],
)
async def test_the_script_runs_to_its_end_and_the_agent_serves_others(
    hotline: Hotline, sound: bytes, verdict: str, script: str
) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller, hotline.caller("13900139000") as other:
        call = await caller.dial(PERSON)
        answering = await desk.incoming()
        await answering.wait_answered()
        first = await hotline.wait(Connected)
        call.send(sound, loop=True)
        await hotline.wait(LineHeard, 15, verdict=verdict)
        assert await ask_script(hotline, "8025") == f"the caller hears {script}; you are in wrap-up"
        next_call = await other.dial(PERSON)
        await (await desk.incoming()).wait_answered()
        await hotline.wait(Connected, 15, count=2)
        over = await hotline.wait(SituationEnded, 60, situation=script)
        assert (over.call, over.outcome) == (first.call, "hung-up")
        await call.wait_ended(5)
        closed = await hotline.closed(call=first.call)
        assert closed.by == "flow"
        await next_call.hangup()
        await hotline.closed(count=2)


@pytest.mark.timeout(120)
async def test_a_faint_message_is_kept_and_spoken_anew(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(BOX)
        await hotline.wait(NodeEntered, node="message")
        call.send(speech(-26.0), loop=True)
        await hotline.wait(LineHeard, 15, verdict="quiet")
        await call.press("#")
        await hotline.wait(MessageLeft)
        await hotline.wait(SituationBegan, situation="low-voice", where="voicemail")
        call.send(speech(), loop=True)
        over = await hotline.wait(SituationEnded, 30)
        assert over.outcome == "clear"
        await hotline.wait(LineHeard, 20, verdict="clear", count=2)
        await call.press("#")
        await hotline.wait(MessageLeft, count=2)
        await hotline.wait(NodeEntered, node="thanks")
        await call.wait_ended(15)
        await hotline.closed()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("sound", "script", "messages"),
    [(speech(0.0, -26.0), "noisy-line", 1), (bytes(16_000), "silent-line", 0)],
    ids=["noisy", "silent"],
)
async def test_a_message_nobody_could_understand_ends_in_the_script(
    hotline: Hotline, sound: bytes, script: str, messages: int
) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial(BOX)
        await hotline.wait(NodeEntered, node="message")
        call.send(sound, loop=True)
        await hotline.wait(LineHeard, 15)
        if messages:
            await call.press("#")
        over = await hotline.wait(SituationEnded, 70)
        assert (over.situation, over.outcome) == (script, "hung-up")
        await call.wait_ended(5)
        await hotline.closed()
        assert len([fact for fact in hotline.facts if isinstance(fact, MessageLeft)]) == messages
    assert not [fact for fact in hotline.facts if isinstance(fact, QueueLeft)]
