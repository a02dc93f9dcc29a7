"""Facts about agents' time and what supervisors and the surge plan did to the floor. Part of facts.Fact."""

from dataclasses import dataclass
from typing import Literal

from ari_app.model.ids import AgentId, CallId

ForcedState = Literal["ready", "not-ready", "sign-out"]
SurgeSwitch = Literal["armed", "disarmed", "drill-began", "drill-ended"]


@dataclass(frozen=True, slots=True)
class AgentForced:
    """A supervisor put an agent into a state, at once or (during a call) as soon as it is over."""

    agent: AgentId
    to: ForcedState
    by: AgentId
    reason: str


@dataclass(frozen=True, slots=True)
class SurgeStepTaken:
    """A step of the surge plan (from 1) was taken: these agents got these skills. `drill`: it was only said.

    `by`: a work number, or `plan` for the plan itself; `head_count`: how many more people it says to call in.
    """

    step: int
    name: str
    by: str
    why: str
    drill: bool
    waiting: int
    agents: tuple[AgentId, ...]
    head_count: int = 0


@dataclass(frozen=True, slots=True)
class SurgeStepUndone:
    """The step is over: its agents have the skills again that they had without it."""

    step: int
    name: str
    by: str
    why: str
    drill: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class SurgeSwitched:
    """Somebody armed or disarmed the surge plan, or began or ended a drill."""

    what: SurgeSwitch
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """An agent asked for more time after a call, for the `times`-th time; it is up at `until`."""

    agent: AgentId
    call: CallId
    until: float
    times: int
