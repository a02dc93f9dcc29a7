"""The daemon as a process: killed, told to stop, started twice, started without what it needs; and the commands
beside it. One Asterisk and one store for the whole file, so that each daemon finds what the one before it left."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from typer.testing import CliRunner

from ari_app import cli
from ari_app.ari.connection import Address
from ari_app.errors import HotlineError
from ari_app.model.facts import (
    CallClosed,
    CallRefused,
    Connected,
    Fact,
    RecordingRunning,
    RecordingStored,
    TalkEnded,
)
from ari_app.model.ids import CallId
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone
from ari_app.store import projections
from ari_app.store.history import open_history
from ari_app.store.journal import Journal
from ari_app.store.reader import open_reader
from ari_app.store.rebuild import rebuild
from ari_app.web.client import Api
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CALLER, CHANGES, PORTS, talk
from tests.e2e.test_calls import to_queue
from tests.unit.store_calls import on_disk

F = TypeVar("F")
DRAIN_S = 20
READY_S = 40
NO_LINK = "no link to Asterisk; trying again"
AT_ONCE_S = 5  # A daemon that has nothing to wait for ends within.
QUICK: dict[str, Any] = {
    "queues": {"billing": {"recording": {"policy": "always"}, "whisper": ""}, "network": {"whisper": ""}},
    "limits": {"drain_s": DRAIN_S},
    "log": {"format": "json", "level": "debug"},
}


@dataclass
class Process:
    """One `hotline run`."""

    process: asyncio.subprocess.Process
    file: Path

    @property
    def text(self) -> str:
        """All it has written."""
        return self.file.read_text()

    def said(self, event: str, level: str = "") -> list[dict[str, Any]]:
        """The lines of its log that say this."""
        lines = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event and level in ("", line["level"])]

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def drain(self) -> None:
        """Told to stop, it waits for the calls there are."""
        self.tell(signal.SIGTERM)
        async with asyncio.timeout(5):
            while not self.said("draining"):
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """As a crash would: no word, no clean end."""
        self.process.kill()
        await self.process.wait()

    async def ended(self, timeout_s: float) -> int:
        """Its exit status. TimeoutError."""
        return await asyncio.wait_for(self.process.wait(), timeout_s)


@dataclass
class Watch:
    """Facts in the store, after those that were there at the beginning."""

    store: Path
    since: int

    async def fact(self, kind: type[F], timeout_s: float = 10, count: int = 1, **values: object) -> F:
        """The `count`-th fact of a kind with these field values."""
        found: list[Any] = []
        async with asyncio.timeout(timeout_s):
            while len(found) < count:
                await asyncio.sleep(0.03)
                with open_reader(self.store) as reader:
                    facts = [kept.fact for kept in reader.facts_after(self.since, 100_000)]
                found = [
                    fact
                    for fact in facts
                    if isinstance(fact, kind) and all(getattr(fact, key) == value for key, value in values.items())
                ]
        match: F = found[count - 1]
        return match


@dataclass
class House:
    """A config.yaml, its secrets, its store, its Asterisk."""

    asterisk: RunningAsterisk
    config: Path
    store: Path
    started: int = 0

    @property
    def api(self) -> Api:
        web = self.asterisk.settings.web
        return Api(f"http://{web.listen}:{web.port}", self.asterisk.secrets.api_token)

    @property
    def recordings(self) -> Path:
        return self.store.parent / "recordings"

    def write(self, name: str, changes: dict[str, Any]) -> Path:
        """Another config.yaml beside ours."""
        path = self.config.with_name(name)
        path.write_text(yaml.safe_dump(merged(plain(self.asterisk), changes), sort_keys=False))
        return path

    @asynccontextmanager
    async def daemon(
        self, config: Path | None = None, ready: bool = True, options: Sequence[str] = ()
    ) -> AsyncIterator[Process]:
        """A daemon; killed at the end if it still lives."""
        self.started += 1
        file = self.config.with_name(f"daemon-{self.started}.log")
        with file.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ari_app", "run", *options),
                cwd=REPOSITORY,
                env={**os.environ, "HOTLINE_CONFIG": str(config or self.config)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        daemon = Process(process, file)
        try:
            if ready:
                await self.healthy(daemon)
            yield daemon
        finally:
            if process.returncode is None:
                await daemon.kill()

    async def health(self, daemon: Process) -> dict[str, Any]:
        """What /healthz says, once it says anything."""
        async with asyncio.timeout(READY_S):
            while True:
                assert daemon.process.returncode is None, daemon.text
                try:
                    found: dict[str, Any] = await asyncio.to_thread(self.api.get, "/healthz")
                    return found
                except HotlineError:
                    await asyncio.sleep(0.05)

    async def healthy(self, daemon: Process, timeout_s: float = READY_S) -> None:
        async with asyncio.timeout(timeout_s):
            while not (await self.health(daemon))["ok"]:
                await asyncio.sleep(0.05)

    def watch(self) -> Watch:
        with open_reader(self.store) as reader:
            return Watch(self.store, reader.last_fact())

    async def ask(self, agent: str, *wishes: str) -> None:
        for wish in wishes:
            await asyncio.to_thread(self.api.ask, agent, wish)

    def desk(self, agent: str) -> Phone:
        name = self.asterisk.settings.agents[agent].phone
        return Phone(name, self.asterisk.secrets.phones[name], self.asterisk.sip, PORTS, register=True)

    def caller(self, number: str = CALLER) -> Phone:
        return Phone(number, None, self.asterisk.sip, PORTS)

    async def listing(self, what: str) -> list[dict[str, Any]]:
        url = self.asterisk.ari_url
        address = Address(url, "hotline", self.asterisk.secrets.ari_password, "hotline")
        async with address.session() as session, session.get(f"{url}/{what}") as got:
            listed: list[dict[str, Any]] = await got.json()
            return listed

    async def left(self) -> dict[str, list[Any]]:
        """What is there that should have ended: channels, bridges but music, rows."""
        found = {
            "channels": [channel["name"] for channel in await self.listing("channels")],
            "bridges": [b["id"] for b in await self.listing("bridges") if not b["id"].startswith("music-")],
            "rows": open_rows(self.store),
        }
        return {what: those for what, those in found.items() if those}

    async def at_rest(self, timeout_s: float = 8) -> None:
        """Nothing left in Asterisk but music, every row closed."""
        until = time.monotonic() + timeout_s
        while (left := await self.left()) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        assert not left


def plain(asterisk: RunningAsterisk) -> dict[str, Any]:
    """The settings as config.yaml holds them, for a folder outside the repository."""
    data = asterisk.settings.model_dump(mode="json", exclude_none=True)
    root = os.environ.get("HOTLINE_ASTERISK_ROOT", str(REPOSITORY / ".asterisk"))
    ours = {name: str(REPOSITORY / folder) for name, folder in (("flows", "ivr_flows"), ("scripts", "agi_scripts"))}
    return merged(data, {"paths": {**ours, "asterisk_root": root}})


ENDS = {
    "call": "closed_at",
    "leg": "closed_at",
    "ivr_step": "left_at",
    "queue_visit": "left_at",
    "offer": "ended_at",
    "talk": "ended_at",
    "hold": "ended_at",
}


def open_rows(store: Path) -> list[tuple[str, str]]:
    """What has begun and not ended: table and call."""
    with closing(sqlite3.connect(store)) as conn:
        asked = ((table, f"SELECT call FROM {table} WHERE {end} IS NULL") for table, end in ENDS.items())
        return [(table, row[0]) for table, sql in asked for row in conn.execute(sql)]


def note(store: Path, fact: Fact) -> None:
    """As a daemon would have that was killed right afterwards."""
    journal = Journal.open(store)
    journal.next_epoch()
    journal.append([("fact", time.time(), fact)]).result(5)
    journal.close()


def rows_of(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(store)) as conn:
        return {table: conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in projections.TABLES}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with a_house(tmp_path_factory.mktemp("house"), {}) as house:
        yield house


@contextmanager
def a_house(folder: Path, changes: dict[str, Any]) -> Iterator[House]:
    """With an Asterisk of its own; `changes` to config.yaml."""
    with running_asterisk(folder, merged(merged(CHANGES, QUICK), changes)) as asterisk:
        house = House(asterisk, asterisk.folder / "config.yaml", asterisk.folder / "hotline.db")
        house.write("config.yaml", {})
        secrets = asterisk.folder / "secrets.yaml"
        secrets.touch(mode=0o600)
        secrets.write_text(yaml.safe_dump(asterisk.secrets.model_dump()))
        yield house


async def connected(house: House, watch: Watch, caller: Phone, desk: Phone, agent: str) -> tuple[Call, Call, CallId]:
    """A caller and an agent who hear each other, and their call's id."""
    await house.ask(agent, "sign-in", "ready")
    call = await to_queue(caller)
    answering = await desk.incoming(15)
    await talk(call, answering)
    return call, answering, (await watch.fact(Connected, agent=agent)).call


