"""Flows changed, broken, rolled back and closed while callers are in them: a real daemon, a real Asterisk, real phones.

One Asterisk, one store and one folder of flows for the whole file; the tests stand in the order of one story.
"""

import asyncio
import json
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from typer.testing import CliRunner

from ari_app import cli
from ari_app.config.flows import version
from ari_app.media import pcm
from ari_app.model.facts import CallOpened, ClosureChanged, FlowsActivated, NodeEntered, Queued, QueueLeft
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone
from ari_app.store.history import open_history
from tests.asterisk import REPOSITORY, merged, running_asterisk
from tests.e2e.kit import CHANGES
from tests.e2e.test_daemon import QUICK, House, Process, Watch, said_by, to_queue

NUMBER = "1869"
OLD = """start: menu
nodes:
  menu:
    type: menu
    say: [main-menu]
    keys: {"1": first}
    on_silence: bye
  first: {type: queue, queue: billing, on_closed: bye}
  bye: {type: hangup, say: [goodbye]}
"""
NEW = OLD.replace("queue: billing", "queue: network")
BAD = OLD.replace("start: menu", "start: menuu")


OLD_HZ, NEW_HZ = 500, 1100  # What the prompt `main-menu` sounds like: tones, told apart by ear.


class Flows:
    """The house, the one file that changes, and sounds that change."""

    def __init__(self, house: House, file: Path) -> None:
        self.house, self.file = house, file

    def record(self, hz: int) -> None:
        """Another recording of `main-menu`: the file, then the manifest, as the builder does it."""
        sounds = Path(self.house.asterisk.settings.paths.sounds)
        pcm.write_wav(sounds / "zh-CN" / "main-menu.wav", pcm.tone(hz, 1.5))
        manifest = sounds / "manifest.json"
        manifest.write_text(manifest.read_text() + "\n")

    def save(self, text: str) -> str:
        """As a careful editor saves; the version of the text."""
        new = self.file.with_name("changing.yaml.new")
        new.write_text(text)
        new.rename(self.file)
        return version(text.encode())

    async def part(self, daemon: Process, ok: bool) -> str:
        """What /healthz says of the flows, once they are well, or not."""
        async with asyncio.timeout(10):
            while (part := (await self.house.health(daemon))["parts"]["flows"])["ok"] is not ok:
                await asyncio.sleep(0.05)
        return str(part["text"])

    async def chosen(self, watch: Watch, count: int, phone: Phone, queue: str) -> None:
        """A new caller presses 1 and comes to this queue."""
        call = await to_queue(phone, dialled=NUMBER)
        await watch.fact(Queued, queue=queue, count=count)
        await call.hangup()


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flows]:
    folder = tmp_path_factory.mktemp("changing")
    shutil.copytree(REPOSITORY / "ivr_flows", folder / "flows")
    file = folder / "flows" / "changing.yaml"
    file.write_text(OLD)
    numbers = {"numbers": {NUMBER: {"flow": "changing"}}}
    shutil.copytree(REPOSITORY / "sounds", folder / "sounds")
    paths: dict[str, Any] = {"paths": {"flows": str(folder / "flows"), "sounds": str(folder / "sounds")}}
    with running_asterisk(folder, merged(merged(CHANGES, QUICK), merged(numbers, paths))) as asterisk:
        house = House(asterisk, folder / "config.yaml", folder / "hotline.db")
        house.write("config.yaml", paths)
        secrets = folder / "secrets.yaml"
        secrets.touch(mode=0o600)
        secrets.write_text(yaml.safe_dump(asterisk.secrets.model_dump()))
        found = Flows(house, file)
        found.record(OLD_HZ)
        yield found


def refused(house: House, *words: str) -> str:
    """What a command says that ends with status 1."""
    done = CliRunner().invoke(cli.app, words, env={"HOTLINE_CONFIG": str(house.config)})
    assert done.exit_code == 1
    return f"{done.output}{done.exception}"


