"""What the board knows: calls, legs, seats, the distributor, and the effects of the event being handled.

Plain records; the rules that change them are in call, talk, seats and desk.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TypeAlias

from ari_app.acd.engine import Engine
from ari_app.acd.estimate import Estimator
from ari_app.acd.model import Match, Rule
from ari_app.acd.surge import Plan, Step, Surge
from ari_app.board.familiar import Familiar
from ari_app.board.records import Booking, Call, Desk, Item, ItemOffer, Screening, Seat, SurgeTaken
from ari_app.flow.model import LoadedFlow
from ari_app.flow.secrets import secret_names
from ari_app.flow.situations import SITUATIONS
from ari_app.model.effects import CancelTimer, Effect, HangUp, MeasureLeg, Note, SetTimer
from ari_app.model.events import BridgeSeen, CallerSeen, OpenCall, Unjoined
from ari_app.model.facts import Fact, LegClosed, LegOpened
from ari_app.model.ids import (
    AgentId,
    CallId,
    LegId,
    MessageId,
    Mint,
    Number,
    PhoneName,
    PlaybackId,
    QueueName,
    Skill,
    TimerId,
)
from ari_app.model.routing import Hours
from ari_app.model.routing import Queue as QueueSettings
from ari_app.model.settings import Settings
from ari_app.model.skills import Needs, needs_of

Versions: TypeAlias = tuple[tuple[str, str], ...]
HANG_UP_S_MAX = 10.0  # A leg that is not reported gone this long after its hang-up is taken for gone.


@dataclass(frozen=True)
class Spoken:
    """A message being recorded since `began_at`: its box, the number to call back, the caller's."""

    box: str
    back: Number
    caller: Number
    began_at: float


