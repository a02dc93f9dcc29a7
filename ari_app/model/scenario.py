"""A scenario of the simulator as data: who calls, who answers, for how long. Read by `config/`, run by `sim/`."""

from typing import Annotated, Literal

from pydantic import Field

from ari_app.model.part import Level, Name, Part, Seconds
from ari_app.model.routing import Callbacks, ClockSpan, Queue, Routing, Skills
from ari_app.model.surge import Surge

ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Spread(Part):
    """How long something lasts, at random."""

    shape: Literal["exponential", "lognormal", "gamma", "fixed"] = Field("exponential", description="Its distribution.")
    mean_s: Annotated[float, Field(gt=0, le=86_400)] = Field(description="Mean, in seconds.")
    cv: Annotated[float, Field(ge=0.01, le=5)] = Field(
        1, description="Standard deviation ÷ mean, of lognormal and gamma; the others have their own."
    )


class Callers(Part):
    """Callers of one kind: they come as a Poisson process whose rate follows the time of day."""

    queue: Name = Field(description="The queue they come to.")
    profile: Annotated[dict[ClockTime, Annotated[float, Field(ge=0, le=1_000_000)]], Field(min_length=1)] = Field(
        description="Time of day: calls an hour from then on, until the next; every day the same."
    )
    talk: Spread = Field(description="Talk, with hold.")
    wrap_up: Spread | None = Field(None, description="After-call work; left out: the queue's wrap_up_s, always.")
    patience: Spread | None = Field(None, description="Wait after which a caller gives up; left out: never does.")
    priority: Annotated[int, Field(ge=0, le=9)] = Field(0, description="As a queue node's priority.")
    skills: Skills | None = Field(None, description="Asked for instead of the queue's skills, until it relaxes.")
    known: Share = Field(0, description="Share who want an agent they know, any who can serve them: a queue's prefer.")
    prefer_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        20, description="Seconds he alone is waited for; none when he is off duty."
    )
    call_back: Share = Field(0, description="Share who book a call-back, once they have waited call_back_after_s.")
    call_back_after_s: Seconds = Field(60, description="Seconds of waiting after which those book it.")
    reached: Share = Field(
        0.8, description="Share of the times they are dialled in which they answer and press the key."
    )
    dial: Spread = Field(
        default_factory=lambda: Spread(shape="fixed", mean_s=20),
        description="From dialling until the key, or until it is given up.",
    )


class Agents(Part):
    """Agents of one kind."""

    count: Annotated[int, Field(ge=1, le=20_000)] = Field(description="How many.")
    skills: dict[Name, Level] = Field(description="Their skill levels, 1 to 5.")
    shifts: tuple[ClockSpan, ...] = Field((), description="Spans on duty, every day; left out: always.")
    breaks: tuple[ClockSpan, ...] = Field((), description="Spans not ready within the shifts. Calls are ended first.")
    answer: Spread | None = Field(None, description="Ringing until answered; left out: answered at once.")
    no_answer: Share = Field(0, description="Share of offers that run out (after the queue's ring_s).")
    back_after_s: Seconds = Field(60, description="Seconds not ready after an offer ran out.")


class Scenario(Part):
    """The whole of a scenario file."""

    says: str = Field("", max_length=400, description="What it is about, in a sentence.")
    config: str = Field(
        "", max_length=400, description="A config.yaml whose skills, queues and routing hold; from this file's folder."
    )
    skills: dict[Name, str] = Field(default_factory=dict, description="As in config.yaml; only without `config`.")
    queues: dict[Name, Queue] = Field(default_factory=dict, description="As in config.yaml; only without `config`.")
    routing: Routing = Field(default_factory=Routing, description="As in config.yaml; only without `config`.")
    callers: Annotated[dict[Name, Callers], Field(min_length=1, max_length=100)] = Field(
        description="Kinds of callers by name."
    )
    agents: Annotated[dict[Name, Agents], Field(min_length=1, max_length=1000)] = Field(
        description="Kinds of agents by name."
    )
    callbacks: Callbacks = Field(
        default_factory=Callbacks, description="As in config.yaml; tries and spacing_s count here."
    )
    surge: Surge = Field(
        default_factory=Surge,
        description="As in config.yaml, without groups: steps name kinds of agents, all of whom get the skills.",
    )
    begins: ClockTime = Field("00:00", description="Time of day at which it begins.")
    hours: Annotated[float, Field(gt=0, le=168)] = Field(8, description="Hours in which calls come.")
    warm_up_hours: Annotated[float, Field(ge=0, le=24)] = Field(
        0, description="Of these, hours at the start that do not count: the house fills."
    )
    replications: Annotated[int, Field(ge=1, le=1000)] = Field(
        10, description="Independent runs; their spread gives the confidence intervals."
    )
    seed: Annotated[int, Field(ge=0)] = Field(1, description="The same seed gives the same runs.")
    service_level_s: Seconds = Field(20, description="Seconds within which an answer counts for the service level.")
    short_abandon_s: Seconds = Field(20, description="Abandons within so many seconds are shown apart.")
