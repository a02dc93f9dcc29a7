import pytest

from ari_app.errors import AlreadyRunning, StoreError
from ari_app.model import facts
from ari_app.model.mask import mask
from ari_app.model.work import CallbackBooked, CallbackEnded
from ari_app.store import projections
from ari_app.store.journal import Journal
from ari_app.store.reader import Wanted, open_reader
from ari_app.store.rebuild import rebuild
from ari_app.store.timeline import WORDS, sentence, timeline
from tests.unit.store_calls import NUMBER, START, looking, tables, whole_call


@pytest.fixture
def store(tmp_path):
    return tmp_path / "hotline.db"


def keep(store, *batches):
    journal = Journal.open(store)
    journal.next_epoch()
    for batch in batches:
        journal.append(batch).result(5)
    journal.close()


def test_calls_are_listed_newest_first(store):
    keep(store, whole_call("1-1"), whole_call("1-2", "13900139000", START + 100), whole_call("1-3", at=START + 200))
    with open_reader(store) as reader:
        assert [row.call for row in reader.calls()] == ["1-3", "1-2", "1-1"]
        assert [row.call for row in reader.calls(1)] == ["1-3"]
        assert [row.call for row in reader.calls(5, Wanted(since=START + 100))] == ["1-3", "1-2"]
        assert [row.call for row in reader.calls(5, Wanted(before=START + 100))] == ["1-1"]
        assert [row.call for row in reader.calls(5, Wanted(callers=("+86", NUMBER)))] == ["1-3", "1-1"]
        assert reader.calls(5, Wanted(callers=("10086",))) == []
        newest = reader.calls()[0]
    assert (newest.caller, newest.queue, newest.agent, newest.closed_by) == (NUMBER, "billing", "8025", "caller")


def test_calls_are_found_by_queue_agent_and_whether_anybody_served_them(store):
    gave_up = [
        ("fact", START, facts.CallOpened("1-2", NUMBER, "1860", "local", "main", "v1", "en")),
        ("fact", START, facts.Queued("1-2", 1, "network", 0, START, 1)),
        ("fact", START + 9, facts.QueueLeft("1-2", 1, "network", "abandoned", 9.0)),
        ("fact", START + 9, facts.CallClosed("1-2", "caller", "network", 16, 9.0)),
    ]
    hung_up_at_once = [
        ("fact", START, facts.CallOpened("1-3", NUMBER, "1860", "local", "main", "v1", "en")),
        ("fact", START + 1, facts.CallClosed("1-3", "caller", "main_menu", 16, 1.0)),
    ]
    booked = [
        [
            ("fact", START, facts.CallOpened(call, NUMBER, "1860", "local", "main", "v1", "en")),
            ("fact", START, facts.Queued(call, 1, "network", 0, START, 1)),
            ("fact", START, CallbackBooked(call, f"{call}0", "network", NUMBER, 0, START, START, "", "en", "1860", "")),
            ("fact", START + 5, facts.QueueLeft(call, 1, "network", "left", 9.0)),
            ("fact", START + 9, facts.CallClosed(call, "caller", "network", 16, 9.0)),
            *([("fact", START + 99, CallbackEnded(call, f"{call}0", outcome))] if outcome else []),
        ]
        for call, outcome in (("1-5", "connected"), ("1-6", "failed"), ("1-7", None))
    ]
    waits = [
        ("fact", START, facts.CallOpened("1-4", NUMBER, "1860", "local", "main", "v1", "en")),
        ("fact", START, facts.Queued("1-4", 1, "network", 0, START, 1)),
    ]
    keep(store, whole_call("1-1"), gave_up, hung_up_at_once, waits, *booked)
    with open_reader(store) as reader:

        def found(**wanted):
            return [row.call for row in reader.calls(9, Wanted(**wanted))]

        assert found(queue="billing") == ["1-1"] and found(queue="network") == ["1-7", "1-6", "1-5", "1-4", "1-2"]
        assert found(agent="8025") == ["1-1"] and found(agent="8026") == []  # Rang at 8026 only.
        assert found(unserved=True) == ["1-7", "1-6", "1-2"]  # Whom nobody has called back.
        assert {row.call: row.callback for row in reader.calls()}["1-6"] == "failed"
        assert found(unserved=True, queue="billing") == []


