"""Callers who harass: marked by agents or by hand, screened for a while by Asterisk alone, lifted or kept on appeal.

A mark waits for the caller's record where one is kept: a VIP is never screened, nor is anybody whose record cannot be
read. Asterisk's own list follows by the effects Screen and Unscreen.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from ari_app.board import bookings, rights, seats, working
from ari_app.board.floor import Floor
from ari_app.board.records import Call, Mark, Screened
from ari_app.model.effects import CancelTimer, LookUp, Reply, Screen, SetTimer, Unscreen, Warn
from ari_app.model.events import AgentAsked, LookedUp
from ari_app.model.ids import AgentId, CallId, LookUpId, MessageId, NoteText, Number, ScreeningId, TimerId, call_of
from ari_app.model.screening import DIGITS_MIN, canonical, ends, is_protected, national, times_now
from ari_app.model.screening_facts import (
    AppealKept,
    AppealLeft,
    CallerScreened,
    ScreeningAsked,
    ScreeningEnd,
    ScreeningEnded,
    ScreeningLeft,
    ScreeningRefused,
)
from ari_app.model.work import ItemDone

TIMER: Final = TimerId("screening.end")
RECORD_S: Final = 3.0  # For the caller's record.
WHY_MAX: Final = 200
VIP: Final = "a VIP by the caller's record"
Outcome = tuple[bool, str]


# -- marking --


def mark_caller(floor: Floor, call: Call, by: AgentId, why: str, now: float) -> str:
    """An agent marks the caller he talks to, or talked to last; what comes of it, in words."""
    vip = call.cursor is not None and call.cursor.values.get("vip") is True
    outcome = _mark(floor, Mark(call.caller, call.id, by, why), VIP if vip else "", now)
    if outcome is None:
        return "his number is screened from the next call on, if his record does not say VIP"
    return outcome[1]


def agent_asked(floor: Floor, asked: AgentAsked, now: float) -> Outcome:
    """A wish of an agent; the disposition of a nuisance marks the caller he talked to last."""
    ok, message = seats.ask(floor, asked, now)
    seat = floor.seats.get(asked.agent)
    is_nuisance = asked.wish == "disposition" and message == floor.settings.screening.disposition
    if not ok or not is_nuisance or seat is None:
        return ok, message
    if seat.served is None:
        return True, f"{message}; not screened: his number is not known since the restart, a supervisor may add it"
    return True, f"{message}; {mark_caller(floor, seat.served, seat.agent, message, now)}"


def ask(floor: Floor, asked: ScreeningAsked, now: float) -> None:
    """A wish from API or CLI; answered at once, or when the caller's record has been read."""
    outcome: Outcome | None
    match asked.wish:
        case "erase":
            outcome = _erase(floor, asked, now)
        case _ if why := rights.refusal(floor, AgentId(asked.by)):
            outcome = False, why
        case _ if not asked.why.strip():
            outcome = False, "say why: a screening is kept with its reasons"
        case "add":
            outcome = _mark(floor, Mark(asked.number, None, asked.by, asked.why, asked.request), "", now)
        case "lift" | "keep":
            outcome = _decide(floor, asked, now)
    if outcome is not None and asked.request is not None:
        floor.do(Reply(asked.request, *outcome))


def _mark(floor: Floor, mark: Mark, reason: str, now: float) -> Outcome | None:
    """None: it waits for the caller's record."""
    rules, screening = floor.settings.screening, floor.screening
    number = canonical(mark.number, rules)
    if (held := screening.held.get(number)) is not None:
        return True, f"screened already, until {_when(floor, held.until)} ({held.id})"
    if any(canonical(each.number, rules) == number for each in screening.pending.values()):
        return True, "marked already"
    if reason := reason or _why_not(floor, mark.number):
        return _refuse(floor, mark, reason)
    if not rules.record:
        return _begin(floor, mark, now)
    own = floor.mint.call()
    lookup = LookUpId(floor.mint.part(own, "u"))
    screening.pending[lookup] = mark
    floor.do(LookUp(own, lookup, "agi", rules.record, (("number", mark.number),), RECORD_S))
    return None


def record_read(floor: Floor, answer: LookedUp, now: float) -> None:
    """What the caller's record says."""
    mark = floor.screening.pending.pop(answer.lookup)
    floor.mint.forget(call_of(answer.lookup) or CallId(""))
    reason = _why_not(floor, mark.number)
    if not answer.ok:
        reason = f"the caller's record could not be read ({answer.reason}), so that he may be a VIP: try again"
    elif any(each.name == "vip" and each.value is True for each in answer.values):
        reason = VIP
    outcome = _refuse(floor, mark, reason) if reason else _begin(floor, mark, now)
    if mark.request is not None:
        floor.do(Reply(mark.request, *outcome))


def _why_not(floor: Floor, raw: Number) -> str:
    rules, held = floor.settings.screening, floor.screening.held
    number = canonical(raw, rules)
    if not raw:
        return "the number is withheld: many callers share it"
    if len(national(number, rules)) < DIGITS_MIN:
        return "this is no caller's number"
    if is_protected(number, rules):
        return "the number is protected: screening.protected in config.yaml"
    if number in {canonical(own, rules) for own in _own(floor)}:
        return "the number is one of this hotline's own"
    return "" if len(held) < rules.numbers_max else "screening.numbers_max numbers are screened already"


def _own(floor: Floor) -> Iterator[str]:
    settings = floor.settings
    yield from settings.numbers
    yield from settings.agents
    yield from (settings.outbound.caller, settings.net.overflow)
    yield from (name.removeprefix("number:") for name in settings.directory.values() if name.startswith("number:"))


