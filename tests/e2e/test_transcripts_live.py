"""Transcripts on a real Asterisk do what they do in the rehearsal; a difference is found and told."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari_app.transcript import report
from ari_app.transcript.hotline import Hotline
from ari_app.transcript.hotlines import hotline_on, hotlines_on
from ari_app.transcript.live import play
from ari_app.transcript.parse import parse
from ari_app.transcript.rehearse import House
from ari_app.transcript.stage import house_of, read
from tests.asterisk import REPOSITORY, asterisk_install
from tests.unit.transcript_kit import write_site

CALLS = REPOSITORY / "tests/calls"
IN_CI = ("wrong_keys", "ring_no_answer", "unknown_number", "english", "happy_path")
NIGHT = """at: 2026-03-02 23:00 Asia/Shanghai
caller 13800138000 → 1870
message of 2s
  < take message, fact MessageLeft box=night, play goodbye
hang up
"""
BALANCE = """at: 2026-03-02 10:00 Asia/Shanghai
caller 13800138000 → 1870
press *
  < play main-menu
press 1234
  < look-up balance
look-up balance answers balance=12.5 stopped=no
  < play please-wait …
press 9
press 2
  < fact Rated question=helpful key=2, play goodbye
hang up
"""
PATIENT = """at: 2026-03-02 10:00 Asia/Shanghai
caller 13800138000 → 1860
press 2
  < join queue network
wait 1801s
  < play please-wait, fact QueueLeft queue=network outcome=timed-out wait_s=1800, play queue-timeout, hang up
"""
CLOSED = """closure: office
caller 13800138000 → 1870
  < at node message, play please-wait …
hang up
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
async def hotline(site: Path, tmp_path: Path) -> AsyncIterator[Hotline]:
    async with hotline_on(site, asterisk_install(), tmp_path) as running:
        yield running


def house(hotline: Hotline) -> House:
    return house_of(hotline.daemon.site)


@pytest.mark.timeout(120)
async def test_live_transcripts(tmp_path: Path) -> None:
    """Five of the repository's own, side by side; all of them with `hotline flow test --live`."""
    async with hotlines_on(REPOSITORY / "config.yaml", asterisk_install(), tmp_path, 3) as hotlines:
        left = iter([read(CALLS / f"{name}.call") for name in IN_CI])

        async def work(sample: Hotline) -> None:
            for transcript in left:
                outcome = await play(transcript, house(sample), sample)
                assert outcome.ok, "\n".join(report.lines(outcome))

        await asyncio.gather(*(work(sample) for sample in hotlines))
        assert [sample.daemon.loop.bugs for sample in hotlines] == [0, 0, 0]


@pytest.mark.timeout(60)
async def test_empty_time_is_over_at_once_and_prompts_are_not(hotline: Hotline) -> None:
    """Half an hour in a queue; what is said meanwhile is heard in its full length."""
    began = time.monotonic()
    outcome = await play(parse(PATIENT, "story.call"), house(hotline), hotline)
    assert outcome.ok, "\n".join(report.lines(outcome))
    took = time.monotonic() - began
    said = ("please-wait", "position-next", "queue-timeout")
    heard_s = sum(house(hotline).seconds(prompt, "zh-CN") for prompt in said)
    assert outcome.seconds > 1800
    assert heard_s < took < 60


async def test_message(hotline: Hotline) -> None:
    outcome = await play(parse(NIGHT, "story.call"), house(hotline), hotline)
    assert outcome.ok, "\n".join(report.lines(outcome))


async def test_look_ups_and_closures(hotline: Hotline) -> None:
    for text in (BALANCE, CLOSED):
        outcome = await play(parse(text, "story.call"), house(hotline), hotline)
        assert outcome.ok, "\n".join(report.lines(outcome))


async def test_a_difference_is_found_and_told(hotline: Hotline) -> None:
    """The rehearsal is given a flow that the daemon does not have."""
    other, here = house(hotline), house(hotline)
    wrong = replace(other, flows={**other.flows, "desk": other.flows["main"].model_copy(update={"name": "desk"})})
    outcome = await play(parse("caller 138 → 1870\nhang up\n", "story.call"), wrong, hotline)
    assert outcome.failure is not None and outcome.failure.number == 1
    assert "live: rehearsed: fact" in outcome.failure.why and "; came: fact " in outcome.failure.why
    outcome = await play(parse("caller 138 → 1870\nhang up\n", "story.call"), here, hotline)
    assert outcome.ok, "the hotline is as before"
