"""Messages as work: each with a due time and the skills of its box; taken, given back, done, and then forgotten.

Whom agents are offered them, and the state of who works one, is in working. Whoever takes one by hand while he is ready
works it likewise; in any other state that is his own business.
"""

from ari_app.board import seats, working
from ari_app.board.floor import Floor
from ari_app.board.records import Item
from ari_app.board.working import box_of
from ari_app.model.effects import FileMessage, Reply, Warn
from ari_app.model.ids import AgentId, CallId, Skill, call_of
from ari_app.model.skills import needs_of
from ari_app.model.states import AgentState
from ari_app.model.work import (
    ItemAsked,
    ItemDone,
    ItemLeft,
    ItemOpened,
    ItemTaken,
    MessageFiled,
    MessageStored,
    MessageUnfiled,
)

ITEMS_MAX = 100_000  # Undone messages looked after; what is beyond is kept in the store, and listed.
Outcome = tuple[bool, str]


def opened(floor: Floor, item: Item, left_at: float) -> None:
    """A message was left: to be filed, and to be worked by the time its box says."""
    item.due_at = left_at + box_of(floor, item.box).due_h * 3600
    floor.note(ItemOpened(item.call, item.message, item.box, item.due_at))
    if len(floor.items) < ITEMS_MAX:
        floor.items[item.message] = item
    floor.do(FileMessage(item.call, item.message, item.box))


def restored(floor: Floor, left: ItemLeft, now: float) -> None:
    if left.message in floor.items:
        return
    item = Item(left.message, left.call, left.box, left.due_at, left.by, left.number, left.path)
    floor.items[left.message] = item
    if left.stored:
        working.route(floor, item, now)
    else:
        floor.do(FileMessage(left.call, left.message, left.box))


def filed(floor: Floor, event: MessageFiled | MessageUnfiled, now: float) -> None:
    """Now it can be heard on the phone; one that could not be filed is to be worked all the same."""
    owner, item = call_of(event.message) or CallId(""), floor.items.get(event.message)
    match event:
        case MessageFiled(message, path, size, sha256):
            keep_days = box_of(floor, item.box if item is not None else "").keep_days
            floor.note(MessageStored(owner, message, path, size, sha256, keep_days))
            if item is not None:
                item.path = path
        case MessageUnfiled(message, reason):
            floor.do(Warn(f"message {message} not filed: {reason}", owner))
    if item is not None and not item.again_at:
        working.route(floor, item, now)


def ask(floor: Floor, event: ItemAsked, now: float) -> None:
    ok, said = wish(floor, event, now)
    if event.request is not None:
        floor.do(Reply(event.request, ok, said))


def wish(floor: Floor, event: ItemAsked, now: float) -> Outcome:
    """Granted or not, and a short sentence; for `next` and `take` the message."""
    if event.agent and event.agent not in floor.settings.agents:
        return False, f"no agent has the work number {event.agent}"
    if event.wish == "next":
        return _next(floor, event, now)
    if event.wish == "decline":
        return _decline(floor, event, now)
    item = floor.items.get(event.message)
    if item is None:
        return False, f"no message {event.message} waits to be worked"
    match event.wish:
        case "take":
            return _take(floor, item, event, now)
        case "done" | "return" if not item.by or item.by != event.by:
            return False, f"{item.by} has taken it" if item.by else "take it first"
        case "done":
            return _done(floor, item, event, now)
        case "return":
            working.give_back(floor, item, event.by, now)
            return True, "returned"


def _next(floor: Floor, event: ItemAsked, now: float) -> Outcome:
    """The most urgent one that nobody has, or is offered, and this agent may have."""
    if (offered := working.offered_to(floor, event.agent)) is not None:
        return _take(floor, offered, event, now)
    free = [item for item in floor.items.values() if not item.by and not item.offer and _may(floor, item, event.agent)]
    if not free:
        return False, "nothing waits"
    return _take(floor, min(free, key=lambda item: (item.due_at, item.message)), event, now)


def _take(floor: Floor, item: Item, event: ItemAsked, now: float) -> Outcome:
    if item.by:
        return item.by == event.by, item.message if item.by == event.by else f"{item.by} has taken it"
    if item.offer is not None and item.offer.agent != event.agent:
        return False, f"the phone of {item.offer.agent} rings for it"
    if not _may(floor, item, event.agent):
        return False, f"{event.agent} lacks the skills of the box {item.box}"
    seat = floor.seats.get(AgentId(event.agent))
    if item.offer is not None and seat is not None:
        at = item.offer
        working.accept(floor, item, seat, now)
        working.hang_up(floor, at, now)
    elif seat is not None and seat.state is AgentState.READY:
        working.accept(floor, item, seat, now)
    else:
        working.by_hand(floor, item, event.by)
        floor.note(ItemTaken(item.message, event.by))
    return True, item.message


def _done(floor: Floor, item: Item, event: ItemAsked, now: float) -> Outcome:
    disposition = ""
    if event.disposition:
        found = seats.disposition_of(floor, event.disposition)
        if found is None:
            return False, seats.unknown_disposition(floor, event.disposition)
        disposition = found
    elif box_of(floor, item.box).disposition_required:
        known = ", ".join(floor.settings.agent_rules.dispositions.values())
        return False, f"messages of the box {item.box} need a disposition: {known}"
    floor.note(ItemDone(item.message, event.by, event.note, disposition))
    working.leave(floor, item, now)
    working.forget(floor, item)
    return True, "done"


def _decline(floor: Floor, event: ItemAsked, now: float) -> Outcome:
    item = working.offered_to(floor, event.agent)
    if item is None or item.offer is None:
        return False, f"{event.agent or 'nobody'} is not offered a message"
    if event.message != item.message:
        return False, f"the phone of {event.agent} rings for {item.message}, not for {event.message}"
    working.lose(floor, item.offer, "declined", 0, now)
    return True, "declined"


def _may(floor: Floor, item: Item, agent: str) -> bool:
    if not agent:
        return True
    has = floor.engine.skills[AgentId(agent)]
    return needs_of(box_of(floor, item.box).skills).met_by({Skill(name): level for name, level in has.items()})
