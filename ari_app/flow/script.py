"""The script of a situation, step by step: `begin` and `step` take a place and an input, and give the next and intents.

Pure. Any sign of life the situation knows ends it at once, at any step: what is being said stops, and the outcome says
what the sign was. Waits count from the end of the prompts before them.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from ari_app.flow.intents import (
    Began,
    Cleared,
    Ended,
    Heard,
    Hush,
    Input,
    Intent,
    Key,
    Listen,
    Place,
    SaidAll,
    Say,
    Unlisten,
    Unwait,
    Wait,
    WaitedOut,
)
from ari_app.flow.situations import SayStep, Situation, WaitStep
from ari_app.model.facts import SituationOutcome

SIGNS: Final[dict[type[Input], SituationOutcome]] = {Key: "key", Heard: "speech", Cleared: "clear"}


@dataclass(frozen=True, slots=True)
class Run:
    """A place, what to do, and, when the script is over, how it ended."""

    at: Place
    intents: tuple[Intent, ...] = ()
    outcome: SituationOutcome | None = None


Ways: TypeAlias = tuple[Intent, ...]


def begin(name: str, script: Situation) -> Run:
    """The first step. `script` has steps, the last of which ends it: the checker sees to it."""
    listen: Ways = (Listen(),) if "speech" in script.life else ()
    return _enter(script, Place(name), (*listen, Began(name)))


def step(script: Situation, at: Place, got: Input) -> Run:
    """What one input does; one that the step does not wait for changes nothing."""
    sign = SIGNS.get(type(got))
    if sign is not None:
        if sign not in script.life:
            return Run(at)
        return _over(script, at, (Hush() if at.saying else Unwait(),), sign)
    if isinstance(got, SaidAll if at.saying else WaitedOut):
        return _enter(script, replace(at, step=at.step + 1), ())
    return Run(at)


def again(script: Situation, at: Place) -> Run:
    """The step once more, from its beginning."""
    return _enter(script, at, ())


def _enter(script: Situation, at: Place, before: Ways) -> Run:
    match script.steps[at.step]:
        case SayStep(say=prompts):
            return Run(replace(at, saying=True), (*before, Say(prompts)))
        case WaitStep(wait_s=seconds):
            return Run(replace(at, saying=False), (*before, Wait(seconds)))
        case "hang-up":
            return _over(script, at, before, "hung-up")
        case "next":
            return _over(script, at, before, "over")
        case never:
            assert_never(never)


def _over(script: Situation, at: Place, before: Ways, outcome: SituationOutcome) -> Run:
    deaf: Ways = (Unlisten(),) if "speech" in script.life and outcome != "hung-up" else ()
    return Run(at, (*before, *deaf, Ended(at.situation, outcome, at.step + 1)), outcome)
