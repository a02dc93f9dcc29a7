"""The link to Asterisk is lost, comes back, tells what is there; what an earlier daemon left is closed or let be."""

from typing import Any

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.control import ControlAsked
from ari_app.model.ids import AgentId, BridgeId, CallId, LegId, Number, PhoneName, RecordingId, RequestId
from ari_app.model.states import AgentState, CallState
from tests.board_kit import Kit
from tests.unit.test_board_call import queued, talking


def lost(kit: Kit) -> None:
    kit.event(ev.LinkDown("closed"))


def listed(kit: Kit, **states: str) -> ev.Listed:
    """A listing in which some legs (by the kit's name of the phone) are in other states than Up."""
    seen = tuple(ev.ChannelSeen(leg, states.get(where, "Up")) for leg, where in kit.legs.items())
    return ev.Listed(seen, (), tuple(PhoneName(p) for p in kit.settings.phones))


def test_nobody_is_rung_without_a_link() -> None:
    kit = Kit()
    queued(kit)
    lost(kit)
    kit.ready("81")
    assert not kit.effects(fx.Ring)
    kit.event(ev.LinkUp("22"))
    assert not kit.effects(fx.Ring), "not before it is known who is there"
    kit.event(kit.listing())
    assert kit.effects(fx.Ring)
    kit.everybody_leaves()


def test_an_offer_spoilt_by_the_link_costs_nobody_his_place() -> None:
    kit = Kit()
    first = queued(kit)
    second = queued(kit)
    kit.deaf.add(fx.Ring)
    kit.ready("81")
    rung = kit.effects(fx.Ring)[-1]
    assert rung.call == kit.board.floor.legs[first]
    lost(kit)
    kit.event(ev.CommandFailed("Ring", rung.call, rung.leg, "down"))
    kit.deaf.clear()
    kit.wait(0.3)  # Less than the second after which the offer would be made again.
    kit.link_up()
    assert kit.effects(fx.Ring)[-1].call == rung.call and kit.call(first) is CallState.RINGING
    assert kit.call(second) is CallState.QUEUED
    kit.everybody_leaves()


def test_an_answer_that_was_lost_with_the_link_is_given_again() -> None:
    kit = Kit()
    leg = kit.arrive()
    lost(kit)
    answers = len(kit.effects(fx.Answer))
    kit.event(ev.LinkUp("22"))
    kit.event(listed(kit, caller="Ring"))
    assert kit.effects(fx.Answer)[answers:] == [fx.Answer(kit.board.floor.legs[leg], leg)]
    lost(kit)
    kit.link_up()
    assert len(kit.effects(fx.Answer)) == answers + 1
    kit.everybody_leaves()


def test_who_is_no_longer_there_has_hung_up() -> None:
    kit = Kit()
    kit.ready("81")
    caller = talking(kit)
    waiting = queued(kit)
    lost(kit)
    kit.legs = {}
    kit.link_up()
    assert not kit.board.floor.calls and kit.state("81") is AgentState.WRAP_UP
    assert {f.leg for f in kit.facts(ft.LegClosed)} >= {caller, waiting}
    assert [f.by for f in kit.facts(ft.CallClosed)] == ["caller", "caller"]
    kit.everybody_leaves()


def test_arrived_after_the_listing_was_made() -> None:
    kit = Kit()
    lost(kit)
    kit.event(ev.LinkUp("22"))
    listing = kit.listing()
    leg = kit.arrive()
    kit.event(listing)
    assert kit.call(leg) is CallState.IN_FLOW
    kit.everybody_leaves()


def test_missed_answer_and_missed_ringing() -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    lost(kit)
    kit.event(ev.LinkUp("22"))
    kit.event(listed(kit, p81="Ringing"))
    assert kit.facts(ft.OfferRang)
    lost(kit)
    kit.event(ev.LinkUp("22"))
    kit.event(listed(kit))
    assert kit.call(leg) is CallState.WHISPERING
    kit.heard(kit.leg_of("81"))
    assert kit.facts(ft.Connected)
    kit.everybody_leaves()


