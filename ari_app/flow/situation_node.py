"""The node `situation`: a script of situations.yaml run in a flow. Pure; each returns the next node, or None.

Keys pressed meanwhile are kept for the node that takes them, so that the one that ends a script is not lost.
"""

from ari_app.flow import script
from ari_app.flow.intents import Cleared, End, Heard, Key, Place, SaidAll, WaitedOut
from ari_app.flow.model import GOODBYE
from ari_app.flow.nodes import RunSituation
from ari_app.flow.turn import TYPED_MAX, Turn


def enter(turn: Turn, node: RunSituation) -> str | None:
    """Keys typed ahead are life already: then nothing is said."""
    situation = turn.flow.situations.named[node.situation]
    if turn.at.typed and "key" in situation.life:
        return node.on_life
    return _on(turn, node, script.begin(node.situation, situation))


def take(turn: Turn, node: RunSituation, got: Key | SaidAll | WaitedOut | Heard | Cleared) -> str | None:
    if turn.at.place is None:
        return None
    if isinstance(got, Key):
        turn.move(typed=(turn.at.typed + got.digit)[:TYPED_MAX])
    return _on(turn, node, script.step(turn.flow.situations.named[node.situation], turn.at.place, got))


def again(turn: Turn, node: RunSituation, place: Place) -> None:
    """The step of the script once more."""
    _on(turn, node, script.again(turn.flow.situations.named[node.situation], place))


def _on(turn: Turn, node: RunSituation, run: script.Run) -> str | None:
    going_on = run.outcome is None
    turn.move(place=run.at if going_on else None, saying=going_on and run.at.saying, waiting=False)
    turn.do(*run.intents)
    match run.outcome:
        case None:
            return None
        case "hung-up":
            turn.move(ended=True)
            turn.do(End())
            return None
        case "over":
            return node.next or GOODBYE
        case "speech":
            return node.on_speech or node.on_life
        case _:
            return node.on_life
