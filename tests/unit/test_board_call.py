"""A call's life on the board, told as stories: what each event makes the hotline do, and that nothing is ever left."""

from collections.abc import Callable

import pytest

from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, CallId, LegId, Number
from ari_app.model.states import AgentState, CallState
from tests.board_kit import MAIN, Cut, Kit, settings

ANNOUNCE = {"recording": {"policy": "announce"}}
ASK = {"recording": {"policy": "ask"}}


def queued(kit: Kit, key: str = "1") -> LegId:
    """A caller who knows the way: his key interrupts the greeting."""
    leg = kit.arrive()
    kit.press(key)
    return leg


def talking(kit: Kit, agent: str = "81") -> LegId:
    leg = queued(kit)
    kit.rings(agent)
    kit.answers(agent)
    kit.heard(kit.leg_of(agent))
    return leg


def happy(kit: Kit) -> None:
    """The whole of an ordinary recorded call, with hold, until the agent's hang-up and the goodbye."""
    kit.ready("81")
    leg = kit.arrive()
    kit.heard()
    kit.press("1")
    kit.rings("81")
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    kit.heard(leg)  # The recording notice.
    kit.event(ev.LegHeld(kit.leg_of("81")))
    kit.event(ev.LegResumed(kit.leg_of("81")))
    kit.hang_up(kit.leg_of("81"))
    kit.heard(leg)  # The goodbye.
    kit.wait(120)


# -- the happy path --


def test_happy_path_in_order_of_effects() -> None:
    kit = Kit(settings(billing=ANNOUNCE))
    happy(kit)
    asterisk = [type(e).__name__ for e in kit.effects(*fx.AsteriskEffect.__args__, *fx.RecordingEffect.__args__)]
    asterisk.remove("MakeBridge")  # The music's, at LinkUp.
    assert asterisk == [
        *("Answer", "Play", "Play", "StopPlay"),  # greeting, menu, key
        *("Join", "Play", "Ring"),  # music, recording notice, phone
        "Play",  # answered: whisper
        *("StartRecording", "MakeBridge", "Join", "Join", "Announce"),
        *("Leave", "Join"),  # Back from the phone's own hold.
        *("StopRecording", "JoinRecording", "DropBridge", "Play", "HangUp"),
    ]
    kit.everybody_leaves()


def test_happy_path_facts() -> None:
    kit = Kit(settings(billing=ANNOUNCE))
    happy(kit)
    names = [type(f).__name__ for f in kit.facts(object) if not isinstance(f, ft.AgentChanged | ft.NodeEntered)]
    assert names == [
        *("DaemonStarted", "CallOpened", "LegOpened", "KeyTaken", "Queued", "LegOpened", "OfferMade", "OfferRang"),
        *("RecordingWanted", "OfferEnded", "QueueLeft", "Connected", "RecordingRunning", "HoldBegan", "HoldEnded"),
        *("LegClosed", "TalkEnded", "RecordingStored", "LegClosed", "CallClosed"),
    ]
    assert kit.state("81") is AgentState.READY
    kit.everybody_leaves()


def test_offer_and_queue_facts_stand_before_the_ring() -> None:
    kit = Kit()
    kit.ready("81")
    kit.arrive()
    effects = kit.event(ev.KeyPressed(LegId("c1"), "1"))
    kinds = [type(e.fact) if isinstance(e, fx.Note) else type(e) for e in effects]
    assert kinds.index(ft.Queued) < kinds.index(ft.OfferMade) < kinds.index(fx.Ring)


def test_prompt_is_stopped_before_the_talk_is_joined() -> None:
    kit = Kit()
    kit.ready("81")
    queued(kit)
    kit.answers("81")
    kit.heard(kit.leg_of("81"))
    kinds = [type(e) for e in kit.log[-2][2]]
    assert kinds.index(fx.StopPlay) < kinds.index(fx.Join)
    kit.everybody_leaves()


