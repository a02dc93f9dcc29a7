"""The caller's line is judged while he talks to an agent: real phones, speech of our own prompts."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from ari_app.hearing import SUFFIX
from ari_app.media import pcm
from ari_app.model.facts import CallQuality, Connected, LineHeard, LineMissed
from tests.e2e.kit import Hotline
from tests.e2e.test_calls import to_queue

SOUNDS = Path(__file__).parents[2] / "sounds" / "en"


def speech(gain_db: float = 0.0, noise_db: float = -90.0) -> bytes:
    said = np.concatenate([pcm.read_wav(SOUNDS / f"{name}.wav")[0] for name in ("greeting-day", "main-menu")])
    noise = np.random.default_rng(1).standard_normal(len(said)) * 10 ** (noise_db / 20)
    sound = (said + noise) * 10 ** (gain_db / 20)
    return bytes(np.clip(sound * 32768, -32768, 32767).astype("<i2").tobytes())


def left_over(hotline: Hotline) -> list[Path]:
    return list(Path(hotline.asterisk.layout.monitor).glob(f"*{SUFFIX}"))


@pytest.mark.timeout(120)
async def test_a_line_gets_quiet_then_noisy_then_silent_though_its_analyser_dies(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        answering = await desk.incoming()
        await answering.wait_answered()
        connected = await hotline.wait(Connected)
        for sound, verdict in (
            (speech(), "clear"),
            (speech(-26.0), "quiet"),
            (speech(0.0, -26.0), "noisy"),
            (bytes(16_000), "silent"),
            (speech(), "clear"),
        ):
            before = [fact for fact in hotline.facts if isinstance(fact, LineHeard) and fact.verdict == verdict]
            call.send(sound, loop=True)
            heard = await hotline.wait(LineHeard, 20, verdict=verdict, count=len(before) + 1)
            assert (heard.call, heard.agent) == (connected.call, "8025")
            [seen] = hotline.daemon.desk.view().calls
            assert seen.line == verdict
            assert heard.cause == ("place" if verdict == "noisy" else "")
            if verdict == "quiet":
                await an_analyser_dies(hotline)
        assert call.voice is not None
        call.voice.loses_one_in = 4
        async with asyncio.timeout(15):  # Asterisk reports every 5 s.
            while not any(hotline.daemon.quality.loss_now(leg) > 0.2 for leg in hotline.daemon.loop.board.floor.legs):
                await asyncio.sleep(0.1)
        before = [fact for fact in hotline.facts if isinstance(fact, LineHeard) and fact.verdict == "noisy"]
        call.send(speech(0.0, -26.0), loop=True)
        heard = await hotline.wait(LineHeard, 20, verdict="noisy", count=len(before) + 1)
        assert heard.cause == "network"
        assert not [fact for fact in hotline.facts if isinstance(fact, LineMissed)]
        await call.hangup()
        await hotline.closed()
        await hotline.wait(CallQuality, 5, call=connected.call, count=2)
        both = [fact for fact in hotline.facts if isinstance(fact, CallQuality)]
        agents, callers = sorted(both, key=lambda fact: fact.leg != connected.offer)
        assert agents.loss < 0.05 and agents.mos > 3.5
        assert 0.02 < callers.loss < 0.25
        assert 0.2 < callers.loss_max < 0.27  # The first report of it may be of a time that began before.
        assert callers.jitter_ms < 1000 and callers.mos < agents.mos
    async with asyncio.timeout(10):
        while left_over(hotline):
            await asyncio.sleep(0.1)


async def an_analyser_dies(hotline: Hotline) -> None:
    """Killed; another one takes over, and the talk goes on."""
    first = hotline.daemon.hearing.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        while hotline.daemon.hearing.pid in (None, first):
            await asyncio.sleep(0.05)
    assert hotline.daemon.hearing.deaths == 1
