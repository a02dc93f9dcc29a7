"""Where an Asterisk keeps its things, as paths *Asterisk* sees. Pure: nothing here touches the disk.

The daemon may see the same folders under other names; `seen_by_daemon` translates by the path map.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Self

from ari_app.model.part import Language

# Every file we render. Without one of them Asterisk logs an error or a module declines to load.
CONF_FILES: Final = (
    "asterisk.conf",
    "modules.conf",
    "logger.conf",
    "http.conf",
    "ari.conf",
    "manager.conf",
    "pjsip.conf",
    "pjproject.conf",
    "rtp.conf",
    "musiconhold.conf",
    "extensions.conf",
    "features.conf",
    "indications.conf",
    "acl.conf",
    "cdr.conf",
    "cel.conf",
    "ccss.conf",
    "udptl.conf",
    "websocket_client.conf",
    "chan_websocket.conf",
)

MARKER: Final = "; Made by hotline from "  # First line of every rendered file.


@dataclass(frozen=True)
class Layout:
    """The folders of one Asterisk: those it reads from (modules, data, sounds) and those of its instance."""

    modules: PurePath
    data: PurePath
    sounds: PurePath
    etc: PurePath
    run: PurePath
    log: PurePath
    spool: PurePath
    lib: PurePath
    keys: PurePath
    scripts: PurePath  # Programs Asterisk runs by itself.

    @classmethod
    def private(cls, root: PurePath, sounds: PurePath, modules: PurePath, data: PurePath) -> Self:
        """An instance of our own: everything it writes stands below `root`. `scripts` are taken to be beside sounds."""
        etc, run, log, spool, lib, keys = (root / name for name in ("etc", "run", "log", "spool", "lib", "keys"))
        return cls(modules, data, sounds, etc, run, log, spool, lib, keys, sounds.parent / "agi_scripts")

    @classmethod
    def system(cls, sounds: PurePath, modules: PurePath, data: PurePath) -> Self:
        """The folders of a distribution's Asterisk, for an engineer with a box of his own."""
        var = PurePath("/var")
        return cls(
            modules,
            data,
            sounds,
            etc=PurePath("/etc/asterisk"),
            run=var / "run/asterisk",
            log=var / "log/asterisk",
            spool=var / "spool/asterisk",
            lib=var / "lib/asterisk",
            keys=var / "lib/asterisk/keys",
            scripts=sounds.parent / "agi_scripts",
        )

    @property
    def conf(self) -> PurePath:
        """The file given to `asterisk -C`."""
        return self.etc / "asterisk.conf"

    @property
    def monitor(self) -> PurePath:
        """Where recordings are written."""
        return self.spool / "monitor"

    @property
    def messages(self) -> PurePath:
        """Where ARI records voicemail messages; Asterisk does not make the folder."""
        return self.spool / "recording"

    @property
    def net(self) -> PurePath:
        """Where messages wait that were left while no daemon ran."""
        return self.spool / "net"

    @property
    def net_script(self) -> PurePath:
        """The program that takes such a message."""
        return self.scripts / "net" / "leave_message.py"

    @property
    def pid_file(self) -> PurePath:
        return self.run / "asterisk.pid"

    @property
    def console_log(self) -> PurePath:
        """What the process printed before its own log was open."""
        return self.log / "console.log"

    @property
    def full_log(self) -> PurePath:
        return self.log / "full"

    def prompt(self, language: Language, prompt: str) -> PurePath:
        """A prompt's path as Asterisk wants it: absolute, without the extension."""
        return self.sounds / language / prompt

    def music(self, name: str) -> PurePath:
        """The folder of a music-on-hold class."""
        return self.sounds / "moh" / name


def seen_by_daemon(path: PurePath, path_map: Mapping[str, str]) -> PurePath:
    """The daemon's name of a path of Asterisk's, by the longest matching folder of the path map."""
    for folder in sorted(path_map, key=len, reverse=True):
        if path.is_relative_to(folder):
            return PurePath(path_map[folder]) / path.relative_to(folder)
    return path


def seen_by_asterisk(path: PurePath, path_map: Mapping[str, str]) -> PurePath:
    """Asterisk's name of a path of the daemon's: the path map read backwards."""
    return seen_by_daemon(path, {ours: theirs for theirs, ours in path_map.items()})
