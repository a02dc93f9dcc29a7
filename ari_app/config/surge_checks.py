"""What must fit together in config.yaml's surge plan: agents, groups, skills, queues, thresholds, steps."""

from collections.abc import Collection, Iterator
from typing import Final

from ari_app.config.diagnostics import Problem, Shared, nearest, shown
from ari_app.config.marks import KeyPath, Marks
from ari_app.model.settings import Settings
from ari_app.model.surge import Surge

NO_SUCH_NAME: Final = "C" + Shared.NO_SUCH_NAME
BAD_SURGE: Final = "C040"


def check_surge(settings: Settings, marks: Marks) -> Iterator[Problem]:
    surge = settings.surge
    agents, skills = marks.names(("agents",)), marks.names(("skills",))
    for at, queue in enumerate(surge.queues):
        yield from _named(("surge", "queues", at), "queue", queue, marks.names(("queues",)), marks)
    for group, members in surge.groups.items():
        for at, number in enumerate(members):
            yield from _named(("surge", "groups", group, at), "agent", number, agents, marks)
        if not members:
            yield marks.problem(("surge", "groups", group), BAD_SURGE, "nobody is in this group", "write work numbers")
    for n, step in enumerate(surge.steps):
        for at, name in enumerate(step.agents):
            path: KeyPath = ("surge", "steps", n, "agents", at)
            if name[0].isdigit():
                yield from _named(path, "agent", name, agents, marks)
            else:
                yield from _named(path, "group", name, surge.groups, marks)
        for skill in step.skills:
            if skill not in skills:
                path = ("surge", "steps", n, "skills", skill)
                yield marks.key_problem(path, NO_SUCH_NAME, f"no skill named {shown(skill)}", nearest(skill, skills))
    yield from _sense(surge, marks)


def _sense(surge: Surge, marks: Marks) -> Iterator[Problem]:
    if surge.rush < surge.waiting:
        place = next(path for path in (("surge", "rush"), ("surge", "waiting"), ("surge",)) if path in marks.keys)
        message = f"rush {surge.rush} is below waiting {surge.waiting}: no step would ever wait"
        yield marks.problem(place, BAD_SURGE, message, "rush is the larger number")
    for n, step in enumerate(surge.steps):
        path: KeyPath = ("surge", "steps", n)
        written = [name for name in ("agents", "skills") if (*path, name) in marks.keys]  # Faulty parts are left out.
        if len(written) == 1:
            has, lacks = ("agents", "skills") if written == ["agents"] else ("skills", "agents")
            message = f"the step {shown(step.name)} names {has} but no {lacks}"
            yield marks.problem(path, BAD_SURGE, message, f"write {lacks}: who gets which skills")
        elif not (written or step.say or step.call_in):
            message = f"the step {shown(step.name)} does nothing"
            yield marks.problem(path, BAD_SURGE, message, "write agents and skills, say, or call_in: true")
        if step.rush_after_s and not step.only_in_rush and step.rush_after_s >= surge.for_s:
            message = f"rush_after_s {step.rush_after_s:g} is not shorter than for_s {surge.for_s:g}"
            yield marks.problem(
                (*path, "rush_after_s"), BAD_SURGE, message, "a rush would make no difference: leave it out"
            )


def _named(path: KeyPath, what: str, name: str, known: Collection[str], marks: Marks) -> Iterator[Problem]:
    if name not in known:
        yield marks.problem(path, NO_SUCH_NAME, f"no {what} named {shown(name)}", nearest(name, known))
