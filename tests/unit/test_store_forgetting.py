"""Retention and erasure: what goes, and that nothing else does."""

import asyncio
import sqlite3
from types import SimpleNamespace

import pytest

from ari_app.errors import StoreError
from ari_app.housekeeping import Housekeeping
from ari_app.model.control import ControlAsked, TransferBegan
from ari_app.model.events import Answer, CallLeft, KeyPressed, LookedUp
from ari_app.model.facts import CallOpened, Connected, FlowsActivated, KeyTaken, LegOpened, MessageLeft, TalkEnded
from ari_app.model.routing import Limits
from ari_app.model.screening_facts import AppealKept, CallerScreened, ScreeningAsked, ScreeningEnded
from ari_app.model.work import CallbackBooked, ItemAsked, ItemDone
from ari_app.store import migrations, queries, retention
from ari_app.store.erasure import erase_person
from ari_app.store.flows import FlowText, save_versions, versions
from ari_app.store.history import open_history
from ari_app.store.journal import Journal, Options
from ari_app.store.reader import open_reader
from ari_app.store.rebuild import rebuild
from ari_app.store.removal import remove, standing
from ari_app.store.retention import Due, StoredFile
from ari_app.store.screening import screenings
from ari_app.store.timeline import timeline
from ari_app.store.work import items
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


def of_an_older_version(store, body, kind):
    """A store with one call, whose facts of this kind are as an older hotline wrote them."""
    journal = Journal.open(store)
    journal.next_epoch()
    journal.append(whole_call("1-1")).result(5)
    journal.close()
    old = sqlite3.connect(store)
    old.execute("DROP TRIGGER fact_never_changes")
    old.execute(f"UPDATE fact SET body = {body} WHERE kind = ?", (kind,))
    old.commit()
    return old


def test_erasing_a_person_changes_no_figure(journal, store):
    for n in range(300):
        journal.append(whole_call(f"1-{n}", NUMBER if n % 7 == 0 else f"1390013{n:04d}", START + n))
    journal.committed().result(10)
    before = tables(looking(store))
    erased = erase_person(store, [NUMBER], START + DAY, "cli")
    standing = len(erased.recordings), len(erased.messages)
    assert (erased.calls, standing, erased.scrubbed) == (43, (43, 43), True)
    assert tables(looking(store)) == before
    assert NUMBER.encode() not in on_disk(store)
    assert b"13900130001" in on_disk(store)
    with open_reader(store) as reader:
        assert reader.call("1-7").call.caller == "erased"
        assert reader.call("1-7").facts[0].fact.caller == "erased"
        assert reader.call("1-8").call.caller == "13900130008"
        line = reader.audit()[0]
    assert (line["action"], line["subject"], line["detail"]) == ("erase-person", str(*erased.persons), "asked by cli")


def test_notes_go_with_the_person_they_are_about_and_with_nobody_else(store):
    """Word for word the same was written about two callers' messages."""
    journal = Journal.open(store)
    journal.next_epoch()
    for n, number in enumerate((NUMBER, "13900130001"), 1):
        asked = ItemAsked(f"1-{n}.m9", "done", "8025", note="called back")
        journal.append([*whole_call(f"1-{n}", number), ("event", START + 60, asked, False)]).result(5)
    journal.close()
    assert [each["note"] for each in items(store, done=True)] == ["called back", "called back"]
    before = tables(looking(store))
    erase_person(store, [NUMBER], START + DAY, "cli")
    assert tables(looking(store)) == before
    assert {each["call"]: each["note"] for each in items(store, done=True)} == {"1-1": None, "1-2": "called back"}
    erase_person(store, ["13900130001"], START + DAY, "cli")
    assert b"called back" not in on_disk(store)
    with open_history(store) as history:
        (epoch,) = history.epochs
        notes = {event.note for _, event in history.events(epoch) if isinstance(event, ItemAsked)}
        notes |= {fact.note for _, fact in history.facts(epoch) if isinstance(fact, ItemDone)}
    assert notes == {"erased"}
    assert rebuild(store) and tables(looking(store)) == before