async def in_menu(watch: Watch, phone: Phone) -> Call:
    call = await phone.dial(NUMBER)
    await watch.fact(NodeEntered, node="menu")
    return call


async def test_a_caller_ends_on_the_flow_he_began_with(flows: Flows) -> None:
    house = flows.house
    async with house.daemon(), house.caller() as early, house.caller("13800000002") as late:
        watch = house.watch()
        call = await in_menu(watch, early)
        new = flows.save(NEW)
        live = await watch.fact(FlowsActivated, how="reload", by="watch")
        assert dict(live.versions)["changing"] == new
        await flows.chosen(watch, 1, late, "network")
        await call.press("1")
        await watch.fact(Queued, queue="billing")
        await call.hangup()
        assert (await watch.fact(CallOpened)).flow_version == version(OLD.encode())
        assert (await watch.fact(CallOpened, count=2)).flow_version == new
        await house.at_rest()


async def test_a_bad_edit_leaves_the_old_one_live_and_a_roll_back_holds(flows: Flows) -> None:
    house = flows.house
    async with house.daemon() as daemon, house.caller() as caller:
        watch = house.watch()
        assert version(NEW.encode()) in await flows.part(daemon, ok=True)
        flows.save(BAD)
        said = await flows.part(daemon, ok=False)
        assert " in the files, the flows of before stay live" in said and "changing.yaml:1:8" in said and "F003" in said
        assert daemon.said("flows not reloaded: those of before stay live", "error")
        assert "did you mean 'menu'" in refused(house, "flow", "reload")
        await flows.chosen(watch, 1, caller, "network")

        daemon.tell(signal.SIGHUP)
        async with asyncio.timeout(10):
            while not [
                line
                for line in daemon.said("flows not reloaded: those of before stay live")[1:]
                if line["by"] == "SIGHUP"
            ]:
                await asyncio.sleep(0.05)

        assert "held until changing.yaml changes" in said_by(house, "flow", "rollback", "changing")
        back = await watch.fact(FlowsActivated, how="rollback")
        assert dict(back.held) == {"changing": version(BAD.encode())}
        await flows.chosen(watch, 1, caller, "billing")
        listed = said_by(house, "flow", "versions", "changing").splitlines()
        assert len(listed) == 2 and version(OLD.encode()) in listed[0] and listed[0].endswith("* held")
        assert "-  first: {type: queue, queue: network" in said_by(house, "flow", "diff", "changing")
        await house.at_rest()


async def test_a_restart_goes_on_with_what_was_live(flows: Flows) -> None:
    """The file is still bad, then is the one that was rolled back from: the daemon goes on with the version held."""
    house = flows.house
    async with house.daemon(ready=False) as daemon, house.caller() as caller:
        await flows.part(daemon, ok=False)
        watch = house.watch()
        async with asyncio.timeout(15):
            while not (await house.health(daemon))["parts"]["asterisk"]["ok"]:
                await asyncio.sleep(0.05)
        await flows.chosen(watch, 1, caller, "billing")
        flows.save(NEW)
        await watch.fact(FlowsActivated, how="reload", by="watch")
        assert "(held)" not in await flows.part(daemon, ok=True)
        await flows.chosen(watch, 1, caller, "network")
        said_by(house, "flow", "rollback", "changing", version(OLD.encode())[:5])
        await house.at_rest()
    async with house.daemon() as daemon, house.caller() as caller:
        watch = house.watch()
        assert f"{version(OLD.encode())} (held)" in await flows.part(daemon, ok=True)
        await flows.chosen(watch, 1, caller, "billing")
        assert "→" in said_by(house, "flow", "reload")
        await flows.chosen(watch, 1, caller, "network")
        await house.at_rest()


