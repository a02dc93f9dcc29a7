"""What a flow does: `begin` and `step` take a cursor and an input, and return the next cursor and intents. Pure.

Keys typed ahead are kept until a menu takes them, so a caller who knows the way never waits for a prompt. Of keys that
may belong to a secret (`is_secret`) the journal keeps that they were pressed, not which.
"""

from collections.abc import Mapping
from typing import Final

from ari_app.flow import callback, decisions, keys, secrets, situation_node
from ari_app.flow.expression import Value
from ari_app.flow.intents import (
    Answered,
    Cleared,
    Connect,
    Cursor,
    End,
    Enqueue,
    Entered,
    Heard,
    Hush,
    Input,
    Key,
    MessageTaken,
    QueueDone,
    Recorded,
    SaidAll,
    Speak,
    SpeakAgain,
    Step,
    TakeMessage,
    WaitedOut,
    Walk,
    copied,
)
from ari_app.flow.model import GOODBYE, next_nodes
from ari_app.flow.nodes import (
    Branch,
    Callback,
    CheckHours,
    Collect,
    Confirm,
    Goto,
    Greet,
    HangUp,
    LookUp,
    Menu,
    Node,
    Play,
    Queue,
    Return,
    RunSituation,
    SetVariables,
    Subflow,
    Survey,
    SwitchLanguage,
    Transfer,
    Voicemail,
)
from ari_app.flow.turn import TYPED_MAX, Turn

TONE: Final = "beep"  # Before a caller speaks his message.
TURNED_AWAY: Final = ("full", "closed", "no_agents", "busy", "refused")
_CHOSEN_IN: Final = Menu | Confirm | Collect | Survey | Queue | Transfer | Callback | HangUp


def begin(walk: Walk, now: float, given: Mapping[str, Value] | None = None) -> Step:
    """Enter the flow's first node. `now` is seconds since the Unix epoch; `given` the variables of model.GIVEN."""
    turn = Turn(walk, now, Cursor(walk.flow.flow.start, values=dict(given or {})), owned=True)
    _enter(turn, walk.flow.flow.start)
    return turn.at, tuple(turn.intents)


def step(walk: Walk, at: Cursor, got: Input, now: float) -> Step:
    """What one input does. An input the node does not wait for changes nothing."""
    if at.ended:
        return at, ()
    if at.habit and isinstance(got, Key):
        habit, at = at.habit, copied(at, habit="")
        if got.digit == habit and now < at.habit_until:
            return at, ()
    # An answer, or a queue that did not take the caller, comes without the caller having been waited for.
    alone = isinstance(got, Answered) or (isinstance(got, QueueDone) and got.branch in TURNED_AWAY)
    before = at if alone or at.steps == 0 else copied(at, steps=0)
    turn = Turn(walk, now, before, owned=before is not at)
    _enter(turn, _take(turn, turn.node, got))
    return (turn.at, tuple(turn.intents)) if turn.moved else (at, ())


def jump(walk: Walk, at: Cursor, flow: str, node: str, now: float) -> Step:
    """Go on at a node of one of the call's flows, whatever the caller waited for; variables are kept."""
    there = None if flow == walk.flow.name else walk.flows[flow]
    turn = Turn(walk, now, copied(at, flow=there, stack=(), ended=False, steps=0, typed=""), owned=True)
    _enter(turn, node)
    return turn.at, tuple(turn.intents)


def again(walk: Walk, at: Cursor, now: float) -> Step:
    """The caller's node once more: what he heard and pressed in it is gone. Where a secret he had typed is gone too,
    and is needed, it is asked for anew."""
    turn = Turn(walk, now, copied(at, saying=False, waiting=False, typed="", digits="", steps=0), owned=True)
    match turn.node:
        case RunSituation() as node if at.place is not None:
            situation_node.again(turn, node, at.place)
        case Callback() if at.stage in callback.TOLD:
            callback.booked(turn, at.stage)
        case _:
            _enter(turn, secrets.asked_at(turn.flow, at.node, at.values, walk.secrets) or at.node)
    return turn.at, tuple(turn.intents)


def is_secret(walk: Walk, at: Cursor) -> bool:
    """Whether a key pressed now is, or may be meant as, part of a secret: then it must not be written down."""
    flow, seen, todo = at.flow or walk.flow, set[str](), [at.node]
    while todo:
        name = todo.pop()
        node = flow.node(name)
        if isinstance(node, Collect) and node.secret:
            return True
        # Only on from nodes that a caller passes without choosing.
        if name not in seen and not isinstance(node, _CHOSEN_IN):
            todo += [target for target in next_nodes(node).values() if target != GOODBYE]
        seen.add(name)
    return False


