"""One ordered lane a call: an effect is sent when the one before it is answered; lanes go side by side.

Asterisk lets a request on a playing channel wait until the prompt ends (phones.md §0.2). So when a lane's head has
been waiting for PATIENCE_S, what can end the blockade (StopPlay, HangUp) overtakes, unless what it refers to (its
Play, its Ring) has not been answered yet. All later effects wait for the overtakers.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import structlog

from ari_app.ari.protocol import Reply, Request
from ari_app.errors import AsteriskError, Gone, RequestFailed
from ari_app.model.effects import (
    Announce,
    AsteriskEffect,
    Dial,
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

Ask: TypeAlias = Callable[[Request, bool], Awaitable[Reply]]
Encode: TypeAlias = Callable[[AsteriskEffect], tuple[Request, ...]]


@dataclass
class _Lane:
    waiting: deque[AsteriskEffect] = field(default_factory=deque)
    head: AsteriskEffect | None = None
    late: bool = False  # The head has been waiting for longer than PATIENCE_S.
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
                lane.head = lane.waiting.popleft()
                patience = loop.call_later(PATIENCE_S, self._impatient, lane)
                try:
                    await self._carry_out(lane.head, express=False)
                finally:
                    patience.cancel()
                    lane.head, lane.late = None, False
        finally:
            del self._lanes[key]

    def _impatient(self, lane: _Lane) -> None:
        lane.late = True
        self.counters["lanes_blocked"] += 1
        self._let_overtake(lane)

    def _let_overtake(self, lane: _Lane) -> None:
        before = [lane.head] if lane.head is not None else []
        kept: deque[AsteriskEffect] = deque()
        for effect in lane.waiting:
            if _frees(effect) and not any(_needs(effect, earlier) for earlier in before):
                self.counters["overtakings"] += 1
                task = self._start(self._carry_out(effect, express=True))
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

    async def _carry_out(self, effect: AsteriskEffect, express: bool) -> None:
        try:
            requests = self._encode(effect)
            if not requests and isinstance(effect, Play | Announce):
                self._on_event(PlaybackEnded(effect.playback, ok=False))  # Not one prompt of it exists.
            for request in requests:
                await self._send(effect, request, express)
        except TimeoutError:
            self._failed(effect, "timeout", "no answer in time")
        except RequestFailed as error:
            self._failed(effect, _reason(effect, error), f"{error.status} {error.reason}")
        except AsteriskError as error:
            self._failed(effect, "down", str(error))
        except Exception as error:
            log.exception("effect not carried out", action=type(effect).__name__, call=effect.call)
            self._failed(effect, "error", type(error).__name__)
        finally:
            self.pending -= 1

    async def _send(self, effect: AsteriskEffect, request: Request, express: bool) -> None:
        reply = await self._ask(request, express)
        if isinstance(effect, StopPlay):
            for _ in range(STOP_TRIES):
                if reply.status != 500:
                    break
                self.counters["stops_again"] += 1
                await asyncio.sleep(STOP_PAUSE_S)
                reply = await self._ask(request, express)
        if reply.status == 404 and request.quiet_404:
            self.counters["gone_quiet"] += 1
        elif reply.status == 409 and isinstance(effect, MakeBridge):
            self.counters["bridge_was_there"] += 1  # Ids are ours: the bridge of an earlier life of the daemon.
        else:
            reply.check()

    def _failed(self, effect: AsteriskEffect, reason: FailReason, detail: str) -> None:
        action, target = type(effect).__name__, target_of(effect)
        self.counters[f"failed_{reason}"] += 1
        if reason not in ("gone", "down"):
            log.warning("command failed", action=action, call=effect.call, target=target, reason=reason, detail=detail)
        self._on_event(CommandFailed(action, effect.call, target, reason, detail))


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


def _reason(effect: AsteriskEffect, error: RequestFailed) -> FailReason:
    if isinstance(error, Gone):
        return "gone"
    # addChannel and removeChannel say 400 for a channel that has ended, 422 for one no longer in the bridge or app.
    if isinstance(effect, Join | Leave) and error.status in (400, 422):
        return "gone"
    if error.status == 409 and "not in Stasis" in error.reason:
        return "gone"  # Hung up, and on its way out.
    # An unregistered phone: 500 "Allocation failed".
    if isinstance(effect, Ring | Dial) and error.status >= 500:
        return "unreachable"
    return "refused" if error.status in (409, 412, 422) else "error"


def target_of(effect: AsteriskEffect) -> str:
    """The id an effect is about, for CommandFailed.target."""
    match effect:
        case StopPlay(playback=playback) | Play(playback=playback) | Announce(playback=playback):
            return playback
        case RecordMessage(message=message):
            return message
        case Join(leg=leg) | Leave(leg=leg):
            return leg
        case _:
            return getattr(effect, "leg", "") or getattr(effect, "bridge", "")
