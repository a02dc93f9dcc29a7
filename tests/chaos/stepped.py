"""`hotline` with a wall clock that a test may move: what stands in the file CHAOS_CLOCK, in seconds, is added to it.

Python's `time.time` only, which is what the daemon reads; SQLite, file times and `datetime.now` stay with the machine.
"""

import os
import time
from pathlib import Path

REAL = time.time
MOVED = Path(os.environ["CHAOS_CLOCK"])


def moved() -> float:
    """The wall clock of this process."""
    try:
        return REAL() + float(MOVED.read_text())
    except FileNotFoundError:
        return REAL()


time.time = moved

from ari_app.cli import main  # noqa: E402  # Not before the clock is ours.

main()
