"""The daemon is killed and the next one goes on: whoever was there is still there, as he was."""

import json

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import BridgeId, CallId, LegId, Number, PlaybackId, TimerId
from ari_app.model.states import AgentState, CallState
from tests.board_kit import AGENTS, MAIN, Kit, settings
from tests.unit.test_board_call import queued, talking


def since(kit: Kit) -> int:
    return len(kit.log)


def after(kit: Kit, start: int, *kinds: type) -> list[fx.Effect]:
    return [e for _, _, out in kit.log[start:] for e in out if isinstance(e, kinds)]


def test_a_talk_goes_on_and_is_still_ours() -> None:
    kit = Kit(settings(billing={"wrap_up_s": 20, "recording": {"policy": "always"}}))
    kit.ready("81")
    leg = talking(kit)
    agent = kit.leg_of("81")
    recording = kit.facts(ft.RecordingRunning)[0].recording
    start = since(kit)
    kit.crash(gap_s=3)
    assert kit.call(leg) is CallState.TALKING and kit.state("81") is AgentState.TALKING
    touching = after(kit, start, fx.Join, fx.Leave, fx.DropBridge, fx.HangUp, fx.StopRecording, fx.StartRecording)
    assert not touching, "nobody in a talk notices"
    kit.wait(57)
    kit.hang_up(leg)
    assert kit.state("81") is AgentState.WRAP_UP and agent not in kit.legs
    ended = kit.facts(ft.TalkEnded)[0]
    assert (ended.by, ended.talk_s) == ("caller", 60.0)
    assert [f.recording for f in kit.facts(ft.RecordingStored)] == [recording]
    assert [f.by for f in kit.facts(ft.CallClosed)] == ["caller"]
    kit.wait(21)
    assert kit.state("81") is AgentState.READY
    kit.everybody_leaves()


def test_a_recording_that_was_ordered_and_never_begun_is_ordered_again() -> None:
    kit = Kit(settings(billing={"recording": {"policy": "always"}}))
    kit.deaf.add(fx.StartRecording)
    kit.ready("81")
    talking(kit)
    kit.deaf.clear()
    kit.crash()
    ordered = [each.recording for each in kit.effects(fx.StartRecording)]
    assert len(ordered) == 2 and len(set(ordered)) == 1
    assert [each.recording for each in kit.facts(ft.RecordingRunning)] == ordered[:1]
    kit.everybody_leaves()


def test_who_waits_keeps_his_place_and_his_time() -> None:
    kit = Kit(settings(billing={"announce_every_s": 30, "announce_position": True}))
    legs = []
    for n in range(3):
        legs.append(queued(kit))
        kit.wait(5 + n)
    before = {leg: kit.board.floor.calls[kit.board.floor.legs[leg]].visit for leg in legs}
    kit.crash(gap_s=4)
    floor = kit.board.floor
    assert {leg: floor.calls[floor.legs[leg]].visit for leg in legs} == before
    assert [kit.bridges[leg] for leg in legs] == ["music-default"] * 3
    kit.ready("81")
    assert kit.call(legs[0]) is CallState.RINGING and kit.call(legs[1]) is CallState.QUEUED
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    left = kit.facts(ft.QueueLeft)[0]
    assert left.outcome == "connected" and left.wait_s == 5 + 6 + 7 + 4
    kit.everybody_leaves()


def test_time_in_the_queue_runs_on_through_the_crash() -> None:
    kit = Kit(settings(billing={"wait_s_max": 60}))
    leg = queued(kit)
    kit.wait(50)
    kit.crash(gap_s=5)
    kit.wait(4)
    assert kit.call(leg) is CallState.QUEUED
    kit.wait(2)
    assert kit.said(leg)[-1] == "queue-timeout"
    kit.everybody_leaves()


def test_relaxation_counts_from_the_first_moment() -> None:
    kit = Kit(settings(billing={"skills": {"billing": 2}, "relax": [{"after_s": 30, "skills": {"billing": 1}}]}))
    kit.ready("82")
    leg = queued(kit)
    kit.wait(20)
    kit.crash(gap_s=15)
    assert kit.call(leg) is CallState.RINGING, "the daemon slept through the relaxation"
    kit.states = {kit.leg_of("82"): "Ringing"}
    kit.crash(gap_s=1)
    assert kit.call(leg) is CallState.RINGING
    kit.everybody_leaves()


