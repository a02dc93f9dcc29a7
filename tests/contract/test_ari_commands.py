"""Effects and events against a real Asterisk: ids of ours, order, ends, what cannot be done."""

import asyncio

from ari_app.model.effects import (
    Announce,
    Answer,
    AskMessage,
    DropBridge,
    HangUp,
    Join,
    Leave,
    MakeBridge,
    Mute,
    Play,
    RecordMessage,
    Ring,
    StopPlay,
)
from ari_app.model.events import (
    CommandFailed,
    FeatureDialled,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    MessageRecorded,
    PhoneChanged,
    PlaybackEnded,
)
from ari_app.phones.phone import answer_after, reject, ring_only, say_nothing
from tests.contract.ari_kit import CALLER, listening

C = "7-1"


def ring(leg, phone="p8025", ring_s=5):
    return Ring(C, leg, phone, CALLER, "Billing", ring_s)


async def test_a_caller_from_first_ring_to_the_end(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        assert (arrived.caller, arrived.dialled, arrived.via) == (CALLER, "1860", "local")
        leg = arrived.leg
        ear.do(Answer(C, leg), Play(C, leg, "7-1.p1", ("short", "nowhere", "short"), "en"))
        await call.wait_answered()
        assert await ear.wait(PlaybackEnded) == PlaybackEnded("7-1.p1", ok=True)
        await call.press("5#")
        await ear.wait(KeyPressed, digit="#")
        await call.hold()
        await ear.wait(LegHeld, leg=leg)
        await call.resume()
        await ear.wait(LegResumed, leg=leg)
        await call.hangup()
        assert await ear.wait(LegEnded) == LegEnded(leg, 16, 0)
        ours = [event for event in ear.told if getattr(event, "leg", leg) == leg][2:]
        assert [type(event).__name__ for event in ours] == [
            "CallArrived",
            "PlaybackEnded",
            "KeyPressed",
            "KeyPressed",
            "LegHeld",
            "LegResumed",
            "LegEnded",
        ]
        assert ear.link.counters["prompts_missing"] == 1
        assert ear.link.counters["unknown"] == 0


async def test_a_caller_we_refuse_hears_our_cause(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        ear.do(HangUp(C, arrived.leg, 17))
        await ear.wait(LegEnded, leg=arrived.leg)
        await call.wait_ended()
        assert call.status == 486


async def test_a_caller_who_gives_up_before_the_answer(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        await call.hangup()
        assert await ear.wait(LegEnded) == LegEnded(arrived.leg, 127, 487)


async def test_a_feature_code(asterisk):
    async with listening(asterisk) as ear, ear.phone() as phone:
        await phone.dial("*131")
        dialled = await ear.wait(FeatureDialled)
        assert (dialled.phone, dialled.dialled) == ("p8025", "*131")
        await phone.calls[0].hangup()
        await ear.wait(LegEnded, leg=dialled.leg)


async def test_our_leg_has_our_id_and_rings_answers_and_ends_once(asterisk):
    async with listening(asterisk) as ear, ear.phone() as phone:
        phone.on_invite = answer_after(0.2)
        ear.do(ring("7-1.l1"))
        await ear.wait(LegRinging, leg="7-1.l1")
        await ear.wait(LegAnswered, leg="7-1.l1")
        call = await phone.incoming()
        assert (call.caller, call.caller_name) == (CALLER, "Billing")
        assert (await ear.engineer.channels.get(channelId="7-1.l1")).json["state"] == "Up"
        await call.hangup()
        assert await ear.wait(LegEnded) == LegEnded("7-1.l1", 16, 0)
        await ear.lane_free(C, "7-1.l9")  # Whatever Asterisk still had to say has come.
        ours = [type(event).__name__ for event in ear.told if getattr(event, "leg", "") == "7-1.l1"]
        assert ours == ["LegRinging", "LegAnswered", "LegEnded"]


async def test_refused_legs_say_why(asterisk):
    async with listening(asterisk) as ear, ear.phone() as phone:
        for leg, status, cause in (("7-1.l1", 486, 17), ("7-1.l2", 603, 21)):
            phone.on_invite = reject(status)
            ear.do(ring(leg))
            assert await ear.wait(LegEnded, leg=leg) == LegEnded(leg, cause, status)
        assert ear.all(LegAnswered) == []


async def test_legs_nobody_answers(asterisk):
    async with listening(asterisk) as ear, ear.phone() as phone:
        phone.on_invite = ring_only()
        ear.do(ring("7-1.l1", ring_s=1))
        await ear.wait(LegRinging, leg="7-1.l1")
        assert (await ear.wait(LegEnded, leg="7-1.l1")).cause == 19
        phone.on_invite = say_nothing()  # No LegRinging: how an unreachable phone is told from one nobody picks up.
        ear.do(ring("7-1.l2", ring_s=1))
        assert (await ear.wait(LegEnded, leg="7-1.l2")).cause == 19
        assert [event.leg for event in ear.all(LegRinging)] == ["7-1.l1"]


async def test_a_leg_we_call_off_ends_with_our_cause_however_soon(asterisk):
    async with listening(asterisk) as ear, ear.phone() as phone:
        phone.on_invite = ring_only()
        ear.do(ring("7-1.l1"))
        await ear.wait(LegRinging, leg="7-1.l1")
        ear.do(HangUp(C, "7-1.l1", 26))
        assert (await ear.wait(LegEnded, leg="7-1.l1")).cause == 26
        ear.do(ring("7-1.l2"), HangUp(C, "7-1.l2", 26))
        assert (await ear.wait(LegEnded, leg="7-1.l2")).cause == 26
        assert await ear.engineer.channels.list() == []


async def test_an_id_twice_is_refused_and_the_first_stays(asterisk):
    async with listening(asterisk) as ear, ear.phone() as phone:
        phone.on_invite = answer_after(0)
        ear.do(ring("7-1.l1"), ring("7-1.l1"))
        failed = await ear.wait(CommandFailed)
        assert (failed.action, failed.call, failed.target, failed.reason) == ("Ring", C, "7-1.l1", "refused")
        assert failed.detail.startswith("409")
        await ear.wait(LegAnswered, leg="7-1.l1")


async def test_an_unregistered_phone_is_unreachable_at_once(asterisk):
    async with listening(asterisk) as ear:
        ear.do(ring("7-1.l1", "visitor"), ring("7-1.l2", "no-such-phone"))
        for leg in ("7-1.l1", "7-1.l2"):
            failed = await ear.wait(CommandFailed, 1, target=leg)
            assert failed.reason == "unreachable"
        assert ear.all(LegEnded) == []


async def test_after_a_hang_up_everything_is_gone_and_ending_it_again_is_quiet(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (_, arrived):
        leg = arrived.leg
        ear.do(MakeBridge(C, "7-1.b1", "mixing"), HangUp(C, leg))
        await ear.wait(LegEnded, leg=leg)
        ear.do(
            HangUp(C, leg),
            StopPlay(C, "7-1.p1"),
            Leave(C, "7-1.b1", leg),
            DropBridge(C, "7-1.b1"),
            DropBridge(C, "7-1.b1"),
        )
        await ear.done()
        failed = [event for event in ear.all(CommandFailed) if event.action != "Leave"]
        assert failed == []
        ear.do(Answer(C, leg), Play(C, leg, "7-1.p2", ("short",), "en"), Join(C, "7-1.b1", leg), Mute(C, leg))
        for action in ("Answer", "Play", "Join", "Mute"):
            assert (await ear.wait(CommandFailed, action=action)).reason == "gone"


async def test_a_leg_that_has_ended_cannot_join_or_leave_a_bridge_that_lives(asterisk):
    async with listening(asterisk) as ear:
        ear.do(MakeBridge(C, "7-1.b1", "mixing"), Join(C, "7-1.b1", "gone"), Leave(C, "7-1.b1", "gone"))
        assert [(await ear.wait(CommandFailed, action=a)).reason for a in ("Join", "Leave")] == ["gone", "gone"]


async def test_bridges_are_softmix_and_may_be_made_twice(asterisk):
    async with listening(asterisk) as ear:
        music = MakeBridge(None, "music-default", "holding", "default")
        ear.do(MakeBridge(C, "7-1.b1", "mixing"), music, music)
        await ear.done()
        kinds = {bridge.id: bridge.json["technology"] for bridge in await ear.engineer.bridges.list()}
        assert kinds == {"7-1.b1": "softmix", "music-default": "holding_bridge"}
        assert ear.all(CommandFailed) == []


async def test_prompts_to_a_bridge_and_to_a_leg_in_it_end(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        leg = arrived.leg
        ear.do(Answer(C, leg), MakeBridge(C, "7-1.b1", "mixing"), Join(C, "7-1.b1", leg))
        await call.wait_answered()
        ear.do(Announce(C, "7-1.b1", "7-1.p1", ("short",), "en"))
        assert await ear.wait(PlaybackEnded) == PlaybackEnded("7-1.p1", ok=True)
        ear.do(Play(C, leg, "7-1.p2", ("long",), "en"), StopPlay(C, "7-1.p2"))
        assert (await ear.wait(PlaybackEnded, 1)).playback == "7-1.p2"
        ear.do(Play(C, leg, "7-1.p3", ("nowhere",), "en"))
        assert await ear.wait(PlaybackEnded) == PlaybackEnded("7-1.p3", ok=False)
        ear.do(Play(C, leg, "7-1.p4", ("long",), "en"))
        await ear.done()
        await call.hangup()
        assert await ear.wait(PlaybackEnded) == PlaybackEnded("7-1.p4", ok=False)
        await ear.wait(LegEnded, leg=leg)


async def test_a_phone_comes_and_goes_once_each(asterisk):
    async with listening(asterisk) as ear:
        async with ear.phone() as phone:
            phone.on_invite = answer_after(0)
            await ear.wait(PhoneChanged, phone="p8025", reachable=True)
            ear.do(ring("7-1.l1"))  # Asterisk repeats a phone's state with each channel it gets or loses.
            await ear.wait(LegAnswered)
            ear.do(HangUp(C, "7-1.l1"))
            await ear.wait(LegEnded)
        await ear.wait(PhoneChanged, phone="p8025", reachable=False)
        assert len(ear.all(PhoneChanged)) == 2


async def test_fifty_callers_at_once_each_have_their_events_in_order(asterisk):
    async with listening(asterisk) as ear:

        async def one(n):
            call_id = f"8-{n}"
            async with ear.caller() as (call, arrived):
                leg = arrived.leg
                playback = f"{call_id}.p1"
                ear.do(Answer(call_id, leg), Play(call_id, leg, playback, ("short",), "en"))
                await ear.wait(PlaybackEnded, playback=playback)
                ear.do(HangUp(call_id, leg))
                await ear.wait(LegEnded, leg=leg)
                await call.wait_ended()

        await asyncio.gather(*(one(n) for n in range(50)))
        assert ear.all(CommandFailed) == []
        assert len(ear.all(LegEnded)) == 50
        assert (ear.link.pending, ear.link.counters["lanes"]) == (0, 0)


async def test_whether_a_message_is_recorded_is_answered_by_its_silence(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        ear.do(Answer(C, arrived.leg), RecordMessage(C, arrived.leg, "7-1.m1", 30, 20, "#"))
        await call.wait_answered()
        await ear.done()
        ear.do(AskMessage(C, "7-1.m1"), AskMessage(C, "7-1.m9"))
        failed = await ear.wait(CommandFailed)
        assert (failed.action, failed.target, failed.reason) == ("AskMessage", "7-1.m9", "gone")
        await call.press("#")
        await ear.wait(MessageRecorded, message="7-1.m1")
        ear.do(AskMessage(C, "7-1.m1"))
        assert (await ear.wait(CommandFailed)).target == "7-1.m1"
