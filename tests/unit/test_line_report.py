"""What callers' lines were like: figures by trunk, and a call's own report, from the tables."""

from pathlib import Path

import pytest

from ari_app.kpi.line import LegScore, Stretch, figures, percentile
from ari_app.model import facts
from ari_app.model.ids import CallId
from ari_app.store.journal import Journal
from ari_app.store.line import of_call, of_day
from tests.unit.store_calls import START

C = CallId("1-1")


def test_shares_are_of_the_time_with_a_verdict() -> None:
    heard = [Stretch("1-1", "a", "clear", 30), Stretch("1-1", "a", "silent", 10), Stretch("1-2", "b", "noisy", 40)]
    found = figures(["a", "a", "b"], heard, [])
    assert list(found) == ["*", "a", "b"]
    assert (found["*"].calls, found["*"].heard, found["*"].listened_s) == (3, 2, 80)
    assert found["*"].shares["noisy"] == 0.5 and found["a"].shares["clear"] == 0.75
    assert sum(found["*"].shares.values()) == pytest.approx(1)
    assert found["b"].mos_p50 is None and found["b"].loss is None


def test_percentiles_are_by_nearest_rank() -> None:
    scores = [LegScore("c", "a", mos, 0.01 * n) for n, mos in enumerate((4.4, 1.5, 4.2, 4.3, 4.1))]
    found = figures(["a"] * 5, [], scores)["a"]
    assert (found.mos_p10, found.mos_p50, found.measured) == (1.5, 4.2, 5)
    assert found.loss == pytest.approx(0.02) and found.shares == {}
    assert percentile([], 50) is None and percentile([3.0], 10) == 3.0


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "hotline.db"
    journal = Journal.open(path)
    journal.next_epoch()
    noted = [
        (0, facts.CallOpened(C, "13800138000", "1860", "carrier", "main", "v1", "en")),  # type: ignore[arg-type]
        (0, facts.LegOpened(C, "c1", "caller")),  # type: ignore[arg-type]
        (5, facts.Connected(C, "1-1.l1", "billing", "81", 5.0)),  # type: ignore[arg-type]
        (10, facts.LineHeard(C, "81", "silent", -100.0, -70.0)),  # type: ignore[arg-type]
        (14, facts.LineHeard(C, "81", "noisy", -30.0, -40.0, "network")),  # type: ignore[arg-type]
        (20, facts.TalkEnded(C, "1-1.l1", "81", "caller", 15.0)),  # type: ignore[arg-type]
        (60, facts.LegClosed(C, "c1", 16, 0)),  # type: ignore[arg-type]
        (60, facts.CallQuality(C, "c1", 0.04, 0.1, 12.0, 30.0, 3.4)),  # type: ignore[arg-type]
        (60, facts.CallClosed(C, "caller", "menu", 16, 60.0)),
    ]
    journal.append([("fact", START + at, fact) for at, fact in noted]).result(5)
    journal.close()
    return path


def test_a_verdict_holds_to_the_next_one_and_no_longer_than_its_talk(store: Path) -> None:
    found = of_call(store, C)
    assert [(row["verdict"], row["seconds"], row["cause"]) for row in found.verdicts] == [
        ("silent", 4.0, ""),
        ("noisy", 6.0, "network"),
    ]
    assert [(leg["role"], leg["mos"], leg["loss"]) for leg in found.legs] == [("caller", 3.4, 0.04)]
    assert of_call(store, CallId("9-9")).verdicts == []


def test_a_day_by_trunk(store: Path) -> None:
    found = of_day(store, START, START + 86_400)
    assert list(found) == ["*", "carrier"] and found["carrier"].calls == 1
    assert found["carrier"].shares["silent"] == 0.4 and found["carrier"].shares["noisy"] == 0.6
    assert (found["carrier"].mos_p10, found["carrier"].loss) == (3.4, 0.04)
    assert of_day(store, START + 1, None)["*"].calls == 0