def test_agents_number_is_said_to_the_talk() -> None:
    kit = Kit()
    kit.ready("81")
    talking(kit)
    assert kit.effects(fx.Announce)[0].prompts == ("work-number-before", "digit-8", "digit-1", "work-number-after")
    silent = Kit(settings(billing={"announce_work_number": False}))
    silent.ready("81")
    talking(silent)
    assert not silent.effects(fx.Announce)


@pytest.mark.parametrize("who", ["caller", "agent"])
def test_listening_to_a_line_is_stopped_only_while_its_leg_is_there(who: str) -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    kit.hang_up(leg if who == "caller" else kit.leg_of("81"))
    (heard,) = kit.effects(fx.HearLine)
    assert kit.effects(fx.ForgetLine) == [fx.ForgetLine(heard.call, None if who == "caller" else leg, heard.line)]


def test_same_events_give_identical_effects() -> None:
    kit, again = Kit(settings(billing=ANNOUNCE)), Kit(settings(billing=ANNOUNCE))
    happy(kit)
    again.board.floor = type(again.board.floor)(again.settings, again.board.floor.flows, again.board.floor.zone)
    for now, event, effects in kit.log:
        assert again.board.handle(event, now) == effects


# -- hang-up at every moment --


def _length() -> int:
    kit = Kit(settings(billing=ANNOUNCE))
    happy(kit)
    return len(kit.log)


def _cut(after: int) -> Kit:
    """The happy path broken off after so many events (the two of the kit's link-up and the boot come first)."""
    kit = Kit(settings(billing=ANNOUNCE))
    kit.budget = after - len(kit.log)
    with pytest.raises(Cut):
        happy(kit)
    kit.budget = None
    return kit


@pytest.mark.parametrize("late", [False, True], ids=["before-pending", "after-pending"])
@pytest.mark.parametrize("after", range(5, _length()))
def test_caller_hangs_up_after_event(after: int, late: bool) -> None:
    kit = _cut(after)
    if late:
        kit.settle()
    if LegId("c1") in kit.legs:
        kit.hang_up(LegId("c1"))
    kit.settle()
    assert "c1" not in kit.board.floor.legs
    kit.wait(120)
    assert kit.state("81") in (AgentState.READY, AgentState.NOT_READY)
    kit.everybody_leaves()


@pytest.mark.parametrize("after", range(5, _length()))
@pytest.mark.parametrize("cause", [16, 17, 19, 21])
def test_agent_hangs_up_after_event(after: int, cause: int) -> None:
    kit = _cut(after)
    leg = next((leg for leg, where in kit.legs.items() if where == "p81"), None)
    if leg is not None:
        kit.hang_up(leg, cause)
        assert kit.state("81") in (AgentState.NOT_READY, AgentState.WRAP_UP)
        kit.wait(1)
        assert LegId("c1") in kit.legs, "the caller is kept: back in the queue, or hears the goodbye"
    kit.everybody_leaves()


# -- the flow --


def test_wrong_keys_then_the_last_branch() -> None:
    kit = Kit()
    leg = kit.arrive()
    kit.heard()
    kit.press("777")
    assert kit.said(leg)[2:6] == ["wrong-key", "main-menu", "wrong-key", "main-menu"]
    assert kit.call(leg) is CallState.QUEUED
    assert [f.accepted for f in kit.facts(ft.KeyTaken)] == [False] * 3
    kit.everybody_leaves()


def test_no_key_then_goodbye() -> None:
    kit = Kit()
    leg = kit.arrive()
    kit.heard()
    for _ in range(3):
        kit.heard()
        kit.wait(5)
    kit.heard()
    assert kit.said(leg)[2:] == ["no-key", "main-menu", "no-key", "main-menu", "no-answer-goodbye"]
    assert kit.facts(ft.CallClosed)[0].by == "flow" and leg not in kit.legs
    kit.everybody_leaves()


