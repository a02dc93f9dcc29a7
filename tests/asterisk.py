"""A real Asterisk for tests: rendered from config.yaml as the product does, on free ports, in a folder of its own."""

import os
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ari_app.model.layout import Layout
from ari_app.model.settings import Secrets, Settings
from ari_app.provision.install import Install, find, install
from ari_app.provision.instance import Instance
from ari_app.provision.ports import BLOCK, port_block
from ari_app.render.asterisk import render

REPOSITORY = Path(__file__).resolve().parents[1]
APOLOGIES = tuple(
    f"{language}/{prompt}"
    for language in ("zh-CN", "en")
    for prompt in ("system-fault", "voicemail-ask", "voicemail-thanks", "voicemail-nothing")
)


@dataclass(frozen=True)
class RunningAsterisk:
    """What a test needs to reach it; `spare_ports` are free and nobody else's while it runs."""

    settings: Settings
    secrets: Secrets
    layout: Layout
    instance: Instance
    folder: Path
    spare_ports: tuple[int, ...]

    @property
    def sip(self) -> tuple[str, int]:
        return self.settings.asterisk.sip_listen, self.settings.asterisk.sip_port

    @property
    def ari_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.asterisk.http_port}/ari"

    @property
    def ami(self) -> tuple[str, int]:
        return "127.0.0.1", self.settings.asterisk.ami_port


def asterisk_install() -> Install:
    """The box's own Asterisk, or the private one in HOTLINE_ASTERISK_ROOT (else .asterisk), built when missing."""
    root = Path(os.environ.get("HOTLINE_ASTERISK_ROOT", REPOSITORY / ".asterisk"))
    return find(root) or install(root, print)


def sample() -> dict[str, Any]:
    """config.yaml as plain data."""
    data: dict[str, Any] = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    return data


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` laid over `base`; mappings are merged, anything else is replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def secrets_for(settings: Settings) -> Secrets:
    """Secrets a test can know beforehand, each different."""
    return Secrets(
        ari_password="ari-password",
        ami_password="ami-password",
        api_token="api-token",
        phones={phone: f"password-of-{phone}" for phone in settings.phones},
        pins={agent: f"{int(agent) * 7 % 10000:04d}" for agent in settings.agents},
    )


def settings_on(first: int, folder: Path, changes: Mapping[str, Any] | None = None) -> Settings:
    """The sample on the ports of a block, with `changes` (nested as in config.yaml) laid over it."""
    ports = {
        "sip_port": first,
        "http_port": first + 1,
        "ami_port": first + 2,
        "rtp_port_first": first + 10,
        "rtp_port_last": first + BLOCK - 1,
    }
    ours = {
        "asterisk": ports,
        "web": {"port": first + 3},
        "agi": {"port": first + 4},
        "paths": {"state": str(folder), "sounds": str(REPOSITORY / "sounds")},
    }
    return Settings.model_validate(merged(merged(sample(), ours), changes or {}))


def stub_sounds(folder: Path) -> Path:
    """Half a second of silence for each sound Asterisk itself plays, for tests that wait for the end of one."""
    for name in (*APOLOGIES, "moh/default/stub"):
        path = folder / "stubs" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(8000))
    return folder / "stubs"


def private_layout(settings: Settings, folder: Path, installed: Install) -> Layout:
    layout = Layout.private(folder / "asterisk", Path(settings.paths.sounds), installed.modules, installed.data)
    return replace(layout, scripts=REPOSITORY / "agi_scripts")


@contextmanager
def running_asterisk(folder: Path, changes: Mapping[str, Any] | None = None) -> Iterator[RunningAsterisk]:
    """Asterisk, booted; stopped at the end, whatever happened."""
    installed = asterisk_install()
    with port_block() as first:
        settings = settings_on(first, folder, changes)
        secrets = secrets_for(settings)
        layout = private_layout(settings, folder, installed)
        instance = Instance(installed, layout, settings.asterisk)
        instance.write(render(settings, secrets, layout))
        instance.start()
        try:
            yield RunningAsterisk(settings, secrets, layout, instance, folder, tuple(range(first + 5, first + 10)))
        finally:
            instance.stop()
