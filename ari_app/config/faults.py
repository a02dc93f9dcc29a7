"""pydantic's errors as faults at places of the written tree: no union labels, and of a union only the meant branch."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ari_app.config import shapes
from ari_app.config.marks import KeyPath


@dataclass(frozen=True)
class Fault:
    """One error: `shape` is what was wanted at `path`, `tree` what is there, `holder` the shape around it."""

    path: KeyPath
    type: str
    message: str
    context: dict[str, Any]
    shape: shapes.Shape
    tree: Any
    holder: shapes.Shape = None
    at_key: bool = False

    @property
    def is_missing(self) -> bool:
        return self.type == "missing"


@dataclass
class _Place:
    """Where following an error's location has led."""

    path: KeyPath
    shape: shapes.Shape
    tree: Any
    holder: shapes.Shape = None
    at_key: bool = False
    is_open_union: bool = False


def faults_of(error: ValidationError, shape: shapes.Shape, tree: Any) -> list[Fault]:
    """The faults behind an error of validating `tree` as `shape`, in the order of the fields, each once."""
    found: dict[tuple[KeyPath, str, bool], Fault] = {}
    unions: set[KeyPath] = set()
    for details in error.errors(include_url=False, include_input=False):
        place = _follow(details["loc"], shape, tree)
        if not place.is_open_union:
            new = [_fault(details, place)]
        elif place.path in unions:
            continue
        else:
            unions.add(place.path)
            new = _branch_faults(details, place)
        for fault in new:
            found.setdefault((fault.path, fault.type, fault.at_key), fault)
    return list(found.values())


def _follow(location: tuple[int | str, ...], shape: shapes.Shape, tree: Any) -> _Place:
    """Walks a location down shape and tree; stops at a union without a tag."""
    place = _Place((), shape, tree)
    parts = list(location)
    while parts:
        if shapes.union_branches(shapes.bare(place.shape)):
            if shapes.tag_key(place.shape) is None:
                break
            parts.pop(0)  # pydantic names the tag here.
            place.shape = shapes.settled(place.shape, place.tree)
            continue
        part = parts.pop(0)
        if part == "[key]" and not parts:
            place.at_key = True
            break
        place = _step(place, part)
    is_union = bool(shapes.union_branches(shapes.bare(place.shape)))
    place.is_open_union = is_union and shapes.tag_key(place.shape) is None
    return place


def _step(place: _Place, part: int | str) -> _Place:
    below: Any = None
    if isinstance(place.tree, dict) and isinstance(part, str):
        below = place.tree.get(part)
    elif isinstance(place.tree, list) and isinstance(part, int) and part < len(place.tree):
        below = place.tree[part]
    holder = shapes.settled(place.shape, place.tree)
    return _Place((*place.path, part), shapes.child(holder, part), below, holder)


def _fault(details: ErrorDetails, place: _Place) -> Fault:
    kind, context = details["type"], details.get("ctx", {})
    fault = Fault(place.path, kind, details["msg"], context, place.shape, place.tree, place.holder, place.at_key)
    if kind in ("extra_forbidden", "missing"):
        return replace(fault, at_key=True)
    if kind == "union_tag_invalid" and isinstance(place.tree, dict):  # Point at the tag, not at what it tags.
        key = str(shapes.tag_key(place.shape))
        return replace(fault, path=(*place.path, key), tree=place.tree.get(key))
    if kind == "union_tag_not_found" and isinstance(place.tree, dict):
        return replace(fault, path=(*place.path, str(shapes.tag_key(place.shape))), type="missing", at_key=True)
    return fault


def _branch_faults(details: ErrorDetails, place: _Place) -> list[Fault]:
    """Of a union without a tag: what is wrong with the branch that was meant by the kind of what was written."""
    branch = shapes.branch_for(place.shape, place.tree)
    if branch is not None:
        try:
            TypeAdapter(branch).validate_python(place.tree)
        except ValidationError as error:
            below = faults_of(error, branch, place.tree)
            return [replace(fault, path=place.path + fault.path) for fault in below]
    return [_fault(details, replace(place, at_key=False))]
