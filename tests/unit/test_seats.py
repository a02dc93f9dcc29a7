"""Agents' states: the whole table, wishes that wait, wishes that are refused and why."""

import pytest

from ari_app.board import seats
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, CallId, PhoneName, TimerId
from ari_app.model.states import AGENT, CALL, AgentMove, AgentState, CallMove, CallState
from tests.board_kit import Kit, settings
from tests.unit.test_board_call import queued, talking

S, M = AgentState, AgentMove


def at(state: AgentState) -> Kit:
    """A kit with agent 81 in that state."""
    kit = Kit()
    if state is not S.SIGNED_OUT:
        kit.ask("81", "sign-in")
    if state not in (S.SIGNED_OUT, S.NOT_READY):
        kit.ask("81", "ready")
    if state in (S.RESERVED, S.TALKING, S.WRAP_UP):
        queued(kit)
    if state in (S.TALKING, S.WRAP_UP):
        kit.heard(kit.answers("81"))
    if state is S.WRAP_UP:
        kit.hang_up(kit.leg_of("81"))
    assert kit.state("81") is state
    return kit


# -- the tables --


@pytest.mark.parametrize("move", AgentMove)
@pytest.mark.parametrize("state", AgentState)
def test_every_cell_of_the_table(state: AgentState, move: AgentMove) -> None:
    kit = Kit()
    seat = kit.board.floor.seats[AgentId("81")]
    seat.state, kit.board.floor.out = state, []
    if move not in AGENT[state]:
        with pytest.raises(KeyError):
            seats.move(kit.board.floor, seat, move, kit.now)
        assert seat.state is state
    else:
        seats.move(kit.board.floor, seat, move, kit.now, "why")
        assert seat.state is AGENT[state][move]
        fact = ft.AgentChanged(AgentId("81"), seat.state, "why", PhoneName("p81"), None)
        assert kit.board.floor.out == [fx.Note(fact)]


def test_every_state_is_in_its_table_and_can_be_reached_and_left() -> None:
    assert set(AGENT) == set(AgentState) and set(CALL) == set(CallState)
    assert {to for moves in AGENT.values() for to in moves.values()} == set(AgentState)
    assert {move for moves in AGENT.values() for move in moves} == set(AgentMove)
    assert {move for moves in CALL.values() for move in moves} == set(CallMove)
    assert all(CallMove.CLOSE in moves for state, moves in CALL.items() if state is not CallState.CLOSING)


# -- wishes, in every state --

ASKS: list[tuple[ev.AgentWish, AgentState, bool, str, AgentState]] = [
    ("sign-in", S.SIGNED_OUT, True, "signed in, not ready", S.NOT_READY),
    ("sign-in", S.NOT_READY, True, "signed in, not ready", S.NOT_READY),
    ("sign-in", S.READY, True, "ready", S.READY),
    ("sign-in", S.RESERVED, True, "reserved", S.RESERVED),
    ("sign-in", S.TALKING, True, "talking", S.TALKING),
    ("sign-in", S.WRAP_UP, True, "wrap-up", S.WRAP_UP),
    ("ready", S.SIGNED_OUT, False, "not signed in", S.SIGNED_OUT),
    ("ready", S.NOT_READY, True, "ready", S.READY),
    ("ready", S.READY, True, "ready", S.READY),
    ("ready", S.RESERVED, True, "reserved; ready afterwards", S.RESERVED),
    ("ready", S.TALKING, True, "talking; ready afterwards", S.TALKING),
    ("ready", S.WRAP_UP, True, "ready", S.READY),
    ("not-ready", S.SIGNED_OUT, False, "not signed in", S.SIGNED_OUT),
    ("not-ready", S.NOT_READY, True, "not-ready", S.NOT_READY),
    ("not-ready", S.READY, True, "not-ready", S.NOT_READY),
    ("not-ready", S.RESERVED, True, "reserved; not-ready afterwards", S.RESERVED),
    ("not-ready", S.TALKING, True, "talking; not-ready afterwards", S.TALKING),
    ("not-ready", S.WRAP_UP, True, "not-ready", S.NOT_READY),
    ("sign-out", S.SIGNED_OUT, False, "not signed in", S.SIGNED_OUT),
    ("sign-out", S.NOT_READY, True, "signed-out", S.SIGNED_OUT),
    ("sign-out", S.READY, True, "signed-out", S.SIGNED_OUT),
    ("sign-out", S.RESERVED, True, "reserved; signed-out afterwards", S.RESERVED),
    ("sign-out", S.TALKING, True, "talking; signed-out afterwards", S.TALKING),
    ("sign-out", S.WRAP_UP, True, "signed-out", S.SIGNED_OUT),
]


