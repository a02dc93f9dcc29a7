"""The hot standby: waits until the store is free, and ends an active daemon that shows no sign of life.

A daemon that dies leaves its lock to the kernel, which frees it at once. One that is frozen or hung keeps it, and its
ports, and maybe SQLite's write lock: nobody can take over beside it, so it is killed (docs/adr/0011).
"""

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from ari_app.errors import AlreadyRunning
from ari_app.store.lock import Holder, Lock, StoreLock, holder_of, lock_file, pid_space, read_holder

POLL_S: Final = 0.1
GONE_S: Final = 2.0  # How long its last files may take to be closed, once the lock is free.

log = structlog.get_logger("store")


@dataclass
class Silence:
    """How long a sign of life has stayed away, by our own looks: a look that comes late (the whole machine stood
    still, or has no time for anybody) counts as one in time."""

    sign: object = None
    silent_s: float = 0.0
    looked_at: float | None = None

    def look(self, sign: object, now: float) -> float:
        """`sign` changes with each sign of life; `now` is of a clock that only goes forward. Seconds of silence."""
        since = 0.0 if self.looked_at is None else min(now - self.looked_at, 2 * POLL_S)
        self.looked_at = now
        self.silent_s = self.silent_s + since if sign == self.sign else 0.0
        self.sign = sign
        return self.silent_s


class Standby:
    """`with Standby(store, node) as standby: lock = standby.wait()`. AlreadyRunning when another one waits."""

    def __init__(self, store: Path, node: str, pause: Callable[[float], None] = time.sleep) -> None:
        self.store, self.node, self._pause = store, node, pause
        self.follows = False  # It waited for a daemon that was at work, which had looked through the store.
        self._file = lock_file(store, "lock")
        self._silence = Silence()
        self._active: tuple[Holder, int] | None = None  # With a handle on its process.
        try:
            self._place = Lock(lock_file(store, "standby"), node)
        except BlockingIOError:
            waits = holder_of(lock_file(store, "standby")) or "unknown"
            raise AlreadyRunning(
                f"A standby already waits for the store {store}: {waits}.\nOne is enough: end it, or leave this one."
            ) from None

    def __enter__(self) -> "Standby":
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()
        self._place.release()

    def wait(self) -> StoreLock:
        """Until we hold the store. The one that held it before has ended by then, and has let go of its ports."""
        said = ""
        while True:
            with suppress(AlreadyRunning):
                lock = StoreLock(self.store, self.node)
                self._wait_gone()
                return lock
            active = self._look()
            self.follows = active is not None and active.stale_s > 0
            if active is not None and str(active) != said:
                said = str(active)
                log.info("waiting for the active daemon to end", active=said, node=self.node)
            self._pause(POLL_S)

    def _look(self) -> Holder | None:
        """Look at the active one, and end it when its sign of life has stayed away too long."""
        active = read_holder(self._file)
        if active is None:
            return None
        if self._active is None or (self._active[0].pid, self._active[0].since) != (active.pid, active.since):
            self._forget()
            if active.space == pid_space() and active.pid != os.getpid():
                with suppress(OSError):  # It has ended meanwhile.
                    self._active = active, os.pidfd_open(active.pid)
        with suppress(OSError):
            silent_s = self._silence.look((active, self._file.stat().st_mtime_ns), time.monotonic())
            if active.stale_s and silent_s > active.stale_s:
                self._silence = Silence()
                self._end(active, silent_s)
        return active

    def _end(self, active: Holder, silent_s: float) -> None:
        """It has been the holder since our handle was taken, for the lock is still held and the file still says so."""
        about = {"active": str(active), "silent_s": round(silent_s, 1)}
        if self._active is None or holder_of(self._file) != active:
            log.error("the active daemon shows no sign of life and cannot be reached: end it by hand", **about)
            return
        try:
            signal.pidfd_send_signal(self._active[1], signal.SIGKILL)
        except OSError as problem:
            log.error("the active daemon shows no sign of life and cannot be ended", why=problem.strerror, **about)
        else:
            log.error("the active daemon showed no sign of life: killed, to take over", **about)

    def _wait_gone(self) -> None:
        """The lock is one of the files a dying process lets go of; its ports may come a moment later."""
        if self._active is not None:
            select.select([self._active[1]], [], [], GONE_S)

    def _forget(self) -> None:
        if self._active is not None:
            os.close(self._active[1])
            self._active = None
