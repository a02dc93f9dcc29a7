"""What the board knows: calls, legs, seats, the distributor, and the effects of the event being handled.

Plain records; the rules that change them are in call, talk, seats and desk.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal

from ari_app.acd.engine import Engine
from ari_app.acd.estimate import Estimator
from ari_app.acd.model import Match, Rule, Visit
from ari_app.board.familiar import Familiar
from ari_app.flow.intents import Cursor, Walk
from ari_app.flow.model import LoadedFlow
from ari_app.flow.nodes import Queue
from ari_app.model.effects import CancelTimer, Effect, HangUp, Note, SetTimer
from ari_app.model.events import BridgeSeen, OpenCall, Unjoined
from ari_app.model.facts import ClosedBy, Fact, LegClosed, LegOpened, Verdict
from ari_app.model.ids import (
    AgentId,
    BridgeId,
    CallId,
    LegId,
    LineId,
    LookUpId,
    MessageId,
    Mint,
    Number,
    PhoneName,
    PlaybackId,
    QueueName,
    RecordingId,
    Skill,
    TimerId,
)
from ari_app.model.routing import Hours
from ari_app.model.routing import Queue as QueueSettings
from ari_app.model.settings import Settings
from ari_app.model.skills import needs_of
from ari_app.model.states import CALL, AgentState, CallMove, CallState

HANG_UP_S_MAX = 10.0  # A leg that is not reported gone this long after its hang-up is taken for gone.


@dataclass
class Offer:
    """One attempt to give the call to one agent; its id is the agent's leg."""

    leg: LegId
    agent: AgentId
    phone: PhoneName
    made_at: float
    rang: bool = False
    answered: bool = False
    whisper: PlaybackId | None = None  # What the agent alone hears; None when it is over.


@dataclass
class Talk:
    """Caller and agent in one bridge."""

    leg: LegId
    agent: AgentId
    queue: QueueName
    bridge: BridgeId
    since: float
    held: bool = False


@dataclass
class Told:
    """What a waiting caller was told last: his place, and the expected wait in minutes with the staff it was for."""

    position: int = 0  # 0: not yet.
    low_min: int = 0
    high_min: int = 0  # 0: not yet.
    servers: int = 0


@dataclass
class Booking:
    """A call-back. Its place in the queue is a visit of its own, under `id`; suspended while it cannot be his turn."""

    id: CallId
    call: CallId  # That booked it.
    number: Number
    visit: Visit
    language: str
    dialled: str  # The number he dialled then.
    node: str  # The queue node he waited in.
    booked_at: float
    tries: int = 0
    dialling: CallId | None = None  # As which call he is dialled; later that call waits in his place.
    held: bool = False  # Waits until another one that is being dialled is done with.
    due_at: float = 0.0  # When its timer fires.


@dataclass
class Item:
    """A message somebody has to work. `by`: who has taken it; empty: nobody."""

    message: MessageId
    call: CallId
    box: str
    due_at: float
    by: str = ""


@dataclass
class Call:
    """One caller, from first ring to last leg gone."""

    id: CallId
    leg: LegId
    caller: Number
    dialled: str
    via: str
    opened_at: float
    language: str
    walk: Walk | None = None
    cursor: Cursor | None = None
    state: CallState = CallState.IN_FLOW
    playback: PlaybackId | None = None  # What the caller hears now; None: nothing, or music.
    notice: PlaybackId | None = None  # The recording notice, while it is heard: nobody is joined before its end.
    refusing: bool = False  # Refused the call: plays a prompt, then hangs up.
    queue: Queue | None = None  # The queue node the caller is in.
    visit: Visit | None = None
    visits: int = 0
    waits_since: float = 0.0  # On the line; a call-back's visit began before.
    queued_at: str = ""  # The node, in the number's own flow, at which he came into the queue.
    greet: tuple[str, ...] = ()  # What he hears on entering a queue, after the notice.
    told: Told = field(default_factory=Told)
    booking: CallId | None = None  # It is the call-back of this booking.
    asked: int = 0  # Of a call-back: times he was asked whether he is there.
    offer: Offer | None = None
    talk: Talk | None = None
    recording: RecordingId | None = None
    recording_refused: bool = False
    music: Literal["joined", "wanted", "joined again"] = "joined"  # wanted: made anew, after what is being said.
    untold: bool = False  # The recording notice could not be played: then nothing may be recorded.
    recording_on: bool = False
    recording_missed: bool = False  # Noted once a recording, however often it is tried again.
    line: LineId | None = None  # What is listened to on his leg, while he talks.
    verdict: Verdict | None = None
    lookup: LookUpId | None = None  # What the flow waits for.
    asked_at: float = 0.0
    message: MessageId | None = None  # The voicemail message being recorded.
    listening: bool = False  # A situation hears whether the caller speaks.
    message_keyed: bool = False  # Its end key was pressed: the caller is there.
    message_taken: bool = False  # The last one held something.
    talked_to: AgentId | None = None
    legs: set[LegId] = field(default_factory=set)  # Alive ones.
    doomed: set[LegId] = field(default_factory=set)  # Of these, those told to hang up.
    timers: dict[TimerId, float] = field(default_factory=dict)  # Those running, and when they are due.
    closed_by: ClosedBy | None = None
    cause: int = 16

    @property
    def audio(self) -> str:
        """Key of the audio kept with the flow the caller is in; empty: sounds/ as it is."""
        flow = (self.cursor.flow if self.cursor is not None else None) or (self.walk.flow if self.walk else None)
        return flow.audio if flow is not None else ""

    def to(self, move: CallMove) -> None:
        """Change state by the table; KeyError for a move the table does not know is a bug."""
        self.state = CALL[self.state][move]


