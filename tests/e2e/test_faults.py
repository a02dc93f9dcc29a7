"""What breaks around a running hotline, on an Asterisk of its own: the links cut or silent, Asterisk restarted, the
store locked or full, messages nobody understands. Running calls go on, nothing is lost, nothing stays stuck."""

import asyncio
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.ari.connection import EventSocket
from ari_app.errors import StoreError
from ari_app.model.effects import Warn
from ari_app.model.facts import (
    CallClosed,
    CallRefused,
    Connected,
    Fact,
    Queued,
    QueueLeft,
    RecordingMissed,
    RecordingRunning,
    RecordingStored,
)
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.store import look, projections
from ari_app.store.damage import damaged_stores
from ari_app.store.history import open_history
from ari_app.store.journal import Options
from ari_app.store.reader import open_reader
from ari_app.store.rebuild import rebuild
from ari_app.web.client import Api
from tests.asterisk import RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, Hotline, running_hotline, talk
from tests.e2e.test_calls import to_queue
from tests.unit.test_store_check import says
from tests.unit.test_store_damage import harm_unread
from tests.wire import Wire

AT_ONCE: dict[str, Any] = {"queues": {"billing": {"recording": {"policy": "always"}, "whisper": ""}}}
NOTICED_S = 10  # A silent link, after its last word.
RETRY_S = 2  # How long rows wait in memory for a store in trouble.


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    with running_asterisk(tmp_path_factory.mktemp("box"), merged(CHANGES, AT_ONCE)) as asterisk:
        yield asterisk


@pytest.fixture(scope="module", autouse=True)
def kept_alike(box: RunningAsterisk) -> Iterator[None]:
    """After the last test: the projections made anew from the facts are those that were kept up meanwhile."""
    yield
    store = box.folder / "hotline.db"
    live = rows_of(store)
    rebuild(store)
    assert rows_of(store) == live


def rows_of(store: Any) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(store)) as conn:
        return {table: conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in projections.TABLES}


@asynccontextmanager
async def wired(box: RunningAsterisk) -> AsyncIterator[tuple[Hotline, Wire, Wire]]:
    """A hotline whose two lines to Asterisk can be cut: ARI's, and the manager interface's."""
    at = box.settings.asterisk
    async with Wire(at.http_port) as ari, Wire(at.ami_port) as ami:
        ports = {"http_port": ari.port, "ami_port": ami.port}
        settings = box.settings.model_copy(update={"asterisk": at.model_copy(update=ports)})
        async with running_hotline(replace(box, settings=settings)) as hotline:
            yield hotline, ari, ami
            await hotline.at_rest()


