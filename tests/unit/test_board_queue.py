"""Waiting, offers, recording: what becomes of a caller between the menu and the talk."""

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import CallId, LegId, RecordingId
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState, CallState
from tests.board_kit import MAIN, Kit, settings
from tests.unit.test_board_call import ANNOUNCE, ASK, queued, talking


def offers(kit: Kit) -> list[tuple[str, str]]:
    return [(f.call, f.agent) for f in kit.facts(ft.OfferMade)]


# -- offers --


@pytest.mark.parametrize(
    ("cause", "rang", "outcome", "reason"),
    [
        (17, False, "declined", "declined"),
        (21, True, "declined", "declined"),
        (19, True, "ran-out", "ring-no-answer"),
        (19, False, "unreachable", "unreachable"),
        (20, False, "unreachable", "unreachable"),
        (0, True, "unreachable", "unreachable"),
    ],
)
def test_agent_does_not_take_the_call(cause: int, rang: bool, outcome: str, reason: str) -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    if rang:
        kit.rings("81")
    kit.hang_up(kit.leg_of("81"), cause)
    assert kit.facts(ft.OfferEnded)[0].outcome == outcome
    assert kit.facts(ft.AgentChanged)[-1].reason == reason and kit.state("81") is AgentState.NOT_READY
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_the_next_agent_is_offered_the_call_at_once() -> None:
    kit = Kit()
    kit.ready("81", "82")
    queued(kit)
    kit.hang_up(kit.leg_of("81"), 17)
    assert offers(kit) == [("7-1", "81"), ("7-1", "82")]
    kit.everybody_leaves()


def test_phone_that_does_not_ring_is_given_up_early() -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.wait(3)
    assert kit.facts(ft.OfferEnded)[0].outcome == "unreachable" and kit.effects(fx.HangUp)[0].cause == 26
    kit.everybody_leaves()


def test_ringing_that_asterisk_does_not_end() -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.rings("81")
    kit.wait(22)
    assert kit.facts(ft.OfferEnded)[0].outcome == "ran-out"
    kit.everybody_leaves()


def test_phone_that_cannot_be_rung() -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    kit.event(ev.CommandFailed("Ring", CallId("7-1"), kit.leg_of("81"), "unreachable"))
    assert kit.facts(ft.OfferEnded)[0].outcome == "unreachable" and kit.call(leg) is CallState.QUEUED
    assert kit.state("81") is AgentState.NOT_READY


@pytest.mark.parametrize("reason", ["down", "timeout"])
def test_a_ring_lost_on_our_side_costs_no_agent_his_readiness(reason: ev.FailReason) -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.event(ev.CommandFailed("Ring", CallId("7-1"), kit.leg_of("81"), reason))
    assert kit.facts(ft.OfferEnded)[0].outcome == "failed" and kit.state("81") is AgentState.READY
    assert len(offers(kit)) == 1
    kit.wait(1)
    assert offers(kit) == [("7-1", "81")] * 2
    kit.everybody_leaves()


def test_two_callers_one_agent_keep_their_order() -> None:
    kit = Kit()
    first = queued(kit)
    kit.wait(1)
    queued(kit)
    kit.ready("81")
    assert offers(kit) == [("7-1", "81")]
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    kit.hang_up(first)
    kit.wait(60)
    assert offers(kit) == [("7-1", "81"), ("7-2", "81")]
    kit.everybody_leaves()


def test_rank_is_kept_when_the_offer_runs_out() -> None:
    kit = Kit()
    queued(kit)
    queued(kit)
    kit.ready("81")
    kit.rings("81")
    kit.hang_up(kit.leg_of("81"), 19)
    kit.ready("82")
    assert offers(kit) == [("7-1", "81"), ("7-1", "82")]
    assert kit.board.floor.engine.position(CallId("7-2")) == 2
    kit.everybody_leaves()


def test_phone_answered_just_as_the_caller_left() -> None:
    kit = Kit(deaf={fx.HangUp})
    kit.ready("81")
    leg = queued(kit)
    agent = kit.leg_of("81")
    kit._hang_up(leg, 16)
    kit.settle()
    kit.event(ev.LegAnswered(agent))
    assert kit.state("81") is AgentState.RESERVED, "not ready again before the phone is free"
    kit.hang_up(agent, 26)
    assert kit.state("81") is AgentState.READY and kit.facts(ft.OfferEnded)[0].outcome == "withdrawn"
    assert kit.facts(ft.QueueLeft)[0].outcome == "abandoned"
    kit.everybody_leaves()


