"""Any legal stream of facts: projections kept up row by row equal those rebuilt from the facts; figures agree with
the stream. Walks draw from what is alive; weights are drawn too, some of them zero."""

import sqlite3
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ari_app.model import audit, control, facts
from ari_app.model.ids import Number
from ari_app.model.states import AgentState
from ari_app.store import projections, rows
from ari_app.store.migrations import migrate
from tests.unit.store_calls import tables

AGENTS = ("8025", "8026", "8027")
BACK = (facts.NO_NUMBER, Number("13912345678"), Number("10086"))
ACTIONS = (
    *("refuse", "step", "key", "ask", "rate", "speak", "record"),
    *("queue", "offer", "ring", "answer", "lose", "hold", "back", "end"),
    *("seek", "found", "watch", "leave"),
)

ENDS = {
    **{"leg": "closed_at", "ivr_step": "left_at", "queue_visit": "left_at"},
    **dict.fromkeys(("offer", "talk", "hold", "transfer", "supervision"), "ended_at"),
}


@dataclass
class Call:
    id: str
    opened: float
    visit: int = 0
    queued: float | None = None
    offer: str | None = None
    agent: str | None = None
    rang: bool = False
    talking: float | None = None
    held: bool = False
    sought: str | None = None  # A transfer under way.
    watched: bool = False


