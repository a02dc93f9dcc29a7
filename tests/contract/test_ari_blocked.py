"""Asterisk lets requests on a playing channel wait (phones.md §0.2): that must stay one call's own trouble."""

import asyncio
import time
from contextlib import AsyncExitStack

from ari_app.model.effects import Answer, HangUp, Join, Leave, MakeBridge, Mute, Play, Ring, StopPlay
from ari_app.model.events import CommandFailed, LegEnded, PlaybackEnded
from tests.contract.ari_kit import SECONDS, listening

A, B = "7-1", "7-2"


def in_bridge(call, leg):
    return Answer(call, leg), MakeBridge(call, f"{call}.b1", "mixing"), Join(call, f"{call}.b1", leg)


async def test_a_request_on_a_playing_channel_never_delays_another_call(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (_, one), ear.caller() as (_, other):
        ear.do(*in_bridge(A, one.leg), Answer(B, other.leg))
        await ear.done()
        ear.do(Play(A, one.leg, "7-1.p1", ("middle",), "en"), Leave(A, "7-1.b1", one.leg))
        blocked = asyncio.create_task(ear.lane_free(A, "7-1.l9"))
        began = time.monotonic()
        while not blocked.done():
            assert await ear.lane_free(B, f"7-2.l{time.monotonic_ns()}") < 0.2
            await asyncio.sleep(0.05)
        waited = time.monotonic() - began
        print(f"\nblocked lane waited {waited:.2f} s; the other lane's worst answer stayed below 0.2 s")
        assert 1.0 <= waited <= SECONDS["middle"] + 0.5
        assert ear.link.counters["lanes_blocked"] >= 1


async def test_stopping_the_prompt_frees_the_lane(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (_, one):
        ear.do(*in_bridge(A, one.leg))
        await ear.done()
        ear.do(Play(A, one.leg, "7-1.p1", ("long",), "en"), Leave(A, "7-1.b1", one.leg), StopPlay(A, "7-1.p1"))
        began = time.monotonic()
        await ear.wait(PlaybackEnded, 1, playback="7-1.p1")
        assert await ear.lane_free(A, "7-1.l9", 1) < 1
        assert time.monotonic() - began < 1
        assert ear.link.counters["overtakings"] == 1


async def test_hanging_up_ends_a_blocked_lane(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (_, one):
        ear.do(*in_bridge(A, one.leg))
        await ear.done()
        ear.do(Play(A, one.leg, "7-1.p1", ("long",), "en"), Leave(A, "7-1.b1", one.leg), Mute(A, one.leg))
        ear.do(HangUp(A, one.leg))
        await ear.wait(LegEnded, 1, leg=one.leg)
        assert await ear.wait(PlaybackEnded, 1) == PlaybackEnded("7-1.p1", ok=False)
        await ear.done(1)
        assert {failed.reason for failed in ear.all(CommandFailed)} <= {"gone"}  # Mute may just have been in time.


async def test_a_stop_right_behind_its_play_still_stops_it(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, one):
        ear.do(Answer(A, one.leg))
        await call.wait_answered()
        for n in range(100):
            began = time.monotonic()
            ear.do(Play(A, one.leg, f"7-1.p{n}", ("long",), "en"), StopPlay(A, f"7-1.p{n}"))
            await ear.wait(PlaybackEnded, 2, playback=f"7-1.p{n}")
            assert time.monotonic() - began < 1
        assert ear.all(CommandFailed) == []


async def test_a_call_called_off_at_once_is_really_off(asterisk):
    async with listening(asterisk) as ear, ear.phone():
        for n in range(30):
            ear.do(Ring(A, f"7-1.l{n}", "p8025", "1", "q", 5), HangUp(A, f"7-1.l{n}", 26))
            await ear.wait(LegEnded, 2, leg=f"7-1.l{n}")
        assert await ear.engineer.channels.list() == []


async def test_one_lane_keeps_the_order_of_two_hundred_commands(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (_, one):
        ear.do(*in_bridge(A, one.leg))
        for _ in range(100):
            ear.do(Leave(A, "7-1.b1", one.leg), Join(A, "7-1.b1", one.leg))
        await ear.done()
        assert ear.all(CommandFailed) == []  # Leaving a bridge that one is not in is refused.
        [bridge] = await ear.engineer.bridges.list()
        assert bridge.json["channels"] == [one.leg]


async def test_twenty_blocked_calls_delay_nobody(asterisk):
    async with listening(asterisk) as ear, AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(ear.caller()) for _ in range(20)]
        for n, (_, arrived) in enumerate(callers):
            call = f"9-{n}"
            ear.do(*in_bridge(call, arrived.leg))
        await ear.done()
        for n, (_, arrived) in enumerate(callers):
            call = f"9-{n}"
            ear.do(Play(call, arrived.leg, f"{call}.p1", ("middle",), "en"), Leave(call, f"{call}.b1", arrived.leg))
        worst = 0.0
        while ear.link.pending >= 20:
            worst = max(worst, await ear.lane_free(B, f"7-2.l{time.monotonic_ns()}"))
            await asyncio.sleep(0.02)
        print(
            f"\n20 lanes blocked, {ear.link.counters['sockets']} sockets: worst answer elsewhere {worst * 1000:.0f} ms"
        )
        assert worst < 0.2
        await ear.done()