def test_a_note_written_before_notes_stood_apart_moves(store):
    old = of_an_older_version(store, "json_set(body, '$.note', 'called back')", "ItemDone")
    with open_reader(store) as reader:
        notes = [kept.fact.note for kept in reader.facts_after(0) if isinstance(kept.fact, ItemDone)]
    before = tables(looking(store))
    assert notes == ["called back"]
    assert rebuild(store) and tables(looking(store)) == before
    erase_person(store, [NUMBER], START + DAY, "cli")
    assert rebuild(store) and tables(looking(store)) == before
    assert [each["note"] for each in items(store, done=True)] == [None], "a rebuild brings nothing back"
    old.close()


def screened(name, number, at):
    """Screened by hand, kept after an appeal, lifted: three times somebody wrote why."""
    asked = ScreeningAsked("add", "8026", "insulted Ms Li", number=number)
    facts = [
        CallerScreened(name, None, number, "8026", "insulted Ms Li", 1, at + DAY),
        AppealKept(name, "8026", "did it again"),
        ScreeningEnded(name, "lifted", "8026", "said sorry"),
    ]
    return [("event", at, asked, False), *(("fact", at, fact) for fact in facts)]


def test_why_somebody_was_screened_goes_with_him_and_with_nobody_else(store):
    journal = Journal.open(store)
    journal.next_epoch()
    for n, number in enumerate((NUMBER, "13900130001"), 1):
        journal.append([*whole_call(f"1-{n}", number), *screened(f"1-{n}.n1", number, START)]).result(5)
    journal.close()
    before = tables(looking(store))
    erase_person(store, [NUMBER], START + DAY, "cli")
    assert tables(looking(store)) == before
    shown = {row["screening"]: row for row in screenings(store, START, over=True)}
    whys = ("why", "ended_why", "decided_why")
    assert [shown["1-2.n1"][why] for why in whys] == ["insulted Ms Li", "said sorry", "said sorry"]
    assert [shown["1-1.n1"][why] for why in whys] == ["erased", None, None]
    erase_person(store, ["13900130001"], START + DAY, "cli")
    assert not any(text in on_disk(store) for text in (b"insulted Ms Li", b"did it again", b"said sorry"))
    with open_history(store) as history:
        (epoch,) = history.epochs
        said = {event.why for _, event in history.events(epoch) if isinstance(event, ScreeningAsked)}
        said |= {fact.why for _, fact in history.facts(epoch) if isinstance(fact, CallerScreened | ScreeningEnded)}
    assert said == {"erased"}
    assert rebuild(store) and tables(looking(store)) == before


def test_notes_of_a_store_of_before_move_to_their_table():
    """Equal ones, none, and empty ones."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    for name in sorted(step.name for step in migrations.steps._migrations):
        if name.startswith("m0015"):
            break
        for statement in queries.statements(queries.text(f"sql/{name[:5]}.sql")):
            conn.execute(statement)
    written = {"1-1.m1": "called back", "1-2.m1": "called back", "1-3.m1": None, "1-4.m1": ""}
    for message, note in written.items():
        row = (message, message[:3], "desk", 1.0, 2.0, "8025", 3.0, 4.0, note)
        conn.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    conn.execute("INSERT INTO person (key, kind, value) VALUES (1, 'number', '13800138000')")
    for row in (
        (
            "1-1.n1",
            None,
            1,
            "8026",
            "nuisance",
            1,
            2.0,
            3.0,
            4.0,
            "lifted",
            "8027",
            "sorry",
            "m",
            5.0,
            6.0,
            "8027",
            "sorry",
        ),
        ("1-2.n1", "1-2", 1, "8026", "nuisance", 1, 2.0, 3.0, None, None, None, None, None, None, None, None, None),
    ):
        conn.execute(f"INSERT INTO screening VALUES ({', '.join('?' * len(row))})", row)
    was = conn.execute("SELECT * FROM screening ORDER BY 1").fetchall()
    for statement in queries.statements(queries.text("sql/m0015.sql")):
        conn.execute(statement)
    texts = {key: value for key, value in conn.execute("SELECT key, value FROM note")}
    now = conn.execute("SELECT * FROM screening ORDER BY 1").fetchall()
    assert [tuple(texts[v] if n in (4, 11, 16) and v else v for n, v in enumerate(row)) for row in now] == was
    moved = conn.execute(
        "SELECT i.message, i.call, i.box, i.opened_at, i.due_at, i.taken_by, i.taken_at, i.done_at, n.about, n.value "
        "FROM item AS i LEFT JOIN note AS n ON n.key = i.note ORDER BY 1"
    ).fetchall()
    assert moved == [
        (message, message[:3], "desk", 1.0, 2.0, "8025", 3.0, 4.0, message if note else None, note or None)
        for message, note in written.items()
    ]
    assert conn.execute("SELECT about, value FROM note ORDER BY 1, 2").fetchall() == [
        ("1-1.m1", "called back"),
        ("1-1.n1", "nuisance"),
        ("1-1.n1", "sorry"),
        ("1-2.m1", "called back"),
        ("1-2.n1", "nuisance"),
    ]


TYPED = "13912345678"


def typed_call(call, number, digits, leg):
    """A menu's key, and a number typed in."""
    keys = "1" + digits
    facts = [CallOpened(call, number, "1860", "local", "main", "v1", "en"), LegOpened(call, leg, "caller")]
    rows = [("fact", START, fact) for fact in facts]
    rows += [("event", START + n, KeyPressed(leg, digit), False) for n, digit in enumerate(keys)]
    return [*rows, ("fact", START, KeyTaken(call, "main_menu", "1", True))]


