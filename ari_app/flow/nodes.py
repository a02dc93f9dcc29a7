"""The nodes of a flow: what an admin may write in `ivr_flows/*.yaml`, one class a type. Frozen; parsed by config/.

Prompts are ids of the catalogue, or a value said: `money:balance` says the variable balance as money.
Branches that are left out lead to a goodbye. Keys are the twelve of a telephone.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ari_app.flow.situations import SituationName
from ari_app.model.part import Language, Name, Part, WorkNumber

NodeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
PromptId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
Spoken = Annotated[
    str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,60}|(digits|number|money|date|time):[a-z][a-z0-9_]{0,40})$")
]
KeyName = Annotated[str, Field(pattern=r"^[0-9*#]$")]
Say = Annotated[tuple[Spoken, ...], Field(max_length=20)]
SaySomething = Annotated[tuple[Spoken, ...], Field(min_length=1, max_length=20)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Variable = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Expression = Annotated[str, Field(min_length=1, max_length=200)]
Festival = Annotated[str, Field(pattern=r"^(spring-festival|(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$")]
WaitSeconds = Annotated[float, Field(gt=0, le=60)]
Tries = Annotated[int, Field(ge=1, le=10)]

_INTERRUPTIBLE = "Whether a key stops the prompts; the key is kept for the next menu."
_NEXT = "The node after it."


class Greet(Part):
    """Greets: on a festival, a VIP, or by the clock (`morning` from midnight to `morning_until`, `day` after it)."""

    type: Literal["greet"]
    morning: PromptId = Field("greeting-morning", description="Prompt before morning_until.")
    day: PromptId = Field("greeting-day", description="Prompt for the rest of the day.")
    morning_until: ClockTime = Field("12:00", description="Local time at which the morning ends.")
    vip: PromptId | None = Field(None, description="Prompt for callers whose variable `vip` is true.")
    festivals: dict[Festival, PromptId] = Field(
        default_factory=dict, description="Day (MM-DD, or spring-festival): prompt said instead."
    )
    interruptible: bool = Field(True, description=_INTERRUPTIBLE)
    next: NodeName = Field(description=_NEXT)


class Play(Part):
    """Says prompts one after another."""

    type: Literal["play"]
    say: SaySomething = Field(description="Prompts and values, in order.")
    interruptible: bool = Field(True, description=_INTERRUPTIBLE)
    next: NodeName = Field(description=_NEXT)


class Menu(Part):
    """Says prompts, takes one key, goes where the key says."""

    type: Literal["menu"]
    say: SaySomething = Field(description="Prompts naming the keys.")
    keys: dict[KeyName, NodeName] = Field(min_length=1, description="Key: node.")
    repeat_key: KeyName | None = Field(None, description="Key that says the prompts again, without counting a try.")
    interruptible: bool = Field(True, description="Whether a key stops the prompts.")
    wait_s: WaitSeconds = Field(5, description="Seconds to wait for a key after the prompts.")
    tries: Tries = Field(3, description="Times the caller may give no key or a wrong one.")
    wrong_key: PromptId = Field("wrong-key", description="Said after a wrong key, before the prompts again.")
    no_key: PromptId = Field("no-key", description="Said after no key, before the prompts again.")
    on_wrong: NodeName | None = Field(None, description="Node after the last wrong key; a goodbye when left out.")
    on_silence: NodeName | None = Field(None, description="Node after the last silence; a goodbye when left out.")
    on_speech: NodeName | None = Field(
        None, description="Node when he speaks after the prompts and presses no key. Left out: speech is silence."
    )


class Collect(Part):
    """Says prompts, takes digits into a variable. The digits of a secret are never logged, stored or said back."""

    type: Literal["collect"]
    say: SaySomething = Field(description="Prompts asking for the digits.")
    into: Variable = Field(description="Variable that takes the digits, as text.")
    min: Annotated[int, Field(ge=1, le=32)] = Field(1, description="Fewest digits.")
    max: Annotated[int, Field(ge=1, le=32)] = Field(20, description="Most digits; reaching it ends the input at once.")
    end_key: Literal["#", "*", "none"] = Field(
        "#", description="Key that ends the input, or none. Within 3 s after an input that was full it means nothing."
    )
    first_s: WaitSeconds = Field(8, description="Seconds to wait for the first digit after the prompts.")
    between_s: WaitSeconds = Field(4, description="Seconds to wait between digits; then the input ends.")
    tries: Tries = Field(3, description="Times the caller may give nothing, or too few digits.")
    secret: bool = Field(
        False,
        description="A password or the like: its digits are kept nowhere; asked for only once nothing is recorded.",
    )
    too_few: PromptId = Field("too-few-digits", description="Said after too few digits, before the prompts again.")
    no_key: PromptId = Field("no-key", description="Said after nothing, before the prompts again.")
    on_failure: NodeName | None = Field(None, description="Node after the last try; a goodbye when left out.")
    next: NodeName = Field(description=_NEXT)


class Confirm(Part):
    """Reads back and asks whether it is right."""

    type: Literal["confirm"]
    say: SaySomething = Field(description="Prompts and values, ending with what to press.")
    yes_key: KeyName = Field("1", description="Key for yes.")
    no_key: KeyName = Field("2", description="Key for no.")
    on_yes: NodeName = Field(description="Node after yes.")
    on_no: NodeName = Field(description="Node after no.")
    wait_s: WaitSeconds = Field(5, description="Seconds to wait for a key after the prompts.")
    tries: Tries = Field(3, description="Times the caller may give no key or a wrong one.")
    on_failure: NodeName | None = Field(None, description="Node after the last try; a goodbye when left out.")


class CheckHours(Part):
    """Goes by opening hours: open, closed, a public holiday, or closed by hand."""

    type: Literal["hours"]
    hours: Name = Field(description="Opening hours (config.yaml: hours).")
    on_open: NodeName = Field(description="Node while open.")
    on_closed: NodeName = Field(description="Node while closed.")
    on_holiday: NodeName | None = Field(None, description="Node on a public holiday; on_closed when left out.")
    on_closure: NodeName | None = Field(None, description="Node while closed by hand; on_closed when left out.")


class Case(Part):
    """One case of a branch."""

    when: Expression = Field(description="Condition over variables, e.g. balance < 0 and vip.")
    to: NodeName = Field(description="Node when it holds.")


class Branch(Part):
    """Goes to the first case that holds."""

    type: Literal["branch"]
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=50)] = Field(description="Cases, in order.")
    otherwise: NodeName = Field(description="Node when none holds, or one cannot be worked out.")


class SetVariables(Part):
    """Gives variables values."""

    type: Literal["set"]
    values: dict[Variable, Expression] = Field(min_length=1, description="Variable: expression; a text in quotes.")
    next: NodeName = Field(description=_NEXT)


class LookUp(Part):
    """Asks a handler of agi_scripts/, an HTTP service or a database (config.yaml: lookups)."""

    type: Literal["lookup"]
    agi: Variable | None = Field(None, description="Handler in agi_scripts/, without .py.")
    http: Name | None = Field(None, description="HTTP service (config.yaml: lookups).")
    sql: Name | None = Field(None, description="Read-only query (config.yaml: lookups).")
    send: dict[Variable, Expression] = Field(default_factory=dict, description="Parameter: expression.")
    into: dict[Variable, Variable] = Field(default_factory=dict, description="Variable: field of the answer.")
    say: Say = Field((), description="Prompts heard meanwhile.")
    timeout_s: Annotated[float, Field(gt=0, le=30)] = Field(5, description="Seconds to wait for the answer.")
    on_failure: NodeName = Field(description="Node when there is no answer, or one that lacks a field.")
    next: NodeName = Field(description=_NEXT)


Choice = Literal["stay", "voicemail", "callback"]


class Choices(Part):
    """What a waiting caller may choose, by keys."""

    keys: dict[KeyName, Choice] = Field(
        min_length=1, description="Key: stay (keep waiting), voicemail (on_voicemail) or callback (on_callback)."
    )
    every_s: Annotated[float, Field(ge=10, le=3600)] = Field(
        90, description="Seconds after which the choices are said again."
    )
    when_busy: bool = Field(True, description="Whether they are said at once when nobody is free on entering.")
    say: dict[Choice, PromptId] = Field(
        default_factory=dict, description="Choice: prompt said before its key, instead of the hotline's own."
    )


class Queue(Part):
    """Puts the caller into a queue; an agent with its skills is rung."""

    type: Literal["queue"]
    queue: Name = Field(description="The queue (config.yaml: queues).")
    say: Say = Field(("please-wait",), description="Prompts heard on entering, over the music. May be empty.")
    priority: Annotated[int, Field(ge=0, le=9)] = Field(0, description="Each step counts as 60 s waited already.")
    skills: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Skill expression instead of the queue's own, such as billing>=3 & mandarin."
    )
    prefer: Variable | None = Field(
        None, description="Variable with a work number, such as last_agent: this agent alone is waited for at first."
    )
    prefer_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        20, description="Seconds he is waited for; none when he is not signed in."
    )
    vip_priority: Annotated[int, Field(ge=0, le=9)] | None = Field(
        None, description="Instead of priority, for callers whose variable `vip` is true."
    )
    choices: Choices | None = Field(None, description="What the caller may choose while he waits.")
    next: NodeName | None = Field(None, description="Node after the agent has hung up; goodbye when left out.")
    survey: NodeName | None = Field(
        None, description="Node when the agent ends the talk with the survey; next when left out."
    )
    on_voicemail: NodeName | None = Field(
        None, description="Node after the choice voicemail. The place is kept until a message is left."
    )
    on_callback: NodeName | None = Field(
        None, description="Node after the choice callback. The place is kept; a callback node books it."
    )
    on_timeout: NodeName | None = Field(None, description="Node when the caller waited wait_s_max.")
    on_full: NodeName | None = Field(None, description="Node when the queue is full.")
    on_closed: NodeName | None = Field(None, description="Node outside the queue's hours.")
    on_no_agents: NodeName | None = Field(
        None, description="Node when nobody with the skills is signed in, also later. Left out: the caller waits."
    )


class Transfer(Part):
    """Gives the caller to one agent, a number outside, or an entry of the directory, while he hears music."""

    type: Literal["transfer"]
    agent: WorkNumber | None = Field(None, description="The agent's work number; busy unless ready.")
    number: Annotated[str, Field(pattern=r"^\+?[0-9]{1,24}$")] | None = Field(
        None, description="The number outside; config.yaml (outbound.permitted) must allow it."
    )
    directory: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,30}|[0-9]{1,8})$")] | None = Field(
        None, description="An entry of the directory (config.yaml: directory)."
    )
    say: Say = Field(("please-wait",), description="Prompts heard meanwhile, over the music. May be empty.")
    ring_s: Annotated[float, Field(ge=5, le=120)] = Field(30, description="Seconds it rings at most.")
    record_as: Name | None = Field(
        None, description="The queue whose recording policy (and wrap-up) holds. Left out: a number is not recorded."
    )
    next: NodeName | None = Field(None, description="Node after the other side has hung up; a goodbye when left out.")
    on_busy: NodeName | None = Field(None, description="Node when it is busy, or the agent not ready.")
    on_no_answer: NodeName | None = Field(None, description="Node when nobody answers.")
    on_refused: NodeName | None = Field(None, description="Node when it is declined, or cannot be dialled.")

    @property
    def target(self) -> str:
        """As call control writes it."""
        if self.agent is not None:
            return f"agent:{self.agent}"
        return f"number:{self.number}" if self.number is not None else self.directory or ""


class Voicemail(Part):
    """Takes a message: prompts, a tone, and the caller speaks until a key, silence or the longest time."""

    type: Literal["voicemail"]
    say: SaySomething = Field(("voicemail-ask",), description="Prompts before the tone.")
    box: Name = Field("general", description="Where the message is filed.")
    number: Variable | None = Field(
        None, description="Variable holding the number to call back, kept with the message; without: the caller's own."
    )
    max_s: Annotated[int, Field(ge=5, le=600)] = Field(120, description="Longest message, in seconds.")
    silence_s: Annotated[int, Field(ge=2, le=30)] = Field(5, description="Seconds of silence that end it.")
    end_key: KeyName = Field("#", description="Key that ends it.")
    on_failure: NodeName | None = Field(None, description="Node when nothing was recorded; a goodbye when left out.")
    next: NodeName = Field(description=_NEXT)


class Callback(Part):
    """Books a call-back: reads the caller's number back or takes another. A place in the queue is kept exactly."""

    type: Literal["callback"]
    queue: Name = Field(description="The queue (config.yaml: queues) whose agents call back.")
    say: Say = Field((), description="Prompts heard first. May be empty.")
    priority: Annotated[int, Field(ge=0, le=9)] = Field(
        0, description="Where no place is kept: each step counts as 60 s waited already."
    )
    wait_s: WaitSeconds = Field(6, description="Seconds to wait for a key or a digit.")
    tries: Tries = Field(3, description="Times the caller may give nothing, or a number that cannot be called.")
    on_failure: NodeName | None = Field(
        None, description="Node when no number was given, or the list is full; a goodbye when left out."
    )
    next: NodeName = Field(description="Node after it is booked, or was already.")


