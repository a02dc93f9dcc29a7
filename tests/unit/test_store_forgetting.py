"""Retention and erasure: what goes, and that nothing else does."""

import sqlite3

import pytest

from ari_app.errors import StoreError
from ari_app.model.facts import FlowsActivated, MessageLeft
from ari_app.store import retention
from ari_app.store.erasure import erase_person
from ari_app.store.flows import FlowText, save_versions, versions
from ari_app.store.journal import Journal, Options
from ari_app.store.reader import open_reader
from ari_app.store.rebuild import rebuild
from ari_app.store.retention import Due, StoredFile
from ari_app.store.timeline import timeline
from tests.unit.store_calls import NUMBER, START, key, looking, on_disk, tables, whole_call

DAY = 86400.0


@pytest.fixture
def store(tmp_path):
    return tmp_path / "hotline.db"


@pytest.fixture
def journal(store):
    opened = Journal.open(store)
    opened.next_epoch()
    yield opened
    opened.close()


def test_erasing_a_person_changes_no_figure(journal, store):
    for n in range(300):
        journal.append(whole_call(f"1-{n}", NUMBER if n % 7 == 0 else f"1390013{n:04d}", START + n))
    journal.committed().result(10)
    before = tables(looking(store))
    erased = erase_person(store, NUMBER, START + DAY, "cli")
    assert (erased.calls, len(erased.recordings), erased.scrubbed) == (43, 43, True)
    assert tables(looking(store)) == before
    assert NUMBER.encode() not in on_disk(store)
    assert b"13900130001" in on_disk(store)
    with open_reader(store) as reader:
        assert reader.call("1-7").call.caller == "erased"
        assert reader.call("1-7").facts[0].fact.caller == "erased"
        assert reader.call("1-8").call.caller == "13900130008"
        line = reader.audit()[0]
    assert (line["action"], line["subject"], line["detail"]) == ("erase-person", str(erased.person), "asked by cli")


def test_an_erased_caller_who_calls_again_is_someone_new(journal, store):
    journal.append(whole_call("1-1")).result(5)
    erase_person(store, NUMBER, START, "cli")
    journal.append(whole_call("1-2")).result(5)
    with open_reader(store) as reader:
        assert {row.call: row.caller for row in reader.calls()} == {"1-1": "erased", "1-2": NUMBER}


def test_nobody_is_erased_who_is_not_known(journal, store):
    assert erase_person(store, "10086", START, "cli") is None
    with open_reader(store) as reader:
        assert reader.audit() == []


def test_erasing_waits_for_the_emergency_file(store):
    journal = Journal.open(store, Options(retry_s=0, pause_s=30))
    journal.next_epoch()
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    journal.append(whole_call()).result(5)
    with pytest.raises(StoreError, match="emergency"):
        erase_person(store, NUMBER, START, "cli")
    other.execute("ROLLBACK")
    journal.close()
    Journal.open(store).close()
    assert erase_person(store, NUMBER, START, "cli").scrubbed
    assert NUMBER.encode() not in on_disk(store)


def test_old_events_go_in_slices_and_facts_stay(journal, store):
    journal.append([key("1", False, START + n) for n in range(50)] + whole_call()).result(5)
    facts_before = looking(store).execute("SELECT count(*) FROM fact").fetchone()[0]
    gone = [journal.run(lambda conn: retention.delete_events(conn, START + 30, 12)).result(5) for _ in range(4)]
    assert gone == [12, 12, 6, 0]
    conn = looking(store)
    assert conn.execute("SELECT min(at) FROM event WHERE kind = 'KeyPressed'").fetchone()[0] == START + 30
    assert conn.execute("SELECT count(*) FROM fact").fetchone()[0] == facts_before
    assert journal.run(lambda conn: retention.delete_events(conn, START + 99)).result(5) == 21


def stored(n, at, size_mb=1):
    """A call whose recording was stored at `at`."""
    rows = whole_call(f"1-{n}", at=at)
    return [
        (*row[:2], row[2].__class__(**{**_fields(row[2]), "size_bytes": size_mb << 20}))
        if type(row[2]).__name__ == "RecordingStored"
        else row
        for row in rows
    ]


def _fields(fact):
    return {name: getattr(fact, name) for name in fact.__slots__}


def test_recordings_go_by_age_and_then_by_quota(journal):
    for n in range(4):
        journal.append(stored(n, START + n * 100 * DAY)).result(5)
    now = START + 300 * DAY
    due = journal.run(lambda conn: retention.removals(conn, now, quota_mb=10)).result(5)
    assert [(each.recording, each.why) for each in due] == [("1-0.r6", "age"), ("1-1.r6", "age")]
    due = journal.run(lambda conn: retention.removals(conn, now, quota_mb=1)).result(5)
    assert [(each.recording, each.why) for each in due][2:] == [("1-2.r6", "quota")]