@dataclass
class Floor:
    settings: Settings
    flows: Mapping[str, LoadedFlow]  # Those new calls take. Replaced as a whole: live calls keep what they hold.
    zone: tzinfo
    mint: Mint = field(default_factory=lambda: Mint(0))
    link: bool = False
    door: str = ""  # Why new calls are refused; empty: open.
    draining: bool = False
    shift_s: float = 0.0  # Of the clock new calls are greeted and served by: set by tests of flows, never by config.
    hours: dict[str, Hours] = field(init=False)  # Opening hours. Changed in place: the walks of live calls hold it.
    closures: dict[str, float | None] = field(default_factory=dict)  # Hours closed by hand (`*`: all), until when.
    offered: Mapping[tuple[str, str], LoadedFlow] = field(default_factory=dict)  # What the next FlowsLoaded may name.
    pinned: Mapping[Versions, Mapping[str, LoadedFlow]] = field(default_factory=dict)  # The same, of the next CallLeft.
    versions: Versions = field(init=False)  # Of `flows`, and of their situations.
    secrets: frozenset[str] = field(init=False)  # Variables of `flows` that may hold a secret.
    calls: dict[CallId, Call] = field(default_factory=dict)
    desks: dict[CallId, Desk] = field(default_factory=dict)
    legs: dict[LegId, CallId] = field(default_factory=dict)  # Every live leg, callers', agents' and desks'.
    left: dict[LegId, OpenCall] = field(default_factory=dict)  # Calls of an earlier daemon, by the caller's leg.
    unjoined: tuple[Unjoined, ...] = ()  # Recordings of an earlier daemon whose sides wait for the end of their call.
    orphans: dict[LegId, BridgeSeen] = field(default_factory=dict)  # Talks of an earlier daemon, by each of their legs.
    recovering: set[CallId] = field(default_factory=set)  # Taken over; the next Listed says what of them still lives.
    last_at: float = 0.0  # The last thing known of the run they are from.
    let_go: set[LegId] = field(default_factory=set)  # Taken for gone though nobody said so: should the next Listed have
    # them, they are hung up.
    strangers: dict[LegId, CallerSeen] = field(default_factory=dict)  # Callers no call has, until the next Listed.
    boxes: dict[MessageId, Spoken] = field(default_factory=dict)  # Messages being recorded; they may outlast the call.
    bookings: dict[CallId, Booking] = field(default_factory=dict)  # Call-backs booked and not over, by their own id.
    items: dict[MessageId, Item] = field(default_factory=dict)  # Messages nobody has done yet.
    routed: dict[CallId, Item] = field(default_factory=dict)  # Those agents are offered, by the id of their place.
    item_offers: dict[CallId, ItemOffer] = field(default_factory=dict)  # Until their leg is gone.
    unsure: set[LegId] = field(default_factory=set)  # Live before the link came back: the next Listed confirms them.
    refusing: int = 0  # Calls being refused: they do not count against calls_max.
    supervising: dict[LegId, PhoneName] = field(default_factory=dict)  # Live legs of supervisors.
    phones_used: Counter[PhoneName] = field(default_factory=Counter)  # By their own calls: not rung meanwhile.
    pins: dict[PhoneName, tuple[int, float]] = field(default_factory=dict)  # Typed on it, none right; the last when.
    familiar: Familiar = field(init=False)  # Who talked to whom last.
    seats_changed: set[AgentId] = field(default_factory=set)  # Since the shell last wrote them down.
    calls_changed: set[CallId] = field(default_factory=set)  # The same, where neither the event nor an effect says so.
    staff_changed: bool = False  # Somebody signed out or lost a skill during this event: see unstaffed.
    served_by: dict[tuple[QueueName, Needs | None], AgentId] = field(default_factory=dict)  # See staff.nobody_for.
    seats: dict[AgentId, Seat] = field(default_factory=dict)
    engine: Engine = field(init=False)
    freed: list[AgentId] = field(default_factory=list)  # Agents who got free during the event being handled.
    screening: Screening = field(default_factory=Screening)
    surge: Surge = field(init=False)
    surge_taken: list[SurgeTaken] = field(default_factory=list)
    surge_at: float | None = None  # When its timer fires.
    estimator: Estimator = field(default_factory=Estimator)
    visits: int = 0  # So far, in every queue: the order of those with the same rank.
    matched: list[Match] = field(default_factory=list)  # By the event being handled; offers.make_all rings the phones.
    turns: list[CallId] = field(default_factory=list)  # Likewise: bookings whose turn has come.
    out: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.take_flows(self.flows)
        self.hours = dict(self.settings.hours)
        self.engine = Engine(
            rules=_rules(self.settings),
            skills={AgentId(a): _skills(agent.skills) for a, agent in self.settings.agents.items()},
            open=False,  # Until the first Listed.
        )
        plan = self.settings.surge
        steps = tuple(Step(each.name, each.only_in_rush, each.rush_after_s) for each in plan.steps)
        self.surge = Surge(Plan(plan.waiting, plan.rush, plan.for_s, steps), armed=plan.armed)
        routing = self.settings.routing
        self.familiar = Familiar(routing.last_agent_max, routing.last_agent_days * 86_400)
        for number, agent in self.settings.agents.items():
            self.seats[AgentId(number)] = Seat(AgentId(number), PhoneName(agent.phone))

    def take_flows(self, flows: Mapping[str, LoadedFlow]) -> None:
        """New calls take these: a new mapping each time, as the calls of before hold theirs."""
        self.flows, self.secrets = flows, secret_names(flows.values())
        scripts = {(SITUATIONS, flow.situations.version) for flow in flows.values() if flow.situations.version}
        self.versions = tuple(sorted({(flow.name, flow.version) for flow in flows.values()} | scripts))

    # -- shorthands: each appends effects of the event being handled --

    def do(self, *effects: Effect) -> None:
        self.out.extend(effects)

    def note(self, fact: Fact) -> None:
        self.out.append(Note(fact))

    def offer(self, match: Match | None) -> None:
        """What the distributor decided just now, if anything; carried out at the end of this event.

        The turn of a call-back ties up no agent: he is matched with the next one at once.
        """
        todo = [match]
        for each in todo:  # It grows meanwhile.
            if each is not None and each.visit.call in self.bookings:
                self.turns.append(each.visit.call)
                seat = self.seats[each.agent]
                todo += self.engine.pass_over(each.visit.call, seat.idle_since, seat.occupancy)
            elif each is not None:
                self.matched.append(each)

    def order(self) -> int:
        """Of a visit that begins now, among those of the same rank."""
        self.visits += 1
        return self.visits

    def playback(self, call: CallId) -> PlaybackId:
        return PlaybackId(self.mint.part(call, "p"))

    def set_timer(self, call: Call, name: str, at: float) -> None:
        timer = TimerId(f"{call.id}.{name}")
        call.timers[timer] = at
        self.do(SetTimer(timer, at))

    def cancel_timer(self, call: Call, name: str) -> None:
        timer = TimerId(f"{call.id}.{name}")
        if call.timers.pop(timer, None) is not None:
            self.do(CancelTimer(timer))

    def leg_opened(self, fact: LegOpened) -> None:
        self.legs[fact.leg] = fact.call
        self.calls[fact.call].legs.add(fact.leg)
        self.note(fact)

    def leg_closed(self, call: Call, leg: LegId, cause: int, sip: int) -> None:
        del self.legs[leg]
        call.legs.discard(leg)
        call.doomed.discard(leg)
        self.note(LegClosed(call.id, leg, cause, sip))
        self.do(MeasureLeg(call.id, leg))

    def hang_up(self, call: Call, leg: LegId, now: float, cause: int = 16) -> None:
        """Once a leg; the timer `close` sees to it that a leg which is never reported gone does not stay for ever."""
        if leg in call.legs and leg not in call.doomed:
            call.doomed.add(leg)
            self.set_timer(call, "close", now + HANG_UP_S_MAX)
            self.do(HangUp(call.id, leg, cause))


def queue_of(floor: Floor, call: Call) -> QueueSettings:
    """The settings of the queue the caller waits in, or was connected from."""
    assert call.queue is not None
    return floor.settings.queues[call.queue.queue]


def box_queue(box: str) -> QueueName:
    """What the distributor calls the line of a box's messages; no queue of callers has such a name."""
    return QueueName(f"box:{box}")


def _rules(settings: Settings) -> dict[QueueName, Rule]:
    rules = {QueueName(name): _rule(queue) for name, queue in settings.queues.items()}
    for name, box in settings.boxes.items():
        if box.offered:
            rules[box_queue(name)] = Rule(needs_of(box.skills), talking_max=box.working_max)
    return rules


def _rule(queue: QueueSettings) -> Rule:
    relax = tuple((each.after_s, needs_of(each.skills)) for each in queue.relax)
    return Rule(needs_of(queue.skills), relax, queue.policy, queue.talking_max)


def _skills(levels: Mapping[str, int]) -> dict[Skill, int]:
    return {Skill(name): level for name, level in levels.items()}
