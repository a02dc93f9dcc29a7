"""Messages offered to ready agents as callers are: a place by due time, offers, the phone on which one is heard, work.

A place is ranked as that of a caller who came when the message is due: callers who came before go first, whoever comes
later goes after it (or all callers go first, where the box says so). An offer that is lost and an agent who gives the
message back leave it in its place. Its telephone call is no caller's: it belongs to the offer alone.
"""

from typing import Final

from ari_app.acd.model import Match, Visit
from ari_app.board import seats
from ari_app.board.floor import Floor, box_queue
from ari_app.board.records import Item, ItemOffer, Seat
from ari_app.model.effects import CancelTimer, HangUp, Play, Ring, SetTimer, StopPlay
from ari_app.model.events import CommandFailed
from ari_app.model.ids import LegId, MessageId, OfferId, PlaybackId, TimerId, call_of
from ari_app.model.routing import Box
from ari_app.model.states import RING_NO_ANSWER, WORKED_TOO_LONG, AgentMove, AgentState
from ari_app.model.work import ItemOffered, ItemOfferEnded, ItemOfferOutcome, ItemReturned, ItemTaken

AFTER_ALL_CALLERS_S: Final = 1e9  # What a message's rank is put behind where it never goes before a caller.
OFFER_AGAIN_S: Final = 1.0  # After a phone could not be rung through no fault of its own.
HEAR_AGAIN: Final = "1"
AGAIN_S: Final = 6.0  # For that key, after the message.
HEARD_S_MAX: Final = 900.0  # On the phone with a message.
GONE_S: Final = 10.0  # A leg not reported gone this long after its hang-up is taken for gone.
BEFORE, AFTER = ("message-here",), ("message-again",)
DEFAULT: Final = Box()


def box_of(floor: Floor, name: str) -> Box:
    """Its settings; boxes that config.yaml does not name have the defaults."""
    return floor.settings.boxes.get(name, DEFAULT)


# -- its place --


def route(floor: Floor, item: Item, now: float) -> None:
    """Into its place, if agents are offered its box and nobody has it."""
    box = box_of(floor, item.box)
    if not box.offered or item.by or item.id in floor.engine.places:
        return
    _known(floor, item)
    _cancel(floor, item)
    rank = item.due_at + (0.0 if box.overdue_first else AFTER_ALL_CALLERS_S)
    floor.offer(floor.engine.enter(Visit(item.id, 0, box_queue(item.box), 0, now, rank, order=floor.order())))


def _known(floor: Floor, item: Item) -> None:
    """It has an id of its own from now on, for its place and its timer."""
    if not item.id:
        item.id = floor.mint.call()
        floor.mint.forget(item.id)
        floor.routed[item.id] = item


def again(floor: Floor, item: Item, now: float) -> None:
    """Its timer: a pause after it was given back, or after a phone that could not be rung."""
    if not 0 < item.again_at <= now:
        return
    _cancel(floor, item)
    if item.id in floor.engine.places:
        floor.offer(floor.engine.offer_lost(item.id))
    else:
        route(floor, item, now)


def _later(floor: Floor, item: Item, at: float) -> None:
    item.again_at = at
    floor.do(SetTimer(_again(item), at))


def _cancel(floor: Floor, item: Item) -> None:
    if item.again_at:
        item.again_at = 0.0
        floor.do(CancelTimer(_again(item)))


def _again(item: Item) -> TimerId:
    return TimerId(f"{item.id}.again")


# -- an offer --


def matched(floor: Floor, match: Match, now: float) -> None:
    """What the distributor decided, unless the same event has overtaken it."""
    place, seat = floor.engine.places.get(match.visit.call), floor.seats[match.agent]
    if place is None or place.visit is not match.visit or place.offered != match.agent:
        seats.available(floor, seat)
    elif seat.state is not AgentState.READY:
        floor.offer(floor.engine.offer_lost(match.visit.call))
    else:
        make_offer(floor, match, now)


def make_offer(floor: Floor, match: Match, now: float) -> None:
    """Ring the agent for a message."""
    item, seat = floor.routed[match.visit.call], floor.seats[match.agent]
    ring_s = box_of(floor, item.box).ring_s
    id_ = floor.mint.call()
    leg = LegId(floor.mint.part(id_, "l"))
    item.offer = at = ItemOffer(id_, leg, item.message, seat.agent, ring_s)
    floor.item_offers[id_] = at
    floor.legs[leg] = id_
    seats.reserve_for(floor, seat, item.message, leg, now)
    floor.note(ItemOffered(item.call, item.message, OfferId(leg), seat.agent, seat.phone))
    floor.do(Ring(id_, leg, seat.phone, item.number, f"message {item.box}", ring_s))
    _due(floor, at, now + floor.settings.agent_rules.no_ringing_s)


def ringing(floor: Floor, at: ItemOffer, now: float) -> None:
    if not at.rang and not at.answered and not at.hung_up:
        at.rang = True
        _due(floor, at, now + at.ring_s + 2)  # Asterisk ends the ringing itself; this is the net below.


