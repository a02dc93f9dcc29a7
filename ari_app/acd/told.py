"""What a waiting caller may be told of his expected wait: whole minutes, and never more than before without cause.

The cause is staff that left. Where the new range no longer overlaps what he was told, he is told nothing: repeating the
old one would be a lie, and a longer one is not told. Pure.
"""

import math
from typing import TypeAlias

Minutes: TypeAlias = tuple[int, int]
MINUTES_MAX = 60  # Beyond it a range means nothing to a caller.


def in_minutes(low_s: float, high_s: float) -> Minutes:
    """The range in whole minutes that holds it: 130 s to 200 s is 2 to 4 minutes."""
    low = int(low_s // 60)
    return low, max(low + 1, math.ceil(high_s / 60))


def next_told(before: Minutes | None, expected_s: tuple[float, float] | None, *, staff_left: bool) -> Minutes | None:
    """What to tell now; None: nothing. `before`: what was told last, None when nothing was."""
    if expected_s is None:
        return None
    low, high = in_minutes(*expected_s)
    if before is not None and not staff_left:
        if low >= before[1]:
            return None
        low, high = min(low, before[0]), min(high, before[1])
    return (low, high) if high <= MINUTES_MAX else None
