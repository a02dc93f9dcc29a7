"""Who is offered which call."""

import re
from dataclasses import replace
from typing import Any

import pytest

from ari_app.acd.asks import SPARE_MAX
from ari_app.acd.engine import Engine
from ari_app.acd.model import Match, Policy, Rule, Visit, rank
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from ari_app.model.skills import SkillsFault, needs_of
from tests.board_kit import Kit, settings
from tests.unit.test_board_call import queued

BILLING, NETWORK = QueueName("billing"), QueueName("network")
A, B = AgentId("81"), AgentId("82")


def engine(**changes: Any) -> Engine:
    needs = {BILLING: Rule(needs_of({"billing": 2})), NETWORK: Rule(needs_of("network"))}
    return Engine(needs, {A: {Skill("billing"): 3}, B: {Skill("billing"): 2, Skill("network"): 5}}, **changes)


def visit(n: int, queue: QueueName = BILLING, since: float = 0.0, priority: int = 0) -> Visit:
    return Visit(CallId(f"1-{n}"), 1, queue, priority, since, rank(since, priority), order=n)


@pytest.mark.parametrize(
    ("text", "has", "good"),
    [
        ("a", {"a": 1}, True),
        ("a>=2", {"a": 1}, False),
        ("a & b", {"a": 1}, False),
        ("a | b", {"b": 5}, True),
        ("a>=3 & (b | c>=2)", {"a": 3, "c": 2}, True),
        ("a>=3 & (b | c>=2)", {"a": 3, "c": 1}, False),
        ("a | b & c", {"a": 1}, True),
        ("(a | b) & a>=4", {"a": 3, "b": 5}, False),
    ],
)
def test_expressions(text: str, has: dict[str, int], good: bool) -> None:
    assert needs_of(text).met_by({Skill(k): v for k, v in has.items()}) is good


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("a &", 4, "missing at the end"),
        ("a & | b", 5, "missing before '|'"),
        ("(a | b", 1, "never closed"),
        ("a)", 2, "not expected"),
        ("a>=6", 1, "1 to 5"),
        ("a + b", 3, "means nothing"),
        ("a b", 3, "not expected"),
        (" ", 2, "missing"),
        (" & ".join(f"(a{n} | b{n})" for n in range(7)), 71, "alternatives"),
    ],
)
def test_faulty_expressions(text: str, column: int, says: str) -> None:
    with pytest.raises(SkillsFault, match=re.escape(says)) as fault:
        needs_of(text)
    assert fault.value.column == column


def test_nobody_there() -> None:
    e = engine()
    assert e.enter(visit(1)) is None and e.agent_ready(AgentId("81"), 0) == Match(visit(1), A)


def test_skills_decide() -> None:
    e = engine()
    e.agent_ready(A, 0)
    assert e.enter(visit(1, NETWORK)) is None
    assert e.agent_ready(B, 1) == Match(visit(1, NETWORK), B)


def test_longest_idle_then_smaller_number() -> None:
    e = engine()
    e.agent_ready(A, 2)
    e.agent_ready(B, 1)
    assert e.enter(visit(1)) == Match(visit(1), B)
    e = engine()
    e.agent_ready(B, 1)
    e.agent_ready(A, 1)
    assert e.enter(visit(1)) == Match(visit(1), A)


def test_first_come_over_all_queues() -> None:
    e = engine()
    e.enter(visit(1, NETWORK, since=5))
    e.enter(visit(2, BILLING, since=4))
    assert e.agent_ready(B, 9) == Match(visit(2, BILLING, since=4), B)


def test_same_moment_keeps_the_order_of_calls() -> None:
    e = engine()
    for n in (10, 9, 2):
        e.enter(visit(n))
    assert [v.call for v in e.waiting[BILLING]] == ["1-2", "1-9", "1-10"]


def test_priority_is_a_minute_waited_each_step() -> None:
    e = engine()
    e.enter(visit(1, since=100))
    e.enter(visit(2, since=159, priority=1))
    e.enter(visit(3, since=161, priority=1))
    assert [v.call for v in e.waiting[BILLING]] == ["1-2", "1-1", "1-3"], "nobody starves: priority is a fixed bonus"
    assert [e.position(CallId(f"1-{n}")) for n in (1, 2, 3)] == [2, 1, 3]