async def goes_on(caller: Call, agent: Call) -> None:
    """Both hear what the other says now, which is not what was said before."""
    await talk(caller, agent, 0.2, hz=(700, 1000))
    await talk(caller, agent, 0.2)


# -- killed --


async def test_a_talk_outlives_its_daemon(house: House) -> None:
    async with house.desk("8025") as desk, house.desk("8026") as spare, house.caller() as caller:
        async with house.daemon() as first:
            watch = house.watch()
            call, answering, lost = await connected(house, watch, caller, desk, "8025")
            began = time.monotonic()
            await first.kill()
            await goes_on(call, answering)
        async with house.daemon() as second, house.caller("13800000002") as other:
            await goes_on(call, answering)
            new, helping, served = await connected(house, watch, other, spare, "8026")
            await new.hangup()
            assert (await watch.fact(CallClosed, call=served)).by == "caller"
            assert helping.ended.is_set() or await helping.wait_ended() is None
            await goes_on(call, answering)
            lasted = time.monotonic() - began
            await call.hangup()
            assert (await watch.fact(CallClosed, call=lost)).by == "caller"
            await answering.wait_ended()
            stored = await watch.fact(RecordingStored, call=lost)
            await watch.fact(RecordingStored, call=served)
            await house.at_rest()
            assert second.said("bug: the board failed on an event") == []
    _, (left, right) = audio.read_wav(house.recordings / stored.path)
    assert stored.seconds > lasted
    assert audio.heard(left, 700) and audio.heard(right, 1000)


