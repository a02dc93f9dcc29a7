"""The daemon's clock: steps of the wall clock do not move it; a run that goes on with calls goes on with their time."""

import pytest

from ari_app.model.events import ClockStepped
from ari_app.model.facts import CallClosed
from ari_app.runtime import clock as clocks
from ari_app.runtime.clock import Clock
from ari_app.store.journal import Journal
from ari_app.store.restore import left_open
from tests.unit.store_calls import START, whole_call


class Machine:
    """What the daemon reads of it."""

    wall, up = 1_790_000_000.0, 100.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.up

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.up += seconds


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(clocks, "time", machine)
    return machine


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_is_told_once_and_moves_nothing(machine, step):
    clock = Clock()
    machine.passes(10)
    before = clock.now()
    machine.wall += step
    assert clock.now() == before
    assert clock.step() == pytest.approx(step)
    machine.passes(10)
    assert clock.step() == 0.0
    assert clock.now() == pytest.approx(before + 10)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_the_next_run_goes_on_with_the_time_of_the_one_before_and_tells_the_next_but_one(machine, step):
    first = Clock()
    machine.wall += step
    first.step()
    for _ in range(2):
        machine.passes(5)
        ahead, first = machine.wall - first.now(), Clock()
        first.keep(ahead)
        assert first.now() == pytest.approx(machine.wall - step)
        assert first.step() == pytest.approx(step)  # Noted anew, in the new run's events.


def noted(store, *batches):
    journal = Journal.open(store)
    epoch = journal.next_epoch()
    for batch in batches:
        journal.append(batch).result(5)
    journal.close()
    return epoch


def stepped(seconds):
    return [("event", START, ClockStepped(seconds), False)]


def test_what_the_store_tells_of_steps(tmp_path):
    """Those of the last run alone, and only while calls of it are open."""
    store = tmp_path / "hotline.db"
    opened = [row for row in whole_call("1-1") if not isinstance(row[2], CallClosed)]
    noted(store, stepped(3600.0), opened)
    noted(store, stepped(-3600.0), stepped(-60.5))
    assert left_open(store).clock_ahead_s == -3660.5
    noted(store, [("event", START, ClockStepped(7.0), False)])
    assert left_open(store).clock_ahead_s == 7.0


def test_with_no_call_open_the_wall_clock_counts(tmp_path):
    store = tmp_path / "hotline.db"
    noted(store, stepped(3600.0), whole_call("1-1"))
    assert left_open(store).clock_ahead_s == 0.0
