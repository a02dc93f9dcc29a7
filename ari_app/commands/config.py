"""`hotline config …`: config.yaml."""

import typer

from ari_app.commands import common
from ari_app.config.load import load_settings
from ari_app.config.reference import keys_table
from ari_app.model.settings import Settings

app = typer.Typer(no_args_is_help=True, help="config.yaml: check, keys.")


@app.command()
def check() -> None:
    """Check config.yaml; all problems at once, exit 1 if there are any."""
    settings = load_settings(common.config_path())
    counts = f"{len(settings.numbers)} numbers, {len(settings.queues)} queues, {len(settings.agents)} agents"
    common.show(f"{common.config_path()}: {counts}: ok")


@app.command()
def keys() -> None:
    """Every key with its meaning, unit and default."""
    common.console.print(keys_table(Settings), markup=False)