def test_typed_ahead() -> None:
    kit = Kit()
    kit.arrive()
    kit.press("1")
    assert kit.facts(ft.Queued)[0].queue == "billing"
    assert kit.said() == ["greeting-morning", "please-wait"]
    kit.everybody_leaves()


def test_unknown_number() -> None:
    kit = Kit()
    leg = kit.arrive(dialled="999")
    kit.press("1")
    assert kit.said() == ["unknown-number"] and kit.facts(ft.CallRefused)[0].reason == "unknown-number"
    kit.heard()
    assert leg not in kit.legs and kit.facts(ft.CallClosed)[0].by == "refused"
    kit.everybody_leaves()


@pytest.mark.parametrize(
    ("event", "reason"), [(ev.DoorClosed("disk"), "disk"), (ev.DrainAsked(), "draining")], ids=["door", "drain"]
)
def test_new_calls_are_refused_running_ones_go_on(event: ev.Event, reason: str) -> None:
    kit = Kit()
    kit.ready("81")
    first = talking(kit)
    kit.event(event)
    second = kit.arrive()
    assert kit.said(second) == ["all-circuits-busy"] and kit.facts(ft.CallRefused)[0].reason == reason
    kit.heard(second)
    assert second not in kit.legs and kit.call(first) is CallState.TALKING
    kit.everybody_leaves()


def test_door_opens_again() -> None:
    kit = Kit()
    kit.event(ev.DoorClosed("disk"))
    kit.event(ev.DoorOpened())
    assert kit.said(kit.arrive()) == ["greeting-morning"]


def test_draining_makes_no_offers() -> None:
    kit = Kit()
    queued(kit)
    kit.event(ev.DrainAsked())
    kit.ready("81")
    kit.event(ev.LinkDown("lost"))
    kit.link_up()
    assert not kit.effects(fx.Ring)
    kit.everybody_leaves()


def test_refused_callers_do_not_count_against_calls_max() -> None:
    """Else refused callers would keep the door shut for ever once it is reached."""
    kit = Kit(settings(limits={"calls_max": 1}))
    first = kit.arrive()
    second = kit.arrive()
    assert kit.facts(ft.CallRefused)[0].reason == "calls-max" and kit.said(second) == ["all-circuits-busy"]
    kit.hang_up(first)
    assert kit.said(kit.arrive()) == ["greeting-morning"]
    kit.everybody_leaves()
    assert kit.board.floor.refusing == 0


def test_failed_prompt_goes_on_after_a_moment() -> None:
    kit = Kit()
    leg = kit.arrive()
    kit.heard(ok=False)
    assert kit.said() == ["greeting-morning"]
    kit.wait(1)
    assert kit.facts(ft.PromptFailed) and kit.said(leg)[-1] == "main-menu"
    kit.everybody_leaves()


def test_key_after_a_failed_prompt_is_not_taken_for_the_next_prompts_end() -> None:
    kit = Kit()
    kit.arrive()
    kit.heard(ok=False)
    kit.press("3")
    kit.wait(1)
    assert not kit.facts(ft.PromptFailed)
    assert kit.effects(fx.Play)[-1].language == "en"
    assert not [e for e in kit.effects(fx.SetTimer) if e.timer.endswith("flow")]
    kit.everybody_leaves()


def test_full_queues_that_lead_to_each_other_are_broken_off() -> None:
    nodes = {
        **MAIN["nodes"],
        "billing": {"type": "queue", "queue": "billing", "on_full": "network"},
        "network": {"type": "queue", "queue": "network", "on_full": "billing"},
    }
    queues = {q: {"skills": {q: 1}, "waiting_max": 1, "recording": {"policy": "never"}} for q in ("billing", "network")}
    kit = Kit(settings(queues=queues, limits={"steps_max": 10_000}), {**MAIN, "nodes": nodes})
    queued(kit, "1")
    queued(kit, "2")
    leg = queued(kit, "1")
    assert leg not in kit.legs and [w for w in kit.effects(fx.Warn) if "too many nodes" in w.message]
    kit.everybody_leaves()


