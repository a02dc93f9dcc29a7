"""The hotline transcripts are played on: Asterisk and a daemon in this process, and what that daemon decides.

`hotline_of` starts both in a temporary folder. Look-ups are answered by the transcript, by nobody else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ari_app.config.load import load_settings
from ari_app.daemon import Daemon
from ari_app.errors import HotlineError
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import LegId
from ari_app.provision.install import Install
from ari_app.provision.ports import BLOCK, port_block
from ari_app.site import Site, open_site
from ari_app.transcript.words import Telling, Told

READY_S: Final = 20.0
PROMPTS_S: Final = 120.0


def site_on(config: Path, folder: Path, first: int) -> Site:
    """The site of config.yaml with a private Asterisk and a daemon on the ports of a block; its state in `folder`."""
    asterisk = {
        "run": "private",
        "sip_listen": "127.0.0.1",
        "sip_port": first,
        "http_port": first + 1,
        "ami_port": first + 2,
        "rtp_port_first": first + 10,
        "rtp_port_last": first + BLOCK - 1,
        "external_address": "",
        "path_map": {},
    }
    changes: dict[str, object] = {
        "asterisk": asterisk,
        "web": {"listen": "127.0.0.1", "port": first + 3},
        "agi": {"port": first + 4},
        "paths": {"state": str(folder)},
        "limits": {"drain_s": 0},
    }
    if not any("127.0.0.1" in trunk.match for trunk in load_settings(config).trunks.values()):
        changes["trunks"] = {"transcripts": {"match": ["127.0.0.1"]}}
    return open_site(config, **changes)


@dataclass
class Hotline:
    """The running daemon and the one transcript it is on: `told` grows by what the daemon does."""

    daemon: Daemon
    telling: Telling = field(default_factory=Telling)
    told: list[Told] = field(default_factory=list)
    playing: dict[str, LegId] = field(default_factory=dict)
    messages: dict[str, fx.RecordMessage] = field(default_factory=dict)
    asked: list[fx.LookUp] = field(default_factory=list)
    arranged: list[tuple[str, ev.LookedUp]] = field(default_factory=list)
    leg: LegId | None = None  # Of the last caller.
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    typed_s: float = 0.0  # What keys have taken: in a rehearsal they take no time.

    def begin(self) -> None:
        """Forget the transcript before."""
        self.telling, self.leg, self.typed_s = Telling(), None, 0.0
        for kept in (self.told, self.playing, self.messages, self.asked, self.arranged):
            kept.clear()

    def see(self, event: ev.Event, effects: list[fx.Effect]) -> None:
        match event:
            case ev.CallArrived(leg):
                self.leg = leg
            case ev.PlaybackEnded(playback):
                self.playing.pop(playback, None)
            case ev.MessageRecorded(message):
                self.messages.pop(message, None)
            case _:
                pass
        for effect in effects:
            match effect:
                case fx.Play(_, leg, playback):
                    self.playing[playback] = leg
                case fx.StopPlay(_, playback):
                    self.playing.pop(playback, None)
                case fx.RecordMessage(_, _, message):
                    self.messages[message] = effect
                case _:
                    pass
            if (told := self.telling.tell(effect)) is not None:
                self.told.append(told)
        self.changed.set()

    def ask(self, effect: fx.LookUp) -> None:
        """A look-up is answered by the transcript, by nobody else."""
        for n, (name, answer) in enumerate(self.arranged):
            if name == effect.name:
                del self.arranged[n]
                self.daemon.loop.post(replace(answer, lookup=effect.lookup))
                return
        self.asked.append(effect)

    def look_up(self, name: str, answer: ev.LookedUp) -> None:
        waiting = next((each for each in self.asked if each.name == name), None)
        if waiting is None:
            self.arranged.append((name, answer))
        else:
            self.asked.remove(waiting)
            self.daemon.loop.post(replace(answer, lookup=waiting.lookup))

    async def until(self, done: Callable[[], bool], timeout_s: float) -> None:
        """TimeoutError when it does not come."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    async def hear_out(self, leg: LegId | None) -> None:
        await self.until(lambda: leg not in self.playing.values(), PROMPTS_S)


@asynccontextmanager
async def hotline_of(config: Path, install: Install, folder: Path) -> AsyncIterator[Hotline]:
    """Asterisk and daemon, ready; both gone at the end. HotlineError when they do not get ready."""
    with port_block() as first:
        site = site_on(config, folder, first)
        instance = site.instance(install)
        instance.write(site.rendered(install))
        await asyncio.to_thread(instance.start)
        try:
            async with _daemon(site, install) as hotline:
                yield hotline
        finally:
            await asyncio.to_thread(instance.stop)


@asynccontextmanager
async def _daemon(site: Site, install: Install) -> AsyncIterator[Hotline]:
    daemon = Daemon.open(site, install)
    hotline = _watched(daemon)
    ready = asyncio.Event()
    running, waiting = asyncio.create_task(daemon.run(ready)), asyncio.create_task(ready.wait())
    try:
        await asyncio.wait((running, waiting), timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        if not ready.is_set():
            raise HotlineError(f"not ready after {READY_S:.0f} s: {daemon.ari.status}; {daemon.ami.status}")
        yield hotline
    finally:
        waiting.cancel()
        daemon.stop()
        with suppress(asyncio.CancelledError):
            await running


def _watched(daemon: Daemon) -> Hotline:
    hotline = Hotline(daemon)
    watch, perform = daemon.loop.watch, daemon.loop.perform

    def see(event: ev.Event, effects: list[fx.Effect], seconds: float) -> None:
        watch(event, effects, seconds)
        hotline.see(event, effects)

    def do(effect: fx.Effect) -> None:
        if isinstance(effect, fx.LookUp):
            hotline.ask(effect)
        else:
            perform(effect)

    daemon.loop.watch, daemon.loop.perform = see, do
    return hotline
