"""Every node type and every branch a node can take is walked by a transcript of tests/calls.

The flows are the sample's, with a `goto` set into every branch, so that branches which lead to the same node are told
apart. What flow/model and flow/nodes know is asked for: a new type or branch without a transcript fails here by name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

import pytest

from ari_app.config.load import load_settings
from ari_app.flow.model import GOODBYE, LoadedFlow, next_nodes
from ari_app.flow.nodes import Branch, Goto, Menu, Node
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


def signed(flow: LoadedFlow) -> LoadedFlow:
    """The flow with a `goto` named `place@node` in every branch."""
    nodes: dict[str, Any] = {}
    for name, node in flow.flow.nodes.items():
        leads = next_nodes(node)
        nodes |= {f"{place}@{name}": Goto(type="goto", to=target) for place, target in leads.items()}
        changes: dict[str, Any] = {place: f"{place}@{name}" for place in leads if "." not in place}
        if isinstance(node, Menu):
            changes["keys"] = {key: f"keys.{key}@{name}" for key in node.keys}
        if isinstance(node, Branch):
            cases = enumerate(node.cases)
            changes["cases"] = tuple(case.model_copy(update={"to": f"cases.{n}.to@{name}"}) for n, case in cases)
        nodes[name] = node.model_copy(update=changes)
    return flow.model_copy(update={"flow": flow.flow.model_copy(update={"nodes": nodes})})


def taken_by(told: list[tuple[str, str]], flows: Mapping[str, LoadedFlow], first: str) -> Iterator[Taken]:
    """The branches a call took, from the nodes it entered."""
    flow, stack = flows[first], list[LoadedFlow]()
    before: Any = None
    for name, kind in told:
        place, sign, left = name.partition("@")
        if sign:
            yield flow.flow.nodes[left].type, branch_of(place)
        else:
            yield kind, ""
        if name == GOODBYE:
            left_out = [p for p in type(before).model_fields if p.startswith("on_") and getattr(before, p) is None]
            if len(left_out) == 1:
                yield before.type, left_out[0]
        before = flow.node(name)
        if kind == "subflow":
            stack.append(flow)
            flow = flows[before.flow]
        if kind == "return" and stack:
            flow = stack.pop()


@pytest.fixture(scope="module")
def sample() -> House:
    settings = load_settings(REPOSITORY / "config.yaml")
    house = house_of(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))
    return replace(house, flows={name: signed(flow) for name, flow in house.flows.items()})


def walked(sample: House) -> set[Taken]:
    found = set[Taken]()
    for path in call_files([REPOSITORY / "tests/calls"]):
        transcript = read(path)
        outcome = rehearse(transcript, sample)
        assert outcome.ok, path
        calls = dict[str, list[tuple[str, str]]]()
        opened = dict[str, str]()
        for told in outcome.told:
            if told.words[:2] == ("fact", "CallOpened"):
                values = dict(word.partition("=")[::2] for word in told.words[2:])
                opened[values["call"]] = values["flow"]
            if told.words[:2] == ("fact", "NodeEntered"):
                values = dict(word.partition("=")[::2] for word in told.words[2:])
                calls.setdefault(values["call"], []).append((values["node"], values["type"]))
        for call, nodes in calls.items():
            found |= set(taken_by(nodes, sample.flows, opened[call]))
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
