"""Two daemons on one store and one Asterisk: the active one killed, frozen, told to hand over. Who talks goes on
talking, who waits keeps his place, and the next caller is served, by the other one."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from ari_app.errors import HotlineError
from ari_app.model.facts import CallOpened, DaemonStarted, Queued
from ari_app.store.reader import open_reader
from tests.e2e.kit import talk
from tests.e2e.test_calls import to_queue
from tests.e2e.test_daemon import READY_S, House, Process, a_house, connected, goes_on, said_by

STALE_S = 1.0
LATE_S = 30.0  # Only a fault takes so long. How fast it is, the chaos cases measure: standby-kill9, -frozen, handover.


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with a_house(tmp_path_factory.mktemp("pair"), {"standby": {"stale_s": STALE_S}}) as house:
        yield house


@asynccontextmanager
async def standby(house: House, node: str) -> AsyncIterator[Process]:
    """Waiting, with everything checked."""
    async with house.daemon(ready=False, options=("--standby", "--node", node)) as waiting:
        async with asyncio.timeout(20):
            while not waiting.said("waiting for the active daemon to end"):
                assert waiting.process.returncode is None, waiting.text
                await asyncio.sleep(0.02)
        yield waiting


def nodes(house: House) -> tuple[str, str]:
    """Names of the active one and of the one that waits."""
    found = json.loads(said_by(house, "status", "--json").splitlines()[-1])
    return tuple(found[what]["node"] if found[what] else "" for what in ("active", "standby"))  # type: ignore[return-value]


async def taken_over(house: House, by: Process, since: float) -> None:
    """The other one serves, all its parts well; it took the store before it went to work."""
    async with asyncio.timeout(LATE_S):
        while not by.said("ready"):
            assert by.process.returncode is None, by.text
            await asyncio.sleep(0.01)
    print(f"taken over in {time.monotonic() - since:.2f} s")
    assert (await house.health(by))["ok"]
    assert in_order(by, "standby", "taking over", "link to Asterisk is up", "ready")


def in_order(by: Process, *events: str) -> bool:
    """Whether its log says all of this, each for the first time after the one before."""
    said = [json.loads(line)["event"] for line in by.text.splitlines() if line.startswith("{")]
    places = [said.index(event) for event in events]
    return places == sorted(places)


async def test_a_standby_takes_over_from_one_that_was_killed(house: House) -> None:
    async with (
        house.desk("8025") as desk,
        house.desk("8026") as spare,
        house.caller() as caller,
        house.caller("13800000004") as earlier,
        house.caller("13800000005") as later,
        house.daemon(options=("--standby", "--node", "a")) as first,
        standby(house, "b") as second,
    ):
        assert nodes(house) == ("a", "b")
        watch = house.watch()
        call, answering, _ = await connected(house, watch, caller, desk, "8025")
        waiting = []
        for n, phone in enumerate((earlier, later)):
            waiting.append(await to_queue(phone))
            await watch.fact(Queued, count=n + 2)
        killed = time.monotonic()
        await first.kill()
        async with house.caller("13800000003") as hasty:
            ringing = await hasty.dial("1860")  # Nobody is there to take the call: it rings until somebody is.
            await goes_on(call, answering)
            await taken_over(house, second, killed)
            await watch.fact(CallOpened, LATE_S, caller="13800000003")
            await ringing.wait_silence_end(5)
            await ringing.hangup()
        assert nodes(house) == ("b", "")
        await goes_on(call, answering)
        await house.ask("8026", "sign-in", "ready")
        for waits in waiting:  # In their order, each still on the line.
            helping = await spare.incoming(10)
            assert helping.caller == waits.caller
            await talk(waits, helping, 0.2)
            await waits.hangup()
            await helping.wait_ended()
        await call.hangup()
        await answering.wait_ended()
        await house.at_rest()
        assert second.said("bug: the board failed on an event") == []


async def test_a_frozen_daemon_is_ended_before_its_standby_takes_over(house: House) -> None:
    async with (
        house.desk("8025") as desk,
        house.caller() as caller,
        house.daemon(options=("--node", "a")) as first,
        standby(house, "b") as second,
    ):
        watch = house.watch()
        call, answering, _ = await connected(house, watch, caller, desk, "8025")
        first.tell(signal.SIGSTOP)
        frozen = time.monotonic()
        await taken_over(house, second, frozen)
        assert await first.ended(1) == -signal.SIGKILL  # It will never wake, to write or to command.
        assert in_order(second, "the active daemon showed no sign of life: killed, to take over", "taking over")
        await goes_on(call, answering)
        await call.hangup()
        await answering.wait_ended()
        await house.at_rest()


async def test_handing_over_is_noticed_by_nobody(house: House) -> None:
    async with house.desk("8025") as desk, house.caller() as caller, house.daemon(options=("--node", "a")) as first:
        with pytest.raises(HotlineError, match="no standby waits"):
            await asyncio.to_thread(house.api.post, "/api/handover", {})
        watch = house.watch()
        call, answering, _ = await connected(house, watch, caller, desk, "8025")
        async with standby(house, "b") as second:
            said = await asyncio.to_thread(said_by, house, "handover", "--json")
            done = json.loads(said.splitlines()[-1])
            print(f"handed over in {done['seconds']} s")
            assert done["active"]["node"] == "b", done
            assert await first.ended(LATE_S) == 0
            assert in_order(first, "handing over", "stopped") and not first.said("draining")
            assert in_order(second, "standby", "taking over")
            await goes_on(call, answering)
            async with standby(house, "c"):
                second.tell(signal.SIGTERM)  # With a standby: a hand-over, not a drain.
                assert await second.ended(LATE_S) == 0
                await watch.fact(DaemonStarted, LATE_S, count=2)
                await goes_on(call, answering)
                await call.hangup()
                await answering.wait_ended()
                await house.at_rest()
    with open_reader(house.store) as reader:
        assert reader.open_calls() == []


async def another_store_is_refused(house: House, first: Process) -> None:
    stray = house.write("stray.yaml", {"paths": {"state": str(house.store.parent / "stray")}})
    async with house.daemon(stray, ready=False) as second:
        assert await second.ended(READY_S) == 1
        told = [line for line in second.text.splitlines() if not line.startswith("{")]
        assert told[0].startswith(f"Another daemon (pid {first.process.pid}) serves the application 'hotline'")
    assert (await house.health(first))["ok"] and not first.said("no link to Asterisk; trying again")
