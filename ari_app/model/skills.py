"""Skill expressions: what a queue asks of an agent, such as `billing>=3 & (mandarin | english)`. Pure.

`&` and, `|` or, `>=` a lowest level (1 when left out), brackets. `&` binds tighter than `|`. Held as alternatives, each
a list of skills with their lowest level.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeAlias

from ari_app.model.ids import Skill

ALTERNATIVES_MAX: Final = 64
LEVELS: Final = range(1, 6)
_TOKEN: Final = re.compile(r"\s*(?:([a-z][a-z0-9_-]*)(?:\s*>=\s*([0-9]+))?|([&|()]))")

Alternative: TypeAlias = tuple[tuple[Skill, int], ...]


class SkillsFault(ValueError):
    """An expression that cannot be read; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Needs:
    """Any one of the alternatives will do; each is met by having all its skills at their lowest levels."""

    alternatives: tuple[Alternative, ...]

    def met_by(self, has: Mapping[Skill, int]) -> bool:
        return any(all(has.get(skill, 0) >= level for skill, level in each) for each in self.alternatives)

    def strength(self, has: Mapping[Skill, int]) -> int:
        """How well an agent meets them: the levels asked for, summed over his best alternative; 0: not at all."""
        met = [each for each in self.alternatives if all(has.get(skill, 0) >= level for skill, level in each)]
        return max((sum(has[skill] for skill, _ in each) for each in met), default=0)

    def __str__(self) -> str:
        """As an expression that parses to the same."""
        return " | ".join(" & ".join(f"{skill}>={level}" for skill, level in each) for each in self.alternatives)

    def skills(self) -> set[Skill]:
        return {skill for each in self.alternatives for skill, _ in each}


def needs_of(asked: Mapping[str, int] | str) -> Needs:
    """Needs from what a queue says: skills with levels, all of them needed, or an expression (SkillsFault)."""
    if isinstance(asked, str):
        return parse(asked)
    return Needs((tuple((Skill(skill), level) for skill, level in asked.items()),))


def parse(text: str) -> Needs:
    """Read an expression; SkillsFault says what is wrong with it, and where."""
    tokens = _tokens(text)
    found = _either(tokens, len(text) + 1)
    if tokens:
        raise SkillsFault(f"{tokens[0][0]!r} was not expected here", tokens[0][2])
    return Needs(tuple(dict.fromkeys(found)))


_Token: TypeAlias = tuple[str, int, int]  # Skill name or sign, level, column.


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            raise SkillsFault(f"{rest[0]!r} means nothing in a skill expression", len(text) - len(rest) + 1)
        name, level, sign = match.groups()
        column = match.start(3 if sign else 1) + 1
        if level and int(level) not in LEVELS:
            raise SkillsFault(f"{name}>={level}: levels go from 1 to 5", column)
        found.append((sign or name, int(level or 1), column))
        at = match.end()
    return found


def _either(tokens: list[_Token], end: int) -> list[Alternative]:
    found = _all(tokens, end)
    while tokens and tokens[0][0] == "|":
        tokens.pop(0)
        found = found + _all(tokens, end)
    return found


def _all(tokens: list[_Token], end: int) -> list[Alternative]:
    found = _one(tokens, end)
    while tokens and tokens[0][0] == "&":
        column = tokens.pop(0)[2]
        more = _one(tokens, end)
        if len(found) * len(more) > ALTERNATIVES_MAX:
            raise SkillsFault(f"more than {ALTERNATIVES_MAX} alternatives: make it simpler", column)
        found = [_merged(left, right) for left, right in product(found, more)]
    return found


def _one(tokens: list[_Token], end: int) -> list[Alternative]:
    if not tokens:
        raise SkillsFault("a skill is missing at the end", end)
    word, level, column = tokens.pop(0)
    if word == "(":
        found = _either(tokens, end)
        if not tokens or tokens[0][0] != ")":
            raise SkillsFault("this bracket is never closed", column)
        tokens.pop(0)
        return found
    if word in "&|)":
        raise SkillsFault(f"a skill is missing before {word!r}", column)
    return [((Skill(word), level),)]


def _merged(left: Alternative, right: Alternative) -> Alternative:
    levels = dict(left)
    for skill, level in right:
        levels[skill] = max(level, levels.get(skill, 0))
    return tuple(sorted(levels.items()))
