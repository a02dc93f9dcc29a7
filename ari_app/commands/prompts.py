"""`hotline prompts …`: what callers and agents hear."""

from pathlib import Path
from typing import Annotated

import typer

from ari_app.commands import common
from ari_app.media import build as builder
from ari_app.media.prompts import Prompts

app = typer.Typer(no_args_is_help=True, help="Prompts: list, check, build.")


@app.command("list")
def list_prompts() -> None:
    """Every prompt with language, seconds and text."""
    for row in Prompts.load(common.site().sounds).rows.values():
        common.console.print(f"{row.id:<24} {row.language:<6} {row.seconds:5.1f}s  {row.text}", markup=False)


@app.command()
def check() -> None:
    """Check audio against the catalogue: level, peak, length, pace, hashes. Exit 1 on problems."""
    problems = builder.check(common.site().sounds)
    for problem in problems:
        common.console.print(problem, markup=False)
    if problems:
        raise typer.Exit(1)
    common.console.print("prompts ok")


@app.command()
def build(voices: Annotated[Path, typer.Option(help="Folder of the voices (kokoro-js: voices/).")]) -> None:
    """Render what has changed in sounds/catalogue.yaml. Needs: pip install -e '.[prompts]'."""
    done = builder.build(common.site().sounds, voices, common.progress())
    common.console.print(f"{done} files rendered")
