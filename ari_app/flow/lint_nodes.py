"""The checker's rules about single nodes: variables, expressions, keys, digits, look-ups, prompts, dates. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ari_app.flow import expression, model
from ari_app.flow.expression import BadExpression
from ari_app.flow.finding import Draft, Finding, Path, World, no_such
from ari_app.flow.nodes import Collect, Confirm, Greet, LookUp, Menu, Node, Subflow, Survey
from ari_app.flow.speech import spoken_prompts

MISSING_PROMPT: Final = "F021"
UNKNOWN_VARIABLE: Final = "F024"
BAD_EXPRESSION: Final = "F025"
CANNOT_BE_SAID: Final = "F026"
SECRET_SAID: Final = "F027"
WHOM_TO_ASK: Final = "F028"
MIN_OVER_MAX: Final = "F029"
ONE_KEY_TWICE: Final = "F030"
NO_SUCH_DAY: Final = "F035"
UNKNOWN_SENT: Final = "F036"

_PROMPT_FIELDS: Final = ("morning", "day", "vip", "wrong_key", "no_key", "too_few", "weekend", "holiday")
_NOT_SPOKEN: Final = {"language": "a language", "trusted": "yes or no", "vip": "yes or no"}


@dataclass(frozen=True)
class Variables:
    """What a flow's variables are: all by name, those that take a secret's digits, those the call alone gives."""

    known: frozenset[str]
    secret: frozenset[str]
    given: frozenset[str]


def variables_of(draft: Draft) -> Variables:
    nodes = draft.flow.nodes.values()
    own = {*draft.flow.variables, *(name for node in nodes for name in model.written(node))}
    secret = {node.into for node in nodes if isinstance(node, Collect) and node.secret}
    return Variables(frozenset(own | {*model.GIVEN}), frozenset(secret), frozenset({*model.GIVEN} - own))


def check_nodes(draft: Draft, world: World) -> Iterator[Finding]:
    """What is wrong with each node by itself."""
    variables = variables_of(draft)
    missing = _missing(draft, world)
    for name, node in draft.flow.nodes.items():
        here: Path = ("nodes", name)
        yield from _reads(here, node, draft, variables)
        yield from _prompts(here, node, missing, world.prompts)
        match node:
            case LookUp():
                yield from _look_up(here, node, world)
            case Collect() if node.min > node.max:
                message = f"min {node.min} is more than max {node.max}: no input will ever do"
                yield Finding((*here, "min"), MIN_OVER_MAX, message, "min is the fewest digits, max the most")
            case Menu() | Confirm() | Survey():
                yield from _keys(here, node)
            case Greet():
                yield from _days(here, node)


# -- variables and expressions --


_YES_NO: Final = {
    **dict.fromkeys(("yes", "true", "on"), "yes is written True; the text, in quotes twice: \"'yes'\""),
    **dict.fromkeys(("no", "false", "off"), "no is written False; the text, in quotes twice: \"'no'\""),
}


def _reads(here: Path, node: Node, draft: Draft, variables: Variables) -> Iterator[Finding]:
    for place, text in model.read(node).items():
        path = place_of(here, place)
        if place.startswith("say."):
            yield from _said(path, node, draft, variables)
            continue
        try:
            names = expression.names_in(text)
            if not names:
                expression.evaluate(text, {})
        except BadExpression as problem:
            yield Finding(path, BAD_EXPRESSION, str(problem), "such as: balance < 0 and vip")
            continue
        if draft.is_whole:
            for name in sorted(names - variables.known):
                if name.lower() in _YES_NO:
                    yield Finding(path, BAD_EXPRESSION, f"{name!r} is no value here", _YES_NO[name.lower()])
                    continue
                yield _unknown(path, name, variables, " a text stands in quotes: \"'yes'\"" if text == name else "")


def _said(path: Path, node: Node, draft: Draft, variables: Variables) -> Iterator[Finding]:
    form, _, name = node.say[path[-1]].partition(":")  # type: ignore[union-attr,index]
    if name not in variables.known:
        if draft.is_whole:
            yield _unknown(path, name, variables)
    elif name in variables.secret:
        hint = "ask for it again instead of reading it back"
        yield Finding(path, SECRET_SAID, f"{name!r} is a secret and would be said aloud", hint)
    elif name in _NOT_SPOKEN and name in variables.given:
        message = f"{name!r} holds {_NOT_SPOKEN[name]}, which cannot be said as {form}"
        yield Finding(path, CANNOT_BE_SAID, message, "branch on it, and say a prompt of its own for each case")
    elif name in variables.given and form != "digits":
        message = f"{name!r} is a telephone number, which cannot be said as {form}"
        yield Finding(path, CANNOT_BE_SAID, message, f"write digits:{name}")


def _unknown(path: Path, name: str, variables: Variables, hint: str = "") -> Finding:
    message = f"nothing gives the variable {name!r} a value"
    return Finding(path, UNKNOWN_VARIABLE, message, hint.strip(), wanted=name, known=variables.known)


def place_of(here: Path, place: str) -> Path:
    """`cases.0.to` of model's places as a path of the file: items of lists are counted by numbers."""
    first, *rest = place.split(".")
    listed = first in ("cases", "say")
    return (*here, first, *(int(part) if listed and part.isdigit() else part for part in rest))


# -- keys, look-ups, days --


