"""A scenario file of the simulator, checked, with the queues it runs on; or one error with all that is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ari_app.config.diagnostics import BadFile, Problem, Shared, nearest, shown
from ari_app.config.load import load_settings
from ari_app.config.marks import KeyPath, Marks
from ari_app.config.schema import read_yaml
from ari_app.model.ids import Skill
from ari_app.model.routing import Queue
from ari_app.model.scenario import Agents, Scenario
from ari_app.model.settings import Settings
from ari_app.model.skills import Needs, SkillsFault, needs_of

NO_SUCH_NAME: Final = "V" + Shared.NO_SUCH_NAME
BAD_SKILLS: Final = "V020"
BAD_SPAN: Final = "V021"
NOBODY_SERVES: Final = "V022"
TWO_SOURCES: Final = "V023"
TOO_MUCH: Final = "V024"
WARM_UP: Final = "V025"

AGENTS_MAX: Final = 20_000
CALLS_MAX: Final = 5_000_000  # A replication.


@dataclass(frozen=True)
class LoadedScenario:
    """`queues` and `step_s`: the scenario's own, or those of the config.yaml it names."""

    scenario: Scenario
    queues: Mapping[str, Queue]
    step_s: float


def load_scenario(path: Path) -> LoadedScenario:
    """Reads and checks `path`; raises BadFile with all problems at once, also those of the config.yaml it names."""
    loaded = read_yaml(path, Scenario, "V")
    problems, scenario = list(loaded.problems), loaded.value
    if scenario is None:
        raise BadFile(problems)
    settings = load_settings(path.parent / scenario.config) if scenario.config else None
    problems += _check(scenario, loaded.marks, settings)
    if problems:
        raise BadFile(problems)
    if settings is not None:
        return LoadedScenario(scenario, settings.queues, settings.routing.priority_step_s)
    return LoadedScenario(scenario, scenario.queues, scenario.routing.priority_step_s)


def _check(scenario: Scenario, marks: Marks, settings: Settings | None) -> Iterator[Problem]:
    """What must fit together; the scenario may lack parts that were faulty."""
    if settings is None:
        skills, queues = {*marks.names(("skills",))}, {*marks.names(("queues",))}
    else:
        skills, queues = {*settings.skills}, {*settings.queues}
        yield from _two_sources(marks)
    misread = [*_skills(scenario, marks, skills)]
    yield from misread
    yield from _queues(scenario, marks, queues)
    yield from _surge(scenario, marks, skills, queues)
    yield from _spans(scenario, marks)
    yield from _limits(scenario, marks)
    if not misread:
        yield from _unserved(scenario, marks, scenario.queues if settings is None else settings.queues)


def _two_sources(marks: Marks) -> Iterator[Problem]:
    for key in ("skills", "queues", "routing"):
        if (key,) in marks.keys:
            message = f"{key!r} stands here and in the config.yaml named by config"
            yield marks.key_problem((key,), TWO_SOURCES, message, "remove one of the two")


def _skills(scenario: Scenario, marks: Marks, known: set[str]) -> Iterator[Problem]:
    asked: list[tuple[KeyPath, Mapping[str, int] | str]] = []
    for name, queue in scenario.queues.items():
        asked.append((("queues", name, "skills"), queue.skills))
        asked += [(("queues", name, "relax", at, "skills"), each.skills) for at, each in enumerate(queue.relax)]
    asked += [(("callers", name, "skills"), c.skills) for name, c in scenario.callers.items() if c.skills is not None]
    asked += [(("agents", name, "skills"), agents.skills) for name, agents in scenario.agents.items()]
    for path, skills in asked:
        try:
            named = needs_of(skills).skills()
        except SkillsFault as fault:
            message = f"{fault}, at character {fault.column} of {shown(str(skills))}"
            yield marks.problem(path, BAD_SKILLS, message, "such as billing>=3 & (mandarin | english)")
            continue
        for skill in sorted(named - known):
            where: KeyPath = path if isinstance(skills, str) else (*path, skill)
            say = marks.problem if isinstance(skills, str) else marks.key_problem
            yield say(where, NO_SUCH_NAME, f"no skill named {shown(skill)}", nearest(skill, known))


