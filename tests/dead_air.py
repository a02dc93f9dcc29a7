"""What a caller hears of silence that nobody meant: from what his phone received, and from when it was his turn.

Pure. A silence lies between the end of one sounding frame and the begin of the next. What of it falls into a time in
which the hotline waits for him (a menu, a script, a message) is meant; so is a pause within a prompt. The rest is a
gap.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

Span = tuple[float, float]

FRAME_S = 0.02
NOTHING_S = 0.06  # Shorter ones are the speech's own.


def gaps(
    heard: Iterable[tuple[float, bool]], waits: Sequence[Span], prompts: Sequence[Span], whole: Span
) -> list[Span]:
    """`heard`: arrival of each frame, and whether it sounds; `whole`: from the answer to the end. Longest last."""
    loud = [at for at, sounds in heard if sounds and whole[0] <= at < whole[1]]
    ends = [whole[0], *(at + FRAME_S for at in loud)]
    silences = [(end, begin) for end, begin in zip(ends, [*loud, whole[1]], strict=True) if begin - end > NOTHING_S]
    unmeant = [part for silence in silences if not _within(silence, prompts) for part in _without(silence, waits)]
    return sorted((part for part in unmeant if _length(part) > NOTHING_S), key=_length)


def spans(marks: Iterable[tuple[float, bool]], end: float) -> list[Span]:
    """Marks of a state that begins (True) and ends (False), at times in order, as spans."""
    found: list[Span] = []
    for (at, is_on), (until, _) in pairwise([*marks, (end, False)]):
        if is_on and found and found[-1][1] == at:
            found[-1] = (found[-1][0], until)
        elif is_on:
            found.append((at, until))
    return found


def _within(silence: Span, prompts: Sequence[Span]) -> bool:
    return any(begin <= silence[0] and silence[1] <= end for begin, end in prompts)


def _without(silence: Span, waits: Sequence[Span]) -> list[Span]:
    """What of a silence lies outside of all waits."""
    found, at = [], silence[0]
    for begin, end in sorted(waits):
        if end <= at or begin >= silence[1]:
            continue
        if begin > at:
            found.append((at, begin))
        at = max(at, end)
    return [*found, (at, silence[1])] if at < silence[1] else found


def _length(span: Span) -> float:
    return span[1] - span[0]