def answered(floor: Floor, at: ItemOffer, now: float) -> None:
    """He takes it, and hears it."""
    item = floor.items.get(at.message)
    if at.answered or at.hung_up or item is None or item.offer is not at:
        return
    at.answered = True
    accept(floor, item, floor.seats[at.agent], now)
    hear(floor, at, now)


def accept(floor: Floor, item: Item, seat: Seat, now: float) -> None:
    """The message is his until it is done, given back, or his for too long."""
    if item.offer is not None:
        _offer_over(floor, item, "accepted")
    seat.item, item.by = item.message, seat.agent
    floor.engine.leave(item.id, talking=True)
    seat.counts = item.id in floor.engine.talking
    _cancel(floor, item)
    seats.move(floor, seat, AgentMove.TAKE_ITEM, now)
    floor.note(ItemTaken(item.message, seat.agent))
    seat.work_until = now + box_of(floor, item.box).work_s_max
    floor.do(SetTimer(seats.work_timer(seat), seat.work_until))


def by_hand(floor: Floor, item: Item, by: str) -> None:
    """Somebody has it who is no agent, or not ready: his state is his own business."""
    item.by = by
    _cancel(floor, item)
    floor.offer(floor.engine.leave(item.id))


def forget(floor: Floor, item: Item) -> None:
    """It is done."""
    _cancel(floor, item)
    floor.offer(floor.engine.leave(item.id))
    floor.routed.pop(item.id, None)
    del floor.items[item.message]


def lose(floor: Floor, at: ItemOffer, outcome: ItemOfferOutcome, cause: int, now: float) -> None:
    """Declined, ran out, unreachable: the agent is not ready, as after a call he did not take."""
    item, seat = floor.items[at.message], floor.seats[at.agent]
    _offer_over(floor, item, outcome, cause)
    hang_up(floor, at, now)
    seat.item = None
    seats.lost_offer(floor, seat, RING_NO_ANSWER if outcome == "ran-out" else outcome, now)
    floor.offer(floor.engine.offer_lost(item.id))


def _botched(floor: Floor, at: ItemOffer, now: float) -> None:
    """The phone could not be rung through no fault of its own: agent and message are where they were, in a moment."""
    item, seat = floor.items[at.message], floor.seats[at.agent]
    _offer_over(floor, item, "failed")
    seat.item = None
    seats.withdraw(floor, seat)
    hang_up(floor, at, now)
    _later(floor, item, now + OFFER_AGAIN_S)


def _offer_over(floor: Floor, item: Item, outcome: ItemOfferOutcome, cause: int = 0) -> None:
    at, item.offer = item.offer, None
    assert at is not None
    floor.note(ItemOfferEnded(item.call, item.message, OfferId(at.leg), at.agent, outcome, cause))


# -- the phone --


def hear(floor: Floor, at: ItemOffer, now: float) -> None:
    item = floor.items[at.message]
    _hush(floor, at)
    at.playback = floor.playback(at.id)
    said = (f"message:{item.path}",) if item.path else ()
    floor.do(Play(at.id, at.leg, at.playback, (*BEFORE, *said, *AFTER), floor.settings.language))
    _due(floor, at, now + HEARD_S_MAX)


def key(floor: Floor, at: ItemOffer, digit: str, now: float) -> None:
    if digit == HEAR_AGAIN and at.answered and not at.hung_up and at.message in floor.items:
        hear(floor, at, now)


def prompt_over(floor: Floor, at: ItemOffer, playback: str, now: float) -> None:
    if at.playback == playback and not at.hung_up:
        at.playback = None
        _due(floor, at, now + AGAIN_S)


def _hush(floor: Floor, at: ItemOffer) -> None:
    if at.playback is not None:
        floor.do(StopPlay(at.id, PlaybackId(at.playback)))
        at.playback = None


def hang_up(floor: Floor, at: ItemOffer, now: float) -> None:
    if not at.hung_up:
        at.hung_up = True
        floor.do(HangUp(at.id, at.leg, 16 if at.answered else 26))
        _due(floor, at, now + GONE_S)


def ended(floor: Floor, at: ItemOffer, cause: int, now: float) -> None:
    """Its leg is gone; a message that was taken stays with him."""
    del floor.legs[at.leg], floor.item_offers[at.id]
    floor.do(CancelTimer(_timer(at)))
    floor.mint.forget(at.id)
    item = floor.items.get(at.message)
    at.hung_up = True
    if item is not None and item.offer is at:
        lose(floor, at, _outcome(at, cause), cause, now)
    seats.leg_gone(floor, floor.seats[at.agent], at.leg, now)


def _outcome(at: ItemOffer, cause: int) -> ItemOfferOutcome:
    """As for callers (phones.md §2.1: decide on causes, never on Dial)."""
    if cause in (17, 21):
        return "declined"
    return "ran-out" if cause == 19 and at.rang else "unreachable"


