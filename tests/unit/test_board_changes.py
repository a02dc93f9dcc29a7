"""Flows swapped and hours closed while calls go on."""

import pytest

from ari_app.board.board import Board
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import RequestId
from ari_app.model.routing import Hours, hours_text
from tests.board_kit import MAIN, NOON, Kit, loaded, settings

OFFICE = {"office": {"weekly": {"mon-sun": ["00:00-24:00"]}, "holidays": "as-usual"}}
SHORT = {"start": "bye", "nodes": {"bye": {"type": "hangup", "say": ["goodbye"]}}}


def version(flow, name, text="main"):
    return loaded(flow, text).model_copy(update={"version": name})


def swap(kit, *flows, offer=True, how="reload"):
    if offer:
        kit.board.offer_flows(flows)
    event = ev.FlowsLoaded(tuple((f.name, f.version) for f in flows), "li", how, request=RequestId("r"))
    return next(e for e in kit.event(event) if isinstance(e, fx.Reply))


def test_a_live_call_ends_on_the_version_it_began_with():
    kit = Kit()
    old = kit.arrive()
    kit.heard()
    kit.press("*")
    assert swap(kit, version(SHORT, "v2")).ok
    new = kit.arrive()
    assert kit.said(new) == ["goodbye"]
    kit.press("3", old)
    kit.press("1", old)
    assert [f.queue for f in kit.facts(ft.Queued)] == ["billing"]
    assert [f.flow_version for f in kit.facts(ft.CallOpened)] == ["v1", "v2"]
    assert kit.facts(ft.FlowsActivated)[-1] == ft.FlowsActivated((("main", "v2"),), "li", "reload")
    kit.everybody_leaves()


def test_what_was_not_offered_changes_nothing():
    kit = Kit()
    reply = swap(kit, version(SHORT, "v2"), offer=False)
    assert not reply.ok and "main v2" in reply.message
    assert not kit.facts(ft.FlowsActivated) and kit.effects(fx.Warn)
    kit.arrive()
    assert kit.facts(ft.CallOpened)[0].flow_version == "v1"


def test_an_offer_is_good_for_one_swap_and_live_flows_need_none():
    kit = Kit()
    assert swap(kit, version(SHORT, "v2"), version(MAIN, "v1", "other")).ok
    assert swap(kit, version(SHORT, "v2"), offer=False).ok
    assert not swap(kit, version(SHORT, "v2"), version(MAIN, "v1", "other"), offer=False).ok
    assert list(kit.board.floor.flows) == ["main"]


def test_a_flow_that_was_removed_is_an_unknown_number():
    kit = Kit(settings=settings(numbers={"1860": {"flow": "main"}, "1861": {"flow": "other"}}))
    assert swap(kit, version(MAIN, "v1", "other")).ok
    kit.arrive()
    assert kit.facts(ft.CallRefused)[0].reason == "unknown-number"


# -- closures --


def close(kit, hours, closed=True, until=None):
    event = ev.ClosureSet(hours, closed, until, "li", "fire drill", RequestId("r"))
    return next(e for e in kit.event(event) if isinstance(e, fx.Reply))


def open_kit():
    billing = {"skills": {"billing": 1}, "hours": "office"}
    return Kit(settings=settings(hours=OFFICE, billing=billing))


def goes_to(kit, key):
    """The outcome of the queue a new caller chooses: `closed`, or None while he waits."""
    before = len(kit.facts(ft.QueueLeft))
    leg = kit.arrive()
    kit.heard()
    kit.press(key, leg)
    left = kit.facts(ft.QueueLeft)[before:]
    return left[0].outcome if left else None


def test_what_is_still_closed_is_said():
    kit = open_kit()
    close(kit, "office")
    assert close(kit, "*", closed=False).message == "all: was not closed by hand; still closed by hand: office"
    close(kit, "*")
    assert close(kit, "office", closed=False).message == "office: no longer closed by hand; still closed by hand: all"
    assert close(kit, "*", closed=False).message == "all: no longer closed by hand"
    kit.everybody_leaves()


def test_closed_hours_close_their_queues_and_no_others():
    kit = open_kit()
    assert close(kit, "office").ok
    assert (goes_to(kit, "1"), goes_to(kit, "2")) == ("closed", None)
    assert close(kit, "office", closed=False).ok
    assert goes_to(kit, "1") is None
    assert [f.closed for f in kit.facts(ft.ClosureChanged)] == [True, False]
    kit.everybody_leaves()


