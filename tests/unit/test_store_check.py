"""When a store is looked through at a start: not because a daemon died, for calls wait meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari_app import daemon
from ari_app.daemon import Daemon
from ari_app.errors import StoreError
from ari_app.media.kept import KeptAudio
from ari_app.model.settings import Settings
from ari_app.provision.install import Install
from ari_app.site import Site
from ari_app.standby import Waited
from ari_app.store import look
from ari_app.store.damage import damaged_stores
from ari_app.store.journal import Journal, Options
from ari_app.store.lock import AT_WORK_S, StoreLock, lock_file
from tests.asterisk import REPOSITORY, sample, secrets_for
from tests.unit.test_store_damage import filled, harm_unread

DAEMON = """
import sys, time
from dataclasses import replace
from pathlib import Path
from ari_app.store import look
from ari_app.store.damage import damaged_stores
from ari_app.store.journal import Journal
store, lived_s, stale_s, ends = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
journal = Journal.open(store)
journal.next_epoch()
journal.lock.holder = replace(journal.lock.holder, since=time.time() - lived_s)
if stale_s:
    journal.lock.promise(stale_s)
if ends == "ends":
    journal.close()
else:
    print("at work", flush=True)
    sys.stdin.readline()
"""
LONG_S = AT_WORK_S + 1


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "hotline.db"


def lived(store: Path, lived_s: float = LONG_S, stale_s: float = 2, ends: str = "killed") -> None:
    """A daemon had the store for so long, promised signs of life, and ended or was killed."""
    command = [sys.executable, "-c", DAEMON, store, str(lived_s), str(stale_s), ends]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        if ends != "ends":
            assert child.stdout.readline() == "at work\n"
            child.kill()
        assert child.wait(10) == (0 if ends == "ends" else -signal.SIGKILL)


def trust(store: Path) -> str:
    lock = StoreLock(store)
    lock.release()
    return lock.trust


@pytest.mark.parametrize("ends", ["killed", "ends"])
def test_however_a_daemon_ended_that_was_at_work_its_store_is_whole(store: Path, ends: str) -> None:
    lived(store, ends=ends)
    assert trust(store) == "whole"


def test_a_store_nobody_had_is_looked_through(store: Path) -> None:
    assert trust(store) == "none"


@pytest.mark.parametrize(("lived_s", "stale_s"), [(AT_WORK_S - 2, 2), (LONG_S, 0)], ids=["died soon", "never at work"])
def test_it_may_have_died_of_what_it_read(store: Path, lived_s: float, stale_s: float) -> None:
    lived(store, lived_s, stale_s)
    assert trust(store) == "none"


def says(store: Path, **other: Any) -> None:
    path = lock_file(store, "lock")
    as_left = path.stat()
    path.write_text(json.dumps({**json.loads(path.read_text()), **other}))
    os.utime(path, ns=(as_left.st_atime_ns, as_left.st_mtime_ns))


@pytest.mark.parametrize(("looked", "left"), [(False, "likely"), (True, "whole")])
def test_only_who_has_looked_through_it_vouches_for_it(store: Path, looked: bool, left: str) -> None:
    """It may be killed before its look beside the calls is over."""
    lived(store)
    lock = StoreLock(store)
    lock.holder = replace(lock.holder, since=time.time() - LONG_S)
    lock.promise(2)
    lock.vouch(False)
    if looked:
        lock.vouch(True)
    lock.release()
    assert trust(store) == left


def touched_later(store: Path) -> None:
    """A minute after the daemon's last sign of life: put in its place, or written by a command meanwhile."""
    path = lock_file(store, "lock")
    os.utime(path, (path.stat().st_mtime - 60,) * 2)
    says(store, since=path.stat().st_mtime - LONG_S)


@pytest.mark.parametrize(
    ("happens", "left"),
    [
        (lambda store: says(store, boot="of the day before"), "likely"),
        (lambda store: says(store, boot=""), "likely"),
        (touched_later, "likely"),
        (lambda store: lock_file(store, "lock").write_text("nonsense"), "none"),
        (lambda store: lock_file(store, "lock").unlink(), "none"),
        (lambda store: store.unlink(), "none"),
    ],
    ids=["machine started again", "unknown machine", "touched", "nonsense", "no lock", "no store"],
)
def test_where_something_else_may_have_harmed_it_it_is_trusted_less(
    store: Path, happens: Callable[[Path], None], left: str
) -> None:
    lived(store)
    happens(store)
    assert trust(store) == left


def test_what_was_not_at_work_leaves_the_next_one_no_better(store: Path) -> None:
    """A command that had the lock, or a daemon that found the store damaged, does not vouch for it."""
    lived(store)
    StoreLock(store).release()
    assert trust(store) == "none"


@pytest.mark.parametrize(
    "case",  # Who had it before, whether it is large, whether a look is asked for; whether that comes first.
    [
        ("one at work", True, False, False),
        ("one at work", True, True, True),
        ("nobody", False, False, True),
        ("nobody", True, False, True),
        ("another start of the machine", False, False, True),
        ("another start of the machine", True, False, False),
        ("another start of the machine", True, True, True),
        ("one a standby waited for", True, False, False),
        ("one a standby waited for", True, True, True),
    ],
)
def test_a_daemon_looks_first_when_it_has_to_or_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, bool, bool, bool]
) -> None:
    """Through a large store that is likely to be whole while calls go on."""
    before, large, asked, first = case
    settings = Settings.model_validate({**sample(), "paths": {"state": str(tmp_path)}})
    site = Site(REPOSITORY / "config.yaml", settings, secrets_for(settings))
    monkeypatch.setattr(daemon, "LARGE", 0 if large else 1 << 40)
    if before in ("one at work", "another start of the machine"):
        lived(site.store)
    if before == "another start of the machine":
        says(site.store, boot="of the day before")
    seen = list[bool]()

    def opened(path: Path, options: Options, lock: StoreLock) -> Journal:
        seen.append(options.check)
        lock.release()
        raise StoreError("seen enough")

    monkeypatch.setattr(Journal, "open", opened)
    waits = before == "one a standby waited for"
    waited = Waited(StoreLock(site.store), KeptAudio(site.prompts), follows=True) if waits else None
    nowhere = Install(tmp_path, tmp_path, tmp_path, "22.10.1", private=True)
    with pytest.raises(StoreError, match="seen enough"):
        Daemon.open(site, nowhere, "main", waited, asked)
    assert seen == [first]


# -- the look beside the calls --


async def test_a_sound_store_is_found_sound(store: Path) -> None:
    lived(store)
    assert await look.beside(store) == ""


async def test_harm_is_named_and_the_store_set_aside_without_another_look(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(store)
    harm_unread(store)
    journal = Journal.open(store, Options(check=False))
    journal.harm = await look.beside(store)
    assert "page" in journal.harm.lower()
    monkeypatch.setattr("ari_app.store.damage.opened", None)
    journal.close()
    assert len(damaged_stores(store)) == 1
    assert await look.beside(store) == ""


async def test_a_look_that_cannot_be_taken_is_an_error(store: Path) -> None:
    with pytest.raises(StoreError, match="ended with 1"):
        await look.beside(store)


async def test_a_look_ends_with_whoever_wanted_it(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    begin = asyncio.create_subprocess_exec

    async def sleeper(*_: object, **options: Any) -> asyncio.subprocess.Process:
        started.append(await begin("sleep", "60", **options))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sleeper)
    looking = asyncio.create_task(look.beside(store))
    while not started:
        await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert started[0].returncode == -signal.SIGKILL