async def test_hours_closed_by_hand_stay_closed_over_a_restart(flows: Flows) -> None:
    house = flows.house
    async with house.daemon(), house.caller() as caller:
        watch = house.watch()
        call = await in_menu(watch, caller)
        assert "closed" in said_by(house, "hours", "close", "all", "--until", "2h", "--reason", "fire drill")
        assert (await watch.fact(ClosureChanged, closed=True)).reason == "fire drill"
        await call.press("1")
        assert (await watch.fact(QueueLeft)).outcome == "closed"
        await call.wait_ended(15)
        await house.at_rest()
    assert "fire drill" in said_by(house, "hours", "list")
    async with house.daemon(), house.caller() as caller:
        watch = house.watch()
        call = await to_queue(caller, dialled=NUMBER)
        assert (await watch.fact(QueueLeft)).outcome == "closed"
        await call.hangup()
        said_by(house, "hours", "open", "all")
        assert json.loads(said_by(house, "hours", "list", "--json"))["closures"] == []
        await flows.chosen(watch, 1, caller, "network")
        assert "no hours named nights" in refused(house, "hours", "close", "nights")
        await house.at_rest()


async def test_a_version_rolled_back_and_a_restart_sound_as_they_did(flows: Flows) -> None:
    house = flows.house
    async with house.daemon(), house.caller() as early, house.caller("13800000002") as late:
        watch = house.watch()
        call = await in_menu(watch, early)
        await call.wait_tone(OLD_HZ)
        flows.record(NEW_HZ)
        flows.save(OLD)
        await watch.fact(FlowsActivated, how="reload", by="watch")
        other = await late.dial(NUMBER)
        await other.wait_tone(NEW_HZ)
        await call.wait_tone(OLD_HZ, 15)  # The menu again, after no key: his version's own voice.
        await call.hangup()
        await other.hangup()
        said_by(house, "flow", "rollback", "changing", version(NEW.encode())[:5])
        other = await late.dial(NUMBER)
        await other.wait_tone(OLD_HZ)
        await other.hangup()
        await house.at_rest()
    async with house.daemon(), house.caller() as caller:
        call = await caller.dial(NUMBER)
        await call.wait_tone(OLD_HZ)
        await call.hangup()
        assert "→" in said_by(house, "flow", "reload")
        call = await caller.dial(NUMBER)
        await call.wait_tone(NEW_HZ)
        await call.hangup()
        await house.at_rest()


async def test_special_hours_need_no_restart_and_reach_a_call_that_is_in(flows: Flows) -> None:
    house = flows.house
    settings = yaml.safe_load(house.config.read_text())
    settings["queues"]["billing"]["hours"] = "service"
    text = yaml.safe_dump(settings)
    house.config.write_text(text)
    async with house.daemon() as daemon, house.caller() as caller:
        watch = house.watch()
        call = await in_menu(watch, caller)
        house.config.write_text(house.config.read_text() + "]")
        said = await flows.part(daemon, ok=False)
        assert "config.yaml" in said and "config.yaml" in refused(house, "flow", "reload")
        today = datetime.now(ZoneInfo(house.asterisk.settings.timezone)).date()
        for day in (today, today + timedelta(days=1)):  # Midnight may pass.
            settings["hours"]["service"].setdefault("exceptions", {})[day.isoformat()] = []
        house.config.write_text(yaml.safe_dump(settings))
        await flows.part(daemon, ok=True)
        assert daemon.said("flows live", "info")[-1]["changes"] == ["hours service: changed, for every call"]
        await call.press("1")
        assert (await watch.fact(QueueLeft)).outcome == "closed"
        await call.wait_ended(15)
        house.config.write_text(text)
        await house.at_rest()


def test_every_run_replays_with_the_flows_it_had(flows: Flows) -> None:
    with open_history(flows.house.store) as history:
        epochs = sorted(history.epochs)
    assert len(epochs) == flows.house.started
    for epoch in epochs:
        assert "every decision as it was" in said_by(flows.house, "replay", str(epoch))