def test_offered_keeps_the_place_but_is_not_matched_twice() -> None:
    e = engine()
    e.enter(visit(1))
    e.enter(visit(2))
    assert e.agent_ready(A, 0) == Match(visit(1), A)
    assert e.position(CallId("1-2")) == 2 and e.length(BILLING) == 2
    assert e.agent_ready(B, 0) == Match(visit(2), B)


def test_lost_offer_is_matched_first() -> None:
    e = engine()
    e.enter(visit(1))
    e.enter(visit(2))
    e.agent_ready(A, 0)
    assert e.offer_lost(CallId("1-1")) is None
    assert e.agent_ready(B, 0) == Match(visit(1), B)
    assert e.offer_lost(CallId("9-9")) is None


def test_leaving_is_idempotent() -> None:
    e = engine()
    e.enter(visit(1))
    e.enter(visit(2))
    for _ in range(2):
        e.leave(CallId("1-1"))
    assert [v.call for v in e.waiting[BILLING]] == ["1-2"] and list(e.places) == ["1-2"]
    assert e.agent_ready(A, 0) == Match(visit(2), A)
    e.leave(CallId("1-2"))
    assert not e.places


def test_agent_not_ready_is_not_matched() -> None:
    e = engine()
    e.agent_ready(A, 0)
    e.agent_not_ready(A)
    e.agent_not_ready(A)
    assert e.enter(visit(1)) is None


def test_closed_engine_matches_when_opened() -> None:
    e = engine(open=False)
    assert e.agent_ready(A, 5) is None and e.agent_ready(B, 3) is None
    assert e.enter(visit(1)) is None and e.enter(visit(2)) is None and e.offer_lost(CallId("1-1")) is None
    e.open = True
    assert list(e.matches()) == [Match(visit(1), B), Match(visit(2), A)]
    assert list(e.matches()) == []


@pytest.mark.parametrize(("queue", "count"), [(BILLING, 2), (NETWORK, 1)])
def test_servers(queue: QueueName, count: int) -> None:
    assert engine().servers(queue, [A, B]) == count and engine().servers(queue, []) == 0


def preferring(n: int, agent: AgentId, prefer_s: float = 10.0, since: float = 0.0) -> Visit:
    return replace(visit(n, since=since), preferred=agent, prefer_s=prefer_s)


def test_the_preferred_agent_alone_is_waited_for_then_the_skills_decide() -> None:
    e = engine()
    e.agent_ready(B, 0)
    assert e.enter(preferring(1, A)) is None and e.next_stage_at(CallId("1-1")) == 10.0
    assert e.relax(CallId("1-1"), 9.9) is None
    assert e.relax(CallId("1-1"), 10.0) == Match(preferring(1, A), B) and e.next_stage_at(CallId("1-1")) is None


def test_the_preferred_agent_still_takes_the_longest_waiting_first() -> None:
    e = engine()
    e.enter(visit(1, since=1))
    e.enter(preferring(2, A, since=2))
    assert e.agent_ready(A, 5) == Match(visit(1, since=1), A)
    assert e.agent_ready(B, 5) is None, "he is not whom the caller waits for"
    assert e.agent_ready(A, 6) == Match(preferring(2, A, since=2), A)


def test_relaxation_keeps_the_place() -> None:
    e = Engine({BILLING: Rule(needs_of("a"), ((5, needs_of("b")), (9, needs_of("c"))))}, {A: {Skill("c"): 1}})
    e.enter(visit(1))
    e.enter(visit(2, since=1))
    e.agent_ready(A, 0)
    assert e.relax(CallId("1-1"), 5) is None and e.next_stage_at(CallId("1-1")) == 9
    assert e.relax(CallId("1-2"), 20) == Match(visit(2, since=1), A), "both stages at once, when the timer came late"
    assert e.position(CallId("1-1")) == 1 and e.position(CallId("1-2")) == 2


def test_suspended_places_count_but_are_not_matched() -> None:
    e = engine()
    e.enter(visit(1), suspended=True)
    e.enter(visit(2))
    assert e.agent_ready(A, 0) == Match(visit(2), A) and e.position(CallId("1-2")) == 2
    assert e.agent_ready(B, 0) is None
    assert e.resume(CallId("1-1")) == Match(visit(1), B)
    e.suspend(CallId("1-1"))
    assert e.agent_ready(A, 1) is None and e.resume(CallId("1-1")) == Match(visit(1), A)


