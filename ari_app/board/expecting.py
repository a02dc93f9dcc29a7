"""What a waiting caller is told of his place and his wait, and what the estimate of it is fed with."""

from ari_app.acd.model import Visit
from ari_app.acd.told import Minutes, next_told
from ari_app.board.floor import Floor, queue_of
from ari_app.board.records import Call, Seat, Told
from ari_app.flow.speech import speak
from ari_app.model.ids import QueueName
from ari_app.model.states import AgentState
from ari_app.model.work import (
    WaitTold,
)

AT_WORK = (AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP, AgentState.WORKING)
TIMERS = ("announce", "choices")  # Of a waiting caller.


def entered(floor: Floor, call: Call, now: float) -> None:
    assert call.visit is not None
    overtook = floor.engine.length(call.visit.queue) - floor.engine.position(call.id)
    floor.estimator.entered(call.visit.queue, now, overtook=overtook)
    call.told = Told()


def connected(floor: Floor, call: Call, queue: QueueName, now: float) -> None:
    """An agent has him: whatever he would still have been told is over."""
    floor.estimator.connected(queue, now - call.waits_since, now)
    quiet(floor, call)


def left(floor: Floor, call: Call, queue: QueueName, now: float) -> None:
    floor.estimator.abandoned(queue, now - call.waits_since, now)
    quiet(floor, call)


def quiet(floor: Floor, call: Call) -> None:
    for name in TIMERS:
        floor.cancel_timer(call, name)


def handled(floor: Floor, seat: Seat, now: float) -> None:
    """The agent's work for the caller he had is over, wrap-up included."""
    if seat.serving is not None:
        queue, since = seat.serving
        seat.serving = None
        floor.estimator.handled(queue, now - since, now)


def words(floor: Floor, call: Call, now: float) -> tuple[str, ...]:
    """His place, when it is new to him, and his expected wait: as prompts. What is told is remembered, and a fact."""
    visit, queue = call.visit, queue_of(floor, call)
    assert visit is not None
    position = floor.engine.position(call.id)
    said: list[str] = []
    if queue.announce_position and (not call.told.position or position < call.told.position):
        call.told.position = position
        said += _place(position, call.language)
    if queue.announce_wait and (minutes := _wait(floor, call, position, now)) is not None:
        low, high = minutes
        floor.note(WaitTold(call.id, visit.n, visit.queue, position, low * 60.0, high * 60.0))
        said += _range(low, high, call.language)
    return tuple(said)


def _wait(floor: Floor, call: Call, position: int, now: float) -> Minutes | None:
    assert call.visit is not None
    told, queue = call.told, call.visit.queue
    working = [seat.agent for seat in floor.seats.values() if seat.state in AT_WORK]
    servers = floor.engine.servers(queue, working)
    ahead = position - 1 - _booked_before(floor, call.visit)
    expected = floor.estimator.expect(queue, ahead, servers, now)
    before = (told.low_min, told.high_min) if told.high_min else None
    minutes = next_told(before, expected, staff_left=servers < told.servers)
    if minutes is not None:
        (told.low_min, told.high_min), told.servers = minutes, servers
    return minutes


def _booked_before(floor: Floor, mine: Visit) -> int:
    """Call-backs with better places. They cost him next to nothing: whose turn comes is dialled first, and meanwhile
    the agent takes the next one on the line. Who has confirmed waits like anybody, and counts."""
    places = floor.engine.places
    booked = (each.visit for each in floor.bookings.values() if each.id in places)
    return sum(visit.queue == mine.queue and visit.key < mine.key for visit in booked)


def _place(position: int, language: str) -> tuple[str, ...]:
    if position == 1:
        return ("position-next",)
    return ("position-is", *speak(str(position), "number", language), "position-after")


def _range(low: int, high: int, language: str) -> tuple[str, ...]:
    if high == 1:
        return ("wait-under-a-minute",)
    if low == 0:
        return ("wait-up-to", *_minutes(high, language), "wait-minutes")
    return ("wait-between", *_minutes(low, language), "wait-to", *_minutes(high, language), "wait-minutes")


def _minutes(minutes: int, language: str) -> tuple[str, ...]:
    if minutes == 2 and language == "zh-CN":
        return ("num-two-of",)  # 两分钟.
    return speak(str(minutes), "number", language)
