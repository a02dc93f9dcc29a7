"""What one run counts: callers who came after the warm-up, agents' time within the window."""

from dataclasses import dataclass, field

from ari_app.model.ids import QueueName
from ari_app.sim.people import Agent, Caller, Doing


@dataclass(slots=True)
class Count:
    """Of one queue. Every caller counted in `entered` is counted once in connected, called_back, unreached, abandoned,
    timed_out or full."""

    entered: int = 0
    connected: int = 0
    within: int = 0  # Connected within the service level's seconds.
    wait_s: float = 0.0  # Of the connected.
    waited: int = 0  # Not given an agent at once.
    abandoned: int = 0
    short: int = 0  # Of these.
    abandon_wait_s: float = 0.0
    timed_out: int = 0
    full: int = 0
    booked: int = 0  # A call-back.
    called_back: int = 0  # Of these, connected; not in `connected`.
    unreached: int = 0  # Of these, dialled in vain to the last time.
    call_back_s: float = 0.0  # From entering until connected, of those called back.
    line_s: float = 0.0  # Of these, waits on the line after the key.
    busy_s: float = 0.0  # Talk and wrap-up of the connected.
    queue_s: float = 0.0  # Time all callers, whenever they came, waited within the window.
    told: int = 0  # Connected after a range was told.
    told_right: int = 0
    told_error_s: float = 0.0  # Sum of |middle of the range − wait|.
    told_width_s: float = 0.0

    def add(self, other: "Count") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Tally:
    begin_s: float
    end_s: float
    within_s: float
    short_s: float
    queues: dict[QueueName, Count] = field(default_factory=dict)

    def counted(self, caller: Caller) -> Count | None:
        """Where a caller counts; None: he came during the warm-up."""
        return self.queues[caller.queue] if caller.since >= self.begin_s else None

    def waited(self, caller: Caller, now: float) -> None:
        """Seconds of his wait that lie in the window, for the mean length of the queue."""
        overlap = min(now, self.end_s) - max(caller.on_line, self.begin_s)
        if overlap > 0:
            self.queues[caller.queue].queue_s += overlap

    def connected(self, caller: Caller, now: float) -> None:
        self.waited(caller, now)
        if (count := self.counted(caller)) is None:
            return
        count.busy_s += caller.talk_s + caller.wrap_up_s
        if caller.booked_at is not None:
            count.called_back += 1
            count.call_back_s += now - caller.since
            count.line_s += now - caller.on_line
            return
        wait_s = now - caller.since
        count.connected += 1
        count.wait_s += wait_s
        if wait_s <= self.within_s:
            count.within += 1
        if caller.told is not None:
            low, high = caller.told
            count.told += 1
            count.told_right += low <= wait_s <= high
            count.told_error_s += abs((low + high) / 2 - wait_s)
            count.told_width_s += high - low

    def left(self, caller: Caller, now: float) -> None:
        """He gave up, or waited as long as he may."""
        self.waited(caller, now)
        if (count := self.counted(caller)) is None:
            return
        if not caller.gives_up:
            count.timed_out += 1
            return
        count.abandoned += 1
        count.abandon_wait_s += now - caller.on_line
        if now - caller.on_line <= self.short_s:
            count.short += 1

    def spend(self, agent: Agent, to: Doing, now: float) -> None:
        """The agent does something else from now on."""
        spent = min(now, self.end_s) - (agent.since if agent.since > self.begin_s else self.begin_s)
        if spent > 0:
            assert agent.spent is not None
            agent.spent[agent.doing] += spent
        agent.doing, agent.since = to, now
