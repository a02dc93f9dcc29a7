"""Bugs put into the board on purpose. A swarm that does not find each of them proves nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any, Final

import pytest

from ari_app.acd.engine import Engine, Place
from ari_app.acd.matching import Order
from ari_app.acd.model import Match, Visit
from ari_app.board import (
    bookings,
    checkpoint,
    consult,
    desk,
    expecting,
    inbox,
    line,
    link,
    recovery,
    seats,
    supervise,
    surge,
    talk,
    unstaffed,
    voice,
    waiting,
    working,
)
from ari_app.board import call as calls
from ari_app.board.floor import Floor
from ari_app.board.records import Booking, Call, Item, Seat
from ari_app.flow.nodes import Queue
from ari_app.model.effects import CancelTimer, DropBridge, Join, Note
from ari_app.model.events import CallLeft, Event, LegEnded
from ari_app.model.facts import QueueLeft, VisitOutcome
from ari_app.model.ids import AgentId, CallId, LegId, Mint, Skill, TimerId
from ari_app.model.states import AGENT, AgentMove, AgentState
from ari_app.model.work import ItemAsked

Patch = pytest.MonkeyPatch


def _nothing(*_: Any, **__: Any) -> None:
    pass


def newest_first(patch: Patch) -> None:
    patch.setattr(Visit, "key", property(lambda v: (-v.rank, v.call)))


def queue_by_queue(patch: Patch) -> None:
    """One queue's head instead of the best head of all queues."""

    def visit_for(self: Engine, agent: AgentId, marks: int) -> Place | None:
        heads = [ask.head for ask in self._asks.known.values() if ask.head is not None and ask.marks & marks]
        mine = [self.places[CallId(head[2])] for head in heads]
        return min(mine, key=lambda p: (p.visit.queue, p.key), default=None)

    patch.setattr(Engine, "_visit_for", visit_for)


def shortest_idle(patch: Patch) -> None:
    """Agents stand the other way round."""
    patch.setattr(Order, "first", newest)


def newest(self: Order, wanted: int) -> str | None:
    """The last with any of these marks."""
    fits = [
        key[2] for block in self.blocks for key, marks in zip(block.keys, block.marks, strict=True) if marks & wanted
    ]
    if not fits:
        self.summary &= ~wanted
        return None
    return fits[-1]


def listens_for_ever(patch: Patch) -> None:
    """Nobody is told that a line is listened to no more."""

    def forget(floor: Floor, call: Call) -> None:
        call.line = call.verdict = None

    patch.setattr(line, "forget", forget)


def leaves_a_ghost(patch: Patch) -> None:
    def leave(self: Engine, gone: CallId) -> None:
        self.places.pop(gone, None)

    patch.setattr(Engine, "leave", leave)


def never_offered_again(patch: Patch) -> None:
    patch.setattr(Engine, "offer_lost", _nothing)


def rank_lost_when_offer_lost(patch: Patch) -> None:
    """The caller goes to the end of his queue when an agent does not take him."""
    old = Engine.offer_lost

    def offer_lost(self: Engine, lost: CallId) -> Match | None:
        if (place := self.places.get(lost)) is not None:
            line = self.waiting[place.visit.queue].order
            line.remove(place.key)
            place.key = (max([place.key[0], *(key[0] for key in line)]) + 1, *place.key[1:])
            line.add(place.key)
        return old(self, lost)

    patch.setattr(Engine, "offer_lost", offer_lost)


def limit_never_lifted(patch: Patch) -> None:
    """A queue with a limit is not told that a talk ended."""
    patch.setattr(Engine, "talk_over", _nothing)


def nobody_matched_after_a_loss(patch: Patch) -> None:
    def matches(self: Engine) -> Iterator[Match]:
        return iter(())

    patch.setattr(Engine, "matches", matches)


def joined_over_a_prompt(patch: Patch) -> None:
    patch.setattr(voice, "hush", _nothing)


def timers_never_cancelled(patch: Patch) -> None:
    def cancel(self: Floor, owner: Call, name: str) -> None:
        owner.timers.pop(TimerId(f"{owner.id}.{name}"), None)

    patch.setattr(Floor, "cancel_timer", cancel)


def visit_without_end(patch: Patch) -> None:
    def note(self: Floor, fact: Any) -> None:
        if not (isinstance(fact, QueueLeft) and fact.outcome == "timed-out"):
            self.out.append(Note(fact))

    patch.setattr(Floor, "note", note)


