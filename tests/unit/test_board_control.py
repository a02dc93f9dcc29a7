"""Call control on the board: hold, transfers, consulting, supervision; every refusal in words."""

import pytest

from ari_app.board import views
from ari_app.model import control as ct
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import AgentId, LegId, Number, RequestId
from ari_app.model.settings import Settings
from ari_app.model.states import AgentState, CallState
from ari_app.model.wishes import ForceAsked
from tests.board_kit import MAIN, QUEUES, Kit, settings

OUTSIDE = "13900139000"
FLOW = {
    **MAIN,
    "nodes": {
        **MAIN["nodes"],
        "billing": {**MAIN["nodes"]["billing"], "next": "menu", "survey": "rating"},
        "rating": {"type": "survey", "question": "happy", "say": ["survey-ask"], "next": "bye"},
    },
}


def house(**changes: object) -> Settings:
    both = {"billing": 3, "network": 3}
    return settings(
        **{
            "agents": {
                "81": {"phone": "p81", "skills": both, "may": ["transfer-blind"]},
                "82": {"phone": "p82", "skills": {"network": 2}},
                "83": {"phone": "p83", "skills": {}, "may": ["supervise"]},
            },
            "trunks": {"out": {"match": ["192.0.2.1"], "address": "192.0.2.1:5060"}},
            "outbound": {"trunk": "out", "permitted": ["139XXXXXXXX"], "ring_s": 20},
            "directory": {"700": "agent:82", "shop": f"number:{OUTSIDE}"},
            **changes,
        }
    )


def control(kit: Kit, agent: str, action: ct.Control, target: str = "", note: str = "") -> tuple[bool, str]:
    number = Number(target.removeprefix("number:") if target.startswith("number:") else "")
    asked = ct.ControlAsked(AgentId(agent), action, "" if number else target, number, note, RequestId("r"))
    reply = next(e for e in kit.event(asked) if isinstance(e, fx.Reply))
    return reply.ok, reply.message


def does(kit: Kit, agent: str, action: ct.Control, target: str = "", note: str = "") -> None:
    ok, message = control(kit, agent, action, target, note)
    assert ok, message


def talking(kit: Kit, agent: str = "81") -> LegId:
    """A caller talks to an agent, the first to be ready."""
    kit.ready(agent)
    leg = kit.arrive()
    kit.press("1" if agent == "81" else "2", leg)
    answered = kit.answers(agent)
    if answered in kit.playing.values():
        kit.heard(answered)
    assert kit.call(leg) is CallState.TALKING
    return leg


def house_kit(**changes: object) -> Kit:
    return Kit(house(**changes), FLOW)


def outcomes(kit: Kit) -> list[str]:
    return [fact.outcome for fact in kit.facts(ct.TransferEnded)]


# -- hold and mute --


def test_hold_reminds_the_agent_alone_and_ends() -> None:
    kit = house_kit()
    leg = talking(kit)
    agent = kit.leg_of("81")
    does(kit, "81", "hold")
    assert kit.effects(fx.Join)[-1] == fx.Join("7-1", "music-default", leg, music="default")
    kit.wait(20)
    assert kit.said(agent)[-2:] == ["beep", "hold-reminder"] and "beep" not in kit.said(leg)
    kit.wait(40)
    assert kit.said(agent)[-3:] == ["beep", "beep", "hold-reminder"]
    kit.heard(agent)
    kit.wait(100)
    does(kit, "81", "resume")
    kit.wait(100)
    assert kit.said(agent).count("beep") == 3
    assert len(kit.facts(ft.HoldBegan)) == len(kit.facts(ft.HoldEnded)) == 1
    assert control(kit, "81", "resume") == (True, "the caller is not on hold")
    kit.everybody_leaves()


def test_the_caller_comes_back_to_an_agent_he_hears() -> None:
    """A prompt on the agent's leg would keep the agent's words from him."""
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "hold")
    kit.wait(20)
    does(kit, "81", "resume")
    stopped, joined = kit.effects(fx.StopPlay)[-1], fx.Join("7-1", kit.bridges[leg], leg)
    reminder = [play for play in kit.effects(fx.Play) if "hold-reminder" in play.prompts][-1]
    assert stopped.playback == reminder.playback
    assert kit.effects(fx.StopPlay, fx.Join)[-2:] == [stopped, joined]
    kit.everybody_leaves()


