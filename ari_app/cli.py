"""The hotline: telephone calls, menus, queues and agents on Asterisk 22."""

import errno
import gc
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from ari_app.commands import common
from ari_app.config.places import placed
from ari_app.errors import HotlineError

ALONE: Final[Mapping[str, str]] = {
    "demo": "demo",
    "run": "run",
    "status": "standby",
    "handover": "standby",
    "retain": "retain",
    "rescue": "rescue",
    "doctor": "doctor",
    "replay": "run",
}
"""Commands of their own: the module of ari_app.commands that has a function of this name."""
GROUPS: Final = (
    *("agent", "asterisk", "bench", "call", "callback", "conf", "config", "flow", "hours", "inbox", "line"),
    *("person", "prompts", "recording", "report", "screening", "security", "sim", "situations", "surge"),
)
"""Groups of commands: `app` of the module of this name."""


DISKS: Final[Mapping[int | None, str]] = {
    errno.ENOSPC: "make room on that disk",
    errno.EROFS: "that disk may not be written: see how it is mounted",
    errno.EACCES: "see whose it is, and its rights",
    errno.EPERM: "see whose it is, and its rights",
    errno.ENOTDIR: "a file stands where a folder is wanted: name another place",
}
"""What the machine may refuse any command, and the cure."""


class _Commands(TyperGroup):
    """Imports what is asked for: all of it takes a second, and a daemon that starts again has callers waiting."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*ALONE, *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in GROUPS:
            group = get_group(import_module(f"ari_app.commands.{cmd_name}").app)
            group.name = cmd_name
            return group
        if cmd_name in ALONE:
            return _alone(cmd_name, getattr(import_module(f"ari_app.commands.{ALONE[cmd_name]}"), cmd_name))
        return None


def _alone(name: str, function: Callable[..., Any]) -> Any:
    one = typer.Typer(add_completion=False)
    one.command(name)(function)
    return get_command(one)


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


@app.callback()
def _hotline() -> None:
    """The hotline: telephone calls, menus, queues and agents on Asterisk 22."""


def main() -> None:
    """Entry point. HotlineError is for the person at the terminal; anything else is a bug and shows its traceback."""
    gc.set_threshold(100_000, 20, 20)  # A command's imports make objects by the hundred thousand, to stay.
    try:
        app()
    except HotlineError as error:
        print(common.told(placed(str(error), common.config_path())), file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as problem:
        if problem.errno not in DISKS:
            raise
        print(f"{problem.filename or 'a file'}: {problem.strerror}\n{DISKS[problem.errno]}", file=sys.stderr)
        sys.exit(HotlineError.exit_code)
