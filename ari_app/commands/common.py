"""What every command needs: which config.yaml, progress lines, JSON output, the daemon's API, the reader's language."""

import getpass
import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from ari_app.config.chinese import translated
from ari_app.errors import AsteriskError, ConfigError
from ari_app.model.ids import Number
from ari_app.model.screening import canonical, spellings
from ari_app.provision import install as provision
from ari_app.provision.install import Install
from ari_app.site import Site, open_site
from ari_app.store.removal import What, standing
from ari_app.store.removal import remove as remove_files
from ari_app.web.client import Api

Say = Callable[[str], None]
REASON_MAX: Final = 200

console = Console(highlight=False, soft_wrap=True, emoji=False)

Reason = Annotated[str, typer.Option(help="Why; kept for ever.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on one line.")]


def config_path() -> Path:
    """HOTLINE_CONFIG, else config.yaml in this folder."""
    return Path(os.environ.get("HOTLINE_CONFIG") or "config.yaml")


def told(message: str) -> str:
    """A message as whoever is at the terminal reads it: in Chinese where the locale is. Logs and JSON stay English."""
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return translated(message) if locale.startswith("zh") else message


def show(message: str) -> None:
    """Print it in the reader's language."""
    console.print(told(message), markup=False)


def site(**changes: object) -> Site:
    """ConfigError when there is none here, or with all its problems."""
    path = config_path()
    if not path.exists():
        raise ConfigError(
            f"{path}: not here ({Path.cwd()})   change into the hotline's folder, or say where it is: HOTLINE_CONFIG"
        )
    return open_site(path, **changes)


def api(at: Site | None = None) -> Api:
    """The running daemon's HTTP API."""
    at = at or site()
    return Api(at.api_url, at.secrets.api_token)


def asterisk(at: Site) -> Install | None:
    """The Asterisk to use, if it is there."""
    return provision.find(at.asterisk_root, own_only=at.settings.asterisk.run == "system")


def no_asterisk(at: Site) -> tuple[str, str]:
    """What is missing, and the cure."""
    wanted = f"no Asterisk ≥ {provision.MINIMUM[0]}.{provision.MINIMUM[1]}"
    if at.settings.asterisk.run != "system":
        return wanted, "hotline asterisk install"
    has = provision.own_version()
    return f"{wanted} on this box{f' (it has {has})' if has else ''}", "install one, or set asterisk.run: private"


def installed(at: Site) -> Install:
    """The Asterisk to use; AsteriskError with a cure when there is none."""
    if (found := asterisk(at)) is not None:
        return found
    raise AsteriskError("; try: ".join(no_asterisk(at)))


def progress() -> Say:
    """A `say` that prefixes each line with the seconds since now."""
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(f"  [{time.monotonic() - began:5.1f}s] {line}", markup=False)

    return say


def who() -> str:
    """Login name of whoever types; empty where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def when(at: float, zone: ZoneInfo) -> str:
    """To the minute."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


def span(day: str, zone: ZoneInfo) -> tuple[float, float]:
    """The day from midnight to midnight. ConfigError for what is no day."""
    try:
        begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        raise ConfigError(f"no day: {day!r}\ntry 2026-03-02") from None
    return begin.timestamp(), (begin + timedelta(days=1)).timestamp()


def spelled(at: Site, number: str) -> tuple[Number, ...]:
    """The number in every way it may have come."""
    ways = spellings(canonical(Number(number), at.settings.screening), at.settings.screening)
    return tuple(Number(way) for way in dict.fromkeys((number, *ways, *(f"+{way}" for way in ways))))


def plain(name: str, value: Any, zone: ZoneInfo) -> str:
    """A column of the store as a person reads it."""
    is_time = (name == "until" or name.endswith("_at")) and value is not None
    return when(value, zone) if is_time else str("" if value is None else value)


def print_json(value: Any) -> None:
    """One object on one line, last."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def remove(at: Site, what: What, names: Sequence[str], reason: str, yes: bool) -> None:
    """Recordings or messages by name, for good; exit 1 if one of them has no file."""
    folder = at.recordings if what == "recording" else at.messages
    if not 0 < len(reason := reason.strip()) <= REASON_MAX:
        raise ConfigError(f"--reason: from 1 to {REASON_MAX} signs; it is kept for ever")
    found = standing(at.store, what, names)
    for path in found.values():
        console.print(f"  {folder / path}", markup=False)
    if found and not yes:
        typer.confirm(f"Remove {len(found)} for good?", abort=True)
    remove_files(at.store, folder, what, list(found), (time.time(), reason))
    console.print(f"removed: {len(found)}")
    if missing := sorted(set(names) - found.keys()):
        command = "recording list" if what == "recording" else "inbox list --all"
        raise ConfigError(f"no file stands of {what} {', '.join(missing)}\ntry: hotline {command}")
