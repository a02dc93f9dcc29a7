"""The checkers' messages in Chinese: each text of the code has one, none is taken for another, no English is left."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from typer.testing import CliRunner

from ari_app import cli
from ari_app.config import chinese, shapes
from ari_app.config.chinese import CATALOGUE, Template, catalogue, translated
from ari_app.config.diagnostics import BadFile, Problem, choices
from ari_app.config.words import _KIND_WORDS as KIND_WORDS
from ari_app.flow.model import Flow
from ari_app.flow.situations import SituationFile
from ari_app.media import build
from ari_app.model.scenario import Scenario
from ari_app.model.settings import Settings
from ari_app.transcript.parse import BadTranscript, parse
from ari_app.transcript.trial import HELP
from tests.unit import (
    test_config,
    test_flow_check,
    test_scenario,
    test_situations_check,
    test_surge_checks,
    test_transcript_parse,
)

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "ari_app"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

# -- every text of the checkers has a Chinese one --

SOURCES = (
    *sorted(APP.glob("flow/lint*.py")),
    *(APP / "flow" / f"{name}.py" for name in ("finding", "expression")),
    *sorted(APP.glob("config/*checks.py")),
    *(APP / "config" / f"{name}.py" for name in ("scenario", "secrets", "marks", "schema", "words", "unquoted")),
    APP / "model" / "skills.py",
    APP / "media" / "catalogue.py",
)
PIECES = {  # Put together into what zh.yaml has whole, or shown to nobody.
    "such as",
    "did you mean",
    "{}, not {}",
    "{}: {}",
    "{} {}",
    "{} and {}",
    ", not '{}'",
    "{} are both {}",
    "text matching",
    "lookups.{}.{} of config.yaml",
    "write {}",
    "more than {}",
    "{} levels deep",
    "{} values",
    "must be {} {}",
    "needs {} {} {}",
    "and no",
    "more than",
    "at least",
    "less than",
    "at most",
    "(begun in line {})",
    "Value error,",
    "write on_{}",
    "# Made by hotline: passwords and PINs. Keep it 0600 and out of the repository.",
    "the catalogue has mistakes",
    "{} Hz",
    "{} r{}{}",
    "{} {}{}",
}
HINTED = "scanning an alias|scanning an anchor|mapping values are not allowed|cannot start any token|did not find .*|could not find .*|found unexpected end of stream|unknown escape character"  # noqa: E501


def texts(tree: ast.Module) -> Iterator[str]:
    """What could be shown to somebody: texts of more than one word, f-strings as the catalogue writes them."""
    nodes = list(ast.walk(tree))
    left = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    left |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if id(node) in left:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip()
        elif isinstance(node, ast.JoinedStr):
            text = "".join(map(_piece, node.values)).strip()
        else:
            continue
        if " " in text:
            yield text


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    if getattr(part.value, "id", "") == "_CURE":
        return build._CURE
    is_shown = isinstance(part.value, ast.Call) and getattr(part.value.func, "id", "") == "shown"
    return "'{}'" if is_shown or part.conversion == ord("r") else "{}"


def known() -> set[str]:
    return {template.english for part in catalogue().values() for template in part}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_every_text_has_a_chinese_one(file: Path) -> None:
    lacking = {
        text
        for text in texts(ast.parse(file.read_text(encoding="utf-8")))
        if text not in known() | PIECES and not re.fullmatch(HINTED, text)
    }
    assert not lacking, f"write them in {CATALOGUE.name}"


def raised(file: Path) -> Iterator[str]:
    """What a module of transcripts tells: in what it raises, or in what it gives back line by line."""
    tells = ("Impossible", "_Fault", "ConfigError", "Failure", "ValueError", "problem", "say", "show")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in tells:
            yield from texts(ast.Module([ast.Expr(ast.Tuple(node.args))], []))
        elif isinstance(node, ast.FunctionDef) and node.name in ("_effect", "_fact", "_instead", "_loose_ends"):
            yield from texts(ast.Module(node.body, []))


TOLD = ("transcript/parse", "transcript/rehearse", "transcript/report", "transcript/stage", "transcript/trial")
PIECES_TOLD = {
    "not saved: {}: {}",
    "{}; {} s",
    "“{}”  {}",
    "> {}",
    "FAILED  {}",
    "{}: {}   a transcript is a text file in UTF-8",
    "{}: no such flow file   {}",
    "{} {}",
    "caller {} → {}",
}


@pytest.mark.parametrize("name", [*TOLD, "commands/flow_test"])
def test_every_text_of_a_walk_and_of_a_test_has_a_chinese_one(name: str) -> None:
    asked = {*raised(APP / f"{name}.py")}
    assert asked
    assert {
        text for text in asked - PIECES_TOLD - known() if chinese._said(filled(text), chinese._walked) is None
    } == set()


KEPT_BY_COMMANDS = {"w1: w2 → w3", "no version", "more than one version", "no longer held", "changed, for every call"}
KEPT_BY_COMMANDS |= {
    "w1: w2",
    "w1: w2, w3",
    "hours w1: w2",
    "w1 of w2 begins with 'w3'; `hotline flow versions w4` lists them",
}
OF_COMMANDS = {
    "media/build": ("check", "_differences", "_check_one", "sound_problems", "_check_pace"),
    "live": ("chosen", "changes", "_numbers_without_flow"),
}


@pytest.mark.parametrize("name", OF_COMMANDS)
def test_what_checks_of_prompts_and_reloads_say_has_a_chinese_one(name: str) -> None:
    tree = ast.parse((APP / f"{name}.py").read_text(encoding="utf-8"))
    bodies = [node.body for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in OF_COMMANDS[name]]
    assert len(bodies) == len(OF_COMMANDS[name])
    asked = {filled(text) for body in bodies for text in texts(ast.Module(list(body), []))} - KEPT_BY_COMMANDS
    assert asked
    assert {text for text in asked if not any(map(chinese._placed, (text, f"a.wav: {text}")))} == set()


def test_the_help_of_a_walk_has_a_chinese_one() -> None:
    assert {*HELP.splitlines()} <= known()


def every_model(*models: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in models:
        for shape in test_config.every_shape(model):
            if shapes.is_model(shapes.bare(shape)):
                yield shapes.bare(shape)


def test_the_sentence_of_every_key_that_must_be_written_has_a_chinese_one() -> None:
    fields = [field for m in every_model(Settings, Flow, SituationFile, Scenario) for field in m.model_fields.values()]
    asked = {field.description for field in fields if field.is_required() and field.description}
    assert len(asked) > 50
    assert asked - {template.english for template in catalogue()["notes"]} == set()


def test_every_choice_of_kinds_has_a_chinese_one() -> None:
    models = (Settings, Flow, SituationFile, Scenario)
    unions = [shapes.union_branches(shapes.bare(shape)) for model in models for shape in test_config.every_shape(model)]
    kinds = [[shapes.kind_of(shapes.bare(branch)) for branch in union] for union in unions if union]
    said = {choices(dict.fromkeys(KIND_WORDS[kind] for kind in each)) for each in kinds}
    assert said and said <= {template.english for template in catalogue()["wanted"]}


# -- none is taken for another --


def filled(english: str) -> str:
    words = iter(range(1, 10))
    return re.sub(r"'\{\}'|\{\}", lambda hole: hole[0].replace("{}", f"w{next(words)}"), english)


def sample(template: Template) -> str:
    return filled(template.english).replace("or w1 for none", "or {} for none")


@pytest.mark.parametrize("part", catalogue())
def test_a_text_is_taken_for_no_other(part: str) -> None:
    for template in catalogue()[part]:
        first = next(each for each in catalogue()[part] if each.match(sample(template)) is not None)
        assert first is template, first.english


def test_a_text_is_known_behind_its_place() -> None:
    for template in catalogue()["lines"]:
        text = sample(template)
        for place in ("a.yaml:1:2  F007  nodes.menu.keys: ", "a.yaml:1:2  F007  warning: my menu.'a b'.keys: "):
            told = place.replace("warning: ", "警告：") + str(chinese._in_part("lines", text))
            assert translated(f"{place}{text}") == told


def test_a_line_of_a_walk_is_known_behind_its_time_and_of_a_test_behind_its_place() -> None:
    for template in catalogue()["calls"]:
        text = sample(template)
        for place in ("", "10:00:00  ", "          ", "FAILED  tests/calls/a b.call:12: "):
            assert translated(f"{place}{text}") == place + str(chinese._in_part("calls", text))


@pytest.mark.parametrize("part", catalogue())
def test_a_chinese_text_names_what_the_english_one_does(part: str) -> None:
    for template in catalogue()[part]:
        holes = len(re.findall(r"\{\}", template.english))
        named = re.findall(r"\{([0-9])(?::([a-z]+))?\}", template.chinese)
        assert {int(number) for number, _ in named} <= set(range(1, holes + 1)), template.english
        assert {of for _, of in named if of} <= set(catalogue()), template.english
        if part in ("lines", "things", "places") and "for none" not in template.english:
            assert len({number for number, _ in named}) == holes, template.english
        if re.search("[a-z]", template.english):
            assert CHINESE.search(template.chinese), template.english


# -- no English is left in what the mutations provoke --


def cases(test: Any) -> list[Any]:
    """What a test is parametrised with."""
    (mark,) = (mark for mark in test.pytestmark if mark.name == "parametrize")
    return list(mark.args[1])


def of_flows() -> Iterator[Problem]:
    base = test_flow_check.BASE
    for m in test_flow_check.MUTATIONS:
        yield from test_flow_check.problems({**base, m.flow: base[m.flow].replace(m.old, m.new)})
    for change, _, _ in test_flow_check.CONFIG_MUTATIONS:
        yield from test_flow_check.problems(dict(base), {**test_flow_check.CONFIG, **change})


def of_situations() -> Iterator[Problem]:
    given_ = test_situations_check
    for old, new, _, _ in given_.IN_SITUATIONS:
        yield from given_.looked_over(given_.SITUATIONS.replace(old, new)).errors
    for old, new, _, _ in given_.IN_FLOWS:
        checked = given_.looked_over(flow=given_.FLOW.replace(old, new))
        yield from (*checked.errors, *checked.warnings)


def of_config(folder: Path) -> Iterator[Problem]:
    (folder / "ivr_flows").mkdir()
    (folder / "ivr_flows" / "main.yaml").touch()
    for text, _, _ in test_config.CASES:
        yield from test_config.problems(folder, test_config.OK + text)
    for text, _ in cases(test_config.test_whole_file):
        yield from test_config.problems(folder, text)
    for old, new, _ in cases(test_surge_checks.test_wrong):
        yield from test_config.problems(folder, test_surge_checks.BASE.replace(old, new, 1))


def of_scenarios(folder: Path) -> Iterator[str]:
    for old, new, told in cases(test_scenario.test_what_is_wrong_is_told_with_its_place):
        if told is not None:
            yield from test_scenario.problems(folder, test_scenario.GOOD.replace(old, new))


KEPT = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`"""
    r"|type: hangup|allowed: \[in-flow\]|trigger: talk-length|call_in: true|billing>=3 & \(mandarin \| english\)"
    r"|balance < 0 and vip|key: value|keys: \{|chmod 600 \S+|HOST:PORT"
)


