"""Metrics: facts, events and samples in, Prometheus text out."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ari_app.board.views import QueueView, Totals
from ari_app.model import facts
from ari_app.model.effects import Note, Warn
from ari_app.model.events import CommandFailed, DrainAsked, LinkDown
from ari_app.model.ids import AgentId, CallId, Number, OfferId, QueueName, RecordingId
from ari_app.model.routing import Limits
from ari_app.model.states import AgentState, CallState
from ari_app.web.metrics import LABELS_MAX, Levels, Metrics

CALL, AGENT, QUEUE, OFFER = CallId("7-1"), AgentId("8025"), QueueName("billing"), OfferId("7-1.l1")


@pytest.fixture
def metrics():
    return Metrics()


def read(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """(name, label values by label name …): value."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


FACTS = [
    (facts.CallOpened(CALL, Number("13800138000"), "1860", "local", "main", "0", "en"), ("calls_opened_total",)),
    (facts.CallClosed(CALL, "caller", "menu", 16, 3.0), ("calls_closed_total", "caller", "16")),
    (facts.CallClosed(CALL, "lost", "menu", 999, 3.0), ("calls_closed_total", "lost", "other")),
    (facts.CallClosed(CALL, "limit", "menu", 16, 3.0), ("limit_reached_total", "call_s_max")),
    (facts.CallRefused(CALL, "unknown-number"), ("calls_refused_total", "unknown-number")),
    (facts.CallRefused(CALL, "disk full: 3 MiB left"), ("calls_refused_total", "door")),
    (facts.CallRefused(CALL, "calls-max"), ("limit_reached_total", "calls_max")),
    (facts.OfferEnded(CALL, OFFER, AGENT, "ran-out"), ("offers_total", "ran-out")),
    (facts.QueueLeft(CALL, 1, QUEUE, "abandoned", 12.0), ("queue_left_total", "abandoned", "billing")),
    (facts.QueueLeft(CALL, 1, QUEUE, "abandoned", 12.0), ("queue_wait_seconds_count", "billing")),
    (facts.QueueLeft(CALL, 1, QUEUE, "full", 0.0), ("limit_reached_total", "waiting_max")),
    (facts.QueueLeft(CALL, 1, QUEUE, "timed-out", 9.0), ("limit_reached_total", "wait_s_max")),
    (facts.Connected(CALL, OFFER, QUEUE, AGENT, 4.0), ("calls_connected_total", "billing")),
    (facts.TalkEnded(CALL, OFFER, AGENT, "agent", 60.0), ("talk_seconds_count",)),
    (facts.RecordingMissed(CALL, RecordingId("7-1.r1"), "AMI down"), ("recordings_missed_total",)),
    (facts.RecordingStored(CALL, RecordingId("7-1.r1"), "p", 1.0, 1, "s"), ("recordings_stored_total",)),
    (facts.PromptFailed(CALL, "menu"), ("prompts_failed_total",)),
]


@pytest.mark.parametrize(("fact", "key"), FACTS)
def test_a_fact_counts_once(metrics, fact, key):
    key = (f"hotline_{key[0]}", *key[1:])
    metrics.observe(Note(fact))
    assert read(metrics)[key] == 1
    metrics.observe(fact)
    assert read(metrics)[key] == 2


def test_a_full_queue_is_no_wait(metrics):
    metrics.observe(facts.QueueLeft(CALL, 1, QUEUE, "full", 0.0))
    assert ("hotline_queue_wait_seconds_count", "billing") not in read(metrics)


def test_watch_times_the_event_and_counts_its_effects(metrics):
    metrics.watch(LinkDown("gone"), [Warn("link lost"), Note(facts.DaemonStarted(7))], 0.002)
    seen = read(metrics)
    assert seen["hotline_event_seconds_count", "LinkDown"] == 1
    assert seen["hotline_event_seconds_sum", "LinkDown"] == pytest.approx(0.002)
    assert seen["hotline_warnings_total",] == 1
    assert seen["hotline_epoch",] == 7


def test_failed_commands_by_reason(metrics):
    metrics.watch(CommandFailed("Play", CALL, "7-1.p1", "gone"), [], 0.0)
    assert read(metrics)["hotline_ari_commands_failed_total", "Play", "gone"] == 1


