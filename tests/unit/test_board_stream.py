"""A phone whose RTP stream begins anew is heard again in its bridge, and in the recording."""

import pytest

from ari_app.board.stream import AGAIN_S, REST_S
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import LegId, PlaybackId
from tests.board_kit import Kit, settings
from tests.unit.test_board_call import talking
from tests.unit.test_board_control import control

EARS = (fx.StartRecording, fx.StopRecording, fx.JoinRecording, fx.HearLine, fx.ForgetLine)
ALWAYS = {"policy": "always"}


def in_talk(kit: Kit) -> tuple[LegId, LegId]:
    """The legs of caller and agent."""
    kit.ready("81")
    caller = talking(kit)
    return caller, kit.leg_of("81")


def recorded() -> Kit:
    return Kit(settings(billing={"recording": ALWAYS}))


def ears(effects: list[fx.Effect]) -> list[type[fx.Effect]]:
    return [type(effect) for effect in effects if isinstance(effect, EARS)]


def moves(effects: list[fx.Effect]) -> list[tuple[str, LegId, bool]]:
    """Each leg that leaves or enters a bridge, and whether its keys are kept."""
    legs = [effect for effect in effects if isinstance(effect, fx.Join | fx.Leave)]
    return [(type(each).__name__, each.leg, isinstance(each, fx.Join) and each.keep_keys) for each in legs]


def test_the_agents_leg_leaves_and_enters_the_bridge_and_nothing_else_changes() -> None:
    kit = recorded()
    _, agent = in_talk(kit)
    effects = kit.event(ev.StreamRestarted(agent))
    assert moves(effects) == [("Leave", agent, False), ("Join", agent, True)] and ears(effects) == []


def test_whatever_listens_to_the_caller_is_off_for_a_moment_and_then_begins_anew() -> None:
    kit = recorded()
    caller, _ = in_talk(kit)
    (first,) = kit.effects(fx.StartRecording)
    effects = kit.event(ev.StreamRestarted(caller))
    assert moves(effects) == [("Leave", caller, False), ("Join", caller, False)]
    assert ears(effects) == [fx.ForgetLine, fx.StopRecording, fx.JoinRecording]
    begun = len(kit.log)
    kit.wait(REST_S)
    after = [effect for _, _, effects in kit.log[begun:] for effect in effects]
    assert ears(after) == [fx.StartRecording, fx.HearLine]
    assert kit.effects(fx.StartRecording)[-1].recording != first.recording
    kit.everybody_leaves()


def test_they_wait_for_a_recording_whose_end_is_not_confirmed() -> None:
    kit = recorded()
    caller, _ = in_talk(kit)
    kit.deaf.add(fx.StopRecording)
    kit.event(ev.StreamRestarted(caller))
    kit.wait(10 * REST_S)
    assert len(kit.effects(fx.StartRecording)) == 1
    kit.event(ev.RecordingStopped(kit.effects(fx.StartRecording)[0].recording))
    kit.wait(REST_S)
    assert len(kit.effects(fx.StartRecording)) == 2
    kit.everybody_leaves()


def test_a_talk_that_is_over_by_then_is_recorded_no_more() -> None:
    kit = recorded()
    caller, agent = in_talk(kit)
    kit.event(ev.StreamRestarted(caller))
    kit.hang_up(agent)
    kit.wait(2 * REST_S)
    assert len(kit.effects(fx.StartRecording)) == 1
    kit.everybody_leaves()


def test_a_crash_meanwhile_leaves_the_caller_recorded() -> None:
    kit = recorded()
    caller, _ = in_talk(kit)
    kit.event(ev.StreamRestarted(caller))
    kit.crash(0.1)
    kit.wait(2 * REST_S)
    assert len(kit.effects(fx.StartRecording)) == 2 and kit.board.floor.calls
    kit.everybody_leaves()


def test_a_caller_who_is_told_something_is_moved_when_that_is_over() -> None:
    kit = recorded()
    caller, _ = in_talk(kit)
    call = next(iter(kit.board.floor.calls.values()))
    call.playback = PlaybackId(f"{call.id}.p99")  # As a script says it.
    kit.playing[call.playback] = caller
    assert moves(kit.event(ev.StreamRestarted(caller))) == []
    kit.wait(2 * AGAIN_S)
    kit.heard(caller)
    call.playback = None
    begun = len(kit.log)
    kit.wait(2 * AGAIN_S)
    after = [effect for _, _, effects in kit.log[begun:] for effect in effects]
    assert moves(after) == [("Leave", caller, False), ("Join", caller, False)]


@pytest.mark.parametrize("who", ["caller", "agent"])
def test_back_from_the_phones_own_hold_a_leg_enters_its_bridge_again(who: str) -> None:
    kit = recorded()
    leg = in_talk(kit)[("caller", "agent").index(who)]
    kit.event(ev.LegHeld(leg))
    effects = kit.event(ev.LegResumed(leg))
    assert moves(effects) == [("Leave", leg, False), ("Join", leg, who == "agent")] and ears(effects) == []


def test_a_caller_in_the_music_or_on_his_way_out_stays_where_he_is() -> None:
    kit = recorded()
    caller, agent = in_talk(kit)
    control(kit, "81", "hold")
    assert moves(kit.event(ev.StreamRestarted(caller))) == []
    kit.deaf.add(fx.HangUp)
    kit.hang_up(agent)
    assert moves(kit.event(ev.StreamRestarted(caller))) == moves(kit.event(ev.StreamRestarted(LegId("nobody")))) == []
