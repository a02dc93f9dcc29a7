"""The queue half of a call: waiting, offers, whisper, talk, recording. The flow half is in call."""

from datetime import datetime

from ari_app.acd.engine import Match, Visit, rank
from ari_app.board import recording, seats
from ari_app.board.floor import Call, Floor, Offer, Seat, Talk
from ari_app.flow import hours, speech
from ari_app.flow.nodes import Queue
from ari_app.model.effects import (
    Announce,
    DropBridge,
    Join,
    Leave,
    MakeBridge,
    Play,
    Ring,
    StopPlay,
)
from ari_app.model.events import ALL_HOURS
from ari_app.model.facts import (
    ClosedBy,
    Connected,
    HoldBegan,
    HoldEnded,
    LegOpened,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRang,
    Queued,
    QueueLeft,
    RecordingRefused,
    TalkEnded,
    VisitOutcome,
)
from ari_app.model.ids import BridgeId, LegId, OfferId, QueueName
from ari_app.model.settings import Queue as QueueSettings
from ari_app.model.settings import RecordingPolicy
from ari_app.model.states import AgentMove, AgentState, CallMove, CallState

OFFER_AGAIN_S = 1.0  # After a phone could not be rung through no fault of its own.


def music_bridge(music: str) -> BridgeId:
    """The holding bridge of a music class: one for all waiting callers, the same over boots."""
    return BridgeId(f"music-{music}")


def queue_of(floor: Floor, call: Call) -> QueueSettings:
    assert call.queue is not None
    return floor.settings.queues[call.queue.queue]


# -- waiting --


def enqueue(floor: Floor, call: Call, node: Queue, now: float) -> str | None:
    """Into the queue; returns the flow's branch (`closed`, `full`, `no_agents`) when the caller cannot wait there."""
    name, settings = QueueName(node.queue), floor.settings.queues[node.queue]
    call.visits += 1
    if (refused := _turned_away(floor, call, node, now)) is not None:
        floor.note(QueueLeft(call.id, call.visits, name, refused, 0.0))
        return refused.replace("-", "_")
    call.queue, call.visit = node, Visit(call.id, call.visits, name, node.priority, now, rank(now, node.priority))
    call.to(CallMove.ENQUEUE)
    match = floor.engine.enter(call.visit)
    position = floor.engine.position(call.id)
    floor.note(Queued(call.id, call.visits, name, node.priority, call.visit.rank, position))
    floor.set_timer(call, "wait", now + settings.wait_s_max)
    call.music = "joined"
    floor.do(Join(call.id, music_bridge(settings.music), call.leg))
    _say_while_waiting(floor, call, node, settings.recording)
    if match is not None:
        make_offer(floor, match, now)
    return None


def music_gone(floor: Floor, call: Call) -> None:
    """Joining a waiting caller to his music failed because one of them is gone: if it was the music, make it anew."""
    if call.state in (CallState.QUEUED, CallState.RINGING) and call.music == "joined":
        music = queue_of(floor, call).music
        floor.do(MakeBridge(None, music_bridge(music), "holding", music))
        call.music = "wanted"
        if call.playback is None:
            _join_music(floor, call)


def _join_music(floor: Floor, call: Call) -> None:
    call.music = "joined again"
    floor.do(Join(call.id, music_bridge(queue_of(floor, call).music), call.leg))


def _turned_away(floor: Floor, call: Call, node: Queue, now: float) -> VisitOutcome | None:
    """Why nobody can wait in this queue just now; None when he can."""
    queue = floor.settings.queues[node.queue]
    if hours.closed_by_hand(floor.closures, queue.hours or ALL_HOURS, now):
        return "closed"
    if queue.hours is not None:
        shift_s = call.walk.shift_s if call.walk is not None else 0.0
        local = datetime.fromtimestamp(now + shift_s, floor.zone)
        if hours.state(floor.hours[queue.hours], local) != "open":
            return "closed"
    if floor.engine.length(QueueName(node.queue)) >= queue.waiting_max:
        return "full"
    signed_in = [s.agent for s in floor.seats.values() if s.state is not AgentState.SIGNED_OUT]
    if node.on_no_agents is not None and not floor.engine.servers(QueueName(node.queue), signed_in):
        return "no-agents"
    return None


