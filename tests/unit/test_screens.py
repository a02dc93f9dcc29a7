"""Asterisk's list of screened numbers, kept like ours over a manager interface that fails and forgets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from ari_app import screening
from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError
from ari_app.model.effects import Screen, Unscreen
from ari_app.model.ids import Number, ScreeningId
from ari_app.model.screening import APPEALED, FAMILY, Screening
from ari_app.model.screening_facts import ScreeningLeft
from ari_app.screening import Screens

A, B = Number("8613900139000"), Number("8613900139001")
SPELLINGS = {"13900139000", "013900139000", "8613900139000", "008613900139000"}


class Asterisk:
    """AstDB behind AMI. `broken`: every request fails so many times."""

    def __init__(self) -> None:
        self.db: dict[str, dict[str, str]] = {FAMILY: {}, APPEALED: {}}
        self.globals: dict[str, str] = {}
        self.connected = True
        self.broken = 0
        self.asked = 0
        self.on_change: Any = None

    def _ask(self) -> None:
        self.asked += 1
        if self.broken:
            self.broken -= 1
            raise AsteriskError("AMI: connection lost")

    async def variable(self, name: str) -> str:
        self._ask()
        return self.globals.get(name, "")

    async def db_tree(self, family: str) -> dict[str, str]:
        self._ask()
        return dict(self.db[family])

    async def db_put(self, family: str, key: str, value: str) -> None:
        self._ask()
        self.db[family][key] = value

    async def db_del(self, family: str, key: str) -> bool:
        self._ask()
        return self.db[family].pop(key, None) is not None


@asynccontextmanager
async def running(asterisk: Asterisk, *left: ScreeningLeft) -> AsyncIterator[Screens]:
    screens = Screens(cast(AmiLink, asterisk), Screening(), ZoneInfo("Asia/Shanghai"))
    screens.recall(left)
    task = asyncio.create_task(screens.run())
    try:
        yield screens
    finally:
        task.cancel()


async def agree(screens: Screens) -> None:
    async with asyncio.timeout(2):
        while not screens.agrees:
            await asyncio.sleep(0)


def left(number: Number, until: float = 5e9, ended_at: float | None = None) -> ScreeningLeft:
    return ScreeningLeft(ScreeningId("6-1.n1"), number, "82", 1, until, ended_at, None)


async def test_at_the_start_what_is_missing_comes_and_what_is_too_much_goes() -> None:
    asterisk = Asterisk()
    asterisk.db[FAMILY] = {"13700137000": "1/a/b", "13900139000": "1/old/old"}
    asterisk.db[APPEALED] = {"13700137000": "1", "13900139000": "1"}
    async with running(asterisk, left(A), left(B, ended_at=7.0)) as screens:
        await agree(screens)
    assert set(asterisk.db[FAMILY]) == SPELLINGS
    assert {value.partition("/")[0] for value in asterisk.db[FAMILY].values()} == {"5000000000"}
    assert set(asterisk.db[APPEALED]) == {"13900139000"}, "an appeal against a screening that goes on stays"


async def test_what_agrees_is_not_written_again() -> None:
    asterisk = Asterisk()
    async with running(asterisk, left(A)) as screens:
        await agree(screens)
    before = asterisk.asked
    async with running(asterisk, left(A)) as screens:
        await agree(screens)
    assert asterisk.asked == before + 2, "both families are read, nothing is written"


async def test_effects_are_carried_out_and_a_failure_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "RETRY_S", 0.0)
    asterisk = Asterisk()
    async with running(asterisk) as screens:
        await agree(screens)
        asterisk.broken = 3
        screens.perform(Screen(A, 5e9))
        assert not screens.agrees
        await agree(screens)
        assert set(asterisk.db[FAMILY]) == SPELLINGS
        screens.perform(Unscreen(A))
        await agree(screens)
        assert asterisk.db[FAMILY] == {}


async def test_an_asterisk_that_lost_everything_gets_it_back_when_it_is_there_again() -> None:
    asterisk = Asterisk()
    async with running(asterisk, left(A)) as screens:
        await agree(screens)
        asterisk.connected = False
        asterisk.on_change(False, "connection lost")
        asterisk.db[FAMILY] = {}
        screens.perform(Screen(B, 5e9))
        await asyncio.sleep(0)
        assert not screens.agrees and asterisk.db[FAMILY] == {}
        asterisk.connected = True
        asterisk.on_change(True, "connected")
        await agree(screens)
    assert len(asterisk.db[FAMILY]) == 8


async def test_what_asterisk_has_counted_is_asked_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "COUNT_S", 0.01)
    asterisk = Asterisk()
    asterisk.broken = 1
    screens = Screens(cast(AmiLink, asterisk), Screening(), ZoneInfo("Asia/Shanghai"))
    counting = asyncio.create_task(screens.count())
    async with asyncio.timeout(2):
        while asterisk.asked < 3:
            await asyncio.sleep(0)
        assert screens.calls == {"answered": 0, "refused": 0}
        asterisk.globals = {"SCREENED_ANSWERED": "2", "SCREENED_REFUSED": "40"}
        while screens.calls != {"answered": 2, "refused": 40}:
            await asyncio.sleep(0.001)
    counting.cancel()