def listing_ignored(patch: Patch) -> None:
    patch.setattr(link, "_compare", _nothing)


def phone_rung_while_it_calls(patch: Patch) -> None:
    patch.setattr(seats, "phone_taken", lambda floor, phone: floor.phones_used.update([phone]))

    def available(floor: Floor, seat: Seat) -> None:
        floor.offer(floor.engine.agent_ready(seat.agent, seat.idle_since, seat.occupancy))

    patch.setattr(seats, "available", available)


def ready_before_the_leg_is_gone(patch: Patch) -> None:
    def lost_offer(floor: Floor, seat: Any, reason: str, now: float) -> None:
        seat.leg = None
        old(floor, seat, reason, now)

    old = seats.lost_offer
    patch.setattr(seats, "lost_offer", lost_offer)


def bridge_left_standing(patch: Patch) -> None:
    def do(self: Floor, *effects: Any) -> None:
        self.out.extend(effect for effect in effects if not isinstance(effect, DropBridge))

    patch.setattr(Floor, "do", do)


def desk_never_ends(patch: Patch) -> None:
    patch.setattr(desk, "_set_timer", _nothing)


def agent_kept_after_the_call(patch: Patch) -> None:
    """The agent's leg ends, and nobody tells his seat."""
    patch.setattr(seats, "leg_gone", _nothing)


def ids_that_depend_on_the_process(patch: Patch) -> None:
    numbers = count(1)
    patch.setattr(Mint, "part", lambda self, owner, kind: f"{owner}.{kind}{next(numbers)}")


def caller_waits_for_ever(patch: Patch) -> None:
    def set_timer(self: Floor, owner: Call, name: str, at: float) -> None:
        if name != "wait":
            old(self, owner, name, at)

    old = Floor.set_timer
    patch.setattr(Floor, "set_timer", set_timer)


def call_back_forgotten(patch: Patch) -> None:
    """Who was not reached is never tried again, and never struck off."""
    patch.setattr(bookings, "_due", _nothing)


def agent_tied_up_by_a_call_back(patch: Patch) -> None:
    """His turn takes the agent who was matched with it."""

    def offer(self: Floor, match: Match | None) -> None:
        if match is not None and match.visit.call in self.bookings:
            self.engine.suspend(match.visit.call)
            self.turns.append(match.visit.call)
        elif match is not None:
            self.matched.append(match)

    patch.setattr(Floor, "offer", offer)


def call_back_to_the_end_of_the_queue(patch: Patch) -> None:
    old = bookings.confirmed

    def confirmed(floor: Floor, booking: Booking, now: float) -> Visit:
        return replace(old(floor, booking, now), rank=now)

    patch.setattr(bookings, "confirmed", confirmed)


def matched_while_he_speaks(patch: Patch) -> None:
    """Whoever steps aside is still offered to agents."""
    patch.setattr(Engine, "suspend", _nothing)


def place_kept_after_the_message(patch: Patch) -> None:
    old = waiting.leave_queue

    def leave_queue(floor: Floor, call: Call, outcome: VisitOutcome, now: float) -> None:
        if outcome != "voicemail":
            old(floor, call, outcome, now)
        else:
            call.visit = None

    patch.setattr(waiting, "leave_queue", leave_queue)


def told_for_ever(patch: Patch) -> None:
    """Nobody stops the timers of a caller who waits no longer."""
    patch.setattr(expecting, "quiet", _nothing)


def never_asks_for_less(patch: Patch) -> None:
    patch.setattr(waiting, "relax", _nothing)


def place_lost_by_asking_for_less(patch: Patch) -> None:
    def relax(self: Engine, call: CallId, now: float) -> Match | None:
        if (place := self.places.get(call)) is not None:
            self.waiting[place.visit.queue].remove(place.visit)
            self.waiting[place.visit.queue].append(place.visit)
        return old(self, call, now)

    old = Engine.relax
    patch.setattr(Engine, "relax", relax)


def waits_for_one_who_is_gone(patch: Patch) -> None:
    patch.setattr(unstaffed, "look", lambda floor, now: setattr(floor, "staff_changed", False))


def most_skilled_is_anybody(patch: Patch) -> None:
    patch.setattr(Order, "highest", Order.first)


