"""Speech heard by Asterisk's TALK_DETECT, as situations use it: what is told, when, and what is not."""

import asyncio

from ari_app.model.effects import Answer, Listen, Play, StopPlay, Unlisten
from ari_app.model.events import CommandFailed, KeyPressed, PlaybackEnded, SpeechBegan, SpeechEnded
from ari_app.model.settings import Line
from ari_app.phones import audio
from tests.contract.ari_kit import listening

C = "7-1"
HZ = 600


def listen(leg: str) -> Listen:
    line = Line()
    return Listen(C, leg, line.talk_threshold, line.silence_ms)


async def test_speech_is_told_when_it_begins_and_how_long_it_was(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        leg = arrived.leg
        ear.do(Answer(C, leg), listen(leg))
        await call.wait_answered()
        await ear.done()
        await call.lasts(1)
        assert ear.all(SpeechBegan) == [], "silence tells nothing, not even at its beginning"
        call.send(audio.tone(HZ, 1.0))
        assert (await ear.wait(SpeechBegan)).leg == leg
        ended = await ear.wait(SpeechEnded)
        assert ended.leg == leg and 900 <= ended.ms <= 1100, "the silence after it does not count"
        await call.hangup()


async def test_a_knock_is_told_apart_by_its_length(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        ear.do(Answer(C, arrived.leg), listen(arrived.leg))
        await call.wait_answered()
        await ear.done()
        call.send(audio.tone(HZ, 0.04))
        ended = await ear.wait(SpeechEnded)
        assert ended.ms < Line().speech_ms
        await call.hangup()


async def test_speech_is_heard_while_a_prompt_plays_and_keys_are_no_speech(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        leg = arrived.leg
        ear.do(Answer(C, leg), listen(leg), Play(C, leg, "7-1.p1", ("long",), "en"))
        await call.wait_answered()
        await call.wait_silence_end()
        await call.press("5")
        await ear.wait(KeyPressed, digit="5")
        assert ear.all(SpeechBegan) == []
        call.play_tone(HZ)
        await ear.wait(SpeechBegan, 2)
        ear.do(StopPlay(C, "7-1.p1"), Unlisten(C, leg))
        await ear.wait(PlaybackEnded)
        await ear.done(2)
        call.hush()
        await call.lasts(1)
        assert ear.all(SpeechEnded) == [], "nobody listens any more"
        await call.hangup()


async def test_who_speaks_already_is_heard_at_once(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        ear.do(Answer(C, arrived.leg))
        await call.wait_answered()
        call.play_tone(HZ)
        await call.lasts(0.5)
        ear.do(listen(arrived.leg))
        await ear.wait(SpeechBegan, 1)
        await call.hangup()


async def test_a_channel_that_is_gone_is_no_failure(asterisk):
    async with listening(asterisk) as ear, ear.caller() as (call, arrived):
        ear.do(Answer(C, arrived.leg))
        await call.wait_answered()
        await call.hangup()
        await asyncio.wait_for(call.ended.wait(), 5)
        ear.do(listen("7-1.gone"), Unlisten(C, "7-1.gone"))
        await ear.done()
        assert ear.all(CommandFailed) == []
