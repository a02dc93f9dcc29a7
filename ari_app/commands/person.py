"""`hotline person …`: personal data."""

import getpass
import time
from typing import Annotated

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError
from ari_app.model.ids import Number
from ari_app.model.mask import mask
from ari_app.store.erasure import erase_person

app = typer.Typer(no_args_is_help=True, help="Personal data.")


@app.callback()
def _group() -> None:
    """Personal data."""


@app.command()
def erase(
    number: Annotated[str, typer.Argument(help="The caller's number, as it was dialled from.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a number from the store for good; every figure stays as it is. Audited."""
    if not yes:
        typer.confirm(f"Erase {mask(number)} for good?", abort=True)
    done = erase_person(common.site().store, Number(number), time.time(), getpass.getuser())
    if done is None:
        raise ConfigError(f"{mask(number)} is not in the store")
    common.console.print(
        f"erased from {done.calls} calls; recordings of these calls that still stand: {len(done.recordings)}"
    )
    for recording in done.recordings:
        common.console.print(f"  {recording}")
    if not done.scrubbed:
        common.console.print("Old copies go from the disk when the last open reader of the store ends.")