@pytest.mark.parametrize("alive", ["Ringing", "Up", "gone"])
def test_an_offer_goes_on_or_is_made_anew(alive: str) -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    kit.rings("81")
    offered = kit.leg_of("81")
    if alive == "gone":
        kit.crash(gone=(offered,))
        assert kit.facts(ft.OfferEnded)[-1].outcome == "failed"
        assert kit.state("81") is AgentState.RESERVED and kit.leg_of("81") != offered, "nobody is blamed"
    else:
        kit.states = {offered: alive}
        kit.crash()
        assert kit.leg_of("81") == offered and len(kit.facts(ft.OfferMade)) == 1
    if alive != "Up":
        kit.answers("81")
    assert kit.call(leg) is CallState.WHISPERING
    kit.heard(kit.leg_of("81"))
    assert kit.call(leg) is CallState.TALKING
    kit.everybody_leaves()


def test_ringing_that_lasted_too_long_runs_out() -> None:
    kit = Kit(settings(billing={"ring_s": 10}))
    kit.ready("81")
    leg = queued(kit)
    kit.rings("81")
    kit.states = {kit.leg_of("81"): "Ringing"}
    kit.crash(gap_s=13)
    kit.wait(0.1)
    assert kit.facts(ft.OfferEnded)[-1].outcome == "ran-out" and kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_the_menu_is_said_again() -> None:
    kit = Kit()
    leg = kit.arrive()
    kit.heard()
    assert kit.said(leg)[-1] == "main-menu"
    start = since(kit)
    kit.crash()
    assert [e.prompts for e in after(kit, start, fx.Play)] == [("main-menu",)]
    stopped = [e.playback for e in after(kit, start, fx.StopPlay)]
    assert "7-1.p2" in stopped, "what still played is stopped first"
    kit.heard(leg)
    kit.press("1", leg)
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_a_prompt_that_was_not_written_down_any_more_is_stopped_too() -> None:
    """Killed within a tenth of a second of its beginning: it would hold up whatever is to be done with the leg."""
    kit = Kit()
    kit.arrive()
    (playing,) = kit.playing
    assert playing == "7-1.p1"
    start = since(kit)
    kit.crash()
    stopped = [e.playback for e in after(kit, start, fx.StopPlay)]
    assert stopped[:3] == ["7-1.p2", "7-1.p3", "7-1.p4"] and stopped[-1] == playing
    again = since(kit)
    kit.crash()
    (now_playing,) = kit.playing
    assert now_playing.startswith("7-1.p9-")
    assert {"7-1.p8-1", "7-1.p8-2"} <= {e.playback for e in after(kit, again, fx.StopPlay)}
    kit.everybody_leaves()


def test_a_caller_who_was_not_answered_any_more_is_answered_now() -> None:
    kit = Kit()
    leg = kit.arrive()
    kit.states = {leg: "Ring"}
    start = since(kit)
    kit.crash()
    assert fx.Answer(CallId("7-1"), leg) in after(kit, start, fx.Answer)
    kit.states = {}
    start = since(kit)
    kit.crash()
    assert not after(kit, start, fx.Answer)
    kit.everybody_leaves()


def test_ids_of_a_call_taken_over_carry_the_new_boot() -> None:
    kit = Kit()
    kit.arrive()
    old = {e.playback for e in kit.effects(fx.Play)}
    kit.crash()
    kit.crash()
    new = [e.playback for e in kit.effects(fx.Play) if e.playback not in old]
    assert new == ["7-1.p8-1", "7-1.p9-1"]
    leg = kit.arrive()
    assert kit.board.floor.legs[leg] == "9-1"
    kit.everybody_leaves()


def test_two_boots_never_mint_the_same() -> None:
    """Also when the one before had made more for a call than it could write down."""
    kit = Kit()
    kit.ready("81")
    talking(kit)
    kit.crash()
    queued(kit)
    kit.wait(100)
    kit.crash()
    kit.wait(100)
    minted = [e.playback for e in kit.effects(fx.Play, fx.Announce)] + [e.bridge for e in kit.effects(fx.MakeBridge)]
    minted = [name for name in minted if not name.startswith("music-")]
    assert len(minted) == len(set(minted)) > 4
    kit.everybody_leaves()


