"""What new calls take: flows that fit together, opening hours, the audio of each flow. Read from files and the store.

Everything here may be slow (reading, checking, hashing): it is done on threads, or before the daemon begins.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from ari_app.config.diagnostics import BadFile, Problem, Shared, nearest, shown
from ari_app.config.flows import Texts, check_texts, flow_texts, look_over, read_texts, version
from ari_app.config.load import load_settings
from ari_app.errors import ConfigError
from ari_app.flow.model import LoadedFlow, spoken
from ari_app.flow.situations import NO_SITUATIONS, SITUATIONS, Situations, prompts_said
from ari_app.flow.speech import spoken_prompts
from ari_app.lookups import scripts_of
from ari_app.media.kept import Audio, KeptAudio, key_of
from ari_app.media.prompts import MANIFEST, Prompts
from ari_app.model.routing import Hours
from ari_app.site import Site
from ari_app.store import flows as store

log = structlog.get_logger(__name__)

LANGUAGES: Final = ("zh-CN", "en")
NOTHING: Final = "nothing has changed"

Versions = tuple[tuple[str, str], ...]
"""Names and versions of flows that were live together, situations.yaml among them."""
Stamp = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True)
class Live:
    """Flows that fit together, and what they need. `held`: name → version of its file when it was rolled back."""

    flows: Mapping[str, LoadedFlow]
    texts: Texts
    hours: Mapping[str, Hours]
    held: Mapping[str, str] = field(default_factory=dict)
    audio: Mapping[str, Audio] = field(default_factory=dict)  # By flow, and of situations.yaml.
    situations: Situations = NO_SITUATIONS

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """Of every flow, and of situations.yaml, where there is one."""
        scripts = {SITUATIONS: self.situations.version} if self.situations.version else {}
        return tuple(sorted({**{name: flow.version for name, flow in self.flows.items()}, **scripts}.items()))

    def heard_in(self, name: str) -> Audio:
        """The audio callers of a flow may hear: its own, and that of the situations."""
        return {**self.audio.get(SITUATIONS, {}), **self.audio.get(name, {})}

    def same_as(self, other: "Live") -> bool:
        """Whether callers would hear the same, and the same is held."""
        key = {name: flow.audio for name, flow in self.flows.items()}
        return (
            self.versions == other.versions
            and self.held == other.held
            and key == {name: flow.audio for name, flow in other.flows.items()}
        )


def flows_of(site: Site) -> Mapping[str, LoadedFlow]:
    """The site's flows as its files are, checked: every problem of every file at once (ConfigError)."""
    return checked(site, Prompts.load(site.sounds), read_texts(site.flows)).flows


def checked(site: Site, prompts: Prompts, texts: Texts, kept: Mapping[str, Audio] | None = None) -> Live:
    """These texts as flows; BadFile with all problems, also of numbers whose flow is not among them.

    `kept`: audio kept with some flows, which need not stand in sounds/ any more.
    """
    own = {(prompt, language) for audio in (kept or {}).values() for prompt, said in audio.items() for language in said}
    problems = list(_numbers_without_flow(site, texts))
    try:
        scripts = scripts_of(site).names()

        def missing(ids: Iterable[str]) -> list[tuple[str, str]]:
            return [each for each in prompts.missing(ids, LANGUAGES) if each not in own]

        found = check_texts(texts, site.settings, missing, scripts, prompts.names)
    except BadFile as bad:
        raise BadFile((*problems, *bad.problems)) from None
    if problems:
        raise BadFile(problems)
    return Live(found.flows, texts, site.settings.hours, situations=found.situations)


def _numbers_without_flow(site: Site, texts: Texts) -> Iterable[Problem]:
    names = [path.stem for path in flow_texts(texts)]
    for number, plan in site.settings.numbers.items():
        if plan.flow not in names:
            message = f"numbers.{number}.flow: no file {plan.flow}.yaml in {site.flows}"
            yield Problem(str(site.config), 0, 0, "C" + Shared.NO_SUCH_NAME, message, nearest(plan.flow, names))


def opening(site: Site, prompts: Prompts, kept: KeptAudio) -> tuple[Live, tuple[str, ...]]:
    """What a daemon begins with, and what is wrong with the files.

    The files; a flow that was rolled back and whose file has not changed since, as the store has it; and if the files
    are bad, everything as it was live last. ConfigError when there is nothing that could be live.
    """
    rows = {row.name: row for row in store.active(site.store) if row.text is not None}
    files = read_texts(site.flows)
    held = {name: row.held_against for name, row in rows.items() if row.held_against is not None}
    texts = {path_of(site, name): (row.text or "").encode() for name, row in rows.items()}
    audio = {name: row.prompts for name, row in rows.items()}
    try:
        live = checked(site, prompts, files)
    except BadFile as bad:
        try:
            there = {name: kept.adopt(each) for name, each in audio.items()}
            live = replace(checked(site, prompts, texts, there), held=held)
        except BadFile:
            raise bad from None
        return with_audio(live, prompts, kept, audio), tuple(str(bad).splitlines())
    held = {name: against for name, against in held.items() if against == file_version(files, name)}
    try:
        there = {name: kept.adopt(audio[name]) for name in held}
        mixed = with_held(site, prompts, live, replace(live, texts=texts, held=held, audio=there))
    except BadFile as bad:
        log.error("flows rolled back no longer fit config.yaml; the files are taken", problems=str(bad).splitlines())
        mixed = live
    return with_audio(mixed, prompts, kept, {name: audio[name] for name in mixed.held}), ()