def _queues(scenario: Scenario, marks: Marks, known: set[str]) -> Iterator[Problem]:
    for name, callers in scenario.callers.items():
        if callers.queue not in known:
            message = f"no queue named {shown(callers.queue)}"
            yield marks.problem(("callers", name, "queue"), NO_SUCH_NAME, message, nearest(callers.queue, known))


def _surge(scenario: Scenario, marks: Marks, skills: set[str], queues: set[str]) -> Iterator[Problem]:
    """Steps name kinds of agents, and skills that are."""
    named: list[tuple[KeyPath, str, str, set[str]]] = []
    named += [(("surge", "queues", at), "queue", name, queues) for at, name in enumerate(scenario.surge.queues)]
    for n, step in enumerate(scenario.surge.steps):
        kinds = {*scenario.agents}
        named += [(("surge", "steps", n, "agents", at), "kind of agents", k, kinds) for at, k in enumerate(step.agents)]
        named += [(("surge", "steps", n, "skills", name), "skill", name, skills) for name in step.skills]
    for path, what, name, known in named:
        if name not in known:
            say = marks.key_problem if what == "skill" else marks.problem
            yield say(path, NO_SUCH_NAME, f"no {what} named {shown(name)}", nearest(name, known))


def _spans(scenario: Scenario, marks: Marks) -> Iterator[Problem]:
    for name, agents in scenario.agents.items():
        for key, spans in (("shifts", agents.shifts), ("breaks", agents.breaks)):
            for at, span in enumerate(spans):
                begin, _, end = span.partition("-")
                if begin >= end:
                    hint = f'write two: ["{begin}-24:00", "00:00-{end}"]'
                    path = ("agents", name, key, at)
                    yield marks.problem(path, BAD_SPAN, f"{span} ends before it begins", hint)


def _limits(scenario: Scenario, marks: Marks) -> Iterator[Problem]:
    agents = sum(each.count for each in scenario.agents.values())
    if agents > AGENTS_MAX:
        yield marks.key_problem(("agents",), TOO_MUCH, f"{agents:,} agents in all", f"at most {AGENTS_MAX:,}")
    calls = scenario.hours * sum(max(each.profile.values()) for each in scenario.callers.values())
    if calls > CALLS_MAX:
        hint = f"at most {CALLS_MAX:,} a replication: fewer hours, or fewer calls an hour"
        yield marks.key_problem(("callers",), TOO_MUCH, f"up to {calls:,.0f} calls", hint)
    if scenario.warm_up_hours >= scenario.hours:
        message = f"nothing is left of {scenario.hours:g} hours after a warm-up of {scenario.warm_up_hours:g}"
        yield marks.problem(("warm_up_hours",), WARM_UP, message, "more hours, or a shorter warm-up")


def _unserved(scenario: Scenario, marks: Marks, queues: Mapping[str, Queue]) -> Iterator[Problem]:
    """Callers nobody could ever be rung for."""
    for name, callers in scenario.callers.items():
        queue = queues.get(callers.queue)
        if queue is None:
            continue
        asked = [callers.skills if callers.skills is not None else queue.skills, *(each.skills for each in queue.relax)]
        if not any(_has(agents, needs_of(skills)) for agents in scenario.agents.values() for skills in asked):
            message = f"no agents have the skills these callers ask for in {shown(callers.queue)}"
            yield marks.key_problem(("callers", name), NOBODY_SERVES, message, "give some agents the skills")


def _has(agents: Agents, needs: Needs) -> bool:
    return needs.met_by({Skill(skill): level for skill, level in agents.skills.items()})
