"""Who talked to whom last: callers' numbers and work numbers, in memory and bounded, for `prefer: last_agent`.

Filled by talks as they begin, and at start from the store; numbers are offered outside the event, as flows are.
"""

from dataclasses import dataclass, field

from ari_app.model.ids import AgentId, Number


@dataclass(frozen=True, slots=True)
class LastTalk:
    """An agent and the caller he talked to, in a talk that began at `at`."""

    caller: Number
    agent: AgentId
    at: float


@dataclass
class Familiar:
    """Forgets the longest ago beyond `at_most`, and what is older than `keep_s`."""

    at_most: int
    keep_s: float
    offered: tuple[LastTalk, ...] = ()  # What the next Restored may tell the number of.
    known: dict[Number, LastTalk] = field(default_factory=dict)  # The longest ago first.

    def talked(self, caller: Number, agent: AgentId, at: float) -> None:
        if not caller:  # Withheld.
            return
        self.known.pop(caller, None)
        self.known[caller] = LastTalk(caller, agent, at)
        if len(self.known) > self.at_most:
            del self.known[next(iter(self.known))]

    def agent_of(self, caller: Number, now: float) -> AgentId | None:
        """Who talked to this caller last, if it is not too long ago."""
        last = self.known.get(caller)
        return last.agent if last is not None and now - last.at < self.keep_s else None

    def restore(self, number: int) -> None:
        """Take the talks offered, when the event says that there are some. Persons erased meanwhile are missing."""
        offered, self.offered = self.offered, ()
        for each in offered if number else ():
            self.talked(each.caller, each.agent, each.at)
