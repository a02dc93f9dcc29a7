"""Caller and agent in one bridge: joined, held, ended."""

from ari_app.board import bookings, expecting, line, recording, seats, situations, voice
from ari_app.board.floor import Call, Floor, Offer, Talk, queue_of
from ari_app.model.effects import Announce, DropBridge, Join, MakeBridge
from ari_app.model.facts import ClosedBy, Connected, HoldBegan, HoldEnded, OfferEnded, QueueLeft, TalkEnded
from ari_app.model.ids import BridgeId, LegId, OfferId
from ari_app.model.states import AgentMove, CallMove


def join(floor: Floor, call: Call, offer: Offer, now: float) -> None:
    """Join caller and agent: the visit ends as connected, the talk begins."""
    visit = call.visit
    assert visit is not None
    voice.hush(floor, call)
    recording.order(floor, call, offer.agent, queue_of(floor, call).recording)  # Not before he was told of it.
    line.listen(floor, call)
    bridge = BridgeId(floor.mint.part(call.id, "b"))
    wait_s = round(now - call.waits_since, 3)
    call.offer = call.visit = None
    call.talk = Talk(offer.leg, offer.agent, visit.queue, bridge, now)
    call.talked_to = offer.agent
    floor.familiar.talked(call.caller, offer.agent, now)
    call.to(CallMove.CONNECT)
    floor.cancel_timer(call, "wait")
    floor.cancel_timer(call, "relax")
    floor.engine.leave(call.id)
    expecting.connected(floor, call, visit.queue, now)
    floor.do(MakeBridge(call.id, bridge, "mixing"))
    floor.do(Join(call.id, bridge, call.leg), Join(call.id, bridge, offer.leg))
    floor.note(OfferEnded(call.id, OfferId(offer.leg), offer.agent, "accepted"))
    floor.note(QueueLeft(call.id, visit.n, visit.queue, "connected", wait_s, offer.agent))
    floor.note(Connected(call.id, OfferId(offer.leg), visit.queue, offer.agent, wait_s))
    bookings.reached(floor, call)
    situations.talk_began(floor, call, now)
    floor.seats[offer.agent].talked = call.id
    floor.seats[offer.agent].serving = visit.queue, offer.made_at
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
    line.forget(floor, call)
    situations.talk_over(floor, call)
    floor.hang_up(call, talk.leg, now)
    floor.do(DropBridge(call.id, talk.bridge))
    seat = floor.seats[talk.agent]
    if talk.leg not in call.legs:
        seat.leg = None
    seats.talk_ended(floor, seat, floor.settings.queues[talk.queue].wrap_up_s, now)
    if seat.wrap_up_over:
        seats.wrap_up_ended(floor, seat, now)
