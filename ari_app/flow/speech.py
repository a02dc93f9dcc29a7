"""Values as spoken: digits, number, money, date, time -> prompt ids, in Mandarin and English. Pure.

Every id is in `sounds/catalogue.yaml`. Numbers go up to 99,999,999 (Mandarin groups by 万, English by thousand).
"""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from typing import Final, Literal

Form = Literal["digits", "number", "money", "date", "time"]
Ids = tuple[str, ...]

NUMBER_MAX: Final = 99_999_999
_HUNDRED, _THOUSAND, _WAN = 100, 1000, 10_000


def speak(value: str, form: Form, language: str) -> Ids:
    """Prompt ids that say `value`. ValueError, with the reason, for a value the form cannot say.

    digits: characters 0-9 * #, others are passed over · number: an integer · money: yuan, two decimals at most ·
    date: YYYY-MM-DD · time: HH:MM.
    """
    forms: dict[Form, Callable[[str, str], Ids]] = {
        "digits": _digits,
        "number": lambda text, speech: _number(_integer(text), speech),
        "money": _money,
        "date": _date,
        "time": _time,
    }
    return forms[form](value.strip(), language)


def moment(at: datetime, language: str) -> Ids:
    """Day and hour as told to somebody who waits for it: no year. Local time is the caller's of this function."""
    if language == "zh-CN":
        day: Ids = (*_mandarin(at.month), "date-month", *_mandarin(at.day), "date-day")
    else:
        day = (f"month-{at.month}", f"day-{at.day}")
    return (*day, *_time(at.strftime("%H:%M"), language))


@cache
def spoken_prompts() -> Ids:
    """Every prompt id this module can give: what a language must have."""
    tens = [f"num-{n}" for n in (*range(10, 20), *range(20, 100, 10))]
    units = (
        "num-hundred",
        "num-thousand",
        "num-million",
        "num-wan",
        "num-two-of",
        "num-minus",
        "money-yuan",
        "money-jiao",
        "money-fen",
    )
    times = ("time-hour", "time-minute", "time-sharp", "time-am", "time-pm", "date-year", "date-month", "date-day")
    digits = [f"digit-{d}" for d in (*range(10), "star", "hash")]
    months, days = [f"month-{m}" for m in range(1, 13)], [f"day-{d}" for d in range(1, 32)]
    return (*digits, *tens, *units, *times, *months, *days)


def _digits(text: str, _: str) -> Ids:
    names = {"*": "star", "#": "hash"}
    said = tuple(f"digit-{names.get(c, c)}" for c in text if c in "0123456789*#")
    if not said:
        raise ValueError(f"{text!r} has no digit to say")
    return said


def _integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None
    if abs(number) > NUMBER_MAX:
        raise ValueError(f"{text!r} is too large to say")
    return number


def _number(number: int, language: str) -> Ids:
    if number < 0:
        return ("num-minus", *_number(-number, language))
    return _mandarin(number) if language == "zh-CN" else _english(number)


def _mandarin(number: int) -> Ids:
    if number >= _WAN:
        head, rest = divmod(number, _WAN)
        said = ("num-two-of",) if head == 2 else _mandarin(head)
        gap = ("digit-0",) if 0 < rest < _THOUSAND else ()
        gap = (*gap, "digit-1") if 10 <= rest < 20 else gap  # 一万零一十, though 十 alone needs no 一.
        return (*said, "num-wan", *gap, *(_mandarin_below_wan(rest) if rest else ()))
    return _mandarin_below_wan(number)


def _mandarin_below_wan(number: int) -> Ids:
    """一千零五, 两百一十, 十二: a zero stands for every run of empty places before the next figure."""
    if number < 10:
        return (f"digit-{number}",)
    if number < 20:
        return ("num-10",) if number == 10 else ("num-10", f"digit-{number - 10}")
    said: list[str] = []
    empty = False
    for place, unit in ((1000, "num-thousand"), (100, "num-hundred"), (10, "num-10"), (1, "")):
        figure = number // place % 10
        if figure == 0:
            empty = bool(said)
            continue
        if empty:
            said.append("digit-0")
            empty = False
        said.append("num-two-of" if figure == 2 and place >= _HUNDRED else f"digit-{figure}")
        if unit:
            said.append(unit)
    return tuple(said)


def _english(number: int) -> Ids:
    if number < 10:
        return (f"digit-{number}",)
    if number < 20:
        return (f"num-{number}",)
    if number < _HUNDRED:
        return (f"num-{number // 10 * 10}", *((f"digit-{number % 10}",) if number % 10 else ()))
    for size, unit in ((_THOUSAND * _THOUSAND, "num-million"), (_THOUSAND, "num-thousand"), (_HUNDRED, "num-hundred")):
        if number >= size:
            head, rest = divmod(number, size)
            return (*_english(head), unit, *(_english(rest) if rest else ()))
    raise AssertionError(number)


def _money(text: str, language: str) -> Ids:
    try:
        amount = Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of money") from None
    yuan, fen = divmod(abs(int(amount * 100)), 100)
    if yuan > NUMBER_MAX:
        raise ValueError(f"{text!r} is too large to say")
    said: list[str] = ["num-minus"] if amount < 0 else []
    if yuan or not fen:
        two = language == "zh-CN" and yuan == 2
        said += [*(("num-two-of",) if two else _number(yuan, language)), "money-yuan"]
    if fen and language == "zh-CN":
        jiao = "num-two-of" if fen // 10 == 2 else f"digit-{fen // 10}"
        said += [jiao, "money-jiao"] if fen >= 10 else (["digit-0"] if yuan else [])
        said += [f"digit-{fen % 10}", "money-fen"] if fen % 10 else []
    elif fen:
        said += [*_english(fen), "money-fen"]
    return tuple(said)


def _date(text: str, language: str) -> Ids:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date like 2026-03-02") from None
    if language == "zh-CN":
        year = tuple(f"digit-{c}" for c in f"{day.year:04d}")
        return (*year, "date-year", *_mandarin(day.month), "date-month", *_mandarin(day.day), "date-day")
    century, rest = divmod(day.year, 100)
    spoken_year = _english(day.year) if rest < 10 else (*_english(century), *_english(rest))
    return (f"month-{day.month}", f"day-{day.day}", *spoken_year)


def _time(text: str, language: str) -> Ids:
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time like 09:30") from None
    hour = at.hour % 12 or 12
    half = "time-am" if at.hour < 12 else "time-pm"
    if language == "zh-CN":
        said = ("num-two-of",) if hour == 2 else _mandarin(hour)
        zero = ("digit-0",) if 0 < at.minute < 10 else ()
        minutes = (*zero, *_mandarin(at.minute), "time-minute") if at.minute else ("time-sharp",)
        if at.hour in (0, 12):  # 零点, 十二点: neither needs to be told which half of the day it is.
            return (*(("digit-0",) if at.hour == 0 else said), "time-hour", *minutes)
        return (half, *said, "time-hour", *minutes)
    zero = ("digit-0",) if 0 < at.minute < 10 else ()
    minutes = (*zero, *_english(at.minute)) if at.minute else ()
    return (*_english(hour), *minutes, half)
