"""Values as spoken: a reader that knows nothing of the speaker makes the value out of the prompt ids again."""

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.flow.speech import NUMBER_MAX, Form, speak, spoken_prompts

LANGUAGES: Final = ("zh-CN", "en")
KNOWN: Final = frozenset(spoken_prompts())
UNITS: Final = {
    "num-hundred": 100,
    "num-thousand": 1000,
    "num-wan": 10_000,
    "num-million": 1_000_000,
}
HANZI: Final = {
    **{f"digit-{n}": hanzi for n, hanzi in enumerate("零一二三四五六七八九")},
    **{"num-10": "十", "num-hundred": "百", "num-thousand": "千", "num-wan": "万"},
    **{"num-two-of": "两", "num-minus": "负", "money-yuan": "元", "money-jiao": "角", "money-fen": "分"},
    **{"time-am": "上午", "time-pm": "下午", "time-hour": "点", "time-minute": "分", "time-sharp": "整"},
    **{"date-year": "年", "date-month": "月", "date-day": "日", "digit-star": "星号", "digit-hash": "井号"},
}


def said(value: object, form: Form, language: str) -> tuple[str, ...]:
    ids = speak(str(value), form, language)
    assert set(ids) <= KNOWN, ids
    return ids


def hanzi(value: object, form: Form) -> str:
    return "".join(HANZI[each] for each in said(value, form, "zh-CN"))


# --- the reader


def read_number(ids: Sequence[str], language: str) -> int:
    if ids and ids[0] == "num-minus":
        return -read_number(ids[1:], language)
    return read_mandarin(ids) if language == "zh-CN" else read_english(ids)


def read_mandarin(ids: Sequence[str]) -> int:
    if "num-wan" in ids:
        at = list(ids).index("num-wan")
        return 10_000 * _below_wan(ids[:at]) + (_below_wan(ids[at + 1 :]) if ids[at + 1 :] else 0)
    return _below_wan(ids)


def _below_wan(ids: Sequence[str]) -> int:
    """A figure counts as many as the unit after it; the last one counts ones; a lone 十 is ten; 零 counts nothing."""
    assert ids
    total, figure = 0, None
    for each in ids:
        if each in ("num-10", "num-hundred", "num-thousand"):
            total += (1 if figure is None else figure) * (10 if each == "num-10" else UNITS[each])
            figure = None
        else:
            assert figure is None, ids
            figure = 2 if each == "num-two-of" else _figure(each) or None
    return total + (figure or 0)


def read_english(ids: Sequence[str]) -> int:
    """Hundred multiplies what is at hand; thousand and million put it aside."""
    assert ids
    aside, at_hand = 0, 0
    for each in ids:
        if each == "num-hundred":
            assert 0 < at_hand < 10, ids
            at_hand *= 100
        elif each in UNITS:
            assert 0 < at_hand < 1000 and (aside == 0 or aside % 1000 == 0), ids
            aside, at_hand = aside + at_hand * UNITS[each], 0
        else:
            figure = _figure(each)
            assert at_hand % 10 == 0 and (at_hand % 100 == 0 or figure < 10), ids
            at_hand += figure
    return aside + at_hand


def _figure(prompt_id: str) -> int:
    kind, _, figure = prompt_id.partition("-")
    assert kind in ("digit", "num"), prompt_id
    return int(figure)


def read_money(ids: Sequence[str], language: str) -> Decimal:
    if ids[0] == "num-minus":
        return -read_money(ids[1:], language)
    yuan, rest = _upto(ids, "money-yuan")
    jiao, rest = _upto(rest, "money-jiao")
    fen, rest = _upto(rest, "money-fen")
    assert not rest, ids
    counts = [read_number(part, language) if part else 0 for part in (yuan, jiao, fen)]
    return Decimal(100 * counts[0] + 10 * counts[1] + counts[2]) / 100


