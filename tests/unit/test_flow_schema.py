"""The JSON Schema editors use: current, takes what the loader takes, and refuses what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.config.editor import FILE, MODELINE, SITUATIONS_FILE, flow_schema, schema_text, situation_schema
from ari_app.config.marks import parse_marked
from ari_app.config.schema import read_yaml
from ari_app.flow.model import Flow
from tests.unit.test_flow_check import BASE, MUTATIONS

REPOSITORY = Path(__file__).resolve().parents[2]
FLOWS = REPOSITORY / "ivr_flows"
SAMPLES = sorted(path for path in FLOWS.glob("*.yaml") if path.stem != "situations")
SCHEMA = jsonschema.Draft7Validator(flow_schema())


def as_an_editor_reads(tree: Any) -> Any:
    """Plain scalars as YAML 1.2 has them: numbers and true or false."""
    match tree:
        case dict():
            return {key: as_an_editor_reads(value) for key, value in tree.items()}
        case list():
            return [as_an_editor_reads(value) for value in tree]
        case "true" | "false":
            return tree == "true"
        case str() if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", tree):
            return json.loads(str(float(tree))) if "." in tree else int(tree)
    return tree


def complaints(text: str, schema: jsonschema.Draft7Validator = SCHEMA) -> list[str]:
    """Of the tree with every scalar as text, and as an editor reads it."""
    marks, problems = parse_marked(text, "x.yaml", "F")
    assert problems == []
    return [
        error.message for tree in (marks.tree, as_an_editor_reads(marks.tree)) for error in schema.iter_errors(tree)
    ]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(flow_schema())


def test_the_file_is_current() -> None:
    """Mend with: hotline flow schema --write ivr_flows/schema.json, and the same of `hotline situations schema`."""
    assert (FLOWS / FILE).read_text(encoding="utf-8") == schema_text(flow_schema())
    assert (FLOWS / SITUATIONS_FILE).read_text(encoding="utf-8") == schema_text(situation_schema())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_samples_keep_to_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == MODELINE + FILE
    assert complaints(text) == []


def test_the_situations_keep_to_theirs() -> None:
    schema = jsonschema.Draft7Validator(situation_schema())
    jsonschema.Draft7Validator.check_schema(schema.schema)
    text = (FLOWS / "situations.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == MODELINE + SITUATIONS_FILE
    assert complaints(text, schema) == []
    for old, new in (("- hang-up", "- hang up"), ("wait_s: 5", "wait_s: 500"), ("who: [machine]", "who: [robot]")):
        assert complaints(text.replace(old, new, 1), schema), new


@pytest.mark.parametrize("name", BASE)
def test_every_kind_of_node_keeps_to_it(name: str) -> None:
    assert complaints(BASE[name]) == []


@pytest.mark.parametrize(
    "written",
    [
        'type: play\n    say: [x]\n    interruptible: yes\n    next: "b"',
        "type: menu\n    say: [x]\n    keys: {1: b, '#': b}\n    repeat_key: 9\n    wait_s: '2.5'\n    tries: +2",
        "type: survey\n    question: q\n    say: [x]\n    keys: [1, 2]\n    next: b",
        "type: collect\n    say: [x]\n    into: v\n    end_key: none\n    next: b",
        "type: set\n    values: {a: 1, b: true, c: '1'}\n    next: b",
        "type: greet\n    morning_until: 11:30\n    festivals: {05-01: x}\n    next: b",
    ],
)
def test_it_takes_what_the_loader_takes(written: str) -> None:
    text = f"start: a\nnodes:\n  a:\n    {written}\n  b: {{type: hangup}}\n"
    assert read_yaml(Path("x.yaml"), Flow, "F", content=text.encode()).problems == ()
    assert complaints(text) == []


@pytest.mark.parametrize(
    "mutation", [m for m in MUTATIONS if m.at.split()[1] in ("F005", "F006", "F007", "F008")], ids=str
)
def test_it_refuses_what_the_loader_refuses(mutation: Any) -> None:
    assert complaints(BASE["main"].replace(mutation.old, mutation.new))


def test_every_key_and_type_has_a_sentence() -> None:
    for name, part in flow_schema()["definitions"].items():
        assert name == "Node" or part["description"]
        for key, value in part["properties"].items():
            assert value.get("description"), f"{name}.{key}"


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke(app, ["flow", "schema"])
    assert run.output == schema_text(flow_schema())
    monkeypatch.setenv("HOTLINE_CONFIG", str(REPOSITORY / "config.yaml"))
    target = tmp_path / "schema.json"
    run = CliRunner().invoke(app, ["flow", "schema", "--write", str(target)])
    assert run.exit_code == 0, run.output
    assert target.read_text(encoding="utf-8") == schema_text(flow_schema())
