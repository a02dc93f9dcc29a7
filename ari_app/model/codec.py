"""Events and facts to JSON-able dicts and back: `{"kind": class name, field: value …}`. Pure.

Tuples become lists and come back as tuples; nested records (ChannelSeen …) come back as what the field's type says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from ari_app.model import events, facts
from ari_app.model.ids import NoteText, Number

_BY_KIND: dict[str, type[Any]] = {cls.__name__: cls for union in (events.Event, facts.Fact) for cls in get_args(union)}


@dataclass(frozen=True, slots=True)
class _Shape:
    """One field: its name, its type, and the table of the store in which it stands by itself; empty: none."""

    name: str
    hint: Any
    apart: str


_APART: Final[Mapping[Any, str]] = {Number: "person", NoteText: "note"}
_SHAPES: dict[type[Any], tuple[_Shape, ...]] = {}
_ATOMS = frozenset((str, int, float, bool, type(None)))


def _shapes(cls: type[Any]) -> tuple[_Shape, ...]:
    if cls not in _SHAPES:
        hints = get_type_hints(cls)
        _SHAPES[cls] = tuple(_Shape(f.name, hints[f.name], _APART.get(hints[f.name], "")) for f in fields(cls))
    return _SHAPES[cls]


@cache
def apart(kind: str) -> Mapping[str, str]:
    """The fields of `kind` that hold personal data, and the table of the store that holds each: `person` of a Number,
    `note` of a NoteText. Persons first: a note may be about one of them."""
    shapes = sorted(_shapes(_BY_KIND[kind]), key=lambda shape: shape.apart != "person")
    return {shape.name: shape.apart for shape in shapes if shape.apart}


def encode(record: Any) -> dict[str, Any]:
    """An event or a fact as a JSON-able dict, its class name under `kind`."""
    return {"kind": type(record).__name__, **encode_fields(record)}


def encode_fields(record: Any) -> dict[str, Any]:
    """The fields of an event or a fact as a JSON-able dict."""
    return {shape.name: _plain(getattr(record, shape.name)) for shape in _shapes(type(record))}


def _plain(value: Any) -> Any:
    if type(value) in _ATOMS:  # Nearly all; some hundred a call.
        return value
    if is_dataclass(value):
        return encode_fields(value)
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value


def decode(data: dict[str, Any]) -> Any:
    """The inverse of encode. KeyError for a kind nobody knows; fields unknown to the class are dropped."""
    return build(_BY_KIND[data["kind"]], data)


def build(hint: Any, value: Any) -> Any:
    """JSON's plain data as what a type says: records, tuples, sets, mappings, enums. What a record has no field for is
    dropped. KeyError, TypeError, ValueError when it does not fit."""
    if value is None:
        return None
    if isinstance(hint, type):
        if is_dataclass(hint):
            return hint(**{s.name: build(s.hint, value[s.name]) for s in _shapes(hint) if s.name in value})
        return hint(value) if issubclass(hint, str | Enum) else value
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        kinds = args[:1] * len(value) if args[-1] is ... else args
        return tuple(build(kind, each) for kind, each in zip(kinds, value, strict=True))
    if origin is set:
        return {build(args[0], each) for each in value}
    if origin is dict:
        return {build(args[0], key): build(args[1], each) for key, each in value.items()}
    if origin in (Union, UnionType):
        return build(next(a for a in args if a is not type(None)), value)
    return value