def digits_kept(store, leg):
    pressed = "SELECT body ->> '$.digit' FROM event WHERE kind = 'KeyPressed' AND body ->> '$.leg' = ? ORDER BY id"
    return "".join(row[0] for row in looking(store).execute(pressed, (leg,)))


def test_what_a_caller_typed_goes_too_and_menus_keys_stay(journal, store):
    journal.append(typed_call("1-1", NUMBER, TYPED, "1795.1")).result(5)
    journal.append(typed_call("1-2", "13900130001", "4711", "1795.2")).result(5)
    erase_person(store, [NUMBER], START + DAY, "cli")
    assert digits_kept(store, "1795.1") == "1" + "x" * len(TYPED)
    assert digits_kept(store, "1795.2") == "14711"


def test_what_an_agent_typed_to_call_somebody_goes_with_him(journal, store):
    """In an ordinary call an agent's keys are talk codes, and stay."""
    for call, leg in (("1-1", "1-1.l4"), ("1-2", "1-2.l4")):
        opened = CallOpened(call, NUMBER, "1860", "local", "main", "v1", "en")
        rows = [("fact", START, opened), ("fact", START, LegOpened(call, leg, "agent", "p8025"))]
        rows += [("event", START, KeyPressed(leg, digit), False) for digit in "*2" + TYPED]
        journal.append(rows).result(5)
    began = TransferBegan("1-1", "1-1.l8", "8025", "consult", "number", TYPED)
    journal.append([("fact", START, began)]).result(5)
    erased = erase_person(store, [TYPED], START + DAY, "cli")
    assert digits_kept(store, "1-1.l4") == "x" * (2 + len(TYPED))
    assert erased.calls == 0 and not erased.recordings, "the call is its caller's"
    erase_person(store, [NUMBER], START + DAY, "cli")
    assert digits_kept(store, "1-2.l4") == "*2" + TYPED


def test_who_was_to_be_called_back_is_forgotten_where_the_number_was_typed(journal, store):
    """Another caller typed it; what he typed is this person's number."""
    booked = CallbackBooked("1-1", "1-10", "billing", TYPED, 0, START, START, "", "en", "1860", "billing")
    journal.append([*typed_call("1-1", NUMBER, TYPED, "1795.1"), ("fact", START + 20, booked)]).result(5)
    assert erase_person(store, [TYPED], START + DAY, "cli").calls == 1
    assert digits_kept(store, "1795.1") == "1" + "x" * len(TYPED)
    with open_reader(store) as reader:
        assert reader.call("1-1").call.caller == NUMBER