def test_all_closes_queues_without_hours_too_until_the_time_given():
    kit = open_kit()
    assert close(kit, ev.ALL_HOURS, until=NOON + 600).ok
    assert (goes_to(kit, "1"), goes_to(kit, "2")) == ("closed", "closed")
    kit.wait(601)
    assert (goes_to(kit, "1"), goes_to(kit, "2")) == (None, None)


def test_a_closure_is_not_pinned_to_the_version_a_call_began_with():
    kit = open_kit()
    leg = kit.arrive()
    kit.heard()
    close(kit, "office")
    kit.press("1", leg)
    assert kit.facts(ft.QueueLeft)[0].outcome == "closed"


def test_those_who_wait_already_keep_waiting():
    kit = open_kit()
    assert goes_to(kit, "1") is None
    close(kit, ev.ALL_HOURS)
    kit.ready("81")
    assert kit.leg_of("81")
    kit.everybody_leaves()


@pytest.mark.parametrize(("hours", "until"), [("office", NOON - 1), ("office", NOON), ("ofice", None), ("", None)])
def test_a_closure_that_cannot_be_is_refused(hours, until):
    kit = open_kit()
    assert not close(kit, hours, until=until).ok
    assert not kit.facts(ft.ClosureChanged) and not kit.board.floor.closures


def test_opening_what_is_open_notes_nothing():
    kit = open_kit()
    assert close(kit, "office", closed=False).ok
    close(kit, "office", until=NOON + 1)
    kit.wait(2)
    assert close(kit, "office", closed=False).ok
    assert len(kit.facts(ft.ClosureChanged)) == 1


def test_a_closure_outlives_its_daemon():
    kit = open_kit()
    kit.event(ev.Restored((), (ev.Closure("office", None), ev.Closure("*", NOON - 1))))
    assert (goes_to(kit, "1"), goes_to(kit, "2")) == ("closed", None)


def test_replay_of_the_events_gives_the_same():
    kit = open_kit()
    swap(kit, version(SHORT, "v2"))
    close(kit, "office")
    kit.arrive()
    again = Board(kit.settings, {"main": loaded(MAIN)}, kit.board.floor.zone)
    for now, event, effects in kit.log:
        if isinstance(event, ev.FlowsLoaded):
            again.offer_flows([version(SHORT, "v2")])
        assert again.handle(event, now) == effects


# -- opening hours of config.yaml --


def take_hours(kit, hours):
    found = {name: Hours.model_validate(each) for name, each in hours.items()}
    event = ev.HoursLoaded(hours_text(found), "li", RequestId("r"))
    return next(e for e in kit.event(event) if isinstance(e, fx.Reply))


def test_special_hours_count_for_calls_that_are_in_already():
    kit = open_kit()
    leg = kit.arrive()
    kit.heard()
    office = {**OFFICE["office"], "exceptions": {"2026-03-02": []}}
    assert take_hours(kit, {"office": office}).ok
    kit.press("1", leg)
    assert kit.facts(ft.QueueLeft)[0].outcome == "closed"
    assert take_hours(kit, OFFICE).ok
    assert goes_to(kit, "1") is None


def test_special_hours_count_in_a_flow_too():
    asks = {"type": "hours", "hours": "office", "on_open": "bye", "on_closed": "shut"}
    menu = {"type": "menu", "say": ["main-menu"], "keys": {"1": "asks"}}
    bye, shut = ({"type": "hangup", "say": [prompt]} for prompt in ("goodbye", "closed-by-hand"))
    flow = {"start": "menu", "nodes": {"menu": menu, "asks": asks, "bye": bye, "shut": shut}}
    kit = Kit(flow=flow, settings=settings(hours=OFFICE))
    leg = kit.arrive()
    kit.heard()
    assert take_hours(kit, {"office": {"weekly": {"mon": []}}}).ok
    kit.press("1", leg)
    assert kit.said(leg)[-1] == "closed-by-hand"


def test_hours_a_queue_needs_cannot_go():
    kit = open_kit()
    reply = take_hours(kit, {"other": OFFICE["office"]})
    assert not reply.ok and "office" in reply.message
    assert goes_to(kit, "1") is None


def test_a_prompt_names_the_audio_of_its_flow():
    kit = Kit()
    old = kit.arrive()
    assert kit.effects(fx.Play)[-1].audio == ""
    swap(kit, version(MAIN, "v1").model_copy(update={"audio": "abc"}))
    kit.arrive()
    assert kit.effects(fx.Play)[-1].audio == "abc"
    kit.heard(old)
    kit.press("*", old)
    assert {play.audio for play in kit.effects(fx.Play) if play.leg == old} == {""}
