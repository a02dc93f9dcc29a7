"""Pictures of flows: every node and way is in them, nothing lies on anything, and the day's callers are counted."""

import itertools
import re
import xml.etree.ElementTree as Xml
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.flow.chart import Traffic, cells, chart, cut, mermaid
from ari_app.flow.layout import laid_out
from ari_app.flow.model import Flow, next_nodes
from ari_app.flow.picture import svg
from ari_app.model import facts
from ari_app.store.journal import Journal
from ari_app.store.traffic import traffic
from tests.unit.test_flow_check import BASE, looked_over

REPOSITORY = Path(__file__).resolve().parents[2]
WORDS = {"main-menu": "话费业务，请按一。网络故障，请按二。找客服代表，请按零。"}
ZONE = ZoneInfo("Asia/Shanghai")
NOON = 1_772_424_000.0  # 2026-03-02 12:00 in Shanghai.


def base() -> Flow:
    return looked_over(dict(BASE)).flows["main"].flow


def texts(picture: str) -> list[str]:
    return ["".join(found.itertext()) for found in Xml.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_every_node_and_way_is_drawn() -> None:
    flow = base()
    drawn = chart("main", flow, lambda prompt: WORDS.get(prompt, ""))
    assert next(iter(drawn.boxes)) == flow.start
    ways = {(name, target) for name, node in flow.nodes.items() for target in next_nodes(node).values()}
    assert {(arrow.source, arrow.target) for arrow in drawn.arrows} == ways
    shown = texts(svg(drawn))
    assert set(flow.nodes) <= set(shown)
    assert {"0, wrong", "1 yes", "2 no", "else", "open", "closed", "queue billing", "agi balance"} <= set(shown)
    assert any(text.startswith("话费业务") and text.endswith("…") for text in shown)
    assert svg(drawn).count("<path class=") == 2  # tell → main_menu and right → number lead back.


def test_mermaid() -> None:
    text = mermaid(chart("main", base(), lambda prompt: WORDS.get(prompt, "")))
    assert text.startswith("%% main\nflowchart TD\n")
    assert '  n2("main_menu<br>话费业务，请按一。网络故…")' in text
    assert '  n2 -->|"0, wrong"| n11' in text
    assert '|"balance #lt; 0 and not v…"|' in text
    assert len(re.findall(r"^  n\d+ -->", text, re.M)) == 19


@pytest.mark.parametrize("sign", ['"', "<", "&", "]", "\x01", "\u202e", "\n", "]]>", "`"])
def test_no_text_breaks_the_picture(sign: str) -> None:
    tree: dict[str, Any] = {"start": "a", "nodes": {"a": {"type": "play", "say": ["x"], "next": "a"}}}
    drawn = chart(f"t{sign}t", Flow.model_validate(tree), lambda prompt: f"w{sign}w")
    assert len(texts(svg(drawn))) == 5  # Title, kind, name, words, the circle of one node.
    assert all(line.isprintable() for line in mermaid(drawn).splitlines())


@given(text=st.text(max_size=60), most=st.integers(4, 40))
def test_what_is_cut_fits(text: str, most: int) -> None:
    assert cells(cut(text, most)) <= most + 1


EDGES = st.dictionaries(st.tuples(st.integers(0, 12), st.integers(0, 12)), st.integers(0, 120), max_size=40)


@given(edges=EDGES)
def test_nothing_lies_on_anything(edges: dict[tuple[int, int], int]) -> None:
    names = {str(n) for edge in edges for n in edge} | {"0"}
    sizes = {name: (60.0 + 10 * int(name), 40.0) for name in sorted(names, key=int)}
    laid = laid_out(sizes, {(str(a), str(b)): (float(width), 14.0) for (a, b), width in edges.items()})
    spots = {spot for way in laid.ways.values() for spot in way} | set(laid.spots.values())
    layers: dict[int, list[Any]] = {}
    for spot in spots:
        layers.setdefault(spot.layer, []).append(spot)
        assert spot.width / 2 <= spot.x <= laid.size[0] - spot.width / 2
        assert spot.height / 2 <= spot.y <= laid.size[1] - spot.height / 2
    for layer in layers.values():
        layer.sort(key=lambda spot: spot.x)
        for one, other in itertools.pairwise(layer):
            assert other.x - one.x >= (one.width + other.width) / 2
    assert set(laid.ways) == {(str(a), str(b)) for a, b in edges if a != b}
    for (source, target), way in laid.ways.items():
        assert (way[0].name, way[-1].name) == (source, target)


# -- traffic --


def walked(call: str, nodes: list[str], at: float, closed_by: str, flow: str = "main") -> list[tuple[float, Any]]:
    opened = facts.CallOpened(call, "13800138000", "1860", "local", flow, "v1", "zh-CN")  # type: ignore[arg-type]
    steps = [(at + n, facts.NodeEntered(call, node, "play")) for n, node in enumerate(nodes)]  # type: ignore[arg-type]
    closed = facts.CallClosed(call, closed_by, nodes[-1], 16, 9.0)  # type: ignore[arg-type]
    return [(at, opened), *steps, (at + 9, closed)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    calls = [
        walked("1-1", ["greeting", "open", "main_menu", "number", "right", "number"], NOON, "caller"),
        walked("1-2", ["greeting", "open", "main_menu", "number", "right", "number", "right"], NOON, "caller"),
        walked("1-3", ["greeting", "open", "main_menu", "goodbye!"], NOON, "flow"),
        walked("1-4", ["greeting", "open", "elsewhere", "main_menu"], NOON, "caller"),
        walked("1-5", ["greeting", "open"], NOON + 86_400, "caller"),
        walked("1-6", ["greeting", "open"], NOON, "caller", flow="other"),
    ]
    journal = Journal.open(tmp_path / "hotline.db")
    journal.next_epoch()
    for call in calls:
        for at, fact in call:
            journal.append([("fact", at, fact)]).result(5)
    journal.close()
    return tmp_path / "hotline.db"


def test_a_day_is_counted(store: Path) -> None:
    found = traffic(store, "main", [*base().nodes, "goodbye!"], date(2026, 3, 2), ZONE)
    assert found.calls == 4
    assert found.entered["number"] == 2
    assert found.ways["number", "right"] == 2  # A caller who goes round counts once.
    assert found.ways["open", "main_menu"] == 4  # A subflow's node between is passed over.
    assert found.ways["main_menu", "goodbye!"] == 1
    assert found.hung_up == {"number": 1, "right": 1, "main_menu": 1}
    drawn = chart("main", base(), lambda prompt: "", found)
    shown = texts(svg(drawn))
    assert {"4 came, 1 hung up", "open · 4×", "1 · 2×", "goodbye!", "closed"} <= set(shown)


def test_nobody_called() -> None:
    assert "0 came" in texts(svg(chart("main", base(), lambda prompt: "", Traffic())))


# -- the command --


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONFIG", str(REPOSITORY / "config.yaml"))
    flow, target = str(REPOSITORY / "ivr_flows" / "main.yaml"), tmp_path / "main.svg"
    run = CliRunner().invoke(app, ["flow", "show", flow])
    assert run.exit_code == 0, run.output
    assert run.output.startswith("%% main: ")
    run = CliRunner().invoke(app, ["flow", "show", flow, "--svg", str(target)])
    assert run.exit_code == 0, run.output
    assert "main_menu" in texts(target.read_text(encoding="utf-8"))
    run = CliRunner().invoke(app, ["flow", "show", flow, "--traffic", "yesterday"])
    assert run.exit_code == 2
