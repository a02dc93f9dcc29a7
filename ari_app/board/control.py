"""Call control: what agents and supervisors ask for, by API, CLI or keys, and what ends of their legs mean.

`ask` answers whether it was done, and in words why not.
"""

from typing import Final

from ari_app.board import consult, invite, scripts, supervise, talk, targets, transfer, voice, waiting, walk
from ari_app.board.codes import read_code
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Seat, Talk
from ari_app.board.seats import VANISHED, Outcome
from ari_app.board.targets import Target
from ari_app.flow.intents import QueueDone
from ari_app.flow.nodes import Queue
from ari_app.model.control import ControlAsked, HelpAsked, Supervision, TransferBegan, TransferEnded, TransferOutcome
from ari_app.model.effects import Mute, Play, Unmute
from ari_app.model.events import CommandFailed
from ari_app.model.facts import TalkEndedBy
from ari_app.model.ids import AgentId, LegId, QueueName, TransferId
from ari_app.model.states import AgentState, CallMove, CallState

SUPERVISE: Final[dict[str, Supervision]] = {
    "listen": "listen",
    "whisper": "whisper",
    "barge": "barge",
    "take-over": "take-over",
}
NOTE_MAX: Final = 200
_NO_CONSULT: Final = (False, "no consult under way")


def ask(floor: Floor, asked: ControlAsked, now: float) -> Outcome:
    """Carry out one wish."""
    seat = floor.seats.get(asked.agent)
    if seat is None:
        return False, f"no agent has the work number {asked.agent}"
    if asked.action in SUPERVISE or asked.action == "leave":
        return _supervise(floor, seat, asked, now)
    call = floor.calls.get(seat.call) if seat.call is not None else None
    if call is None or call.talk is None or call.talk.agent != seat.agent:
        return False, f"{seat.agent} is not in a talk with a caller"
    match asked.action:
        case "hold" | "resume":
            return _hold(floor, call, call.talk, asked.action == "hold", now)
        case "mute" | "unmute":
            return _mute(floor, call, call.talk, asked.action == "mute")
        case "transfer" | "consult":
            return _seek(floor, call, asked, now)
        case "complete" | "return" | "conference":
            return _consulting(floor, call, asked.action, now)
        case "script":
            return scripts.ask(floor, call, asked.target, now)
        case "nuisance":
            return scripts.nuisance(floor, call, now)
        case "survey":
            _end(floor, call, "survey", now)
            return True, "the caller goes on to the survey"
        case _:
            return _help(floor, call, call.talk, now)


# -- hold and mute --


def _hold(floor: Floor, call: Call, talking: Talk, on: bool, now: float) -> Outcome:
    if call.invite is not None:
        return False, "a consult is under way: complete it, or return to the caller"
    if on == talking.away:
        return True, "the caller is on hold already" if on else "the caller is not on hold"
    talk.hold(floor, call, away=on)
    if on:
        _await_reminder(floor, call, talking, now)
    return True, "the caller is on hold" if on else "the caller is back"


def _await_reminder(floor: Floor, call: Call, talking: Talk, now: float) -> None:
    at = floor.settings.agent_rules.hold_reminders_s
    if talking.reminded < len(at):
        before = at[talking.reminded - 1] if talking.reminded else 0.0
        floor.set_timer(call, "remind", now + max(0.1, at[talking.reminded] - before))


def _mute(floor: Floor, call: Call, talking: Talk, on: bool) -> Outcome:
    if on != talking.muted:
        talking.muted = on
        floor.do(Mute(call.id, talking.leg) if on else Unmute(call.id, talking.leg))
    return True, "muted" if on else "heard again"


def _tell(floor: Floor, call: Call, talking: Talk, *prompts: str) -> None:
    """To the agent alone."""
    talk.hush_agent(floor, call, talking)
    talking.said = floor.playback(call.id)
    floor.do(Play(call.id, talking.leg, talking.said, prompts, floor.settings.language))


def prompt_over(call: Call, playback: str) -> None:
    if call.talk is not None and call.talk.said == playback:
        call.talk.said = None


# -- transfer and consult --


