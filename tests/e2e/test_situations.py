"""Situations as callers meet them: speech and keys as life, a menu that listens, a line left open after a talk.

The true situations.yaml, prompts and waits, on a real Asterisk with real phones, all callers at once. A silent line to
its end, and its times: test_scripts.
"""

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from ari_app.model.effects import Listen, Play
from ari_app.model.facts import KeyTaken, Queued, SituationBegan, SituationEnded, TalkEnded
from ari_app.model.ids import CallId
from ari_app.phones import audio
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, Hotline, running_hotline, talk
from tests.e2e.script_kit import Story, tell

SILENT, OPEN, MENU = "1869", "1868", "1867"
AGENT = "9001"  # For lines left open only.
FLOWS = {
    "silent": """start: nobody
nodes:
  nobody: {type: situation, situation: silent-line, on_life: menu, on_speech: person}
  menu: {type: menu, say: [main-menu], keys: {"1": person}}
  person: {type: queue, queue: general, say: []}
""",
    "hears": """start: menu
nodes:
  menu: {type: menu, say: [please-wait], keys: {"1": person}, on_speech: person, on_silence: bye, tries: 1}
  person: {type: queue, queue: general, say: []}
  bye: {type: hangup}
""",
    "open": """start: person
nodes:
  person: {type: queue, queue: network, say: [], next: left_open}
  left_open: {type: situation, situation: line-left-open, on_life: person}
""",
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    folder = tmp_path_factory.mktemp("situations")
    shutil.copytree(REPOSITORY / "ivr_flows", folder / "flows")
    for name, text in FLOWS.items():
        (folder / "flows" / f"{name}.yaml").write_text(text)
    changes = {
        "numbers": {SILENT: {"flow": "silent"}, OPEN: {"flow": "open"}, MENU: {"flow": "hears"}},
        "paths": {"flows": str(folder / "flows")},
        "queues": {"network": {"recording": {"policy": "never"}}},
        "agents": {AGENT: {"phone": f"p{AGENT}", "skills": {"network": 3}}},
        "phones": {f"p{AGENT}": {}},
    }
    with running_asterisk(folder, merged(CHANGES, changes)) as it:
        yield it


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()


def saying(of: Story, known: CallId) -> bool:
    return of.hotline.daemon.loop.board.floor.calls[known].playback is not None


async def speaks_in_the_second_wait(of: Story) -> None:
    """He is back on his way."""
    call, known = await of.dials(SILENT)

    def has_said_twice() -> bool:
        plays = [e for e in of.hotline.effects if isinstance(e, Play) and e.playback.startswith(f"{known}.")]
        return len(plays) == 2 and not saying(of, known)

    await of.hotline.until(has_said_twice, 30)
    await call.lasts(1.5)
    spoke_at = of.hotline.daemon.loop.clock.now()
    call.play_tone(600)
    ended = await of.hotline.wait(SituationEnded, 3, call=known)
    print(f"speech is life after {of.hotline.daemon.loop.clock.now() - spoke_at:.2f} s")
    call.hush()
    assert (ended.outcome, ended.step) == ("speech", 4)
    await of.hotline.wait(Queued, call=known, queue="general")
    await call.hangup()


async def speaks_while_the_machine_does(of: Story) -> None:
    """It stops."""
    call, known = await of.dials(SILENT)
    await call.wait_silence_end(5)
    call.play_tone(600)
    ended = await of.hotline.wait(SituationEnded, 3, call=known)
    assert (ended.outcome, ended.step) == ("speech", 1)
    await call.hangup()


async def presses_a_key(of: Story) -> None:
    """It is life, and is not lost."""
    call, known = await of.dials(SILENT)
    await call.wait_silence_end(5)
    await call.press("1")
    ended = await of.hotline.wait(SituationEnded, 3, call=known)
    assert (ended.outcome, ended.step) == ("key", 1)
    taken = await of.hotline.wait(KeyTaken, call=known)
    assert (taken.node, taken.key, taken.accepted) == ("menu", "1", True)
    await of.hotline.wait(Queued, call=known, queue="general")
    await call.hangup()


async def hangs_up_meanwhile(of: Story) -> None:
    call, known = await of.dials(SILENT)
    await call.wait_silence_end(5)
    await call.hangup()
    assert (await of.hotline.wait(SituationEnded, call=known)).outcome == "gone"
    assert (await of.hotline.closed(call=known)).by == "caller"


async def speaks_to_a_menu(of: Story) -> None:
    """He is led to a person."""
    call, known = await of.dials(MENU)
    await of.hotline.until(lambda: [e for e in of.hotline.effects if isinstance(e, Listen) and e.call == known] != [])
    call.send(audio.tone(600, 0.6))
    await of.hotline.wait(Queued, call=known, queue="general")
    await call.hangup()


async def is_silent_in_a_menu(of: Story) -> None:
    """He is not."""
    call, known = await of.dials(MENU)
    await call.wait_ended(20)
    assert not of.of(Queued, known)


async def leaves_his_line_open(of: Story) -> None:
    """After the talk it is closed."""
    call, known, agent = await of.talks(OPEN, b"")
    await talk(call, agent)
    call.hush()
    await agent.hangup()
    await of.hotline.wait(TalkEnded, call=known, by="agent")
    await of.hotline.wait(SituationBegan, call=known, situation="line-left-open")
    assert (await of.ends(call, known, "line-left-open")).step == 4


@pytest.mark.timeout(90)
async def test_life_ends_a_script_and_a_line_left_open_is_closed(hotline: Hotline) -> None:
    stories = (
        *(speaks_in_the_second_wait, speaks_while_the_machine_does, presses_a_key, hangs_up_meanwhile),
        *(speaks_to_a_menu, is_silent_in_a_menu, leaves_his_line_open),
    )
    await tell(hotline, stories, [AGENT])
