"""What a caller may choose while he waits: said when everybody is busy and at intervals; keys work at any time.

Whoever chooses voicemail or a call-back steps aside: his place is kept, unmatched, while his flow goes on.
"""

from ari_app.board import expecting, offers, voice
from ari_app.board.floor import Floor, queue_of
from ari_app.board.records import Call
from ari_app.flow import speech
from ari_app.flow.model import choice_prompts
from ari_app.model.effects import Leave
from ari_app.model.facts import KeyTaken
from ari_app.model.states import CallMove, CallState

AGAIN_S = 3.0  # While he hears something else, or an agent's phone rings.


def set_timers(floor: Floor, call: Call, now: float) -> None:
    """From now on he is told of his place, and of the choices, at their intervals."""
    if every_s := queue_of(floor, call).announce_every_s:
        floor.set_timer(call, "announce", now + every_s)
    if call.queue is not None and call.queue.choices is not None:
        floor.set_timer(call, "choices", now + call.queue.choices.every_s)


def first(floor: Floor, call: Call, now: float) -> None:
    """What he hears on entering is over, and nobody is free: his place, his wait, and what he may choose."""
    node = call.queue
    if call.state is not CallState.QUEUED or call.playback is not None or call.told.position or node is None:
        return
    set_timers(floor, call, now)
    said = expecting.words(floor, call, now) if queue_of(floor, call).announce_every_s else ()
    call.told.position = call.told.position or floor.engine.position(call.id)
    if node.choices is not None and node.choices.when_busy:
        said = ("all-agents-busy", *said, *_words(call))
    if said:
        voice.say(floor, call, said)


def due(floor: Floor, call: Call, name: str, now: float) -> None:
    """One of the intervals is over."""
    if call.state is not CallState.QUEUED or call.playback is not None:
        floor.set_timer(call, name, now + AGAIN_S)
        return
    set_timer_again = {"announce": queue_of(floor, call).announce_every_s}
    if call.queue is not None and call.queue.choices is not None:
        set_timer_again["choices"] = call.queue.choices.every_s
    floor.set_timer(call, name, now + set_timer_again[name])
    said = expecting.words(floor, call, now) if name == "announce" else _words(call)
    if said:
        voice.say(floor, call, said)


def _words(call: Call) -> tuple[str, ...]:
    assert call.queue is not None and call.queue.choices is not None
    choices = call.queue.choices
    spoken = zip(choice_prompts(choices), choices.keys, strict=True)
    return tuple(each for prompt, key in spoken for each in (prompt, *speech.speak(key, "digits", call.language)))


def take(floor: Floor, call: Call, digit: str, now: float) -> str | None:
    """A key while waiting; the branch of the flow he goes by, None: he stays."""
    node = call.queue
    if node is None or node.choices is None or digit not in node.choices.keys or call.notice is not None:
        return None
    if call.state is CallState.WHISPERING:
        return None  # An agent has answered: he is about to be joined.
    choice = node.choices.keys[digit]
    floor.note(KeyTaken(call.id, call.cursor.node if call.cursor is not None else "", digit, True))
    voice.hush(floor, call)
    if choice == "stay":
        voice.say(floor, call, ("choice-stay-thanks",))
        return None
    step_aside(floor, call, now)
    return choice


def step_aside(floor: Floor, call: Call, now: float) -> None:
    """Out of the music and back into the flow; the place is kept, but he cannot be matched."""
    if call.state is CallState.RINGING:
        offers.withdraw(floor, call, now)
    expecting.quiet(floor, call)
    for name in ("wait", "relax", "offer-again"):
        floor.cancel_timer(call, name)
    floor.do(Leave(call.id, voice.music_bridge(queue_of(floor, call).music), call.leg))
    floor.offer(floor.engine.suspend(call.id))
    call.to(CallMove.LEAVE_QUEUE)