def _keys(here: Path, node: Menu | Confirm | Survey) -> Iterator[Finding]:
    match node:
        case Menu() if node.repeat_key in node.keys:
            message = f"key {node.repeat_key} also leads to {node.keys[node.repeat_key]!r}: it would never repeat"
            yield Finding((*here, "repeat_key"), ONE_KEY_TWICE, message, "choose another key")
        case Confirm() if node.yes_key == node.no_key:
            place: Path = (*here, "no_key" if "no_key" in node.model_fields_set else "yes_key")
            yield Finding(place, ONE_KEY_TWICE, f"key {node.yes_key} would mean both yes and no", "choose another key")
        case Survey():
            first = {key: n for n, key in reversed([*enumerate(node.keys)])}
            for n, key in enumerate(node.keys):
                if first[key] != n:
                    yield Finding((*here, "keys", n), ONE_KEY_TWICE, f"key {key} stands twice", "remove one of the two")


def _look_up(here: Path, node: LookUp, world: World) -> Iterator[Finding]:
    named = [place for place in ("agi", "http", "sql") if getattr(node, place) is not None]
    if len(named) != 1:
        message = f"asks {', '.join(named[:-1])} and {named[-1]} at once" if named else "asks nobody"
        yield Finding(here, WHOM_TO_ASK, message, "write one of agi, http, sql", at_key=True)
    lookups = world.settings.lookups
    known = {"agi": world.scripts, "http": lookups.http, "sql": lookups.sql}
    for place in named:
        names, wanted = known[place], getattr(node, place)
        if names is not None and wanted not in names:
            what = "script" if place == "agi" else f"{place} look-up"
            where = f"agi_scripts/{wanted}.py" if place == "agi" else f"lookups.{place}.{wanted} of config.yaml"
            yield no_such((*here, place), what, wanted, names, f"write {where}")


def _days(here: Path, node: Greet) -> Iterator[Finding]:
    for key in node.festivals:
        if key != "spring-festival" and not is_day(f"2024-{key}"):  # 2024 had a 29 February.
            yield Finding(
                (*here, "festivals", key), NO_SUCH_DAY, "no year has such a day", "MM-DD, such as 05-01", at_key=True
            )


def is_day(text: str) -> bool:
    """Whether YYYY-MM-DD is a day of the calendar."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


# -- prompts --


def _missing(draft: Draft, world: World) -> Mapping[str, list[str]]:
    """Prompt -> languages without audio, asked once for the whole flow."""
    wanted = dict.fromkeys(prompt for node in draft.flow.nodes.values() for prompt in model.prompts_of(node))
    found: dict[str, list[str]] = {}
    for prompt, language in world.missing(wanted):
        found.setdefault(prompt, []).append(language)
    return found


def _prompts(here: Path, node: Node, missing: Mapping[str, list[str]], known: Collection[str]) -> Iterator[Finding]:
    if not missing:
        return
    told = set[str]()
    for path, said in _said_at(here, node):
        if said in told:
            continue
        told.add(said)
        if ":" in said:
            yield from _value_prompts(path, said, missing)
        if said in missing:
            message = f"no {' and no '.join(missing[said])} audio for prompt {said!r}"
            hint, wanted = "`hotline prompts list` names them all", "" if said in known else said
            yield Finding(path, MISSING_PROMPT, message, hint, wanted=wanted, known=known)


def _value_prompts(path: Path, said: str, missing: Mapping[str, list[str]]) -> Iterator[Finding]:
    """One finding a language for all the little prompts a value may need."""
    lacking = [prompt for prompt in spoken_prompts() if prompt in missing]
    for language, count in Counter(each for prompt in lacking for each in missing[prompt]).items():
        first = next(prompt for prompt in lacking if language in missing[prompt])
        message = f"no {language} audio for {count} of the prompts that say values, such as {first!r}"
        yield Finding(path, MISSING_PROMPT, message, "`hotline prompts list` names them all")


def _said_at(here: Path, node: Node) -> Iterator[tuple[Path, str]]:
    """Everything a node may say, where it is written; what is said unasked stands at the node."""
    places: dict[str, Path] = {}
    for n, said in enumerate(getattr(node, "say", ())):
        places.setdefault(said, (*here, "say", n))
    for key, said in node.festivals.items() if isinstance(node, Greet) else ():
        places.setdefault(said, (*here, "festivals", key))
    for field in _PROMPT_FIELDS:
        if isinstance(said := getattr(node, field, None), str):
            places.setdefault(said, (*here, field))
    for said in model.spoken(node):
        yield places.get(said, here), said


# -- subflows --


def check_subflow(here: Path, node: Subflow, target: Draft) -> Iterator[Finding]:
    """What one flow sends another and takes from it."""
    declared = target.flow.variables
    for name in node.send:
        if name not in declared:
            message = f"the flow {node.flow!r} takes no variable {name!r}"
            hint = f"add it to `variables` of {node.flow}.yaml"
            yield Finding((*here, "send", name), UNKNOWN_SENT, message, hint, at_key=True, wanted=name, known=declared)
    known = variables_of(target).known
    for variable, name in node.into.items():
        if name not in known and target.is_whole:
            message = f"nothing in the flow {node.flow!r} gives {name!r} a value"
            yield Finding((*here, "into", variable), UNKNOWN_SENT, message, wanted=name, known=known)
