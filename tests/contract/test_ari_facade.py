"""ari-py's model over a real Asterisk's own api-docs."""

import asyncio

import pytest

from ari_app.ari.connection import AccessDenied
from ari_app.ari.facade import connect
from ari_app.errors import AsteriskError, Gone, RequestFailed
from ari_app.phones.phone import Phone
from tests.contract.ari_kit import CALLER, address_of, cleared, prompts_of


def client(asterisk):
    return connect(asterisk.ari_url, "hotline", asterisk.secrets.ari_password)


async def test_operations_come_from_the_server(asterisk):
    async with await client(asterisk) as ari:
        assert sum(len(each.operations) for each in ari.repositories.values()) >= 100
        assert {"get", "list", "originate", "hangup"} <= set(dir(ari.channels))
        assert (await ari.asterisk.ping())["ping"] == "pong"
        with pytest.raises(AttributeError, match="no operation dance"):
            _ = ari.channels.dance
        with pytest.raises(AttributeError, match="no resource kitchen"):
            _ = ari.kitchen
        with pytest.raises(TypeError, match="no parameter channel;"):
            await ari.channels.get(channel="x")
        with pytest.raises(TypeError, match="channelId is missing"):
            await ari.channels.get()


async def test_a_script_answers_a_call_plays_and_hangs_up(asterisk):
    audio, ended = prompts_of(asterisk)("short", "en"), asyncio.Event()
    async with await client(asterisk) as ari, Phone(CALLER, None, asterisk.sip) as phone:

        async def greet(channel, event):
            assert event["args"][0] == "in"
            await channel.setChannelVar(variable="MOOD", value="good", report_events=True)
            await channel.answer()
            await channel.play(media=[f"sound:{audio}"] * 2)

        async def finished(playback, event):
            assert playback.id == event["playback"]["id"]
            channel = await ari.channels.get(channelId=event["playback"]["target_uri"].removeprefix("channel:"))
            assert channel.json["channelvars"]["MOOD"] == "good"
            await channel.hangup()

        ari.on_channel_event("StasisStart", greet)
        ari.on_playback_event("PlaybackFinished", finished)
        ari.on_channel_event("StasisEnd", lambda _channel, _event: ended.set())
        ready = asyncio.Event()
        running = asyncio.create_task(ari.run("hotline", ready))
        await ready.wait()
        call = await phone.dial("1860", caller=CALLER)
        await asyncio.wait_for(ended.wait(), 5)
        await call.wait_ended()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await cleared(ari)


async def test_errors_are_typed(asterisk):
    async with await client(asterisk) as ari:
        with pytest.raises(Gone, match="404 Channel not found"):
            await ari.channels.get(channelId="nobody")
        with pytest.raises(RequestFailed, match="Allocation failed"):
            await ari.channels.originateWithId(channelId="x1", endpoint="PJSIP/visitor", app="hotline")
        bridge = await ari.bridges.createWithId(bridgeId="facade/bridge", type="holding")
        assert repr(bridge) == "<Bridge facade/bridge>"
        await bridge.destroy()
        with pytest.raises(Gone, match="Bridge not found"):
            await ari.bridges.get(bridgeId="nothing/here")
    with pytest.raises(AccessDenied, match="401"):
        await connect(asterisk.ari_url, "hotline", "wrong")
    with pytest.raises(AsteriskError, match="cannot reach"):
        await connect(f"http://127.0.0.1:{asterisk.spare_ports[0]}", "hotline", "wrong")
    assert "ari-password" not in repr(address_of(asterisk))
