"""Disk full, store locked: real SQLite errors, nothing lost, order kept."""

import os
import queue
import sqlite3

import pytest

from ari_app.errors import StoreError
from ari_app.model import facts
from ari_app.store import connect
from ari_app.store.emergency import EmergencyFile
from ari_app.store.journal import Journal, Options
from tests.unit.store_calls import START, key, looking, on_disk

QUICK = Options(emergency_bytes=200_000, retry_s=0.0, pause_s=0.02)


def opened(path, options=QUICK):
    journal = Journal.open(path, options)
    changes: queue.Queue[str] = queue.Queue()
    journal.on_health = changes.put
    journal.next_epoch()
    return journal, changes


def facts_of(n, size=200):
    """A batch that needs room: one fact, numbered by its time."""
    return [("fact", float(n), facts.PromptFailed("1-1", f"{n}-" + "p" * size))]


def fill(journal):
    """No further page for the database, as when the disk is full; pages already there still take rows."""
    pages = journal._conn.execute("PRAGMA page_count").fetchone()[0]
    journal._conn.execute(f"PRAGMA max_page_count = {pages}")


def empty(journal):
    journal._conn.execute("PRAGMA max_page_count = 1000000")


def numbers(path):
    return [int(row[0]) for row in looking(path).execute("SELECT at FROM fact ORDER BY id")]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "hotline.db"


def test_a_full_disk_sends_rows_to_the_emergency_file_and_back_in_order(store):
    journal, changes = opened(store)
    fill(journal)
    for n in range(100):
        journal.append(facts_of(n)).result(5)  # Durable all the same: synced to the emergency file.
    assert changes.get(timeout=5) == "emergency"
    assert journal.waiting == 0
    assert numbers(store) != list(range(100))
    empty(journal)
    assert changes.get(timeout=5) == "ok"
    assert numbers(store) == list(range(100))
    assert not store.with_name("hotline.db.emergency").read_bytes().strip(b"\0")
    journal.close()


def test_a_daemon_killed_in_an_emergency_leaves_its_rows_to_the_next(store):
    journal, changes = opened(store)
    fill(journal)
    for n in range(60):
        journal.append(facts_of(n)).result(5)
    assert changes.get(timeout=5) == "emergency"
    journal.close()  # Writes nothing to SQLite, as if killed: it is still full.
    assert len(numbers(store)) < 60
    again = Journal.open(store)
    assert numbers(store) == list(range(60))
    again.close()


def test_a_crash_after_reading_the_emergency_file_doubles_nothing(store):
    journal, _ = opened(store)
    fill(journal)
    for n in range(60):
        journal.append(facts_of(n)).result(5)
    journal.close()
    kept = store.with_name("hotline.db.emergency").read_bytes()
    Journal.open(store).close()
    store.with_name("hotline.db.emergency").write_bytes(kept)  # As if the crash came before it was cleared.
    Journal.open(store).close()
    assert numbers(store) == list(range(60))


def test_a_line_torn_by_a_crash_is_passed_over(store):
    journal, _ = opened(store)
    fill(journal)
    for n in range(60):
        journal.append(facts_of(n)).result(5)
    journal.close()
    path = store.with_name("hotline.db.emergency")
    used = path.read_bytes().rstrip(b"\0")
    path.write_bytes((used[:-20] + bytes(20)).ljust(QUICK.emergency_bytes, b"\0"))
    Journal.open(store).close()
    assert numbers(store) == list(range(59))


def test_when_the_emergency_file_is_full_too_rows_wait_in_memory(store):
    journal, changes = opened(store)
    fill(journal)
    first = [journal.append(facts_of(n)) for n in range(60)]
    first[-1].result(5)
    assert changes.get(timeout=5) == "emergency"
    last = [journal.append(facts_of(n, 10_000)) for n in range(60, 100)]
    assert changes.get(timeout=5) == "full"
    assert journal.waiting > 0
    assert not last[-1].done()
    empty(journal)
    assert changes.get(timeout=5) == "ok"
    last[-1].result(5)
    assert numbers(store) == list(range(100))
    assert journal.waiting == 0
    journal.close()


def test_closing_with_no_room_anywhere_says_how_much_is_lost(store):
    journal, changes = opened(store)
    fill(journal)
    last = journal.append(facts_of(1, 300_000))
    assert changes.get(timeout=5) == "full"
    with pytest.raises(StoreError, match="1 rows"):
        journal.close()
    with pytest.raises(StoreError):
        last.result(5)


