"""One ordered lane a call: what waits in it is sent together, over one socket, once all before it is answered; lanes
go side by side.

Asterisk lets a request on a playing channel wait until the prompt ends (phones.md §0.2). So what can end such a
blockade (StopPlay, HangUp) is never sent behind another effect, and when a lane has been waiting for PATIENCE_S it
overtakes, unless what it refers to (its Play, its Ring) has not been answered yet. All later effects wait for it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import structlog

from ari_app.ari.protocol import Reply, Request
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

Hear: TypeAlias = Callable[[Reply], Awaitable[None]]
Ask: TypeAlias = Callable[[Sequence[Request], Hear, bool], Awaitable[None]]
Encode: TypeAlias = Callable[[AsteriskEffect], tuple[Request, ...]]


@dataclass
class _Sent:
    """An effect of which something is not answered yet."""

    effect: AsteriskEffect
    requests: deque[Request]
    failed: bool = False


@dataclass
class _Lane:
    waiting: deque[AsteriskEffect] = field(default_factory=deque)
    sent: deque[_Sent] = field(default_factory=deque)
    late: bool = False  # They have been waiting for longer than PATIENCE_S.
    overtakers: set[asyncio.Task[None]] = field(default_factory=set)


class Lanes:
    """`put` never blocks; what fails comes back as CommandFailed through `on_event`."""

    def __init__(self, ask: Ask, encode: Encode, on_event: Callable[[Event], None]) -> None:
        self._ask, self._encode, self._on_event = ask, encode, on_event
        self._lanes: dict[CallId | None, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
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
            self._lanes[effect.call] = lane = _Lane()
            lane.waiting.append(effect)
            self._start(self._work(effect.call, lane))
            return
        lane.waiting.append(effect)
        if lane.late:
            self._let_overtake(lane)

    def drop(self) -> None:
        """The link is down: whatever waits fails with reason `down`. What is under way fails by itself."""
        for lane in self._lanes.values():
            while lane.waiting:
                effect = lane.waiting.popleft()
                self.pending -= 1
                self._failed(effect, "down", "")

    async def close(self) -> None:
        """Break off everything."""
        self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, key: CallId | None, lane: _Lane) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                while lane.overtakers:
                    await asyncio.wait(lane.overtakers)
                if not lane.waiting:
                    break
                lane.sent = self._prepared(_together(lane.waiting))
                patience = loop.call_later(PATIENCE_S, self._impatient, lane)
                try:
                    await self._carry_out(lane.sent, express=False)
                finally:
                    patience.cancel()
                    lane.late = False
        finally:
            del self._lanes[key]

    def _impatient(self, lane: _Lane) -> None:
        lane.late = True
        self.counters["lanes_blocked"] += 1
        self._let_overtake(lane)

    def _let_overtake(self, lane: _Lane) -> None:
        before = [one.effect for one in lane.sent]
        kept: deque[AsteriskEffect] = deque()
        for effect in lane.waiting:
            if _frees(effect) and not any(_needs(effect, earlier) for earlier in before):
                self.counters["overtakings"] += 1
                task = self._start(self._carry_out(self._prepared((effect,)), express=True))
                lane.overtakers.add(task)
                task.add_done_callback(lane.overtakers.discard)
            else:
                kept.append(effect)
                before.append(effect)
        lane.waiting = kept

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _prepared(self, effects: Iterable[AsteriskEffect]) -> deque[_Sent]:
        """Their requests; an effect without any is done with here."""
        sent = deque[_Sent]()
        for effect in effects:
            try:
                requests = deque(self._encode(effect))
            except Exception as error:
                self.pending -= 1
                self._bug(effect, error)
                continue
            if requests:
                sent.append(_Sent(effect, requests))
                continue
            self.pending -= 1
            if isinstance(effect, Play | Announce):
                self._on_event(PlaybackEnded(effect.playback, ok=False))  # Not one prompt of it exists.
        return sent

    async def _carry_out(self, sent: deque[_Sent], express: bool) -> None:
        """Ask for all of it at once; who is answered leaves `sent`, and an error fails the rest."""

        async def heard(reply: Reply) -> None:
            await self._answered(sent[0], reply)
            if not sent[0].requests:
                sent.popleft()
                self.pending -= 1

        try:
            if sent:
                await self._ask([request for one in sent for request in one.requests], heard, express)
        except TimeoutError:
            self._all_failed(sent, "timeout", "no answer in time")
        except AsteriskError as error:
            self._all_failed(sent, "down", str(error))
        except Exception as error:
            for one in sent:
                self._bug(one.effect, error)
        finally:
            self.pending -= len(sent)
            sent.clear()

    async def _answered(self, one: _Sent, reply: Reply) -> None:
        request = one.requests.popleft()
        if isinstance(one.effect, StopPlay) and reply.status == 500:
            reply = await self._stopped_again(request)
        if request.quiet_404 and _is_over(reply):
            self.counters["gone_quiet"] += 1
        elif reply.status == 409 and isinstance(one.effect, MakeBridge):
            self.counters["bridge_was_there"] += 1  # Ids are ours: the bridge of an earlier life of the daemon.
        elif not reply.ok and not one.failed:
            one.failed = True
            self._failed(one.effect, _reason(one.effect, reply), f"{reply.status} {reply.detail()}")

    async def _stopped_again(self, request: Request) -> Reply:
        """Over another socket: what was sent behind the stop may be waiting for it."""
        heard: list[Reply] = []

        async def hear(reply: Reply) -> None:
            heard.append(reply)

        for _ in range(STOP_TRIES):
            self.counters["stops_again"] += 1
            await asyncio.sleep(STOP_PAUSE_S)
            await self._ask((request,), hear, True)
            if heard[-1].status != 500:
                break
        return heard[-1]

    def _all_failed(self, sent: Iterable[_Sent], reason: FailReason, detail: str) -> None:
        for one in sent:
            if not one.failed:
                self._failed(one.effect, reason, detail)

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
