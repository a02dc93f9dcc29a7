"""The flows of a running daemon: watched, checked as a whole, swapped at once, rolled back, taken up after a restart.

Everything slow (reading, checking, the store) is done on threads or by the journal's writer; the loop only swaps a
mapping. A reload that fails changes nothing: the flows of before stay live, and `problems` says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import structlog
from watchfiles import Change, awatch

from ari_app.config.diagnostics import BadFile, Problem, Shared, nearest, shown
from ari_app.config.flows import Texts, check_texts, flow_texts, read_texts, version
from ari_app.errors import ConfigError, HotlineError, StoreError
from ari_app.flow.model import LoadedFlow, prompts_of
from ari_app.flow.situations import NO_SITUATIONS, SITUATIONS, Situations, prompts_said
from ari_app.lookups import scripts_of
from ari_app.media.prompts import MANIFEST, Prompts
from ari_app.model.effects import Reply
from ari_app.model.events import FlowsLoaded
from ari_app.model.facts import FlowsHow
from ari_app.site import Site
from ari_app.store import flows as store
from ari_app.store.journal import Journal

log = structlog.get_logger(__name__)

LANGUAGES: Final = ("zh-CN", "en")
SETTLE_MS: Final = 150  # Files must be quiet so long before they are read: editors write in two steps.
AGAIN_S: Final = 0.3  # A file found bad is read again after so long, until two readings agree.
LOOK_EVERY_S: Final = 5.0  # Looked at also without a word from the kernel: a folder replaced, a network disk.
READINGS_MAX: Final = 10
SHOWN_MAX: Final = 300  # Characters of a problem on /healthz.

Stamp = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True)
class Live:
    """Flows that fit together, settings and prompts. `held`: name → version of its file when it was rolled back."""

    flows: Mapping[str, LoadedFlow]
    texts: Texts
    held: Mapping[str, str] = field(default_factory=dict)
    situations: Situations = NO_SITUATIONS

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """Of every flow, and of situations.yaml, where there is one."""
        scripts = {SITUATIONS: self.situations.version} if self.situations.version else {}
        return tuple(sorted({**{name: flow.version for name, flow in self.flows.items()}, **scripts}.items()))


def flows_of(site: Site) -> Mapping[str, LoadedFlow]:
    """The site's flows as its files are, checked: every problem of every file at once (ConfigError)."""
    return checked(site, Prompts.load(site.sounds), read_texts(site.flows)).flows


def checked(site: Site, prompts: Prompts, texts: Texts) -> Live:
    """These texts as flows; BadFile with all problems, also of numbers whose flow is not among them."""
    problems = list(_numbers_without_flow(site, texts))
    try:
        scripts = scripts_of(site).names()
        found = check_texts(texts, site.settings, lambda ids: prompts.missing(ids, LANGUAGES), scripts)
    except BadFile as bad:
        raise BadFile((*problems, *bad.problems)) from None
    if problems:
        raise BadFile(problems)
    return Live(found.flows, texts, situations=found.situations)


def _numbers_without_flow(site: Site, texts: Texts) -> Iterable[Problem]:
    names = [path.stem for path in flow_texts(texts)]
    for number, plan in site.settings.numbers.items():
        if plan.flow not in names:
            message = f"numbers.{number}.flow: no file {plan.flow}.yaml in {site.flows}"
            yield Problem(str(site.config), 0, 0, "C" + Shared.NO_SUCH_NAME, message, nearest(plan.flow, names))


