"""docs/nodes.md is made from the models; both pages name every node type and the same keys."""

import re
from pathlib import Path
from typing import get_args

import pytest

from ari_app.config.node_pages import nodes_page
from ari_app.flow.nodes import Node

DOCS = Path(__file__).resolve().parents[2] / "docs"
TYPES = [get_args(model.model_fields["type"].annotation)[0] for model in get_args(Node)]


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