def test_a_story_has_facts_in_order_and_rows_of_every_table(store):
    live = facts.FlowsActivated((("main", "v1"),), "start", "start")
    keep(store, [("fact", START, live)], whole_call("1-1"), whole_call("1-2"))
    with open_reader(store) as reader:
        story = reader.call("1-1")
        assert reader.call("9-9") is None
    noted = [row[2] for row in whole_call("1-1") if row[0] == "fact" and getattr(row[2], "call", None) == "1-1"]
    assert [kept.fact for kept in story.facts] == noted
    assert set(story.tables) == set(projections.OF_CALL)
    bare = {name for name, kept_rows in story.tables.items() if not kept_rows}
    bare -= {"screening", "screening_refusal"}
    assert bare == {"recording_refusal", "prompt_gap", "line_verdict", "line_cause", "call_quality"}
    assert [row["agent"] for row in story.tables["offer"]] == ["8026", "8025"]
    assert [(row["box"], row["seconds"], row["left_at"]) for row in story.tables["message"]] == [
        ("complaints", 6.5, START + 60.5)
    ]
    assert [(row["question"], row["key"], row["agent"]) for row in story.tables["rating"]] == [("polite", "5", "8025")]
    assert [(row["situation"], row["outcome"], row["step"]) for row in story.tables["situation"]] == [
        ("silent-line", "key", 2),
        ("talk-long-agent", "hint", None),
    ]
    assert [(row["how"], row["target"], row["outcome"]) for row in story.tables["transfer"]] == [
        ("consult", "number", "returned")
    ]
    assert [(row["how"], row["ended_at"] - START) for row in story.tables["supervision"]] == [
        *(("help", 41), ("listen", 43), ("barge", 44))
    ]
    assert [(row["node"], row["ok"], row["seconds"]) for row in story.tables["look_up"]] == [("who_calls", 1, 0.5)]


def test_follow_reads_on_from_the_last_fact_while_a_daemon_writes(store):
    journal = Journal.open(store)
    journal.next_epoch()
    with open_reader(store) as reader:
        assert reader.last_fact() == 0
        journal.append(whole_call("1-1")).result(5)
        first = reader.facts_after(0, limit=10)
        assert [kept.id for kept in first] == list(range(1, 11))
        rest = reader.facts_after(first[-1].id)
        assert rest[-1].id == reader.last_fact()
        assert isinstance(rest[-1].fact, facts.DispositionNoted)
    journal.close()


def test_a_reader_cannot_write(store):
    keep(store)
    with open_reader(store) as reader, pytest.raises(Exception, match="readonly"):
        reader._conn.execute("DELETE FROM call")


def test_no_store_is_said_with_a_cure(store):
    with pytest.raises(StoreError, match=r"no store at(.|\n)*paths\.state"), open_reader(store):
        pass


def test_agents_are_shown_in_their_present_state(store):
    keep(store, whole_call())
    with open_reader(store) as reader:
        wrapping, away = reader.agents()
    assert (wrapping.agent, wrapping.state, wrapping.since, wrapping.call) == ("8025", "wrap-up", START + 60, "1-1")
    assert (away.agent, away.state, away.reason) == ("8026", "not-ready", "no-answer")


def test_open_calls_are_those_nobody_closed(store):
    keep(store, whole_call("1-1"), whole_call("1-2")[:8], whole_call("1-3", at=START - 5)[:4])
    with open_reader(store) as reader:
        assert [row.call for row in reader.open_calls()] == ["1-3", "1-2"]


