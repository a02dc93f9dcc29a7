"""A marked YAML file checked against a pydantic model: every problem at its line and column, in words.

Scalars reach pydantic as the text that was written, except in bool fields (true false yes no) and number fields
(plain decimals only). A value is built even from a faulty file, without the faulty parts, so that checks across parts
can add their problems to the same list.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from ari_app.config import shapes, slips
from ari_app.config.diagnostics import PROBLEMS_MAX, BadFile, Problem, Shared, shown
from ari_app.config.faults import Fault, faults_of
from ari_app.config.marks import KeyPath, Marks, Tree, read_marked
from ari_app.config.words import in_words

M = TypeVar("M", bound=BaseModel)

_BOOLS: Final = {"true": True, "yes": True, "false": False, "no": False}
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_PRUNINGS_MAX: Final = 8


@dataclass(frozen=True)
class Loaded(Generic[M]):
    """`value` is None only when nothing could be made of the file; usable as it is only when `problems` is empty."""

    value: M | None
    marks: Marks
    problems: tuple[Problem, ...]


def load_yaml(path: Path, model: type[M], code_prefix: str, *, show_values: bool = True) -> tuple[M, Marks]:
    """The file as a model with its marks, or BadFile with all its problems."""
    loaded = read_yaml(path, model, code_prefix, show_values=show_values)
    if loaded.problems or loaded.value is None:
        raise BadFile(loaded.problems)
    return loaded.value, loaded.marks


def read_yaml(
    path: Path, model: type[M], code_prefix: str, *, show_values: bool = True, content: bytes | None = None
) -> Loaded[M]:
    """Like `load_yaml`, but hands back what is right beside the problems; `show_values` off for secrets.

    `content` instead of what stands in the file.
    """
    marks, problems = read_marked(path, code_prefix, content)
    if marks.tree is None and problems:
        return Loaded(None, marks, tuple(problems))
    check = _Check(marks, code_prefix, show_values)
    value = check.model(model)
    said = {(problem.line, problem.column) for problem in problems}  # What YAML refused need not be refused twice.
    problems += [_slipped(marks, problem) for problem in check.problems if (problem.line, problem.column) not in said]
    return Loaded(value, marks, tuple(problems))


def _slipped(marks: Marks, problem: Problem) -> Problem:
    """Where a full-width sign stands in the place of one of YAML's, or in a time, that is the reason."""
    if not problem.code.endswith((Shared.WRONG_KIND, Shared.BAD_VALUE)) or problem.hint.startswith("did you mean"):
        return problem
    text = marks.lines[problem.line - 1] if 0 < problem.line <= len(marks.lines) else ""
    slip = slips.full_width(text, problem.line)
    if slip is None and "such as" in problem.message:
        slip = slips.in_value(text, problem.line)
    return problem if slip is None else replace(problem, column=slip.column, hint=slip.cure)


class _Check:
    """One pass over one file."""

    def __init__(self, marks: Marks, prefix: str, show_values: bool) -> None:
        self.problems: list[Problem] = []
        self._marks = marks
        self._prefix = prefix
        self._show_values = show_values
        self._refused: set[KeyPath] = set()

    def model(self, model: type[M]) -> M | None:
        """The model from the tree; faulty parts are left out and the rest tried again."""
        tree = self._plain(model, self._marks.tree, ())
        for attempt in range(_PRUNINGS_MAX):
            try:
                return model.model_validate(tree)
            except ValidationError as error:
                faults = faults_of(error, model, tree)
                if attempt == 0:  # Later ones come from leaving parts out.
                    self._report(faults)
                if not _mend(tree, faults):
                    return None
        return None

    def _report(self, faults: list[Fault]) -> None:
        for fault in faults[:PROBLEMS_MAX]:
            if fault.path in self._refused or (fault.type == "too_short" and _has_faulty_items(fault, faults)):
                continue
            kind, message, hint = in_words(fault, self._show_values)
            say = self._marks.key_problem if fault.at_key else self._marks.problem
            self.problems.append(say(fault.path, self._prefix + kind, message, hint))

    def _plain(self, shape: shapes.Shape, tree: Tree, path: KeyPath) -> Any:
        """The tree as pydantic wants it: bools as bools; scalars pydantic would read too generously are refused."""
        inner = shapes.settled(shape, tree)
        match tree:
            case None:
                self._refuse(path, "nothing is written here", "write a value, or remove the key")
            case dict():
                return {key: self._plain(shapes.child(inner, key), value, (*path, key)) for key, value in tree.items()}
            case list():
                return [self._plain(shapes.child(inner, at), item, (*path, at)) for at, item in enumerate(tree)]
            case str() if inner is bool and tree in _BOOLS:
                return _BOOLS[tree]
            case str() if inner is bool:
                self._refuse(path, "must be true or false" + self._not(tree))
            case str() if inner in (int, float) and not _NUMBER.fullmatch(tree):
                self._refuse(path, "must be a number" + self._not(tree))
        return tree

    def _not(self, text: str) -> str:
        return f", not {shown(text)}" if self._show_values else ""

    def _refuse(self, path: KeyPath, message: str, hint: str = "") -> None:
        self._refused.add(path)
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(self._marks.problem(path, self._prefix + Shared.BAD_VALUE, message, hint))


def _has_faulty_items(short: Fault, faults: list[Fault]) -> bool:
    """Pydantic counts the good ones only: the list is as long as its author wrote it."""
    depth = len(short.path)
    return any(len(fault.path) > depth and fault.path[:depth] == short.path for fault in faults)


def _mend(tree: Any, faults: list[Fault]) -> bool:
    """Leaves faulty values out, and what lacks a key; a missing mapping becomes empty. False when nothing is left."""
    cuts: set[KeyPath] = set()
    for fault in faults:
        wanted = shapes.bare(fault.shape)
        if fault.is_missing and shapes.kind_of(wanted) is dict and not shapes.is_model(wanted):
            _holder(tree, fault.path)[fault.path[-1]] = {}
        else:
            cuts.add(fault.path[:-1] if fault.is_missing else fault.path)
    last_items_first = sorted(cuts, key=lambda path: [(isinstance(part, int), part) for part in path], reverse=True)
    return all([_cut(tree, path) for path in last_items_first])


def _cut(tree: Any, path: KeyPath) -> bool:
    """Removes what stands at the path; False when that is the whole file."""
    if not path:
        return False
    holder = _holder(tree, path)
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
    elif isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder):
        del holder[path[-1]]
    return True


def _holder(tree: Any, path: KeyPath) -> Any:
    """What holds the end of the path; an empty mapping when it was cut already."""
    for part in path[:-1]:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return {}
    return tree
