"""`hotline flow …`: flow files."""

import typer

from ari_app.commands import flow_files, flow_test, versions

app = typer.Typer(no_args_is_help=True, help="Flow files: check, draw, try, test, reload, versions, diff, roll back.")


for command in (
    flow_files.check,
    flow_files.schema,
    flow_files.show,
    versions.versions,
    versions.diff,
    versions.reload,
    versions.rollback,
):
    app.command()(command)
app.command("test")(flow_test.test)
app.command("try")(flow_test.try_)


@app.callback()
def _group() -> None:
    """Flow files."""