def _seek(floor: Floor, call: Call, asked: ControlAsked, now: float) -> Outcome:
    blind = asked.action == "transfer"
    if blind and "transfer-blind" not in floor.settings.agents[asked.agent].may:
        return False, f"{asked.agent} may not transfer without consulting (config.yaml: may: [transfer-blind]); consult"
    if call.invite is not None:
        return False, "a consult is under way: complete it, or return to the caller"
    target = targets.named(floor.settings, asked.target, asked.number)
    if target is None:
        return False, f"nobody to be found under {asked.target!r}: a work number, queue:NAME, flow:NODE, number:DIGITS"
    if not blind and target.kind == "queue":
        found = targets.next_free(floor, QueueName(target.name)) if target.name in floor.settings.queues else None
        if target.name in floor.settings.queues and found is None:
            return False, f"nobody in queue {target.name} is free; transfer the caller there, or try later"
        target = Target("agent", found) if found is not None else target
    if not blind and target.kind == "flow":
        return False, "a flow cannot be consulted; transfer the caller there"
    if why := targets.why_not(floor, call, target) or (blind and _door(floor, call, target, now)) or "":
        return False, why
    call.note, call.passed_by = asked.value[:NOTE_MAX], asked.agent
    if blind:
        pass_on(floor, call, target, now)
        return True, f"transferred to {target.text}"
    if call.talk is not None:
        _mute(floor, call, call.talk, False)  # He wants to be heard by the one he consults.
    consult.begin(floor, call, target, now)
    return True, f"ringing {target.text}; the caller hears music"


def _door(floor: Floor, call: Call, target: Target, now: float) -> str:
    if target.kind != "queue":
        return ""
    refused = waiting.turned_away(floor, call, Queue(type="queue", queue=target.name), now)
    return f"queue {target.name} does not take callers now: {refused}" if refused is not None else ""


def pass_on(floor: Floor, call: Call, target: Target, now: float) -> None:
    by = call.passed_by
    talk.end_talk(floor, call, "transfer", now)
    call.to(CallMove.TALK_ENDS)
    if target.kind in ("agent", "number"):
        transfer.dial(floor, call, target, "blind", now)
        return
    there = TransferId(floor.mint.part(call.id, "x"))
    floor.note(TransferBegan(call.id, there, by, "blind", target.text, target.number))
    floor.note(TransferEnded(call.id, there, "completed"))
    if target.kind == "queue":
        _on(floor, call, transfer.back_to_queue(floor, call, now, target.name), now)
    elif (place := targets.place(call, target.name)) is not None:
        walk.go_to(floor, call, *place, now)


def _consulting(floor: Floor, call: Call, action: str, now: float) -> Outcome:
    asked = call.invite
    if asked is None:
        return _NO_CONSULT
    if action == "return":
        consult.give_back(floor, call, "returned", now)
        return True, "back with the caller"
    if not asked.answered:
        return False, f"{asked.target} has not answered yet"
    if action == "complete":
        consult.complete(floor, call, "transfer", now)
        return True, f"the caller is with {asked.target}"
    if not asked.joined:
        consult.conference(floor, call)
    return True, "all three talk together"


def _end(floor: Floor, call: Call, branch: str, now: float) -> None:
    """The agent leaves, the caller goes on in the flow."""
    talk.end_talk(floor, call, "survey" if branch == "survey" else "agent", now)
    call.to(CallMove.TALK_ENDS)
    walk.take(floor, call, QueueDone(branch), now)


def _on(floor: Floor, call: Call, branch: str | None, now: float) -> None:
    if branch is not None:
        walk.take(floor, call, QueueDone(branch), now)


# -- supervisors --


def _supervise(floor: Floor, seat: Seat, asked: ControlAsked, now: float) -> Outcome:
    mine = next((c for c in floor.calls.values() if c.watch is not None and c.watch.supervisor == seat.agent), None)
    if asked.action == "leave":
        if mine is None:
            return False, "no supervision under way"
        supervise.stop(floor, mine, now)
        return True, "left"
    how = SUPERVISE[asked.action]
    if "supervise" not in floor.settings.agents[seat.agent].may:
        return False, f"{seat.agent} may not supervise (config.yaml: may: [supervise])"
    if mine is not None and mine.watch is not None and asked.target in ("", mine.watch.agent):
        return _change(floor, mine, how, now)
    if how == "take-over":
        return False, "listen, whisper or barge first; then take over"
    watched = floor.seats.get(AgentId(asked.target))
    call = floor.calls.get(watched.call) if watched is not None and watched.call is not None else None
    if call is None or call.talk is None or call.talk.agent != asked.target:
        return False, f"{asked.target} is not in a talk with a caller" if asked.target else "say whom: target"
    if why := _not_free(floor, call, seat):
        return False, why
    supervise.start(floor, call, seat, how, now)
    return True, f"ringing {seat.phone}"


