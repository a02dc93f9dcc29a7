"""`hotline line …` and `hotline report line`: the meter moves until the call is over, JSON is one line and the last."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.commands import common, line
from ari_app.errors import HotlineError
from ari_app.model.ids import CallId
from ari_app.model.settings import Settings
from ari_app.site import Site
from tests.asterisk import REPOSITORY, sample, secrets_for
from tests.unit.test_line_report import store

__all__ = ["store"]  # The fixture.
METER = {"level_dbfs": -24.1, "speech_s": 2.1, "speech_dbfs": -21.0, "noise_dbfs": -61.5, "snr_db": 40.5}
NETWORK = {"loss": 0.02, "loss_mean": 0.013, "jitter_ms": 4.0, "rtt_ms": 31.0, "mos": 4.1}


class Daemon:
    """A call that is judged clear at the second look, and over at the fourth."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/api/calls/7-42/line"
        self.asked += 1
        if self.asked == 4:
            raise HotlineError("no live call '7-42'\nGET /api/live lists them")
        heard = {"verdict": "clear", "meter": METER, "network": NETWORK} if self.asked > 1 else {}
        nothing = {"verdict": None, "meter": None, "network": None}
        return {"call": "7-42", "state": "talking", "agent": "8025", "listened": True, **nothing, **heard}


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    daemon = Daemon()
    monkeypatch.setattr(common, "api", lambda: daemon)
    monkeypatch.setattr(line, "EVERY_S", 0.0)
    return daemon


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_it_is_watched_until_the_call_is_over(daemon: Daemon) -> None:
    said = run("line", "watch", "7-42")
    assert daemon.asked == 4
    assert all(word in said for word in ("clear", "-21.0 dBFS", "40.5 dB", "2.0%, mean 1.3%", "4.1"))


def test_the_last_reading_is_one_line_of_json(daemon: Daemon) -> None:
    [only] = run("line", "watch", "7-42", "--json").splitlines()
    assert json.loads(only)["meter"] == METER and daemon.asked == 4


@pytest.fixture
def kept(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate({**sample(), "paths": {"state": str(store.parent)}})
    at = Site(REPOSITORY / "config.yaml", settings, secrets_for(settings))
    monkeypatch.setattr(common, "site", lambda **_: at)


@pytest.mark.usefixtures("kept")
def test_a_calls_report_and_the_days() -> None:
    said = run("line", "report", CallId("1-1")).splitlines()
    assert [row.split()[1:4] for row in said[:2]] == [["silent", "4.0", "s"], ["noisy", "6.0", "s"]]
    assert "cause: network" in said[1] and said[2].startswith("caller") and "MOS 3.40" in said[2]
    assert set(json.loads(run("line", "report", "1-1", "--json"))) == {"call", "verdicts", "legs"}
    assert CliRunner().invoke(app, ["line", "report", "9-9"]).exit_code == 1
    day = run("report", "line").splitlines()
    row = day[2].split()
    assert row[:5] == ["carrier", "1", "1", "40.0%", "0.0%"] and row[-3:] == ["3.40", "3.40", "4.00%"]
    figures = json.loads(run("report", "line", "--json"))
    assert figures["trunks"]["carrier"]["shares"]["noisy"] == 0.6 and "formula" in figures
    assert CliRunner().invoke(app, ["report", "line", "--day", "nonsense"]).exit_code == 1
