"""Callers who are screened for a while: the rules (config.yaml: screening), numbers as one writes them, periods. Pure.

A number is compared in one form only, `canonical`: its digits with the country's, however a trunk writes it.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Final

from pydantic import Field

from ari_app.model.ids import Number
from ari_app.model.part import Dialled, Name, Part
from ari_app.model.patterns import fits

DIGITS_MIN: Final = 5  # Fewer are no caller's number.
FAMILY: Final = "screened"  # Of AstDB: number: until when, and how that is said.
APPEALED: Final = "appealed"  # Of AstDB: number: the end of the screening that was appealed against.
HOUR_S: Final = 3600.0
_NOISE: Final = re.compile(r"[ ().-]")
_NUMBER: Final = re.compile(r"\+?[0-9]{3,24}", re.ASCII)

Prefix = Annotated[str, Field(pattern=r"^[0-9]{0,4}$")]
Pattern = Annotated[str, Field(pattern=r"^\+?[0-9XZN]{1,24}$")]


class Screening(Part):
    """Callers marked as a nuisance are screened for a while: Asterisk alone answers them, and takes an appeal."""

    disposition: Name | None = Field(
        "nuisance", description="The disposition by which an agent marks his last caller. Null: none does."
    )
    desk: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,30}(:[a-z][a-z0-9_-]{0,40})?)?$")] = Field(
        "", description="The automatic desk, where a warned caller goes on: FLOW or FLOW:NODE. Empty: after the queue."
    )
    first_h: Annotated[float, Field(ge=0.1, le=720)] = Field(
        24, description="Hours a number is screened the first time; the end is put to the next full hour."
    )
    factor: Annotated[float, Field(ge=1, le=10)] = Field(
        2, description="Each further time it is so many times as long as the time before."
    )
    max_h: Annotated[float, Field(ge=0.1, le=8_760)] = Field(720, description="Hours at most.")
    forget_days: Annotated[float, Field(ge=0, le=3_650)] = Field(
        90, description="Days after its end from which a screening no longer makes the next one longer."
    )
    numbers_max: Annotated[int, Field(ge=1, le=100_000)] = Field(
        10_000, description="Numbers screened at once at most; further ones are refused, with a warning."
    )
    calls_max: Annotated[int, Field(ge=1, le=1_000)] = Field(
        20, description="Screened callers who hear the notice at once; of one number one. Others are not answered."
    )
    protected: Annotated[tuple[Pattern, ...], Field(max_length=1_000)] = Field(
        ("110", "119", "120", "122", "112"),
        description="Numbers never screened: emergency services, offices; digits, X for any, Z for 1-9, N for 2-9. "
        "The hotline's own numbers are never screened either.",
    )
    record: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,30})?$")] = Field(
        "",
        description="The script of agi_scripts/ that says whether a number is a VIP's, who is never screened. "
        "No answer: not screened. Empty: nobody is asked.",
    )
    open_numbers: Annotated[tuple[Dialled, ...], Field(max_length=100)] = Field(
        (), description="Numbers dialled where nobody is screened: an emergency line."
    )
    box: Name = Field("appeals", description="The voicemail box that appeals are put into.")
    country: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")] = Field(
        "86", description="The country's code, without + or zeros: how callers' numbers are compared."
    )
    trunk_prefix: Prefix = Field("0", description="What is dialled before a number of the same country.")
    international_prefix: Prefix = Field("00", description="What is dialled before a number with its country's code.")
    national_digits: Annotated[int, Field(ge=4, le=15)] = Field(
        10, description="Digits a number of this country has at least, area code included, prefix not."
    )


# -- numbers --


def canonical(number: str, rules: Screening) -> Number:
    """The one form in which numbers are compared: digits, country's first. Empty for what is no caller's number."""
    text = _NOISE.sub("", number)
    if _NUMBER.fullmatch(text) is None or len(set(text)) == 1:  # 00000000 stands for: withheld.
        return Number("")
    country = rules.country
    if text.startswith("+"):
        digits = text[1:]
    elif rules.international_prefix and text.startswith(rules.international_prefix):
        digits = text.removeprefix(rules.international_prefix)
    elif text.startswith(country) and len(text) - len(country) >= rules.national_digits:
        digits = text
    else:
        digits = country + text.removeprefix(rules.trunk_prefix)
    if digits.startswith("0"):  # No country's code does.
        return Number("")
    while rules.trunk_prefix and digits.startswith(country + rules.trunk_prefix):  # +86 (0)10 …
        digits = country + digits.removeprefix(country + rules.trunk_prefix)
    return Number(digits)


def spellings(number: Number, rules: Screening) -> tuple[str, ...]:
    """Every way, in digits alone, in which a trunk may write a canonical number."""
    ways = [number, rules.international_prefix + number]
    if number.startswith(rules.country):
        national = number.removeprefix(rules.country)
        ways += [national, rules.trunk_prefix + national]
    return tuple(sorted({way for way in ways if canonical(way, rules) == number}))


def national(number: Number, rules: Screening) -> str:
    """As it is dialled within the country, without prefix; of another country with it."""
    return number.removeprefix(rules.country) if number.startswith(rules.country) else number


def is_protected(number: Number, rules: Screening) -> bool:
    """Whether a pattern of `protected` keeps this canonical number from being screened."""
    ways = {national(number, rules), f"+{number}", *spellings(number, rules)}
    return any(fits(way, pattern) for pattern in rules.protected for way in ways)


# -- periods --


def ends(now: float, times: int, rules: Screening, zone: tzinfo) -> float:
    """When the `times`-th screening of a number ends that begins now: a full hour, since the caller is told it."""
    try:
        hours = min(rules.first_h * rules.factor ** (times - 1), rules.max_h)
    except OverflowError:
        hours = rules.max_h
    offset = datetime.fromtimestamp(now, UTC).astimezone(zone).utcoffset() or timedelta()
    local = now + hours * HOUR_S + offset.total_seconds()
    return -(-local // HOUR_S) * HOUR_S - offset.total_seconds()


def times_now(times: int, ended_at: float, now: float, rules: Screening) -> int:
    """The how-manieth screening the next one is, after one that was the `times`-th."""
    return times + 1 if now - ended_at < rules.forget_days * 86_400 else 1
