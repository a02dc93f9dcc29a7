"""Scripts of situations outside of flows: an agent leaves the caller to one and goes on, or one follows a message.

In a talk a sign of life brings the caller back to his queue, in his place; after a message it lets him speak anew.
"""

from ari_app.board import screening, situations, talk, walk
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Script
from ari_app.board.seats import Outcome
from ari_app.flow.intents import Place
from ari_app.flow.situations import Situation
from ari_app.model.states import CallMove


def ask(floor: Floor, call: Call, name: str, now: float) -> Outcome:
    """The agent leaves the caller to a script: the one named, or the one that fits what is heard of his line."""
    known = situations.of(call)
    if not name and (name := known.of_line(call.verdict, "talking") or "") == "":
        return False, f"the line is {call.verdict or 'not judged yet'}: name the script"
    situation = known.named.get(name)
    if situation is None or not situation.runs("talking"):
        able = ", ".join(each for each in known.named if known.named[each].runs("talking"))
        return False, f"no script {name[:40]!r} may run in a talk; those that may: {able or 'none'}"
    if why := _not_now(call, situation):
        return False, why
    assert call.talk is not None
    agent, said = call.talk.agent, f"the caller hears {name}; you are in wrap-up"
    leave_to(floor, call, name, now)
    if situation.trigger == "nuisance":
        said += f"; {screening.mark_caller(floor, call, agent, name, now)}"
    return True, said


def nuisance(floor: Floor, call: Call, now: float) -> Outcome:
    """One key of the agent: the caller is marked, warned, and led to the automatic desk."""
    found = situations.of(call).of_trigger("nuisance")
    if found is not None:
        return ask(floor, call, found[0], now)
    return False, "no situation has the trigger nuisance: write one in situations.yaml"


def _not_now(call: Call, situation: Situation) -> str:
    assert call.talk is not None
    if call.invite is not None:
        return "a consult is under way: complete it, or return to the caller"
    if call.talk.held or call.talk.away:
        return "the caller is on hold: take him back first"
    if situation.life == ("clear",):
        if call.line is None and not (call.resting and call.resting.listens):
            return "the line is not listened to, so that nothing would end the script"
        if call.verdict == "clear":
            return "the line is clear: the script would end at once"
    return ""


def by_itself(floor: Floor, call: Call, now: float) -> None:
    """The verdict has just changed: config.yaml may say that this begins a script without being asked (line.auto).

    Silence only counts of a caller of whom nothing was heard in this talk: who listens to an agent is silent, too.
    A caller whose own music plays has put the agent on hold: until his line is clear again nothing begins.
    """
    talking = call.talk
    if talking is None or call.verdict is None:
        return
    began = call.verdict in floor.settings.line.auto and not (call.verdict == "silent" and talking.heard)
    talking.heard |= call.verdict != "silent"
    talking.tune = call.verdict == "music" or (talking.tune and call.verdict != "clear")
    if talking.tune:
        return
    if began and call.watch is None:
        ask(floor, call, "", now)


def leave_to(floor: Floor, call: Call, name: str, now: float) -> None:
    assert call.talk is not None
    call.note, call.passed_by = name, call.talk.agent
    call.script = Script(Place(name), "talking")  # Before the talk ends: the line is listened to on.
    talk.end_talk(floor, call, "script", now)
    call.to(CallMove.TALK_ENDS)
    walk.begin_script(floor, call, now)
