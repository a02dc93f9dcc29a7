"""Facts to tables: each fact runs its queries of sql/projections.sql, with its own fields as their parameters.

The tables hold nothing but what facts say, so `rebuild` makes them anew, row for row the same.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import orjson

from ari_app.model import audit, control, facts, screening_facts, work
from ari_app.model.facts import Fact
from ari_app.store import personal, queries

_SQL = queries.load("projections")

OF_CALL: Final = (
    "call",
    "leg",
    "ivr_step",
    "ivr_key",
    "queue_visit",
    "offer",
    "talk",
    "hold",
    "transfer",
    "supervision",
    "agent_state",
    "disposition",
    "recording",
    "recording_refusal",
    "prompt_gap",
    "line_verdict",
    "call_quality",
    "line_cause",
    "look_up",
    "message",
    "rating",
    "wait_told",
    "callback",
    "callback_try",
    "item",
    "item_offer",
    "message_file",
    "situation",
    "wrap_up_extension",
    "screening",
    "screening_refusal",
)
"""Tables whose rows belong to a call, in their column `call`."""
TABLES: Final = (
    *OF_CALL,
    "flow_active",
    "closure",
    "message_back",
    "item_disposition",
    "prompt_recording",
    "agent_override",
    "surge_step",
    "surge_switch",
)

QUERIES: Final[Mapping[type[Fact], tuple[str, ...]]] = {
    facts.DaemonStarted: ("states_cut", "surge_cut", "item_offers_cut"),
    facts.FlowsActivated: ("flows_activated",),
    facts.ClosureChanged: ("closure_ended", "closure_began"),
    facts.CallOpened: ("call_opened",),
    facts.CallRefused: ("call_refused",),
    facts.LegOpened: ("leg_opened",),
    facts.LegClosed: ("leg_closed",),
    facts.NodeEntered: ("step_left", "step_entered"),
    facts.KeyTaken: ("key_taken",),
    facts.Queued: ("visit_began",),
    facts.QueueLeft: (
        "visit_turned_away",
        "visit_ended",
    ),
    work.WaitTold: ("wait_told",),
    work.CallbackBooked: ("callback_booked",),
    work.CallbackDialled: ("callback_dialled", "try_began"),
    work.CallbackMissed: ("callback_missed", "try_missed"),
    work.CallbackConfirmed: ("callback_confirmed", "try_confirmed"),
    work.CallbackEnded: ("callback_ended",),
    facts.OfferMade: ("offer_made",),
    facts.OfferRang: ("offer_rang",),
    facts.OfferEnded: ("offer_ended",),
    facts.Connected: ("talk_began", "call_connected"),
    facts.HoldBegan: ("hold_began",),
    facts.HoldEnded: ("hold_ended",),
    facts.TalkEnded: ("talk_ended", "hold_ended"),
    control.TransferBegan: ("transfer_began",),
    control.TransferAnswered: ("transfer_answered",),
    control.ConferenceBegan: ("conference_began",),
    control.TransferEnded: ("transfer_ended",),
    control.HelpAsked: ("help_asked",),
    control.Supervised: ("supervision_ended", "supervision_began"),
    control.SupervisionEnded: ("supervision_ended",),
    facts.DispositionNoted: ("disposition_noted",),
    facts.AgentChanged: ("state_ended", "state_began"),
    audit.WrapUpExtended: ("wrap_up_extended",),
    audit.AgentForced: ("agent_forced",),
    audit.SurgeStepTaken: ("surge_taken",),
    audit.SurgeStepUndone: ("surge_undone",),
    audit.SurgeSwitched: ("surge_switched",),
    facts.RecordingWanted: ("recording_wanted",),
    facts.RecordingRunning: ("recording_running",),
    facts.RecordingRefused: ("recording_refused",),
    facts.RecordingMissed: ("recording_missed",),
    facts.RecordingStored: ("recording_stored",),
    facts.PromptFailed: ("prompt_failed",),
    facts.LineHeard: ("line_heard", "line_cause"),
    facts.LineMissed: ("line_missed",),
    facts.CallQuality: ("leg_quality",),
    facts.LookUpDone: ("looked_up",),
    facts.MessageLeft: ("message_left", "message_back"),
    facts.PromptRecorded: ("prompt_recorded",),
    work.MessageStored: ("message_stored",),
    work.ItemOpened: ("item_opened",),
    work.ItemOffered: ("item_offered",),
    work.ItemOfferEnded: ("item_offer_ended",),
    work.ItemTaken: ("item_taken",),
    work.ItemReturned: ("item_returned",),
    work.ItemDone: ("item_done", "item_disposed"),
    screening_facts.CallerScreened: ("screening_began",),
    screening_facts.ScreeningRefused: ("screening_refused",),
    screening_facts.ScreeningEnded: ("screening_ended", "screening_decided"),
    screening_facts.AppealLeft: ("appeal_left",),
    screening_facts.AppealKept: ("appeal_kept",),
    facts.Rated: ("rated",),
    facts.SituationBegan: ("situation_began",),
    facts.SituationEnded: ("situation_ended",),
    facts.TalkLong: ("talk_long",),
    facts.CallClosed: (
        "call_closed",
        *("step_left", "legs_cut", "visits_cut", "offers_cut", "talks_cut", "holds_cut", "situations_cut"),
        *("transfers_cut", "supervisions_cut"),
    ),
}
_BY_KIND: Final = {cls.__name__: tuple(_SQL[name] for name in names) for cls, names in QUERIES.items()}
KINDS: Final = frozenset(_BY_KIND)
"""Class names of the facts this hotline knows."""


def apply(conn: sqlite3.Connection, fact: int, at: float, kind: str, values: Mapping[str, Any]) -> None:
    """Carry one fact (its id, time, class name and fields; personal data by key) into the tables."""
    parameters = {**values, "id": fact, "at": at, "node_kind": values.get("type"), "left_at": values.get("left_at")}
    parameters["disposition"] = values.get("disposition", "")  # The same, of ItemDone.
    parameters["cause"] = values.get("cause", "")  # Not in facts older than the field; of LegClosed a number.
    for name, value in values.items():
        if isinstance(value, list):
            parameters[name] = orjson.dumps(value).decode()
    for sql in _BY_KIND[kind]:
        conn.execute(sql, parameters)


def rebuild(conn: sqlite3.Connection) -> int:
    """Make every projection anew from the facts, within the caller's transaction; the number of facts read."""
    for table in TABLES:
        conn.execute(f"DELETE FROM {table}")
    read = 0
    for fact, at, kind, text in conn.execute(_SQL["all_facts"]):
        if kind in KINDS:  # A kind of a newer or older hotline is kept, but has no table here.
            apply(conn, fact, at, kind, personal.keys_of(conn, kind, orjson.loads(text)))
        read += 1
    return read
