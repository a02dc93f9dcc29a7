"""The checker's rules about situations: the scripts themselves, and the nodes of flows that run them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from ari_app.flow.finding import Draft, Finding, Path, World, no_such
from ari_app.flow.nodes import RunSituation
from ari_app.flow.situations import SayStep, Situation

NO_SUCH_NAME: Final = "S003"
MISSING_PROMPT: Final = "S020"
NEVER_ENDS: Final = "S021"
NOTHING_TO_DO: Final = "S022"
NOWHERE_ALLOWED: Final = "S023"
NOT_IN_MENUS: Final = "S024"
NO_TALK_LENGTH: Final = "S025"
SAME_TRIGGER: Final = "S026"
HAS_NO_STEPS: Final = "F043"
NOT_IN_FLOWS: Final = "F044"
NEXT_NEVER_COMES: Final = "F045"

ENDS: Final = ("hang-up", "next")


def check_situations(
    named: Mapping[str, Situation], drafts: Mapping[str, Draft], world: World, is_whole: bool = True
) -> Iterator[Finding]:
    """What is wrong with situations.yaml; `drafts` are the flows its `nodes` point to.

    Not `is_whole`: something was left out of the file, so what is not there may have been written.
    """
    triggers: dict[str, str] = {}
    for name, situation in named.items():
        here: Path = ("situations", name)
        yield from _prompts(here, situation, world)
        yield from _nodes(here, situation, drafts, world)
        if not is_whole:
            continue
        yield from _steps(here, situation)
        yield from _doers(here, situation)
        yield from _trigger(here, situation)
        if situation.trigger is not None and situation.steps:
            first = triggers.setdefault(situation.trigger, name)
            if first != name:
                message = f"the script of {first!r} has the trigger {situation.trigger!r} already"
                yield Finding((*here, "trigger"), SAME_TRIGGER, message, "one script for one trigger")


def _prompts(here: Path, situation: Situation, world: World) -> Iterator[Finding]:
    for n, step in enumerate(situation.steps):
        if not isinstance(step, SayStep):
            continue
        for at, prompt in enumerate(step.say):
            if languages := [language for _, language in world.missing((prompt,))]:
                message = f"no {' and no '.join(languages)} audio for prompt {prompt!r}"
                path: Path = (*here, "steps", n, "say", at)
                yield Finding(path, MISSING_PROMPT, message, "`hotline prompts list` names them all")


def _steps(here: Path, situation: Situation) -> Iterator[Finding]:
    steps = situation.steps
    for n, step in enumerate(steps[:-1]):
        if step in ENDS:
            message = f"{step} ends the script: what stands after it is never done"
            yield Finding((*here, "steps", n), NEVER_ENDS, message, "it stands last")
    if steps and steps[-1] not in ENDS:
        message = "the script never ends"
        yield Finding((*here, "steps"), NEVER_ENDS, message, "write hang-up or next as its last step", at_key=True)
    if steps and not situation.allowed:
        hint = "write allowed: [in-flow], [voicemail] or [talking]"
        yield Finding(here, NOWHERE_ALLOWED, "its steps may run nowhere", hint, at_key=True)


def _doers(here: Path, situation: Situation) -> Iterator[Finding]:
    if "machine" in situation.who and not (situation.steps or situation.nodes or situation.hints_s):
        message = "the machine has nothing to do"
        yield Finding((*here, "who"), NOTHING_TO_DO, message, "write steps, nodes or hints_s, or leave machine out")
    if "agent" in situation.who and situation.cards is None:
        message = "the agent has nothing to say"
        yield Finding((*here, "who"), NOTHING_TO_DO, message, "write cards in both languages, or leave agent out")


def _trigger(here: Path, situation: Situation) -> Iterator[Finding]:
    if situation.trigger in ("quiet", "noisy") and "in-flow" in situation.allowed:
        message = f"a {situation.trigger} line is no matter in a menu, where keys are enough"
        hint = "allow it where speech is needed: voicemail, talking"
        yield Finding((*here, "allowed"), NOT_IN_MENUS, message, hint)
    if (situation.trigger == "talk-length") != (situation.hints_s is not None):
        message = "hints_s and trigger: talk-length belong together"
        place: Path = (*here, "hints_s" if situation.hints_s is not None else "trigger")
        yield Finding(place, NO_TALK_LENGTH, message, "write both, or neither")


def _nodes(here: Path, situation: Situation, drafts: Mapping[str, Draft], world: World) -> Iterator[Finding]:
    for flow, names in situation.nodes.items():
        path: Path = (*here, "nodes", flow)
        if flow not in world.flows:
            message = f"no flow named {flow!r}"
            yield Finding(path, NO_SUCH_NAME, message, at_key=True, wanted=flow, known=world.flows)
            continue
        known = drafts[flow].names if flow in drafts else names
        for n, name in enumerate(names):
            if name not in known:
                message = f"no node named {name!r} in the flow {flow!r}"
                yield Finding((*path, n), NO_SUCH_NAME, message, wanted=name, known=known)


# -- flows that run them --


def check_runs(draft: Draft, world: World) -> Iterator[Finding]:
    """The `situation` nodes of a flow."""
    for name, node in draft.flow.nodes.items():
        if not isinstance(node, RunSituation):
            continue
        here: Path = ("nodes", name)
        path: Path = (*here, "situation")
        situation = world.situations.named.get(node.situation)
        if situation is None:
            if node.situation not in world.situation_names:
                hint = "write it in situations.yaml"
                yield no_such(path, "situation", node.situation, world.situation_names, hint)
            continue
        if not situation.steps:
            message = f"the situation {node.situation!r} has no steps that a flow could run"
            yield Finding(path, HAS_NO_STEPS, message, "write steps in situations.yaml, or take another situation")
        elif "in-flow" not in situation.allowed:
            message = f"the situation {node.situation!r} is allowed in {', '.join(situation.allowed)} only"
            yield Finding(path, NOT_IN_FLOWS, message, "allow in-flow in situations.yaml, or take another situation")
        elif node.next is not None and situation.steps[-1] == "hang-up":
            message = f"the script of {node.situation!r} hangs up: `next` never comes"
            hint = "end the script with next, or leave this out"
            yield Finding((*here, "next"), NEXT_NEVER_COMES, message, hint, is_warning=True)
