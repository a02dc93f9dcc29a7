"""The daemon: builds every part, joins them, runs them in one TaskGroup, and drains on SIGTERM."""

import asyncio
import gc
import hmac
import shutil
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

import structlog

from ari_app.ami.link import AmiLink
from ari_app.ari.claim import claimed
from ari_app.ari.client import AriLink
from ari_app.ari.connection import Address, Replaced
from ari_app.asking import Asking
from ari_app.board.board import Board
from ari_app.desk import Desk
from ari_app.errors import HotlineError, Ousted, StoreError
from ari_app.filing import Filing
from ari_app.flow.model import LoadedFlow
from ari_app.guard import FILE, Guard
from ari_app.hearing import Hearing
from ari_app.housekeeping import Housekeeping
from ari_app.live import Live, opening
from ari_app.lookups import LookUps
from ari_app.media.kept import KeptAudio
from ari_app.media.prompts import Prompts
from ari_app.model.bans import Bans
from ari_app.model.effects import (
    AskStudio,
    AsteriskEffect,
    CheckPin,
    Effect,
    FileMessage,
    HearingEffect,
    LookUp,
    MeasureLeg,
    RecordingEffect,
    Reply,
    Screen,
    Unscreen,
    Warn,
)
from ari_app.model.events import (
    Booted,
    ClockStepped,
    DoorClosed,
    DoorOpened,
    DrainAsked,
    FlowsLoaded,
    HoursLoaded,
    PinChecked,
)
from ari_app.model.layout import seen_by_daemon
from ari_app.model.settings import trusted
from ari_app.provision.install import Install
from ari_app.quality import CLASSES, Quality
from ari_app.recorder import Recorder
from ari_app.reload import FlowKeeper
from ari_app.runtime.door import Door, Load
from ari_app.runtime.loop import Loop
from ari_app.saying import Saying
from ari_app.screening import Screens
from ari_app.site import Site
from ari_app.spool import Spool
from ari_app.standby import Waited, beating, nodes_of
from ari_app.store import look, retention
from ari_app.store.connect import LARGE
from ari_app.store.journal import Health, Journal, Options
from ari_app.store.lock import StoreLock
from ari_app.store.restore import last_agents, left_open, screenings_left, states_left, work_left
from ari_app.studio import Studio
from ari_app.web.app import make_app, serving
from ari_app.web.metrics import Metrics

log = structlog.get_logger(__name__)

FINISH_S: Final = 0.5  # What a hand-over waits for its last commands.
WATCH_EVERY_S: Final = 0.25  # Between looks at the disk, the backlog, the lag and the wall clock.
USER: Final = "hotline"  # Of ARI and AMI, in the rendered configuration.


