"""What is wrong with a surge plan is told at its line and column, with a cure, all at once."""

from pathlib import Path

import pytest

from ari_app.config.diagnostics import BadFile
from ari_app.config.load import load_settings

BASE = """\
numbers: {"1860": {flow: main}}
skills: {billing: "bills"}
queues: {billing: {skills: {billing: 1}}}
agents: {"8025": {phone: p8025}}
phones: {p8025: {}}
surge:
  waiting: 5
  rush: 10
  for_s: 300
  queues: [billing]
  groups: {experts: ["8025"]}
  steps:
    - {name: one, agents: [experts, "8025"], skills: {billing: 2}}
    - {name: two, say: "call in", rush_after_s: 60}
"""


def found(folder: Path, text: str) -> list[str]:
    (folder / "ivr_flows").mkdir()
    (folder / "ivr_flows" / "main.yaml").touch()
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_settings(path)
    except BadFile as error:
        return [f"{p.line}:{p.column} {p.code} {p.message} | {p.hint}" for p in error.problems]
    return []


def test_a_plan_that_is_right_says_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, BASE) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "queues: [billing]",
            "queues: [biling]",
            "10:12 C003 surge.queues: no queue named 'biling' | did you mean 'billing'?",
        ),
        ('["8025"]}', '["8052"]}', "11:22 C003 surge.groups.experts: no agent named '8052' | did you mean '8025'?"),
        ('["8025"]}', "[]}", "11:21 C040 surge.groups.experts: nobody is in this group | write work numbers"),
        ("[experts, ", "[expert, ", "13:28 C003 surge.steps.agents: no group named 'expert' | did you mean 'experts'?"),
        ('experts, "8025"]', 'experts, "99"]', "13:37 C003 surge.steps.agents: no agent named '99' | "),
        (
            "{billing: 2}",
            "{biling: 2}",
            "13:55 C003 surge.steps.skills: no skill named 'biling' | did you mean 'billing'?",
        ),
        ("{billing: 2}", "{billing: 6}", "13:64 C007 surge.steps.skills.billing: must be at most 5"),
        (
            ", skills: {billing: 2}",
            "",
            "13:7 C040 surge.steps: the step 'one' names agents but no skills | write skills: who gets",
        ),
        (
            'agents: [experts, "8025"], ',
            "",
            "13:7 C040 surge.steps: the step 'one' names skills but no agents | write agents:",
        ),
        (
            ', say: "call in"',
            "",
            "14:7 C040 surge.steps: the step 'two' does nothing | write agents and skills, say, or call_in",
        ),
        (
            "rush: 10",
            "rush: 4",
            "8:9 C040 surge.rush: rush 4 is below waiting 5: no step would ever wait | rush is the larger",
        ),
        (
            "rush_after_s: 60",
            "rush_after_s: 300",
            "14:49 C040 surge.steps.rush_after_s: rush_after_s 300 is not shorter than for_s 300 | a rush",
        ),
        ("for_s: 300", "for_s: 0", "9:10 C007 surge.for_s: must be more than 0"),
        ("[experts, ", "[Experts!, ", "13:28 C007 surge.steps.agents: must be a name (small letters"),
    ],
)
def test_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in BASE
    (only,) = found(tmp_path, BASE.replace(old, new, 1))
    assert only.startswith(said), only


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ("{a: {skills: billing>=2, offered: true}}", []),
        ("{a: {skills: billing>=3}}", []),
        ("{a: {skills: billing>>3}}", ["15:21 C027 boxes.a.skills: '>' means nothing in a skill expression"]),
        ("{a: {skills: {bills: 1}, offered: true}}", ["15:22 C003 boxes.a.skills: no skill named 'bills'"]),
        (
            "{a: {skills: billing>=3, offered: true}}",
            ["15:21 C041 boxes.a.skills: no agent can ever have what the box 'a'"],
        ),
    ],
)
def test_a_box_asks_for_skills_that_somebody_has_at_least_in_a_surge(
    boxes: str, said: list[str], tmp_path: Path
) -> None:
    lines = found(tmp_path, BASE + f"boxes: {boxes}\n")
    assert len(lines) == len(said) and all(line.startswith(each) for line, each in zip(lines, said, strict=True)), lines