def test_ready_again_while_the_old_leg_is_still_there() -> None:
    kit = Kit(deaf={fx.HangUp})
    kit.ready("81")
    queued(kit)
    old = kit.leg_of("81")
    kit.wait(3)
    assert kit.ask("81", "ready") == (True, "ready") and len(offers(kit)) == 1
    kit.hang_up(old, 26)
    assert len(offers(kit)) == 2
    kit.everybody_leaves()


def test_withdrawn_agent_keeps_his_place_among_the_idle() -> None:
    kit = Kit()
    kit.ready("81")
    kit.wait(10)
    kit.ready("82")
    leg = queued(kit)
    kit.hang_up(leg)
    queued(kit)
    assert offers(kit) == [("7-1", "81"), ("7-2", "81")]
    kit.everybody_leaves()


def test_hang_up_that_fails_is_tried_again() -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.deaf = {fx.HangUp}
    agent = kit.leg_of("81")
    kit.wait(3)
    kit.event(ev.CommandFailed("HangUp", CallId("7-1"), agent, "timeout"))
    kit.deaf = set()
    kit.wait(2)
    assert agent not in kit.board.floor.legs
    kit.everybody_leaves()


def test_leg_that_never_was_does_not_bind_the_agent() -> None:
    """Asterisk may know nothing of a Ring that timed out: then nobody ever reports the end of its leg."""
    kit = Kit(deaf={fx.HangUp})
    kit.ready("81")
    leg = queued(kit)
    kit.event(ev.CommandFailed("Ring", CallId("7-1"), kit.leg_of("81"), "timeout"))
    kit.hang_up(leg)
    assert kit.state("81") is AgentState.RESERVED
    kit.wait(10)
    assert kit.state("81") is AgentState.READY
    kit.everybody_leaves()


# -- whisper --


def test_agent_hangs_up_during_the_whisper() -> None:
    """Its playback fails a moment before the leg's end is said: the caller must not be joined to nobody."""
    kit = Kit()
    kit.ready("81", "82")
    leg = queued(kit)
    kit.hang_up(kit.answers("81"))
    assert not kit.facts(ft.Connected) and kit.facts(ft.OfferEnded)[0].outcome == "declined"
    assert kit.call(leg) is CallState.RINGING and offers(kit)[-1] == ("7-1", "82")
    kit.everybody_leaves()


def test_whisper_that_fails_is_no_reason_not_to_talk() -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.heard(kit.answers("81"), ok=False)
    kit.wait(1)
    assert kit.facts(ft.Connected)
    kit.everybody_leaves()


def test_no_whisper() -> None:
    kit = Kit()
    kit.ready("82")
    queued(kit, "2")
    kit.answers("82")
    assert kit.facts(ft.Connected)
    kit.everybody_leaves()


# -- limits of waiting --


def test_waited_out() -> None:
    kit = Kit()
    leg = queued(kit)
    kit.wait(600)
    assert kit.facts(ft.QueueLeft)[0].outcome == "timed-out" and kit.facts(ft.QueueLeft)[0].wait_s == 600
    kinds = [type(e) for e in kit.log[-2][2]]
    assert kinds.index(fx.StopPlay) < kinds.index(fx.Leave) < kinds.index(fx.Play)
    assert kit.said(leg)[-1] == "queue-timeout"
    kit.everybody_leaves()


def test_waited_out_while_the_phone_rings() -> None:
    kit = Kit()
    leg = queued(kit)
    kit.wait(590)
    kit.ready("81")
    kit.rings("81")
    kit.wait(10)
    assert kit.facts(ft.OfferEnded)[0].outcome == "withdrawn" and kit.call(leg) is CallState.IN_FLOW
    assert kit.state("81") is AgentState.READY
    kit.everybody_leaves()


