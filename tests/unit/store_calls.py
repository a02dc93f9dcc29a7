"""Calls as the store sees them: batches for the store's tests."""

import sqlite3
import subprocess
from pathlib import Path

from ari_app.model import control, events, facts, work
from ari_app.model.audit import WrapUpExtended
from ari_app.model.states import AgentState
from ari_app.store import projections

NUMBER = "13800138000"
OUTSIDE = "13900139000"
START = 1_795_000_000.0


def whole_call(call="1-1", caller=NUMBER, at=START, recorded=True):
    """A call to agent 8025 through menu and queue, answered after one ring that ran out at 8026, with a hold
    and whatever else a call can have."""
    lost, offer, rec = f"{call}.l1", f"{call}.l4", f"{call}.r6"
    recording = [
        (18.2, facts.RecordingWanted(call, rec, "billing", "8025", "contract", 180)),
        (18.3, facts.RecordingRunning(call, rec)),
    ]
    stored = [(61, facts.RecordingStored(call, rec, f"2026-11-18/{rec}.wav", 42.0, 1_344_044, "ab" * 32))]
    steps = [
        (0, facts.CallOpened(call, caller, "1860", "local", "main", "v1", "zh-CN")),
        (0, facts.LegOpened(call, "1795.1", "caller")),
        (0.1, facts.NodeEntered(call, "main_menu", "menu")),
        (0.6, facts.LookUpDone(call, "who_calls", True, 0.5)),
        (1, facts.SituationBegan(call, "silent-line", "in-flow")),
        (2, facts.SituationEnded(call, "silent-line", "key", 2)),
        (3, facts.KeyTaken(call, "main_menu", "7", False)),
        (5, facts.KeyTaken(call, "main_menu", "1", True)),
        (5, facts.NodeEntered(call, "billing", "queue")),
        (5, facts.Queued(call, 1, "billing", 0, at + 5, 1)),
        (5, work.WaitTold(call, 1, "billing", 1, 0.0, 60.0)),
        (5, facts.OfferMade(call, lost, 1, "billing", "8026", "p8026")),
        (5.2, facts.OfferRang(call, lost)),
        (15, facts.OfferEnded(call, lost, "8026", "ran-out", 19)),
        (15, facts.AgentChanged("8026", AgentState.NOT_READY, "no-answer", "p8026", None)),
        (15, facts.OfferMade(call, offer, 1, "billing", "8025", "p8025")),
        (15, facts.AgentChanged("8025", AgentState.RESERVED, "", "p8025", call)),
        (15, facts.LegOpened(call, offer, "agent", "p8025")),
        (15.1, facts.OfferRang(call, offer)),
        (17, facts.OfferEnded(call, offer, "8025", "accepted")),
        (18, facts.QueueLeft(call, 1, "billing", "connected", 13.0, "8025")),
        (18, facts.Connected(call, offer, "billing", "8025", 13.0)),
        (18, facts.AgentChanged("8025", AgentState.TALKING, "", "p8025", call)),
        *(recording if recorded else []),
        (30, facts.HoldBegan(call, "8025")),
        (40, facts.HoldEnded(call, "8025")),
        (50, facts.TalkLong(call, "8025", 32.0, "agent")),
        (41, control.HelpAsked(call, "8025", "8099")),
        (42, control.Supervised(call, "8099", "8025", "listen")),
        (43, control.Supervised(call, "8099", "8025", "barge")),
        (44, control.SupervisionEnded(call, "8099", "8025")),
        (45, control.TransferBegan(call, f"{call}.l8", "8025", "consult", "number", OUTSIDE)),
        (46, control.TransferAnswered(call, f"{call}.l8")),
        (47, control.ConferenceBegan(call, f"{call}.l8")),
        (48, control.TransferEnded(call, f"{call}.l8", "returned")),
        (59.9, work.ItemOpened(call, f"{call}.m9", "complaints", at + 86_400)),
        (59.9, work.MessageStored(call, f"{call}.m9", f"2026-11-18/{call}.m9.wav", 104_044, "cd" * 32, 180)),
        (59.9, work.CallbackBooked(call, f"{call}0", "billing", caller, 0, at, at, "", "en", "1860", "billing")),
        (59.9, work.CallbackDialled(call, f"{call}0", 1)),
        (59.9, work.CallbackMissed(call, f"{call}0", "busy", at + 600)),
        (59.9, work.CallbackConfirmed(call, f"{call}0")),
        (59.9, work.CallbackEnded(call, f"{call}0", "connected")),
        (59.9, work.ItemTaken(f"{call}.m9", "8025")),
        (59.9, work.ItemReturned(f"{call}.m9", "8025")),
        (59.9, work.ItemOffered(call, f"{call}.m9", f"{call}1.l1", "8025", "p8025")),
        (59.9, work.ItemOfferEnded(call, f"{call}.m9", f"{call}1.l1", "8025", "accepted")),
        (59.9, work.ItemTaken(f"{call}.m9", "8025")),
        (59.9, work.ItemDone(f"{call}.m9", "8025", "called back", "solved")),
        (60, facts.TalkEnded(call, offer, "8025", "caller", 42.0)),
        (60, facts.LegClosed(call, offer, 16, 0)),
        (60, facts.AgentChanged("8025", AgentState.WRAP_UP, "", "p8025", call)),
        (60, WrapUpExtended("8025", call, at + 90, 1)),
        (60, facts.Rated(call, "polite", "5", "8025")),
        (60, facts.LegClosed(call, "1795.1", 16, 0)),
        (60, facts.CallClosed(call, "caller", "billing", 16, 60.0)),
        (60.5, facts.MessageLeft(call, f"{call}.m9", "complaints", 6.5)),
        *(stored if recorded else []),
        (70, facts.DispositionNoted(call, "8025", "solved")),
    ]
    return [("event", at, events.CallArrived("1795.1", caller, "1860", "local"), False)] + [
        ("fact", at + after, fact) for after, fact in steps
    ]


def key(digit, secret, at=START):
    return ("event", at, events.KeyPressed("1795.1", digit), secret)


def looking(path: Path) -> sqlite3.Connection:
    """A second connection to look at what was committed."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.row_factory = sqlite3.Row
    return conn


def tables(conn: sqlite3.Connection) -> dict[str, list[tuple]]:
    """Every row of every projection."""
    return {name: sorted(map(repr, map(tuple, conn.execute(f"SELECT * FROM {name}")))) for name in projections.TABLES}


def on_disk(path: Path) -> bytes:
    """All bytes of the store: database, write-ahead log, emergency file."""
    # Not opened by us: closing any handle of the store would take the locks of a daemon in this process.
    return subprocess.check_output(["cat", *sorted(path.parent.glob(path.name + "*"))])
