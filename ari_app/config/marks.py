"""YAML read with its marks: every scalar stays text (`18:00`, `no`, `0755` as written) and keeps its line and column.

Any bytes give a tree or problems, never another exception. Refused: duplicate keys, anchors, aliases, merge keys,
tags, a second document, more than 1 MiB, 32 levels or 100,000 values.
"""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ari_app.config import slips
from ari_app.config.diagnostics import Problem, Shared, dotted, nearest, shown

BYTES_MAX: Final = 1 << 20
DEPTH_MAX: Final = 32
VALUES_MAX: Final = 100_000

KeyPath = tuple[str | int, ...]
Tree = str | list[Any] | dict[str, Any] | None  # None: nothing was written after the key.

# What YAML allows in a file (libyaml would say so too, but without line and column).
_FORBIDDEN: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

_SYNTAX_HINTS: Final = (
    ("scanning an alias", 'quote a key or text that begins with *: "*"'),
    ("scanning an anchor", "quote text that begins with &"),
    ("mapping values are not allowed", 'quote text that holds ": ", or mend the indentation above'),
    ("cannot start any token", "indent with spaces, not tabs; quote text that begins with @ ` % or a tab"),
    ("found unexpected end of stream", "a quote or bracket is not closed"),
    ("did not find expected node content", "a bracket or quote is not closed, or a value is missing"),
    ("did not find expected ',' or", "a bracket or brace is not closed, or a comma is missing"),
    ("did not find expected key", "compare the indentation with the lines above"),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    ("unknown escape character", "use single quotes, or write \\\\ for a backslash"),
)


