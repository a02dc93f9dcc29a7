"""A line that is watched, and a fax on it: the meter moves, the fax hears goodbye, the agent is free."""

import asyncio

import pytest

from ari_app.model.facts import Connected, SituationEnded, TalkEnded
from tests.e2e.kit import Hotline
from tests.e2e.test_line import speech


@pytest.mark.timeout(90)
async def test_a_watched_line_turns_out_to_be_a_fax(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await caller.dial("1860")
        await call.wait_answered()
        await call.press("1")
        await (await desk.incoming()).wait_answered()
        talk = await hotline.wait(Connected)
        call.send(speech(), loop=True)
        seen = []
        async with asyncio.timeout(20):
            while not seen or seen[-1] is None or not seen[-1]["speech_s"]:
                reading = await hotline.daemon.desk.line(talk.call)
                assert reading is not None and reading["agent"] == "8025"
                seen.append(reading["meter"])
                await asyncio.sleep(0.2)
        assert seen[0] is None and seen[-1] is not None, "the first look asks for the meter"
        assert -30 < seen[-1]["speech_dbfs"] < -12 and seen[-1]["snr_db"] > 14
        assert reading["network"]["loss_mean"] == 0 and reading["network"]["mos"] > 4
        call.play_tone(1100)
        ended = await hotline.wait(TalkEnded, 30)
        assert (ended.by, ended.agent) == ("script", "8025")
        over = await hotline.wait(SituationEnded, 20)
        assert (over.situation, over.outcome) == ("fax", "hung-up")
        await call.wait_ended(5)
        await hotline.closed()
        assert await hotline.daemon.desk.line(talk.call) is None
