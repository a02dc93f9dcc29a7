"""Scripts: found by name, bounded in time and number, broken ones survived; and the sample scripts themselves."""

import asyncio
import re
import sqlite3
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from agi_scripts import check_password
from agi_scripts.sample.customers import customers, national
from agi_scripts.sample.passwords import hashed, is_weak, matches
from ari_app.agi.scripts import Scripts
from ari_app.errors import LookUpFailed
from tests.asterisk import REPOSITORY

FOLDER = REPOSITORY / "agi_scripts"
SAMPLE = Scripts(FOLDER)
ANA = "13800138000"
ANAS = "502918"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "customers.db"
    monkeypatch.setenv("HOTLINE_CUSTOMERS", str(path))
    return path


def scripts(folder: Path, **sources: str) -> Scripts:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return Scripts(folder, at_once_max=3)


async def reason(work: Scripts, name: str, request: Mapping[str, str] | None = None, timeout_s: float = 2) -> str:
    with pytest.raises(LookUpFailed) as caught:
        await work.run(name, request or {}, timeout_s)
    return caught.value.reason


FAIL = "from ari_app.errors import LookUpFailed as F\n"

# -- running --


async def test_async_and_plain_and_their_neighbours(tmp_path: Path) -> None:
    (tmp_path / "near").mkdir()
    (tmp_path / "near/by.py").write_text("X = 7\n")
    work = scripts(
        tmp_path,
        one="import asyncio\nasync def look_up(request):\n    await asyncio.sleep(0)\n    return {'n': len(request)}\n",
        two="from .near.by import X\ndef look_up(request):\n    return {'x': X, 'a': request['a']}\n",
    )
    assert work.names() == ("one", "two")
    assert await work.run("one", {"a": "1", "b": ""}, 2) == {"n": 2}
    assert await work.run("two", {"a": "ü"}, 2) == {"x": 7, "a": "ü"}
    assert work.counts == {"ok": 2} and work.at_work == 0


async def test_two_folders_do_not_mix(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = scripts(tmp_path / "a", same="def look_up(request): return {'from': 'a'}\n")
    second = scripts(tmp_path / "b", same="def look_up(request): return {'from': 'b'}\n")
    assert await first.run("same", {}, 2) == {"from": "a"}
    assert await second.run("same", {}, 2) == {"from": "b"}


@pytest.mark.parametrize("name", ["", "../one", "/etc/passwd", "one.py", "One", "_one", "o-ne", "one\n", "none", "öne"])
async def test_only_names_are_scripts(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    scripts(tmp_path, one="def look_up(request): return {}\n")
    work = scripts(tmp_path / "in", _one="", One="")
    assert work.names() == ()
    assert await reason(work, name) == "no-such-script"


async def test_an_edited_script_is_read_anew(tmp_path: Path) -> None:
    work = scripts(tmp_path, one="def look_up(request): return {'n': 1}\n")
    assert await work.run("one", {}, 2) == {"n": 1}
    scripts(tmp_path, one="def look_up(request): return {'n': 2}\n")  # Same size, same second.
    assert await work.run("one", {}, 2) == {"n": 2}
    scripts(tmp_path, one="def look_up(request: return\n")
    assert await reason(work, "one") == "broken"
    (tmp_path / "one.py").unlink()
    assert await reason(work, "one") == "no-such-script"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("def look_up(request): raise KeyError('x')", "broken"),
        ("def look_up(request): raise SystemExit", "broken"),
        ("async def look_up(request): raise StopIteration", "broken"),
        ("import asyncio\nasync def look_up(request): raise asyncio.CancelledError", "broken"),
        ("async def look_up(request): raise SystemExit", "broken"),
        ("import no_such_module", "broken"),
        ("x = 1", "broken"),
        ("look_up = 7", "broken"),
        ("def look_up(): return {}", "broken"),
        (FAIL + "def look_up(asked): raise F('no-such-number')", "no-such-number"),
        (FAIL + "def look_up(request): raise F('not 123456!')", "refused"),
        ("def look_up(request): return None", "bad-answer"),
        ("def look_up(request): return {'A b': 1}", "bad-answer"),
        ("def look_up(request): return {'a': None}", "bad-answer"),
        ("def look_up(request): return {'a': [1]}", "bad-answer"),
        ("def look_up(request): return {'a': float('nan')}", "bad-answer"),
        ("def look_up(request): return {'a': 10 ** 30}", "bad-answer"),
        ("def look_up(request): return {'a': 'x' * 1000}", "bad-answer"),
        ("def look_up(request): return {f'a{n}': 1 for n in range(99)}", "bad-answer"),
    ],
)  # fmt: skip
async def test_whatever_a_script_does_is_an_answer_or_a_reason(tmp_path: Path, source: str, wanted: str) -> None:
    work = scripts(tmp_path, one=source + "\n")
    assert await reason(work, "one") == wanted
    assert work.at_work == 0


