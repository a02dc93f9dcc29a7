"""A hotline for one bench: Asterisk and daemon in processes of their own, in a temporary folder, on free ports.

The flow, the queue and the recording are the sample's, with a wrap-up of 0 s; beside them stands a queue for one
measuring agent. Agents' phones are at fixed addresses: one SIPp process is all of them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ari_app.errors import HotlineError
from ari_app.media.prompts import Prompts
from ari_app.provision.install import Install
from ari_app.provision.instance import Instance
from ari_app.provision.ports import port_block
from ari_app.site import Site, open_site
from ari_app.web.client import Api

NUMBER: Final = "1860"  # What the load dials; MEASURED leads into the same flow, WAITING to the measuring agent.
MEASURED: Final = "1861"
WAITING: Final = "1862"
PROBE: Final = "90001"  # The measuring agent; the others are 10001, 10002 …
LANGUAGE: Final = "zh-CN"
NEXT_PROMPT: Final = "recording-notice"  # What a caller hears after the key.
PORTS_BEFORE_RTP: Final = 20
READY_S: Final = 60.0  # A bound, not a measure: on a machine with other work a start takes many times as long.

Changes = Mapping[str, Mapping[str, Any]]
NO_CHANGES: Final[Changes] = {}

FLOWS: Final[dict[str, Any]] = {
    "main": {
        "start": "greeting",
        "nodes": {
            "greeting": {"type": "greet", "next": "main_menu"},
            "main_menu": {"type": "menu", "say": ["main-menu"], "keys": {"1": "billing"}},
            "billing": {"type": "queue", "queue": "billing"},
        },
    },
    "waiting": {"start": "probe", "nodes": {"probe": {"type": "queue", "queue": "probe"}}},
}


@dataclass(frozen=True)
class Scale:
    """How big it is: agents, and callers at most at once."""

    agents: int
    callers: int

    @property
    def numbers(self) -> list[str]:
        """The agents' work numbers."""
        return [str(10_001 + n) for n in range(self.agents)]

    @property
    def ports(self) -> int:
        """RTP and RTCP of two legs a call, half as much again for calls that are ending, and the rest."""
        return PORTS_BEFORE_RTP + 6 * self.callers + 200


@dataclass(frozen=True)
class House:
    """What runs, and where."""

    site: Site
    install: Install
    instance: Instance
    daemon: "subprocess.Popen[bytes]"
    agents_port: int
    echo_port: int

    @property
    def server(self) -> tuple[str, int]:
        return self.site.settings.asterisk.sip_listen, self.site.settings.asterisk.sip_port

    @property
    def listens(self) -> bool:
        """Whether callers' lines are analysed."""
        return self.site.settings.line.lines_max > 0

    @property
    def asterisk_pid(self) -> int:
        return pid_of(self.instance)


def pid_of(instance: Instance) -> int:
    """HotlineError when it has ended."""
    pid = instance.pid()
    if pid is None:
        raise HotlineError(f"Asterisk has ended\n{instance.log_tail()}")
    return pid


def next_prompt(sounds: Path) -> Path:
    """The file of the prompt that follows the key."""
    path = Prompts.load(sounds).path(NEXT_PROMPT, LANGUAGE)
    if path is None:
        raise HotlineError(f"{sounds}: no prompt {NEXT_PROMPT}; try: hotline prompts build")
    return path


@contextmanager
def house(home: Site, install: Install, scale: Scale, changes: Changes = NO_CHANGES) -> Iterator[House]:
    """Up and ready when the block begins, gone with all its files when it ends. `home` lends sounds and Asterisk."""
    with port_block(scale.ports) as first, tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        site = furnished(Path(name), first, scale, home, changes)
        instance = site.instance(install)
        instance.write(site.rendered(install))
        instance.start()
        try:
            with _daemon(site) as daemon:
                yield House(site, install, instance, daemon, first + 4, first + 6)
        finally:
            instance.stop()


