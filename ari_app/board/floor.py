"""What the board knows: calls, legs, seats, the distributor, and the effects of the event being handled.

Plain records; the rules that change them are in call, talk, seats and desk.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Literal

from ari_app.acd.engine import Engine
from ari_app.acd.model import Match, Rule, Visit
from ari_app.acd.surge import Plan, Step, Surge
from ari_app.board.familiar import Familiar
from ari_app.flow.intents import Cursor, Place, Walk
from ari_app.flow.model import LoadedFlow
from ari_app.flow.nodes import Queue
from ari_app.model.control import Supervision, TransferHow
from ari_app.model.effects import CancelTimer, Effect, HangUp, Note, SetTimer
from ari_app.model.events import BridgeSeen, OpenCall, Unjoined
from ari_app.model.facts import ClosedBy, Fact, LegClosed, LegOpened, SituationPlace, Verdict
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

if TYPE_CHECKING:
    from ari_app.board.studio import Studio

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
class Invite:
    """A leg rung for the caller outside every queue: a consult, or whom he is transferred to."""

    leg: LegId
    agent: AgentId | None  # None: a number outside.
    target: str  # As in TransferBegan.
    how: TransferHow
    by: AgentId | None
    rang: bool = False
    answered: bool = False
    joined: bool = False  # All three talk together.


@dataclass
class Party:
    """The caller talks to a number outside, in a bridge of theirs."""

    leg: LegId
    bridge: BridgeId


@dataclass
class Watch:
    """A supervisor with an agent's talk. `bridge` holds supervisor and snoop while he listens or whispers."""

    leg: LegId
    supervisor: AgentId
    agent: AgentId
    phone: PhoneName
    bridge: BridgeId
    how: Supervision
    answered: bool = False
    snoop: LegId | None = None
    snooping: bool = False
    typed: str = ""


@dataclass
class Talk:
    """Caller and agent in one bridge; the caller is out of it, with music, while he is on hold (`away`)."""

    leg: LegId
    agent: AgentId
    queue: QueueName
    bridge: BridgeId
    since: float
    held: bool = False  # By the phone's own button: Asterisk plays the music.
    away: bool = False
    counted: bool = False  # He waited in the queue: counts against its talking_max.
    muted: bool = False
    reminded: int = 0  # Reminders of this hold so far.
    typed: str = ""  # Of a code.
    said: PlaybackId | None = None  # What the agent alone hears.
    heard: bool = False  # The caller was heard at least once.
    long_for: Literal["agent", "supervisor", ""] = ""  # Whom a hint was given that it has become long.


@dataclass(frozen=True)
class Script:
    """A situation's script that runs outside of the flow, and where it is in it."""

    place: Place
    where: SituationPlace


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
    offer: Offer | None = None
    talk: Talk | None = None
    invite: Invite | None = None
    party: Party | None = None
    watch: Watch | None = None
    ranked_at: float | None = None  # What his rank counts from: kept when an agent passes him on to a queue.
    note: str = ""  # For whoever takes the call next, from whom (`passed_by`).
    passed_by: AgentId | None = None
    recording: RecordingId | None = None
    recording_refused: bool = False
    music: Literal["joined", "wanted", "joined again"] = "joined"  # wanted: made anew, after what is being said.
    untold: bool = False  # The recording notice could not be played: then nothing may be recorded.
    recording_on: bool = False
    recording_missed: bool = False  # Noted once a recording, however often it is tried again.
    line: LineId | None = None  # What is listened to on his leg, while he talks or leaves a message.
    verdict: Verdict | None = None
    script: Script | None = None
    scripted: bool = False  # A script has followed a message of his: no second one does.
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
    extended: int = 0  # Times he asked for more of it.
    noted: CallId | None = None  # The last call he noted a disposition for.
    owes: CallId | None = None  # A call whose queue requires a disposition, and has none.
    ran_out: int = 0  # Offers in a row that he let run out, while ready.
    paused: bool = False  # Ready, but not offered anything until the timer `pause`.
    signed_in_at: float = 0.0
    occupancy: float = 0.0  # Share of the time signed in that he talked, at his last change of state.
    talked_s: float = 0.0  # Since signing in, talks that are over.
    pending: tuple[AgentState, str] | None = None  # Not ready or signed out as soon as this is over, and why.


@dataclass(frozen=True, slots=True)
class SurgeTaken:
    """A step of the surge plan (from 0) that holds: since when, by whom, and why."""

    step: int
    at: float
    by: str
    why: str


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
    records: bool = False  # Dialled to record a prompt.
    studio: "Studio | None" = None  # The same, once work number and PIN were right.
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
    unsure: set[LegId] = field(default_factory=set)  # Live before the link came back: the next Listed confirms them.
    refusing: int = 0  # Calls being refused: they do not count against calls_max.
    supervising: dict[LegId, PhoneName] = field(default_factory=dict)  # Live legs of supervisors.
    phones_used: Counter[PhoneName] = field(default_factory=Counter)  # By their own calls: not rung meanwhile.
    familiar: Familiar = field(init=False)  # Who talked to whom last.
    staff_changed: bool = False  # Somebody signed out or lost a skill during this event: see unstaffed.
    seats: dict[AgentId, Seat] = field(default_factory=dict)
    engine: Engine = field(init=False)
    freed: list[AgentId] = field(default_factory=list)  # Agents who got free during the event being handled.
    surge: Surge = field(init=False)
    surge_taken: list[SurgeTaken] = field(default_factory=list)
    surge_at: float | None = None  # When its timer fires.
    matched: list[Match] = field(default_factory=list)  # By the event being handled; offers.make_all rings the phones.
    out: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hours = dict(self.settings.hours)
        self.engine = Engine(
            rules={QueueName(q): _rule(queue) for q, queue in self.settings.queues.items()},
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

    # -- shorthands: each appends effects of the event being handled --

    def do(self, *effects: Effect) -> None:
        self.out.extend(effects)

    def note(self, fact: Fact) -> None:
        self.out.append(Note(fact))

    def offer(self, match: Match | None) -> None:
        """What the distributor decided just now, if anything; carried out at the end of this event."""
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
    return Rule(needs_of(queue.skills), relax, queue.policy, queue.talking_max)


def _skills(levels: Mapping[str, int]) -> dict[Skill, int]:
    return {Skill(name): level for name, level in levels.items()}