def _not_free(floor: Floor, call: Call, seat: Seat) -> str:
    if call.watch is not None:
        return f"{call.watch.supervisor} supervises it already"
    if seat.state not in (AgentState.READY, AgentState.NOT_READY):
        return f"{seat.agent} is {seat.state}: ready or not ready is asked for"
    return f"{seat.phone} is in use" if seat.leg is not None or floor.phones_used[seat.phone] else ""


def _change(floor: Floor, call: Call, how: Supervision, now: float) -> Outcome:
    if how != "take-over":
        supervise.change(floor, call, how, now)
        return True, how
    watch, talking = call.watch, call.talk
    assert watch is not None and talking is not None
    seat = floor.seats[watch.supervisor]
    if not watch.answered:
        return False, f"{watch.phone} has not answered yet"
    if call.invite is not None:
        return False, "a consult is under way"
    if seat.state not in (AgentState.READY, AgentState.NOT_READY) or seat.phone != watch.phone:
        return False, f"{seat.agent} is {seat.state} on {seat.phone}"
    supervise.take_over(floor, call, seat, now)
    talk.hand_over(floor, call, (watch.leg, seat.agent), "take-over", now)
    return True, "the call is yours"


def _help(floor: Floor, call: Call, talking: Talk, now: float) -> Outcome:
    """A free supervisor is rung, and begins by listening."""
    able = [
        seat
        for number, seat in floor.seats.items()
        if "supervise" in floor.settings.agents[number].may and number != talking.agent
    ]
    free = [seat for seat in able if not _not_free(floor, call, seat)]
    if not free:
        return False, "no supervisor is free" if able else "nobody may supervise (config.yaml: may: [supervise])"
    seat = min(free, key=lambda s: (s.idle_since, s.agent))
    floor.note(HelpAsked(call.id, talking.agent, seat.agent))
    supervise.start(floor, call, seat, "listen", now)
    return True, f"ringing {seat.agent}"


# -- keys --


def key(floor: Floor, call: Call, leg: LegId, digit: str, now: float) -> None:
    """A key on an agent's or a supervisor's phone."""
    talking, watch = call.talk, call.watch
    if talking is None or call.state is not CallState.TALKING:
        return
    if leg == talking.leg:
        typed, action, target = read_code(floor.settings.talk_codes, talking.typed + digit)
        talking.typed = typed
        if typed:
            floor.set_timer(call, "code", now + floor.settings.agent_rules.code_s)
            return
        floor.cancel_timer(call, "code")
        if action == "hold" and talking.away and call.invite is None:
            action = "resume"
        elif action == "mute" and talking.muted:
            action = "unmute"
        if action is None or action in SUPERVISE:
            return
        ok, _ = ask(floor, ControlAsked(talking.agent, action, target), now)
        if not ok:
            _tell(floor, call, talking, "not-possible-now")
    elif watch is not None and leg == watch.leg:
        watch.typed, action, _ = read_code(floor.settings.talk_codes, watch.typed + digit, supervisor=True)
        if action in SUPERVISE:
            _change(floor, call, SUPERVISE[action], now)


# -- timers, legs, failures --


def timer(floor: Floor, call: Call, name: str, now: float) -> None:
    talking = call.talk
    match name:
        case "remind" if talking is not None and talking.away:
            talking.reminded += 1
            _tell(floor, call, talking, *["beep"] * min(talking.reminded, 5), "hold-reminder")
            _await_reminder(floor, call, talking, now)
        case "code" if talking is not None:
            talking.typed = ""
        case "invite" | "invite-ringing" if call.invite is not None and not call.invite.answered:
            _lost(floor, call, "ran-out" if name == "invite" else "unreachable", now)
        case "watch":
            supervise.stop(floor, call, now)
        case _:
            pass


