"""`python -m tests.chaos`: each case on a fresh daemon and store, while SIPp calls come and go; what it prints is in
docs/contributor.md."""

import asyncio
import contextlib
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from ari_app.phones.sip import PhoneError
from ari_app.phones.sipp import Agents, Callers, Load, Running, run_agents, running_callers
from tests.chaos import invariants
from tests.chaos.cases import Case
from tests.chaos.house import SIPP_MEDIA, House, Machine, house
from tests.chaos.phases import OTHERS, PHASES, Lost
from tests.chaos.site import LOAD_AGENTS, MENU

LOAD_S: Final = 180.0  # A case never lasts longer.
STAY_S: Final = 3.0
PATIENCE_S: Final = 30.0  # For an answer: longer than anything may take.


@dataclass
class Row:
    """One case's line of the table. `broken`: invariants that did not hold. `notes`: what was lost, and why."""

    case: str
    asterisk_lives: bool
    live: int = 0
    lost: int = 0
    in_order: bool = True
    recover_s: float | None = None
    rows_open: int = 0
    booked: int | None = None
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.broken and (not self.asterisk_lives or (not self.lost and self.in_order))


async def run_case(machine: Machine, case: Case, seed: int) -> Row:
    """Bring the calls there, hurt, look who is still served, and at what is left over."""
    row = Row(case.name, case.asterisk_lives)
    async with house(machine, case.name, case.changes, standby=case.standby) as at:
        at.notes = row.notes
        running: Running | None = None
        try:
            async with asyncio.timeout(LOAD_S), _load(at, case.load) as running:
                await _hurt(at, case, Random(f"{case.name} {seed}"), row)
                await at.people.aclose()
            row.broken += await invariants.at_rest(at)
        except Exception as error:
            row.broken.append(f"the case failed: {type(error).__name__} {error}")
            row.notes.append(traceback.format_exc(limit=-3))
        if any(states := await at.leave()):
            row.broken.append(f"a daemon ended with {states}")
        row.rows_open = invariants.rows_open(at.site.store)
        row.broken += invariants.books(at.site.store, at.logs())
        if running is not None and running.load is not None:
            _count_load(row, running.load, invariants.refused(at.site.store))
    return row


async def _hurt(at: House, case: Case, seed: Random, row: Row) -> None:
    stories = {name: story(at) for name, story in (PHASES | OTHERS).items() if name in case.phases}
    for story in stories.values():
        await anext(story)
    row.live = len((await at.get("/api/live"))["calls"])
    began = await case.fault(at, seed)
    linked = await at.linked()
    if await load_agents(at):
        at.notes.append("agents were signed out")
    if case.asterisk_lives:
        for name, story in stories.items():
            await _outcome(name, story, row)
    else:
        await _anew(at, stories, row)
    row.recover_s = round(max(linked, at.first_ring_at or linked) - began, 2)
    if "booked" in case.phases:
        row.booked = len((await at.get("/api/callbacks"))["callbacks"])


async def _outcome(name: str, story: AsyncGenerator[int, None], row: Row) -> None:
    """Take the story to its end."""
    try:
        with contextlib.suppress(StopAsyncIteration):
            await anext(story)
    except Lost as lost:
        row.lost += lost.count
        row.in_order &= lost.in_order
        row.notes.append(f"{name}: {lost}")
        if not lost.count and lost.in_order:
            row.broken.append(f"{name}: {lost}")
    except (PhoneError, TimeoutError, AssertionError) as error:
        row.lost += 1
        row.notes.append(f"{name}: {type(error).__name__} {error}")


async def _anew(at: House, stories: dict[str, AsyncGenerator[int, None]], row: Row) -> None:
    """Asterisk died, and with it every call; whoever calls afterwards must be served."""
    for story in stories.values():
        await story.aclose()
    row.lost = row.live
    try:
        async for _ in PHASES["menu"](at):
            pass
    except (Lost, PhoneError, TimeoutError, AssertionError) as error:
        row.broken.append(f"nobody is served afterwards: {type(error).__name__} {error}")


async def load_agents(at: House) -> int:
    """The load's agents, signed in and ready, if they are not; how many were not signed in."""
    agents = (await at.get("/api/agents"))["agents"]
    away = [each["number"] for each in agents if each["number"] in LOAD_AGENTS and each["state"] == "signed-out"]
    for agent in away:
        await at.does(agent, "sign-in")
        await at.does(agent, "ready")
    return len(away)


def load_phones(at: House) -> Agents:
    """The phones of the load's agents, on ports of this machine's own."""
    first = at.machine.first_port
    return Agents(first + 6, media_port=first + 12)


@asynccontextmanager
async def _load(at: House, rate: float) -> AsyncIterator[Running]:
    """Callers and their agents by SIPp, for as long as the block lasts."""
    async with run_agents(load_phones(at), LOAD_S):
        await load_agents(at)
        media = at.machine.first_port + SIPP_MEDIA
        callers = Callers(MENU, rate, LOAD_S, stay_s=STAY_S, answer_s=PATIENCE_S, media_port=media)
        async with running_callers(at.sip, callers) as running:
            yield running


def _count_load(row: Row, load: Load, refused: int) -> None:
    """Callers of the load that were hung up on, but for those the door turned away."""
    lost = max(0, load.hung_up_on - refused) + load.failed
    row.lost += lost
    if lost:
        row.notes.append(
            f"load: {load.hung_up_on} hung up on ({refused} refused), {load.failed} failed {load.failures}"
        )
