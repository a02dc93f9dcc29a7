import json
import os
import signal
import sqlite3
import subprocess
import sys
from itertools import product

import pytest

from ari_app.errors import AlreadyRunning, StoreError
from ari_app.model import events, facts
from ari_app.store import connect
from ari_app.store.damage import damaged_stores
from ari_app.store.journal import Journal
from ari_app.store.reader import open_reader
from tests.unit.store_calls import NUMBER, OUTSIDE, START, key, looking, on_disk, whole_call


@pytest.fixture
def store(tmp_path):
    return tmp_path / "state" / "hotline.db"


@pytest.fixture
def journal(store):
    opened = Journal.open(store)
    opened.next_epoch()
    yield opened
    opened.close()


def test_epoch_never_repeats(store):
    seen = []
    for _ in range(3):
        journal = Journal.open(store)
        seen.append(journal.next_epoch())
        journal.close()
    assert seen == [1, 2, 3]


def test_a_batch_is_committed_with_its_projections(journal, store):
    journal.append(whole_call()).result(5)
    conn = looking(store)
    assert conn.execute("SELECT count(*) FROM event").fetchone()[0] == 1
    assert conn.execute("SELECT count(*) FROM fact").fetchone()[0] == len(whole_call()) - 1
    call = conn.execute("SELECT * FROM call").fetchone()
    assert (call["closed_by"], call["connected_at"], call["seconds"]) == ("caller", START + 18, 60.0)
    assert journal.waiting == 0
    assert journal.written == len(whole_call())


def test_everything_a_kpi_needs_is_kept(journal, store):
    journal.append(whole_call()).result(5)
    conn = looking(store)
    first, second = conn.execute("SELECT * FROM offer ORDER BY made_at")
    assert (first["rang_at"], first["ended_at"], first["outcome"]) == (START + 5.2, START + 15, "ran-out")
    assert (second["rang_at"], second["ended_at"], second["outcome"]) == (START + 15.1, START + 17, "accepted")
    hold = conn.execute("SELECT * FROM hold").fetchone()
    assert (hold["began_at"], hold["ended_at"]) == (START + 30, START + 40)
    visit = conn.execute("SELECT * FROM queue_visit").fetchone()
    assert (visit["wait_s"], visit["outcome"], visit["agent"]) == (13.0, "connected", "8025")
    assert conn.execute("SELECT talk_s FROM talk").fetchone()[0] == 42.0
    keys = conn.execute("SELECT key, accepted FROM ivr_key ORDER BY at").fetchall()
    assert [tuple(row) for row in keys] == [("7", 0), ("1", 1)]
    states = conn.execute("SELECT state, ended_at FROM agent_state WHERE agent = '8025' ORDER BY fact").fetchall()
    assert [tuple(row) for row in states] == [("reserved", START + 18), ("talking", START + 60), ("wrap-up", None)]


def test_a_blocked_call_is_kept_with_its_reason(journal, store):
    journal.append(
        [
            ("fact", START, facts.CallOpened("1-9", "", "1860", "local", "", "", "zh-CN")),
            ("fact", START, facts.CallRefused("1-9", "all circuits busy")),
            ("fact", START + 4, facts.CallClosed("1-9", "refused", "", 34, 4.0)),
        ]
    ).result(5)
    call = looking(store).execute("SELECT refused, closed_by, caller FROM call").fetchone()
    assert tuple(call) == ("all circuits busy", "refused", None)


def test_a_hold_ends_with_the_talk(journal, store):
    journal.append(
        [
            ("fact", START, facts.HoldBegan("1-1", "8025")),
            ("fact", START + 7, facts.TalkEnded("1-1", "1-1.l1", "8025", "caller", 9.0)),
        ]
    ).result(5)
    assert looking(store).execute("SELECT ended_at FROM hold").fetchone()[0] == START + 7


def test_a_crash_cuts_the_states_of_agents_at_the_last_thing_known(store):
    journal = Journal.open(store)
    journal.next_epoch()
    journal.append(whole_call()).result(5)
    journal.close()
    journal = Journal.open(store)
    journal.append([("fact", START + 9999, facts.DaemonStarted(journal.next_epoch()))]).result(5)
    journal.close()
    rows = looking(store).execute("SELECT ended_at FROM agent_state WHERE cut = 1").fetchall()
    assert {row[0] for row in rows} == {START + 70}
    with open_reader(store) as reader:
        assert {str(agent.state) for agent in reader.agents()} == {"signed-out"}


def test_a_number_stands_in_the_person_table_only(journal, store):
    journal.append([*whole_call("1-1"), *whole_call("1-2")]).result(5)
    conn = looking(store)
    assert [tuple(row) for row in conn.execute("SELECT key, kind, value FROM person")] == [
        (1, "number", NUMBER),
        (2, "number", OUTSIDE),
    ]
    for table, number in product(("event", "fact"), (NUMBER, OUTSIDE)):
        assert conn.execute(f"SELECT count(*) FROM {table} WHERE body LIKE '%{number}%'").fetchone()[0] == 0
    body = conn.execute("SELECT body FROM fact WHERE kind = 'CallOpened'").fetchone()[0]
    assert json.loads(body)["caller"] == {"person": 1}
    assert [row[0] for row in conn.execute("SELECT caller FROM call")] == [1, 1]


def test_a_secret_digit_is_never_on_disk(journal, store):
    journal.append([key(digit, True) for digit in "246802"] + [key("9", False)]).result(5)
    conn = looking(store)
    digits = [json.loads(row[0])["digit"] for row in conn.execute("SELECT body FROM event ORDER BY id")]
    assert digits == ["x"] * 6 + ["9"]
    raw = on_disk(store)
    assert b'"digit":"9"' in raw
    assert not any(b'"digit":"%d"' % digit in raw for digit in (0, 2, 4, 6, 8))


