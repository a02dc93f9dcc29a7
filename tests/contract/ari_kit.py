"""An AriLink on a real Asterisk, and what it told."""

import asyncio
import math
import struct
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ari_app.ari.client import AriLink
from ari_app.ari.connection import Address
from ari_app.ari.facade import Client, connect
from ari_app.ari.playing import Seconds
from ari_app.model.effects import Announce, AsteriskEffect, Play, Ring
from ari_app.model.events import CallArrived, CommandFailed, Event, Listed
from ari_app.phones.phone import Phone
from tests.asterisk import RunningAsterisk

E = TypeVar("E")
CALLER = "13800138000"
SECONDS = {"longest": 15.0, "long": 4.0, "middle": 1.5, "short": 0.2}  # The prompts there are.


@dataclass
class Ear:
    """A link and what it told, in order. `wait` takes what it finds; `told` keeps everything."""

    asterisk: RunningAsterisk
    engineer: Client
    link: AriLink = field(init=False)
    told: list[Event] = field(default_factory=list)
    _fresh: list[Event] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Event) -> None:
        self.told.append(event)
        self._fresh.append(event)
        self._more.set()

    async def wait(self, kind: type[E], timeout_s: float = 5, **values: object) -> E:
        """The next event of a kind with these field values that was not waited for before."""
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self._fresh:
                    if isinstance(event, kind) and all(getattr(event, name) == v for name, v in values.items()):
                        self._fresh.remove(event)
                        return event
                self._more.clear()
                await self._more.wait()

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]

    def do(self, *effects: AsteriskEffect) -> None:
        for effect in effects:
            self.link.perform(effect)

    async def done(self, timeout_s: float = 10) -> None:
        """Every effect has been answered."""
        async with asyncio.timeout(timeout_s):
            while self.link.pending:
                await asyncio.sleep(0.002)

    async def lane_free(self, call: str, name: str, timeout_s: float = 10) -> float:
        """Seconds until a command of this lane that fails at once (an unregistered phone) has been answered."""
        began = asyncio.get_running_loop().time()
        self.do(Ring(call, name, "visitor", "1", "q", 5))
        await self.wait(CommandFailed, timeout_s, target=name)
        return asyncio.get_running_loop().time() - began

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[tuple[Any, CallArrived]]:
        """A caller who has dialled 1860 and not been answered: the phone's call and our event."""
        async with Phone(CALLER, None, self.asterisk.sip) as phone:
            call = await phone.dial("1860", caller=CALLER)
            yield call, await self.wait(CallArrived)

    def phone(self, name: str = "p8025") -> Phone:
        return Phone(name, self.asterisk.secrets.phones[name], self.asterisk.sip, register=True)


def address_of(asterisk: RunningAsterisk, url: str = "", app: str = "hotline") -> Address:
    return Address(url or asterisk.ari_url, "hotline", asterisk.secrets.ari_password, app)


def lasts(play: Play | Announce) -> float:
    return sum(SECONDS[prompt] for prompt in play.prompts if prompt in SECONDS)


@asynccontextmanager
async def listening(
    asterisk: RunningAsterisk, url: str = "", wait: bool = True, seconds: Seconds = lasts
) -> AsyncIterator[Ear]:
    """A running link. At the end its channels are hung up and its bridges dropped."""
    async with await connect(asterisk.ari_url, "hotline", asterisk.secrets.ari_password) as engineer:
        ear = Ear(asterisk, engineer)
        link = ear.link = AriLink(address_of(asterisk, url), ear.hear, prompts_of(asterisk), seconds)
        running = asyncio.create_task(link.run())
        try:
            if wait:
                await ear.wait(Listed)
            yield ear
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await link.close()
            await cleared(engineer)


async def cleared(engineer: Client) -> None:
    """Nothing is left in Asterisk for the next test."""
    for channel in await engineer.channels.list():
        with suppress(Exception):
            await channel.hangup()
    for bridge in await engineer.bridges.list():
        with suppress(Exception):
            await bridge.destroy()
    async with asyncio.timeout(5):
        while await engineer.channels.list():
            await asyncio.sleep(0.01)


def prompts_of(asterisk: RunningAsterisk) -> Callable[[str, str, str], str | None]:
    """The prompts of SECONDS, as tones."""
    folder = asterisk.folder / "ari-prompts"
    folder.mkdir(exist_ok=True)
    for name, seconds in SECONDS.items():
        samples = (int(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(int(8000 * seconds)))
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return lambda prompt, *_: str(folder / prompt) if prompt in SECONDS else None
