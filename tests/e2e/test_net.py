"""The safety net: what Asterisk alone does for a caller while no daemon runs, and what the next daemon makes of it."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ari_app.ari.connection import Address
from ari_app.ari.rescue import Rescued, rescue
from ari_app.model.facts import CallOpened, MessageLeft, NodeEntered, Queued
from ari_app.model.settings import Settings
from ari_app.model.work import MessageStored
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, answer_after, reject
from ari_app.render.asterisk import render
from ari_app.store.reader import open_reader
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.control_kit import NUMBER, outside
from tests.e2e.kit import CALLER, CHANGES, PORTS, running_hotline, talk
from tests.e2e.test_calls import to_queue

NET: dict[str, Any] = {
    "numbers": {"1861": {"language": "en"}},
    "net": {"ring_s": 1, "tries": 2, "try_every_s": 1, "silence_s": 2},
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    with running_asterisk(tmp_path_factory.mktemp("net"), merged(CHANGES, NET)) as asterisk:
        yield asterisk


def spooled(box: RunningAsterisk) -> list[Path]:
    return sorted(Path(box.layout.net).glob("*.json"))


def caller(box: RunningAsterisk) -> Phone:
    return Phone(CALLER, None, box.sip, PORTS)


async def until(held: Any, timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not held():
            await asyncio.sleep(0.05)


def playing(box: RunningAsterisk) -> str:
    """What the channels of the dialplan do now."""
    return box.instance.cli("core show channels concise")


def in_the_net(box: RunningAsterisk) -> list[str]:
    """Names of the channels the dialplan looks after."""
    return [line.partition("!")[0] for line in playing(box).splitlines() if "!net!" in line]


async def leave_message(box: RunningAsterisk, call: Call, dialled: str, *, hang_up: bool) -> None:
    """Through apology (in the number's language) and music to the tone; then speak 2 s of 700 Hz."""
    await call.wait_answered()
    language = "en" if dialled == "1861" else "zh-CN"
    await until(lambda: f"{language}/system-fault" in playing(box))
    await call.wait_silence_end(5)
    await until(lambda: "!MusicOnHold!" in playing(box))
    await until(lambda: "!AGI!" in playing(box), 30)
    new = Path(box.layout.net, "new")
    await until(lambda: list(new.glob("*.wav")))
    call.play_tone(700)
    await until(lambda: max(path.stat().st_size for path in new.glob("*.wav")) > 48_000)
    if hang_up:
        await call.hangup()
    else:
        call.hush()
        await call.press("#")
        await call.wait_ended(20)
        assert call.ended_by == "them"


async def test_a_message_is_taken_by_asterisk_alone_and_then_by_the_daemon_once(box: RunningAsterisk) -> None:
    async with caller(box) as phone:
        await leave_message(box, await phone.dial("1860"), "1860", hang_up=False)
        await leave_message(box, await phone.dial("1861"), "1861", hang_up=True)
    await until(lambda: len(spooled(box)) == 2)
    said = [json.loads(path.read_text()) for path in spooled(box)]
    assert [each["caller"] for each in said] == [CALLER, CALLER]
    assert [each["dialled"] for each in said] == ["1860", "1861"]
    assert not list(Path(box.layout.net, "new").iterdir())
    async with running_hotline(box) as hotline:
        left = [await hotline.wait(MessageLeft, count=count) for count in (1, 2)]
        stored = [await hotline.wait(MessageStored, message=each.message) for each in left]
        assert {each.message for each in left} == set(hotline.daemon.loop.board.floor.items)
        await until(lambda: not spooled(box))
        await hotline.at_rest()
    assert {each.back for each in left} == {CALLER} and {each.box for each in left} == {"general"}
    assert [each.left_at for each in left] == [each["at"] for each in said]
    for each in stored:
        _, (pcm,) = audio.read_wav(hotline.daemon.site.messages / each.path)
        assert audio.heard(pcm, 700)
    async with running_hotline(box) as again:
        await again.daemon.spool.look()
        assert not [fact for fact in again.facts if isinstance(fact, MessageLeft)]
        with open_reader(again.daemon.site.store) as reader:
            assert all(reader.has_message(each.message) for each in left)


async def test_a_crash_between_the_row_and_the_removal_gives_no_second_row(box: RunningAsterisk) -> None:
    about = Path(box.layout.net, "0-123456789012.m1.json")
    Path(box.layout.messages, "0-123456789012.m1.wav").write_bytes(bytes(44 + 32_000))
    text = json.dumps({"at": 5.0, "caller": CALLER, "dialled": "1860", "language": "en"})
    for first in (True, False):
        about.write_text(text)
        async with running_hotline(box) as hotline:
            await until(lambda: not about.exists())
            found = [fact for fact in hotline.facts if isinstance(fact, MessageLeft)]
            assert [each.seconds for each in found] == ([2.0] if first else [])


async def test_a_daemon_that_comes_back_takes_the_waiting_caller(box: RunningAsterisk) -> None:
    async with caller(box) as phone:
        call = await phone.dial("1860")
        await call.wait_answered()
        await call.wait_silence_end(5)
        async with running_hotline(box) as hotline:
            await hotline.wait(CallOpened, 20, dialled="1860", caller=CALLER)
            await call.hangup()
            await hotline.closed(by="caller")
            await hotline.at_rest()
    assert spooled(box) == []


async def test_callers_of_a_daemon_that_never_comes_back_are_given_to_the_net(box: RunningAsterisk) -> None:
    """One in the menu, one who waits with music, one who talks: he is left alone."""
    address = Address(box.ari_url, "hotline", box.secrets.ari_password, box.settings.asterisk.app)
    desk = Phone("p8025", box.secrets.phones["p8025"], box.sip, PORTS, register=True)
    async with caller(box) as chooser, caller(box) as waiter, caller(box) as talker, desk:
        desk.on_invite = answer_after(0.1)
        async with running_hotline(box) as hotline:
            await hotline.ask("8025", "sign-in", phone="p8025")
            await hotline.ask("8025", "ready")
            talking = await to_queue(talker)
            answered = await desk.incoming()
            await talk(talking, answered)
            waiting = await to_queue(waiter)
            choosing = await chooser.dial("1860")
            await hotline.wait(Queued, count=2)
            await hotline.wait(NodeEntered, node="main_menu", count=3)
            hotline.daemon.stop()
            hotline.daemon.stop()
        assert "!net!" not in playing(box)
        assert await rescue(address) == Rescued(callers=2, talks=1)
        given = set[str]()  # Each as soon as the prompt is over that he was hearing.
        await until(lambda: given.update(in_the_net(box)) or len(given) == 2, 40)
        await talk(talking, answered, 0.2, hz=(700, 1000))
        assert await rescue(address) == Rescued(callers=0, talks=1)
        for call in (talking, answered, waiting, choosing):
            await call.hangup()
        await until(lambda: not playing(box).strip())


@contextmanager
def overflow(box: RunningAsterisk) -> Iterator[None]:
    """The dialplan with an emergency number, which the telephone `outside` answers."""
    local = box.settings.trunks["local"].model_copy(update={"address": f"127.0.0.1:{box.spare_ports[0]}"})
    net = box.settings.net.model_copy(update={"overflow": NUMBER})
    try:
        take_dialplan(box, box.settings.model_copy(update={"trunks": {"local": local}, "net": net}))
        box.instance.cli("module load app_dial.so")  # With an overflow number modules.conf names it.
        yield
    finally:
        take_dialplan(box, box.settings)


def take_dialplan(box: RunningAsterisk, settings: Settings) -> None:
    box.instance.write(render(settings, box.secrets, box.layout))
    box.instance.cli("dialplan reload")


async def test_the_emergency_number_is_called_and_its_owner_speaks_with_the_caller(box: RunningAsterisk) -> None:
    """One who is busy: the caller may leave a message after all. One who answers: no message is asked for."""
    with overflow(box):
        async with outside(box) as far, caller(box) as phone:
            far.on_invite = reject(486)
            call = await phone.dial("1860")
            assert (await far.incoming(30)).called == NUMBER
            await until(lambda: "voicemail-ask" in playing(box))
            await call.hangup()
            await until(lambda: not in_the_net(box))
            far.on_invite = answer_after(0.1)
            call = await phone.dial("1860")
            dialled = await far.incoming(30)
            assert dialled.caller == CALLER
            await talk(call, dialled)
            await dialled.hangup()
            await call.wait_ended(10)
            assert call.ended_by == "them"
    assert spooled(box) == []


async def test_with_a_daemon_the_net_is_not_touched(box: RunningAsterisk) -> None:
    async with running_hotline(box) as hotline, caller(box) as phone:
        call = await phone.dial("1860")
        await hotline.opened()
        await call.wait_silence_end(5)
        assert "net!" not in playing(box) and "!Stasis!" in playing(box)
        await call.hangup()
        await hotline.closed()
        await hotline.at_rest()
    assert spooled(box) == [] and not list(Path(box.layout.net, "new").iterdir())


def test_the_program_keeps_the_number_when_it_is_killed_while_recording(tmp_path: Path) -> None:
    """As a process of its own: killed after RECORD FILE was asked, it leaves number and place for the daemon."""
    program = REPOSITORY / "agi_scripts" / "net" / "leave_message.py"
    assert os.access(program, os.X_OK)
    header = f"agi_callerid: {CALLER}\nagi_language: en\nagi_arg_4: 1860\n\n"
    with subprocess.Popen(
        [program, tmp_path, "60", "5", "1860"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(header)
        process.stdin.flush()
        assert process.stdout.readline().startswith("RECORD FILE ")
        process.kill()
    (about,) = (tmp_path / "new").glob("*.json")
    assert json.loads(about.read_text())["caller"] == CALLER
