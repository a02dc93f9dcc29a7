"""How a call begins, what its prompts, timers and legs mean. The flow is in walk, waiting and talking in talk."""

from ari_app.board import (
    callback,
    choices,
    closing,
    control,
    offers,
    recording,
    seats,
    situations,
    stream,
    supervise,
    transfer,
    waiting,
    walk,
)
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.flow import hours
from ari_app.flow.intents import Heard, QueueDone, SaidAll, WaitedOut
from ari_app.flow.model import LoadedFlow, first_queue
from ari_app.flow.nodes import Queue
from ari_app.model.effects import Answer, HangUp, Leave, Play, StopPlay, Warn
from ari_app.model.events import CallArrived, CallerSeen, LegEnded
from ari_app.model.facts import CallOpened, CallRefused, LegOpened, NodeEntered, PromptFailed
from ari_app.model.ids import BridgeId, LegId, TimerId
from ari_app.model.settings import NumberPlan
from ari_app.model.states import CallState

SORRY = "please-wait"  # What a caller hears whose call was lost.
HANG_UP_AGAIN_S = 2.0  # Between tries to hang up a leg, while they fail.
PROMPT_GRACE_S = 0.2  # A failed prompt is mostly the caller hanging up: his leg's end follows within this.


# -- beginning --


def arrive(floor: Floor, event: CallArrived, now: float) -> None:
    """A caller's channel is ours: answer it, and start the flow of the number he dialled."""
    if event.leg not in floor.legs and (opened := _opened(floor, event, now)) is not None:
        walk.begin(floor, *opened, now)


def adopt(floor: Floor, seen: CallerSeen, bridge: BridgeId | None, now: float) -> bool:
    """A caller of whom nothing is known but that he is there: into the first queue that his number's flow leads to.

    Where it leads to none, the flow begins anew. `bridge`: an earlier daemon left him in it. False: the hotline has no
    such number.
    """
    if seen.dialled not in floor.settings.numbers:
        return False
    opened = _opened(floor, CallArrived(seen.leg, seen.caller, seen.dialled, seen.via), now, bridge)
    if opened is None:
        return True
    call, flow = opened
    floor.do(Warn("a caller of unknown origin", call.id))
    name = first_queue(flow)
    node = flow.node(name) if name is not None else None
    if name is None or not isinstance(node, Queue):
        walk.begin(floor, call, flow, now)
        return True
    walk.go_on_at(floor, call, flow, name, now)
    floor.note(NodeEntered(call.id, name, node.type))
    apology = () if SORRY in node.say else (SORRY,)
    branch = waiting.enqueue(floor, call, node.model_copy(update={"say": (*apology, *node.say)}), now)
    if branch is not None:
        walk.take(floor, call, QueueDone(branch), now)
    return True


def _opened(
    floor: Floor, event: CallArrived, now: float, bridge: BridgeId | None = None
) -> tuple[Call, LoadedFlow] | None:
    """A call of its own, answered; None: it is refused."""
    plan = floor.settings.numbers.get(event.dialled)
    flow = _flow(floor, plan, now) if plan is not None else None
    language = (plan.language if plan is not None else None) or floor.settings.language
    call = Call(floor.mint.call(), event.leg, event.caller, event.dialled, event.via, now, language)
    refusal = _refusal(floor, known=flow is not None)
    floor.calls[call.id] = call
    seats.phone_taken(floor, event.via)
    version = flow.version if flow is not None else ""
    floor.note(
        CallOpened(call.id, event.caller, event.dialled, event.via, flow.name if flow else "", version, language)
    )
    floor.leg_opened(LegOpened(call.id, call.leg, "caller"))
    floor.do(Answer(call.id, call.leg))
    if bridge is not None:
        floor.do(Leave(call.id, bridge, call.leg))
    floor.set_timer(call, "life", now + floor.settings.limits.call_s_max)
    if refusal is not None:
        _refuse(floor, call, refusal, now)
        return None
    assert flow is not None
    return call, flow


def _flow(floor: Floor, plan: NumberPlan, now: float) -> LoadedFlow | None:
    """The number's own; while the switch for faults is on, the one that answers every number."""
    fault = floor.settings.fault
    is_on = fault.hours is not None and hours.switched_off(floor.closures, fault.hours, now)
    instead = floor.flows.get(fault.flow or "") if is_on else None
    return instead or floor.flows.get(plan.flow)


def _refusal(floor: Floor, known: bool) -> tuple[str, str] | None:
    """Why a new call is refused, and the prompt that says so; None when it is welcome."""
    if floor.draining:
        return "draining", "all-circuits-busy"
    if floor.door:
        return floor.door, "all-circuits-busy"
    if len(floor.calls) - floor.refusing >= floor.settings.limits.calls_max:
        return "calls-max", "all-circuits-busy"
    return None if known else ("unknown-number", "unknown-number")


def _refuse(floor: Floor, call: Call, refusal: tuple[str, str], now: float) -> None:
    reason, prompt = refusal
    call.refusing = True
    floor.refusing += 1
    floor.note(CallRefused(call.id, reason))
    if floor.refusing > floor.settings.limits.calls_max:  # Even saying no has its limit.
        closing.close(floor, call, "refused", 34, now)
        return
    call.playback = floor.playback(call.id)
    floor.do(Play(call.id, call.leg, call.playback, (prompt,), call.language))


