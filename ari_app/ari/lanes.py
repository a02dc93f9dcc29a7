"""One ordered lane a call: what waits in it is sent together, over one socket, once all before it is answered; lanes
go side by side.

Asterisk lets a request on a playing channel wait until the prompt ends (phones.md §0.2). So what can end such a
blockade (StopPlay, HangUp) is never sent behind another effect, and when a lane has been waiting for PATIENCE_S it
overtakes, unless what it refers to (its Play, its Ring) has not been answered yet. All later effects wait for it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import structlog

from ari_app.ari.protocol import Hears, Reply, Request
from ari_app.errors import AsteriskError
from ari_app.model.effects import (
    Announce,
    AskMessage,
    AsteriskEffect,
    Dial,
    DropBridge,
    HangUp,
    Join,
    Leave,
    MakeBridge,
    Play,
    RecordMessage,
    Ring,
    Snoop,
    StopPlay,
)
from ari_app.model.events import CommandFailed, Event, FailReason, PlaybackEnded
from ari_app.model.ids import CallId

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 0.02  # An unblocked request takes 0.3 ms at the 99th percentile (phones.md §2.8).
# For an instant after its start a playback cannot be stopped: 500 "Could not stop playback" (seen under load).
STOP_TRIES: Final = 20
STOP_PAUSE_S: Final = 0.01
LANE_MAX: Final = 500  # Effects waiting in one lane; hang-ups are never refused.

Ask: TypeAlias = Callable[[Sequence[Request], Hears, bool], None]
Encode: TypeAlias = Callable[[AsteriskEffect], tuple[Request, ...]]


@dataclass(eq=False)
class _Sent:
    """An effect of which something is not answered yet."""

    effect: AsteriskEffect
    left: int  # Requests.
    failed: bool = False


@dataclass
class _Lane:
    call: CallId | None
    waiting: deque[AsteriskEffect] = field(default_factory=deque)
    sent: "_Round | None" = None
    overtakers: int = 0  # Rounds.
    late: asyncio.TimerHandle | None = None  # Rings when they have been waiting for PATIENCE_S.
    is_late: bool = False

    @property
    def under_way(self) -> bool:
        return self.sent is not None or self.overtakers > 0


@dataclass(eq=False)
class _Round:
    """Effects sent together, and what is not answered of them, in order. `over` is told when all is done with."""

    lanes: "Lanes"
    due: deque[tuple[_Sent, Request]]
    over: Callable[[], None]
    parts: int = 1  # Itself, and stops that are repeated: what must end before it is over.

    @property
    def effects(self) -> list[AsteriskEffect]:
        return [one.effect for one, _ in self.due]

    def answered(self, reply: Reply) -> None:
        one, request = self.due.popleft()
        if isinstance(one.effect, StopPlay) and reply.status == 500:
            self.parts += 1
            self.lanes.repeat(_Again(self, one, request))
        else:
            self.judged(one, request, reply)

    def judged(self, one: _Sent, request: Request, reply: Reply) -> None:
        one.left -= 1
        self.lanes.judge(one, request, reply)

    def ended(self, problem: Exception | None) -> None:
        if problem is not None:
            for one in dict.fromkeys(one for one, _ in self.due):
                self.lanes.give_up(one, problem)
            self.due.clear()
        self.less()

    def less(self) -> None:
        self.parts -= 1
        if not self.parts:
            self.over()


@dataclass(eq=False)
class _Again:
    """A stop that Asterisk refused at first goes over another socket: what was sent behind it may be waiting for it."""

    round: _Round
    one: _Sent
    request: Request
    tries: int = 0

    def answered(self, reply: Reply) -> None:
        if reply.status == 500 and self.tries < STOP_TRIES:
            self.round.parts += 1
            self.round.lanes.repeat(self)
        else:
            self.round.judged(self.one, self.request, reply)

    def ended(self, problem: Exception | None) -> None:
        if problem is not None:
            self.round.lanes.give_up(self.one, problem)
        self.round.less()


class Lanes:
    """`put` never blocks; what fails comes back as CommandFailed through `on_event`."""

    def __init__(self, ask: Ask, encode: Encode, on_event: Callable[[Event], None]) -> None:
        self._ask, self._encode, self._on_event = ask, encode, on_event
        self._lanes: dict[CallId | None, _Lane] = {}
        self._fresh: list[_Lane] = []  # Idle until now: they begin once all of this step has been put.
        self.pending = 0
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        """Lanes alive: those with something to do."""
        return len(self._lanes)

    def put(self, effect: AsteriskEffect) -> None:
        """Carry it out after everything put before it for the same call."""
        lane = self._lanes.get(effect.call)
        if lane is not None and len(lane.waiting) >= LANE_MAX and not isinstance(effect, HangUp):
            self._failed(effect, "error", f"more than {LANE_MAX} effects waiting")
            return
        self.pending += 1
        if lane is None:
            self._lanes[effect.call] = lane = _Lane(effect.call)
            if not self._fresh:
                asyncio.get_running_loop().call_soon(self._begin)
            self._fresh.append(lane)
        lane.waiting.append(effect)
        if lane.is_late:
            self._let_overtake(lane)

    def drop(self) -> None:
        """The link is down: whatever waits fails with reason `down`. What is under way fails by itself."""
        for lane in self._lanes.values():
            while lane.waiting:
                effect = lane.waiting.popleft()
                self.pending -= 1
                self._failed(effect, "down", "")

    def close(self) -> None:
        """Nothing more is sent; of what is under way nobody is told."""
        self.drop()
        for lane in self._lanes.values():
            if lane.late is not None:
                lane.late.cancel()
        self._lanes.clear()
        self._fresh.clear()
        self.pending = 0

    # ---- rounds of a lane ----

    def _begin(self) -> None:
        fresh, self._fresh = self._fresh, []
        for lane in fresh:
            self._go_on(lane)

    def _go_on(self, lane: _Lane) -> None:
        """Send what waits, once all before it is done with."""
        while lane.waiting and not lane.under_way:
            if due := self._prepared(_together(lane.waiting)):
                lane.sent = sent = _Round(self, due, lambda: self._over(lane))
                lane.late = asyncio.get_running_loop().call_later(PATIENCE_S, self._impatient, lane)
                self._send(sent, express=False)
        if not lane.under_way and self._lanes.get(lane.call) is lane:
            del self._lanes[lane.call]

    def _over(self, lane: _Lane) -> None:
        if lane.late is not None:
            lane.late.cancel()
        lane.sent, lane.is_late = None, False
        self._go_on(lane)

    def _impatient(self, lane: _Lane) -> None:
        lane.is_late = True
        self.counters["lanes_blocked"] += 1
        self._let_overtake(lane)

    def _let_overtake(self, lane: _Lane) -> None:
        before = lane.sent.effects if lane.sent is not None else []
        kept: deque[AsteriskEffect] = deque()
        for effect in lane.waiting:
            if _frees(effect) and not any(_needs(effect, earlier) for earlier in before):
                self.counters["overtakings"] += 1
                if due := self._prepared((effect,)):
                    lane.overtakers += 1
                    self._send(_Round(self, due, lambda: self._overtaken(lane)), express=True)
            else:
                kept.append(effect)
                before.append(effect)
        lane.waiting = kept

    def _overtaken(self, lane: _Lane) -> None:
        lane.overtakers -= 1
        self._go_on(lane)

    def _prepared(self, effects: Iterable[AsteriskEffect]) -> deque[tuple[_Sent, Request]]:
        """Their requests; an effect without any is done with here."""
        due = deque[tuple[_Sent, Request]]()
        for effect in effects:
            try:
                requests = self._encode(effect)
            except Exception as error:
                self.pending -= 1
                self._bug(effect, error)
                continue
            one = _Sent(effect, len(requests))
            due.extend((one, request) for request in requests)
            if not requests:
                self.pending -= 1
                if isinstance(effect, Play | Announce):
                    self._on_event(PlaybackEnded(effect.playback, ok=False))  # Not one prompt of it exists.
        return due

    def _send(self, sent: _Round, express: bool) -> None:
        self._ask([request for _, request in sent.due], sent, express)

    # ---- what a round is told ----

    def repeat(self, stop: _Again) -> None:
        """Ask for it again, soon."""
        self.counters["stops_again"] += 1
        stop.tries += 1
        asyncio.get_running_loop().call_later(STOP_PAUSE_S, self._ask, (stop.request,), stop, True)

    def judge(self, one: _Sent, request: Request, reply: Reply) -> None:
        """What a reply says of its effect."""
        if request.quiet_404 and _is_over(reply):
            self.counters["gone_quiet"] += 1
        elif reply.status == 409 and isinstance(one.effect, MakeBridge):
            self.counters["bridge_was_there"] += 1  # Ids are ours: the bridge of an earlier life of the daemon.
        elif not reply.ok and not one.failed:
            one.failed = True
            self._failed(one.effect, _reason(one.effect, reply), f"{reply.status} {reply.detail()}")
        if not one.left:
            self.pending -= 1

    def give_up(self, one: _Sent, problem: Exception) -> None:
        """No more answers come."""
        self.pending -= 1
        if one.failed:
            return
        match problem:
            case TimeoutError():
                self._failed(one.effect, "timeout", "no answer in time")
            case AsteriskError():
                self._failed(one.effect, "down", str(problem))
            case _:
                self._bug(one.effect, problem)

    def _bug(self, effect: AsteriskEffect, error: Exception) -> None:
        log.error("effect not carried out", action=type(effect).__name__, call=effect.call, exc_info=error)
        self._failed(effect, "error", type(error).__name__)

    def _failed(self, effect: AsteriskEffect, reason: FailReason, detail: str) -> None:
        action, target = type(effect).__name__, target_of(effect)
        self.counters[f"failed_{reason}"] += 1
        if reason not in ("gone", "down"):
            log.warning("command failed", action=action, call=effect.call, target=target, reason=reason, detail=detail)
        self._on_event(CommandFailed(action, effect.call, target, reason, detail))


def _together(waiting: deque[AsteriskEffect]) -> list[AsteriskEffect]:
    """Take what may be sent at once: an effect, and all behind it up to one that must be free to overtake them.

    Nothing goes along behind a bridge that is dropped: whoever was in it leaves it a moment later, and a prompt that
    reaches him before that may never end (seen under load, ten talks ending together).
    """
    taken = [waiting.popleft()]
    while waiting and not _frees(waiting[0]) and not isinstance(taken[-1], DropBridge):
        taken.append(waiting.popleft())
    return taken


def _frees(effect: AsteriskEffect) -> bool:
    return isinstance(effect, StopPlay | HangUp)


def _needs(effect: AsteriskEffect, earlier: AsteriskEffect) -> bool:
    """Whether `effect` would come to nothing before `earlier` is done."""
    match effect, earlier:
        case StopPlay(playback=playback), (Play() | Announce()) as play:
            return play.playback == playback
        case HangUp(leg=leg), (Ring() | Dial() | Snoop()) as ring:
            return ring.leg == leg
        case _:
            return False


def _is_over(reply: Reply) -> bool:
    """Gone, or hung up and on its way out."""
    return reply.status == 404 or (reply.status == 409 and "not in Stasis" in reply.detail())


def _reason(effect: AsteriskEffect, reply: Reply) -> FailReason:
    status = reply.status
    # addChannel and removeChannel say 400 for a channel that has ended, 422 for one no longer in the bridge or app.
    if _is_over(reply) or (isinstance(effect, Join | Leave) and status in (400, 422)):
        return "gone"
    # An unregistered phone: 500 "Allocation failed".
    if isinstance(effect, Ring | Dial) and status >= 500:
        return "unreachable"
    return "refused" if status in (409, 412, 422) else "error"


def target_of(effect: AsteriskEffect) -> str:
    """The id an effect is about, for CommandFailed.target."""
    match effect:
        case StopPlay(playback=playback) | Play(playback=playback) | Announce(playback=playback):
            return playback
        case RecordMessage(message=message) | AskMessage(message=message):
            return message
        case Join(leg=leg) | Leave(leg=leg):
            return leg
        case _:
            return getattr(effect, "leg", "") or getattr(effect, "bridge", "")