def timed_out(floor: Floor, at: ItemOffer, now: float) -> None:
    """No ringing, no answer, heard to the end; or its leg was never reported gone."""
    item = floor.items.get(at.message)
    if at.hung_up:
        floor.do(HangUp(at.id, at.leg))
        ended(floor, at, 0, now)
    elif item is not None and item.offer is at:
        lose(floor, at, "ran-out" if at.rang else "unreachable", 0, now)
    else:
        _hush(floor, at)
        hang_up(floor, at, now)


def failed(floor: Floor, at: ItemOffer, event: CommandFailed, now: float) -> None:
    """It could not be rung."""
    item = floor.items.get(at.message)
    if event.reason in ("down", "timeout") and item is not None and item.offer is at:  # Perhaps it does ring.
        _botched(floor, at, now)
    elif event.reason not in ("down", "timeout"):
        ended(floor, at, 20, now)


def missed_events(floor: Floor, at: ItemOffer, state: str, now: float) -> None:
    """The link was lost: whatever the phone said meanwhile may have been missed."""
    if state == "Up" and not at.answered:
        answered(floor, at, now)
    elif state == "Ringing":
        ringing(floor, at, now)
    elif at.hung_up:
        floor.do(HangUp(at.id, at.leg))
    elif at.playback is not None:  # Perhaps it is heard still.
        _hush(floor, at)
        _due(floor, at, now + AGAIN_S)


def _due(floor: Floor, at: ItemOffer, moment: float) -> None:
    at.due = moment
    floor.do(SetTimer(_timer(at), moment))


def _timer(at: ItemOffer) -> TimerId:
    return TimerId(f"{at.id}.offer")


# -- the end of the work --


def give_back(floor: Floor, item: Item, by: str, now: float) -> None:
    """It keeps its due time, and is offered again after a pause: the same agent would else have it again at once."""
    item.by = ""
    floor.note(ItemReturned(item.message, by))
    if box_of(floor, item.box).offered:
        _known(floor, item)
        _later(floor, item, now + box_of(floor, item.box).again_s)
    leave(floor, item, now)


def leave(floor: Floor, item: Item, now: float) -> None:
    """Whoever worked it does so no more: he is ready, unless a wish of his waits."""
    seat = next((s for s in floor.seats.values() if s.item == item.message and s.state is AgentState.WORKING), None)
    if seat is None:
        return
    seat.item, seat.counts = None, False
    floor.do(CancelTimer(seats.work_timer(seat)))
    at = next((each for each in floor.item_offers.values() if each.leg == seat.leg), None)
    if at is not None:
        _hush(floor, at)
        hang_up(floor, at, now)
    floor.offer(floor.engine.talk_over(item.id))
    seats.ready(floor, seat, AgentMove.WORK_ENDS, now)


def goes_on(floor: Floor, seat: Seat, now: float) -> None:
    """After a crash: a message he works stays his; one he was offered is offered anew. His phone is let go of."""
    message, seat.item = seat.item, None
    item = floor.items.get(message) if message is not None else None
    if message is None:
        return
    if seat.leg is not None and (id_ := call_of(seat.leg)) is not None:
        answered = seat.state is AgentState.WORKING
        at = ItemOffer(id_, seat.leg, message, seat.agent, 0.0, answered=answered, hung_up=True)
        floor.item_offers[id_], floor.legs[seat.leg] = at, id_
        _due(floor, at, now + GONE_S)
    if seat.state is not AgentState.WORKING:
        seat.withdrawn = seat.leg is not None
        if item is not None and seat.leg is not None:
            floor.note(ItemOfferEnded(item.call, message, OfferId(seat.leg), seat.agent, "failed", 0))
    elif item is None or item.by != seat.agent:
        seat.state, seat.counts = AgentState.READY, False
    else:
        seat.item = item.message
        if seat.counts:
            _known(floor, item)
            floor.engine.restore_talk(item.id, box_queue(item.box))
        floor.do(SetTimer(seats.work_timer(seat), seat.work_until))


def take_back(floor: Floor, seat: Seat, by: str, now: float) -> None:
    """By a supervisor, who puts him to something else."""
    if seat.state is AgentState.WORKING and seat.item is not None:
        seat.pending = None
        give_back(floor, floor.items[seat.item], by, now)


def too_long(floor: Floor, seat: Seat, now: float) -> None:
    """The box's work_s_max is over."""
    if seat.state is AgentState.WORKING and seat.item is not None and seat.work_until <= now:
        seat.pending = seat.pending or (AgentState.NOT_READY, WORKED_TOO_LONG)
        give_back(floor, floor.items[seat.item], "limit", now)


def offered_to(floor: Floor, agent: str) -> Item | None:
    """The message his phone rings for."""
    return next((item for item in floor.items.values() if item.offer is not None and item.offer.agent == agent), None)


def worked_by(floor: Floor, agent: str) -> MessageId | None:
    """The message he works."""
    seat = next((s for s in floor.seats.values() if s.agent == agent and s.state is AgentState.WORKING), None)
    return seat.item if seat is not None else None
