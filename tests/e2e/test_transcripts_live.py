"""`live: yes` transcripts on a real Asterisk do what they do in the rehearsal; a difference is found and told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari_app.transcript import report
from ari_app.transcript.hotline import Hotline
from ari_app.transcript.hotlines import hotline_on
from ari_app.transcript.live import play
from ari_app.transcript.parse import parse
from ari_app.transcript.rehearse import House
from ari_app.transcript.stage import call_files, house_of, read
from tests.asterisk import REPOSITORY, asterisk_install
from tests.unit.transcript_kit import write_site

LIVE = [path for path in call_files([REPOSITORY / "tests/calls"]) if read(path).header.live]
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


def test_five_are_marked() -> None:
    """CI runs these; all others with `hotline flow test --live --all`."""
    assert len(LIVE) == 5


@pytest.mark.timeout(120)
async def test_live_transcripts(tmp_path: Path) -> None:
    """With the repository's own configuration and flows."""
    async with hotline_on(REPOSITORY / "config.yaml", asterisk_install(), tmp_path) as sample:
        for path in LIVE:
            outcome = await play(read(path), house(sample), sample)
            assert outcome.ok, "\n".join(report.lines(outcome))
        assert sample.daemon.loop.bugs == 0


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
