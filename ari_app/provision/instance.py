"""One Asterisk of ours: its folders and files, its process, its command line.

Everything works from any process: what runs is found by the pid file, not by who started it. All calls block;
from asyncio use `asyncio.to_thread`.
"""

import fcntl
import grp
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ari_app.errors import AsteriskError
from ari_app.model.layout import Layout
from ari_app.model.machine import Asterisk
from ari_app.provision import ports
from ari_app.provision.install import Install

FILES_MAX: Final = 65_536  # Open files: a call needs about ten, and the usual limit of 1024 ends at 100 calls.
LOG_MB_MAX: Final = 20  # A longer log is set aside at the next start; one older log is kept.
SOCKET_PATH_MAX: Final = 100  # sun_path holds 108 bytes; Asterisk cuts a longer one off without a word.
POLL_S: Final = 0.05


@dataclass(frozen=True)
class Status:
    """`pid` is None when nothing runs; `booted` is False while it starts or when it does not answer."""

    pid: int | None
    booted: bool = False
    version: str = ""
    uptime: str = ""
    channels: int = 0


class Instance:
    """An Asterisk in folders of its own; two Instances of one layout mean the same Asterisk."""

    def __init__(self, install: Install, layout: Layout, asterisk: Asterisk) -> None:
        self.install = install
        self.layout = layout
        self._asterisk = asterisk

    def write(self, files: Mapping[str, str]) -> list[str]:
        """Create the folders and write the files that differ, each at once; return the names of those."""
        layout = self.layout
        folders = (
            layout.etc,
            layout.run,
            layout.log,
            layout.spool,
            layout.lib,
            layout.keys,
            layout.monitor,
            layout.messages,
            layout.net,
        )
        for folder in map(Path, folders):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._share_recordings()
        changed = []
        for name, text in files.items():
            path = Path(layout.etc) / name
            if not path.exists() or path.read_text() != text:
                replace(path, text)
                changed.append(name)
        return changed

    def start(self, timeout_s: float = 30) -> bool:
        """Run Asterisk in a session of its own and wait until it has booted; False when it ran already.

        Raises AsteriskError, with nothing left running, when a port is taken or the boot fails.
        """
        with self._alone():
            if (running := self.pid()) is not None:
                self._wait_booted(running, timeout_s)
                return False
            self._check_startable()
            self._rotate_logs()
            Path(self.layout.run, "asterisk.ctl").unlink(missing_ok=True)
            pid = self._spawn()
            Path(self.layout.pid_file).write_text(f"{pid}\n")
            try:
                self._wait_booted(pid, timeout_s)
            except BaseException:  # Ctrl-C too: nothing is left half-started.
                self._kill(pid)
                raise
            return True

    def stop(self, timeout_s: float = 10) -> bool:
        """End Asterisk, hanging up what is left; False when nothing ran. Does not return before it is gone."""
        pid = self.pid()
        if pid is None:
            return False
        with suppress(AsteriskError):
            self.cli("core stop now", timeout_s=5)
        if not self._gone(pid, timeout_s):
            self._kill(pid)
        return True

    def status(self) -> Status:
        """What runs, as it says itself."""
        pid = self.pid()
        if pid is None:
            return Status(None)
        try:
            booted = "fully booted" in self.cli("core waitfullybooted", timeout_s=2)
            uptime = self.cli("core show uptime")
            channels = self.cli("core show channels count")
        except AsteriskError:
            return Status(pid)
        started = next((line for line in uptime.splitlines() if line.startswith("System uptime:")), "")
        active = next((line for line in channels.splitlines() if "active channel" in line), "0")
        return Status(pid, booted, self.install.version, started.partition(":")[2].strip(), int(active.split()[0]))

    def cli(self, command: str, timeout_s: float = 10) -> str:
        """What `asterisk -rx COMMAND` prints. Raises AsteriskError when Asterisk does not answer."""
        try:
            done = subprocess.run(
                [self.install.binary, "-C", str(self.layout.conf), "-rx", command],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AsteriskError(f"Asterisk does not answer {command!r}: {error}") from error
        if "Unable to connect to remote asterisk" in done.stdout + done.stderr:
            raise AsteriskError("Asterisk does not run: `hotline asterisk start`")
        return done.stdout

    def pid(self) -> int | None:
        """The process of this instance, if it lives."""
        path = Path(self.layout.pid_file)
        for _ in range(3):  # Asterisk writes the file anew while it starts: it may be empty for a moment.
            with suppress(OSError):
                if text := path.read_text().strip():
                    return int(text) if text.isdigit() and self._lives(int(text)) else None
                time.sleep(POLL_S)
        return None

    def log_tail(self, lines: int = 8) -> str:
        """The last lines of its logs, those that complain first."""
        text: list[str] = []
        for path in (self.layout.console_log, self.layout.full_log):
            with suppress(OSError):
                text += Path(path).read_text(errors="replace").splitlines()
        loud = [line for line in text if "ERROR" in line or "WARNING" in line]
        return "\n".join((loud or text)[-lines:])

    def _lives(self, pid: int) -> bool:
        """A number in a stale pid file may be anyone's by now: it must run with our configuration."""
        command = [b""]
        for _ in range(3):  # Empty while a process execs (a start, `core restart now`), and of a dead one.
            if not exists(pid):
                return False
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if command != [b""]:
                break
            time.sleep(POLL_S)
        by_system = b"-C" not in command and command[0].endswith(b"/asterisk")  # Started by init, with its defaults.
        return os.fsencode(self.layout.conf) in command or (by_system and str(self.layout.etc) == "/etc/asterisk")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One start at a time; the lock dies with the process."""
        run = Path(self.layout.run)
        if not run.is_dir():
            raise AsteriskError(f"{run} is missing: the configuration was never written")
        folder = os.open(run, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _check_startable(self) -> None:
        control = str(self.layout.run / "asterisk.ctl")
        if len(os.fsencode(control)) > SOCKET_PATH_MAX:
            raise AsteriskError(f"{control}: the path is too long for a Unix socket; set paths.state to a shorter one")
        if problems := ports.taken(self._asterisk):
            raise AsteriskError("\n".join(problems))

    def _spawn(self) -> int:
        """Not subprocess: this process may end long before Asterisk, and is not to wait for it."""
        log = str(self.layout.console_log)
        redirect = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        command = [str(self.install.binary), "-C", str(self.layout.conf), "-f"]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
        try:  # The limit is inherited; ours is put back.
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, soft), hard))
            return os.posix_spawn(command[0], command, os.environ, file_actions=redirect, setsid=True)
        except OSError as error:
            raise AsteriskError(f"{command[0]} cannot be run: {error.strerror}") from error
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def _wait_booted(self, pid: int, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while (left_s := until - time.monotonic()) > 0:
            if not exists(pid):
                raise AsteriskError(f"Asterisk ended while it started:\n{self.log_tail()}")
            with suppress(AsteriskError):
                if "fully booted" in self.cli("core waitfullybooted", timeout_s=max(left_s, 0.1)):
                    return
            time.sleep(POLL_S)
        raise AsteriskError(f"Asterisk has not booted within {timeout_s:g} s:\n{self.log_tail()}")

    def _gone(self, pid: int, timeout_s: float) -> bool:
        """By process, not by pid file: that one Asterisk removes before it has ended."""
        return wait(lambda: not self._lives(pid), timeout_s)

    def _kill(self, pid: int) -> None:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not self._lives(pid):
                break
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
            if self._gone(pid, 3):
                break
        Path(self.layout.pid_file).unlink(missing_ok=True)

    def _rotate_logs(self) -> None:
        log = Path(self.layout.full_log)
        if log.exists() and log.stat().st_size > LOG_MB_MAX * 2**20:
            log.replace(log.with_name("full.1"))

    def _share_recordings(self) -> None:
        """Let the group of config.yaml read and remove recordings: setgid, so that new files are the group's."""
        if not self._asterisk.group:
            return
        try:
            for folder in (Path(self.layout.monitor), Path(self.layout.net)):
                shutil.chown(folder, group=grp.getgrnam(self._asterisk.group).gr_gid)
                folder.chmod(0o2770)
            Path(self.layout.spool).chmod(0o711)
        except (KeyError, PermissionError) as error:
            raise AsteriskError(f"asterisk.group: {self._asterisk.group}: {error}") from error


def wait(done: Callable[[], bool], timeout_s: float) -> bool:
    """Poll until `done`, or False when the time is over."""
    until = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True


def exists(pid: int) -> bool:
    """Whether the process runs; a child of this process that has ended is buried on the way."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return Path(f"/proc/{pid}").exists()


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all; it may hold passwords, so it is never readable by others meanwhile."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    temporary.replace(path)