def test_gaps_in_the_recordings_are_found(store, tmp_path):
    refused = [*whole_call("1-3", recorded=False), ("fact", START, facts.RecordingRefused("1-3", "billing"))]
    missed = [
        ("fact", START, facts.RecordingWanted("1-4", "1-4.r1", "billing", "8025", "contract", 180)),
        ("fact", START, facts.RecordingMissed("1-4", "1-4.r1", "AMI was down")),
    ]
    never_ran = [row for row in whole_call("1-5") if not isinstance(row[2], facts.RecordingRunning | _STORED)]
    never_joined = [row for row in whole_call("1-6") if not isinstance(row[2], _STORED)]
    strays = [("fact", START, facts.RecordingRunning("8-8", "8-8.r1"))]
    keep(
        store,
        whole_call("1-1"),
        whole_call("1-2", recorded=False),
        refused,
        [*whole_call("1-4", recorded=False), *missed],
        never_ran,
        never_joined,
        strays,
        whole_call("1-7"),
        whole_call("1-8")[:-8],
    )
    (tmp_path / "2026-11-18").mkdir()
    (tmp_path / "2026-11-18" / "1-1.r6.wav").write_bytes(b"sound")
    later = START + 86_400
    with open_reader(store) as reader:
        gaps = {(gap.kind, gap.call): gap.why for gap in reader.recording_gaps({"billing"}, tmp_path, later)}
        assert ("not-ordered", "1-2") not in {(g.kind, g.call) for g in reader.recording_gaps(set(), tmp_path, later)}
        now = {(g.kind, g.call) for g in reader.recording_gaps({"billing"}, tmp_path, START + 60)}
        assert ("unrecorded", "1-6") not in now, "its sides may be joined just now"
        assert ("unrecorded", "1-4") in now
    assert gaps == {
        ("not-ordered", "1-2"): "the policy of queue billing wants a recording",
        ("unrecorded", "1-4"): "AMI was down",
        ("unrecorded", "1-5"): "Asterisk never confirmed that it records",
        ("unrecorded", "1-6"): "recorded, but its sides were never joined",
        ("no-call", "8-8"): "there is no such call",
        ("no-file", "1-7"): "2026-11-18/1-7.r6.wav is missing",
    }


_STORED = facts.RecordingStored


def test_a_timeline_can_be_read_by_a_person(store):
    keep(store, whole_call())
    with open_reader(store) as reader:
        lines = timeline(reader.call("1-1"))
        clear = timeline(reader.call("1-1"), masked=False)
    assert lines[0] == "+00.000 caller 138****8000 dialled 1860 through local: flow main, en".replace(" en", " zh-CN")
    assert lines[2] == "+00.100 flow at main_menu (menu)"
    assert "+00.600 look-up at who_calls answered after 0.5 s" in lines
    assert "+60.000 caller answers polite with 5, about agent 8025" in lines
    assert "+60.500 caller left message 1-1.m9 of 6.5 s in box complaints" in lines
    assert "+03.000 caller pressed 7 at main_menu: no such choice" in lines
    assert "+15.000 offer to agent 8026: ran-out, no answer (19)" in lines
    assert "+18.000 connected to agent 8025 after 13.0 s in queue billing" in lines
    assert "+60.000 call closed by caller after 60.0 s: normal end (16), at billing" in lines
    assert NUMBER not in "".join(lines)
    assert clear[0].startswith(f"+00.000 caller {NUMBER} dialled")


def test_every_fact_has_its_words():
    assert set(WORDS) == set(projections.QUERIES)
    for _, _, fact, *_ in whole_call()[1:]:
        assert "{" not in sentence(fact)


@pytest.mark.parametrize(
    ("number", "seen"),
    [
        ("13800138000", "138****8000"),
        ("+8613800138000", "+86****8000"),
        ("87654321", "87****21"),
        ("8025", "8****"),
        ("", "withheld"),
        ("erased", "erased"),
    ],
)
def test_numbers_are_masked(number, seen):
    assert mask(number) == seen


def test_rebuild_gives_the_same_rows_and_is_audited(store):
    keep(store, whole_call("1-1"), whole_call("1-2", "", START + 9))
    before = tables(looking(store))
    conn = looking(store)
    conn.execute("UPDATE call SET seconds = 1")
    conn.execute("DELETE FROM offer")
    conn.close()
    assert rebuild(store) == 2 * (len(whole_call()) - 1)
    assert tables(looking(store)) == before
    with open_reader(store) as reader:
        assert [line["action"] for line in reader.audit()] == ["rebuild"]


def test_rebuild_is_refused_while_a_daemon_runs(store):
    journal = Journal.open(store)
    with pytest.raises(AlreadyRunning):
        rebuild(store)
    journal.close()
