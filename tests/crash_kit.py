"""A daemon that dies, for tests of the board: what is written down after each event, and what the next one is told.

States go through JSON, as they do in the store; the rows of calls and call-backs are those the floor had last.
"""

import json
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any

from ari_app.board.checkpoint import Changed, queue_state_of, seat_state_of, state_of
from ari_app.board.floor import Floor
from ari_app.model import effects as fx
from ari_app.model import events as ev
from ari_app.model import facts as ft
from ari_app.model import work
from ari_app.model.ids import AgentId, CallId, LegId, MessageId, Number, RecordingId
from ari_app.model.work import CallbackLeft

PARTS = ("calls", "seats", "unjoined", "rows", "numbers", "bookings", "items")


def plain(value: Any) -> Any:
    """For json: records inside of a state."""
    assert is_dataclass(value) and not isinstance(value, type), value
    return asdict(value)


@dataclass
class Kept:
    """What stands on the disk: rows as facts made them, and the newest states."""

    changed: Changed = field(default_factory=Changed)
    calls: dict[CallId, str] = field(default_factory=dict)
    seats: dict[AgentId, str] = field(default_factory=dict)
    unjoined: dict[RecordingId, CallId] = field(default_factory=dict)
    rows: dict[CallId, ev.OpenCall] = field(default_factory=dict)
    numbers: dict[CallId, Number] = field(default_factory=dict)
    bookings: dict[CallId, CallbackLeft] = field(default_factory=dict)
    items: dict[MessageId, work.ItemLeft] = field(default_factory=dict)

    def see(self, floor: Floor, event: ev.Event, effects: list[fx.Effect], now: float) -> None:
        """After every event: what it touched is written down."""
        if isinstance(event, work.ItemLeft):
            self.items.setdefault(event.message, event)
        if isinstance(event, CallbackLeft):
            self.bookings.setdefault(event.booking, event)  # Of a daemon before the first one.
        for effect in effects:
            if isinstance(effect, fx.Note):
                self._note(effect.fact, now)
        self.changed.see(floor, event, effects)
        for kind, name, state in self.changed.taken(floor):
            kept: dict[Any, str] = self.calls if kind == "call" else self.seats  # type: ignore[assignment]
            if state is None:
                kept.pop(name, None)
            else:
                kept[name] = json.dumps(state, default=plain)

    def _note(self, fact: ft.Fact, now: float) -> None:
        match fact:
            case ft.CallOpened(call, caller):
                self.rows[call], self.numbers[call] = ev.OpenCall(call, LegId(""), now, None), caller
            case ft.LegOpened(call, leg, "caller"):
                self.rows[call] = replace(self.rows[call], leg=leg)
            case ft.CallClosed(call):
                self.rows.pop(call, None)
            case ft.RecordingWanted(call, recording):
                self.unjoined[recording] = call
            case ft.RecordingStored(_, recording) | ft.RecordingMissed(_, recording):
                self.unjoined.pop(recording, None)
            case _:
                self._booking(fact, now)

    def _booking(self, fact: ft.Fact, now: float) -> None:
        match fact:
            case work.CallbackBooked(call, booking, queue, number, priority, rank, since):
                place = (queue, number, priority, rank, since, fact.skills)
                where = (fact.language, fact.dialled, fact.node)
                self.bookings[booking] = CallbackLeft(booking, call, *place, *where, now, 0, now)
            case work.CallbackDialled(_, booking, n):
                self.bookings[booking] = replace(
                    self.bookings[booking], tries=n, next_at=self.bookings[booking].booked_at
                )
            case work.CallbackMissed(_, booking, _, next_at) if next_at is not None:
                self.bookings[booking] = replace(self.bookings[booking], next_at=next_at)
            case work.CallbackEnded(_, booking):
                self.bookings.pop(booking, None)
            case _:
                self._item(fact)

    def _item(self, fact: ft.Fact) -> None:
        match fact:
            case work.ItemOpened(call, message, box, due_at):
                number = self.numbers.get(call, Number(""))
                self.items[message] = work.ItemLeft(message, call, box, due_at, "", False, number=number)
            case work.ItemTaken(message, by) if message in self.items:
                self.items[message] = replace(self.items[message], by=by)
            case work.ItemReturned(message) if message in self.items:
                self.items[message] = replace(self.items[message], by="")
            case work.ItemDone(message):
                self.items.pop(message, None)
            case work.MessageStored(_, message, path) if message in self.items:
                self.items[message] = replace(self.items[message], stored=True, path=path)

    def copy(self) -> "Kept":
        """As it stands now: what comes later may be lost."""
        parts = {name: getattr(self, name).copy() for name in PARTS}
        return replace(self, changed=Changed(), **parts)

    def is_up_to_date(self, floor: Floor) -> None:
        """Whatever changed was written down: nothing was touched without being noticed."""
        for call in floor.calls.values():
            state: dict[str, Any] | None = state_of(floor, call)
            if call.queue is not None and state is not None:
                state["queue"] = queue_state_of(call.queue)
            assert json.loads(self.calls[call.id]) == json.loads(json.dumps(state, default=plain))
        for seat in floor.seats.values():
            state = seat_state_of(seat)
            kept = self.seats.get(seat.agent)
            assert (json.loads(kept) if kept else None) == json.loads(json.dumps(state, default=plain)), seat

    def told(self, epoch: int, last_at: float) -> list[ev.Event]:
        """What the next daemon's board is told before the link is up."""
        mine = {call: [each for each, owner in self.unjoined.items() if owner == call] for call in self.rows}
        rows = tuple(replace(row, recording=mine[call][-1] if mine[call] else None) for call, row in self.rows.items())
        newest = {row.recording for row in rows}
        others = tuple(ev.Unjoined(call, each) for each, call in self.unjoined.items() if each not in newest)
        events: list[ev.Event] = [
            ev.Booted(epoch),
            ev.Restored(rows, (), others, last_at=last_at),
            *self.bookings.values(),
            *self.items.values(),
        ]
        for call in (each for each in self.rows if each in self.calls):
            state = json.loads(self.calls[call])
            versions = tuple((name, version) for name, version in state.get("versions", ()))
            events.append(ev.CallLeft(call, self.numbers[call], versions, state))
        return events + [ev.SeatLeft(agent, json.loads(text)) for agent, text in self.seats.items()]