async def test_a_blocking_script_holds_up_nobody_and_is_counted_while_it_lasts(tmp_path: Path) -> None:
    gate = threading.Event()
    sys.modules["gate_of_the_test"] = gate  # type: ignore[assignment]
    source = "import gate_of_the_test as gate\nasync def look_up(request):\n    gate.wait(10)\n    return {}\n"
    work = scripts(tmp_path, stuck=source, quick="def look_up(request): return {}\n")
    try:
        reasons = await asyncio.gather(*(reason(work, "stuck", timeout_s=0.05) for _ in range(3)))
        assert reasons == ["timeout"] * 3 and work.at_work == 3
        assert await reason(work, "quick") == "busy"
        gate.set()
        async with asyncio.timeout(2):
            while work.at_work:
                await asyncio.sleep(0.002)
        assert await work.run("quick", {}, 2) == {}
        assert work.counts == {"timeout": 3, "busy": 1, "ok": 1}
    finally:
        gate.set()
        del sys.modules["gate_of_the_test"]


@pytest.mark.parametrize("how", ["timeout", "cancel"])
async def test_an_async_script_is_cancelled(tmp_path: Path, how: str) -> None:
    source = (
        "import asyncio\nasync def look_up(request):\n    try:\n        open(request['began'], 'w').close()\n"
        "        await asyncio.sleep(60)\n    finally:\n        open(request['ended'], 'w').close()\n"
    )
    work, began, ended = scripts(tmp_path, slow=source), tmp_path / "began", tmp_path / "ended"
    running = asyncio.create_task(
        work.run("slow", {"began": str(began), "ended": str(ended)}, 0.3 if how == "timeout" else 60)
    )
    async with asyncio.timeout(3):
        while not began.exists():
            await asyncio.sleep(0.002)
        if how == "cancel":
            running.cancel()
        while not ended.exists() or work.at_work:
            await asyncio.sleep(0.002)
    await asyncio.gather(running, return_exceptions=True)
    assert work.counts == {"timeout" if how == "timeout" else "cancelled": 1}


async def test_the_log_shows_where_but_no_secret(tmp_path: Path) -> None:
    source = "def look_up(request):\n    return int(request.get('password', request.get('note')) + ' oops')\n"
    work = scripts(tmp_path, one=source)
    with capture_logs() as open_logs:
        await reason(work, "one", {"note": "314159"})
    assert "314159 oops" in open_logs[0]["exception"]
    with capture_logs() as secret_logs:
        await reason(work, "one", {"password": "314159", "number": ANA})
    shown = secret_logs[0]["exception"]
    assert "one.py" in shown and "line 2" in shown and "ValueError" in shown
    assert "314159" not in str(secret_logs)


async def test_a_script_logs_within_its_call(tmp_path: Path) -> None:
    source = "import structlog\ndef look_up(request): return dict(structlog.contextvars.get_contextvars())\n"
    work = scripts(tmp_path, one=source)
    with structlog.contextvars.bound_contextvars(call="7-42"):
        assert (await work.run("one", {}, 2))["call"] == "7-42"


# -- the sample --


def test_scripts_are_short_and_complete() -> None:
    assert SAMPLE.names() == (
        "balance",
        "caller_record",
        "check_password",
        "lost_sim",
        "open_complaint",
        "set_password",
    )
    for name in SAMPLE.names():
        assert len((FOLDER / f"{name}.py").read_text().splitlines()) <= 60
        assert f"| `{name}` |" in (FOLDER / "README.md").read_text()


