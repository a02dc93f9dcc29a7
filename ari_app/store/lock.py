"""One daemon a store: an flock on `<store>.lock`, released by the kernel however the daemon ends."""

import fcntl
import os
from pathlib import Path

from ari_app.errors import AlreadyRunning


class StoreLock:
    """Held while the object is open. AlreadyRunning, with pid and cure, when another process holds it."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".lock")
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise AlreadyRunning(
                f"A daemon already runs on the store {store} (pid {pid}).\n"
                f"Stop it (kill {pid}), or give this one a store of its own: paths.state in config.yaml."
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)