def test_both_kinds_of_hold_are_one_stretch() -> None:
    kit = house_kit()
    talking(kit)
    kit.event(ev.LegHeld(kit.leg_of("81")))
    does(kit, "81", "hold")
    kit.event(ev.LegResumed(kit.leg_of("81")))
    assert len(kit.facts(ft.HoldBegan)) == 1 and not kit.facts(ft.HoldEnded)
    kit.everybody_leaves()


def test_agent_hangs_up_on_hold_and_the_flow_goes_on_without_music() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "hold")
    kit.hang_up(kit.leg_of("81"))
    assert fx.Leave("7-1", "music-default", leg) in kit.effects(fx.Leave)
    assert kit.said(leg)[-1] == "main-menu"
    kit.everybody_leaves()


def test_music_lost_while_on_hold_is_made_anew_once() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "hold")
    made = len(kit.effects(fx.MakeBridge))
    for _ in range(2):
        kit.event(ev.CommandFailed("Join", "7-1", leg, "gone"))
    assert len(kit.effects(fx.MakeBridge)) == made + 1
    kit.everybody_leaves()


def test_mute_is_sent_once() -> None:
    kit = house_kit()
    talking(kit)
    for action in ("mute", "mute", "unmute", "unmute"):
        does(kit, "81", action)  # type: ignore[arg-type]
    assert len(kit.effects(fx.Mute)) == len(kit.effects(fx.Unmute)) == 1
    kit.everybody_leaves()


def test_whoever_consults_is_heard() -> None:
    kit = house_kit()
    talking(kit)
    kit.ready("82")
    does(kit, "81", "mute")
    does(kit, "81", "consult", "82")
    assert kit.effects(fx.Unmute)
    kit.everybody_leaves()


# -- refusals --


@pytest.mark.parametrize(
    ("agent", "action", "target", "words"),
    [
        ("99", "hold", "", "no agent has the work number 99"),
        ("82", "hold", "", "82 is not in a talk with a caller"),
        ("81", "complete", "", "no consult under way"),
        ("81", "consult", "nobody", "nobody to be found under 'nobody': a work number, queue:NAME"),
        ("81", "consult", "82", "82 is signed-out; try a queue, or later"),
        ("81", "consult", "81", "81 is talking"),
        ("81", "consult", "queue:network", "nobody in queue network is free"),
        ("81", "consult", "queue:nosuch", "no queue named 'nosuch'; known: billing, network"),
        ("81", "consult", "flow:menu", "a flow cannot be consulted"),
        ("81", "transfer", "flow:nowhere", "no node 'nowhere' in this call's flows"),
        ("81", "consult", "number:10086", "that number may not be dialled"),
        ("81", "transfer", "999", "that number may not be dialled"),
        ("81", "help", "", "no supervisor is free"),
        ("81", "listen", "81", "81 may not supervise"),
        ("83", "listen", "82", "82 is not in a talk with a caller"),
        ("83", "listen", "81", "83 is signed-out"),
        ("83", "take-over", "81", "listen, whisper or barge first"),
        ("83", "leave", "", "no supervision under way"),
    ],
)
def test_refused_in_words(agent: str, action: ct.Control, target: str, words: str) -> None:
    kit = house_kit()
    leg = talking(kit)
    ok, message = control(kit, agent, action, target)
    assert not ok and message.startswith(words), message
    assert kit.call(leg) is CallState.TALKING
    kit.everybody_leaves()


def test_blind_only_by_permission() -> None:
    kit = house_kit()
    talking(kit, "82")
    ok, message = control(kit, "82", "transfer", "queue:billing")
    assert not ok and "may: [transfer-blind]" in message
    kit.everybody_leaves()


# -- blind transfer --