def prompt_over(floor: Floor, call: Call, playback: str, ok: bool, now: float) -> None:
    """A prompt ended. One that failed waits a moment: mostly the caller is hanging up."""
    if call.offer is not None and call.offer.whisper == playback:
        if ok:
            offers.whisper_over(floor, call, now)
        else:
            floor.set_timer(call, "whisper", now + PROMPT_GRACE_S)
    elif call.playback == playback:
        if ok:
            _heard(floor, call, now)
        else:
            floor.set_timer(call, "prompt", now + PROMPT_GRACE_S)
    else:
        control.prompt_over(call, playback)


def prompt_failed(floor: Floor, call: Call, now: float) -> None:
    """The caller is still there: the prompt was not heard. Note it, and go on as if it had been."""
    if call.playback is not None:
        call.untold = call.untold or call.notice is not None
        floor.note(PromptFailed(call.id, call.cursor.node if call.cursor else ""))
        _heard(floor, call, now)


def _heard(floor: Floor, call: Call, now: float) -> None:
    floor.cancel_timer(call, "prompt")
    if call.refusing:
        closing.close(floor, call, "refused", 16, now)
    elif call.state is CallState.CALLING_BACK:
        callback.prompt_over(floor, call, now)
    elif call.state is CallState.IN_FLOW:
        call.playback = None
        walk.take(floor, call, SaidAll(), now)
    elif call.state is CallState.DIALLING:
        call.playback = call.notice = None
        transfer.join_if_heard(floor, call, now)
    else:
        waiting.prompt_over(floor, call, now)


def missed_events(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """The link was lost: the end of what `leg` heard may have been missed; it is stopped and taken for failed."""
    offer = call.offer
    playback = call.playback if leg == call.leg else offer.whisper if offer and offer.leg == leg else None
    if playback is not None and call.state is not CallState.CLOSING:
        floor.do(StopPlay(call.id, playback))
        prompt_over(floor, call, playback, False, now)


def is_in_node(call: Call) -> bool:
    """Whether the flow waits for the caller, and not for the end of a message of his."""
    has_spoken = call.message is not None or TimerId(f"{call.id}.message") in call.timers
    return call.state is CallState.IN_FLOW and not call.refusing and not has_spoken


def timer(floor: Floor, call: Call, name: str, now: float) -> None:
    """One of the call's timers fired. Without a link nobody can choose, or hears anything: the flow stands still, and
    the node is begun anew when the link is back (link)."""
    if not floor.link and is_in_node(call) and name in ("flow", "prompt", "speech"):
        return
    match name:
        case "flow":
            walk.take(floor, call, WaitedOut(), now)
        case "look-up":
            walk.looked_up(floor, call, None, now)
        case "message":
            walk.message_over(floor, call, now)
        case "prompt":
            prompt_failed(floor, call, now)
        case "unasked":
            walk.not_asked(floor, call, now)
        case "whisper":
            offers.whisper_over(floor, call, now)
        case "offer-again":
            offers.offer_again(floor, call, now)
        case "wait":
            if waiting.waited_out(floor, call, now):
                walk.take(floor, call, QueueDone("timeout"), now)
        case "no-ringing" | "ring":
            if call.offer is not None and call.state is CallState.RINGING:
                offers.offer_failed(floor, call, "ran-out" if name == "ring" else "unreachable", 0, now)
        case "announce" | "choices":
            choices.due(floor, call, name, now)
        case "confirm":
            callback.waited(floor, call, now)
        case "relax":
            waiting.relax(floor, call, now)
        case "record-again":
            recording.again(floor, call)
        case "stream" | "ears":
            stream.timer(floor, call, name, now)
        case "speech":
            walk.take(floor, call, Heard(), now)
        case "long-agent" | "long-supervisor":
            situations.talk_lasts(floor, call, name, now)
        case "life":
            closing.close(floor, call, "limit", 16, now)
        case "remind" | "code" | "invite" | "invite-ringing" | "watch":
            control.timer(floor, call, name, now)
        case "hang-up":
            floor.do(*(HangUp(call.id, leg) for leg in sorted(call.doomed)))
        case "close":
            for leg in sorted(call.doomed):
                floor.let_go.add(leg)
                floor.do(HangUp(call.id, leg))
                leg_ended(floor, call, LegEnded(leg, 0), now)
        case _:
            raise AssertionError(f"no timer named {name}")


# -- end --


def leg_ended(floor: Floor, call: Call, ended: LegEnded, now: float) -> None:
    """A leg is gone; what it was decides what happens to the rest of the call."""
    leg, cause = ended.leg, ended.cause
    floor.leg_closed(call, leg, cause, ended.sip)
    if not call.doomed:
        floor.cancel_timer(call, "close")
    if leg == call.leg:
        closing.close(floor, call, "caller", cause, now)
    elif call.offer is not None and call.offer.leg == leg:
        offers.offer_failed(floor, call, offers.outcome_of(call.offer, cause), cause, now)
    else:
        control.leg_ended(floor, call, leg, cause, now)
    supervise.leg_gone(floor, leg)
    seat = next((s for s in floor.seats.values() if s.leg == leg), None) if leg != call.leg else None
    if seat is not None:
        seats.leg_gone(floor, seat, leg, now)
    if call.state is CallState.CLOSING and not call.legs:
        closing.finish(floor, call, now)


def ring_failed(floor: Floor, call: Call, leg: LegId, *, ours: bool, now: float) -> None:
    """A phone could not be rung. `ours`: the fault is not the phone's, and perhaps it does ring."""
    if ours and call.offer is not None and call.offer.leg == leg:
        offers.offer_botched(floor, call, now)
    elif ours and leg in call.legs and call.offer is None:
        control.ring_lost(floor, call, leg, now)
    elif leg in call.legs:
        leg_ended(floor, call, LegEnded(leg, 20), now)
