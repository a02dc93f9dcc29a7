"""What the hotline does, in words: effects told one by one, and whether they are what was expected. Pure.

Ids are told so that two runs can be compared: the calls of a transcript are 1, 2 …, a caller's channel is `caller`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, get_args

from ari_app.model import effects as fx
from ari_app.model import facts as ft
from ari_app.model.control import TransferBegan
from ari_app.model.sound_facts import LineHeard, LineMissed
from ari_app.model.work import MessageStored
from ari_app.transcript.steps import Want

FACTS: Final[dict[str, tuple[str, ...]]] = {
    kind.__name__: tuple(each.name for each in fields(kind)) for kind in get_args(ft.Fact)
}
VERBS: Final[dict[tuple[str, ...], tuple[int, int]]] = {  # How many words follow: at least, at most.
    ("answer",): (0, 0),
    ("play",): (1, 200),
    ("stop",): (1, 200),
    ("whisper",): (1, 20),
    ("announce",): (1, 200),
    ("join", "queue"): (1, 1),
    ("ring",): (1, 1),
    ("dial",): (1, 1),
    ("hang", "up"): (0, 1),
    ("record",): (0, 0),
    ("look-up",): (1, 1),
    ("take", "message"): (0, 0),
    ("nothing",): (0, 0),
    ("fact",): (1, 30),
    ("at", "node"): (1, 1),
}
_ID: Final = re.compile(r"(\d+-\d+)(\..+)?")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_NOT_TOLD: Final = ("rank", "since", "due_at", "next_at")  # Absolute times.
_MAY_DIFFER: Final = ("cause", "sip", "via", "flow_version")  # Between a make-believe Asterisk and a real one.
_LATE: Final = (
    *(ft.RecordingStored, ft.RecordingMissed, MessageStored),  # Their moment is the disk's, not the call's.
    ft.CallQuality,  # Asterisk reports every 5 s from a moment of its own: whether one came is chance.
    *(LineHeard, LineMissed),  # What a line sounds like, only a real one knows.
)
TOLERANCE_S: Final = 2.0  # And a tenth of the time.


@dataclass(frozen=True, slots=True)
class Told:
    """One thing done. `stream` is what it belongs to: things of one stream come in the same order in every run.

    `minor`: plumbing (bridges, variables), compared between runs but not expected by name.
    """

    stream: str
    words: tuple[str, ...]
    minor: bool = False

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def is_fact(self) -> bool:
        return self.words[0] == "fact"


@dataclass
class Telling:
    """Tells the effects of one transcript, in the order they come; those of calls of before it are not told."""

    calls: dict[str, int] = field(default_factory=dict)
    callers: set[str] = field(default_factory=set)
    agents: dict[str, str] = field(default_factory=dict)  # By leg.
    prompts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # By playback.

    def tell(self, effect: fx.Effect) -> Told | None:
        if isinstance(effect, fx.Note):
            return self._fact(effect.fact)
        call = getattr(effect, "call", None)
        if call not in self.calls:
            return None
        words, minor = self._words(effect), False
        if words is None and (words := self._plumbing(effect)) is not None:
            minor = True
        return Told(f"call {self.calls[call]}", words, minor) if words is not None else None

    def _fact(self, fact: ft.Fact) -> Told | None:
        match fact:
            case ft.CallOpened(opened):
                self.calls[opened] = len(self.calls) + 1
            case ft.LegOpened(_, leg, "caller"):
                self.callers.add(leg)
            case TransferBegan(_, transfer, target=target):
                self.agents[transfer] = target.partition(":")[2] or target
            case ft.OfferMade(_, offer, _, _, agent):
                self.agents[offer] = agent
            case _:
                pass
        call: str | None = getattr(fact, "call", None)
        if (call is not None and call not in self.calls) or (isinstance(fact, _LATE) or not _about_people(fact)):
            return None
        shown = [each.name for each in fields(fact) if each.name not in _NOT_TOLD]
        told = [f"{name}={self._value(getattr(fact, name))}" for name in shown]
        stream = f"agent {fact.agent}" if isinstance(fact, ft.AgentChanged) else f"call {self.calls.get(call or '', 0)}"
        return Told(stream, ("fact", type(fact).__name__, *told))

    def _words(self, effect: fx.Effect) -> tuple[str, ...] | None:
        match effect:
            case fx.Answer():
                return ("answer",)
            case fx.Play(_, leg, playback, prompts):
                self.prompts[playback] = prompts
                return ("play" if leg in self.callers else "whisper", *prompts)
            case fx.Announce(_, _, _, prompts):
                return ("announce", *prompts)
            case fx.StopPlay(_, playback):
                return ("stop", *self.prompts.get(playback, ()))
            case fx.Ring(_, leg):
                return ("ring", self.agents.get(leg, "?"))
            case fx.Dial(_, _, number):
                return ("dial", number)
            case fx.HangUp(_, leg):
                return ("hang", "up", "caller" if leg in self.callers else "agent")
            case fx.StartRecording():
                return ("record",)
            case fx.RecordMessage():
                return ("take", "message")
            case fx.LookUp(_, _, _, name):
                return ("look-up", name)
            case _:
                return None

    def _plumbing(self, effect: fx.Effect) -> tuple[str, ...] | None:
        match effect:
            case fx.Join(_, bridge, leg):
                return ("joins", self._value(leg), self._value(bridge))
            case fx.Leave(_, bridge, leg):
                return ("leaves", self._value(leg), self._value(bridge))
            case fx.MakeBridge(_, bridge, kind):
                return ("bridge", kind, self._value(bridge))
            case fx.DropBridge(_, bridge):
                return ("no", "bridge", self._value(bridge))
            case fx.Listen() | fx.Unlisten():
                return ("hears", "speech" if isinstance(effect, fx.Listen) else "none")
            case fx.StopRecording() | fx.JoinRecording():
                return ("recording", type(effect).__name__)
            case _:
                return None

    def _value(self, value: Any) -> str:
        match value:
            case bool():
                return "yes" if value else "no"
            case float():
                return f"{value:.3f}".rstrip("0").rstrip(".")
            case str() if value in self.callers:
                return "caller"
            case str() if (own := _ID.fullmatch(value)) is not None:
                return f"{self.calls.get(own[1], 'later')}{own[2] or ''}"  # A call-back has an id before it is a call.
            case None:
                return "-"
            case _:
                return re.sub(r"\s+", "_", str(value))


def _about_people(fact: ft.Fact) -> bool:
    return hasattr(fact, "call") or hasattr(fact, "agent")


# -- what was expected --


def missing(wants: Sequence[Want], told: Sequence[Told], node: str) -> Want | None:
    """The first that was not done, in this order; None when all was. `node` is where the caller is now."""
    done = iter(told)
    for want in wants:
        match want.words:
            case ("nothing",):
                if any(not each.minor and not each.is_fact for each in told):
                    return want
            case ("at", "node", name):
                if name != node:
                    return want
            case _:
                if not any(_is(want.words, each.words) for each in done):
                    return want
    return None


def _is(want: tuple[str, ...], done: tuple[str, ...]) -> bool:
    match want:
        case ("join", "queue", name):
            want = ("fact", "Queued", f"queue={name}")
        case ("hang", "up"):
            want = ("hang", "up", "caller")
        case _:
            pass
    if want[0] == "fact":
        given = dict(word.partition("=")[::2] for word in done[2:])
        asked = [word.partition("=")[::2] for word in want[2:]]
        return done[:2] == want[:2] and all(name in given and _equal(name, v, given[name]) for name, v in asked)
    if "…" not in want:
        return want == done
    pattern = "".join(r"(?: \S+)*" if word == "…" else re.escape(f" {word}") for word in want)
    return re.fullmatch(pattern, " " + " ".join(done)) is not None


def _equal(name: str, want: str, done: str) -> bool:
    """A figure is as exact as it is written: `wait_s=8` and `wait_s=8s` hold for 8.3."""
    if want == done:
        return True
    want = want.removesuffix("s") if _is_time(name) else want
    if not (_is_time(name) and _NUMBER.fullmatch(want) and _NUMBER.fullmatch(done)):
        return False
    places = len(want.partition(".")[2])
    return f"{float(want):.{places}f}" == f"{float(done):.{places}f}"


def _is_time(name: str) -> bool:
    return name.endswith("_s") or name == "seconds"


# -- two runs --


def alike(one: Told, other: Told) -> bool:
    """Whether two runs did the same: times may differ a little, and some things only a real one knows."""
    if len(one.words) != len(other.words) or one.stream != other.stream:
        return False
    return all(_alike(a, b) for a, b in zip(one.words, other.words, strict=True))


def _alike(a: str, b: str) -> bool:
    (name, equals, left), (other, _, right) = a.partition("="), b.partition("=")
    if a == b or (equals and name == other and name in _MAY_DIFFER):
        return True
    if name != other or not _is_time(name):
        return False
    return abs(float(left) - float(right)) <= TOLERANCE_S + float(left) / 10


def by_stream(told: Iterable[Told]) -> dict[str, list[Told]]:
    """The streams, each in its order."""
    streams: dict[str, list[Told]] = {}
    for each in told:
        streams.setdefault(each.stream, []).append(each)
    return streams
