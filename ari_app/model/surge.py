"""The part of config.yaml about surges of calls: thresholds, groups of agents, steps. See settings."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ari_app.model.part import Level, Name, Part, Seconds, WorkNumber

AgentOrGroup = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,30}|[0-9]{1,8})$")]


class SurgeStep(Part):
    """One step of the surge plan. It gives agents skills, or says what people are to do, or both."""

    name: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        description="What it is called, on pages and in facts."
    )
    agents: Annotated[tuple[AgentOrGroup, ...], Field(max_length=500)] = Field(
        (), description="Who gets the skills: work numbers, or groups (surge.groups)."
    )
    skills: dict[Name, Level] = Field(
        default_factory=dict, description="Skills they have meanwhile, at these levels at least."
    )
    only_in_rush: bool = Field(False, description="Taken only while more than surge.rush callers wait.")
    rush_after_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        0, description="Seconds after the step before, while more than surge.rush callers wait; 0: at once."
    )
    call_in: bool = Field(False, description="Says how many more people to call in.")
    say: str = Field("", max_length=200, description="What people are to do, shown with the step.")


class Surge(Part):
    """What is done when more callers wait than the agents can serve. Steps in order; undone in reverse."""

    armed: bool = Field(True, description="Whether the plan takes steps by itself; by hand it may be taken anyway.")
    queues: Annotated[tuple[Name, ...], Field(max_length=200)] = Field(
        (), description="Queues whose waiting callers count; left out: all."
    )
    waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(
        5, description="More callers than this waiting for for_s: the next step is taken."
    )
    for_s: Seconds = Field(300, description="Seconds before a step is taken, and before one is undone.")
    rush: Annotated[int, Field(ge=0, le=100_000)] = Field(
        10, description="More callers than this: steps are taken without waiting for_s."
    )
    handle_s: Seconds = Field(300, description="Seconds one call takes an agent, wrap-up included: for the head count.")
    clear_s: Seconds = Field(900, description="Seconds in which those too many are to be served: for the head count.")
    groups: dict[Name, tuple[WorkNumber, ...]] = Field(
        default_factory=dict, description="Group: work numbers, to be named in steps."
    )
    steps: Annotated[tuple[SurgeStep, ...], Field(max_length=20)] = Field((), description="Steps, in order.")


def members(surge: Surge, step: SurgeStep) -> tuple[str, ...]:
    """Work numbers of those who get the step's skills, each once."""
    numbers = (number for name in step.agents for number in surge.groups.get(name, (name,)))
    return tuple(dict.fromkeys(numbers))


def in_surge(surge: Surge, agent: str, own: Mapping[str, int]) -> dict[str, int]:
    """What an agent can do once all steps are taken."""
    has = dict(own)
    for step in surge.steps:
        if agent in members(surge, step):
            has |= {skill: max(level, has.get(skill, 0)) for skill, level in step.skills.items()}
    return has