def _say_while_waiting(floor: Floor, call: Call, node: Queue, policy: RecordingPolicy) -> None:
    """The recording notice first, alone, since nobody may be joined before its end; then the node's own prompts."""
    refuse = speech.speak(policy.refuse_key, "digits", call.language)  # The prompt ends with: please press …
    notice = {"announce": ("recording-notice",), "ask": ("recording-notice-ask", *refuse)}.get(policy.policy)
    if notice and not call.recording_refused:
        call.notice = call.playback = floor.playback(call.id)
        floor.do(Play(call.id, call.leg, call.notice, notice, call.language))
    elif node.say:
        _say(floor, call, node.say)


def _say(floor: Floor, call: Call, prompts: tuple[str, ...]) -> None:
    call.playback = floor.playback(call.id)
    floor.do(Play(call.id, call.leg, call.playback, prompts, call.language, call.audio))


def hush(floor: Floor, call: Call) -> None:
    """Stop what the caller hears; must stand before any Join or Leave of that leg (asterisk.md: requests wait)."""
    floor.cancel_timer(call, "prompt")
    if call.playback is not None:
        floor.do(StopPlay(call.id, call.playback))
        call.playback = call.notice = None


def prompt_over(floor: Floor, call: Call, now: float) -> None:
    """What the waiting caller heard is over."""
    was_notice, call.playback, call.notice = call.notice is not None, None, None
    if call.music == "wanted" and call.state is not CallState.WHISPERING:
        _join_music(floor, call)
    if was_notice:
        if call.state is CallState.WHISPERING:
            _join_if_heard(floor, call, now)
        elif call.queue and call.queue.say:
            _say(floor, call, call.queue.say)


def key(floor: Floor, call: Call, digit: str, now: float) -> None:
    """The only key that counts while waiting: the one that refuses the recording, where the policy asks."""
    policy = queue_of(floor, call).recording
    if policy.policy != "ask" or digit != policy.refuse_key or call.recording_refused or call.recording:
        return
    call.recording_refused = True
    assert call.visit is not None
    floor.note(RecordingRefused(call.id, call.visit.queue))
    hush(floor, call)
    if call.state is CallState.WHISPERING:
        _join_if_heard(floor, call, now)
    else:
        _say(floor, call, ("recording-off",))


def leave_queue(floor: Floor, call: Call, outcome: VisitOutcome, now: float) -> None:
    """The visit ends. The offer, if any, is withdrawn."""
    if call.visit is None:
        return
    if call.offer is not None:
        withdraw(floor, call, now)
    visit, call.visit = call.visit, None
    floor.engine.leave(call.id)
    floor.cancel_timer(call, "wait")
    floor.cancel_timer(call, "offer-again")
    floor.note(QueueLeft(call.id, visit.n, visit.queue, outcome, round(now - visit.since, 3)))


def waited_out(floor: Floor, call: Call, now: float) -> bool:
    """wait_s_max is over. False while an agent is about to be joined: then the caller waits those seconds more."""
    if call.state is CallState.WHISPERING or call.visit is None:
        return False
    if call.state is CallState.RINGING:
        withdraw(floor, call, now)
    assert call.queue is not None
    hush(floor, call)
    floor.do(Leave(call.id, music_bridge(queue_of(floor, call).music), call.leg))
    leave_queue(floor, call, "timed-out", now)
    call.to(CallMove.LEAVE_QUEUE)
    return True


# -- offers --