def place_lost_when_passed_on(patch: Patch) -> None:
    """A caller whom an agent passes on to a queue goes to its end."""

    def enqueue(floor: Floor, owner: Call, node: Queue, now: float, ranked_at: float | None = None) -> str | None:
        return old(floor, owner, node, now)

    old = waiting.enqueue
    patch.setattr(waiting, "enqueue", enqueue)


def consult_outlives_the_talk(patch: Patch) -> None:
    """Who was consulted stays behind when caller or agent leave."""
    patch.setattr(talk, "invite", SimpleNamespace(give_up=_nothing))


def supervision_outlives_the_talk(patch: Patch) -> None:
    patch.setattr(talk, "supervise", SimpleNamespace(stop=_nothing))


def supervisors_phone_never_free(patch: Patch) -> None:
    patch.setattr(supervise, "leg_gone", _nothing)


def left_on_hold_when_handed_over(patch: Patch) -> None:
    """The second agent gets the call, the caller goes on hearing music."""

    def hand_over(floor: Floor, owner: Call, *rest: Any) -> None:
        assert owner.talk is not None
        owner.talk.away = False
        old(floor, owner, *rest)

    old = talk.hand_over
    patch.setattr(talk, "hand_over", hand_over)


def consulted_is_not_joined(patch: Patch) -> None:
    def answered(floor: Floor, owner: Call, now: float) -> None:
        old(floor, owner, now)
        floor.out[:] = [
            e for e in floor.out if not (isinstance(e, Join) and owner.invite and e.leg == owner.invite.leg)
        ]

    old = consult.answered
    patch.setattr(consult, "answered", answered)


def skills_kept_after_the_step(patch: Patch) -> None:
    """A step of the surge plan is undone, and its agents keep what it gave them."""
    old = surge.skills

    def skills(floor: Floor, agent: AgentId) -> dict[Skill, int]:
        return {
            **old(floor, agent),
            **{n: v for n, v in floor.engine.skills[agent].items() if n not in old(floor, agent)},
        }

    patch.setattr(surge, "skills", skills)


def ready_without_the_disposition(patch: Patch) -> None:
    def become_ready(floor: Floor, seat: Seat, now: float) -> seats.Outcome:
        owed, seat.owes = seat.owes, None
        done = old(floor, seat, now)
        seat.owes = owed
        return done

    old = seats.become_ready
    patch.setattr(seats, "become_ready", become_ready)


def pause_outlives_the_agent(patch: Patch) -> None:
    """The timer of a pause is never cancelled."""
    patch.setattr(seats, "_unpause", lambda floor, seat: setattr(seat, "paused", False))


def message_ranked_by_its_arrival(patch: Patch) -> None:
    """Not by when it is due."""

    def route(floor: Floor, item: Item, now: float) -> None:
        due, item.due_at = item.due_at, now
        old(floor, item, now)
        item.due_at = due

    old = working.route
    patch.setattr(working, "route", route)


def message_goes_before_callers(patch: Patch) -> None:
    def key(visit: Visit) -> tuple[float, int, CallId]:
        return (visit.rank - (1e6 if visit.queue.startswith("box:") else 0), visit.order, visit.call)

    patch.setattr(Visit, "key", property(key))


def callers_interrupt_the_work(patch: Patch) -> None:
    """Who took a message counts as ready all the same."""
    table = {state: dict(moves) for state, moves in AGENT.items()}
    table[AgentState.RESERVED][AgentMove.TAKE_ITEM] = AgentState.READY
    patch.setattr(seats, "AGENT", table)


def message_given_back_is_forgotten(patch: Patch) -> None:
    patch.setattr(working, "_later", _nothing)


def worker_is_never_free(patch: Patch) -> None:
    patch.setattr(working, "leave", _nothing)


def work_without_end(patch: Patch) -> None:
    patch.setattr(working, "too_long", _nothing)


def phone_rings_on_after_the_offer(patch: Patch) -> None:
    """Declined or taken by the page: his phone is not told."""
    patch.setattr(working, "hang_up", _nothing)


def message_taken_by_two(patch: Patch) -> None:
    old = inbox._take

    def take(floor: Floor, item: Item, event: ItemAsked, now: float) -> inbox.Outcome:
        item.by = ""
        return old(floor, item, event, now)

    patch.setattr(inbox, "_take", take)


def message_done_while_it_is_offered(patch: Patch) -> None:
    """Taken by hand, its place is left where it is."""

    def by_hand(floor: Floor, item: Item, by: str) -> None:
        item.by = by

    patch.setattr(working, "by_hand", by_hand)


