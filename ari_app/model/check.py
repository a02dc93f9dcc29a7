"""One line of `hotline doctor`: what was looked at, what was found, and how to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """`cure` is empty when `ok`."""

    name: str
    ok: bool
    found: str
    cure: str = ""
