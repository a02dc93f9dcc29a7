"""One hotline on one machine: config.yaml, secrets, and where things stand. Shared by daemon and commands."""

from dataclasses import dataclass
from pathlib import Path

from ari_app.config.load import load_settings
from ari_app.config.secrets import load_or_make_secrets
from ari_app.model.layout import Layout, seen_by_asterisk, seen_by_daemon
from ari_app.model.settings import Secrets, Settings
from ari_app.provision.install import Install
from ari_app.provision.instance import Instance
from ari_app.render.asterisk import render


@dataclass(frozen=True)
class Site:
    """`home` is the folder of config.yaml; relative paths of the settings start there."""

    config: Path
    settings: Settings
    secrets: Secrets

    @property
    def home(self) -> Path:
        return self.config.parent

    @property
    def state(self) -> Path:
        return self.home / self.settings.paths.state

    @property
    def store(self) -> Path:
        return self.state / "hotline.db"

    @property
    def recordings(self) -> Path:
        return self.state / "recordings"

    @property
    def messages(self) -> Path:
        return self.state / "messages"

    @property
    def prompts(self) -> Path | None:
        """Where audio of flows is kept by content; None: a box's own Asterisk may not read our folders."""
        private = self.settings.asterisk.run == "private"
        folder = self.settings.paths.prompts or ("prompts" if private else "")
        return self.state / folder if folder else None

    @property
    def sounds(self) -> Path:
        return self.home / self.settings.paths.sounds

    @property
    def flows(self) -> Path:
        return self.home / self.settings.paths.flows

    @property
    def asterisk_root(self) -> Path:
        return self.home / self.settings.paths.asterisk_root

    @property
    def ari_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.asterisk.http_port}"

    @property
    def api_url(self) -> str:
        listen = self.settings.web.listen
        host = f"[{listen}]" if ":" in listen else listen
        return f"http://{host}:{self.settings.web.port}"

    def layout(self, install: Install) -> Layout:
        """The folders of our Asterisk, as Asterisk sees them."""
        sounds = seen_by_asterisk(self.sounds, self.settings.asterisk.path_map)
        if self.settings.asterisk.run == "system":
            return Layout.system(sounds, install.modules, install.data)
        return Layout.private(self.state / "asterisk", sounds, install.modules, install.data)

    def instance(self, install: Install) -> Instance:
        return Instance(install, self.layout(install), self.settings.asterisk)

    def rendered(self, install: Install) -> dict[str, str]:
        """Asterisk's configuration files, by name."""
        return render(self.settings, self.secrets, self.layout(install))

    def parts(self, layout: Layout) -> Path:
        """Where the daemon finds the sides of recordings that Asterisk writes."""
        return Path(seen_by_daemon(layout.monitor, self.settings.asterisk.path_map))

    def messages_made(self, layout: Layout) -> Path:
        """Where the daemon finds the messages that Asterisk recorded."""
        return Path(seen_by_daemon(layout.messages, self.settings.asterisk.path_map))


def open_site(config: Path, **changes: object) -> Site:
    """Read config.yaml (all its problems at once: ConfigError) and the secrets, making those that are missing.

    `changes` replace parts of the settings (`asterisk={…}`): for command-line options and tests.
    """
    config = config.resolve()
    settings = load_settings(config)
    if changes:
        data = settings.model_dump()
        for part, values in changes.items():
            data[part] = {**data[part], **values} if isinstance(values, dict) else values
        settings = Settings.model_validate(data)
    secrets = load_or_make_secrets(config.parent / settings.paths.state / "secrets.yaml", settings)
    return Site(config, settings, secrets)