async def until(fact: Callable[[], object], timeout_s: float = 10) -> None:
    """Until it holds. TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not fact():
            await asyncio.sleep(0.01)


async def health(hotline: Hotline) -> dict[str, Any]:
    """What /healthz says."""
    site = hotline.daemon.site
    found: dict[str, Any] = await asyncio.to_thread(Api(site.api_url, "").get, "/healthz")
    return found


async def refused(hotline: Hotline, count: int = 1) -> str:
    """Another caller dials and hears that all circuits are busy; the first listens to the end. Why, as noted."""
    async with hotline.caller("13800000009") as late:
        call = await late.dial("1860")
        await call.wait_silence_end(5)
        if count == 1:
            await call.wait_ended(20)
            assert call.ended_by == "them"
    why = await hotline.wait(CallRefused, count=count)
    await hotline.closed(call=why.call, by="refused" if count == 1 else "caller")
    return why.reason


async def goes_on(caller: Call, agent: Call) -> None:
    """Both hear what the other says now, which is not what was said before."""
    await talk(caller, agent, 0.2, hz=(700, 1000))
    await talk(caller, agent, 0.2)


async def all_kept(hotline: Hotline) -> None:
    """Every fact the board noted stands in the store, once and in order."""
    await asyncio.wrap_future(hotline.daemon.loop.committed())
    with open_history(hotline.daemon.site.store) as history:
        kept: list[Fact] = [fact for _, fact in history.facts(hotline.daemon.journal.epoch)]
    assert kept == hotline.facts
    assert hotline.daemon.journal.rejected == 0


# -- the links --


async def test_unrecorded_is_noticed_and_mended_when_the_manager_is_back(box: RunningAsterisk) -> None:
    async with wired(box) as (hotline, _, ami), hotline.agent("8025") as desk, hotline.caller() as caller:
        ami.cut(shut=True)
        await until(lambda: not hotline.daemon.ami.connected)
        said = await health(hotline)
        assert not said["ok"] and not said["parts"]["ami"]["ok"] and said["parts"]["asterisk"]["ok"]
        call = await to_queue(caller)
        answering = await desk.incoming()
        missed = await hotline.wait(RecordingMissed)
        assert missed.reason.startswith("down AMI is not connected"), missed.reason
        assert [w for w in hotline.effects if isinstance(w, Warn) and w.message.startswith("not recorded: down")]
        await talk(call, answering)
        ami.mend()
        running = await hotline.wait(RecordingRunning)
        await talk(call, answering, 1.0, hz=(700, 1000))
        await call.hangup()
        stored = await hotline.wait(RecordingStored)
        assert missed.recording == running.recording == stored.recording
        assert len([fact for fact in hotline.facts if isinstance(fact, RecordingMissed)]) == 1
        assert (await health(hotline))["ok"]
    _, (left, right) = audio.read_wav(hotline.daemon.site.recordings / stored.path)
    assert audio.heard(left, 700) and audio.heard(right, 1000)


async def test_a_silent_link_is_noticed_and_who_left_meanwhile_has_left(box: RunningAsterisk) -> None:
    async with (
        wired(box) as (hotline, ari, _),
        hotline.caller("13800000001") as one,
        hotline.caller("13800000002") as two,
    ):
        leaves, stays = await to_queue(one), await to_queue(two)
        await hotline.wait(Queued, count=2)
        began = time.monotonic()
        ari.silence()
        await leaves.hangup()
        await until(lambda: not hotline.daemon.ari.up, NOTICED_S)
        print(f"\nsilence noticed after {time.monotonic() - began:.1f} s")
        assert "no answer to a ping" in (await health(hotline))["parts"]["asterisk"]["text"]
        assert not [fact for fact in hotline.facts if isinstance(fact, CallClosed)]
        ari.cut()
        ari.silence(False)
        left = await hotline.wait(QueueLeft)
        assert left.outcome == "abandoned"
        await hotline.closed(call=left.call, by="caller")
        assert stays.ended_at is None
        async with hotline.agent("8025") as desk:
            answering = await desk.incoming()
            await talk(stays, answering)
            await stays.hangup()
            assert (await hotline.closed(count=2)).by == "caller"


async def test_asterisk_restarted_with_one_talking_and_one_waiting(box: RunningAsterisk) -> None:
    async with running_hotline(box) as hotline:
        async with hotline.agent("8025") as desk:
            async with hotline.caller("13800000001") as one, hotline.caller("13800000002") as two:
                first = await to_queue(one)
                answering = await desk.incoming()
                await talk(first, answering)
                second = await to_queue(two)
                await hotline.wait(Queued, count=2)
                losses = hotline.daemon.ari.counters["losses"]
                began = time.monotonic()
                await asyncio.to_thread(box.instance.cli, "core restart now")
                await asyncio.gather(*(each.wait_ended(10) for each in (first, second, answering)))
                await hotline.closed(count=2, timeout_s=20)
            await until(lambda: hotline.daemon.ari.counters["losses"] > losses, 20)
            await until(lambda: hotline.daemon.ari.up and hotline.daemon.ami.connected, 30)
            print(f"\nready again {time.monotonic() - began:.1f} s after the order to restart")
            assert {fact.by for fact in hotline.facts if isinstance(fact, CallClosed)} <= {"caller", "lost"}
            stored = await hotline.wait(RecordingStored)
            seat = hotline.daemon.loop.board.floor.seats["8025"]
            assert seat.state in ("ready", "not-ready"), seat
            print(f"the agent is {seat.state} {seat.reason}")
            await hotline.ask("8025", "ready")
            async with hotline.caller("13800000003") as three:
                third = await to_queue(three)
                answering = await desk.incoming(15)
                await talk(third, answering)
                await third.hangup()
                await hotline.closed(count=3)
                assert (await hotline.wait(RecordingStored, count=2)).recording != stored.recording
        await hotline.at_rest()
        await all_kept(hotline)


async def test_asterisk_killed_in_the_middle_of_a_talk(box: RunningAsterisk) -> None:
    """No word to anybody: not to the phones, not to us, and the recording's files are left as they were."""
    async with running_hotline(box) as hotline:
        async with hotline.agent("8025") as desk, hotline.caller("13800000001") as caller:
            call = await to_queue(caller)
            answering = await desk.incoming()
            await talk(call, answering, 3.0)  # Asterisk writes sound in pieces of 2 s: the last one is lost.
            pid = box.instance.pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda: not hotline.daemon.ari.up and not hotline.daemon.ami.connected)
            await asyncio.to_thread(box.instance.start)
            await until(lambda: hotline.daemon.ari.up and hotline.daemon.ami.connected, 30)
            assert (await hotline.closed()).by == "caller"
            assert (await hotline.wait(RecordingStored)).seconds >= 2
            await asyncio.gather(call.hangup(), answering.hangup())
            await hotline.ask("8025", "ready")
            call = await to_queue(caller)
            answering = await desk.incoming(15)
            await talk(call, answering)
            await call.hangup()
            await hotline.closed(count=2)
        await hotline.at_rest()
        await all_kept(hotline)


