"""One daemon a store: an flock on `<store>.lock`, released by the kernel however the daemon ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from ari_app.errors import AlreadyRunning, StoreError


class StoreLock:
    """Held until `release`. AlreadyRunning, with pid and cure, when another holds it; StoreError without a folder."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StoreError(
                f"The store's folder {store.parent} cannot be used: {problem.strerror}.\nMend it, or paths.state."
            ) from problem
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise AlreadyRunning(
                f"A daemon already runs on the store {store} (pid {pid}).\n"
                f"Stop it (kill {pid}), or give this one a store of its own: paths.state in config.yaml."
            ) from None
        with suppress(OSError):  # On a full disk the lock holds all the same, without the pid.
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)