def test_blind_to_an_agent_with_a_note() -> None:
    kit = house_kit()
    leg = talking(kit)
    kit.ready("82")
    does(kit, "81", "transfer", "82", "wants a refund")
    assert kit.state("81") is AgentState.WRAP_UP and kit.call(leg) is CallState.DIALLING
    ring = kit.effects(fx.Ring)[-1]
    assert (ring.phone, ring.shown) == ("p82", "billing from 81")
    call = next(iter(kit.board.floor.calls.values()))
    assert (call.note, call.passed_by) == ("wants a refund", "81")
    kit.rings("82")
    kit.answers("82")
    assert kit.call(leg) is CallState.TALKING and kit.state("82") is AgentState.TALKING
    assert outcomes(kit) == ["completed"] and [f.agent for f in kit.facts(ft.Connected)] == ["81", "82"]
    kit.everybody_leaves()


@pytest.mark.parametrize("target", ["82", "queue:network", "flow:english", f"number:{OUTSIDE}"])
def test_the_agent_does_not_leave_before_the_transfer_is_in_the_store(target: str) -> None:
    """Killed in between, the next daemon would find him gone, and take the talk for ended."""
    kit = house_kit()
    talking(kit)
    kit.ready("82")
    agent = kit.leg_of("81")
    does(kit, "81", "transfer", target)
    [effects] = [out for _, _, out in kit.log if any(isinstance(e, fx.HangUp) and e.leg == agent for e in out)]
    assert any(isinstance(e, fx.Note) and type(e.fact) in ft.DURABLE for e in effects)


@pytest.mark.parametrize(("cause", "outcome"), [(17, "busy"), (21, "declined"), (19, "unreachable")])
def test_blind_that_nobody_takes_comes_back_to_the_queue_in_its_place(cause: int, outcome: str) -> None:
    kit = house_kit()
    leg = talking(kit)
    rank = kit.facts(ft.Queued)[0].rank
    kit.ready("82")
    kit.wait(100)
    later = kit.arrive()
    kit.press("1", later)
    does(kit, "81", "transfer", "82")
    kit.hang_up(kit.leg_of("82"), cause)
    assert outcomes(kit) == [outcome] and kit.state("82") is AgentState.NOT_READY
    assert kit.call(leg) is CallState.QUEUED and kit.facts(ft.Queued)[-1].rank == rank
    assert kit.facts(ft.Queued)[-1].position == 1, "before whoever came later"
    kit.everybody_leaves()


def test_blind_to_a_queue_keeps_the_time_of_the_first_wait() -> None:
    kit = house_kit()
    leg = talking(kit)
    kit.wait(50)
    does(kit, "81", "transfer", "queue:network")
    first, second = kit.facts(ft.Queued)
    assert (second.queue, second.rank) == ("network", first.rank)
    assert [f.target for f in kit.facts(ct.TransferBegan)] == ["queue:network"] and outcomes(kit) == ["completed"]
    kit.ready("82")
    kit.answers("82")
    assert kit.call(leg) is CallState.TALKING
    kit.everybody_leaves()


def test_what_the_flow_asked_of_one_queue_is_not_asked_of_another() -> None:
    asks = {**FLOW["nodes"]["billing"], "skills": "billing>=3", "prefer": "last_agent", "prefer_s": 60}
    kit = Kit(house(), {**FLOW, "nodes": {**FLOW["nodes"], "billing": asks}})
    leg = talking(kit)
    does(kit, "81", "transfer", "queue:network")
    visit = kit.board.floor.calls[kit.board.floor.legs[leg]].visit
    assert visit is not None and (visit.needs, visit.preferred) == (None, None)
    kit.ready("82")
    kit.answers("82")
    assert kit.call(leg) is CallState.TALKING
    kit.everybody_leaves()


def test_blind_to_a_full_queue_is_refused() -> None:
    kit = house_kit(queues={"billing": QUEUES["billing"], "network": {**QUEUES["network"], "waiting_max": 1}})
    leg = talking(kit)
    kit.press("2", kit.arrive())
    ok, message = control(kit, "81", "transfer", "queue:network")
    assert (ok, message) == (False, "queue network does not take callers now: full")
    assert kit.call(leg) is CallState.TALKING
    kit.everybody_leaves()


