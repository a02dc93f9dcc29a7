"""Call control on a real Asterisk: hold, transfer, consult, three-way, supervision; audio proved by tones."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ari_app.model.facts import HoldBegan, HoldEnded
from tests.asterisk import RunningAsterisk, running_asterisk
from tests.e2e.control_kit import (
    CALLER_HZ,
    CONTROL,
    FIRST_HZ,
    ask,
    connected,
    does,
    hears,
)
from tests.e2e.kit import Hotline


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    with running_asterisk(tmp_path_factory.mktemp("control"), CONTROL) as asterisk:
        local = asterisk.settings.trunks["local"].model_copy(update={"address": f"127.0.0.1:{asterisk.spare_ports[0]}"})
        yield replace(asterisk, settings=asterisk.settings.model_copy(update={"trunks": {"local": local}}))


async def test_hold_with_reminders_and_back(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "hold")
        await hotline.wait(HoldBegan)
        answering.hush()
        await answering.wait_tone(1000, 5)  # The reminder.
        await hears(answering, without=(CALLER_HZ,))
        answering.play_tone(FIRST_HZ)
        await hears(call, without=(FIRST_HZ, 1000))
        await does(hotline, "8025", "resume")
        await hotline.wait(HoldEnded)
        await hears(call, FIRST_HZ)
        await hears(answering, CALLER_HZ)
        await call.hangup()
        await hotline.closed()


async def test_hold_by_keys_and_the_caller_hangs_up(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await answering.press("*1")
        await hotline.wait(HoldBegan)
        await call.hangup()
        await hotline.wait(HoldEnded)
        assert (await hotline.closed()).by == "caller"
        assert await ask(hotline, "8025", "resume") == (False, "8025 is not in a talk with a caller")