async def test_a_closed_call_still_gets_its_recording(house: House) -> None:
    """Killed after the end of the call was noted and before the sides of its recording were joined."""
    async with house.desk("8025") as desk, house.caller() as caller:
        async with house.daemon() as first:
            watch = house.watch()
            call, answering, served = await connected(house, watch, caller, desk, "8025")
            await watch.fact(RecordingRunning, call=served)
            await goes_on(call, answering)
            await first.kill()
        await asyncio.gather(call.hangup(), answering.hangup())
        note(house.store, CallClosed(served, "caller", "", 16, 9.0))
        async with house.daemon():
            stored = await watch.fact(RecordingStored, call=served)
            await house.at_rest()
    _, (left, right) = audio.read_wav(house.recordings / stored.path)
    assert audio.heard(left, 700) and audio.heard(right, 1000)


# -- told to stop --


async def test_sigterm_lets_the_talk_end(house: House) -> None:
    async with house.desk("8025") as desk, house.caller() as caller, house.daemon() as daemon:
        watch = house.watch()
        call, answering, served = await connected(house, watch, caller, desk, "8025")
        await daemon.drain()
        async with house.caller("13800000003") as late:
            refused = await late.dial("1860")
            await refused.wait_silence_end(5)
            why = await watch.fact(CallRefused)
            await refused.wait_ended(15)
            assert (why.reason, refused.ended_by) == ("draining", "them")
        await goes_on(call, answering)
        assert daemon.process.returncode is None
        await call.hangup()
        assert await daemon.ended(AT_ONCE_S) == 0
        assert (await watch.fact(CallClosed, call=served)).by == "caller"
        await watch.fact(CallClosed, call=why.call, by="refused")
        await watch.fact(RecordingStored, call=served)
        await house.at_rest()


async def test_a_second_sigterm_ends_at_once_and_the_talk_goes_on(house: House) -> None:
    async with house.desk("8025") as desk, house.caller() as caller:
        async with house.daemon() as daemon:
            watch = house.watch()
            call, answering, served = await connected(house, watch, caller, desk, "8025")
            await daemon.drain()
            daemon.tell(signal.SIGTERM)
            assert await daemon.ended(AT_ONCE_S) == 0
        await goes_on(call, answering)
        async with house.daemon() as daemon:
            await answering.hangup()
            assert (await watch.fact(TalkEnded, call=served)).by == "agent"
            await call.hangup()
            await watch.fact(CallClosed, call=served)
            await watch.fact(RecordingStored, call=served)
            await house.at_rest()
            daemon.tell(signal.SIGINT)
            assert await daemon.ended(AT_ONCE_S) == 0