def test_blind_to_a_node_of_the_flow() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "transfer", "flow:english")
    assert kit.call(leg) is CallState.IN_FLOW and kit.said(leg)[-1] == "main-menu"
    assert kit.facts(ft.NodeEntered)[-2].node == "english"
    kit.everybody_leaves()


def test_blind_to_a_number_outside() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "transfer", f"number:{OUTSIDE}")
    dial = kit.effects(fx.Dial)[-1]
    assert (dial.number, dial.trunk, dial.address) == (OUTSIDE, "out", "192.0.2.1:5060")
    kit.event(ev.LegAnswered(dial.leg))
    assert kit.call(leg) is CallState.OUTSIDE
    kit.hang_up(dial.leg)
    assert kit.call(leg) is CallState.IN_FLOW and kit.said(leg)[-1] == "main-menu"
    kit.everybody_leaves()


def test_nobody_outside_answers() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "transfer", "shop")
    kit.wait(22)
    assert outcomes(kit) == ["ran-out"] and kit.call(leg) is CallState.QUEUED
    kit.everybody_leaves()


# -- consult --


def consulting(kit: Kit, target: str = "82") -> tuple[LegId, LegId]:
    """The caller on hold, 81 talks to 82 (or whoever): caller's and second leg."""
    leg = talking(kit)
    kit.ready("82")
    does(kit, "81", "consult", target)
    second = kit.effects(fx.Dial)[-1].leg if target.startswith("number") else kit.leg_of("82")
    kit.event(ev.LegAnswered(second))
    return leg, second


def test_consult_and_complete() -> None:
    kit = house_kit()
    leg, second = consulting(kit)
    bridge = kit.effects(fx.MakeBridge)[-1].bridge
    assert kit.effects(fx.Join)[-2:] == [
        fx.Join("7-1", "music-default", leg, music="default"),
        fx.Join("7-1", bridge, second, keep_keys=True),
    ]
    assert kit.state("82") is AgentState.TALKING
    seen = {agent.number: (agent.held, agent.consulting) for agent in views.agents(kit.board.floor, kit.now)}
    assert (seen["81"], seen["82"][1]) == ((True, "agent:82"), "agent:81")
    does(kit, "81", "complete")
    assert kit.effects(fx.Join)[-1] == fx.Join("7-1", bridge, leg)
    assert kit.state("81") is AgentState.WRAP_UP and kit.call(leg) is CallState.TALKING
    assert [f.by for f in kit.facts(ft.TalkEnded)] == ["transfer"] and outcomes(kit) == ["completed"]
    kit.hang_up(second)
    assert kit.call(leg) is CallState.IN_FLOW
    kit.everybody_leaves()


def test_consult_a_queue_takes_its_next_free_agent() -> None:
    kit = house_kit()
    consulting(kit, "queue:network")
    assert kit.facts(ct.TransferBegan)[0].target == "agent:82"
    kit.everybody_leaves()


def test_consult_and_return() -> None:
    kit = house_kit()
    leg, _ = consulting(kit)
    does(kit, "81", "return")
    assert outcomes(kit) == ["returned"] and kit.state("82") is AgentState.READY, "nothing to wrap up"
    assert kit.facts(ft.HoldEnded) and kit.effects(fx.Join)[-1].leg == leg
    kit.everybody_leaves()


def test_three_way_and_any_may_leave() -> None:
    for who in ("first", "second", "caller"):
        kit = house_kit()
        leg, second = consulting(kit)
        does(kit, "81", "conference")
        assert kit.facts(ct.ConferenceBegan) and kit.effects(fx.Join)[-1].leg == leg
        kit.hang_up({"first": kit.leg_of("81"), "second": second, "caller": leg}[who])
        if who == "first":
            assert kit.state("82") is AgentState.TALKING and kit.call(leg) is CallState.TALKING
        elif who == "second":
            assert kit.state("81") is AgentState.TALKING and outcomes(kit) == ["left"]
        else:
            assert not kit.board.floor.calls
        kit.everybody_leaves()


@pytest.mark.parametrize("answered", [False, True])
def test_caller_hangs_up_during_the_consult(answered: bool) -> None:
    kit = house_kit()
    leg = talking(kit)
    kit.ready("82")
    does(kit, "81", "consult", "82")
    if answered:
        kit.answers("82")
    kit.hang_up(leg)
    assert outcomes(kit) == ["abandoned"] and kit.state("82") is AgentState.READY
    kit.everybody_leaves()