def left(line: str) -> list[str]:
    """English of a line that was shown in Chinese: words one after another, once what is YAML or a value is off."""
    message = re.sub(r"^.*?  [CFPSV]\d{3}  ", "", line)
    found = re.findall(r"[A-Za-z]{2,}[a-z]* (?:[a-z]+ ?)+", KEPT.sub("·", message))
    bare = [part for part in message.split("   ") if not CHINESE.search(part)]
    return [*found, *bare]


def checked(lines: list[str]) -> None:
    assert lines
    for line in lines:
        shown = translated(line)
        assert left(shown) == [], f"{line}\n{shown}"
        assert re.match(r".*?  [CFPSV]\d{3}  ", shown)[0] == re.match(r".*?  [CFPSV]\d{3}  ", line)[0]  # type: ignore[index]


def test_the_mutations_of_flows() -> None:
    checked(list(map(str, of_flows())))


def test_the_mutations_of_situations() -> None:
    checked(list(map(str, of_situations())))


def test_the_mistakes_of_config_yaml(tmp_path: Path) -> None:
    checked(list(map(str, of_config(tmp_path))))


def test_the_mistakes_of_scenarios(tmp_path: Path) -> None:
    checked(list(of_scenarios(tmp_path)))


def test_the_faults_of_transcripts() -> None:
    kept = re.compile(
        f"{KEPT.pattern}|写法如 .*|请以它开头：.*|步骤以这些词开头：.*|press 13800138000#|   [a-z ,-]+…?$"
    )
    for text in test_transcript_parse.WRONG:
        with pytest.raises(BadTranscript) as bad:
            parse(text, "x.call")
        for line in bad.value.problems:
            place, _, told = translated(line).partition(": ")
            assert place == line.partition(": ")[0]
            assert not re.search("[A-Za-z]{2,} [a-z]{2,}", kept.sub("·", told)), told


