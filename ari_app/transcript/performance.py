"""The real phones of one transcript, and what people do with them."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Final, assert_never

from ari_app.board.walk import MESSAGE_GRACE_S
from ari_app.model import events as ev
from ari_app.model.ids import AgentId, LegId, PhoneName
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, manual
from ari_app.phones.ports import Ports
from ari_app.phones.sip import Address
from ari_app.transcript.exchange import NO_LOOK_UP, called_back, shift_clock
from ari_app.transcript.hotline import Hotline
from ari_app.transcript.rehearse import WISHES, Impossible
from ari_app.transcript.steps import (
    AgentDoes,
    CalledBack,
    CallerHangsUp,
    Dial,
    LeavesMessage,
    LookUpAnswers,
    MovesClock,
    OutsideDoes,
    Press,
    Speaks,
    Step,
    Wait,
)

STEP_S: Final = 10.0  # How long the real one may take for what the rehearsal does at once.
RTP_PORTS: Final = range(26_000, 32_000)
TONE_HZ: Final = 600
_REFUSALS: Final = {"declines": 603, "is busy": 486, "does not answer": 480, "is unreachable": 404}


@dataclass
class Performance:
    """`outside` is everybody the hotline dials: it stands at the address of the trunk."""

    hotline: Hotline
    phones: AsyncExitStack
    ports: Ports
    outside: Phone
    caller: Call | None = None
    desks: dict[str, Phone] = field(default_factory=dict)  # By work number.
    rung: dict[str, Call] = field(default_factory=dict)  # By work number; "": outside.

    @classmethod
    async def of(cls, hotline: Hotline, phones: AsyncExitStack) -> "Performance":
        host, port = hotline.lives_at
        ports = Ports(RTP_PORTS, host)
        outside = Phone("outside", None, _server(hotline), ports, sip_port=port)
        outside.on_invite = manual()
        return cls(hotline, phones, ports, await phones.enter_async_context(outside))

    async def do(self, step: Step) -> None:
        """PhoneError or TimeoutError when the real ones do not play along; Impossible when nobody could do this now."""
        hotline = self.hotline
        match step:
            case Dial(caller, dialled):
                self.caller = await (await self._phone(caller or "anonymous", None)).dial(dialled)
                await self.caller.wait_answered(STEP_S)
            case Press(keys):
                await self._press(self._live(), keys)
            case Wait(seconds):
                await hotline.hear_out(hotline.leg)
                await hotline.let_pass(seconds)
            case CallerHangsUp():
                await self._live().hangup()
            case CalledBack(deed):
                await self._called_back(deed)
            case AgentDoes():
                await self._agent(step)
            case OutsideDoes(deed):
                await self._does(await self._rung("", self.outside), deed)
            case LookUpAnswers(name, values, reason):
                hotline.look_up(name, ev.LookedUp(NO_LOOK_UP, values is not None, values or (), reason))
            case LeavesMessage(seconds):
                await self._message(seconds)
            case Speaks(seconds):
                await self._speak(seconds)
            case MovesClock():
                shift_clock(hotline.floor, step, hotline.clock.now())
            case _:
                assert_never(step)

    def _live(self) -> Call:
        if self.caller is None or self.caller.ended.is_set():
            raise Impossible("the caller is not on the line any more")
        return self.caller

    async def _phone(self, user: str, password: str | None) -> Phone:
        phone = Phone(user, password, _server(self.hotline), self.ports, register=password is not None)
        phone.on_invite = manual()
        return await self.phones.enter_async_context(phone)

    async def _press(self, call: Call, keys: str) -> None:
        """What is pressed after the end of the call goes nowhere."""
        pressing = [asyncio.ensure_future(deed) for deed in (call.press(keys), call.ended.wait())]
        try:
            await asyncio.wait(pressing, return_when=asyncio.FIRST_COMPLETED)
            if not call.ended.is_set():
                pressing[0].result()
        finally:
            for each in pressing:
                each.cancel()

    async def _speak(self, seconds: float) -> None:
        (call := self._live()).play_tone(TONE_HZ)
        await asyncio.sleep(seconds)
        call.hush()
        await asyncio.sleep(self.hotline.silence_s)

    async def _message(self, seconds: float) -> None:
        """Ended by its key; one that is longer than it may be ends by itself."""
        call, hotline = self._live(), self.hotline
        await hotline.hear_out(hotline.leg)
        await hotline.until(lambda: bool(hotline.messages), STEP_S)
        key = next(iter(hotline.messages.values())).end_key
        if seconds:
            call.play_tone(TONE_HZ)
            with suppress(TimeoutError):
                await hotline.until(lambda: not hotline.messages, seconds)
            call.hush()
        if hotline.messages:
            await call.press(key)
            await hotline.until(lambda: not hotline.messages, STEP_S)
        else:
            await hotline.let_pass(MESSAGE_GRACE_S)

    async def _called_back(self, deed: str) -> None:
        leg = called_back(self.hotline.floor)
        if leg is None:
            raise Impossible("nobody is being called back   a call-back is booked, and an agent free, in hours?")
        call = await self._rung("", self.outside)
        if deed == "answers":
            self.caller, self.hotline.leg = call, leg
        await self._does(call, deed)

    async def _agent(self, does: AgentDoes) -> None:
        if does.deed in WISHES:
            await self._wishes(does)
        elif does.deed == "hears the whisper":
            legs = [leg for leg, agent in self.hotline.telling.agents.items() if agent == does.agent]
            await self.hotline.hear_out(LegId(legs[-1]))
        else:
            await self._does(await self._rung(does.agent, self.desks[does.agent]), does.deed)

    async def _does(self, call: Call, deed: str) -> None:
        match deed:
            case "rings":
                call.ring()
            case "answers":
                await call.answer()
            case "hangs up" if call.answered.is_set():
                await call.hangup()
            case "holds":
                await call.hold()
            case "resumes":
                await call.resume()
            case _:
                call.reject(_REFUSALS.get(deed, 480))

    async def _wishes(self, does: AgentDoes) -> None:
        site, desk = self.hotline.daemon.site, self.hotline.daemon.desk
        name, wish = site.settings.agents[does.agent].phone, WISHES[does.deed]
        if does.deed == "signs in" and does.agent not in self.desks:
            self.desks[does.agent] = await self._phone(name, site.secrets.phones[name])
        phone = PhoneName(name) if wish == "sign-in" else None
        asked = ev.AgentAsked(AgentId(does.agent), wish, does.word, phone, desk.request())
        reply = await asyncio.wait_for(desk.ask(asked), STEP_S)
        if not reply.ok:
            raise Impossible(f"{does.agent} is told: {reply.message}")

    async def _rung(self, who: str, at: Phone) -> Call:
        call = self.rung.get(who)
        if call is None or call.ended.is_set():
            call = self.rung[who] = await at.incoming(STEP_S)
        return call


def _server(hotline: Hotline) -> Address:
    asterisk = hotline.daemon.site.settings.asterisk
    return asterisk.sip_listen, asterisk.sip_port