def test_a_removed_recording_is_not_due_again_nor_a_gap(journal, store, tmp_path):
    journal.append(stored(0, START)).result(5)
    now = START + 200 * DAY
    (due,) = journal.run(lambda conn: retention.removals(conn, now, 1000)).result(5)
    assert due.path == "2026-11-18/1-0.r6.wav"
    journal.run(lambda conn: retention.mark_removed(conn, due, now)).result(5)
    assert journal.run(lambda conn: retention.removals(conn, now, 0)).result(5) == []
    with open_reader(store) as reader:
        (kept,) = reader.recordings()
        assert (kept.removed_at, kept.removed_why) == (now, "age")
        assert reader.recording_gaps({"billing"}, tmp_path) == []
        assert reader.audit()[0]["action"] == "remove-recording"


def test_a_compressed_recording_is_known_by_its_new_file(journal, store):
    journal.append(stored(0, START)).result(5)
    assert journal.run(lambda conn: retention.compressions(conn, START + 60)).result(5) == []
    (due,) = journal.run(lambda conn: retention.compressions(conn, START + 8 * DAY)).result(5)
    assert due == Due("1-0.r6", "2026-11-18/1-0.r6.wav", "compress")
    file = StoredFile("2026-11-18/1-0.r6.flac", 400, "cd" * 32)
    journal.run(lambda conn: retention.mark_compressed(conn, due.recording, file, START + 8 * DAY)).result(5)
    assert journal.run(lambda conn: retention.compressions(conn, START + 9 * DAY)).result(5) == []
    with open_reader(store) as reader:
        (kept,) = reader.recordings(call="1-0")
    assert (kept.path, kept.size_bytes, kept.sha256) == (file.path, 400, file.sha256)


def live_from(journal, name, version, day):
    """A version becomes live on a day."""
    journal.run(lambda conn: save_versions(conn, [FlowText(name, version, "start: x", {})], START + day * DAY)).result(
        5
    )
    journal.append([("fact", START + day * DAY, FlowsActivated(((name, version),), "li", "reload"))]).result(5)


def delete_versions(journal, day, newest):
    return journal.run(lambda conn: retention.delete_versions(conn, START + day * DAY, newest)).result(5)


def kept_versions(store, name):
    return {row.version for row in versions(store, name)}


def test_old_texts_of_flows_go_when_no_call_can_have_taken_them(journal, store):
    for day in range(6):
        live_from(journal, "main", f"v{day}", day)
    assert delete_versions(journal, 3.5, newest=2) == 3
    assert kept_versions(store, "main") == {"v3", "v4", "v5"}  # v3 was live until the fourth day.
    assert delete_versions(journal, 99, newest=1) == 2
    assert kept_versions(store, "main") == {"v5"}


def test_the_live_text_stays_however_old_it_is(journal, store):
    live_from(journal, "main", "good", 0)
    live_from(journal, "main", "bad", 1)
    live_from(journal, "other", "o1", 1)
    live_from(journal, "main", "good", 2)  # Rolled back to, and first seen longest ago.
    assert delete_versions(journal, 99, newest=1) == 0
    live_from(journal, "main", "new", 3)
    assert delete_versions(journal, 99, newest=1) == 2
    assert kept_versions(store, "main") == {"new"} and kept_versions(store, "other") == {"o1"}


def test_the_number_to_call_back_is_personal_data(journal, store):
    left = MessageLeft("1-1", "1-1.m9", "desk", 6.5, "13912345678")
    journal.append([*whole_call("1-1"), ("fact", START + 60.6, left)]).result(5)
    with open_reader(store) as reader:
        story = reader.call("1-1")
    assert left in [kept.fact for kept in story.facts]
    said = "\n".join(timeline(story))
    assert "to be called back on 139****5678" in said and "13912345678" not in said
    assert erase_person(store, "13912345678", START + DAY, "cli").scrubbed
    assert b"13912345678" not in on_disk(store)
    with open_reader(store) as reader:
        backs = [kept.fact.back for kept in reader.call("1-1").facts if isinstance(kept.fact, MessageLeft)]
    assert "erased" in backs


def test_a_message_older_than_the_number_is_read_and_rebuilt(store):
    journal = Journal.open(store)
    journal.next_epoch()
    journal.append(whole_call("1-1")).result(5)
    journal.close()
    old = sqlite3.connect(store)
    old.execute("DROP TRIGGER fact_never_changes")
    old.execute("UPDATE fact SET body = json_remove(body, '$.back') WHERE kind = 'MessageLeft'")
    old.commit()
    with open_reader(store) as reader:
        backs = [kept.fact.back for kept in reader.call("1-1").facts if isinstance(kept.fact, MessageLeft)]
    assert backs == [""]
    rebuild(store)
    assert old.execute("SELECT count(*) FROM message").fetchone() == (1,)
    assert old.execute("SELECT count(*) FROM message_back").fetchone() == (0,)
    old.close()