# -- the store --


@contextmanager
def locked(hotline: Hotline) -> Iterator[None]:
    """Another program holds the store."""
    other = sqlite3.connect(hotline.daemon.site.store, isolation_level=None, timeout=5)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def full(hotline: Hotline) -> Iterator[None]:
    """The store may grow no further."""
    conn = hotline.daemon.journal._conn  # Whatever is asked through the journal would have to wait for room.
    conn.execute(f"PRAGMA max_page_count = {conn.execute('PRAGMA page_count').fetchone()[0]}")
    try:
        yield
    finally:
        conn.execute("PRAGMA max_page_count = 1073741823")


@pytest.mark.parametrize("trouble", [locked, full])
async def test_a_store_in_trouble_costs_new_calls_only(
    box: RunningAsterisk, trouble: Callable[[Hotline], AbstractContextManager[None]]
) -> None:
    async with running_hotline(box) as hotline:
        hotline.daemon.journal._options = Options(retry_s=RETRY_S)
        async with hotline.agent("8025") as desk, hotline.agent("8026") as spare, hotline.caller("13800000001") as one:
            first = await to_queue(one)
            answering = await desk.incoming()
            await talk(first, answering)
            with trouble(hotline):
                async with asyncio.timeout(10):
                    while not hotline.daemon.door:  # Something to write, until no page has room for it.
                        await hotline.ask("8026", "not-ready")
                        await hotline.ask("8026", "ready")
                        await asyncio.sleep(0.005)
                assert (await refused(hotline)).startswith("store-")
                await until(lambda: hotline.daemon.journal.health == "emergency")
                said = await health(hotline)
                assert not said["ok"] and not said["parts"]["store"]["ok"] and not said["parts"]["door"]["ok"]
                assert said["stake"]
                await goes_on(first, answering)
                assert (await refused(hotline, count=2)).startswith("store-")
                await first.hangup()
                await hotline.wait(RecordingStored)
                await hotline.ask("8025", "not-ready", "meal")
            await until(lambda: hotline.daemon.journal.health == "ok" and not hotline.daemon.door)
            assert (await health(hotline))["ok"]
            async with hotline.caller("13800000002") as two:
                second = await to_queue(two)
                await talk(second, await spare.incoming())
                await second.hangup()
                assert (await hotline.closed(count=4)).by == "caller"
        await hotline.at_rest()
        await all_kept(hotline)
        with open_reader(hotline.daemon.site.store) as reader:
            assert [call.refused for call in reader.calls(4)].count(None) == 2