class SwitchLanguage(Part):
    """Changes the language of all later prompts."""

    type: Literal["language"]
    language: Language = Field(description="zh-CN or en.")
    next: NodeName = Field(description=_NEXT)


class Subflow(Part):
    """Runs another flow and comes back. It sees the call's own variables and what `send` gives it, nothing else."""

    type: Literal["subflow"]
    flow: Name = Field(description="The flow (a file of ivr_flows/ without .yaml).")
    send: dict[Variable, Expression] = Field(default_factory=dict, description="Variable there: expression here.")
    into: dict[Variable, Variable] = Field(default_factory=dict, description="Variable here: variable there.")
    next: NodeName = Field(description="The node after its `return`.")


class Return(Part):
    """Ends a subflow; in a flow that was not called as one: goodbye."""

    type: Literal["return"]


class Survey(Part):
    """Asks one question after a call; the answer is kept with it. Silence or another key: no answer."""

    type: Literal["survey"]
    question: Name = Field(description="Name of the question, kept with the answer.")
    say: SaySomething = Field(description="Prompts naming the keys.")
    keys: Annotated[tuple[KeyName, ...], Field(min_length=1)] = Field(("1", "2", "3"), description="Keys that answer.")
    wait_s: WaitSeconds = Field(5, description="Seconds to wait for a key after the prompts.")
    on_silence: NodeName | None = Field(None, description="Node when no key came; next when left out.")
    next: NodeName = Field(description=_NEXT)