@dataclass
class Marks:
    """Where everything of one file stands. `at` and `key_at` fall back to the nearest enclosing place."""

    file: str
    tree: Tree = None
    values: dict[KeyPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    keys: dict[KeyPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    lines: tuple[str, ...] = field(default=(), repr=False)

    def at(self, path: KeyPath) -> tuple[int, int]:
        """Line and column (from 1) of the value at `path`; `()` is the top of the file."""
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def key_at(self, path: KeyPath) -> tuple[int, int]:
        """Line and column of the key that ends `path` (for an item of a list: of the item)."""
        while path not in self.keys and path:
            path = path[:-1]
        return self.keys.get(path, (1, 1))

    def problem(self, path: KeyPath, code: str, message: str, hint: str = "") -> Problem:
        """A problem with the value at `path`, its message led by the dotted path."""
        return self._problem(self.at(path), path, code, message, hint)

    def key_problem(self, path: KeyPath, code: str, message: str, hint: str = "") -> Problem:
        """A problem with the key that ends `path`; the message names what encloses it."""
        return self._problem(self.key_at(path), path[:-1], code, message, hint)

    def _problem(self, at: tuple[int, int], path: KeyPath, code: str, message: str, hint: str) -> Problem:
        name = dotted(path)
        return Problem(self.file, *at, code, f"{name}: {message}" if name else message, hint)

    def under(self, path: KeyPath) -> Tree:
        """The text tree at `path`, None where there is none."""
        tree: Tree = self.tree
        for part in path:
            match tree:
                case dict() if isinstance(part, str):
                    tree = tree.get(part)
                case list() if isinstance(part, int) and part < len(tree):
                    tree = tree[part]
                case _:
                    return None
        return tree

    def names(self, path: KeyPath) -> list[str]:
        """The keys written under `path`, also those of entries that were found wrong."""
        tree = self.under(path)
        return list(tree) if isinstance(tree, dict) else []


class _Stop(Exception):
    """Nothing after this problem can be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_marked(path: Path, prefix: str, content: bytes | None = None) -> tuple[Marks, list[Problem]]:
    """The file as a text tree with marks, and what is wrong with it as YAML; `prefix` leads the codes.

    `content`: what was read from the file already, or is to be checked as if it stood there.
    """
    file = str(path)
    try:
        text = _decoded(_bytes(path, prefix) if content is None else content, file, prefix)
        return parse_marked(text, file, prefix)
    except _Stop as stop:
        return Marks(file), [stop.problem]


def parse_marked(text: str, file: str, prefix: str) -> tuple[Marks, list[Problem]]:
    """`read_marked` of text that is at hand."""
    marks = Marks(file, lines=tuple(text.splitlines()))
    reader = _Reader(marks, prefix, yaml.parse(text, Loader=yaml.CSafeLoader))
    try:
        if bad := _FORBIDDEN.search(text):
            message = f"not YAML: the character U+{ord(bad.group()):04X} is not allowed"
            raise _Stop(Problem(file, *_place(text, bad.start()), prefix + Shared.NOT_YAML, message, "remove it"))
        marks.tree = reader.document()
    except _Stop as stop:
        reader.problems.append(stop.problem)
    except yaml.YAMLError as error:
        problem = _syntax_problem(error, file, prefix)
        slip = slips.before(marks.lines, problem.line)
        if slip is not None:
            problem = Problem(file, slip.line, slip.column, problem.code, f"not YAML: {slip.message}", slip.hint)
        reader.problems.append(problem)
    return marks, reader.problems


def _bytes(path: Path, prefix: str) -> bytes:
    file = str(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # A pipe or device would block or never end.
            raise _Stop(Problem(file, 0, 0, prefix + Shared.UNREADABLE, "not a file", "name a YAML file"))
        with path.open("rb") as stream:
            content = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"cannot be read: {reason.lower()}"
        cure = _beside(path) or "check the path and its rights"
        raise _Stop(Problem(file, 0, 0, prefix + Shared.UNREADABLE, message, cure)) from None
    if len(content) > BYTES_MAX:
        message = f"larger than {BYTES_MAX:,} bytes"
        raise _Stop(Problem(file, 0, 0, prefix + Shared.TOO_LARGE, message, "split it, or remove what is not needed"))
    return content


def _beside(path: Path) -> str:
    """`did you mean 'main'?` when a file of such a name is in the folder, and this one is not."""
    try:
        return "" if path.exists() else nearest(path.stem, [each.stem for each in path.parent.glob("*.yaml")])
    except (OSError, ValueError):
        return ""


def _decoded(content: bytes, file: str, prefix: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # utf-8-sig counts from after the byte order mark.
        content = content.removeprefix(b"\xef\xbb\xbf")
        before = content[: error.start].decode("utf-8", "replace")
        message = f"not YAML: byte 0x{content[error.start]:02X} is not UTF-8"
        problem = Problem(
            file, *_place(before, len(before)), prefix + Shared.NOT_YAML, message, "save the file as UTF-8"
        )
        raise _Stop(problem) from None


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


def _syntax_problem(error: yaml.YAMLError, file: str, prefix: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    context, problem = getattr(error, "context", None) or "", getattr(error, "problem", None) or ""
    said = " ".join(part for part in (context, problem) if part) or str(error).splitlines()[0]
    begun = getattr(error, "context_mark", None)
    if begun and begun.line + 1 != line:
        said += f" (begun in line {begun.line + 1})"
    hint = next((hint for words, hint in _SYNTAX_HINTS if words in said), "")
    return Problem(file, line, column, prefix + Shared.NOT_YAML, f"not YAML: {said}", hint)


def _start(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _Reader:
    """Builds the tree from the parser's events. Events, not nodes: depth is bounded before anything recurses in C."""

    def __init__(self, marks: Marks, prefix: str, events: Iterator[Any]) -> None:
        self.problems: list[Problem] = []
        self._marks = marks
        self._prefix = prefix
        self._events = events
        self._values = 0

    def document(self) -> Tree:
        next(self._events)  # StreamStart
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return {}
        tree = self._value(next(self._events), ())
        next(self._events)  # DocumentEnd
        if not isinstance(second := next(self._events), yaml.StreamEndEvent):
            self._say(second, Shared.NOT_ALLOWED, "a second document begins here (---)", "use one file a document")
        return tree

    def _value(self, event: Any, path: KeyPath) -> Tree:
        self._values += 1
        if len(path) > DEPTH_MAX or self._values > VALUES_MAX:
            limit = f"{DEPTH_MAX} levels deep" if len(path) > DEPTH_MAX else f"{VALUES_MAX:,} values"
            raise _Stop(self._at(event, Shared.TOO_LARGE, f"more than {limit}", "split the file"))
        place = _start(event)
        self._marks.values.setdefault(path, place)
        self._marks.keys.setdefault(path, place)
        self._refuse_extras(event)
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case yaml.SequenceStartEvent():
                return self._sequence(path)
            case yaml.ScalarEvent(value=value, style=style):
                return None if value in ("", "~") and not style else str(value)
            case _:
                return ""  # An alias: already refused.

    def _mapping(self, path: KeyPath) -> dict[str, Tree]:
        tree: dict[str, Tree] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._say(event, Shared.WRONG_KIND, "a key must be plain text", 'quote it: "*"')
                self._value(event, (*path, ""))
                self._value(next(self._events), (*path, ""))
                continue
            key: str = event.value
            self._refuse_extras(event)
            if key == "<<" and not event.style:
                self._say(event, Shared.NOT_ALLOWED, "merge keys (<<) are not allowed here", "write the keys out")
            first = self._marks.keys.setdefault((*path, key), _start(event))
            value = self._value(next(self._events), (*path, key))
            if key in tree:
                message = f"duplicate key {shown(key)}; it stands already in line {first[0]}"
                self._say(event, Shared.DUPLICATE_KEY, message, "remove or rename one of the two", path)
            tree.setdefault(key, value)
        return tree

    def _sequence(self, path: KeyPath) -> list[Tree]:
        tree: list[Tree] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            tree.append(self._value(event, (*path, len(tree))))
        return tree

    def _refuse_extras(self, event: Any) -> None:
        """The messages do not show what is there: it may be a password that begins with such a sign."""
        if isinstance(event, yaml.AliasEvent):
            what, hint = "an alias (*…)", "write the value out, or quote it"
        elif event.anchor is not None:
            what, hint = "an anchor (&…)", "remove it, or quote the text"
        elif event.tag is not None:
            what, hint = "a tag (!…)", "remove it, or quote the text"
        else:
            return
        self._say(event, Shared.NOT_ALLOWED, f"{what} is not allowed here", hint)

    def _say(self, event: Any, kind: Shared, message: str, hint: str, path: KeyPath = ()) -> None:
        self.problems.append(self._at(event, kind, f"{dotted(path)}: {message}" if path else message, hint))

    def _at(self, event: Any, kind: Shared, message: str, hint: str) -> Problem:
        return Problem(self._marks.file, *_start(event), self._prefix + kind, message, hint)
