"""A flow walked by hand: commands in, lines of what happens out, and the walk as a transcript that passes. Pure."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from ari_app.board.records import Call
from ari_app.flow.nodes import LookUp
from ari_app.model import effects as fx
from ari_app.model import facts as ft
from ari_app.model.control import TransferBegan, TransferEnded
from ari_app.transcript import parse as reading
from ari_app.transcript.rehearse import KEY_S, House, Impossible, Rehearsal, dressed
from ari_app.transcript.steps import AgentDoes, Deed, Header, LeavesMessage, Press, Step, Wait
from ari_app.transcript.words import Told

HELP: Final = """\
1  *  123#              press keys
.                       hear out what is being said; when nothing is: wait until something happens
wait 5                  let seconds pass, after what is being said
at 2026-10-01 21:00     from here on the flow takes it to be this time
balance=12.5 stopped=no answer the look-up (numbers, yes, no, texts; in quotes always a text); or: fail
message of 7s           speak after the tone, and end it with the key
speak 2s                speak to the machine: counts where a situation listens
agent answers           an agent takes the call; also: declines, is busy, hangs up, holds, resumes
hang up                 the caller hangs up
save FILE.call          keep this walk as a test that passes
quit                    leave; every step of a transcript can be typed, too (agent 8025 signs in)"""
WAIT_S_MAX: Final = 7200.0
_KEPT: Final[dict[str, tuple[str, ...]]] = {  # Facts a saved walk expects, and which of their fields.
    "NodeEntered": ("node",),
    "CallRefused": ("reason",),
    "KeyTaken": ("key", "accepted"),
    "LookUpDone": ("ok",),
    "MessageLeft": ("box",),
    "Rated": ("question", "key"),
    "SituationBegan": ("situation",),
    "SituationEnded": ("situation", "outcome"),
    "QueueLeft": ("queue", "outcome"),
    "Connected": ("queue", "agent"),
    "CallClosed": ("by",),
}

Text = Callable[[str, str], str]
"""What a prompt says in a language."""


@dataclass
class Trial:
    """One walk. `take` never raises for what a person types: it answers in words, and `faults` counts."""

    house: House
    header: Header
    text: Text
    rehearsal: Rehearsal
    script: list[str] = field(default_factory=list)
    faults: int = 0
    untold: str = ""  # A step that broke off half done: the walk cannot be saved.

    @classmethod
    def of(cls, house: House, header: Header, dialled: str, text: Text) -> "Trial":
        """Impossible when the header does not fit the house."""
        settings = dressed(house.settings, header, dialled)
        own = House(settings, house.flows, house.seconds)
        return cls(own, header, text, Rehearsal.of(own, header))

    def take(self, command: str) -> list[str]:
        """Do what one line says; the lines of what happens."""
        command = command.strip()
        if not command:
            return []
        if command in ("help", "?"):
            return HELP.splitlines()
        lines: list[str] = []
        try:
            for step in self._steps(command):
                lines += self._do(*step)
        except (ValueError, Impossible) as problem:
            self.faults += 1
            lines.append(f"{problem}   (help lists what can be typed)")
        return lines

    @property
    def over(self) -> bool:
        return self.rehearsal.caller not in self.rehearsal.exchange.legs

    def saved(self, title: str) -> str:
        """The walk as the text of a transcript."""
        at = self.header.at
        head = [f"# {title}", f"flow: {self.header.flow}"]
        head.append(f"at: {at.local:%Y-%m-%d %H:%M:%S} {at.zone or self.house.settings.timezone}")
        if self.header.language:
            head.append(f"language: {self.header.language}")
        return "\n".join([*head, "", *self.script, ""])

    # -- commands to steps --

    def _steps(self, command: str) -> Iterator[tuple[str, Step]]:
        if re.fullmatch(r"[0-9*#]{1,200}", command):
            yield f"press {command}", Press(command)
        elif command == ".":
            seconds = self._until_something()
            yield f"wait {seconds:g}s", Wait(seconds)
        elif command == "fail" or command.startswith("fail ") or re.match(r"[a-z][a-z0-9_]*=", command):
            name = self._asked().name
            said = command.replace("fail", "fails", 1) if command.startswith("fail") else f"answers {command}"
            yield self._read(f"look-up {name} {said}")
        elif re.match(r"agent [^0-9]", command):
            yield from self._agent(command.removeprefix("agent").strip())
        else:
            yield self._read(command)

    def _read(self, text: str) -> tuple[str, Step]:
        step = reading.parse_step(text)
        return (f"wait {step.seconds:g}s" if isinstance(step, Wait) else text), step

    def _until_something(self) -> float:
        exchange = self.rehearsal.exchange
        if any(leg == self.rehearsal.caller for leg, _ in exchange.playing.values()):
            return 0.0
        at = exchange.timers.next_at()
        if self.over or at is None:
            raise Impossible("there is nothing to wait for")
        if exchange.asked:
            raise Impossible(f"look-up {exchange.asked[0].name} waits for its answer: NAME=VALUE …, or fail; or wait 5")
        return min(WAIT_S_MAX, math.ceil((at - exchange.now) * 10) / 10)

    def _asked(self) -> fx.LookUp:
        if not self.rehearsal.exchange.asked:
            raise Impossible("no look-up waits for an answer")
        return self.rehearsal.exchange.asked[0]

    def _agent(self, does: str) -> Iterator[tuple[str, Step]]:
        """An agent's deed without a number: the agent of this call. `answers` brings one, if none is there."""
        if does not in get_args(Deed):
            raise ValueError(f"agents do not do this: {does!r}   try: agent answers")
        call = self._call()
        if does != "answers":
            serving = call.talk or call.offer
            if serving is None:
                raise Impossible("no agent has to do with this call   try: agent answers")
            yield self._read(f"agent {serving.agent} {does}")
            return
        if call.visit is None:
            raise Impossible("the caller does not wait in a queue")
        if call.offer is None:
            agent = self._free(call)
            for deed in ("signs in", "goes ready"):
                yield self._read(f"agent {agent} {deed}")
        if call.offer is None:
            raise Impossible("no agent is free for this caller")
        agent = call.offer.agent
        for deed in ("rings", "answers"):
            yield self._read(f"agent {agent} {deed}")
        if (still := call.offer) is not None and still.whisper is not None:
            yield self._read(f"agent {agent} hears the whisper")
        if call.offer is not None:
            yield "wait 0s", Wait(0)  # The recording notice comes first.

    def _free(self, call: Call) -> str:
        assert call.visit is not None
        floor = self.rehearsal.exchange.floor
        queue = call.visit.queue
        out = [seat.agent for seat in floor.seats.values() if seat.state in ("signed-out", "not-ready")]
        able = sorted(agent for agent in out if floor.engine.servers(queue, [agent]))
        if not able:
            raise Impossible(f"nobody who is free has the skills of queue {queue}")
        return able[0]

    def _call(self) -> Call:
        caller = self.rehearsal.caller
        call = self.rehearsal.exchange.call_of(caller) if caller is not None else None
        if call is None:
            raise Impossible("the call is over")
        return call

    # -- steps, and what comes of them --

    def _do(self, text: str, step: Step) -> list[str]:
        exchange = self.rehearsal.exchange
        told, done = len(exchange.told), len(exchange.done)
        try:
            text = self._pressed(step.keys) if isinstance(step, Press) else self._done(text, step)
        except Impossible:
            if isinstance(step, LeavesMessage):  # What was being said has been heard out.
                self.script += ["wait 0s", *self._expected(exchange.told[told:])]
            elif len(exchange.told) > told:
                self.untold = text
            raise
        self.script += [text, *self._expected(exchange.told[told:])]
        lines = [f"          {text}"] if isinstance(step, AgentDoes) else []
        lines += [line for at, effect in exchange.done[done:] for line in self._shown(at, effect)]
        return lines or ["          (nothing happens)"]

    def _done(self, text: str, step: Step) -> str:
        self.rehearsal.do(step)
        return text

    def _pressed(self, keys: str) -> str:
        """Those keys that found the caller still on the line. They take their time, as they will in the saved walk."""
        pressed = ""
        for key in keys:
            if pressed:
                self.rehearsal.exchange.wait(KEY_S)
            if not pressed or not self.over:
                self.rehearsal.do(Press(key))
                pressed += key
        return f"press {pressed}"

    def _expected(self, told: list[Told]) -> list[str]:
        wanted = [words for each in told if (words := _wanted(each))]
        if not any(not each.minor and not each.is_fact for each in told):
            wanted.append("nothing")
        if node := self.rehearsal.exchange.node(self.rehearsal.caller):
            wanted += [f"at node {node}"] if re.fullmatch(r"[a-z0-9_-]+", node) else []
        return [f"  < {', '.join(wanted)}"]

    def _shown(self, at: float, effect: fx.Effect) -> Iterator[str]:
        what = self._fact(effect.fact) if isinstance(effect, fx.Note) else self._effect(effect)
        if what:
            zone = ZoneInfo(self.header.at.zone or self.house.settings.timezone)
            moment = datetime.fromtimestamp(0, zone) + timedelta(seconds=at + self.rehearsal.exchange.floor.shift_s)
            first, *rest = what.splitlines()
            yield f"{moment:%H:%M:%S}  {first}"
            yield from (f"          {line}" for line in rest)

    def _effect(self, effect: fx.Effect) -> str:
        callers = self.rehearsal.exchange.telling.callers
        match effect:
            case fx.Play(_, leg, _, prompts, language):
                said = "\n".join(f"“{self.text(prompt, language)}”  {prompt}" for prompt in prompts) or "(nothing)"
                return said if leg in callers else f"the agent hears: {said}"
            case fx.StopPlay():
                return "(stops speaking)"
            case fx.Announce(_, _, _, prompts):
                return f"both hear: {' '.join(prompts)}"
            case fx.Ring(_, _, phone, _, shown):
                return f"rings {phone}, showing {shown}"
            case fx.HangUp(_, leg):
                return "hangs up" if leg in callers else ""
            case fx.StartRecording():
                return "records the talk"
            case fx.RecordMessage():
                return "records a message: message of 7s, or hang up"
            case fx.LookUp(_, _, kind, name):
                return f"asks look-up {name} ({kind}): answer with {self._fields()}, or fail"
            case fx.Warn(message):
                return f"warning: {message}"
            case _:
                return ""

    def _fields(self) -> str:
        caller = self.rehearsal.caller
        call = self.rehearsal.exchange.call_of(caller) if caller is not None else None
        node = None
        if call is not None and call.walk is not None and call.cursor is not None:
            node = (call.cursor.flow or call.walk.flow).node(call.cursor.node)
        names = list(dict.fromkeys(node.into.values())) if isinstance(node, LookUp) else []
        return " ".join(f"{name}=…" for name in names) or "name=value"

    def _fact(self, fact: ft.Fact) -> str:
        match fact:
            case ft.CallOpened(_, caller, dialled, _, flow):
                return f"{caller or 'an unknown number'} calls {dialled}: flow {flow or 'none'}"
            case ft.CallRefused(_, reason):
                return f"the call is refused: {reason}"
            case ft.NodeEntered(_, node, kind):
                return f"node {node} ({kind})"
            case ft.KeyTaken(_, _, key, False):
                return f"key {key} means nothing here"
            case ft.Queued(_, _, queue, position=position):
                return f"waits in queue {queue}, position {position}"
            case ft.QueueLeft(_, _, queue, outcome):
                return f"leaves queue {queue}: {outcome}"
            case ft.Connected(agent=agent):
                return f"caller and agent {agent} hear each other"
            case TransferBegan(target=target):
                return f"rings {target}: outside answers, or agent 8025 answers"
            case TransferEnded(outcome=outcome):
                return f"transfer: {outcome}"
            case ft.OfferEnded(_, _, agent, outcome) if outcome != "accepted":
                return f"agent {agent}: {outcome}"
            case ft.LookUpDone(_, _, ok, _, reason):
                return "the look-up is answered" if ok else f"the look-up failed: {reason}"
            case ft.MessageLeft(_, _, box, seconds, _):
                return f"a message of {seconds:g} s lies in box {box}"
            case ft.Rated(_, question, key):
                return f"survey {question}: {key}"
            case ft.SituationBegan(_, situation):
                return f"situation {situation} begins"
            case ft.SituationEnded(_, situation, outcome, step):
                return f"situation {situation} ends at step {step}: {outcome}"
            case ft.CallClosed(_, by):
                return f"the call is over (by {by}); save FILE.call keeps it as a test"
            case _:
                return ""


def _wanted(told: Told) -> str:
    """What a saved walk expects of one thing done; empty: nothing."""
    if told.minor:
        return ""
    if not told.is_fact:
        return str(told) if len(told.words) > 1 or told.words[0] in ("answer", "record") else ""
    kind = told.words[1]
    if kind == "Queued":
        return next(f"join queue {word.removeprefix('queue=')}" for word in told.words if word.startswith("queue="))
    if kind not in _KEPT:
        return ""
    fields = [word for word in told.words[2:] if word.partition("=")[0] in _KEPT[kind] and "," not in word]
    return " ".join(("fact", kind, *fields))
