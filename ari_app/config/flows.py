"""ivr_flows/*.yaml as checked flows, or one error that lists everything that is wrong in all of them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ari_app.config.diagnostics import BadFile, Problem, Shared, nearest, shown
from ari_app.config.marks import BYTES_MAX, Marks
from ari_app.config.schema import read_yaml
from ari_app.flow.model import Flow, LoadedFlow, next_nodes, prompts_of
from ari_app.flow.nodes import Queue
from ari_app.model.settings import Settings

NO_SUCH_NAME: Final = "F" + Shared.NO_SUCH_NAME
UNREACHABLE: Final = "F020"
MISSING_PROMPT: Final = "F021"

Missing = Callable[[Iterable[str]], list[tuple[str, str]]]
"""Of these prompt ids, the (id, language) that have no audio."""


Texts = Mapping[Path, bytes | None]
"""Flow files as read, by path; None: could not be read, the check says why."""


def load_flows(folder: Path, settings: Settings, missing: Missing) -> Mapping[str, LoadedFlow]:
    """Every flow of the folder by name; raises BadFile with all problems of all files at once."""
    return check_texts(read_texts(folder), settings, missing)


def read_texts(folder: Path) -> Texts:
    """What the flow files of the folder hold now, each read once: what is checked is what is kept."""
    paths = sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))  # Editors' own: .#main.yaml
    return {path: _content(path) for path in paths}


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= BYTES_MAX else None
    except OSError:
        return None


def check_texts(texts: Texts, settings: Settings, missing: Missing) -> Mapping[str, LoadedFlow]:
    """`load_flows` of texts that are at hand; the paths name the flows and stand in the messages."""
    flows: dict[str, LoadedFlow] = {}
    problems: list[Problem] = []
    for path, content in texts.items():
        loaded = read_yaml(path, Flow, "F", content=content)
        problems += loaded.problems
        if loaded.value is not None:
            problems += _check(loaded.value, loaded.marks, settings, missing)
            flows[path.stem] = LoadedFlow(name=path.stem, version=version(content or b""), flow=loaded.value)
    if problems:
        raise BadFile(problems)
    return flows


def version(content: bytes) -> str:
    """What tells one text of a flow file from another: 12 hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]


def _check(flow: Flow, marks: Marks, settings: Settings, missing: Missing) -> Iterator[Problem]:
    """Problems across nodes. `flow` may lack nodes that were faulty; their names still count."""
    names = marks.names(("nodes",))
    if flow.start not in names:
        yield marks.problem(("start",), NO_SUCH_NAME, f"no node named {shown(flow.start)}", nearest(flow.start, names))
    for name, node in flow.nodes.items():
        for place, target in next_nodes(node).items():
            if target not in names:
                path = ("nodes", name, *place.split("."))
                yield marks.problem(path, NO_SUCH_NAME, f"no node named {shown(target)}", nearest(target, names))
        if isinstance(node, Queue) and node.queue not in settings.queues:
            hint = nearest(node.queue, settings.queues)
            message = f"no queue named {shown(node.queue)} in config.yaml"
            yield marks.problem(("nodes", name, "queue"), NO_SUCH_NAME, message, hint)
        for prompt, language in missing(dict.fromkeys(prompts_of(node))):
            message = f"no {language} audio for prompt {shown(prompt)}"
            yield marks.key_problem(("nodes", name), MISSING_PROMPT, message, "`hotline prompts list` names them all")
    if len(flow.nodes) == len(names):  # Else a faulty node might be the way to the others.
        yield from _unreachable(flow, marks)


def _unreachable(flow: Flow, marks: Marks) -> Iterator[Problem]:
    reached, todo = set[str](), [flow.start]
    while todo:
        name = todo.pop()
        if name in flow.nodes and name not in reached:
            reached.add(name)
            todo += next_nodes(flow.nodes[name]).values()
    for name in flow.nodes:
        if name not in reached:
            hint = "remove it, or point a node to it"
            yield marks.key_problem(("nodes", name), UNREACHABLE, f"no way leads to {shown(name)}", hint)