def make_offer(floor: Floor, match: Match, now: float) -> None:
    """Ring the agent. The offer is in the store before the phone rings."""
    call, seat = floor.calls[match.visit.call], floor.seats[match.agent]
    queue = queue_of(floor, call)
    leg = LegId(floor.mint.part(call.id, "l"))
    call.to(CallMove.OFFER)
    call.offer = Offer(leg, seat.agent, seat.phone, now)
    floor.leg_opened(LegOpened(call.id, leg, "agent", seat.phone))
    seats.reserve(floor, seat, call.id, leg, now)
    floor.note(OfferMade(call.id, OfferId(leg), match.visit.n, match.visit.queue, seat.agent, seat.phone))
    floor.do(Ring(call.id, leg, seat.phone, call.caller, match.visit.queue, queue.ring_s))
    floor.set_timer(call, "no-ringing", now + floor.settings.agent_rules.no_ringing_s)
    floor.set_timer(call, "ring", now + queue.ring_s + 2)  # Asterisk ends the ringing itself; this is the net below.


def ringing(floor: Floor, call: Call, leg: LegId) -> None:
    if call.offer is not None and call.offer.leg == leg and not call.offer.rang:
        call.offer.rang = True
        floor.cancel_timer(call, "no-ringing")
        floor.note(OfferRang(call.id, OfferId(leg)))


def _end_offer(floor: Floor, call: Call, outcome: OfferOutcome, cause: int = 0) -> Offer:
    offer, call.offer = call.offer, None
    assert offer is not None
    floor.cancel_timer(call, "no-ringing")
    floor.cancel_timer(call, "ring")
    floor.cancel_timer(call, "whisper")
    floor.note(OfferEnded(call.id, OfferId(offer.leg), offer.agent, outcome, cause))
    return offer


def withdraw(floor: Floor, call: Call, now: float) -> None:
    """The caller is gone or waited too long: the phone stops ringing, the agent is ready again when its leg is gone."""
    _take_back(floor, call, "withdrawn", now)


def _take_back(floor: Floor, call: Call, outcome: OfferOutcome, now: float) -> None:
    """The offer ends through no fault of the agent's."""
    offer = _end_offer(floor, call, outcome)
    seat = floor.seats[offer.agent]
    seat.withdrawn = True
    if call.state in (CallState.RINGING, CallState.WHISPERING):
        call.to(CallMove.OFFER_ENDS)
    floor.hang_up(call, offer.leg, now, 26)
    recording.drop(floor, call)
    if offer.leg not in call.legs:
        rematch(floor, seats.leg_gone(floor, seat, offer.leg, now), now)


def offer_failed(floor: Floor, call: Call, outcome: OfferOutcome, cause: int, now: float) -> None:
    """Declined, ran out, unreachable: the agent is not ready, the caller keeps his place and is offered anew."""
    offer = _end_offer(floor, call, outcome, cause)
    call.to(CallMove.OFFER_ENDS)
    floor.hang_up(call, offer.leg, now, 26)
    recording.drop(floor, call)
    reason = "ring-no-answer" if outcome == "ran-out" else outcome
    seats.lost_offer(floor, floor.seats[offer.agent], reason, now)
    assert call.visit is not None
    if now >= call.visit.since + queue_of(floor, call).wait_s_max:
        floor.set_timer(call, "wait", now)  # His time ran out during the whisper: nobody else is rung.
    else:
        rematch(floor, floor.engine.offer_lost(call.id), now)


def offer_botched(floor: Floor, call: Call, now: float) -> None:
    """The phone could not be rung through no fault of its own: agent and caller are where they were, a moment later."""
    _take_back(floor, call, "failed", now)
    floor.set_timer(call, "offer-again", now + OFFER_AGAIN_S)


def offer_again(floor: Floor, call: Call, now: float) -> None:
    rematch(floor, floor.engine.offer_lost(call.id), now)


def rematch(floor: Floor, match: Match | None, now: float) -> None:
    if match is not None:
        make_offer(floor, match, now)


def outcome_of(offer: Offer, cause: int) -> OfferOutcome:
    """What the end of an agent's leg before the talk means (phones.md §2.1: decide on causes, never on Dial)."""
    if cause in (17, 21) or offer.answered:
        return "declined"
    if cause == 19 and offer.rang:
        return "ran-out"
    return "unreachable"


# -- whisper and talk --


