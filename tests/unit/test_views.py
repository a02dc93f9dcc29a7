"""Views: a floor driven by events, read between two of them."""

import copy
from zoneinfo import ZoneInfo

import orjson
import pytest

from ari_app.acd.model import Visit, rank
from ari_app.board import views
from ari_app.board.board import Board
from ari_app.flow.model import Flow, LoadedFlow
from ari_app.model.effects import Effect, Play, Ring
from ari_app.model.events import (
    AgentAsked,
    Booted,
    CallArrived,
    DoorClosed,
    LegAnswered,
    LegHeld,
    LegRinging,
    LinkUp,
    Listed,
    PlaybackEnded,
    RecordingStarted,
)
from ari_app.model.ids import AgentId, CallId, LegId, Number, QueueName
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState, CallState

NOW = 1_750_000_000.0
CALLER = "13800138000"
SETTINGS = Settings.model_validate(
    {
        "numbers": {"1860": {"flow": "main"}},
        "queues": {
            "billing": {"skills": {"billing": 2}, "recording": {"policy": "always"}},
            "network": {"skills": {"network": 1}},
        },
        "agents": {
            "8025": {"phone": "p8025", "skills": {"billing": 4}},
            "8026": {"phone": "p8026", "skills": {"billing": 1, "network": 3}},
        },
        "phones": {"p8025": {}, "p8026": {}},
    }
)
FLOW = Flow.model_validate(
    {"start": "wait", "nodes": {"wait": {"type": "queue", "queue": "billing", "say": [], "priority": 0}}}
)


@pytest.fixture
def board():
    board = Board(SETTINGS, {"main": LoadedFlow(name="main", version="0", flow=FLOW)}, ZoneInfo("Asia/Shanghai"))
    for event in (Booted(7), LinkUp("22.10.0"), Listed((), (), ())):
        board.handle(event, NOW)
    return board


def arrive(board: Board, leg: str, now: float, caller: str = CALLER) -> list[Effect]:
    return board.handle(CallArrived(LegId(leg), Number(caller), "1860", "local"), now)


def wish(board: Board, agent: str, what: str, now: float, value: str = "") -> list[Effect]:
    return board.handle(AgentAsked(AgentId(agent), what, value), now)


def only(effects: list[Effect], kind: type) -> Effect:
    (found,) = [effect for effect in effects if isinstance(effect, kind)]
    return found


def test_an_empty_floor(board):
    seen = views.snapshot(board.floor, NOW)
    assert [agent.number for agent in seen.agents] == ["8025", "8026"]
    assert {agent.state for agent in seen.agents} == {AgentState.SIGNED_OUT}
    assert all(agent.since is None and agent.seconds == 0 and agent.call is None for agent in seen.agents)
    assert [(q.name, q.waiting, q.longest_wait_s, q.signed_in) for q in seen.queues] == [
        ("billing", 0, 0.0, 0),
        ("network", 0, 0.0, 0),
    ]
    assert seen.calls == ()
    assert seen.totals.calls == seen.totals.waiting == 0
    assert seen.totals.link and seen.totals.door == ""
    assert set(seen.totals.agents_by_state) == set(AgentState) and set(seen.totals.calls_by_state) == set(CallState)


def test_waiting_callers_have_positions_and_masked_numbers(board):
    arrive(board, "a", NOW)
    arrive(board, "b", NOW + 5, caller="")
    first, second = views.calls(board.floor, NOW + 10)
    assert (first.state, first.queue, first.position, first.wait_s) == (CallState.QUEUED, "billing", 1, 10.0)
    assert (second.position, second.wait_s, second.seconds) == (2, 5.0, 5.0)
    assert (first.caller, second.caller) == ("138****8000", "withheld")
    assert (first.node, first.agent, first.talk_s, first.held) == ("wait", None, None, False)
    billing, network = views.queues(board.floor, NOW + 10)
    assert (billing.waiting, billing.ringing, billing.longest_wait_s) == (2, 0, 10.0)
    assert network.waiting == 0
    assert views.totals(board.floor, NOW + 10).longest_wait_s == 10.0


