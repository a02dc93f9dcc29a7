"""Self-service and messages: secrets, look-ups, values said, voicemail, on a real Asterisk."""

from pathlib import Path

import pytest

from ari_app.flow.speech import speak
from ari_app.model.effects import Play, RecordMessage
from ari_app.model.facts import LookUpDone, MessageLeft, NodeEntered, Queued
from ari_app.phones.call import Call
from tests.e2e.kit import Hotline
from tests.unit.store_calls import on_disk

PASSWORD = "502918"  # Of the sample's 13800138000 (agi_scripts/README.md).


@pytest.fixture(autouse=True)
def customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CUSTOMERS", str(tmp_path / "customers.db"))


async def at_node(hotline: Hotline, call: Call, node: str, keys: str) -> None:
    await hotline.wait(NodeEntered, node=node)
    await call.press(keys)


async def to_services(hotline: Hotline, call: Call) -> None:
    await call.wait_silence_end(5)
    await at_node(hotline, call, "greeting", "*")
    await at_node(hotline, call, "ask_number", "13800138000")
    await hotline.wait(NodeEntered, node="services")


async def test_balance_behind_the_password_which_is_nowhere(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("1861")
        await to_services(hotline, call)
        await call.press("1")
        await at_node(hotline, call, "ask", PASSWORD)
        await hotline.wait(LookUpDone, node="check", ok=True)
        await hotline.wait(LookUpDone, node="account", ok=True)
        await hotline.wait(NodeEntered, node="say_balance")
        await call.hangup()
        await hotline.closed()
    said = [effect.prompts for effect in hotline.effects if isinstance(effect, Play)]
    assert ("balance-is", *speak("86.50", "money", "zh-CN")) in said
    await hotline.at_rest()
    kept = on_disk(hotline.daemon.site.store)
    assert b"say_balance" in kept and PASSWORD.encode() not in kept


async def test_wrong_twice_is_locked_and_leads_to_a_person(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("1861")
        await to_services(hotline, call)
        await call.press("1")
        await at_node(hotline, call, "ask", "111222")
        await hotline.wait(NodeEntered, node="ask", count=2)
        await call.press("111222")
        await hotline.wait(NodeEntered, node="locked")
        await call.press("*")
        await hotline.wait(Queued, queue="general")
        await call.hangup()
        assert (await hotline.closed()).node == "person"
    assert not [fact for fact in hotline.facts if isinstance(fact, NodeEntered) and fact.node == "account"]


async def test_a_vip_is_known_before_a_word_is_said(hotline: Hotline) -> None:
    async with hotline.caller("13800138001") as caller, hotline.caller() as other:
        call = await caller.dial("1860")
        await hotline.wait(LookUpDone, node="record", ok=True)
        await hotline.wait(NodeEntered, node="greeting")
        await call.wait_silence_end(5)
        assert next(effect.prompts for effect in hotline.effects if isinstance(effect, Play)) == ("vip-greeting",)
        await at_node(hotline, call, "greeting", "1")
        assert (await hotline.wait(Queued, queue="billing")).priority == 3
        plain = await other.dial("1860")
        await plain.wait_silence_end(5)
        await plain.press("1")
        assert (await hotline.wait(Queued, queue="billing", count=2)).priority == 0
        await call.hangup()
        await plain.hangup()
        await hotline.closed(2)
    await hotline.at_rest()


async def test_a_card_is_stopped_only_for_who_proves_it(hotline: Hotline) -> None:
    async with hotline.agent("8025", ready=False), hotline.caller() as caller:
        call = await caller.dial("1861")
        await to_services(hotline, call)
        await call.press("3")
        await at_node(hotline, call, "ask", "111222")
        await hotline.wait(NodeEntered, node="ask", count=2)
        await call.press("111222")
        await at_node(hotline, call, "locked", "*")
        await at_node(hotline, call, "unproved", "*")
        assert (await hotline.wait(Queued)).queue == "urgent"
        await call.hangup()
        await hotline.closed()
    async with hotline.caller() as caller:
        call = await caller.dial("1861")
        await call.wait_silence_end(5)
        await hotline.wait(NodeEntered, node="greeting", count=2)
        await call.press("*")
        await hotline.wait(NodeEntered, node="ask_number", count=2)
        await call.press("13800138001")  # Another card: the first is locked now.
        await hotline.wait(NodeEntered, node="services", count=2)
        await call.press("3")
        await hotline.wait(NodeEntered, node="ask", count=3)
        await call.press("730164")
        await at_node(hotline, call, "lost_sim", "1")
        await hotline.wait(LookUpDone, node="mark_lost", ok=True)
        await hotline.wait(NodeEntered, node="marked")
        await call.hangup()
        await hotline.closed(2)
    await hotline.at_rest()


async def test_a_message_is_taken_and_filed(hotline: Hotline) -> None:
    async with hotline.caller() as caller:
        call = await caller.dial("1862")
        await call.wait_silence_end(5)
        await at_node(hotline, call, "greeting", "*")
        await at_node(hotline, call, "number", "13800138000#")
        await at_node(hotline, call, "read_back", "1")
        await hotline.wait(NodeEntered, node="message")
        await hotline.asked(RecordMessage)
        call.play_tone(600)
        await call.lasts(3)
        await call.press("#")
        left = await hotline.wait(MessageLeft)
        assert left.box == "message-desk" and left.seconds >= 2 and left.back == "13800138000"
        await hotline.wait(NodeEntered, node="thanks")
        await call.wait_ended(15)
        await hotline.closed()


async def test_who_hangs_up_while_he_speaks_is_led_nowhere(hotline: Hotline) -> None:
    """The recording's end comes before the caller's: nobody is spoken to who is gone."""
    for count, seconds in enumerate((0.3, 3.0), 1):
        async with hotline.caller() as caller:
            call = await caller.dial("1862")
            await call.wait_silence_end(5)
            await hotline.wait(NodeEntered, node="greeting", count=count)
            await call.press("*")
            await hotline.wait(NodeEntered, node="number", count=count)
            await call.press("13800138000#")
            await hotline.wait(NodeEntered, node="read_back", count=count)
            await call.press("1")
            await hotline.wait(NodeEntered, node="message", count=count)
            await hotline.asked(RecordMessage, count=count)
            call.play_tone(600)
            await call.lasts(seconds)
            await call.hangup()
            closed = await hotline.closed(count)
            assert closed.node == "message"
    await hotline.at_rest()
