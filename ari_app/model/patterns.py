"""Patterns of telephone numbers: digits, X for any, Z for 1-9, N for 2-9, perhaps a + first. Pure."""

import re
from functools import cache
from typing import Final

_SIGNS: Final = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", "+": r"\+"}


def fits(number: str, pattern: str) -> bool:
    """Whether the whole number fits."""
    return _compiled(pattern).fullmatch(number) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_SIGNS.get(sign, sign) for sign in pattern), re.ASCII)
