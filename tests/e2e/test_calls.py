"""Calls as callers and agents make them, on a real Asterisk with real SIP phones."""

import asyncio

import pytest

from ari_app.model.facts import (
    AgentChanged,
    CallClosed,
    CallRefused,
    Connected,
    KeyTaken,
    NodeEntered,
    OfferEnded,
    OfferRang,
    Queued,
    QueueLeft,
    Rated,
    RecordingStored,
)
from ari_app.phones import audio
from ari_app.phones.phone import Phone, reject, ring_only, say_nothing
from tests.e2e.kit import Hotline, talk


async def to_queue(phone: Phone, key: str = "1", dialled: str = "1860"):
    """Dial, and press a key as soon as something is heard."""
    call = await phone.dial(dialled)
    await call.wait_silence_end(5)
    await call.press(key)
    return call


async def test_happy_path_both_sides_heard_and_recorded(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        answering = await desk.incoming()
        assert answering.caller_name == "billing"
        await talk(call, answering, 2.0)
        await call.hangup()
        closed = await hotline.closed()
        assert closed.by == "caller"
        stored = await hotline.wait(RecordingStored)
    file = hotline.daemon.site.recordings / stored.path
    _, (left, right) = audio.read_wav(file)
    assert audio.heard(left, 600) and not audio.heard(left, 900)
    assert audio.heard(right, 900) and not audio.heard(right, 600)


async def test_wrong_key_then_no_key_then_the_menu_again(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await to_queue(caller, "*")
        await hotline.wait(NodeEntered, node="main_menu")
        await call.press("7")
        wrong = await hotline.wait(KeyTaken, accepted=False)
        assert wrong.key == "7"
        await call.press("7")
        await call.press("7")
        await hotline.wait(Queued, queue="general")
        await call.hangup()
        assert (await hotline.wait(QueueLeft)).outcome == "abandoned"


@pytest.mark.timeout(200)
async def test_no_key_at_all_says_goodbye(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("1860")
        await call.wait_ended(150)
        closed = await hotline.closed()
        assert (closed.by, closed.node) == ("flow", "nobody_there")


async def test_caller_hangs_up_in_greeting(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("1860")
        await call.wait_silence_end(5)
        await call.hangup()
        assert (await hotline.closed()).node == "greeting"


async def test_caller_hangs_up_in_menu(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await to_queue(caller, "*")
        await hotline.wait(NodeEntered, node="main_menu")
        await call.hangup()
        assert (await hotline.closed()).node == "main_menu"


async def test_caller_cancels_before_an_answer(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        placing = asyncio.create_task(caller.dial("1860"))
        await asyncio.wait([placing], timeout=0.001)
        call = await placing
        await call.hangup()
    await hotline.at_rest()
    # Answered or cancelled first: either way he is gone, and no call says otherwise.
    assert call.ended.is_set() and {fact.by for fact in hotline.facts if isinstance(fact, CallClosed)} <= {"caller"}


async def test_caller_hangs_up_in_queue(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await to_queue(caller)
        await hotline.wait(Queued)
        await call.hangup()
        left = await hotline.wait(QueueLeft)
        assert left.outcome == "abandoned"


async def test_caller_hangs_up_while_the_agent_rings(hotline: Hotline) -> None:
    async with hotline.agent("8025", ring_only()) as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        ringing = await desk.incoming()
        await hotline.wait(OfferRang)
        await call.hangup()
        await ringing.wait_ended()
        assert ringing.status == 487
        assert (await hotline.wait(OfferEnded)).outcome == "withdrawn"
        await hotline.wait(AgentChanged, state="ready", count=2)


async def test_agent_hangs_up_first_and_the_caller_is_asked_what_he_thinks(hotline: Hotline) -> None:
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await to_queue(caller)
        answering = await desk.incoming()
        await talk(call, answering)
        await answering.hangup()
        await hotline.wait(NodeEntered, node="survey")
        await call.press("1")
        assert (await hotline.wait(Rated)).agent == "8025"
        await call.wait_ended(15)
        closed = await hotline.closed()
        assert (closed.by, closed.node) == ("flow", "thanks")


@pytest.mark.parametrize("status", [486, 603])
async def test_busy_and_decline_make_the_agent_not_ready_and_the_caller_waits_on(hotline: Hotline, status: int) -> None:
    async with hotline.agent("8025", reject(status)), hotline.caller() as caller:
        call = await to_queue(caller)
        ended = await hotline.wait(OfferEnded)
        assert ended.outcome == "declined"
        await hotline.wait(AgentChanged, state="not-ready", reason="declined")
        assert call.ended_at is None
        await call.hangup()
        await hotline.closed()


async def test_no_answer_goes_to_the_next_agent_and_the_caller_keeps_his_place(hotline: Hotline) -> None:
    async with hotline.agent("8025", ring_only()), hotline.caller() as caller:
        call = await to_queue(caller)
        await hotline.wait(OfferRang)
        async with hotline.agent("8026") as second:
            ended = await hotline.wait(OfferEnded)
            assert (ended.outcome, ended.agent) == ("ran-out", "8025")
            await hotline.wait(AgentChanged, agent="8025", state="not-ready", reason="ring-no-answer")
            answering = await second.incoming()
            await talk(call, answering)
            connected = await hotline.wait(Connected)
            assert connected.agent == "8026" and connected.wait_s > 3
            await call.hangup()
            await hotline.closed()


async def test_a_silent_phone_counts_as_unreachable(hotline: Hotline) -> None:
    async with hotline.agent("8025", say_nothing()), hotline.caller() as caller:
        call = await to_queue(caller)
        ended = await hotline.wait(OfferEnded)
        assert ended.outcome == "unreachable"
        await call.hangup()
        await hotline.closed()


async def test_an_unregistered_phone_counts_as_unreachable_at_once(hotline: Hotline) -> None:
    await hotline.ask("8025", "sign-in")
    await hotline.ask("8025", "ready")
    async with hotline.caller() as caller:
        call = await to_queue(caller)
        ended = await hotline.wait(OfferEnded)
        assert ended.outcome == "unreachable"
        await call.hangup()
        await hotline.closed()
    await hotline.ask("8025", "sign-out")


async def test_two_callers_one_agent_in_order(hotline: Hotline) -> None:
    async with hotline.agent("8025", ready=False) as desk, hotline.caller("13800000001") as one:
        first = await to_queue(one)
        await hotline.wait(Queued)
        async with hotline.caller("13800000002") as two:
            second = await to_queue(two)
            assert (await hotline.wait(Queued, count=2)).position == 2
            await hotline.ask("8025", "ready")
            answering = await desk.incoming()
            assert answering.caller == "13800000001"
            await talk(first, answering)
            await first.hangup()
            answering = await desk.incoming()
            assert answering.caller == "13800000002"
            await talk(second, answering)
            await second.hangup()
            await hotline.closed(count=2)


async def test_info_digits_work_too(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("1860")
        await call.wait_silence_end(5)
        await call.press_info("1")
        queued = await hotline.wait(Queued, queue="billing")
        await call.hangup()
        assert (await hotline.closed()).call == queued.call


async def test_unknown_number_is_told_so(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("4711")
        await call.wait_silence_end(5)
        await call.wait_ended(15)
        assert (await hotline.wait(CallRefused)).reason == "unknown-number"
        assert (await hotline.closed()).by == "refused"