def test_what_events_tell_of_his_calls_goes_and_of_others_stays(journal, store):
    """Answers of look-ups, what a call was like at a daemon's end, what his agent wrote for the next one."""
    answered = (Answer("name", "Ms Li of Suzhou"),)
    for n, number in enumerate((NUMBER, "13900130001"), 1):
        call, agent = f"1-{n}", f"802{n}"
        told = [
            LookedUp(f"{call}.u3", True, answered),
            CallLeft(call, number, (("main", "v1"),), {"cursor": {"values": {"name": "Ms Li of Suzhou"}}}),
            ControlAsked(agent, "transfer", "queue:billing", value="Ms Li of Suzhou, moved"),
        ]
        talk = [
            Connected(call, f"{call}.l4", "billing", agent, 1.0),
            TalkEnded(call, f"{call}.l4", agent, "caller", 9.0),
        ]
        rows = [("fact", START, CallOpened(call, number, "1860", "local", "main", "v1", "en"))]
        rows += [("fact", START + 10 * after, fact) for after, fact in enumerate(talk)]
        rows += [("event", START + 5, event, False) for event in told]
        late = ControlAsked(agent, "transfer", "queue:billing", value=f"somebody else {n}")
        journal.append([*rows, ("event", START + 99, late, False)]).result(5)
    erase_person(store, [NUMBER], START + DAY, "cli")
    kept = [body for (body,) in looking(store).execute("SELECT body FROM event ORDER BY id")]
    assert [("Ms Li" in body, "somebody else" in body) for body in kept] == [
        *[(False, False)] * 3,
        (False, True),
        *[(True, False)] * 3,
        (False, True),
    ]
    with open_history(store) as history:
        (epoch,) = history.epochs
        gone = [event for _, event in history.events(epoch)][:3]
    assert gone == [
        LookedUp("1-1.u3", True),
        CallLeft("1-1", "erased", (("main", "v1"),), {}),
        ControlAsked("8021", "transfer", "queue:billing"),
    ]
    erase_person(store, ["13900130001"], START + DAY, "cli")
    assert b"Ms Li of Suzhou" not in on_disk(store)


@pytest.mark.parametrize(
    "change",
    [
        "body = json_set(body, '$.digit', '2')",
        "body = json_set(body, '$.digit', 'x', '$.leg', 'y')",
        "body = json_set(body, '$.digit', 'x'), at = at + 1",
        "body = json_set(body, '$.digit', 'x'), kind = 'KeyHeard'",
        "body = json_set(body, '$.digit', 'x'), id = id + 1000",
        "epoch = epoch + 1",
    ],
)
def test_nothing_else_of_an_event_can_be_changed(journal, store, change):
    journal.append([key("1", False, START)]).result(5)
    conn = sqlite3.connect(store)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        conn.execute(f"UPDATE event SET {change}")
    conn.close()


def test_the_voice_goes_too_when_that_is_wanted(journal, store, tmp_path):
    kept, messages = tmp_path / "recordings", tmp_path / "messages"
    journal.append([*whole_call("1-1"), *whole_call("1-2", "13900130001")]).result(5)
    for folder, name in ((kept, "r6"), (messages, "m9")):
        (folder / "2026-11-18").mkdir(parents=True)
        for n in (1, 2):
            (folder / f"2026-11-18/1-{n}.{name}.wav").write_bytes(b"voice")
    erased = erase_person(store, [NUMBER], START + DAY, "cli")
    assert (erased.recordings, erased.messages) == (("1-1.r6",), ("1-1.m9",))
    remove(store, kept, "recording", erased.recordings, (START + DAY, "erased"))
    remove(store, messages, "message", erased.messages, (START + DAY, "erased"))
    left = {path.name for folder in (kept, messages) for path in folder.rglob("*.wav")}
    assert left == {"1-2.r6.wav", "1-2.m9.wav"}
    with open_reader(store) as reader:
        why = {row.recording: row.removed_why for row in reader.recordings()}
        assert why == {"1-1.r6": "erased", "1-2.r6": None}
        assert {line["action"] for line in reader.audit()} >= {"remove-recording", "remove-message"}
    assert [each["path"] for each in items(store, done=True, message="1-1.m9")] == [None]


