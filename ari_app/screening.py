"""Keeps Asterisk's own list of screened numbers (AstDB) like the board's: the dialplan screens by it, without a daemon.

A value is `END/MANDARIN/ENGLISH`: seconds since the Unix epoch, and the prompts that say when that is. It lapses by
itself. Whatever Asterisk has lost or has too much is put right at the start and after every reconnect.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

import structlog

from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError
from ari_app.flow.speech import moment
from ari_app.model.effects import Screen, Unscreen
from ari_app.model.ids import Number
from ari_app.model.screening import APPEALED, FAMILY, Screening, canonical, spellings
from ari_app.model.screening_facts import ScreeningLeft

log = structlog.get_logger(__name__)

RETRY_S: Final = 2.0
COUNT_S: Final = 10.0  # How often Asterisk is asked how many calls it has screened.
OUTCOMES: Final = ("answered", "refused")  # Of calls of screened numbers; refused: on top of what is answered at once.
LANGUAGES: Final = ("zh-CN", "en")  # In the order of a value's parts: see extensions.conf.


def rows(wanted: Mapping[Number, float], rules: Screening, zone: tzinfo) -> dict[str, str]:
    """What must stand in AstDB: every spelling of every number, with its value."""
    values = {until: _value(until, zone) for until in set(wanted.values())}
    return {way: values[until] for number, until in wanted.items() for way in spellings(number, rules)}


def _differences(there: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What Asterisk has too much, and what it lacks."""
    return list(there.keys() - wanted.keys()), {k: value for k, value in wanted.items() if there.get(k) != value}


def _value(until: float, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(until, UTC).astimezone(zone)
    return "/".join([str(int(until)), *("&".join(moment(at, language)) for language in LANGUAGES)])


@dataclass
class Screens:
    """`recall` what the store says; then `perform` the board's effects, and `run`."""

    ami: AmiLink
    rules: Screening
    zone: tzinfo
    wanted: dict[Number, float] = field(default_factory=dict)
    agrees: bool = False  # Asterisk has what is wanted, as far as is known.
    calls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))  # Since Asterisk started.
    _there: dict[str, str] | None = None  # What Asterisk has; None: to be read.
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.ami.on_change = self.linked

    def recall(self, left: Sequence[ScreeningLeft]) -> Sequence[ScreeningLeft]:
        """What an earlier daemon left: before `run` begins, lest Asterisk lose what is wanted."""
        on = {canonical(each.number, self.rules): each.until for each in left if each.ended_at is None}
        self.wanted.update(on)
        return left

    def perform(self, effect: Screen | Unscreen) -> None:
        """Returns at once."""
        match effect:
            case Screen(number, until):
                self.wanted[number] = until
            case Unscreen(number):
                self.wanted.pop(number, None)
        self._wake()

    def linked(self, connected: bool, _: str) -> None:
        """The manager interface came or went: what Asterisk has is read anew."""
        self._there = None
        if connected:
            self._wake()

    def _wake(self) -> None:
        self.agrees = False
        self._changed.set()

    async def run(self) -> None:
        """For ever: whenever something changed, and again when it failed."""
        self._wake()
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not self.ami.connected:
                continue  # `linked` wakes us.
            try:
                await self._agree()
            except AsteriskError as error:
                self._there = None
                log.warning("Asterisk's list of screened numbers is not up to date", why=str(error))
                await asyncio.sleep(RETRY_S)
                self._changed.set()

    async def count(self) -> None:
        """For ever: how many calls Asterisk has screened, which no daemon sees."""
        while True:
            try:
                for outcome in OUTCOMES:
                    self.calls[outcome] = int(await self.ami.variable(f"SCREENED_{outcome.upper()}") or 0)
            except (AsteriskError, ValueError):
                pass  # What was known stays, until the manager interface is back.
            await asyncio.sleep(COUNT_S)

    async def _agree(self) -> None:
        wanted = await asyncio.to_thread(rows, dict(self.wanted), self.rules, self.zone)  # 0.8 s for 100,000 numbers.
        if self._there is None:
            self._there = await self.ami.db_tree(FAMILY)
            for key in set(await self.ami.db_tree(APPEALED)) - wanted.keys():
                await self.ami.db_del(APPEALED, key)
        there = self._there
        gone, new = await asyncio.to_thread(_differences, there, wanted)
        for key in gone:
            await self.ami.db_del(FAMILY, key)
            await self.ami.db_del(APPEALED, key)
            there.pop(key, None)
        for key, value in new.items():
            await self.ami.db_put(FAMILY, key, value)
            there[key] = value
        self.agrees = not self._changed.is_set()