@dataclass
class World:
    """A hotline that makes legal facts: `do` one action on whoever can take it, chosen by `pick`."""

    now: float = 1000.0
    epoch: int = 1
    made: int = 0
    noted: list[tuple[float, facts.Fact]] = field(default_factory=list)
    steps: int = 0  # Of the surge plan, that hold.
    calls: list[Call] = field(default_factory=list)
    talked: float = 0.0
    rung: int = 0
    cut: list[tuple[str, int, float]] = field(default_factory=list)  # Visits of lost calls: call, visit, wait.

    def note(self, *new: facts.Fact) -> None:
        self.noted += [(self.now, fact) for fact in new]

    def go(self, rng: Random, weights: dict[str, float]) -> None:
        """One legal action on a call that is alive, by weight."""
        self.now += rng.choice((0.0, 0.5, 20.0))
        able = [(a, call) for call in self.calls for a in ACTIONS if self.can(call, a)]
        able += [("open", None)] * (len(self.calls) < 4) + [("boot", None)] * bool(self.calls)
        if not any(weights[a] for a, _ in able):
            return self.open(rng.randrange(30))
        action, call = rng.choices(able, [weights[a] for a, _ in able])[0]
        if call is None:
            return self.boot() if action == "boot" else self.open(rng.randrange(30))
        return getattr(self, action)(call, rng.randrange(30))

    def can(self, call: Call, action: str) -> bool:
        waiting = call.queued is not None
        in_flow = not waiting and call.talking is None
        return {
            "refuse": call.visit == 0,
            **dict.fromkeys(("step", "key", "ask", "rate", "speak", "record", "queue"), in_flow),
            "offer": waiting and call.offer is None,
            "ring": call.offer is not None and call.talking is None and not call.rang,
            "answer": call.rang and call.talking is None,
            "lose": call.offer is not None and call.talking is None,
            "hold": call.talking is not None and not call.held,
            "back": call.held,
            "seek": call.talking is not None and call.sought is None,
            "found": call.sought is not None,
            "watch": call.talking is not None,
            "leave": call.watched,
            "end": True,
        }[action]

    def open(self, pick: int) -> None:
        self.made += 1
        call = Call(f"{self.epoch}-{self.made}", self.now)
        self.calls.append(call)
        number = "" if pick % 5 == 0 else f"1380000{pick % 3:04d}"
        self.note(
            facts.CallOpened(call.id, number, "1860", "local", "main", "v", "en"),
            facts.LegOpened(call.id, f"c{self.made}", "caller"),
        )

    def refuse(self, call: Call, pick: int) -> None:
        self.note(facts.CallRefused(call.id, "all circuits busy"))
        self.close(call, "refused")

    def step(self, call: Call, pick: int) -> None:
        self.note(facts.NodeEntered(call.id, f"node{pick % 4}", "menu"))

    def key(self, call: Call, pick: int) -> None:
        self.note(facts.KeyTaken(call.id, "node0", str(pick % 10), pick % 2 == 0))

    def ask(self, call: Call, pick: int) -> None:
        self.note(facts.LookUpDone(call.id, "node0", pick % 2 == 0, pick / 8, "no answer in time" if pick % 2 else ""))

    def record(self, call: Call, pick: int) -> None:
        self.note(facts.PromptRecorded(AGENTS[pick % 3], f"prompt{pick % 2}", "en", "ab" * 32, pick / 4))

    def rate(self, call: Call, pick: int) -> None:
        self.note(facts.Rated(call.id, f"question{pick % 2}", str(pick % 5 + 1), call.agent))

    def speak(self, call: Call, pick: int) -> None:
        """A message; every third one stands only when the caller is gone."""
        message = facts.MessageLeft(
            call.id, f"{call.id}.m{len(self.noted)}", f"box{pick % 2}", pick + 0.5, BACK[pick % 3]
        )
        if pick % 3 == 0:
            self.close(call, "caller")
        self.note(message)

    def queue(self, call: Call, pick: int) -> None:
        call.visit, call.queued = call.visit + 1, self.now
        self.note(facts.Queued(call.id, call.visit, f"q{pick % 2}", pick % 3, self.now, 1))

    def offer(self, call: Call, pick: int) -> None:
        call.offer, call.agent, call.rang = f"{call.id}.l{len(self.noted)}", AGENTS[pick % 3], False
        self.note(
            facts.OfferMade(call.id, call.offer, call.visit, "q0", call.agent, "p"),
            facts.AgentChanged(call.agent, AgentState.RESERVED, "", "p", call.id),
        )

    def ring(self, call: Call, pick: int) -> None:
        call.rang = True
        self.rung += 1
        self.note(facts.OfferRang(call.id, call.offer))

    def answer(self, call: Call, pick: int) -> None:
        wait = self.now - call.queued
        call.talking, call.queued = self.now, None
        self.note(
            facts.OfferEnded(call.id, call.offer, call.agent, "accepted"),
            facts.QueueLeft(call.id, call.visit, "q0", "connected", wait, call.agent),
            facts.Connected(call.id, call.offer, "q0", call.agent, wait),
            facts.AgentChanged(call.agent, AgentState.TALKING, "", "p", call.id),
            facts.RecordingWanted(call.id, f"{call.offer}r", "q0", call.agent, "contract", 180),
        )
        self.note(facts.RecordingRunning(call.id, f"{call.offer}r") if pick % 2 else self.missed(call))

    def missed(self, call: Call) -> facts.Fact:
        return facts.RecordingMissed(call.id, f"{call.offer}r", "refused")

    def lose(self, call: Call, pick: int) -> None:
        self.note(
            facts.OfferEnded(call.id, call.offer, call.agent, "ran-out", 19),
            facts.AgentChanged(call.agent, AgentState.NOT_READY, "no-answer"),
        )
        call.offer, call.rang = None, False

    def hold(self, call: Call, pick: int) -> None:
        call.held = True
        self.note(facts.HoldBegan(call.id, call.agent))

    def back(self, call: Call, pick: int) -> None:
        call.held = False
        self.note(facts.HoldEnded(call.id, call.agent))

    def seek(self, call: Call, pick: int) -> None:
        call.sought = f"{call.id}.l{len(self.noted)}"
        target, number = ("number", f"1390000{pick % 3:04d}") if pick % 2 else ("agent:8027", "")
        self.note(control.TransferBegan(call.id, call.sought, call.agent, "consult", target, number))

    def found(self, call: Call, pick: int) -> None:
        if pick % 3:
            self.note(control.TransferAnswered(call.id, call.sought), control.ConferenceBegan(call.id, call.sought))
        self.note(control.TransferEnded(call.id, call.sought, "returned" if pick % 3 else "busy"))
        call.sought = None

    def watch(self, call: Call, pick: int) -> None:
        call.watched = True
        self.note(control.Supervised(call.id, "8099", call.agent, ("listen", "whisper", "barge")[pick % 3]))

    def leave(self, call: Call, pick: int) -> None:
        call.watched = False
        self.note(control.SupervisionEnded(call.id, "8099", call.agent))

    def end(self, call: Call, pick: int) -> None:
        if call.sought is not None:
            self.found(call, 1)
        if call.watched:
            self.leave(call, 0)
        if call.talking is not None:
            seconds = self.now - call.talking
            self.talked += seconds
            self.note(facts.TalkEnded(call.id, call.offer, call.agent, "caller", seconds))
            self.note(facts.AgentChanged(call.agent, AgentState.WRAP_UP, "", "p", call.id))
            self.note(facts.DispositionNoted(call.id, call.agent, "solved"))
            self.note(audit.WrapUpExtended(call.agent, call.id, self.now + 30, pick % 3 + 1))
            self.supervise(call.agent, pick)
        elif call.queued is not None:
            self.note(facts.QueueLeft(call.id, call.visit, "q0", "abandoned", self.now - call.queued))
        self.close(call, "caller")

    def supervise(self, agent: str, pick: int) -> None:
        """The surge plan takes a step or undoes one; a supervisor puts somebody to another state."""
        if pick % 3 == 0:
            self.steps += 1
            self.note(audit.SurgeStepTaken(self.steps, "one", "plan", "why", False, pick, (agent, "8099")))
        elif pick % 3 == 1 and self.steps:
            self.note(audit.SurgeStepUndone(self.steps, "one", "8099", "why", False, pick))
            self.steps -= 1
        else:
            self.note(audit.AgentForced(agent, "not-ready", "8099", "why"), audit.SurgeSwitched("armed", "8099", "why"))

    def close(self, call: Call, by) -> None:
        self.calls.remove(call)
        self.note(
            facts.LegClosed(call.id, f"c{call.id.partition('-')[2]}", 16, 0),
            facts.CallClosed(call.id, by, "node0", 16, self.now - call.opened),
        )

    def lost(self, call: Call) -> None:
        """Nobody saw how its parts ended: they end with the call."""
        self.calls.remove(call)
        if call.queued is not None:
            self.cut.append((call.id, call.visit, self.now - call.queued))
        if call.talking is not None:
            self.talked += self.now - call.talking
        self.note(facts.CallClosed(call.id, "lost", "", 0, self.now - call.opened))

    def boot(self) -> None:
        """The daemon died and is back: what ran is closed as lost."""
        self.epoch += 1
        self.made = self.steps = 0
        self.note(facts.DaemonStarted(self.epoch))
        for call in list(self.calls):
            self.lost(call)


