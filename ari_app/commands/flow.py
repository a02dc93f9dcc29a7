"""`hotline flow …`: flow files."""

import typer

from ari_app.commands import common
from ari_app.config.flows import load_flows
from ari_app.media.prompts import Prompts

app = typer.Typer(no_args_is_help=True, help="Flow files: check.")


@app.callback()
def _group() -> None:
    """Flow files."""


@app.command()
def check() -> None:
    """Check every flow file; all problems at once, exit 1 if there are any."""
    at = common.site()
    prompts = Prompts.load(at.sounds)
    flows = load_flows(at.flows, at.settings, lambda ids: prompts.missing(ids, ("zh-CN", "en")))
    for name, flow in flows.items():
        common.console.print(f"{name}: {len(flow.flow.nodes)} nodes, version {flow.version}: ok")
