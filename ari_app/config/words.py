"""pydantic's errors in words for whoever wrote the file: what is wrong there, and what to try."""

from typing import Any, Final

from ari_app.config import shapes
from ari_app.config.diagnostics import Shared, choices, nearest, shown
from ari_app.config.faults import Fault

_KIND_WORDS: Final[dict[type, str]] = {dict: "a mapping (key: value)", list: "a list", str: "text"}
_KIND_HINTS: Final[dict[type, str]] = {dict: "write key: value, or {} for none", list: "put it in brackets: [ ]"}

# The patterns of our models in words; a test keeps this complete.
PATTERNS: Final = {
    "^[a-z][a-z0-9_-]{0,30}$": "a name (a small letter, then small letters, digits, - or _, at most 31 in all)",
    "^[a-z][a-z0-9_-]{0,40}$": "a node's name (a small letter, then small letters, digits, - or _, at most 41)",
    "^[a-z][a-z0-9-]{0,40}$": "a situation's name (a small letter, then small letters, digits or -, at most 41)",
    "^[a-z0-9][a-z0-9-]{0,60}$": "a prompt's name (small letters, digits and -, at most 61)",
    "^[0-9]{1,8}$": "a work number (1 to 8 digits)",
    "^\\+?[0-9*#]{1,24}$": "a number to dial (digits, * and #, at most 24, perhaps a + first)",
    "^\\+?[0-9XZN]{1,24}$": "a pattern of numbers (digits, X for any, Z for 1-9, N for 2-9, perhaps a + first)",
    "^\\+?[0-9]{0,24}$": "a number (digits, perhaps a + first), or empty",
    "^\\+?[0-9]{1,24}$": "a number (digits, perhaps a + first)",
    "^([a-z][a-z0-9_-]{0,30}|[0-9]{1,8})$": "a name (small letters, digits, - or _), or 1 to 8 digits to type",
    "^([a-z][a-z0-9_-]{0,30}(:[a-z][a-z0-9_-]{0,40})?)?$": "FLOW or FLOW:NODE, or empty",
    "^([a-z][a-z0-9_]{0,30})?$": "a script's name (small letters, digits, _), or empty",
    "^[1-9][0-9]{0,3}$": "1 to 4 digits, the first not 0",
    "^[0-9]{0,4}$": "up to 4 digits, or empty",
    "^(agent:[0-9]{1,8}|queue:[a-z][a-z0-9_-]{0,30}|number:\\+?[0-9]{1,24})$": (
        "agent:8026, queue:billing or number:10086"
    ),
    "^((agent:[0-9]{1,8}|queue:[a-z][a-z0-9_-]{0,30}|number:\\+?[0-9]{1,24}))?$": (
        "agent:8026, queue:billing or number:10086, or empty"
    ),
    "^[0-9*#]{1,6}$": "a code (1 to 6 of 0-9, * and #)",
    "^[0-9*#]$": "a key of a telephone (0-9, * or #)",
    "^[0-9]$": "one digit",
    "^[0-9]{1,2}$": "one or two digits",
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time of day such as 09:30 or 18:00",
    "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$": "a span such as 08:00-20:00",
    "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$": "a day or days, such as sat or mon-fri",
    "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$": "a date such as 2026-10-01",
    "^(spring-festival|(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$": "a day such as 10-01, or spring-festival",
    "^[a-z][a-z0-9_]{0,40}$": "a variable (a small letter, then small letters, digits or _, at most 41)",
    "^([a-z0-9][a-z0-9-]{0,60}|(digits|number|money|date|time):[a-z][a-z0-9_]{0,40})$": (
        "a prompt's name, or a value such as money:balance (digits, number, money, date or time, and a variable)"
    ),
}

_BOUNDS: Final = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_LENGTHS: Final = {
    "too_short": ("at least", "min_length", "entries"),
    "too_long": ("at most", "max_length", "entries"),
    "string_too_short": ("at least", "min_length", "characters"),
    "string_too_long": ("at most", "max_length", "characters"),
}

Words = tuple[Shared, str, str]


def in_words(fault: Fault, show_values: bool) -> Words:
    """Kind, message and hint; without the value itself when it is a secret."""
    match fault.type:
        case "missing":
            return _missing(fault)
        case "extra_forbidden":
            return _unknown(fault)
        case "union_tag_invalid":
            return _wrong_tag(fault)
    wanted = shapes.kind_of(shapes.settled(fault.shape, fault.tree) or shapes.bare(fault.shape))
    if not fault.at_key and fault.tree is not None and not isinstance(fault.tree, wanted | bool):
        return _wrong_kind(fault, wanted)
    value = str(fault.path[-1]) if fault.at_key else fault.tree
    return _bad_value(fault, value if show_values or fault.at_key else None)


def _missing(fault: Fault) -> Words:
    key, note = str(fault.path[-1]), shapes.note(fault.shape)
    known = [tag for branch in shapes.union_branches(shapes.bare(fault.shape)) for tag in shapes.tags(branch, key)]
    hint = note or choices(known)
    return Shared.MISSING_KEY, f"{shown(key)} is missing", f"add {key}: {hint}" if hint else f"add {key}"


def _unknown(fault: Fault) -> Words:
    keys = list(shapes.fields(fault.holder)) if shapes.is_model(fault.holder) else []
    key = str(fault.path[-1])
    hint = nearest(key, keys) or (f"keys here: {choices(keys)}" if keys else "")
    return Shared.UNKNOWN_KEY, f"unknown key {shown(key)}", hint


def _wrong_tag(fault: Fault) -> Words:
    key = str(fault.path[-1])
    known = [tag for branch in shapes.union_branches(shapes.bare(fault.shape)) for tag in shapes.tags(branch, key)]
    if not isinstance(fault.tree, str):
        return Shared.WRONG_KIND, f"must be {choices(known)}", ""
    return Shared.BAD_VALUE, f"must be {choices(known)}, not {shown(fault.tree)}", nearest(fault.tree, known)


def _wrong_kind(fault: Fault, wanted: type) -> Words:
    found = _KIND_WORDS.get(type(fault.tree), "something else")
    branches = [shapes.kind_of(shapes.bare(branch)) for branch in shapes.union_branches(shapes.bare(fault.shape))]
    words = choices(dict.fromkeys(_KIND_WORDS[kind] for kind in branches or [wanted]))
    return Shared.WRONG_KIND, f"must be {words}, not {found}", "" if branches else _KIND_HINTS.get(wanted, "")


def _bad_value(fault: Fault, value: Any) -> Words:
    """`value` is None when it must not be shown."""
    but = f", not {shown(value)}" if isinstance(value, str) else ""
    message, hint = f"{_wanted(fault)}{but}", ""
    if fault.type == "literal_error" and isinstance(value, str):
        hint = nearest(value, shapes.literals(shapes.bare(fault.shape)))
    return Shared.BAD_VALUE, message, hint


def _wanted(fault: Fault) -> str:
    kind, context = fault.type, fault.context
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"must be {words} {context[name]:,.12g}"
    if kind in _LENGTHS:
        words, name, what = _LENGTHS[kind]
        return f"needs {words} {context[name]} {what}"
    if kind == "string_pattern_mismatch":
        return f"must be {PATTERNS.get(context['pattern'], 'text matching ' + context['pattern'])}"
    if kind == "literal_error":
        return f"must be {choices(shapes.literals(shapes.bare(fault.shape)))}"
    if kind.startswith("int_"):
        return "must be a whole number"
    if kind.startswith(("float_", "finite_")):
        return "must be a number"
    message = fault.message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
