"""What the floor looks like right now: frozen, JSON-able records for pages, API, CLI and metrics.

Reads the floor and changes nothing. Callers' numbers are masked here; times are seconds since the Unix epoch.
"""

from collections import Counter
from dataclasses import dataclass, field

from ari_app.acd.engine import Line
from ari_app.acd.model import Visit
from ari_app.board import surge as plans
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Item, Seat
from ari_app.model.facts import Verdict
from ari_app.model.ids import AgentId, CallId, MessageId, PhoneName, QueueName, Skill
from ari_app.model.mask import mask
from ari_app.model.states import AgentState, CallState

_ON_A_CALL = (AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP)


@dataclass(frozen=True, slots=True)
class PendingView:
    """A wish kept until the call is over."""

    state: AgentState
    reason: str


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. `since` is None for one who has not signed in since the daemon started; `call` the one he is on.

    `wrap_up_at`: when his after-call work is up, `more_times`: how often he may still ask for more; `owes`: a call that
    needs a disposition before he is ready; `held`: his caller is on hold; `surge`: skills the surge plan gave him;
    `item`: the message his phone rings for, or he works; `consulting`: whom he consults, or who consults him;
    `supervising`: whose talk he listens to, or more: he is not offered calls meanwhile.
    """

    number: AgentId
    state: AgentState
    reason: str
    since: float | None
    seconds: float
    phone: PhoneName
    call: CallId | None
    pending: PendingView | None
    wrap_up_at: float | None = None
    more_times: int = 0
    owes: CallId | None = None
    held: bool = False
    long_for: str = ""  # As in CallView.
    surge: dict[Skill, int] = field(default_factory=dict)
    item: MessageId | None = None
    consulting: str = ""
    supervising: AgentId | None = None


@dataclass(frozen=True, slots=True)
class BoxView:
    """A box with messages to be worked, or whose messages agents are offered. `offered`: a phone rings for them;
    `taken`: somebody has them; `overdue`: past their due time, whoever has them."""

    name: str
    offered_to_agents: bool
    waiting: int
    offered: int
    taken: int
    overdue: int
    next_due_at: float | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue. `ringing` of the `waiting` are being offered; `ready` and `signed_in` count agents with its skills,
    `ready` those whose phones are free.

    `booked`: call-backs that keep a place in it.
    """

    name: QueueName
    waiting: int
    ringing: int
    longest_wait_s: float
    ready: int
    signed_in: int
    booked: int = 0


@dataclass(frozen=True, slots=True)
class CallView:
    """One call. `queue` is the one he waits in or was answered from; `position` and `wait_s` only while waiting."""

    id: CallId
    state: CallState
    caller: str
    dialled: str
    language: str
    node: str
    opened_at: float
    seconds: float
    queue: QueueName | None
    position: int | None
    wait_s: float | None
    agent: AgentId | None
    talk_s: float | None
    held: bool
    recorded: bool
    line: Verdict | None
    long_for: str  # The talk has become long: `agent`, later `supervisor`, is to look at it; empty: it has not.
    script: str  # The situation whose script the caller hears instead of talking; empty: none.
    muted: bool
    transfer: str  # Whom a transfer or consult under way is for; empty: none.
    transfer_state: str  # ringing, consulting, three-way, outside; empty: none.
    passed_by: AgentId | None  # The agent who passed the caller on, and his note for whoever is next.
    note: str
    supervisor: AgentId | None
    supervision: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The floor in one line. `door` says why new calls are refused; empty: they are not."""

    calls: int
    calls_by_state: dict[CallState, int]
    agents_by_state: dict[AgentState, int]
    waiting: int
    longest_wait_s: float
    link: bool
    door: str
    draining: bool


@dataclass(frozen=True, slots=True)
class SurgeStepView:
    """One step (from 1). `taken_at` is None for one that is not taken."""

    step: int
    name: str
    agents: tuple[AgentId, ...]
    skills: dict[str, int]
    say: str
    only_in_rush: bool
    taken_at: float | None = None
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class SurgeView:
    """The surge plan. `next`: `take`, `undo` or empty, at `next_at` if as many go on waiting; `drill`: only said."""

    armed: bool
    drill: bool
    waiting: int
    threshold: int
    rush: int
    for_s: float
    above_since: float | None
    below_since: float | None
    next: str
    next_at: float | None
    steps: tuple[SurgeStepView, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one `now`."""

    now: float
    totals: Totals
    agents: tuple[AgentView, ...]
    queues: tuple[QueueView, ...]
    calls: tuple[CallView, ...]
    surge: SurgeView | None = None
    boxes: tuple[BoxView, ...] = ()


