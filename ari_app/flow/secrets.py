"""Secrets callers type: which variables may hold one, and where a caller whose secret is gone is asked for it. Pure.

A secret is never written down, so a call that goes on after a crash of the daemon has lost it.
"""

from collections.abc import Iterable, Mapping

from ari_app.flow.expression import BadExpression, Value, names_in
from ari_app.flow.intents import Cursor, Walk
from ari_app.flow.model import GOODBYE, LoadedFlow, next_nodes, read, written
from ari_app.flow.nodes import Collect, Node, SetVariables, Subflow


def asks_secret(walk: Walk, at: Cursor) -> bool:
    """Whether the caller is in a node that asks for one."""
    node = (at.flow or walk.flow).node(at.node)
    return isinstance(node, Collect) and node.secret


def secret_names(flows: Iterable[LoadedFlow]) -> frozenset[str]:
    """Variables that may hold a secret, in any of the flows: typed as one, worked out from one, or sent on as one."""
    nodes = [node for flow in flows for node in flow.flow.nodes.values()]
    found = {node.into for node in nodes if isinstance(node, Collect) and node.secret}
    before = -1
    while before < len(found):
        before = len(found)
        for node in nodes:
            found |= _handed_on(node, found)
    return frozenset(found)


def _handed_on(node: Node, secrets: set[str]) -> set[str]:
    match node:
        case SetVariables(values=made):
            return {name for name, text in made.items() if _names(text) & secrets}
        case Subflow(send=sent, into=back):
            there = {name for name, text in sent.items() if _names(text) & secrets}
            return there | {here for here, name in back.items() if name in secrets}
        case _:
            return set()


def _names(text: str) -> frozenset[str]:
    try:
        return names_in(text)
    except BadExpression:
        return frozenset()


def asked_at(flow: LoadedFlow, node: str, values: Mapping[str, Value], secrets: frozenset[str]) -> str | None:
    """The node that asks for a secret which is gone and is read from `node` on; None: none is missed.

    One that was made of others is gone with them: then the first of those that this flow asks for.
    """
    lost = secrets - values.keys()
    nodes = {name: each.into for name, each in flow.flow.nodes.items() if isinstance(each, Collect)}
    asking = [name for name, into in nodes.items() if into in lost]
    for variable in sorted(lost) if asking else ():
        if _is_read(flow, node, variable):
            return next((name for name in asking if nodes[name] == variable), asking[0])
    return None


def _is_read(flow: LoadedFlow, start: str, variable: str) -> bool:
    """Whether a caller in this node may come to one that reads the variable before one that writes it."""
    seen, todo = set[str](), [start]
    while todo:
        name = todo.pop()
        if name in seen or name == GOODBYE:
            continue
        seen.add(name)
        node = flow.node(name)
        if any(variable in _names(text) for text in read(node).values()):
            return True
        if variable not in written(node):
            todo += next_nodes(node).values()
    return False
