"""situations.yaml: what the checker says of it and of the flows that run it, line by line; the command; any bytes."""

import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.config.flows import Checked, look_over
from ari_app.model.settings import Settings
from tests.unit.test_flow_check import CONFIG, LANGUAGES

SITUATIONS = """\
situations:
  silent-line:
    title: {zh-CN: "无声", en: "Silent"}
    who: [machine, agent]
    when: {zh-CN: "没有声音", en: "No sound"}
    trigger: silent
    allowed: [in-flow, talking]
    nodes: {main: [quiet]}
    steps:
      - say: [hello]
      - wait_s: 5
      - hang-up
    cards: {zh-CN: ["您好"], en: ["Hello"]}
  noisy-line:
    title: {zh-CN: "杂音", en: "Noisy"}
    who: [machine]
    when: {zh-CN: "有杂音", en: "Noise"}
    trigger: noisy
    allowed: [talking]
    steps: [{say: [hello]}, next]
  long:
    title: {zh-CN: "太久", en: "Long"}
    who: [supervisor, machine]
    when: {zh-CN: "太久", en: "Long"}
    trigger: talk-length
    hints_s: {agent: 600}
"""
FLOW = """\
start: quiet
nodes:
  quiet:
    type: situation
    situation: silent-line
    on_life: person
  person:
    type: queue
    queue: billing
"""


def looked_over(situations: str | bytes = SITUATIONS, flow: str = FLOW) -> Checked:
    scripts = situations if isinstance(situations, bytes) else situations.encode()
    return look_over(
        {Path("main.yaml"): flow.encode(), Path("situations.yaml"): scripts},
        Settings.model_validate(CONFIG),
        lambda ids: [(one, language) for one in ids for language in LANGUAGES if one == "no-audio"],
    )


def told(checked: Checked) -> list[str]:
    found = sorted((*checked.errors, *checked.warnings))
    return [f"{Path(problem.file).stem} {problem.line}:{problem.column} {problem.code}" for problem in found]


def test_clean_files_say_nothing() -> None:
    checked = looked_over()
    assert told(checked) == []
    assert list(checked.situations.named) == ["silent-line", "noisy-line", "long"]
    assert list(checked.flows) == ["main"] and checked.flows["main"].situations is checked.situations


IN_SITUATIONS = [
    ("wait_s: 5", "wait_s: 90", "11:17 S007", "must be at most 60"),
    ("wait_s: 5", "wait_s: soon", "11:17 S007", "must be a number"),
    ("wait_s: 5", "wait: 5", "11:9 S005", "unknown key 'wait'"),
    ("      - hang-up\n", "      - hangup\n", "12:9 S007", "did you mean 'hang-up'?"),
    ('{zh-CN: "无声", en: "Silent"}', '{zh-CN: "无声"}', "3:5 S006", "'en' is missing"),
    ('cards: {zh-CN: ["您好"], en: ["Hello"]}', 'cards: {en: ["Hello"]}', "13:5 S006", "'zh-CN' is missing"),
    ("trigger: silent", "trigger: silence", "6:14 S007", "did you mean 'silent'?"),
    ("allowed: [in-flow, talking]", "allowed: [in-flow, queued]", "7:24 S007", "must be in-flow, voicemail or talking"),
    ("  long:\n", "  Long:\n", "21:3 S007", "a situation's name"),
    ("nodes: {main: [quiet]}", "nodes: {main: [quite]}", "8:20 S003", "did you mean 'quiet'?"),
    ("nodes: {main: [quiet]}", "nodes: {mian: [quiet]}", "8:13 S003", "did you mean 'main'?"),
    ("      - say: [hello]", "      - say: [hello, no-audio]", "10:22 S020", "no zh-CN and no en audio"),
    ("      - hang-up\n", "", "9:5 S021", "the script never ends"),
    ("      - wait_s: 5\n", "      - next\n", "11:9 S021", "what stands after it is never done"),
    ('    cards: {zh-CN: ["您好"], en: ["Hello"]}\n', "", "4:10 S022", "the agent has nothing to say"),
    ("    allowed: [talking]\n", "", "14:3 S023", "may run nowhere"),
    ("allowed: [talking]", "allowed: [in-flow]", "19:14 S024", "no matter in a menu"),
    ("trigger: talk-length", "trigger: fault", "26:14 S025", "belong together"),
    ("    hints_s: {agent: 600}\n", "", "25:14 S025", "belong together"),
    ("trigger: noisy", "trigger: silent", "18:14 S026", "'silent-line' has the trigger"),
    ("  noisy-line:\n", "  silent-line:\n", "14:3 S004", "it stands already in line 2"),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "words"), IN_SITUATIONS, ids=[f"{at}-{new[:20]}" for _, new, at, _ in IN_SITUATIONS]
)
def test_what_is_wrong_in_situations(old: str, new: str, at: str, words: str) -> None:
    assert SITUATIONS.count(old) == 1
    checked = looked_over(SITUATIONS.replace(old, new))
    assert f"situations {at}" in told(checked), checked.errors
    assert words in "\n".join(map(str, checked.errors))
    assert {line.split()[0] for line in told(checked)} == {"situations"}, "the flow is not to blame"