def as_it_was(site: Site, kept: KeptAudio, versions: Versions) -> Live | None:
    """Flows as they once were live together, for calls that began with them; None when the store lacks one."""
    texts, audio = dict[Path, bytes | None](), dict[str, Audio]()
    for name, wanted in versions:
        text, found = store.text_of(site.store, name, wanted), store.versions(site.store, name)
        if text is None:
            return None
        texts[path_of(site, name)] = text.encode()
        audio[name] = next((kept.adopt(row.prompts) for row in found if row.version == wanted), {})
    found_flows = look_over(texts, site.settings, lambda _: [])  # Live once: what is wrong today is no matter.
    live = Live(found_flows.flows, texts, site.settings.hours, audio=audio, situations=found_flows.situations)
    return keyed(live, kept)


def with_held(site: Site, prompts: Prompts, live: Live, old: Live) -> Live:
    """`live` with the held flows of `old`."""
    if not old.held:
        return live
    mixed = {**live.texts, **{path: old.texts[path] for path in (path_of(site, name) for name in old.held)}}
    audio = {name: old.audio.get(name, {}) for name in old.held}
    return replace(checked(site, prompts, dict(sorted(mixed.items())), audio), held=old.held)


def with_audio(live: Live, prompts: Prompts, kept: KeptAudio, own: Mapping[str, Audio]) -> Live:
    """`live` with the audio each flow says: `own`, else what stands in sounds/ now, kept from now on."""
    said = {name: said_by(flow) for name, flow in live.flows.items()}
    if live.situations.version:
        said[SITUATIONS] = sorted(prompts_said(live.situations))
    sets = dict[str, Audio]()
    for name, ids in said.items():
        try:
            sets[name] = own[name] if name in own else kept.keep(prompts, ids, LANGUAGES)
        except OSError as error:  # A full disk: calls hear sounds/ as it is.
            log.warning("the audio of a flow cannot be kept", flow=name, why=str(error))
            sets[name] = {}
    return keyed(replace(live, audio=sets), kept)


def keyed(live: Live, kept: KeptAudio) -> Live:
    """Each flow named the key of the audio its callers may hear."""
    keys = {name: key_of(live.heard_in(name)) if kept.folder is not None else "" for name in live.flows}
    flows = {name: flow.model_copy(update={"audio": keys[name]}) for name, flow in live.flows.items()}
    return replace(live, flows=flows)


def said_by(flow: LoadedFlow) -> list[str]:
    """Every prompt the nodes of a flow may say."""
    said = {each for node in flow.flow.nodes.values() for each in spoken(node)}
    prompts = {each for each in said if ":" not in each}
    return sorted(prompts if len(prompts) == len(said) else prompts | set(spoken_prompts()))


def hours_in(site: Site) -> Mapping[str, Hours]:
    """The opening hours config.yaml has now; ConfigError with all problems of config.yaml."""
    return load_settings(site.config).hours


def with_hours(site: Site, hours: Mapping[str, Hours]) -> Site:
    return replace(site, settings=site.settings.model_copy(update={"hours": hours}))


def path_of(site: Site, name: str) -> Path:
    return site.flows / f"{name}.yaml"


def file_version(texts: Texts, name: str) -> str:
    """The version a flow's file has; empty when there is none."""
    return next((version(content or b"") for path, content in texts.items() if path.stem == name), "")


def stamp(site: Site) -> Stamp:
    """Changes whenever one of the files does: names, times of writing, sizes, inodes."""
    found = set[tuple[str, int, int, int]]()
    for path in (*site.flows.glob("*.yaml"), site.sounds / MANIFEST, site.config):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.add((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)


def kept_texts(live: Live) -> list[store.FlowText]:
    """The versions that are live, as the store keeps them."""
    texts = {path.stem: (content or b"").decode("utf-8") for path, content in live.texts.items()}
    return [
        store.FlowText(name, version, texts.get(name, ""), live.audio.get(name, {})) for name, version in live.versions
    ]


def chosen(kept: list[store.KeptVersion], name: str, wanted: str) -> store.KeptVersion:
    """The version meant by the beginning of its name; empty: the one live before the present one. ConfigError."""
    if not kept:
        raise ConfigError(f"no version of a flow {shown(name)} is kept; `hotline flow versions` names all")
    if not wanted:
        earlier = [row for row in kept if row.became_live and not row.is_live]
        if not earlier:
            raise ConfigError(f"no version of {name} was live before {kept[0].version}")
        return earlier[0]
    found = [row for row in kept if row.version.startswith(wanted)]
    if len(found) != 1:
        many = "more than one version" if found else "no version"
        raise ConfigError(f"{many} of {name} begins with {shown(wanted)}; `hotline flow versions {name}` lists them")
    return found[0]


def changes(old: Live, new: Live) -> str:
    """What a swap changes, a line each."""
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
        elif old.audio.get(name) != new.audio.get(name):
            lines.append(f"{name}: {now}, new audio")
    for name in sorted({*old.hours, *new.hours}):
        if old.hours.get(name) != new.hours.get(name):
            lines.append(f"hours {name}: {'removed' if name not in new.hours else 'changed, for every call'}")
    return "\n".join(lines) or NOTHING
