"""`hotline prompts …`: what callers and agents hear."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ari_app.commands import common
from ari_app.config.diagnostics import BadFile, Shared
from ari_app.config.marks import read_marked
from ari_app.media import build as builder
from ari_app.media.catalogue import CATALOGUE, LANGUAGES, Wanted, mistakes, number_of, wanted
from ari_app.media.prompts import Prompts

app = typer.Typer(no_args_is_help=True, help="Prompts: list, check, build.")


@app.command("list")
def list_prompts(
    language: Annotated[str | None, typer.Option(help=f"Only this language: {', '.join(LANGUAGES)}.")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only those of the catalogue without a sound.")] = False,
) -> None:
    """Every prompt with its number for recording by telephone, language, seconds and text."""
    if language not in (None, *LANGUAGES):
        raise typer.BadParameter(f"{language!r}; there are {', '.join(LANGUAGES)}", param_hint="--language")
    folder = common.site().sounds
    rows = Prompts.load(folder).rows
    if missing:
        absent = (want for want in read_catalogue(folder) if (want.id, want.language) not in rows)
        _print((want.id, want.language, "-", want.text) for want in absent if language in (None, want.language))
        return
    shown = (row for row in rows.values() if language in (None, row.language))
    _print((row.id, row.language, f"{row.seconds:.1f}s", row.text) for row in shown)


@app.command()
def check() -> None:
    """Check audio against the catalogue: level, peak, length, pace, hashes. Exit 1 on problems."""
    folder = common.site().sounds
    problems = builder.check(folder, read_catalogue(folder))
    for problem in problems:
        common.show(problem)
    if problems:
        raise typer.Exit(1)
    common.show("prompts ok")


@app.command()
def build(
    voices: Annotated[
        Path | None, typer.Option(help="Folder of the voices (kokoro-js: voices/); needed where a voice is to speak.")
    ] = None,
) -> None:
    """Render what has changed in sounds/catalogue.yaml. Needs the extra `prompts` (docs/prompts.md)."""
    folder = common.site().sounds
    done = builder.build(folder, read_catalogue(folder), voices, common.progress())
    common.console.print(f"{done} files rendered")


def read_catalogue(folder: Path) -> list[Wanted]:
    """Every prompt the catalogue in `folder` wants, in every language. Raises BadFile with all its problems."""
    marks, problems = read_marked(folder / CATALOGUE, "P")
    if not problems or marks.tree is not None:
        problems += [marks.problem(place, f"P{Shared.BAD_VALUE}", what) for place, what in mistakes(marks.tree)]
    if problems:
        raise BadFile(problems)
    return wanted(folder, marks.tree)


def _print(lines: Iterable[tuple[str, str, str, str]]) -> None:
    for prompt_id, language, seconds, text in lines:
        common.console.print(
            f"{number_of(prompt_id)}  {prompt_id:<24} {language:<6} {seconds:>6}  {text}", markup=False
        )