@pytest.mark.parametrize(("wish", "state", "ok", "message", "then"), ASKS)
def test_wish(wish: ev.AgentWish, state: AgentState, ok: bool, message: str, then: AgentState) -> None:
    kit = at(state)
    assert kit.ask("81", wish) == (ok, message)
    assert kit.state("81") is then
    kit.everybody_leaves()


@pytest.mark.parametrize(
    ("agent", "wish", "value", "phone", "message"),
    [
        ("99", "ready", "", None, "no agent has the work number 99"),
        ("81", "sign-in", "", "p99", "no phone named 'p99' in config.yaml"),
        ("81", "sign-in", "", "p82", "82 is signed in on p82"),
        ("82", "sign-in", "", "p83", "ready on p82"),
        ("82", "not-ready", "sleep", None, "no reason 'sleep'; known: break, meal, training, back-office"),
        ("82", "disposition", "1", None, "no call to note it for"),
        (
            "82",
            "disposition",
            "77",
            None,
            "no disposition '77'; known: solved, ticket, call-back, wrong-number, nuisance",
        ),
    ],
)
def test_refused_with_a_reason(agent: str, wish: ev.AgentWish, value: str, phone: str | None, message: str) -> None:
    kit = Kit()
    kit.ready("82")
    before = len(kit.facts())
    assert kit.ask(agent, wish, value, phone) == (False, message)
    assert len(kit.facts()) == before


def test_wish_without_a_request_is_not_answered() -> None:
    kit = Kit()
    kit.event(ev.AgentAsked(AgentId("81"), "sign-in"))
    assert not kit.effects(fx.Reply)


@pytest.mark.parametrize("value", ["2", "meal"])
def test_reason_by_key_or_name(value: str) -> None:
    kit = at(S.READY)
    kit.ask("81", "not-ready", value)
    assert kit.facts(ft.AgentChanged)[-1].reason == "meal"


# -- wishes that wait --


@pytest.mark.parametrize(("wish", "then"), [("not-ready", S.NOT_READY), ("sign-out", S.SIGNED_OUT)])
@pytest.mark.parametrize("ending", ["declined", "withdrawn", "talked"])
def test_wish_kept_until_the_call_is_over(wish: ev.AgentWish, then: AgentState, ending: str) -> None:
    kit = at(S.RESERVED)
    kit.ask("81", wish, "meal" if wish == "not-ready" else "")
    match ending:
        case "declined":
            kit.hang_up(kit.leg_of("81"), 21)
        case "withdrawn":
            kit.hang_up(next(iter(kit.legs)))
        case "talked":
            kit.heard(kit.answers("81"))
            kit.hang_up(kit.leg_of("81"))
            assert kit.state("81") is S.WRAP_UP
            kit.wait(60)
    assert kit.state("81") is then
    assert kit.facts(ft.AgentChanged)[-1].reason == ("meal" if wish == "not-ready" else "")
    assert kit.board.floor.seats[AgentId("81")].pending is None
    kit.everybody_leaves()


def test_ready_takes_the_kept_wish_back() -> None:
    kit = at(S.TALKING)
    kit.ask("81", "sign-out")
    kit.ask("81", "ready")
    kit.hang_up(kit.leg_of("81"))
    kit.wait(60)
    assert kit.state("81") is S.READY
    kit.everybody_leaves()


