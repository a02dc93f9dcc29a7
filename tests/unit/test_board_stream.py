"""A phone whose RTP stream begins anew is heard again in its bridge, and in the recording."""

import pytest

from ari_app.board.stream import AGAIN_S, REST_S, REST_S_MAX
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model.ids import LegId
from tests.board_kit import Kit, settings
from tests.unit.test_board_call import talking
from tests.unit.test_board_control import OUTSIDE, control, house
from tests.unit.test_board_control import talking as control_talking
from tests.unit.test_board_scripts import judged, made, script
from tests.unit.test_board_scripts import talking as script_talking

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


@pytest.mark.parametrize("confirmed", [True, False])
def test_they_wait_for_a_recording_whose_end_is_not_confirmed_but_not_for_ever(confirmed: bool) -> None:
    kit = recorded()
    caller, _ = in_talk(kit)
    kit.deaf.add(fx.StopRecording)
    kit.event(ev.StreamRestarted(caller))
    kit.wait(REST_S_MAX - 2 * REST_S)
    (first,) = kit.effects(fx.StartRecording)
    if confirmed:
        kit.event(ev.RecordingStopped(first.recording))
    kit.wait(REST_S)
    assert len(kit.effects(fx.StartRecording)) == (2 if confirmed else 1)
    kit.wait(2 * REST_S)
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


def test_a_caller_in_a_script_is_moved_when_its_prompt_is_over_and_then_listened_to_again() -> None:
    """TALK_DETECT listens too: while it is on, nothing else would hear him."""
    kit = made("always")
    leg = in_script(kit)
    assert moves(kit.event(ev.StreamRestarted(leg))) == [] and not kit.effects(fx.Unlisten)
    begun = len(kit.log)
    kit.wait(2 * AGAIN_S)
    assert not kit.effects(fx.Unlisten)
    kit.heard(leg)
    kit.wait(AGAIN_S + REST_S)
    after = [effect for _, _, effects in kit.log[begun:] for effect in effects]
    mended = [type(each) for each in after if isinstance(each, (*EARS, fx.Unlisten, fx.Listen))]
    assert mended == [fx.ForgetLine, fx.Unlisten, fx.HearLine, fx.Listen]
    kit.everybody_leaves()


def test_a_script_that_begins_meanwhile_listens_when_the_rest_is_over() -> None:
    kit = made("always")
    leg = script_talking(kit)
    judged(kit, "silent")
    kit.event(ev.StreamRestarted(leg))
    assert script(kit, "silent")[0] and not kit.effects(fx.Listen)
    kit.heard(leg)
    kit.wait(2 * REST_S)
    assert len(kit.effects(fx.Listen)) == 1
    kit.everybody_leaves()


def in_script(kit: Kit) -> LegId:
    """A caller whose agent has left him to a script, in its first prompt."""
    leg = script_talking(kit)
    judged(kit, "silent")
    assert script(kit)[0] and leg in kit.playing.values()
    return leg


def test_a_caller_who_hears_the_agents_hold_music_is_moved_when_that_is_over() -> None:
    kit = recorded()
    caller, agent = in_talk(kit)
    kit.event(ev.LegHeld(agent))
    assert moves(kit.event(ev.StreamRestarted(caller))) == []
    kit.wait(3 * AGAIN_S)
    assert len(kit.effects(fx.StartRecording)) == 1
    effects = kit.event(ev.LegResumed(agent))
    assert moves(effects) == [
        *(("Leave", agent, False), ("Join", agent, True)),
        *(("Leave", caller, False), ("Join", caller, False)),
    ]
    kit.wait(REST_S)
    assert len(kit.effects(fx.StartRecording)) == 2
    kit.everybody_leaves()


def test_keys_of_a_number_outside_stay_the_agents_to_hear() -> None:
    kit = Kit(house())
    control_talking(kit)
    assert control(kit, "81", "consult", f"number:{OUTSIDE}")[0]
    (dial,) = kit.effects(fx.Dial)
    kit.event(ev.LegAnswered(dial.leg))
    assert moves(kit.event(ev.StreamRestarted(dial.leg))) == [("Leave", dial.leg, False), ("Join", dial.leg, False)]
    kit.everybody_leaves()


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
