"""What the store keeps of open calls and signed-in agents for the next daemon: the newest of each, and no more."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ari_app.model import facts
from ari_app.model.ids import Number
from ari_app.store.erasure import erase_person
from ari_app.store.journal import Journal
from ari_app.store.restore import left_open, states_left
from tests.unit.store_calls import NUMBER, START, whole_call
from tests.unit.test_store_faults import empty, fill
from tests.unit.test_store_faults import opened as in_trouble


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "hotline.db"


def opened(store: Path) -> Journal:
    journal = Journal.open(store)
    journal.next_epoch()
    return journal


def begun(call: str) -> list[Any]:
    """A call that stands."""
    return [row for row in whole_call(call) if not isinstance(row[2], facts.CallClosed)]


def state(**values: object) -> dict[str, Any]:
    return {"versions": [["main", "v1"]], "leg": "1795.1", **values}


def texts(store: Path) -> list[tuple[str, str]]:
    both = "SELECT call, state FROM call_state UNION ALL SELECT agent, state FROM seat_state"
    with closing(sqlite3.connect(store)) as conn:
        return conn.execute(both).fetchall()


def test_the_newest_state_stands_until_the_call_is_over(store: Path) -> None:
    journal = opened(store)
    for n in range(3):
        journal.append(begun("1-1") if n == 0 else (), [("call", "1-1", state(visits=n))]).result(5)
    journal.append((), [("seat", "8025", {"state": "ready"})]).result(5)
    calls, seats = states_left(store)
    assert [(each.call, each.caller, each.versions) for each in calls] == [("1-1", NUMBER, (("main", "v1"),))]
    assert calls[0].state["visits"] == 2 and [(s.agent, s.state) for s in seats] == [("8025", {"state": "ready"})]
    journal.append((), [("call", "1-1", None), ("seat", "8025", None)]).result(5)
    journal.close()
    assert texts(store) == []


def test_the_last_moment_of_the_run_before_is_known(store: Path) -> None:
    journal = opened(store)
    assert left_open(store).last_at == 0
    journal.append([("fact", START + 7, facts.DaemonStarted(1))]).result(5)
    journal.close()
    assert left_open(store).last_at == START + 7


def test_no_state_of_a_closed_call_comes_back(store: Path) -> None:
    """Closed by whom it may be: the row alone says that it is over."""
    journal = opened(store)
    journal.append(whole_call("1-1"), [("call", "1-1", state())]).result(5)
    journal.close()
    assert states_left(store) == ([], [])


def test_the_number_stands_apart_and_goes_with_the_person(store: Path) -> None:
    journal = opened(store)
    journal.append(begun("1-1"), [("call", "1-1", state())]).result(5)
    journal.close()
    assert NUMBER not in repr(texts(store))
    assert erase_person(store, [Number(NUMBER)], START, "test") is not None
    assert [each.caller for each in states_left(store)[0]] == [""]


def test_a_disk_that_is_full_costs_no_state(store: Path) -> None:
    """It waits in memory, the newest alone, and is written as soon as there is room."""
    journal, changes = in_trouble(store)
    fill(journal)
    for n in range(50):
        journal.append(begun("1-1") if n == 0 else (), [("call", "1-1", state(note="x" * 3000, visits=n))])
        journal.committed()
    journal.append(begun("1-2"), [("call", "1-2", state())]).result(5)
    assert changes.get(timeout=5) == "emergency"
    empty(journal)
    assert changes.get(timeout=5) == "ok"
    calls, _ = states_left(store)
    journal.close()
    assert {each.call: each.state.get("visits") for each in calls} == {"1-1": 49, "1-2": None}


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_a_damaged_state_is_left_out(store: Path, text: str) -> None:
    journal = opened(store)
    journal.append(begun("1-1") + begun("1-2"), [("call", "1-1", state()), ("call", "1-2", state())]).result(5)
    journal.close()
    with closing(sqlite3.connect(store, isolation_level=None)) as conn:
        conn.execute("UPDATE call_state SET state = ? WHERE call = '1-1'", (text,))
    assert [each.call for each in states_left(store)[0]] == ["1-2"]


def test_text_that_is_no_unicode_costs_no_call(store: Path) -> None:
    journal = opened(store)
    journal.append(begun("1-1"), [("call", "1-1", state(dialled="18\udcff60"))]).result(5)
    journal.close()
    assert [each.state["leg"] for each in states_left(store)[0]] == ["1795.1"]
