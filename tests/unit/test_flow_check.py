"""The checker of flows: mutations, each caught with the right code at the right line; clean flows say nothing.

A case is one textual change of the base flows below and the one message it must give.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.config.diagnostics import PROBLEMS_MAX, BadFile, Problem, Shared
from ari_app.config.flows import check_texts, look_over, read_texts
from ari_app.config.load import load_settings
from ari_app.flow.graph import knots, reached
from ari_app.media.prompts import Prompts
from ari_app.model.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
CALM = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

CONFIG: dict[str, Any] = {
    "numbers": {"1860": {"flow": "main"}},
    "hours": {"office": {"weekly": {"mon-fri": ["08:00-20:00"]}}},
    "skills": {"billing": "bills"},
    "queues": {"billing": {"skills": {"billing": 2}, "hours": "office"}},
    "agents": {"8025": {"phone": "p8025", "skills": {"billing": 4}}},
    "phones": {"p8025": {}},
    "lookups": {"http": {"crm": {"url": "http://127.0.0.1:1/x"}}},
}
MAIN = """\
start: greeting
nodes:
  greeting:
    type: greet
    festivals: {"05-01": may-day}
    next: open
  open:
    type: hours
    hours: office
    on_open: main_menu
    on_closed: message
  main_menu:
    type: menu
    say: [main-menu]
    keys: {"1": number, "2": rate, "0": person}
    repeat_key: "*"
    on_wrong: person
  number:
    type: collect
    say: [which-number]
    into: number
    min: 4
    max: 8
    next: right
  right:
    type: confirm
    say: [you-typed, "digits:number"]
    no_key: "2"
    on_yes: ask
    on_no: number
  ask:
    type: lookup
    agi: balance
    send: {number: number}
    into: {balance: balance_yuan}
    on_failure: person
    next: owes
  owes:
    type: branch
    cases:
      - {when: balance < 0 and not vip, to: pay}
    otherwise: tell
  pay:
    type: subflow
    flow: pay
    send: {amount: -balance}
    into: {paid: done}
    next: tell
  tell:
    type: play
    say: ["money:balance"]
    next: main_menu
  rate:
    type: survey
    question: service
    say: [rate-us]
    keys: ["1", "2", "3"]
    next: count
  count:
    type: set
    values: {rated: "'yes'"}
    next: bye
  person:
    type: queue
    queue: billing
    on_closed: message
  message:
    type: voicemail
    next: bye
  bye:
    type: hangup
"""
PAY = """\
start: password
variables: [amount]
nodes:
  password:
    type: collect
    say: [password]
    into: password
    secret: true
    next: keep
  keep:
    type: set
    values: {done: amount > 0}
    next: back
  back:
    type: return
