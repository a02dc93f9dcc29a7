"""ivr_flows/*.yaml as checked flows, or one error that lists everything that is wrong in all of them.

`situations.yaml` among them is no flow: it holds the scripts that flows may run, checked and versioned with them.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from ari_app.config.diagnostics import BadFile, Problem, dotted, nearest
from ari_app.config.marks import BYTES_MAX, Marks
from ari_app.config.schema import Loaded, read_yaml
from ari_app.config.unquoted import with_unquoted
from ari_app.flow.finding import Draft, Finding, Missing, World
from ari_app.flow.lint import lint
from ari_app.flow.lint_situations import check_situations
from ari_app.flow.model import Flow, LoadedFlow
from ari_app.flow.situations import NO_SITUATIONS, SITUATIONS, SituationFile, Situations
from ari_app.model.settings import Settings

_NEAREST_MAX: Final = 30  # Names proposed a file; each is compared with all there are.
PARSED_MAX: Final = 32  # Files remembered as parsed, by what stands in them.

Texts = Mapping[Path, bytes | None]
"""Flow files as read, by path; None: could not be read, the check says why."""


@dataclass(frozen=True)
class Checked:
    """`flows` may be used only when there are no `errors`; both lists are in the order of the files."""

    flows: Mapping[str, LoadedFlow]
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    situations: Situations = NO_SITUATIONS


@dataclass
class _Scripts:
    """situations.yaml as far as it can be read; empty when there is none."""

    situations: Situations = NO_SITUATIONS
    marks: Marks = field(default_factory=lambda: Marks(""))
    problems: tuple[Problem, ...] = ()

    @property
    def names(self) -> list[str]:
        return self.marks.names(("situations",))


def load_flows(folder: Path, settings: Settings, missing: Missing) -> Mapping[str, LoadedFlow]:
    """Every flow of the folder by name; raises BadFile with all problems of all files at once."""
    return check_texts(read_texts(folder), settings, missing).flows


def read_texts(folder: Path) -> Texts:
    """What the flow files of the folder hold now, each read once: what is checked is what is kept."""
    paths = sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))  # Editors' own: .#main.yaml
    return {path: content_of(path) for path in paths}


def content_of(path: Path) -> bytes | None:
    """The bytes of a flow file; None when it cannot be read or is too large."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= BYTES_MAX else None
    except (OSError, ValueError):
        return None


def check_texts(
    texts: Texts,
    settings: Settings,
    missing: Missing,
    scripts: Collection[str] | None = None,
    prompts: Collection[str] = (),
) -> Checked:
    """Texts that are at hand, without errors (else BadFile); the paths name the flows and stand in the messages."""
    checked = look_over(texts, settings, missing, scripts, prompts)
    if checked.errors:
        raise BadFile(checked.errors)
    return checked


def look_over(
    texts: Texts,
    settings: Settings,
    missing: Missing,
    scripts: Collection[str] | None = None,
    prompts: Collection[str] = (),
) -> Checked:
    """Everything that can be said of these texts. `scripts`: names of agi_scripts/; None: they are not looked at.

    `prompts`: those of the catalogue, one of which is proposed where a prompt is not there.
    """
    scripts_read = _situations(texts)
    flows: dict[str, LoadedFlow] = {}
    drafts: dict[str, Draft] = {}
    marked: dict[str, Marks] = {}
    problems: list[Problem] = [*scripts_read.problems]
    for path, content in flow_texts(texts).items():
        loaded = _parsed(path, content) if content is not None else read_yaml(path, Flow, "F", content=content)
        found = with_unquoted(loaded.marks, list(loaded.problems))
        problems += found
        if loaded.value is not None:
            name, flow = path.stem, loaded.value
            marked[name] = loaded.marks
            drafts[name] = Draft(flow, dict.fromkeys(loaded.marks.names(("nodes",))), is_whole=not found)
            flows[name] = LoadedFlow(
                name=name, version=version(content or b""), flow=flow, situations=scripts_read.situations
            )
    names = [path.stem for path in flow_texts(texts)]
    situations = scripts_read.situations
    years = _years(settings)
    world = World(settings, missing, names, scripts, years, situations, prompts, scripts_read.names)
    for name, findings in lint(drafts, world).items():
        problems += _problems(findings, marked[name])
    told = check_situations(situations.named, drafts, world, is_whole=not scripts_read.problems)
    problems += _problems(told, scripts_read.marks)
    problems = sorted(set(problems))
    errors = tuple(problem for problem in problems if not problem.is_warning)
    return Checked(flows, errors, tuple(problem for problem in problems if problem.is_warning), situations)


def flow_texts(texts: Texts) -> Texts:
    """Those of flows: all but situations.yaml."""
    return {path: content for path, content in texts.items() if path.stem != SITUATIONS}


def _situations(texts: Texts) -> _Scripts:
    for path, content in texts.items():
        if path.stem == SITUATIONS:
            loaded = read_yaml(path, SituationFile, "S", content=content)
            named = loaded.value.situations if loaded.value is not None else {}
            situations = Situations(version=version(content or b""), named=named)
            return _Scripts(situations, loaded.marks, loaded.problems)
    return _Scripts()


@lru_cache(maxsize=PARSED_MAX)
def _parsed(path: Path, content: bytes) -> Loaded[Flow]:
    """A reload reads every file, and mostly one of them has changed. Nothing changes what is handed out."""
    return read_yaml(path, Flow, "F", content=content)


def version(content: bytes) -> str:
    """What tells one text of a flow file from another: 12 hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]


def _years(settings: Settings) -> tuple[int, ...]:
    """This year, in December the next one too: whose make-up workdays are announced by now."""
    today: date = datetime.now(UTC).astimezone(ZoneInfo(settings.timezone)).date()
    return (today.year, today.year + 1) if today.month == 12 else (today.year,)


def _problems(findings: Iterable[Finding], marks: Marks) -> Iterator[Problem]:
    """Findings at their lines and columns, names proposed for those that were not found."""
    proposals = _NEAREST_MAX
    for finding in findings:
        hint = finding.hint
        if finding.wanted and proposals > 0:
            proposals -= 1
            hint = nearest(finding.wanted, finding.known) or hint
        path, is_key = finding.path, finding.at_key
        while path not in marks.values and len(path) > 1:  # A default that goes without saying is shown at its node.
            path, is_key = path[:-1], True
        at = marks.key_at(path) if is_key else marks.at(path)
        message = f"{dotted(path)}: {finding.message}"
        yield Problem(marks.file, *at, finding.code, message, hint, finding.is_warning)