# -- what it needs and does not get --

BAD_CONFIG = """name: Bad
numbers: {"1860": {flow: main}}
queues:
  billing: {skills: {billing: 1}, ring_s: soon}
colour: red
"""


async def test_what_cannot_be_started_says_why_and_starts_nothing(house: House) -> None:
    folder, port = house.config.parent, house.asterisk.settings.web.port
    taken = house.write("taken.yaml", {"paths": {"state": str(folder / "taken")}, "asterisk": {"app": "other"}})
    bad = house.config.with_name("bad.yaml")
    bad.write_text(f"{BAD_CONFIG}paths: {{state: {folder / 'bad'}}}\n")
    async with (
        house.daemon() as first,
        house.daemon(ready=False) as second,
        house.daemon(taken, ready=False) as third,
        house.daemon(bad, ready=False) as fourth,
    ):
        assert await asyncio.gather(*(each.ended(READY_S) for each in (second, third, fourth))) == [1, 1, 1]
        told = [line for line in second.text.splitlines() if not line.startswith("{")]
        assert told[0] == f"A daemon already runs on the store {house.store} (pid {first.process.pid})."
        assert len(told) == 2 and told[1].startswith(f"Stop it (kill {first.process.pid})")
        told = [line for line in third.text.splitlines() if not line.startswith("{")]
        assert re.fullmatch(
            rf"{re.escape(str(taken))}(:\d+:\d+)?  web\.port: tcp port {port} on .* cannot be had.*", told[0]
        )
        assert len(told) == 1
        told = [line.partition("  ")[0] for line in fourth.text.splitlines()]
        assert told == [f"{bad}:{place}" for place in ("2:26", "4:22", "4:43", "5:1")], fourth.text
        assert not (folder / "bad").exists()
        assert (await house.health(first))["ok"]
        first.tell(signal.SIGTERM)
        assert await first.ended(AT_ONCE_S) == 0


async def test_without_asterisk_it_waits_and_says_so_once(house: House) -> None:
    instance = house.asterisk.instance
    await asyncio.to_thread(instance.stop)
    async with house.daemon(ready=False) as daemon:
        health = await house.health(daemon)
        async with asyncio.timeout(READY_S):
            while "not connected yet" in str(health["parts"]):  # It has not tried both ways in.
                health = await house.health(daemon)
        assert not health["ok"] and health["stake"]
        assert {name: part["ok"] for name, part in health["parts"].items()} == {
            **dict.fromkeys(health["parts"], True),
            "asterisk": False,
            "ami": False,
        }
        assert "cannot connect" in health["parts"]["asterisk"]["text"]
        assert "cannot reach" in health["parts"]["ami"]["text"]
        async with asyncio.timeout(10):
            while len(daemon.said(NO_LINK, "debug")) < 3:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(instance.start)
        await house.healthy(daemon)
        reasons = [line["reason"] for line in daemon.said(NO_LINK, "error")]
        assert reasons.count("cannot connect: connection refused") == 1 and len(reasons) <= 3, reasons
        assert len(daemon.said("manager interface of Asterisk", "warning")) == 1
        watch = house.watch()
        async with house.desk("8025") as desk, house.caller() as caller:
            call, _, served = await connected(house, watch, caller, desk, "8025")
            await call.hangup()
            await watch.fact(RecordingStored, call=served)
        await house.at_rest()


async def test_a_wrong_password_is_said_once(house: House) -> None:
    folder = house.config.parent / "wrong"
    folder.mkdir()
    (folder / "secrets.yaml").touch(mode=0o600)
    (folder / "secrets.yaml").write_text(
        yaml.safe_dump({**house.asterisk.secrets.model_dump(), "ari_password": "not-the-one"})
    )
    async with house.daemon(house.write("wrong.yaml", {"paths": {"state": str(folder)}}), ready=False) as daemon:
        async with asyncio.timeout(30):
            while not daemon.said(NO_LINK, "debug"):  # It has tried again.
                await asyncio.sleep(0.1)
        health = await house.health(daemon)
        assert not health["parts"]["asterisk"]["ok"] and health["parts"]["ami"]["ok"]
        assert "wrong ARI user or password" in health["parts"]["asterisk"]["text"]
        assert len(daemon.said(NO_LINK, "error")) == 1
        assert "not-the-one" not in daemon.text
        daemon.tell(signal.SIGTERM)
        assert await daemon.ended(AT_ONCE_S) == 0
        assert not daemon.said("ready")


