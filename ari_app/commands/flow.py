"""`hotline flow …`: flow files."""

import typer

from ari_app.commands import common, versions
from ari_app.reload import flows_of

app = typer.Typer(no_args_is_help=True, help="Flow files: check, reload, versions, diff, roll back.")


for command in (versions.versions, versions.diff, versions.reload, versions.rollback):
    app.command()(command)


@app.callback()
def _group() -> None:
    """Flow files."""


@app.command()
def check() -> None:
    """Check every flow file; all problems at once, exit 1 if there are any."""
    for name, flow in flows_of(common.site()).items():
        common.console.print(f"{name}: {len(flow.flow.nodes)} nodes, version {flow.version}: ok")