def test_one_bad_row_loses_no_other(journal, store):
    bad = ("fact", START, facts.KeyTaken("1-1", "menu", {"no": "text"}, True))
    worse = ("fact", START, facts.KeyTaken("1-1", "menu", object(), True))
    refused = journal.append([*whole_call()[:3], bad, worse, ("fact", START, facts.DaemonStarted(1))])
    other = journal.append(whole_call("1-2"))
    with pytest.raises(StoreError, match="KeyTaken"):
        refused.result(5)
    other.result(5)
    kinds = [row[0] for row in looking(store).execute("SELECT kind FROM fact WHERE call = '1-1' OR call IS NULL")]
    assert kinds[:4] == ["CallOpened", "LegOpened", "KeyTaken", "DaemonStarted"]  # `bad`, without its projection.
    assert journal.rejected == 1
    assert journal.health == "ok"


def test_text_that_is_no_unicode_is_kept_all_the_same(journal, store):
    journal.append([("fact", START, facts.PromptFailed("1-1", "caf\udce9"))]).result(5)
    assert looking(store).execute("SELECT prompts FROM prompt_gap").fetchone()[0] == "caf?"


def test_facts_are_append_only(journal, store):
    journal.append(whole_call()).result(5)
    for sql in ("UPDATE fact SET at = 0", "DELETE FROM fact", "UPDATE event SET at = 0", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|retention only"):
            journal.run(lambda conn, sql=sql: conn.execute(sql)).result(5)
    assert looking(store).execute("SELECT count(*) FROM event").fetchone()[0] == 1


def test_a_second_daemon_is_refused_with_pid_and_cure(journal, store):
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}(.|\n)*paths\.state"):
        Journal.open(store)
    journal.append([key("1", False)]).result(5)  # The first one is none the worse.


def test_a_damaged_store_is_set_aside_as_it_is_and_a_new_one_begun(store):
    store.parent.mkdir()
    damaged = b"SQLite format 3\0" + b"\xff" * 8000
    store.write_bytes(damaged)
    Journal.open(store).close()
    Journal.open(store).close()
    [aside] = damaged_stores(store)
    assert aside.read_bytes() == damaged


def test_a_closed_journal_takes_nothing(store):
    journal = Journal.open(store)
    journal.close()
    with pytest.raises(StoreError, match="closed"):
        journal.append([key("1", False)]).result(1)


def test_the_store_is_private(journal, store):
    assert store.stat().st_mode & 0o077 == 0
    assert store.with_name("hotline.db.emergency").stat().st_mode & 0o077 == 0


WRITER = """
import sys
from pathlib import Path
from ari_app.model import facts
from ari_app.store.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
journal.next_epoch()
for n in range(1, 100_000):
    journal.append([("fact", float(n), facts.CallOpened(f"1-{n}", f"1380000{n:04d}", "1860", "t", "f", "v", "en")),
                    ("fact", float(n), facts.CallClosed(f"1-{n}", "caller", "", 16, 1.0))]).result()
    print(n, flush=True)
"""


def test_kill_9_in_the_middle_leaves_every_committed_row(store):
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(store)], stdout=subprocess.PIPE, text=True)
    try:
        seen = [int(next(child.stdout)) for _ in range(150)][-1]
    finally:
        child.send_signal(signal.SIGKILL)
        rest = child.communicate()[0].split("\n")[:-1]
    last = int(rest[-1]) if rest else seen
    journal = Journal.open(store)
    assert journal.next_epoch() == 2
    conn = looking(store)
    calls = conn.execute("SELECT count(*) FROM call WHERE closed_at IS NOT NULL").fetchone()[0]
    assert calls in (last, last + 1)
    assert conn.execute("SELECT count(*) FROM fact").fetchone()[0] == 2 * calls  # Both facts of a batch, or neither.
    journal.close()


def test_what_else_opens_the_store_in_our_process_leaves_our_hold_on_it(journal, store):
    """Seen: the process lost its locks, another removed the WAL, and all that was written from then on."""
    connect.writing(store).close()
    connect.reading(store).close()
    other = "import sqlite3; c = sqlite3.connect({!r}); print(c.execute('SELECT count(*) FROM fact').fetchone()[0])"
    command = [sys.executable, "-c", other.format(str(store)) + "; c.close()"]
    assert int(subprocess.check_output(command)) == 0
    assert store.with_name("hotline.db-wal").exists()
    journal.append(whole_call()).result(5)
    assert int(subprocess.check_output(command)) == len(whole_call()) - 1


def test_events_come_back_as_they_were(journal, store):
    happened = [events.LinkUp("22.10"), events.Booted(1)]
    journal.append([("event", START, event, False) for event in happened]).result(5)
    kinds = looking(store).execute("SELECT kind, epoch FROM event ORDER BY id").fetchall()
    assert [tuple(row) for row in kinds] == [("LinkUp", 1), ("Booted", 1)]


def test_no_run_on_an_older_copy_of_the_store_has_a_number_of_those_after_it(store):
    """Calls and recordings are named by it: what was recorded after the copy was made would be written over."""

    def run():
        journal = Journal.open(store)
        epoch = journal.next_epoch()
        journal.close()
        return epoch

    assert run() == 1
    copy = store.read_bytes()
    assert [run(), run()] == [2, 3]
    store.write_bytes(copy)
    for side in ("-wal", "-shm"):
        store.with_name(store.name + side).unlink(missing_ok=True)
    assert [run(), run()] == [4, 5]
