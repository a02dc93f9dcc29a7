"""`hotline flow check | schema | show`: what can be told and drawn from flow files alone."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.config.diagnostics import PROBLEMS_MAX, BadFile, Problem
from ari_app.config.editor import flow_schema, schema_text
from ari_app.config.flows import Checked, Texts, content_of, flow_texts, look_over, read_texts
from ari_app.config.schema import read_yaml
from ari_app.errors import ConfigError
from ari_app.flow import picture
from ari_app.flow.chart import Traffic, chart
from ari_app.flow.chart import mermaid as as_mermaid
from ari_app.flow.model import GOODBYE, Flow
from ari_app.live import LANGUAGES
from ari_app.lookups import scripts_of
from ari_app.media.prompts import Prompts
from ari_app.site import Site
from ari_app.store.traffic import traffic as read_traffic

Files = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE…]", help="Files, folders or names of flows; default: all.")
]


def check(files: Files = None) -> None:
    """Check flow files: all problems at once, exit 1 if one of them is an error.

    Files given are checked as if they stood among the site's flows; only what is wrong in them is told.
    """
    site = common.site()
    mine = _texts([flow_file(site, each) for each in files or [site.flows]])
    names = {path.stem for path in mine}
    others = {path: text for path, text in read_texts(site.flows).items() if path.stem not in names}
    checked = looked_over(site, {**mine, **others})
    errors, warnings = (_of(mine, found) for found in (checked.errors, checked.warnings))
    for problem in sorted([*errors, *warnings])[:PROBLEMS_MAX]:
        common.show(str(problem))
    if errors:
        common.show(f"{_many(len(errors), 'error')}, {_many(len(warnings), 'warning')}")
        raise typer.Exit(1)
    flows = flow_texts(mine)
    counts = [_many(len(flows), "flow"), _many(sum(len(checked.flows[f.stem].flow.nodes) for f in flows), "node")]
    if len(flows) < len(mine):
        counts.append(_many(len(checked.situations.named), "situation"))
    told = f", {_many(len(warnings), 'warning')}" if warnings else ""
    common.show(f"{', '.join(counts)}: ok{told}")


def looked_over(site: Site, texts: Texts) -> Checked:
    """These texts, checked with the prompts, scripts and settings of the site."""
    prompts = Prompts.load(site.sounds)
    scripts = scripts_of(site).names()
    return look_over(texts, site.settings, lambda ids: prompts.missing(ids, LANGUAGES), scripts, prompts.names)


def show(
    file: Annotated[Path, typer.Argument(help="The flow file, or a flow's name.")],
    svg: Annotated[Path | None, typer.Option("--svg", help="Write a picture here instead.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print Mermaid text: the default.")] = False,
    traffic: Annotated[str, typer.Option("--traffic", metavar="DAY", help="Callers of that day (YYYY-MM-DD).")] = "",
) -> None:
    """Draw a flow: keys on the arrows, what is said in the boxes."""
    site = common.site()
    file = flow_file(site, file)
    loaded = read_yaml(file, Flow, "F", content=content_of(file))
    if loaded.value is None or loaded.problems:
        raise BadFile(loaded.problems)
    flow, counted = loaded.value, _traffic(site, file.stem, loaded.value, traffic) if traffic else None
    rows, language = Prompts.load(site.sounds).rows, site.settings.language
    words = {one: row.text for (one, spoken), row in rows.items() if spoken == language}
    title = f"{file.stem}: {flow.description}" if flow.description else file.stem
    if counted is not None:
        title = f"{file.stem}, {traffic}: {_many(counted.calls, 'call')}"
    drawn = chart(title, flow, lambda prompt: words.get(prompt, ""), counted)
    if svg is not None:
        svg.write_text(picture.svg(drawn), encoding="utf-8")
        common.console.print(f"written: {svg}", markup=False)
    if mermaid or svg is None:
        print(as_mermaid(drawn), end="")


def _traffic(site: Site, name: str, flow: Flow, day: str) -> Traffic:
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise typer.BadParameter(f"{day!r} is not a day such as 2026-03-02", param_hint="--traffic") from None
    return read_traffic(site.store, name, (*flow.nodes, GOODBYE), wanted, ZoneInfo(site.settings.timezone))


def _texts(files: Iterable[Path]) -> Texts:
    found: dict[Path, bytes | None] = {}
    for file in files:
        texts = read_texts(file) if file.is_dir() else {file: content_of(file)}
        if not texts:
            raise ConfigError(f"{file}: no flow file (*.yaml) in this folder")
        found |= texts
    return found


def flow_file(site: Site, given: Path) -> Path:
    """The file that is meant: a path, or the name of one of the site's flows."""
    named = site.flows / f"{given}.yaml"
    return named if not given.exists() and len(given.parts) == 1 and named.is_file() else given


def _of(texts: Texts, problems: Iterable[Problem]) -> list[Problem]:
    files = {str(path) for path in texts}
    return [problem for problem in problems if problem.file in files]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def schema(
    write: Annotated[Path | None, typer.Option("--write", help="Write it here, e.g. ivr_flows/schema.json.")] = None,
) -> None:
    """Print the JSON Schema of flow files, for editors; a file's first line names it (docs/admin.md)."""
    put_schema(schema_text(flow_schema()), write)


def put_schema(text: str, write: Path | None) -> None:
    """Print it, or write it to a file."""
    if write is None:
        print(text, end="")
        return
    write.write_text(text, encoding="utf-8")
    common.console.print(f"written: {write}", markup=False)
