"""Situations and their scripts: what an admin may write in `ivr_flows/situations.yaml`. Frozen; parsed by config/.

A situation is done by the machine (its `steps`, or nodes of flows, or hints during a talk), by an agent whom its phrase
cards help, or by a supervisor. Whatever happens by itself names its `trigger`.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from ari_app.model.facts import SituationPlace, Verdict
from ari_app.model.part import Name, Part, Seconds

SITUATIONS: Final = "situations"
"""The name of the file among the flows, without .yaml: no flow may have it."""

SituationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=300)]
Doer = Literal["machine", "agent", "supervisor"]
Trigger = Literal[
    "silent",
    "quiet",
    "noisy",
    "line-left-open",
    "all-busy",
    "closed",
    "fault",
    "nuisance",
    "talk-length",
    "fax",
]
Life = Literal["key", "speech", "clear"]
End = Literal["hang-up", "next"]


class Words(Part):
    """A text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    zh: Sentence = Field(alias="zh-CN", description="In Mandarin.")
    en: Sentence = Field(description="In English.")

    def text(self, language: str) -> str:
        return self.en if language == "en" else self.zh


class Cards(Part):
    """Sentences an agent may say, in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    zh: tuple[Sentence, ...] = Field(alias="zh-CN", min_length=1, max_length=12, description="In Mandarin.")
    en: tuple[Sentence, ...] = Field(min_length=1, max_length=12, description="In English.")

    def sentences(self, language: str) -> tuple[str, ...]:
        return self.en if language == "en" else self.zh


class SayStep(Part):
    """Says prompts one after another."""

    say: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")], ...], Field(min_length=1, max_length=20)
    ] = Field(description="Prompts, in order.")


class WaitStep(Part):
    """Waits for a sign of life, counted from the end of the prompts."""

    wait_s: Annotated[float, Field(ge=0.5, le=60)] = Field(description="Seconds to wait.")


class TalkHints(Part):
    """When a talk counts as long, in seconds from its beginning."""

    agent: Seconds = Field(600, description="Seconds after which the agent gets a hint.")
    supervisor: Seconds = Field(1200, description="Seconds after which the supervisor gets one.")


ScriptStep = SayStep | WaitStep | End


class Situation(Part):
    """One situation: when it is there, and what is to be done."""

    title: Words = Field(description="What it is called.")
    who: Annotated[tuple[Doer, ...], Field(min_length=1, max_length=3)] = Field(
        description="Who acts: machine, agent, supervisor."
    )
    when: Words = Field(description="When it is there, in words.")
    trigger: Trigger | None = Field(None, description="What starts it by itself. Left out: a person, or a flow.")
    allowed: tuple[SituationPlace, ...] = Field(
        (), max_length=3, description="Where its steps may run: in-flow, voicemail, talking. Never queued or on hold."
    )
    life: tuple[Life, ...] = Field(
        ("key", "speech"),
        max_length=3,
        description="What ends it at any step: a key, speech, or clear (the line is good again).",
    )
    steps: Annotated[tuple[ScriptStep, ...], Field(max_length=40)] = Field(
        (), description="What the machine does: `say: [prompts]`, `wait_s: seconds`, last of all hang-up or next."
    )
    nodes: dict[Name, tuple[str, ...]] = Field(default_factory=dict, description="Where flows do it: flow: its nodes.")
    hints_s: TalkHints | None = Field(None, description="With trigger talk-length: when a talk is long.")
    cards: Cards | None = Field(None, description="Sentences for the agent.")

    def runs(self, place: SituationPlace) -> bool:
        """Whether its script may run there by itself, outside of a flow's nodes."""
        return bool(self.steps) and place in self.allowed


class SituationFile(Part):
    """The whole of situations.yaml."""

    situations: dict[SituationName, Situation] = Field(min_length=1, description="Situations by name.")


class Situations(Part):
    """The checked situations with the version of their file; flows hold the ones they were loaded with."""

    version: str = ""
    named: Mapping[str, Situation] = Field(default_factory=dict)

    def of_trigger(self, trigger: Trigger) -> tuple[str, Situation] | None:
        """The first situation with this trigger."""
        return next(((name, each) for name, each in self.named.items() if each.trigger == trigger), None)

    def of_line(self, verdict: Verdict | Literal["fax"] | None, place: SituationPlace) -> str | None:
        """The script that may run at this place for a line that is heard so; None: there is none, or none is needed."""
        trigger = _OF_LINE.get(verdict)
        found = self.of_trigger(trigger) if trigger is not None else None
        return found[0] if found is not None and found[1].runs(place) else None


_OF_LINE: Final[Mapping[str | None, Trigger]] = {"silent": "silent", "quiet": "quiet", "noisy": "noisy", "fax": "fax"}
NO_SITUATIONS: Final = Situations()


def prompts_said(situations: Situations) -> set[str]:
    """Every prompt a script may say."""
    steps = (step for each in situations.named.values() for step in each.steps)
    return {prompt for step in steps if isinstance(step, SayStep) for prompt in step.say}