@pytest.mark.parametrize("cause", [17, 19, 21])
def test_the_consulted_one_does_not_come(cause: int) -> None:
    kit = house_kit()
    leg = talking(kit)
    kit.ready("82")
    does(kit, "81", "consult", "82")
    kit.hang_up(kit.leg_of("82"), cause)
    assert kit.effects(fx.Join)[-1].leg == leg and kit.said(kit.leg_of("81"))[-1] == "not-possible-now"
    assert kit.state("81") is AgentState.TALKING and kit.state("82") is AgentState.NOT_READY
    kit.everybody_leaves()


def test_agent_hangs_up_while_the_consulted_one_rings() -> None:
    kit = house_kit()
    leg = talking(kit)
    rank = kit.facts(ft.Queued)[0].rank
    kit.ready("82")
    kit.wait(30)
    does(kit, "81", "consult", "82")
    kit.hang_up(kit.leg_of("81"))
    assert outcomes(kit) == ["withdrawn"] and kit.call(leg) is CallState.QUEUED
    assert kit.facts(ft.Queued)[-1].rank == rank
    kit.everybody_leaves()


def test_agent_hangs_up_while_he_consults() -> None:
    kit = house_kit()
    leg, _ = consulting(kit)
    kit.hang_up(kit.leg_of("81"))
    assert kit.state("82") is AgentState.TALKING and kit.call(leg) is CallState.TALKING
    assert kit.facts(ft.TalkEnded)[-1].by == "agent"
    kit.everybody_leaves()


def test_consult_outside_completed_and_joined_later() -> None:
    kit = house_kit()
    leg, second = consulting(kit, f"number:{OUTSIDE}")
    does(kit, "81", "complete")
    assert kit.call(leg) is CallState.OUTSIDE
    kit.hang_up(leg)
    assert not kit.board.floor.calls and second not in kit.legs
    kit.everybody_leaves()


def test_complete_before_the_answer_is_refused() -> None:
    kit = house_kit()
    talking(kit)
    kit.ready("82")
    does(kit, "81", "consult", "700")
    assert control(kit, "81", "complete") == (False, "agent:82 has not answered yet")
    assert control(kit, "81", "hold")[0] is False and control(kit, "81", "transfer", "queue:network")[0] is False
    kit.everybody_leaves()


def test_survey_ends_the_talk() -> None:
    kit = house_kit()
    leg = talking(kit)
    does(kit, "81", "survey")
    assert kit.said(leg)[-1] == "survey-ask" and kit.facts(ft.TalkEnded)[-1].by == "survey"
    kit.everybody_leaves()


# -- recordings --


def test_each_talk_has_a_recording_of_its_own() -> None:
    kit = house_kit(billing={"recording": {"policy": "always"}})
    consulting(kit)
    does(kit, "81", "complete")
    assert [f.agent for f in kit.facts(ft.RecordingWanted)] == ["81", "82"]
    assert len(kit.effects(fx.StopRecording)) == len(kit.effects(fx.JoinRecording)) == 1
    kit.everybody_leaves()
    assert len(kit.facts(ft.RecordingStored)) == 2


# -- keys --


def test_codes_of_a_talk() -> None:
    kit = house_kit()
    leg = talking(kit)
    agent = kit.leg_of("81")
    kit.press("*1", agent)
    assert kit.facts(ft.HoldBegan)
    kit.press("*1", agent)
    assert kit.facts(ft.HoldEnded)
    kit.press("*9*9", agent)
    assert len(kit.effects(fx.Mute)) == len(kit.effects(fx.Unmute)) == 1
    kit.ready("82")
    kit.press("*282#", agent)
    kit.answers("82")
    kit.press("*6", agent)
    assert kit.facts(ct.ConferenceBegan)
    kit.press("*5", agent)
    assert outcomes(kit) == ["returned"]
    kit.press("*8", agent)
    assert kit.said(leg)[-1] == "survey-ask"
    kit.everybody_leaves()


