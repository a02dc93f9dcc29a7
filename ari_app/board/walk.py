"""The flow half of a call: inputs to the interpreter, its intents to effects on the caller's leg."""

from collections.abc import Mapping

from ari_app.board import bookings, closing, inbox, line, screening, situations, targets, transfer, voice, waiting
from ari_app.board.floor import Floor, Spoken
from ari_app.board.records import Call, Item, Script
from ari_app.flow import interpreter, script
from ari_app.flow.expression import Value
from ari_app.flow.intents import (
    Answered,
    Ask,
    Began,
    Book,
    Cleared,
    Connect,
    Cursor,
    End,
    Ended,
    Enqueue,
    Entered,
    Heard,
    Hush,
    Input,
    Intent,
    Key,
    Listen,
    MessageTaken,
    Place,
    QueueDone,
    Rated,
    Recorded,
    Say,
    Speak,
    SpeakAgain,
    Step,
    TakeMessage,
    Took,
    Unlisten,
    Unsaid,
    Unwait,
    Wait,
    Walk,
)
from ari_app.flow.model import LoadedFlow
from ari_app.flow.nodes import Callback, Voicemail
from ari_app.flow.secrets import asks_secret, secret_names
from ari_app.model import facts
from ari_app.model.effects import LookUp, MarkSecret, RecordMessage, Warn
from ari_app.model.events import LookedUp, MessageRecorded, MessageSpooled, SpeechBegan, SpeechEnded
from ari_app.model.facts import KeyTaken, LookUpDone, MessageLeft, NodeEntered, PromptFailed
from ari_app.model.ids import LegId, LookUpId, MessageId, Number, call_of
from ari_app.model.states import CallState

MESSAGE_GRACE_S = 0.2  # A message not ended by its key mostly ended with the caller: his leg's end follows within this.
NOTHING_S = 1.0  # Asterisk says 1 s of a recording that was silent from beginning to end (measured on 22.10).
STOPPED_S_MAX = 3.0  # How long the question for a secret waits for the end of a recording.
LOOK_UP_GRACE_S = 1.0  # Whoever looks up keeps the time himself; this is the net below.


def begin(floor: Floor, call: Call, flow: LoadedFlow, now: float) -> None:
    """Start a flow for a caller."""
    given = _pin(floor, call, flow, now)
    assert call.walk is not None
    _apply(floor, call, interpreter.begin(call.walk, now, given), now)


def go_on_at(floor: Floor, call: Call, flow: LoadedFlow, node: str, now: float) -> None:
    """For somebody called back: he is in the queue of this node, and his flow goes on from there."""
    call.cursor = Cursor(node, values=_pin(floor, call, flow, now))


def _pin(floor: Floor, call: Call, flow: LoadedFlow, now: float) -> dict[str, Value]:
    """The flow's version, and those of its subflows, are pinned for this call. The variables every flow has."""
    settings = floor.settings
    trunk = settings.trunks.get(call.via)
    trusted = trunk.caller_trusted if trunk is not None else call.via in settings.phones
    given: dict[str, Value] = {
        "caller": call.caller,
        "dialled": call.dialled,
        "trusted": trusted,
        "language": call.language,
        "vip": False,
        "last_agent": floor.familiar.agent_of(call.caller, now) or "",
    }
    call.walk, call.versions = walk_of(floor, flow, floor.flows), floor.versions
    return given


def walk_of(floor: Floor, flow: LoadedFlow, flows: Mapping[str, LoadedFlow]) -> Walk:
    """`flow` is the one it begins in, `flows` all there were then."""
    limits, secrets = floor.settings.limits, floor.secrets if flows is floor.flows else secret_names(flows.values())
    pinned = (flow, floor.zone, limits.steps_max, flows, floor.hours, floor.closures)
    return Walk(*pinned, outbound=floor.settings.outbound, shift_s=floor.shift_s, secrets=secrets)


