"""A running hotline for tests: a real Asterisk, the real daemon in this process, real SIP phones, one store.

`Hotline.wait` waits for a fact the daemon notes; `at_rest` checks what must hold after every case (design §7).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ari_app.ari.connection import Address
from ari_app.daemon import Daemon
from ari_app.model.effects import Effect, Note
from ari_app.model.events import AgentAsked, Event, KeyPressed
from ari_app.model.facts import CallClosed, CallOpened, Fact
from ari_app.model.ids import AgentId, CallId, PhoneName, RequestId
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, Policy, answer_after
from ari_app.phones.ports import Ports
from ari_app.site import Site
from ari_app.store.history import open_history
from ari_app.store.reader import open_reader
from tests.asterisk import REPOSITORY, RunningAsterisk

CALLER = "13800138000"
PORTS = Ports(range(22_000, 26_000))
F = TypeVar("F")

CHANGES: dict[str, Any] = {
    "queues": {
        "billing": {"ring_s": 3, "wrap_up_s": 0},
        "network": {"skills": {"network": 1}, "wrap_up_s": 0, "recording": {"policy": "ask"}},
        "general": {"ring_s": 3, "wrap_up_s": 0, "recording": {"policy": "never"}},
    },
    "boxes": {"general": {"offered": False}},  # Tests share a store: nobody is rung for another test's message.
    "agent_rules": {"no_ringing_s": 2},
    "limits": {"drain_s": 0},
}


def site_of(asterisk: RunningAsterisk) -> Site:
    """The site whose Asterisk this is; flows and sounds are the repository's."""
    return Site(REPOSITORY / "config.yaml", asterisk.settings, asterisk.secrets)


