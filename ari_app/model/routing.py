"""Parts of config.yaml about queues and agents: hours, skills, recording, rules, limits. See settings."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from ari_app.model.part import Dialled, Level, Name, Part, Seconds

DayKey = Annotated[str, Field(pattern=r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$")]
ClockSpan = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
IsoDate = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class Hours(Part):
    """Opening hours. Local time; a span holds from its first minute until just before its last."""

    weekly: dict[DayKey, tuple[ClockSpan, ...]] = Field(
        description='Day or days: spans, e.g. mon-fri: ["08:00-20:00"].'
    )
    holidays: Literal["closed", "as-usual"] = Field(
        "closed",
        description="closed: closed on public holidays, open on make-up workdays · as-usual: the week decides alone.",
    )
    exceptions: dict[IsoDate, tuple[ClockSpan, ...]] = Field(
        default_factory=dict, description="Date: its own spans; an empty list for closed."
    )


_HOURS: Final[TypeAdapter[dict[str, Hours]]] = TypeAdapter(dict[str, Hours])


def hours_text(hours: Mapping[str, Hours]) -> str:
    """Opening hours as one text, for an event; `hours_of` is its inverse."""
    return _HOURS.dump_json(dict(hours)).decode()


def hours_of(text: str) -> dict[str, Hours]:
    return _HOURS.validate_json(text)


class RecordingPolicy(Part):
    """Whether calls of a queue are recorded, on what legal basis, and what the caller may say to it."""

    policy: Literal["always", "announce", "ask", "never"] = Field(
        "announce",
        description="always: record without a word · announce: tell the caller first · ask: tell, and a key refuses · never.",
    )
    basis: str = Field("legitimate interest", max_length=200, description="The legal basis, kept with each recording.")
    refuse_key: Annotated[str, Field(pattern=r"^[0-9*#]$")] = Field(
        "9",
        description="The key that refuses the recording, with policy ask; the call then goes on unrecorded.",
    )
    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(180, description="Days a recording is kept.")


Skills = dict[Name, Level] | Annotated[str, Field(min_length=1, max_length=200)]


class Relax(Part):
    """What a queue asks for once a caller has waited; his place is kept."""

    after_s: Seconds = Field(description="Seconds of waiting after which these skills will do instead.")
    skills: Skills = Field(description="As under the queue's skills.")


class Routing(Part):
    """Rules that hold for every queue."""

    priority_step_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        60, description="Seconds of waiting that each step of priority counts as; age always wins in the end."
    )
    last_agent_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        30, description="Days for which a caller's last agent is known to flows (last_agent); 0: never."
    )
    last_agent_max: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        100_000, description="Callers whose last agent is remembered at most; the longest ago are forgotten first."
    )


class Queue(Part):
    """A line of waiting callers, served by the agents who have its skills."""

    skills: Skills = Field(
        description="Skills an agent needs, each with the lowest level that will do (1-5); or an expression, such as billing>=3 & (mandarin | english)."
    )
    relax: Annotated[tuple[Relax, ...], Field(max_length=10)] = Field(
        (), description="What is asked for instead as the wait grows, in order of time."
    )
    policy: Literal["longest-idle", "most-skilled", "least-occupied"] = Field(
        "longest-idle", description="Which of several ready agents is rung; equals: the longest idle."
    )
    hours: Name | None = Field(
        None,
        description="Opening hours (under hours) of this queue; left out: always open. Closed: the flow's on_closed branch.",
    )
    ring_s: Annotated[float, Field(ge=3, le=120)] = Field(
        20, description="Seconds an agent's phone rings before the offer runs out."
    )
    wrap_up_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        60, description="Seconds of after-call work before the agent is ready again; 0 for none."
    )
    wait_s_max: Seconds = Field(1800, description="Seconds a caller waits at most; then the flow's on_timeout branch.")
    waiting_max: Annotated[int, Field(ge=1, le=100_000)] = Field(
        500, description="Callers waiting at most; then the flow's on_full branch."
    )
    talking_max: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None,
        description="Callers of this queue being offered to agents or talking to them at once at most, so that it never takes all of them; further ones wait in their places. Left out: no limit.",
    )
    whisper: str = Field(
        "",
        max_length=80,
        description="Prompt the agent alone hears on answering; names the queue. Empty for none.",
    )
    music: Name = Field("default", description="Music-on-hold class callers hear while waiting.")
    announce_every_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        60, description="Seconds between telling a waiting caller his place and expected wait; 0: never."
    )
    announce_position: bool = Field(True, description="Whether he is told his place: on entering, and when it fell.")
    announce_wait: bool = Field(True, description="Whether he is told the expected wait, as a range of minutes.")
    announce_work_number: bool = Field(
        True,
        description="Whether caller and agent hear the agent's work number when they are joined. It costs Asterisk as much as the same seconds of talk.",
    )
    recording: RecordingPolicy = Field(
        default_factory=RecordingPolicy, description="The recording policy of this queue."
    )
    disposition_required: bool = Field(
        False,
        description="Whether every talk needs a disposition: without one wrap-up ends in not ready (disposition-missing).",
    )


class Fault(Part):
    """The switch for faults: while these hours are closed by hand, every number is answered by one flow."""

    hours: Name | None = Field(None, description="The hours whose closing by hand is the switch. Left out: none.")
    flow: Name | None = Field(None, description="The flow that answers every number meanwhile.")


class Callbacks(Part):
    """How callers who booked a call-back are called. Numbers that may be dialled: under outbound."""

    tries: Annotated[int, Field(ge=1, le=10)] = Field(3, description="Times a caller is dialled at most.")
    spacing_s: Annotated[float, Field(ge=10, le=86_400)] = Field(
        600, description="Seconds between one try and the next; the place in line is kept."
    )
    window: Annotated[tuple[ClockSpan, ...], Field(min_length=1, max_length=10)] = Field(
        ("08:00-21:00",), description="Local times within which callers are dialled, in the queue's hours besides."
    )
    confirm_key: Annotated[str, Field(pattern=r"^[0-9*#]$")] = Field(
        "1", description="Key by which whoever answers says that he is there; only then an agent is rung."
    )
    cancel_key: Annotated[str, Field(pattern=r"^[0-9*#]$")] = Field("9", description="Key that cancels the call-back.")
    confirm_s: Annotated[float, Field(gt=0, le=60)] = Field(8, description="Seconds to wait for the key each time.")
    confirm_times: Annotated[int, Field(ge=1, le=5)] = Field(
        2, description="Times the key is asked for; without it the try counts as missed (an answering machine)."
    )
    booked_max: Annotated[int, Field(ge=0, le=100_000)] = Field(
        500, description="Call-backs booked at once at most; more are refused, and the caller is told."
    )
    keep_h: Annotated[float, Field(gt=0, le=720)] = Field(
        48, description="Hours after which a call-back nobody could be reached for ends."
    )


class Box(Part):
    """A voicemail box: who works its messages, and by when."""

    skills: Skills = Field(
        default_factory=dict, description="Skills an agent needs to take a message, as under a queue; none: anybody."
    )
    due_h: Annotated[float, Field(gt=0, le=8760)] = Field(24, description="Hours after which a message is due.")
    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(180, description="Days a message is kept.")
    offered: bool = Field(
        False,
        description="Whether ready agents are offered its messages, as callers are: the phone rings, and who answers hears the message. Else messages wait to be taken by hand (hotline inbox).",
    )
    overdue_first: bool = Field(
        True,
        description="Whether a message past its due time goes before callers who came after that time. Earlier, and without this, callers go first.",
    )
    ring_s: Annotated[float, Field(ge=3, le=120)] = Field(
        20, description="Seconds an agent's phone rings for a message before the offer runs out."
    )
    working_max: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None,
        description="Agents who are offered its messages or work one they were offered at once at most, so that callers still find somebody. Left out: no limit.",
    )
    work_s_max: Annotated[float, Field(ge=10, le=86_400)] = Field(
        1800,
        description="Seconds an agent works a message at most; then it goes back, and he is not ready (worked-too-long).",
    )
    again_s: Seconds = Field(300, description="Seconds before a message that was given back is offered again.")
    disposition_required: bool = Field(
        False, description="Whether a message is done only with a disposition (agent_rules.dispositions)."
    )


class Limits(Part):
    """Bounds; each has a counter in /metrics and a stated behaviour when it is reached."""

    calls_max: Annotated[int, Field(ge=1, le=100_000)] = Field(
        400, description="Calls at once; further ones hear the all-circuits prompt."
    )
    inbox_max: Annotated[int, Field(ge=100, le=1_000_000)] = Field(
        20_000, description="Events waiting at most; new calls are refused above it."
    )
    journal_max: Annotated[int, Field(ge=100, le=1_000_000)] = Field(
        50_000, description="Rows waiting to be written at most; new calls are refused above it."
    )
    lag_ms_max: Annotated[float, Field(ge=50, le=60_000)] = Field(
        1_000,
        description="Milliseconds the daemon may run late; new calls are refused above it, until it is half of it.",
    )
    call_s_max: Annotated[float, Field(ge=60, le=86_400)] = Field(
        14_400, description="Seconds a call lasts at most; then it is closed."
    )
    steps_max: Annotated[int, Field(ge=10, le=10_000)] = Field(
        100,
        description="Flow nodes entered at most without waiting for the caller; then the flow is broken off as a loop.",
    )
    drain_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        30, description="Seconds a stopping daemon waits for callers before it leaves them to the next one."
    )
    event_days: Annotated[int, Field(ge=1, le=365)] = Field(7, description="Days the raw events are kept for replay.")
    flow_versions: Annotated[int, Field(ge=2, le=10_000)] = Field(
        50, description="Versions of each flow that are kept in any case, the newest ones."
    )
    flow_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        90, description="Days an older version of a flow is kept after it was live; never less than event_days."
    )
    recordings_mb: Annotated[int, Field(ge=10)] = Field(
        20_000, description="Disk quota of recordings, in MiB; above it the oldest are removed first."
    )
    compress_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        7, description="Days after which a recording is stored compressed."
    )
    disk_free_mb: Annotated[int, Field(ge=1)] = Field(
        200, description="Free disk space, in MiB, below which new calls are refused."
    )


class AgentRules(Part):
    """Rules that hold for every agent."""

    not_ready_reasons: dict[Annotated[str, Field(pattern=r"^[0-9]$")], Name] = Field(
        default_factory=lambda: {"1": "break", "2": "meal", "3": "training", "4": "back-office"},
        description="Key: reason an agent may be not ready; the key is dialled after the not-ready code.",
    )
    dispositions: dict[Annotated[str, Field(pattern=r"^[0-9]{1,2}$")], Name] = Field(
        default_factory=lambda: {
            "1": "solved",
            "2": "ticket",
            "3": "call-back",
            "4": "wrong-number",
            "5": "nuisance",
        },
        description="Key: outcome of a call; the key is dialled after the disposition code.",
    )
    hold_reminders_s: Annotated[tuple[Seconds, ...], Field(max_length=10)] = Field(
        (20, 60),
        description="Seconds of hold after which the agent alone is told: after one tone, then two, and so on.",
    )
    code_s: Annotated[float, Field(gt=0, le=30)] = Field(
        4, description="Seconds between two keys of a code typed during a talk; then it is forgotten."
    )
    no_ringing_s: Seconds = Field(
        3, description="Seconds without a ringing signal after which a phone counts as unreachable."
    )
    ran_out_max: Annotated[int, Field(ge=1, le=20)] = Field(
        1, description="Offers in a row that an agent lets run out, after which he becomes not ready (ring-no-answer)."
    )
    ran_out_pause_s: Annotated[float, Field(ge=0, le=600)] = Field(
        10, description="Seconds without an offer for an agent who let one run out and is still ready: others go first."
    )
    wrap_up_more_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        30, description="Seconds of after-call work an agent gets each time he asks for more."
    )
    wrap_up_more_max: Annotated[int, Field(ge=0, le=20)] = Field(
        2, description="Times he may ask for more after one call; 0: never."
    )
    signed_in_kept_s: Seconds = Field(
        600, description="Seconds the hotline may be away, after which agents who were signed in have to sign in again."
    )
    pin_tries_max: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="Wrong PINs from one phone, after which it is asked for PINs in vain for pin_pause_s."
    )
    pin_pause_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        300,
        description="Seconds in which no PIN from that phone is right, and after which its wrong ones are forgotten.",
    )
    phone_back_ready: bool = Field(
        False, description="Whether an agent whose phone was unreachable is ready again by himself when it comes back."
    )


class FeatureCodes(Part):
    """What agents dial on their phones."""

    sign_in: Dialled = Field("*11", description="Sign in: asks for work number and PIN.")
    ready: Dialled = Field("*12", description="Ready for calls.")
    not_ready: Dialled = Field("*13", description="Not ready; a reason key may follow at once (*131).")
    sign_out: Dialled = Field("*14", description="Sign out.")
    more_time: Dialled = Field("*19", description="More time for after-call work.")
    disposition: Dialled = Field("*15", description="Outcome of the last call; its key follows at once (*151).")
    item_done: Dialled = Field(
        "*16", description="The message he works is done; the key of a disposition may follow at once (*161)."
    )
    item_return: Dialled = Field("*18", description="Give the message back.")
    record_prompt: Dialled = Field("*17", description="Record a prompt by telephone: asks for work number and PIN.")


TalkCode = Annotated[str, Field(pattern=r"^[0-9*#]{1,6}$")]


class TalkCodes(Part):
    """What agents and supervisors type on their phones during a talk; it works in the middle of it."""

    hold: TalkCode = Field("*1", description="Put the caller on hold; again: take him back.")
    consult: TalkCode = Field(
        "*2", description="Consult: a work number, a directory key or a permitted number follows, then #."
    )
    transfer: TalkCode = Field("*3", description="Transfer without consulting (may: transfer-blind): as after consult.")
    complete: TalkCode = Field("*4", description="After consulting: the caller goes to the one consulted.")
    give_back: TalkCode = Field("*5", description="End the consult, back to the caller.")
    conference: TalkCode = Field("*6", description="Caller, agent and the one consulted talk together.")
    help: TalkCode = Field("*7", description="Call a supervisor into the talk.")
    survey: TalkCode = Field("*8", description="Leave the talk; the caller goes on to the survey.")
    mute: TalkCode = Field("*9", description="The caller does not hear the agent; again: he does.")
    script: TalkCode = Field(
        "*0", description="Leave the caller to the script that fits his line: silent, too quiet or noisy."
    )
    nuisance: TalkCode = Field(
        "*#", description="The caller harasses: he is marked, warned and led to the automatic desk (screening)."
    )
    listen: TalkCode = Field("1", description="A supervisor listens, heard by nobody.")
    whisper: TalkCode = Field("2", description="A supervisor is heard by the agent alone.")
    barge: TalkCode = Field("3", description="A supervisor is heard by both.")
    take_over: TalkCode = Field("4", description="A supervisor takes the call; the agent leaves it.")
