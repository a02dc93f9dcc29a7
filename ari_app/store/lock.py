"""One daemon a store: an flock on `<store>.lock`, released by the kernel however the daemon ends.

The file says who holds it. A holder that beats gives a sign of life by the file's time of change: whoever waits for the
store may take it for dead when the sign stays away longer than the bound the holder itself has stated.
"""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from ari_app.errors import AlreadyRunning, StoreError

TRIES: Final = 5  # Whoever only looks (`holder_of`) holds the lock for some microseconds.
TRY_S: Final = 0.02
Trust: TypeAlias = Literal["whole", "likely", "none"]
AT_WORK_S: Final = 10.0  # Whoever died sooner may have died of what it read.


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. `since` is wall time; `stale_s`: 0 while no sign of life is promised; `space`: whose `pid`;
    `boot`: of which start of the machine, empty for one it cannot vouch for; `epoch`: the number of its run."""

    node: str
    pid: int
    since: float
    space: int = 0
    stale_s: float = 0.0
    boot: str = ""
    epoch: int = 0

    def __str__(self) -> str:
        return f"{self.node} (pid {self.pid})"


def lock_file(store: Path, kind: str) -> Path:
    """The file whose lock makes a daemon what it is: `lock` the active one, `standby` the one that waits."""
    return store.with_name(f"{store.name}.{kind}")


def pid_space() -> int:
    """What tells our process numbers from those of another container."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def boot_id() -> str:
    """What tells this start of the machine from others; empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def read_holder(path: Path) -> Holder | None:
    """What the file says; None when it says nothing we understand. Whether it is held is another matter."""
    try:
        said: dict[str, Any] = json.loads(path.read_bytes()[:1000])
        return Holder(**said)
    except (OSError, ValueError, TypeError):
        return None


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock at `path` now; None: nobody."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(path) or Holder("unknown", 0, 0.0)
    finally:
        os.close(file)
    return None


class Lock:
    """The flock on one file, until `release`. BlockingIOError when another holds it, OSError without a folder."""

    def __init__(self, path: Path, node: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise
        self.before = read_holder(path), os.stat(self._file).st_mtime  # Whose it was, and his last sign of life.
        last = self.before[0].epoch if self.before[0] is not None else 0
        self.holder = Holder(node, os.getpid(), round(time.time(), 3), pid_space(), boot=boot_id(), epoch=last)
        self._write()

    def promise(self, stale_s: float) -> None:
        """From now on `beat` is called so often that its staying away for `stale_s` means we are frozen or hung."""
        self.holder = replace(self.holder, stale_s=stale_s)
        self.beat()
        self._write()

    def number(self, epoch: int) -> None:
        """No later run may have this number, even on an older copy of the store."""
        self.holder = replace(self.holder, epoch=epoch)
        self._write()

    def vouch(self, is_whole: bool) -> None:
        """Whether whoever comes next may trust what was found here: not before it was looked through."""
        self.holder = replace(self.holder, boot=boot_id() if is_whole else "")
        self._write()

    def beat(self) -> None:
        """A sign of life. It writes no data, so a full disk does not hinder it."""
        with suppress(OSError):
            os.utime(self.path)

    def release(self) -> None:
        self.beat()  # The last: whatever its holder did to the store is done.
        os.close(self._file)

    def _write(self) -> None:
        text = json.dumps(asdict(self.holder)).encode() + b"\n"
        with suppress(OSError):  # On a full disk the lock holds all the same, without saying whose it is.
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))


class StoreLock(Lock):
    """Held by the one process that may write. AlreadyRunning, with pid and cure; StoreError without a folder.

    `trust` in what the store holds. whole: nobody but a daemon, who was at work on it, has touched it since the machine
    started; how that daemon ended is no matter, for a process that is killed leaves no page of SQLite's half written ·
    likely: a daemon was at work on it, then the machine started anew, or somebody touched it · none: nobody was at
    work on it, or whoever was died soon.
    """

    def __init__(self, store: Path, node: str = "main") -> None:
        try:
            super().__init__(lock_file(store, "lock"), node)
        except BlockingIOError:
            holder = read_holder(lock_file(store, "lock"))
            pid = holder.pid if holder is not None else "unknown"
            raise AlreadyRunning(
                f"A daemon already runs on the store {store} (pid {pid}).\n"
                f"Stop it (kill {pid}), let this one wait for its end (hotline run --standby), or give this one a "
                "store of its own: paths.state in config.yaml."
            ) from None
        except OSError as problem:
            raise StoreError(
                f"The store's folder {store.parent} cannot be used: {problem.strerror}.\nMend it, or paths.state."
            ) from problem
        self.trust = _trust(store, *self.before)

    @classmethod
    def take(cls, store: Path, node: str = "main") -> Self:
        """As made directly, but not put off by somebody who only looks."""
        for _ in range(TRIES - 1):
            with suppress(AlreadyRunning):
                return cls(store, node)
            time.sleep(TRY_S)
        return cls(store, node)


def _trust(store: Path, holder: Holder | None, last_sign: float) -> Trust:
    if holder is None or not holder.stale_s or last_sign - holder.since <= AT_WORK_S:
        return "none"
    try:
        touched = store.stat().st_ctime
    except OSError:
        return "none"
    untouched = holder.boot and holder.boot == boot_id() and touched <= last_sign + holder.stale_s
    return "whole" if untouched else "likely"
