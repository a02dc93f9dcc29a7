"""Call control on a real Asterisk: hold, transfer, consult, three-way, supervision; audio proved by tones."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ari_app.model.control import Supervised, TransferAnswered, TransferEnded
from ari_app.model.effects import Mute, StopRecording
from ari_app.model.facts import (
    Connected,
    HoldBegan,
    HoldEnded,
    NodeEntered,
    Queued,
    Rated,
    RecordingRunning,
    RecordingStored,
    RecordingWanted,
    TalkEnded,
)
from ari_app.model.ids import LegId
from ari_app.phones import audio
from ari_app.phones.phone import Phone, reject, ring_only
from ari_app.replay import recalled, replay
from ari_app.store.history import open_history
from tests.asterisk import RunningAsterisk, running_asterisk
from tests.e2e.control_kit import (
    BOSS_HZ,
    CALLER_HZ,
    CONTROL,
    FIRST_HZ,
    NUMBER,
    OUTSIDE_HZ,
    SECOND_HZ,
    ask,
    connected,
    does,
    hears,
    outside,
)
from tests.e2e.kit import CALLER, PORTS, Hotline, talk


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


# -- blind transfer --


async def test_blind_to_an_agent_who_sees_from_whom_and_why(hotline: Hotline) -> None:
    async with (
        hotline.agent("8025") as desk,
        hotline.agent("8026") as second,
        hotline.caller() as caller,
    ):
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "transfer", "8026", "wants a refund")
        await answering.wait_ended(5)
        taking = await second.incoming()
        view = hotline.daemon.desk.view().calls[0]
        assert (view.passed_by, view.note, taking.caller_name) == ("8025", "wants a refund", "billing from 8025")
        await talk(call, taking, hz=(CALLER_HZ, SECOND_HZ))
        await hears(call, SECOND_HZ, without=(FIRST_HZ,))
        await taking.hangup()
        await call.hangup()
        await hotline.closed()
    assert (await hotline.wait(TransferEnded)).outcome == "completed"


async def test_blind_to_a_queue_keeps_the_place(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        first = await hotline.wait(Queued)
        await does(hotline, "8025", "transfer", "queue:network")
        await answering.wait_ended(5)
        again = await hotline.wait(Queued, count=2)
        assert (again.queue, again.rank) == ("network", first.rank)
        async with hotline.agent("8026") as second:
            taking = await second.incoming()
            await talk(call, taking, hz=(CALLER_HZ, SECOND_HZ))
            await call.hangup()
            await hotline.closed()


async def test_blind_refused_by_the_second_agent_comes_back(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026", reject(486)), hotline.caller() as caller:
        call, _ = await connected(caller, desk)
        await does(hotline, "8025", "transfer", "8026")
        assert (await hotline.wait(TransferEnded)).outcome == "busy"
        await hotline.wait(Connected, count=2, agent="8025")
        await call.hangup()
        await hotline.closed()


async def test_blind_to_a_number_outside_by_keys(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller, outside(hotline.asterisk) as far:
        call, answering = await connected(caller, desk)
        await answering.press("*3701#")
        await answering.wait_ended(10)
        dialled = await far.incoming()
        assert dialled.called == NUMBER
        await talk(call, dialled, hz=(CALLER_HZ, OUTSIDE_HZ))
        await hears(call, OUTSIDE_HZ, without=(FIRST_HZ,))
        assert not (await ask(hotline, "8025", "transfer", "number:10086"))[0]
        await dialled.hangup()
        await hotline.wait(NodeEntered, node="survey")
        await call.hangup()
        await hotline.closed()


async def test_blind_to_a_node_of_the_flow(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "transfer", "flow:main_menu")
        await hotline.wait(NodeEntered, count=2, node="main_menu")
        (there,) = hotline.daemon.loop.board.floor.calls.values()
        assert (await hotline.asked(StopRecording)).leg == there.leg
        await hotline.until(lambda: not there.stopping)
        await answering.wait_ended(5)
        await call.press("1")
        await hotline.wait(Queued, count=2)
        await call.hangup()
        await hotline.closed()


async def test_the_agent_ends_with_the_survey(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await answering.press("*8")
        await hotline.wait(NodeEntered, node="survey")
        await answering.wait_ended(5)
        await call.press("1")
        assert (await hotline.wait(Rated)).agent == "8025"
        await call.wait_ended(20)
        await hotline.closed()


# -- consult --


async def test_consult_then_complete(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026") as second, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "consult", "8026")
        asked = await second.incoming()
        await talk(answering, asked, hz=(FIRST_HZ, SECOND_HZ))
        await hears(call, without=(FIRST_HZ, SECOND_HZ))
        await hears(asked, FIRST_HZ, without=(CALLER_HZ,))
        await does(hotline, "8025", "complete")
        await answering.wait_ended(5)
        await hears(call, SECOND_HZ, without=(FIRST_HZ,))
        await hears(asked, CALLER_HZ, without=(FIRST_HZ,))
        assert hotline.daemon.loop.board.floor.seats["8025"].state != "talking"
        await call.hangup()
        await hotline.closed()
    assert [fact.agent for fact in hotline.facts if isinstance(fact, RecordingWanted)] == ["8025", "8026"]


async def test_consult_then_return(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026") as second, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await answering.press("*2700#")
        asked = await second.incoming()
        await hotline.wait(TransferAnswered)
        await answering.press("*5")
        await asked.wait_ended(5)
        answering.play_tone(FIRST_HZ)
        await hears(call, FIRST_HZ)
        await hears(answering, CALLER_HZ)
        await call.hangup()
        await hotline.closed()
    assert (await hotline.wait(TransferEnded)).outcome == "returned"


async def test_three_way_and_two_go_on(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026") as second, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "consult", "8026")
        asked = await second.incoming()
        await talk(answering, asked, hz=(FIRST_HZ, SECOND_HZ))
        await does(hotline, "8025", "conference")
        await hears(call, FIRST_HZ, SECOND_HZ)
        await hears(answering, CALLER_HZ, SECOND_HZ)
        await hears(asked, CALLER_HZ, FIRST_HZ)
        await answering.hangup()
        await hears(call, SECOND_HZ, without=(FIRST_HZ,))
        await asked.hangup()
        await hotline.wait(NodeEntered, node="survey")
        await call.hangup()
        await hotline.closed()


async def test_consult_outside_in_three_way_the_number_leaves(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller, outside(hotline.asterisk) as far:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "consult", f"number:{NUMBER}")
        asked = await far.incoming()
        await talk(answering, asked, hz=(FIRST_HZ, OUTSIDE_HZ))
        await does(hotline, "8025", "conference")
        await hears(call, FIRST_HZ, OUTSIDE_HZ)
        await asked.hangup()
        await hears(call, FIRST_HZ, without=(OUTSIDE_HZ,))
        await call.hangup()
        await hotline.closed()
    assert (await hotline.wait(TransferEnded)).outcome == "left"


@pytest.mark.parametrize("who", ["caller", "agent", "second"])
async def test_hanging_up_during_a_consult(hotline: Hotline, who: str) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026") as second, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "consult", "8026")
        asked = await second.incoming()
        await talk(answering, asked, hz=(FIRST_HZ, SECOND_HZ))
        await {"caller": call, "agent": answering, "second": asked}[who].hangup()
        if who == "agent":
            await hears(call, SECOND_HZ)
            await hears(asked, CALLER_HZ)
        elif who == "second":
            await hears(answering, CALLER_HZ)
        else:
            await asked.wait_ended(5)
        await call.hangup()
        await hotline.closed()


async def test_consult_nobody_answers(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026", reject(603)), hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await does(hotline, "8025", "consult", "8026")
        assert (await hotline.wait(TransferEnded)).outcome == "declined"
        await hears(answering, CALLER_HZ)
        await hears(call, FIRST_HZ)
        await call.hangup()
        await hotline.closed()


async def test_agent_hangs_up_while_the_consulted_rings(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.agent("8026", ring_only()) as second, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        first = await hotline.wait(Queued)
        await does(hotline, "8025", "consult", "8026")
        ringing = await second.incoming()
        await answering.hangup()
        await ringing.wait_ended(5)
        assert (await hotline.wait(Queued, count=2)).rank == first.rank
        await hotline.wait(Connected, count=2)
        await call.hangup()
        await hotline.closed()


# -- the second agent is heard and recorded (phones.md §0.1) --


@pytest.mark.parametrize("numbers", [(30_000, 1_000), (1_000, 41_000)])
@pytest.mark.parametrize(("how", "codec"), [("blind", "ulaw"), ("consult", "ulaw"), ("consult", "alaw")])
async def test_second_agent_is_heard_and_recorded(
    hotline: Hotline, numbers: tuple[int, int], how: str, codec: str
) -> None:
    async with (
        hotline.agent("8025") as desk,
        hotline.agent("8026") as second,
        Phone(CALLER, None, hotline.asterisk.sip, PORTS, codecs=(codec,)) as caller,
    ):
        desk.rtp_sequence, second.rtp_sequence = numbers
        call, answering = await connected(caller, desk)
        await call.lasts(1.0)
        await does(hotline, "8025", "transfer" if how == "blind" else "consult", "8026")
        taking = await second.incoming()
        await taking.wait_answered()
        taking.play_tone(SECOND_HZ)
        if how == "consult":
            await answering.wait_tone(SECOND_HZ, 5)
            await does(hotline, "8025", "complete")
        await hears(call, SECOND_HZ)
        await call.lasts(1.0)
        await call.hangup()
        await hotline.closed()
    for agent, heard, foreign in (("8025", FIRST_HZ, SECOND_HZ), ("8026", SECOND_HZ, FIRST_HZ)):
        wanted = await hotline.wait(RecordingWanted, agent=agent)
        stored = await hotline.wait(RecordingStored, recording=wanted.recording)
        _, (left, right) = audio.read_wav(hotline.daemon.site.recordings / stored.path)
        assert len(left) == len(right)
        assert audio.heard(left, CALLER_HZ) and audio.heard_s(right, heard) >= 1.0
        assert not audio.heard(right, foreign) and not audio.heard(left, heard)


# -- a phone whose RTP stream begins anew (adr/0020) --

LATER_HZ = 2300


def reported(hotline: Hotline, leg: LegId) -> bool:
    figures = hotline.daemon.quality._legs.get(leg)
    return figures is not None and figures.stream is not None


@pytest.mark.parametrize(("who", "ssrc"), [("caller", None), ("caller", 0x1234_5678), ("agent", None)])
async def test_a_voice_that_begins_anew_is_heard_and_recorded(hotline: Hotline, who: str, ssrc: int | None) -> None:
    async with (
        hotline.agent("8025") as desk,
        Phone(CALLER, None, hotline.asterisk.sip, PORTS) as caller,
    ):
        caller.rtp_sequence = desk.rtp_sequence = 30_000
        call, answering = await connected(caller, desk)
        async with asyncio.timeout(15):  # What began anew is told by comparing Asterisk's reports, one in 5 s and leg.
            while not all(reported(hotline, leg) for leg in hotline.daemon.loop.board.floor.legs):
                await call.lasts(0.1)
        speaks, hearer = (call, answering) if who == "caller" else (answering, call)
        speaks.begins_anew(1_000, ssrc)
        speaks.play_tone(LATER_HZ)
        await hears(hearer, LATER_HZ)
        if who == "caller":
            await hotline.wait(RecordingRunning, count=2)
        await call.lasts(1.0)
        await call.hangup()
        await hotline.closed()
    wanted = await hotline.wait(RecordingWanted, count=2 if who == "caller" else 1)
    stored = await hotline.wait(RecordingStored, recording=wanted.recording)
    _, (left, right) = audio.read_wav(hotline.daemon.site.recordings / stored.path)
    assert audio.heard_s(left if who == "caller" else right, LATER_HZ) >= 0.5
    if who == "caller":  # What came before stands in the first one.
        first = await hotline.wait(RecordingStored, recording=(await hotline.wait(RecordingWanted)).recording)
        _, (left, _) = audio.read_wav(hotline.daemon.site.recordings / first.path)
        assert audio.heard_s(left, CALLER_HZ) >= 1.0 and not audio.heard(left, LATER_HZ)


# -- supervisors --


async def test_listen_whisper_barge(hotline: Hotline) -> None:
    async with (
        hotline.agent("8025") as desk,
        hotline.agent("8099", ready=False) as boss,
        hotline.caller() as caller,
    ):
        call, answering = await connected(caller, desk)
        await does(hotline, "8099", "listen", "8025")
        ear = await boss.incoming()
        await ear.wait_answered()
        ear.play_tone(BOSS_HZ)
        await hears(ear, CALLER_HZ, FIRST_HZ)
        await hears(call, FIRST_HZ, without=(BOSS_HZ,))
        await hears(answering, CALLER_HZ, without=(BOSS_HZ,))
        await ear.press("2")
        await hears(answering, CALLER_HZ, BOSS_HZ)
        await hears(call, FIRST_HZ, without=(BOSS_HZ,))
        await hears(ear, CALLER_HZ, FIRST_HZ)
        await does(hotline, "8099", "listen")
        await hotline.wait(Supervised, count=2, how="listen")
        await hears(answering, CALLER_HZ, without=(BOSS_HZ,))
        await call.lasts(0.5)
        await call.hangup()
        await ear.wait_ended(5)
        await hotline.closed()
        stored = await hotline.wait(RecordingStored)
        _, (left, right) = audio.read_wav(hotline.daemon.site.recordings / stored.path)
        assert not audio.heard(left, BOSS_HZ) and not audio.heard(right, BOSS_HZ)


async def test_barge_then_take_over(hotline: Hotline) -> None:
    async with (
        hotline.agent("8025") as desk,
        hotline.agent("8099", ready=False) as boss,
        hotline.caller() as caller,
    ):
        call, answering = await connected(caller, desk)
        await answering.press("*7")
        ear = await boss.incoming()
        await hotline.wait(Supervised, how="listen")
        ear.play_tone(BOSS_HZ)
        await ear.press("3")
        await hears(call, FIRST_HZ, BOSS_HZ)
        await hears(answering, CALLER_HZ, BOSS_HZ)
        await hears(ear, CALLER_HZ, FIRST_HZ)
        await ear.press("4")
        await answering.wait_ended(5)
        await hears(call, BOSS_HZ, without=(FIRST_HZ,))
        await hears(ear, CALLER_HZ, without=(FIRST_HZ,))
        await ear.hangup()
        await hotline.wait(NodeEntered, node="survey")
        await call.hangup()
        await hotline.closed()
    assert (await hotline.wait(TalkEnded)).by == "take-over"


async def test_mute(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call, answering = await connected(caller, desk)
        await answering.press("*9")
        await hotline.asked(Mute)
        await call.lasts(0.5)
        await hears(call, without=(FIRST_HZ,))
        await hears(answering, CALLER_HZ)
        assert call.voice is not None and not call.voice.digits, "codes come to us alone"
        await does(hotline, "8025", "unmute")
        await hears(call, FIRST_HZ)
        await call.hangup()
        await hotline.closed()


async def test_every_run_of_this_page_replays(hotline: Hotline) -> None:
    """Whatever ran before it in this file: every decision as it was."""
    site = hotline.daemon.site
    await asyncio.wrap_future(hotline.daemon.loop.committed())
    with open_history(site.store) as history:
        epochs = [epoch for epoch in history.epochs if epoch != hotline.daemon.loop.board.floor.mint.epoch]
        for epoch in epochs:
            found = replay(history, epoch, site.settings, recalled(site))
            assert found.first is None, (epoch, found.first)