# -- the commands, and what the whole file has left in the store --


def said_by(house: House, *words: str) -> str:
    """What a command prints, having ended well."""
    done = CliRunner().invoke(cli.app, words, env={"HOTLINE_CONFIG": str(house.config)})
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.output


async def test_the_pin_is_in_no_log(house: House) -> None:
    """With everything logged that can be: debug."""
    pin = "73519642"
    async with house.daemon() as daemon, house.desk("8025") as desk:
        call = await desk.dial("*11")
        await call.wait_silence_end(5)
        await call.press(f"8025#{pin}#")
        await call.wait_ended(30)
        await house.at_rest()
        text = daemon.text
    assert daemon.said("ready", "info") and '"level": "debug"' in text
    assert pin not in text
    assert pin.encode() not in on_disk(house.store)


async def test_the_commands_beside_a_running_daemon(house: House) -> None:
    async with house.daemon() as daemon:
        watch = house.watch()
        async with house.desk("8025") as desk, house.caller() as caller:
            call, _, served = await connected(house, watch, caller, desk, "8025")
            agents = json.loads(said_by(house, "agent", "list", "--json").splitlines()[-1])["agents"]
            assert {agent["number"]: agent["state"] for agent in agents}["8025"] == "talking"
            assert "8025  talking" in said_by(house, "agent", "list")
            await call.hangup()
            stored = await watch.fact(RecordingStored, call=served)
            by = ("--by", "8026")
            assert "8025: not-ready" in said_by(house, "agent", "force", "8025", "not-ready", *by, "--reason", "left")
            assert "supervisor" in said_by(house, "agent", "list")
        await house.at_rest()
        assert "step 1 (floating experts) taken" in said_by(house, "surge", "step", *by, "--why", "a fair")
        assert "by 8026: a fair" in said_by(house, "surge", "status")
        assert "8026" in said_by(house, "surge", "status") and "surge: billing 3" in said_by(house, "agent", "list")
        assert "step 1 (floating experts) undone" in said_by(house, "surge", "undo", *by, "--why", "over")
        plan = json.loads(said_by(house, "surge", "status", "--json").splitlines()[-1])["surge"]
        assert plan["armed"] and not [step for step in plan["steps"] if step["taken_at"]]
        listed = said_by(house, "call", "list")
        assert listed.splitlines()[0].startswith(f"{served:>8}  2") and "138****8000" in listed and CALLER not in listed
        newest = json.loads(said_by(house, "call", "list", "--limit", "1", "--json").splitlines()[-1])["calls"]
        assert [(each["call"], each["queue"], each["agent"]) for each in newest] == [(served, "billing", "8025")]
        shown = said_by(house, "call", "show", served)
        assert "billing" in shown and "8025" in shown and CALLER not in shown
        assert CALLER in said_by(house, "call", "show", served, "--numbers")
        assert stored.path in said_by(house, "recording", "list")
        assert " 0 problems" in said_by(house, "recording", "verify")
        checks = json.loads(said_by(house, "doctor", "--json").splitlines()[-1])
        assert checks["ok"] and {"daemon", "free disk"} <= {check["name"] for check in checks["checks"]}
        assert "channels" in said_by(house, "asterisk", "status")
        assert said_by(house, "config", "check").rstrip().endswith("ok")
        assert said_by(house, "flow", "check").rstrip().endswith("ok")
        assert "pjsip.conf" in said_by(house, "conf", "show")
        daemon.tell(signal.SIGTERM)
        assert await daemon.ended(AT_ONCE_S) == 0


def test_every_run_replays_and_the_projections_can_be_made_anew(house: House) -> None:
    with open_history(house.store) as history:
        epochs = sorted(history.epochs)
    assert len(epochs) >= house.started - 4  # Those that were refused have no run.
    for epoch in epochs:
        assert "every decision as it was" in said_by(house, "replay", str(epoch))
    live = rows_of(house.store)
    rebuild(house.store)
    assert rows_of(house.store) == live
