"""The hotline: telephone calls, menus, queues and agents on Asterisk 22."""

import sys

import typer

from ari_app.commands import (
    agent,
    asterisk,
    bench,
    call,
    callback,
    common,
    conf,
    config,
    demo,
    doctor,
    flow,
    hours,
    inbox,
    line,
    person,
    prompts,
    recording,
    report,
    rescue,
    retain,
    run,
    screening,
    security,
    sim,
    situations,
    standby,
    surge,
)
from ari_app.config.places import placed
from ari_app.errors import HotlineError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("status")(standby.status)
app.command("handover")(standby.handover)
app.command("retain")(retain.retain)
app.command("rescue")(rescue.rescue)
app.command("doctor")(doctor.doctor)
app.command("replay")(run.replay)
for group in (
    *(agent, asterisk, bench, call, callback, conf, config, flow, hours, inbox, line),
    *(person, prompts, recording, report, screening, security, sim, situations, surge),
):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])


def main() -> None:
    """Entry point. HotlineError is for the person at the terminal; anything else is a bug and shows its traceback."""
    try:
        app()
    except HotlineError as error:
        print(common.told(placed(str(error), common.config_path())), file=sys.stderr)
        sys.exit(error.exit_code)
