"""`hotline asterisk …`: the Asterisk underneath."""

import typer

from ari_app.commands import common
from ari_app.errors import AsteriskError
from ari_app.provision import install as provision
from ari_app.site import Site

app = typer.Typer(no_args_is_help=True, help="The Asterisk underneath.")


@app.command()
def install() -> None:
    """Get an Asterisk ≥ 22.10: the box's own, else a private one from the Debian archive (no root needed)."""
    at = common.site()
    if at.settings.asterisk.run == "system":
        found = common.installed(at)
    else:
        found = common.asterisk(at) or provision.install(at.asterisk_root, common.progress())
    common.console.print(
        f"Asterisk {found.version} ({'private' if found.private else 'this box’s own'}): {found.binary}"
    )


def _ours(at: Site) -> None:
    if at.settings.asterisk.run == "system":
        raise AsteriskError("asterisk.run is system: use the box's own service, e.g. systemctl restart asterisk")


@app.command()
def start() -> None:
    """Write the configuration and start our Asterisk."""
    at = common.site()
    found = common.installed(at)
    _ours(at)
    instance = at.instance(found)
    changed = instance.write(at.rendered(found))
    if instance.start():
        common.console.print(
            f"Asterisk {found.version} runs, SIP on {at.settings.asterisk.sip_listen}:{at.settings.asterisk.sip_port}"
        )
    elif changed:
        instance.cli("core reload")
        common.console.print(f"Asterisk ran already; reloaded: {', '.join(changed)}")
    else:
        common.console.print("Asterisk runs already.")


@app.command()
def stop() -> None:
    """Stop our Asterisk; calls on it end."""
    at = common.site()
    _ours(at)
    common.console.print("stopped" if at.instance(common.installed(at)).stop() else "did not run")


@app.command()
def restart() -> None:
    """Stop and start anew, with the configuration rendered from config.yaml; calls on it end."""
    stop()
    start()


@app.command()
def status() -> None:
    """Whether it runs, its version and its channels. Exit 1 when it does not run."""
    at = common.site()
    found = at.instance(common.installed(at)).status()
    if found.pid is None:
        common.console.print("Asterisk does not run. Start it: hotline asterisk start")
        raise typer.Exit(1)
    common.console.print(
        f"Asterisk {found.version}, pid {found.pid}, {'up ' + found.uptime if found.booted else 'booting'}, "
        f"{found.channels} channels"
    )


@app.command()
def cli(command: list[str]) -> None:
    """Run one Asterisk command, e.g. `hotline asterisk cli core show channels`."""
    at = common.site()
    common.console.print(at.instance(common.installed(at)).cli(" ".join(command)), markup=False)
