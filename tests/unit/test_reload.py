"""Files to flows of a running daemon: swap, keep, hold, roll back, start again. The board is a list of events."""

import asyncio
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from ari_app.commands.hours import moment
from ari_app.config.load import load_settings
from ari_app.errors import ConfigError, HotlineError, StoreError
from ari_app.flow.model import LoadedFlow
from ari_app.live import flows_of, opening, stamp
from ari_app.media.kept import GRACE_S, KeptAudio
from ari_app.media.prompts import Prompts
from ari_app.model.effects import Reply
from ari_app.model.events import FlowsLoaded, HoursLoaded
from ari_app.model.facts import FlowsActivated
from ari_app.model.ids import RequestId
from ari_app.model.routing import hours_of
from ari_app.model.settings import Secrets
from ari_app.reload import FlowKeeper
from ari_app.site import Site
from ari_app.store import flows as store
from ari_app.store.journal import Journal
from tests.asterisk import REPOSITORY

MAIN = """start: bye
nodes:
  bye: {type: hangup, say: [goodbye]}
"""
V2, V3 = (MAIN.replace("[goodbye]", f"[{prompt}]") for prompt in ("no-key", "wrong-key"))
BAD = MAIN.replace("start: bye", "start: by")
CONFIG = """numbers:
  "1860": {flow: main}
paths: {flows: flows, sounds: SOUNDS, state: var}
"""