def test_wrap_up_runs_on() -> None:
    kit = Kit(settings(billing={"wrap_up_s": 30}))
    kit.ready("81")
    kit.hang_up(talking(kit))
    assert kit.state("81") is AgentState.WRAP_UP
    kit.wait(20)
    kit.crash(gap_s=5)
    assert kit.state("81") is AgentState.WRAP_UP
    kit.wait(4)
    assert kit.state("81") is AgentState.WRAP_UP
    kit.wait(2)
    assert kit.state("81") is AgentState.READY
    kit.everybody_leaves()


def test_staff_is_as_it_was() -> None:
    kit = Kit(settings(agent_rules={"ran_out_max": 3, "ran_out_pause_s": 60, "phone_back_ready": False}))
    kit.ready("81")
    kit.ask("82", "sign-in", phone="p83")
    kit.ask("82", "not-ready", "meal")
    queued(kit)
    kit.rings("81")
    kit.hang_up(kit.leg_of("81"), 19)
    seat = kit.board.floor.seats["81"]  # type: ignore[index]
    assert seat.ran_out == 1 and seat.paused
    kit.crash()
    floor = kit.board.floor
    seat, other = floor.seats["81"], floor.seats["82"]  # type: ignore[index]
    assert (seat.state, seat.ran_out, seat.paused) == (AgentState.READY, 1, True)
    assert (other.state, other.reason, other.phone) == (AgentState.NOT_READY, "meal", "p83")
    assert not after(kit, len(kit.log) - 1, fx.Ring), "he is left alone for a while"
    kit.wait(60)
    assert kit.state("81") is AgentState.RESERVED
    kit.everybody_leaves()


def test_a_wish_for_afterwards_is_kept() -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    kit.ask("81", "not-ready", "meal")
    kit.crash()
    kit.hang_up(leg)
    kit.wait(100)
    assert kit.state("81") is AgentState.NOT_READY and kit.board.floor.seats["81"].reason == "meal"  # type: ignore[index]
    kit.everybody_leaves()


def test_an_agent_of_whom_nothing_was_kept_still_has_his_call() -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    kit.kept.seats.clear()
    kit.crash()
    assert kit.state("81") is AgentState.TALKING
    kit.hang_up(leg)
    assert kit.state("81") is AgentState.WRAP_UP
    kit.everybody_leaves()


def test_who_hung_up_meanwhile_ends_when_the_run_before_did() -> None:
    kit = Kit(settings(billing={"recording": {"policy": "always"}}))
    kit.ready("81")
    caller, waiting = talking(kit), queued(kit)
    kit.wait(30)
    kit.crash(gap_s=3600, gone=(caller, waiting, kit.leg_of("81")))
    assert not kit.board.floor.calls
    assert kit.facts(ft.TalkEnded)[0].talk_s == 30.0
    assert {f.outcome for f in kit.facts(ft.QueueLeft)} == {"connected", "abandoned"}
    assert len(kit.facts(ft.RecordingStored)) == 1
    kit.everybody_leaves()


def test_the_agent_hung_up_meanwhile() -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    kit.crash(gone=(kit.leg_of("81"),))
    assert kit.facts(ft.TalkEnded)[0].by == "agent" and kit.state("81") is AgentState.WRAP_UP
    assert kit.said(leg)[-1] == "goodbye" or kit.call(leg) is CallState.CLOSING or leg not in kit.legs
    kit.everybody_leaves()


def test_what_was_ordered_just_before_is_made_up_for() -> None:
    """The state was written; the bridge was never made, nor the caller taken into his music."""
    kit = Kit()
    kit.ready("81")
    leg, waiting = talking(kit), queued(kit)
    agent = kit.leg_of("81")
    bridge = kit.bridges[leg]
    kit.bridges.clear()
    start = since(kit)
    kit.crash()
    assert kit.bridges == {leg: bridge, agent: bridge, waiting: "music-default"}
    made = [e.bridge for e in after(kit, start, fx.MakeBridge) if isinstance(e, fx.MakeBridge) and e.call is not None]
    assert made == [bridge]
    kit.everybody_leaves()


