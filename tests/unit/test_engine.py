"""Who is offered which call."""

import re
from typing import Any

import pytest

from ari_app.acd.engine import Engine
from ari_app.acd.model import Match, Rule, Visit, rank
from ari_app.model.ids import AgentId, CallId, QueueName, Skill
from ari_app.model.skills import SkillsFault, needs_of

BILLING, NETWORK = QueueName("billing"), QueueName("network")
A, B = AgentId("81"), AgentId("82")


def engine(**changes: Any) -> Engine:
    needs = {BILLING: Rule(needs_of({"billing": 2})), NETWORK: Rule(needs_of("network"))}
    return Engine(needs, {A: {Skill("billing"): 3}, B: {Skill("billing"): 2, Skill("network"): 5}}, **changes)


def visit(n: int, queue: QueueName = BILLING, since: float = 0.0, priority: int = 0) -> Visit:
    return Visit(CallId(f"1-{n}"), 1, queue, priority, since, rank(since, priority))


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
