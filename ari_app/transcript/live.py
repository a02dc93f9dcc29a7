"""Transcripts on a real Asterisk: the daemon of `hotline.py`, real SIP phones, and the rehearsal as what is expected.

`play` runs one transcript and compares, stream by stream, what the daemon decided with what it decided in the
rehearsal: the same things in the same order.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final, assert_never

from ari_app.model import events as ev
from ari_app.model.ids import AgentId, LegId, PhoneName, RequestId
from ari_app.model.work import CallbackCancelled
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, manual
from ari_app.phones.ports import Ports
from ari_app.phones.sip import PhoneError
from ari_app.transcript.exchange import NO_LOOK_UP, shift_clock
from ari_app.transcript.hotline import Hotline
from ari_app.transcript.rehearse import WISHES, Failure, House, Impossible, Outcome, dressed, rehearse
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
    Transcript,
    Wait,
)
from ari_app.transcript.words import Told, alike, by_stream

STEP_S: Final = 10.0  # How long the real one may take for what the rehearsal does at once.
PORTS: Final = Ports(range(26_000, 32_000))
TONE_HZ: Final = 600
_REFUSALS: Final = {"declines": 603, "is busy": 486, "does not answer": 480, "is unreachable": 404}


# -- one transcript --


async def play(transcript: Transcript, house: House, hotline: Hotline) -> Outcome:
    """Rehearsed first; then on the real one, to the first difference."""
    rehearsed = rehearse(transcript, house)
    if not rehearsed.ok:
        return rehearsed
    floor = hotline.daemon.loop.board.floor
    hotline.begin()
    before = floor.settings
    floor.settings = dressed(before, transcript.header, transcript.dialled)
    floor.hours.update(floor.settings.hours)
    floor.closures.update(dict.fromkeys(transcript.header.closures))
    shift_clock(floor, transcript.header.at, hotline.daemon.loop.clock.now())
    try:
        async with AsyncExitStack() as phones:
            failure = await _follow(rehearsed, Performance(hotline, phones))
        await _rest(hotline)
    except (TimeoutError, PhoneError) as problem:
        failure = Failure(transcript.lines[-1].number, f"live: at the end: {problem or type(problem).__name__}")
    finally:
        floor.settings, floor.shift_s = before, 0.0
        floor.hours.update(before.hours)
        floor.closures.clear()
    return replace(rehearsed, failure=failure)


async def _follow(rehearsed: Outcome, run: "Performance") -> Failure | None:
    hotline, since, seen = run.hotline, 0, 0
    for line in rehearsed.transcript.lines:
        if isinstance(line.what, tuple):
            continue
        since, seen, why = line.number, len(hotline.told), ""
        expected = by_stream(rehearsed.told[: rehearsed.counts[line.number]])
        try:
            await run.do(line.what)
            await hotline.until(lambda e=expected: _reached(e, hotline), STEP_S)  # type: ignore[misc]
        except (TimeoutError, PhoneError, Impossible) as problem:
            why = str(problem)
        difference = _difference(expected, hotline) or why
        if difference:
            return Failure(line.number, f"live: {difference}", since, tuple(hotline.told[seen:]))
    extra = _extra(by_stream(rehearsed.told), hotline.told)
    return Failure(since, f"live: {extra}", since, tuple(hotline.told[seen:])) if extra else None


def _reached(expected: dict[str, list[Told]], hotline: Hotline) -> bool:
    """All is there; or something else came, so that waiting helps no more."""
    real = by_stream(hotline.told)
    return _differs(expected, real, hotline.typed_s) or all(
        len(real.get(name, ())) >= len(each) for name, each in expected.items()
    )


def _differs(expected: dict[str, list[Told]], real: dict[str, list[Told]], slack_s: float) -> bool:
    pairs = ((a, b) for name, each in expected.items() for a, b in zip(each, real.get(name, ()), strict=False))
    return any(not alike(a, b, slack_s) for a, b in pairs)


def _difference(expected: dict[str, list[Told]], hotline: Hotline) -> str:
    real = by_stream(hotline.told)
    for name, each in expected.items():
        for n, want in enumerate(each):
            came = real.get(name, [])[n : n + 1]
            if not came or not alike(want, came[0], hotline.typed_s):
                return f"rehearsed: {want}; came: {came[0] if came else 'nothing'} ({name})"
    return ""


def _extra(expected: dict[str, list[Told]], told: list[Told]) -> str:
    for name, each in by_stream(told).items():
        if len(each) > (length := len(expected.get(name, ()))):
            return f"not rehearsed: {each[length]} ({name})"
    return ""


async def _rest(hotline: Hotline) -> None:
    """Until no call is left; call-backs it booked are taken off the list, agents sign out."""
    floor = hotline.daemon.loop.board.floor
    async with asyncio.timeout(STEP_S):
        while floor.calls or floor.desks:
            await asyncio.sleep(0.02)
    desk = hotline.daemon.desk
    for booking in list(floor.bookings):
        await asyncio.wait_for(desk.ask(CallbackCancelled(booking, "flow test", desk.request())), STEP_S)
    for agent, seat in floor.seats.items():
        if seat.state != "signed-out":
            await _ask(hotline, agent, "sign-out", "")


async def _ask(hotline: Hotline, agent: AgentId, wish: ev.AgentWish, word: str) -> None:
    phone = PhoneName(hotline.daemon.site.settings.agents[agent].phone) if wish == "sign-in" else None
    request: RequestId = hotline.daemon.desk.request()
    reply = await asyncio.wait_for(hotline.daemon.desk.ask(ev.AgentAsked(agent, wish, word, phone, request)), STEP_S)
    if not reply.ok:
        raise Impossible(f"{agent} is told: {reply.message}")


@dataclass
class Performance:
    """The phones of one transcript, and what people do with them."""

    hotline: Hotline
    phones: AsyncExitStack
    caller: Call | None = None
    desks: dict[str, Phone] = field(default_factory=dict)  # By work number.
    rung: dict[str, Call] = field(default_factory=dict)

    async def do(self, step: Step) -> None:
        hotline = self.hotline
        match step:
            case Dial(caller, dialled):
                self.caller = await (await self._phone(caller or "anonymous", None)).dial(dialled)
                await self.caller.wait_answered(STEP_S)
            case Press(keys):
                began = time.monotonic()
                await self._live().press(keys)
                hotline.typed_s += time.monotonic() - began
            case Wait(seconds):
                await hotline.hear_out(hotline.leg)
                await asyncio.sleep(seconds)
            case CallerHangsUp():
                await self._live().hangup()
            case CalledBack():
                raise Impossible("nobody is called back live   write in the header: live: no (call-back)")
            case AgentDoes():
                await self._agent(step)
            case OutsideDoes():
                raise Impossible("nobody stands outside in a live run   say in the header: live: no (outside)")
            case LookUpAnswers(name, values, reason):
                hotline.look_up(name, ev.LookedUp(NO_LOOK_UP, values is not None, values or (), reason))
            case LeavesMessage(seconds):
                await self._message(seconds)
            case Speaks(seconds):
                (call := self._live()).play_tone(TONE_HZ)
                await asyncio.sleep(seconds)
                call.hush()
            case MovesClock():
                shift_clock(hotline.daemon.loop.board.floor, step, hotline.daemon.loop.clock.now())
            case _:
                assert_never(step)

    def _live(self) -> Call:
        if self.caller is None or self.caller.ended.is_set():
            raise Impossible("the caller is not on the line any more")
        return self.caller

    async def _phone(self, user: str, password: str | None) -> Phone:
        asterisk = self.hotline.daemon.site.settings.asterisk
        server = asterisk.sip_listen, asterisk.sip_port
        phone = Phone(user, password, server, PORTS, register=password is not None)
        phone.on_invite = manual()
        return await self.phones.enter_async_context(phone)

    async def _message(self, seconds: float) -> None:
        call, hotline = self._live(), self.hotline
        await hotline.hear_out(hotline.leg)
        await hotline.until(lambda: bool(hotline.messages), STEP_S)
        key = next(iter(hotline.messages.values())).end_key
        if seconds:
            call.play_tone(TONE_HZ)
            await asyncio.sleep(seconds)
            call.hush()
        await call.press(key)
        await hotline.until(lambda: not hotline.messages, STEP_S)

    async def _agent(self, does: AgentDoes) -> None:
        if does.deed in WISHES:
            await self._wishes(does)
            return
        call = await self._rung(does.agent)
        match does.deed:
            case "rings":
                call.ring()
            case "answers":
                await call.answer()
            case "hears the whisper":
                legs = [leg for leg, agent in self.hotline.telling.agents.items() if agent == does.agent]
                await self.hotline.hear_out(LegId(legs[-1]))
            case "hangs up":
                await call.hangup()
            case "holds":
                await call.hold()
            case "resumes":
                await call.resume()
            case _:
                call.reject(_REFUSALS[does.deed])

    async def _wishes(self, does: AgentDoes) -> None:
        site: Any = self.hotline.daemon.site
        if does.deed == "signs in" and does.agent not in self.desks:
            name = site.settings.agents[does.agent].phone
            self.desks[does.agent] = await self._phone(name, site.secrets.phones[name])
        await _ask(self.hotline, AgentId(does.agent), WISHES[does.deed], does.word)

    async def _rung(self, agent: str) -> Call:
        call = self.rung.get(agent)
        if call is None or call.ended.is_set():
            call = self.rung[agent] = await self.desks[agent].incoming(STEP_S)
        return call
