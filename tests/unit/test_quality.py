"""How calls sounded: the E-model's figures, what Asterisk's figures add up to, and whose fault noise is."""

import sqlite3

import pytest

from ari_app.kpi.mos import mos, mos_of, r_factor
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model.ids import CallId, LegId
from ari_app.quality import LEGS_MAX, RESTARTS_MAX, Quality
from ari_app.store import projections
from ari_app.store.migrations import migrate
from tests.board_kit import Kit
from tests.unit.test_board_scripts import made, talking


def test_the_e_model_gives_its_known_figures() -> None:
    """G.107 Annex B: R 93.2 is MOS 4.41, 50 is 2.58, 0 and below 1."""
    assert mos(93.2) == pytest.approx(4.41, abs=0.01)
    assert mos(50) == pytest.approx(2.58, abs=0.01)
    assert (mos(-5), mos(120)) == (1.0, 4.5)
    assert r_factor(0.0, 0.0) == 93.2
    assert r_factor(0.02, 0.0) == pytest.approx(93.2 - 95 * 2 / 27.1)
    assert r_factor(0.0, 277.3) == pytest.approx(93.2 - 0.024 * 277.3 - 11)
    assert 4.3 < mos_of(0.0, 2.0, 40.0) < 4.41 and mos_of(0.1, 2.0, 40.0) < 3.4
    assert mos_of(0.05, 0.0, 0.0) > mos_of(0.05, 0.0, 600.0)


def report(leg: str, lost: int) -> dict[str, str]:
    return {"Event": "RTCPSent", "Uniqueid": leg, "Report0FractionLost": str(lost)}


def said(leg: str, name: str, value: str) -> dict[str, str]:
    return {"Event": "VarSet", "Uniqueid": leg, "Variable": f"RTPAUDIOQOS{name}", "Value": value}


def sums(leg: str, lost: int, came: int) -> list[dict[str, str]]:
    """What Asterisk says of a leg when it ends, as it spells it."""
    return [
        said(leg, "", f"ssrc=1;themssrc=2;lp={lost};rxjitter=0.000000;rxcount={came};txjitter=0.00025;rtt=0.000000"),
        said(leg, "JITTER", "minrxjitter=000.000125;maxrxjitter=000.010000;avgrxjitter=000.000614;"),
        said(leg, "RTT", "     minrtt=000.000000;     maxrtt=000.020000;     avgrtt=000.010000;"),
    ]


@pytest.mark.parametrize("asked_first", [False, True])
def test_a_leg_is_told_of_once_when_both_the_board_and_asterisk_are_done_with_it(asked_first: bool) -> None:
    told: list[ev.Event] = []
    quality = Quality(told.append, told.append)
    quality.hears(report("c1", 128))
    quality.hears(report("c1", 64))
    quality.hears({"Event": "RTCPSent", "Uniqueid": "c1"})  # Nothing came from it: no report.
    asked = fx.MeasureLeg(CallId("1-1"), LegId("c1"))
    if asked_first:
        quality.perform(asked)
    for event in sums("c1", 75, 225):
        assert told == []
        quality.hears(event)
    if not asked_first:
        quality.perform(asked)
    assert told == [ev.LegMeasured(CallId("1-1"), LegId("c1"), 0.25, 0.5, 10.0, 20.0)]
    assert not quality._legs


def stream(ssrc: str, reached: int) -> dict[str, str]:
    return report("c1", 0) | {"Report0SourceSSRC": ssrc, "Report0HighestSequence": str(reached)}


@pytest.mark.parametrize(
    ("before", "now", "anew"),
    [
        (("0x01", 1000), ("0x01", 1250), False),
        (("0x01", 65_500), ("0x01", 214), False),  # It counts on behind its last number.
        (("0x01", 1000), ("0x01", 20_000), False),  # Lost are some; none of these is older.
        (("0x01", 1000), ("0x01", 990), False),
        (("0x01", 30_000), ("0x01", 1000), True),
        (("0x01", 1000), ("0x02", 1250), True),
    ],
)
def test_a_stream_that_began_anew_is_told_once(before: tuple[str, int], now: tuple[str, int], anew: bool) -> None:
    told: list[ev.Event] = []
    quality = Quality(told.append, told.append)
    for one in (before, before, now, now):
        quality.hears(stream(*one))
    assert told == ([ev.StreamRestarted(LegId("c1"))] if anew else [])


def test_two_streams_at_once_are_not_told_for_ever() -> None:
    told: list[ev.Event] = []
    quality = Quality(told.append, told.append)
    for n in range(100):
        quality.hears(stream(f"0x0{n % 2}", 1000 + n))
    assert told == [ev.StreamRestarted(LegId("c1"))] * RESTARTS_MAX


