"""`hotline person erase`: the number leaves the store in every spelling, and Asterisk's list of screened numbers."""

import json
import time
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ari_app import screenlist
from ari_app.cli import app
from ari_app.commands import common
from ari_app.errors import HotlineError
from ari_app.model.facts import CallOpened
from ari_app.model.ids import CallId, Number, ScreeningId
from ari_app.model.screening import canonical
from ari_app.model.screening_facts import CallerScreened
from ari_app.model.settings import Settings
from ari_app.screening import rows
from ari_app.site import Site
from ari_app.store import screening
from ari_app.store.journal import Journal
from ari_app.store.reader import open_reader
from tests.asterisk import REPOSITORY, sample, secrets_for
from tests.unit.store_calls import OUTSIDE, on_disk, whole_call

NOW = 1_772_416_800.0
SPELLINGS = ("13900139000", "+8613900139000", "008613900139000")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A store in which one caller came in three spellings and was screened; another one too."""
    settings = Settings.model_validate({**sample(), "paths": {"state": str(tmp_path)}})
    at = Site(REPOSITORY / "config.yaml", settings, secrets_for(settings))
    journal = Journal.open(at.store)
    journal.next_epoch()
    for n, number in enumerate((*SPELLINGS, "13700137000"), 1):
        call = CallId(f"1-{n}")
        opened = CallOpened(call, Number(number), "1860", "local", "main", "v1", "en")
        name = ScreeningId(f"1-{n}.n1")
        marked = CallerScreened(name, call, Number(number), "8025", "nuisance", 1, NOW + 9_000_000_000)
        journal.append([("fact", NOW, opened), ("fact", NOW, marked)]).result(5)
    journal.close()
    monkeypatch.setattr(common, "site", lambda **_: at)
    return at


class Daemon:
    def __init__(self, runs: bool) -> None:
        self.runs = runs
        self.posted: list[tuple[str, Any]] = []

    def post(self, path: str, body: Any) -> Any:
        if not self.runs:
            raise HotlineError("no daemon answers")
        self.posted.append((path, body["number"]))
        return {"message": "no longer screened"}


def erase(number: str, *options: str, answers: str = "") -> str:
    """Without answers nothing is asked."""
    options = options if answers else (*options, "--yes")
    run = CliRunner().invoke(app, ["person", "erase", number, *options], input=answers or None)
    assert run.exit_code == 0, run.output
    return run.output


def test_the_daemon_takes_him_out_of_asterisk_and_the_store_forgets_every_spelling(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(runs=True)
    monkeypatch.setattr(common, "api", lambda _: daemon)
    said = erase("+86 139 0013 9000".replace(" ", ""))
    assert daemon.posted == [("/api/screening/erase", "+8613900139000")]
    assert "screening: no longer screened" in said and "erased; calls: 3" in said
    assert b"3900139000" not in on_disk(site.store)
    assert list(screening.held(site.store, NOW)) == ["13700137000"]
    shown = screening.screenings(site.store, NOW, over=True)
    assert sorted(row["number"] for row in shown) == ["137****7000", "erased", "erased", "erased"]


def test_without_a_daemon_asterisk_itself_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(common, "api", lambda _: Daemon(runs=False))
    monkeypatch.setattr(screenlist, "forget", lambda at, instance, number: asked.append(number) or True)
    monkeypatch.setattr(common, "asterisk", lambda _: object())
    monkeypatch.setattr(Site, "instance", lambda at, install: None)
    assert "taken out of Asterisk's list" in erase("13900139000")
    assert asked == ["13900139000"]


def test_with_neither_it_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "api", lambda _: Daemon(runs=False))
    monkeypatch.setattr(common, "asterisk", lambda _: None)
    assert "neither daemon nor Asterisk runs" in erase("13900139000")


def test_the_list_is_masked_and_says_who_and_why(site: Site) -> None:
    run = CliRunner().invoke(app, ["screening", "list"])
    assert run.exit_code == 0 and "139****9000" in run.output and "8025: nuisance" in run.output
    assert "13900139000" not in run.output
    shown = CliRunner().invoke(app, ["screening", "show", "1-1.n1"])
    assert shown.exit_code == 0 and "139****9000" in shown.output and "1-1" in shown.output
    assert CliRunner().invoke(app, ["screening", "show", "9-9.n9"]).exit_code == 1


VOICES = ("recordings/2026-11-18/9-1.r6.wav", "messages/2026-11-18/9-1.m9.wav")


@pytest.fixture
def voiced(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Another caller, of whom a recording and a message stand."""
    journal = Journal.open(site.store)
    journal.append(whole_call("9-1", "13600136000", NOW)).result(5)
    journal.close()
    for name in VOICES:
        (site.state / name).parent.mkdir(parents=True)
        (site.state / name).write_bytes(b"voice")
    monkeypatch.setattr(common, "api", lambda _: Daemon(runs=True))
    return site