def read_date(ids: Sequence[str], language: str) -> date:
    if language == "zh-CN":
        year, rest = _upto(ids, "date-year")
        month, rest = _upto(rest, "date-month")
        day, rest = _upto(rest, "date-day")
        assert not rest and len(year) == 4
        return date(int("".join(str(_figure(each)) for each in year)), read_mandarin(month), read_mandarin(day))
    (month_word, month_of), (day_word, day_of) = ids[0].split("-"), ids[1].split("-")
    assert (month_word, day_word) == ("month", "day")
    return date(_english_year(ids[2:]), int(month_of), int(day_of))


def _english_year(ids: Sequence[str]) -> int:
    if set(ids) & set(UNITS):
        return read_english(ids)
    cut = 2 if len(ids) > 1 and ids[1].startswith("digit-") else 1
    return 100 * read_english(ids[:cut]) + read_english(ids[cut:])


def read_time(ids: Sequence[str], language: str) -> time:
    if language == "zh-CN":
        half = ids[0] if ids[0] in ("time-am", "time-pm") else ""
        hour, rest = _upto(ids[1:] if half else ids, "time-hour")
        assert hour and rest
        minutes = _upto(rest, "time-minute")[0]
        assert minutes or rest == ("time-sharp",)
        twelve, minute = read_mandarin(hour), read_mandarin(minutes) if minutes else 0
        if not half:  # 零点 and 十二点 stand alone.
            assert twelve in (0, 12)
            return time(twelve, minute)
    else:
        half = ids[-1]
        twelve, minute = read_english(ids[:1]), read_english(ids[1:-1]) if ids[1:-1] else 0
    assert 1 <= twelve <= 12 and half in ("time-am", "time-pm")
    return time(twelve % 12 + (12 if half == "time-pm" else 0), minute)


