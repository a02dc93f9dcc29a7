"""The log never shows whole numbers or secrets, says which call it speaks of, and survives whatever it is given."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ari_app.model.machine import Log
from ari_app.runtime.logging import about_call, clean, configure


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


Capture = pytest.CaptureFixture[str]


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@dataclass
class Rang:
    caller: str
    pin: str
    leg: str


def test_json_line(capsys: Capture) -> None:
    configure(Log(format="json"))
    with about_call("3.17"):
        structlog.get_logger("here").info("queued", queue="billing", wait_s=1.5, agents=2, urgent=True)
    (line,) = json_lines(capsys.readouterr().err)
    stamp = line.pop("timestamp")
    assert stamp.endswith("Z")
    assert line == {
        "event": "queued", "level": "info", "logger": "here", "call": "3.17",
        "queue": "billing", "wait_s": 1.5, "agents": 2, "urgent": True,
    }  # fmt: skip


def test_console_line_leads_with_the_call(capsys: Capture) -> None:
    configure(Log(format="console"))
    structlog.get_logger().warning("no answer", call="3.17", agent="8025")
    said = capsys.readouterr().err
    assert "[3.17] no answer" in said
    assert "agent=8025" in said


def test_auto_is_json_away_from_a_terminal(capsys: Capture) -> None:
    configure(Log())
    structlog.get_logger().info("x")
    assert json_lines(capsys.readouterr().err)[0]["event"] == "x"


@pytest.mark.parametrize(
    ("given", "logged"),
    [
        ({"caller": "13800138000"}, {"caller": "138****8000"}),
        ({"dialled": "1860"}, {"dialled": "1****"}),
        ({"caller_number": 13800138000}, {"caller_number": "138****8000"}),
        ({"event": "call from 13800138000"}, {"event": "call from 138****8000"}),
        ({"why": "sip:+8613800138000@x"}, {"why": "sip:+86****8000@x"}),
        ({"pin": "111", "password": "x", "api_token": "x", "digit": "5", "digits": "55", "Secret": "s"}, {}),
        (
            {"rang": Rang("13800138000", "4711", "1.1")},
            {"rang": {"kind": "Rang", "caller": "138****8000", "leg": "1.1"}},
        ),
        ({"legs": [{"caller": "13800138000", "pin": "1"}]}, {"legs": [{"caller": "138****8000"}]}),
        ({"name": "a\nb\x1b[31m"}, {"name": "a\\nb\\x1b[31m"}),
        ({"call": "1795328959.13700138000"}, {"call": "1795328959.13700138000"}),
        (
            {"at": 1795328959, "pinned": "x", "numbers": ["1860"]},
            {"at": 1795328959, "pinned": "x", "numbers": ["1860"]},
        ),
    ],
)
def test_clean(given: dict[str, Any], logged: dict[str, Any]) -> None:
    assert clean(None, "info", given) == logged


def test_traceback_keeps_its_lines_but_no_number(capsys: Capture) -> None:
    configure(Log(format="json"))
    pin = "271828"
    try:
        raise ValueError(f"caller 13800138000 pressed {len(pin)} keys")
    except ValueError:
        structlog.get_logger().exception("a bug", call="1.1")
    said = capsys.readouterr().err
    (line,) = json_lines(said)
    assert "Traceback" in line["exception"]
    assert "\n" in line["exception"]
    assert "138****8000" in line["exception"]
    assert "13800138000" not in said
    assert "271828" not in said, "no values of variables"


def test_libraries_go_the_same_way(capsys: Capture) -> None:
    configure(Log(format="json"))
    logging.getLogger("aiohttp.server").error("from %s", "13800138000")
    logging.getLogger("aiohttp.access").info("every request")
    (line,) = json_lines(capsys.readouterr().err)
    assert (line["event"], line["logger"], line["level"]) == ("from 138****8000", "aiohttp.server", "error")


def test_level(capsys: Capture) -> None:
    configure(Log(format="json", level="warning"))
    structlog.get_logger().info("not this")
    structlog.get_logger().warning("this")
    assert [line["event"] for line in json_lines(capsys.readouterr().err)] == ["this"]


def test_configured_twice_writes_once(capsys: Capture, tmp_path: Path) -> None:
    configure(Log(format="json"), tmp_path / "logs" / "hotline.log")
    configure(Log(format="json"))
    structlog.get_logger().info("once")
    assert len(json_lines(capsys.readouterr().err)) == 1
    assert (tmp_path / "logs" / "hotline.log").read_text() == ""


def test_file(tmp_path: Path) -> None:
    file = tmp_path / "hotline.log"
    configure(Log(), file)
    structlog.get_logger().info("您好 \udcff", caller="13800138000")
    assert "138****8000" in file.read_text(encoding="utf-8")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.dictionaries(st.text(min_size=1), VALUES, max_size=4))
def test_anything_can_be_logged_on_one_line(event: dict[str, Any]) -> None:
    cleaned = clean(None, "info", {**event, "pin": "0", "caller": "13800138000"})
    line = json.dumps(cleaned, default=str)
    assert "\n" not in line
    assert "13800138000" not in line