def test_servers_are_those_with_the_skills(board):
    for agent in ("8025", "8026"):
        wish(board, agent, "sign-in", NOW)
    wish(board, "8026", "ready", NOW)
    billing, network = views.queues(board.floor, NOW)
    assert (billing.ready, billing.signed_in) == (0, 1)  # 8026's billing level is below the queue's.
    assert (network.ready, network.signed_in) == (1, 1)


def test_from_ringing_to_talking(board):
    wish(board, "8025", "sign-in", NOW)
    wish(board, "8025", "ready", NOW)
    leg = only(arrive(board, "a", NOW + 1), Ring).leg
    (call,) = views.calls(board.floor, NOW + 2)
    assert (call.state, call.agent, call.position) == (CallState.RINGING, "8025", 1)
    assert views.queues(board.floor, NOW + 2)[0].ringing == 1
    assert views.agents(board.floor, NOW + 2)[0].call == call.id

    board.handle(LegRinging(leg), NOW + 2)
    played = [e for e in board.handle(LegAnswered(leg), NOW + 4) if isinstance(e, Play)]
    for whisper in played:
        board.handle(PlaybackEnded(whisper.playback, True), NOW + 5)
    recording = board.floor.calls[call.id].recording
    assert recording is not None
    board.handle(RecordingStarted(recording), NOW + 5)
    board.handle(LegHeld(leg), NOW + 6)
    wish(board, "8025", "not-ready", NOW + 7, "meal")

    (call,) = views.calls(board.floor, NOW + 10)
    assert (call.state, call.agent, call.queue) == (CallState.TALKING, "8025", "billing")
    assert (call.position, call.wait_s, call.held, call.recorded) == (None, None, True, True)
    assert call.talk_s == pytest.approx(5.0, abs=1.0)
    agent = views.agents(board.floor, NOW + 10)[0]
    assert agent.state is AgentState.TALKING and agent.call == call.id and agent.held
    assert agent.pending == views.PendingView(AgentState.NOT_READY, "meal")
    assert views.queues(board.floor, NOW + 10)[0].waiting == 0


def test_the_last_call_of_a_free_agent_is_not_shown(board):
    wish(board, "8025", "sign-in", NOW)
    board.floor.seats[AgentId("8025")].call = views.CallId("7-1")
    assert views.agents(board.floor, NOW)[0].call is None


def test_a_closed_door_is_seen(board):
    board.handle(DoorClosed("disk"), NOW)
    assert views.totals(board.floor, NOW).door == "disk"


def test_longest_wait_is_not_the_first_of_the_line(board):
    """A higher priority goes first; the longest wait is still the other's."""
    arrive(board, "a", NOW)
    engine, billing = board.floor.engine, QueueName("billing")
    engine.enter(Visit(CallId("7-9"), 1, billing, 1, NOW + 30, rank(NOW + 30, 1)))
    assert [visit.since for visit in engine.waiting[billing]] == [NOW + 30, NOW]
    assert views.queues(board.floor, NOW + 40)[0].longest_wait_s == 40.0


def test_a_snapshot_is_json_and_changes_nothing(board):
    wish(board, "8025", "sign-in", NOW)
    arrive(board, "a", NOW)
    before = copy.deepcopy(board.floor)
    text = orjson.dumps(views.snapshot(board.floor, NOW + 3), option=orjson.OPT_NON_STR_KEYS)
    assert CALLER not in text.decode()
    assert orjson.loads(text)["totals"]["calls_by_state"]["queued"] == 1
    assert board.floor == before


def test_a_clock_behind_gives_no_negative_seconds(board):
    arrive(board, "a", NOW)
    assert views.calls(board.floor, NOW - 5)[0].seconds == 0.0