def test_a_code_that_is_refused_says_so_to_the_agent_alone() -> None:
    kit = house_kit()
    leg = talking(kit)
    agent = kit.leg_of("81")
    kit.press("*4", agent)
    assert kit.said(agent)[-1] == "not-possible-now" and "not-possible-now" not in kit.said(leg)
    kit.press("*4", agent)
    assert len(kit.effects(fx.StopPlay)) >= 1
    kit.everybody_leaves()


def test_a_code_half_typed_is_forgotten() -> None:
    kit = house_kit()
    talking(kit)
    agent = kit.leg_of("81")
    kit.press("*", agent)
    kit.wait(5)
    kit.press("1", agent)
    assert not kit.facts(ft.HoldBegan)
    kit.press("5*1", agent)
    assert kit.facts(ft.HoldBegan)
    kit.everybody_leaves()


# -- supervisors --


def supervised(kit: Kit, how: ct.Control = "listen") -> tuple[LegId, LegId]:
    """83 is with the talk of 81: caller's and supervisor's leg."""
    leg = talking(kit)
    kit.ask("83", "sign-in")
    does(kit, "83", how, "81")
    boss = kit.leg_of("83")
    kit.event(ev.LegAnswered(boss))
    return leg, boss


def test_listen_whisper_barge_and_leave() -> None:
    kit = house_kit()
    _, boss = supervised(kit)
    snoop = kit.effects(fx.Snoop)[-1]
    assert (snoop.of, snoop.whisper) == (kit.leg_of("81"), False)
    kit.legs[snoop.leg] = "snoop"
    kit.event(ev.LegAnswered(snoop.leg))
    assert kit.effects(fx.Join)[-1].leg == snoop.leg
    does(kit, "83", "whisper")
    assert kit.effects(fx.Snoop)[-1].whisper
    kit.press("3", boss)
    talk = next(iter(kit.board.floor.calls.values())).talk
    assert talk is not None and kit.effects(fx.Join)[-1] == fx.Join("7-1", talk.bridge, boss, keep_keys=True)
    does(kit, "83", "leave")
    assert [f.how for f in kit.facts(ct.Supervised)] == ["listen", "whisper", "barge"]
    assert len(kit.facts(ct.SupervisionEnded)) == 1 and kit.state("81") is AgentState.TALKING
    kit.everybody_leaves()


def test_whom_a_supervisor_listens_to_is_shown() -> None:
    kit = house_kit()
    _, boss = supervised(kit)

    def shown() -> str | None:
        return next(each for each in views.agents(kit.board.floor, kit.now) if each.number == "83").supervising

    assert shown() == "81"
    kit.hang_up(boss)
    assert shown() is None
    assert control(kit, "83", "listen") == (False, "say whom: target")
    kit.everybody_leaves()


def test_whose_phone_is_in_use_is_not_counted_as_ready() -> None:
    kit = house_kit()
    kit.ready("82")

    def ready() -> int:
        return sum(queue.ready for queue in views.queues(kit.board.floor, kit.now))

    assert ready() == 1
    desk = kit.dial("p82", "*11")
    assert ready() == 0
    kit.hang_up(desk)
    assert ready() == 1
    kit.everybody_leaves()


@pytest.mark.parametrize("by", ["himself", "a supervisor"])
def test_who_signs_out_listens_no_more(by: str) -> None:
    kit = house_kit()
    _, boss = supervised(kit)
    if by == "himself":
        kit.ask("83", "sign-out")
    else:
        kit.event(ForceAsked(AgentId("83"), "sign-out", AgentId("83"), "he has gone home", RequestId("r")))
    assert boss not in kit.legs and len(kit.facts(ct.SupervisionEnded)) == 1
    assert kit.state("81") is AgentState.TALKING
    kit.everybody_leaves()


