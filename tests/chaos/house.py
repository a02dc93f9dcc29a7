"""A hotline to be hurt: Asterisk, the daemon under a supervisor as systemd would be, two wires between them, phones.

Everything is a process of its own but the phones and the wires; what the daemon thinks is read from its API and store.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from ari_app.ari.connection import Address
from ari_app.model.settings import Settings
from ari_app.phones.phone import Phone, manual
from ari_app.phones.ports import Ports
from ari_app.provision.instance import Instance
from ari_app.provision.ports import port_block
from ari_app.site import Site, open_site
from tests.asterisk import REPOSITORY, asterisk_install, merged, sample
from tests.chaos.site import CHANGES, FLOWS, LOAD_AGENTS
from tests.wire import Wire

PORTS = Ports(range(22_000, 26_000))
READY_S = 30.0
DISK_MB = 256
SIPP_MEDIA = 250  # From here on in the block of ports: voice of SIPp's callers.
UNIT = REPOSITORY / "systemd" / "hotline.service"


def restart_s() -> float:
    """What systemd waits before it starts the daemon again, as the unit we ship says."""
    line = next(line for line in UNIT.read_text().splitlines() if line.startswith("RestartSec="))
    value = line.partition("=")[2]
    return float(value.removesuffix("ms")) / 1000 if value.endswith("ms") else float(value)


class Supervised:
    """`hotline run`, as the unit runs it, started again whenever it ends; `log` takes what all of them say. Its wall
    clock is moved by what stands in `log`.clock (tests/chaos/stepped.py)."""

    def __init__(self, config: Path, log: Path, node: str) -> None:
        self.config, self.log, self.node = config, log, node
        self.clock = log.with_suffix(".clock")
        self.starts = 0
        self.process: asyncio.subprocess.Process | None = None
        self._leaving = False
        self._started = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start it, and again and again."""
        self._leaving = False
        self._started.clear()
        self._keeping = asyncio.create_task(self._keep())
        await self._started.wait()

    async def _keep(self) -> None:
        environment = {**os.environ, "HOTLINE_CONFIG": str(self.config), "CHAOS_CLOCK": str(self.clock)}
        command = (sys.executable, "-m", "tests.chaos.stepped", "run", "--standby", "--node", self.node)
        while not self._leaving:
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log
                )
            self.starts += 1
            self._started.set()
            await self.process.wait()
            if not self._leaving:
                self._started.clear()
                await asyncio.sleep(restart_s())

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """To the one that runs now."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def died(self) -> None:
        """Until the one that runs now has ended."""
        assert self.process is not None
        await self.process.wait()

    async def started(self) -> None:
        """Until the next one runs."""
        await self._started.wait()

    async def leave(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """End it for good; its exit status."""
        self._leaving = True
        if self._keeping is None or self.process is None:
            return None
        self.send(number)
        try:
            await asyncio.wait_for(self._keeping, 20)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.died()
        self._keeping.cancel()
        return self.process.returncode


@dataclass
class Machine:
    """One Asterisk, booted once for many cases."""

    folder: Path
    instance: Instance
    settings: Settings
    first_port: int

    @property
    def has_own_disk(self) -> bool:
        """Whether it may be filled without harm to anybody else."""
        return os.path.ismount(self.folder / "var")

    def config(self, name: str, changes: dict[str, Any]) -> Path:
        """A config.yaml of this machine: the sample, ours, the machine's own, then `changes`."""
        data = merged(merged(sample(), CHANGES), _own(self.first_port, self.folder))
        path = self.folder / name
        path.write_text(json.dumps(merged(data, changes), ensure_ascii=False))  # JSON is YAML.
        return path


def _own(first: int, folder: Path) -> dict[str, Any]:
    root = os.environ.get("HOTLINE_ASTERISK_ROOT", str(REPOSITORY / ".asterisk"))
    return {
        "asterisk": {
            "sip_port": first,
            "http_port": first + 1,
            "ami_port": first + 2,
            "rtp_port_first": first + 20,  # Below it those of SIPp: what is at first + 12 echoes.
            "rtp_port_last": first + SIPP_MEDIA - 1,
        },
        "web": {"port": first + 3},
        "agi": {"port": first + 4},
        "trunks": {"local": {"address": f"127.0.0.1:{first + 5}"}},
        "phones": {
            f"load{n}": {"contact": f"sip:load{n}@127.0.0.1:{first + 6}"} for n in range(1, len(LOAD_AGENTS) + 1)
        },
        "paths": {
            "state": str(folder / "var"),
            "flows": str(folder / "flows"),
            "sounds": str(REPOSITORY / "sounds"),
            "scripts": str(REPOSITORY / "agi_scripts"),
            "asterisk_root": root,
        },
    }


