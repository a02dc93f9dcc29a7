"""`hotline person …`: personal data."""

import getpass
import time
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ari_app import screenlist
from ari_app.commands import common
from ari_app.errors import ConfigError, HotlineError
from ari_app.model.ids import Number
from ari_app.model.mask import mask
from ari_app.model.screening import canonical, spellings
from ari_app.provision import install as provision
from ari_app.site import Site
from ari_app.store.erasure import Erasure, erase_person
from ari_app.store.person import kept_of
from ari_app.store.removal import remove

app = typer.Typer(no_args_is_help=True, help="Personal data.")


@app.callback()
def _group() -> None:
    """Personal data."""


Caller = Annotated[str, typer.Argument(help="The caller's number, as it was dialled from.")]


@app.command()
def show(number: Caller, as_json: common.AsJson = False) -> None:
    """All that is kept about a number: calls, recordings, messages, call-backs, screenings. Audited."""
    at = common.site()
    kept = kept_of(at.store, _spelled(at, number), time.time(), getpass.getuser())
    if kept is None:
        raise ConfigError(f"{mask(number)} is not in the store")
    if as_json:
        return common.print_json(kept)
    zone = ZoneInfo(at.settings.timezone)
    for part, rows in kept.items():
        common.console.print(f"{part}: {len(rows)}")
        for row in rows:
            said = "  ".join(f"{name} {_plain(name, value, zone)}" for name, value in row.items() if value is not None)
            common.console.print(f"  {said}", markup=False)


def _plain(name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, float) and (name.endswith("_at") or name == "until"):
        return datetime.fromtimestamp(value, zone).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


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
    if not yes:
        typer.confirm(f"Erase {mask(number)} for good?", abort=True)
    at, by = common.site(), getpass.getuser()
    common.console.print(_unscreen(at, Number(number), by), markup=False)  # First: the wish itself names the number.
    found = [erase_person(at.store, way, time.time(), by) for way in _spelled(at, number)]
    erased = [each for each in found if each is not None]
    if not erased:
        raise ConfigError(f"{mask(number)} is not in the store")
    common.console.print(f"erased; calls: {sum(each.calls for each in erased)}")
    _files(at, erased, files, yes)
    if not all(each.scrubbed for each in erased):
        common.console.print("Old copies go from the disk when the last open reader of the store ends.")


def _files(at: Site, erased: list[Erasure], gone: bool | None, yes: bool) -> None:
    """What holds the person's voice: listed, and removed if that is wanted."""
    recordings = [at.recordings / due.path for each in erased for due in each.recordings]
    messages = [at.messages / due.path for each in erased for due in each.messages]
    standing = f"recordings: {len(recordings)}, messages: {len(messages)}"
    if not recordings and not messages:
        return common.console.print("no recording and no message of these calls is left")
    for path in (*recordings, *messages):
        common.console.print(f"  {path}", markup=False, soft_wrap=True)
    if gone is None:
        gone = not yes and typer.confirm(f"Remove them too ({standing})?")
    if not gone:
        return common.console.print(
            f"{standing}: they hold the person's voice, and stay until their days are over\n"
            "to remove one: hotline recording remove, hotline inbox remove"
        )
    for each in erased:
        remove(at.store, at.recordings, "recording", each.recordings, time.time())
        remove(at.store, at.messages, "message", each.messages, time.time())
    common.console.print(f"removed: {standing}")


def _spelled(at: Site, number: str) -> list[Number]:
    """The number in every way it may have come."""
    ways = spellings(canonical(number, at.settings.screening), at.settings.screening)
    return [Number(way) for way in dict.fromkeys((number, *ways, *(f"+{way}" for way in ways)))]


def _unscreen(at: Site, number: Number, by: str) -> str:
    """The number leaves Asterisk's list of screened ones, by the daemon or without it; what was done, in words."""
    try:
        body = {"number": number, "by": by, "reason": "erased"}
        return "screening: " + str(common.api(at).post("/api/screening/erase", body)["message"])
    except HotlineError:
        install = provision.find(at.asterisk_root)
        if install is not None and screenlist.forget(at, at.instance(install), number):
            return "screening: taken out of Asterisk's list"
    return "screening: neither daemon nor Asterisk runs; the next start of the daemon takes it out of Asterisk's list"
