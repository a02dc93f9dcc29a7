"""Every event and every fact survives JSON; what is personal is known."""

import json
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from ari_app.model import codec, events, facts

KINDS = [*get_args(events.Event), *get_args(facts.Fact)]


def samples(hint: Any) -> list[Any]:
    """Values of a type: one at least, for optional ones also None, for literals each."""
    if is_dataclass(hint) and isinstance(hint, type):
        return [hint(**{f.name: samples(get_type_hints(hint)[f.name])[0] for f in fields(hint)})]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return list(args)
    if origin is tuple:
        return [(), tuple(samples(args[0]) * 2)] if args[-1] is ... else [tuple(samples(arg)[0] for arg in args)]
    if origin is dict:
        return [{}, {"a": [1, {"b": None}]}]
    if origin in (Union, UnionType):
        return [value for arg in args for value in ([None] if arg is type(None) else samples(arg))]
    hint = getattr(hint, "__supertype__", hint)
    if isinstance(hint, type) and issubclass(hint, bool):
        return [True, False]
    plain: dict[Any, list[Any]] = {str: ["", "七-1"], int: [0, 7], float: [0.125, 3.0]}
    return plain.get(hint) or list(hint)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_round_trip(kind: type[Any]) -> None:
    hints = get_type_hints(kind)
    values = {f.name: samples(hints[f.name]) for f in fields(kind)}
    for n in range(max((len(v) for v in values.values()), default=1)):
        record = kind(**{name: v[n % len(v)] for name, v in values.items()})
        data = json.loads(json.dumps(codec.encode(record)))
        again = codec.decode(data)
        assert again == record and type(again) is kind
        assert {f.name: type(getattr(again, f.name)) for f in fields(kind)} == {
            f.name: type(getattr(record, f.name)) for f in fields(kind)
        }


def test_kinds_have_names_of_their_own() -> None:
    names = [kind.__name__ for kind in KINDS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_records_are_frozen_and_small(kind: type[Any]) -> None:
    assert (
        kind.__dataclass_params__.frozen and hasattr(kind, "__slots__") and "kind" not in {f.name for f in fields(kind)}
    )


def test_personal_data_stands_apart() -> None:
    personal = {kind.__name__: codec.apart(kind.__name__) for kind in KINDS}
    assert {kind: names for kind, names in personal.items() if names} == {
        "CallArrived": {"caller": "person"},
        "CallOpened": {"caller": "person"},
        "MessageLeft": {"back": "person"},
        "MessageSpooled": {"caller": "person"},
        "ControlAsked": {"number": "person"},
        "TransferBegan": {"number": "person"},
        "CallbackBooked": {"number": "person"},
        "CallbackLeft": {"number": "person"},
        "ItemLeft": {"number": "person"},
        "CallerScreened": {"number": "person", "why": "note"},
        "ScreeningRefused": {"number": "person"},
        "ScreeningLeft": {"number": "person"},
        "ScreeningAsked": {"number": "person", "why": "note"},
        "ScreeningEnded": {"why": "note"},
        "AppealKept": {"why": "note"},
        "CallLeft": {"caller": "person"},
        "CallerSeen": {"caller": "person"},
        "ItemAsked": {"note": "note"},
        "ItemDone": {"note": "note"},
    }


def test_what_nobody_knows() -> None:
    with pytest.raises(KeyError):
        codec.decode({"kind": "Nonsense"})
    assert codec.decode({"kind": "Booted", "epoch": 3, "later": 1}) == events.Booted(3)


def test_fields_with_a_default_may_be_missing() -> None:
    assert codec.decode({"kind": "LegEnded", "leg": "a", "cause": 16}) == events.LegEnded("a", 16, 0)  # type: ignore[arg-type]
