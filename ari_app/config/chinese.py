"""The checkers' messages in Chinese: lines as they would be shown, by the catalogue zh.yaml. Never fails.

What has no translation stays English. Places, codes, names, keys and values stay as they are.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from ari_app.config.marks import read_marked

CATALOGUE: Final = Path(__file__).with_name("zh.yaml")

_LINE: Final = re.compile(r"(.*?  [CFPSV][0-9]{3}  )(warning: )?(.*)")
_QUOTED: Final = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_WORDS: Final = "((?:(?! {3}).)+?)"  # Three spaces lead a hint.
_HOLE: Final = re.compile(r"('\{\}'|\{\})")
_FILLED: Final = re.compile(r"\{([0-9])(?::([a-z]+))?\}")
_PLACE: Final = re.compile(rf"(?:[^\s:'\"]|{_QUOTED})+: ")  # `nodes.menu.keys: ` before a message.
_COUNTED: Final = re.compile(r"[0-9,]+ [a-z]+")
_COUNTS: Final = re.compile(r"[0-9,]+ [a-z]+(, [0-9,]+ [a-z]+)*(: ok(, [0-9,]+ [a-z]+)?)?")
_GAP: Final = re.compile(" {3}(?! )")
_LEAD: Final = re.compile(r"[0-9:]{8}  | +|(FAILED  )?(.*?\.call:[0-9]+: )?")
_TRIED_MAX: Final = 8  # Places where a message may begin or end.
_DEPTH_MAX: Final = 6

InChinese: TypeAlias = Callable[[str], str | None]
"""A message in Chinese; None when it has no translation."""


@dataclass(frozen=True)
class Template:
    """An English text with holes, as the code has it, and the Chinese one."""

    english: str
    chinese: str
    pieces: tuple[str, ...]  # What stands between the holes.
    pattern: re.Pattern[str]

    def match(self, text: str) -> tuple[str, ...] | None:
        """What fills the holes; None when the text is no such one."""
        if not all(piece in text for piece in self.pieces):  # Most of them: sooner told so than by the pattern.
            return None
        found = self.pattern.fullmatch(text)
        return found.groups() if found is not None else None


Part = tuple[Template, ...]


def translated(text: str) -> str:
    """Each line of a message in Chinese, as far as the catalogue has it."""
    return "\n".join(_line(line) for line in text.split("\n"))


@cache
def catalogue() -> dict[str, Part]:
    """The parts of zh.yaml, in each the template that says most before those that say less."""
    marks, problems = read_marked(CATALOGUE, "C")
    assert not problems and isinstance(marks.tree, dict), problems
    parts: dict[str, Any] = marks.tree
    return {name: tuple(sorted(map(_template, part, part.values()), key=_rank)) for name, part in parts.items()}


def _template(english: str, chinese: str) -> Template:
    pieces = _HOLE.split(english)
    pattern = "".join({"'{}'": _QUOTED, "{}": _WORDS}.get(piece) or re.escape(piece) for piece in pieces)
    return Template(english, chinese, tuple(pieces[::2]), re.compile(pattern, re.S))


def _rank(template: Template) -> tuple[int, int]:
    return -sum(map(len, template.pieces)), len(template.pieces)


def _line(line: str) -> str:
    if (found := _LINE.fullmatch(line)) is None:
        return _said(line, _whole) or _counts(line) or _of_a_call(line)
    where, warning, said = found.groups()
    return f"{where}{'警告：' if warning else ''}{_said(said, _placed) or _in_parts(said, _placed)}"


def _of_a_call(line: str) -> str:
    """A line of `hotline flow try` or `hotline flow test`."""
    found = _LEAD.match(line)
    lead = found[0] if found else ""
    return lead + (_said(line[len(lead) :], _walked) or _in_parts(line[len(lead) :], _walked))


def _counts(line: str) -> str | None:
    """`2 errors, 1 warning` and `3 flows, 12 nodes: ok`."""
    if not _COUNTS.fullmatch(line):
        return None
    words = {template.english: template.chinese for template in catalogue()["counts"]}

    def counted(found: re.Match[str]) -> str:
        number, _, word = found[0].partition(" ")
        return f"{number} {words.get(word.removesuffix('s'), word)}"

    return _COUNTED.sub(counted, line).replace(": ok", "：没有错误").replace(", ", "，")


def _said(said: str, in_chinese: InChinese) -> str | None:
    """A message with its hints, three spaces between them; None when one of them has no translation."""
    if (only := in_chinese(said)) is not None:
        return only
    for found in reversed(list(_GAP.finditer(said))[-_TRIED_MAX:]):  # Quoted values may hold spaces, too.
        if (hint := _walked(said[found.end() :])) and (message := _said(said[: found.start()], in_chinese)):
            return f"{message}   {hint}"
    return None


def _in_parts(said: str, in_chinese: InChinese) -> str:
    """As much of it as has a translation."""
    message, *hints = _GAP.split(said)
    return "   ".join([in_chinese(message) or message, *(_walked(hint) or hint for hint in hints)])


def _whole(text: str) -> str | None:
    return _in_part("lines", text)


def _walked(text: str) -> str | None:
    return _whole(text) or _in_part("calls", text)


def _placed(text: str) -> str | None:
    """A message with its place before it, if it has one: `nodes.menu.keys: `; a key may hold anything."""
    places = [_PLACE.match(text), *islice(re.finditer(": ", text), _TRIED_MAX)]
    for place in (*(text[: found.end()] for found in places if found), ""):
        if (found_ := _whole(text[len(place) :])) is not None:
            return place + found_
    return None


def _in_part(part: str, text: str, depth: int = 0) -> str | None:
    for template in catalogue()[part] if depth < _DEPTH_MAX else ():
        if (holes := template.match(text)) is not None:
            return _FILLED.sub(_filling(holes, depth + 1), template.chinese)
    return None


def _filling(holes: tuple[str, ...], depth: int) -> Callable[[re.Match[str]], str]:
    def filled(found: re.Match[str]) -> str:
        text = holes[int(found[1]) - 1]
        return (_in_part(found[2], text, depth) if found[2] else None) or text

    return filled
