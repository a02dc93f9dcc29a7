"""Parts of config.yaml about the machine: Asterisk, folders, ports, what flows may ask. See settings."""

from typing import Annotated, Literal

from pydantic import Field

from ari_app.model.part import Name, Part, Port


class Tls(Part):
    """SIP over TLS 1.2 or later."""

    cert: str = Field(max_length=500, description="The certificate with its chain (PEM), as Asterisk sees it.")
    key: str = Field(max_length=500, description="Its private key (PEM), readable by Asterisk only.")
    port: Port = Field(5061, description="Port to listen on, at sip_listen.")


class Asterisk(Part):
    """The Asterisk this hotline runs on."""

    run: Literal["private", "system"] = Field(
        "private",
        description="private: hotline starts and stops an Asterisk in folders of its own · system: the box's own service, configured by `hotline conf install`.",
    )
    sip_listen: str = Field("127.0.0.1", description="Address SIP and RTP listen on. Loopback unless you open it.")
    sip_port: Port = Field(5060, description="SIP port, UDP and TCP.")
    tls: Tls | None = Field(None, description="SIP over TLS; none when left out.")
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


class Net(Part):
    """The safety net: what Asterisk does by itself for a caller while no daemon runs. `hotline asterisk restart` takes changes."""

    ring_s: Annotated[int, Field(ge=0, le=30)] = Field(
        3, description="Seconds a caller first hears it ring, while Asterisk looks for a daemon twice a second."
    )
    tries: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="How often Asterisk looks again for a daemon before it takes a message."
    )
    try_every_s: Annotated[int, Field(ge=1, le=300)] = Field(10, description="Seconds of music before each of them.")
    message_s_max: Annotated[int, Field(ge=5, le=600)] = Field(120, description="Seconds a message lasts at most.")
    silence_s: Annotated[int, Field(ge=1, le=60)] = Field(5, description="Seconds of silence that end a message.")
    box: Name = Field("general", description="The box these messages are put into once a daemon runs again.")
    overflow: Annotated[str, Field(pattern=r"^\+?[0-9]{0,24}$")] = Field(
        "",
        description="An emergency number dialled before a message is taken, by outbound.trunk; outbound.permitted must allow it. Empty: none.",
    )


class Paths(Part):
    """Where things are kept; relative paths start at the folder of config.yaml."""

    state: str = Field("var", description="Folder of the store, secrets, logs and recordings.")
    flows: str = Field("ivr_flows", description="Folder of the flow files.")
    scripts: str = Field("agi_scripts", description="Folder of the scripts that flows and dialplans may ask.")
    sounds: str = Field("sounds", description="Folder of the prompt catalogue and its audio.")
    prompts: str = Field(
        "",
        description="Folder of the audio kept for versions of flows; Asterisk must be able to read it. A relative path starts at the state folder. Empty: prompts there, and with a box's own Asterisk none is kept.",
    )
    asterisk_root: str = Field(".asterisk", description="Folder of the private Asterisk, used when the box has none.")


class Web(Part):
    """The HTTP interface: /healthz, /metrics and the agents' API."""

    listen: str = Field("127.0.0.1", description="Address to listen on. Loopback unless you open it.")
    port: Port = Field(8480, description="Port to listen on.")


class Standby(Part):
    """Two daemons on one store: one active, one that waits (`hotline run --standby`)."""

    stale_s: Annotated[float, Field(ge=0.5, le=60)] = Field(
        2,
        description="Seconds without a sign of life after which a standby ends the active daemon, frozen or hung, and takes over.",
    )


class Log(Part):
    """The daemon's log."""

    format: Literal["auto", "console", "json"] = Field(
        "auto", description="console for people, json for machines; auto: console on a terminal."
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level written.")


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
