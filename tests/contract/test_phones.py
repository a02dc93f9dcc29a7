"""The phones themselves, on a plain Asterisk: what they say they do is what Asterisk sees."""

import asyncio
from collections.abc import Iterator

import pytest

from ari_app.phones import Phone, PhoneError, answer_after, audio, manual, reject, ring_only, say_nothing
from ari_app.phones.phone import Policy
from tests.contract.phones_asterisk import PHONES, PlainAsterisk, ami_events, plain_asterisk


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainAsterisk]:
    with plain_asterisk(tmp_path_factory.mktemp("phones")) as running:
        yield running
        assert "0 active channels" in running.cli("core show channels")


def account(here: PlainAsterisk, n: int) -> Phone:
    return Phone(f"p{n}", here.passwords[f"p{n}"], here.server, register=True)


def trunk(here: PlainAsterisk) -> Phone:
    return Phone("carrier", server=here.server)


async def test_registers_and_unregisters(here: PlainAsterisk) -> None:
    async with account(here, 1) as phone:
        assert phone.contact in here.cli("pjsip show contacts")
        await phone.unregister()
        assert "sip:p1@" not in here.cli("pjsip show contacts")


async def test_wrong_password_is_401(here: PlainAsterisk) -> None:
    with pytest.raises(PhoneError) as refused:
        async with Phone("p1", "wrong", here.server, register=True):
            pass
    assert refused.value.status == 401


async def test_trunk_caller_hears_a_tone(here: PlainAsterisk) -> None:
    async with trunk(here) as phone:
        call = await phone.dial("tone", caller="13800138000")
        await call.wait_answered()
        since = await call.wait_tone(1000)
        assert not audio.heard(call.pcm(since), 600)
        assert call.invite_at < call.first_rtp_at <= call.first_sound_at < call.invite_at + 0.5
        assert call.invite_at < call.answered_at  # His first packet may overtake the 200 in this process.
        await call.hangup()
        assert (call.status, call.ended_by) == (200, "us")


async def test_account_dials_with_its_password(here: PlainAsterisk) -> None:
    async with account(here, 1) as phone:
        call = await phone.dial("echo")
        await call.wait_answered()
        call.play_tone(700)
        await call.wait_tone(700)


async def test_early_media_is_heard(here: PlainAsterisk) -> None:
    async with trunk(here) as phone:
        call = await phone.dial("early")
        await call.wait_tone(1000)
        assert call.early_media and not call.answered.is_set()
        await call.hangup()
        assert call.status == 487