def test_a_caller_in_the_flow_hears_his_node_once_more() -> None:
    """What was said and pressed meanwhile is not known; else he might hear nothing more."""
    kit = Kit()
    leg = kit.arrive()
    kit.heard()
    lost(kit)
    kit.playing = {}
    kit.link_up()
    assert kit.said(leg)[1:] == ["main-menu", "main-menu"]
    kit.press("1")
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_nobody_is_hung_up_for_not_choosing_while_the_link_is_down() -> None:
    kit = Kit(prompt_s=2)
    leg = kit.arrive()
    kit.wait(10)
    lost(kit)
    kit.deaf, failed = {fx.Play, fx.HangUp}, len(kit.effects(fx.Play))
    for _ in range(100):
        kit.wait(3)
        for play in kit.effects(fx.Play)[failed:]:
            kit.event(ev.CommandFailed("Play", play.call, play.playback, "down"))
        failed = len(kit.effects(fx.Play))
    kit.deaf = set()
    kit.link_up()
    assert not kit.effects(fx.HangUp) and kit.said(leg)[-1] == "main-menu"
    kit.press("1")
    assert kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_what_the_flow_waits_for_elsewhere_is_not_asked_for_again() -> None:
    asks: dict[str, Any] = {
        "start": "record",
        "nodes": {
            "record": {"type": "lookup", "agi": "caller_record", "next": "bye", "on_failure": "bye"},
            "bye": {"type": "hangup", "say": ["no-answer-goodbye"]},
        },
    }
    kit = Kit(flow=asks)
    kit.arrive()
    lost(kit)
    kit.link_up()
    assert len(kit.effects(fx.LookUp)) == 1
    kit.everybody_leaves()


def test_what_a_dying_link_swallowed_is_ordered_again() -> None:
    """Asterisk has heard nothing for a while: a talk began in no bridge, and a caller waits without music."""
    kit = Kit()
    kit.deaf = {fx.Join, fx.MakeBridge}
    kit.ready("81")
    begun = talking(kit)
    agent, waiting = kit.leg_of("81"), queued(kit)
    assert kit.call(begun) is CallState.TALKING and not kit.bridges
    kit.deaf = set()
    lost(kit)
    kit.link_up()
    talk = kit.board.floor.calls[kit.board.floor.legs[begun]].talk
    assert talk is not None
    assert kit.bridges == {begun: talk.bridge, agent: talk.bridge, waiting: "music-default"}
    kit.everybody_leaves()


def test_a_bridge_that_should_be_gone_goes_when_the_link_is_back() -> None:
    """The talk is over, both legs are still in its bridge: neither order arrived."""
    kit = Kit()
    kit.ready("81")
    caller = talking(kit)
    bridge = kit.bridges[caller]
    kit.deaf = {fx.DropBridge, fx.HangUp}
    kit.event(ControlAsked(AgentId("81"), "survey", "", Number(""), "", RequestId("r")))
    assert kit.bridges[caller] == bridge
    kit.deaf = set()
    lost(kit)
    dropped = len(kit.effects(fx.DropBridge))
    kit.link_up()
    assert [each.bridge for each in kit.effects(fx.DropBridge)[dropped:]] == [bridge]
    assert bridge not in kit.bridges.values()
    kit.everybody_leaves()


def test_missed_end_of_the_whisper() -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.answers("81")
    lost(kit)
    kit.playing = {}
    kit.link_up()
    kit.wait(1)
    assert kit.facts(ft.Connected)
    kit.everybody_leaves()


def test_talk_goes_on_through_a_loss() -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    lost(kit)
    before = len(kit.facts())
    kit.link_up()
    assert kit.call(leg) is CallState.TALKING and len(kit.facts()) == before
    assert not kit.effects(fx.HangUp)
    kit.everybody_leaves()


def test_hang_up_lost_with_the_link_is_repeated() -> None:
    kit = Kit()
    kit.ready("81")
    leg = queued(kit)
    agent = kit.leg_of("81")
    kit.deaf = {fx.HangUp}
    kit.wait(3)
    kit.deaf = set()
    lost(kit)
    kit.link_up()
    assert agent not in kit.board.floor.legs and kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


def test_desks_after_a_loss() -> None:
    kit = Kit()
    gone, ending, asking = kit.dial("p81", "*11"), kit.dial("p82", "*12"), kit.dial("p83", "*11")
    lost(kit)
    del kit.legs[gone]
    kit.playing = {}
    kit.link_up()
    assert ending not in kit.legs and asking in kit.legs and len(kit.board.floor.desks) == 1
    kit.everybody_leaves()


def test_unknown_channels_are_hung_up_and_empty_bridges_go() -> None:
    kit = Kit()
    kit.ready("81")
    talking(kit)
    bridge = kit.effects(fx.MakeBridge)[-1].bridge
    lost(kit)
    kit.event(ev.LinkUp("22"))
    seen = (*listed(kit).channels, ev.ChannelSeen(LegId("stray"), "Up"))
    old, ours = ev.BridgeSeen(BridgeId("3-1.b1"), "mixing", ()), ev.BridgeSeen(bridge, "mixing", tuple(kit.legs))
    music = ev.BridgeSeen(BridgeId("music-default"), "holding", ())
    effects = kit.event(ev.Listed(seen, (old, ours, music), listed(kit).phones))
    assert effects == [fx.HangUp(CallId("0-0"), LegId("stray")), fx.DropBridge(CallId("0-0"), BridgeId("3-1.b1"))]