def opening(site: Site, prompts: Prompts) -> tuple[Live, tuple[str, ...]]:
    """What a daemon begins with, and what is wrong with the files.

    The files; a flow that was rolled back and whose file has not changed since, as the store has it; and if the files
    are bad, everything as it was live last. ConfigError when there is nothing that could be live.
    """
    kept = {row.name: row for row in store.active(site.store) if row.text is not None}
    files = read_texts(site.flows)
    held = {name: row.held_against for name, row in kept.items() if row.held_against is not None}
    kept_texts = {_path(site, name): (row.text or "").encode() for name, row in kept.items()}
    try:
        live = checked(site, prompts, files)
    except BadFile as bad:
        try:
            live = replace(checked(site, prompts, kept_texts), held=held)
        except BadFile:
            raise bad from None
        return live, tuple(str(bad).splitlines())
    held = {name: against for name, against in held.items() if against == file_version(files, name)}
    try:
        return _with_held(site, prompts, live, held, kept_texts), ()
    except BadFile as bad:
        log.error("flows rolled back no longer fit config.yaml; the files are taken", problems=str(bad).splitlines())
        return live, ()


def _with_held(site: Site, prompts: Prompts, live: Live, held: Mapping[str, str], texts: Texts) -> Live:
    """`live` with the held flows as `texts` has them."""
    if not held:
        return live
    mixed = {**live.texts, **{path: texts[path] for path in (_path(site, name) for name in held)}}
    return replace(checked(site, prompts, dict(sorted(mixed.items()))), held=held)


def _path(site: Site, name: str) -> Path:
    return site.flows / f"{name}.yaml"


def file_version(texts: Texts, name: str) -> str:
    """The version a flow's file has; empty when there is none."""
    return next((version(content or b"") for path, content in texts.items() if path.stem == name), "")