def test_waited_out_during_the_whisper_is_joined_all_the_same() -> None:
    kit = Kit()
    queued(kit)
    kit.wait(599)
    kit.ready("81")
    agent = kit.answers("81")
    kit.wait(5)
    kit.heard(agent)
    assert kit.facts(ft.Connected)[0].wait_s == 604
    kit.everybody_leaves()


def test_waited_out_during_a_whisper_the_agent_breaks_off() -> None:
    kit = Kit()
    leg = queued(kit)
    kit.wait(599)
    kit.ready("81", "82")
    agent = kit.answers("81")
    kit.wait(5)
    kit.hang_up(agent)
    kit.wait(0)
    assert len(offers(kit)) == 1, "nobody else is rung for a caller whose time is up"
    assert kit.call(leg) is CallState.IN_FLOW and kit.facts(ft.QueueLeft)[0].outcome == "timed-out"
    kit.everybody_leaves()


def test_a_queue_with_a_limit_leaves_agents_to_others() -> None:
    kit = Kit(settings(billing={"talking_max": 1}))
    kit.ready("81", "82")
    first, second = queued(kit), queued(kit)
    assert offers(kit) == [("7-1", "81")] and kit.state("82") is AgentState.READY
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    assert kit.call(first) is CallState.TALKING and kit.call(second) is CallState.QUEUED
    kit.hang_up(first)
    assert offers(kit) == [("7-1", "81"), ("7-2", "82")], "at once, when the talk ends"
    third = queued(kit)
    kit.hang_up(second)
    assert offers(kit)[2:] == [("7-3", "82")] and kit.call(third) is CallState.RINGING, "and when an offer ends"
    kit.everybody_leaves()


def test_queue_full() -> None:
    kit = Kit(settings(billing={"waiting_max": 1}))
    queued(kit)
    leg = queued(kit)
    assert kit.said(leg)[-1] == "queue-timeout"
    left = kit.facts(ft.QueueLeft)[0]
    assert (left.outcome, left.wait_s, left.visit) == ("full", 0, 1)
    kit.everybody_leaves()


@pytest.mark.parametrize("signed_in", [False, True])
def test_no_agents(signed_in: bool) -> None:
    nodes = {**MAIN["nodes"], "billing": {"type": "queue", "queue": "billing", "on_no_agents": "sorry"}}
    kit = Kit(flow={**MAIN, "nodes": nodes})
    if signed_in:
        kit.ask("81", "sign-in")
    leg = queued(kit)
    assert (kit.call(leg) is CallState.QUEUED) == signed_in
    assert [f.outcome for f in kit.facts(ft.QueueLeft)] == ([] if signed_in else ["no-agents"])
    kit.everybody_leaves()


def test_hold_counts_once() -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    agent = kit.leg_of("81")
    for event in (ev.LegHeld(agent), ev.LegHeld(agent), ev.LegHeld(leg)):
        kit.event(event)
    assert len(kit.facts(ft.HoldBegan)) == 1
    kit.hang_up(agent)
    assert len(kit.facts(ft.HoldEnded)) == 1, "a hold ends with the talk"
    kit.everybody_leaves()


# -- recording --


def test_always_and_never() -> None:
    for policy, recorded in (("always", True), ("never", False)):
        kit = Kit(settings(billing={"recording": {"policy": policy}}))
        kit.ready("81")
        leg = talking(kit)
        assert kit.said(leg) == ["greeting-morning", "please-wait"]
        assert bool(kit.facts(ft.RecordingRunning)) == recorded
        kit.everybody_leaves()
        assert bool(kit.facts(ft.RecordingStored)) == recorded


def test_nobody_is_joined_before_the_notice_is_over() -> None:
    kit = Kit(settings(billing=ANNOUNCE))
    kit.ready("81")
    leg = talking(kit)
    assert kit.said(leg)[-1] == "recording-notice" and not kit.facts(ft.Connected)
    kit.heard(leg)
    assert kit.facts(ft.Connected)
    kit.everybody_leaves()


