"""Who meets what, worked out once for every distinct needs and every distinct profile of skills. Pure, mutable.

Each needs has a mark (a bit), each profile the marks of the needs it meets. Where a queue prefers the most skilled,
needs have a mark for each strength they can be met with, the strongest highest, and a profile has one of them. Needs of
a queue stay; those a flow asked for stay while a visit holds them, and SPARE_MAX of them longer: new ones cost a look
at each profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ari_app.acd.matching import Key, Order
from ari_app.model.ids import AgentId, Skill
from ari_app.model.skills import LEVELS, Needs

SPARE_MAX: Final = 64
_BITS: Final = LEVELS[-1] + 1  # Of each skill in `has`: a bit for each level reached, and one for any above.

_Name = tuple[Needs, bool]


@dataclass(slots=True)
class Ask:
    """Needs, and who seeks them: visits that an agent who gets ready may take, by rank. `holders`: who may ask it."""

    needs: Needs
    skilled: bool
    base: int
    width: int
    alternatives: tuple[int, ...]  # As bits of `has`.
    marks: int = 0
    holders: int = 1
    seeking: Order = field(default_factory=Order)
    head: Key | None = None  # The first of them.

    def __post_init__(self) -> None:
        self.marks = ((1 << self.width) - 1) << self.base

    def add(self, key: Key) -> None:
        self.seeking.add(key)
        if self.head is None or key < self.head:
            self.head = key

    def remove(self, key: Key) -> None:
        self.seeking.remove(key)
        if key == self.head:
            self.head = self.seeking.head()

    def mark(self, profile: "Profile") -> int:
        """The mark these skills earn; 0: none."""
        has = profile.has
        for asked in self.alternatives:
            if has & asked == asked:
                break
        else:
            return 0
        strength = min(self.needs.strength(profile.skills), self.width - 1) if self.skilled else 0
        return 1 << (self.base + strength)


@dataclass(slots=True)
class Profile:
    """The same skills at the same levels. `asks`: those it meets."""

    skills: Mapping[Skill, int]
    has: int
    marks: int = 0
    asks: list[Ask] = field(default_factory=list)
    agents: int = 0

    def meet(self, ask: Ask) -> None:
        if mark := ask.mark(self):
            self.marks |= mark
            self.asks.append(ask)

    def forget(self, ask: Ask) -> None:
        if self.marks & ask.marks:
            self.marks &= ~ask.marks
            self.asks = [each for each in self.asks if each is not ask]


@dataclass(slots=True)
class Asks:
    known: dict[_Name, Ask] = field(default_factory=dict)
    profiles: dict[frozenset[tuple[Skill, int]], Profile] = field(default_factory=dict)
    agents: dict[AgentId, Profile] = field(default_factory=dict)
    unheld: dict[_Name, None] = field(default_factory=dict)  # Longest unheld first.
    freed: dict[int, list[int]] = field(default_factory=dict)  # By width: bases of needs that were forgotten.
    skills: dict[Skill, int] = field(default_factory=dict)  # Where each one's bits begin.
    bits: int = 0
    spare_max: int = SPARE_MAX

    def hold(self, needs: Needs, skilled: bool) -> tuple[Ask, bool]:
        """The ask for these needs, held once more; and whether it is new: then profiles have marks they had not."""
        ask = self.known.get((needs, skilled))
        if ask is not None:
            self.unheld.pop((needs, skilled), None)
            ask.holders += 1
            return ask, False
        width = LEVELS[-1] * max(map(len, needs.alternatives), default=0) + 1 if skilled else 1
        alternatives = tuple(self._bits(dict(each)) for each in needs.alternatives)
        self.known[needs, skilled] = ask = Ask(needs, skilled, self._base(width), width, alternatives)
        for profile in self.profiles.values():
            profile.meet(ask)
        return ask, True

    def let_go(self, ask: Ask) -> None:
        ask.holders -= 1
        if not ask.holders:
            self.unheld[ask.needs, ask.skilled] = None
            if len(self.unheld) > self.spare_max:
                self._forget(next(iter(self.unheld)))

    def set_skills(self, agent: AgentId, skills: Mapping[Skill, int]) -> None:
        before = self.agents.get(agent)
        kind = frozenset(skills.items())
        profile = self.profiles.get(kind)
        if profile is None:
            self.profiles[kind] = profile = Profile(dict(skills), self._bits(skills))
            for ask in self.known.values():
                profile.meet(ask)
        profile.agents += 1
        self.agents[agent] = profile
        if before is not None:
            before.agents -= 1
            if not before.agents:
                del self.profiles[frozenset(before.skills.items())]

    def _forget(self, name: _Name) -> None:
        del self.unheld[name]
        ask = self.known.pop(name)
        self.freed.setdefault(ask.width, []).append(ask.base)
        for profile in self.profiles.values():
            profile.forget(ask)

    def _base(self, width: int) -> int:
        if self.freed.get(width):
            return self.freed[width].pop()
        self.bits += width
        return self.bits - width

    def _bits(self, levels: Mapping[Skill, int]) -> int:
        """Each skill as a row of as many ones as its level: whoever has more has these too."""
        bits = 0
        for skill, level in levels.items():
            begin = self.skills.setdefault(skill, _BITS * len(self.skills))
            bits |= ((1 << min(level, _BITS)) - 1) << begin
        return bits
