"""Opening hours: weekly hours, dated exceptions, Chinese holidays with make-up workdays. Pure: the time is given.

The calendar is `holidays`' table of China. A day that is made up for (a Sunday worked) has the hours of a Monday.
A year whose make-up days are not announced yet has none in the table: `made_up_known` says so, the checker warns.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal

from holidays.countries.china import China

from ari_app.model.routing import Hours

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL: Final = "*"  # Closed by hand: every queue and every hours node.
State = Literal["open", "closed", "holiday"]


@lru_cache(maxsize=16)
def _calendar(year: int) -> China:
    return China(years=[year], language="en_US")  # type: ignore[no-untyped-call]


def made_up_known(year: int) -> bool:
    """Whether the table holds make-up workdays of that year."""
    return any(day.year == year for day in _calendar(year).weekend_workdays)


def state(hours: Hours, local: datetime) -> State:
    """Whether the hours are open at a local time. `holiday`: closed because of a public holiday."""
    day, now = local.date(), local.time()
    if (own := hours.exceptions.get(day.isoformat())) is not None:
        return "open" if any(_within(span, now) for span in own) else "closed"
    if hours.holidays == "closed" and day in _calendar(day.year) and not is_made_up(day):
        return "holiday"
    name = "mon" if hours.holidays == "closed" and is_made_up(day) else DAYS[day.weekday()]
    return "open" if any(_within(span, now) for span in _spans(hours, name)) else "closed"


def closed_by_hand(closures: Mapping[str, float | None], name: str, now: float) -> bool:
    """Whether these hours, or all (ALL), are closed by hand now. `closures`: name -> until; None: until opened."""
    return any(key in closures and ((until := closures[key]) is None or now < until) for key in (name, ALL))


def switched_off(closures: Mapping[str, float | None], name: str, now: float) -> bool:
    """Whether exactly these hours are closed by hand now: a switch, which closing all hours does not turn."""
    return name in closures and ((until := closures[name]) is None or now < until)


def is_holiday(day: date) -> bool:
    """Whether it is a public holiday."""
    return day in _calendar(day.year)


def is_festival(festival: str, day: date) -> bool:
    """`05-01`: that day of any year; `spring-festival`: its eve and days."""
    if festival == "spring-festival":
        return any(_is_spring_festival(each) for each in _days_off_around(day))
    return day.strftime("%m-%d") == festival


def _is_spring_festival(day: date) -> bool:
    name = _calendar(day.year).get(day) or ""
    return "Spring Festival" in name or "New Year's Eve" in name


def _days_off_around(day: date) -> Iterator[date]:
    """The day and the days off on end with it; nothing for a day that is worked."""
    for step in (timedelta(days=-1), timedelta(days=1)):
        each = day
        while (each.weekday() > 4 or is_holiday(each)) and not is_made_up(each):
            yield each
            each += step


def is_made_up(day: date) -> bool:
    """Whether a weekend day is worked in exchange for a holiday."""
    return day in _calendar(day.year).weekend_workdays


def days_of(key: str) -> tuple[str, ...]:
    """`mon-fri` -> mon, tue, … fri; `sat` -> sat. ValueError for a range that runs backwards."""
    first, _, last = key.partition("-")
    start, end = DAYS.index(first), DAYS.index(last or first)
    if end < start:
        raise ValueError(f"{key} runs backwards")
    return DAYS[start : end + 1]


def _spans(hours: Hours, name: str) -> Iterator[str]:
    for key, spans in hours.weekly.items():
        if name in days_of(key):
            yield from spans


def _within(span: str, now: time) -> bool:
    """`08:00-20:00` holds from 08:00 on and no longer at 20:00; 24:00 is the end of the day."""
    first, _, last = span.partition("-")
    return time.fromisoformat(first) <= now and (last == "24:00" or now < time.fromisoformat(last))


def opens_ever(hours: Hours) -> bool:
    """False for hours that are never open: a mistake the checker names."""
    return any(spans for spans in (*hours.weekly.values(), *hours.exceptions.values()))
