"""`hotline demo`: set everything up, run one real call, stay up for the visitor's own softphone."""

import asyncio
from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated

import typer

from ari_app.commands import common
from ari_app.daemon import Daemon
from ari_app.errors import ConfigError, HotlineError
from ari_app.provision import install as provision
from ari_app.provision.instance import Instance
from ari_app.runtime.logging import configure
from ari_app.site import Site
from ari_app.store.reader import open_reader
from ari_app.store.timeline import timeline

READY_S = 20


def demo(
    listen: Annotated[str, typer.Option(help="Address for SIP; loopback unless you say otherwise.")] = "",
    leave: Annotated[bool, typer.Option("--exit", help="Stop after the scripted call.")] = False,
) -> None:
    """Set everything up, place a scripted call from a real SIP caller to a real SIP agent, show what is kept of it."""
    say = common.progress()
    if listen and not _is_address(listen):
        raise ConfigError(f"--listen {listen}: not an IP address, e.g. 0.0.0.0 for all of this machine's")
    site = common.site(**({"asterisk": {"sip_listen": listen}} if listen else {}))
    if ":" in site.settings.asterisk.sip_listen:
        raise ConfigError(
            f"asterisk.sip_listen is {site.settings.asterisk.sip_listen}; the demo's own phones speak IPv4 only:\n"
            "give an IPv4 address (--listen 0.0.0.0), or run the hotline without the demo: hotline asterisk start; "
            "hotline run"
        )
    if site.settings.asterisk.run == "system":
        raise ConfigError("asterisk.run is system; the demo runs an Asterisk of its own: set it to private")
    found = provision.find(site.asterisk_root) or provision.install(site.asterisk_root, say)
    instance = site.instance(found)
    changed = instance.write(site.rendered(found))
    daemon = Daemon.open(site, found)
    started = False
    try:
        started = instance.start()
        if not started and changed:
            instance.cli("core reload")
        asterisk = site.settings.asterisk
        say(f"Asterisk {found.version} runs, SIP on {asterisk.sip_listen}:{asterisk.sip_port}")
        configure(site.settings.log, site.state / "hotline.log")
        asyncio.run(_run(daemon, instance, say, leave))
    finally:
        if started:
            instance.stop()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


async def _run(daemon: Daemon, instance: Instance, say: common.Say, leave: bool) -> None:
    from ari_app.demo import scripted_call

    site, ready = daemon.site, asyncio.Event()
    daemon.on_signals()
    running = asyncio.create_task(daemon.run(ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((running, waiting), timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
    try:
        if running.done():
            await running
        if not ready.is_set():
            raise HotlineError(
                f"not ready after {READY_S} s: {daemon.ari.status}; {daemon.ami.status}\n{instance.log_tail()}"
            )
        say(f"the hotline is ready; its log: {site.state / 'hotline.log'}")
        call = await scripted_call(site, say)
        _show(site, call)
        if not leave:
            _invite(site)
            await daemon.stopping.wait()
    finally:
        waiting.cancel()
        if not daemon.stopping.is_set():
            daemon.stop()
        with suppress(asyncio.CancelledError):
            await running


def _show(site: Site, call: str) -> None:
    with open_reader(site.store) as reader:
        story = reader.call(call)  # type: ignore[arg-type]
        recordings = reader.recordings(1, call)  # type: ignore[arg-type]
    assert story is not None
    common.console.print(f"\nThe call as {site.store} keeps it (hotline call show {call}):\n")
    for line in timeline(story):
        common.console.print(f"  {line}", markup=False)
    for row in recordings:
        common.console.print(f"\nIts recording (left: caller, right: agent): {site.recordings / str(row.path)}\n")


def _invite(site: Site) -> None:
    asterisk, secrets = site.settings.asterisk, site.secrets
    numbers = ", ".join(site.settings.numbers)
    codes = site.settings.feature_codes
    agent = next((number for number, a in site.settings.agents.items() if a.phone == "visitor"), "")
    common.console.print(
        f"""Now you. Set up a softphone on this machine:
  server    {asterisk.sip_listen}:{asterisk.sip_port} (UDP)
  user      visitor
  password  {secrets.phones.get("visitor", "")}
Call {numbers} to be a caller.
To be an agent: dial {codes.sign_in}, then work number {agent} and #, PIN {secrets.pins.get(agent, "")} and #;
  then dial {codes.ready} for ready.
  (or: hotline agent sign-in {agent}; hotline agent ready {agent})
Watch: hotline call follow · hotline agent list · {site.api_url}/healthz
Ctrl-C stops the hotline and its Asterisk.""",
        markup=False,
    )