def agent_answered(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """The agent hears the whisper while the caller still hears music."""
    offer, talk = call.offer, call.talk
    if leg == call.leg or (talk and talk.leg == leg) or (offer and offer.leg == leg and offer.answered):
        return  # Said twice.
    if offer is None or offer.leg != leg:
        floor.hang_up(call, leg, now)  # Answered just as the offer ended.
        return
    call.to(CallMove.AGENT_ANSWERS)
    offer.answered = True
    floor.cancel_timer(call, "no-ringing")
    floor.cancel_timer(call, "ring")
    queue = queue_of(floor, call)
    if queue.whisper:
        offer.whisper = floor.playback(call.id)
        floor.do(Play(call.id, leg, offer.whisper, (queue.whisper,), floor.settings.language))
    _join_if_heard(floor, call, now)


def whisper_over(floor: Floor, call: Call, now: float) -> None:
    floor.cancel_timer(call, "whisper")
    if call.offer is not None:
        call.offer.whisper = None
        _join_if_heard(floor, call, now)


def _join_if_heard(floor: Floor, call: Call, now: float) -> None:
    """Join caller and agent once the whisper and the recording notice are both over."""
    offer, visit = call.offer, call.visit
    if offer is None or visit is None or offer.whisper is not None or call.notice is not None:
        return
    hush(floor, call)
    recording.order(floor, call, offer.agent, queue_of(floor, call).recording)  # Not before he was told of it.
    bridge = BridgeId(floor.mint.part(call.id, "b"))
    wait_s = round(now - visit.since, 3)
    call.offer = call.visit = None
    call.talk = Talk(offer.leg, offer.agent, visit.queue, bridge, now)
    call.talked_to = offer.agent
    call.to(CallMove.CONNECT)
    floor.cancel_timer(call, "wait")
    floor.engine.leave(call.id)
    floor.do(MakeBridge(call.id, bridge, "mixing"))
    floor.do(Join(call.id, bridge, call.leg), Join(call.id, bridge, offer.leg))
    floor.note(OfferEnded(call.id, OfferId(offer.leg), offer.agent, "accepted"))
    floor.note(QueueLeft(call.id, visit.n, visit.queue, "connected", wait_s, offer.agent))
    floor.note(Connected(call.id, OfferId(offer.leg), visit.queue, offer.agent, wait_s))
    floor.seats[offer.agent].talked = call.id
    seats.move(floor, floor.seats[offer.agent], AgentMove.CONNECT, now)
    number = tuple(f"digit-{digit}" for digit in offer.agent)
    prompts = ("work-number-before", *number, "work-number-after")
    floor.do(Announce(call.id, bridge, floor.playback(call.id), prompts, call.language))


def held(floor: Floor, call: Call, leg: LegId, on: bool) -> None:
    """The phone's own hold button; Asterisk plays the music to the other side by itself."""
    talk = call.talk
    if talk is None or talk.leg != leg or talk.held == on:
        return
    talk.held = on
    floor.note(HoldBegan(call.id, talk.agent) if on else HoldEnded(call.id, talk.agent))


def end_talk(floor: Floor, call: Call, by: ClosedBy, now: float) -> None:
    """One side hung up: facts, the other side's leg is the caller of this function's business, the bridge goes."""
    talk, call.talk = call.talk, None
    assert talk is not None
    if talk.held:
        floor.note(HoldEnded(call.id, talk.agent))
    floor.note(TalkEnded(call.id, OfferId(talk.leg), talk.agent, by, round(now - talk.since, 3)))
    recording.drop(floor, call)
    floor.hang_up(call, talk.leg, now)
    floor.do(DropBridge(call.id, talk.bridge))
    seat = floor.seats[talk.agent]
    if talk.leg not in call.legs:
        seat.leg = None
    seats.talk_ended(floor, seat, floor.settings.queues[talk.queue].wrap_up_s, now)
    if seat.wrap_up_over:
        rematch(floor, seats.wrap_up_ended(floor, seat, now), now)


def seat_leg_gone(floor: Floor, seat: Seat, leg: LegId, now: float) -> None:
    rematch(floor, seats.leg_gone(floor, seat, leg, now), now)
