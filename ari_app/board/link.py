"""The link to Asterisk: what a loss and a listing mean. Differences become ordinary ends of legs (design §2.7).

The calls of an earlier daemon go on as if its death had been a loss of the link (recovery). Of one that could not be
taken over, a talk goes on until it ends by itself, and a caller comes into the queue as of unknown origin; everything
else that no call owns is hung up.
"""

from ari_app.board import call as calls
from ari_app.board import callback, control, desk, invite, offers, recording, recovery, seats, voice, walk, working
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.effects import Answer, AskMessage, DropBridge, HangUp, JoinRecording, MakeBridge, Warn
from ari_app.model.events import ChannelSeen, LegEnded, LinkDown, LinkUp, Listed, OpenCall, Restored
from ari_app.model.facts import CallClosed
from ari_app.model.ids import CallId, LegId, call_of
from ari_app.model.states import CallState

NO_CALL = CallId("0-0")  # The lane of commands about things no call of ours owns.


def handle(floor: Floor, event: Restored | LinkUp | LinkDown | Listed, now: float) -> None:
    match event:
        case Restored(left, _, recordings):
            floor.left = {each.leg: each for each in left}
            floor.unjoined, floor.last_at = recordings, event.last_at
        case LinkDown(reason):
            floor.link = floor.engine.open = False
            floor.do(Warn(f"link to Asterisk lost: {reason}"))
        case LinkUp():
            floor.link = True
            floor.unsure = set(floor.legs)
            for music in sorted({queue.music for queue in floor.settings.queues.values()}):
                floor.do(MakeBridge(None, voice.music_bridge(music), "holding", music))
            recovery.staff_agrees(floor, now)
        case Listed():
            for message in floor.boxes:
                floor.do(AskMessage(call_of(message) or NO_CALL, message))
            _compare(floor, event, now)
            _join_earlier(floor)
            offers.in_line_again(floor)
            floor.engine.open = not floor.draining
            for match in floor.engine.matches():  # One by one: whoever is matched with a call-back is free again.
                floor.offer(match)


def _compare(floor: Floor, listed: Listed, now: float) -> None:
    alive = {channel.leg for channel in listed.channels}
    mine = {call.leg for call in floor.calls.values()}  # Callers' legs: what becomes of them comes first.
    for leg in sorted(floor.unsure - alive, key=lambda leg: (leg not in mine, leg)):
        # Those that came since LinkUp may be younger than the listing.
        owner = floor.legs.get(leg, NO_CALL)  # An earlier one's end may have taken this one along.
        if owner in floor.recovering:
            recovery.gone(floor, floor.calls[owner], leg, now)
        elif owner in floor.calls:
            calls.leg_ended(floor, floor.calls[owner], LegEnded(leg, 0), now)
        elif owner in floor.desks:
            desk.gone(floor, floor.desks[owner])
        elif owner in floor.item_offers:
            working.ended(floor, floor.item_offers[owner], 0, now)
    at = recovery.bridges(listed)
    for channel in sorted(listed.channels, key=lambda channel: channel.leg not in mine):
        owner = floor.legs.get(channel.leg, NO_CALL)
        taken_over = owner in floor.recovering and channel.leg in floor.unsure
        if not taken_over or not recovery.made_up(floor, floor.calls[owner], channel, at, now):
            _made_up(floor, channel, at, now)
    recovery.settled(floor, listed, now)
    for seat in floor.seats.values():
        seats.phone_is(floor, seat, seat.phone in listed.phones, now)
    others = recovery.unknown(floor, listed)
    talking = {leg for bridge in others if len(bridge.legs) > 1 for leg in bridge.legs}
    strange = sorted(alive - set(floor.legs) - talking)
    for leg in sorted(set(floor.left) - (alive & talking)):
        _closed(floor, floor.left.pop(leg), now)
    for leg in strange:
        seen = floor.strangers.get(leg)
        if seen is None or leg in floor.let_go or not calls.adopt(floor, seen, at.of.get(leg), now):
            floor.do(HangUp(NO_CALL, leg))
    floor.strangers.clear()
    floor.let_go.clear()
    for bridge in others:
        floor.orphans.update({leg: bridge for leg in bridge.legs if leg in talking - set(floor.legs)})
        if not set(bridge.legs) & talking:
            floor.do(DropBridge(NO_CALL, bridge.bridge))