def nobody_there_for_ever(patch: Patch) -> None:
    """Once nobody could serve a queue, nobody ever can."""

    class Kept(dict[Any, Any]):
        def clear(self) -> None:
            pass

    old = Floor.__post_init__

    def init(self: Floor) -> None:
        old(self)
        self.served_by = Kept()

    patch.setattr(Floor, "__post_init__", init)


# -- going on after a crash --


def place_lost_by_the_crash(patch: Patch) -> None:
    real = recovery.call_from

    def from_now(floor: Floor, left: CallLeft) -> Call:
        call = real(floor, left)
        if call.visit is not None:
            call.visit = replace(call.visit, rank=call.visit.rank + 3600)
        return call

    patch.setattr(recovery, "call_from", from_now)


def rung_twice_after_the_crash(patch: Patch) -> None:
    patch.setattr(Engine, "restore_offer", _nothing)


def phone_blamed_for_the_crash(patch: Patch) -> None:
    def gone(floor: Floor, call: Call, leg: LegId, now: float) -> None:
        calls.leg_ended(floor, call, LegEnded(leg, 0), now)

    patch.setattr(recovery, "gone", gone)


def staff_forgotten(patch: Patch) -> None:
    patch.setattr(recovery, "seat_left", _nothing)


def wrap_up_without_end_after_the_crash(patch: Patch) -> None:
    patch.setattr(recovery, "SetTimer", lambda timer, at: CancelTimer(timer))


def left_where_he_was(patch: Patch) -> None:
    """Nobody is put into the bridge he belongs in."""
    patch.setattr(recovery, "put", _nothing)


def orders_lost_with_the_link(patch: Patch) -> None:
    """Only after a crash."""
    real = recovery.put

    def put(floor: Floor, call: Call, leg: LegId, at: recovery.Bridges) -> None:
        if call.id in floor.recovering:
            real(floor, call, leg, at)

    patch.setattr(recovery, "put", put)


def others_not_written_down(patch: Patch) -> None:
    """What an event changes of calls that are not its own."""
    real = checkpoint.Changed.see

    def see(self: checkpoint.Changed, floor: Floor, event: Event, effects: list[Any]) -> None:
        real(self, floor, event, [])

    patch.setattr(checkpoint.Changed, "see", see)


def limit_forgotten_by_the_crash(patch: Patch) -> None:
    patch.setattr(Engine, "restore_talk", _nothing)


MUTANTS: Final[tuple[Callable[[Patch], None], ...]] = (
    newest_first,
    queue_by_queue,
    shortest_idle,
    listens_for_ever,
    leaves_a_ghost,
    never_offered_again,
    rank_lost_when_offer_lost,
    limit_never_lifted,
    nobody_matched_after_a_loss,
    joined_over_a_prompt,
    timers_never_cancelled,
    visit_without_end,
    listing_ignored,
    phone_rung_while_it_calls,
    ready_before_the_leg_is_gone,
    bridge_left_standing,
    desk_never_ends,
    agent_kept_after_the_call,
    ids_that_depend_on_the_process,
    caller_waits_for_ever,
    call_back_forgotten,
    agent_tied_up_by_a_call_back,
    call_back_to_the_end_of_the_queue,
    matched_while_he_speaks,
    place_kept_after_the_message,
    told_for_ever,
    never_asks_for_less,
    place_lost_by_asking_for_less,
    waits_for_one_who_is_gone,
    most_skilled_is_anybody,
    place_lost_when_passed_on,
    consult_outlives_the_talk,
    supervision_outlives_the_talk,
    supervisors_phone_never_free,
    left_on_hold_when_handed_over,
    consulted_is_not_joined,
    skills_kept_after_the_step,
    ready_without_the_disposition,
    pause_outlives_the_agent,
    message_ranked_by_its_arrival,
    message_goes_before_callers,
    callers_interrupt_the_work,
    message_given_back_is_forgotten,
    worker_is_never_free,
    work_without_end,
    phone_rings_on_after_the_offer,
    message_taken_by_two,
    message_done_while_it_is_offered,
    nobody_there_for_ever,
    place_lost_by_the_crash,
    rung_twice_after_the_crash,
    phone_blamed_for_the_crash,
    staff_forgotten,
    wrap_up_without_end_after_the_crash,
    left_where_he_was,
    orders_lost_with_the_link,
    others_not_written_down,
    limit_forgotten_by_the_crash,
)