def awaits(call: Call, leg: LegId) -> bool:
    """Whether the answer of this leg, one of call control, is still waited for."""
    asked, watch = call.invite, call.watch
    if asked is not None and asked.leg == leg:
        return not asked.answered
    if watch is None:
        return False
    return (leg == watch.leg and not watch.answered) or (leg == watch.snoop and not watch.snooping)


def leg_answered(floor: Floor, call: Call, leg: LegId, now: float) -> bool:
    """Whether this leg is of call control: it answered."""
    asked, watch = call.invite, call.watch
    if asked is not None and asked.leg == leg:
        if not asked.answered:
            (consult if asked.how == "consult" else transfer).answered(floor, call, now)
        return True
    if watch is not None and leg in (watch.leg, watch.snoop):
        supervise.answered(floor, call, leg, now)
        return True
    return call.party is not None and call.party.leg == leg


def leg_ended(floor: Floor, call: Call, leg: LegId, cause: int, now: float) -> None:
    """A leg of a talk is gone, which is neither the caller's nor one of an offer."""
    asked, watch = call.invite, call.watch
    if call.talk is not None and call.talk.leg == leg:
        _agent_left(floor, call, "vanished" if cause in VANISHED else "agent", now)
    elif asked is not None and asked.leg == leg:
        _lost(floor, call, invite.outcome_of(asked, cause), now)
    elif call.party is not None and call.party.leg == leg:
        transfer.party_left(floor, call, now)
        call.to(CallMove.PARTY_LEAVES)
        walk.take(floor, call, QueueDone("next"), now)
    elif watch is not None and watch.leg == leg:
        supervise.stop(floor, call, now)
    elif watch is not None and watch.snoop == leg:
        watch.snoop = None


def _agent_left(floor: Floor, call: Call, by: TalkEndedBy, now: float) -> None:
    """Who consulted somebody gives the caller to him. Who rang somebody, or whose phone has vanished, gives him back to
    the queue, in his place."""
    asked = call.invite
    if asked is not None and asked.answered:
        consult.complete(floor, call, by, now)
    elif asked is not None or by == "vanished":
        talk.end_talk(floor, call, by, now)
        call.to(CallMove.TALK_ENDS)
        _on(floor, call, transfer.back_to_queue(floor, call, now, say=("please-wait",)), now)
    else:
        _end(floor, call, "next", now)


def _lost(floor: Floor, call: Call, outcome: TransferOutcome, now: float) -> None:
    """Whoever was rung or consulted is not, or no longer, there."""
    asked = call.invite
    assert asked is not None
    if asked.how != "consult":
        _on(floor, call, transfer.failed(floor, call, outcome, now), now)
        return
    consult.give_back(floor, call, outcome, now)
    if not asked.joined and call.talk is not None:
        _tell(floor, call, call.talk, "not-possible-now")


def ring_lost(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """A leg could not be rung, and perhaps it rings all the same; the fault is not the phone's."""
    if call.invite is not None and call.invite.leg == leg:
        _lost(floor, call, "failed", now)
    elif call.watch is not None and call.watch.leg == leg:
        supervise.stop(floor, call, now)
    else:
        floor.hang_up(call, leg, now)


def music_gone(floor: Floor, call: Call, leg: LegId) -> None:
    on_hold = call.talk is not None and call.talk.away
    if leg == call.leg and (on_hold or call.state is CallState.DIALLING) and call.playback is None:
        voice.music_again(floor, call)


def join_failed(floor: Floor, call: Call, event: CommandFailed, now: float) -> bool:
    """A supervisor, or the one consulted, could not be joined: that costs nobody his call."""
    if event.action not in ("Join", "MakeBridge") or event.reason in ("gone", "down"):
        return False
    watch, asked = call.watch, call.invite
    if watch is not None and event.target in (watch.leg, watch.snoop, watch.bridge):
        supervise.stop(floor, call, now)
        return True
    if asked is not None and event.target == asked.leg:
        _lost(floor, call, "failed", now)
        return True
    return False