def take(floor: Floor, call: Call, got: Input, now: float) -> None:
    """One input for the flow, or for the script that runs instead."""
    if call.script is not None:
        _follow(floor, call, got, now)
    elif call.walk is not None and call.cursor is not None:
        _apply(floor, call, interpreter.step(call.walk, call.cursor, got, now), now)
    elif call.walk is None and call.state is CallState.IN_FLOW and not call.refusing:
        closing.close(floor, call, "flow", 16, now)  # Called back, and his flow is no longer there.


def book(floor: Floor, call: Call, node: Callback, number: Number, now: float) -> str:
    """Book a call-back; the place of a caller who stepped aside from this queue becomes its own."""
    branch = bookings.book(floor, call, node, number, now)
    if branch != "full" and call.visit is not None:
        same = call.visit.queue == node.queue
        waiting.leave_queue(floor, call, "call-back" if same else "overflowed", now)
    return branch


def cleared(floor: Floor, call: Call, now: float) -> None:
    """The line is good again, or nobody listens to it any more: of interest to scripts outside of flows."""
    if call.script is not None:
        take(floor, call, Cleared(), now)


def begin_script(floor: Floor, call: Call, now: float) -> None:
    """From here on inputs go to `call.script`, until it is over."""
    assert call.walk is not None and call.script is not None
    name = call.script.place.situation
    _ran(floor, call, script.begin(name, call.walk.flow.situations.named[name]), now)


def again(floor: Floor, call: Call, now: float) -> None:
    """The caller's node, or the step of his script, once more: a crash took what he heard and pressed in it."""
    if call.walk is not None and call.script is not None:
        place = call.script.place
        _ran(floor, call, script.again(call.walk.flow.situations.named[place.situation], place), now)
    elif call.walk is not None and call.cursor is not None:
        _apply(floor, call, interpreter.again(call.walk, call.cursor, now), now)
    else:
        closing.close(floor, call, "flow", 16, now)  # Called back, and his flow is no longer there.


def _follow(floor: Floor, call: Call, got: Input, now: float) -> None:
    assert call.walk is not None and call.script is not None
    place = call.script.place
    _ran(floor, call, script.step(call.walk.flow.situations.named[place.situation], place, got), now)


def _ran(floor: Floor, call: Call, run: script.Run, now: float) -> None:
    """A step of a script. One at its end leads back: to his queue after a talk, to the message after a message."""
    assert call.script is not None
    where, name = call.script.where, call.script.place.situation
    for intent in run.intents:
        _carry_out(floor, call, intent, now)
    call.script = Script(run.at, where) if run.outcome is None else None
    if run.outcome is None:
        return
    line.forget(floor, call)
    if run.outcome == "hung-up":
        closing.close(floor, call, "flow", 16, now)
    elif run.outcome == "over" and where == "talking" and (desk := _desk(floor, call, name)) is not None:
        go_to(floor, call, *desk, now)
    elif run.outcome == "over":
        take(floor, call, QueueDone("next") if where == "talking" else MessageTaken(call.message_taken), now)
    elif where == "voicemail":
        take(floor, call, SpeakAgain(), now)
    elif (branch := transfer.back_to_queue(floor, call, now)) is not None:
        take(floor, call, QueueDone(branch), now)


def _desk(floor: Floor, call: Call, situation: str) -> tuple[str, str] | None:
    """Where a caller goes on who was warned as a nuisance: the automatic desk, if there is one."""
    assert call.walk is not None
    is_nuisance = call.walk.flow.situations.named[situation].trigger == "nuisance"
    there = floor.settings.screening.desk if is_nuisance else ""
    found = targets.place(call, there) if there else None
    if there and found is None:
        floor.do(Warn(f"screening.desk: no node {there!r} in the flows of this call", call.id))
    return found


def go_to(floor: Floor, call: Call, flow: str, node: str, now: float) -> None:
    """On at another node: an agent sent the caller there."""
    if call.walk is not None and call.cursor is not None:
        _apply(floor, call, interpreter.jump(call.walk, call.cursor, flow, node, now), now)


def _apply(floor: Floor, call: Call, step: Step, now: float) -> None:
    branch: str | None = ""
    while branch is not None:
        (call.cursor, intents), branch = step, None
        for intent in intents:
            branch = _carry_out(floor, call, intent, now)
        if branch is not None and call.walk is not None:
            step = interpreter.step(call.walk, call.cursor, QueueDone(branch), now)