def snapshot(floor: Floor, now: float) -> Snapshot:
    """All views of one moment; call it between two events."""
    on_the_floor = agents(floor, now), queues(floor, now), calls(floor, now)
    return Snapshot(now, totals(floor, now), *on_the_floor, surge(floor), boxes(floor, now))


def agents(floor: Floor, now: float) -> tuple[AgentView, ...]:
    """Every agent of config.yaml, by work number."""
    watched = {call.watch.supervisor: call.watch.agent for call in floor.calls.values() if call.watch is not None}
    return tuple(_agent(floor, seat, watched.get(seat.agent), now) for _, seat in sorted(floor.seats.items()))


def _agent(floor: Floor, seat: Seat, supervising: AgentId | None, now: float) -> AgentView:
    is_wrapping = seat.state is AgentState.WRAP_UP
    on = floor.calls.get(seat.call) if seat.state is AgentState.TALKING and seat.call is not None else None
    own = floor.settings.agents[seat.agent].skills
    return AgentView(
        number=seat.agent,
        state=seat.state,
        reason=seat.reason,
        since=seat.since or None,
        seconds=_seconds(seat.since, now) if seat.since else 0.0,
        phone=seat.phone,
        call=seat.call if seat.state in _ON_A_CALL else None,
        pending=PendingView(*seat.pending) if seat.pending is not None else None,
        wrap_up_at=seat.wrap_up_at if is_wrapping else None,
        more_times=floor.settings.agent_rules.wrap_up_more_max - seat.extended if is_wrapping else 0,
        owes=seat.owes,
        held=on is not None and on.talk is not None and (on.talk.held or on.talk.away),
        consulting=_consulting(on, seat),
        long_for=on.talk.long_for if on is not None and on.talk is not None else "",
        surge={name: level for name, level in floor.engine.skills[seat.agent].items() if level != own.get(name)},
        item=seat.item,
        supervising=supervising,
    )


def _consulting(on: Call | None, seat: Seat) -> str:
    if on is None or on.invite is None or on.talk is None or not on.invite.answered:
        return ""
    return on.invite.target if on.talk.agent == seat.agent else f"agent:{on.talk.agent}"


def boxes(floor: Floor, now: float) -> tuple[BoxView, ...]:
    """By name: those agents are offered, and all others with messages nobody has done yet."""
    offered = {name: box.offered for name, box in floor.settings.boxes.items()}
    names = {name for name, on in offered.items() if on} | {item.box for item in floor.items.values()}
    by_box: dict[str, list[Item]] = {name: [] for name in sorted(names)}
    for item in floor.items.values():
        by_box[item.box].append(item)
    return tuple(
        BoxView(
            name,
            offered.get(name, False),
            waiting=sum(not item.by and item.offer is None for item in items),
            offered=sum(item.offer is not None for item in items),
            taken=sum(bool(item.by) for item in items),
            overdue=sum(item.due_at <= now for item in items),
            next_due_at=min((item.due_at for item in items), default=None),
        )
        for name, items in by_box.items()
    )


def surge(floor: Floor) -> SurgeView | None:
    """The surge plan; None when config.yaml has none."""
    at, plan = floor.surge, floor.settings.surge
    if not plan.steps:
        return None
    taken = {each.step: each for each in floor.surge_taken}
    steps = []
    for n, step in enumerate(plan.steps):
        known = (n + 1, step.name, plans.members(floor, step), dict(step.skills), step.say, step.only_in_rush)
        steps.append(
            SurgeStepView(*known, taken[n].at, taken[n].by, taken[n].why) if n in taken else SurgeStepView(*known)
        )
    due = at.next_at()
    return SurgeView(
        armed=at.armed,
        drill=at.drill,
        waiting=plans.waiting(floor),
        threshold=plan.waiting,
        rush=plan.rush,
        for_s=plan.for_s,
        above_since=at.above_since,
        below_since=at.below_since,
        next="" if due is None else "take" if at.above_since is not None else "undo",
        next_at=due,
        steps=tuple(steps),
    )


