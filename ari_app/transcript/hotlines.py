"""Hotlines side by side on one Asterisk, for transcripts: each a daemon with phones, trunk and store of its own.

Number n lives at the address 127.0.1.n: callers from there are its trunk's, numbers outside are dialled there. A
trunk's name is also the name of the application its calls go to; phones are told apart by a suffix.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from ari_app.config.load import load_settings
from ari_app.config.secrets import load_or_make_secrets
from ari_app.daemon import Daemon
from ari_app.errors import HotlineError
from ari_app.model.settings import Phone, Secrets, Settings, Trunk
from ari_app.provision.install import Install
from ari_app.provision.ports import BLOCK, port_block
from ari_app.site import Site
from ari_app.transcript.hotline import Hotline

READY_S: Final = 20.0
LAG_MS_MAX: Final = 60_000.0  # They share one loop: that another one starts is no reason to refuse a call.
_HTTP, _AMI, _OWN, _RTP = 1, 2, 3, 40  # Ports of a block, from its first: SIP, HTTP, AMI, two for each hotline, RTP.


@asynccontextmanager
async def hotlines_on(config: Path, install: Install, folder: Path, number: int) -> AsyncIterator[list[Hotline]]:
    """Asterisk and so many daemons, ready; all gone at the end. HotlineError when they do not get ready."""
    with port_block() as first:
        settings = _on_ports(load_settings(config.resolve()), first, folder)
        own = [_own(settings, n, first, folder) for n in range(1, number + 1)]
        whole = _together(settings, own)
        secrets = load_or_make_secrets(folder / "secrets.yaml", whole)
        site = Site(config.resolve(), whole, secrets)
        instance = site.instance(install)
        instance.write(site.rendered(install))
        epochs = count(1000)  # Ids of channels must not meet: whoever begins a call counts on.
        await asyncio.to_thread(instance.start)
        try:
            async with AsyncExitStack() as running:
                hotlines = list[Hotline]()
                for n, each in enumerate(own, 1):
                    daemon = await running.enter_async_context(_daemon(_site(config, each, secrets, folder), install))
                    hotlines.append(Hotline(daemon, epochs, (_address(n), first)))
                    running.callback(hotlines[-1].clock.go_on)  # It ends by it.
                yield hotlines
        finally:
            await asyncio.to_thread(instance.stop)


@asynccontextmanager
async def hotline_on(config: Path, install: Install, folder: Path) -> AsyncIterator[Hotline]:
    """One of them."""
    async with hotlines_on(config, install, folder, 1) as (hotline,):
        yield hotline


@asynccontextmanager
async def _daemon(site: Site, install: Install) -> AsyncIterator[Daemon]:
    daemon = Daemon.open(site, install)
    ready = asyncio.Event()
    running, waiting = asyncio.create_task(daemon.run(ready)), asyncio.create_task(ready.wait())
    try:
        await asyncio.wait((running, waiting), timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        if not ready.is_set():
            raise HotlineError(f"not ready after {READY_S:.0f} s: {daemon.ari.status}; {daemon.ami.status}")
        yield daemon
    finally:
        waiting.cancel()
        daemon.stop()
        with suppress(asyncio.CancelledError):
            await running


def _address(n: int) -> str:
    return f"127.0.1.{n}"


def _changed(settings: Settings, **changes: Any) -> Settings:
    """Parts replaced; not checked again: what stood in config.yaml was, and the rest is ours."""
    return settings.model_copy(update=changes)


def _on_ports(settings: Settings, first: int, folder: Path) -> Settings:
    """A private Asterisk on the ports of a block; its state in `folder`."""
    asterisk = {
        "run": "private",
        "sip_listen": "127.0.0.1",
        "sip_port": first,
        "http_port": first + _HTTP,
        "ami_port": first + _AMI,
        "rtp_port_first": first + _RTP,
        "rtp_port_last": first + BLOCK - 1,
        "external_address": "",
        "path_map": {},
        "tls": None,
    }
    return _changed(
        settings,
        asterisk=settings.asterisk.model_copy(update=asterisk),
        paths=settings.paths.model_copy(update={"state": str(folder)}),
        limits=settings.limits.model_copy(update={"drain_s": 0, "lag_ms_max": LAG_MS_MAX}),
    )


def _own(settings: Settings, n: int, first: int, folder: Path) -> Settings:
    """The settings of hotline `n`: its trunk, its phones, its store, its ports."""
    app = f"trunk{n}"
    trunk = next(iter(settings.trunks.values()), Trunk(match=())).model_copy(
        update={"match": (_address(n),), "address": f"{_address(n)}:{first}"}
    )
    port = first + _OWN + 2 * n
    return _changed(
        settings,
        trunks={app: trunk},
        outbound=settings.outbound.model_copy(update={"trunk": app if settings.outbound.trunk else ""}),
        phones={_phone(name, n): Phone() for name in settings.phones},  # Ours: whatever the real ones are.
        agents={
            number: agent.model_copy(update={"phone": _phone(agent.phone, n)})
            for number, agent in settings.agents.items()
        },
        asterisk=settings.asterisk.model_copy(update={"app": app}),
        web=settings.web.model_copy(update={"listen": "127.0.0.1", "port": port}),
        agi=settings.agi.model_copy(update={"port": port + 1}),
        paths=settings.paths.model_copy(update={"state": str(folder / app)}),
    )


def _phone(name: str, n: int) -> str:
    return f"{name}-{n}"


def _together(settings: Settings, own: list[Settings]) -> Settings:
    """What Asterisk is told: everybody's phones and trunks. Whose a call is, its trunk says."""
    return _changed(
        settings,
        trunks={name: trunk for each in own for name, trunk in each.trunks.items()},
        phones={name: phone for each in own for name, phone in each.phones.items()},
        agents={},
        outbound=own[0].outbound,
        asterisk=settings.asterisk.model_copy(update={"app": "${TRUNK}"}),
    )


def _site(config: Path, own: Settings, secrets: Secrets, folder: Path) -> Site:
    """Its state is its own; the folders of Asterisk are everybody's."""
    site = Site(config.resolve(), own, secrets)
    site.state.mkdir(mode=0o700, exist_ok=True)
    (site.state / "asterisk").symlink_to(folder / "asterisk")
    return site