def test_a_short_lock_is_waited_out_in_memory(store):
    journal, changes = opened(store, Options(retry_s=60, pause_s=0.02))
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waiting = [journal.append(facts_of(n)) for n in range(20)]
    assert changes.get(timeout=5) == "retrying"
    assert journal.waiting == 20
    other.execute("ROLLBACK")
    waiting[-1].result(5)
    assert changes.get(timeout=5) == "ok"
    assert numbers(store) == list(range(20))
    journal.close()


def test_a_long_lock_sends_rows_to_the_emergency_file(store):
    journal, changes = opened(store)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    journal.append([*facts_of(0), key("7", True)]).result(5)
    assert changes.get(timeout=5) == "emergency"
    assert b'"digit":"7"' not in on_disk(store)  # Redacted there too.
    with pytest.raises(StoreError, match="cannot write"):
        journal.run(lambda conn: conn.execute("SELECT 1").fetchone()).result(5)
    other.execute("ROLLBACK")
    assert changes.get(timeout=5) == "ok"
    journal.append(facts_of(1)).result(5)
    assert numbers(store) == [0, 1]
    journal.close()


def test_a_callback_that_fails_does_not_stop_the_writer(store):
    journal, _ = opened(store)

    def broken(health):
        raise RuntimeError("the loop is closed")

    journal.on_health = broken
    fill(journal)
    for n in range(60):
        journal.append(facts_of(n)).result(5)
    empty(journal)
    journal.close()
    Journal.open(store).close()
    assert numbers(store) == list(range(60))


def test_a_file_that_cannot_be_cleared_takes_no_rows_and_doubles_none(store, monkeypatch):
    journal, changes = opened(store)
    clear = EmergencyFile.clear
    failing = True

    def sometimes(file):
        if failing:
            monkeypatch.setattr(os, "fdatasync", broken)
        try:
            clear(file)
        finally:
            monkeypatch.setattr(os, "fdatasync", real)

    def broken(handle):
        raise OSError(5, "Input/output error")

    real = os.fdatasync
    monkeypatch.setattr(EmergencyFile, "clear", sometimes)
    fill(journal)
    for n in range(60):
        journal.append(facts_of(n)).result(5)
    assert changes.get(timeout=5) == "emergency"
    empty(journal)
    assert changes.get(timeout=5) == "ok"
    journal.append(facts_of(60)).result(5)
    failing = False
    journal.append(facts_of(61)).result(5)
    journal.close()
    assert numbers(store) == list(range(62))


def test_a_bug_in_the_writer_closes_the_door_and_loses_nothing(store, monkeypatch):
    journal, changes = opened(store)

    def bug(line, *rest, **named):
        raise MemoryError("as if")

    with monkeypatch.context() as broken:
        broken.setattr(journal, "_commit", bug)
        waiting = journal.append(facts_of(1))
        assert changes.get(timeout=5) == "full"
    waiting.result(5)
    assert changes.get(timeout=5) == "ok"
    monkeypatch.setattr(journal, "_commit", bug)
    journal.append(facts_of(2))
    with pytest.raises(StoreError, match="1 rows"):
        journal.close()


def test_a_store_somebody_holds_is_said_with_its_cure(store, monkeypatch):
    Journal.open(store, QUICK).close()
    monkeypatch.setattr(connect, "BUSY_MS", 50)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"(?s)is locked by another program.*fuser"):
        Journal.open(store, QUICK)
    other.execute("ROLLBACK")
    other.close()
    Journal.open(store, QUICK).close()  # Nothing is left held by the attempt that failed.


def test_a_run_that_cannot_be_numbered_says_what_to_do(store):
    journal = Journal.open(store, QUICK)
    fill(journal)
    journal._conn.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=r"(?s)cannot be numbered.*Free disk space"):
        journal.next_epoch()
    journal._conn.execute("PRAGMA query_only = OFF")
    journal.close()


def test_no_room_for_the_emergency_file_is_said_at_once(store, monkeypatch):
    def full(handle, raw, at):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        with pytest.raises(StoreError, match="room"):
            Journal.open(store)
    Journal.open(store).close()


def test_the_emergency_file_has_its_bytes_from_the_start(store):
    journal, _ = opened(store)
    path = store.with_name("hotline.db.emergency")
    assert path.stat().st_size == QUICK.emergency_bytes
    assert path.stat().st_blocks * 512 >= QUICK.emergency_bytes
    journal.append([("fact", START, facts.DaemonStarted(1))]).result(5)
    journal.close()