class House:
    """A folder with config, flows and store; `up` is a daemon's start, `down` its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "flows").mkdir()
        (folder / "sounds").mkdir()
        for language in ("en", "zh-CN"):
            (folder / "sounds" / language).symlink_to(REPOSITORY / "sounds" / language)
        shutil.copy(REPOSITORY / "sounds" / "manifest.json", folder / "sounds")
        (folder / "config.yaml").write_text(CONFIG.replace("SOUNDS", "sounds"))
        self.write(MAIN)
        self.now = 1_795_000_000.0

    @property
    def site(self) -> Site:
        config = self.folder / "config.yaml"
        return Site(config, load_settings(config), Secrets(ari_password="", ami_password="", api_token="t"))

    def write(self, text: str, name: str = "main") -> Path:
        path = self.folder / "flows" / f"{name}.yaml"
        path.write_text(text)
        return path

    def up(self) -> FlowKeeper:
        self.journal = Journal.open(self.site.store)
        prompts = Prompts.load(self.site.sounds)
        kept = KeptAudio(self.site.prompts)
        live, problems = opening(self.site, prompts, kept)
        self.told: list[FlowsLoaded] = []
        self.hours: list[HoursLoaded] = []
        self.keeper = FlowKeeper(self.site, self.journal, prompts, live, kept, self.ask, lambda: self.now, problems)
        return self.keeper

    async def started(self) -> FlowKeeper:
        keeper = self.up()
        hours, flows = await keeper.begin()
        self.hours.append(hours)
        self.tell(flows)
        return keeper

    async def ask(self, event: FlowsLoaded | HoursLoaded, flows) -> Reply:
        if isinstance(event, HoursLoaded):
            self.hours.append(event)
            return Reply(RequestId("r"), True, "live")
        assert {(f.name, f.version) for f in flows} == set(event.versions)
        self.tell(event)
        return Reply(RequestId("r"), True, "live")

    def tell(self, event: FlowsLoaded) -> None:
        """As the board and the loop do it: the fact of the event is written."""
        self.now += 60
        self.told.append(event)
        fact = FlowsActivated(event.versions, event.by, event.how, event.held)
        self.journal.append([("fact", self.now, fact)]).result()

    def down(self) -> None:
        self.journal.close()

    def main(self) -> str:
        """The text that is live."""
        live = dict(self.keeper.live.versions)["main"]
        return store.text_of(self.keeper.site.store, "main", live) or ""


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.journal.close()


async def test_a_good_edit_is_live_and_kept_with_its_prompts(house):
    keeper = await house.started()
    house.write(V2)
    assert re.fullmatch(r"main: [0-9a-f]{12} → [0-9a-f]{12}", await keeper.reload("li"))
    assert house.main() == V2 and keeper.health()[0]
    assert [(e.how, e.by) for e in house.told] == [("start", "start"), ("reload", "li")]
    new, old = store.versions(house.site.store, "main")
    assert (new.is_live, old.is_live, new.by, new.how, old.how) == (True, False, "li", "reload", "start")
    assert set(new.prompts) == {"no-key"} and set(new.prompts["no-key"]) == {"zh-CN", "en"}
    assert await keeper.reload("li") == "nothing has changed" and len(house.told) == 2


@pytest.mark.parametrize("text", [BAD, "", "nodes: [", "\x00"])
async def test_a_bad_edit_changes_nothing_and_says_all(house, text):
    keeper = await house.started()
    house.write(text)
    house.write(BAD, "other")
    with pytest.raises(ConfigError, match=r"(?s)main\.yaml.*other\.yaml:1:8  F003"), capture_logs() as logs:
        await keeper.reload("li")
    assert house.main() == MAIN and len(house.told) == 1
    ok, said = keeper.health()
    assert not ok and "main.yaml" in said and "problems in the files" in said
    assert [line["log_level"] for line in logs] == ["error"] and len(logs[0]["problems"]) >= 2
    house.write(V2)
    house.write(MAIN, "other")
    assert "other: new" in await keeper.reload("li")
    assert keeper.health()[0] and keeper.problems == ()


async def test_a_number_must_keep_its_flow(house):
    keeper = await house.started()
    (house.folder / "flows" / "main.yaml").rename(house.folder / "flows" / "mein.yaml")
    with pytest.raises(ConfigError, match=r"numbers\.1860\.flow.*did you mean 'mein'"):
        await keeper.reload("li")
    assert [name for name, _ in keeper.live.versions] == ["main"]


async def test_editors_files_beside_it_are_not_flows(house):
    keeper = await house.started()
    (house.folder / "flows" / ".#main.yaml").symlink_to("li@desk.4711")
    (house.folder / "flows" / "main.yaml~").write_text("old")
    assert await keeper.reload("li") == "nothing has changed"


async def test_a_file_being_written_is_read_again(house):
    keeper = await house.started()
    house.write("")

    async def finish() -> None:
        await asyncio.sleep(0.1)
        house.write(V2)

    with capture_logs() as logs:
        _, said = await asyncio.gather(finish(), keeper.reload("li"))
    assert "→" in said and not [line for line in logs if line["log_level"] == "error"]


async def test_new_prompts_are_taken_without_a_new_version(house):
    keeper = await house.started()
    taken: list[Prompts] = []
    keeper.on_prompts = taken.append
    manifest = house.folder / "sounds" / "manifest.json"
    goodbye = r'("goodbye", "language": "en".*"seconds": )[0-9.]+'
    manifest.write_text(re.sub(goodbye, r"\g<1>3.5", manifest.read_text()))
    assert await keeper.reload("li") == "nothing has changed"
    assert taken[0].seconds("goodbye", "en") == 3.5


# -- roll-back --


async def test_a_roll_back_is_held_until_the_file_changes(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    said = await keeper.rollback("main", "", "wang")
    assert "held until main.yaml changes" in said and house.main() == MAIN
    assert "(held)" in keeper.health()[1] and keeper.listed()[0]["held"]
    await keeper._automatic("watch")
    assert house.main() == MAIN
    house.write(V3)
    await keeper._automatic("watch")
    assert house.main() == V3 and not keeper.live.held


async def test_asking_for_a_reload_ends_the_hold(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    await keeper.rollback("main", "", "wang")
    assert "→" in await keeper.reload("li")
    assert house.main() == V2 and not keeper.live.held


async def test_a_held_flow_does_not_hold_the_others(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    await keeper.rollback("main", "", "wang")
    house.write(MAIN, "other")
    await keeper._automatic("watch")
    assert house.main() == MAIN and "other" in keeper.live.flows and keeper.live.held


async def test_a_roll_back_works_while_the_file_is_bad(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    house.write(BAD)
    await keeper._automatic("watch")
    await keeper.rollback("main", "", "wang")
    assert house.main() == MAIN


async def test_back_to_the_version_of_the_file_holds_nothing(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    wanted = dict(keeper.live.versions)["main"]
    await keeper.rollback("main", "", "wang")
    assert "held" not in (await keeper.rollback("main", wanted[:6], "wang")).splitlines()[-1]
    assert house.main() == V2 and not keeper.live.held


@pytest.mark.parametrize(
    ("name", "version", "why"),
    [("mein", "", "no version of a flow 'mein'"), ("main", "", "live before"), ("main", "zz", "no version of main")],
)
async def test_there_must_be_such_a_version(house, name, version, why):
    keeper = await house.started()
    with pytest.raises(ConfigError, match=why):
        await keeper.rollback(name, version, "li")
    assert len(house.told) == 1


async def test_a_version_that_no_longer_fits_stays_where_it_is(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    keeper.prompts = Prompts(keeper.prompts.folder, {k: r for k, r in keeper.prompts.rows.items() if k[0] != "goodbye"})
    shutil.rmtree(house.site.state / "prompts")
    keeper.kept = KeptAudio(house.site.prompts)  # As after a restart: what it found there before is forgotten.
    with pytest.raises(ConfigError, match=r"(?s)does not fit what is live now.*F021"):
        await keeper.rollback("main", "", "li")
    assert house.main() == V2


# -- the audio of a version --


def heard(keeper: FlowKeeper, flow: LoadedFlow, prompt: str) -> bytes | None:
    path = keeper.audio_of(prompt, "en", flow.audio)
    return path.read_bytes() if path is not None else None


def say_anew(house: House, prompt: str, content: bytes) -> None:
    """Another recording in sounds/, as the builder leaves it."""
    folder = house.folder / "sounds" / "en"
    if folder.is_symlink():
        real = folder.resolve()
        folder.unlink()
        shutil.copytree(real, folder)
    (folder / f"{prompt}.wav").write_bytes(content)
    manifest = house.folder / "sounds" / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")


async def test_a_version_keeps_its_audio_when_the_files_change(house):
    keeper = await house.started()
    early, first = keeper.live.flows["main"], heard(keeper, keeper.live.flows["main"], "goodbye")
    assert first == (REPOSITORY / "sounds/en/goodbye.wav").read_bytes()
    say_anew(house, "goodbye", b"another voice")
    assert "new audio" in await keeper.reload("li") and len(house.told) == 2
    assert heard(keeper, keeper.live.flows["main"], "goodbye") == b"another voice"
    assert heard(keeper, early, "goodbye") == first  # What a call hears that began before.


async def test_a_roll_back_and_a_restart_sound_as_the_version_did(house):
    keeper = await house.started()
    first = heard(keeper, keeper.live.flows["main"], "goodbye")
    house.write(V2)
    say_anew(house, "goodbye", b"another voice")
    await keeper.reload("li")
    await keeper.rollback("main", "", "wang")
    assert heard(keeper, keeper.live.flows["main"], "goodbye") == first
    house.down()
    again = await house.started()
    assert again.live.held and heard(again, again.live.flows["main"], "goodbye") == first
    await again._automatic("watch")
    assert heard(again, again.live.flows["main"], "goodbye") == first


async def test_a_version_whose_prompts_left_sounds_can_come_back(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    keeper.prompts = Prompts(keeper.prompts.folder, {k: r for k, r in keeper.prompts.rows.items() if k[0] != "goodbye"})
    await keeper.rollback("main", "", "wang")
    assert house.main() == MAIN and heard(keeper, keeper.live.flows["main"], "goodbye") is not None


async def test_audio_that_is_damaged_or_cannot_be_kept_is_heard_from_sounds(house):
    keeper = await house.started()
    path = keeper.audio_of("goodbye", "en", keeper.live.flows["main"].audio)
    assert path is not None
    path.write_bytes(b"torn")
    house.down()
    house.write(BAD)  # So that what was live is taken from the store.
    again = await house.started()
    assert heard(again, again.live.flows["main"], "goodbye") is None
    house.write(MAIN)
    await again.reload("li")
    assert heard(again, again.live.flows["main"], "goodbye") == (REPOSITORY / "sounds/en/goodbye.wav").read_bytes()


async def test_with_a_boxs_own_asterisk_nothing_is_kept(house):
    keeper = await house.started()
    keeper.kept = KeptAudio(None)
    house.write(V2)
    await keeper.reload("li")
    assert keeper.live.flows["main"].audio == "" and heard(keeper, keeper.live.flows["main"], "no-key") is None
    assert store.versions(house.site.store, "main")[0].prompts["no-key"].keys() == {"zh-CN", "en"}


async def test_audio_nobody_names_is_removed_after_a_while(house):
    keeper = await house.started()
    say_anew(house, "goodbye", b"another voice")
    await keeper.reload("li")
    files = sorted((house.site.state / "prompts").glob("*/*.wav"))
    soon, late = time.time() + GRACE_S / 2, time.time() + GRACE_S + 60
    assert keeper.kept.remove_but(set, soon) == 0
    assert keeper.kept.remove_but(keeper.audio_named, late) == 0  # The first set: a call may still hear it.
    keeper.sets = {flow.audio: keeper.live.audio["main"] for flow in keeper.live.flows.values()}
    assert keeper.kept.remove_but(keeper.audio_named, late) == 1
    assert len(files) - 1 == len(list((house.site.state / "prompts").glob("*/*.wav")))
    assert heard(keeper, keeper.live.flows["main"], "goodbye") == b"another voice"


# -- opening hours --

HOURS = """hours:
  day: {weekly: {mon-fri: ["09:00-18:00"]}EXTRA}