def test_call_limit() -> None:
    kit = Kit(settings(limits={"call_s_max": 100}))
    kit.ready("81")
    leg = talking(kit)
    kit.wait(101)
    assert leg not in kit.legs and kit.facts(ft.CallClosed)[0].by == "limit"
    hung = [e.leg for e in kit.effects(fx.HangUp)]
    assert sorted(hung) == sorted(set(hung)), "each leg is hung up once"
    kit.everybody_leaves()


def test_leg_that_is_never_reported_gone() -> None:
    kit = Kit()
    kit.deaf = {fx.HangUp}
    kit.ready("81")
    leg = talking(kit)
    kit._hang_up(leg, 16)
    kit.settle()
    kit.wait(11)
    assert kit.facts(ft.CallClosed) and not kit.board.floor.legs
    assert kit.effects(fx.HangUp)[-1].leg.startswith("7-1"), "hung up once more, to be sure"


def test_commands_on_a_caller_who_was_gone_before_he_arrived() -> None:
    kit = Kit()
    kit.event(ev.CallArrived(LegId("c9"), Number("1"), "1860", "trunk"))
    kit.event(ev.CommandFailed("Answer", CallId("7-1"), "c9", "gone"))
    assert kit.facts(ft.CallClosed)
    kit.everybody_leaves()


@pytest.mark.parametrize("reason", ["gone", "refused", "unreachable", "timeout", "down", "error"])
@pytest.mark.parametrize("action", [cls.__name__ for cls in fx.AsteriskEffect.__args__])
def test_any_command_may_fail_for_any_reason(action: str, reason: ev.FailReason) -> None:
    """At each moment of the happy path, its last command of that kind fails; the call still ends clean."""
    whole = Kit(settings(billing=ANNOUNCE))
    happy(whole)
    moments = [n for n, (_, _, out) in enumerate(whole.log) if any(type(e).__name__ == action for e in out)]
    for moment in [m for m in moments if m > 3]:
        kit = _cut(moment + 1)
        effect = next(e for e in kit.log[-1][2] if type(e).__name__ == action)
        kit.event(ev.CommandFailed(action, getattr(effect, "call", None), _target(effect), reason, "why"))
        kit.wait(1)
        kit.everybody_leaves()


def _target(effect: fx.Effect) -> str:
    names: Callable[[str], str] = lambda name: getattr(effect, name, "")  # noqa: E731
    return names("playback") or names("recording") or names("leg") or names("bridge")


def test_join_that_fails_closes_the_call() -> None:
    kit = Kit()
    kit.ready("81")
    talking(kit)
    kit.event(ev.CommandFailed("Join", CallId("7-1"), "7-1.b6", "error"))
    assert kit.facts(ft.CallClosed)[0].by == "lost"
    kit.everybody_leaves()


def test_repeated_and_stale_events_change_nothing() -> None:
    kit = Kit()
    kit.ready("81")
    leg = talking(kit)
    agent = kit.leg_of("81")
    again: tuple[ev.Event, ...] = (
        ev.CallArrived(leg, Number("1"), "1860", "trunk"),
        ev.LegAnswered(agent),
        ev.LegAnswered(leg),
        ev.LegRinging(agent),
        *(e for _, e, _ in kit.log if isinstance(e, ev.PlaybackEnded)),
        ev.LegEnded(LegId("other"), 16),
        ev.KeyPressed(leg, "1"),
        ev.KeyPressed(agent, "1"),
    )
    for event in again:
        assert kit.event(event) == []
    assert kit.call(leg) is CallState.TALKING
    assert kit.board.floor.seats[AgentId("81")].state is AgentState.TALKING
    kit.everybody_leaves()


def test_answer_nobody_waits_for_is_hung_up() -> None:
    kit = Kit()
    assert kit.board.handle(ev.LegAnswered(LegId("7-9.l1")), kit.now) == [fx.HangUp(CallId("0-0"), LegId("7-9.l1"))]