@st.composite
def worlds(draw) -> World:
    rng = Random(draw(st.integers(0, 2**32)))
    weights = {action: rng.choice((0, 1, 4, 4)) for action in ACTIONS} | {
        "open": 1,
        "boot": rng.choice((0, 0.2, 1)),
        "end": 0.5,
    }
    world = World()
    for _ in range(draw(st.integers(1, 150))):
        world.go(rng, weights)
    return world


def kept(world: World) -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    migrate(conn)
    conn.execute("BEGIN")
    for at, fact in world.noted:
        rows.insert(conn, rows.line_of(("fact", at, fact), world.epoch))
    return conn


@given(worlds())
def test_rebuilt_projections_are_the_same_rows(world):
    conn = kept(world)
    before = tables(conn)
    for table in projections.TABLES:  # Also when they were wrong before.
        conn.execute(
            f"DELETE FROM {table} WHERE rowid % 2" if table in ("call", "ivr_step") else f"DELETE FROM {table}"
        )
    assert projections.rebuild(conn) == len(world.noted)
    assert tables(conn) == before
    conn.close()


@given(worlds())
def test_rows_agree_with_the_stream(world):
    conn = kept(world)
    one = lambda sql: conn.execute(sql).fetchone()[0]  # noqa: E731
    assert one("SELECT count(*) FROM call WHERE closed_at IS NULL") == len(world.calls)
    assert one("SELECT count(*) FROM offer WHERE rang_at IS NOT NULL") == world.rung
    assert abs(one("SELECT coalesce(sum(talk_s), 0) FROM talk") - world.talked) < 1e-6
    for table, end in ENDS.items():
        ended = f"SELECT count(*) FROM {table} t JOIN call c USING (call) WHERE t.{end} IS NULL AND c.closed_at > 0"
        assert one(ended) == 0, table
    failed = "SELECT call, visit, wait_s FROM queue_visit WHERE outcome = 'failed'"
    assert sorted(conn.execute(failed)) == sorted(world.cut)
    for kind, table in ((facts.LookUpDone, "look_up"), (facts.MessageLeft, "message"), (facts.Rated, "rating")):
        assert one(f"SELECT count(*) FROM {table}") == sum(isinstance(fact, kind) for _, fact in world.noted)
    assert one("SELECT count(*) FROM surge_step WHERE undone_at IS NULL") == world.steps
    assert one("SELECT count(*) FROM surge_step WHERE undone_at < taken_at") == 0
    assert one("SELECT count(*) FROM hold h JOIN talk t USING (call) WHERE h.ended_at IS NULL AND t.ended_at > 0") == 0
    conn.close()


@given(worlds())
def test_an_agents_states_never_overlap(world):
    conn = kept(world)
    for agent in AGENTS:
        found = conn.execute(
            "SELECT began_at, ended_at, cut FROM agent_state WHERE agent = ? ORDER BY fact", (agent,)
        ).fetchall()
        for (_, ended, cut), (began, _, _) in pairwise(found):
            assert ended <= began if cut else ended == began
        assert [ended is None for _, ended, _ in found].count(True) <= 1
    conn.close()
