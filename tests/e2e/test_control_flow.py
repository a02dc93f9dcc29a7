"""The flow node `transfer` on a real Asterisk: to a number outside and to an agent, and when nobody takes the call."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari_app.model.control import TransferEnded
from ari_app.model.facts import Connected, NodeEntered, RecordingStored
from ari_app.phones import audio
from ari_app.phones.phone import reject
from tests.asterisk import RunningAsterisk, running_asterisk
from tests.e2e.control_kit import CALLER_HZ, CONTROL, NUMBER, OUTSIDE_HZ, SECOND_HZ, outside, with_flow
from tests.e2e.kit import Hotline, running_hotline, talk

FLOW = f"""\
start: choose
nodes:
  choose:
    type: menu
    say: [main-menu]
    keys: {{"1": shop, "2": specialist, "0": person}}
    on_silence: person
  shop: {{type: transfer, number: "{NUMBER}", record_as: billing, next: thanks, on_busy: busy, on_no_answer: busy}}
  specialist: {{type: transfer, agent: "8026", say: [], next: thanks, on_busy: busy}}
  person: {{type: queue, queue: general}}
  busy: {{type: hangup, say: [queue-full]}}
  thanks: {{type: hangup, say: [survey-thanks]}}
"""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    with running_asterisk(tmp_path_factory.mktemp("control"), CONTROL) as asterisk:
        address = f"127.0.0.1:{asterisk.spare_ports[0]}"
        local = asterisk.settings.trunks["local"].model_copy(update={"address": address})
        yield replace(asterisk, settings=asterisk.settings.model_copy(update={"trunks": {"local": local}}))


@pytest.fixture
async def hotline(exchange: RunningAsterisk, tmp_path: Path) -> AsyncIterator[Hotline]:
    async with running_hotline(with_flow(exchange, tmp_path, FLOW)) as running:
        yield running
        await running.at_rest()


async def test_to_a_number_outside_recorded_as_a_queue(hotline: Hotline) -> None:
    async with hotline.caller() as caller, outside(hotline.asterisk) as far:
        call = await caller.dial("1861")
        await call.wait_silence_end(5)
        await call.press("1")
        dialled = await far.incoming()
        await talk(call, dialled, 1.5, (CALLER_HZ, OUTSIDE_HZ))
        await dialled.hangup()
        await hotline.wait(NodeEntered, node="thanks")
        await call.wait_ended(20)
        await hotline.closed()
        stored = await hotline.wait(RecordingStored)
    _, (left, right) = audio.read_wav(hotline.daemon.site.recordings / stored.path)
    assert len(left) == len(right)
    assert audio.heard(left, CALLER_HZ) and not audio.heard(left, OUTSIDE_HZ)
    assert audio.heard(right, OUTSIDE_HZ) and not audio.heard(right, CALLER_HZ)


async def test_the_number_outside_is_busy(hotline: Hotline) -> None:
    async with hotline.caller() as caller, outside(hotline.asterisk) as far:
        far.on_invite = reject(486)
        call = await caller.dial("1861")
        await call.wait_silence_end(5)
        await call.press("1")
        assert (await hotline.wait(TransferEnded)).outcome == "busy"
        await hotline.wait(NodeEntered, node="busy")
        await call.wait_ended(20)
        await hotline.closed()


async def test_the_caller_gives_up_while_it_rings(hotline: Hotline) -> None:
    async with hotline.caller() as caller:  # Nobody stands outside: the INVITE is never answered.
        call = await caller.dial("1861")
        await call.wait_silence_end(5)
        await call.press("1")
        await hotline.wait(NodeEntered, node="shop")
        await call.hangup()
        assert (await hotline.wait(TransferEnded)).outcome == "abandoned"
        await hotline.closed()


async def test_to_an_agent(hotline: Hotline) -> None:
    async with hotline.agent("8026") as desk, hotline.caller() as caller:
        call = await caller.dial("1861")
        await call.wait_silence_end(5)
        await call.press("2")
        answering = await desk.incoming()
        await talk(call, answering, hz=(CALLER_HZ, SECOND_HZ))
        assert (await hotline.wait(Connected)).agent == "8026"
        await answering.hangup()
        await hotline.wait(NodeEntered, node="thanks")
        await call.wait_ended(20)
        await hotline.closed()