def test_away_in_wrap_up_does_not_wait_for_its_end() -> None:
    """Also while the phone's leg is still being hung up."""
    kit = at(S.TALKING)
    kit.deaf = {fx.HangUp}
    kit._hang_up(next(iter(kit.legs)), 16)
    kit.settle()
    assert kit.state("81") is S.WRAP_UP
    kit.ask("81", "sign-out")
    assert kit.state("81") is S.SIGNED_OUT
    kit.everybody_leaves()


# -- wrap-up --


def test_wrap_up_by_its_timer() -> None:
    kit = at(S.WRAP_UP)
    kit.wait(59)
    assert kit.state("81") is S.WRAP_UP
    kit.wait(1)
    assert kit.state("81") is S.READY
    kit.everybody_leaves()


def test_no_wrap_up() -> None:
    kit = Kit(settings(billing={"wrap_up_s": 0}))
    kit.ready("81")
    talking(kit)
    kit.hang_up(kit.leg_of("81"))
    assert kit.state("81") is S.READY and TimerId("agent-81.wrap") not in kit.timers._at
    kit.everybody_leaves()


def test_late_timer_of_an_earlier_wrap_up() -> None:
    kit = at(S.WRAP_UP)
    assert kit.event(ev.TimerFired(TimerId("agent-81.wrap"))) == []
    assert kit.state("81") is S.WRAP_UP


def test_next_caller_is_offered_as_wrap_up_ends() -> None:
    kit = at(S.WRAP_UP)
    queued(kit)
    kit.ask("81", "ready")
    assert kit.state("81") is S.RESERVED
    kit.everybody_leaves()


# -- phones --


def test_phone_gone() -> None:
    kit = at(S.READY)
    kit.event(ev.PhoneChanged(PhoneName("p81"), reachable=False))
    assert kit.state("81") is S.NOT_READY and kit.facts(ft.AgentChanged)[-1].reason == "phone-unreachable"
    kit.event(ev.PhoneChanged(PhoneName("p81"), reachable=True))
    assert kit.state("81") is S.NOT_READY, "the agent says himself when he is back"
    queued(kit)
    assert not kit.effects(fx.Ring)


def test_phone_gone_while_reserved_changes_nothing() -> None:
    kit = at(S.RESERVED)
    assert kit.event(ev.PhoneChanged(PhoneName("p81"), reachable=False)) == []


def test_own_caller_is_not_offered_to_himself() -> None:
    """The demo's visitor signs in on his softphone and calls the hotline with it."""
    kit = at(S.READY)
    leg = kit.arrive(via="p81")
    kit.press("1")
    assert not kit.effects(fx.Ring) and kit.state("81") is S.READY
    queued(kit)
    assert not kit.effects(fx.Ring)
    kit.hang_up(leg)
    assert kit.effects(fx.Ring)
    kit.everybody_leaves()


# -- dispositions and facts --


def test_disposition_belongs_to_the_last_talk() -> None:
    kit = at(S.WRAP_UP)
    assert kit.ask("81", "disposition", "1") == (True, "solved")
    kit.ask("81", "ready")
    queued(kit)
    assert kit.ask("81", "disposition", "ticket") == (True, "ticket")
    noted = kit.facts(ft.DispositionNoted)
    assert [(f.call, f.disposition) for f in noted] == [("7-1", "solved"), ("7-1", "ticket")]
    kit.everybody_leaves()


def test_facts_name_the_call_only_while_on_it() -> None:
    kit = at(S.WRAP_UP)
    kit.wait(60)
    calls = [(f.state, f.call) for f in kit.facts(ft.AgentChanged)]
    call = CallId("7-1")
    assert calls == [
        *((S.NOT_READY, None), (S.READY, None), (S.RESERVED, call)),
        *((S.TALKING, call), (S.WRAP_UP, call), (S.READY, None)),
    ]
