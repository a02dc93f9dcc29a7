"""Random lives of a list of screened numbers: Asterisk's copy is always what the board holds, nobody is screened who
may not be, periods follow the rule, and the tables rebuilt from the facts equal those kept up row by row."""

import sqlite3
from random import Random
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import screening_facts as sf
from ari_app.model.ids import MessageId, Number, RequestId, ScreeningId
from ari_app.model.screening import canonical, ends
from ari_app.store import projections, rows
from ari_app.store.migrations import migrate
from tests.board_kit import Kit, settings
from tests.unit.store_calls import tables

PLAIN = ("13800138000", "+8613800138000", "02112345678", "+442079460000", "8613900139000")
NEVER = ("", "anonymous", "110", "0000000", "4008001860")
VIPS = ("13800138001",)
AGENTS: dict[str, Any] = {
    "81": {"phone": "p81", "skills": {"billing": 3}, "may": ["supervise"]},
    "82": {"phone": "p82", "skills": {"network": 2}},
}


class Life:
    """One list, drawn from what is alive; some walks never ask for records, some have room for two numbers."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.rules = {
            "record": self.rng.choice(["", "caller_record"]),
            "numbers_max": self.rng.choice([2, 10_000]),
            "forget_days": self.rng.choice([1, 90]),
            "factor": self.rng.choice([1, 2, 10]),
            "max_h": self.rng.choice([30, 720]),
        }
        outbound = {"caller": "4008001860"}
        self.kit = Kit(settings(screening=self.rules, agents=AGENTS, outbound=outbound))
        self.unread: list[fx.LookUp] = []
        self.there: dict[Number, float] = {}  # What Asterisk has.
        self.made = self.seen = 0

    def go(self, steps: int) -> None:
        actions = [self.mark, self.mark, self.read, self.read, self.decide, self.appeal, self.erase, self.wait]
        for _ in range(steps):
            self.rng.choice(actions)()
            self.carry_out()
        while self.unread:
            self.read()
            self.carry_out()
        self.kit.wait(800 * 3600)
        self.carry_out()
        assert not self.there and not len(self.kit.timers) and not self.kit.board.floor.mint.parts

    def carry_out(self) -> None:
        """What the board has asked for since the last time; then Asterisk's copy is the board's list."""
        for _, _, out in self.kit.log[self.seen :]:
            for effect in out:
                match effect:
                    case fx.Screen(number, until):
                        assert number not in {canonical(each, self.kit.settings.screening) for each in (*NEVER, *VIPS)}
                        self.there[number] = until
                    case fx.Unscreen(number):
                        self.there.pop(number, None)
                    case fx.LookUp():
                        self.unread.append(effect)
        self.seen = len(self.kit.log)
        held = self.kit.board.floor.screening.held
        assert self.there == {number: each.until for number, each in held.items()}
        assert all(until > self.kit.now for until in self.there.values())
        assert len(held) <= self.kit.settings.screening.numbers_max

    def ask(self, wish: sf.ScreeningWish, **about: Any) -> None:
        by = self.rng.choice(["81", "81", "81", "82", "li"])
        self.kit.event(
            sf.ScreeningAsked(wish, by, self.rng.choice(["why", "why", ""]), request=RequestId("r"), **about)
        )

    def mark(self) -> None:
        vips = VIPS if self.rules["record"] else ()
        self.ask("add", number=Number(self.rng.choice([*PLAIN, *PLAIN, *NEVER, *vips])))

    def read(self) -> None:
        if self.unread:
            asked = self.unread.pop(self.rng.randrange(len(self.unread)))
            number = dict(asked.request)["number"]
            ok = self.rng.random() < 0.8
            values = (ev.Answer("vip", number in VIPS),) if ok else ()
            self.kit.event(ev.LookedUp(asked.lookup, ok, values, "" if ok else "timeout"))

    def decide(self) -> None:
        held = [each.id for each in self.kit.board.floor.screening.held.values()]
        wish = self.rng.choice([each for each in get_args(sf.ScreeningWish) if each in ("lift", "keep")])
        self.ask(wish, screening=self.rng.choice([*held, *held, ScreeningId("9-9.n1")]))

    def appeal(self) -> None:
        self.made += 1
        caller = Number(self.rng.choice([*PLAIN, ""]))
        self.kit.event(ev.MessageSpooled(MessageId(f"0-{self.made}.m1"), caller, 3.0, self.kit.now, is_appeal=True))

    def erase(self) -> None:
        if self.rng.random() < 0.3:
            self.ask("erase", number=Number(self.rng.choice(PLAIN)))

    def wait(self) -> None:
        self.kit.wait(self.rng.choice([1, 3600, 24 * 3600, 40 * 3600, 200 * 3600]))


@pytest.mark.parametrize("block", range(4))
def test_lives(block: int) -> None:
    for seed in range(block, 120, 4):
        life = Life(seed)
        life.go(60)
        facts_add_up(life)
        tables_add_up(life)


def facts_add_up(life: Life) -> None:
    """Each screening ends once, and lasts by its number of times what the rule says."""
    rules, zone = life.kit.settings.screening, ZoneInfo("Asia/Shanghai")
    open_now: dict[ScreeningId, sf.CallerScreened] = {}
    ended: dict[Number, tuple[int, float]] = {}  # By number: times and end of the last one that counts.
    for at, event, out in life.kit.log:
        if isinstance(event, sf.ScreeningAsked) and event.wish == "erase":
            ended.pop(canonical(event.number, rules), None)
        for fact in [effect.fact for effect in out if isinstance(effect, fx.Note)]:
            match fact:
                case sf.CallerScreened():
                    number = canonical(fact.number, rules)
                    times, over = ended.get(number, (0, 0.0))
                    counts = times and at - over < rules.forget_days * 86_400
                    assert fact.times == (times + 1 if counts else 1)
                    assert fact.until == ends(at, fact.times, rules, zone)
                    open_now[fact.screening] = fact
                case sf.ScreeningEnded():
                    was = open_now.pop(fact.screening)
                    if fact.outcome == "expired":
                        number = canonical(was.number, rules)
                        ended.pop(number, None)
                        ended[number] = was.times, was.until
                        for oldest in list(ended)[: -rules.numbers_max]:
                            del ended[oldest]
                case sf.AppealLeft() | sf.AppealKept():
                    assert fact.screening in open_now
    assert not open_now


def tables_add_up(life: Life) -> None:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    migrate(conn)
    for at, _, out in life.kit.log:
        for effect in out:
            if isinstance(effect, fx.Note):
                rows.insert(conn, rows.line_of(("fact", at, effect.fact), 1))
    kept = tables(conn)
    conn.execute("BEGIN")
    projections.rebuild(conn)
    assert tables(conn) == kept
    assert not conn.execute("SELECT 1 FROM screening WHERE ended_at IS NULL").fetchall()
