"""Lease and fence with real processes: who holds the store, who waits, who is frozen, who was overtaken."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from ari_app import cli
from ari_app.ari.claim import claimed
from ari_app.commands.standby import said
from ari_app.errors import AlreadyRunning, Fenced
from ari_app.model.events import LinkUp
from ari_app.standby import Nodes, nodes_of
from ari_app.store.connect import writing
from ari_app.store.journal import Journal, Options
from ari_app.store.lease import POLL_S, Silence, Standby
from ari_app.store.lock import Holder, StoreLock, holder_of, lock_file, pid_space
from tests.asterisk import REPOSITORY

ALIVE = """
import sys, time
from pathlib import Path
from ari_app.store.lock import StoreLock
lock = StoreLock(Path(sys.argv[1]), "a")
if stale_s := float(sys.argv[2]):
    lock.promise(stale_s)
print("active", flush=True)
while True:
    if stale_s:
        lock.beat()
    time.sleep(0.05)
"""
FROZEN_WRITER = """
import os, signal, sys
from pathlib import Path
from ari_app.store.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
journal.next_epoch()
journal.lock.promise(0.3)
print("active", flush=True)
journal.run(lambda conn: os.kill(os.getpid(), signal.SIGSTOP)).result()
"""
RACER = """
import sys
from pathlib import Path
from ari_app.store.lock import StoreLock
from ari_app.errors import AlreadyRunning
sys.stdin.readline()
try:
    lock = StoreLock(Path(sys.argv[1]), "racer")
except AlreadyRunning:
    print("refused", flush=True)
else:
    print("active", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "hotline.db"


@contextmanager
def process(code: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """Killed at the end, if it still lives."""
    command = [sys.executable, "-c", code, *map(str, args)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


class Turn:
    """What a standby does between two looks: at the n-th look, something happens; after the last, it gives up."""

    def __init__(self, last: int = 100) -> None:
        self.looks, self.last = 0, last
        self.at: dict[int, object] = {}

    def __call__(self, seconds: float) -> None:
        self.looks += 1
        assert self.looks < self.last, "it never took over"
        if callable(happens := self.at.get(self.looks)):
            happens()
        time.sleep(seconds)


# -- who holds the store --


def test_of_many_that_race_one_gets_the_store(store: Path) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(process(RACER, store)) for _ in range(4)]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        said = [line(racer) for racer in racers]
        assert sorted(said) == ["active", "refused", "refused", "refused"]
        holder = holder_of(lock_file(store, "lock"))
        assert holder is not None
        assert (holder.node, holder.pid) == ("racer", racers[said.index("active")].pid)


def test_whoever_only_looks_hinders_nobody(store: Path) -> None:
    assert nodes_of(store) == Nodes(None, None)
    ends = threading.Event()

    def look() -> None:
        while not ends.is_set():
            nodes_of(store)

    looking = threading.Thread(target=look)
    StoreLock(store).release()
    looking.start()
    try:
        for _ in range(200):
            StoreLock.take(store).release()
    finally:
        ends.set()
        looking.join()


def test_a_standby_takes_over_at_once_from_one_that_was_killed(store: Path) -> None:
    with process(ALIVE, store, 0) as active, Standby(store, "b") as standby:
        assert line(active) == "active"
        nodes = nodes_of(store)
        assert nodes.active is not None and nodes.standby is not None
        assert (nodes.active.pid, nodes.standby.node) == (active.pid, "b")
        killed = list[float]()

        def kill() -> None:
            active.kill()
            killed.append(time.monotonic())

        turn = Turn()
        turn.at[3] = kill
        standby._pause = turn
        with closing_lock(standby.wait()) as lock:
            assert time.monotonic() - killed[0] < 1
            assert (
                not standby.follows
            )  # It promised no sign of life: no daemon at work, so the store is looked through.
            assert active.poll() is not None or active.wait(0.5) == -signal.SIGKILL
            assert lock.holder.node == "b" and turn.looks < 20


@contextmanager
def closing_lock(lock: StoreLock) -> Iterator[StoreLock]:
    try:
        yield lock
    finally:
        lock.release()


def test_a_frozen_holder_is_killed_after_the_bound_it_has_stated(store: Path) -> None:
    with process(ALIVE, store, 0.4) as active, Standby(store, "b") as standby, capture_logs() as logs:
        assert line(active) == "active"
        frozen = list[float]()

        def freeze() -> None:
            active.send_signal(signal.SIGSTOP)
            frozen.append(time.monotonic())

        turn = Turn()
        turn.at[10] = freeze  # Before, it has been silent never for long.
        standby._pause = turn
        with closing_lock(standby.wait()):
            assert time.monotonic() - frozen[0] > 0.2
            assert active.wait(1) == -signal.SIGKILL and turn.looks > 10 and standby.follows
        killed = [each for each in logs if each["event"].startswith("the active daemon showed no sign of life")]
        assert len(killed) == 1 and killed[0]["active"] == f"a (pid {active.pid})"


def test_a_holder_frozen_in_a_transaction_does_not_keep_the_store(store: Path) -> None:
    """It holds SQLite's write lock: only its end frees that."""
    with process(FROZEN_WRITER, store) as active, Standby(store, "b", Turn()) as standby:
        assert line(active) == "active"
        journal = Journal.open(store, Options(check=False), standby.wait())
        assert active.wait(1) == -signal.SIGKILL
        assert journal.next_epoch() == 2
        journal.close()


def test_one_that_promises_no_sign_of_life_is_left_alone(store: Path) -> None:
    """A command that works on the store, or a daemon that is still starting."""
    with process(ALIVE, store, 0) as active, Standby(store, "b") as standby:
        assert line(active) == "active"
        turn = Turn(15)
        standby._pause = turn
        with pytest.raises(AssertionError, match="never took over"):
            standby.wait()
        assert active.poll() is None


def test_one_of_another_container_is_not_killed_by_its_number(store: Path) -> None:
    with process(ALIVE, store, 0.3) as active, Standby(store, "b") as standby, capture_logs() as logs:
        assert line(active) == "active"
        active.send_signal(signal.SIGSTOP)
        path = lock_file(store, "lock")
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, "space": pid_space() + 1}))
        standby._pause = Turn(15)
        with pytest.raises(AssertionError, match="never took over"):
            standby.wait()
        assert active.poll() is None
        assert [each for each in logs if each["event"].endswith("cannot be reached: end it by hand")]


