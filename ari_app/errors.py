"""Every exception we raise on purpose. Expected failures of a running call are events, not exceptions.

HotlineError                 the root; its text is one message for a person: what, where, and a cure
├── ConfigError              a bad config.yaml, flow file or secrets file (file:line:column CODE: …)
├── AsteriskError            Asterisk cannot be found, built, started or reached
│   └── RequestFailed        one ARI request answered with an error status
│       └── Gone             404: the channel, bridge or playback has ended meanwhile (normal)
├── StoreError               the SQLite store cannot be opened, written or migrated
│   ├── StoreDamaged         its file is damaged: a daemon sets it aside and begins a new one
│   └── Fenced               another daemon has taken the store over: this one must end
├── AlreadyRunning           a second daemon was started on one store, or on one application of Asterisk
├── Ousted                   another has taken this daemon's place: it ends, with an exit code of its own
├── LookUpFailed             a script, service or query gave no answer: the flow takes its failure branch
└── defined where they arise: PhoneError (phones.sip), RecordingProblem (media.recordings),
                              BadFile (config.diagnostics), AgiError (agi.session)
"""


class HotlineError(Exception):
    """The root; `str()` of it is shown to the person at the terminal as it is, without a traceback."""

    exit_code = 1


class ConfigError(HotlineError):
    """One or more problems in a file a person wrote; the text lists them all, a line each."""


class AsteriskError(HotlineError):
    """Asterisk cannot be found, built, started or reached."""


class RequestFailed(AsteriskError):
    """One ARI request was answered with an error status (an HTTP status, or 0 when no answer came in time)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class Gone(RequestFailed):
    """404: what we named has ended meanwhile. Normal in telephony."""


class StoreError(HotlineError):
    """The SQLite store cannot be opened, written or migrated."""


class StoreDamaged(StoreError):
    """The file of the store is damaged. `why`: what SQLite says of it."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class Fenced(StoreError):
    """Another daemon has taken the store over: nothing more may be written, no command sent."""

    def __init__(self, newest: int, ours: int) -> None:
        super().__init__(
            f"Run {newest} of the daemon has taken the store over: this one, run {ours}, must end.\n"
            "Was the store's lock file removed? `hotline status` says who is active."
        )


class AlreadyRunning(HotlineError):
    """A daemon already runs on this store, or serves this application."""


class Ousted(HotlineError):
    """Another daemon or program has taken this daemon's place."""

    exit_code = 3


class LookUpFailed(HotlineError):
    """No answer. `reason` is what flows and logs see: small words joined by `-`, never a value of the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