def test_take_over() -> None:
    kit = house_kit(billing={"recording": {"policy": "always"}})
    leg, boss = supervised(kit, "whisper")
    kit.press("4", boss)
    assert kit.state("81") is AgentState.WRAP_UP and kit.state("83") is AgentState.TALKING
    assert kit.facts(ft.TalkEnded)[-1].by == "take-over" and kit.facts(ft.Connected)[-1].agent == "83"
    assert [f.agent for f in kit.facts(ft.RecordingWanted)] == ["81", "83"]
    kit.hang_up(boss)
    kit.wait(60)
    assert kit.call(leg) is CallState.IN_FLOW and kit.state("83") is AgentState.NOT_READY
    kit.everybody_leaves()


def test_supervision_ends_with_the_talk_and_his_phone_is_free_again() -> None:
    kit = house_kit()
    leg, _ = supervised(kit)
    kit.hang_up(leg)
    assert kit.facts(ct.SupervisionEnded) and not kit.board.floor.supervising
    assert not +kit.board.floor.phones_used
    kit.everybody_leaves()


def test_help_rings_a_supervisor() -> None:
    kit = house_kit()
    talking(kit)
    kit.ask("83", "sign-in")
    kit.press("*7", kit.leg_of("81"))
    assert kit.facts(ct.HelpAsked)[0].supervisor == "83"
    assert kit.effects(fx.Ring)[-1].phone == "p83"
    assert control(kit, "83", "take-over") == (False, "p83 has not answered yet")
    kit.wait(30)
    assert not kit.facts(ct.Supervised), "nobody answered"
    kit.everybody_leaves()


def test_one_supervisor_a_talk_and_not_while_his_phone_is_used() -> None:
    kit = house_kit()
    talking(kit)
    kit.ask("83", "sign-in")
    kit.dial("p83", "*12")
    assert control(kit, "83", "listen", "81") == (False, "p83 is in use")
    kit.everybody_leaves()


def test_a_supervisors_bridge_that_fails_costs_nobody_his_call() -> None:
    kit = house_kit()
    leg, boss = supervised(kit)
    kit.event(ev.CommandFailed("Join", "7-1", boss, "error"))
    assert kit.call(leg) is CallState.TALKING and kit.facts(ct.SupervisionEnded)
    kit.everybody_leaves()


# -- the flow's transfer node --


def transferring(**node: object) -> Kit:
    flow = {
        "start": "there",
        "nodes": {
            "there": {"type": "transfer", "next": "thanks", "on_busy": "busy", "on_no_answer": "none", **node},
            "thanks": {"type": "hangup", "say": ["survey-thanks"]},
            "busy": {"type": "hangup", "say": ["queue-full"]},
            "none": {"type": "hangup", "say": ["queue-timeout"]},
        },
    }
    return Kit(house(), flow)


def test_transfer_node_to_a_number() -> None:
    kit = transferring(number=OUTSIDE, ring_s=10)
    leg = kit.arrive()
    dial = kit.effects(fx.Dial)[-1]
    assert dial.ring_s == 10 and kit.said(leg) == ["please-wait"]
    kit.event(ev.LegAnswered(dial.leg))
    assert kit.call(leg) is CallState.OUTSIDE and kit.facts(ct.TransferBegan)[0].agent is None
    kit.hang_up(dial.leg)
    assert kit.said(leg)[-1] == "survey-thanks"
    kit.everybody_leaves()


@pytest.mark.parametrize(
    ("cause", "said"), [(17, "queue-full"), (19, "queue-timeout"), (21, "goodbye"), (20, "queue-timeout")]
)
def test_transfer_node_that_nobody_takes(cause: int, said: str) -> None:
    kit = transferring(directory="shop")
    leg = kit.arrive()
    kit.hang_up(kit.effects(fx.Dial)[-1].leg, cause)
    assert kit.said(leg)[-1] == said
    kit.everybody_leaves()


def test_transfer_node_to_an_agent_records_and_wraps_up_by_a_queue() -> None:
    kit = transferring(agent="82")
    kit.ready("82")
    leg = kit.arrive()
    kit.answers("82")
    assert kit.call(leg) is CallState.TALKING and kit.facts(ft.Connected)[0].queue == "network"
    kit.hang_up(kit.leg_of("82"))
    assert kit.said(leg)[-1] == "survey-thanks"
    kit.everybody_leaves()


def test_transfer_node_to_an_agent_who_is_not_ready() -> None:
    kit = transferring(agent="82")
    leg = kit.arrive()
    assert kit.said(leg)[-1] == "queue-full"
    kit.everybody_leaves()