def test_what_others_count_goes_on_from_their_totals(metrics):
    for bugs, unknown in (
        (1, {"TextMessageReceived": 2}),
        (3, {"TextMessageReceived": 2, "StasisStart incomplete": 1}),
    ):
        metrics.sample(totals(), [], Levels(0, 0, 0.0, bugs, unknown))
    seen = read(metrics)
    assert seen["hotline_bugs_total",] == 3
    assert seen["hotline_ari_unknown_events_total", "TextMessageReceived"] == 2
    assert seen["hotline_ari_unknown_events_total", "StasisStart incomplete"] == 1


def test_limits_of_the_shell(metrics):
    metrics.limit_reached("inbox_max")
    metrics.limit_reached("not a name: 3 MiB")
    seen = read(metrics)
    assert seen["hotline_limit_reached_total", "inbox_max"] == seen["hotline_limit_reached_total", "other"] == 1


def test_values_from_outside_stay_few(metrics):
    unknown = {f"Made{n}": 1 for n in range(LABELS_MAX + 20)} | {'x"} 1\n': 1}
    metrics.sample(totals(), [], Levels(0, 0, 0.0, 0, unknown))
    kinds = {key[1]: value for key, value in read(metrics).items() if key[0] == "hotline_ari_unknown_events_total"}
    assert len(kinds) == LABELS_MAX + 1
    assert kinds["other"] == 21


def test_every_limit_is_there_from_the_start(metrics):
    seen = {key[1] for key in read(metrics) if key[0] == "hotline_limit_reached_total"}
    assert set(Limits.model_fields) <= seen


def totals(**changes) -> Totals:
    given = {
        "calls": 1,
        "calls_by_state": {state: int(state is CallState.QUEUED) for state in CallState},
        "agents_by_state": {state: int(state is AgentState.READY) for state in AgentState},
        "waiting": 1,
        "longest_wait_s": 4.5,
        "link": True,
        "door": "",
        "draining": False,
    }
    return Totals(**{**given, **changes})


def test_sample_sets_the_gauges_and_sets_them_back(metrics):
    queue = QueueView(QUEUE, 3, 1, 4.5, 2, 5)
    metrics.sample(totals(), [queue], Levels(inbox=12, journal=34, lag_s=0.25, ari={"prompts_missing": 2}))
    seen = read(metrics)
    assert seen["hotline_ari", "prompts_missing"] == 2
    assert seen["hotline_inbox_events",] == 12
    assert seen["hotline_journal_rows",] == 34
    assert seen["hotline_loop_lag_seconds",] == 0.25
    assert seen["hotline_asterisk_up",] == seen["hotline_door_open",] == 1
    assert seen["hotline_calls", "queued"] == 1 and seen["hotline_calls", "talking"] == 0
    assert seen["hotline_agents", "ready"] == 1
    assert [seen[f"hotline_queue_{name}", "billing"] for name in ("waiting", "longest_wait_seconds")] == [3, 4.5]
    assert [seen[f"hotline_queue_agents_{name}", "billing"] for name in ("ready", "signed_in")] == [2, 5]
    metrics.sample(totals(link=False, draining=True, door="disk"), [], Levels(0, 0, 0.0))
    seen = read(metrics)
    assert seen["hotline_asterisk_up",] == seen["hotline_door_open",] == seen["hotline_inbox_events",] == 0


def test_two_daemons_in_one_process_do_not_clash():
    first, second = Metrics(), Metrics()
    first.observe(FACTS[0][0])
    assert read(second)["hotline_calls_opened_total",] == 0


def test_names_and_privacy(metrics):
    for fact, _ in FACTS:
        metrics.observe(fact)
    metrics.watch(DrainAsked(), [], 0.0)
    text = metrics.exposition().decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    assert names and all(name.startswith("hotline_") for name in names)
    assert "13800138000" not in text and "_created" not in text


def test_who_is_screened_and_appeals_and_what_became_of_calls(metrics):
    metrics.harassed(3, 1, {"answered": 2, "refused": 7})
    found = read(metrics)
    assert found["hotline_numbers_screened",] == 3 and found["hotline_appeals_waiting",] == 1
    assert found["hotline_screened_calls_total", "answered"] == 2
    assert found["hotline_screened_calls_total", "refused"] == 7
    metrics.harassed(3, 1, {"answered": 3, "refused": 7})
    metrics.harassed(3, 1, {"answered": 1, "refused": 0})  # Asterisk has started anew.
    metrics.harassed(3, 1, {"answered": 2, "refused": 1})
    found = read(metrics)
    assert found["hotline_screened_calls_total", "answered"] == 4
    assert found["hotline_screened_calls_total", "refused"] == 8