def test_a_file_that_cannot_be_removed_is_said(journal, store, tmp_path):
    journal.append(whole_call("1-1")).result(5)
    erased = erase_person(store, [NUMBER], START + DAY, "cli")
    (tmp_path / "recordings/2026-11-18/1-1.r6.wav").mkdir(parents=True)  # A folder where a file should be.
    with pytest.raises(StoreError, match=r"1-1\.r6: not removed"):
        remove(store, tmp_path / "recordings", "recording", erased.recordings, (START + DAY, "erased"))
    with open_reader(store) as reader:
        assert [row.removed_why for row in reader.recordings()] == [None]


def test_what_was_half_removed_when_the_power_went_is_removed_when_asked_again(journal, store, tmp_path):
    """The file is gone, and nothing says so."""
    journal.append(whole_call("1-1")).result(5)
    assert standing(store, "recording", ["1-1.r6", "1-1.r9"]) == {"1-1.r6": "2026-11-18/1-1.r6.wav"}
    remove(store, tmp_path, "recording", ["1-1.r6"], (START + DAY, "he asked for it"))
    with open_reader(store) as reader:
        assert [row.removed_why for row in reader.recordings()] == ["he asked for it"]
    assert standing(store, "recording", ["1-1.r6"]) == {}


def test_a_recording_compressed_meanwhile_goes_in_its_new_place(journal, store, tmp_path):
    """Named by a list that was read before the daemon compressed it."""
    journal.append(whole_call("1-1")).result(5)
    (tmp_path / "2026-11-18").mkdir()
    packed = tmp_path / "2026-11-18/1-1.r6.flac"
    packed.write_bytes(b"voice")
    file = StoredFile("2026-11-18/1-1.r6.flac", 5, "cd" * 32)
    assert journal.run(lambda conn: retention.mark_compressed(conn, "1-1.r6", file, START + 61)).result(5)
    remove(store, tmp_path, "recording", ["1-1.r6"], (START + DAY, "erased"))
    assert not packed.exists()
    assert not journal.run(lambda conn: retention.mark_compressed(conn, "1-1.r6", file, START + 99)).result(5)
    with open_reader(store) as reader:
        assert [(row.removed_why, row.path) for row in reader.recordings()] == [("erased", file.path)]


@pytest.mark.parametrize("removed", [True, False])
def test_what_is_removed_while_it_is_compressed_stays_removed(journal, store, tmp_path, monkeypatch, removed):
    journal.append(whole_call("1-1")).result(5)
    original, packed = tmp_path / "2026-11-18/1-1.r6.wav", tmp_path / "2026-11-18/1-1.r6.flac"
    original.parent.mkdir()
    original.write_bytes(b"voice")

    def compress(_):
        packed.write_bytes(b"voice")
        if removed:
            remove(store, tmp_path, "recording", ["1-1.r6"], (START + DAY, "erased"))
        return packed

    monkeypatch.setattr("ari_app.housekeeping.recordings.compress", compress)
    clock = SimpleNamespace(now=lambda: START + 8 * DAY)
    done = asyncio.run(Housekeeping(journal, Limits(), tmp_path, clock).round())
    assert done.recordings_compressed == (0 if removed else 1)
    assert (original.exists(), packed.exists()) == (False, not removed)


def test_calls_do_not_wait_while_housekeeping_looks_for_what_is_due(journal, store, tmp_path, monkeypatch):
    """Through all recordings of half a year that takes a second: not on the writer, whom decisions wait for."""
    journal.append(whole_call("1-1")).result(5)
    seen, looked = [], retention.removals

    def removals(conn, now, quota_mb):
        journal.append(whole_call("1-2")).result(5)  # Would never end if the writer were looking.
        seen.extend(looked(conn, now, quota_mb))
        return seen

    monkeypatch.setattr(retention, "removals", removals)
    clock = SimpleNamespace(now=lambda: START + 300 * DAY)
    done = asyncio.run(Housekeeping(journal, Limits(), tmp_path, clock).round())
    assert done.recordings_removed == len(seen) == 2


def at_day(journal, folder, days, **more):
    return Housekeeping(journal, Limits(), folder, SimpleNamespace(now=lambda: START + days * DAY), **more)