def test_hints_are_something_to_do() -> None:
    checked = looked_over(
        SITUATIONS.replace("    hints_s: {agent: 600}\n", "").replace("trigger: talk-length", "trigger: fault")
    )
    assert told(checked) == ["situations 23:10 S022"]


IN_FLOWS = [
    ("situation: silent-line", "situation: silent", "5:16 F003", "did you mean 'silent-line'?"),
    ("situation: silent-line", "situation: long", "5:16 F043", "has no steps"),
    ("situation: silent-line", "situation: noisy-line", "5:16 F044", "allowed in talking only"),
    ("    on_life: person\n", "    on_life: person\n    next: person\n", "7:11 F045", "`next` never comes"),
    ("    on_life: person\n", "", "3:3 F006", "'on_life' is missing"),
    ("on_life: person", "on_life: nobody", "6:14 F003", "no node named 'nobody'"),
    ("    on_life: person\n", "    on_life: person\n    on_speech: body\n", "7:16 F003", "no node named 'body'"),
]


@pytest.mark.parametrize(("old", "new", "at", "words"), IN_FLOWS, ids=[at for _, _, at, _ in IN_FLOWS])
def test_what_is_wrong_in_a_flow_that_runs_one(old: str, new: str, at: str, words: str) -> None:
    assert FLOW.count(old) == 1
    checked = looked_over(flow=FLOW.replace(old, new))
    assert f"main {at}" in told(checked), told(checked)
    assert words in "\n".join(map(str, (*checked.errors, *checked.warnings)))


def test_a_situation_found_wrong_is_not_called_missing() -> None:
    checked = looked_over(SITUATIONS.replace("trigger: silent", "trigger: silence"))
    assert told(checked) == ["situations 6:14 S007"]


def test_flows_may_do_without_the_file_but_not_use_its_name() -> None:
    alone = {Path("main.yaml"): FLOW.replace("silent-line", "silent").encode()}
    checked = look_over(alone, Settings.model_validate(CONFIG), lambda ids: [])
    assert told(checked) == ["main 5:16 F003"] and "situations.yaml" in str(checked.errors[0])
    checked = looked_over(flow=FLOW + "  more: {type: subflow, flow: situations, next: person}\n")
    assert "main 10:31 F003" in told(checked)


def test_any_bytes_give_messages() -> None:
    dice = random.Random(5)
    text = SITUATIONS.encode()
    for _ in range(300):
        at, length = dice.randrange(len(text)), dice.randrange(1, 40)
        noise = bytes(dice.randrange(256) for _ in range(dice.randrange(4)))
        looked_over(text[:at] + noise + text[at + length :])


# -- the commands --


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONFIG", str(Path(__file__).parents[2] / "config.yaml"))


@pytest.mark.usefixtures("site")
def test_show_tells_a_situation_in_both_languages() -> None:
    chinese = CliRunner().invoke(app, ["situations", "show", "silent-line"])
    assert chinese.exit_code == 0, chinese.output
    assert "2. 等 5 秒" in chinese.output and "7. 挂机" in chinese.output and "（" not in chinese.output
    english = CliRunner().invoke(app, ["situations", "show", "silent-line", "--lang", "en"])
    assert "  ends at once by: a key, speech\n" in english.output
    assert "2. waits 5 s" in english.output and "main.yaml: nobody_there" in english.output
    assert "    - Hello, can you hear me?" in english.output
    hints = CliRunner().invoke(app, ["situations", "show", "over-long-call", "--lang", "en"])
    assert "a supervisor: after 1200 s of talk" in hints.output


@pytest.mark.usefixtures("site")
def test_list_names_all_of_them() -> None:
    run = CliRunner().invoke(app, ["situations", "list", "--lang", "en"])
    assert len(run.output.splitlines()) == 47
    assert "Silent line (the machine, an agent)" in run.output
    wrong = CliRunner().invoke(app, ["situations", "show", "silent-lin"])
    assert wrong.exit_code == 1 and "did you mean 'silent-line'?" in str(wrong.exception)
    assert CliRunner().invoke(app, ["situations", "list", "--lang", "fr"]).exit_code == 2
