"""Lost links to a real Asterisk: noticed, made up for, everything sent again."""

import asyncio
import time
from pathlib import Path

import pytest
import structlog

from ari_app.ari.client import AriLink
from ari_app.ari.connection import SILENCE_S_MAX
from ari_app.ari.decode import DISALLOWED
from ari_app.ari.playing import GRACE_S
from ari_app.errors import Gone
from ari_app.model.effects import Announce, Answer, DropBridge, Join, MakeBridge, Play, Ring, StopPlay
from ari_app.model.events import (
    BridgeSeen,
    CallArrived,
    CallerSeen,
    CommandFailed,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LinkDown,
    LinkUp,
    Listed,
    PhoneChanged,
    PlaybackEnded,
)
from ari_app.phones.phone import answer_after
from tests.asterisk import running_asterisk
from tests.contract.ari_kit import SECONDS, address_of, lasts, listening, prompts_of
from tests.wire import Wire

C = "7-1"
SHORT_IS_OVER_S = 0.5  # The short prompt ends while nobody listens: there is no event to wait for.


async def applications(ear):
    """What Asterisk keeps of our two applications: disallowed, allowed, endpoints, bridges."""
    found = {application.id: application.json for application in await ear.engineer.applications.list()}
    ours, phones = found["hotline"], found["hotline-phones"]
    return (
        {each["type"] for each in ours["events_disallowed"]},
        [each["type"] for each in phones["events_allowed"]],
        (ours["endpoint_ids"], phones["endpoint_ids"]),
        set(ours["bridge_ids"]),
    )


EXPECTED = (set(DISALLOWED), ["PeerStatusChange"], ([], ["PJSIP"]))


async def test_what_was_missed_stands_in_the_listing(asterisk):
    async with (
        Wire(asterisk.settings.asterisk.http_port) as wire,
        listening(asterisk, wire.url) as ear,
        ear.caller() as (stays, one),
        ear.caller() as (leaves, two),
    ):
        ear.do(Answer(C, one.leg), Answer("7-2", two.leg))
        await asyncio.gather(stays.wait_answered(), leaves.wait_answered())
        async with ear.phone() as phone:
            await ear.wait(PhoneChanged, phone="p8025", reachable=True)
            ear.do(Play(C, one.leg, "7-1.p1", ("short",), "en"), Play("7-2", two.leg, "7-2.p1", ("long",), "en"))
            ear.do(Play(C, one.leg, "7-1.p2", ("long",), "en"))
            await ear.done()
            wire.cut(shut=True)
            await ear.wait(LinkDown, 2)
            await leaves.hangup()
            await asyncio.sleep(SHORT_IS_OVER_S)
            await phone.unregister()
        wire.mend()
        await ear.wait(LinkUp, 15)
        listed = await ear.wait(Listed)
        assert [(channel.leg, channel.state) for channel in listed.channels] == [(one.leg, "Up")]
        assert listed.phones == ()
        # The prompt that ended unheard, and the one that ended with its caller; 7-1.p2 still plays.
        over = {await ear.wait(PlaybackEnded), await ear.wait(PlaybackEnded)}
        assert {event.playback for event in over} == {"7-1.p1", "7-2.p1"}
        await stays.press("7")
        assert await ear.wait(KeyPressed) == KeyPressed(one.leg, "7")
        ear.do(StopPlay(C, "7-1.p2"))
        assert (await ear.wait(PlaybackEnded)).playback == "7-1.p2"
        await stays.hangup()
        await ear.wait(LegEnded, leg=one.leg)


