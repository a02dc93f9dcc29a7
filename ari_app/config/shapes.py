"""What a pydantic model expects at a place: annotations walked along a text tree, unions settled by it."""

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ari_app.config.marks import Tree

R = TypeVar("R")
Shape = Any  # A type annotation; typing has no better name for one.

_KINDS: Final = {dict: (dict,), list: (list, tuple, set, frozenset)}


def _origin(shape: Shape) -> Any:
    return get_origin(shape)


def _once(work: Callable[[Shape], R]) -> Callable[[Shape], R]:
    """Worked out once for each shape. By identity: an Annotated holds what has no hash; shapes live as their models."""
    known: dict[int, tuple[Shape, R]] = {}

    def asked(shape: Shape) -> R:
        found = known.get(id(shape))
        if found is None or found[0] is not shape:
            found = known[id(shape)] = shape, work(shape)
        return found[1]

    return asked


@_once
def bare(shape: Shape) -> Shape:
    """The annotation without Annotated and without `| None`."""
    while _origin(shape) is Annotated:
        shape = get_args(shape)[0]
    branches = union_branches(shape)
    return bare(branches[0]) if len(branches) == 1 else shape


@_once
def union_branches(shape: Shape) -> tuple[Shape, ...]:
    """The branches of a union but None; () when it is no union."""
    while _origin(shape) is Annotated:
        shape = get_args(shape)[0]
    if _origin(shape) not in (Union, UnionType):
        return ()
    return tuple(branch for branch in get_args(shape) if branch is not NoneType)


@_once
def tag_key(shape: Shape) -> str | None:
    """The discriminator of a tagged union, e.g. `type`."""
    while _origin(shape) is Annotated:
        shape, *extras = get_args(shape)
        for extra in extras:
            if isinstance(extra, FieldInfo) and isinstance(extra.discriminator, str):
                return extra.discriminator
    branches = union_branches(shape)
    return tag_key(branches[0]) if len(branches) == 1 else None


def tags(branch: Shape, key: str) -> tuple[str, ...]:
    """The values of the discriminator that choose this branch."""
    inner = bare(branch)
    if not is_model(inner) or key not in inner.model_fields:
        return ()
    return tuple(str(value) for value in get_args(inner.model_fields[key].annotation))


@_once
def _by_tag(shape: Shape) -> dict[str, Shape]:
    """Of a tagged union: tag -> branch."""
    key = tag_key(shape) or ""
    return {tag: branch for branch in reversed(union_branches(bare(shape))) for tag in tags(branch, key)}


def is_model(shape: Shape) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def settled(shape: Shape, tree: Tree) -> Shape:
    """The bare shape meant by what was written; None when no branch of a union fits it."""
    return _of_text(shape) if isinstance(tree, str) else bare(branch_for(shape, tree))


@_once
def _of_text(shape: Shape) -> Shape:
    """Most of a file are texts, and which of them it is does not matter."""
    return bare(branch_for(shape, ""))


def branch_for(shape: Shape, tree: Tree) -> Shape:
    """The shape itself, or of a union the branch with the written tag, else the branch of the written kind."""
    branches = union_branches(bare(shape))
    if not branches:
        return shape
    if key := tag_key(shape):
        tag = tree.get(key) if isinstance(tree, dict) else None
        return _by_tag(shape).get(tag) if isinstance(tag, str) else None
    fitting = [branch for branch in branches if kind_of(bare(branch)) is type(tree)]
    return max(fitting, key=lambda branch: _overlap(bare(branch), tree), default=None)


def kind_of(shape: Shape) -> type:
    """dict, list or str: what must be written for this shape; for a union, for its first branch."""
    if branches := union_branches(shape):
        return kind_of(bare(branches[0]))
    if is_model(shape):
        return dict
    origin = _origin(shape) or shape
    return next((kind for kind, types in _KINDS.items() if origin in types), str)


def child(shape: Shape, key: str | int) -> Shape:
    """The shape below a settled one; None when the key is unknown or nothing can stand there."""
    if is_model(shape):
        return _children(shape).get(str(key))
    arguments = get_args(shape)
    match _origin(shape):
        case origin if origin is dict and isinstance(key, str):
            return arguments[1]
        case origin if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
            return arguments[0]
        case origin if origin is tuple and isinstance(key, int) and key < len(arguments):
            return arguments[key]
        case origin if origin in (list, set, frozenset):
            return arguments[0]
    return None


@cache
def _children(model: type[BaseModel]) -> dict[str, Shape]:
    return {key: child_of(field) for key, field in fields(model).items()}


def child_of(field: FieldInfo) -> Shape:
    """A field's shape with its description, bounds and discriminator."""
    return Annotated[field.annotation, field]


def extras(shape: Shape) -> list[Any]:
    """What Annotated says around the bare shape, `| None` looked through, outermost first."""
    found: list[Any] = []
    while True:
        branches = union_branches(shape)
        if _origin(shape) is Annotated:
            shape, *said = get_args(shape)
            found += said
        elif len(branches) == 1:
            shape = branches[0]
        else:
            return found


@cache
def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the key that is written for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def note(shape: Shape) -> str:
    """The sentence that describes a field's key, '' when it has none."""
    extras = get_args(shape)[1:] if _origin(shape) is Annotated else ()
    return next((extra.description for extra in extras if isinstance(extra, FieldInfo) and extra.description), "")


def literals(shape: Shape) -> tuple[str, ...]:
    """The texts a Literal allows; () for other shapes."""
    return tuple(str(value) for value in get_args(shape)) if _origin(shape) is Literal else ()


def _overlap(branch: Shape, tree: Tree) -> int:
    known = set(fields(branch)) if is_model(branch) else set()
    return len(known & set(tree)) if isinstance(tree, dict) else 0
