"""Who meets what, worked out once for every distinct needs and every distinct profile of skills. Pure, mutable.

Each needs has a mark (a bit), each profile the marks of the needs it meets. Where a queue prefers the most skilled,
needs have a mark for each strength they can be met with, the strongest highest, and a profile has one of them. Needs of
a queue stay; those a flow asked for stay while a visit holds them, and SPARE_MAX of them longer: new ones cost a look
at each profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ari_app.acd.matching import Key, Order
from ari_app.model.ids import AgentId, QueueName, Skill
from ari_app.model.skills import LEVELS, Needs

SPARE_MAX: Final = 64
_BITS: Final = LEVELS[-1] + 1  # Of each skill in `has`: a bit for each level reached, and one for any above.

_Name: TypeAlias = tuple[Needs, bool, QueueName | None]


@dataclass(slots=True)
class Ask:
    """Needs, and who seeks them: visits that an agent who gets ready may take, by rank. `holders`: who may ask it.

    `name`: the needs, whether the most skilled are preferred, and the queue that alone asks it, if it has a limit.
    `weakest`: the least strength with which they can be met; the lowest of the marks.
    """

    name: _Name
    weakest: int
    width: int
    base: int
    alternatives: tuple[tuple[int, tuple[Skill, ...]], ...]  # As bits of `has`, and the skills asked for.
    marks: int = 0
    holders: int = 1
    seeking: Order = field(default_factory=Order)
    head: Key | None = None  # The first of them.
    barred: bool = False  # Nobody may take them now: their queue is at its limit.

    def __post_init__(self) -> None:
        self.marks = ((1 << self.width) - 1) << self.base

    def mark(self, profile: "Profile") -> int:
        """The mark these skills earn; 0: none."""
        has, best = profile.has, -1
        for asked, names in self.alternatives:
            if has & asked == asked:
                if not self.name[1]:
                    return self.marks
                strength = 0
                for name in names:
                    strength += profile.skills[name]
                best = max(best, strength)
        return 1 << (self.base + min(best - self.weakest, self.width - 1)) if best >= 0 else 0


@dataclass(slots=True)
class Profile:
    """The same skills at the same levels, and the marks of what they meet."""

    skills: Mapping[Skill, int]
    has: int
    marks: int = 0
    agents: int = 0


@dataclass(slots=True)
class Asks:
    known: dict[_Name, Ask] = field(default_factory=dict)
    heads: Order = field(default_factory=Order)  # Of all asks that anybody seeks.
    profiles: dict[frozenset[tuple[Skill, int]], Profile] = field(default_factory=dict)
    agents: dict[AgentId, Profile] = field(default_factory=dict)
    unheld: dict[_Name, None] = field(default_factory=dict)  # Longest unheld first; their marks may be given away.
    freed: dict[int, list[int]] = field(default_factory=dict)  # By width: bases of needs that were forgotten.
    skills: dict[Skill, int] = field(default_factory=dict)  # Where each one's bits begin.
    bits: int = 0
    spare_max: int = SPARE_MAX

    def hold(self, name: _Name) -> tuple[Ask, bool]:
        """The ask of that name, held once more; and whether it is new: then profiles have marks they had not."""
        ask = self.known.get(name)
        if ask is not None:
            self.unheld.pop(name, None)
            ask.holders += 1
            return ask, False
        needs, skilled, _ = name
        alternatives = tuple((self._bits(dict(each)), tuple(n for n, _ in each)) for each in needs.alternatives)
        weakest, width = _strengths(needs) if skilled else (0, 1)
        self.known[name] = ask = Ask(name, weakest, width, self._base(width), alternatives)
        for profile in self.profiles.values():
            profile.marks = profile.marks & ~ask.marks | ask.mark(profile)
        return ask, True

    def let_go(self, ask: Ask) -> None:
        ask.holders -= 1
        if not ask.holders:
            self.unheld[ask.name] = None
            if len(self.unheld) > self.spare_max:
                oldest = next(iter(self.unheld))
                del self.unheld[oldest]
                gone = self.known.pop(oldest)
                self.freed.setdefault(gone.width, []).append(gone.base)

    def seek(self, ask: Ask, key: Key) -> None:
        ask.seeking.add(key)
        if ask.head is None or key < ask.head:
            self._lead(ask, key)

    def unseek(self, ask: Ask, key: Key) -> None:
        ask.seeking.remove(key)
        if key == ask.head:
            self._lead(ask, ask.seeking.head())

    def _lead(self, ask: Ask, head: Key | None) -> None:
        if ask.head is not None and not ask.barred:
            self.heads.remove(ask.head)
        if head is not None and not ask.barred:
            self.heads.add(head, ask.marks)
        ask.head = head

    def only(self, queue: QueueName) -> list[Ask]:
        """What that queue alone asks; none for a queue without a limit."""
        return [ask for ask in self.known.values() if ask.name[2] == queue]

    def bar(self, queue: QueueName, barred: bool) -> None:
        for ask in self.only(queue):
            if ask.head is not None and barred:
                self.heads.remove(ask.head)
            elif ask.head is not None:
                self.heads.add(ask.head, ask.marks)
            ask.barred = barred

    def set_skills(self, agent: AgentId, skills: Mapping[Skill, int]) -> Profile:
        before = self.agents.get(agent)
        kind = frozenset(skills.items())
        profile = self.profiles.get(kind)
        if profile is None:
            self.profiles[kind] = profile = Profile(dict(skills), self._bits(skills))
            for ask in self.known.values():
                profile.marks |= ask.mark(profile)
        profile.agents += 1
        self.agents[agent] = profile
        if before is not None:
            before.agents -= 1
            if not before.agents:
                del self.profiles[frozenset(before.skills.items())]
        return profile

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


def _strengths(needs: Needs) -> tuple[int, int]:
    """The least strength these needs can be met with, and how many there are."""
    least = min((sum(level for _, level in each) for each in needs.alternatives), default=0)
    most = LEVELS[-1] * max(map(len, needs.alternatives), default=0)
    return least, most - least + 1