def test_a_recording_that_cannot_be_removed_keeps_no_other(journal, store, tmp_path):
    for n in (1, 2, 3):
        journal.append(whole_call(f"1-{n}", at=START + n)).result(5)
    (tmp_path / "2026-11-18/1-1.r6.wav").mkdir(parents=True)  # As if the disk would not let go of it.
    (tmp_path / "2026-11-18/1-2.r6.wav").write_bytes(b"voice")
    done = asyncio.run(at_day(journal, tmp_path, 300).round())
    assert done.recordings_removed == 2
    with open_reader(store) as reader:
        assert [row.recording for row in reader.recordings() if row.removed_at is None] == ["1-1.r6"]


def test_recordings_whose_files_are_missing_keep_no_other_from_being_compressed(journal, tmp_path, monkeypatch):
    for n in range(101):
        journal.append(whole_call(f"1-{n}", at=START + n)).result(5)
    newest = tmp_path / "2026-11-18/1-100.r6.wav"
    newest.parent.mkdir()
    newest.write_bytes(b"voice")

    def compress(path):
        path.with_suffix(".flac").write_bytes(b"voice")
        return path.with_suffix(".flac")

    monkeypatch.setattr("ari_app.housekeeping.recordings.compress", compress)
    house = at_day(journal, tmp_path, 8)
    assert [asyncio.run(house.round()).recordings_compressed for _ in range(2)] == [0, 1]


def test_a_clock_that_may_be_wrong_deletes_nothing(journal, tmp_path, monkeypatch):
    """Gone is gone: an hour for somebody to set it, and nothing at all once it was set."""
    now = START + 365 * DAY
    monkeypatch.setattr("ari_app.housekeeping.time", SimpleNamespace(time=lambda: START))
    house = at_day(journal, tmp_path, 365)
    house.began(now, START)
    assert not house._may_delete()  # Set back since.
    monkeypatch.setattr("ari_app.housekeeping.time", SimpleNamespace(time=lambda: now))
    assert not house._may_delete()  # A year after the last thing known.
    house.clock = SimpleNamespace(now=lambda: now + 3601)
    assert house._may_delete()  # It was a year.
    again = at_day(journal, tmp_path, 365)
    again.began(now, now - 3600)
    assert again._may_delete()


def test_an_erased_caller_who_calls_again_is_someone_new(journal, store):
    journal.append(whole_call("1-1")).result(5)
    erase_person(store, [NUMBER], START, "cli")
    journal.append(whole_call("1-2")).result(5)
    with open_reader(store) as reader:
        assert {row.call: row.caller for row in reader.calls()} == {"1-1": "erased", "1-2": NUMBER}


def test_nobody_is_erased_who_is_not_known(journal, store):
    assert erase_person(store, ["10086"], START, "cli") is None
    with open_reader(store) as reader:
        assert reader.audit() == []


def test_erasing_waits_for_the_emergency_file(store):
    journal = Journal.open(store, Options(retry_s=0, pause_s=30))
    journal.next_epoch()
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    journal.append(whole_call()).result(5)
    with pytest.raises(StoreError, match="emergency"):
        erase_person(store, [NUMBER], START, "cli")
    other.execute("ROLLBACK")
    journal.close()
    Journal.open(store).close()
    assert erase_person(store, [NUMBER], START, "cli").scrubbed
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
        assert reader.recording_gaps({"billing"}, tmp_path, START + DAY) == []
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
    assert erase_person(store, ["13912345678"], START + DAY, "cli").scrubbed
    assert b"13912345678" not in on_disk(store)
    with open_reader(store) as reader:
        backs = [kept.fact.back for kept in reader.call("1-1").facts if isinstance(kept.fact, MessageLeft)]
    assert "erased" in backs


def test_a_message_older_than_the_number_is_read_and_rebuilt(store):
    old = of_an_older_version(store, "json_remove(body, '$.back')", "MessageLeft")
    with open_reader(store) as reader:
        backs = [kept.fact.back for kept in reader.call("1-1").facts if isinstance(kept.fact, MessageLeft)]
    assert backs == [""]
    rebuild(store)
    assert old.execute("SELECT count(*) FROM message").fetchone() == (1,)
    assert old.execute("SELECT count(*) FROM message_back").fetchone() == (0,)
    old.close()