def test_transfer_node_that_leads_to_itself_is_broken_off() -> None:
    kit = transferring(agent="82", on_busy="there")
    kit.arrive()
    assert kit.facts(ft.CallClosed)[0].by == "flow"


def test_transfer_node_waits_for_the_notice_before_it_joins() -> None:
    recorded = house(billing={"recording": {"policy": "announce"}})
    kit = transferring(number=OUTSIDE, record_as="billing")
    kit = Kit(recorded, {**kit.flow})
    leg = kit.arrive()
    assert kit.said(leg) == ["recording-notice", "please-wait"]
    kit.event(ev.LegAnswered(kit.effects(fx.Dial)[-1].leg))
    assert kit.call(leg) is CallState.DIALLING
    kit.heard(leg)
    assert kit.call(leg) is CallState.OUTSIDE and kit.facts(ft.RecordingWanted)
    kit.everybody_leaves()


def test_a_crash_during_the_notice_of_a_transfer_joins_who_has_answered() -> None:
    kit = transferring(number=OUTSIDE, record_as="billing")
    kit = Kit(house(billing={"recording": {"policy": "announce"}}), {**kit.flow})
    leg = kit.arrive()
    kit.event(ev.LegAnswered(kit.effects(fx.Dial)[-1].leg))
    assert kit.call(leg) is CallState.DIALLING
    kit.crash()
    assert kit.call(leg) is CallState.OUTSIDE
    kit.everybody_leaves()


# -- what pages see --


def test_views_tell_of_transfers_and_supervision() -> None:
    kit = house_kit()
    leg, second = consulting(kit)
    kit.ask("83", "sign-in")
    does(kit, "83", "listen", "81")
    does(kit, "81", "mute")

    def seen() -> views.CallView:
        return views.calls(kit.board.floor, kit.now)[0]

    now = seen()
    assert (now.transfer, now.transfer_state, now.held, now.muted) == ("agent:82", "consulting", True, True)
    assert [agent.held for agent in views.agents(kit.board.floor, kit.now) if agent.number == "81"] == [True]
    assert (now.supervisor, now.supervision) == ("83", "")
    kit.event(ev.LegAnswered(kit.leg_of("83")))
    does(kit, "81", "conference")
    assert (seen().transfer_state, seen().supervision, seen().held) == ("three-way", "listen", False)
    does(kit, "81", "complete")
    assert (seen().agent, seen().passed_by, seen().transfer_state, seen().supervisor) == ("82", "81", "", None)
    kit.hang_up(second)
    kit.hang_up(leg)
    kit.everybody_leaves()


# -- a lost link --


def test_answers_missed_while_the_link_was_down() -> None:
    kit = house_kit()
    talking(kit)
    kit.ready("82")
    kit.ask("83", "sign-in")
    does(kit, "83", "listen", "81")
    does(kit, "81", "consult", "82")
    kit.event(ev.LinkDown("lost"))
    kit.link_up()
    call = next(iter(kit.board.floor.calls.values()))
    assert call.invite is not None and call.invite.answered
    assert call.watch is not None and call.watch.answered
    kit.event(ev.LinkDown("lost"))
    kit.link_up()
    assert call.watch.snooping
    kit.everybody_leaves()


def test_bridges_of_transfers_live_through_a_lost_link() -> None:
    kit = house_kit()
    leg, boss = supervised(kit)
    call = next(iter(kit.board.floor.calls.values()))
    assert call.watch is not None and call.talk is not None
    does(kit, "81", "hold")
    empty = [ev.BridgeSeen(at, "mixing", ()) for at in (call.talk.bridge, call.watch.bridge)]
    dropped = len(kit.effects(fx.DropBridge))
    kit.event(ev.LinkDown("lost"))
    kit.event(ev.LinkUp("22"))
    seen = kit.listing()
    kit.event(ev.Listed(seen.channels, tuple(empty), seen.phones))
    assert len(kit.effects(fx.DropBridge)) == dropped and {leg, boss} <= set(kit.legs)
    kit.everybody_leaves()
