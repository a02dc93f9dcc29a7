"""Offers: one attempt to give one call to one agent, from the match to the talk. The offer's id is the agent's leg."""

from ari_app.acd.model import Match
from ari_app.board import bookings, recording, seats, talk, working
from ari_app.board.floor import Floor, queue_of
from ari_app.board.records import Call, Offer
from ari_app.model.effects import Play, Ring
from ari_app.model.facts import LegOpened, OfferEnded, OfferMade, OfferOutcome, OfferRang
from ari_app.model.ids import LegId, OfferId, TimerId
from ari_app.model.states import RING_NO_ANSWER, AgentState, CallMove, CallState

OFFER_AGAIN_S = 1.0  # After a phone could not be rung through no fault of its own.


def make_all(floor: Floor, now: float) -> None:
    """Carry out what the distributor decided during this event; what the same event has overtaken is taken back."""
    while floor.matched or floor.freed or floor.turns:
        seats.match_freed(floor)
        if floor.turns:
            bookings.turn_came(floor, floor.turns.pop(0), now)
            continue
        if not floor.matched:
            return
        match = floor.matched.pop(0)
        if match.visit.call in floor.routed:
            working.matched(floor, match, now)
            continue
        call = floor.calls.get(match.visit.call)
        seat = floor.seats[match.agent]
        if call is None or call.visit is not match.visit:
            seats.available(floor, seat)
        elif seat.state is not AgentState.READY:
            floor.offer(floor.engine.offer_lost(call.id))
        else:
            make_offer(floor, match, now)


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
    take_back(floor, call, "withdrawn", now)


def take_back(floor: Floor, call: Call, outcome: OfferOutcome, now: float) -> None:
    """The offer ends through no fault of the agent's."""
    offer = _end_offer(floor, call, outcome)
    seat = floor.seats[offer.agent]
    seats.withdraw(floor, seat)
    if call.state in (CallState.RINGING, CallState.WHISPERING):
        call.to(CallMove.OFFER_ENDS)
    if call.state is CallState.QUEUED and TimerId(f"{call.id}.wait") not in call.timers:
        floor.set_timer(call, "wait", now)  # His time ran out during the whisper.
    floor.hang_up(call, offer.leg, now, 26)
    recording.drop(floor, call)
    if offer.leg not in call.legs:
        seats.leg_gone(floor, seat, offer.leg, now)


def offer_failed(floor: Floor, call: Call, outcome: OfferOutcome, cause: int, now: float) -> None:
    """Declined, ran out, unreachable: the agent is not ready, the caller keeps his place and is offered anew."""
    offer = _end_offer(floor, call, outcome, cause)
    call.to(CallMove.OFFER_ENDS)
    floor.hang_up(call, offer.leg, now, 26)
    recording.drop(floor, call)
    reason = RING_NO_ANSWER if outcome == "ran-out" else outcome
    seats.lost_offer(floor, floor.seats[offer.agent], reason, now)
    offered_anew(floor, call, now)


def offered_anew(floor: Floor, call: Call, now: float) -> None:
    """In his old place; but if his time ran out during the whisper, nobody else is rung."""
    assert call.visit is not None
    if now >= call.waits_since + queue_of(floor, call).wait_s_max:
        floor.set_timer(call, "wait", now)
    else:
        floor.offer(floor.engine.offer_lost(call.id))


def offer_botched(floor: Floor, call: Call, now: float) -> None:
    """The phone could not be rung through no fault of its own: agent and caller are where they were, a moment later."""
    take_back(floor, call, "failed", now)
    floor.set_timer(call, "offer-again", now + OFFER_AGAIN_S)


def offer_again(floor: Floor, call: Call, now: float) -> None:
    floor.offer(floor.engine.offer_lost(call.id))


def in_line_again(floor: Floor) -> None:
    """The link is back, and nobody is offered yet: whose offer it had spoilt stands in line with the others."""
    for call in floor.calls.values():
        if TimerId(f"{call.id}.offer-again") in call.timers:
            floor.cancel_timer(call, "offer-again")
            floor.engine.offer_lost(call.id)


def outcome_of(offer: Offer, cause: int) -> OfferOutcome:
    """What the end of an agent's leg before the talk means (phones.md §2.1: decide on causes, never on Dial)."""
    if cause in seats.VANISHED:
        return "unreachable"
    if cause in (17, 21) or offer.answered:
        return "declined"
    if cause == 19 and offer.rang:
        return "ran-out"
    return "unreachable"


def agent_answered(floor: Floor, call: Call, leg: LegId, now: float) -> None:
    """The agent hears the whisper while the caller still hears music."""
    offer, talking = call.offer, call.talk
    if leg == call.leg or (talking and talking.leg == leg) or (offer and offer.leg == leg and offer.answered):
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
    join_if_heard(floor, call, now)


def whisper_over(floor: Floor, call: Call, now: float) -> None:
    floor.cancel_timer(call, "whisper")
    if call.offer is not None:
        call.offer.whisper = None
        join_if_heard(floor, call, now)


def join_if_heard(floor: Floor, call: Call, now: float) -> None:
    """Join caller and agent once the whisper and the recording notice are both over."""
    offer, visit = call.offer, call.visit
    if offer is None or visit is None or offer.whisper is not None or call.notice is not None:
        return
    talk.join(floor, call, offer, now)