def _made_up(floor: Floor, channel: ChannelSeen, bridges: recovery.Bridges, now: float) -> None:
    """A leg lived through the loss: what it said meanwhile, as far as its state tells; what was ordered is ordered
    again where it was not done, since a line can swallow orders for a while before it is noticed to be dead."""
    owner = floor.legs.get(channel.leg, NO_CALL)
    if channel.leg in floor.unsure and (at := floor.desks.get(owner)) is not None:
        desk.missed_events(floor, at, now)
    if channel.leg in floor.unsure and (offer := floor.item_offers.get(owner)) is not None:
        working.missed_events(floor, offer, channel.state, now)
    call = floor.calls.get(owner)
    if call is None or channel.leg not in floor.unsure:
        return
    if channel.leg in call.doomed:
        floor.do(HangUp(call.id, channel.leg))
    elif call.state is CallState.CALLING_BACK and not call.asked:
        if channel.state == "Up":
            callback.answered(floor, call, now)
    elif channel.state == "Ringing":
        offers.ringing(floor, call, channel.leg)
        invite.ringing(floor, call, channel.leg)
    elif control.awaits(call, channel.leg):
        if channel.state == "Up":
            control.leg_answered(floor, call, channel.leg, now)
    elif call.offer is not None and call.offer.leg == channel.leg and not call.offer.answered:
        if channel.state == "Up":
            offers.agent_answered(floor, call, channel.leg, now)
    else:
        _lived(floor, call, channel, bridges, now)


def _lived(floor: Floor, call: Call, channel: ChannelSeen, bridges: recovery.Bridges, now: float) -> None:
    """A caller in the flow hears his node once more: what was said and pressed in it meanwhile is not known."""
    is_callers = channel.leg == call.leg
    asks = is_callers and call.lookup is None and calls.is_in_node(call)
    if asks:
        voice.hush(floor, call)
        for name in ("flow", "speech"):
            floor.cancel_timer(call, name)
    else:
        calls.missed_events(floor, call, channel.leg, now)
    if is_callers and channel.state != "Up" and call.state is not CallState.CLOSING:
        floor.do(Answer(call.id, call.leg))  # The order to answer was lost with the link.
    recovery.put(floor, call, channel.leg, bridges)
    if asks:
        walk.again(floor, call, now)


def orphan_ended(floor: Floor, leg: LegId, now: float) -> None:
    """A leg of an earlier daemon's talk ended: hang up the other, drop the bridge, close the row and join."""
    if (bridge := floor.orphans.pop(leg, None)) is not None:
        for other in bridge.legs:
            if floor.orphans.pop(other, None) is not None:
                floor.do(HangUp(NO_CALL, other))
        floor.do(DropBridge(NO_CALL, bridge.bridge))
    if leg in floor.left:
        _closed(floor, floor.left.pop(leg), now)
        _join_earlier(floor)


def _join_earlier(floor: Floor) -> None:
    """Recordings whose call is over. One of a talk that goes on may still be written: joining would cut it short."""
    going_on = {left.call for left in floor.left.values()}
    for each in floor.unjoined:
        if each.call not in going_on:
            if (call := floor.calls.get(each.call)) is not None:  # Perhaps its end was ordered, and never carried out.
                recording.stop(floor, call, each.recording)
            floor.do(JoinRecording(each.call, each.recording))
    floor.unjoined = tuple(each for each in floor.unjoined if each.call in going_on)


def _closed(floor: Floor, left: OpenCall, now: float) -> None:
    floor.note(CallClosed(left.call, "lost", "", 0, round(now - left.opened_at, 3)))
    if left.recording is not None:
        floor.do(JoinRecording(left.call, left.recording))
