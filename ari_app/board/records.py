"""What the board knows of a call, an agent's seat, a feature-code call and a booked call-back: plain records."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ari_app.acd.model import Visit
from ari_app.flow.intents import Cursor, Place, Walk
from ari_app.flow.nodes import Queue
from ari_app.model.control import Supervision, TransferHow
from ari_app.model.facts import NO_NUMBER, ClosedBy, SituationPlace, Verdict
from ari_app.model.ids import (
    AgentId,
    BridgeId,
    CallId,
    LegId,
    LineId,
    LookUpId,
    MessageId,
    Number,
    PhoneName,
    PlaybackId,
    QueueName,
    RecordingId,
    RequestId,
    ScreeningId,
    TimerId,
)
from ari_app.model.states import CALL, AgentState, CallMove, CallState

if TYPE_CHECKING:
    from ari_app.board.studio import Studio

NO_PLACE = CallId("")


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
    muted: bool = False
    reminded: int = 0  # Reminders of this hold so far.
    typed: str = ""  # Of a code.
    said: PlaybackId | None = None  # What the agent alone hears.
    heard: bool = False  # The caller was heard at least once.
    tune: bool = False  # He has put us on hold, and his music plays: nothing is known of his line until he speaks.
    long_for: Literal["agent", "supervisor", ""] = ""  # Whom a hint was given that it has become long.


@dataclass(frozen=True)
class Resting:
    """What listened to the caller's leg, and goes on with it in a moment (board.stream); `until`: at the latest."""

    records: bool = False
    listens: bool = False
    speech: bool = False
    until: float = 0.0


@dataclass(frozen=True)
class Script:
    """A situation's script that runs outside of the flow, and where it is in it."""

    place: Place
    where: SituationPlace


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
    """A message somebody has to work. `by`: who has taken it; empty: nobody.

    `id`: of its place among callers, once its box is offered to agents; `offer`: who is rung for it just now.
    """

    message: MessageId
    call: CallId
    box: str
    due_at: float = 0.0
    by: str = ""
    number: Number = NO_NUMBER  # To be called back on.
    path: str = ""  # Its file, below the messages folder; empty: not filed.
    id: CallId = NO_PLACE
    offer: "ItemOffer | None" = None
    again_at: float = 0.0  # When its timer fires.


@dataclass
class ItemOffer:
    """One attempt to give a message to an agent, and the telephone call in which he hears it."""

    id: CallId
    leg: LegId
    message: MessageId
    agent: AgentId
    ring_s: float
    rang: bool = False
    answered: bool = False
    hung_up: bool = False
    playback: PlaybackId | None = None
    due: float = 0.0  # When its one timer fires.


@dataclass
class Screened:
    """A number that is screened: canonical. `appeal`: the message that waits for a supervisor's decision."""

    id: ScreeningId
    number: Number
    until: float
    times: int
    appeal: MessageId | None = None


@dataclass(frozen=True)
class Mark:
    """Somebody wants a number screened. `call`: the one he is marked in; `request`: who waits for the outcome."""

    number: Number
    call: CallId | None
    by: str
    why: str
    request: RequestId | None = None


@dataclass
class Screening:
    """Who is screened, by canonical number; past ones that count (how many times, and the last one's end)."""

    held: dict[Number, Screened] = field(default_factory=dict)
    past: dict[Number, tuple[int, float]] = field(default_factory=dict)
    pending: dict[LookUpId, Mark] = field(default_factory=dict)  # Marks that wait for the caller's record.
    at: float | None = None  # When its timer fires.


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
    versions: tuple[tuple[str, str], ...] = ()  # Of the walk's flows, and of their situations.
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
    invite: Invite | None = None
    party: Party | None = None
    watch: Watch | None = None
    ranked_at: float | None = None  # What his rank counts from: kept when an agent passes him on to a queue.
    keeps_rank: float | None = None  # The same, while the queue he was passed on to has turned him away.
    note: str = ""  # For whoever takes the call next, from whom (`passed_by`).
    passed_by: AgentId | None = None
    recording: RecordingId | None = None
    stopping: tuple[RecordingId, ...] = ()  # Told to stop, and not confirmed yet.
    unasked: tuple[str, ...] | None = None  # The question for a secret, while something may still be recorded.
    recording_refused: bool = False
    music: Literal["joined", "wanted", "joined again"] = "joined"  # wanted: made anew, after what is being said.
    untold: bool = False  # The recording notice could not be played: then nothing may be recorded.
    recording_on: bool = False
    recording_missed: bool = False  # Noted once a recording, however often it is tried again.
    resting: Resting | None = None  # Nothing may listen to his leg just now.
    deaf: tuple[LegId, ...] = ()  # Legs to be moved out of their bridge and back, once they are told nothing.
    line: LineId | None = None  # What is listened to on his leg, while he talks or leaves a message.
    line_in: RecordingId | None = None  # The recording it is heard in; None: it has a file of its own.
    verdict: Verdict | None = None
    is_fax: bool = False  # A machine is on his line.
    script: Script | None = None
    scripted: bool = False  # A script has followed a message of his: no second one does.
    lookup: LookUpId | None = None  # What the flow waits for.
    asked_at: float = 0.0
    message: MessageId | None = None  # The voicemail message being recorded.
    message_at: float = 0.0  # Since when.
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
    served: Call | None = None  # The same, as it was known then.
    leg: LegId | None = None
    withdrawn: bool = False  # The offer is withdrawn; waits for the leg to end.
    wrap_up_over: bool = False  # The time is up; waits for the leg to end.
    wrap_up_at: float = 0.0  # When the time is up.
    extended: int = 0  # Times he asked for more of it.
    noted: CallId | None = None  # The last call he noted a disposition for.
    owes: CallId | None = None  # A call whose queue requires a disposition, and has none.
    ran_out: int = 0  # Offers in a row that he let run out, while ready.
    paused: bool = False  # Ready, but not offered anything until the timer `pause`.
    serving: tuple[QueueName, float] | None = None  # Whose caller he has, and since when he was rung for him.
    signed_in_at: float = 0.0
    occupancy: float = 0.0  # Share of the time signed in that he talked, at his last change of state.
    talked_s: float = 0.0  # Since signing in, talks that are over.
    item: MessageId | None = None  # The message he is offered, or works.
    work_until: float = 0.0  # When it goes back.
    counts: bool = False  # He works one that he was offered: against its box's working_max.
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