"""


def settle(house: House, extra: str) -> None:
    text = CONFIG.replace("SOUNDS", "sounds") + HOURS.replace("EXTRA", extra)
    (house.folder / "config.yaml").write_text(text)


async def test_special_hours_are_taken_live(house):
    settle(house, "")
    keeper = await house.started()
    settle(house, ', exceptions: {"2026-10-01": []}')
    assert await keeper.reload("li") == "hours day: changed, for every call"
    assert hours_of(house.hours[-1].hours)["day"].exceptions == {"2026-10-01": ()}
    assert len(house.told) == 1 and house.hours[-1].by == "li"
    assert await keeper.reload("li") == "nothing has changed" and len(house.hours) == 2


@pytest.mark.parametrize("extra", [', exceptions: {"2026-10-32": []}', ', exeptions: {"2026-10-01": []}', "]"])
async def test_bad_hours_leave_the_old_live(house, extra):
    settle(house, "")
    keeper = await house.started()
    settle(house, extra)
    house.write(V2)
    with pytest.raises(ConfigError, match=r"config\.yaml:"):
        await keeper.reload("li")
    ok, said = keeper.health()
    assert not ok and "config.yaml" in said and house.main() == MAIN and len(house.hours) == 1
    settle(house, ', exceptions: {"2026-10-01": []}')
    await keeper._automatic("watch")
    assert house.main() == V2 and len(house.hours) == 2 and keeper.health()[0]


async def test_hours_wait_for_flows_that_are_good(house):
    """Half of an edit is never live: nor are its hours lost when the flow is mended."""
    settle(house, "")
    keeper = await house.started()
    settle(house, ', exceptions: {"2026-10-01": []}')
    house.write(BAD)
    await keeper._automatic("watch")
    assert len(house.hours) == 1
    house.write(V2)
    await keeper._automatic("watch")
    assert len(house.hours) == 2 and house.main() == V2


# -- starting again --


async def test_a_restart_goes_on_with_the_rolled_back_version(house):
    keeper = await house.started()
    house.write(V2)
    await keeper.reload("li")
    await keeper.rollback("main", "", "wang")
    house.down()
    again = await house.started()
    assert house.main() == MAIN and again.live.held and house.told[0].how == "start"
    house.down()
    house.write(V3)
    await house.started()
    assert house.main() == V3 and not house.keeper.live.held


async def test_a_restart_with_bad_files_goes_on_with_what_was_live(house):
    await house.started()
    house.down()
    house.write(BAD)
    with capture_logs() as logs:
        keeper = await house.started()
    assert house.main() == MAIN and not keeper.health()[0]
    assert [line["event"] for line in logs] == ["bad flow files: going on with the flows live before"]


def test_a_first_start_with_bad_files_fails(house):
    house.write(BAD)
    with pytest.raises(ConfigError, match="F003"):
        house.up()


async def test_a_restart_takes_files_changed_meanwhile(house):
    await house.started()
    house.down()
    house.write(V2)
    await house.started()
    assert house.main() == V2


async def test_a_store_that_cannot_write_keeps_the_old(house, monkeypatch):
    keeper = await house.started()
    house.write(V2)

    def full(*_: object) -> None:
        raise StoreError("The store cannot write at present.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "save_versions", full)
        with pytest.raises(HotlineError, match="store"):
            await keeper.reload("li")
    assert house.main() == MAIN and keeper.seen is None
    assert not keeper.health()[0]


async def test_a_bug_does_not_end_the_daemon(house, monkeypatch):
    keeper = await house.started()
    house.write(V2)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr("ari_app.live.check_texts", lambda *_: 1 / 0)
        await keeper._automatic("watch")
    assert logs[0]["event"].startswith("bug:") and not keeper.health()[0] and house.main() == MAIN
    await keeper.reload("li")
    assert house.main() == V2 and keeper.health()[0]


# -- the watch --


async def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def test_the_watch_sees_every_way_of_saving(house):
    keeper = await house.started()
    watching = asyncio.create_task(keeper.watch())
    try:
        path = house.write(V2)
        await until(lambda: house.main() == V2)
        new = path.with_name("main.yaml.new")
        new.write_text(V3)
        new.rename(path)
        await until(lambda: house.main() == V3)
        path.rename(path.with_name("main.yaml~"))  # As vim does: away, then anew.
        house.write(MAIN)
        await until(lambda: house.main() == MAIN)
        house.write(BAD)
        await until(lambda: not keeper.health()[0])
        house.write(MAIN)
        await until(lambda: keeper.health()[0])
        assert [e.by for e in house.told] == ["start", "watch", "watch", "watch"]
    finally:
        watching.cancel()
        await asyncio.wait([watching], timeout=2)
    assert watching.cancelled()


async def test_the_watch_survives_its_folder(house, monkeypatch):
    monkeypatch.setattr("ari_app.reload.LOOK_EVERY_S", 0.2)
    keeper = await house.started()
    watching = asyncio.create_task(keeper.watch())
    try:
        flows = house.folder / "flows"
        await asyncio.sleep(0.3)
        flows.rename(house.folder / "gone")
        await until(lambda: not keeper.health()[0])
        flows.mkdir()
        house.write(V2)
        await until(lambda: house.main() == V2)
    finally:
        watching.cancel()
        await asyncio.wait([watching], timeout=2)


def test_the_stamp_changes_with_the_files(house):
    house.up()
    before = stamp(house.site)
    assert stamp(house.site) == before
    house.write(V2)
    assert stamp(house.site) != before
    assert set(flows_of(house.site)) == {"main"}


# -- `hotline hours close --until` --


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("18:00", "2026-03-02 18:00"),
        ("09:00", "2026-03-03 09:00"),
        ("10:00", "2026-03-03 10:00"),
        ("90m", "2026-03-02 11:30"),
        ("2h30m", "2026-03-02 12:30"),
        ("2026-03-08", "2026-03-08 00:00"),
        ("2026-03-08 12:15", "2026-03-08 12:15"),
    ],
)
def test_times_an_admin_writes(text, at):
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime(2026, 3, 2, 10, 0, tzinfo=zone)
    assert moment(text, now) == datetime.fromisoformat(at).replace(tzinfo=zone)


@pytest.mark.parametrize("text", ["", "noon", "25:00", "2026-02-30", "-5m", "18"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="no time"):
        moment(text, datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")))