def stamp(site: Site) -> Stamp:
    """Changes whenever one of the files does: names, times of writing, sizes, inodes."""
    found = set[tuple[str, int, int, int]]()
    for path in (*site.flows.glob("*.yaml"), site.sounds / MANIFEST):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.add((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)


def texts_to_keep(live: Live, prompts: Prompts) -> list[store.FlowText]:
    """The versions that are live, each with the prompts it may say, as they are now."""
    said = {name: {p for n in flow.flow.nodes.values() for p in prompts_of(n)} for name, flow in live.flows.items()}
    said[SITUATIONS] = prompts_said(live.situations)
    texts = {path.stem: content or b"" for path, content in live.texts.items()}
    return [_kept(name, version, texts[name], said[name], prompts) for name, version in live.versions]


def _kept(name: str, version: str, content: bytes, said: Iterable[str], prompts: Prompts) -> store.FlowText:
    rows = {prompt: {lang: prompts.rows.get((prompt, lang)) for lang in LANGUAGES} for prompt in sorted(said)}
    hashes = {prompt: {lang: row.sha256 for lang, row in found.items() if row} for prompt, found in rows.items()}
    return store.FlowText(name, version, content.decode("utf-8"), hashes)


@dataclass
class FlowKeeper:
    """`ask` offers flows to the board, posts the event and waits for its reply; `now` is the board's clock."""

    site: Site
    journal: Journal
    prompts: Prompts
    live: Live
    ask: Callable[[FlowsLoaded, Iterable[LoadedFlow]], Awaitable[Reply]]
    now: Callable[[], float]
    problems: tuple[str, ...] = ()  # Why the files are not what is live; empty: they are, or are held back.
    on_prompts: Callable[[Prompts], None] = lambda prompts: None
    seen: Stamp | None = None  # The files as last read; None: to be read again.
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def begin(self) -> FlowsLoaded:
        """Keep what the daemon begins with; the event to post before its first call."""
        if self.problems:
            log.error("bad flow files: going on with the flows live before", problems=list(self.problems))
        await self._save(self.live)
        return FlowsLoaded(self.live.versions, "start", "start", tuple(sorted(self.live.held.items())))

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
        folders = (self.site.flows, self.site.sounds)
        every_ms = int(LOOK_EVERY_S * 1000)
        while True:
            try:
                async for _ in awatch(
                    *folders,
                    watch_filter=_is_ours,
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
        if not task.cancelled():
            task.exception()  # Said already, also when whoever asked has gone away.

    async def _reload(self, by: str, asked: bool) -> str:
        async with self._turn:
            try:
                live, prompts = await self._settled(asked)
                if prompts.rows != self.prompts.rows:
                    self.prompts = prompts
                    self.on_prompts(prompts)
                said = await self._activate(live, by, "reload")
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
        prompts, files = Prompts.load(self.site.sounds), read_texts(self.site.flows)
        live, old = checked(self.site, prompts, files), self.live
        known = dict(old.versions)
        held = {n: a for n, a in old.held.items() if not asked and a == file_version(files, n) and n in known}
        return _with_held(self.site, prompts, live, held, old.texts), prompts

    async def _rollback(self, name: str, wanted: str, by: str) -> str:
        async with self._turn:
            live = await asyncio.to_thread(self._earlier, name, wanted)
            said = await self._activate(live, by, "rollback")
            return f"{said}\nheld until {name}.yaml changes" if name in live.held else said

    def _earlier(self, name: str, wanted: str) -> Live:
        """On a thread: what is live, but for one flow, which is as it was."""
        found = chosen(store.versions(self.site.store, name), name, wanted)
        text = store.text_of(self.site.store, name, found)
        texts = {**self.live.texts, _path(self.site, name): (text or "").encode()}
        try:
            live = checked(self.site, self.prompts, dict(sorted(texts.items())))
        except BadFile as bad:
            raise ConfigError(f"version {found} of {name} does not fit what is live now:\n{bad}") from None
        against = file_version(read_texts(self.site.flows), name)
        held = {n: a for n, a in self.live.held.items() if n != name}
        return replace(live, held=held if against == found else {**held, name: against})

    async def _activate(self, live: Live, by: str, how: FlowsHow) -> str:
        said = changes(self.live, live)
        if live.versions == self.live.versions and live.held == self.live.held:
            return said
        await self._save(live)
        held = tuple(sorted(live.held.items()))
        reply = await self.ask(FlowsLoaded(live.versions, by, how, held), live.flows.values())
        if not reply.ok:
            raise HotlineError(f"the board refused the flows: {reply.message}")
        self.live = live
        log.info("flows live", by=by, how=how, changes=said.splitlines())
        return said

    async def _save(self, live: Live) -> None:
        at, kept = self.now(), texts_to_keep(live, self.prompts)
        await asyncio.wrap_future(self.journal.run(lambda conn: store.save_versions(conn, kept, at)))

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


def _is_ours(change: Change, path: str) -> bool:
    name = Path(path).name
    return name == MANIFEST or (name.endswith(".yaml") and not name.startswith("."))


def chosen(kept: list[store.KeptVersion], name: str, wanted: str) -> str:
    """The version meant by the beginning of its name; empty: the one live before the present one. ConfigError."""
    if not kept:
        raise ConfigError(f"no version of a flow {shown(name)} is kept; `hotline flow versions` names all")
    if not wanted:
        earlier = [row.version for row in kept if row.became_live and not row.is_live]
        if not earlier:
            raise ConfigError(f"no version of {name} was live before {kept[0].version}")
        return earlier[0]
    found = [row.version for row in kept if row.version.startswith(wanted)]
    if len(found) != 1:
        many = "more than one version" if found else "no version"
        raise ConfigError(f"{many} of {name} begins with {shown(wanted)}; `hotline flow versions {name}` lists them")
    return found[0]


def changes(old: Live, new: Live) -> str:
    """What a swap changes, a line a flow."""
    before, after = dict(old.versions), dict(new.versions)
    lines = []
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if now is None:
            lines.append(f"{name}: removed, was {was}")
        elif was is None:
            lines.append(f"{name}: new, {now}")
        elif was != now:
            lines.append(f"{name}: {was} → {now}")
        elif (name in old.held) != (name in new.held):
            lines.append(f"{name}: {now}, {'held' if name in new.held else 'no longer held'}")
    return "\n".join(lines) or "nothing has changed"
