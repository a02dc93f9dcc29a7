"""The call to somebody who booked a call-back: he answers, hears who calls, and says by a key that he is there."""

from ari_app.board import bookings, closing, voice, waiting, walk
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.flow import speech
from ari_app.flow.nodes import Queue
from ari_app.model.facts import (
    KeyTaken,
)
from ari_app.model.work import (
    CallbackConfirmed,
)


def answered(floor: Floor, call: Call, now: float) -> None:
    if call.asked:
        return  # Said twice.
    floor.cancel_timer(call, "confirm")
    _ask(floor, call)


def again(floor: Floor, call: Call, is_up: bool, now: float) -> None:
    """After a crash: he may have answered meanwhile; one who was being asked is asked again."""
    if call.booking is None:
        closing.close(floor, call, "flow", 16, now)
    elif call.asked:
        call.asked -= 1
        floor.cancel_timer(call, "confirm")
        _ask(floor, call)
    elif is_up:
        answered(floor, call, now)


def _ask(floor: Floor, call: Call) -> None:
    rules = floor.settings.callbacks
    hello = ("callback-hello",) if not call.asked else ()
    call.asked += 1
    confirm = ("callback-confirm", *speech.speak(rules.confirm_key, "digits", call.language))
    cancel = ("callback-cancel", *speech.speak(rules.cancel_key, "digits", call.language))
    voice.say(floor, call, (*hello, *confirm, *cancel))


def prompt_over(floor: Floor, call: Call, now: float) -> None:
    call.playback = None
    if call.booking is None:
        closing.close(floor, call, "flow", 16, now)  # He cancelled it, and heard that.
    else:
        floor.set_timer(call, "confirm", now + floor.settings.callbacks.confirm_s)


def waited(floor: Floor, call: Call, now: float) -> None:
    """No key, or never answered: asked again, then it is a machine, or nobody."""
    if call.asked and call.asked < floor.settings.callbacks.confirm_times:
        _ask(floor, call)
    else:
        closing.close(floor, call, "flow", 16 if call.asked else 19, now)


def key(floor: Floor, call: Call, digit: str, now: float) -> None:
    rules = floor.settings.callbacks
    booking = floor.bookings.get(call.booking) if call.booking is not None else None
    if booking is None or not call.asked or digit not in (rules.confirm_key, rules.cancel_key):
        return
    floor.note(KeyTaken(call.id, "", digit, True))
    voice.hush(floor, call)
    floor.cancel_timer(call, "confirm")
    if digit == rules.cancel_key:
        call.booking = None
        bookings.end(floor, booking, "cancelled")
        bookings.let_next(floor, now)
        voice.say(floor, call, ("callback-cancelled",))
        return
    floor.note(CallbackConfirmed(call.id, booking.id))
    plan = floor.settings.numbers.get(booking.dialled)
    flow = floor.flows.get(plan.flow) if plan is not None else None
    node = flow.flow.nodes.get(booking.node) if flow is not None else None
    name = booking.visit.queue
    if flow is not None and isinstance(node, Queue) and node.queue == name:
        walk.go_on_at(floor, call, flow, booking.node, now)
    else:
        node = Queue(type="queue", queue=name)
    waiting.call_back(floor, call, node, bookings.confirmed(floor, booking, now), now)
