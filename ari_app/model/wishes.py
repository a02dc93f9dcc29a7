"""Events: what supervisors ask of the floor. Part of events.Event."""

from dataclasses import dataclass
from typing import Literal

from ari_app.model.audit import ForcedState
from ari_app.model.ids import AgentId, RequestId

SurgeWish = Literal["arm", "disarm", "step", "undo", "drill", "end-drill"]


@dataclass(frozen=True, slots=True)
class ForceAsked:
    """A supervisor (an agent who may supervise) puts another agent into a state, for a reason."""

    agent: AgentId
    to: ForcedState
    by: AgentId
    reason: str
    request: RequestId | None = None


@dataclass(frozen=True, slots=True)
class SurgeAsked:
    """A supervisor's wish about the surge plan: arm or disarm it, take or undo a step, begin or end a drill."""

    wish: SurgeWish
    by: AgentId
    why: str
    request: RequestId | None = None
