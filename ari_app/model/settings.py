"""config.yaml as data: every key with a sentence, a unit and a default. Parsed and checked by `config/`.

Names end in their unit (`_s` seconds, `_mb` mebibytes, `_days`). Frozen: a reload makes a new Settings.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ari_app.model.bans import BanRules, Network, networks
from ari_app.model.line import Rules as LineRules
from ari_app.model.machine import Agi, Asterisk, Log, LookUps, Net, Paths, Standby, Web
from ari_app.model.part import Dialled, Language, Level, Name, Part, WorkNumber
from ari_app.model.routing import (
    AgentRules,
    Box,
    Callbacks,
    Fault,
    FeatureCodes,
    Hours,
    Limits,
    Queue,
    Routing,
    TalkCodes,
)
from ari_app.model.screening import Screening
from ari_app.model.surge import Surge


class NumberPlan(Part):
    """A number callers dial."""

    flow: Name = Field(description="The flow (a file of ivr_flows/ without .yaml) that answers this number.")
    language: Language | None = Field(None, description="Language of the prompts; the hotline's when left out.")


Permission = Literal["supervise", "transfer-blind", "record-prompts"]
Destination = Annotated[str, Field(pattern=r"^(agent:[0-9]{1,8}|queue:[a-z][a-z0-9_-]{0,30}|number:\+?[0-9]{1,24})$")]
DirectoryKey = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,30}|[0-9]{1,8})$")]


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
    transport: Literal["udp", "tcp", "tls", "ws"] = Field(
        "udp", description="SIP transport; tls needs asterisk.tls; ws is a phone in the browser."
    )
    media_encryption: Literal["no", "sdes"] = Field(
        "no",
        description="sdes: voice only as SRTP, its keys in SIP, which should be tls then. A browser's voice is always encrypted.",
    )
    networks: tuple[str, ...] = Field(
        (), description="Addresses and networks the phone may register and call from. Empty: from anywhere."
    )
    voice_gap_s_max: Annotated[int, Field(ge=0, le=3600)] = Field(
        10,
        description="Seconds without a packet of voice in a call after which the phone counts as vanished; the caller goes back to the head of his queue. Not while the phone has put the call on hold by its own button. 0: never, for phones that send nothing while nobody speaks.",
    )
    contact: str = Field(
        "",
        description="A fixed SIP address (gateway, test phones) instead of a registration: sip:USER@HOST:PORT. Empty: it registers.",
    )


class Trunk(Part):
    """Where calls come from: a carrier's or a gateway's addresses, or a test caller on this machine."""

    match: tuple[str, ...] = Field(description="IP addresses or networks the calls come from.")
    caller_trusted: bool = Field(False, description="Whether the caller's number it sends can be trusted.")
    address: str = Field(
        "", max_length=120, description="Where calls go out to, HOST:PORT. Empty: none go out by this trunk."
    )
    dtmf: Literal["rfc4733", "info", "auto_info"] = Field(
        "auto_info", description="How digits arrive: RTP events (rfc4733), SIP INFO, or either."
    )


DialPattern = Annotated[str, Field(pattern=r"^\+?[0-9XZN]{1,24}$")]


class Outbound(Part):
    """Numbers the hotline may dial: call-backs, and transfers to numbers outside. Nothing else is ever dialled."""

    trunk: Name | Literal[""] = Field("", description="The trunk calls go out by. Empty: nothing is dialled.")
    permitted: tuple[DialPattern, ...] = Field(
        (), description="Numbers that may be dialled: digits, X for any, Z for 1-9, N for 2-9."
    )
    caller: Annotated[str, Field(pattern=r"^\+?[0-9]{0,24}$")] = Field("", description="Number shown to whom we call.")
    ring_s: Annotated[float, Field(ge=5, le=120)] = Field(30, description="Seconds a number dialled rings at most.")


class Security(Part):
    """How attackers are kept away. What stands open: `hotline doctor --security`."""

    bans: BanRules = Field(default_factory=BanRules, description="Addresses shut out for a while.")


class Settings(Part):
    """The whole of config.yaml."""

    name: str = Field("Hotline", max_length=60, description="The hotline's name, shown on pages and in logs.")
    timezone: str = Field("Asia/Shanghai", description="IANA time zone of opening hours, greetings and reports.")
    language: Language = Field(
        "zh-CN", description="Language callers hear unless number, flow or caller say otherwise."
    )
    numbers: dict[Dialled, NumberPlan] = Field(description="Numbers callers dial, each with its flow.")
    hours: dict[Name, Hours] = Field(default_factory=dict, description="Opening hours by name; queues name theirs.")
    fault: Fault = Field(default_factory=Fault, description="What answers every number while systems are down.")
    skills: dict[Name, str] = Field(default_factory=dict, description="Skill: what it means, in a few words.")
    queues: dict[Name, Queue] = Field(default_factory=dict, description="Queues by name.")
    routing: Routing = Field(default_factory=Routing, description="Rules for every queue.")
    surge: Surge = Field(default_factory=Surge, description="What is done when too many callers wait.")
    agents: dict[WorkNumber, Agent] = Field(default_factory=dict, description="Agents by work number.")
    phones: dict[Name, Phone] = Field(default_factory=dict, description="SIP accounts by name.")
    trunks: dict[Name, Trunk] = Field(default_factory=dict, description="Where calls come from, by name.")
    outbound: Outbound = Field(default_factory=Outbound, description="Numbers the hotline may dial.")
    callbacks: Callbacks = Field(default_factory=Callbacks, description="How call-backs are made.")
    boxes: dict[Name, Box] = Field(default_factory=dict, description="Voicemail boxes by name; others: its defaults.")
    line: LineRules = Field(default_factory=LineRules, description="What counts as a silent, quiet or noisy line.")
    directory: Annotated[dict[DirectoryKey, Destination], Field(max_length=10_000)] = Field(
        default_factory=dict,
        description="Whom calls are transferred to, by name or by digits an agent types: agent:8026, queue:billing or number:10086.",
    )
    agent_rules: AgentRules = Field(default_factory=AgentRules, description="Rules for every agent.")
    feature_codes: FeatureCodes = Field(default_factory=FeatureCodes, description="What agents dial.")
    talk_codes: TalkCodes = Field(default_factory=TalkCodes, description="What agents type during a talk.")
    asterisk: Asterisk = Field(default_factory=Asterisk, description="The Asterisk underneath.")
    net: Net = Field(default_factory=Net, description="What Asterisk does for a caller while no daemon runs.")
    standby: Standby = Field(default_factory=Standby, description="A second daemon that waits.")
    security: Security = Field(default_factory=Security, description="How attackers are kept away.")
    screening: Screening = Field(default_factory=Screening, description="Callers who harass, and for how long.")
    paths: Paths = Field(default_factory=Paths, description="Where things are kept.")
    web: Web = Field(default_factory=Web, description="HTTP interface.")
    agi: Agi = Field(default_factory=Agi, description="FastAGI server.")
    lookups: LookUps = Field(default_factory=LookUps, description="What flows may ask.")
    limits: Limits = Field(default_factory=Limits, description="Bounds.")
    log: Log = Field(default_factory=Log, description="The daemon's log.")


def trusted(settings: Settings) -> tuple[Network, ...]:
    """Never shut out: loopback, those allowed, and where trunks' calls come from."""
    sources = (source for trunk in settings.trunks.values() for source in trunk.match)
    return networks((*settings.security.bans.allow, *sources))


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