def furnished(folder: Path, first: int, scale: Scale, home: Site, changes: Changes = NO_CHANGES) -> Site:
    """A config.yaml with its flows and secrets; `changes` replace keys of its parts (two levels)."""
    (folder / "flows").mkdir()
    for flow, content in FLOWS.items():
        (folder / "flows" / f"{flow}.yaml").write_text(json.dumps(content))
    settings = _settings(first, scale, home)
    for part, keys in changes.items():
        settings[part] = {**settings.get(part, {}), **keys}
    (folder / "config.yaml").write_text(json.dumps(settings))
    return open_site(folder / "config.yaml")


def _settings(first: int, scale: Scale, home: Site) -> dict[str, Any]:
    """config.yaml of the house: JSON is YAML."""
    phones: dict[str, Any] = {f"a{n}": {"contact": f"sip:a{n}@127.0.0.1:{first + 4}"} for n in scale.numbers}
    return {
        "name": "Bench",
        "language": LANGUAGE,
        "numbers": {NUMBER: {"flow": "main"}, MEASURED: {"flow": "main"}, WAITING: {"flow": "waiting"}},
        "skills": {"billing": "the load", "probe": "the measuring agent"},
        "queues": {
            "billing": {"skills": {"billing": 1}, "wrap_up_s": 0, "whisper": "queue-billing"},
            "probe": {"skills": {"probe": 1}, "wrap_up_s": 0, "recording": {"policy": "never"}},
        },
        "agents": {
            PROBE: {"phone": "probe", "skills": {"probe": 1}},
            **{n: {"phone": f"a{n}", "skills": {"billing": 1}} for n in scale.numbers},
        },
        "phones": {"probe": {}, **phones},
        "trunks": {"local": {"match": ["127.0.0.1"]}},
        "asterisk": {
            "sip_port": first,
            "http_port": first + 1,
            "ami_port": first + 2,
            "rtp_port_first": first + PORTS_BEFORE_RTP,
            "rtp_port_last": first + scale.ports - 1 + scale.ports % 2,
        },
        "web": {"port": first + 3},
        "agi": {"port": first + 8},
        "paths": {"flows": "flows", "sounds": str(home.sounds), "asterisk_root": str(home.asterisk_root)},
        "limits": {"calls_max": max(400, 2 * scale.callers), "drain_s": 3},
        "log": {"format": "json"},
    }


@contextmanager
def _daemon(site: Site) -> Iterator["subprocess.Popen[bytes]"]:
    """`hotline run` in a process of its own; its log is daemon.log beside config.yaml."""
    log = site.home / "daemon.log"
    command = [sys.executable, "-m", "ari_app", "run"]
    with log.open("wb") as file:
        environment = {**os.environ, "HOTLINE_CONFIG": str(site.config)}
        daemon = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        _wait_ready(site, daemon, log)
        yield daemon
    finally:
        _stop(daemon)


def _wait_ready(site: Site, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    api, end, said = Api(site.api_url, site.secrets.api_token), time.monotonic() + READY_S, ""
    while time.monotonic() < end:
        if daemon.poll() is not None:
            break
        try:
            if api.get("/healthz")["ok"]:
                return
        except HotlineError as error:
            said = str(error)
        time.sleep(0.1)
    raise HotlineError(f"the daemon is not ready: {said}\n{log.read_text(errors='replace')[-2000:]}")


def _stop(daemon: "subprocess.Popen[bytes]") -> None:
    if daemon.poll() is None:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(15)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def keep(site: Site) -> Path:
    """Copy what explains a failure (log, store, flows) out of the folder that is about to go."""
    target = Path(tempfile.mkdtemp(prefix="hotline-bench-failed-"))
    for name in ("daemon.log", "config.yaml"):
        shutil.copy2(site.home / name, target)
    for path in (*site.state.glob("hotline.db*"), *(site.state / "asterisk").glob("log/*")):
        shutil.copy2(path, target)
    return target