def test_a_bridge_of_moves_that_were_not_written_is_dropped() -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    before = dict(kit.kept.calls), dict(kit.kept.seats)
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    bridge = kit.bridges[leg]
    kit.kept.calls, kit.kept.seats = before
    kit.crash()
    assert bridge not in kit.bridges.values()
    assert kit.call(leg) is CallState.WHISPERING
    kit.heard(kit.leg_of("81"))
    assert kit.call(leg) is CallState.TALKING and kit.bridges[leg] == kit.bridges[kit.leg_of("81")]


def test_on_hold_and_in_a_consult() -> None:
    from tests.unit.test_board_control import does  # The words of that page.

    kit = Kit(settings(agents={a: {**it, "may": ["supervise", "transfer-blind"]} for a, it in AGENTS.items()}))
    kit.ready("81", "82")
    leg = talking(kit)
    does(kit, "81", "hold")
    kit.crash()
    assert kit.bridges[leg] == "music-default" and kit.board.floor.calls[CallId("7-1")].talk.away  # type: ignore[union-attr]
    does(kit, "81", "resume")
    does(kit, "81", "consult", "82")
    consulted = kit.leg_of("82")
    kit.states = {consulted: "Ringing"}
    kit.crash()
    assert kit.state("82") is AgentState.RESERVED
    kit.states = {}
    kit.event(ev.LegAnswered(consulted))
    kit.crash()
    assert kit.state("82") is AgentState.TALKING and kit.bridges[consulted] == kit.bridges[kit.leg_of("81")]
    does(kit, "81", "complete")
    assert kit.bridges[leg] == kit.bridges[consulted]
    assert kit.board.floor.calls[CallId("7-1")].talk.agent == "82"  # type: ignore[union-attr]
    kit.everybody_leaves()


def test_a_consult_that_was_not_answered_and_is_gone() -> None:
    from tests.unit.test_board_control import does

    kit = Kit()
    kit.ready("81", "82")
    leg = talking(kit)
    does(kit, "81", "consult", "82")
    kit.crash(gone=(kit.leg_of("82"),))
    assert kit.bridges[leg] == kit.bridges[kit.leg_of("81")], "back with his agent"
    assert kit.state("82") is AgentState.READY, "not his fault"
    kit.everybody_leaves()


def test_a_supervisor_is_let_go_and_the_talk_is_not() -> None:
    from tests.unit.test_board_control import does

    kit = Kit(settings(agents={a: {**it, "may": ["supervise"]} for a, it in AGENTS.items()}))
    kit.ready("81", "82")
    leg = talking(kit)
    does(kit, "82", "listen", "81")
    kit.answers("82")
    kit.crash()
    assert kit.call(leg) is CallState.TALKING and kit.board.floor.calls[CallId("7-1")].watch is None
    assert sorted(set(kit.legs.values())) == ["caller", "p81"]
    kit.everybody_leaves()


def test_a_call_that_is_being_hung_up() -> None:
    kit = Kit(deaf={fx.HangUp})
    kit.arrive()
    kit.wait(200)
    kit.ready("81")
    leg = queued(kit)
    agent = kit.leg_of("81")
    kit.hang_up(leg)
    assert agent in kit.board.floor.legs
    kit.deaf = set()
    kit.crash()
    assert agent not in kit.legs and kit.state("81") is AgentState.READY
    kit.everybody_leaves()


def test_desks_are_hung_up() -> None:
    kit = Kit()
    leg = kit.dial("p81", "*11")
    kit.crash()
    assert leg not in kit.legs and not kit.board.floor.desks


# -- what cannot be taken over --


def test_a_state_nobody_can_read_makes_him_a_caller_of_unknown_origin() -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    kit.wait(3)
    for call in kit.kept.calls:
        kit.kept.calls[call] = json.dumps({"versions": [], "state": "humming"})
    kit.strangers, kit.playing = {leg: ("13800138000", "1860")}, {}
    kit.crash()
    assert any("cannot be taken over" in w.message for w in kit.effects(fx.Warn))
    assert [(f.call, f.by) for f in kit.facts(ft.CallClosed)] == [("7-1", "lost")]
    assert kit.board.floor.legs[leg] == "8-1" and kit.call(leg) in (CallState.QUEUED, CallState.RINGING)
    assert "please-wait" in kit.said(leg)