async def test_harm_in_a_large_store_is_found_while_callers_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the look; the daemon ends by it, and the next one has a new store."""
    monkeypatch.setattr("ari_app.daemon.LARGE", 0)
    monkeypatch.setattr("ari_app.store.lock.AT_WORK_S", 0.0)
    with running_asterisk(tmp_path, merged(CHANGES, AT_ONCE)) as box:
        async with running_hotline(box) as hotline:
            store = hotline.daemon.site.store
        harm_unread(store)
        says(store, boot="of the day before")
        looking, look_on = asyncio.Event(), asyncio.Event()

        async def beside(path: Path) -> str:
            looking.set()
            await look_on.wait()
            return await look.beside(path)

        monkeypatch.setattr("ari_app.daemon.look", SimpleNamespace(beside=beside))
        with pytest.raises(StoreError, match=r"^The store is damaged: .*invalid page number"):
            async with running_hotline(box) as hotline:
                await asyncio.wait_for(looking.wait(), 5)
                async with hotline.agent("8025") as desk, hotline.caller() as caller:
                    call = await to_queue(caller)
                    await talk(call, await desk.incoming())
                    await call.hangup()
                    await hotline.wait(RecordingStored)
                assert not hotline.daemon.journal.lock.holder.boot
                look_on.set()
                await asyncio.wait_for(hotline.daemon.stopping.wait(), 15)
        assert len(damaged_stores(store)) == 1
        async with running_hotline(box) as hotline, hotline.agent("8025") as desk, hotline.caller() as caller:
            call = await to_queue(caller)
            await talk(call, await desk.incoming())
            await call.hangup()
            assert (await hotline.closed()).by == "caller"


# -- messages --

NONSENSE: tuple[dict[str, Any], ...] = (
    {"type": "StasisStart"},
    {"type": "StasisStart", "channel": {"id": 7}, "args": None},
    {"type": "StasisStart", "channel": {"id": "x", "caller": {}, "name": ""}, "args": ["in"]},
    {"type": "StasisStart", "channel": {"id": "x", "name": "PJSIP/x-1"}, "args": ["coffee"]},
    {"type": "StasisEnd", "channel": {"id": "nobody"}},
    {"type": "ChannelDestroyed", "channel": {"id": "nobody"}, "cause": "ripe"},
    {"type": "ChannelDtmfReceived", "channel": {"id": "nobody"}, "digit": None},
    {"type": "ChannelStateChange", "channel": []},
    {"type": "PlaybackFinished", "playback": {"id": "no-such-playback", "state": "done"}},
    {"type": "PlaybackFinished", "playback": {"id": "", "state": "done"}},
    {"type": "Dial", "dialstatus": "RINGING"},
    {"type": "PeerStatusChange", "endpoint": "p8025"},
    {"type": "TeapotBoiled", "at": "noon"},
)


async def test_messages_nobody_understands_stop_nothing(box: RunningAsterisk, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = EventSocket.text

    def text(socket: EventSocket, message: bytes) -> None:
        """Nonsense after each real message."""
        heard(socket, message)
        for nonsense in NONSENSE:
            heard(socket, json.dumps(nonsense).encode())

    monkeypatch.setattr(EventSocket, "text", text)
    async with running_hotline(box) as hotline:
        async with hotline.agent("8025") as desk, hotline.caller() as caller:
            call = await to_queue(caller)
            await talk(call, await desk.incoming())
            await hotline.wait(Connected)
            await call.hangup()
            await hotline.wait(RecordingStored)
        await hotline.at_rest()
        unknown = hotline.daemon.ari.decoder.unknown
        assert unknown["TeapotBoiled"] > 10 and unknown["StasisStart coffee"] > 10
        assert hotline.daemon.ari.counters["losses"] == 0
        metrics = hotline.daemon.desk.metrics().decode()
        assert "TeapotBoiled" in metrics
        await all_kept(hotline)