class RunSituation(Part):
    """Runs the script of a situation (`situations.yaml`): prompts and waits, until the caller gives a sign of life."""

    type: Literal["situation"]
    situation: SituationName = Field(description="The situation, by its name in situations.yaml.")
    on_life: NodeName = Field(description="Node when the caller presses a key, which is kept for it, or speaks.")
    on_speech: NodeName | None = Field(None, description="Node when he speaks instead; on_life when left out.")
    next: NodeName | None = Field(
        None, description="Node after a script that ends with `next`; a goodbye when left out."
    )


class Goto(Part):
    """Goes to a node."""

    type: Literal["goto"]
    to: NodeName = Field(description="The node.")


class HangUp(Part):
    """Says goodbye and ends the call."""

    type: Literal["hangup"]
    say: Say = Field(("goodbye",), description="Prompts before it. May be empty.")
    weekend: PromptId | None = Field(None, description="Prompt said first on Fridays and weekends.")
    holiday: PromptId | None = Field(None, description="Prompt said first on the eve of, and on, public holidays.")


Node: TypeAlias = (
    Greet
    | Play
    | Menu
    | Collect
    | Confirm
    | CheckHours
    | Branch
    | SetVariables
    | LookUp
    | Queue
    | Transfer
    | Voicemail
    | Callback
    | SwitchLanguage
    | Subflow
    | Return
    | Survey
    | RunSituation
    | Goto
    | HangUp
)