def test_a_caller_nobody_knows() -> None:
    kit = Kit()
    leg = LegId("c77")
    kit.legs[leg] = "caller"
    kit.event(ev.LinkDown("lost"))
    kit.event(ev.LinkUp("22"))
    kit.event(ev.CallerSeen(leg, Number("13800138000"), "1860", "trunk"))
    kit.event(ev.CallerSeen(LegId("c78"), Number("13800138000"), "999", "trunk"))
    kit.legs[LegId("c78")] = "caller"
    kit.event(kit.listing())
    assert kit.call(leg) is CallState.QUEUED and kit.board.floor.calls[CallId("7-1")].visit.queue == "billing"  # type: ignore[union-attr]
    assert LegId("c78") not in kit.legs, "no such number: hung up"
    kit.everybody_leaves()


def test_a_queue_that_config_no_longer_has() -> None:
    kit = Kit()
    leg = queued(kit)
    left = json.loads(kit.kept.calls[CallId("7-1")])
    left["visit"]["queue"] = "gone"
    kit.kept.calls[CallId("7-1")] = json.dumps(left)
    kit.crash()
    assert leg not in kit.legs and [f.by for f in kit.facts(ft.CallClosed)] == ["lost"]


# -- secrets and numbers --

PASSWORD = {
    "start": "ask",
    "nodes": {
        "ask": {"type": "collect", "into": "pin", "secret": True, "min": 4, "max": 4, "say": ["p"], "next": "again"},
        "again": {"type": "collect", "into": "copy", "secret": True, "min": 4, "max": 4, "say": ["q"], "next": "set"},
        "set": {"type": "set", "values": {"both": "pin + copy", "me": "caller"}, "next": "hear"},
        "hear": {"type": "lookup", "agi": "check", "send": {"x": "both"}, "on_failure": "bye", "next": "menu"},
        "menu": {"type": "menu", "say": ["m"], "keys": {"1": "ask"}, "tries": 9},
        "bye": {"type": "hangup", "say": ["b"]},
    },
}


def states(kit: Kit) -> str:
    return "".join([*kit.kept.calls.values(), *kit.kept.seats.values()])


def test_no_digit_of_a_secret_and_no_caller_s_number_is_written_down() -> None:
    kit = Kit(flow=PASSWORD)
    kit.arrive(caller="13811112222")
    for digit in "49814981":
        kit.press(digit)
        assert "13811112222" not in states(kit)
        assert "49" not in "".join(json.loads(s)["cursor"].__repr__() for s in kit.kept.calls.values())
    assert kit.effects(fx.LookUp)[-1].request == (("x", "49814981"),)
    assert "4981" not in states(kit) and '"me": null' in states(kit)


@pytest.mark.parametrize(("typed", "asked"), [("49", "p"), ("4981", "p"), ("498149", "p"), ("49814981", "p")])
def test_a_secret_that_is_gone_is_asked_for_again(typed: str, asked: str) -> None:
    """Also when the caller had typed it all, and its answer was waited for: nothing goes on without it."""
    kit = Kit(flow=PASSWORD)
    leg = kit.arrive()
    kit.press(typed)
    kit.crash()
    assert kit.said(leg)[-1] == asked
    kit.press("11112222")
    assert kit.effects(fx.LookUp)[-1].request == (("x", "11112222"),)


def test_a_secret_nobody_needs_any_more_is_not_asked_for() -> None:
    kit = Kit(flow=PASSWORD)
    leg = kit.arrive()
    kit.press("49814981")
    lookup = kit.effects(fx.LookUp)[-1].lookup
    kit.event(ev.LookedUp(lookup, True))
    kit.crash()
    assert kit.said(leg)[-1] == "m" and kit.board.floor.calls[CallId("7-1")].cursor.values["me"] == "13800138000"  # type: ignore[union-attr]


def test_a_look_up_is_asked_again() -> None:
    flow = {
        "start": "hear",
        "nodes": {
            "hear": {"type": "lookup", "agi": "check", "send": {"x": "caller"}, "on_failure": "bye", "next": "bye"},
            "bye": {"type": "hangup", "say": ["b"]},
        },
    }
    kit = Kit(flow=flow)
    kit.arrive()
    kit.crash()
    first, second = kit.effects(fx.LookUp)
    assert first.request == second.request == (("x", "13800138000"),) and first.lookup != second.lookup
    kit.event(ev.LookedUp(first.lookup, True))
    assert kit.said()[-1:] != ["b"], "the old answer is nobody's"
    kit.event(ev.LookedUp(second.lookup, True))
    assert kit.said()[-1] == "b"


