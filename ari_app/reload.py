"""The flows of a running daemon: watched, checked as a whole, swapped at once, rolled back, taken up after a restart.

Everything slow (reading, checking, the store) is done on threads or by the journal's writer; the loop only swaps a
mapping. A reload that fails changes nothing: the flows of before stay live, and `problems` says why. Opening hours of
config.yaml go the same way, and count for every call at once.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import structlog
from watchfiles import Change, awatch

from ari_app.config.diagnostics import BadFile
from ari_app.config.flows import read_texts
from ari_app.errors import ConfigError, HotlineError, StoreError
from ari_app.flow.model import LoadedFlow
from ari_app.live import (
    NOTHING,
    Live,
    Stamp,
    Versions,
    as_it_was,
    changes,
    checked,
    chosen,
    file_version,
    hours_in,
    kept_texts,
    path_of,
    stamp,
    with_audio,
    with_held,
    with_hours,
)
from ari_app.media.kept import Audio, KeptAudio
from ari_app.media.prompts import MANIFEST, Prompts
from ari_app.model.effects import Reply
from ari_app.model.events import FlowsLoaded, HoursLoaded
from ari_app.model.facts import FlowsHow
from ari_app.model.routing import Hours, hours_text
from ari_app.site import Site
from ari_app.store import flows as store
from ari_app.store.journal import Journal

log = structlog.get_logger(__name__)

SETTLE_MS: Final = 150  # Files must be quiet so long before they are read: editors write in two steps.
AGAIN_S: Final = 0.3  # A file found bad is read again after so long, until two readings agree.
LOOK_EVERY_S: Final = 5.0  # Looked at also without a word from the kernel: a folder replaced, a network disk.
READINGS_MAX: Final = 10
SHOWN_MAX: Final = 300  # Characters of a problem on /healthz.
SETS_MAX: Final = 100  # Sets of audio remembered for calls that began with them.


@dataclass
class FlowKeeper:
    """`ask` offers flows to the board, posts the event and waits for its reply; `now` is the board's clock."""

    site: Site
    journal: Journal
    prompts: Prompts
    live: Live
    kept: KeptAudio
    ask: Callable[[FlowsLoaded | HoursLoaded, Iterable[LoadedFlow]], Awaitable[Reply]]
    now: Callable[[], float]
    problems: tuple[str, ...] = ()  # Why the files are not what is live; empty: they are, or are held back.
    on_prompts: Callable[[Prompts], None] = lambda prompts: None
    seen: Stamp | None = None  # The files as last read; None: to be read again.
    written: Mapping[str, Hours] | None = None  # Hours of config.yaml as last seen; None: not looked at yet.
    sets: dict[str, Audio] = field(default_factory=dict)  # Audio by its key: of what is live, and of what was.
    _found: Mapping[str, Hours] | None = None  # The same, of a reading not live yet.
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def begin(self) -> tuple[HoursLoaded, FlowsLoaded]:
        """Keep what the daemon begins with; the events to post before its first call."""
        if self.problems:
            log.error("bad flow files: going on with the flows live before", problems=list(self.problems))
        with suppress(ConfigError):  # Said already by whoever started us with these settings.
            self.written = await asyncio.to_thread(hours_in, self.site)
        await self._save(self.live)
        flows = FlowsLoaded(self.live.versions, "start", "start", tuple(sorted(self.live.held.items())))
        return HoursLoaded(hours_text(self.live.hours), "start"), flows

    def pinned(self, wanted: Iterable[Versions]) -> dict[Versions, Mapping[str, LoadedFlow]]:
        """The flows of calls that began with these, of an earlier daemon. Reads the store: a thread's work."""
        found: dict[Versions, Mapping[str, LoadedFlow]] = {}
        for versions in wanted:
            live = self.live if versions == self.live.versions else as_it_was(self.site, self.kept, versions)
            if live is None:
                log.warning("a call cannot go on in its flow: the store lacks a version of it", versions=versions)
                continue
            found[versions] = live.flows
            self.sets |= {flow.audio: live.heard_in(name) for name, flow in live.flows.items()}
        return found

    async def reload(self, by: str) -> str:
        """Take the files as they are, held ones too, because somebody asks for it; what changed, a line each.

        HotlineError with all problems; then nothing has changed.
        """
        return await self._whole(self._reload(by, asked=True))

    async def rollback(self, name: str, wanted: str, by: str) -> str:
        """Make an earlier version live (empty: the one live before) and hold automatic reloads of that flow."""
        return await self._whole(self._rollback(name, wanted, by))

    def look(self, by: str) -> None:
        """Reload soon, as the watch does: held flows stay. For SIGHUP."""
        self._started(self._automatic(by))

    async def watch(self) -> None:
        """Reload whenever a file changes, for ever."""
        folders = (self.site.flows, self.site.sounds, self.site.home)
        every_ms = int(LOOK_EVERY_S * 1000)
        while True:
            try:
                async for _ in awatch(
                    *folders,
                    watch_filter=self._is_ours,
                    step=SETTLE_MS,
                    rust_timeout=every_ms,
                    yield_on_timeout=True,
                    recursive=False,
                ):
                    await self._if_changed()
            except (OSError, RuntimeError) as error:  # Rust's own are RuntimeErrors.
                log.warning("flow files cannot be watched; looked at from time to time", why=str(error))
            await asyncio.sleep(LOOK_EVERY_S)
            await self._if_changed()

    # -- one at a time --

    async def _if_changed(self) -> None:
        if await asyncio.to_thread(stamp, self.site) != self.seen:
            await self._automatic("watch")

    async def _automatic(self, by: str) -> None:
        try:
            await self._whole(self._reload(by, asked=False))
        except HotlineError:
            pass  # Said in the log and on /healthz.
        except Exception as bug:  # Whatever it is, calls must go on.
            self.problems = (f"bug: {bug!r}",)
            log.exception("bug: flows not reloaded; those of before stay live", by=by)

    async def _whole(self, work: Coroutine[Any, Any, str]) -> str:
        """Done to its end even if whoever asked has gone away: never half a reload."""
        return await asyncio.shield(self._started(work))

    def _started(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, HotlineError):  # Those were said by `_failed`, or to whoever asked.
            log.error("bug: flows not changed; those of before stay live", exc_info=error)

    async def _reload(self, by: str, asked: bool) -> str:
        async with self._turn:
            try:
                live, prompts = await self._settled(asked)
                if prompts.rows != self.prompts.rows:
                    self.prompts = prompts
                    self.on_prompts(prompts)
                said = await self._activate(live, by, "reload")
                self.written = self._found
            except HotlineError as error:
                self._failed(error, by)
                raise
            self.problems = ()
            return said

    def _failed(self, error: HotlineError, by: str) -> None:
        lines = tuple(str(error).splitlines())
        if lines != self.problems or by != "watch":
            log.error("flows not reloaded: those of before stay live", by=by, problems=list(lines))
        self.problems = lines
        if isinstance(error, StoreError):
            self.seen = None  # Not the files' fault: tried again.

    async def _settled(self, asked: bool) -> tuple[Live, Prompts]:
        """What the files say. Bad ones are read until two readings agree: perhaps they are being written."""
        for _ in range(READINGS_MAX):
            self.seen = await asyncio.to_thread(stamp, self.site)
            try:
                return await asyncio.to_thread(self._read, asked)
            except ConfigError:
                await asyncio.sleep(AGAIN_S)
                if await asyncio.to_thread(stamp, self.site) == self.seen:
                    raise
        return await asyncio.to_thread(self._read, asked)

    def _read(self, asked: bool) -> tuple[Live, Prompts]:
        """On a thread: all files, checked; then the held flows laid over them."""
        gc.disable()  # A check makes objects by the hundred thousand; looking through them all would hold up the loop.
        try:
            return self._read_all(asked)
        finally:
            gc.enable()

    def _read_all(self, asked: bool) -> tuple[Live, Prompts]:
        site = self._with_hours()
        prompts, files = Prompts.load(site.sounds), read_texts(site.flows)
        live, old = checked(site, prompts, files), self.live
        held = {
            n: a for n, a in old.held.items() if not asked and a == file_version(files, n) and n in dict(old.versions)
        }
        mixed = with_held(site, prompts, live, replace(old, held=held))
        return with_audio(mixed, prompts, self.kept, {name: old.audio[name] for name in held}), prompts

    def _with_hours(self) -> Site:
        """The site with the hours that are live, or those of config.yaml if they have changed there."""
        found = hours_in(self.site)
        changed = self.written is not None and found != self.written
        self._found = found
        return with_hours(self.site, found if changed else self.live.hours)

    async def _rollback(self, name: str, wanted: str, by: str) -> str:
        async with self._turn:
            live = await asyncio.to_thread(self._earlier, name, wanted)
            said = await self._activate(live, by, "rollback")
            return f"{said}\nheld until {name}.yaml changes" if name in live.held else said

    def _earlier(self, name: str, wanted: str) -> Live:
        """On a thread: what is live, but for one flow, which is and sounds as it was."""
        found = chosen(store.versions(self.site.store, name), name, wanted)
        text = store.text_of(self.site.store, name, found.version)
        texts = {**self.live.texts, path_of(self.site, name): (text or "").encode()}
        audio = {**self.live.audio, name: found.prompts}
        site = with_hours(self.site, self.live.hours)
        there = {**self.live.audio, name: self.kept.adopt(found.prompts)}
        try:
            live = checked(site, self.prompts, dict(sorted(texts.items())), there)
        except BadFile as bad:
            raise ConfigError(f"version {found.version} of {name} does not fit what is live now:\n{bad}") from None
        against = file_version(read_texts(self.site.flows), name)
        held = {n: a for n, a in self.live.held.items() if n != name}
        held = held if against == found.version else {**held, name: against}
        return with_audio(replace(live, held=held), self.prompts, self.kept, audio)

    async def _activate(self, live: Live, by: str, how: FlowsHow) -> str:
        said = changes(self.live, live)
        if live.hours != self.live.hours:
            await self._ask(HoursLoaded(hours_text(live.hours), by), ())
            self.live = replace(self.live, hours=live.hours)
        if not live.same_as(self.live):
            await self._save(live)
            held = tuple(sorted(live.held.items()))
            await self._ask(FlowsLoaded(live.versions, by, how, held), live.flows.values())
            self.live = live
        if said != NOTHING:
            log.info("flows live", by=by, how=how, changes=said.splitlines())
        return said

    async def _ask(self, event: FlowsLoaded | HoursLoaded, flows: Iterable[LoadedFlow]) -> None:
        reply = await self.ask(event, flows)
        if not reply.ok:
            raise HotlineError(f"the board refused what was read: {reply.message}")

    async def _save(self, live: Live) -> None:
        """The audio is remembered first: a call may take it as soon as the board has the flows."""
        for name, flow in live.flows.items():
            self.sets.pop(flow.audio, None)
            self.sets[flow.audio] = live.heard_in(name)
        while len(self.sets) > SETS_MAX + len(live.flows):
            del self.sets[next(iter(self.sets))]
        at = self.now()
        await asyncio.wrap_future(self.journal.run(lambda conn: store.save_versions(conn, kept_texts(live), at)))

    # -- audio --

    def audio_of(self, prompt: str, language: str, audio: str) -> Path | None:
        """The file kept for a prompt in a set of audio; None: none is, sounds/ has to do."""
        sha256 = self.sets.get(audio, {}).get(prompt, {}).get(language)
        return self.kept.path(sha256) if sha256 is not None else None

    def audio_named(self) -> set[str]:
        """Every file the store, or a call that goes on, may name. Reads the store: a thread's work."""
        sets = [row.prompts for row in store.versions(self.site.store)] + list(self.sets.values())
        return {sha256 for audio in sets for languages in audio.values() for sha256 in languages.values()}

    def remove_old_audio(self) -> int:
        """Remove the kept files that nobody names; how many. On a thread."""
        return self.kept.remove_but(self.audio_named, time.time())

    # -- what others ask --

    def health(self) -> tuple[bool, str]:
        """Whether the files are what is live (or held back on purpose), in words."""
        if self.problems:
            count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
            return False, f"{count} in the files, the flows of before stay live; {self.problems[0][:SHOWN_MAX]}"
        return True, ", ".join(f"{n} {v}{' (held)' if n in self.live.held else ''}" for n, v in self.live.versions)

    def listed(self) -> list[dict[str, Any]]:
        """The live flows, for the API."""
        flows, held = self.live.flows, self.live.held
        return [
            {"name": name, "version": version, "nodes": len(flows[name].flow.nodes), "held": name in held}
            for name, version in self.live.versions
            if name in flows
        ]

    def _is_ours(self, change: Change, path: str) -> bool:
        file = Path(path)
        is_flow = file.suffix == ".yaml" and not file.name.startswith(".") and file.parent.name == self.site.flows.name
        return is_flow or file.name in (MANIFEST, self.site.config.name)