def _carry_out(floor: Floor, call: Call, intent: Intent, now: float) -> str | None:
    """Returns the branch of a queue that did not take the caller: always the last intent of its step."""
    match intent:
        case Entered(node, kind):
            floor.note(NodeEntered(call.id, node, kind))
        case Took(node, key, accepted):
            floor.note(KeyTaken(call.id, node, key, accepted))
        case Say(prompts):
            _say(floor, call, prompts, now)
        case Hush():
            voice.hush(floor, call)
        case Wait(seconds):
            floor.set_timer(call, "flow", now + seconds)
        case Unwait():
            floor.cancel_timer(call, "flow")
        case Speak(language):
            call.language = language
        case Unsaid(node, why):
            floor.note(PromptFailed(call.id, node))
            floor.do(Warn(f"{node}: {why}", call.id))
        case Book(node, number):
            return book(floor, call, node, Number(number), now)
        case Ask():
            _ask(floor, call, intent, now)
        case TakeMessage(node, back):
            _take_message(floor, call, node, back, now)
        case Rated(question, key):
            floor.note(facts.Rated(call.id, question, key, call.talked_to))
        case Listen():
            situations.listen(floor, call)
        case Unlisten():
            situations.unlisten(floor, call)
        case Began(situation):
            where = call.script.where if call.script is not None else "in-flow"
            floor.note(facts.SituationBegan(call.id, situation, where))
        case Ended(situation, outcome, at):
            floor.note(facts.SituationEnded(call.id, situation, outcome, at))
        case Enqueue(node):
            return waiting.enqueue(floor, call, node, now)
        case Connect(node):
            return transfer.connect(floor, call, node, now)
        case End(looped):
            if looped:
                floor.do(Warn("flow broken off: too many nodes without waiting for the caller", call.id))
            closing.close(floor, call, "flow", 16, now)
    return None


def _say(floor: Floor, call: Call, prompts: tuple[str, ...], now: float) -> None:
    """A secret is asked for once nothing of the call is recorded any more, and that is confirmed."""
    if call.stopping and call.walk is not None and call.cursor is not None and asks_secret(call.walk, call.cursor):
        call.unasked = prompts
        floor.set_timer(call, "unasked", now + STOPPED_S_MAX)
    else:
        voice.say(floor, call, prompts)


def not_asked(floor: Floor, call: Call, now: float) -> None:
    """A recording may still be running: the secret is not asked for."""
    if call.unasked is not None:
        call.unasked = None
        floor.do(Warn("a secret was not asked for: it is not certain that the recording has stopped", call.id))
        take(floor, call, Recorded(), now)


def key(floor: Floor, call: Call, leg: LegId, digit: str, now: float) -> None:
    """A key of the caller; an agent's keys during a talk mean nothing yet."""
    if leg != call.leg or call.refusing:
        return
    match call.state:
        case CallState.IN_FLOW:
            if digit.isdigit() and call.walk and call.cursor and interpreter.is_secret(call.walk, call.cursor):
                floor.do(MarkSecret())
            if call.message is not None and call.walk is not None and call.cursor is not None:
                node = (call.cursor.flow or call.walk.flow).node(call.cursor.node)
                call.message_keyed |= isinstance(node, Voicemail) and digit == node.end_key
            take(floor, call, Key(digit), now)
        case CallState.QUEUED | CallState.RINGING | CallState.WHISPERING:
            if (branch := waiting.key(floor, call, digit, now)) is not None:
                take(floor, call, QueueDone(branch), now)
        case _:
            pass


def speech(floor: Floor, call: Call, event: SpeechBegan | SpeechEnded, now: float) -> None:
    """The caller speaks, or did."""
    if situations.spoke(floor, call, event, now):
        take(floor, call, Heard(), now)


# -- look-ups and messages --


