"""Orders of callers or agents by key, in which the first that fits is found without a look at each. Pure, mutable.

Whoever is in it may have marks, an integer with a bit for each thing he fits. An order stands in blocks; each block,
and the whole, has a summary: all marks in it, and perhaps some whose owners have left. A search that finds nothing
clears those, so that a search through a block in vain has a removal before it to be blamed on.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Key: TypeAlias = tuple[float, float, str]  # The last part is the id of a call or an agent: no two are equal.


SIZE: Final = 64


def place_of(key: Key, keys: list[Key], firsts: "array[float]") -> int:
    """Where the key stands in sorted keys, or would. `firsts`: the keys' first parts, in one piece of memory; the keys
    themselves lie all over it, and with 50,000 callers most of the time went into waiting for them."""
    at = bisect_left(firsts, key[0])
    if at < len(firsts) and firsts[at] == key[0] and keys[at] != key:
        return bisect_left(keys, key, at, bisect_right(firsts, key[0], at))
    return at


@dataclass(slots=True)
class Block:
    keys: list[Key]
    firsts: "array[float]"
    marks: list[int]
    summary: int

    def cut(self, begin: int) -> "Block":
        """Everything from there on, taken out."""
        rest = Block(self.keys[begin:], self.firsts[begin:], self.marks[begin:], self.summary)
        del self.keys[begin:], self.firsts[begin:], self.marks[begin:]
        return rest

    def join(self, other: "Block") -> None:
        self.keys += other.keys
        self.firsts += other.firsts
        self.marks += other.marks
        self.summary |= other.summary


@dataclass(slots=True)
class Order:
    """`size`: a block holds about so many; it splits at twice as many."""

    size: int = SIZE
    blocks: list[Block] = field(default_factory=list)
    last: list[Key] = field(default_factory=list)  # By block: no key in it is greater, all in the next ones are.
    last_firsts: "array[float]" = field(default_factory=lambda: array("d"))
    summary: int = 0
    count: int = 0

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Key]:
        for block in self.blocks:
            yield from block.keys

    def head(self) -> Key | None:
        """The first of all."""
        return self.blocks[0].keys[0] if self.blocks else None

    def add(self, key: Key, marks: int = 0) -> None:
        """A key not yet in it."""
        self.count += 1
        self.summary |= marks
        if not self.blocks or key > self.last[-1]:
            self._append(key, marks)
            return
        at = place_of(key, self.last, self.last_firsts)
        block = self.blocks[at]
        where = place_of(key, block.keys, block.firsts)
        block.keys.insert(where, key)
        block.firsts.insert(where, key[0])
        block.marks.insert(where, marks)
        block.summary |= marks
        if len(block.keys) > 2 * self.size:
            self._split(at)

    def remove(self, key: Key) -> None:
        """KeyError for a key that is not in it."""
        at = place_of(key, self.last, self.last_firsts)
        if at == len(self.blocks):
            raise KeyError(key)
        block = self.blocks[at]
        where = 0 if block.keys[0] is key else place_of(key, block.keys, block.firsts)
        if where == len(block.keys) or block.keys[where] != key:
            raise KeyError(key)
        self.count -= 1
        del block.keys[where], block.firsts[where], block.marks[where]
        if not block.keys:
            del self.blocks[at], self.last[at], self.last_firsts[at]
        elif 2 * len(block.keys) < self.size and len(self.blocks) > 1:
            self._merge(max(0, at - 1))

    def first(self, wanted: int) -> str | None:
        """The first with any of these marks."""
        if not self.summary & wanted:
            return None
        for block in self.blocks:
            if block.summary & wanted:
                for at, marks in enumerate(block.marks):
                    if marks & wanted:
                        return block.keys[at][2]
                block.summary &= ~wanted
        self.summary &= ~wanted
        return None

    def highest(self, wanted: int) -> str | None:
        """The first of those with the highest of these marks."""
        while marks := self.summary & wanted:
            if (found := self.first(1 << (marks.bit_length() - 1))) is not None:
                return found
        return None

    def before(self, key: Key) -> int:
        """How many stand before a key that is in it. Counted from the nearer end."""
        at = place_of(key, self.last, self.last_firsts)
        here = place_of(key, self.blocks[at].keys, self.blocks[at].firsts)
        if 2 * at < len(self.blocks):
            return here + sum([len(block.keys) for block in self.blocks[:at]])
        return here + self.count - sum([len(block.keys) for block in self.blocks[at:]])

    def remark(self, marks_of: Callable[[str], int]) -> None:
        """The marks of many have changed."""
        self.summary = 0
        for block in self.blocks:
            block.marks = [marks_of(key[2]) for key in block.keys]
            block.summary = 0
            for marks in block.marks:
                block.summary |= marks
            self.summary |= block.summary

    def _append(self, key: Key, marks: int) -> None:
        if not self.blocks:
            self.blocks, self.last, self.last_firsts = [Block([], array("d"), [], 0)], [key], array("d", key[:1])
        block = self.blocks[-1]
        block.keys.append(key)
        block.firsts.append(key[0])
        block.marks.append(marks)
        block.summary |= marks
        self.last[-1], self.last_firsts[-1] = key, key[0]
        if len(block.keys) > 2 * self.size:
            self._split(len(self.blocks) - 1)

    def _split(self, at: int) -> None:
        rest = self.blocks[at].cut(self.size)
        last = self.blocks[at].keys[-1]
        self.blocks.insert(at + 1, rest)
        self.last.insert(at, last)
        self.last_firsts.insert(at, last[0])

    def _merge(self, at: int) -> None:
        """A block that has become small joins its neighbour: a long day would leave many near-empty ones."""
        self.blocks[at].join(self.blocks.pop(at + 1))
        del self.last[at], self.last_firsts[at]
        if len(self.blocks[at].keys) > 2 * self.size:
            self._split(at)
