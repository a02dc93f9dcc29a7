"""What a beginner gets wrong in YAML is named at its place, not where YAML stumbles over it."""

from pathlib import Path

import pytest

from ari_app.config import slips
from ari_app.config.chinese import translated
from ari_app.config.schema import read_yaml
from ari_app.flow.model import Flow
from ari_app.model.settings import Settings

FLOW = """\
description: "A small hospital."
start: open
nodes:
  open:
    type: hours
    hours: clinic
    on_open: menu
    on_closed: bye
  menu:
    type: menu
    say: [hospital-menu]
    keys: {"1": bye, "2": bye}
  bye:
    type: hangup
"""
SLIPS = [
    ("hours: clinic", "hours：clinic", "6:10", "the full-width sign '：'   write ':'", "请写成"),
    ("    type: hangup", "    type：hangup", "14:9", "write ':', not the full-width sign '：'", "全角符号"),
    ("say: [hospital-menu]", "say: 【hospital-menu】", "11:10", "write '[', not the full-width sign '【'", "全角符号"),
    ('"1": bye,', "“1”: bye,", "12:12", "not the full-width sign '“'", "全角符号"),
    ('"1": bye, ', '"1": bye， ', "12:20", "the full-width sign '，'   write ','", "全角符号"),
    ("    hours: clinic", "\u3000\u3000hours: clinic", "6:1", "a full-width blank   write", "全角空格"),
    ("hours: clinic", "hours:clinic", "6:10", "no blank after the colon   write one", "冒号后面缺少空格"),
    ("    hours: clinic", "\thours: clinic", "6:1", "a tab at the beginning of the line   indent", "制表符"),
    ('hospital."', "hospital.", "1:14", 'a quote that is not closed   close it with "', "引号没有闭合"),
    ("bye}", "bye}}", "12:31", "one } too many   remove it", "多了一个"),
    ("menu]", "menu]]", "11:25", "one ] too many   remove it", "多了一个"),
    ("[hospital-menu]", "\n    -hospital-menu", "12:5", "no blank after the -   write one", "缺少空格"),
]


def told(text: str) -> list[str]:
    loaded = read_yaml(Path("a.yaml"), Flow, "F", content=text.encode())
    return [str(problem) for problem in loaded.problems]


def test_the_flow_is_right() -> None:
    assert told(FLOW) == []


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip[1].strip())
def test_a_slip_is_named_at_its_place(slip: tuple[str, str, str, str, str]) -> None:
    right, wrong, place, words, chinese = slip
    assert right in FLOW
    said = told(FLOW.replace(right, wrong, 1))
    found = [line for line in said if line.startswith(f"a.yaml:{place} ")]
    assert found and words in found[0], said
    assert chinese in translated(found[0]), translated(found[0])


def test_a_line_nobody_writes_is_not_searched() -> None:
    """It would take minutes, in which flows are reloaded."""
    assert slips.full_width("[" * 200_000 + "，", 1) is None and slips.full_width("[，", 1) is not None


def test_chinese_text_is_no_slip() -> None:
    """Full-width signs are right in it, though something else is wrong below."""
    text = FLOW.replace('"A small hospital."', "小医院，二楼：内科") + "  - broken\n"
    assert told(text) and not [line for line in told(text) if "full-width" in line]


def test_a_list_whose_entry_is_wrong_is_not_told_to_be_empty() -> None:
    said = told(FLOW.replace("[hospital-menu]", "[Hospital_menu]"))
    assert len(said) == 1 and "at least" not in said[0], said
    assert any("needs at least 1 entries" in line for line in told(FLOW.replace("[hospital-menu]", "[]")))


def test_a_time_holds_no_full_width_sign() -> None:
    text = 'hours:\n  clinic:\n    weekly: {mon-fri: ["08：00-12：00"]}\n'
    loaded = read_yaml(Path("c.yaml"), Settings, "C", content=text.encode())
    assert [p.hint for p in loaded.problems if "such as" in p.message] == ["write ':', not the full-width sign '：'"]