@pytest.mark.parametrize(("policy", "chosen"), [("longest-idle", "1"), ("most-skilled", "2"), ("least-occupied", "3")])
def test_policies(policy: Policy, chosen: str) -> None:
    skills = {AgentId(n): {Skill("a"): level} for n, level in (("1", 2), ("2", 5), ("3", 4), ("4", 1))}
    e = Engine({BILLING: Rule(needs_of("a>=2"), policy=policy)}, skills)
    for agent, since, occupancy in (("4", 0, 0.0), ("1", 1, 0.5), ("2", 2, 0.4), ("3", 3, 0.1)):
        e.agent_ready(AgentId(agent), since, occupancy)
    assert e.enter(visit(1)) == Match(visit(1), AgentId(chosen))


def test_new_skills_match_a_ready_agent_at_once() -> None:
    e = engine()
    e.agent_ready(A, 3)
    e.enter(visit(1, NETWORK))
    assert e.set_skills(A, {Skill("network"): 1}) == Match(visit(1, NETWORK), A)
    assert e.queues_of(A) == (NETWORK,) and e.set_skills(A, {Skill("billing"): 2}) is None
    assert e.agent_ready(AgentId("99"), 0) is None and e.queues_of(AgentId("99")) == (), "nobody knows his skills"


def test_needs_of_a_flow_are_forgotten_some_time_after_their_visits() -> None:
    e = engine()
    for n in range(1000):
        asked = needs_of(f"x{n} | billing>=3")
        assert e.enter(replace(visit(n), needs=asked)) is None
        assert e.agent_ready(A, n) == Match(replace(visit(n), needs=asked), A)
        e.leave(CallId(f"1-{n}"))
    assert len(e._asks.known) <= 2 + SPARE_MAX and e._asks.bits <= 3 + SPARE_MAX


def test_nobody_starves() -> None:
    """Whoever waits is overtaken only by those who came less than the largest bonus after him."""
    e, bonus_s = engine(), rank(0, 0) - rank(0, 9)
    e.enter(visit(1, since=0))
    served, n = [], 1
    for second in range(1, 700):  # Every second a caller of the highest priority comes, and an agent gets ready.
        n += 1
        e.enter(visit(n, since=float(second), priority=9))
        match = e.agent_ready(A, float(second))
        assert match is not None
        served.append(match.visit.call)
        e.leave(match.visit.call)
    assert served.index(CallId("1-1")) == bonus_s - 1 == 539


@pytest.mark.timeout(60)
def test_a_hundred_thousand_callers() -> None:
    """They wait in their order, and the first are served first."""
    e, crowd = engine(), 100_000
    for n in range(crowd):
        e.enter(visit(n, since=n // 10, priority=n % 3))
    assert e.length(BILLING) == crowd and sorted(v.key for v in e.waiting[BILLING]) == [
        v.key for v in e.waiting[BILLING]
    ]
    places = {v.call: place for place, v in enumerate(e.waiting[BILLING], 1)}
    assert all(e.position(CallId(f"1-{n}")) == places[CallId(f"1-{n}")] for n in range(0, crowd, 97))
    first = [v.call for v in e.waiting[BILLING]][:50]
    assert [m.visit.call for m in (e.agent_ready(A, n) for n in range(50)) if m is not None] == first
    for n in range(crowd):
        e.leave(CallId(f"1-{n}"))
    assert not e.length(BILLING) and not e.waiting[BILLING].order.blocks and not e.places


@pytest.mark.timeout(60)
def test_the_door_of_a_full_queue_says_so() -> None:
    """At the largest limit there is: the flow goes its way for a full queue, and those who wait keep their places."""
    kit = Kit(settings(billing={"waiting_max": 100_000}))
    waiting = kit.board.floor.engine
    for n in range(100_000):
        waiting.enter(replace(visit(n), call=CallId(f"6-{n}")))
    leg = queued(kit)
    assert kit.said(leg)[-1] == "queue-timeout" and kit.facts(ft.QueueLeft)[0].outcome == "full"
    assert waiting.length(BILLING) == 100_000
    waiting.leave(CallId("6-0"))
    queued(kit)
    assert waiting.position(CallId("7-2")) == 100_000
