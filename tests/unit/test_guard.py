"""Bans are carried out although Asterisk did not hear of them at the first try, by whichever daemon."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from ari_app import guard
from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError
from ari_app.guard import Guard
from ari_app.model.bans import BanRules, Bans, networks
from ari_app.store.journal import Journal

ADDRESS = "203.0.113.9"


class Ami:
    """A manager interface whose first reloads fail."""

    connected = True

    def __init__(self, fails: int) -> None:
        self.fails, self.tried, self.done = fails, 0, 0

    async def reload(self, _: str) -> None:
        self.tried += 1
        if self.tried <= self.fails:
            raise AsteriskError("AMI Reload: the connection was lost before the answer came")
        self.done += 1


class Audit:
    def run(self, _: object) -> None: ...


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "RETRY_S", 0.01)
    monkeypatch.setattr(guard, "EVERY_S", 0.01)


def made(folder: Path, ami: Ami) -> Guard:
    bans = Bans(BanRules(failures=3), networks(()))
    return Guard(cast(AmiLink, ami), cast(Journal, Audit()), bans, folder / "pjsip_bans.conf", folder / "bans.json")


async def runs(at: Guard, until: Callable[[], Any], attacked: bool = False) -> None:
    task = asyncio.create_task(at.run())
    await asyncio.sleep(0)  # It has read what stands.
    if attacked:
        attack(at)
    async with asyncio.timeout(5):
        while not until():
            await asyncio.sleep(0.005)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def attack(at: Guard) -> None:
    for _ in range(3):
        at.hear({"Event": "InvalidPassword", "RemoteAddress": f"IPV4/UDP/{ADDRESS}/5060"})


async def test_a_reload_that_failed_is_tried_again(tmp_path: Path) -> None:
    ami = Ami(fails=2)
    at = made(tmp_path, ami)
    await runs(at, lambda: ami.done, attacked=True)
    assert ADDRESS in at.acl.read_text() and ami.tried == 3


async def test_what_the_daemon_before_wrote_and_asterisk_never_read_is_read_at_the_start(tmp_path: Path) -> None:
    before = made(tmp_path, Ami(fails=1_000_000))
    await runs(before, before.acl.exists, attacked=True)
    ami = Ami(fails=0)
    await runs(made(tmp_path, ami), lambda: ami.done)


async def test_where_nobody_was_ever_shut_out_nothing_is_reloaded(tmp_path: Path) -> None:
    ami = Ami(fails=0)
    at = made(tmp_path, ami)
    await runs(at, lambda: at.kept.exists() and at._carried)
    assert ami.tried == 0 and not at.acl.exists()
