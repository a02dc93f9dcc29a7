"""Every node type and every branch a node can take is walked by a transcript of tests/calls.

A branch counts only where its target tells it from the node's other branches. What flow/model and flow/nodes know is
asked for, so a new node type or branch without a transcript fails here by name.
"""

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from ari_app.config.load import load_settings
from ari_app.flow.model import GOODBYE, LoadedFlow, next_nodes
from ari_app.flow.nodes import Branch, Menu, Node
from ari_app.site import Site
from ari_app.transcript.rehearse import House, rehearse
from ari_app.transcript.stage import call_files, house_of, read
from tests.asterisk import REPOSITORY, secrets_for

Taken = tuple[str, str]
"""Type of the node, and the branch: `next`, `on_failure`, `keys` …; "" for having been entered at all."""


def kind_of(node: type[Any]) -> str:
    return str(get_args(node.model_fields["type"].annotation)[0])


def branch_of(place: str) -> str:
    return place.partition(".")[0]


def possible() -> set[Taken]:
    """All there are, from the models alone: what holds the name of a node is a branch."""
    found = set[Taken]()
    for kind in get_args(Node):
        name = kind_of(kind)
        found.add((name, ""))
        if kind is Menu:
            found.add((name, "keys"))
        if kind is Branch:
            found.add((name, "cases"))
        plain = ("next", "to", "otherwise")
        found |= {(name, field) for field in kind.model_fields if field in plain or field.startswith("on_")}
    return found


def taken_by(told: list[tuple[str, ...]], flows: list[LoadedFlow], first: str) -> Iterator[Taken]:
    """The branches a call took, from the nodes it entered."""
    names = {flow.name: flow for flow in flows}
    flow, stack, before = names[first], list[tuple[LoadedFlow, str]](), ""
    for entered in told:
        node = flow.flow.nodes.get(before)
        if node is not None and node.type == "subflow":
            stack.append((flow, before))
            flow = names[node.flow]
        elif node is not None and node.type == "return" and stack:
            flow, _ = stack.pop()
            yield "subflow", "next"
        elif node is not None:
            leads = {place: target for place, target in next_nodes(node).items() if target == entered[0]}
            kinds = {branch_of(place) for place in leads}
            left_out = {p for p in type(node).model_fields if p.startswith("on_") and getattr(node, p) is None}
            if entered[0] == GOODBYE and not kinds and len(left_out) == 1:
                kinds = left_out
            if len(kinds) == 1:
                yield node.type, next(iter(kinds))
        yield entered[1], ""
        before = entered[0]


@pytest.fixture(scope="module")
def sample() -> House:
    settings = load_settings(REPOSITORY / "config.yaml")
    return house_of(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))


def walked(sample: House) -> set[Taken]:
    found = set[Taken]()
    for path in call_files([REPOSITORY / "tests/calls"]):
        transcript = read(path)
        outcome = rehearse(transcript, sample)
        assert outcome.ok, path
        calls = dict[str, list[tuple[str, ...]]]()
        opened = dict[str, str]()
        for told in outcome.told:
            if told.words[:2] == ("fact", "CallOpened"):
                values = dict(word.partition("=")[::2] for word in told.words[2:])
                opened[values["call"]] = values["flow"]
            if told.words[:2] == ("fact", "NodeEntered"):
                values = dict(word.partition("=")[::2] for word in told.words[2:])
                calls.setdefault(values["call"], []).append((values["node"], values["type"]))
        for call, nodes in calls.items():
            found |= set(taken_by(nodes, list(sample.flows.values()), opened[call]))
    return found


def test_every_node_and_every_branch_has_a_transcript(sample: House) -> None:
    missing = possible() - walked(sample)
    assert not missing, f"write a transcript for: {', '.join(sorted(' '.join(each).strip() for each in missing))}"


def test_what_is_possible_is_what_the_model_leads_to(sample: House) -> None:
    """The two ways of asking agree: no branch of a flow is unknown to the list."""
    known = possible()
    for flow in sample.flows.values():
        for node in flow.flow.nodes.values():
            assert {(node.type, branch_of(place)) for place in next_nodes(node)} <= known
    assert {kind for kind, _ in known} == {kind_of(kind) for kind in get_args(Node)} and len(known) > 40
