"""`hotline hours …`: opening hours, and the switch that closes them by hand."""

import re
import time
from datetime import datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError
from ari_app.flow import hours
from ari_app.model.events import ALL_HOURS
from ari_app.store.flows import ClosureRow, closures

app = typer.Typer(no_args_is_help=True, help="Opening hours: list, close by hand, open again.")

Name = Annotated[str, typer.Argument(help="Hours of config.yaml, or `all`: every queue, also those without hours.")]
_LENGTH: Final = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?")


@app.command()
def close(
    name: Name,
    until: Annotated[
        str, typer.Option(help="18:00, 2h30m, 2026-03-02, or '2026-03-02 18:00'; left out: until opened.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; kept with the switch.")] = "",
) -> None:
    """Close at once, for callers who are already in the menu too. Callers who wait or talk are left alone."""
    at = common.site()
    end = None if not until else moment(until, datetime.now(ZoneInfo(at.settings.timezone))).timestamp()
    body = {"hours": name, "closed": True, "until": end, "reason": reason, "by": common.who()}
    common.console.print(common.api(at).post("/api/closures", body)["message"], markup=False)


@app.command("open")
def open_again(name: Name, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """Take a closure back: the weekly hours count again. Opens nothing that they close."""
    body = {"hours": name, "closed": False, "reason": reason, "by": common.who()}
    common.console.print(common.api().post("/api/closures", body)["message"], markup=False)


@app.command("list")
def list_hours(as_json: common.AsJson = False) -> None:
    """Every hours of config.yaml with its state now, and what is closed by hand."""
    at = common.site()
    zone, now = ZoneInfo(at.settings.timezone), time.time()
    local = datetime.fromtimestamp(now, zone)
    # Without a store no daemon ever ran here, and nothing can be closed. One that cannot be read is a StoreError.
    shut = {row.hours: row for row in closures(at.store, now)} if at.store.exists() else {}
    by_hand = {key: row.until for key, row in shut.items()}
    states: dict[str, str] = {
        name: "closed" if hours.closed_by_hand(by_hand, name, now) else hours.state(each, local)
        for name, each in at.settings.hours.items()
    }
    if as_json:
        rows = [{key: getattr(row, key) for key in row.__slots__} for row in shut.values()]
        common.print_json({"hours": states, "closures": rows})
        return
    for name, state in states.items():
        common.console.print(f"{name:<16} {state:<8} {_said(shut.get(name), zone)}".rstrip(), markup=False)
    if ALL_HOURS in shut:
        common.console.print(f"{'all':<16} {'closed':<8} {_said(shut[ALL_HOURS], zone)}", markup=False)


def _said(row: ClosureRow | None, zone: ZoneInfo) -> str:
    if row is None:
        return ""
    until = "opened" if row.until is None else datetime.fromtimestamp(row.until, zone).strftime("%Y-%m-%d %H:%M")
    return f"by hand until {until}, {row.by}{': ' if row.reason else ''}{row.reason}"


def moment(text: str, now: datetime) -> datetime:
    """`18:00` (the next one), `2h30m` from now, a day, or a day and a time; in the zone of `now`. ConfigError."""
    length = _LENGTH.fullmatch(text)
    if length and text:
        return now + timedelta(hours=int(length[1] or 0), minutes=int(length[2] or 0))
    try:
        if re.fullmatch(r"\d\d:\d\d", text):
            at = now.replace(hour=int(text[:2]), minute=int(text[3:]), second=0, microsecond=0)
            return at if at > now else at + timedelta(days=1)
        if re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d)?", text):
            return datetime.fromisoformat(text).replace(tzinfo=now.tzinfo)
    except ValueError:
        pass  # 25:00, 2026-02-30: looks like a time and is none; said below.
    raise ConfigError(f"no time: {text!r}\ntry 18:00, 2h30m, 2026-03-02 or '2026-03-02 18:00'")
