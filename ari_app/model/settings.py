"""config.yaml as data: every key with a sentence, a unit and a default. Parsed and checked by `config/`.

Names end in their unit (`_s` seconds, `_mb` mebibytes, `_days`). Frozen: a reload makes a new Settings.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Port = Annotated[int, Field(ge=1, le=65535)]
Level = Annotated[int, Field(ge=1, le=5)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
WorkNumber = Annotated[str, Field(pattern=r"^[0-9]{1,8}$")]
Dialled = Annotated[str, Field(pattern=r"^\+?[0-9*#]{1,24}$")]
Language = Literal["zh-CN", "en"]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberPlan(Part):
    """A number callers dial."""

    flow: Name = Field(description="The flow (a file of ivr_flows/ without .yaml) that answers this number.")
    language: Language | None = Field(None, description="Language of the prompts; the hotline's when left out.")


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


class Queue(Part):
    """A line of waiting callers, served by the agents who have its skills."""

    skills: dict[Name, Level] = Field(
        description="Skills an agent needs, each with the lowest level that will do (1-5)."
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
    whisper: str = Field(
        "",
        max_length=80,
        description="Prompt the agent alone hears on answering; names the queue. Empty for none.",
    )
    music: Name = Field("default", description="Music-on-hold class callers hear while waiting.")
    recording: RecordingPolicy = Field(
        default_factory=RecordingPolicy, description="The recording policy of this queue."
    )


Permission = Literal["supervise", "transfer-blind", "record-prompts"]


class Agent(Part):
    """Someone who answers calls, known by a work number, never by name."""

    phone: Name = Field(description="The SIP account (under phones) this agent's calls ring on.")
    skills: dict[Name, Level] = Field(default_factory=dict, description="Skill levels, 1 (learning) to 5 (expert).")
    may: tuple[Permission, ...] = Field(
        (),
        description="What this agent may do besides: supervise (listen, whisper, barge, take over) · transfer-blind (without consulting) · record-prompts (over the phone).",
    )


class Phone(Part):
    """A SIP account on our Asterisk. Its password is generated into the secrets file."""

    codecs: tuple[Literal["ulaw", "alaw", "g722", "opus"], ...] = Field(
        ("ulaw", "alaw"), description="Codecs offered, best first."
    )
    transport: Literal["udp", "tcp", "ws"] = Field("udp", description="SIP transport; ws is a phone in the browser.")
    contact: str = Field(
        "",
        description="A fixed SIP address (gateway, test phones) instead of a registration: sip:USER@HOST:PORT. Empty: it registers.",
    )


class Trunk(Part):
    """Where calls come from: a carrier's or a gateway's addresses, or a test caller on this machine."""

    match: tuple[str, ...] = Field(description="IP addresses or networks the calls come from.")
    caller_trusted: bool = Field(False, description="Whether the caller's number it sends can be trusted.")
    dtmf: Literal["rfc4733", "info", "auto_info"] = Field(
        "auto_info", description="How digits arrive: RTP events (rfc4733), SIP INFO, or either."
    )


class Asterisk(Part):
    """The Asterisk this hotline runs on."""

    run: Literal["private", "system"] = Field(
        "private",
        description="private: hotline starts and stops an Asterisk in folders of its own · system: the box's own service, configured by `hotline conf install`.",
    )
    sip_listen: str = Field("127.0.0.1", description="Address SIP and RTP listen on. Loopback unless you open it.")
    sip_port: Port = Field(5060, description="SIP port, UDP and TCP.")
    http_port: Port = Field(8088, description="Port of ARI and of the phone WebSocket, on loopback only.")
    ami_port: Port = Field(5038, description="Port of the manager interface, on loopback only.")
    rtp_port_first: Port = Field(10000, description="First UDP port of the voice range.")
    rtp_port_last: Port = Field(14999, description="Last UDP port of the voice range.")
    app: Name = Field("hotline", description="Name of the Stasis application calls are handed to.")
    external_address: str = Field("", description="Public address put into SDP behind NAT. Empty for none.")
    group: str = Field(
        "", description="Unix group that shares recordings between Asterisk and the daemon. Empty: same user."
    )
    path_map: dict[str, str] = Field(
        default_factory=dict,
        description="Asterisk's folder: the daemon's folder, where Asterisk sees other paths (its own root, a container).",
    )


class Paths(Part):
    """Where things are kept; relative paths start at the folder of config.yaml."""

    state: str = Field("var", description="Folder of the store, secrets, logs and recordings.")
    flows: str = Field("ivr_flows", description="Folder of the flow files.")
    scripts: str = Field("agi_scripts", description="Folder of the scripts that flows and dialplans may ask.")
    sounds: str = Field("sounds", description="Folder of the prompt catalogue and its audio.")
    prompts: str = Field(
        "",
        description="Folder of the audio kept for versions of flows; Asterisk must be able to read it. A relative path "
        "starts at the state folder. Empty: prompts there, and with a box's own Asterisk none is kept.",
    )
    asterisk_root: str = Field(".asterisk", description="Folder of the private Asterisk, used when the box has none.")


class Web(Part):
    """The HTTP interface: /healthz, /metrics and the agents' API."""

    listen: str = Field("127.0.0.1", description="Address to listen on. Loopback unless you open it.")
    port: Port = Field(8480, description="Port to listen on.")


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


