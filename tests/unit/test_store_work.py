"""Messages and call-backs as lists, what a restart takes over, and expected waits held against the truth."""

import pytest
from typer.testing import CliRunner

from ari_app.commands import report
from ari_app.errors import ConfigError
from ari_app.kpi.ewt import ToldWait, scores
from ari_app.model import facts
from ari_app.model import work as wk
from ari_app.store import connect, work
from ari_app.store.journal import Journal
from ari_app.store.restore import work_left

START = 1_772_416_800.0
CALLER = "13800138000"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "hotline.db"


def write(store, *noted):
    journal = Journal.open(store)
    try:
        journal.next_epoch()
        journal.append([("fact", START + at, fact) for at, fact in noted]).result(10)
    finally:
        journal.close()


def booked(booking="1-2", number=CALLER, rank=START, call="1-1"):
    return wk.CallbackBooked(call, booking, "billing", number, 0, rank, rank, "billing>=2", "en", "1860", "wait_here")


OPENED = facts.CallOpened("1-1", CALLER, "1860", "local", "main", "v", "en")


def test_call_backs_in_the_order_of_their_places(store):
    write(
        store,
        (0, OPENED),
        (1, booked("1-2", rank=START + 9)),
        (2, booked("1-3", "13900139000", START + 3)),
        (3, wk.CallbackDialled("1-9", "1-3", 1)),
        (4, wk.CallbackMissed("1-9", "1-3", "busy", START + 604)),
        (5, booked("1-4", "13700137000")),
        (6, wk.CallbackEnded("1-1", "1-4", "cancelled", "li")),
    )
    rows = work.callbacks(store)
    assert [(row["booking"], row["number"], row["missed"]) for row in rows] == [
        ("1-3", "139****9000", "busy"),
        ("1-2", "138****8000", None),
    ]
    assert [row["outcome"] for row in work.callbacks(store, over=True)] == [None, None, "cancelled"]


def test_a_restart_takes_over_what_is_open(store):
    message = facts.MessageLeft("1-1", "1-1.m6", "general", 12.0, "13900139000")
    write(
        store,
        (0, OPENED),
        (1, booked()),
        (2, wk.CallbackDialled("1-9", "1-2", 1)),
        (3, wk.CallbackMissed("1-9", "1-2", "busy", START + 603)),
        (4, booked("1-3", "13900139000")),
        (5, wk.CallbackEnded("1-1", "1-3", "connected")),
        (6, message),
        (6, wk.ItemOpened("1-1", "1-1.m6", "general", START + 99)),
        (7, wk.ItemTaken("1-1.m6", "8025")),
        (8, wk.ItemOpened("1-1", "1-1.m7", "general", START + 98)),
        (9, wk.MessageStored("1-1", "1-1.m7", "d/1-1.m7.wav", 9, "ab", 30)),
        (9, wk.ItemOpened("1-1", "1-1.m8", "general", START + 97)),
        (9, wk.ItemDone("1-1.m8", "8025", "")),
    )
    assert work_left(store) == (
        wk.CallbackLeft(
            *("1-2", "1-1", "billing", CALLER, 0, START, START, "billing>=2", "en", "1860", "wait_here"),
            *(START + 1, 1, START + 603),
        ),
        wk.ItemLeft("1-1.m7", "1-1", "general", START + 98, "", True, "d/1-1.m7.wav", CALLER),
        wk.ItemLeft("1-1.m6", "1-1", "general", START + 99, "8025", False, "", "13900139000"),
    )


def test_an_erased_number_is_not_called(store):
    write(store, (0, OPENED), (1, booked()))
    conn = connect.writing(store)
    conn.execute("UPDATE person SET value = NULL, erased_at = 1")
    conn.close()
    assert work_left(store) == ()


def test_messages_by_due_time_and_who_listened(store):
    write(
        store,
        (0, OPENED),
        (6, facts.MessageLeft("1-1", "1-1.m6", "general", 12.0)),
        (6, wk.ItemOpened("1-1", "1-1.m6", "general", START + 99)),
        (6, wk.MessageStored("1-1", "1-1.m6", "d/1-1.m6.wav", 9, "ab", 30)),
        (8, wk.ItemOpened("1-1", "1-1.m7", "general", START + 98)),
        (9, wk.ItemTaken("1-1.m7", "8025")),
        (10, wk.ItemReturned("1-1.m7", "8025")),
        (11, wk.ItemOpened("1-1", "1-1.m8", "general", START)),
        (12, wk.ItemDone("1-1.m8", "8025", "called back")),
    )
    assert [(row["message"], row["taken_by"]) for row in work.items(store)] == [("1-1.m7", None), ("1-1.m6", None)]
    (row,) = work.items(store, message="1-1.m6")
    assert (row["number"], row["seconds"], row["path"]) == ("138****8000", 12.0, "d/1-1.m6.wav")
    assert [row["message"] for row in work.items(store, done=True)][-1] == "1-1.m8"
    assert row["offered_to"] is None
    write(store, (20, wk.ItemOffered("1-1", "1-1.m6", "1-9.l1", "8025", "p8025")))
    assert [each["offered_to"] for each in work.items(store)] == [None, "8025"]
    write(store, (21, facts.DaemonStarted(3)))  # It rings no more.
    assert work.items(store, message="1-1.m6")[0]["offered_to"] is None
    work.heard(store, START, "1-1.m6", "li")
    conn = connect.reading(store)
    assert tuple(conn.execute("SELECT action, subject, detail FROM audit").fetchone()) == (
        *("play-message", "1-1.m6", "by li"),
    )
    conn.close()


# -- expected waits --


def visit(call, waits, outcome="connected"):
    left = facts.QueueLeft(call, 1, "billing", outcome, waits)
    return [(0, facts.Queued(call, 1, "billing", 0, START, 1)), (waits, left)]


def test_told_is_held_against_what_came(store):
    write(
        store,
        *visit("1-1", 170),
        *visit("1-2", 400),
        *visit("1-3", 50, "abandoned"),
        *[(10, wk.WaitTold(call, 1, "billing", 1, 120.0, 240.0)) for call in ("1-1", "1-2", "1-3")],
    )
    found = scores(work.told(store))
    assert found["billing"] == found["*"]
    score = found["billing"]
    assert (score.told, score.scored, score.inside, score.share) == (3, 2, 1, 0.5)
    assert (score.mean_error_s, score.mean_off_s) == ((20 - 210) / 2, (20 + 210) / 2)
    assert scores(work.told(store, START + 100)) == {}


def test_nothing_told_is_no_score():
    assert scores([ToldWait("billing", 0, 60, None)])["*"].mean_error_s is None
    assert scores([]) == {}


def test_the_report(store, tmp_path, monkeypatch):
    write(store, *visit("1-1", 100), (10, wk.WaitTold("1-1", 1, "billing", 1, 60.0, 120.0)))

    class At:
        store = tmp_path / "hotline.db"

        class settings:
            timezone = "Asia/Shanghai"

    monkeypatch.setattr(report.common, "site", At)
    shown = CliRunner().invoke(report.app, ["ewt", "--day", "2026-03-02"]).output
    assert "billing" in shown and "100%" in shown and "inside = told ranges" in shown
    assert "billing" not in CliRunner().invoke(report.app, ["ewt", "--day", "2026-03-03"]).output
    with pytest.raises(ConfigError, match="no day"):
        report.common.span("yesterday", None)