def _ask(floor: Floor, call: Call, ask: Ask, now: float) -> None:
    call.lookup = LookUpId(floor.mint.part(call.id, "u"))
    call.asked_at = now
    floor.set_timer(call, "look-up", now + ask.timeout_s + LOOK_UP_GRACE_S)
    request = tuple(ask.request.items())
    floor.do(LookUp(call.id, call.lookup, ask.kind, ask.name, request, ask.timeout_s))


def looked_up(floor: Floor, call: Call, answer: LookedUp | None, now: float) -> None:
    """The answer to the look-up the flow waits for; None: there was none in time."""
    if call.lookup is None or (answer is not None and answer.lookup != call.lookup):
        return  # Of a look-up given up meanwhile.
    call.lookup = None
    floor.cancel_timer(call, "look-up")
    ok, reason = (answer.ok, answer.reason) if answer is not None else (False, "no answer in time")
    node = call.cursor.node if call.cursor is not None else ""
    floor.note(LookUpDone(call.id, node, ok, round(now - call.asked_at, 3), reason))
    values = {each.name: each.value for each in answer.values} if answer is not None else {}
    take(floor, call, Answered(ok, values), now)


def _take_message(floor: Floor, call: Call, node: Voicemail, back: str, now: float) -> None:
    call.message, call.message_keyed, call.message_at = MessageId(floor.mint.part(call.id, "m")), False, now
    line.listen(floor, call)
    floor.boxes[call.message] = Spoken(node.box, Number(back), call.caller, now)
    floor.do(RecordMessage(call.id, call.leg, call.message, node.max_s, node.silence_s, node.end_key))


def message_recorded(floor: Floor, event: MessageRecorded, now: float) -> None:
    """A voicemail message is over; 0 seconds: nothing was said, or it failed. The caller may be gone already."""
    owner, filed = call_of(event.message), floor.boxes.pop(event.message, None)
    if owner is None or filed is None:
        return
    call, (box, back, caller) = floor.calls.get(owner), (filed.box, filed.back, filed.caller)
    is_keyed = call is not None and call.message == event.message and call.message_keyed
    is_taken = event.seconds > (0.0 if is_keyed else NOTHING_S)
    if is_taken:
        floor.note(MessageLeft(owner, event.message, box, event.seconds, back))
        inbox.opened(floor, Item(event.message, owner, box, number=back or caller), now)
    if call is not None and call.message == event.message and call.state is CallState.IN_FLOW:
        call.message, call.message_taken = None, is_taken
        if call.message_taken:
            waiting.leave_queue(floor, call, "voicemail", now)
        if call.message_keyed:
            message_over(floor, call, now)
        else:
            floor.set_timer(call, "message", now + MESSAGE_GRACE_S)


def message_missed(floor: Floor, message: MessageId, now: float) -> None:
    """It is recorded no more, and its end was not heard of: it is kept, and lasted until now at most."""
    if (filed := floor.boxes.get(message)) is not None:
        seconds = round(max(now - filed.began_at, NOTHING_S + 0.1), 1)
        message_recorded(floor, MessageRecorded(message, seconds), now)


def message_spooled(floor: Floor, event: MessageSpooled, now: float) -> None:
    """A message left with Asterisk alone: there was no call of ours, so the caller's number stands with the message."""
    if (call := call_of(event.message)) is not None:
        box = floor.settings.screening.box if event.is_appeal else floor.settings.net.box
        floor.note(MessageLeft(call, event.message, box, event.seconds, event.caller, event.left_at))
        if event.message not in floor.items:
            inbox.opened(floor, Item(event.message, call, box, number=event.caller), event.left_at)
        if event.is_appeal:
            screening.appealed(floor, event.caller, event.message)


def message_over(floor: Floor, call: Call, now: float) -> None:
    """The caller is still there after his message: the flow goes on, once he was told that he is hard to hear."""
    name = situations.of(call).of_line("fax" if call.is_fax else call.verdict, "voicemail")
    if name is not None and not call.scripted:
        call.script, call.scripted = Script(Place(name), "voicemail"), True
        begin_script(floor, call, now)
        return
    line.forget(floor, call)
    take(floor, call, MessageTaken(call.message_taken), now)
