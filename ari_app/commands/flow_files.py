"""`hotline flow check | schema | show`: what can be told and drawn from flow files alone."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ari_app.agi.scripts import Scripts
from ari_app.commands import common
from ari_app.config.diagnostics import PROBLEMS_MAX, Problem
from ari_app.config.editor import schema_text
from ari_app.config.flows import Checked, Texts, content_of, look_over, read_texts
from ari_app.lookups import SCRIPTS_ENV
from ari_app.media.prompts import Prompts
from ari_app.reload import LANGUAGES
from ari_app.site import Site

Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILE…]", help="Flow files or folders; default: all.")]


def check(files: Files = None) -> None:
    """Check flow files: all problems at once, exit 1 if one of them is an error.

    Files given are checked as if they stood among the site's flows; only what is wrong in them is told.
    """
    site = common.site()
    mine = _texts(files or [site.flows])
    names = {path.stem for path in mine}
    others = {path: text for path, text in read_texts(site.flows).items() if path.stem not in names}
    checked = looked_over(site, {**mine, **others})
    errors, warnings = (_of(mine, found) for found in (checked.errors, checked.warnings))
    for problem in sorted([*errors, *warnings])[:PROBLEMS_MAX]:
        common.console.print(str(problem), markup=False)
    if errors:
        common.console.print(f"{_many(len(errors), 'error')}, {_many(len(warnings), 'warning')}")
        raise typer.Exit(1)
    nodes = sum(len(checked.flows[path.stem].flow.nodes) for path in mine)
    told = f", {_many(len(warnings), 'warning')}" if warnings else ""
    common.console.print(f"{_many(len(mine), 'flow')}, {_many(nodes, 'node')}: ok{told}")


def looked_over(site: Site, texts: Texts) -> Checked:
    """These texts, checked with the prompts, scripts and settings of the site."""
    prompts = Prompts.load(site.sounds)
    scripts = Scripts(Path(os.environ.get(SCRIPTS_ENV) or site.home / "agi_scripts")).names()
    return look_over(texts, site.settings, lambda ids: prompts.missing(ids, LANGUAGES), scripts)


def _texts(files: Iterable[Path]) -> Texts:
    found: dict[Path, bytes | None] = {}
    for file in files:
        found |= read_texts(file) if file.is_dir() else {file: content_of(file)}
    return found


def _of(texts: Texts, problems: Iterable[Problem]) -> list[Problem]:
    files = {str(path) for path in texts}
    return [problem for problem in problems if problem.file in files]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def schema(
    write: Annotated[Path | None, typer.Option("--write", help="Write it here, e.g. ivr_flows/schema.json.")] = None,
) -> None:
    """Print the JSON Schema of flow files, for editors; a file's first line names it (docs/admin.md)."""
    if write is None:
        print(schema_text(), end="")
        return
    write.write_text(schema_text(), encoding="utf-8")
    common.console.print(f"written: {write}", markup=False)