async def test_balance(database: Path) -> None:
    rich = {"balance_yuan": 86.5, "due_yuan": 0.0, "stopped": False, "vip": False, "language": "zh-CN"}
    assert await SAMPLE.run("balance", {"number": ANA}, 5) == rich
    assert (await SAMPLE.run("balance", {"number": "+86 138 0013 8007"}, 5))["due_yuan"] == 1288.05
    assert database.stat().st_mode & 0o777 == 0o600
    for number in ("", "13900000000", "' OR 1=1 --"):
        assert await reason(SAMPLE, "balance", {"number": number}) == "no-such-number"


async def test_a_stranger_is_no_failure() -> None:
    strange = {"known": False, "vip": False, "language": ""}
    for number in ("", "anonymous", "13900000000"):
        assert await SAMPLE.run("caller_record", {"number": number}, 5) == strange
    vip = {"known": True, "vip": True, "language": "en"}
    assert await SAMPLE.run("caller_record", {"number": "+8613800138006"}, 5) == vip


async def test_the_sample_is_made_once_by_many_at_once() -> None:
    found = await asyncio.gather(*(SAMPLE.run("balance", {"number": ANA}, 10) for _ in range(20)))
    assert len(found) == 20
    with customers() as conn:
        assert conn.execute("SELECT count(*) FROM customer").fetchone()[0] == 10


async def test_the_page_tells_the_truth_about_the_sample() -> None:
    rows = re.findall(r"^\| (1[0-9]{10}) \|(.*)\|$", (FOLDER / "README.md").read_text(), re.M)
    assert len(rows) == 10
    for number, cells in rows:
        balance, due, stopped, vip, language, password = (cell.strip() for cell in cells.split("|"))
        answer = await SAMPLE.run("balance", {"number": number}, 5)
        assert (f"{answer['balance_yuan']:.2f}", f"{answer['due_yuan']:.2f}") == (balance, due)
        assert (answer["stopped"], answer["vip"], answer["language"]) == (stopped == "yes", vip == "yes", language)
        checked = await SAMPLE.run("check_password", {"number": number, "password": password}, 5)
        assert checked["result"] == ("unset" if password == "never set" else "ok")


def test_no_password_is_written_where_it_would_be_kept(database: Path) -> None:
    with customers():
        pass
    kept = database.read_bytes() + b"".join(file.read_bytes() for file in (FOLDER / "sample").glob("*.*"))
    assert ANAS.encode() not in kept