def _upto(ids: Sequence[str], mark: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands before the mark, and what after it; without the mark nothing stands before it."""
    at = list(ids).index(mark) if mark in ids else -1
    return tuple(ids[: max(at, 0)]), tuple(ids[at + 1 :])


# --- what is said can be read


def check_numbers(numbers: Iterable[int], language: str) -> None:
    for number in numbers:
        ids = said(number, "number", language)
        assert read_number(ids, language) == number, ids


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_up_to_twenty_thousand(language: str) -> None:
    check_numbers(range(20_001), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_around_every_round_one(language: str) -> None:
    rounds = {figures * 10**zeros for figures in range(1, 1000) for zeros in range(8)}
    check_numbers((n + d for n in rounds for d in (-1, 0, 1) if n + d <= NUMBER_MAX), language)


@pytest.mark.parametrize("language", LANGUAGES)
@given(number=st.integers(-NUMBER_MAX, NUMBER_MAX))
def test_any_number(language: str, number: int) -> None:
    check_numbers([number], language)


@pytest.mark.parametrize("language", LANGUAGES)
@given(cents=st.integers(-100 * NUMBER_MAX - 99, 100 * NUMBER_MAX + 99) | st.integers(-1100, 1100))
def test_any_amount_of_money(language: str, cents: int) -> None:
    amount = Decimal(cents) / 100
    assert read_money(said(amount, "money", language), language) == amount


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_amount_up_to_a_hundred_yuan(language: str) -> None:
    for cents in range(10_001):
        amount = Decimal(cents) / 100
        assert read_money(said(amount, "money", language), language) == amount


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_day_of_a_leap_year(language: str) -> None:
    for days in range(366):
        day = date(2028, 1, 1) + timedelta(days)
        assert read_date(said(day, "date", language), language) == day


@pytest.mark.parametrize("language", LANGUAGES)
@given(day=st.dates(date(1000, 1, 1), date(9999, 12, 31)))
def test_any_date(language: str, day: date) -> None:
    assert read_date(said(day, "date", language), language) == day


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_minute_of_the_day(language: str) -> None:
    for minutes in range(24 * 60):
        at = time(minutes // 60, minutes % 60)
        assert read_time(said(f"{at:%H:%M}", "time", language), language) == at


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text("0123456789*#- +()", max_size=40))
def test_any_digits(language: str, text: str) -> None:
    keys = [key for key in text if key in "0123456789*#"]
    if not keys:
        with pytest.raises(ValueError, match="no digit"):
            speak(text, "digits", language)
        return
    names = {"digit-star": "*", "digit-hash": "#"}
    assert [names.get(each, each.removeprefix("digit-")) for each in said(text, "digits", language)] == keys


# --- what is said is what people say


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"),
        (2, "二"),
        (10, "十"),
        (15, "十五"),
        (22, "二十二"),
        (101, "一百零一"),
        (110, "一百一十"),
        (115, "一百一十五"),
        (222, "两百二十二"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (2020, "两千零二十"),
        (10_000, "一万"),
        (20_000, "两万"),
        (20_002, "两万零二"),
        (100_000, "十万"),
        (120_500, "十二万零五百"),
        (1_000_000, "一百万"),
        (20_300_045, "两千零三十万零四十五"),
        (-7, "负七"),
    ],
)
def test_numbers_in_mandarin(number: int, words: str) -> None:
    assert hanzi(number, "number") == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "零元"),
        ("2", "两元"),
        ("123.40", "一百二十三元四角"),
        ("123.04", "一百二十三元零四分"),
        ("0.5", "五角"),
        ("0.05", "五分"),
        ("12.34", "十二元三角四分"),
        ("-35.00", "负三十五元"),
        ("1.005", "一元零一分"),
        ("-0.004", "零元"),
    ],
)
def test_money_in_mandarin(amount: str, words: str) -> None:
    assert hanzi(amount, "money") == words


def test_dates_and_times_in_mandarin() -> None:
    assert hanzi("2026-10-01", "date") == "二零二六年十月一日"
    assert hanzi("09:05", "time") == "上午九点零五分"
    assert hanzi("14:00", "time") == "下午两点整"
    assert hanzi("00:30", "time") == "零点三十分"
    assert hanzi("12:30", "time") == "十二点三十分"
    assert hanzi("1*#", "digits") == "一星号井号"


def test_values_in_english() -> None:
    assert said("1205", "number", "en") == ("digit-1", "num-thousand", "digit-2", "num-hundred", "digit-5")
    assert said("2.45", "money", "en") == ("digit-2", "money-yuan", "num-40", "digit-5", "money-fen")
    assert said("2026-03-02", "date", "en") == ("month-3", "day-2", "num-20", "num-20", "digit-6")
    assert said("2005-03-02", "date", "en")[2:] == ("digit-2", "num-thousand", "digit-5")
    assert said("21:07", "time", "en") == ("digit-9", "digit-0", "digit-7", "time-pm")
    assert said("21:00", "time", "en") == ("digit-9", "time-pm")


# --- what cannot be said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("form", "value"),
    [
        *[("digits", value) for value in ("", "abc", "一二")],
        *[("number", value) for value in ("", "x", "1.5", "100000000", "-100000000", "1" * 5000)],
        *[("money", value) for value in ("", "free", "NaN", "inf", "-inf", "100000000", "99999999.995", "1e30")],
        *[("date", value) for value in ("", "today", "2026-02-30", "02.03.2026")],
        *[("time", value) for value in ("", "noon", "24:30", "9 o'clock")],
    ],
)
def test_what_cannot_be_said_is_refused(form: Form, value: str, language: str) -> None:
    with pytest.raises(ValueError):
        speak(value, form, language)


@pytest.mark.parametrize("form", ["number", "money", "date", "time", "digits"])
@given(value=st.text(max_size=30))
def test_any_text_is_said_or_refused(form: Form, value: str) -> None:
    for language in LANGUAGES:
        try:
            said(value, form, language)
        except ValueError:
            continue
