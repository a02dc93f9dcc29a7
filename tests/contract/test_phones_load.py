"""SIPp load and RTP timing, on a plain Asterisk."""

from collections.abc import Iterator

import numpy as np
import pytest

from ari_app.phones import Phone, audio
from ari_app.phones.measure import measure_call
from ari_app.phones.sipp import Agents, Callers, run_agents, run_callers
from ari_app.phones.sipp import available as sipp_available
from tests.contract.phones_asterisk import PlainAsterisk, plain_asterisk

needs_sipp = pytest.mark.skipif(not sipp_available(), reason="no sipp at hand")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainAsterisk]:
    with plain_asterisk(tmp_path_factory.mktemp("load")) as running:
        yield running
        assert "0 active channels" in running.cli("core show channels")


def prompt(seed: int, lead_s: float = 0.1, seconds: float = 3.0) -> bytes:
    """Something like speech: never silent, never the same twice."""
    noise = np.random.default_rng(seed).normal(0, 3000, round(seconds * audio.RATE))
    return audio.silence(lead_s) + np.clip(noise, -20000, 20000).astype("<i2").tobytes()


@needs_sipp
@pytest.mark.parametrize("rfc4733", [False, True])
async def test_callers_reach_agents(here: PlainAsterisk, rfc4733: bool) -> None:
    plan = Callers(number="load", rate=5, seconds=1, key_after_s=0.3, stay_s=1, rfc4733=rfc4733)
    async with run_agents(Agents(here.sipp_port, ring_s=0.05)) as agents:
        callers = await run_callers(here.server, plan)
    assert (callers.placed, callers.ok, callers.failed, callers.errors) == (5, 5, 0, "")
    assert (callers.answered, callers.hung_up_on) == (5, 0)
    assert agents.load is not None
    assert (agents.load.placed, agents.load.answered, agents.load.ok, agents.load.failed) == (5, 5, 5, 0)


@needs_sipp
async def test_agents_hang_up_after_their_talk(here: PlainAsterisk) -> None:
    plan = Callers(number="load", rate=5, seconds=1, key_after_s=0.3, stay_s=30)
    async with run_agents(Agents(here.sipp_port, ring_s=0.05, talk_s=0.5)) as agents:
        callers = await run_callers(here.server, plan)
    assert (callers.ok, callers.failed, callers.hung_up_on) == (5, 0, 5)
    assert agents.load is not None and (agents.load.ok, agents.load.failed, agents.load.hung_up_on) == (5, 0, 0)


@needs_sipp
async def test_agents_echo_and_take_a_cancel(here: PlainAsterisk) -> None:
    async with run_agents(Agents(here.sipp_port, ring_s=0.5)) as agents, Phone("c", server=here.server) as phone:
        given_up = await phone.dial("sipp")
        await given_up.wait_ringing()
        await given_up.hangup()
        call = await phone.dial("sipp")
        await call.wait_answered()
        call.play_tone(700)
        await call.wait_tone(700)
        await call.hangup()
    assert agents.load is not None
    assert (agents.load.placed, agents.load.ok, agents.load.failed, agents.load.errors) == (2, 2, 0, "")
    assert (agents.load.answered, agents.load.cancelled) == (1, 1)


@needs_sipp
async def test_callers_sent_away_are_seen(here: PlainAsterisk) -> None:
    plan = Callers(number="load", rate=5, seconds=1, key="2", key_after_s=0.3, stay_s=30)
    callers = await run_callers(here.server, plan)
    assert (callers.ok, callers.answered, callers.hung_up_on) == (5, 5, 5)


@needs_sipp
async def test_refused_callers_count_as_failed(here: PlainAsterisk) -> None:
    callers = await run_callers(here.server, Callers(number="busy", rate=5, seconds=1))
    assert (callers.placed, callers.ok, callers.failed, callers.exit_code) == (5, 0, 5, 1)
    assert callers.failures == {"FailedUnexpectedMessage": 5}


async def test_times_the_change_of_tones(here: PlainAsterisk) -> None:
    async with Phone("c", server=here.server) as phone:
        timed = await measure_call(phone, "menu", listen_s=0.5)  # The dialplan waits 0.1 s between the tones.
    assert 0 < timed.first_rtp_ms <= timed.first_audio_ms
    assert timed.key_to_quiet_ms is not None and timed.key_to_sound_ms is not None
    assert timed.key_to_sound_ms - timed.key_to_quiet_ms > 90
    assert timed.key_to_prompt_ms is None


async def test_recognises_the_next_prompt(here: PlainAsterisk) -> None:
    first, second = prompt(1), prompt(2)
    audio.write_wav(here.prompts / "first.wav", first)
    audio.write_wav(here.prompts / "second.wav", second)
    async with Phone("c", server=here.server) as phone:
        timed = await measure_call(phone, "prompts", listen_s=0.5, prompt=second)
        by_ear = await measure_call(phone, "prompts", listen_s=0.5)
    assert timed.first_audio_ms - timed.first_rtp_ms == pytest.approx(100, abs=25)  # The lead silence.
    assert timed.key_to_sound_ms is not None and timed.key_to_prompt_ms is not None
    assert timed.key_to_sound_ms - timed.key_to_prompt_ms == pytest.approx(100, abs=25)
    assert timed.key_to_prompt_ms > 0
    assert by_ear.key_to_sound_ms == pytest.approx(timed.key_to_sound_ms, abs=60)
