"""`hotline call …`: the log of calls, from the store."""

import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError
from ari_app.model.ids import CallId
from ari_app.model.mask import mask
from ari_app.store.reader import CallRow, Wanted, open_reader
from ari_app.store.timeline import sentence, timeline

app = typer.Typer(no_args_is_help=True, help="The log of calls.")

Numbers = Annotated[bool, typer.Option("--numbers", help="Show callers' numbers in full.")]
FOLLOW_EVERY_S = 0.3


def _outcome(call: CallRow) -> str:
    if call.refused:
        return f"refused: {call.refused}"
    talk = f"{call.queue} → {call.agent}" if call.connected_at else (call.queue or call.node or "")
    booked = f"  call-back: {call.callback}" if call.callback is not None else ""
    return f"{talk}  {'open' if call.closed_at is None else f'ended by {call.closed_by}'}{booked}"


@app.command("list")
def list_calls(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 20,
    day: Annotated[str, typer.Option(help="Of this day: YYYY-MM-DD, in the hotline's time zone.")] = "",
    number: Annotated[str, typer.Option(help="Of this caller, however his number was written.")] = "",
    queue: Annotated[str, typer.Option(help="Who waited in this queue.")] = "",
    agent: Annotated[str, typer.Option(help="Who talked to the agent of this work number.")] = "",
    unserved: Annotated[
        bool, typer.Option("--unserved", help="Who waited, talked to nobody, and was reached by no call-back.")
    ] = False,
    numbers: Numbers = False,
    as_json: common.AsJson = False,
) -> None:
    """The newest calls, of all or of those named: all that is asked for must fit."""
    at = common.site()
    since, before = common.span(day, ZoneInfo(at.settings.timezone)) if day else (None, None)
    callers = common.spelled(at, number) if number else ()
    with open_reader(at.store) as reader:
        calls = reader.calls(limit, Wanted(since, before, callers, queue or None, agent or None, unserved))
    if as_json:
        common.print_json({"calls": [{**asdict(c), "caller": c.caller if numbers else mask(c.caller)} for c in calls]})
        return
    if not calls:
        common.show("no such calls")
    zone = ZoneInfo(at.settings.timezone)
    for call in calls:
        when = datetime.fromtimestamp(call.opened_at, zone).strftime("%Y-%m-%d %H:%M:%S")
        caller = call.caller if numbers else mask(call.caller)
        seconds = "     -" if call.seconds is None else f"{call.seconds:6.1f}"
        common.console.print(f"{call.call:>8}  {when}  {caller:<15} {seconds}s  {_outcome(call)}", markup=False)


@app.command()
def show(call: Annotated[str, typer.Argument(help="Call id, e.g. 3-17.")], numbers: Numbers = False) -> None:
    """One call as a timeline."""
    with open_reader(common.site().store) as reader:
        story = reader.call(CallId(call))
    if story is None:
        raise ConfigError(f"no call {call}; `hotline call list` names the newest")
    for line in timeline(story, masked=not numbers):
        common.console.print(line, markup=False)


@app.command()
def follow(numbers: Numbers = False) -> None:
    """Facts as they are written, until Ctrl-C."""
    at = common.site()
    zone = ZoneInfo(at.settings.timezone)
    with open_reader(at.store) as reader:
        last = reader.last_fact()
        while True:
            for kept in reader.facts_after(last):
                last = kept.id
                when = datetime.fromtimestamp(kept.at, zone).strftime("%H:%M:%S.%f")[:-3]
                call = getattr(kept.fact, "call", None) or ""
                common.console.print(f"{when}  {call:>8}  {sentence(kept.fact, masked=not numbers)}", markup=False)
            time.sleep(FOLLOW_EVERY_S)