@contextmanager
def machine(folder: Path, *, own_disk: bool = True) -> Iterator[Machine]:
    """Asterisk on free ports, everything below `folder` (which must be short); stopped at the end."""
    installed = asterisk_install()
    flows = folder / "flows"
    shutil.copytree(REPOSITORY / "ivr_flows", flows)
    for name, flow in FLOWS.items():
        (flows / f"{name}.yaml").write_text(json.dumps(flow))
    with port_block() as first, _own_disk(folder / "var", wanted=own_disk):
        here = Machine(folder, None, None, first)  # type: ignore[arg-type]  # Filled below: its config is needed first.
        site = open_site(here.config("asterisk.yaml", {}))
        here.settings, here.instance = site.settings, site.instance(installed)
        here.instance.write(site.rendered(installed))
        here.instance.start()
        try:
            yield here
        finally:
            pid = here.instance.pid()
            if pid is not None:
                os.kill(pid, signal.SIGCONT)  # A case may have left it frozen.
            here.instance.stop()


@contextmanager
def _own_disk(folder: Path, *, wanted: bool) -> Iterator[None]:
    """A small file system for all that is written, so that it can be full. Root only; else an ordinary folder."""
    folder.mkdir()
    mounted = (
        wanted and os.geteuid() == 0 and _mount("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "chaos", str(folder))
    )
    try:
        yield
    finally:
        if mounted and not _mount("umount", str(folder)):
            _mount("umount", "--lazy", str(folder))


def _mount(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass
class House:
    """One case's daemon on the machine."""

    machine: Machine
    site: Site
    ari: Wire
    ami: Wire
    daemon: Supervised
    web: aiohttp.ClientSession
    people: AsyncExitStack  # Their phones; closing it hangs up.
    phones: dict[str, Phone] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first_ring_at: float | None = None  # A waiting caller reached an agent again.
    standby: "Supervised | None" = None
    everyone: list[Phone] = field(default_factory=list)
    _callers: int = 0

    @property
    def sip(self) -> tuple[str, int]:
        return "127.0.0.1", self.machine.settings.asterisk.sip_port

    # -- the API --

    async def get(self, path: str) -> Any:
        async with self.web.get(path) as answer:
            return await answer.json()

    async def ask(self, agent: str, wish: str, **body: str) -> tuple[bool, str]:
        """An agent's wish; whether it was granted, and the answer."""
        async with self.web.post(f"/api/agents/{agent}/{wish}", json=body) as answer:
            told = await answer.json()
            return answer.status == 200, str(told.get("message") or told.get("error"))

    async def does(self, agent: str, wish: str, **body: str) -> None:
        """As `ask`; it must be granted."""
        granted, message = await self.ask(agent, wish, **body)
        assert granted, f"{agent} {wish}: {message}"

    async def health(self) -> dict[str, Any] | None:
        """What /healthz says; None when nobody answers."""
        try:
            found: dict[str, Any] = await asyncio.wait_for(self.get("/healthz"), 2)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
        return found

    async def until(self, holds: Callable[[], Any], timeout_s: float = 10, every_s: float = 0.05) -> Any:
        """Ask until the answer (of a coroutine function) is true; TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    if answer := await holds():
                        return answer
                await asyncio.sleep(every_s)

    async def is_linked(self) -> bool:
        """Whether a daemon answers that has both links and a store to write to."""
        said = await self.health()
        return said is not None and all(said["parts"][part]["ok"] for part in ("asterisk", "ami", "store"))

    async def is_open(self) -> bool:
        """Whether new calls are let in."""
        said = await self.health()
        return said is not None and said["parts"]["door"]["ok"]

    def events(self) -> set[str]:
        """The kinds of events of this case so far."""
        conn = sqlite3.connect(f"{self.site.store.as_uri()}?mode=ro", uri=True)
        try:
            return {kind for (kind,) in conn.execute("SELECT DISTINCT kind FROM event")}
        finally:
            conn.close()

    async def has_connected(self, agent: str) -> bool:
        """Whether it stands in the store that he talks: from then on a crash finds the talk."""
        conn = sqlite3.connect(f"{self.site.store.as_uri()}?mode=ro", uri=True)
        try:
            found = conn.execute(
                "SELECT 1 FROM fact WHERE kind = 'Connected' AND json_extract(body, '$.agent') = ?", (agent,)
            )
            return found.fetchone() is not None
        finally:
            conn.close()

    async def linked(self, timeout_s: float = READY_S) -> float:
        """Until `is_linked`; when that was."""
        await self.until(self.is_linked, timeout_s, 0.02)
        return time.monotonic()

    async def agent(self, number: str) -> dict[str, Any]:
        """As the API shows him."""
        agents = (await self.get("/api/agents"))["agents"]
        return next(each for each in agents if each["number"] == number)

    async def waiting(self, queue: str) -> int:
        queues = (await self.get("/api/queues"))["queues"]
        return int(next(each["waiting"] for each in queues if each["name"] == queue))

    async def has_standby(self) -> bool:
        """Whether another daemon waits, with everything checked."""
        assert self.standby is not None
        return "waiting for the active daemon to end" in self.standby.log.read_text()

    async def leave(self, number: signal.Signals = signal.SIGTERM) -> list[int | None]:
        """End the daemons for good, the one that waits first; their exit states."""
        both = [self.standby, self.daemon] if self.standby is not None else [self.daemon]
        return [await each.leave(number) for each in both]

    def logs(self) -> str:
        """What the daemons of this case have said."""
        return "".join(path.read_text(errors="replace") for path in self.daemon.log.parent.glob("*.log"))

    # -- people --

    async def phone(self, agent: str) -> Phone:
        """An agent's phone, registered, obeying the case; the agent signed in."""
        if agent not in self.phones:
            name = self.site.settings.agents[agent].phone
            phone = Phone(name, self.site.secrets.phones[name], self.sip, PORTS, register=True)
            self.phones[agent] = await self.people.enter_async_context(phone)
            self.everyone.append(phone)
            phone.on_invite = manual()
        await self.signed_in(agent)
        return self.phones[agent]

    async def signed_in(self, agent: str) -> None:
        if (await self.agent(agent))["state"] == "signed-out":
            await self.does(agent, "sign-in")

    async def ready(self, agent: str) -> Phone:
        phone = await self.phone(agent)
        await self.does(agent, "ready")
        return phone

    async def caller(self) -> Phone:
        """Another caller, with a number and a socket of his own."""
        self._callers += 1
        phone = await self.people.enter_async_context(Phone(f"1380000{self._callers:04d}", None, self.sip, PORTS))
        self.everyone.append(phone)
        return phone

    # -- Asterisk --

    async def listing(self, what: str) -> list[dict[str, Any]]:
        """What Asterisk itself says it has, past the wires."""
        url = f"http://127.0.0.1:{self.machine.settings.asterisk.http_port}"
        address = Address(url, "hotline", self.site.secrets.ari_password, "hotline")
        async with address.session() as session, session.get(f"{address.base}/{what}") as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found


@asynccontextmanager
async def house(
    machine: Machine, case: str, changes: dict[str, Any] | None = None, *, standby: bool = False
) -> AsyncIterator[House]:
    """A fresh store, a fresh daemon (and one that waits); gone at the end, store and logs kept in `folder/CASE`."""
    kept = machine.folder / case
    kept.mkdir()
    at = machine.settings.asterisk
    async with Wire(at.http_port) as ari, Wire(at.ami_port) as ami, AsyncExitStack() as stack:
        wires = {"asterisk": {"http_port": ari.port, "ami_port": ami.port}}
        config = machine.config("config.yaml", merged(wires, changes or {}))
        site = open_site(config)
        daemon = Supervised(config, kept / "a.log", "a")
        headers = {"Authorization": f"Bearer {site.secrets.api_token}"}
        web = await stack.enter_async_context(aiohttp.ClientSession(site.api_url, headers=headers))
        people = await stack.enter_async_context(AsyncExitStack())
        here = House(machine, site, ari, ami, daemon, web, people)
        await daemon.begin()
        try:
            try:
                await here.linked()
            except TimeoutError:
                raise RuntimeError(f"no daemon:\n{daemon.log.read_text(errors='replace')[-1000:]}") from None
            if standby:
                here.standby = Supervised(config, kept / "b.log", "b")
                await here.standby.begin()
                await here.until(here.has_standby)
            yield here
        finally:
            await here.leave(signal.SIGKILL)
            for path in site.state.glob("hotline.db*"):
                shutil.move(path, kept / path.name)