@dataclass
class Seat:
    """One agent. `leg` is the agent's live leg: nobody is ready again before it is gone."""

    agent: AgentId
    phone: PhoneName
    state: AgentState = AgentState.SIGNED_OUT
    since: float = 0.0
    reason: str = ""
    idle_since: float = 0.0
    call: CallId | None = None  # The current call; in wrap-up and later the last one.
    talked: CallId | None = None  # The last call talked to: the one a disposition is about.
    leg: LegId | None = None
    withdrawn: bool = False  # The offer is withdrawn; waits for the leg to end.
    wrap_up_over: bool = False  # The time is up; waits for the leg to end.
    wrap_up_at: float = 0.0  # When the time is up.
    serving: tuple[QueueName, float] | None = None  # Whose caller he has, and since when he was rung for him.
    signed_in_at: float = 0.0
    occupancy: float = 0.0  # Share of the time signed in that he talked, at his last change of state.
    talked_s: float = 0.0  # Since signing in, talks that are over.
    pending: tuple[AgentState, str] | None = None  # Not ready or signed out as soon as this is over, and why.


@dataclass
class Desk:
    """A feature-code call: an agent's phone dialled `*11` …"""

    id: CallId
    leg: LegId
    phone: PhoneName
    asking: str = ""  # "number", "pin", "check" (the PIN is being compared) or "": nothing more to ask.
    number: str = ""
    typed: str = ""
    playback: PlaybackId | None = None
    ending: bool = False
    hung_up: bool = False
    due: float = 0.0  # When its one timer fires.


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
    calls: dict[CallId, Call] = field(default_factory=dict)
    desks: dict[CallId, Desk] = field(default_factory=dict)
    legs: dict[LegId, CallId] = field(default_factory=dict)  # Every live leg, callers', agents' and desks'.
    left: dict[LegId, OpenCall] = field(default_factory=dict)  # Calls of an earlier daemon, by the caller's leg.
    unjoined: tuple[Unjoined, ...] = ()  # Recordings of an earlier daemon whose sides wait for the end of their call.
    orphans: dict[LegId, BridgeSeen] = field(default_factory=dict)  # Talks of an earlier daemon, by each of their legs.
    boxes: dict[MessageId, tuple[str, Number]] = field(default_factory=dict)  # Box and call-back number of messages
    # being recorded; they may outlast the call.
    bookings: dict[CallId, Booking] = field(default_factory=dict)  # Call-backs booked and not over, by their own id.
    items: dict[MessageId, Item] = field(default_factory=dict)  # Messages nobody has done yet.
    unsure: set[LegId] = field(default_factory=set)  # Live before the link came back: the next Listed confirms them.
    refusing: int = 0  # Calls being refused: they do not count against calls_max.
    phones_used: Counter[PhoneName] = field(default_factory=Counter)  # By their own calls: not rung meanwhile.
    familiar: Familiar = field(init=False)  # Who talked to whom last.
    staff_changed: bool = False  # Somebody signed out or lost a skill during this event: see unstaffed.
    seats: dict[AgentId, Seat] = field(default_factory=dict)
    engine: Engine = field(init=False)
    estimator: Estimator = field(default_factory=Estimator)
    matched: list[Match] = field(default_factory=list)  # By the event being handled; offers.make_all rings the phones.
    turns: list[CallId] = field(default_factory=list)  # Likewise: bookings whose turn has come.
    out: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hours = dict(self.settings.hours)
        self.engine = Engine(
            rules={QueueName(q): _rule(queue) for q, queue in self.settings.queues.items()},
            skills={AgentId(a): _skills(agent.skills) for a, agent in self.settings.agents.items()},
            open=False,  # Until the first Listed.
        )
        routing = self.settings.routing
        self.familiar = Familiar(routing.last_agent_max, routing.last_agent_days * 86_400)
        for number, agent in self.settings.agents.items():
            self.seats[AgentId(number)] = Seat(AgentId(number), PhoneName(agent.phone))

    # -- shorthands: each appends effects of the event being handled --

    def do(self, *effects: Effect) -> None:
        self.out.extend(effects)

    def note(self, fact: Fact) -> None:
        self.out.append(Note(fact))

    def offer(self, match: Match | None) -> None:
        """What the distributor decided just now, if anything; carried out at the end of this event.

        The turn of a call-back ties up no agent: he is matched with the next one at once.
        """
        while match is not None and match.visit.call in self.bookings:
            self.engine.suspend(match.visit.call)
            self.turns.append(match.visit.call)
            seat = self.seats[match.agent]
            match = self.engine.agent_ready(seat.agent, seat.idle_since, seat.occupancy)
        if match is not None:
            self.matched.append(match)

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


def _rule(queue: QueueSettings) -> Rule:
    relax = tuple((each.after_s, needs_of(each.skills)) for each in queue.relax)
    return Rule(needs_of(queue.skills), relax, queue.policy)


def _skills(levels: Mapping[str, int]) -> dict[Skill, int]:
    return {Skill(name): level for name, level in levels.items()}