def queues(floor: Floor, now: float) -> tuple[QueueView, ...]:
    """Every queue of config.yaml, in its order there."""
    ready, signed_in = Counter[QueueName](), Counter[QueueName]()
    for agent, seat in floor.seats.items():
        if seat.state is not AgentState.SIGNED_OUT:
            signed_in.update(floor.engine.queues_of(agent))
        if seat.state is AgentState.READY and not floor.phones_used[seat.phone]:
            ready.update(floor.engine.queues_of(agent))
    booked = Counter(visit.queue for visit in _booked(floor))
    ringing = Counter(place.visit.queue for place in floor.engine.places.values() if place.offered is not None)
    return tuple(
        QueueView(
            name,
            len(line) - booked[name],
            ringing[name],
            _longest(floor, name, now),
            ready[name],
            signed_in[name],
            booked[name],
        )
        for name, line in _lines(floor).items()
    )


def _lines(floor: Floor) -> dict[QueueName, Line]:
    """Of callers: messages have places too."""
    return {name: line for name, line in floor.engine.waiting.items() if name in floor.settings.queues}


def _booked(floor: Floor) -> list[Visit]:
    """Call-backs whose callers are not on the line."""
    return [each.visit for each in floor.bookings.values() if each.id in floor.engine.places]


def _longest(floor: Floor, queue: QueueName, now: float) -> float:
    """Not always the first's: a higher priority goes before a longer wait."""
    line = (floor.calls.get(visit.call) for visit in floor.engine.waiting[queue])
    return max((_seconds(call.waits_since, now) for call in line if call is not None), default=0.0)


def calls(floor: Floor, now: float) -> tuple[CallView, ...]:
    """Every open call, oldest first."""
    return tuple(_call(floor, call, now) for call in floor.calls.values())


def _call(floor: Floor, call: Call, now: float) -> CallView:
    visit, offer, talk = call.visit, call.offer, call.talk
    serving = talk or offer
    return CallView(
        id=call.id,
        state=call.state,
        caller=mask(call.caller),
        dialled=call.dialled,
        language=call.language,
        node=call.cursor.node if call.cursor is not None else "",
        opened_at=call.opened_at,
        seconds=_seconds(call.opened_at, now),
        queue=visit.queue if visit is not None else talk.queue if talk is not None else None,
        position=floor.engine.position(call.id) if call.id in floor.engine.places else None,
        wait_s=_seconds(call.waits_since, now) if visit is not None else None,
        agent=serving.agent if serving is not None else None,
        talk_s=_seconds(talk.since, now) if talk is not None else None,
        held=talk is not None and (talk.held or talk.away),
        recorded=call.recording_on and call.recording is not None,
        line=call.verdict,
        long_for=talk.long_for if talk is not None else "",
        script=call.script.place.situation if call.script is not None else "",
        muted=talk is not None and talk.muted,
        transfer=call.invite.target if call.invite is not None else "number" if call.party is not None else "",
        transfer_state=_transfer_state(call),
        passed_by=call.passed_by,
        note=call.note,
        supervisor=call.watch.supervisor if call.watch is not None else None,
        supervision=call.watch.how if call.watch is not None and call.watch.answered else "",
    )


def _transfer_state(call: Call) -> str:
    if call.invite is None:
        return "outside" if call.party is not None else ""
    if not call.invite.answered:
        return "ringing"
    return "three-way" if call.invite.joined else "consulting"


def totals(floor: Floor, now: float) -> Totals:
    """Sums over the floor; every state is named, with 0 where nobody is in it."""
    states = Counter(call.state for call in floor.calls.values())
    seats = Counter(seat.state for seat in floor.seats.values())
    return Totals(
        calls=len(floor.calls),
        calls_by_state={state: states[state] for state in CallState},
        agents_by_state={state: seats[state] for state in AgentState},
        waiting=sum(map(len, _lines(floor).values())) - len(_booked(floor)),
        longest_wait_s=max((_longest(floor, queue, now) for queue in _lines(floor)), default=0.0),
        link=floor.link,
        door=floor.door,
        draining=floor.draining,
    )


def _seconds(since: float, now: float) -> float:
    return round(max(0.0, now - since), 3)
