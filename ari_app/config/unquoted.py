"""`*` and `#` of a telephone written without quotes: YAML takes one for an alias and the other for a comment.

What YAML says of it points elsewhere or nowhere (a whole line may vanish), so the lines themselves are looked at.
"""

import re
from collections.abc import Iterator
from typing import Final

from ari_app.config.diagnostics import Problem, Shared
from ari_app.config.marks import Marks

UNQUOTED_KEY: Final = "F032"

_LINE_MAX: Final = 1000  # Nobody writes longer ones; they would take long to search.
_HINT: Final = 'YAML takes * for an alias and # for a comment: write "*" or "#", in quotes'
_PLACES: Final = (
    re.compile(r"""^\s*()([*#])\s*:\s+[a-z][a-z0-9_-]*[\s,}]*(?:\s#.*)?$"""),  # `#: node` on a line of its own.
    re.compile(r"""(\bkeys\s*:\s*\{(?:(?:[^"'#}]|"[^"]*"|'[^']*')*?[,\s])?)([*#])\s*:"""),
    re.compile(r"""(\bkeys\s*:\s*\[(?:(?:[^"'#\]]|"[^"]*"|'[^']*')*?[,\s])?)([*#])\s*[,\]]"""),
    re.compile(r"""(\b(?:repeat_key|end_key|yes_key|no_key|refuse_key)\s*:\s+)([*#])\s*(?:[,}].*|#.*)?$"""),
)


def with_unquoted(marks: Marks, problems: list[Problem]) -> list[Problem]:
    """The problems, those that come of such a key replaced by one that says so at its place."""
    found = list(_unquoted(marks))
    if not found:
        return problems
    syntax, nothing = "F" + Shared.NOT_YAML, "F" + Shared.BAD_VALUE
    lines = {problem.line for problem in found}
    kept = [one for one in problems if one.code != syntax and not (one.code == nothing and one.line in lines)]
    return [*found, *kept]


def _unquoted(marks: Marks) -> Iterator[Problem]:
    for number, line in enumerate(marks.lines, 1):
        if len(line) > _LINE_MAX or ("*" not in line and "#" not in line):
            continue
        while (match := next(filter(None, (pattern.search(line) for pattern in _PLACES)), None)) is not None:
            at = match.start(2)
            message = f"the telephone key {match[2]} is not in quotes"
            yield Problem(marks.file, number, at + 1, UNQUOTED_KEY, message, _HINT)
            line = f"{line[:at]}x{line[at + 1 :]}"  # noqa: PLW2901  (there may be another one behind it)