class Clock:
    """A given time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def check(clock: Clock, password: str, **more: str) -> tuple[object, object, object]:
    found = await check_password.look_up({"number": ANA, "password": password, **more}, clock)
    return found["result"], found["tries_left"], found["locked_s"]


async def test_wrong_wrong_again_locked_and_open_again_by_itself() -> None:
    clock = Clock()
    assert await check(clock, "000000") == ("wrong", 1, 0)
    assert await check(clock, "111111") == ("locked", 0, 900)
    clock.now += 600
    assert await check(clock, ANAS) == ("locked", 0, 300)  # Not even the right one; and the lock grows no longer.
    clock.now += 299
    assert await check(clock, ANAS) == ("locked", 0, 1)
    clock.now += 1
    assert await check(clock, "222222") == ("wrong", 1, 0)
    assert await check(clock, ANAS) == ("ok", 2, 0)
    assert await check(clock, "333333") == ("wrong", 1, 0)


async def test_an_old_wrong_try_is_forgotten_after_the_time_of_a_lock() -> None:
    clock = Clock()
    assert await check(clock, "000000") == ("wrong", 1, 0)
    clock.now += 901
    assert await check(clock, "000000") == ("wrong", 1, 0)


async def test_tries_and_time_are_the_flows_choice() -> None:
    clock, own = Clock(), {"tries_max": "3", "lock_s": "60"}
    assert [(await check(clock, "000000", **own))[0] for _ in range(4)] == ["wrong", "wrong", "locked", "locked"]
    clock.now += 60
    assert await check(clock, ANAS, **own) == ("ok", 3, 0)
    for bad in ({"tries_max": "0"}, {"tries_max": "x"}, {"lock_s": "inf"}, {"lock_s": "nan"}, {"lock_s": "-1"}):
        with pytest.raises(LookUpFailed, match="bad-argument"):
            await check(clock, ANAS, **bad)


async def test_many_guesses_at_the_same_moment_are_still_two() -> None:
    guesses = [{"number": ANA, "password": f"{guess:06d}"} for guess in range(12)]
    found = await asyncio.gather(*(SAMPLE.run("check_password", guess, 20) for guess in guesses))
    assert sum(answer["result"] == "locked" for answer in found) >= 10
    assert (await SAMPLE.run("check_password", {"number": ANA, "password": ANAS}, 5))["result"] == "locked"


@pytest.mark.parametrize("password", ["", "5029180", "50291", " 502918", "５０２９１８", "502918\0", "x" * 10_000])
async def test_what_is_not_the_password_is_wrong(password: str) -> None:
    assert (await check(Clock(), password))[0] == "wrong"


async def test_setting_the_first_password() -> None:
    fresh = "13800138003"
    own = {"number": fresh, "caller": f"+86{fresh}", "trusted": "true", "password": "739154"}
    assert (await SAMPLE.run("check_password", own, 5))["result"] == "unset"
    for wrong in ({"trusted": "false"}, {"trusted": ""}, {"caller": ANA}, {"caller": ""}):
        assert await SAMPLE.run("set_password", {**own, **wrong}, 5) == {"result": "not-allowed"}
    for weak in ("", "12345", "123456", "000000", "138003"):
        assert await SAMPLE.run("set_password", {**own, "password": weak}, 5) == {"result": "weak"}
    assert (await SAMPLE.run("check_password", own, 5))["result"] == "unset"
    assert await SAMPLE.run("set_password", own, 5) == {"result": "set"}
    assert (await SAMPLE.run("check_password", own, 5))["result"] == "ok"
    assert await SAMPLE.run("set_password", {**own, "password": "846201"}, 5) == {"result": "already-set"}
    assert (await SAMPLE.run("check_password", own, 5))["result"] == "ok"
    taken = {"number": ANA, "caller": ANA, "trusted": "yes", "password": "739154"}
    assert await SAMPLE.run("set_password", taken, 5) == {"result": "already-set"}


def test_weak_passwords() -> None:
    weak = ("123456", "987654", "135791", "111111", "121212", "112112", "123123", "890123", "380013", "12345x", "")
    assert [password for password in weak if not is_weak(password, ANA)] == []
    good = ("502918", "739154", "112233", "019283")
    assert [password for password in good if is_weak(password, ANA)] == []


def test_hashes_are_salted_and_compare() -> None:
    first, second = hashed("739154"), hashed("739154")
    assert first != second and matches("739154", first) and matches("739154", second)
    assert not matches("739155", first) and not matches("", first)


def test_one_number_in_all_its_forms() -> None:
    forms = ("+8613800138000", "008613800138000", "8613800138000", "138 0013 8000", ANA)
    assert {national(form) for form in forms} == {ANA}
    assert national("+113800138000") != ANA and national("1860") == "1860"


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("13800138005", {"open": True, "ticket": "100000"}),
        ("+8613800138005", {"open": True, "ticket": "100000"}),
        (ANA, {"open": False, "ticket": ""}),
        ("", {"open": False, "ticket": ""}),
    ],
)
async def test_an_open_complaint(number: str, found: dict[str, object]) -> None:
    assert await SAMPLE.run("open_complaint", {"number": number}, 5) == found


async def test_a_lost_sim_keeps_its_ticket() -> None:
    first = await SAMPLE.run("lost_sim", {"number": ANA}, 5)
    assert first == {"ticket": "100001", "already": False}
    assert await SAMPLE.run("lost_sim", {"number": ANA}, 5) == {"ticket": "100001", "already": True}
    assert (await SAMPLE.run("lost_sim", {"number": "13800138001"}, 5))["ticket"] > "100001"


async def test_a_broken_database_is_a_reason(database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"not a database" * 100)
    assert await reason(SAMPLE, "balance", {"number": ANA}) == "broken"
    database.unlink()
    sqlite3.connect(database).close()
    database.chmod(0o600)
    assert (await SAMPLE.run("balance", {"number": ANA}, 5))["balance_yuan"] == 86.5