@pytest.mark.parametrize(
    ("options", "answers", "gone"),
    [
        (("--files",), "", True),
        (("--keep-files",), "", False),
        ((), "", False),
        (("--files",), "y\n", True),
        ((), "y\ny\n", True),
        ((), "y\nn\n", False),
    ],
)
def test_recordings_and_messages_are_named_and_go_when_that_is_wanted(
    voiced: Site, options: tuple[str, ...], answers: str, gone: bool
) -> None:
    said = erase("13600136000", *options, answers=answers)
    assert "erased; calls: 1" in said
    assert [(voiced.state / name).exists() for name in VOICES] == [not gone, not gone]
    for what, name in (("recordings", "9-1.r6"), ("messages", "9-1.m9")):
        assert f"{what} removed: 1" in said if gone else f"{what} that stay until their days are over: {name}" in said
    assert ("recordings: 1, messages: 1. Remove them too?" in said) == (answers.count("\n") == 2)


@pytest.mark.parametrize(
    ("group", "name", "path"), [("recording", "9-1.r6", VOICES[0]), ("inbox", "9-1.m9", VOICES[1])]
)
def test_one_recording_or_message_is_removed_by_name_with_a_reason(
    voiced: Site, group: str, name: str, path: str
) -> None:
    def remove(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(app, [group, "remove", *words], input=answer or None)

    assert remove(name).exit_code == 2, "a reason is wanted"
    assert remove(name, "--reason", " ", "--yes").exit_code == 1
    assert remove(name, "--reason", "he asked", answer="n\n").exit_code == 1 and (voiced.state / path).exists()
    run = remove(name, "9-9.z9", "--reason", "he asked", answer="y\n")
    assert run.exit_code == 1 and "removed: 1" in run.output and "9-9.z9" in str(run.exception)
    assert [(voiced.state / each).exists() for each in VOICES] == [each != path for each in VOICES]
    again = remove(name, "--reason", "he asked", "--yes")
    assert again.exit_code == 1 and "removed: 0" in again.output
    with open_reader(voiced.store) as reader:
        line = reader.audit()[0]
    assert (line["action"].startswith("remove-"), line["subject"], line["detail"]) == (True, name, "he asked")


def test_all_that_is_kept_about_somebody_is_shown_and_nothing_of_others(voiced: Site) -> None:
    run = CliRunner().invoke(app, ["person", "show", "13600136000", "--json"])
    assert run.exit_code == 0, run.output
    kept = json.loads(run.output)
    assert {part: [next(iter(row.values())) for row in rows] for part, rows in kept.items()} == {
        "calls": ["9-1"],
        "recordings": ["9-1.r6"],
        "messages": ["9-1.m9"],
        "callbacks": ["9-10"],
        "transfers": [],  # The number outside that was called in this talk is somebody else's.
        "screenings": [],
    }
    assert kept["messages"][0]["note"] == "called back" and kept["recordings"][0]["path"] == "2026-11-18/9-1.r6.wav"
    called = json.loads(CliRunner().invoke(app, ["person", "show", OUTSIDE, "--json"]).output)
    assert [row["transfer"] for row in called["transfers"]] == ["9-1.l8"]
    with open_reader(voiced.store) as reader:
        assert [line["action"] for line in reader.audit()] == ["show-person", "show-person"]
    erase("13600136000", "--files")
    gone = CliRunner().invoke(app, ["person", "show", "13600136000"])
    assert gone.exit_code == 1 and "136****6000 is not in the store" in str(gone.exception)


def test_every_spelling_is_shown_in_words(site: Site) -> None:
    run = CliRunner().invoke(app, ["person", "show", "+8613700137000"])
    assert run.exit_code == 0 and "calls: 1" in run.output and "screenings: 1" in run.output
    assert "screening 1-4.n1" in run.output and "why nuisance" in run.output and "until 2" in run.output


class Console:
    """An Asterisk that is asked by its console: what stands in AstDB."""

    def __init__(self, rows: str) -> None:
        self.rows = rows

    def pid(self) -> int:
        return 1

    def cli(self, command: str) -> str:
        return self.rows if command == "database show screened" else ""


def shown(*entries: tuple[str, str]) -> str:
    return "".join(f"/screened/{key:<40}: {value}\n" for key, value in entries) + f"{len(entries)} results found.\n"


def test_doctor_says_whether_asterisks_list_is_that_of_the_store(site: Site) -> None:
    rules, zone = site.settings.screening, ZoneInfo(site.settings.timezone)
    kept = {canonical(number, rules): until for number, until in screening.held(site.store, time.time()).items()}
    right = list(rows(kept, rules, zone).items())
    assert len(right) == 8
    good = screenlist.check(site, cast(Any, Console(shown(*right))))
    assert good.ok and good.found == "as in the store"
    over = ("13600136000", "1000/digit-1/digit-1")
    assert screenlist.check(site, cast(Any, Console(shown(*right, over)))).ok, "what is over screens nobody"
    vain = ("13600136000", "99999999999/digit-1/digit-1")
    bad = screenlist.check(site, cast(Any, Console(shown(*right[1:], vain))))
    assert not bad.ok and bad.found == "1 entries missing or old, 1 too many" and "13600136000" not in str(bad)
    late = [(key, f"1{value}") for key, value in right[:2]]
    assert screenlist.check(site, cast(Any, Console(shown(*late, *right[2:])))).found.startswith("2 entries missing")
