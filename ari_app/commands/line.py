"""`hotline line …`: what callers' lines are like: live, and of one call afterwards."""

import time
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.live import Live
from rich.table import Table

from ari_app.commands import common
from ari_app.errors import ConfigError, HotlineError
from ari_app.model.ids import CallId
from ari_app.store import line as store
from ari_app.store.reader import open_reader
from ari_app.web.client import Api

app = typer.Typer(no_args_is_help=True, help="Callers' lines: a live meter, the report of a call.")

Call = Annotated[str, typer.Argument(help="Call id, e.g. 3-17.")]
EVERY_S: Final = 0.5
LOWEST_DBFS, BAR = -70.0, 40


@app.command()
def watch(
    call: Call,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="End after so many seconds.")] = 86_400,
    as_json: common.AsJson = False,
) -> None:
    """A live meter of a call's line, until the call or its talk ends, or Ctrl-C: verdict, levels, noise, loss, MOS.

    With --json: the last reading, as one object.
    """
    api, end = common.api(), time.monotonic() + seconds
    last: dict[str, Any] = api.get(f"/api/calls/{call}/line")
    try:
        if as_json:
            for reading in _readings(api, call, end):
                last = reading
        else:
            with Live(_table(last), console=common.console, auto_refresh=False) as live:
                for reading in _readings(api, call, end):
                    live.update(_table(reading), refresh=True)
    except KeyboardInterrupt:
        pass
    if as_json:
        common.print_json(last)


def _readings(api: Api, call: str, end: float) -> Any:
    while time.monotonic() < end:
        time.sleep(EVERY_S)
        try:
            yield api.get(f"/api/calls/{call}/line")
        except HotlineError as error:
            if str(error).startswith("no live call"):
                return
            raise


def _table(reading: dict[str, Any]) -> Table:
    meter, network = reading["meter"] or {}, reading["network"] or {}
    table = Table(show_header=False, title=f"call {reading['call']}  {reading['state']}", title_justify="left")
    heard = reading["verdict"] or ("not judged yet" if reading["listened"] else "not listened to")
    table.add_row("verdict", heard)
    table.add_row("level", _bar(meter.get("level_dbfs")))
    table.add_row("speech", f"{_bar(meter.get('speech_dbfs'))}  {meter.get('speech_s', 0):.1f} s")
    table.add_row("noise", _bar(meter.get("noise_dbfs")))
    table.add_row("SNR", _figure(meter.get("snr_db"), "dB"))
    table.add_row("loss", "-" if not network else f"{network['loss']:.1%}, mean {network['loss_mean']:.1%}")
    table.add_row("jitter", _figure(network.get("jitter_ms"), "ms"))
    table.add_row("round trip", _figure(network.get("rtt_ms"), "ms"))
    table.add_row("MOS", _figure(network.get("mos"), ""))
    return table


def _bar(dbfs: float | None) -> str:
    if dbfs is None:
        return " " * BAR + "      -"
    full = round(BAR * (1 - max(LOWEST_DBFS, min(0.0, dbfs)) / LOWEST_DBFS))
    return f"{'█' * full}{'·' * (BAR - full)} {dbfs:6.1f} dBFS"


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:g} {unit}".rstrip()


@app.command()
def report(call: Call, as_json: common.AsJson = False) -> None:
    """What a call's line was like: verdicts and how long each held, levels, cause; loss, jitter, MOS of its legs."""
    at = common.site()
    with open_reader(at.store) as reader:
        if reader.call(CallId(call)) is None:
            raise ConfigError(f"no call {call}; `hotline call list` names the newest")
    found = store.of_call(at.store, CallId(call))
    if as_json:
        common.print_json({"call": call, **vars(found)})
        return
    zone = ZoneInfo(at.settings.timezone)
    for row in found.verdicts:
        common.console.print(_verdict(row, zone), markup=False)
    for leg in found.legs:
        lost = f"loss {leg['loss']:.1%} (worst 5 s {leg['loss_max']:.1%})"
        common.console.print(
            f"{leg['role'] or 'leg':<10} MOS {leg['mos']:.2f}  {lost}  jitter {leg['jitter_ms']:g} ms"
            f"  round trip {leg['rtt_ms']:g} ms",
            markup=False,
        )
    if not found.verdicts and not found.legs:
        common.console.print("nothing was heard of its line: nobody talked, or it was too short")


def _verdict(row: dict[str, Any], zone: ZoneInfo) -> str:
    when = datetime.fromtimestamp(row["at"], zone).strftime("%H:%M:%S")
    if not row["verdict"]:
        return f"{when}  not listened to: {row['reason']}"
    held = "lasts" if row["lasts"] else f"{row['seconds']:6.1f} s"
    speech = "none" if row["speech_dbfs"] <= -99 else f"{row['speech_dbfs']:.1f}"
    cause = f"  cause: {row['cause']}" if row["cause"] else ""
    return f"{when}  {row['verdict']:<7} {held}  speech {speech} dBFS, noise {row['noise_dbfs']:.1f} dBFS{cause}"
