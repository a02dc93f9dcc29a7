"""Slips of the pen that YAML reports elsewhere, or in its own words: full-width signs, blanks or quotes left out.

The lines themselves are looked at, and only where something is wrong already: what is found is a guess.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LINE_MAX: Final = 1000  # Nobody writes longer ones; they would take long to search.
_NEAR: Final = 30  # Lines above the place YAML names.
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_FULL: Final = str.maketrans("：，【】［］｛｝“”‘’＃＊－", ":,[][]{}\"\"''#*-") | {
    0xFF10 + n: ord("0") + n for n in range(10)
}
_STRUCTURAL: Final = tuple(
    re.compile(pattern)  # Chinese text holds such signs rightly: only where YAML wants one of its own.
    for pattern in (
        r"^\s*(?:- )?[A-Za-z_][A-Za-z0-9_-]*\s*(：)",
        r"^[ \t]*([\u3000\u00a0])",
        r"[:-]([\u3000\u00a0])",
        r"[\[{][^\]}]*?([，：])",
        r":\s*([【［｛])",
        r"(?:^\s*(?:- )?|:\s+|[\[{,]\s*)([“”‘’])",
        r"(?:^\s*|[{,]\s*)([０-９＃＊])\s*[:：]",
    )
)
_NO_BLANK: Final = (
    (re.compile(r"^\s*(?:- )?[a-z_][a-z0-9_]*(:)(?=[^\s:/])"), "no blank after the colon", "write one"),
    (re.compile(r"^\s*(-)(?=[^\s-])"), "no blank after the -", "write one"),
    (re.compile(r"^ *(\t)"), "a tab at the beginning of the line", "indent with spaces, not tabs"),
)


@dataclass(frozen=True)
class Slip:
    """Where it is (from 1), what it is, and the cure."""

    line: int
    column: int
    message: str
    hint: str

    @property
    def cure(self) -> str:
        """In a message about something else."""
        return f"{self.hint}, not {self.message}"


def full_width(text: str, line: int) -> Slip | None:
    """The first sign or blank of a line that stands in the place of one of YAML's; not within quotes and remarks."""
    if len(text) > _LINE_MAX:
        return None
    bare = _bare(text)
    found = min((match.start(1) for pattern in _STRUCTURAL if (match := pattern.search(bare))), default=None)
    return None if found is None else _named(text[found], line, found + 1)


def in_value(text: str, line: int) -> Slip | None:
    """The same anywhere in a line, quoted or not: for values that can hold no Chinese."""
    found = next((n for n, sign in enumerate(text) if sign.translate(_FULL) != sign), None)
    return None if found is None else _named(text[found], line, found + 1)


def _named(sign: str, line: int, column: int) -> Slip:
    plain = sign.translate(_FULL)
    if plain == sign:
        return Slip(line, column, "a full-width blank", "write an ordinary one")
    return Slip(line, column, f"the full-width sign {sign!r}", f"write {plain!r}")


def before(lines: Sequence[str], line: int) -> Slip | None:
    """What may be the reason for what YAML says of `line`: the nearest slip above or in it."""
    for number in range(min(line, len(lines)), max(0, line - _NEAR), -1):
        if (slip := next(_in(lines[number - 1], number), None)) is not None:
            return slip
    return None


def _in(text: str, line: int) -> Iterator[Slip]:
    if len(text) > _LINE_MAX:
        return
    if (slip := full_width(text, line)) is not None:
        yield slip
    for pattern, message, hint in _NO_BLANK:
        if match := pattern.search(text):
            yield Slip(line, match.start(1) + 1, message, hint)
    bare = _bare(text)
    for quote in "\"'":
        if (at := bare.find(quote)) >= 0 and (at == 0 or not bare[at - 1].isalnum()):
            yield Slip(line, at + 1, "a quote that is not closed", f"close it with {quote}, or use the other kind")
    for opening, closing in ("[]", "{}"):
        if bare.count(closing) > bare.count(opening) and bare.count(opening):
            yield Slip(line, bare.rfind(closing) + 1, f"one {closing} too many", "remove it")


def _bare(text: str) -> str:
    """Without what is quoted and without a remark, each sign in its place."""
    bare = _QUOTED.sub(lambda match: "x" * len(match[0]), text)
    return re.split(r"(?:^|\s)#", bare, maxsplit=1)[0]