# -- as it is shown --


def test_lines_as_promised() -> None:
    assert translated(
        "ivr_flows/main.yaml:14:11  F003  nodes.a.to: no node named 'main_manu'   did you mean 'main_menu'?\n"
        "ivr_flows/main.yaml:62:3  F041  warning: nodes.b: returns to nobody: no flow calls this one"
        "   here it is a goodbye: write type: hangup, or call this flow by a subflow node\n"
        "config.yaml:1:9  C007  name: needs at most 60 characters, not 'a   b: c'\n"
        "2 errors, 1 warning\n3 flows, 1,012 nodes, 47 situations: ok, 2 warnings\n… and 7 more\nwho knows this?"
    ) == (
        "ivr_flows/main.yaml:14:11  F003  nodes.a.to: 没有名为 'main_manu' 的节点   是不是 'main_menu'？\n"
        "ivr_flows/main.yaml:62:3  F041  警告：nodes.b: 无处可返回：没有流程调用它"
        "   在这里等于告别：请写 type: hangup，或用 subflow 节点调用本流程\n"
        "config.yaml:1:9  C007  name: 最多只能有 60 个字符，这里是 'a   b: c'\n"
        "2 个错误，1 个警告\n3 个流程，1,012 个节点，47 个情形：没有错误，2 个警告\n……另有 7 处\nwho knows this?"
    )