async def test_bridges_speak_to_us_again_after_a_loss_and_after_a_new_start(asterisk):
    async with (
        Wire(asterisk.settings.asterisk.http_port) as wire,
        listening(asterisk, wire.url) as ear,
        ear.phone() as phone,
        ear.caller() as (call, one),
    ):
        phone.on_invite = answer_after(0)
        ear.do(Answer(C, one.leg), MakeBridge(C, "7-1.b1", "mixing"), Join(C, "7-1.b1", one.leg))
        ear.do(Ring(C, "7-1.l1", "p8025", "1", "q", 5))
        await ear.wait(LegAnswered)
        ear.do(Join(C, "7-1.b1", "7-1.l1"), MakeBridge(None, "7-0.b1", "holding"))
        await ear.done()
        wire.cut()
        await ear.wait(LinkDown, 2)
        listed = await ear.wait(Listed, 15)
        assert BridgeSeen("7-0.b1", "holding", ()) in listed.bridges
        [talk] = [bridge for bridge in listed.bridges if bridge.kind == "mixing"]
        assert (talk.bridge, set(talk.legs)) == ("7-1.b1", {one.leg, "7-1.l1"})
        ear.do(Announce(C, "7-1.b1", "7-1.p1", ("short",), "en"))
        assert await ear.wait(PlaybackEnded) == PlaybackEnded("7-1.p1", ok=True)
        assert "7-0.b1" in (await applications(ear))[3]

        told = []
        second = AriLink(address_of(asterisk), told.append, prompts_of(asterisk), lasts)  # The next daemon.
        running = asyncio.create_task(second.run())
        assert "another program has taken over" in (await ear.wait(LinkDown, 5)).reason
        async with asyncio.timeout(5):
            while not second.up:
                await asyncio.sleep(0.01)
        seen = next(event for event in told if isinstance(event, Listed))
        assert [channel.leg for channel in seen.channels] and seen.bridges
        assert told[1] == CallerSeen(one.leg, one.caller, one.dialled, one.via), "who he is, before what is there"
        second.perform(Announce(C, "7-1.b1", "7-1.p2", ("short",), "en"))
        async with asyncio.timeout(5):
            while PlaybackEnded("7-1.p2", ok=True) not in told:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await second.close()
        await call.hangup()