@dataclass
class Daemon:
    """Made by `open`; `run` lasts until `stop` was called and the calls have drained."""

    site: Site
    install: Install
    journal: Journal
    prompts: Prompts
    kept: KeptAudio
    live: Live  # The flows it begins with, and why the files are not all of them.
    problems: tuple[str, ...] = ()
    looks_beside: bool = False  # The store is to be looked through while calls go on.
    metrics: Metrics = field(default_factory=Metrics)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    hurried: bool = False  # Told twice to stop.
    handed_to: str | None = None
    at_work: asyncio.Event = field(default_factory=asyncio.Event)  # What it starts with is behind it.
    ended_by: HotlineError | None = None  # Why it must end without another word.
    free_mb: int = 1 << 30  # On the store's disk, when last asked.
    door: str = ""  # Why new calls are refused by the shell; empty: open.

    @classmethod
    def open(
        cls, site: Site, install: Install, node: str = "main", waited: Waited | None = None, check_store: bool = False
    ) -> "Daemon":
        """Check everything that can be wrong before anything is started: prompts, flows, a second daemon; the store,
        if anybody but a daemon may have harmed it, or `check_store`.

        `waited`: as a standby."""
        prompts = Prompts.load(site.sounds)
        has = waited or Waited(StoreLock.take(site.store, node), KeptAudio(site.prompts))
        trust = "whole" if has.follows else has.lock.trust
        beside = trust == "likely" and not check_store and site.store.stat().st_size > LARGE
        first = check_store or (trust != "whole" and not beside)
        journal = Journal.open(site.store, Options(check=first), has.lock)
        try:
            live, problems = opening(site, prompts, has.kept)
        except BaseException:
            journal.close()
            raise
        return cls(site, install, journal, prompts, has.kept, live, problems, beside)

    def __post_init__(self) -> None:
        site, layout, zone = self.site, self.site.layout(self.install), ZoneInfo(self.site.settings.timezone)
        asterisk, secrets = site.settings.asterisk, site.secrets
        self.loop = Loop(Board(site.settings, {}, zone), self.journal, self.perform, watch=self.metrics.watch)
        self.ami = AmiLink("127.0.0.1", asterisk.ami_port, USER, secrets.ami_password)
        self.screens = Screens(self.ami, site.settings.screening, zone)
        self.recorder = Recorder(self.ami, layout.monitor, site.parts(layout), site.recordings, zone, self.loop.post)
        self.quality = Quality(self.loop.post, self.loop.post_lazily, site.settings.limits.calls_max)
        self.ami.listen(CLASSES, self.quality.hears)
        files = (layout.monitor, site.parts(layout))
        self.hearing = Hearing(self.ami, site.settings.line, *files, self.loop.post, self.quality.loss_now)
        self.filing = Filing(site.messages_made(layout), site.messages, zone, self.loop.post)
        self.housekeeping = Housekeeping(
            self.journal, site.settings.limits, site.recordings, self.loop.clock, messages=site.messages
        )
        self.guard = Guard(
            self.ami,
            self.journal,
            Bans(site.settings.security.bans, trusted(site.settings)),
            Path(seen_by_daemon(layout.etc, site.settings.asterisk.path_map)) / FILE,
            site.state / "bans.json",
        )
        self.ami.listen(("security",), self.guard.hear)
        self.asking = Asking(LookUps(site), self.loop.post)
        self.gate = Door(site.settings.limits)
        self.desk = Desk(self)
        self.flows = FlowKeeper(
            site, self.journal, self.prompts, self.live, self.kept, self._swap, self.loop.clock.now, self.problems
        )
        spoken = Path(seen_by_daemon(layout.messages, site.settings.asterisk.path_map))
        waiting = Path(seen_by_daemon(layout.net, site.settings.asterisk.path_map))
        self.spool = Spool(site.store, waiting, spoken, self.loop.post)
        self.studio = Studio(site.sounds, spoken, self.loop.post, lambda: self.flows.look("studio"))
        self.housekeeping.old_audio = self.flows.remove_old_audio
        self.saying = Saying(site, self.prompts, self.flows.audio_of)
        self.flows.on_prompts = self.saying.changed
        address = Address(site.ari_url, USER, secrets.ari_password, asterisk.app)
        self.ari = AriLink(address, self.loop.post, self.saying.path, self.saying.seconds)
        self._carry_out = self._by_kind()

    async def _swap(self, event: FlowsLoaded | HoursLoaded, flows: Iterable[LoadedFlow]) -> Reply:
        if isinstance(event, FlowsLoaded):
            self.saying.changed()
            self.loop.board.offer_flows(flows)
        return await self.desk.ask(replace(event, request=self.desk.request()))

    async def _restore(self) -> None:
        """What an earlier run left, and who talked to whom last."""
        routing, store = self.site.settings.routing, self.site.store
        keep_s, now = routing.last_agent_days * 86_400.0, self.loop.clock.now()
        talks = await asyncio.to_thread(last_agents, store, now, keep_s, routing.last_agent_max)
        self.loop.board.offer_last_agents(talks)
        left = await asyncio.to_thread(left_open, store)
        self.loop.clock.keep(left.clock_ahead_s)
        self.housekeeping.began(now, left.last_at)
        work = await asyncio.to_thread(work_left, store)
        calls, seats = await asyncio.to_thread(states_left, store)
        began_with = {call.versions for call in calls if call.versions}
        self.loop.board.offer_pinned(await asyncio.to_thread(self.flows.pinned, began_with))
        for event in (replace(left, last_agents=len(talks)), *work, *calls, *seats):
            self.loop.post(event)
        for screening in self.screens.recall(await asyncio.to_thread(screenings_left, store, now, self.screens.rules)):
            self.loop.post(screening)

    @property
    def node(self) -> str:
        return self.journal.lock.holder.node

    # -- running --

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Run until `stop` has drained. `ready` is set once the API answers and Asterisk is linked. Ousted."""
        asterisk = self.site.settings.asterisk
        try:
            async with beating(self.journal.lock, self.site.settings.standby.stale_s, self.at_work):
                try:
                    with claimed(asterisk.http_port, asterisk.app):
                        await self._run(ready)
                finally:
                    await self._close()
        finally:
            log.info("stopped")
        if self.ended_by is not None:
            raise self.ended_by

    async def _run(self, ready: asyncio.Event | None) -> None:
        web = self.site.settings.web
        app = make_app(self.desk, self.site.secrets.api_token, listen=web.listen)
        self._watch_store(asyncio.get_running_loop())
        self.loop.post(Booted(await asyncio.to_thread(self.journal.next_epoch)))
        await self._restore()
        begun = await self.flows.begin()
        self.loop.board.offer_flows(self.live.flows.values())
        for event in begun:
            self.loop.post(event)
        gc.collect()
        gc.freeze()  # What is there now stays: never looked through again while calls go on.
        gc.set_threshold(10_000, 20, 20)  # A call makes some thousand objects and next to no cycles.
        agi = self.asking.lookups.server().serving(self.site.settings.agi.port)
        async with serving(app, web.listen, web.port), agi, asyncio.TaskGroup() as tasks:
            services = (self.loop.run(), self.loop.watch_lag(), self._linked(), self.ami.run(), self.hearing.run())
            keeping = (
                self._watch(),
                self.housekeeping.run(),
                self.spool.run(),
                self.guard.run(),
                self.screens.run(),
                self.screens.count(),
                self.flows.watch(),
                self._ready(ready),
                self._look(),
            )
            running = [tasks.create_task(service) for service in (*services, *keeping)]
            self.at_work.set()
            await self.stopping.wait()
            if self.ended_by is None:
                await (self._drain() if self.handed_to is None else self._finish(running[0]))
            for task in running:
                task.cancel()

    async def _close(self) -> None:
        await self.asking.close()
        await self.ari.close()
        await self.ami.close()  # Its task has ended: nobody may wait for it to be connected again, 2 s for each line.
        await self.hearing.close()
        await asyncio.to_thread(self.journal.close)

    def stop(self) -> None:
        """Hand over to the standby; where none waits, drain and end. Asked a second time: end now, leaving the calls to
        the next daemon."""
        if (standby := nodes_of(self.site.store).standby) is not None and not self.stopping.is_set():
            return self.hand_over(str(standby), "a signal")
        self.hurried = self.stopping.is_set()
        self.stopping.set()

    def hand_over(self, to: str, by: str) -> None:
        """End as soon as what is under way is done; the calls stay where they are."""
        log.info("handing over", to=to, by=by, calls=len(self.loop.board.floor.calls))
        entry = ("handover", self.node, f"to {to}, by {by}")
        self.journal.run(partial(retention.audit, at=self.loop.clock.now(), entry=entry))
        self.handed_to = to
        self.stopping.set()

    def _end(self, why: HotlineError) -> None:
        """At once, and without another word to Asterisk; the next daemon finds the calls where they are."""
        log.error("ends at once", why=str(why))
        self.ended_by = self.ended_by or why
        self.stopping.set()

    def _watch_store(self, here: asyncio.AbstractEventLoop) -> None:
        def look(health: Health) -> None:  # On the writer's thread.
            if self.journal.fenced is not None:
                here.call_soon_threadsafe(self._end, Ousted(str(self.journal.fenced)))
            elif self.journal.damaged:
                here.call_soon_threadsafe(self._end, StoreError(f"The store is damaged: {self.journal.damaged}."))

        self.journal.on_health = look

    async def _look(self) -> None:
        """Through a large store that something besides a daemon may have harmed: callers need not wait for it."""
        if not self.looks_beside:
            return
        self.journal.lock.vouch(False)
        log.info("looking through the store beside the calls", store=str(self.site.store))
        try:
            self.journal.harm = await look.beside(self.site.store)
        except (StoreError, OSError) as problem:
            log.error("the store was not looked through", why=str(problem))
        else:
            self.journal.lock.vouch(not self.journal.harm)
        if self.journal.harm:
            self._end(StoreError(f"The store is damaged: {self.journal.harm}."))

    async def _linked(self) -> None:
        try:
            await self.ari.run()
        except Replaced as replaced:
            self._end(Ousted(str(replaced)))

    def on_signals(self) -> None:
        """SIGTERM and SIGINT drain; SIGHUP has the flow files looked at."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.flows.look, "SIGHUP")

    async def _ready(self, ready: asyncio.Event | None) -> None:
        while not (self.ari.up and self.ami.connected):
            await asyncio.sleep(0.02)
        if ready is not None:
            ready.set()
        log.info("ready", numbers=list(self.site.settings.numbers), api=self.site.api_url)

    async def _drain(self) -> None:
        """No new calls; those there are get `drain_s` to end. What is left stays in Asterisk for the next daemon."""
        self.loop.post(DrainAsked())
        end = self.loop.clock.now() + self.site.settings.limits.drain_s
        calls = self.loop.board.floor.calls
        if calls:
            log.info("draining", calls=len(calls), seconds=self.site.settings.limits.drain_s)
        while calls and not self.hurried and self.ended_by is None and self.loop.clock.now() < end:
            await asyncio.sleep(0.05)
        while (
            not self.hurried and self.ended_by is None and (self.loop.inbox or self.recorder.busy or self.filing.busy)
        ):
            await asyncio.sleep(0.01)  # What is not joined or filed when it is in a hurry is the next one's to do.

    async def _finish(self, handling: asyncio.Task[None]) -> None:
        """No event more is handled; commands that were given are carried out. Recordings are the next one's to join."""
        self.loop.end()
        await asyncio.wait([handling], timeout=FINISH_S)
        end = self.loop.clock.now() + FINISH_S
        while self.ari.pending and self.loop.clock.now() < end:
            await asyncio.sleep(0.01)

    # -- watching ourselves --

    async def _watch(self) -> None:
        """Close and open the door; notice steps of the wall clock."""
        while True:
            if stepped := self.loop.clock.step():
                self.loop.post(ClockStepped(round(stepped, 3)))
            if self.gate.look(self._load()):
                self.door = reason = self.gate.reason
                self.loop.post(DoorClosed(reason) if reason else DoorOpened())
                (log.error if reason else log.info)("door closed" if reason else "door open", reason=reason or None)
                if reason:
                    self.metrics.limit_reached(reason)
            await asyncio.sleep(WATCH_EVERY_S)

    def _load(self) -> Load:
        with suppress(OSError):  # The journal meets what is wrong with the disk; what is known stands until then.
            self.free_mb = shutil.disk_usage(self.site.state).free >> 20
        journal, loop = self.journal, self.loop
        return Load(journal.health, journal.waiting, len(loop.inbox), loop.lag_s * 1000, self.free_mb)

    # -- effects --

    def perform(self, effect: Effect) -> None:
        """Carry out one effect; never blocks."""
        if self.ended_by is None:
            self._carry_out[type(effect)](effect)

    def _by_kind(self) -> dict[type[Effect], Callable[[Any], None]]:
        """Who carries out what; the loop keeps facts, timers and secrets to itself."""
        return {
            **dict.fromkeys(get_args(AsteriskEffect), self.ari.perform),
            **dict.fromkeys(get_args(RecordingEffect), self.recorder.perform),
            **dict.fromkeys(get_args(HearingEffect), self.hearing.perform),
            MeasureLeg: self.quality.perform,
            LookUp: self.asking.perform,
            AskStudio: self.studio.perform,
            Screen: self.screens.perform,
            Unscreen: self.screens.perform,
            FileMessage: self.filing.perform,
            CheckPin: self._check_pin,
            Reply: self.desk.replied,
            Warn: lambda warn: log.warning(warn.message, call=warn.call),
        }

    def _check_pin(self, asked: CheckPin) -> None:
        known = self.site.secrets.pins.get(asked.agent, "")
        ok = hmac.compare_digest(known.encode(), asked.pin.encode()) and bool(asked.pin)
        self.loop.post(PinChecked(asked.leg, asked.agent, ok))
