"""One scripted call through the running hotline: a real SIP caller, a real SIP agent, real audio both ways."""

import asyncio
from collections.abc import Callable
from typing import Final

from ari_app.errors import HotlineError
from ari_app.model.facts import CallClosed, CallOpened, RecordingMissed, RecordingStored
from ari_app.model.ids import CallId
from ari_app.phones.phone import Phone, answer_after
from ari_app.phones.sip import Address, PhoneError
from ari_app.site import Site
from ari_app.store.reader import open_reader
from ari_app.web.client import Api

CALLER: Final = "13800138000"
CALLER_HZ: Final = 600
AGENT_HZ: Final = 900
TALK_S: Final = 3.0
RTP_PORTS: Final = range(20_000, 20_200)

Say = Callable[[str], None]


async def scripted_call(site: Site, say: Say) -> CallId:
    """Place the call, let both talk, hang up; returns the call's id once its recording stands. HotlineError if not."""
    try:
        return await _call(site, say)
    except (TimeoutError, PhoneError) as problem:
        host, port = server(site)
        raise HotlineError(
            f"The scripted call got no further than the last line above: {problem or 'no answer in time'}.\n"
            f"See {site.state / 'hotline.log'}, and whether a firewall keeps UDP from {host}:{port}."
        ) from problem


def server(site: Site) -> Address:
    """Where phones on this machine reach Asterisk."""
    asterisk = site.settings.asterisk
    return "127.0.0.1" if asterisk.sip_listen == "0.0.0.0" else asterisk.sip_listen, asterisk.sip_port


async def _call(site: Site, say: Say) -> CallId:
    number, flow_key = next(iter(site.settings.numbers)), "1"
    agent = next(iter(site.settings.agents))
    phone_name = site.settings.agents[agent].phone
    at = server(site)
    api = Api(site.api_url, site.secrets.api_token)
    with open_reader(site.store) as reader:
        before = reader.last_fact()
    async with Phone(phone_name, site.secrets.phones[phone_name], at, RTP_PORTS, register=True) as desk:
        desk.on_invite = answer_after(1.0)
        say(f"agent {agent}: {await asyncio.to_thread(api.ask, agent, 'sign-in')}")
        say(f"agent {agent}: {await asyncio.to_thread(api.ask, agent, 'ready')}")
        async with Phone(CALLER, None, at, RTP_PORTS) as caller:
            call = await caller.dial(number)
            say(f"caller {CALLER} dials {number}")
            heard = await call.wait_silence_end(5)
            say(f"the caller hears the greeting, {(heard - (call.invite_at or heard)) * 1000:.0f} ms after dialling")
            await asyncio.sleep(2)
            await call.press(flow_key)
            say(f"the caller presses {flow_key}")
            answering = await desk.incoming(15)
            say(f"the agent's phone rings: {answering.caller_name or answering.caller}")
            await answering.wait_answered(5)
            call.play_tone(CALLER_HZ)
            answering.play_tone(AGENT_HZ)
            await asyncio.gather(call.wait_tone(AGENT_HZ, 15), answering.wait_tone(CALLER_HZ, 15))
            say("caller and agent hear each other")
            await asyncio.sleep(TALK_S)
            await call.hangup()
            say("the caller hangs up")
            await answering.wait_ended(5)
        say(f"agent {agent}: call noted as {await asyncio.to_thread(api.ask, agent, 'disposition', value='1')}")
        await asyncio.to_thread(api.ask, agent, "sign-out")
    return await _recorded(site, before)


async def _recorded(site: Site, before: int) -> CallId:
    """The first call opened after fact `before`, once it is closed and its recording is stored."""
    async with asyncio.timeout(20):
        while True:
            with open_reader(site.store) as reader:
                facts = [kept.fact for kept in reader.facts_after(before)]
            call = next((fact.call for fact in facts if isinstance(fact, CallOpened)), None)
            missed = next((fact for fact in facts if isinstance(fact, RecordingMissed)), None)
            if missed is not None:
                raise HotlineError(f"the call was not recorded: {missed.reason}")
            done = {type(fact) for fact in facts if getattr(fact, "call", None) == call}
            if call is not None and {CallClosed, RecordingStored} <= done:
                return call
            await asyncio.sleep(0.1)