def test_unreachable_phones_are_not_rung() -> None:
    kit = Kit()
    kit.ready("81", "82")
    lost(kit)
    kit.event(ev.LinkUp("22"))
    kit.event(kit.listing(phones=("p82",)))
    assert kit.state("81") is AgentState.NOT_READY and kit.state("82") is AgentState.READY


# -- an earlier daemon's calls --


def restored(kit: Kit, talk: bool) -> None:
    left = ev.OpenCall(CallId("6-3"), LegId("old"), kit.now - 100, RecordingId("6-3.r5"))
    kit.event(ev.Restored((left,)))
    lost(kit)
    kit.event(ev.LinkUp("22"))
    legs = (LegId("old"), LegId("6-3.l2"))
    bridges = (ev.BridgeSeen(BridgeId("6-3.b4"), "mixing", legs),) if talk else ()
    kit.event(ev.Listed(tuple(ev.ChannelSeen(leg, "Up") for leg in legs), bridges, ()))


def test_an_earlier_talk_goes_on_until_one_side_hangs_up() -> None:
    for first, other in (("old", "6-3.l2"), ("6-3.l2", "old")):
        kit = Kit()
        restored(kit, talk=True)
        assert not kit.effects(fx.HangUp) and not kit.facts(ft.CallClosed)
        effects = kit.event(ev.LegEnded(LegId(first), 16))
        assert fx.HangUp(CallId("0-0"), LegId(other)) in effects, "nobody is left alone in silence"
        kit.event(ev.LegEnded(LegId(other), 16))
        assert [(f.call, f.by, f.seconds) for f in kit.facts(ft.CallClosed)] == [("6-3", "lost", 100.0)]
        assert kit.facts(ft.RecordingStored)[0].recording == "6-3.r5"
        assert len(kit.effects(fx.HangUp)) == 1


def test_an_earlier_caller_who_was_not_talking_is_hung_up() -> None:
    kit = Kit()
    restored(kit, talk=False)
    assert [e.leg for e in kit.effects(fx.HangUp)] == ["6-3.l2", "old"]
    assert kit.facts(ft.CallClosed)[0].call == "6-3"


def joined(kit: Kit) -> list[str]:
    return [effect.recording for effect in kit.effects(fx.JoinRecording)]


def test_recordings_of_earlier_calls_are_joined_once_their_call_is_over() -> None:
    """One of a closed call at the next listing; an earlier one of a talk that goes on only with that talk's own."""
    kit = Kit()
    lost(kit)
    left = ev.OpenCall(CallId("6-3"), LegId("old"), kit.now - 100, RecordingId("6-3.r9"))
    of_closed = ev.Unjoined(CallId("6-2"), RecordingId("6-2.r5"))
    earlier = ev.Unjoined(CallId("6-3"), RecordingId("6-3.r5"))
    kit.event(ev.Restored((left,), (), (earlier, of_closed)))
    assert joined(kit) == []
    legs = (LegId("old"), LegId("6-3.l2"))
    talk = ev.BridgeSeen(BridgeId("6-3.b4"), "mixing", legs)
    for _ in range(2):
        kit.event(ev.LinkUp("22"))
        kit.event(ev.Listed(tuple(ev.ChannelSeen(leg, "Up") for leg in legs), (talk,), ()))
        assert joined(kit) == ["6-2.r5"]
    kit.event(ev.LegEnded(LegId("old"), 16))
    assert joined(kit) == ["6-2.r5", "6-3.r9", "6-3.r5"]
    assert {(f.call, f.recording) for f in kit.facts(ft.RecordingStored)} == {
        ("6-2", "6-2.r5"),
        ("6-3", "6-3.r5"),
        ("6-3", "6-3.r9"),
    }
    assert [f.call for f in kit.facts(ft.CallClosed)] == ["6-3"]


def test_earlier_recordings_of_a_call_found_dead_are_joined_at_once() -> None:
    kit = Kit()
    left = ev.OpenCall(CallId("6-3"), LegId("gone"), kit.now - 100, None)
    kit.event(ev.Restored((left,), (), (ev.Unjoined(CallId("6-3"), RecordingId("6-3.r5")),)))
    lost(kit)
    kit.link_up()
    assert joined(kit) == ["6-3.r5"] and kit.facts(ft.CallClosed)[0].call == "6-3"
