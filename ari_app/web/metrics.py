"""What Prometheus reads. Fed by the loop (`watch`), by `limit_reached`, and by `sample` just before each scrape.

An own registry: nothing is shared with other users of prometheus-client in the process. Labels never hold personal
data, and a label whose values come from outside keeps LABELS_MAX of them; the rest count as `other`.
"""

import re
from collections import Counter as Counted
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from ari_app.board.views import BoxView, QueueView, SurgeView, Totals
from ari_app.model.audit import AgentForced, SurgeStepTaken
from ari_app.model.control import Supervised, TransferEnded
from ari_app.model.effects import Effect, Note, Warn
from ari_app.model.events import CommandFailed, Event
from ari_app.model.facts import (
    CallClosed,
    CallOpened,
    CallRefused,
    Connected,
    DaemonStarted,
    Fact,
    OfferEnded,
    OfferMade,
    PromptFailed,
    QueueLeft,
    RecordingMissed,
    RecordingStored,
    TalkEnded,
)
from ari_app.model.routing import Limits
from ari_app.model.work import ItemOfferEnded

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
LABELS_MAX: Final = 50
WATCHED_MAX: Final = 100  # Events; to count them takes 0.7 ms.
QUEUE_LIMITS: Final = ("waiting_max", "wait_s_max")
HANDLING_S: Final = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
WAIT_S: Final = (1.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
TALK_S: Final = (10.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 3600.0)


# Of some 60 effects and facts a call, those that count something: asking first is quicker than trying each case.
_COUNTED: Final = frozenset(
    (
        Warn,
        DaemonStarted,
        CallOpened,
        CallRefused,
        CallClosed,
        OfferMade,
        OfferEnded,
        ItemOfferEnded,
        QueueLeft,
        Connected,
        TalkEnded,
        SurgeStepTaken,
        AgentForced,
        TransferEnded,
        Supervised,
        RecordingMissed,
        RecordingStored,
        PromptFailed,
    )
)


@dataclass(frozen=True, slots=True)
class Levels:
    """What only the daemon knows at a scrape: events waiting, rows to be written, lateness of the event loop.

    `bugs` (exceptions of the board) and `unknown` (ARI event type: times seen) count from the daemon's start; `ari` is
    what the ARI link says of itself (AriLink.counters).
    """

    inbox: int
    journal: int
    lag_s: float
    bugs: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)
    ari: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Label:
    """Keeps a label's values few and plain."""

    other: str = "other"

    def __post_init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._seen:
            if len(self._seen) >= LABELS_MAX or not re.fullmatch(r"[A-Za-z][A-Za-z0-9 _-]{0,60}", value):
                return self.other
            self._seen.add(value)
        return value