def test_who_did_not_wait_follows_nobody(store: Path) -> None:
    """Alone, `--standby` or not: the store is looked through."""
    with process(ALIVE, store, 0.5) as active:
        assert line(active) == "active"
    with Standby(store, "b") as standby, closing_lock(standby.wait()):
        assert not standby.follows


def test_one_standby_is_enough(store: Path) -> None:
    with (
        Standby(store, "b"),
        pytest.raises(AlreadyRunning, match=rf"A standby already waits .* b \(pid {os.getpid()}\)"),
    ):
        Standby(store, "c")
    with Standby(store, "c"):  # The place is free again.
        pass


def test_silence_is_counted_by_looks_in_time_only() -> None:
    silence = Silence()
    assert silence.look("sign 1", 100.0) == 0
    assert silence.look("sign 1", 100.1) == pytest.approx(0.1)
    assert silence.look("sign 1", 105.0) == pytest.approx(0.1 + 2 * POLL_S)  # The machine stood still, not the active.
    assert silence.look("sign 2", 105.1) == 0
    assert silence.look("sign 2", 105.2) == pytest.approx(0.1)


# -- the fence --


def test_an_overtaken_writer_writes_nothing_more(store: Path) -> None:
    """As if its lock file had been removed: two hold a lock, one holds the store."""
    old = Journal.open(store)
    told = list[str]()
    old.on_health = told.append
    old.next_epoch()
    old.append([("event", 1.0, LinkUp("before"), False)]).result(5)
    lock_file(store, "lock").unlink()
    new = Journal.open(store)
    assert new.next_epoch() == 2
    with pytest.raises(Fenced, match="Run 2 of the daemon has taken the store over: this one, run 1"):
        old.append([("event", 2.0, LinkUp("after"), False)]).result(5)
    with pytest.raises(Fenced):
        old.run(lambda conn: conn.execute("DELETE FROM call")).result(5)
    assert old.health == "fenced" and told == ["fenced"] and old.waiting == 0
    old.close()
    new.append([("event", 3.0, LinkUp("new"), False)]).result(5)
    new.close()
    with closing(writing(store)) as conn:
        kept = conn.execute("SELECT epoch, body FROM event ORDER BY id").fetchall()
    assert [(epoch, json.loads(body)["version"]) for epoch, body in kept] == [(1, "before"), (2, "new")]
    assert not lock_file(store, "emergency").read_bytes().strip(b"\0")


# -- Asterisk's application --


def test_an_application_has_one_daemon_whatever_its_store() -> None:
    with (
        claimed(18088, "hotline"),
        claimed(18088, "other"),
        claimed(18089, "hotline"),
        pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}\) serves the application 'hotline'"),
        claimed(18088, "hotline"),
    ):
        pass
    with claimed(18088, "hotline"):
        pass


# -- what people see --


def test_status_says_who_is_active_and_who_waits() -> None:
    active, waits = Holder("a", 811, 1_764_331_200.0, stale_s=2.0), Holder("b", 812, 1_764_331_260.0)
    assert said(Nodes(active, waits, 0.24), "Asia/Shanghai") == [
        "active   a (pid 811), since 2025-11-28 20:00:00, last sign of life 0.2 s ago",
        "standby  b (pid 812), since 2025-11-28 20:01:00",
    ]
    assert said(Nodes(None, None), "Asia/Shanghai") == ["active   nobody", "standby  nobody"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("status",), 1, "active   nobody\nstandby  nobody"),
        (("handover",), 1, "no daemon is active\nstart one: hotline run"),
        (("run", "--node", "Box 1"), 1, "--node 'Box 1': a name of small letters, digits, - and _, at most 31 signs"),
    ],
)
def test_the_commands_without_a_daemon(tmp_path: Path, words: tuple[str, ...], code: int, text: str) -> None:
    config = (REPOSITORY / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(f"paths: {{flows: {REPOSITORY}/ivr_flows}}\n{config}")
    done = CliRunner().invoke(cli.app, words, env={"HOTLINE_CONFIG": str(tmp_path / "config.yaml")})
    assert done.exit_code == code
    assert text in (
        done.output if done.exception is None or isinstance(done.exception, SystemExit) else str(done.exception)
    )
