"""`hotline person …`: personal data."""

import time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ari_app import screenlist
from ari_app.commands import common
from ari_app.errors import ConfigError, HotlineError
from ari_app.model.ids import Number
from ari_app.model.mask import mask
from ari_app.site import Site
from ari_app.store.erasure import Erasure, about, erase_person
from ari_app.store.person import kept_of
from ari_app.store.removal import What, remove

app = typer.Typer(no_args_is_help=True, help="Personal data.")


@app.callback()
def _group() -> None:
    """Personal data."""


Caller = Annotated[str, typer.Argument(help="The caller's number, as it was dialled from.")]


@app.command()
def show(number: Caller, as_json: common.AsJson = False) -> None:
    """All that is kept about a number: calls, recordings, messages, call-backs, screenings. Audited."""
    at = common.site()
    kept = kept_of(at.store, common.spelled(at, number), time.time(), common.who())
    if kept is None:
        raise ConfigError(f"{mask(number)} is not in the store")
    if as_json:
        return common.print_json(kept)
    zone = ZoneInfo(at.settings.timezone)
    for part, rows in kept.items():
        common.console.print(f"{part}: {len(rows)}")
        for row in rows:
            said = "  ".join(
                f"{name} {common.plain(name, value, zone)}" for name, value in row.items() if value is not None
            )
            common.console.print(f"  {said}", markup=False)


@app.command()
def erase(
    number: Caller,
    yes: common.Yes = False,
    files: Annotated[
        bool | None,
        typer.Option("--files/--keep-files", help="Recordings and messages go too, or stay. Neither: it asks."),
    ] = None,
) -> None:
    """Erase a number, notes on its messages, what was typed in its calls; every figure stays as it is. Audited."""
    at, by = common.site(), common.who()
    numbers = common.spelled(at, number)
    if not yes:
        typer.confirm(f"Erase {mask(number)} for good?", abort=True)
    if files is None:
        files = _asked(about(at.store, numbers)) if not yes else False
    common.console.print(_unscreen(at, Number(number), by), markup=False)  # First: the wish itself names the number.
    erased = erase_person(at.store, numbers, time.time(), by)
    if erased is None:
        raise ConfigError(f"{mask(number)} is not in the store")
    common.console.print(f"erased; calls: {erased.calls}")
    if not erased.scrubbed:
        common.console.print("Old copies go from the disk when the last open reader of the store ends.")
    _files(at, erased, files)


def _asked(found: Erasure) -> bool:
    """Before anything is erased: afterwards nothing leads from the number to them."""
    if not found.recordings and not found.messages:
        return False
    counts = f"recordings: {len(found.recordings)}, messages: {len(found.messages)}"
    return typer.confirm(f"They hold the person's voice: {counts}. Remove them too?")


def _files(at: Site, erased: Erasure, gone: bool) -> None:
    """What holds the person's voice: removed, or named."""
    kinds: tuple[tuple[What, Path, tuple[str, ...]], ...] = (
        ("recording", at.recordings, erased.recordings),
        ("message", at.messages, erased.messages),
    )
    for what, folder, names in kinds:
        if gone:
            remove(at.store, folder, what, names, (time.time(), "erased"))
            common.console.print(f"{what}s removed: {len(names)}")
        elif names:
            common.console.print(f"{what}s that stay until their days are over: {', '.join(names)}", markup=False)


def _unscreen(at: Site, number: Number, by: str) -> str:
    """The number leaves Asterisk's list of screened ones, by the daemon or without it; what was done, in words."""
    try:
        body = {"number": number, "by": by, "reason": "erased"}
        return "screening: " + str(common.api(at).post("/api/screening/erase", body)["message"])
    except HotlineError:
        install = common.asterisk(at)
        if install is not None and screenlist.forget(at, at.instance(install), number):
            return "screening: taken out of Asterisk's list"
    return "screening: neither daemon nor Asterisk runs; the next start of the daemon takes it out of Asterisk's list"
