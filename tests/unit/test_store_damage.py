"""A store whose file is damaged: set aside whole, a new one begun, nothing minted twice, the emergency file read in."""

import os
import queue
import sqlite3
from pathlib import Path

import pytest

from ari_app.errors import StoreError
from ari_app.model import facts
from ari_app.store import connect
from ari_app.store.damage import damaged_stores
from ari_app.store.journal import Journal, Options
from tests.unit.store_calls import looking
from tests.unit.test_store_faults import empty, facts_of, fill, numbers

QUICK = Options(emergency_bytes=200_000, retry_s=0.0, pause_s=0.02)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "hotline.db"


def filled(store: Path, runs: int = 3) -> None:
    """A store of several runs, closed."""
    for _ in range(runs):
        journal = Journal.open(store, QUICK)
        journal.next_epoch()
        for n in range(50):
            journal.append(facts_of(n))
        journal.close()


def overwrite(store: Path, start: int, length: int) -> None:
    with store.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * length)


def middle(store: Path) -> None:
    pages = store.stat().st_size // 4096
    overwrite(store, 4096 * (pages // 2), 4096 * (pages // 4))


def harm_unread(store: Path) -> None:
    """In a part nobody reads: only a look through the whole store finds it."""
    conn = sqlite3.connect(store)
    conn.execute("CREATE TABLE unread (bytes BLOB)")
    conn.execute("INSERT INTO unread VALUES (zeroblob(100000))")
    conn.commit()
    conn.close()
    overwrite(store, store.stat().st_size - 4096 * 10, 4096 * 8)


@pytest.mark.parametrize(
    "damage",
    [
        middle,
        lambda store: overwrite(store, 0, 4096),
        lambda store: store.write_bytes(b"this is a text, and long enough to be looked at as a header\n" * 100),
        lambda store: os.truncate(store, store.stat().st_size // 3),
    ],
    ids=["middle", "header", "text", "cut short"],
)
def test_it_is_set_aside_as_it_is_and_a_new_store_begun(store, damage):
    filled(store)
    damage(store)
    as_found = store.read_bytes()
    journal = Journal.open(store, QUICK)
    assert journal.next_epoch() > 3
    journal.append(facts_of(7)).result(5)
    journal.close()
    assert numbers(store) == [7]
    (kept,) = damaged_stores(store)
    assert kept.read_bytes() == as_found
    ((action, subject),) = looking(store).execute("SELECT action, subject FROM audit")
    assert (action, subject) == ("store-damaged", kept.name)
    Journal.open(store).close()
    assert damaged_stores(store) == [kept]


def test_no_run_of_the_new_store_has_a_number_of_the_old_ones(store):
    filled(store)
    conn = sqlite3.connect(store)
    conn.execute("INSERT INTO boot (epoch, at) VALUES (900000000, 0)")  # More than minutes since 2020 will be for long.
    conn.commit()
    conn.close()
    overwrite(store, store.stat().st_size - 8192, 8192)
    journal = Journal.open(store, QUICK)
    assert journal.next_epoch() == 900_000_001
    journal.close()


def test_what_the_emergency_file_holds_comes_into_the_new_store(store):
    filled(store)
    journal = Journal.open(store, QUICK)
    journal.next_epoch()
    fill(journal)
    for n in range(60):
        journal.append(facts_of(n))
    journal.close()
    middle(store)
    again = Journal.open(store, QUICK)
    again.close()
    kept = numbers(store)
    assert kept == list(range(60))


def test_a_sound_store_stays_where_it_is(store):
    filled(store)
    Journal.open(store).close()
    assert damaged_stores(store) == [] and len(numbers(store)) == 150


def test_a_locked_store_is_not_taken_for_damaged(store):
    filled(store)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked by another program"):
        Journal.open(store)
    other.close()
    assert damaged_stores(store) == []


def test_damage_found_while_writing_is_said_and_set_aside_on_the_way_out(store):
    """The daemon ends on it; what it could not write any more stands in the emergency file, and comes into the new."""
    filled(store, 1)
    journal = Journal.open(store, QUICK)
    first = journal.next_epoch()
    changes: queue.Queue[str] = queue.Queue()
    journal.on_health = changes.put
    middle(store)
    journal._conn.execute("PRAGMA cache_size = 1")
    journal._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    told = 0
    while not journal.damaged:
        assert told < 5000
        closed = [facts.CallClosed(f"{first}-{n}", "caller", "", 16, 1.0) for n in range(told, told + 50)]
        journal.append([("fact", float(told), fact) for fact in closed]).result(5)
        told += 50
    assert changes.get(timeout=5) == "emergency"
    journal.append(facts_of(99)).result(5)
    journal.close()
    assert len(damaged_stores(store)) == 1
    again = Journal.open(store, QUICK)
    assert again.next_epoch() > first
    again.close()
    assert 99 in numbers(store)


def test_reading_a_damaged_store_says_how_to_save_it(store):
    filled(store)
    overwrite(store, 0, 4096)
    with pytest.raises(StoreError, match="recover"):
        connect.reading(store)


def test_a_full_disk_is_not_damage(store):
    journal = Journal.open(store, QUICK)
    journal.next_epoch()
    fill(journal)
    last = [journal.append(facts_of(n)) for n in range(60)][-1]
    last.result(5)
    assert not journal.damaged
    empty(journal)
    journal.close()
    assert damaged_stores(store) == []
