"""Numbers as people who need not know them may see them. Pure."""

from typing import Final

ERASED: Final = "erased"
WITHHELD: Final = "withheld"
SECRET_DIGIT: Final = "x"  # What the journal keeps of a secret's digit; a replay meets it again.


def mask(number: str) -> str:
    """138****8000 for 13800138000. The shorter a number, the less of it is shown; a withheld or erased one is named."""
    if not number:
        return WITHHELD
    if number == ERASED:
        return ERASED
    if len(number) >= 11:
        return f"{number[:3]}****{number[-4:]}"
    if len(number) >= 7:
        return f"{number[:2]}****{number[-2:]}"
    return f"{number[0]}****"