def _refuse(floor: Floor, mark: Mark, reason: str) -> Outcome:
    floor.note(ScreeningRefused(mark.call, mark.number, mark.by, reason))
    if len(floor.screening.held) >= floor.settings.screening.numbers_max:
        floor.do(Warn("a caller is not screened: screening.numbers_max is reached", mark.call))
    return False, f"not screened: {reason}"


def _begin(floor: Floor, mark: Mark, now: float) -> Outcome:
    rules, screening = floor.settings.screening, floor.screening
    number = canonical(mark.number, rules)
    before, ended_at = screening.past.get(number, (0, 0.0))
    times = times_now(before, ended_at, now, rules) if before else 1
    until = ends(now, times, rules, floor.zone)
    own = floor.mint.call()
    name = ScreeningId(floor.mint.part(own, "n"))
    floor.mint.forget(own)
    floor.note(CallerScreened(name, mark.call, mark.number, mark.by, NoteText(mark.why[:WHY_MAX]), times, until))
    _hold(floor, Screened(name, number, until, times))
    return True, f"screened until {_when(floor, until)} ({name}, for the {times}. time)"


def _hold(floor: Floor, screened: Screened) -> None:
    floor.screening.held[screened.number] = screened
    floor.do(Screen(screened.number, screened.until))
    _wake(floor)


def _wake(floor: Floor) -> None:
    """The timer is for the earliest end."""
    at = min((each.until for each in floor.screening.held.values()), default=None)
    if at != floor.screening.at:
        floor.screening.at = at
        floor.do(SetTimer(TIMER, at) if at is not None else CancelTimer(TIMER))


def _when(floor: Floor, at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(floor.zone).strftime("%Y-%m-%d %H:%M")


# -- the end --


def expire(floor: Floor, now: float) -> None:
    """The timer fired: whatever is over is over."""
    floor.screening.at = None
    for screened in [each for each in floor.screening.held.values() if each.until <= now]:
        _end(floor, screened, "expired", "", "")
        _remember(floor, screened.number, screened.times, screened.until)
    _wake(floor)


def _end(floor: Floor, screened: Screened, outcome: ScreeningEnd, by: str, why: str) -> None:
    del floor.screening.held[screened.number]
    floor.note(ScreeningEnded(screened.id, outcome, by, NoteText(why[:WHY_MAX])))
    floor.do(Unscreen(screened.number))


def _remember(floor: Floor, number: Number, times: int, ended_at: float) -> None:
    """The next screening of this number is longer; the oldest is forgotten when there are too many."""
    past = floor.screening.past
    past.pop(number, None)
    past[number] = times, ended_at
    if len(past) > floor.settings.screening.numbers_max:
        del past[next(iter(past))]


def _decide(floor: Floor, asked: ScreeningAsked, now: float) -> Outcome:
    """Lifted, it does not make a later one longer."""
    screened = next((each for each in floor.screening.held.values() if each.id == asked.screening), None)
    if screened is None:
        return False, f"no screening {asked.screening or 'without a name'} is on: `hotline screening list`"
    if asked.wish == "keep" and screened.appeal is None:
        return False, "nobody has appealed against it"
    if asked.wish == "keep":
        floor.note(AppealKept(screened.id, asked.by, NoteText(asked.why[:WHY_MAX])))
    else:
        _end(floor, screened, "lifted", asked.by, asked.why)
        _wake(floor)
    said = "lifted" if asked.wish == "lift" else "kept"
    if screened.appeal is not None and (item := floor.items.get(screened.appeal)) is not None:
        working.leave(floor, item, now)
        working.forget(floor, item)
        floor.note(ItemDone(screened.appeal, asked.by, NoteText(f"screening {said}: {asked.why[:WHY_MAX]}")))
    screened.appeal = None
    return True, said if said == "lifted" else f"kept until {_when(floor, screened.until)}"


def _erase(floor: Floor, asked: ScreeningAsked, now: float) -> Outcome:
    """The number is forgotten altogether: call-backs to it as well."""
    cancelled = bookings.erased(floor, asked.number, asked.by, now)
    said = f"; call-backs cancelled: {cancelled}" if cancelled else ""
    number = canonical(asked.number, floor.settings.screening)
    floor.screening.past.pop(number, None)
    for lookup, mark in list(floor.screening.pending.items()):
        if canonical(mark.number, floor.settings.screening) == number:
            del floor.screening.pending[lookup]
            floor.mint.forget(call_of(lookup) or CallId(""))
            if mark.request is not None:
                floor.do(Reply(mark.request, False, "not screened: the number was erased meanwhile"))
    screened = floor.screening.held.get(number)
    if screened is None:
        floor.do(Unscreen(number))  # Perhaps Asterisk still has it.
        return True, f"not screened{said}"
    _end(floor, screened, "erased", asked.by, "")
    _wake(floor)
    return True, f"no longer screened{said}"


# -- appeals, and what an earlier daemon left --


def appealed(floor: Floor, caller: Number, message: MessageId) -> None:
    """A screened caller left a message; if his screening is over meanwhile it is a message like any other."""
    screened = floor.screening.held.get(canonical(caller, floor.settings.screening))
    if screened is not None:
        screened.appeal = message
        floor.note(AppealLeft(screened.id, message))


def restored(floor: Floor, left: ScreeningLeft, now: float) -> None:
    number = canonical(left.number, floor.settings.screening)
    if left.ended_at is not None:
        _remember(floor, number, left.times, left.ended_at)
    elif number:
        _hold(floor, Screened(left.screening, number, left.until, left.times, left.appeal))
