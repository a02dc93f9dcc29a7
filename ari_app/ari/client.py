"""AriLink: what the daemon knows of ARI. Events come through `on_event`, effects go in by `perform`.

After every connect it says LinkUp, Listed, and then what happened meanwhile, in one go; after every loss LinkDown.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import aiohttp
import structlog

from ari_app.ari import resync
from ari_app.ari.connection import AccessDenied, Address, Backoff, EventSocket, Replaced, fetch
from ari_app.ari.decode import Decoder
from ari_app.ari.encode import Prompts, encode
from ari_app.ari.lanes import Lanes, target_of
from ari_app.ari.playing import Playing, Seconds
from ari_app.ari.pool import Awaited, Pool
from ari_app.ari.protocol import Hears, Reply, Request
from ari_app.errors import AsteriskError
from ari_app.model.effects import Announce, AsteriskEffect, Play
from ari_app.model.events import CallerSeen, CommandFailed, Event, LinkDown, LinkUp, Listed, PlaybackEnded
from ari_app.model.ids import LegId, PlaybackId

log = structlog.get_logger(__name__)

ECHO_EVERY_S: Final = 5.0  # Between looks whether Asterisk's events still reach us:
ECHO_LOOKS: Final = 5  # one of our own must come back by the last of these, ECHO_LOOK_S apart.
ECHO_LOOK_S: Final = 1.0
TAKEN_BACK_MAX: Final = 2  # Times within
TAKEN_BACK_S: Final = 600.0  # that we throw out who has thrown us out.
LOOK_S: Final = 1.0  # How often prompts are looked for whose end was not told.
STEADY_S: Final = 5.0  # A link that lived so long is tried again at once; a shorter one after growing pauses.


class AriLink:
    """`run()` is its task and never ends by itself; `perform` is called from the same event loop."""

    def __init__(self, address: Address, on_event: Callable[[Event], None], prompts: Prompts, seconds: Seconds) -> None:
        self.address = address
        self.decoder = Decoder()
        self.status = "not connected yet"  # One line for /healthz.
        self.up = False
        self._on_event, self._prompts = on_event, prompts
        self._pool: Pool | None = None
        self._lanes = Lanes(self._ask, lambda effect: encode(effect, self._prompt, address.app), self._emit)
        self._held: list[Event] | None = None  # Events that came before the listing was told.
        self._names = itertools.count(1)
        self._sync: tuple[str, asyncio.Event] = ("", asyncio.Event())
        self._playing = Playing(seconds)
        self._stuck: PlaybackId | None = None  # Stopped, as its end was not told.
        self._gaps: set[tuple[str, str]] = set()  # Missing prompts already said.
        self._counters: Counter[str] = Counter()

    # ---- what the daemon uses ----

    @property
    def pending(self) -> int:
        """Effects taken in and not carried out yet."""
        return self._lanes.pending

    @property
    def counters(self) -> Counter[str]:
        """Figures for /metrics: requests, sockets, lanes, failures by reason, losses, messages not understood."""
        total = self._counters + self._lanes.counters
        total.update(unknown=self.decoder.unknown.total(), lanes=len(self._lanes), pending=self.pending)
        if self._pool is not None:
            total.update(sockets=self._pool.sockets)
            total.update(self._pool.counters)
        return total

    def perform(self, effect: AsteriskEffect) -> None:
        """Queue an effect on its call's lane; never blocks, never raises. Failures come back as CommandFailed."""
        if not self.up:
            failed = CommandFailed(type(effect).__name__, effect.call, target_of(effect), "down", self.status)
            # Not at once: the caller is in the middle of a step.
            asyncio.get_running_loop().call_soon(self._on_event, failed)
            return
        if isinstance(effect, Play | Announce):
            self._playing.began(effect, asyncio.get_running_loop().time())
        self._lanes.put(effect)

    async def rtp(self, leg: LegId) -> dict[str, Any] | None:
        """Asterisk's counts of a leg's voice so far; None when it has none, or cannot be asked."""
        try:
            reply = await self._answer(Request("GET", f"channels/{leg}/rtp_statistics", {}, quiet_404=True))
        except (AsteriskError, TimeoutError):
            return None
        found = reply.value() if reply.ok else None
        return found if isinstance(found, dict) else None

    async def run(self) -> None:
        """Connect, stay connected, connect again; until cancelled. Then `close()`.

        Replaced when another program takes our application again and again: two must not throw each other out for ever.
        """
        backoff, replaced = Backoff(), list[float]()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                # A session of its own: the last one may still hold connections that have silently died.
                async with self.address.session() as session:
                    await self._live(session)
            except AsteriskError as error:
                if isinstance(error, Replaced):
                    replaced = [at for at in replaced if began - at < TAKEN_BACK_S] + [began]
                    if len(replaced) > TAKEN_BACK_MAX:
                        raise
                if isinstance(error, AccessDenied | Replaced):
                    backoff.slow()  # A person must mend it.
                elif loop.time() - began > STEADY_S:
                    backoff.reset()
            await asyncio.sleep(backoff.pause())

    async def close(self) -> None:
        """Break off what is under way; to be called when `run` has been cancelled."""
        self.up, self.status = False, "closed"
        self._lanes.close()

    # ---- one connection's life ----

    async def _live(self, session: aiohttp.ClientSession) -> None:
        """Connect, resync, listen. Ends with an AsteriskError, or cancelled."""
        try:
            self._held = []
            self.decoder.phones_unknown()
            events = await EventSocket.open(self.address, self.decoder, self._hear)
        except AsteriskError as error:
            self._say(str(error))
            raise
        pool = self._pool = Pool(self.address)
        parts = (events.lost(), events.alive(), self._settle(session), self._look_after_prompts())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.gather(*tasks)
        except AsteriskError as error:
            self._lost(str(error))
            raise
        finally:
            self.up, self._held = False, None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(pool.close(), events.close())

    def _hear(self, message: dict[str, Any]) -> None:
        self._counters["events"] += 1
        if message["type"] == "ChannelUserevent" and message.get("eventname") == self._sync[0]:
            self._sync[1].set()
        for event in self.decoder.decode(message):
            if self._held is None:
                self._emit(event)
            else:
                self._held.append(event)

    async def _settle(self, session: aiohttp.ClientSession) -> None:
        """Subscribe, list, then tell the board everything at once, so that nothing can come in between; then see to it
        that events go on coming."""

        async def ask(request: Request) -> Reply:
            return await fetch(self.address, session, request)

        try:
            version = await resync.subscribe(ask, self.address)
            listed, callers = await resync.listing(ask, self.address)
            over = await self._playbacks_over(ask)
            await self._catch_up(ask)
        except TimeoutError:
            raise AsteriskError("no answer to the listing in time") from None
        except (KeyError, TypeError, ValueError) as error:
            raise AsteriskError(f"a listing we cannot read: {type(error).__name__}") from None
        held, self._held = self._held or [], None
        self._tell(version, (listed, callers), held, over)
        log.info("link to Asterisk is up", version=version, channels=len(listed.channels), meanwhile=len(held))
        await self._hear_ourselves(ask)

    def _tell(
        self, version: str, found: tuple[Listed, list[CallerSeen]], held: list[Event], over: list[PlaybackId]
    ) -> None:
        listed, callers = found
        self.decoder.phones_are(listed.phones, held)
        self.up, self.status = True, f"up, Asterisk {version}"
        self._playing.anew(asyncio.get_running_loop().time())
        self._counters["connects"] += 1
        told: tuple[Event, ...] = (LinkUp(version), *resync.unknown(callers, held), resync.rewound(listed, held))
        for event in (*told, *held):
            self._emit(event)
        for playback in over:
            if playback in self._playing:
                self._emit(PlaybackEnded(playback, ok=True))

    async def _catch_up(self, ask: resync.Ask) -> None:
        """Wait until the event socket has brought what happened before now: an event of our own, and its coming back.

        Replies overtake events, since those pass through Asterisk's message bus.
        """
        name, seen = f"sync-{next(self._names)}", asyncio.Event()
        self._sync = (name, seen)
        (await ask(Request("POST", f"events/user/{name}", {"application": self.address.app}))).check()
        for _ in range(ECHO_LOOKS):  # Several, as in EventSocket.alive.
            with suppress(TimeoutError):
                await asyncio.wait_for(seen.wait(), ECHO_LOOK_S)
                return
        raise AsteriskError("Asterisk answers, but its events do not reach us")

    async def _hear_ourselves(self, ask: resync.Ask) -> None:
        """For ever: an application whose events go nowhere answers every ping. Asterisk makes one of ours deaf when an
        earlier connection under its name, given up long ago, arrives late and ends (seen as a cut was mended)."""
        while True:
            await asyncio.sleep(ECHO_EVERY_S)
            try:
                await self._catch_up(ask)
            except TimeoutError:
                raise AsteriskError("no answer to a request in time") from None

    async def _playbacks_over(self, ask: resync.Ask) -> list[PlaybackId]:
        """Of the playbacks we wait for, those whose end was missed."""
        over = []
        for playback in self._playing:
            if (await ask(Request("GET", f"playbacks/{playback}", {}))).status == 404:
                over.append(playback)
        return over

    async def _look_after_prompts(self) -> None:
        """Prompts whose end is overdue: Asterisk is asked, and the flow goes on whatever it says."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOOK_S)
            for playback in self._playing.overdue(now()) if self.up else ():
                try:
                    await self._find_out(playback)
                except (AsteriskError, TimeoutError):
                    break  # Asterisk says nothing at present: that is the link's affair.

    async def _find_out(self, playback: PlaybackId) -> None:
        where = f"playbacks/{playback}"
        there = await self._answer(Request("GET", where, {}, quiet_404=True), express=True)
        is_over = there.status == 404
        if is_over and self._playing.ended_with_its_bridge(playback):
            return self._emit(PlaybackEnded(playback, ok=False))
        if is_over:
            self._counters["ends_missed"] += 1
        else:
            self._counters["prompts_stuck"] += 1
            self._stuck = playback  # Asterisk may tell its end, as if it had been heard, before it answers.
            await self._answer(Request("DELETE", where, {}, quiet_404=True), express=True)
        if playback in self._playing:  # Not told meanwhile.
            log.warning("the end of a prompt was not told", playback=playback, over=is_over, answer=there.detail())
            self._emit(PlaybackEnded(playback, ok=is_over))

    # ---- smaller parts ----

    async def _answer(self, request: Request, express: bool = False) -> Reply:
        awaited = Awaited()
        self._ask((request,), awaited, express)
        return (await awaited.replies)[0]

    def _ask(self, requests: Sequence[Request], hears: Hears, express: bool) -> None:
        if self._pool is None:
            asyncio.get_running_loop().call_soon(hears.ended, AsteriskError(self.status))
        else:
            self._pool.ask(requests, hears, express)

    def _emit(self, event: Event) -> None:
        match event:
            case PlaybackEnded(playback=playback):
                self._playing.over(playback)
                if playback == self._stuck:
                    event = PlaybackEnded(playback, ok=False)
            case CommandFailed(action="Play" | "Announce", target=target):
                self._playing.over(PlaybackId(target))
        self._on_event(event)

    def _lost(self, reason: str) -> None:
        was_up, self.up = self.up, False
        self._counters["losses"] += 1
        self._say(reason)
        if was_up:
            self._emit(LinkDown(reason))
            self._lanes.drop()

    def _say(self, reason: str) -> None:
        """Once for each reason, however often it is tried again."""
        status = f"down: {reason.splitlines()[0].rstrip('.')}"
        (log.debug if status == self.status else log.error)("no link to Asterisk; trying again", reason=reason)
        self.status = status

    def _prompt(self, prompt: str, language: str, audio: str) -> str | None:
        path = self._prompts(prompt, language, audio)
        if path is None:
            self._counters["prompts_missing"] += 1
            if (prompt, language) not in self._gaps:
                self._gaps.add((prompt, language))
                log.error("prompt missing; skipped", prompt=prompt, language=language)
        return path
