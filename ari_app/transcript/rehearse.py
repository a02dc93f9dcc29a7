"""A transcript run on the make-believe Asterisk: what was done after each step, and what was not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from ari_app.flow.model import LoadedFlow
from ari_app.model import events as ev
from ari_app.model.effects import Reply
from ari_app.model.ids import AgentId, LegId, PhoneName, RequestId
from ari_app.model.routing import Hours
from ari_app.model.settings import NumberPlan, Settings
from ari_app.transcript.exchange import NO_LOOK_UP, TONE_S, Exchange, Seconds, called_back, shift_clock
from ari_app.transcript.steps import (
    AgentDoes,
    CalledBack,
    CallerHangsUp,
    Dial,
    Header,
    LeavesMessage,
    LookUpAnswers,
    MovesClock,
    OutsideDoes,
    Press,
    Speaks,
    Step,
    Transcript,
    Wait,
)
from ari_app.transcript.words import Told, missing

WISHES: dict[str, ev.AgentWish] = {
    "signs in": "sign-in",
    "goes ready": "ready",
    "goes not ready": "not-ready",
    "signs out": "sign-out",
    "notes": "disposition",
}
_CAUSES = {  # How an agent's leg ends: Q.850 cause, SIP status.
    "declines": (21, 603),
    "is busy": (17, 486),
    "does not answer": (19, 480),
    "is unreachable": (20, 0),
    "hangs up": (16, 0),
}


KEY_S: Final = TONE_S + 0.1  # From one key to the next.


class Impossible(Exception):
    """A step that cannot be done just now; says why, and what to try."""


@dataclass(frozen=True)
class House:
    """What transcripts are run in: checked settings and flows, and how long prompts last."""

    settings: Settings
    flows: Mapping[str, LoadedFlow]
    seconds: Seconds


@dataclass(frozen=True)
class Failure:
    """`number` is the line that is not as it should be; `told` what was done instead, since line `since`."""

    number: int
    why: str
    since: int = 0
    told: tuple[Told, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """`counts[line number]`: how much had been told when the step of that line was over; `seconds` of virtual time."""

    transcript: Transcript
    failure: Failure | None
    seconds: float = 0.0
    told: tuple[Told, ...] = ()
    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.failure is None


def dressed(settings: Settings, header: Header, dialled: str) -> Settings:
    """The settings as the header changes them. Impossible for hours that config.yaml does not have."""
    numbers, hours = dict(settings.numbers), dict(settings.hours)
    plan = numbers.get(dialled)
    if flow := header.flow or (plan.flow if plan is not None else ""):
        numbers[dialled] = NumberPlan(flow=flow, language=header.language or (plan.language if plan else None))
    hours |= dict[str, Hours](header.hours)
    for name in header.closures:
        if name not in ("*", *hours):
            raise Impossible(f"closure: no hours named {name!r} in config.yaml")
    trunks = settings.trunks
    if header.trusted is not None:
        trunks = {name: trunk.model_copy(update={"caller_trusted": header.trusted}) for name, trunk in trunks.items()}
    return settings.model_copy(update={"numbers": numbers, "hours": hours, "trunks": trunks})


def rehearse(transcript: Transcript, house: House) -> Outcome:
    """Run it to its first failure."""
    header = transcript.header
    try:
        settings = dressed(house.settings, header, transcript.dialled)
        if header.flow and header.flow not in house.flows:
            raise Impossible(f"flow: no flow named {header.flow!r}; there are {', '.join(sorted(house.flows))}")
    except Impossible as problem:
        return Outcome(transcript, Failure(1, str(problem)))
    run = Rehearsal.of(House(settings, house.flows, house.seconds), header)
    began, counts, since, seen = run.exchange.now, dict[int, int](), 1, 0
    told = run.exchange.told
    failure: Failure | None = None
    for line in transcript.lines:
        if isinstance(line.what, tuple):
            want = missing(line.what, told[seen:], run.exchange.node(run.caller))
            if want is not None:
                at = f" (he is at {run.exchange.node(run.caller) or 'none'})" if want.words[0] == "at" else ""
                failure = Failure(line.number, f"wanted: {want}{at}", since, tuple(told[seen:]))
                break
            continue
        since, seen = line.number, len(told)
        try:
            run.do(line.what)
        except Impossible as problem:
            failure = Failure(line.number, str(problem), since, tuple(told[seen:]))
            break
        counts[line.number] = len(told)
    seconds, told_all = run.exchange.now - began, tuple(told)
    if failure is None:
        failure = _loose_ends(run, transcript)
    return Outcome(transcript, failure, seconds, told_all, counts)


def _loose_ends(run: "Rehearsal", transcript: Transcript) -> Failure | None:
    last = transcript.lines[-1].number
    if run.exchange.arranged:
        names = ", ".join(name for name, _ in run.exchange.arranged)
        return Failure(last, f"nobody asked for what was answered by hand: {names}")
    problems = run.exchange.everybody_leaves()
    return Failure(last, f"a bug of the hotline: {'; '.join(problems)}") if problems else None


@dataclass
class Rehearsal:
    """Steps done one by one. `caller` is the last one that called."""

    exchange: Exchange
    caller: LegId | None = None

    @classmethod
    def of(cls, house: House, header: Header) -> "Rehearsal":
        exchange = Exchange(house.settings, house.flows, house.seconds)
        shift_clock(exchange.floor, header.at, exchange.now)
        exchange.floor.closures.update(dict.fromkeys(header.closures))
        return cls(exchange)

    def do(self, step: Step) -> None:
        """Impossible when nobody could do this now."""
        match step:
            case Dial(caller, dialled):
                self.caller = self.exchange.arrive(dialled, caller)
            case Press(keys):
                self._press(keys)
            case Wait(seconds):
                self._wait(seconds)
            case CallerHangsUp():
                self.exchange.hang_up(self._live())
            case CalledBack(deed):
                self._called_back(deed)
            case AgentDoes(agent, deed, word):
                self._agent(agent, deed, word)
            case OutsideDoes(deed):
                self._outside(deed)
            case LookUpAnswers(name, values, reason):
                answer = ev.LookedUp(NO_LOOK_UP, values is not None, values or (), reason)
                self.exchange.look_up(name, answer)
            case LeavesMessage(seconds):
                self._message(seconds)
            case Speaks(seconds):
                self.exchange.talk(self._live(), seconds)
            case MovesClock():
                shift_clock(self.exchange.floor, step, self.exchange.now)
            case _:
                assert_never(step)

    def _live(self) -> LegId:
        if self.caller is None:
            raise Impossible("nobody has called yet   try: caller 13800138000 → 1860")
        if self.caller not in self.exchange.legs:
            raise Impossible("the caller is not on the line any more")
        return self.caller

    def _press(self, keys: str) -> None:
        """What is pressed after the end of the call goes nowhere, as on a telephone."""
        self.exchange.press(self._live(), keys[0])
        for key in keys[1:]:
            self.exchange.wait(KEY_S)
            if self.caller in self.exchange.legs:
                self.exchange.press(self._live(), key)

    def _wait(self, seconds: float) -> None:
        if self.caller is not None and not self.exchange.hear_out(self.caller):
            raise Impossible("the hotline talks without end: nothing is waited for")
        self.exchange.wait(seconds)

    def _message(self, seconds: float) -> None:
        caller = self._live()
        self.exchange.hear_out(caller)
        if not self.exchange.speak(caller, seconds):
            raise Impossible("no message is being taken   the caller must have come to a voicemail node")

    def _called_back(self, deed: str) -> None:
        leg = called_back(self.exchange.floor)
        if leg is None:
            raise Impossible("nobody is being called back   a call-back is booked, and an agent free, in hours?")
        if deed == "answers":
            self.caller = leg
            self.exchange.answered(leg)
        else:
            self.exchange.hang_up(leg, *_CAUSES[deed])

    def _agent(self, agent: str, deed: str, word: str) -> None:
        seat = self.exchange.floor.seats.get(AgentId(agent))
        if seat is None:
            known = ", ".join(sorted(self.exchange.floor.seats)) or "none"
            raise Impossible(f"no agent has the work number {agent}; there are: {known}")
        if deed in WISHES:
            self._wishes(seat.agent, WISHES[deed], word)
            return
        leg = self.exchange.rung(seat.phone)
        if leg is None:
            raise Impossible(f"the phone of {agent} does not ring; the agent is {seat.state}")
        match deed:
            case "rings":
                self.exchange.event(ev.LegRinging(leg))
            case "answers":
                self.exchange.answered(leg)
            case "hears the whisper":
                self.exchange.hear_out(leg)
            case "holds":
                self.exchange.event(ev.LegHeld(leg))
            case "resumes":
                self.exchange.event(ev.LegResumed(leg))
            case _:
                self.exchange.hang_up(leg, *_CAUSES[deed])

    def _outside(self, deed: str) -> None:
        leg = self.exchange.rung("outside")
        if leg is None:
            raise Impossible("no number outside was dialled   the caller must have come to a transfer node")
        match deed:
            case "rings":
                self.exchange.event(ev.LegRinging(leg))
            case "answers":
                self.exchange.answered(leg)
            case _:
                self.exchange.hang_up(leg, *_CAUSES[deed])

    def _wishes(self, agent: AgentId, wish: ev.AgentWish, word: str) -> None:
        phone = PhoneName(self.exchange.settings.agents[agent].phone) if wish == "sign-in" else None
        asked = ev.AgentAsked(agent, wish, word, phone, RequestId("transcript"))
        before = len(self.exchange.done)
        self.exchange.event(asked)
        reply = next(effect for _, effect in self.exchange.done[before:] if isinstance(effect, Reply))
        if not reply.ok:
            raise Impossible(f"{agent} is told: {reply.message}")