PARTS = [sample(template) for part in catalogue().values() for template in part]


@given(
    st.lists(st.sampled_from([*PARTS, "   ", "  F003  ", ": ", "'", '"', "\n", "a.yaml:1:2", "{1}", "\\"])), st.text()
)
@example([], "a.yaml:1:1  F003  ")
def test_any_text_is_shown(parts: list[str], text: str) -> None:
    shown = "".join(parts) + text
    assert translated(shown).count("\n") == shown.count("\n")


@pytest.mark.parametrize(
    ("locale", "is_chinese"),
    [
        ({}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, False),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, False),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN", "LC_ALL": ""}, True),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, True),
    ],
    ids=str,
)
def test_the_locale_decides(
    locale: dict[str, str], is_chinese: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOTLINE_CONFIG", str(REPOSITORY / "config.yaml"))
    bad = tmp_path / "bad.yaml"
    bad.write_text("start: a\nnodes:\n  a: {type: goto, to: b}\n")
    run = CliRunner().invoke(cli.app, ["flow", "check", str(bad)])
    assert run.exit_code == 1
    told = ("没有名为 'b' 的节点", "1 个错误，0 个警告") if is_chinese else ("no node named 'b'", "1 error, 0 warnings")
    assert all(words in run.output for words in told), run.output


def test_what_ends_a_command_is_told_in_chinese_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("numbers: {}\nqueus: {}\n")
    monkeypatch.setenv("HOTLINE_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setattr("sys.argv", ["hotline", "config", "check"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "config.yaml:2:1  C005  没有 'queus' 这个键   是不是 'queues'？" in capsys.readouterr().err


def test_a_reload_that_is_refused() -> None:
    """As the daemon answers, in English, and the command shows it."""
    problem = Problem("ivr_flows/main.yaml", 1, 2, "F003", "nodes.a.to: no node named 'b'", "did you mean 'a'?")
    assert translated(f"{BadFile([problem])}\nmend the files; nothing was changed") == (
        "ivr_flows/main.yaml:1:2  F003  nodes.a.to: 没有名为 'b' 的节点   是不是 'a'？\n请改正文件；什么也没有改变"
    )
    assert translated("hours office: changed, for every call\nmain: 0a1b → 2c3d, new audio").splitlines()[0] == (
        "营业时间 office：已改，对所有通话生效"
    )


def test_the_error_itself_stays_english() -> None:
    """It is what logs, /healthz and the API show."""
    assert "no node" in str(BadFile([Problem("a.yaml", 1, 2, "F003", "no node named 'b'")]))