@dataclass
class Hotline:
    """One daemon on the shared Asterisk."""

    daemon: Daemon
    asterisk: RunningAsterisk
    facts: list[Fact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _asks: int = 0

    def see(self, event: Event, effects: list[Effect], seconds: float) -> None:
        self.effects += effects
        self.facts += [effect.fact for effect in effects if isinstance(effect, Note)]
        self._changed.set()

    async def wait(self, kind: type[F], timeout_s: float = 30, count: int = 1, **values: object) -> F:
        """The `count`-th fact of a kind with these field values, seen since the daemon started."""

        def found() -> list[Any]:
            return [
                fact
                for fact in self.facts
                if isinstance(fact, kind) and all(getattr(fact, key) == value for key, value in values.items())
            ]

        async with asyncio.timeout(timeout_s):
            while len(found()) < count:
                self._changed.clear()
                await self._changed.wait()
        match: F = found()[count - 1]
        return match

    async def asked(self, kind: type[F], timeout_s: float = 30, count: int = 1) -> F:
        """The `count`-th effect of a kind the board has asked for."""
        async with asyncio.timeout(timeout_s):
            while len(found := [effect for effect in self.effects if isinstance(effect, kind)]) < count:
                self._changed.clear()
                await self._changed.wait()
        return found[count - 1]

    async def until(self, done: Callable[[], bool], timeout_s: float = 10) -> None:
        """Until it is so; looked at after every event."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    def kinds(self, call: CallId) -> list[str]:
        return [type(fact).__name__ for fact in self.facts if getattr(fact, "call", None) == call]

    async def ask(self, agent: str, wish: Any, value: str = "", phone: str | None = None) -> str:
        self._asks += 1
        asked = AgentAsked(
            AgentId(agent), wish, value, PhoneName(phone) if phone else None, RequestId(f"test-{self._asks}")
        )
        reply = await asyncio.wait_for(self.daemon.desk.ask(asked), 5)
        assert reply.ok, reply.message
        return reply.message

    @asynccontextmanager
    async def agent(self, number: str, policy: Policy | None = None, ready: bool = True) -> AsyncIterator[Phone]:
        """An agent with a registered phone, signed in and ready."""
        name = self.asterisk.settings.agents[number].phone
        password = self.asterisk.secrets.phones[name]
        async with Phone(name, password, self.asterisk.sip, PORTS, register=True) as phone:
            phone.on_invite = policy or answer_after(0.1)
            await self.ask(number, "sign-in")
            if ready:
                await self.ask(number, "ready")
            try:
                yield phone
            finally:
                await self.ask(number, "sign-out")

    @asynccontextmanager
    async def caller(self, number: str = CALLER) -> AsyncIterator[Phone]:
        async with Phone(number, None, self.asterisk.sip, PORTS) as phone:
            yield phone

    async def closed(self, count: int = 1, timeout_s: float = 30, **values: object) -> CallClosed:
        return await self.wait(CallClosed, timeout_s, count, **values)

    async def opened(self, count: int = 1) -> CallOpened:
        return await self.wait(CallOpened, 5, count)

    async def listing(self, what: str) -> list[dict[str, Any]]:
        address = Address(self.asterisk.ari_url, "hotline", self.asterisk.secrets.ari_password, "hotline")
        async with address.session() as session, session.get(f"{self.asterisk.ari_url}/{what}") as got:
            listed: list[dict[str, Any]] = await got.json()
            return listed

    def kept_keys(self) -> list[KeyPressed]:
        """The keys of this run as the store keeps them."""
        with open_history(self.daemon.site.store) as history:
            events = [event for _, event in history.events(max(history.epochs))]
        return [event for event in events if isinstance(event, KeyPressed)]

    async def at_rest(self) -> None:
        """Nothing left in Asterisk but music, every row closed, nobody reserved or talking, no timers of calls."""
        async with asyncio.timeout(10):
            while await self.listing("channels"):
                await asyncio.sleep(0.05)
            floor = self.daemon.loop.board.floor
            while floor.calls or floor.desks or floor.item_offers:
                await asyncio.sleep(0.02)
        assert [b["id"] for b in await self.listing("bridges") if not b["id"].startswith("music-")] == []
        assert {seat.state for seat in floor.seats.values()} <= {"signed-out", "not-ready", "ready", "wrap-up"}
        assert not floor.legs and not floor.engine.places and not floor.bookings
        await asyncio.wait_for(self.daemon.recorder.drain(), 15)
        await asyncio.wrap_future(self.daemon.loop.committed())
        with open_reader(self.daemon.site.store) as reader:
            assert reader.open_calls() == []
        assert self.daemon.loop.bugs == 0
        assert not [
            name for name in self.daemon.loop.timers._at if not name.startswith(("agent-", "surge.", "screening."))
        ]


@asynccontextmanager
async def running_hotline(asterisk: RunningAsterisk) -> AsyncIterator[Hotline]:
    daemon = Daemon.open(site_of(asterisk), asterisk.instance.install)
    hotline = Hotline(daemon, asterisk)
    watch = daemon.loop.watch

    def see(event: Event, effects: list[Effect], seconds: float) -> None:
        watch(event, effects, seconds)
        hotline.see(event, effects, seconds)

    daemon.loop.watch = see
    ready = asyncio.Event()
    running = asyncio.create_task(daemon.run(ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((running, waiting), timeout=15, return_when=asyncio.FIRST_COMPLETED)
    try:
        if running.done():
            await running
        assert ready.is_set(), f"{daemon.ari.status}; {daemon.ami.status}"
        yield hotline
    finally:
        waiting.cancel()
        daemon.stop()
        await running


async def talk(caller: Call, agent: Call, seconds: float = 0.5, hz: tuple[int, int] = (600, 900)) -> None:
    """Both send a tone until each has heard the other's, and then for `seconds` more."""
    await agent.wait_answered()
    caller.play_tone(hz[0])
    agent.play_tone(hz[1])
    await asyncio.gather(caller.wait_tone(hz[1], 15), agent.wait_tone(hz[0], 15))
    await caller.lasts(seconds)
