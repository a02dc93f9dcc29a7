"""Messages to the person who wrote a file: where, what, what to try; all problems of a file at once.

Every code is explained in docs/codes.md. The numbers of `Shared` mean the same under every prefix (C, F, …).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from ari_app.errors import ConfigError

PROBLEMS_MAX: Final = 200
_TEXT_MAX: Final = 60


class Shared(StrEnum):
    """Problems any YAML file can have; the code is the prefix and this number."""

    UNREADABLE = "001"
    NOT_YAML = "002"
    NO_SUCH_NAME = "003"
    DUPLICATE_KEY = "004"
    UNKNOWN_KEY = "005"
    MISSING_KEY = "006"
    BAD_VALUE = "007"
    WRONG_KIND = "008"
    NOT_ALLOWED = "009"
    TOO_LARGE = "010"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a file; `line` and `column` count from 1, 0 when the whole file is meant.

    A warning is told and refuses nothing.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        message = f"warning: {self.message}" if self.is_warning else self.message
        return f"{where}  {self.code}  {message}" + (f"   {self.hint}" if self.hint else "")


class BadFile(ConfigError):
    """The problems of one or more files, sorted by place; `str()` is one line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        lines = [str(problem) for problem in self.problems[:PROBLEMS_MAX]]
        if len(self.problems) > PROBLEMS_MAX:
            lines.append(f"… and {len(self.problems) - PROBLEMS_MAX} more")
        super().__init__("\n".join(lines))


def shown(text: str) -> str:
    """A piece of someone's text as it may stand in a message: short, quoted, without control characters."""
    return repr(text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…")


def dotted(path: Sequence[str | int]) -> str:
    """`queues.billing.skills`; items of a list are not counted, the line and column tell them apart."""
    parts = [
        part if part.isprintable() and len(part) <= _TEXT_MAX else shown(part) for part in path if isinstance(part, str)
    ]
    return ".".join(parts)


def nearest(name: str, names: Iterable[str]) -> str:
    """`did you mean 'billing'?` when one of the names is near, else ''."""
    near = get_close_matches(name[:_TEXT_MAX], list(names), n=1, cutoff=0.6)
    return f"did you mean {shown(near[0])}?" if near else ""


def choices(names: Iterable[str]) -> str:
    """`a, b or c`, cut when long."""
    listed = list(names)
    if len(listed) > 12:
        return ", ".join(listed[:12]) + ", …"
    return " or ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
