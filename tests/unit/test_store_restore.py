"""What the next daemon is told of what the last one left: open calls, and recordings whose sides were never joined."""

from dataclasses import replace

import pytest

from ari_app.model import facts
from ari_app.model.events import Closure, OpenCall, Restored, Unjoined
from ari_app.store import restore
from ari_app.store.journal import Journal
from ari_app.store.restore import left_open
from tests.unit.store_calls import START, whole_call

DAY = 86400.0
ORDERED = ("queue", "8025", "contract", 180)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "hotline.db"


def restored(store, *batches) -> Restored:
    journal = Journal.open(store)
    journal.next_epoch()
    for batch in batches:
        journal.append(batch).result(5)
    journal.close()
    return replace(left_open(store), last_at=0.0)


def without(call, *kinds, at=START):
    """A whole call, as a daemon leaves it that is killed before it can note these facts."""
    return [row for row in whole_call(call, at=at) if not isinstance(row[2], kinds)]


def wanted(call, n, at=START):
    return ("fact", at, facts.RecordingWanted(call, f"{call}.r{n}", *ORDERED))


def running(call, n, at=START):
    return ("fact", at, facts.RecordingRunning(call, f"{call}.r{n}"))


def missed(call, n, at=START):
    return ("fact", at, facts.RecordingMissed(call, f"{call}.r{n}", "AMI was down"))


CLOSED = facts.CallClosed
STORED = facts.RecordingStored


def test_a_store_at_rest_leaves_nothing(store):
    assert restored(store, whole_call("1-1"), whole_call("1-2", recorded=False)) == Restored(())


def test_killed_between_the_end_of_the_call_and_the_stored_recording(store):
    """Ran, or was ordered and Asterisk's answer was never heard; not those stored or known to have failed."""
    found = restored(
        store,
        whole_call("1-1"),
        without("1-2", STORED),
        without("1-3", STORED, facts.RecordingRunning),
        [*without("1-4", STORED), missed("1-4", 6, START + 62)],  # Its sides could not be joined.
        [*whole_call("1-5", recorded=False), wanted("1-5", 9), missed("1-5", 9)],
        [*whole_call("1-6", recorded=False), wanted("1-6", 9), missed("1-6", 9), running("1-6", 9, START + 2)],
    )
    assert found.calls == ()
    assert set(found.recordings) == {
        Unjoined("1-2", "1-2.r6"),
        Unjoined("1-3", "1-3.r6"),
        Unjoined("1-6", "1-6.r9"),
    }


def test_an_open_call_has_its_newest_recording_and_the_earlier_ones_apart(store):
    earlier = [wanted("1-1", 2, START + 1), running("1-1", 2, START + 1)]
    found = restored(store, [*earlier, *without("1-1", STORED, CLOSED)])
    assert found.calls == (OpenCall("1-1", "1795.1", START, "1-1.r6"),)
    assert found.recordings == (Unjoined("1-1", "1-1.r2"),)


def test_an_open_call_may_have_a_recording_nobody_saw_begin(store):
    found = restored(store, without("1-1", STORED, CLOSED, facts.RecordingRunning))
    assert found.calls[0].recording == "1-1.r6" and found.recordings == ()
    assert restored(store, [missed("1-1", 6, START + 90)]).calls[0].recording is None


def test_old_and_too_many_recordings_stay_as_they_are(store, monkeypatch):
    """Counted from the last thing known: a hotline switched off for a month joins what it left then."""
    old = without("1-1", STORED, at=START - 8 * DAY)
    found = restored(store, old, *(without(f"1-{n}", STORED, at=START + n) for n in (2, 3, 4)))
    assert [each.call for each in found.recordings] == ["1-4", "1-3", "1-2"]
    monkeypatch.setattr(restore, "UNJOINED_MAX", 2)
    assert [each.call for each in left_open(store).recordings] == ["1-4", "1-3"]


def test_hours_closed_by_hand_stay_closed(store):
    shut = ("fact", START, facts.ClosureChanged("office", True, None, "web", "flood"))
    assert restored(store, [shut]) == Restored((), (Closure("office", None),))


def test_who_talked_to_each_caller_last(store):
    """The newest talk of each caller, the oldest of them first; bounded in age and number, before the run."""
    restored(store, whole_call("1-1"), whole_call("1-2", at=START + 100))
    talks = restore.last_agents(store, START + 1000, keep_s=DAY, at_most=10)
    assert len(talks) == 1 and talks[0].at > START + 100 and talks[0].agent and talks[0].caller
    assert restore.last_agents(store, START + 1000, keep_s=DAY, at_most=0) == []
    assert restore.last_agents(store, START + 100, keep_s=DAY, at_most=10)[0].at < START + 100
    assert restore.last_agents(store, START + 2 * DAY, keep_s=DAY, at_most=10) == []
