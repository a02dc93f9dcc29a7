"""The checker's rules about what flows share with config.yaml: queues, skills, opening hours, the calendar. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from ari_app.flow import hours as calendar
from ari_app.flow.finding import Draft, Finding, Path, World, no_such
from ari_app.flow.lint_nodes import NO_SUCH_DAY, ONE_KEY_TWICE, is_day
from ari_app.flow.nodes import Callback, CheckHours, Queue
from ari_app.model.ids import Skill
from ari_app.model.routing import Hours
from ari_app.model.routing import Queue as QueueSettings
from ari_app.model.settings import Settings
from ari_app.model.skills import SkillsFault, needs_of, parse
from ari_app.model.surge import in_surge

NEVER_OPEN: Final = "F033"
RUNS_BACKWARDS: Final = "F034"
NOBODY_HAS_SKILLS: Final = "F037"
NO_MAKE_UP_DAYS: Final = "F040"
BAD_SKILLS: Final = "F048"
CHOICE_LEADS_NOWHERE: Final = "F049"
NOTHING_DIALLED: Final = "F050"


def check_world(draft: Draft, world: World) -> Iterator[Finding]:
    """Queues and hours, each at the first node that names it."""
    settings, told = world.settings, set[str]()
    first: dict[str, Path] = {}
    for name, node in draft.flow.nodes.items():
        match node:
            case CheckHours():
                path: Path = ("nodes", name, "hours")
                if node.hours not in settings.hours:
                    yield no_such(path, "opening hours", node.hours, settings.hours, "write them in config.yaml")
                first.setdefault(node.hours, path)
            case Queue() | Callback():
                yield from _choices(("nodes", name), node, settings)
                path = ("nodes", name, "queue")
                yield from _queue(path, node.queue, settings, told)
                if isinstance(node, Queue):
                    yield from _node_skills(("nodes", name, "skills"), node, settings)
                if node.queue in settings.queues and (used := settings.queues[node.queue].hours):
                    first.setdefault(used, path)
            case _:
                pass
    for name, path in first.items():
        if name in settings.hours:
            yield from _hours(path, name, settings.hours[name])
    yield from _calendar(first, world)


def _queue(path: Path, name: str, settings: Settings, told: set[str]) -> Iterator[Finding]:
    if name not in settings.queues:
        yield no_such(path, "queue", name, settings.queues, "write it in config.yaml")
        return
    if name in told:
        return
    told.add(name)
    queue = settings.queues[name]
    if queue.hours is not None and queue.hours not in settings.hours:
        message = f"opening hours of the queue {name!r}"
        yield no_such(path, message, queue.hours, settings.hours, "write them in config.yaml")
    if not _anybody(settings, queue.skills, queue):
        first = queue.skills
        skills = first if isinstance(first, str) else ", ".join(f"{skill} {level}" for skill, level in first.items())
        message = f"no agent in config.yaml has the skills of the queue {name!r} ({skills})"
        yield Finding(path, NOBODY_HAS_SKILLS, message, "give an agent these skills, or ask for less")


def _choices(here: Path, node: Queue | Callback, settings: Settings) -> Iterator[Finding]:
    """Keys a waiting caller has: each leads somewhere, and means one thing; and call-backs that can be made."""
    if isinstance(node, Callback):
        if not settings.outbound.trunk or not settings.outbound.permitted:
            message = "config.yaml permits no number to be dialled: every caller will be told that his cannot be called"
            yield Finding(here, NOTHING_DIALLED, message, "write outbound: trunk and permitted", is_warning=True)
        return
    keys = node.choices.keys if node.choices is not None else {}
    for key, choice in keys.items():
        if choice != "stay" and getattr(node, f"on_{choice}") is None:
            message = f"key {key} chooses {choice}, which leads nowhere"
            yield Finding((*here, "choices", "keys", key), CHOICE_LEADS_NOWHERE, message, f"write on_{choice}: NODE")
    queue = settings.queues.get(node.queue)
    if queue is not None and queue.recording.policy == "ask" and queue.recording.refuse_key in keys:
        key = queue.recording.refuse_key
        message = f"key {key} also refuses the recording (queues.{node.queue}.recording.refuse_key of config.yaml)"
        yield Finding((*here, "choices", "keys", key), ONE_KEY_TWICE, message, "choose another key")


def _node_skills(path: Path, node: Queue, settings: Settings) -> Iterator[Finding]:
    """What the node asks of an agent instead of its queue."""
    if node.skills is None:
        return
    try:
        named = parse(node.skills).skills()
    except SkillsFault as fault:
        message = f"{fault}, at character {fault.column} of {node.skills!r}"
        yield Finding(path, BAD_SKILLS, message, "such as billing>=3 & (mandarin | english)")
        return
    unknown = sorted(named - {Skill(skill) for skill in settings.skills})
    for skill in unknown:
        yield no_such(path, "skill", skill, settings.skills, "write it under skills in config.yaml")
    queue = settings.queues.get(node.queue)
    if queue is not None and not unknown and not _anybody(settings, node.skills, queue):
        message = f"no agent in config.yaml has the skills {node.skills}"
        yield Finding(path, NOBODY_HAS_SKILLS, message, "give an agent these skills, or ask for less")


def _anybody(settings: Settings, first: Mapping[str, int] | str, queue: QueueSettings) -> bool:
    """Whether an agent has what is asked for at first, or what the queue asks for later; in a surge, if not before."""
    levels = [_levels(in_surge(settings.surge, number, agent.skills)) for number, agent in settings.agents.items()]
    asked = (first, *(each.skills for each in queue.relax))
    return any(needs_of(each).met_by(has) for each in asked for has in levels)


def _levels(skills: Mapping[str, int]) -> dict[Skill, int]:
    return {Skill(name): level for name, level in skills.items()}


def _hours(path: Path, name: str, found: Hours) -> Iterator[Finding]:
    where = f"hours.{name} of config.yaml"
    spans = [span for each in (*found.weekly.values(), *found.exceptions.values()) for span in each]
    turned = [key for key in found.weekly if _is_turned(key)]
    late = [span for span in spans if not _is_forward(span)]
    for key in turned:
        message = f"{where}: {key} runs backwards"
        yield Finding(path, RUNS_BACKWARDS, message, "over the weekend: write two, such as sat-sun and mon")
    for span in dict.fromkeys(late):
        message = f"{where}: {span} ends before it begins"
        yield Finding(
            path, RUNS_BACKWARDS, message, "over midnight: write two, to 24:00 and from 00:00 of the next day"
        )
    for day in found.exceptions:
        if not is_day(day):
            yield Finding(path, NO_SUCH_DAY, f"{where}: no calendar has a day {day}", "YYYY-MM-DD")
    if not calendar.opens_ever(found):
        yield Finding(path, NEVER_OPEN, f"{where} never open", 'write spans, such as mon-fri: ["08:00-20:00"]')


def _is_turned(key: str) -> bool:
    try:
        calendar.days_of(key)
    except ValueError:
        return True
    return False


def _is_forward(span: str) -> bool:
    first, _, last = span.partition("-")
    return first < last  # HH:MM and 24:00 sort as text.


def _calendar(first: dict[str, Path], world: World) -> Iterator[Finding]:
    """Once a flow: hours that follow a calendar which has no make-up workdays yet."""
    following = [path for name, path in first.items() if _follows(world.settings.hours.get(name))]
    for year in world.years if following else ():
        if not calendar.made_up_known(year):
            message = f"the calendar has no make-up workdays of {year} yet"
            hint = "bring the package `holidays` up to date, or write them under exceptions of the hours"
            yield Finding(following[0], NO_MAKE_UP_DAYS, message, hint, is_warning=True)


def _follows(found: Hours | None) -> bool:
    return found is not None and found.holidays == "closed"
