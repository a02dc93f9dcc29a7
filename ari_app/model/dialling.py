"""Which numbers may be dialled at all: call-backs and transfers go to permitted patterns only (toll fraud). Pure."""

import re
from functools import cache
from typing import Final

from ari_app.model.ids import Number
from ari_app.model.settings import Outbound

_SIGNS: Final = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", "+": r"\+"}


def is_permitted(number: Number, outbound: Outbound) -> bool:
    """Whether the whole number fits one of the patterns, and there is a trunk to dial it by."""
    return bool(outbound.trunk) and any(_compiled(pattern).fullmatch(number) for pattern in outbound.permitted)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_SIGNS.get(sign, sign) for sign in pattern), re.ASCII)
