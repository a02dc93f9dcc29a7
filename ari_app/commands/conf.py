"""`hotline conf …`: Asterisk's configuration, for an engineer with a box of his own."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ari_app.commands import common
from ari_app.errors import ConfigError
from ari_app.provision import confs

app = typer.Typer(no_args_is_help=True, help="Asterisk's configuration: show, diff, install.")

Target = Annotated[
    Path | None, typer.Option("--target", help="Folder of Asterisk's files; default: as in config.yaml.")
]


def _rendered(target: Path | None) -> tuple[dict[str, str], Path]:
    at = common.site()
    found = common.installed(at)
    return at.rendered(found), target or Path(at.layout(found).etc)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A file, e.g. pjsip.conf; all of them when left out.")] = "") -> None:
    """Print the rendered files (they hold passwords)."""
    files, _ = _rendered(None)
    if name and name not in files:
        raise ConfigError(f"no file {name!r}; there are: {', '.join(files)}")
    for file, text in files.items():
        if name in ("", file):
            common.console.print(f"; ===== {file} =====\n{text}" if not name else text, markup=False)


@app.command()
def diff(target: Target = None) -> None:
    """What `install` would change. Exit 1 when there is a difference."""
    files, folder = _rendered(target)
    changes = confs.diff(files, folder)
    for change in changes:
        common.console.print(change, markup=False)
    if changes:
        raise typer.Exit(1)
    common.console.print(f"{folder}: no difference")


@app.command()
def install(
    target: Target = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also replace files hotline did not write (backed up).")
    ] = False,
) -> None:
    """Write the files that differ, backing up each one it replaces."""
    files, folder = _rendered(target)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    backup = folder.parent / f"{folder.name}.before-hotline"
    written = confs.install(files, folder, backup, stamp, confs.foreign(files, folder) if force else ())
    for path in written:
        common.console.print(f"written: {path}")
    if not written:
        common.console.print("nothing to do")
        return
    old = f"; old ones in {backup / stamp}" if (backup / stamp).exists() else ""
    common.console.print(f"{len(written)} files{old}. Now: asterisk -rx 'core reload'")
    common.console.print("After a first install restart Asterisk: a reload loads no modules.")