# -- messages --

BOX = {
    "start": "box",
    "nodes": {
        "box": {"type": "voicemail", "say": ["ask"], "next": "bye"},
        "bye": {"type": "hangup", "say": ["thanks"]},
    },
}


def speaking(kit: Kit) -> tuple[LegId, str]:
    leg = kit.arrive()
    kit.heard()
    return leg, kit.effects(fx.RecordMessage)[-1].message


def test_a_message_is_spoken_on_through_the_crash() -> None:
    kit = Kit(flow=BOX)
    leg, message = speaking(kit)
    kit.crash()
    assert [e.message for e in kit.effects(fx.AskMessage)] == [message]
    kit.event(ev.MessageRecorded(message, 7.0))  # type: ignore[arg-type]
    kit.wait(1)
    assert kit.said(leg)[-1] == "thanks"
    assert [f.seconds for f in kit.facts(ft.MessageLeft)] == [7.0]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_message_that_ended_meanwhile_is_kept(is_there: bool) -> None:
    kit = Kit(flow=BOX)
    leg, message = speaking(kit)
    kit.wait(10)
    kit.crash(gap_s=2, gone=() if is_there else (leg,))
    kit.event(ev.CommandFailed("AskMessage", CallId("7-1"), message, "gone"))
    kit.wait(1)
    assert [f.seconds for f in kit.facts(ft.MessageLeft)] == [12.0]
    assert not is_there or kit.said(leg)[-1] == "thanks"
    assert [e.message for e in kit.effects(fx.FileMessage)] == [message]


def test_the_recording_notice_is_said_again() -> None:
    kit = Kit(settings(billing={"recording": {"policy": "announce"}}))
    kit.ready("81")
    leg = queued(kit)
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    kit.crash()
    assert kit.said(leg).count("recording-notice") == 2 and kit.call(leg) is CallState.WHISPERING
    kit.heard(leg)
    assert kit.call(leg) is CallState.TALKING and kit.facts(ft.RecordingRunning)
    kit.everybody_leaves()


def test_a_line_is_listened_to_anew() -> None:
    kit = Kit()
    kit.ready("81")
    talking(kit)
    old = kit.effects(fx.HearLine)[-1].line
    kit.crash()
    assert kit.effects(fx.ForgetLine)[-1].line == old and kit.effects(fx.HearLine)[-1].line != old
    kit.everybody_leaves()


def test_a_limit_of_talks_still_counts_those_that_go_on() -> None:
    kit = Kit(settings(billing={"talking_max": 1}))
    kit.ready("81", "82")
    leg = talking(kit)
    second = queued(kit)
    kit.crash()
    assert kit.call(second) is CallState.QUEUED
    kit.hang_up(leg)
    assert kit.call(second) is CallState.RINGING
    kit.everybody_leaves()


def test_flows_are_those_the_call_began_with() -> None:
    kit = Kit()
    leg = kit.arrive()
    old = kit.board.floor.flows
    kit.flow = {**MAIN, "nodes": {**MAIN["nodes"], "menu": {**MAIN["nodes"]["menu"], "say": ["other-menu"]}}}
    kit.crash()
    assert kit.said(leg)[-1] != "other-menu" and kit.board.floor.calls[CallId("7-1")].walk.flow is old["main"]  # type: ignore[union-attr]
    assert kit.board.floor.flows["main"] is not old["main"]
    kit.everybody_leaves()


def test_a_timer_fires_once_and_no_playback_of_before_is_taken_for_ours() -> None:
    kit = Kit()
    leg = kit.arrive()
    old = kit.effects(fx.Play)[-1].playback
    kit.crash()
    start = since(kit)
    kit.event(ev.PlaybackEnded(PlaybackId(old), True))
    kit.event(ev.TimerFired(TimerId("7-1.flow")))
    assert not after(kit, start, fx.Play) and kit.call(leg) is CallState.IN_FLOW
    assert BridgeId("x") not in kit.bridges.values()
    kit.everybody_leaves()