class Metrics:
    """All figures of one daemon; names begin with hotline_. Not thread-safe in sum: feed it from the loop."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # A time of creation beside every counter would double the page.
        self.registry = CollectorRegistry()
        ProcessCollector(namespace="hotline", registry=self.registry)
        self._reason, self._kind, self._action, self._limit = Label("door"), Label(), Label(), Label()
        self._handling: dict[type[Event], Histogram] = {}
        self._watched: list[tuple[Event, Sequence[Effect], float]] = []
        self._told: Counted[str] = Counted()  # What `sample` was told last of what others count.
        self._make_call_counters()
        self._make_fault_counters()
        self._make_gauges()
        for name in (*Limits.model_fields, *QUEUE_LIMITS):
            self.limits.labels(name)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"hotline_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"hotline_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"hotline_{name}", text, labels, buckets=buckets, registry=self.registry)

    def _make_call_counters(self) -> None:
        self.opened = self._counter("calls_opened", "Calls that came in.")
        self.closed = self._counter("calls_closed", "Calls closed, by who ended them and Q.850 cause.", "by", "cause")
        self.refused = self._counter("calls_refused", "Calls refused: unknown-number, calls-max …", "reason")
        self.offers_made = self._counter("offers_made", "Offers of a call to an agent.", "queue")
        self.offers = self._counter("offers", "Offers ended, by outcome.", "outcome")
        self.left = self._counter("queue_left", "Queue visits ended, by outcome.", "queue", "outcome")
        self.connected = self._counter("calls_connected", "Times caller and agent were joined.", "queue")
        self.wait = self._histogram("queue_wait_seconds", "Wait in queue of every visit ended.", WAIT_S, "queue")
        self.transfers = self._counter("transfers", "Transfers and consults ended, by outcome.", "outcome")
        self.supervised = self._counter("supervisions", "Times a supervisor took part in a talk, by way.", "how")
        self.message_offers = self._counter("message_offers", "Offers of messages ended, by outcome.", "outcome")
        self.talk = self._histogram("talk_seconds", "Length of talks ended.", TALK_S)

    def _make_fault_counters(self) -> None:
        self.surge_steps = self._counter("surge_steps", "Steps of the surge plan taken, drills left out.")
        self.forced = self._counter("agents_forced", "Overrides of agents' states by supervisors.", "to")
        self.failed = self._counter("ari_commands_failed", "Commands that failed, by reason.", "action", "reason")
        self.unknown = self._counter("ari_unknown_events", "Events of Asterisk we do not know, by type.", "type")
        self.unrecorded = self._counter("recordings_missed", "Talks or parts of them that were not recorded.")
        self.stored = self._counter("recordings_stored", "Recordings joined and indexed.")
        self.unheard = self._counter("prompts_failed", "Prompts not heard to their end though nobody stopped them.")
        self.warnings = self._counter("warnings", "Warnings of the board; the log says which.")
        self.attacks = self._counter("security_events", "Failed log-ins and calls, by what Asterisk says.", "event")
        self.screened_calls = self._counter("screened_calls", "Calls of screened numbers, by outcome.", "outcome")
        self.banned = self._counter("addresses_banned", "Addresses shut out.")
        self.bugs = self._counter("bugs", "Exceptions of the board; the log has the traceback.")
        self.limits = self._counter("limit_reached", "Times a limit of config.yaml was reached.", "limit")
        self.handling = self._histogram("event_seconds", "Time the board took for an event.", HANDLING_S, "event")

    def _make_gauges(self) -> None:
        self.standby = self._gauge("standby_waiting", "1 while a second daemon waits to take over.")
        self.epoch = self._gauge("epoch", "Number of this run of the daemon.")
        self.inbox = self._gauge("inbox_events", "Events waiting to be handled.")
        self.backlog = self._gauge("journal_rows", "Rows waiting to be written.")
        self.lag = self._gauge("loop_lag_seconds", "Worst recent lateness of the event loop.")
        self.ari = self._gauge("ari", "What the ARI link says of itself: totals since the start, and levels.", "what")
        self.up = self._gauge("asterisk_up", "1 while the link to Asterisk works.")
        self.door = self._gauge("door_open", "1 while new calls are taken.")
        self.calls = self._gauge("calls", "Calls now, by state.", "state")
        self.agents = self._gauge("agents", "Agents now, by state.", "state")
        self.waiting = self._gauge("queue_waiting", "Callers waiting now.", "queue")
        self.longest = self._gauge("queue_longest_wait_seconds", "Longest wait of those waiting now.", "queue")
        self.ready = self._gauge("queue_agents_ready", "Ready agents with the queue's skills.", "queue")
        self.signed_in = self._gauge("queue_agents_signed_in", "Signed-in agents with the queue's skills.", "queue")
        self.bans = self._gauge("addresses_banned_now", "Addresses shut out now.")
        self.screened = self._gauge("numbers_screened", "Callers' numbers screened now.")
        self.appeals = self._gauge("appeals_waiting", "Of these, with an appeal that waits for a supervisor.")
        self.messages = self._gauge("messages", "Messages nobody has done yet, by box and state.", "box", "state")
        self.surge_armed = self._gauge("surge_armed", "1 while the surge plan takes steps by itself.")
        self.surge_drill = self._gauge("surge_drill", "1 during a drill of the surge plan.")
        self.surge_taken = self._gauge("surge_steps_taken", "Steps of the surge plan that hold, drills left out.")

    # -- fed by the loop --

    def watch(self, event: Event, effects: Sequence[Effect], seconds: float) -> None:
        """One event handled, what it caused, and the seconds the board took. Counted WATCHED_MAX at a time, or when
        the page is read: one by one costs three times as much."""
        self._watched.append((event, effects, seconds))
        if len(self._watched) >= WATCHED_MAX:
            self._count()

    def _count(self) -> None:
        watched, self._watched = self._watched, []
        for one in watched:
            self._watch(*one)

    def _watch(self, event: Event, effects: Sequence[Effect], seconds: float) -> None:
        kind = type(event)
        if kind not in self._handling:
            self._handling[kind] = self.handling.labels(kind.__name__)
        self._handling[kind].observe(seconds)
        if type(event) is CommandFailed:
            self.failed.labels(self._action(event.action), event.reason).inc()
        for effect in effects:
            if type(effect.fact if type(effect) is Note else effect) in _COUNTED:
                self.observe(effect)

    def observe(self, what: Effect | Fact) -> None:
        """One effect, or one fact by itself; most count nothing."""
        match what:
            case Note(fact):
                self._fact(fact)
            case Warn():
                self.warnings.inc()
            case _:
                self._fact(what)

    def _fact(self, fact: Effect | Fact) -> None:
        match fact:
            case DaemonStarted(epoch):
                self.epoch.set(epoch)
            case CallOpened():
                self.opened.inc()
            case CallRefused(_, reason):
                self.refused.labels(self._reason(reason)).inc()
                if reason == "calls-max":
                    self.limit_reached("calls_max")
            case CallClosed(_, by, _, cause):
                self.closed.labels(by, str(cause) if 0 <= cause <= 127 else "other").inc()
                if by == "limit":
                    self.limit_reached("call_s_max")
            case OfferMade(queue=queue):
                self.offers_made.labels(queue).inc()
            case OfferEnded(outcome=outcome):
                self.offers.labels(outcome).inc()
            case ItemOfferEnded(outcome=outcome):
                self.message_offers.labels(outcome).inc()
            case QueueLeft():
                self._queue_left(fact)
            case Connected(queue=queue):
                self.connected.labels(queue).inc()
            case TalkEnded(talk_s=talk_s):
                self.talk.observe(talk_s)
            case SurgeStepTaken(drill=False):
                self.surge_steps.inc()
            case AgentForced(to=to):
                self.forced.labels(to).inc()
            case TransferEnded(outcome=outcome):
                self.transfers.labels(outcome).inc()
            case Supervised(how=how):
                self.supervised.labels(how).inc()
            case RecordingMissed():
                self.unrecorded.inc()
            case RecordingStored():
                self.stored.inc()
            case PromptFailed():
                self.unheard.inc()
            case _:
                pass

    def _queue_left(self, left: QueueLeft) -> None:
        self.left.labels(left.queue, left.outcome).inc()
        if left.outcome == "full":
            self.limit_reached("waiting_max")
        if left.outcome == "timed-out":
            self.limit_reached("wait_s_max")
        if left.outcome not in ("full", "no-agents"):  # Those never waited.
            self.wait.labels(left.queue).observe(left.wait_s)

    def limit_reached(self, name: str) -> None:
        """A key of config.yaml's limits (inbox_max, journal_max, disk_free_mb …) was reached."""
        self.limits.labels(self._limit(name)).inc()

    # -- read --

    def sample(
        self, totals: Totals, queues: Iterable[QueueView], levels: Levels, surge: SurgeView | None = None
    ) -> None:
        """Set the gauges; call it just before `exposition`."""
        self.inbox.set(levels.inbox)
        self.backlog.set(levels.journal)
        self.lag.set(levels.lag_s)
        self._count_on(self.bugs, "bugs", levels.bugs)
        for kind, times in levels.unknown.items():
            self._count_on(self.unknown.labels(self._kind(kind)), f"unknown {kind}", times)
        for what, value in levels.ari.items():
            self.ari.labels(what).set(value)
        self.up.set(totals.link)
        self.door.set(not totals.door and not totals.draining)
        for call_state, count in totals.calls_by_state.items():
            self.calls.labels(str(call_state)).set(count)
        for agent_state, count in totals.agents_by_state.items():
            self.agents.labels(str(agent_state)).set(count)
        for queue in queues:
            self.waiting.labels(queue.name).set(queue.waiting)
            self.longest.labels(queue.name).set(queue.longest_wait_s)
            self.ready.labels(queue.name).set(queue.ready)
            self.signed_in.labels(queue.name).set(queue.signed_in)
        if surge is not None:
            taken = sum(step.taken_at is not None for step in surge.steps)
            self.surge_armed.set(surge.armed)
            self.surge_drill.set(surge.drill)
            self.surge_taken.set(0 if surge.drill else taken)

    def boxes(self, boxes: Iterable[BoxView]) -> None:
        """Messages as work; a box with none left has none in each state."""
        self.messages.clear()
        for box in boxes:
            counts = {"waiting": box.waiting, "offered": box.offered, "taken": box.taken, "overdue": box.overdue}
            for state, count in counts.items():
                self.messages.labels(box.name, state).set(count)

    def attacked(self, events: Mapping[str, int], made: int, held: int) -> None:
        """Security events by kind and bans, since the start; bans now."""
        for kind, times in events.items():
            self._count_on(self.attacks.labels(kind), f"attack {kind}", times)
        self._count_on(self.banned, "banned", made)
        self.bans.set(held)

    def harassed(self, screened: int, appeals: int, calls: Mapping[str, int]) -> None:
        """Numbers screened now, those whose appeal nobody has decided, and what became of calls of such numbers."""
        for outcome, total in calls.items():
            self._count_on(self.screened_calls.labels(outcome), f"screened {outcome}", total)
        self.screened.set(screened)
        self.appeals.set(appeals)

    def _count_on(self, counter: Counter, name: str, total: int) -> None:
        """Bring a counter up to a total somebody else keeps."""
        counter.inc(max(0, total - self._told[name]))
        self._told[name] = total

    def exposition(self) -> bytes:
        """The page: Prometheus text format 0.0.4, content type CONTENT_TYPE."""
        self._count()
        return generate_latest(self.registry)
