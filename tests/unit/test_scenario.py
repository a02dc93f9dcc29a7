"""Scenario files: what is wrong is told with line, column and cure, all at once; what is right is used."""

from pathlib import Path

import pytest

from ari_app.config.diagnostics import BadFile
from ari_app.config.scenario import load_scenario
from tests.asterisk import REPOSITORY
from tests.sim_kit import SCENARIOS

GOOD = """\
skills: {support: "answers questions"}
queues:
  support: {skills: {support: 2}, relax: [{after_s: 20, skills: support}]}
callers:
  everyone: {queue: support, profile: {"00:00": 200}, talk: {mean_s: 180}}
agents:
  staff: {count: 14, skills: {support: 3}}
"""


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load_scenario(path)
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_the_good_one_loads(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD, encoding="utf-8")
    loaded = load_scenario(path)
    assert (loaded.scenario.hours, loaded.step_s, [*loaded.queues]) == (8, 60, ["support"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "queue: support",
            "queue: suport",
            "s.yaml:5:21  V003  callers.everyone.queue: no queue named 'suport'   did you mean 'support'?",
        ),
        (
            "{support: 3}",
            "{suport: 3}",
            "s.yaml:7:31  V003  agents.staff.skills: no skill named 'suport'   did you mean 'support'?",
        ),
        (
            "skills: support}",
            'skills: "support>=9"}',
            "s.yaml:3:65  V020  queues.support.relax.skills: support>=9: levels go from 1 to 5, at character 1 of "
            "'support>=9'   such as billing>=3 & (mandarin | english)",
        ),
        (
            "{support: 3}}",
            '{support: 3}, shifts: ["22:00-06:00"]}',
            "s.yaml:7:53  V021  agents.staff.shifts: 22:00-06:00 ends before it begins"
            '   write two: ["22:00-24:00", "00:00-06:00"]',
        ),
        (
            "relax: [{after_s: 20, skills: support}]",
            "wrap_up_s: 0",
            None,
        ),
        (
            "skills: {support: 3}",
            "skills: {}",
            "s.yaml:5:3  V022  callers: no agents have the skills these callers ask for in 'support'"
            "   give some agents the skills",
        ),
        ("count: 14", "count: 0", "s.yaml:7:18  V007  agents.staff.count: must be at least 1, not '0'"),
        (
            '"00:00": 200',
            '"24:00": 200',
            "s.yaml:5:40  V007  callers.everyone.profile: must be a time of day such as 09:30 or 18:00, not '24:00'",
        ),
        (
            '"00:00": 200',
            '"00:00": 999999',
            "s.yaml:4:1  V024  up to 7,999,992 calls"
            "   at most 5,000,000 a replication: fewer hours, or fewer calls an hour",
        ),
        (
            "talk: {mean_s: 180}",
            "talk: {mean_s: 180, shape: normal}",
            "s.yaml:5:82  V007  callers.everyone.talk.shape: must be exponential, lognormal, gamma or fixed,"
            " not 'normal'   did you mean 'lognormal'?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str | None) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    if told is None:
        (tmp_path / "s.yaml").write_text(text)
        load_scenario(tmp_path / "s.yaml")
    else:
        assert problems(tmp_path, text) == [told]


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("queue: support", "queue: x").replace("{support: 3}", "{y: 3}") + "warm_up_hours: 8\nsed: 1\n"
    assert [line.split()[1] for line in problems(tmp_path, text)] == ["V003", "V003", "V025", "V005"]


def test_too_many_agents(tmp_path: Path) -> None:
    text = GOOD.replace("count: 14", "count: 20000") + "  more: {count: 1, skills: {support: 3}}\n"
    assert problems(tmp_path, text) == ["s.yaml:6:1  V024  20,001 agents in all   at most 20,000"]


def test_queues_of_config_yaml(tmp_path: Path) -> None:
    """The hotline's own queues, by a path from the scenario's folder; its mistakes are told as its own."""
    tail = GOOD[GOOD.index("callers:") :].replace("support: 3", "billing: 3").replace("support", "billing")
    path = tmp_path / "s.yaml"
    path.write_text(f"config: {REPOSITORY / 'config.yaml'}\n{tail}", encoding="utf-8")
    loaded = load_scenario(path)
    assert "network" in loaded.queues and loaded.queues["billing"].wrap_up_s == 60
    assert problems(tmp_path, f"config: {REPOSITORY / 'config.yaml'}\n{GOOD}")[0] == (
        "s.yaml:2:1  V023  'skills' stands here and in the config.yaml named by config   remove one of the two"
    )
    (tmp_path / "config.yaml").write_text("numbers: {}\nqueus: {}\n")
    told = problems(tmp_path, f"config: config.yaml\n{tail}")
    assert told == ["config.yaml:2:1  C005  unknown key 'queus'   did you mean 'queues'?"]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="V001"):
        load_scenario(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_scenarios_of_the_repository_load(path: Path) -> None:
    scenario = load_scenario(path).scenario
    assert scenario.says and scenario.replications >= 10


def test_the_surge_plan_of_a_scenario_names_its_kinds_of_agents(tmp_path: Path) -> None:
    steps = "{name: one, agents: [staf, staff], skills: {support: 1, magic: 2}}"
    text = GOOD + f"surge:\n  queues: [support, other]\n  steps:\n    - {steps}\n"
    assert problems(tmp_path, text) == [
        "s.yaml:9:21  V003  surge.queues: no queue named 'other'",
        "s.yaml:11:28  V003  surge.steps.agents: no kind of agents named 'staf'   did you mean 'staff'?",
        "s.yaml:11:63  V003  surge.steps.skills: no skill named 'magic'",
    ]