class Log(Part):
    """The daemon's log."""

    format: Literal["auto", "console", "json"] = Field(
        "auto", description="console for people, json for machines; auto: console on a terminal."
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level written.")


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
    no_ringing_s: Seconds = Field(
        3, description="Seconds without a ringing signal after which a phone counts as unreachable."
    )


class Agi(Part):
    """Our FastAGI server: any dialplan may ask a script of agi_scripts/ by AGI(agi://127.0.0.1:PORT/NAME,key=value)."""

    port: Port = Field(4573, description="Port of the FastAGI server, on loopback only.")
    sessions_max: Annotated[int, Field(ge=1, le=10_000)] = Field(
        100, description="AGI sessions, and scripts at work, at most; further ones are refused at once."
    )
    timeout_s: Annotated[float, Field(gt=0, le=300)] = Field(
        5, description="Seconds a script asked by a dialplan may take; then HOTLINE_STATUS is FAILED."
    )


class HttpLookUp(Part):
    """A service that answers a JSON object; texts, numbers and true/false in it become variables."""

    url: str = Field(max_length=500, description="Address, http:// or https://. No other host is ever asked.")
    method: Literal["GET", "POST"] = Field(
        "GET", description="GET: values go into the query string, which servers tend to log · POST: into a JSON body."
    )
    token_env: str = Field(
        "", max_length=80, description="Environment variable whose value is sent as bearer token. Empty for none."
    )
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(3, description="Seconds until the whole answer is in.")


class SqlLookUp(Part):
    """One row of one query in an SQLite file, opened read-only; its columns become variables."""

    database: str = Field(max_length=500, description="The SQLite file; a relative path starts at config.yaml.")
    queries: str = Field(
        max_length=500, description="The .sql file holding the query under a line `-- name: …`; values as :name."
    )
    query: Name | None = Field(None, description="The query's name in that file; the look-up's own when left out.")
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(2, description="Seconds the query may run.")


class LookUps(Part):
    """What flows may ask besides the scripts of agi_scripts/, by name; nothing else is ever asked."""

    at_once_max: Annotated[int, Field(ge=1, le=10_000)] = Field(
        100, description="Look-ups at once, scripts included; further ones take their failure branch."
    )
    http: dict[Name, HttpLookUp] = Field(default_factory=dict, description="HTTP services by name.")
    sql: dict[Name, SqlLookUp] = Field(default_factory=dict, description="SQL queries by name.")


class FeatureCodes(Part):
    """What agents dial on their phones."""

    sign_in: Dialled = Field("*11", description="Sign in: asks for work number and PIN.")
    ready: Dialled = Field("*12", description="Ready for calls.")
    not_ready: Dialled = Field("*13", description="Not ready; a reason key may follow at once (*131).")
    sign_out: Dialled = Field("*14", description="Sign out.")
    disposition: Dialled = Field("*15", description="Outcome of the last call; its key follows at once (*151).")
    record_prompt: Dialled = Field("*17", description="Record a prompt by telephone: asks for work number and PIN.")


class Settings(Part):
    """The whole of config.yaml."""

    name: str = Field("Hotline", max_length=60, description="The hotline's name, shown on pages and in logs.")
    timezone: str = Field("Asia/Shanghai", description="IANA time zone of opening hours, greetings and reports.")
    language: Language = Field(
        "zh-CN", description="Language callers hear unless number, flow or caller say otherwise."
    )
    numbers: dict[Dialled, NumberPlan] = Field(description="Numbers callers dial, each with its flow.")
    hours: dict[Name, Hours] = Field(default_factory=dict, description="Opening hours by name; queues name theirs.")
    skills: dict[Name, str] = Field(default_factory=dict, description="Skill: what it means, in a few words.")
    queues: dict[Name, Queue] = Field(default_factory=dict, description="Queues by name.")
    agents: dict[WorkNumber, Agent] = Field(default_factory=dict, description="Agents by work number.")
    phones: dict[Name, Phone] = Field(default_factory=dict, description="SIP accounts by name.")
    trunks: dict[Name, Trunk] = Field(default_factory=dict, description="Where calls come from, by name.")
    agent_rules: AgentRules = Field(default_factory=AgentRules, description="Rules for every agent.")
    feature_codes: FeatureCodes = Field(default_factory=FeatureCodes, description="What agents dial.")
    asterisk: Asterisk = Field(default_factory=Asterisk, description="The Asterisk underneath.")
    paths: Paths = Field(default_factory=Paths, description="Where things are kept.")
    web: Web = Field(default_factory=Web, description="HTTP interface.")
    agi: Agi = Field(default_factory=Agi, description="FastAGI server.")
    lookups: LookUps = Field(default_factory=LookUps, description="What flows may ask.")
    limits: Limits = Field(default_factory=Limits, description="Bounds.")
    log: Log = Field(default_factory=Log, description="The daemon's log.")


class Secrets(BaseModel):
    """The generated secrets file (0600): never in config.yaml, logs or the repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ari_password: str
    ami_password: str
    api_token: str
    phones: dict[str, str] = Field(default_factory=dict)  # phone name -> SIP password
    pins: dict[str, str] = Field(default_factory=dict)  # work number -> PIN, digits

    def __repr_args__(self) -> list[tuple[str | None, str]]:
        """What repr, str and rich show: nothing."""
        return [(None, "hidden")]
