"""Messages as work: each with a due time and the skills of its box; taken, given back, done, and then forgotten."""

from ari_app.board.floor import Floor
from ari_app.board.records import Item
from ari_app.model.effects import FileMessage, Reply, Warn
from ari_app.model.ids import AgentId, CallId, MessageId, Skill, call_of
from ari_app.model.routing import Box
from ari_app.model.skills import needs_of
from ari_app.model.work import (
    ItemAsked,
    ItemDone,
    ItemLeft,
    ItemOpened,
    ItemReturned,
    ItemTaken,
    MessageFiled,
    MessageStored,
    MessageUnfiled,
)

ITEMS_MAX = 100_000  # Undone messages looked after; what is beyond is kept in the store, and listed.
DEFAULT = Box()
Outcome = tuple[bool, str]


def box_of(floor: Floor, name: str) -> Box:
    """Its settings; boxes that config.yaml does not name have the defaults."""
    return floor.settings.boxes.get(name, DEFAULT)


def opened(floor: Floor, call: CallId, message: MessageId, box: str, now: float) -> None:
    """A message was left: to be filed, and to be worked."""
    item = Item(message, call, box, now + box_of(floor, box).due_h * 3600)
    floor.note(ItemOpened(call, message, box, item.due_at))
    if len(floor.items) < ITEMS_MAX:
        floor.items[message] = item
    floor.do(FileMessage(call, message, box))


def restored(floor: Floor, left: ItemLeft) -> None:
    floor.items[left.message] = Item(left.message, left.call, left.box, left.due_at, left.by)
    if not left.stored:
        floor.do(FileMessage(left.call, left.message, left.box))


def filed(floor: Floor, event: MessageFiled | MessageUnfiled) -> None:
    owner = call_of(event.message) or CallId("")
    match event:
        case MessageFiled(message, path, size, sha256):
            item = floor.items.get(message)
            keep_days = box_of(floor, item.box if item is not None else "").keep_days
            floor.note(MessageStored(owner, message, path, size, sha256, keep_days))
        case MessageUnfiled(message, reason):
            floor.do(Warn(f"message {message} not filed: {reason}", owner))


def ask(floor: Floor, event: ItemAsked) -> None:
    ok, said = _ask(floor, event)
    if event.request is not None:
        floor.do(Reply(event.request, ok, said))


def _ask(floor: Floor, event: ItemAsked) -> Outcome:
    if event.agent and event.agent not in floor.settings.agents:
        return False, f"no agent has the work number {event.agent}"
    if event.wish == "next":
        return _next(floor, event)
    item = floor.items.get(event.message)
    if item is None:
        return False, f"no message {event.message} waits to be worked"
    match event.wish:
        case "take":
            if item.by and item.by != event.by:
                return False, f"{item.by} has taken it"
            if not _may(floor, item, event.agent):
                return False, f"{event.agent} lacks the skills of the box {item.box}"
            return _take(floor, item, event.by)
        case "done" | "return" if item.by != event.by:
            return False, f"{item.by} has taken it" if item.by else "take it first"
        case "done":
            del floor.items[item.message]
            floor.note(ItemDone(item.message, event.by, event.note))
            return True, "done"
        case "return":
            item.by = ""
            floor.note(ItemReturned(item.message, event.by))
            return True, "returned"


def _next(floor: Floor, event: ItemAsked) -> Outcome:
    """The most urgent one that nobody has taken and this agent may have."""
    free = [item for item in floor.items.values() if not item.by and _may(floor, item, event.agent)]
    if not free:
        return False, "nothing waits"
    return _take(floor, min(free, key=lambda item: (item.due_at, item.message)), event.by)


def _take(floor: Floor, item: Item, by: str) -> Outcome:
    if item.by != by:
        item.by = by
        floor.note(ItemTaken(item.message, by))
    return True, item.message


def _may(floor: Floor, item: Item, agent: str) -> bool:
    if not agent:
        return True
    has = floor.engine.skills[AgentId(agent)]
    return needs_of(box_of(floor, item.box).skills).met_by({Skill(name): level for name, level in has.items()})
