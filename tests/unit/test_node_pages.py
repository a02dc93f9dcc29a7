"""docs/nodes.md is made from the models; both pages name every node type and the same keys."""

import re
from pathlib import Path
from typing import get_args

import pytest

from ari_app.config.load import load_settings
from ari_app.config.node_pages import nodes_page
from ari_app.config.node_told import TOLD
from ari_app.flow.nodes import Node
from ari_app.site import Site
from ari_app.transcript.rehearse import House, rehearse
from ari_app.transcript.stage import house_of, read
from tests.asterisk import REPOSITORY, secrets_for

DOCS = Path(__file__).resolve().parents[2] / "docs"
TYPES = [get_args(model.model_fields["type"].annotation)[0] for model in get_args(Node)]


@pytest.fixture(scope="module")
def sample() -> House:
    settings = load_settings(REPOSITORY / "config.yaml")
    return house_of(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))


def test_the_page_is_current() -> None:
    """Mend with: python -m ari_app.config.node_pages > docs/nodes.md; then the Chinese page."""
    assert (DOCS / "nodes.md").read_text(encoding="utf-8") == nodes_page()


@pytest.mark.parametrize("page", ["nodes.md", "nodes.zh-CN.md"])
def test_every_type_has_a_section_with_an_example(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.M) == TYPES
    for name, section in zip(TYPES, re.split(r"^## .+\n", text, flags=re.M)[1:], strict=True):
        assert f"  type: {name}\n" in section


def test_both_pages_tell_of_the_same_keys() -> None:
    pages = [(DOCS / page).read_text(encoding="utf-8") for page in ("nodes.md", "nodes.zh-CN.md")]
    english, chinese = (re.findall(r"^\| (`[\w.]+`) .* \| ([^|]+) \|$", page, re.M) for page in pages)
    translated = {"*must be written*": "*必须写*", "left out": "不写"}
    assert [(key, translated.get(default, default)) for key, default in english] == chinese


@pytest.mark.parametrize("name", TYPES)
def test_the_call_that_shows_a_type_enters_it(name: str, sample: House) -> None:
    """And both pages name that call, what is heard, and what is needed."""
    told = TOLD[name]
    outcome = rehearse(read(REPOSITORY / "tests/calls" / told.call), sample)
    assert any(f"type={name}" in each.words for each in outcome.told)
    for page, heads in (("nodes.md", ("hears:", "Needs:")), ("nodes.zh-CN.md", ("听到：", "前提："))):
        section = (DOCS / page).read_text(encoding="utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"(../tests/calls/{told.call})" in section
        assert all(head in section for head in heads)
