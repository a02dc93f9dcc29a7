"""Whatever stands in a YAML file, the message says where, what and what to try: all at once, never a traceback."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from ari_app.config import shapes
from ari_app.config.diagnostics import BadFile, Problem, Shared
from ari_app.config.load import load_settings
from ari_app.config.marks import BYTES_MAX, parse_marked
from ari_app.config.reference import config_page
from ari_app.config.schema import load_yaml, read_yaml
from ari_app.config.words import PATTERNS
from ari_app.flow.model import Flow
from ari_app.flow.situations import SituationFile
from ari_app.model.part import Part
from ari_app.model.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = (REPOSITORY / "config.yaml").read_text(encoding="utf-8")
CALM = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ivr_flows").mkdir()
    (tmp_path / "ivr_flows" / "main.yaml").touch()
    return tmp_path


def problems(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    path = folder / "config.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        load_settings(path)
    except BadFile as error:
        assert error.problems
        return error.problems
    return ()


def short(found: tuple[Problem, ...]) -> list[str]:
    return [f"{problem.line}:{problem.column} {problem.code}" for problem in found]


def test_the_sample_is_right() -> None:
    loaded = load_settings(REPOSITORY / "config.yaml")
    assert loaded.numbers["1860"].flow == "main"
    assert loaded.queues["billing"].ring_s == 20


def test_text_stays_text(folder: Path) -> None:
    text = (
        "name: 0755\nnumbers: {01860: {flow: main}}\nphones: {no: {}}\nagents: {0080: {phone: no}}\n"
        "trunks: {t: {match: [10.0.0.1], caller_trusted: yes}}\nskills: {english: on}\n"
    )
    assert problems(folder, text) == ()
    loaded = load_settings(folder / "config.yaml")
    assert loaded.name == "0755"
    assert list(loaded.numbers) == ["01860"]
    assert loaded.agents["0080"].phone == "no"
    assert loaded.trunks["t"].caller_trusted is True
    assert loaded.skills["english"] == "on"


OK = 'numbers: {"1860": {flow: main}}\n'  # Line 1 of every case below.

CASES = [
    # Not YAML, or YAML we do not take.
    ("queues: {a: [", "3:1 C002", "bracket"),
    ("queues:\n\ta: 1", "3:1 C002", "spaces, not tabs"),
    ("name: a: b", "2:8 C002", "quote text"),
    ("agent_rules: {dispositions: {*: a}}", "2:31 C002", '"*"'),
    ("name: 'x", "2:7 C002", "not closed"),
    ("name: a\x00b", "2:8 C002", "U+0000"),
    ("name: a\nname: b", "3:1 C004", "line 2"),
    ("log: {level: info, level: debug}", "2:20 C004", "log: duplicate key 'level'"),
    ("name: &a x", "2:7 C009", "anchor"),
    ("log: &a {}\nweb: *a", "2:6 C009", "an anchor"),
    ("log:\n  <<: {level: info}", "3:3 C009", "merge"),
    ("name: !!str x", "2:7 C009", "tag"),
    ("---\nname: x", "2:1 C009", "second document"),
    ("? [a]\n: b", "2:3 C008", "plain text"),
    # Keys.
    ("nane: x", "2:1 C005", "did you mean 'name'?"),
    ("zzz: x", "2:1 C005", "keys here: name"),
    ("queues: {q: {skills: {}, ring: 5}}", "2:26 C005", "queues.q: unknown key 'ring'   did you mean 'ring_s'?"),
    ("queues: {q: {}}", "2:10 C006", "queues.q: 'skills' is missing   add skills: Skills an agent needs"),
    ("queues: {Q: {skills: {}}}", "2:10 C007", "queues: must be a name (a small letter"),
    ("agents: {80a: {phone: p}}\nphones: {p: {}}", "2:10 C007", "a work number (1 to 8 digits), not '80a'"),
    # Values.
    ("queues: {q: {skills: {}, ring_s: 2}}", "2:34 C007", "queues.q.ring_s: must be at least 3, not '2'"),
    ("queues: {q: {skills: {}, ring_s: 18:00}}", "2:34 C007", "must be a number, not '18:00'"),
    ("queues: {q: {skills: {}, ring_s: nan}}", "2:34 C007", "must be a number"),
    ("queues: {q: {skills: {}, ring_s: 1_0}}", "2:34 C007", "must be a number"),
    ("queues: {q: {skills: {}, waiting_max: 2.5}}", "2:39 C007", "must be a whole number, not '2.5'"),
    ("limits: {calls_max: 1000000}", "2:21 C007", "must be at most 100,000"),
    ("log: {level: warn}", "2:14 C007", "did you mean 'warning'?"),
    ("trunks: {t: {match: [10.0.0.1], caller_trusted: on}}", "2:49 C007", "must be true or false, not 'on'"),
    ("name:", "2:6 C007", "nothing is written here"),
    ("phones: {p: }", "2:13 C007", "phones.p: nothing is written here"),
    (f"name: {'x' * 61}", "2:7 C007", "needs at most 60 characters"),
    # The wrong kind.
    ("name: [x]", "2:7 C008", "must be text, not a list"),
    ("log: info", "2:6 C008", "must be a mapping (key: value), not text"),
    ("queues: [q]", "2:9 C008", "must be a mapping (key: value), not a list"),
    ("trunks: {t: {match: 10.0.0.1}}", "2:21 C008", "trunks.t.match: must be a list, not text   put it in brackets"),
    ("phones: {p: {codecs: [{a: b}]}}", "2:23 C008", "must be text, not a mapping"),
    # What must fit together.
    (
        "skills: {billing: x}\nqueues: {q: {skills: {biling: 1}}}",
        "3:23 C003",
        "no skill named 'biling'   did you mean 'billing'?",
    ),
    (
        "agents: {8025: {phone: phone1}}\nphones: {phone2: {}}",
        "2:24 C003",
        "no phone named 'phone1'   did you mean 'phone2'?",
    ),
    (
        "agents: {8025: {phone: p, skills: {x: 1}}}\nphones: {p: {}}",
        "2:36 C003",
        "agents.8025.skills: no skill named 'x'",
    ),
    ("feature_codes: {ready: '*1'}", "2:24 C020", "feature_codes.ready: '*1'"),
    ("feature_codes: {ready: '*11'}", "2:24 C020", "is also"),
    ("feature_codes: {ready: '18'}", "2:24 C020", "numbers.1860"),
    ("asterisk: {rtp_port_first: 15000}", "2:28 C021", "ends before it begins"),
    ("asterisk: {rtp_port_first: 14950}", "2:28 C021", "only 50 ports"),
    ("asterisk: {rtp_port_last: 14998}", "2:27 C021", "pairs"),
    ("asterisk: {rtp_port_first: 10001, rtp_port_last: 15000}", "2:50 C021", "pairs"),
    ("web: {port: 8088}", "2:13 C022", "asterisk.http_port and web.port are both 8088"),
    ("asterisk: {sip_port: 12000}", "2:22 C022", "voice range"),
    ("timezone: Asia/Shangai", "2:11 C023", "did you mean 'Asia/Shanghai'?"),
    ("timezone: Asia", "2:11 C023", ""),
    ("timezone: ../etc/passwd", "2:11 C023", ""),
    ("web: {listen: localhost}", "2:15 C024", "localhost is 127.0.0.1"),
    ("asterisk: {sip_listen: 1.2.3}", "2:24 C024", ""),
    ("trunks: {t: {match: [10.0.0.0/8, 10.0.0.1/8]}}", "2:34 C024", "did you mean '10.0.0.0/8'?"),
    ("trunks: {t: {match: [sip.example.org]}}", "2:22 C024", ""),
    ("phones: {p: {contact: 192.0.2.7}}", "2:23 C024", "sip:desk7@192.0.2.7:5060"),
    ("phones: {p: {contact: 'sip:desk7@gateway:70000'}}", "2:23 C024", "sip:desk7@"),
    ("directory: {shop: 'agent:9999'}", "2:19 C003", "no agent named '9999'"),
    ("directory: {shop: 'queue:nowhere'}", "2:19 C003", "no queue named 'nowhere'"),
    ("directory: {shop: 'number:10086'}", "2:19 C036", "'10086' may not be dialled"),
    ("screening: {desk: 'man:menu'}", "2:19 C003", "no flow 'man'"),
    ("screening: {open_numbers: ['1869']}", "2:28 C003", "nobody dials '1869'"),
    ("line: {fax_to: 'queue:fax'}", "2:16 C003", "no queue named 'fax'"),
    ("line: {fax_to: 'number:10086'}", "2:16 C036", "'10086' may not be dialled"),
    ("fault: {hours: systems, flow: main}", "2:16 C003", "no hours named 'systems'"),
    ("fault: {flow: main}", "2:8 C003", "fault needs both hours and flow"),
    ("talk_codes: {hold: '*1', mute: '*12'}", "2:32 C035", "'*12' (mute) begins like '*1' (hold)"),
    ("trunks: {t: {match: [10.0.0.1]}, u: {match: [10.0.0.1/32]}}", "2:46 C026", "already the trunk 't'"),
    ("agent_rules: {not_ready_reasons: {1: meal, 2: meal}}", "2:47 C025", "already the meaning of key 1"),
]


@pytest.mark.parametrize(("text", "at", "words"), CASES, ids=[f"{at}-{text[:40]!r}" for text, at, _ in CASES])
def test_one_mistake_is_one_message(folder: Path, text: str, at: str, words: str) -> None:
    found = problems(folder, OK + text)
    rendered = "\n".join(map(str, found))
    assert short(found)[0] == at, rendered
    assert words in rendered.replace("config.yaml:", "")
    assert len(found) == 1 + text.count(" *a"), rendered


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", "1:1 C006"),
        ("timezone: Asia", "1:1 C006"),
        ("# nothing\n", "1:1 C006"),
        ("[1, 2]", "1:1 C008"),
        ("hello", "1:1 C008"),
        ('numbers: {"1860": {flow: mian}}', "1:26 C003"),
        ("numbers: {1860: main}", "1:17 C008"),
        ("\ufeffnane: x\nnumbers: {1860: {flow: main}}", "1:1 C005"),
        (b"numbers: {1860: {flow: main}}\nname: caf\xe9 bar\n", "2:10 C002"),
        (b"\xff\xfe\x00", "1:1 C002"),
        (b"\x80abc", "1:1 C002"),
        ("[" * 1000, "1:34 C010"),
        ("{a: " * 1000, "1:133 C010"),
        ("- " * 1000, "1:67 C010"),
        ("a: [" + "x," * 100_001 + "]", "1:200001 C010"),
        ("#" * (BYTES_MAX + 1), "0:0 C010"),
    ],
)
def test_whole_file(folder: Path, text: str | bytes, at: str) -> None:
    assert short(problems(folder, text))[:1] == [at]


def test_crlf_counts_as_one_line_end(folder: Path) -> None:
    assert short(problems(folder, "name: x\r\nnumbers: {1860: {flow: main}}\r\nnane: y\r\n")) == ["3:1 C005"]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "bad name"])
def test_unreadable(tmp_path: Path, kind: str) -> None:
    import os

    path = tmp_path / "config.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "bad name":
        path = tmp_path / ("x" * 5000)
    with pytest.raises(BadFile, match="C001"):
        load_settings(path)


def test_all_at_once_in_the_order_of_the_file(folder: Path) -> None:
    text = (
        "name: [x]\nnumbers: {1860: {flow: mian}}\nskills: {billing: x, billing: y}\n"
        "queues:\n  billing: {skills: {biling: 1}, ring_s: x}\n  Bad: {skills: {}}\n  empty: {}\n"
        "agents: {8025: {phone: p802, skills: {billing: 6}}}\nphones: {p8025: {codecs: [g711]}}\n"
        "web: {port: 8088}\nfeature_codes: {redy: '*1', sign_in: '*12'}\n"
    )
    assert short(problems(folder, text)) == [
        "1:7 C008", "2:24 C003", "3:22 C004", "5:22 C003", "5:42 C007", "6:3 C007", "7:3 C006",
        "8:24 C003", "8:48 C007", "9:27 C007", "10:13 C022", "11:17 C005", "11:38 C020",
    ]  # fmt: skip


def test_rendered_as_promised(folder: Path) -> None:
    (problem,) = problems(folder, OK + "skills: {billing: x}\nqueues: {q: {skills: {biling: 1}}}")
    assert str(problem) == (
        f"{folder}/config.yaml:3:23  C003  queues.q.skills: no skill named 'biling'   did you mean 'billing'?"
    )


def test_a_faulty_entry_still_has_its_name(folder: Path) -> None:
    text = "phones: {p1: 5}\nagents: {8025: {phone: p1}}\nskills: {a: [x]}\nqueues: {q: {skills: {a: 1}}}\n"
    assert short(problems(folder, OK + text)) == ["2:14 C008", "4:13 C008"]


def test_what_is_missing_hides_nothing_else(folder: Path) -> None:
    assert short(problems(folder, "timezone: Asia\nqueues: {q: {}}\n")) == ["1:1 C006", "1:11 C023", "2:10 C006"]


def test_values_in_messages_are_short_and_harmless(folder: Path) -> None:
    (problem,) = problems(folder, OK + 'log: {level: "\\e[31m\\n' + "x" * 5000 + '"}')
    assert len(str(problem)) < 400
    assert str(problem).split(str(folder))[1].isprintable()
    (problem,) = problems(folder, OK + '"\\e[31m' + "y" * 5000 + '": {a: b}')
    assert str(problem).split(str(folder))[1].isprintable()


# -- any model --


class Left(Part):
    type: Literal["left"]
    n: int = 0


class Right(Part):
    type: Literal["right", "rechts"]
    flag: bool = False


class Loose(Part):
    x: Annotated[int, Field(ge=1)]


class Whole(Part):
    tagged: dict[str, Annotated[Left | Right, Field(discriminator="type")]] = Field(default_factory=dict)
    single: Left | Right | None = Field(None, discriminator="type")
    loose: str | tuple[int, ...] | Loose | None = None
    pair: tuple[str, int] | None = None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tagged: {a: {type: lef}}", ["1:20 T007 tagged.a.type: must be left, right or rechts, not 'lef'"]),
        ("tagged: {a: {}}", ["1:10 T006 tagged.a: 'type' is missing"]),
        ("tagged: {a: x}", ["1:13 T008 tagged.a: must be a mapping (key: value), not text"]),
        ("tagged: {a: {type: left, m: 1}}", ["1:26 T005 tagged.a: unknown key 'm'"]),
        ("tagged: {left: {type: left, n: x}}", ["1:32 T007 tagged.left.n: must be a number, not 'x'"]),
        ("tagged: {left: {type: left, n: 1.5}}", ["1:32 T007 tagged.left.n: must be a whole number, not '1.5'"]),
        ("tagged: {a: {type: rechts, flag: 1}}", ["1:34 T007 tagged.a.flag: must be true or false, not '1'"]),
        ("single: {type: [x]}", ["1:16 T008 single.type: must be left, right or rechts"]),
        ("single: {type: right, flag: yes}", []),
        ("loose: hello", []),
        ("loose: [1, 2]", []),
        ("loose: [1, b]", ["1:12 T007 loose: must be a number, not 'b'"]),
        ("loose: {x: 0}", ["1:12 T007 loose.x: must be at least 1, not '0'"]),
        ("loose: {y: 1}", ["1:1 T006 loose: 'x' is missing", "1:9 T005 loose: unknown key 'y'"]),
        ("pair: [a, 2]", []),
        ("pair: [a, b]", ["1:11 T007 pair: must be a number, not 'b'"]),
        ("pair: [a]", ["1:1 T006"]),
    ],
)
def test_unions_tell_only_of_the_branch_that_was_meant(tmp_path: Path, text: str, expected: list[str]) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    found = [f"{at.line}:{at.column} {at.code} {at.message}" for at in read_yaml(path, Whole, "T").problems]
    assert len(found) == len(expected), found
    assert all(one.startswith(other) for one, other in zip(found, expected, strict=True)), found


def test_marks_are_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("tagged:\n  a: {type: left, n: 5}\nloose: [1,\n  22]\n")
    _, marks = load_yaml(path, Whole, "T")
    assert marks.at(("tagged", "a", "n")) == (2, 22)
    assert marks.key_at(("tagged", "a", "n")) == (2, 19)
    assert marks.at(("loose", 1)) == (4, 3)
    assert marks.at(("tagged", "a", "gone", "too")) == marks.at(("tagged", "a")) == (2, 6)
    assert marks.at(("nowhere",)) == (1, 1)
    assert marks.names(("tagged",)) == ["a"]
    assert marks.under(("loose", 1)) == "22"
    problem = marks.problem(("tagged", "a", "n"), "T020", "is odd", "add one")
    assert str(problem) == f"{path}:2:22  T020  tagged.a.n: is odd   add one"


# -- any bytes --

PIECES = st.sampled_from(
    [
        *("{", "}", "[", "]", ":", ": ", ",", "- ", "\n", "\n  ", "\t", "&a", "*a", "!!int ", "<<: ", "? ", "|", ">"),
        *("'", '"', "#", "%YAML 1.1\n", "---\n", "...\n", "\\", "~", "null", "\x00", "\ufeff", "\x85", "é", "漢"),
        *("name", "numbers", "1860", "flow", "queues", "skills", "agents", "phone", "trunks", "match", "10.0.0.1"),
        *("log", "level", "feature_codes", "ready", "asterisk", "rtp_port_first", "timezone", "1e999", "-1", "99999"),
    ]
)


@CALM
@given(content=st.binary(max_size=300) | st.lists(PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode()))
@example(content=b"? ? ?")
@example(content=b"{a: {b: c}, ? [d]: e}")
@example(content=b'"\\ud800": x')
@example(content=b"a: !<tag:x> b")
def test_any_bytes_give_messages(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ivr_flows").mkdir(exist_ok=True)
    for problem in problems(tmp_path, content):
        assert re.fullmatch(r"C0\d\d", problem.code)
        assert "\n" not in str(problem)
        str(problem).encode()
    path = tmp_path / "flow.yaml"
    path.write_bytes(content)
    read_yaml(path, Flow, "F")
    read_yaml(path, Whole, "T")


TREE = yaml.safe_load(SAMPLE)


def paths(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield from paths(value, (*at, key))


JUNK = st.sampled_from([None, "", "x", "-1", "1e9", [], {}, ["x"], {"x": "y"}, "no", "*1", "10.0.0.1/3"])


@CALM
@given(changes=st.lists(st.tuples(st.sampled_from(list(paths(TREE))), JUNK, st.booleans()), max_size=5))
def test_a_spoilt_sample_gives_messages_inside_the_file(folder: Path, changes: list[Any]) -> None:
    tree = yaml.safe_load(SAMPLE)
    for path, junk, as_key in changes:
        holder = tree
        for part in path[:-1]:
            holder = holder[part] if isinstance(holder, dict) and part in holder else None
        if isinstance(holder, dict) and path:
            holder["junk" if as_key else path[-1]] = junk
    text = yaml.safe_dump(tree, sort_keys=False)
    for problem in problems(folder, text):
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.column >= 1


@pytest.mark.parametrize(
    "piece", ["[", "{", "- ", "? ", "a: ", "'", "\\", "&a ", "!", "%", "{a: ", "\n", "[],", "a:\n ", "*a\n", ","]
)
def test_a_mebibyte_of_anything_is_refused_soon(folder: Path, piece: str) -> None:
    started = time.process_time()
    assert problems(folder, piece * (BYTES_MAX // len(piece)))
    assert time.process_time() - started < 5


def test_many_problems_are_cut(folder: Path) -> None:
    found = problems(folder, OK + "".join(f"key{n}: x\n" for n in range(20_000)))
    assert 100 < len(found) < 1000


# -- the documentation --


@pytest.mark.parametrize("name", ["codes.md", "codes.zh-CN.md"])
def test_every_code_is_documented(name: str) -> None:
    page = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| [A-Z]\d{3}", line)]
    documented = {code for row in rows for code in re.findall(r"[A-Z]\d{3}", row.split("|")[1])}
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "ari_app").rglob("*.py"))
    used = set(re.findall(r'"([CFPSV]\d{3})"', sources)) | {letter + kind for letter in "CFPSV" for kind in Shared}
    assert used == documented
    assert all(len(row.strip("| ").split(" | ")) == 4 for row in rows), "code, meaning, cause, cure"


def test_the_page_of_keys_is_current() -> None:
    """Mend with: python -m ari_app.config.reference > docs/config.md"""
    assert (REPOSITORY / "docs" / "config.md").read_text(encoding="utf-8") == config_page(Settings)


def every_shape(shape: Any) -> Iterator[Any]:
    yield shape
    inner = shapes.bare(shape)
    if shapes.is_model(inner):
        for field in inner.model_fields.values():
            yield from every_shape(shapes.child_of(field))
    else:
        for argument in get_args(inner):
            if not isinstance(argument, str) and argument is not Ellipsis:
                yield from every_shape(argument)


@pytest.mark.parametrize("model", [Settings, Flow, SituationFile])
def test_every_pattern_has_words_and_every_key_a_sentence(model: type[BaseModel]) -> None:
    for shape in every_shape(model):
        for extra in shapes.extras(shape):
            metadata = getattr(extra, "metadata", [])
            patterns = {pattern for item in metadata if (pattern := getattr(item, "pattern", None))}
            assert patterns <= set(PATTERNS)
        inner = shapes.bare(shape)
        if shapes.is_model(inner):
            silent = [name for name, field in inner.model_fields.items() if not field.description and name != "type"]
            assert silent == [], inner


def test_marks_of_text_at_hand() -> None:
    marks, found = parse_marked("a: 1\n", "x.yaml", "T")
    assert (marks.tree, found) == ({"a": "1"}, [])


def test_the_script_of_a_callers_record_must_be_there(folder: Path) -> None:
    (folder / "agi_scripts").mkdir()
    (folder / "agi_scripts" / "caller_record.py").touch()
    [found] = problems(folder, OK + "screening: {record: caller_recrd}")
    assert short((found,)) == ["2:21 C003"] and "caller_record" in found.hint
    assert problems(folder, OK + "screening: {record: caller_record}") == ()