def _enter(turn: Turn, name: str | None) -> None:
    """Enter nodes until one waits. Bounded, so that a flow without a wait cannot hold the loop."""
    while name is not None:
        if turn.at.steps >= turn.walk.steps_max:
            turn.move(ended=True)
            turn.do(End(looped=True))
            return
        turn.move(node=name, saying=False, waiting=False, tries=0, digits="", stage="", steps=turn.at.steps + 1)
        node = turn.node
        turn.do(Entered(name, node.type))
        name = _pass(turn, node)


def _pass(turn: Turn, node: Node) -> str | None:
    """Do what a node does on entry; the next node's name when it does not wait."""
    match node:
        case Greet() | Play() if turn.at.typed and node.interruptible:
            return node.next
        case Greet():
            turn.say((decisions.greeting(turn, node),))
        case Play():
            turn.say(node.say)
        case Voicemail():
            turn.say((*node.say, TONE))
        case Menu() | Confirm() | Survey():
            return keys.enter_keyed(turn, node)
        case Collect():
            return keys.enter_collect(turn, node)
        case Queue():
            turn.move(typed="")
            turn.do(Enqueue(decisions.ranked(turn, node)))
        case Transfer():
            turn.move(typed="")
            turn.do(Connect(node))
        case Callback():
            callback.enter(turn, node)
        case LookUp():
            return decisions.ask(turn, node)
        case HangUp():
            decisions.goodbye(turn, node)
        case RunSituation():
            return situation_node.enter(turn, node)
        case _:
            return _quick(turn, node)
    return None


def _quick(turn: Turn, node: CheckHours | Branch | SetVariables | SwitchLanguage | Goto | Subflow | Return) -> str:
    """Nodes that decide at once."""
    match node:
        case CheckHours():
            return decisions.by_hours(turn, node)
        case Branch():
            return decisions.by_case(turn, node)
        case SetVariables():
            return decisions.set_(turn, node)
        case SwitchLanguage():
            turn.move(values={**turn.at.values, "language": node.language})
            turn.do(Speak(node.language))
            return node.next
        case Goto():
            return node.to
        case Subflow():
            return decisions.call(turn, node)
        case Return():
            return decisions.return_(turn)


def _take(turn: Turn, node: Node, got: Input) -> str | None:
    """What an input does to the node that waits for it; the next node's name, or None to stay."""
    match node, got:
        case ((Menu() | Confirm() | Survey()), (Key() | SaidAll() | WaitedOut() | Heard())):
            return keys.take_keyed(turn, node, got)
        case Collect(), (Key() | SaidAll() | WaitedOut()):
            return keys.take_collect(turn, node, got)
        case Collect(), Recorded():
            return node.on_failure or GOODBYE
        case ((Greet() | Play()), Key(digit)):
            return _ahead(turn, node, digit)
        case ((Greet() | Play()), SaidAll()) if turn.at.saying:
            return node.next
        case RunSituation(), (Key() | SaidAll() | WaitedOut() | Heard() | Cleared()):
            return situation_node.take(turn, node, got)
        case LookUp(), Answered():
            return decisions.answered(turn, node, got)
        case LookUp(), SaidAll():
            turn.move(saying=False)
        case ((Queue() | Transfer()), QueueDone(branch)):
            return _after(node, branch)
        case Callback(), (Key() | SaidAll() | WaitedOut()):
            return callback.take(turn, node, got)
        case Callback(), QueueDone(branch):
            callback.booked(turn, branch)
        case Voicemail(), SaidAll() if turn.at.saying:
            turn.move(saying=False)
            turn.do(TakeMessage(node, str(turn.at.values.get(node.number, "")) if node.number is not None else ""))
        case Voicemail(), SpeakAgain():
            turn.say((TONE,))
        case Voicemail(), MessageTaken(ok):
            return node.next if ok else node.on_failure or GOODBYE
        case HangUp(), SaidAll() if turn.at.saying:
            turn.move(saying=False, ended=True)
            turn.do(End())
        case _:
            pass  # Stale or irrelevant: this node does not wait for it.
    return None


def _after(node: Queue | Transfer, branch: str) -> str:
    """Where a queue or a transfer leads; after a transfer that ended in a queue, whatever came of it: on to next."""
    if branch == "survey":
        return (node.survey if isinstance(node, Queue) else None) or node.next or GOODBYE
    known = branch != "next" and hasattr(node, f"on_{branch}")
    return (getattr(node, f"on_{branch}") if known else node.next) or GOODBYE


def _ahead(turn: Turn, node: Greet | Play, digit: str) -> str | None:
    """A key during a prompt: kept for the node that takes it."""
    turn.move(typed=(turn.at.typed + digit)[:TYPED_MAX])
    if not node.interruptible:
        return None
    turn.do(Hush())
    return node.next
