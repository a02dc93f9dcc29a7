"""Keys and digits: the rules of menu, confirm, survey and collect. Pure; each returns the next node, or None."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ari_app.flow.intents import Heard, Key, Listen, Rated, SaidAll, Took, Unlisten, Wait, WaitedOut
from ari_app.flow.nodes import Collect, Confirm, Menu, Survey
from ari_app.flow.turn import Turn
from ari_app.model.mask import SECRET_DIGIT


@dataclass(frozen=True, slots=True)
class Keyed:
    """A node that takes one key. A branch of None leads to the goodbye."""

    keys: Mapping[str, str]
    wait_s: float
    tries: int
    on_silence: str | None
    on_wrong: str | None
    no_key: str = "no-key"
    wrong_key: str = "wrong-key"
    repeat_key: str | None = None
    interruptible: bool = True
    on_speech: str | None = None  # Listened for while the menu waits, if there is one.


def keyed(node: Menu | Confirm | Survey) -> Keyed:
    match node:
        case Menu():
            return Keyed(
                node.keys,
                node.wait_s,
                node.tries,
                node.on_silence,
                node.on_wrong,
                node.no_key,
                node.wrong_key,
                node.repeat_key,
                node.interruptible,
                node.on_speech,
            )
        case Confirm():
            choices = {node.yes_key: node.on_yes, node.no_key: node.on_no}
            return Keyed(choices, node.wait_s, node.tries, node.on_failure, node.on_failure)
        case Survey():
            silence = node.on_silence or node.next
            return Keyed(dict.fromkeys(node.keys, node.next), node.wait_s, 1, silence, node.next)


HABIT_S: Final = 3.0


def added(node: Collect, digits: str, digit: str) -> str:
    """The digits after one more key; the end key and other signs add nothing, nor does one too many."""
    # A replayed secret has SECRET_DIGIT for digits: it must be as long as it was.
    return (digits + digit)[: node.max] if digit.isdigit() or digit == SECRET_DIGIT else digits


def completes(node: Collect, digits: str, digit: str) -> bool:
    """Whether this key ends the input."""
    return digit == node.end_key or len(added(node, digits, digit)) >= node.max


def enter_keyed(turn: Turn, node: Menu | Confirm | Survey) -> str | None:
    """A key typed ahead is taken at once; else the prompts are said."""
    if typed := turn.at.typed:
        choices = keyed(node).keys
        turn.move(typed=typed[1:] if typed[0] in choices else "")
        if typed[0] in choices:
            return _taken(turn, node, choices[typed[0]], typed[0])
    turn.say(node.say)
    return None


def _taken(turn: Turn, node: Menu | Confirm | Survey, target: str, digit: str) -> str:
    turn.do(Took(turn.at.node, digit, accepted=True))
    if isinstance(node, Survey):
        turn.do(Rated(node.question, digit))
    return target


def take_keyed(turn: Turn, node: Menu | Confirm | Survey, got: Key | SaidAll | WaitedOut | Heard) -> str | None:
    rules = keyed(node)
    hears = turn.at.waiting and rules.on_speech is not None
    match got:
        case SaidAll() if turn.at.saying:
            turn.move(saying=False, waiting=True, spoke=False)
            if rules.on_speech is not None:
                turn.do(Listen())
            turn.do(Wait(rules.wait_s))
        case Heard() if hears:
            turn.move(spoke=True)  # He may press a key yet.
        case WaitedOut() if turn.at.waiting:
            if hears:
                turn.do(Unlisten())
            if turn.at.spoke:
                return rules.on_speech
            return turn.again(rules.no_key, rules.on_silence, rules.tries, node.say)
        case Key(digit) if not turn.at.saying or rules.interruptible:
            turn.stop()
            if hears:
                turn.do(Unlisten())
            if digit in rules.keys:
                return _taken(turn, node, rules.keys[digit], digit)
            turn.do(Took(turn.at.node, digit, accepted=digit == rules.repeat_key))
            if digit != rules.repeat_key:
                return turn.again(rules.wrong_key, rules.on_wrong, rules.tries, node.say)
            turn.say(node.say)
        case _:
            pass  # The author wants the prompt heard; the caller presses again after it.
    return None


def enter_collect(turn: Turn, node: Collect) -> str | None:
    """Digits typed ahead count: a caller who interrupts the prompt before has begun with the first of them."""
    typed = turn.at.typed
    turn.move(typed="")
    for n, digit in enumerate(typed):
        digits = added(node, turn.at.digits, digit)
        if completes(node, turn.at.digits, digit) and len(digits) >= node.min:
            rest = typed[n + 1 :]
            if digit != node.end_key and rest[:1] == node.end_key:
                rest = rest[1:]
            elif not rest:
                _was_full(turn, node, digit)
            turn.move(typed=rest)
            return _store(turn, node, digits)
        turn.move(digits=digits)
    if turn.at.digits:
        turn.move(waiting=True)
        turn.do(Wait(node.between_s))
    else:
        turn.say(node.say)
    return None


def take_collect(turn: Turn, node: Collect, got: Key | SaidAll | WaitedOut) -> str | None:
    match got:
        case SaidAll() if turn.at.saying:
            turn.move(saying=False, waiting=True)
            turn.do(Wait(node.first_s))
        case WaitedOut() if turn.at.waiting:
            return _finish(turn, node, turn.at.digits)
        case Key(digit):
            digits = added(node, turn.at.digits, digit)
            turn.stop()
            if completes(node, turn.at.digits, digit):
                _was_full(turn, node, digit)
                return _finish(turn, node, digits)
            turn.move(saying=False, waiting=True, digits=digits)
            turn.do(Wait(node.between_s))
        case _:
            pass
    return None


def _was_full(turn: Turn, node: Collect, digit: str) -> None:
    """Prompts ask for the end key; whoever obeys although the last digit ended his input must lose nothing by it."""
    if digit != node.end_key:
        turn.move(habit=node.end_key, habit_until=turn.now + HABIT_S)


def _finish(turn: Turn, node: Collect, digits: str) -> str | None:
    if len(digits) >= node.min:
        return _store(turn, node, digits)
    return turn.again(node.too_few if digits else node.no_key, node.on_failure, node.tries, node.say)


def _store(turn: Turn, node: Collect, digits: str) -> str:
    turn.move(values={**turn.at.values, node.into: digits}, digits="")
    return node.next
