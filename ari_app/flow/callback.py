"""The node `callback`: the caller's own number read back, or another typed; then it is booked, and he is told. Pure.

Stages of the cursor: "confirm" (a number is read back), "type" (another is typed), then what came of it.
"""

from typing import Final

from ari_app.flow.intents import Book, Key, SaidAll, Took, Wait, WaitedOut
from ari_app.flow.model import GOODBYE
from ari_app.flow.nodes import Callback
from ari_app.flow.speech import speak
from ari_app.flow.turn import Turn
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number

NUMBER_MAX: Final = 24
YES_KEY, OTHER_KEY, END_KEY = "1", "2", "#"
TOLD: Final = {"booked": "callback-booked", "already": "callback-already", "full": "callback-full"}


def enter(turn: Turn, node: Callback) -> None:
    """Ask about his own number where it is known and may be called, else for one."""
    own = str(turn.at.values.get("caller", ""))
    turn.move(typed="")
    if _may_call(turn, own):
        _read_back(turn, own, node.say)
    else:
        _ask(turn, node.say)


def take(turn: Turn, node: Callback, got: Key | SaidAll | WaitedOut) -> str | None:
    match turn.at.stage, got:
        case (("confirm" | "type"), SaidAll()) if turn.at.saying:
            turn.move(saying=False, waiting=True)
            turn.do(Wait(node.wait_s))
        case "confirm", Key(digit):
            turn.stop()
            return _confirmed(turn, node, digit)
        case "confirm", WaitedOut() if turn.at.waiting:
            return _again(turn, node, "no-key")
        case "type", Key(digit):
            turn.stop()
            return _typed(turn, node, digit)
        case "type", WaitedOut() if turn.at.waiting:
            return _finished(turn, node)
        case stage, SaidAll() if stage in TOLD and turn.at.saying:
            return node.next if stage != "full" else node.on_failure or GOODBYE
        case _:
            pass
    return None


def booked(turn: Turn, branch: str) -> None:
    """What the board made of it: `booked`, `already` or `full`."""
    turn.move(stage=branch)
    turn.say((TOLD[branch],))


def _may_call(turn: Turn, number: str) -> bool:
    return is_permitted(Number(number), turn.walk.outbound)


def _read_back(turn: Turn, number: str, before: tuple[str, ...] = ()) -> None:
    turn.move(stage="confirm", digits=number)
    language = str(turn.at.values.get("language", ""))
    turn.say((*before, "callback-number-is", *speak(number, "digits", language), "callback-number-keys"))


def _ask(turn: Turn, before: tuple[str, ...] = ()) -> None:
    turn.move(stage="type", digits="")
    turn.say((*before, "callback-number-ask"))


def _confirmed(turn: Turn, node: Callback, digit: str) -> str | None:
    turn.do(Took(turn.at.node, digit, accepted=digit in (YES_KEY, OTHER_KEY)))
    match digit:
        case "1":
            turn.move(saying=False, waiting=False)
            turn.do(Book(node, turn.at.digits))
        case "2":
            _ask(turn)
        case _:
            return _again(turn, node, "wrong-key")
    return None


def _typed(turn: Turn, node: Callback, digit: str) -> str | None:
    digits = turn.at.digits + digit if digit.isdigit() else turn.at.digits
    if digit == END_KEY or len(digits) >= NUMBER_MAX:
        turn.move(digits=digits)
        return _finished(turn, node)
    turn.move(saying=False, waiting=True, digits=digits)
    turn.do(Wait(node.wait_s))
    return None


def _finished(turn: Turn, node: Callback) -> str | None:
    number = turn.at.digits
    if number and _may_call(turn, number):
        _read_back(turn, number)
        return None
    return _again(turn, node, "callback-number-refused" if number else "no-key")


def _again(turn: Turn, node: Callback, hint: str) -> str | None:
    """A try is used up: what was asked is asked again, or the caller leaves."""
    if turn.at.tries + 1 >= node.tries:
        return node.on_failure or GOODBYE
    turn.move(tries=turn.at.tries + 1)
    if turn.at.stage == "confirm":
        _read_back(turn, turn.at.digits, (hint,))
    else:
        _ask(turn, (hint,))
    return None
