"""`hotline person erase`: the number leaves the store in every spelling, and Asterisk's list of screened numbers."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ari_app import screenlist
from ari_app.cli import app
from ari_app.commands import common
from ari_app.errors import HotlineError
from ari_app.model.facts import CallOpened
from ari_app.model.ids import CallId, Number, ScreeningId
from ari_app.model.screening_facts import CallerScreened
from ari_app.site import Site
from ari_app.store import screening
from ari_app.store.journal import Journal
from tests.asterisk import REPOSITORY, sample, secrets_for
from tests.unit.store_calls import on_disk

NOW = 1_772_416_800.0
SPELLINGS = ("13900139000", "+8613900139000", "008613900139000")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A store in which one caller came in three spellings and was screened; another one too."""
    from ari_app.model.settings import Settings

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


def erase(number: str) -> str:
    run = CliRunner().invoke(app, ["person", "erase", number, "--yes"])
    assert run.exit_code == 0, run.output
    return run.output


def test_the_daemon_takes_him_out_of_asterisk_and_the_store_forgets_every_spelling(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(runs=True)
    monkeypatch.setattr(common, "api", lambda _: daemon)
    said = erase("+86 139 0013 9000".replace(" ", ""))
    assert daemon.posted == [("/api/screening/erase", "+8613900139000")]
    assert "screening: no longer screened" in said and "erased from 3 calls" in said
    assert b"3900139000" not in on_disk(site.store)
    assert list(screening.held(site.store, NOW)) == ["13700137000"]
    shown = screening.screenings(site.store, NOW, over=True)
    assert sorted(row["number"] for row in shown) == ["137****7000", "erased", "erased", "erased"]


def test_without_a_daemon_asterisk_itself_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(common, "api", lambda _: Daemon(runs=False))
    monkeypatch.setattr(screenlist, "forget", lambda at, instance, number: asked.append(number) or True)
    monkeypatch.setattr("ari_app.commands.person.provision.find", lambda _: object())
    monkeypatch.setattr(Site, "instance", lambda at, install: None)
    assert "taken out of Asterisk's list" in erase("13900139000")
    assert asked == ["13900139000"]


def test_with_neither_it_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "api", lambda _: Daemon(runs=False))
    monkeypatch.setattr("ari_app.commands.person.provision.find", lambda _: None)
    assert "neither daemon nor Asterisk runs" in erase("13900139000")


def test_the_list_is_masked_and_says_who_and_why(site: Site) -> None:
    run = CliRunner().invoke(app, ["screening", "list"])
    assert run.exit_code == 0 and "139****9000" in run.output and "8025: nuisance" in run.output
    assert "13900139000" not in run.output
    shown = CliRunner().invoke(app, ["screening", "show", "1-1.n1"])
    assert shown.exit_code == 0 and "139****9000" in shown.output and "1-1" in shown.output
    assert CliRunner().invoke(app, ["screening", "show", "9-9.n9"]).exit_code == 1