@pytest.mark.parametrize("moment", ["waiting", "ringing", "whispering", "notice-over"])
def test_recording_refused(moment: str) -> None:
    kit = Kit(settings(billing=ASK))
    if moment != "waiting":
        kit.ready("81")
    leg = queued(kit)
    if moment in ("whispering", "notice-over"):
        agent = kit.answers("81")
        if moment == "notice-over":
            kit.heard(leg)
    kit.press("99", leg)
    assert len(kit.facts(ft.RecordingRefused)) == 1
    assert ("recording-off" in kit.said(leg)) == (moment in ("waiting", "ringing"))
    kit.ready("81")
    if moment in ("waiting", "ringing"):
        agent = kit.answers("81")
    kit.heard(agent)
    assert kit.facts(ft.Connected) and not kit.effects(fx.StartRecording)
    kit.everybody_leaves()


def test_not_refused_is_recorded_from_the_moment_of_joining() -> None:
    kit = Kit(settings(billing=ASK))
    kit.ready("81")
    leg = queued(kit)
    agent = kit.answers("81")
    kit.heard(leg)
    assert not kit.effects(fx.StartRecording), "he may still refuse"
    kit.heard(agent)
    assert kit.facts(ft.RecordingRunning)
    kit.press("9", leg)
    assert not kit.facts(ft.RecordingRefused)
    kit.everybody_leaves()


def test_recording_that_fails_is_noticed_once_and_tried_again() -> None:
    kit = Kit(settings(billing={"recording": {"policy": "always"}}))
    kit.deaf = {fx.StartRecording}
    kit.ready("81")
    talking(kit)
    recording = kit.effects(fx.StartRecording)[0].recording
    for n in range(1, 4):
        kit.event(ev.CommandFailed("StartRecording", CallId("7-1"), recording, "down"))
        assert len(kit.facts(ft.RecordingMissed)) == 1
        kit.wait(2)
        assert len(kit.effects(fx.StartRecording)) == n + 1
    kit.event(ev.RecordingStarted(recording))
    assert kit.facts(ft.RecordingRunning)
    kit.everybody_leaves()


def test_nothing_is_recorded_before_the_talk() -> None:
    kit = Kit(settings(billing={"recording": {"policy": "always"}}))
    kit.ready("81", "82")
    queued(kit)
    kit.hang_up(kit.answers("81"))
    assert not kit.facts(ft.RecordingWanted)
    kit.heard(kit.answers("82"))
    assert len(kit.facts(ft.RecordingWanted)) == len(kit.facts(ft.RecordingRunning)) == 1
    kit.everybody_leaves()


def test_a_caller_who_could_not_be_told_is_not_recorded() -> None:
    kit = Kit(settings(billing={"recording": {"policy": "announce"}}))
    kit.ready("81")
    queued(kit)
    kit.heard(ok=False)
    kit.wait(0.5)
    kit.heard(kit.answers("81"))
    assert kit.facts(ft.Connected) and not kit.effects(fx.StartRecording)
    assert "told" in kit.facts(ft.RecordingMissed)[0].reason
    kit.everybody_leaves()


def test_a_closed_queue_sends_the_caller_on() -> None:
    closed = {"weekly": {"mon-sun": []}}
    plan = settings(billing={"hours": "never"}).model_dump()
    kit = Kit(Settings.model_validate({**plan, "hours": {"never": closed}}))
    kit.ready("81")
    queued(kit)
    assert kit.facts(ft.QueueLeft)[0].outcome == "closed" and not kit.facts(ft.Queued)
    kit.everybody_leaves()


def test_unusable_recording() -> None:
    kit = Kit()
    kit.event(ev.RecordingUnusable(RecordingId("7-1.r4"), "one side is missing"))
    assert kit.facts(ft.RecordingMissed)[0].reason == "one side is missing" and kit.effects(fx.Warn)
    assert kit.board.handle(ev.LegEnded(LegId("x"), 16), kit.now) == []


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_by_an_hour_changes_no_order(seconds: float) -> None:
    kit = Kit()
    for caller in ("13800138001", "13800138002", "13800138003"):
        kit.arrive(caller=caller)
        kit.press("1")
        kit.event(ev.ClockStepped(seconds))
        kit.wait(1)
    waiting = kit.facts(ft.Queued)
    assert [fact.position for fact in waiting] == [1, 2, 3]
    kit.ready("81", "82")
    assert [fact.call for fact in kit.facts(ft.OfferMade)] == [fact.call for fact in waiting[:2]]
    kit.everybody_leaves()