async def test_the_end_of_a_prompt_that_is_never_told_is_found_out(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (_, arrived):
        ear.do(Answer(C, arrived.leg))
        await ear.done()
        deaf = {"disallowed": [{"type": kind} for kind in (*DISALLOWED, "PlaybackFinished")]}
        await ear.engineer.applications.filter(applicationName="hotline", filter=deaf)
        ear.do(Play(C, arrived.leg, "7-1.p1", ("short",), "en"))
        assert await ear.wait(PlaybackEnded, SECONDS["short"] + GRACE_S + 5) == PlaybackEnded("7-1.p1", ok=True)
        assert ear.link.counters["ends_missed"] == 1


async def test_of_what_was_said_to_a_bridge_that_is_gone_no_end_is_told(asterisk):
    async with listening(asterisk, seconds=lambda play: 0.0) as ear:
        ear.do(MakeBridge(C, "7-1.b1", "mixing"), Announce(C, "7-1.b1", "7-1.p1", ("longest",), "en"))
        await ear.done()
        ear.do(DropBridge(C, "7-1.b1"))
        began = time.monotonic()
        assert await ear.wait(PlaybackEnded, GRACE_S + 5) == PlaybackEnded("7-1.p1", ok=False)
        assert time.monotonic() - began > GRACE_S - 1, "Asterisk told it after all: then we need not ask"
        assert not ear.link.counters["ends_missed"] and not ear.link.counters["prompts_stuck"]


async def test_a_prompt_that_does_not_end_is_stopped(asterisk):
    async with listening(asterisk, seconds=lambda play: SECONDS["short"]) as ear, ear.caller() as (_, arrived):
        ear.do(Answer(C, arrived.leg), Play(C, arrived.leg, "7-1.p1", ("longest",), "en"))
        assert await ear.wait(PlaybackEnded, SECONDS["short"] + GRACE_S + 5) == PlaybackEnded("7-1.p1", ok=False)
        assert ear.link.counters["prompts_stuck"] == 1
        with pytest.raises(Gone):  # It ends a moment after it was told to.
            async with asyncio.timeout(5):
                while await ear.engineer.playbacks.get(playbackId="7-1.p1"):
                    await asyncio.sleep(0.01)


async def test_two_links_under_one_name_do_not_throw_each_other_out_in_turn(asterisk):
    async with listening(asterisk) as one, listening(asterisk) as other:
        assert "another program has taken over" in (await one.wait(LinkDown)).reason
        await asyncio.sleep(2)  # Time in which they must be quiet: the pause after this loss is five seconds or more.
        assert other.link.up
        assert other.all(LinkDown) == []


async def test_digits_do_not_come_twice_whatever_an_engineer_subscribed(asterisk):
    async with Wire(asterisk.settings.asterisk.http_port) as wire, listening(asterisk, wire.url) as ear:
        for _ in range(3):
            await ear.engineer.applications.subscribe(applicationName="hotline", eventSource="endpoint:PJSIP")
        wire.cut()
        await ear.wait(LinkDown, 2)
        await ear.wait(Listed, 15)
        async with ear.caller() as (call, arrived):
            ear.do(Answer(C, arrived.leg))
            await call.wait_answered()
            await call.press("55")
            await call.press("#")
            await ear.wait(KeyPressed, digit="#")
            assert [event.digit for event in ear.all(KeyPressed)] == ["5", "5", "#"]
        assert (await applications(ear))[:3] == EXPECTED


async def test_a_long_listing_comes_and_asterisk_lives(asterisk):
    """Over a WebSocket this one kills Asterisk 22.10.1: a segmentation fault in res_http_websocket."""
    async with Wire(asterisk.settings.asterisk.http_port) as wire, listening(asterisk, wire.url) as ear:
        call = {"endpoint": "Local/1860@from-trunk", "app": "hotline", "appArgs": "leg", "timeout": 60}
        for n in range(350):
            await ear.engineer.channels.originateWithId(channelId=f"8-{n}.l1", **call)
        async with asyncio.timeout(10):  # Asterisk's list of channels lags behind the channels.
            while len(await ear.engineer.channels.list()) < 700:
                await asyncio.sleep(0.05)
        wire.cut()
        await ear.wait(LinkDown, 2)
        listed = await ear.wait(Listed, 15)
        assert {f"8-{n}.l1" for n in range(350)} <= {channel.leg for channel in listed.channels}


async def test_silence_is_a_loss(asterisk):
    async with (
        Wire(asterisk.settings.asterisk.http_port) as wire,
        listening(asterisk, wire.url) as ear,
        ear.caller() as (_, one),
    ):
        wire.silence()
        began = time.monotonic()
        ear.do(Answer(C, one.leg))
        down = await ear.wait(LinkDown, SILENCE_S_MAX + 1)
        noticed = time.monotonic() - began
        print(f"\nsilence noticed after {noticed:.1f} s")
        assert noticed <= 10
        assert "no answer to a ping" in down.reason
        assert (await ear.wait(CommandFailed, 1)).reason in ("timeout", "down")
        assert not ear.link.up
        wire.cut()
        wire.silence(False)
        listed = await ear.wait(Listed, 15)
        assert [channel.leg for channel in listed.channels] == [one.leg]


async def test_a_wrong_password_is_said_once_and_no_link_comes_of_it(asterisk):
    address = address_of(asterisk)
    told = []
    wrong = type(address)(address.url, address.user, "not-the-password", "hotline-elsewhere")
    with structlog.testing.capture_logs() as logs:
        link = AriLink(wrong, told.append, prompts_of(asterisk), lasts)
        running = asyncio.create_task(link.run())
        async with asyncio.timeout(5):
            while "wrong ARI user or password (401)" not in link.status:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await link.close()
    assert told == []
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert "not-the-password" not in repr(logs)


@pytest.mark.timeout(120)
async def test_a_restarted_asterisk_gets_filters_and_subscriptions_again(tmp_path):
    with running_asterisk(tmp_path) as own:
        async with listening(own) as ear, ear.caller() as (call, arrived):
            ear.do(Answer(C, arrived.leg), MakeBridge(C, "7-1.b1", "mixing"), Join(C, "7-1.b1", arrived.leg))
            await call.wait_answered()
            assert (await applications(ear))[:3] == EXPECTED
            await asyncio.to_thread(own.instance.stop)
            assert await ear.wait(LegEnded, 20)
            await ear.wait(LinkDown, 20)
            assert ear.link.status.startswith("down: ")
            await asyncio.to_thread(own.instance.start)
            await ear.wait(LinkUp, 20)
            assert await ear.wait(Listed) == Listed((), (), ())
            assert (await applications(ear))[:3] == EXPECTED
            async with ear.caller() as (again, _):
                await again.hangup()
            assert len(ear.all(CallArrived)) == 2


async def test_a_link_that_we_close_leaves_no_error_in_asterisk_s_log(asterisk):
    """A socket that is just reset would be an ERROR at each end of the daemon."""
    full = Path(asterisk.layout.full_log)
    began = len(full.read_text(errors="replace"))
    async with listening(asterisk) as ear, ear.caller() as (_, one):
        ear.do(Answer(C, one.leg))
        await ear.done()
        assert ear.link.counters["sockets"] > 0
    said = full.read_text(errors="replace")[began:]
    assert "web socket" not in said and "WebSocket" not in said