async def test_both_sides_hear_each_other(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        call = await phone.dial("p1", caller="13800138000")
        rung = await agent.incoming()
        await call.wait_answered()
        assert rung.caller == "13800138000"
        assert call.ringing_at is not None and call.ringing_at < call.answered_at
        call.play_tone(600)
        rung.play_tone(900)
        since = max(await call.wait_tone(900), await rung.wait_tone(600))
        await rung.press("1")
        assert not audio.heard(call.pcm(since), 600) and not audio.heard(rung.pcm(since), 900)
        await rung.hangup()
        await call.wait_ended()
        assert (call.ended_by, call.cause) == ("them", 16)


async def test_a_stretch_of_sound_arrives_whole(here: PlainAsterisk) -> None:
    said = audio.tone(500, 1.0) + audio.silence(0.3) + audio.tone(800, 0.5)
    async with trunk(here) as phone:
        call = await phone.dial("echo")
        await call.wait_answered()
        call.send(said)
        since = await call.wait_silence_end()
        await call.wait_tone(800)
        assert call.voice is not None
        await call.voice.wait_frame(lambda index: not call.voice.sounds_at(index), 2)
        back = call.pcm(since)
        assert audio.heard_s(back, 500) == pytest.approx(1.0, abs=0.11)
        assert audio.heard_s(back, 800) == pytest.approx(0.5, abs=0.11)


@pytest.mark.parametrize("by_info", [False, True])
async def test_digits_arrive(here: PlainAsterisk, by_info: bool) -> None:
    async with trunk(here) as phone, ami_events(here) as ami:
        call = await phone.dial("read")
        await call.wait_answered()
        await (call.press_info if by_info else call.press)("1234567890*#")
        assert (await ami.wait("UserEvent"))["Digits"] == "1234567890*"
        await call.wait_ended()


async def test_digits_reach_the_other_phone(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        call = await phone.dial("p1")
        await call.wait_answered()
        await call.press("12#")
        rung = await agent.incoming()
        await rung.wait_answered()
        assert rung.voice is not None and rung.voice.digits == "12#"


@pytest.mark.parametrize(("policy", "cause"), [(reject(486), 17), (reject(603), 21)])
async def test_refusals(here: PlainAsterisk, policy: Policy, cause: int) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        agent.on_invite = policy
        call = await phone.dial("p1")
        rung = await agent.incoming()
        await call.wait_ended()
        await rung.wait_ended()
        assert (call.cause, call.ringing.is_set(), rung.ended_by) == (cause, False, "us")


async def test_ring_only_is_no_answer_after_ringing(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        agent.on_invite = ring_only()
        call = await phone.dial("p1")
        rung = await agent.incoming()
        await call.wait_ended()
        await rung.wait_ended()
        assert (call.ringing.is_set(), rung.status, rung.ended_by) == (True, 487, "them")


async def test_say_nothing_is_no_answer_without_ringing(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        agent.on_invite = say_nothing()
        call = await phone.dial("p1")
        await agent.incoming()
        await call.wait_ended()
        assert not call.ringing.is_set()
        assert len(agent.calls) == 1  # The INVITE came several times.


async def test_vanished_phone_stays_registered_and_silent(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        contact = agent.contact
        call = await phone.dial("p1")
        await call.wait_answered()
        agent.vanish()
        assert contact in here.cli("pjsip show contacts")
        await call.hangup()
        late = await phone.dial("p1")
        await late.wait_ended()
        assert not late.ringing.is_set()


async def test_caller_cancels_while_ringing(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        agent.on_invite = ring_only()
        call = await phone.dial("p1")
        await call.wait_ringing()
        rung = await agent.incoming()
        await call.hangup()
        await rung.wait_ended()
        assert (call.status, rung.status, rung.ended_by) == (487, 487, "them")


async def test_hang_up_at_the_very_moment_of_the_answer(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        agent.on_invite = manual()
        for _ in range(10):  # The CANCEL crosses the 200, or does not: no channel may be left either way.
            call = await phone.dial("p1")
            rung = await agent.incoming()
            rung.ring()
            await call.wait_ringing()
            await asyncio.gather(rung.answer(), call.hangup())
            await rung.wait_ended()
            assert call.ended.is_set()


async def test_an_answer_that_crosses_the_cancel_is_hung_up() -> None:
    async with Phone("callee") as callee, Phone("caller", server=callee.wire.address) as phone:
        callee.on_invite = manual()
        call = await phone.dial("callee")
        rung = await callee.incoming()
        await rung.answer()  # The 200 is on its way, not yet read by the caller …
        await call.hangup()  # … who cancels, must take the 200 for a call (RFC 3261 §9.1), and end it.
        await rung.wait_ended()
        assert (rung.status, rung.ended_by, call.status) == (200, "them", 487)


async def test_manual(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        agent.on_invite = manual()
        call = await phone.dial("p1")
        rung = await agent.incoming()
        assert rung.invite_at is not None and not call.ringing.is_set()
        rung.ring()
        await call.wait_ringing()
        await rung.answer()
        await call.wait_answered()


async def test_hold_and_resume(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone, ami_events(here) as ami:
        call = await phone.dial("p1")
        rung = await agent.incoming()
        await call.wait_answered()
        await rung.hold()
        assert (await ami.wait("Hold"))["CallerIDNum"] == "p1"
        await rung.resume()
        await ami.wait("Unhold")
        rung.play_tone(900)
        await call.wait_tone(900)


async def test_caller_holds_too(here: PlainAsterisk) -> None:
    async with account(here, 1), trunk(here) as phone, ami_events(here) as ami:
        call = await phone.dial("p1", caller="13800138000")
        await call.wait_answered()
        await call.hold()
        assert (await ami.wait("Hold"))["CallerIDNum"] == "13800138000"
        await call.resume()
        await ami.wait("Unhold")


async def test_refer_is_refused(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, trunk(here) as phone:
        call = await phone.dial("p1")
        await call.wait_answered()
        rung = await agent.incoming()
        assert await rung.refer("p2") >= 400
        assert not rung.ended.is_set()


async def test_forced_rtp_sequence(here: PlainAsterisk) -> None:
    async with trunk(here) as phone:
        phone.rtp_sequence = 65530  # Runs over within the first 0.2 s.
        call = await phone.dial("echo")
        await call.wait_answered()
        call.play_tone(600)
        since = await call.wait_tone(600)
        await call.press("1")
        assert audio.heard(call.pcm(since), 600)
        sender = call.voice._session._sender
        assert 0 < (sender.sequence_number - 65530) % 65536 == sender.packets_sent


async def test_alaw_caller_and_ulaw_agent(here: PlainAsterisk) -> None:
    async with account(here, 1) as agent, Phone("carrier", server=here.server, codecs=["alaw"]) as phone:
        call = await phone.dial("p1")
        rung = await agent.incoming()
        await call.wait_answered()
        call.play_tone(600)
        rung.play_tone(900)
        await call.wait_tone(900)
        await rung.wait_tone(600)


async def test_twenty_calls_at_once(here: PlainAsterisk) -> None:
    async with asyncio.TaskGroup() as group, asyncio.timeout(40):
        for n in range(1, PHONES + 1):
            group.create_task(one_of_many(here, n))


async def one_of_many(here: PlainAsterisk, n: int) -> None:
    async with account(here, n) as agent, trunk(here) as phone:
        agent.on_invite = answer_after(0.1)
        call = await phone.dial(f"p{n}")
        rung = await agent.incoming()
        await call.wait_answered()
        call.play_tone(400 + 50 * n)
        rung.play_tone(425 + 50 * n)
        await asyncio.gather(call.wait_tone(425 + 50 * n), rung.wait_tone(400 + 50 * n))
        await call.press("1234#")
        assert rung.voice is not None and rung.voice.digits == "1234#"
        await (call if n % 2 else rung).hangup()
        await asyncio.gather(call.wait_ended(), rung.wait_ended())