def test_a_jump_of_time_stamps_is_no_jitter() -> None:
    told: list[ev.Event] = []
    quality = Quality(told.append, told.append)
    for event in sums("c1", 0, 100):
        quality.hears(event)
        if event["Variable"].endswith("JITTER"):
            quality.hears({**event, "Value": "minrxjitter=0.0;maxrxjitter=9012.345;avgrxjitter=000.004000;"})
            quality.perform(fx.MeasureLeg(CallId("1-1"), LegId("c1")))
    assert told == [ev.LegMeasured(CallId("1-1"), LegId("c1"), 0.0, 0.0, 4.0, 20.0)]


def test_a_loss_spread_evenly_is_also_that_of_the_worst_report() -> None:
    told: list[ev.Event] = []
    quality = Quality(told.append, told.append)
    for event in sums("c1", 10, 90):
        quality.hears(event)
    quality.perform(fx.MeasureLeg(CallId("1-1"), LegId("c1")))
    assert told == [ev.LegMeasured(CallId("1-1"), LegId("c1"), 0.1, 0.1, 10.0, 20.0)]


def test_of_a_leg_that_sent_nothing_nothing_is_told() -> None:
    told: list[ev.Event] = []
    quality = Quality(told.append, told.append)
    for event in sums("c1", 0, 0):
        quality.hears(event)
    quality.perform(fx.MeasureLeg(CallId("1-1"), LegId("c1")))
    assert told == [] and not quality._legs


def test_a_report_of_loss_counts_until_the_next_one_would_have_come() -> None:
    now = 100.0
    quality = Quality(lambda _: None, lambda _: None, clock=lambda: now)
    assert quality.loss_now(LegId("c1")) == 0.0
    quality.hears(report("c1", 64))
    now += 5
    assert quality.loss_now(LegId("c1")) == 0.25 and quality.loss_now(LegId("c2")) == 0.0
    now += 1
    assert quality.loss_now(LegId("c1")) == 0.0


def test_legs_that_nobody_asks_for_are_forgotten() -> None:
    quality = Quality(lambda _: None, lambda _: None)
    for n in range(LEGS_MAX + 5):
        quality.hears(report(f"c{n}", 64))
    assert len(quality._legs) == LEGS_MAX and quality.loss_now(LegId("c0")) == 0.0


def test_no_leg_of_as_many_calls_as_may_be_is_forgotten() -> None:
    quality = Quality(lambda _: None, lambda _: None, calls_max=LEGS_MAX)
    for n in range(2 * LEGS_MAX):
        quality.hears(report(f"c{n}", 64))
    assert quality.loss_now(LegId("c0")) == 0.25


def test_cause_and_figures_are_rows_that_a_rebuild_gives_again() -> None:
    """Also of a fact older than the cause."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    migrate(conn)
    old = {"call": "1-1", "agent": None, "verdict": "noisy", "speech_dbfs": -20.0, "noise_dbfs": -25.0}
    projections.apply(conn, 1, 10.0, "LineHeard", old)
    projections.apply(conn, 2, 11.0, "LineHeard", {**old, "cause": "network"})
    leg = {"call": "1-1", "leg": "c1", "loss": 0.1, "loss_max": 0.2, "jitter_ms": 5.0, "rtt_ms": 0.0, "mos": 3.0}
    projections.apply(conn, 3, 12.0, "CallQuality", leg)
    assert conn.execute("SELECT fact, cause FROM line_cause").fetchall() == [(2, "network")]
    assert conn.execute("SELECT count(*) FROM line_verdict").fetchone() == (2,)
    assert conn.execute("SELECT leg, loss_max, mos FROM call_quality").fetchall() == [("c1", 0.2, 3.0)]


@pytest.mark.parametrize(("loss", "cause"), [(None, ""), (0.0, "place"), (0.03, "place"), (0.2, "network")])
def test_noise_is_the_networks_when_packets_are_lost_meanwhile(loss: float | None, cause: str) -> None:
    kit = made()
    talking(kit)
    name = kit.effects(fx.HearLine)[-1].line
    kit.event(ev.LineJudged(name, "clear", -20.0, -60.0, loss))
    kit.event(ev.LineJudged(name, "noisy", -20.0, -25.0, loss))
    assert [fact.cause for fact in kit.facts(ft.LineHeard)] == ["", cause]
    kit.everybody_leaves()


def test_each_leg_is_asked_for_when_it_is_gone_and_its_figures_outlive_the_call() -> None:
    kit = Kit()
    leg = kit.arrive()
    kit.hang_up(leg)
    [asked] = kit.effects(fx.MeasureLeg)
    assert asked.leg == leg and not kit.board.floor.calls
    kit.event(ev.LegMeasured(asked.call, leg, 0.02, 0.1, 5.0, 30.0))
    assert kit.facts(ft.CallQuality) == [ft.CallQuality(asked.call, leg, 0.02, 0.1, 5.0, 30.0, mos_of(0.02, 5.0, 30.0))]
