"""Caller and agent in one bridge: joined, held, handed over to another agent, ended."""

from typing import TypeAlias

from ari_app.board import bookings, expecting, invite, line, recording, seats, situations, supervise, voice
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Offer, Talk
from ari_app.model.control import TransferOutcome
from ari_app.model.effects import Announce, DropBridge, Join, MakeBridge, StopPlay
from ari_app.model.facts import Connected, HoldBegan, HoldEnded, OfferEnded, QueueLeft, TalkEnded, TalkEndedBy
from ari_app.model.ids import AgentId, BridgeId, LegId, OfferId, QueueName
from ari_app.model.states import AgentMove, CallMove

Who: TypeAlias = tuple[LegId, AgentId]


def join(floor: Floor, call: Call, offer: Offer, now: float) -> None:
    """Join caller and agent: the visit ends as connected, the talk begins."""
    visit = call.visit
    assert visit is not None
    wait_s = round(now - call.waits_since, 3)
    call.offer = call.visit = None
    call.to(CallMove.CONNECT)
    floor.cancel_timer(call, "wait")
    floor.cancel_timer(call, "relax")
    floor.engine.leave(call.id, talking=True)
    expecting.connected(floor, call, visit.queue, now)
    _together(floor, call, (offer.leg, offer.agent), visit.queue, now)
    floor.note(OfferEnded(call.id, OfferId(offer.leg), offer.agent, "accepted"))
    floor.note(QueueLeft(call.id, visit.n, visit.queue, "connected", wait_s, offer.agent))
    floor.seats[offer.agent].serving = visit.queue, offer.made_at
    seats.move(floor, floor.seats[offer.agent], AgentMove.CONNECT, now)
    _connected(floor, call, wait_s)
    bookings.reached(floor, call)


def begin(floor: Floor, call: Call, who: Who, queue: QueueName, now: float) -> None:
    """Join caller and agent outside every queue; `queue` is the one whose rules hold."""
    _together(floor, call, who, queue, now)
    seats.move(floor, floor.seats[who[1]], AgentMove.CONNECT, now)
    _connected(floor, call, 0.0)


def _together(floor: Floor, call: Call, who: Who, queue: QueueName, now: float) -> None:
    leg, agent = who
    voice.hush(floor, call)
    recording.order(floor, call, agent, queue)  # Not before he was told of it.
    line.listen(floor, call)
    bridge = BridgeId(floor.mint.part(call.id, "b"))
    call.talk = Talk(leg, agent, queue, bridge, now)
    floor.do(MakeBridge(call.id, bridge, "mixing"))
    floor.do(Join(call.id, bridge, call.leg), Join(call.id, bridge, leg, keep_keys=True))


def _connected(floor: Floor, call: Call, wait_s: float) -> None:
    """The facts of a talk that begins; both are told the work number, where the queue says so."""
    talk = call.talk
    assert talk is not None
    call.talked_to = talk.agent
    floor.note(Connected(call.id, OfferId(talk.leg), talk.queue, talk.agent, wait_s))
    floor.seats[talk.agent].talked, floor.seats[talk.agent].served = call.id, call
    floor.seats_changed.add(talk.agent)
    floor.familiar.talked(call.caller, talk.agent, talk.since)
    situations.talk_began(floor, call, talk.since)
    if floor.settings.queues[talk.queue].announce_work_number:
        number = tuple(f"digit-{digit}" for digit in talk.agent)
        prompts = ("work-number-before", *number, "work-number-after")
        floor.do(Announce(call.id, talk.bridge, floor.playback(call.id), prompts, call.language))


def hand_over(floor: Floor, call: Call, to: Who, by: TalkEndedBy, now: float) -> None:
    """Another agent goes on with the caller in the same bridge; he is in it already, and talking."""
    talk, (leg, agent) = call.talk, to
    assert talk is not None
    supervise.stop(floor, call, now)
    part(floor, call, by, now)
    call.talk = Talk(leg, agent, talk.queue, talk.bridge, now)
    if talk.away:
        floor.do(Join(call.id, talk.bridge, call.leg))
    recording.order(floor, call, agent, talk.queue)
    line.listen(floor, call)
    _connected(floor, call, 0.0)


def hold(floor: Floor, call: Call, *, held: bool | None = None, away: bool | None = None) -> None:
    """By the phone's own button (`held`) or by us (`away`: the caller goes to his music); one stretch either way."""
    talk = call.talk
    assert talk is not None
    was = talk.held or talk.away
    talk.held = talk.held if held is None else held
    if away is not None and away != talk.away:
        talk.away, talk.reminded = away, 0
        if away:
            voice.to_music(floor, call)
        else:
            floor.cancel_timer(call, "remind")
            hush_agent(floor, call, talk)
            floor.do(Join(call.id, talk.bridge, call.leg))
    if was != (talk.held or talk.away):
        floor.note(HoldEnded(call.id, talk.agent) if was else HoldBegan(call.id, talk.agent))


def hush_agent(floor: Floor, call: Call, talk: Talk) -> None:
    """While a leg in a bridge hears a prompt of its own, nobody in there hears it (phones.md §2.2)."""
    if talk.said is not None:
        floor.do(StopPlay(call.id, talk.said))
        talk.said = None


def held(floor: Floor, call: Call, leg: LegId, on: bool) -> None:
    """The phone's own hold button; Asterisk plays the music to the other side by itself."""
    if call.talk is not None and call.talk.leg == leg:
        hold(floor, call, held=on)


def part(floor: Floor, call: Call, by: TalkEndedBy, now: float) -> None:
    """The agent leaves the talk: facts, his recording, his leg, his wrap-up. The bridge stays."""
    talk, call.talk = call.talk, None
    assert talk is not None
    if talk.held or talk.away:
        floor.note(HoldEnded(call.id, talk.agent))
    floor.note(TalkEnded(call.id, OfferId(talk.leg), talk.agent, by, round(now - talk.since, 3)))
    if call.script is None:
        line.forget(floor, call)
    recording.drop(floor, call)
    situations.talk_over(floor, call)
    floor.cancel_timer(call, "remind")
    floor.cancel_timer(call, "code")
    floor.hang_up(call, talk.leg, now)
    seat = floor.seats[talk.agent]
    if talk.leg not in call.legs:
        seat.leg = None
    queue = floor.settings.queues[talk.queue]
    seats.talk_ended(floor, seat, queue.wrap_up_s, now, owes=queue.disposition_required)
    if by == "vanished":
        seats.vanished(floor, seat, now)
    elif seat.wrap_up_over:
        seats.wrap_up_ended(floor, seat, now)


def end_talk(floor: Floor, call: Call, by: TalkEndedBy, now: float) -> None:
    """The talk is over, and with it consult and supervision. The caller's leg is the business of this function's
    caller; he hears nothing any more."""
    talk = call.talk
    assert talk is not None
    outcome: TransferOutcome = "abandoned" if by == "caller" else "withdrawn"
    supervise.stop(floor, call, now)
    invite.give_up(floor, call, outcome, now)
    if talk.away and call.leg in call.legs:
        voice.from_music(floor, call)
    part(floor, call, by, now)
    floor.offer(floor.engine.talk_over(call.id))
    floor.do(DropBridge(call.id, talk.bridge))