"""
BASE = {"main": MAIN, "pay": PAY}
LANGUAGES = ("zh-CN", "en")


def looked_over(texts: dict[str, str | bytes], config: dict[str, Any] = CONFIG, lacking: frozenset[str] = frozenset()):
    files = {Path(f"{name}.yaml"): text if isinstance(text, bytes) else text.encode() for name, text in texts.items()}
    return look_over(
        files,
        Settings.model_validate(config),
        lambda ids: [(one, language) for one in ids for language in LANGUAGES if one in lacking],
        ("balance",),
    )


def problems(texts: dict[str, str | bytes], config: dict[str, Any] = CONFIG) -> tuple[Problem, ...]:
    checked = looked_over(texts, config, frozenset({"no-audio"}))
    return (*checked.errors, *checked.warnings)


def test_clean_flows_say_nothing() -> None:
    checked = looked_over(dict(BASE))
    assert (checked.errors, checked.warnings) == ((), ())
    assert list(checked.flows) == ["main", "pay"]


def test_the_samples_are_clean() -> None:
    site, prompts = load_settings(REPOSITORY / "config.yaml"), Prompts.load(REPOSITORY / "sounds")
    files = {path: path.read_bytes() for path in (REPOSITORY / "ivr_flows").glob("*.yaml")}
    scripts = [path.stem for path in (REPOSITORY / "agi_scripts").glob("*.py")]
    checked = look_over(files, site, lambda ids: prompts.missing(ids, LANGUAGES), scripts)
    assert (checked.errors, checked.warnings) == ((), ())


# -- the mutation list --


@dataclass(frozen=True)
class Mutation:
    """`old` becomes `new` in the flow (`main` unless said), or in config.yaml; `at`: line, column and code."""

    old: str
    new: str
    at: str
    words: str = ""
    flow: str = "main"
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.at}-{self.new[:40]!r}"


M = Mutation
WRONG = "    on_wrong: person\n"
RINGS = "    on_wrong: ring\n  ring: {{type: transfer, {}, next: rate}}\n"
MUTATIONS = [
    # Choices while waiting, and call-backs.
    M(
        "    queue: billing\n",
        '    queue: billing\n    choices: {keys: {"1": stay, "2": voicemail}}\n',
        "66:38 F049",
        "write on_voicemail",
    ),
    M("    type: voicemail\n", "    type: callback\n    queue: billing\n", "68:5 F050", "outbound"),
    # YAML.
    M("start: greeting", "start: [greeting", "2:6 F002", "bracket"),
    M("  bye:\n", "  person:\n", "62:11 F003", "line 63", more=("69:11 F003", "70:3 F004")),
    M("    type: greet\n", "    type: greet\n    vipp: x\n", "5:5 F005", "did you mean 'vip'?"),
    M("    into: number\n", "", "18:3 F006", "'into' is missing"),
    M("min: 4", "min: four", "22:10 F007", "must be a number"),
    M("say: [main-menu]", "say: main-menu", "14:10 F008", "must be a list"),
    M("start: greeting", "start: !x greeting", "1:8 F009", "tag"),
    M("type: survey", "type: servey", "54:11 F007", "did you mean 'survey'?"),
    # Telephone keys without quotes.
    M('"0": person}', "*: person}", "15:36 F032", "in quotes"),
    M('"0": person}', "#: person}", "15:36 F032", "in quotes"),
    M('{"1": number, "2"', '{*: number, "2"', "15:12 F032", "in quotes"),
    M('["1", "2", "3"]', '[*, "2", "3"]', "57:12 F032", "in quotes"),
    M('repeat_key: "*"', "repeat_key: *", "16:17 F032", "in quotes"),
    M('repeat_key: "*"', "repeat_key: #", "16:17 F032", "in quotes"),
    M('["1", "2", "3"]', '["1", "2", #]', "57:22 F032", "in quotes"),
    M(
        'keys: {"1": number, "2": rate, "0": person}',
        'keys:\n      "1": number\n      "2": rate\n      #: person',
        "18:7 F032",
        "in quotes",
    ),
    M(
        '{"1": number, "2": rate, "0": person}',
        '{\n      "1": number,\n      "2": rate,\n      *: person}',
        "18:7 F032",
    ),
    # Names.
    M("start: greeting", "start: greetin", "1:8 F003", "did you mean 'greeting'?"),
    M("next: open", "next: opne", "6:11 F003", "greeting.next: no node named 'opne'   did you mean 'open'?"),
    M('"2": rate', '"2": rte', "15:30 F003", "keys.2: no node named 'rte'"),
    M("to: pay", "to: pai", "41:45 F003", "did you mean 'pay'?"),
    M("queue: billing", "queue: biling", "65:12 F003", "no queue named 'biling'   did you mean 'billing'?"),
    M(
        "queue: billing",
        "queue: billing\n    skills: biling>=2",
        "66:13 F003",
        "no skill named 'biling'   did you mean 'billing'?",
    ),
    M(
        "queue: billing",
        "queue: billing\n    skills: billing>=6",
        "66:13 F048",
        "levels go from 1 to 5, at character 1",
    ),
    M("queue: billing", "queue: billing\n    skills: billing & (", "66:13 F048", "a skill is missing at the end"),
    M(
        "queue: billing",
        "queue: billing\n    skills: billing>=5",
        "66:13 F037",
        "no agent in config.yaml has the skills",
    ),
    M("queue: billing", "queue: billing\n    prefer: manager", "66:13 F024", "nothing gives the variable 'manager'"),
    M("hours: office", "hours: ofice", "9:12 F003", "no opening hours named 'ofice'   did you mean 'office'?"),
    M("flow: pay", "flow: pey", "45:11 F003", "no flow named 'pey'   did you mean 'pay'?"),
    M("agi: balance", "agi: balanc", "33:10 F003", "no script named 'balanc'   did you mean 'balance'?"),
    M("agi: balance", "http: cmr", "33:11 F003", "no http look-up named 'cmr'   did you mean 'crm'?"),
    M("agi: balance", "sql: money", "33:10 F003", "lookups.sql.money of config.yaml"),
    # Ways.
    M('"2": rate, ', "", "53:3 F020", "nodes.rate: no way leads here", more=("59:3 F020",)),
    M(
        "    next: main_menu\n",
        "    next: again\n  again:\n    type: play\n    say: [x]\n    next: tell\n",
        "49:3 F022",
        "no way out of tell, again",
    ),
    M(
        "values: {rated: \"'yes'\"}\n    next: bye",
        "values: {rated: \"'yes'\"}\n    next: count",
        "59:3 F023",
        "count → count",
    ),
    M("on_failure: person\n    next: owes", "on_failure: ask\n    next: owes", "31:3 F023", "ask → ask"),
    M(
        "    type: queue\n    queue: billing\n    on_closed: message",
        "    type: voicemail\n    next: bye",
        "12:3 F031",
        "person",
    ),
    # Prompts.
    M("[rate-us]", "[no-audio]", "56:11 F021", "no zh-CN and no en audio for prompt 'no-audio'"),
    M("    type: greet\n", "    type: greet\n    vip: no-audio\n", "5:10 F021", "no-audio"),
    # Variables and expressions.
    M("balance < 0", "balanse < 0", "41:16 F024", "did you mean 'balance'?"),
    M("rated: \"'yes'\"", "rated: yep", "61:21 F024", "a text stands in quotes"),
    M("digits:number", "digits:numer", "27:22 F024", "did you mean 'number'?"),
    M("money:balance", "money:balanc", "51:11 F024", "did you mean 'balance'?"),
    M("{number: number}", "{number: nummer}", "34:20 F024", "did you mean 'number'?"),
    M("balance < 0 and not vip", "balance <", "41:16 F025", "is no expression"),
    M("balance < 0 and not vip", "open(balance)", "41:16 F025", "the only function is number"),
    M("rated: \"'yes'\"", "rated: 1 / 0", "61:21 F025", "division"),
    M("money:balance", "money:vip", "51:11 F026", "yes or no"),
    M("money:balance", "money:caller", "51:11 F026", "digits:caller"),
    M(
        "next: keep",
        "next: read\n  read: {type: play, say: ['digits:password'], next: keep}",
        "10:28 F027",
        "secret",
        "pay",
    ),
    # Nodes by themselves.
    M("    agi: balance\n", "", "31:3 F028", "asks nobody"),
    M("    agi: balance\n", "    agi: balance\n    http: crm\n", "31:3 F028", "agi and http"),
    M("min: 4", "min: 9", "22:10 F029", "min 9 is more than max 8"),
    M('no_key: "2"', 'no_key: "1"', "28:13 F030", "both yes and no"),
    M('repeat_key: "*"', 'repeat_key: "2"', "16:17 F030", "'rate'"),
    M('["1", "2", "3"]', '["1", "2", "1"]', "57:22 F030", "stands twice"),
    M('"05-01"', '"02-30"', "5:17 F035", "02-30"),
    # Transfers.
    M(WRONG, RINGS.format('number: "10086"'), "18:34 F046", "'10086' may not be dialled: outbound"),
    M(WRONG, RINGS.format("agent: 8026"), "18:33 F003", "no agent named '8026'   did you mean '8025'?"),
    M(WRONG, RINGS.format("directory: shop"), "18:37 F003", "no entry of the directory named 'shop'"),
    M(WRONG, RINGS.format("agent: 8025, record_as: bills"), "18:50 F003", "no queue named 'bills'"),
    M(WRONG, RINGS.format("say: []"), "18:3 F047", "rings nobody"),
    M(WRONG, RINGS.format("agent: 8025, on_busy: ring"), "18:3 F023", "goes round"),
    # Flows together.
    M("{amount: -balance}", "{amout: -balance}", "46:12 F036", "takes no variable 'amout'   did you mean 'amount'?"),
    M("{paid: done}", "{paid: don}", "47:18 F036", "did you mean 'done'?"),
    M(
        "next: back",
        "next: more\n  more: {type: subflow, flow: pay, next: back}",
        "14:31 F038",
        "before it returns",
        "pay",
    ),
    M("type: hangup", "type: return", "70:3 F041", "warning: "),
]


def short(found: tuple[Problem, ...]) -> list[str]:
    return [f"{problem.line}:{problem.column} {problem.code}" for problem in found]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_mutation_is_caught_at_its_line(mutation: Mutation) -> None:
    assert BASE[mutation.flow].count(mutation.old) == 1
    spoilt = BASE[mutation.flow].replace(mutation.old, mutation.new)
    found = problems({**BASE, mutation.flow: spoilt})
    told = "\n".join(map(str, found))
    assert short(found) == [mutation.at, *mutation.more], told
    assert mutation.words in told
    assert all(problem.file == f"{mutation.flow}.yaml" for problem in found)


CONFIG_MUTATIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"hours": {"office": {"weekly": {}}}}, "9:12 F033", "hours.office of config.yaml never open"),
    ({"hours": {"office": {"weekly": {"fri-mon": ["08:00-20:00"]}}}}, "9:12 F034", "fri-mon runs backwards"),
    ({"hours": {"office": {"weekly": {"mon": ["20:00-08:00"]}}}}, "9:12 F034", "20:00-08:00 ends before it begins"),
    (
        {"hours": {"office": {"weekly": {"mon": ["08:00-20:00"]}, "exceptions": {"2026-02-30": []}}}},
        "9:12 F035",
        "2026-02-30",
    ),
    ({"queues": {"billing": {"skills": {"billing": 5}}}}, "65:12 F037", "no agent"),
    ({"queues": {"billing": {"skills": {"billing": 2}, "hours": "offic"}}}, "65:12 F003", "did you mean 'office'?"),
]


@pytest.mark.parametrize(("change", "at", "words"), CONFIG_MUTATIONS, ids=[at for _, at, _ in CONFIG_MUTATIONS])
def test_what_config_yaml_lacks_is_told_where_the_flow_names_it(change: dict[str, Any], at: str, words: str) -> None:
    found = problems(dict(BASE), {**CONFIG, **change})
    assert short(found) == [at], found
    assert words in str(found[0])


def test_a_year_without_make_up_days_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ari_app.flow.hours.made_up_known", lambda year: False)
    checked = looked_over(dict(BASE))
    assert checked.errors == ()
    assert short(checked.warnings) == ["9:12 F040"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    checked = look_over({tmp_path / "gone.yaml": None}, Settings.model_validate(CONFIG), lambda ids: [])
    assert [problem.code for problem in checked.errors] == ["F001"]
    (tmp_path / "large.yaml").write_text("#" * (1 << 21))
    checked = look_over(read_texts(tmp_path), Settings.model_validate(CONFIG), lambda ids: [])
    assert [problem.code for problem in checked.errors] == ["F010"]


def test_every_code_is_documented_and_shown_here() -> None:
    page = (REPOSITORY / "docs" / "codes.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| [A-Z]\d{3}", line)]
    documented = {code for row in rows for code in re.findall(r"F\d{3}", row.split("|")[1])}
    ats = [
        *(at for mutation in MUTATIONS for at in (mutation.at, *mutation.more)),
        *(at for _, at, _ in CONFIG_MUTATIONS),
    ]
    shown = {at.split()[1] for at in ats} | {"F001", "F010", "F040"}  # The last three have tests of their own.
    shown |= {"F043", "F044", "F045"}  # So have these, in test_situations_check.
    assert shown == documented
    assert shown >= {f"F{kind}" for kind in Shared}


# -- what is right and must not be told --


def flow(nodes: dict[str, Any], **rest: Any) -> str:
    return yaml.safe_dump({"start": next(iter(nodes)), **rest, "nodes": nodes}, default_style='"', sort_keys=False)


QUEUE = {"type": "queue", "queue": "billing"}


@pytest.mark.parametrize(
    "nodes",
    [
        # A bounded retry of a look-up.
        {
            "a": {"type": "set", "values": {"n": "1"}, "next": "b"},
            "b": {"type": "lookup", "agi": "balance", "on_failure": "c", "next": "end"},
            "c": {"type": "set", "values": {"n": "n + 1"}, "next": "d"},
            "d": {"type": "branch", "cases": [{"when": "n < 3", "to": "b"}], "otherwise": "end"},
            "end": {"type": "hangup"},
        },
        # A circle that waits; silence ends the call.
        {
            "a": {"type": "menu", "say": ["x"], "keys": {"1": "b", "0": "q"}},
            "b": {"type": "goto", "to": "a"},
            "q": QUEUE,
        },
        # A menu outside opening hours needs no person.
        {
            "a": {"type": "hours", "hours": "office", "on_open": "q", "on_closed": "m"},
            "m": {"type": "menu", "say": ["x"], "keys": {"1": "v"}},
            "v": {"type": "voicemail", "next": "end"},
            "q": QUEUE,
            "end": {"type": "hangup"},
        },
        # The person is in a subflow.
        {
            "a": {"type": "menu", "say": ["x"], "keys": {"0": "sub"}},
            "sub": {"type": "subflow", "flow": "desk", "next": "a"},
        },
    ],
)
def test_not_told(nodes: dict[str, Any]) -> None:
    desk = flow({"q": {**QUEUE, "next": "r"}, "r": {"type": "return"}}, variables=["class"])
    assert problems({"main": flow(nodes), "desk": desk}) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"0": person}', '"0": person} # "#": not yet, *: neither'),
        ('"0": person}', "'*': person}"),
        ('repeat_key: "*"', "repeat_key: '#' # or *"),
        ("start: greeting", "# The key #: see below\nstart: greeting"),
        ("start: greeting", "description: |\n  Press * or #: then wait.\nstart: greeting"),
    ],
)
def test_quoted_keys_and_comments_are_not_told(old: str, new: str) -> None:
    assert "F032" not in str(problems({**BASE, "main": MAIN.replace(old, new)}))


def test_each_unquoted_key_of_a_line_is_told() -> None:
    told = problems({**BASE, "main": MAIN.replace('{"1": number, "2": rate', "{*: number, #: rate")})
    assert [(each.line, each.column, each.code) for each in told] == [(15, 12, "F032"), (15, 23, "F032")]


def test_a_subflow_that_passes_makes_a_circle() -> None:
    main = flow({"a": {"type": "subflow", "flow": "sub", "next": "a"}})
    quick = flow({"s": {"type": "language", "language": "en", "next": "r"}, "r": {"type": "return"}})
    slow = flow({"s": {"type": "play", "say": ["x"], "next": "r"}, "r": {"type": "return"}})
    assert [problem.code for problem in problems({"main": main, "sub": quick})] == ["F023"]
    assert problems({"main": main, "sub": slow}) == ()


def test_flows_that_call_one_another_in_a_circle() -> None:
    one = flow({"a": {"type": "subflow", "flow": "two", "next": "end"}, "end": {"type": "return"}})
    two = flow({"a": {"type": "subflow", "flow": "one", "next": "end"}, "end": {"type": "return"}})
    assert [problem.code for problem in problems({"one": one, "two": two})] == ["F038", "F038"]


def test_values_lacking_many_prompts_are_one_message_a_language() -> None:
    checked = looked_over(dict(BASE), lacking=frozenset({"num-million", "num-wan"}))
    assert short(checked.errors) == ["27:22 F021", "27:22 F021", "51:11 F021", "51:11 F021"]
    assert "2 of the prompts that say values" in str(checked.errors[0])


# -- any bytes --

PIECES = st.sampled_from(
    [
        *("{", "}", "[", "]", ": ", ",", "- ", "\n", "\n  ", "\t", "&a", "*a", "*: ", "#: ", "<<: ", "|", "'", '"'),
        *("~", "null", "\x00", "\ufeff", "漢", "start", "nodes", "type", "menu", "keys", "say", "next", "a", "1"),
        *("repeat_key: ", "branch", "cases", "when", "number(", "x < 1", "hours", "subflow", "main", "pay"),
    ]
)
JUNK = st.sampled_from(
    [None, "", "x", "-1", "1e9", [], {}, ["x"], {"x": "y"}, "no", "*1", "goodbye!", "main_menu", "pay", "a.b", "((("]
)


def well_told(texts: dict[str, str | bytes]) -> None:
    for problem in problems(texts):
        assert re.fullmatch(r"F0\d\d", problem.code)
        assert "\n" not in str(problem) and str(problem).isprintable()
        if problem.line:
            assert problem.column >= 1
            text = texts[problem.file.removesuffix(".yaml")]
            lines = text.count(b"\n" if isinstance(text, bytes) else "\n")  # type: ignore[arg-type]
            assert isinstance(text, bytes) or problem.line <= lines + 2


@CALM
@given(content=st.binary(max_size=300) | st.lists(PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode()))
@example(content=b"start: a\nnodes: {a: {type: goto, to: a}}")
@example(content=b"start: a\nnodes: {a: {type: branch, cases: [{when: '\\x00', to: a}], otherwise: a}}")
def test_any_bytes_give_messages(content: bytes) -> None:
    well_told({"main": content, "pay": PAY})


@CALM
@given(
    at=st.integers(0, len(MAIN)),
    much=st.integers(0, 40),
    piece=st.lists(PIECES, max_size=4).map("".join),
    on_pay=st.booleans(),
)
def test_a_cut_or_overwritten_sample_gives_messages(at: int, much: int, piece: str, on_pay: bool) -> None:
    name = "pay" if on_pay else "main"
    text = BASE[name]
    well_told({**BASE, name: text[:at] + piece + text[at + much :]})


TREES = st.recursive(
    JUNK,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abx1*"), below, max_size=3),
    max_leaves=8,
)
NODES = list(yaml.safe_load(MAIN)["nodes"])


@CALM
@given(data=st.data())
def test_trees_with_junk_give_messages(data: st.DataObject) -> None:
    tree = yaml.safe_load(MAIN)
    for _ in range(data.draw(st.integers(1, 4))):
        node = tree["nodes"].get(data.draw(st.sampled_from(NODES)))
        if isinstance(node, dict):
            key = data.draw(st.sampled_from([*node, "junk"]))
            node[key] = data.draw(JUNK | TREES | st.sampled_from(NODES) | st.text(max_size=12))
    if data.draw(st.booleans()):
        del tree["nodes"][data.draw(st.sampled_from(list(tree["nodes"])))]
    well_told({"main": yaml.safe_dump(tree, sort_keys=False).encode(), "pay": PAY})


@CALM
@given(ways=st.dictionaries(st.integers(0, 6).map(str), st.lists(st.integers(0, 6).map(str), max_size=3)))
def test_knots_are_what_leads_back_to_itself(ways: dict[str, list[str]]) -> None:
    def on(name: str) -> set[str]:
        return reached(ways, ways[name])

    expected = {frozenset(b for b in ways if b in on(a) and a in on(b)) for a in ways if a in on(a)}
    assert {frozenset(knot) for knot in knots(ways)} == expected


# -- large files --


def large(count: int, target: str = "n{next}") -> str:
    """`count` nodes, a third of them menus, each leading on to the next ones."""
    nodes = ["start: n0", "nodes:"]
    for n in range(count - 1):
        after = target.format(next=n + 1)
        kinds = (
            f"{{type: menu, say: [main], keys: {{1: {after}, 2: n{(n * 7) % count}, 0: person}}, on_wrong: person}}",
            f"{{type: branch, cases: [{{when: 'caller == \"{n}\" and vip', to: person}}], otherwise: {after}}}",
            f"{{type: collect, say: [main], into: v{n}, next: {after}}}",
        )
        nodes.append(f"  n{n}: {kinds[n % 3]}")
    return "\n".join([*nodes, f"  n{count - 1}: {{type: hangup}}", "  person: {type: queue, queue: billing}", ""])


def test_two_thousand_nodes_are_checked_soon() -> None:
    started = time.process_time()
    assert problems({"main": large(2000)}) == ()
    assert time.process_time() - started < 10  # Seconds, on a busy machine; the aim of 1 s is the bench's.


HUGE = 25_000  # Nodes; about as many as a file may hold.


@pytest.mark.parametrize(
    "text",
    [
        "start: n0\nnodes:\n" + "".join(f"  n{n}: {{type: goto, to: n{(n + 1) % HUGE}}}\n" for n in range(HUGE)),
        "start: n0\nnodes:\n"
        + "".join(f"  n{n}: {{type: menu, say: [x], keys: {{1: n{n + 1}}}}}\n" for n in range(15_000)),
        "start: a\nnodes: {a: {type: survey, question: q, say: [x], next: a, keys: [" + "1, " * 90_000 + "]}}",
        "keys: {*" * 100_000,
        "start: a\nnodes: {a: {type: menu, keys: {" + " " * 900_000 + "#: b",
    ],
    ids=["ring", "menus", "keys", "braces", "spaces"],
)
def test_the_largest_files_are_told_of_soon(text: str) -> None:
    started = time.process_time()
    assert problems({"main": text})
    assert time.process_time() - started < 40  # Under load; alone a few seconds.


def test_two_thousand_mistakes_are_told_soon() -> None:
    started = time.process_time()
    found = problems({"main": large(2000, "m{next}")})
    assert len(found) > PROBLEMS_MAX
    assert time.process_time() - started < 20
    with pytest.raises(BadFile, match=r"and .* more"):
        check_texts({Path("m.yaml"): large(2000, "m{next}").encode()}, Settings.model_validate(CONFIG), lambda ids: [])


# -- the command --


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONFIG", str(REPOSITORY / "config.yaml"))
    run = CliRunner().invoke(app, ["flow", "check", str(REPOSITORY / "ivr_flows")])
    assert run.exit_code == 0, run.output
    assert re.search(r"\d+ flows?, \d+ nodes, \d+ situations: ok", run.output)
    bad = tmp_path / "bad.yaml"
    bad.write_text("start: a\nnodes:\n  a: {type: goto, to: b}\n  b: {type: goto, to: a}\n")
    run = CliRunner().invoke(app, ["flow", "check", str(bad)])
    assert run.exit_code == 1
    assert f"{bad}:3:3  F023" in run.output
    warned = tmp_path / "warned.yaml"
    warned.write_text("start: a\nnodes:\n  a: {type: return}\n")
    run = CliRunner().invoke(app, ["flow", "check", str(warned)])
    assert run.exit_code == 0, run.output
    assert "F041" in run.output
    run = CliRunner().invoke(app, ["flow", "check", str(tmp_path / "gone.yaml")])
    assert run.exit_code == 1
    assert "F001" in run.output


def test_skills_that_only_the_surge_plan_gives_are_skills_somebody_can_have() -> None:
    step = {"name": "experts", "agents": ["8025"], "skills": {"billing": 5}}
    texts = {**BASE, "main": MAIN.replace("queue: billing", "queue: billing\n    skills: billing>=5")}
    assert [p.code for p in problems(texts)] == ["F037"]
    assert problems(texts, {**CONFIG, "surge": {"steps": [step]}}) == ()
