"""Calls told as text (tests/calls/*.call), run on the board with the repository's own config.yaml and flows.

    # A comment; `at 2026-03-02 10:00` sets the hotline's clock before the first call.
    caller 13800138000 → 1860      a call comes in (and is "the caller" from here on)
    press 12 · wait 5s · hang up   what the caller does; `wait` counts from the end of all that is being said to him
    agent 8025 signs in            … goes ready · goes not ready meal · signs out · rings · answers · hears the whisper
                                   … declines · does not answer · is unreachable · hangs up · holds · resumes
      < play greeting-day, ring 8025, fact QueueLeft outcome=abandoned      what it made the hotline do, in this order

Things done that a `<` line does not name are let pass; `< nothing` says that nothing was done on Asterisk.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ari_app.config.flows import load_flows
from ari_app.config.load import load_settings
from ari_app.flow.model import LoadedFlow
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import LegId
from ari_app.model.settings import Settings
from tests.board_kit import NOON, Kit

ROOT = Path(__file__).parents[1]


class Wrong(AssertionError):
    """A transcript and the hotline disagree: FILE:LINE, what was wanted, what was done."""


@dataclass
class Story:
    """One transcript being run."""

    path: Path
    settings: Settings
    flows: dict[str, LoadedFlow]
    now: float = NOON
    kit: Kit | None = None
    caller: LegId | None = None
    seen: int = 0  # Entries of the kit's log that belong to earlier steps.

    def run(self) -> None:
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            text = line.partition("#")[0].strip() if not line.startswith("  <") else line.strip()
            try:
                if text.startswith("<"):
                    self._expect([part.strip() for part in text[1:].split(",")])
                elif text:
                    self._step(text)
            except (AssertionError, StopIteration, KeyError) as problem:
                raise Wrong(f"{self.path.name}:{number}  {text}\n{problem}\n{self._done_so_far()}") from problem
        if self.kit is not None:
            self.kit.everybody_leaves()

    @property
    def board(self) -> Kit:
        if self.kit is None:
            self.kit = Kit(self.settings, flows=self.flows, now=self.now)
        return self.kit

    # -- steps --

    def _step(self, text: str) -> None:
        if match := re.fullmatch(r"at (\d{4}-\d\d-\d\d \d\d:\d\d)", text):
            zone = ZoneInfo(self.settings.timezone)
            self.now = datetime.strptime(match[1], "%Y-%m-%d %H:%M").replace(tzinfo=zone).timestamp()
            return
        self.seen = len(self.board.log)
        if match := re.fullmatch(r"caller (\+?\d*) (?:→|->) (\S+)", text):
            self.caller = self.board.arrive(match[2], match[1])
        elif match := re.fullmatch(r"press ([0-9*#]+)", text):
            self.board.press(match[1], self.caller)
        elif match := re.fullmatch(r"wait (\d+(?:\.\d+)?)s", text):
            self._hear_out(self.caller)
            self.board.wait(float(match[1]))
        elif text == "hang up" and self.caller is not None:
            self.board.hang_up(self.caller)
        elif match := re.fullmatch(r"agent (\d+) (.+)", text):
            self._agent(match[1], match[2])
        else:
            raise AssertionError(f"no step reads like this: {text!r}")

    def _hear_out(self, leg: LegId | None) -> None:
        while leg in self.board.playing.values():
            self.board.heard(leg)

    def _agent(self, agent: str, does: str) -> None:
        kit = self.board
        deeds: dict[str, Callable[[], object]] = {
            "signs in": lambda: kit.ask(agent, "sign-in"),
            "goes ready": lambda: kit.ask(agent, "ready"),
            "signs out": lambda: kit.ask(agent, "sign-out"),
            "rings": lambda: kit.rings(agent),
            "answers": lambda: kit.answers(agent),
            "hears the whisper": lambda: kit.heard(kit.leg_of(agent)),
            "declines": lambda: kit.hang_up(kit.leg_of(agent), 21, 603),
            "is busy": lambda: kit.hang_up(kit.leg_of(agent), 17, 486),
            "does not answer": lambda: kit.hang_up(kit.leg_of(agent), 19, 480),
            "is unreachable": lambda: kit.hang_up(kit.leg_of(agent), 20),
            "hangs up": lambda: kit.hang_up(kit.leg_of(agent)),
            "holds": lambda: kit.event(ev.LegHeld(kit.leg_of(agent))),
            "resumes": lambda: kit.event(ev.LegResumed(kit.leg_of(agent))),
        }
        if does.startswith("goes not ready"):
            kit.ask(agent, "not-ready", does.removeprefix("goes not ready").strip())
        else:
            assert does in deeds, f"an agent {', '.join(deeds)}; not {does!r}"
            deeds[does]()

    # -- what was done --

    def _expect(self, wanted: list[str]) -> None:
        done = iter(self._done())
        for want in wanted:
            if want == "nothing":
                acts = [words for words in self._done() if not words.startswith("fact ")]
                assert not acts, "something was done"
            else:
                assert any(_same(want, words) for words in done), f"wanted: {want}"

    def _done(self) -> Iterator[str]:
        for _, _, effects in self.board.log[self.seen :]:
            for effect in effects:
                if (words := self._words(effect)) is not None:
                    yield words

    def _done_so_far(self) -> str:
        return "done:" + "".join(f"\n  {words}" for words in self._done()) if self.kit is not None else ""

    def _words(self, effect: fx.Effect) -> str | None:
        match effect:
            case fx.Answer():
                return "answer"
            case fx.Play(_, leg, _, prompts):
                return f"{'play' if leg == self.caller else 'whisper'} {' '.join(prompts)}"
            case fx.StopPlay(_, playback):
                return f"stop {self._prompt(playback)}"
            case fx.Announce(_, _, _, prompts):
                return f"announce {' '.join(prompts)}"
            case fx.Ring(_, _, phone):
                return f"ring {next(s.agent for s in self.board.board.floor.seats.values() if s.phone == phone)}"
            case fx.HangUp(_, leg):
                return "hang up caller" if leg == self.caller else "hang up agent"
            case fx.StartRecording():
                return "record"
            case fx.Note(fact):
                return " ".join(
                    [f"fact {type(fact).__name__}", *(f"{f.name}={_value(fact, f.name)}" for f in fields(fact))]
                )
            case _:
                return None

    def _prompt(self, playback: str) -> str:
        return next(" ".join(e.prompts) for e in self.board.effects(fx.Play) if e.playback == playback)


def _value(fact: ft.Fact, field: str) -> str:
    value = getattr(fact, field)
    return (
        ("yes" if value else "no")
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _same(want: str, words: str) -> bool:
    """A fact's fields may be left out; anything else is said in full."""
    wanted, done = want.replace("join queue ", "fact Queued queue=").split(), words.split()
    return wanted == done or (wanted[0] == "fact" and wanted[:2] == done[:2] and set(wanted) <= set(done))


def run_call(path: Path) -> None:
    """Run one transcript; Wrong says where it and the hotline disagree."""
    settings = load_settings(ROOT / "config.yaml")
    flows = load_flows(ROOT / settings.paths.flows, settings, lambda prompts: [])
    Story(path, settings, dict(flows)).run()
