"""Agents at their phones: feature codes, hold, refused transfer, wrap-up, dispositions."""

from ari_app.model.facts import (
    AgentChanged,
    Connected,
    DispositionNoted,
    HoldBegan,
    HoldEnded,
    RecordingRefused,
    RecordingWanted,
    TalkEnded,
)
from ari_app.model.states import AgentState
from ari_app.phones.phone import Phone
from tests.e2e.kit import PORTS, Hotline, talk
from tests.e2e.test_calls import to_queue
from tests.unit.store_calls import on_disk


async def dial_code(phone: Phone, code: str) -> None:
    """Dial a feature code and hear its answer to the end."""
    call = await phone.dial(code)
    await call.wait_silence_end(5)
    await call.wait_ended(10)
    assert call.ended_by == "them"


async def sign_in(hotline: Hotline, phone: Phone, number: str, pin: str) -> None:
    call = await phone.dial("*11")
    await call.wait_silence_end(5)
    await call.press(f"{number}#")
    await call.press(f"{pin}#")
    await call.wait_ended(40)


async def test_a_day_by_feature_codes(hotline: Hotline) -> None:
    secrets = hotline.asterisk.secrets
    async with Phone("p8025", secrets.phones["p8025"], hotline.asterisk.sip, PORTS, register=True) as desk:
        await sign_in(hotline, desk, "8025", "000000000")
        assert hotline.daemon.loop.board.floor.seats["8025"].state is AgentState.SIGNED_OUT
        await sign_in(hotline, desk, "8025", secrets.pins["8025"])
        await hotline.wait(AgentChanged, agent="8025", state="not-ready")
        await dial_code(desk, "*12")
        await hotline.wait(AgentChanged, state="ready")
        async with hotline.caller() as caller:
            call = await to_queue(caller)
            answering = await desk.incoming()
            await talk(call, answering)
            await answering.hangup()
            await call.hangup()
        await dial_code(desk, "*151")
        assert (await hotline.wait(DispositionNoted)).disposition == "solved"
        await dial_code(desk, "*132")
        await hotline.wait(AgentChanged, state="not-ready", reason="meal")
        await dial_code(desk, "*14")
        await hotline.wait(AgentChanged, state="signed-out")


async def test_the_pin_is_nowhere(hotline: Hotline) -> None:
    secrets = hotline.asterisk.secrets
    async with Phone("p8025", secrets.phones["p8025"], hotline.asterisk.sip, PORTS, register=True) as desk:
        await sign_in(hotline, desk, "8025", "73519642")
    await hotline.at_rest()
    kept = on_disk(hotline.daemon.site.store)
    assert b"p8025" in kept and b"73519642" not in kept
    assert [event.digit for event in hotline.kept_keys()].count("x") == 8


async def test_the_phones_own_hold_button_counts_as_hold(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        answering = await desk.incoming()
        await talk(call, answering)
        await answering.hold()
        await hotline.wait(HoldBegan)
        await answering.resume()
        await hotline.wait(HoldEnded)
        await answering.hold()
        await hotline.wait(HoldBegan, count=2)
        await call.hangup()
        await hotline.wait(TalkEnded)
        await hotline.wait(HoldEnded, count=2)
        held = [type(fact).__name__ for fact in hotline.facts if isinstance(fact, HoldBegan | HoldEnded)]
        assert held == ["HoldBegan", "HoldEnded"] * 2
        assert (await hotline.closed()).by == "caller"


async def test_refer_is_refused_and_the_talk_goes_on(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        answering = await desk.incoming()
        await talk(call, answering)
        status = await answering.refer(desk.uri("1860"))
        assert status >= 400
        await talk(call, answering, hz=(700, 1000))
        await call.hangup()
        await hotline.closed()


async def test_the_caller_may_refuse_the_recording(hotline: Hotline) -> None:
    async with hotline.agent("8026") as desk, hotline.caller() as caller:
        call = await to_queue(caller, "2")
        await call.press("9")
        await hotline.wait(RecordingRefused)
        answering = await desk.incoming()
        await talk(call, answering)
        await hotline.wait(Connected)
        assert not [fact for fact in hotline.facts if isinstance(fact, RecordingWanted)]
        await call.hangup()
        await hotline.closed()


async def test_not_ready_during_a_talk_comes_after_it(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        answering = await desk.incoming()
        await talk(call, answering)
        assert "afterwards" in await hotline.ask("8025", "not-ready", "meal")
        await call.hangup()
        await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="meal")
        await hotline.closed()
